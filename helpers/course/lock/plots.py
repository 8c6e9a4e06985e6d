"""Pictures of the Lock chapter: who is inside and who waits, speedup under its bounds, ways of counting."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from helpers.course.lock.measure import STEPS, LockSweep, ceiling
from helpers.models import amdahl
from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    INK,
    SERIAL_LINE,
    SHADE,
    SMALL_SIZE,
    TEXT_SIZE,
    axes_height,
    axes_width,
    darker,
    fold_head,
    new_figure,
    paler,
    rounds_text,
    style_axes,
    text_width,
    write_head,
    write_note,
)
from helpers.plots.labels import Labels
from helpers.plots.live import MovingPicture
from helpers.records import doubts_of
from helpers.words import percent, whole_percents

#: name: colour, hatch, thickness of the box in a lane; never colour alone
PARTS = {
    "free": (paler(COLOURS["processes"], 0.35), None, 0.34),
    "waiting": ("#F7EFA0", "//////", 0.34),
    "holding": (COLOURS["dask"], None, 0.76),
}
LANES_TITLE = {"locked": "Who is inside, and who waits", "unlocked": "Nobody is kept out, nobody waits"}
KEPT, LOST = COLOURS["interpreters"], COLOURS["dask"]
#: steps of the plain loop that the lanes show at least: a whole run of steps that compute would be too fine to see
WINDOW = 20
#: seconds shown for each that steps which sleep spend inside, one worker after the other: what a quiet machine takes
SPARE = 1.25
#: points kept free at the right of the speedups for the labels on the lines
ROOM = 92


def plot_lanes(run, ax=None, *, window=None):
    """Return the Axes with one lane a worker: free, waiting for the lock, inside it, from the beginning of `run`.

    `run` is a LockRun or None; `window` the seconds shown, by default all.
    """
    ax = new_figure().add_axes((0.1, 0.185, 0.88, 0.61)) if ax is None else ax
    _style_lanes(ax, run.n_workers if run else 1, window or (run.wall if run else 1.0))
    kind = "locked" if run is None else run.kind
    if run is None:
        write_note(ax, "no run yet")
    else:
        for part, boxes in zip(PARTS, _lane_boxes(ax, kind), strict=True):
            boxes.set_path(_path(run, part, ax.get_xlim()[1]))
    write_head(ax, LANES_TITLE[kind], [describe_shares(run)])
    _write_cut(ax).set_text(describe_cut(run, ax.get_xlim()[1] / 1000))
    _draw_keys(ax, kind)
    show_doubts(ax, doubts_of(run.badges) if run else ())
    return ax


def _style_lanes(ax, n_workers, window):
    ax.set_xlim(0, 1000 * window)
    ax.set_ylim(n_workers - 0.5, -0.5)
    style_axes(ax, "milliseconds since the run began", grid="x")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    step = max(1, ceil(10 / (axes_height(ax) / n_workers)))
    ax.set_yticks(range(0, n_workers, step), [f"worker {n + 1}" for n in range(0, n_workers, step)])


def _part_style(name, kind):
    """Return the colour, hatch and edge of a part; what is inside without a lock looks like what gets lost."""
    colour, hatch, _ = PARTS[name]
    if name == "holding" and kind == "unlocked":
        return paler(LOST, 0.6), "xxxxxx", LOST
    return colour, hatch, "white" if name == "holding" else GREY


def _lane_boxes(ax, kind):
    """Return a patch for all boxes of each part, still empty, in the order of PARTS."""
    boxes = []
    for name in PARTS:
        colour, hatch, edge = _part_style(name, kind)
        width = 0.3 if name == "holding" else 0.0
        patch = PathPatch(
            Path(np.empty((0, 2))), facecolor=colour, edgecolor=edge, hatch=hatch, linewidth=width, zorder=3
        )
        boxes.append(ax.add_patch(patch))
    return boxes


def _path(run, part, right):
    """Return all boxes of one part of all lanes as one path, in milliseconds, up to `right`."""
    corners, thickness = [], PARTS[part][2]
    for number, lane in enumerate(run.lanes):
        asked, got, released = (
            np.frombuffer(times) if len(times) else np.empty(0) for times in (lane.asked, lane.got, lane.released)
        )
        spans = {
            "free": (np.append(lane.began, released), np.append(asked, lane.ended)),
            "waiting": (asked, got),
            "holding": (got, released),
        }[part]
        starts, ends = 1000 * spans[0], np.minimum(1000 * spans[1], right)
        keep = ends - starts > right / 4000
        low, high = number - thickness / 2, number + thickness / 2
        corners += [
            ((a, low), (b, low), (b, high), (a, high), (a, low)) for a, b in zip(starts[keep], ends[keep], strict=True)
        ]
    return Path.make_compound_path_from_polys(np.array(corners)) if corners else Path(np.empty((0, 2)))


def describe_shares(run):
    """Return in words how the workers of a LockRun, or None, spent their time."""
    if run is None:
        return "the beginning of the last run with the most workers"
    shares = whole_percents(run.shares())
    names = {"free": "free", "waiting": "waiting", "holding": "inside"}
    parts = ", ".join(f"{name} {shares[part]} %" for part, name in names.items())
    return f"all of {'the warm-up' if run.round == 0 else 'the last run'}: {parts}"


def describe_cut(run, window):
    """Return in words how much of a LockRun the lanes show if they end before it; `run` may be None."""
    ends_before = run is not None and run.wall > 1.005 * window
    return f"shown: the first {1000 * window:,.0f} of {1000 * run.wall:,.0f} ms" if ends_before else ""


def _write_cut(ax):
    """Return the line under the lanes for `describe_cut`, still empty."""
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    style = {"ha": "center", "va": "top", "size": SMALL_SIZE, "color": GREY, "family": FONT, "gid": "cut"}
    return ax.annotate("", (0.5, 0), (0, -25), **place, **style)


def lanes_window(setting):
    """Return the seconds that the lanes of a LockSetting show: more where steps wait for each other, or for CPUs."""
    n_steps, seconds = STEPS[setting.work]
    if setting.work == "compute":
        return seconds * WINDOW * max(1, max(setting.counts) / setting.usable_cpus)
    return seconds * max(WINDOW, SPARE * n_steps * setting.share * setting.locked)


def _draw_keys(ax, kind):
    """Draw a swatch with its name for each part over the lanes."""
    names = {
        "free": "free",
        "waiting": "waiting for the lock",
        "holding": "inside" if kind == "locked" else "inside, nobody kept out",
    }
    left, high = 0.0, SMALL_SIZE / axes_height(ax)
    for name, (_, _, thickness) in PARTS.items():
        if kind == "unlocked" and name == "waiting":
            continue
        colour, hatch, edge = _part_style(name, kind)
        wide = 14 / axes_width(ax)
        style = {"facecolor": colour, "edgecolor": GREY if edge == "white" else edge, "hatch": hatch, "linewidth": 0.4}
        ax.add_patch(
            Rectangle(
                (left, 1 + 0.95 * high + (0.76 - thickness) / 2 * high),
                wide,
                thickness * 1.2 * high,
                transform=ax.transAxes,
                clip_on=False,
                **style,
            )
        )
        ax.annotate(
            names[name],
            (left + wide, 1),
            (4, 0.85 * SMALL_SIZE),
            xycoords="axes fraction",
            textcoords="offset points",
            size=SMALL_SIZE,
            color=GREY,
            family=FONT,
            annotation_clip=False,
            gid="key",
        )
        left += wide + (text_width(names[name], SMALL_SIZE) + 18) / axes_width(ax)


# ── speedup under its bounds ────────────────────────────────────────────────────────────────


def plot_lock_speedup(sweep, ax=None):
    """Return the Axes with the measured speedup of a LockSweep, Amdahl's curve and the ceiling 1/share."""
    ax = new_figure().add_axes((0.07, 0.185, 0.91, 0.62)) if ax is None else ax
    view = _SpeedupView(
        ax, sweep.counts() or (1, 2), sweep.share, sweep.locked, sweep.work, sweep.usable_cpus, _data_top(sweep)
    )
    view.show(sweep)
    return ax


def _data_top(sweep):
    """Return the highest end of an interval, or 0."""
    found = [sweep.speedup(n) for n in sweep.counts()] if sweep is not None else []
    return max((e.high if e.high is not None else e.median for e in found if e is not None), default=0.0)


def _top(counts, share, locked, work, cpus, data_top):
    """Return the top of the y axis: what the lock and the CPUs allow, or the data if higher."""
    most = ceiling(max(counts), share if locked else 0, max(2, cpus) if work == "compute" else None)
    return max(1.12 * most, 1.6, 0.5 * ceil(2.1 * data_top) if 1.05 * data_top > 1.12 * most else 0)


class _SpeedupView:
    """The speedup axes: what stays is drawn by the constructor, what moves by `show`."""

    def __init__(self, ax, counts, share, locked, work, cpus, data_top=0.0):
        self.ax, self.counts, self.share = ax, sorted(counts), share
        self.locked, self.work, self.cpus = locked, work, cpus
        most, top = max(counts), _top(counts, share, locked, work, cpus, data_top)
        left = 0.6
        right = most + (most - left) * ROOM / (axes_width(ax) - ROOM)
        ax.set_xlim(left, right)
        ax.set_ylim(0, top)
        style_axes(ax, "workers", grid="both")
        ax.set_xticks(self.counts)
        ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        self.lines, self.shade = [], None
        if work == "compute" and most > cpus:
            ax.axvspan(cpus + 0.5, right, color=SHADE, zorder=0)
            self.shade = cpus + 0.5
        x = np.linspace(1, most, 200)
        busy = cpus if work == "compute" else None  # no more than that are at work at a time
        name = "ceiling" if locked or busy else "ideal"
        self._bound(name, x, [ceiling(n, share if locked else 0, busy) for n in x], ":", SERIAL_LINE)
        if locked:
            self._bound("Amdahl", x, [amdahl(ceiling(n, 0, busy), share) for n in x], "--", INK)
        colour = COLOURS["processes"] if locked else COLOURS["dask"]
        self.marker, self.colour = "o" if locked else "D", colour
        self.curve = ax.plot([], [], color=colour, lw=1.4, zorder=4)[0]
        self.full = ax.plot([], [], self.marker, color=colour, ms=6, zorder=6)[0]
        self.hollow = ax.plot([], [], self.marker, mfc="white", mec=colour, mew=1.3, ms=6, zorder=6)[0]
        self.bars = LineCollection([], colors=[colour], linewidths=1.2, zorder=5)
        ax.add_collection(self.bars, autolim=False)
        write_head(ax, "Speedup over the plain loop", [" "])
        self.how = next(text for text in ax.texts if text.get_gid() == "how")
        self.note = ax.text(0.5, 0.1, "", transform=ax.transAxes, ha="center", size=TEXT_SIZE, color=GREY, family=FONT)
        self.lasting = [self.curve, self.bars, self.full, self.hollow, self.how, self.note]

    def _bound(self, name, x, y, style, colour):
        y = np.array(y)
        self.ax.plot(x, y, style, color=colour, lw=1.3, zorder=3)
        seen = y <= 0.99 * self.ax.get_ylim()[1]
        self.lines.append((name, x[seen], y[seen], GREY if colour == SERIAL_LINE else colour))

    def show(self, sweep):
        """Show the sweep, or None; return the artists that moved."""
        found = [(n, sweep.speedup(n)) for n in sweep.counts()] if sweep is not None else []
        found = [(n, estimate) for n, estimate in found if estimate is not None]
        over = [self.work == "compute" and n > self.cpus for n, _ in found]
        values = [estimate.median for _, estimate in found]
        self.curve.set_data([n for n, _ in found], values)
        for line, wanted in ((self.full, False), (self.hollow, True)):
            line.set_data(
                [n for (n, _), o in zip(found, over, strict=True) if o is wanted],
                [v for v, o in zip(values, over, strict=True) if o is wanted],
            )
        self.bars.set_segments([[(n, e.low), (n, e.high)] for n, e in found if e.low is not None])
        text, size = fold_head(self.ax, self._how(found))
        self.how.set(text=text, size=size)
        self.note.set_text("" if found else "no round yet" if sweep is not None else "nothing measured yet")
        doubt = show_doubts(self.ax, sweep.doubts()) if found else None
        return [*self.lasting, *self._label(found), *([doubt] if doubt else [])]

    def _how(self, found):
        """Return the parts of the grey line."""
        rounds = {estimate.n_rounds for _, estimate in found}
        inside = f"{percent(self.share)} of each step inside" if self.locked else "no lock"
        steps = "steps sleep" if self.work == "wait" else "steps compute"
        return [*([rounds_text(rounds)] if rounds else []), inside, steps]

    def _label(self, found):
        """Write the labels on the lines; return them."""
        before, labels = set(self.ax.texts), Labels(self.ax)
        for name, x, y, colour in self.lines:
            labels.avoid(x, y)
            labels.add(name, x[-1], y[-1], colour, size=SMALL_SIZE)
        if found:
            x, y = [n for n, _ in found], [estimate.median for _, estimate in found]
            labels.avoid(x, y)
            labels.add(f"measured {y[-1]:.2f}", x[-1], y[-1], darker(self.colour), weight="bold")
        if self.shade:
            labels.add_shade(self.shade, "more workers than CPUs")
        labels.place()
        return [text for text in self.ax.texts if text not in before]


# ── the card of the lab ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class LockSetting:
    """What LockLab is set to, and the LockSweep measured with that, or None: what its picture shows."""

    counts: tuple[int, ...]
    share: float
    locked: bool
    work: str
    usable_cpus: int
    sweep: LockSweep | None = None

    @property
    def kind(self):
        """As in a LockRun."""
        return "locked" if self.locked else "unlocked"


class LockCard(MovingPicture):
    """The picture of LockLab: speedups, lanes, and updates lost; of a LockSetting."""

    def frame(self, setting):
        """The setting, and the top of the data where the bounds do not leave it room."""
        top, least = _data_top(setting.sweep), _top(*_bounds(setting), 0.0)
        return setting.counts, setting.share, setting.locked, setting.work, ceil(top) if 1.05 * top > least else 0

    def build(self, figure, setting):
        """Draw the axes and bounds of the setting."""
        speedups = figure.add_axes((0.048, 0.185, 0.43, 0.625))
        lanes, updates = figure.add_axes((0.575, 0.375, 0.41, 0.435)), figure.add_axes((0.575, 0.075, 0.41, 0.06))
        self.view = _SpeedupView(speedups, *_bounds(setting), _data_top(setting.sweep))
        self.n_workers, self.lanes = max(setting.counts), lanes
        self.window = lanes_window(setting)
        _style_lanes(lanes, self.n_workers, self.window)
        self.boxes = [self.keep(boxes) for boxes in _lane_boxes(lanes, setting.kind)]
        write_head(lanes, LANES_TITLE[setting.kind], [" "])
        self.how = self.keep(next(text for text in lanes.texts if text.get_gid() == "how"))
        self.cut = self.keep(_write_cut(lanes))
        _draw_keys(lanes, setting.kind)
        style = {"ha": "center", "va": "center", "size": TEXT_SIZE, "color": GREY, "family": FONT}
        self.note = self.keep(lanes.text(0.5, 0.5, "", transform=lanes.transAxes, **style))
        self.updates = [self.keep(artist) for artist in _update_bar(updates)]
        for artist in self.view.lasting:
            self.keep(artist)

    def move(self, setting):
        """Show what was measured."""
        run = setting.sweep.last_run(self.n_workers) if setting.sweep is not None else None
        right = self.lanes.get_xlim()[1]
        for part, boxes in zip(PARTS, self.boxes, strict=True):
            boxes.set_path(_path(run, part, right) if run is not None else Path(np.empty((0, 2))))
        self.how.set_text(describe_shares(run))
        self.cut.set_text(describe_cut(run, self.window))
        self.note.set_text("" if run is not None else "one lane a worker, filled once it has run")
        self._show_updates(run)
        return [*self.boxes, self.how, self.cut, self.note, *self.updates, *self.view.show(setting.sweep)]

    def _show_updates(self, run):
        kept, lost, words = self.updates
        share = run.counted / run.expected if run is not None else 0.0
        kept.set_width(share)
        lost.set_x(share)
        lost.set_width(1 - share if run is not None else 0.0)
        words.set_text(describe_updates(run))


def _bounds(setting):
    return setting.counts, setting.share, setting.locked, setting.work, setting.usable_cpus


def _update_bar(ax):
    """Draw the empty bar of updates; return what moves: kept, lost, words."""
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.axis("off")
    ax.add_patch(Rectangle((0, 0), 1, 1, facecolor=SHADE, edgecolor="none"))
    kept = ax.add_patch(Rectangle((0, 0), 0, 1, facecolor=KEPT, edgecolor="none"))
    style = {"facecolor": paler(LOST, 0.6), "edgecolor": LOST, "hatch": "xxxxx", "linewidth": 0.0}
    lost = ax.add_patch(Rectangle((0, 0), 0, 1, **style))
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom", "annotation_clip": False}
    words = ax.annotate("", (0, 1), (0, 3), size=TEXT_SIZE, color=INK, family=FONT, **place)
    return kept, lost, words


def describe_updates(run):
    """Return in words how many updates of the counter were kept and lost; `run` may be None."""
    if run is None:
        return "updates of the counter: none yet"
    lost = f"{run.lost:,} lost (hatched)" if run.lost else "none lost"
    return f"updates of the counter: {run.expected:,} made, {run.counted:,} counted, {lost}"
