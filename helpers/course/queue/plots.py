"""A queue over time: how many items it holds, and who waits for whom."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from helpers.course.queue.measure import name_members
from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    INK,
    SMALL_SIZE,
    TEXT_SIZE,
    new_figure,
    paler,
    rounds_text,
    style_axes,
    write_head,
    write_invitation,
    write_note,
)
from helpers.plots.lanes import add_boxes, move_boxes, name_lanes
from helpers.plots.live import MovingPicture
from helpers.words import percent, plural, rate, say_doubts, sentences

#: What the two sides look like; waiting is told by a hatch too.
SIDES = {"producer": (COLOURS["processes"], "//////"), "consumer": (COLOURS["interpreters"], "......")}
#: Inches of the card of both pictures.
CARD_HEIGHT = 4.2
#: Times the seconds expected that a picture of a run has room for, and how limits grow that a run outgrows.
ROOM, LONGER, DEEPER = 1.06, 1.4, 1.6
#: Seconds of the shortest time axis of a run that has not ended.
LEAST_SECONDS = 0.1
#: Share of the time axis below which a wait could not be seen.
UNSEEN = 0.002
SECONDS = "seconds since all were told to begin"


def plot_depth(run, ax=None):
    """Return the Axes with how many items were in the queue of `run` over time.

    None gives an empty card that says so.
    """
    ax = new_figure().add_axes((0.07, 0.185, 0.91, 0.62)) if ax is None else ax
    style_axes(ax, SECONDS, grid="both")
    if run is None or not run.lanes:
        _write_empty(ax, "Items in the queue")
        return ax
    _frame_depth(ax, run, run.now, deepest=run.deepest)
    line, fill = _depth_artists(ax)
    _update_depth(line, fill, run)
    write_head(ax, _depth_title(run), _settings(run))
    show_doubts(ax, run.doubts)
    return ax


def plot_queue_lanes(run, ax=None):
    """Return the Axes with one lane a process of `run`: at work, blocked in put, waiting in get.

    None gives an empty card that says so.
    """
    ax = new_figure().add_axes((0.1, 0.185, 0.88, 0.62)) if ax is None else ax
    style_axes(ax, SECONDS, grid="x")
    if run is None or not run.lanes:
        _write_empty(ax, "Who waits for whom")
        return ax
    _frame_lanes(ax, run, run.now)
    _show_lanes(_lane_boxes(ax), run, run.now)
    write_head(ax, *_lanes_head(run))
    show_doubts(ax, run.doubts)
    return ax


def draw_queue_card(run, until=None):
    """Return a Figure with depth above and lanes below, over `until` seconds.

    `run` may be a plan in which nothing has happened.
    """
    figure = new_figure(CARD_HEIGHT)
    until = until or run.now or time_axis(run)
    card = _CardParts(figure, run, until, max(guess_depth(run), run.deepest))
    if run.lanes:
        _update_depth(card.line, card.fill, run)
        _show_lanes(card.boxes, run, until)
        show_doubts(card.bottom, run.doubts)
    else:
        write_invitation(card.top, "press Run: how many items lie in the queue appears here")
        write_note(card.bottom, "and here, when each process works and when it waits for the other side")
    return figure


def describe_queue(run):
    """Return the picture's message in one sentence."""
    if not run.lanes:
        return "Items in the queue over time, and who waits for whom: nothing measured yet"
    said = (
        f"{run.setting}: at most {plural(run.deepest, 'item')} in the queue, "
        f"{say_rate(run)} items a second; producers blocked in put {percent(run.estimate('producer').median)}, "
        f"consumers waiting for items {percent(run.estimate('consumer').median)} of their time"
    )
    return sentences(said, say_doubts(run.doubts))


class QueueCard(MovingPicture):
    """The card of one run that goes on: depth above, lanes below; limits grow when the run outgrows them.

    What is over becomes part of the still picture, so take a new card for each run. The head holds no
    figures: they would not move.
    """

    height = CARD_HEIGHT

    def frame(self, run):
        """The settings and the limits of both axes."""
        plan = replace(run, lanes=(), now=0.0, complete=False, noted=())
        room = grow_limit(guess_depth(plan), run.deepest, DEEPER)
        return plan, grow_limit(time_axis(plan), run.now, LONGER), ceil(room)

    def build(self, figure, run):
        """Draw the axes of both pictures."""
        plan, self.until, room = self.frame(run)
        self.parts, self.settled = _CardParts(figure, plan, self.until, room), set()
        for artist in (self.parts.fill, self.parts.line, *self.parts.boxes.values()):
            self.keep(artist)

    def move(self, run):
        """Show the depth, and of the lanes what goes on; what is over since the last frame settles."""
        over, going_on = split_segments(run, UNSEEN * self.until)
        self.settle([self._draw_once(key, segments) for key, segments in self._take_new(over).items() if segments])
        _set_boxes(self.parts.boxes, going_on)
        _update_depth(self.parts.line, self.parts.fill, run)
        return [self.parts.fill, self.parts.line, *self.parts.boxes.values()]

    def _take_new(self, over):
        """Return the segments that have not settled yet, and note them as settled."""
        new = {
            key: [segment for segment in segments if (key, segment) not in self.settled]
            for key, segments in over.items()
        }
        self.settled.update((key, segment) for key, segments in new.items() for segment in segments)
        return new

    def _draw_once(self, key, segments):
        return add_boxes(self.parts.bottom, *_spans_and_lanes(segments), **_looks(*key))


def time_axis(plan):
    """Return the seconds that the picture of a run has room for before it has begun; never none."""
    return max(LEAST_SECONDS, ROOM * plan.expected_seconds)


def grow_limit(limit, needed, factor):
    """Return `limit`, above 0, times `factor` as often as it takes to hold `needed`.

    >>> grow_limit(10, 9, 2), grow_limit(10, 50, 2)
    (10, 80)
    """
    while limit < needed:
        limit *= factor
    return limit


class _CardParts:
    """Both pictures on one figure, sharing the time, without what the run did."""

    def __init__(self, figure, run, until, room):
        self.top, self.bottom = figure.add_axes((0.1, 0.59, 0.88, 0.27)), figure.add_axes((0.1, 0.145, 0.88, 0.29))
        style_axes(self.top, "", grid="both")
        style_axes(self.bottom, SECONDS, grid="x")
        _frame_depth(self.top, run, until, room)
        _frame_lanes(self.bottom, run, until)
        self.top.tick_params(axis="x", labelbottom=False)
        self.line, self.fill = _depth_artists(self.top)
        self.boxes = _lane_boxes(self.bottom)
        write_head(self.top, _depth_title(run), _settings(run))
        write_head(self.bottom, *_lanes_head(run))


# ── parts ────────────────────────────────────────────────────────────────────────────────────────


def _frame_depth(ax, run, until, deepest):
    """Set limits and ticks for depths up to `deepest`; draw the line of a full queue."""
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


def guess_depth(run):
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
    names = name_members(run)
    ax.set_xlim(0, until or 1)
    ax.set_ylim(len(names) - 0.45, -0.55)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    name_lanes(ax, names, smallest=4.5)


def _looks(role, part):
    """Return the style of a role's boxes "working" or "waiting"."""
    colour, hatch = SIDES[role]
    if part == "working":
        return {"facecolors": colour, "linewidths": 0, "gid": f"{role} working"}
    looks = {"facecolors": "white", "edgecolors": paler(colour, 0.25), "hatch": hatch, "linewidths": 0.5}
    return looks | {"gid": f"{role} waiting"}


def _lane_boxes(ax):
    return {(role, part): add_boxes(ax, **_looks(role, part)) for role in SIDES for part in ("working", "waiting")}


def _show_lanes(boxes, run, until):
    over, going_on = split_segments(run, UNSEEN * until)
    _set_boxes(boxes, {key: over[key] + going_on[key] for key in boxes})


def split_segments(run, shortest):
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
        until = lane.until(run.now)
        if until > begin:
            (over if lane.ended is not None else going_on)[lane.role, "working"].append((begin, until, at))
    return over, going_on


def _set_boxes(boxes, segments):
    for key, box in boxes.items():
        move_boxes(box, *_spans_and_lanes(segments[key]))


def _spans_and_lanes(segments):
    return [(start, end) for start, end, _ in segments], [lane for _, _, lane in segments]


# ── heads ────────────────────────────────────────────────────────────────────────────────────────


def _settings(run):
    return [
        run.sides,
        run.limit,
        plural(run.n_items, "item"),
        f"each {run.produce_ms:g} ms to make, {run.consume_ms:g} ms to use",
        run.start_method,
        say_rounds(run) or "counted from the times of puts and gets",
    ]


def say_rounds(run):
    """Return what is drawn of several rounds, and how their figures were measured; "" for a single one."""
    if run.repeats == 1:
        return ""
    n_rounds = len(run.rounds)
    drawn = "the last round" if run.complete else f"round {len(run.earlier) + 1}"
    return f"{rounds_text([n_rounds], place='in brackets')}; {drawn} is drawn"


def say_rate(run):
    """Return the items a second in words, with their interval over the rounds where there is one."""
    found = run.estimate("throughput")
    between = f" ({rate(found.low)} to {rate(found.high)})" if found.low is not None else ""
    return f"{rate(found.median)}{between}"


def _depth_title(run):
    if not run.lanes:
        return "Items in the queue"
    return f"Items in the queue: at most {run.deepest}; {say_rate(run)} items a second come out"


def _lanes_head(run):
    key = ["solid: at work", "hatched ///: blocked in put", "dotted: waiting in get"]
    if not run.lanes:
        return "Who waits for whom", key
    putting, getting = (percent(run.estimate(role).median) for role in ("producer", "consumer"))
    said = f"producers blocked in put {putting}, consumers waiting for items {getting} of their time"
    return f"Who waits for whom: {said}", key


def _write_empty(ax, title):
    ax.set_xticks([0], [" "])
    ax.set_yticks([])
    write_note(ax, "no run yet")
    write_head(ax, title, [])
