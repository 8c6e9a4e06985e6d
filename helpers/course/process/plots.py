"""The lives of processes as lanes, and what a start costs as a strip of dots; still, or live."""

from __future__ import annotations

from math import ceil, floor, log10, nan
from statistics import median

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from helpers.course.process.measure import StartCosts, say_exit_codes, say_sleeps
from helpers.course.process.tasks import THREAD
from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    INK,
    SMALL_SIZE,
    STARTUP,
    TEXT_SIZE,
    axes_width,
    new_figure,
    paler,
    style_axes,
    text_width,
    write_head,
    write_invitation,
)
from helpers.plots.lanes import add_boxes
from helpers.plots.live import MovingPicture
from helpers.words import plural, seconds

#: Rows of the strip, from above; "thread" stands there for comparison.
ROWS = ("thread", "fork", "forkserver", "spawn")
#: Milliseconds that the strip shows at least.
RANGE_MS = (0.03, 1000.0)
#: Each dot is moved up or down by one of these, so that equal values are seen.
SPREAD = np.array([0.0, 0.13, -0.13, 0.06, -0.06, 0.19, -0.19])
LEFT, RIGHT = (0.05, 0.19, 0.49, 0.6), (0.655, 0.19, 0.325, 0.6)


def draw_process_card(lives, costs, *, n_processes=4, limit=None, stopped=False):
    """Return a Figure of 900 × 350 pixels at scale 1: lifelines, and what a start costs; both may be None.

    `stopped` marks the processes that were alive at the last moment seen as killed by Stop.
    """
    figure = new_figure()
    ax = plot_lifelines(lives, figure.add_axes(LEFT), n_processes=n_processes, limit=limit)
    if stopped and lives is not None:
        mark_killed(ax, lives)
    plot_start_costs(costs, figure.add_axes(RIGHT))
    return figure


def describe_processes(lives, costs):
    """Return the message of the card in one sentence, for use as alt text."""
    if lives is None:
        return "Lifelines of processes, and what a start costs: nothing measured yet."
    n = len(lives.lines)
    first = f"{plural(n, 'process')} started with {lives.start_method}" + (
        f", over after {seconds(lives.wall)}" if lives.complete else ""
    )
    if costs is None or not costs.first_line:
        return first + "."
    parts = [f"{method} {seconds(costs.median(method))}" for method in ROWS if method in costs.first_line]
    return f"{first}; from start() to the first line, median: {', '.join(parts)}."


# ── lifelines ─────────────────────────────────────────────────────────────────────────────────


def plot_lifelines(lives, ax=None, *, n_processes=4, limit=None):
    """Return the Axes with one lane a process: coming up, running its target, ended until joined.

    Parameters
    ----------
    lives : Lifelines or None
        None: `n_processes` empty lanes and the key.
    limit : float, optional
        Seconds at the right end; by default what `lives` needs.
    """
    ax = new_figure().add_axes((0.07, 0.185, 0.91, 0.605)) if ax is None else ax
    _frame_lives(ax, lives, n_processes, limit)
    for artist in add_lives(ax, lives) if lives is not None else ():
        artist.set_gid("life")
    show_doubts(ax, lives.badges if lives is not None else ())
    return ax


def _frame_lives(ax, lives, n_processes=4, limit=None):
    """Draw everything but the bars: what does not move while processes live."""
    n = len(lives.lines) if lives is not None else n_processes
    style_axes(ax, "seconds since the first start() was called")
    ax.set_xlim(0, limit or (1.04 * lives.wall if lives is not None and lives.wall else 1.0))
    middle, half = (n - 1) / 2, max(n, 3) / 2 + 0.1
    ax.set_ylim(middle + half, middle - half)
    ax.set_yticks(range(n), [str(number) for number in range(1, n + 1)])
    ax.set_ylabel("process", size=TEXT_SIZE, color=INK, family=FONT, labelpad=2)
    ax.tick_params(axis="y", length=0, pad=7, labelsize=TEXT_SIZE if n <= 12 else 5)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    ax.hlines(range(n), 0, 1, transform=ax.get_yaxis_transform(), color=paler(GREY, 0.75), linewidth=0.8, zorder=1)
    key = [
        "▸ start() called · grey: coming up · blue: the target runs",
        "hatched: over, not joined yet · ┃ join() returned",
    ]
    if lives is None:
        write_head(ax, "The life of each process", key)
        ax.set_xticks([0], [" "])  # keeps the room of the tick labels
        write_invitation(ax, "press Run")
        ax.texts[-1].set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 4})
        return
    over = f", {'all ' * (n > 1)}joined after {seconds(lives.wall)}" if lives.complete and limit is None else ""
    write_head(
        ax,
        f"{plural(n, 'process')} started with {lives.start_method}{over}",
        [f"{say_sleeps(lives)} · {key[0]}", key[1] + (say_exit_codes(lives) if limit is None else "")],
    )


def add_lives(ax, lives):
    """Return the artists of all lifelines as they are at ``lives.now``, added to the axes."""
    now = lives.now
    rising, running, over = [], [], []
    for lane, line in enumerate(lives.lines):
        if line.called is not None:
            rising.append((lane, line.called, _first(line.began, line.joined, now)))
        if line.began is not None:
            running.append((lane, line.began, _first(line.ended, line.joined, now)))
        if line.ended is not None:
            over.append((lane, line.ended, _first(line.joined, now)))
    artists = [
        _add_bars(ax, rising, facecolors=STARTUP, edgecolors=GREY, linewidths=0.5),
        _add_bars(ax, running, facecolors=COLOURS["processes"], edgecolors="none"),
        _add_bars(ax, over, facecolors="white", edgecolors=GREY, linewidths=0.5, hatch="//////"),
    ]
    height = min(16, 0.62 * ax.bbox.height * 72 / ax.figure.dpi / abs(np.diff(ax.get_ylim())[0]))
    for moments, marker, size in (("called", ">", 5), ("joined", "|", height + 5)):
        dots = [
            (getattr(line, moments), lane)
            for lane, line in enumerate(lives.lines)
            if getattr(line, moments) is not None
        ]
        artists += ax.plot(
            *np.array(dots or np.empty((0, 2))).T,
            marker,
            color=INK,
            markersize=size,
            markeredgewidth=1.6 if marker == "|" else 0,
            clip_on=False,
            zorder=6,
        )
    return artists + _add_names(ax, lives, running)


def mark_killed(ax, lives):
    """Mark the end of each lane that `killed_lanes` names, where there is room with words."""
    width = axes_width(ax) / np.diff(ax.get_xlim())[0]
    words = "killed by Stop"
    for lane in killed_lanes(lives):
        ax.plot(
            [lives.now], [lane], "x", color=INK, markersize=8, markeredgewidth=2, zorder=7, clip_on=False, gid="killed"
        )
        start = lives.lines[lane].began or lives.lines[lane].called
        fits = text_width(f"pid 0000000, {words}", SMALL_SIZE) + 12 < (lives.now - start) * width
        if fits and len(lives.lines) <= 12:
            place = {"textcoords": "offset points", "ha": "right", "va": "center_baseline", "zorder": 7}
            style = {"size": SMALL_SIZE, "family": FONT, "color": "white" if lives.lines[lane].began else INK}
            ax.annotate(words, (lives.now, lane), (-9, 0), **place, **style)


def killed_lanes(lives):
    """Return the numbers, from 0, of the processes of Lifelines that were asked for and had not ended at ``now``."""
    return [
        lane for lane, line in enumerate(lives.lines) if line.called is not None and line.ended is line.joined is None
    ]


def _first(*moments):
    return next(moment for moment in moments if moment is not None)


def _add_bars(ax, bars, **style):
    return add_boxes(ax, [(start, end) for _, start, end in bars], [lane for lane, _, _ in bars], **style)


def _add_names(ax, lives, running):
    """Write process id and exit code into the bars where they fit, or the id into the time of coming up."""
    points, texts = axes_width(ax) / np.diff(ax.get_xlim())[0], []
    for lane, start, end in running:
        line = lives.lines[lane]
        ended = f", exit code {line.exitcode}" if line.exitcode is not None else ""
        words = next(
            (
                w
                for w in (f"pid {line.pid}{ended}", f"pid {line.pid}")
                if text_width("0" * len(w), SMALL_SIZE) < (end - start) * points
            ),
            "",
        )
        colour, pid = "white", f"pid {line.pid}"
        if not words and text_width("0" * len(pid), SMALL_SIZE) + 10 < (start - line.called) * points:
            words, colour, start = pid, INK, line.called + 5 / points
        if words and len(lives.lines) <= 12:
            texts.append(
                ax.text(
                    start + 5 / points,
                    lane,
                    words,
                    size=SMALL_SIZE,
                    color=colour,
                    family=FONT,
                    va="center_baseline",
                    zorder=5,
                )
            )
    return texts


# ── cost of a start ───────────────────────────────────────────────────────────────────────────


def plot_start_costs(costs, ax=None, *, guess_ms=None):
    """Return the Axes with a strip of dots a start method: milliseconds from start() to the first line.

    `guess_ms` is drawn as an open triangle under the axis. `costs` None: empty rows.
    """
    ax = new_figure().add_axes((0.12, 0.185, 0.86, 0.605)) if ax is None else ax
    _frame_costs(ax, costs, guess_ms)
    for artist in add_costs(ax, costs) if costs is not None else ():
        artist.set_gid("cost")
    show_doubts(ax, costs.badges if costs is not None else ())
    if guess_ms:
        foot = ax.get_ylim()[0]
        ax.plot(
            [guess_ms],
            [foot],
            "^",
            color=INK,
            markerfacecolor="white",
            markersize=8,
            clip_on=False,
            zorder=7,
            gid="guess",
        )
        ax.annotate(
            "your guess",
            (guess_ms, foot),
            (0, 6),
            textcoords="offset points",
            ha="center",
            va="bottom",
            size=SMALL_SIZE,
            color=INK,
            family=FONT,
            zorder=7,
        )
    return ax


def _frame_costs(ax, costs, guess_ms=None):
    """Draw everything but the dots: what does not move while rounds are measured."""
    style_axes(ax, "milliseconds from start() to the first line of the target", grid="x")
    rows = _rows(costs)
    values = [1000 * v for v in _all_values(costs)] + [guess_ms or RANGE_MS[0]]
    low, high = min(RANGE_MS[0], 0.8 * max(1e-4, min(values))), max(RANGE_MS[1], 10 ** ceil(log10(max(values))))
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.set_xticks([10.0**k for k in range(ceil(log10(low)), floor(log10(high)) + 1)])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(range(len(rows)), [f"a {row}" if row == "thread" else row for row in rows])
    ax.tick_params(axis="y", length=0)
    if costs is None:
        write_head(ax, "What one start costs", ["measured after the lifelines"])
        return
    write_head(
        ax,
        "What one start costs",
        [
            f"{_progress(costs)}{plural(costs.repeats, 'start')} each, in rounds of random order",
            "┃ median · ◇ the very first, with what is started once",
        ],
    )


def _progress(costs):
    """Return the words before the number of starts: a frame is drawn before the first round, a stopped picture after
    some."""
    return "" if costs.complete else f"{costs.n_rounds} of " if costs.n_rounds else "up to "


def _rows(costs):
    return [row for row in ROWS if costs is None or row in costs.cold]


def _all_values(costs):
    if costs is None:
        return []
    return [
        value
        for value in (*costs.cold.values(), *(v for values in costs.first_line.values() for v in values))
        if value == value
    ]


def add_costs(ax, costs):
    """Return the artists of all dots, medians and their labels, added to the axes."""
    artists = []
    for row, method in enumerate(_rows(costs)):
        colour = COLOURS["threads" if method == "thread" else "processes"]
        marker = "s" if method == "thread" else "o"
        values = 1000 * np.array(costs.first_line.get(method, ()))
        artists += ax.plot(
            [1000 * costs.cold[method]], [row], "D", color=colour, markerfacecolor="white", markersize=4.5, zorder=4
        )
        artists += ax.plot(
            values,
            row + SPREAD[np.arange(len(values)) % len(SPREAD)],
            marker,
            color=colour,
            alpha=0.6,
            markersize=4,
            markeredgewidth=0,
            zorder=5,
        )
        if len(values):
            middle = median(values)
            artists += ax.plot([middle, middle], [row - 0.3, row + 0.3], color=INK, linewidth=1.8, zorder=6)
            artists.append(
                ax.annotate(
                    seconds(middle / 1000),
                    (middle, row - 0.3),
                    (0, 1.5),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    size=SMALL_SIZE,
                    color=INK,
                    family=FONT,
                    weight="bold",
                    zorder=7,
                )
            )
    return artists


# ── live ──────────────────────────────────────────────────────────────────────────────────────


class ProcessCard(MovingPicture):
    """The card while it is measured, of a ProcessRun; one for each run, since lanes that are over stay.

    The frame is drawn anew only when the processes live longer than the axis.
    """

    def __init__(self, methods, repeats):
        """Begin with the rows of the start `methods`, of which `repeats` starts will be measured, and of a thread."""
        self._over, self._nothing = None, StartCosts(repeats, cold=dict.fromkeys((*methods, THREAD), nan))

    def frame(self, run):
        """The settings, and the seconds at the right end of the lanes."""
        lives, costs = run.lives, run.costs or self._nothing
        limit = 1.2 * lives.task_seconds + 0.4
        while lives.wall > 0.97 * limit:
            limit *= 1.4
        return len(lives.lines), lives.task_seconds, lives.start_method, limit, tuple(sorted(costs.cold))

    def build(self, figure, run):
        """Draw both axes without what moves."""
        self._over, limit = None, self.frame(run)[3]
        _frame_lives(figure.add_axes(LEFT), run.lives, limit=limit)
        _frame_costs(figure.add_axes(RIGHT), self._nothing)
        self.left, self.right = figure.axes

    def move(self, run):
        """Draw lanes and dots as they are now; lanes that are over become part of the frame."""
        lanes = [] if self._over is run.lives else add_lives(self.left, run.lives)
        if lanes and run.lives.complete and self._live is not None:
            self.settle(lanes)
            self._over, lanes = run.lives, []
        return [*lanes, *add_costs(self.right, run.costs or self._nothing)]
