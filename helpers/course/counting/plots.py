"""What several ways of counting together came to: the counter against what it should say, and how fast."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D

from helpers.course.counting.measure import name_doubts
from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    FONT,
    GREY,
    INK,
    SERIAL_LINE,
    SMALL_SIZE,
    TEXT_SIZE,
    axes_width,
    darker,
    new_figure,
    rounds_text,
    style_axes,
    write_head,
)
from helpers.plots.lanes import add_boxes, move_boxes
from helpers.plots.live import MovingPicture
from helpers.words import percent, plural, rate, say_doubts, sentences

#: Okabe–Ito, one colour and one marker a way of counting
WAY_COLOURS = {
    "no lock": "#D55E00",
    "lock per update": "#0072B2",
    "lock per batch": "#56B4E9",
    "merge at the end": "#009E73",
    "manager": "#CC79A7",
}
WAY_MARKERS = {"no lock": "x", "lock per update": "o", "lock per batch": "^", "merge at the end": "s", "manager": "D"}
#: updates a second that the axis of speeds spans
RATES = (1e2, 1e9)


def draw_counting_card(counting, guess=None):
    """Return a Figure of 900 × 350 pixels at scale 1: what the counter says, and how fast.

    `guess` is the share of updates expected to be lost without a lock, from 0 to 1.
    """
    card = CountingCard()
    card.guess = guess
    return card.still(counting)


def plot_counting(counting, ax=None):
    """Return the Axes with one bar a way: what the counter says, hatched what is lost of the updates made.

    `counting` is a `helpers.course.counting.measure.Counting`; it may still grow.
    """
    ax = new_figure().add_axes((0.02, 0.145, 0.96, 0.68)) if ax is None else ax
    CountBars(ax, counting).show(counting)
    write_counting_head(ax, counting)
    return ax


def plot_counting_rates(counting, ax=None):
    """Return the Axes with one mark a way: updates a second of all workers together, on a log axis.

    Lines are intervals over the rounds, from 3 rounds on.
    """
    ax = new_figure().add_axes((0.02, 0.185, 0.96, 0.64)) if ax is None else ax
    CountRates(ax, counting).show(counting)
    write_rates_head(ax, counting)
    show_doubts(ax, name_doubts(counting.counts))
    return ax


def write_counting_head(ax, counting):
    """Write over the axes what is seen and how it was measured."""
    place = "a RawValue and a Lock" if counting.raw else "a Value and its lock"
    how = [
        f"{plural(counting.n_workers, 'worker')} × {plural(counting.n_updates, 'update')}",
        f"batches of {counting.batch:,}",
    ]
    write_head(ax, "What the counter says, of the updates made", [*how, place, counting.start_method])


def write_rates_head(ax, counting):
    """Write over the axes of speeds what is seen, and how the medians and lines were measured."""
    rounds = [count.rate.n_rounds for count in counting.counts if count.rate is not None]
    write_head(ax, "How fast", [rounds_text(rounds)] if rounds else ["start-up left out", "ways in random order"])


def describe_counting(counting):
    """Return the message of the picture in one sentence."""
    if counting is None or not any(count.made for count in counting.counts):
        return "What the counter says, of the updates made: nothing counted yet"
    parts = [
        f"{count.way} {count.counted:,} of {count.made:,} at {rate(count.rate.median)} a second"
        for count in counting.counts
        if count.made
    ]
    said = f"{plural(counting.n_workers, 'worker')} and one counter: {'; '.join(parts)}"
    return sentences(said, say_doubts(name_doubts(counting.counts))) if counting.doubts else said


class CountBars:
    """The bars of `plot_counting`: made once, moved by `show`."""

    def __init__(self, ax, counting):
        self.ax, self.rows = ax, len(counting.counts)
        style_axes(ax, "updates of all workers", grid="x")
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
                count.way,
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
        style = {"linewidths": 0.8, "edgecolors": colours, "hatch": "//////"}
        self.counted = add_boxes(ax, facecolors=colours, linewidths=0, gid="counted")
        self.lost = add_boxes(ax, facecolors="white", gid="lost", **style)
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
        move_row_boxes(self.counted, np.zeros(self.rows), counted)
        move_row_boxes(self.lost, counted, made)
        for text, count in zip(self.texts, counting.counts, strict=True):
            text.set_text(say_count(count) or f"{counting.expected:,} expected")
            text.set_color(darker(WAY_COLOURS["no lock"]) if count.lost else INK if count.made else GREY)


def move_row_boxes(boxes, left, right):
    """Give each row's box, which lies below the row's text, its two ends; an empty one is not drawn."""
    spans = np.where((right > left)[:, None], np.stack([left, right], axis=1), np.nan)
    move_boxes(boxes, spans, np.arange(len(left)) + 0.05, thickness=0.5)


def say_count(count):
    """Return a Count in words: "26,114 of 40,000 · 34.7 % lost"."""
    if not count.made:
        return ""
    late = " · time was up" if count.out_of_time else ""
    if not count.lost:
        return f"{count.counted:,} of {count.made:,} · none lost{late}"
    share = percent(count.lost_share, 1) if count.lost_share >= 0.001 else f"{count.lost:,}"
    return f"{count.counted:,} of {count.made:,} · {share} lost{late}"


class CountRates:
    """The marks of `plot_counting_rates`: made once, moved by `show`."""

    def __init__(self, ax, counting):
        self.ax = ax
        style_axes(ax, "updates a second (each grid line: ten times the last)", grid="x")
        ax.set_xscale("log")
        ax.set_xlim(*RATES)
        ax.minorticks_off()
        names = ["100", "1 k", "10 k", "100 k", "1 M", "10 M", "100 M", "1 G"]
        ax.set_xticks([10.0**power for power in range(2, 10)], names)
        ax.set_ylim(len(counting.counts) - 0.45, -0.75)
        ax.set_yticks([])
        ax.tick_params(axis="x", labelsize=SMALL_SIZE)
        self.marks, self.stems, self.bars, self.texts = [], [], [], []
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
            bar = Line2D([], [], color=INK, linewidth=1.4, solid_capstyle="butt", zorder=5)
            for line in (stem, mark, bar):
                ax.add_line(line)
            self.stems.append(stem)
            self.bars.append(bar)
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
        return [*self.stems, *self.marks, *self.bars, *self.texts]

    def show(self, counting):
        """Move the marks to what `counting` says now."""
        for row, count in enumerate(counting.counts):
            speed, height = count.rate, row + 0.05
            known = [within_rates(speed.median)] if speed is not None else []
            self.marks[row].set_data(known, [height] * len(known))
            self.stems[row].set_data([RATES[0], *known] if known else [], [height] * 2 if known else [])
            ends = [within_rates(speed.low), within_rates(speed.high)] if known and speed.low is not None else []
            self.bars[row].set_data(ends, [height] * len(ends))
            text = self.texts[row]
            text.set_text(rate(speed.median) if known else "")
            if known:
                right = known[0] > 1e6  # near the right border the text goes to the other side
                text.xy = (known[0], height)
                text.set_position((-8 if right else 8, 9))  # above the interval, which may be wide
                text.set_horizontalalignment("right" if right else "left")


def within_rates(speed):
    """Return a number of updates a second, moved to the border of the axis if it lies beyond."""
    return min(max(speed, RATES[0]), RATES[1])


class CountingCard(MovingPicture):
    """Both pictures side by side on one card, while they grow.

    ``guess`` is the share of updates expected to be lost without a lock, from 0 to 1, or None.
    """

    guess = None

    def frame(self, counting):
        """The rows, the settings, and the guess."""
        ways = tuple(count.way for count in counting.counts)
        return ways, counting.n_workers, counting.n_updates, counting.batch, counting.start_method, self.guess

    def build(self, figure, counting):
        """Draw the axes, the names of the ways and the guess."""
        left, right = (figure.add_axes(place) for place in ((0.02, 0.215, 0.58, 0.61), (0.655, 0.215, 0.325, 0.61)))
        self.bars, self.rates = CountBars(left, counting), CountRates(right, counting)
        write_counting_head(left, counting)
        write_rates_head(right, counting)
        ways = [count.way for count in counting.counts]
        if self.guess is not None and "no lock" in ways:
            guess = draw_guess(left, ways.index("no lock"), counting.expected, self.guess)
        else:
            guess = []
        self.moving = [*self.bars.moving, *guess, *self.rates.moving]  # the guess over the bars
        for artist in self.moving:
            self.keep(artist)

    def move(self, counting):
        """Move bars and marks to what `counting` says now."""
        self.bars.show(counting)
        self.rates.show(counting)
        first, last = self.bars.ax, self.rates.ax  # under both, so that there is room for names
        width = axes_width(first) * (last.bbox.x1 - first.bbox.x0) / first.bbox.width
        doubt = show_doubts(first, name_doubts(counting.counts), width=width)
        return [*self.moving, *([doubt] if doubt else [])]


def draw_guess(ax, row, expected, guess):
    """Draw how many of the `expected` updates are left if the share `guess` is lost; return the artists."""
    place = expected * (1 - guess)
    lines = ax.plot([place] * 2, [row - 0.2, row + 0.3], color="white", linewidth=4, zorder=5)
    lines += ax.plot([place] * 2, [row - 0.2, row + 0.3], color=INK, linewidth=1.6, zorder=5, gid="guess")
    style = {"size": SMALL_SIZE, "family": FONT, "color": INK, "va": "bottom", "gid": "guess label"}
    words = f"┃ your guess: {percent(guess)} lost"
    return [*lines, ax.annotate(words, (0, row - 0.24), (64, 1), textcoords="offset points", **style)]
