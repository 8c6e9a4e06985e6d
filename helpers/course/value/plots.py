"""What several ways of counting together came to: the counter against what it should say, and how fast."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D

from helpers import words
from helpers.plots.drawing import (
    FONT,
    GREY,
    INK,
    SERIAL_LINE,
    SMALL_SIZE,
    TEXT_SIZE,
    darker,
    new_figure,
    style_axes,
    write_head,
)

#: Okabe–Ito, one colour and one marker a way of counting
WAY_COLOURS = {
    "no lock": "#D55E00",
    "lock each": "#0072B2",
    "lock per batch": "#56B4E9",
    "local then merge": "#009E73",
    "manager": "#CC79A7",
}
WAY_MARKERS = {"no lock": "x", "lock each": "o", "lock per batch": "^", "local then merge": "s", "manager": "D"}
WAY_NAMES = {
    "no lock": "no lock",
    "lock each": "lock per increment",
    "lock per batch": "lock per batch",
    "local then merge": "local, then merge",
    "manager": "Manager, with its lock",
}
#: increments per second that the axis of speeds spans
RATES = (1e3, 1e9)


def plot_counting(counting, ax=None):
    """Return the Axes with one bar a way: what the counter says, hatched what is lost of the increments made.

    `counting` is a `helpers.course.value.measure.Counting`; it may still grow.
    """
    ax = new_figure().add_axes((0.02, 0.145, 0.96, 0.68)) if ax is None else ax
    CountBars(ax, counting).show(counting)
    write_counting_head(ax, counting)
    return ax


def plot_counting_rates(counting, ax=None):
    """Return the Axes with one mark a way: increments per second of all workers together, on a log axis."""
    ax = new_figure().add_axes((0.02, 0.145, 0.96, 0.68)) if ax is None else ax
    CountRates(ax, counting).show(counting)
    write_head(ax, "How fast", ["while workers counted", "start-up left out"])
    return ax


def write_counting_head(ax, counting):
    """Write over the axes what is seen and how it was measured."""
    workers = f"{counting.n_workers} worker{'s' * (counting.n_workers > 1)}"
    write_head(
        ax,
        "What the counter says, of the increments made",
        [
            f"{workers} × {counting.increments:,} increments",
            f"batches of {counting.batch:,}",
            "slices in random order",
            counting.start_method,
        ],
    )


def describe_counting(counting):
    """Return the message of the picture in one sentence."""
    if counting is None or not any(count.made for count in counting.counts):
        return "What the counter says, of the increments made: nothing counted yet"
    parts = [
        f"{WAY_NAMES[count.way]} {count.counted:,} of {count.made:,} at {count.rate:,.0f} per second"
        for count in counting.counts
        if count.made
    ]
    return f"{counting.n_workers} worker{'s' * (counting.n_workers > 1)} and one counter: {'; '.join(parts)}"


class CountBars:
    """The bars of `plot_counting`: made once, moved by `show`."""

    def __init__(self, ax, counting):
        self.ax, self.rows = ax, len(counting.counts)
        style_axes(ax, "increments of all workers", grid="x")
        ax.set_xlim(0, counting.expected * 1.02)
        ax.set_ylim(self.rows - 0.45, -0.75)
        ax.set_yticks([])
        ax.spines["left"].set_color(GREY)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.locator_params(axis="x", nbins=5, integer=True)
        ax.axvline(counting.expected, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=2)
        colours = [WAY_COLOURS[count.way] for count in counting.counts]
        for row, count in enumerate(counting.counts):
            ax.annotate(
                WAY_NAMES[count.way],
                (0, row - 0.24),
                (4, 1),
                textcoords="offset points",
                size=TEXT_SIZE,
                family=FONT,
                weight="bold",
                color=darker(colours[row]),
                va="bottom",
                gid="way",
            )
        self.counted = ax.add_collection(
            PolyCollection([], zorder=3, facecolors=colours, linewidths=0, gid="counted"), autolim=False
        )
        self.lost = ax.add_collection(
            PolyCollection(
                [], zorder=3, facecolors="white", edgecolors=colours, hatch="//////", linewidths=0.8, gid="lost"
            ),
            autolim=False,
        )
        self.texts = [
            ax.annotate(
                "",
                (1, row - 0.24),
                (-10, 1),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                size=TEXT_SIZE,
                family=FONT,
                color=INK,
                ha="right",
                va="bottom",
                gid="count",
            )
            for row in range(self.rows)
        ]

    @property
    def moving(self):
        return [self.counted, self.lost, *self.texts]

    def show(self, counting):
        """Move the bars to what `counting` says now."""
        counted = np.array([count.counted for count in counting.counts], float)
        made = np.array([count.made for count in counting.counts], float)
        self.counted.set_verts(boxes(np.zeros(self.rows), counted))
        self.lost.set_verts(boxes(counted, made))
        for text, count in zip(self.texts, counting.counts, strict=True):
            text.set_text(say_count(count) or f"{counting.expected:,} expected")
            text.set_color(darker(WAY_COLOURS["no lock"]) if count.lost else INK if count.made else GREY)


def boxes(left, right):
    """Return the corners of one box a row, below the row's text; an empty one is not drawn."""
    left, right = np.where(right > left, (left, right), np.nan)
    low = np.arange(len(left)) - 0.2
    return np.stack(
        [np.stack([x, y], axis=1) for x, y in ((left, low), (right, low), (right, low + 0.5), (left, low + 0.5))],
        axis=1,
    )


def say_count(count):
    """Return a Count in words: "26,114 of 40,000 · 34.7 % lost"."""
    if not count.made:
        return ""
    late = " · time was up" if count.out_of_time else ""
    if not count.lost:
        return f"{count.counted:,} of {count.made:,} · none lost{late}"
    share = f"{100 * count.lost_share:.1f} %" if count.lost_share >= 0.001 else f"{count.lost:,}"
    return f"{count.counted:,} of {count.made:,} · {share} lost{late}"


class CountRates:
    """The marks of `plot_counting_rates`: made once, moved by `show`."""

    def __init__(self, ax, counting):
        self.ax = ax
        style_axes(ax, "increments per second (each step ten times)", grid="x")
        ax.set_xscale("log")
        ax.set_xlim(*RATES)
        ax.minorticks_off()
        ax.set_xticks([1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9], ["1 k", "10 k", "100 k", "1 M", "10 M", "100 M", "1 G"])
        ax.set_ylim(len(counting.counts) - 0.45, -0.75)
        ax.set_yticks([])
        ax.tick_params(axis="x", labelsize=SMALL_SIZE)
        self.marks, self.stems, self.texts = [], [], []
        for row, count in enumerate(counting.counts):
            colour = WAY_COLOURS[count.way]
            stem = Line2D([], [], color=SERIAL_LINE, linewidth=1.2, zorder=2)
            mark = Line2D(
                [],
                [],
                color=colour,
                marker=WAY_MARKERS[count.way],
                markersize=6.5,
                markeredgewidth=2,
                linestyle="none",
                zorder=4,
            )
            for line in (stem, mark):
                ax.add_line(line)
            self.stems.append(stem)
            self.marks.append(mark)
            self.texts.append(
                ax.annotate(
                    "",
                    (RATES[0], row + 0.05),
                    (8, 0),
                    textcoords="offset points",
                    size=TEXT_SIZE,
                    family=FONT,
                    color=darker(colour),
                    va="center",
                    gid="rate",
                )
            )

    @property
    def moving(self):
        return [*self.stems, *self.marks, *self.texts]

    def show(self, counting):
        """Move the marks to what `counting` says now."""
        for row, (count, stem, mark, text) in enumerate(
            zip(counting.counts, self.stems, self.marks, self.texts, strict=True)
        ):
            known = [min(max(count.rate, RATES[0]), RATES[1])] if count.rate else []
            mark.set_data(known, [row + 0.05] * len(known))
            stem.set_data([RATES[0], *known] if known else [], [row + 0.05] * 2 if known else [])
            text.set_text(words.rate(count.rate) if known else "")
            if known:
                right = known[0] > 1e6  # near the right border the text stands on the other side
                text.xy = (known[0], row + 0.05)
                text.set_position((-8 if right else 8, 9 if right else 0))
                text.set_horizontalalignment("right" if right else "left")


class CountingCard:
    """Both pictures side by side on one card; `show` moves them.

    Parameters
    ----------
    counting : Counting
        Says which rows there are and how far the bars can go.
    guess : float, optional
        The share of updates expected to be lost without a lock, from 0 to 1.
    """

    def __init__(self, counting, guess=None):
        self.figure = new_figure()
        left, right = self.figure.add_axes((0.02, 0.145, 0.58, 0.68)), self.figure.add_axes((0.655, 0.145, 0.325, 0.68))
        self.bars, self.rates = CountBars(left, counting), CountRates(right, counting)
        write_counting_head(left, counting)
        write_head(right, "How fast", ["while workers counted", "start-up left out"])
        self.rows = [count.way for count in counting.counts]
        if guess is not None and "no lock" in self.rows:
            row, place = self.rows.index("no lock"), counting.expected * (1 - guess)
            left.plot([place] * 2, [row - 0.2, row + 0.3], color="white", linewidth=4, zorder=5)
            left.plot([place] * 2, [row - 0.2, row + 0.3], color=INK, linewidth=1.6, zorder=5, gid="guess")
            left.annotate(
                f"┃ your guess: {100 * guess:.0f} % lost",
                (0, row - 0.24),
                (64, 1),
                textcoords="offset points",
                size=SMALL_SIZE,
                family=FONT,
                color=INK,
                va="bottom",
                gid="guess label",
            )

    @property
    def moving(self):
        return self.bars.moving + self.rates.moving

    def show(self, counting):
        """Move everything to what `counting` says now, and return the figure."""
        self.bars.show(counting)
        self.rates.show(counting)
        return self.figure
