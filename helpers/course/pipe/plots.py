"""How fast two processes talk: time and bandwidth of round trips over the size of the message."""

from __future__ import annotations

from math import ceil, floor, log10

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.ticker import NullLocator

from helpers import words
from helpers.course.pipe.trips import COPY, WAYS, Trips
from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    FONT,
    GREY,
    INK,
    LABEL_ROOM,
    TEXT_SIZE,
    axes_width,
    new_figure,
    rounds_text,
    style_axes,
    write_head,
    write_note,
)
from helpers.plots.labels import label_ends
from helpers.plots.live import MovingPicture
from helpers.records import UNSTEADY, unite_badges

#: Okabe–Ito; vermilion and purple are told apart by their markers too
WAY_COLOURS = {"send": "#D55E00", "send_bytes": "#E69F00", "queue": "#CC79A7", "shared": "#0072B2", COPY: GREY}
WAY_MARKERS = {"send": "s", "send_bytes": "^", "queue": "D", "shared": "o", COPY: "v"}
WAY_LABELS = {**WAYS, COPY: "memory copy"}
#: where the two pictures of the card stand in it
LEFT, RIGHT = (0.073, 0.185, 0.405, 0.64), (0.575, 0.185, 0.412, 0.64)
NOTHING = Trips((), "", 0)
TIME_TITLE = "Time of a round trip, there and back"
RATE_HOW = ["bytes of both directions a second", "dashed: copied within one process"]
#: points of the curve of a model: enough to look smooth
MODEL_POINTS = 60
WARMING_UP = "warming up: this round is not counted"


def plot_trip_times(trips, ax=None, *, sizes=None, model=None):
    """Return the Axes with the time of a round trip over the size of the message, one line a way of sending.

    Bars are intervals over the rounds, of 95 % from `GOOD_ROUNDS` rounds on. `trips` may be
    None or empty; `sizes`, in bytes, fixes the axes for measurements to come. With `model`, a way that was
    measured, the `Trips.line` of it is drawn dotted.
    """
    ax = new_figure().add_axes((0.07, 0.185, 0.91, 0.64)) if ax is None else ax
    _prepare(ax, trips, sizes, "time")
    _draw_lines(ax, trips or NOTHING, "time", intervals=True)
    how = [_rounds_text(trips)]
    if model is not None:
        latency, per_byte = trips.line(model)
        at = np.geomspace(trips.sizes(model)[0], trips.sizes(model)[-1], MODEL_POINTS)
        ax.plot(at, latency + at * per_byte, ":", color=INK, lw=1.6, zorder=6, gid="model")
        how.append("dotted: latency + size × time per byte")
    write_head(ax, TIME_TITLE, how)
    show_doubts(ax, doubts_in_picture(trips))
    return ax


def plot_bandwidth(trips, ax=None, *, sizes=None):
    """Return the Axes with the bandwidth over the size of the message; the dashed line is a plain memory copy.

    Both directions are counted: twice the message over the time of the round trip. Arguments as
    of `plot_trip_times`.
    """
    ax = new_figure().add_axes((0.07, 0.185, 0.91, 0.64)) if ax is None else ax
    _prepare(ax, trips, sizes, "rate")
    _draw_lines(ax, trips or NOTHING, "rate", intervals=True)
    write_head(ax, "Bandwidth", RATE_HOW)
    show_doubts(ax, doubts_in_picture(trips))
    return ax


def doubts_in_picture(trips):
    """Return the doubts of Trips, or None, as a picture tells them: first what hollow points are, if there are any."""
    if trips is None:
        return ()
    hollow = any(trips.unsteady(way) for way in trips.ways())
    return unite_badges((f"{UNSTEADY} (hollow)",) if hollow else (), trips.doubts())


def draw_pipe_card(trips, *, sizes=None):
    """Return a Figure of 900 × 350 pixels at scale 1: times of round trips, and bandwidths."""
    figure = new_figure()
    plot_trip_times(trips, figure.add_axes(LEFT), sizes=sizes)
    plot_bandwidth(trips, figure.add_axes(RIGHT), sizes=sizes)
    return figure


class PipeCard(MovingPicture):
    """The card while it is measured: lines, points and their labels move, everything else is drawn once.

    Of Trips at the message `sizes` of its run. Points are medians of the rounds so far, without intervals.
    """

    def __init__(self, sizes):
        self.sizes = tuple(sizes)

    def frame(self, trips):
        """The same for the whole run: limits leave room for what a machine of today may show."""
        return self.sizes

    def build(self, figure, trips):
        """Draw the axes and the heads."""
        self.axes = {"time": figure.add_axes(LEFT), "rate": figure.add_axes(RIGHT)}
        for kind, ax in self.axes.items():
            _prepare(ax, None, self.sizes, kind, note=False)
        write_head(self.axes["time"], TIME_TITLE, ["median of the rounds so far"])
        write_head(self.axes["rate"], "Bandwidth", RATE_HOW)

    def move(self, trips):
        """Draw what was measured so far."""
        moving = [artist for kind, ax in self.axes.items() for artist in _draw_lines(ax, trips, kind, intervals=False)]
        if not moving:
            write_note(self.axes["rate"], WARMING_UP)
            moving = [self.axes["rate"].texts[-1]]
        return moving


def describe_trips(trips, running=False):
    """Return the message of the card in one sentence, for use as alt text."""
    ways = trips.ways() if trips is not None else []
    if not ways:
        return "Time and bandwidth of round trips over the size of the message: " + (
            "warming up, no round counts yet."
            if trips is not None and (running or trips.trips)
            else "no measurement yet."
        )
    size = max(size for way in ways for size in trips.sizes(way))
    said = [
        f"{WAY_LABELS[way]} {words.bandwidth(2 * size / trips.median(way, size))}"
        for way in ways
        if size in trips.sizes(way)
    ]
    said = f"Messages of {words.size(size)}, there and back: {', '.join(said)}"
    return words.sentences(said, words.say_doubts(trips.doubts(size)))


# --- axes -------------------------------------------------------------------------------------


def _prepare(ax, trips, sizes, kind, note=True):
    """Give the axes their scales, limits and ticks; say so if there is nothing to draw."""
    measured = [size for way in trips.ways() for size in trips.sizes(way)] if trips is not None else []
    sizes = sorted({*(sizes or ()), *measured}) or [1, 64_000_000]
    style_axes(ax, "size of the message", grid="both")
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_locator(NullLocator())
    low, high = sizes[0], max(sizes[-1], 10 * sizes[0])
    share = (LABEL_ROOM + 10) / axes_width(ax)
    ax.set_xlim(low / 10 ** (0.03 * log10(high / low)), 10 ** (log10(low) + log10(high / low) / (1 - share)))
    ax.set_ylim(*_limits(trips, sizes, kind))
    decades = range(ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9) + 1)
    shown = [n for n in decades if len(decades) <= 4 or n % 3 == 0]
    ticks = {10.0**n: words.size(10**n) if n in shown else "" for n in decades}
    ticks[high] = words.size(high)
    ax.set_xticks(list(ticks), list(ticks.values()))
    decades = range(ceil(log10(ax.get_ylim()[0])), floor(log10(ax.get_ylim()[1])) + 1)
    text = words.seconds if kind == "time" else words.bandwidth
    ax.set_yticks([10.0**n for n in decades], [text(10.0**n) for n in decades])
    ax.set_ylabel("round trip" if kind == "time" else "bandwidth", size=TEXT_SIZE, color=INK, family=FONT, labelpad=2)
    if note and not measured:
        write_note(ax, WARMING_UP if trips is not None and trips.trips else "no measurement yet")


def _limits(trips, sizes, kind):
    """Return the limits of the y axis: what a machine of today may show, or the data if that reaches further."""
    smallest, largest = sizes[0], sizes[-1]
    if kind == "time":
        low, high = 5e-8 + smallest / 1e11, 2e-3 + largest / 2e7
    else:
        low, high = min(1e3 * smallest, 1e7), 2e11
    for way in trips.ways() if trips is not None else ():
        for size in trips.sizes(way):
            seconds = trips.median(way, size)
            value = seconds if kind == "time" else 2 * size / seconds
            low, high = min(low, value / 1.5), max(high, 1.5 * value)
    return low, high


def _draw_lines(ax, trips, kind, intervals):
    """Draw a line with its points, intervals and label for every way; return the artists."""
    artists, ends = [], []
    for way in trips.ways():
        sizes, colour = trips.sizes(way), WAY_COLOURS[way]
        seconds = np.array([trips.median(way, size) for size in sizes])
        values = seconds if kind == "time" else 2 * np.array(sizes) / seconds
        style = {"ls": (0, (4, 2.5)), "lw": 1.4, "zorder": 3} if way == COPY else {"lw": 1.9, "zorder": 4}
        artists += ax.plot(sizes, values, color=colour, marker=WAY_MARKERS[way], ms=5, gid=way, clip_on=False, **style)
        if hollow := trips.unsteady(way):
            at = [sizes.index(size) for size in hollow]
            looks = {"mec": colour, "mfc": "white", "ms": 5, "mew": 1.3, "zorder": style["zorder"] + 0.5}
            artists += ax.plot(hollow, values[at], WAY_MARKERS[way], gid=f"{way} hollow", clip_on=False, **looks)
        if intervals:
            estimates = [trips.seconds(way, size) if kind == "time" else trips.bandwidth(way, size) for size in sizes]
            bars = [
                [(size, e.low), (size, e.high)] for size, e in zip(sizes, estimates, strict=True) if e.low is not None
            ]
            artists.append(
                ax.add_collection(
                    LineCollection(bars, colors=colour, linewidths=1.3, zorder=3.5, gid=f"{way} intervals"),
                    autolim=False,
                )
            )
        ends.append((sizes[-1], values[-1], WAY_LABELS[way], colour))
    return artists + label_ends(ax, ends, weight="bold")


def _rounds_text(trips):
    counts = (
        {trips.n_rounds(way, size) for way in trips.ways() for size in trips.sizes(way)} if trips is not None else ()
    )
    return rounds_text(counts) if counts else "random order of ways and sizes"
