"""A queue over time: how many items it holds, and who waits for whom."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from helpers import words
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    INK,
    SMALL_SIZE,
    TEXT_SIZE,
    axes_height,
    new_figure,
    paler,
    style_axes,
    write_head,
    write_note,
)
from helpers.plots.live import LivePicture

#: What the two sides look like; waiting is told by a hatch too.
SIDES = {"producer": (COLOURS["processes"], "//////"), "consumer": (COLOURS["interpreters"], "......")}
#: Inches of the card of both pictures.
CARD_HEIGHT = 4.2
#: Times the seconds expected that a picture of a run has room for.
ROOM = 1.06
SECONDS = "seconds since all were told to begin"


def plot_depth(run, ax=None):
    """Return the Axes with how many items were in the queue of `run` over time; None gives an empty card that says
    so."""
    ax = new_figure().add_axes((0.07, 0.145, 0.91, 0.66)) if ax is None else ax
    style_axes(ax, SECONDS, grid="both")
    if run is None or not run.lanes:
        _write_empty(ax, "Items in the queue")
        return ax
    _frame_depth(ax, run, run.now, deepest=run.deepest)
    line, fill = _depth_artists(ax)
    _update_depth(line, fill, run)
    write_head(ax, _depth_title(run), _settings(run))
    return ax


def plot_queue_lanes(run, ax=None):
    """Return the Axes with one lane a process of `run`: at work, blocked in put, waiting in get; None gives an empty
    card."""
    ax = new_figure().add_axes((0.1, 0.145, 0.88, 0.66)) if ax is None else ax
    style_axes(ax, SECONDS, grid="x")
    if run is None or not run.lanes:
        _write_empty(ax, "Who waits for whom")
        return ax
    _frame_lanes(ax, run, run.now)
    _update_lanes(_lane_artists(ax), run)
    write_head(ax, *_lanes_head(run))
    return ax


def draw_queue_card(run, until=None):
    """Return a Figure with depth above and lanes below, over `until` seconds; `run` may be a plan in which nothing
    has happened."""
    card = _Card(run, until or run.now or ROOM * run.expected_seconds)
    if run.lanes:
        _update_depth(card.line, card.fill, run)
        _update_lanes(card.boxes, run)
    else:
        write_note(card.top, "press Run: how many items lie in the queue appears here")
        write_note(card.bottom, "and here, when each process works and when it waits for the other side")
    return card.figure


def describe_queue(run):
    """Return the picture's message in one sentence."""
    if not run.lanes:
        return "Items in the queue over time, and who waits for whom: nothing measured yet"
    deepest = f"{run.deepest} item{'s' * (run.deepest != 1)}"
    return (
        f"{_sides(run)}, {_limit(run)}: at most {deepest} in the queue, {words.rate(run.throughput)} items a second; "
        f"producers blocked in put {run.waiting_share('producer'):.0%}, "
        f"consumers waiting in get {run.waiting_share('consumer'):.0%} of their time."
    )


class LiveQueue:
    """The card of a run that goes on: each frame draws what is new; limits grow when the run outgrows them."""

    def __init__(self, plan, scale=1.0):
        self.scale, self.until, self.most = scale, plan.expected_seconds * ROOM, None
        self._begin(plan)

    def _begin(self, run):
        self.card = _Card(
            replace(run, lanes=(), now=0.0), self.until, self.most
        )  # a head without figures: they would not move
        self.live = LivePicture(
            self.card.figure, [self.card.fill, self.card.line, *self.card.boxes.values()], self.scale
        )
        self.drawn = set()

    def png(self, run):
        """Return the picture of `run` as PNG bytes, always of the same size."""
        too_long, too_deep = run.now > self.until, bool(run.lanes) and self.card.room < run.deepest
        if too_long or too_deep:
            self.until = 1.4 * run.now if too_long else self.until
            self.most = ceil(1.6 * run.deepest) if too_deep else self.card.room
            self._begin(run)
        over, going_on = _segments(run, 0.002 * self.until)
        self._keep(over)
        _update_depth(self.card.line, self.card.fill, run)
        _set_boxes(self.card.boxes, going_on)
        return self.live.png()

    def _keep(self, over):
        """Draw the segments that are new into the background: they will not change any more."""
        new = {
            key: [segment for segment in segments if (key, segment) not in self.drawn] for key, segments in over.items()
        }
        if not any(new.values()):
            return
        canvas = self.live.canvas
        canvas.restore_region(self.live.background)
        _set_boxes(self.card.boxes, new)
        for key, segments in new.items():
            if segments:
                self.live.figure.draw_artist(self.card.boxes[key])
                self.drawn.update((key, segment) for segment in segments)
        self.live.background = canvas.copy_from_bbox(self.live.figure.bbox)


class _Card:
    """Both pictures on one figure, sharing the time, without what the run did."""

    def __init__(self, run, until, deepest=None):
        self.figure = new_figure(CARD_HEIGHT)
        self.top, self.bottom = (
            self.figure.add_axes((0.1, 0.575, 0.88, 0.285)),
            self.figure.add_axes((0.1, 0.1, 0.88, 0.32)),
        )
        style_axes(self.top, "", grid="both")
        style_axes(self.bottom, SECONDS, grid="x")
        self.room = _frame_depth(
            self.top, run, until, deepest if deepest is not None else max(_guess_depth(run), run.deepest)
        )
        _frame_lanes(self.bottom, run, until)
        self.top.tick_params(axis="x", labelbottom=False)
        self.line, self.fill = _depth_artists(self.top)
        self.boxes = _lane_artists(self.bottom)
        write_head(self.top, _depth_title(run), _settings(run))
        write_head(self.bottom, *_lanes_head(run))


# ── parts ────────────────────────────────────────────────────────────────────────────────────────


def _frame_depth(ax, run, until, deepest):
    """Set limits and ticks for depths up to `deepest`; draw the line of a full queue; return the room there is."""
    top = max(run.maxsize if run.maxsize and run.maxsize <= 3 * max(deepest, 1) else 0, deepest, 2)
    ax.set_xlim(0, until or 1)
    ax.set_ylim(0, top * 1.18)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 4, 5, 10]))
    ax.set_ylabel("items in the queue", size=TEXT_SIZE, color=INK, family=FONT)
    if run.maxsize and run.maxsize <= top:
        ax.axhline(run.maxsize, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=2, gid="full")
        ax.annotate(
            f"full: maxsize {run.maxsize}",
            (1, run.maxsize),
            (-2, 2),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="bottom",
            size=SMALL_SIZE,
            color=GREY,
            family=FONT,
            gid="label",
        )
    return top


def _guess_depth(run):
    """Return how deep the queue of a plan gets at about the most: what comes in while less goes out."""
    made, taken = (
        ms / 1000 / workers for ms, workers in ((run.produce_ms, run.n_producers), (run.consume_ms, run.n_consumers))
    )
    backlog = run.n_items * (1 - made / taken) if taken > made else 0.0
    most = max(4, ceil(backlog))
    return min(most, run.maxsize) if run.maxsize else most


def _depth_artists(ax):
    line = Line2D([], [], color=INK, linewidth=1.3, drawstyle="steps-post", zorder=4, gid="depth")
    ax.add_line(line)
    fill = PolyCollection([], facecolors=paler(INK, 0.85), linewidths=0, zorder=3, gid="depth")
    ax.add_collection(fill, autolim=False)
    return line, fill


def _update_depth(line, fill, run):
    times, depths = run.depth()
    times, depths = [*times, run.now], [*depths, depths[-1]]
    line.set_data(times, depths)
    x, y = np.repeat(times, 2)[1:], np.repeat(depths, 2)[:-1]
    fill.set_verts([np.column_stack([[x[0], *x, x[-1]], [0, *y, 0]])] if run.lanes else [])


def _frame_lanes(ax, run, until):
    """Set limits and names of the lanes."""
    names = [
        f"{role} {n + 1}"
        for role, count in (("producer", run.n_producers), ("consumer", run.n_consumers))
        for n in range(count)
    ]
    ax.set_xlim(0, until or 1)
    ax.set_ylim(len(names) - 0.45, -0.55)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    height = axes_height(ax) / len(names)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", labelsize=max(4.5, min(TEXT_SIZE, 0.85 * height)))


def _lane_artists(ax):
    boxes = {}
    for role, (colour, hatch) in SIDES.items():
        boxes[role, "working"] = PolyCollection([], facecolors=colour, linewidths=0, zorder=3, gid=f"{role} working")
        boxes[role, "waiting"] = PolyCollection(
            [],
            facecolors="white",
            edgecolors=paler(colour, 0.25),
            hatch=hatch,
            linewidths=0.5,
            zorder=3,
            gid=f"{role} waiting",
        )
    for box in boxes.values():
        ax.add_collection(box, autolim=False)
    return boxes


def _update_lanes(boxes, run):
    over, going_on = _segments(run, 0.002 * run.now)
    _set_boxes(boxes, {key: over[key] + going_on[key] for key in boxes})


def _segments(run, shortest):
    """Return what is over and what goes on, each {(role, part): [(start, end, lane)]}.

    A wait of less than `shortest` seconds could not be seen and counts as work. What is over
    stays as it is in all later records of the run.
    """
    over = {(role, part): [] for role in SIDES for part in ("working", "waiting")}
    going_on = {key: [] for key in over}
    for lane in run.lanes:
        at = lane.number + (run.n_producers if lane.role == "consumer" else 0)
        begin = lane.began
        for k, (start, end) in enumerate(lane.waiting(run.now)):
            if end - start <= shortest:
                continue
            over[lane.role, "working"].append((begin, start, at))
            (over if k < len(lane.done) else going_on)[lane.role, "waiting"].append((start, end, at))
            begin = end
        until = lane.ended if lane.ended is not None else run.now
        if until > begin:
            (over if lane.ended is not None else going_on)[lane.role, "working"].append((begin, until, at))
    return over, going_on


def _set_boxes(boxes, segments):
    for key, box in boxes.items():
        box.set_verts([[(a, at - 0.34), (b, at - 0.34), (b, at + 0.34), (a, at + 0.34)] for a, b, at in segments[key]])


def _sides(run):
    return (
        f"{run.n_producers} producer{'s' * (run.n_producers > 1)}, {run.n_consumers}"
        f" consumer{'s' * (run.n_consumers > 1)}"
    )


def _limit(run):
    return f"maxsize {run.maxsize}" if run.maxsize else "no limit"


def _settings(run):
    return [
        _sides(run),
        _limit(run),
        f"{run.n_items} item{'s' * (run.n_items > 1)}",
        f"each {run.produce_ms:g} ms to make, {run.consume_ms:g} ms to use",
        run.start_method,
        "counted from the times of puts and gets",
    ]


def _depth_title(run):
    if not run.lanes:
        return "Items in the queue"
    return f"Items in the queue: at most {run.deepest}; {words.rate(run.throughput)} items a second come out"


def _lanes_head(run):
    key = ["solid: at work", "hatched ///: blocked in put", "dotted: waiting in get"]
    if not run.lanes:
        return "Who waits for whom", key
    shares = run.waiting_share("producer"), run.waiting_share("consumer")
    return (
        (
            f"Who waits for whom: producers blocked in put {shares[0]:.0%}, consumers waiting in get {shares[1]:.0%} of"
            " their time"
        ),
        key,
    )


def _write_empty(ax, title):
    ax.set_xticks([0], [" "])
    ax.set_yticks([])
    write_note(ax, "no run yet")
    write_head(ax, title, [])
