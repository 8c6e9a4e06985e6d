"""The card of the speedup lab: the speedups, and who ran what."""

from __future__ import annotations

from helpers.plots.live import MovingPicture
from helpers.plots.speedup import BOTTOM, HEIGHT, draw_axes, draw_guess, draw_points, look_at, reach
from helpers.plots.timeline import draw_lanes, draw_run, lanes_of

LEFT, RIGHT = (0.05, BOTTOM, 0.422, HEIGHT), (0.562, BOTTOM, 0.425, HEIGHT)


def draw_speedup_card(sweep, run, *, guess=None, n_workers=None, cpus=None):
    """Return a Figure of 900 × 350 pixels at scale 1: the speedups, and who ran what in `run`.

    Arguments as of `plot_speedup` and `plot_timeline`; `sweep` and `run` may be None. As long as there is no
    parallel run to show but a problem, the latest problem takes its place.
    """
    return SpeedupCard().still((sweep, run, guess, n_workers, cpus))


def _run_to_show(sweep, run):
    """Return who is shown at the right: the run, or the latest problem as long as there is nothing else to be seen."""
    problem = sweep is not None and sweep.problems and (run is None or run.engine == "serial")
    return sweep.problems[-1] if problem else run


class SpeedupCard(MovingPicture):
    """The picture of `draw_speedup_card`; of a guess that moves, nothing else is drawn anew.

    The record is (sweep, run, guess, n_workers, cpus), as the function takes them.
    """

    _of = _still = None

    def frame(self, record):
        """All but the guess, unless the axes must become higher for it."""
        seen = self._look(record)
        return self._still, reach(record[2], seen.top)

    def _look(self, record):
        """Return what is drawn of the sweep, looked at once."""
        sweep, run, _, n_workers, cpus = record
        still = id(sweep), id(run), n_workers, cpus
        if still != self._still:  # both are kept here: no other object gets their ids meanwhile
            self._still, self._of, self._seen = still, (sweep, run), look_at(sweep, n_workers, cpus)
        return self._seen

    def build(self, figure, record):
        """Draw both axes, without the guess."""
        sweep, run, guess, *_ = record
        seen, shown = self._look(record), _run_to_show(sweep, run)
        self.ax = figure.add_axes(LEFT)
        self.labels = draw_axes(self.ax, seen, reach(guess, seen.top))
        draw_points(self.ax, self.labels, sweep, seen)
        right = figure.add_axes(RIGHT)
        draw_lanes(right, lanes_of(shown))
        draw_run(right, shown)

    def move(self, record):
        """The guess."""
        return draw_guess(self.ax, self.labels, record[2]) if record[2] is not None else []


class LiveSpeedupCard(SpeedupCard):
    """The same picture while it is measured: the axes stay, with some room, and all that is in them moves."""

    _lanes = None

    def frame(self, record):
        """What the limits and the names of the lanes depend on."""
        sweep, run, guess, *_ = record
        seen = self._look(record)
        lanes = lanes_of(_run_to_show(sweep, run))
        if not self._fits(lanes):
            self._lanes = lanes and (*lanes[:2], 1.25 * lanes[2])
        top = look_at(None, seen.counts, seen.cpus).top
        while top < seen.top:
            top *= 1.2
        return tuple(seen.counts), seen.cpus, reach(guess, top), self._lanes

    def _fits(self, lanes):
        """Return whether a run with these lanes fits into those that are drawn, and fills half of them."""
        if lanes is None or self._lanes is None:
            return lanes is self._lanes
        return lanes[:2] == self._lanes[:2] and 0.5 * self._lanes[2] <= lanes[2] <= self._lanes[2]

    def build(self, figure, record):
        """Draw the axes alone."""
        *_, top, lanes = self.frame(record)
        self.axes = figure.add_axes(LEFT), figure.add_axes(RIGHT)
        self.labels = draw_axes(self.axes[0], self._look(record), top)
        draw_lanes(self.axes[1], lanes)
        self._stays = {*self.axes[0].get_children(), *self.axes[1].get_children()}

    def move(self, record):
        """All that is in the axes."""
        sweep, run, guess, *_ = record
        left, right = self.axes
        labels = self.labels.copy()
        draw_points(left, labels, sweep, self._look(record))
        if guess is not None:
            draw_guess(left, labels, guess)
        draw_run(right, _run_to_show(sweep, run))
        moved = [artist for ax in self.axes for artist in ax.get_children() if artist not in self._stays]
        return sorted(moved, key=lambda artist: artist.zorder)
