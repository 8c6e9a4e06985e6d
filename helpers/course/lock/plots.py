"""Pictures of the Lock chapter: who is inside and who waits, speedup under its bounds, ways of counting."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from helpers.course.lock.measure import STEPS
from helpers.models import amdahl
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
    new_figure,
    paler,
    style_axes,
    text_width,
    write_head,
    write_note,
)
from helpers.plots.labels import Labels
from helpers.plots.live import LivePicture

#: name: colour, hatch, thickness of the box in a lane; never colour alone
PARTS = {
    "free": (paler(COLOURS["processes"], 0.35), None, 0.34),
    "waiting": ("#F7EFA0", "//////", 0.34),
    "holding": (COLOURS["dask"], None, 0.76),
}
LANES_TITLE = {"locked": "Who is inside, and who waits", "unlocked": "Nobody is kept out, nobody waits"}
KEPT, LOST = COLOURS["interpreters"], COLOURS["dask"]
#: steps of the plain loop that the lanes show: a whole run would be too fine to see
WINDOW = 20
#: points kept free at the right of the speedups for the labels on the lines
ROOM = 92


def plot_lanes(run, ax=None, *, window=None):
    """Return the Axes with one lane a worker: free, waiting for the lock, inside it, from the beginning of `run`.

    `run` is a LockRun or None; `window` the seconds shown, by default all.
    """
    ax = new_figure().add_axes((0.1, 0.145, 0.88, 0.65)) if ax is None else ax
    _style_lanes(ax, run.n_workers if run else 1, window or (run.wall if run else 1.0))
    kind = "locked" if run is None else run.kind
    if run is None:
        write_note(ax, "no run yet")
    else:
        for part, boxes in zip(PARTS, _lane_boxes(ax, kind), strict=True):
            boxes.set_path(_path(run, part, ax.get_xlim()[1]))
    write_head(ax, LANES_TITLE[kind], [describe_shares(run)])
    _draw_keys(ax, kind)
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
    shares = run.shares()
    names = {"free": "free", "waiting": "waiting", "holding": "inside"}
    parts = ", ".join(f"{name} {100 * shares[part]:.0f} %" for part, name in names.items())
    return f"all of {'the warm-up' if run.round == 0 else 'the last run'}: {parts}"


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
    ax = new_figure().add_axes((0.07, 0.145, 0.91, 0.66)) if ax is None else ax
    view = _SpeedupView(
        ax, sweep.counts() or (1, 2), sweep.share, sweep.locked, sweep.work, sweep.usable_cpus, _data_top(sweep)
    )
    view.show(sweep)
    return ax


def ceiling(n_workers, share):
    """Return the speedup that nobody can beat: only one is inside at a time, and there are `n_workers`.

    >>> ceiling(2, 0.25), ceiling(8, 0.25)
    (2.0, 4.0)
    """
    bound = np.minimum(n_workers, 1 / share if share else np.inf)
    return bound if np.ndim(bound) else float(bound)


def _data_top(sweep):
    """Return the highest end of an interval, or 0."""
    found = [sweep.speedup(n) for n in sweep.counts()] if sweep is not None else []
    return max((e.high if e.high is not None else e.median for e in found if e is not None), default=0.0)


def _top(counts, share, locked, work, cpus, data_top):
    """Return the top of the y axis: what the bounds and the CPUs allow, or the data if higher."""
    most = max(counts) if not locked else ceiling(max(counts), share)
    if work == "compute":
        most = min(most, max(2, cpus))
    return max(1.12 * most, 1.6, 0.5 * ceil(2.1 * data_top) if 1.05 * data_top > 1.12 * most else 0)


class _SpeedupView:
    """The speedup axes: what stays is drawn by the constructor, what moves by `show`."""

    def __init__(self, ax, counts, share, locked, work, cpus, data_top=0.0):
        self.ax, self.counts, self.share, self.locked, self.work, self.cpus = (
            ax,
            sorted(counts),
            share,
            locked,
            work,
            cpus,
        )
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
        self._bound("ideal" if not locked else "ceiling", x, x if not locked else ceiling(x, share), ":", SERIAL_LINE)
        if locked:
            self._bound("Amdahl", x, np.array([amdahl(n, share) for n in x]), "--", INK)
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
        self.texts = []

    def _bound(self, name, x, y, style, colour):
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
        self.how.set_text(self._how(sweep, found))
        self.note.set_text("" if found else "no round yet" if sweep is not None else "nothing measured yet")
        self._label(found)
        return [self.curve, self.bars, self.full, self.hollow, self.how, self.note, *self.texts]

    def _how(self, sweep, found):
        steps = "steps sleep" if self.work == "wait" else "steps compute"
        if not found:
            return f"{100 * self.share:.0f} % of each step inside · {steps}"
        rounds = max(estimate.n_rounds for _, estimate in found)
        few = f"{rounds} round{'s' * (rounds > 1)}: no interval"
        bars = f"median of {rounds} rounds, bars 95 %" if found[0][1].low is not None else few
        return f"{bars} · {100 * self.share:.0f} % inside · {steps}"

    def _label(self, found):
        for text in self.texts:
            text.remove()
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
        self.texts = [text for text in self.ax.texts if text not in before]


# ── the card of the lab ─────────────────────────────────────────────────────────────────────


class LockCard:
    """The picture of LockLab, 900 × 350 pixels at scale 1: speedups, lanes, and updates lost.

    Made for one setting; `png` shows a LockSweep (or None) in it, drawing only what moves.
    """

    def __init__(self, counts, share, locked, work, cpus, data_top=0.0, scale=1.0):
        figure = new_figure()
        self.n_workers, self.kind = max(counts), "locked" if locked else "unlocked"
        speedups = figure.add_axes((0.048, 0.145, 0.43, 0.665))
        lanes, updates = figure.add_axes((0.575, 0.375, 0.41, 0.435)), figure.add_axes((0.575, 0.075, 0.41, 0.06))
        self.view = _SpeedupView(speedups, counts, share, locked, work, cpus, data_top)
        self.lanes = lanes
        _style_lanes(lanes, self.n_workers, WINDOW * STEPS[work][1])
        self.boxes = list(_lane_boxes(lanes, self.kind))
        write_head(lanes, LANES_TITLE[self.kind], [" "])
        self.how = next(text for text in lanes.texts if text.get_gid() == "how")
        _draw_keys(lanes, self.kind)
        self.note = lanes.text(
            0.5, 0.5, "", transform=lanes.transAxes, ha="center", va="center", size=TEXT_SIZE, color=GREY, family=FONT
        )
        self._build_updates(updates)
        moving = [*self.boxes, self.how, self.note, self.kept, self.lost, self.words, *self.view.show(None)]
        self.live = LivePicture(figure, moving, scale)

    def _build_updates(self, ax):
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ax.axis("off")
        ax.add_patch(Rectangle((0, 0), 1, 1, facecolor=SHADE, edgecolor="none"))
        self.kept = ax.add_patch(Rectangle((0, 0), 0, 1, facecolor=KEPT, edgecolor="none"))
        self.lost = ax.add_patch(
            Rectangle((0, 0), 0, 1, facecolor=paler(LOST, 0.6), edgecolor=LOST, hatch="xxxxx", linewidth=0.0)
        )
        self.words = ax.annotate(
            "",
            (0, 1),
            (0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            va="bottom",
            size=TEXT_SIZE,
            color=INK,
            family=FONT,
            annotation_clip=False,
        )

    def png(self, sweep):
        """Return the card with `sweep` in it as PNG bytes."""
        run = sweep.last_run(self.n_workers) if sweep is not None else None
        right = self.lanes.get_xlim()[1]
        for part, boxes in zip(PARTS, self.boxes, strict=True):
            boxes.set_path(_path(run, part, right) if run is not None else Path(np.empty((0, 2))))
        self.how.set_text(describe_shares(run))
        self.note.set_text("" if run is not None else "one lane a worker, filled once it has run")
        self._show_updates(run)
        moved = self.view.show(sweep)
        for artist in moved:
            artist.set_animated(True)
        self.live.moving = [*self.boxes, self.how, self.note, self.kept, self.lost, self.words, *moved]
        return self.live.png()

    def _show_updates(self, run):
        kept = run.counted / run.expected if run is not None else 0.0
        self.kept.set_width(kept)
        self.lost.set_x(kept)
        self.lost.set_width(1 - kept if run is not None else 0.0)
        self.words.set_text(describe_updates(run))


def describe_updates(run):
    """Return in words how many updates of the counter were kept and lost; `run` may be None."""
    if run is None:
        return "updates of the counter: none yet"
    lost = f"{run.lost:,} lost (hatched)" if run.lost else "none lost"
    return f"updates of the counter: {run.expected:,} made, {run.counted:,} counted, {lost}"


# ── ways of counting ────────────────────────────────────────────────────────────────────────


def plot_counting(sweep, ax=None):
    """Return the Axes with a bar for each way of counting: time of an update, and the share of updates lost."""
    ax = new_figure(2.6).add_axes((0.145, 0.19, 0.835, 0.57)) if ax is None else ax
    ways = sweep.ways()
    estimates = [sweep.seconds_per_update(way) for way in ways]
    values = [1e9 * estimate.median for estimate in estimates]
    style_axes(ax, "nanoseconds an update, all workers together", grid="x")
    ax.set_ylim(len(ways) - 0.45, -0.55)
    ax.set_yticks(range(len(ways)), ways)
    right = max(1e9 * (e.high or e.median) for e in estimates)
    ax.set_xlim(0, 1.42 * right)
    for row, (way, value, estimate) in enumerate(zip(ways, values, estimates, strict=True)):
        lost = sweep.lost(way)
        ax.barh(
            row,
            value,
            0.6,
            facecolor=paler(LOST, 0.6) if lost > 0 else KEPT,
            edgecolor=LOST if lost > 0 else "none",
            hatch="xxxx" if lost > 0 else None,
            linewidth=0.0,
            zorder=3,
        )
        if estimate.low is not None:
            ax.plot([1e9 * estimate.low, 1e9 * estimate.high], [row, row], color=INK, lw=1.2, zorder=5)
        end = 1e9 * (estimate.high or estimate.median)
        words = f"{value:,.3g} ns, " + (f"{100 * lost:.2g} % of the updates lost" if lost > 0 else "nothing lost")
        ax.annotate(
            words, (end, row), (6, 0), textcoords="offset points", va="center", size=TEXT_SIZE, color=INK, family=FONT
        )
    rounds = min((estimate.n_rounds for estimate in estimates), default=0)
    write_head(
        ax,
        f"What an update costs: {sweep.n_workers} worker{'s' * (sweep.n_workers > 1)}, one counter",
        [
            f"median of {rounds} rounds, lines are 95 % intervals" if rounds >= 3 else f"rounds: {rounds}",
            "hatched: wrong result",
        ],
    )
    return ax
