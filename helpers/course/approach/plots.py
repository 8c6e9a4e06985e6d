"""The map of approaches as a picture: a cell for each approach and kind of work, and what a worker weighs."""

from __future__ import annotations

from math import log2

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import Rectangle

from helpers.course.approach.claims import say_weight
from helpers.course.approach.runs import TITLES, count_workers, name_approach
from helpers.plots.doubts import SIGN, show_doubts
from helpers.plots.drawing import (
    FONT,
    GREY,
    INK,
    SHADE,
    SMALL_SIZE,
    TEXT_SIZE,
    new_figure,
    rounds_text,
    write_head,
    write_note,
)
from helpers.records import unite_badges
from helpers.words import listing, plural, seconds, sentences

__all__ = ["colour_of", "describe_approaches", "plot_approaches", "read_cell"]

#: Vermilion over white to blue: told apart with every kind of colour vision, and in grey by what stands in the cell.
SCALE = LinearSegmentedColormap.from_list("approaches", ["#B34700", "#F2B48F", "#FFFFFF", "#8FC1E3", "#00548A"])
#: Speedups at which the colours end: 1/8 and 8; white is 1.
STRONGEST = 8.0
#: Height of the card for four approaches, and of a further row, in inches.
HEIGHT, ROW = 4.0, 0.52
#: Space in inches above the axes for the head, and below for doubts.
TOP, BOTTOM = 0.68, 0.58
#: Rows above the cells that the names of the columns take.
NAMES = 0.85
WIDTHS = (0.118, 0.875)  # left end and width of the cells, as shares of the card


def plot_approaches(record, ax=None):
    """Return the Axes with the map of speedups: a row an approach, a column a kind of work, memory in the last one.

    `record` is an `ApproachMap`, also one that is still growing; None gives the empty map. A cell holds the speedup
    against the plain serial loop with its interval, the row of the serial loop its seconds. Blue is faster, red
    slower; the number says the same. Hatched cells, with a sign beside the number, are in doubt: why stands below.
    Read the message in words with `describe_approaches`. Chapter 07.
    """
    n_rows = 4 if record is None else len(record.approaches)
    if ax is None:
        height = HEIGHT + ROW * max(0, n_rows - 4)
        figure = new_figure(height)
        ax = figure.add_axes((WIDTHS[0], BOTTOM / height, WIDTHS[1], 1 - (TOP + BOTTOM) / height))
    kinds = tuple(TITLES) if record is None else record.kinds
    _draw_frame(ax, kinds, n_rows)
    if record is None:
        write_head(ax, "Which approach for which work?", ["nothing measured yet"])
        ax.set_yticks([])
        write_note(ax, "Nothing measured yet")
        return ax
    names = [name_approach(approach, record.gil) for approach in record.approaches]
    ax.set_yticks(range(n_rows), names)
    for row, approach in enumerate(record.approaches):
        for column, kind in enumerate(kinds):
            _draw_cell(ax, row, column, *read_cell(record, kind, approach))
        _draw_cell(ax, row, len(kinds), *read_weight(record, approach))
    write_head(ax, describe_approaches(record), _how(record))
    pairs = [(kind, approach) for kind in kinds for approach in record.approaches]
    show_doubts(ax, unite_badges(*(record.doubts(*pair) for pair in pairs)))
    return ax


def read_cell(record, kind, approach):
    """Return (large text, small text, colour, whether it is in doubt) of a cell."""
    if record.trouble(kind, approach):
        return "failed", "", SHADE, False
    estimate = record.speedup(kind, approach)
    if estimate is None:
        return "", "", SHADE, False
    if approach == "serial":
        walls = sorted(run.wall for run in record.of(kind, "serial"))
        return seconds(walls[len(walls) // 2]), "", "#FFFFFF", False
    n_workers = count_workers(kind, approach, record.n_workers, record.n_waiting)
    interval = "" if estimate.low is None else f"{_short(estimate.low)} to {_short(estimate.high)}"
    small = interval if n_workers == record.n_workers else f"{interval}\n{n_workers} at a time".strip()
    doubted = bool(record.doubts(kind, approach))
    return f"{SIGN if doubted else ''}{_short(estimate.median)} ×", small, colour_of(estimate.median), doubted


def read_weight(record, approach):
    """Return (large text, small text, colour, False) of what one more worker of an approach weighs."""
    weight = record.weight(approach)
    if weight is None:
        return ("–" if approach == "serial" else ""), "", "#FFFFFF", False
    if weight.told:
        return say_weight(weight.size_bytes), "", "#FFFFFF", False
    return "?", "cannot be told", "#FFFFFF", False


def colour_of(speedup):
    """Return the colour of a speedup as (red, green, blue): white at 1, full at 8 and at 1/8.

    >>> colour_of(1), colour_of(8) == colour_of(100)
    ((1.0, 1.0, 1.0), True)
    """
    strength = log2(max(speedup, 1e-9)) / log2(STRONGEST)
    if strength == 0:
        return 1.0, 1.0, 1.0
    return tuple(float(part) for part in SCALE(0.5 + 0.5 * min(1.0, max(-1.0, strength)))[:3])


def ink_on(colour):
    """Return black or white, whichever has more contrast with `colour` (WCAG 2.2): always at least 4.5 to 1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "black"


def describe_approaches(record):
    """Return the message of the map in one sentence: which approach is fastest for which work."""
    if record is None:
        return "Map of approaches: nothing measured yet"
    won = {}
    for kind in record.kinds:
        if any(record.speedup(kind, approach) for approach in record.approaches):
            won.setdefault(record.best(kind), []).append(kind)
    if not won:
        return "Map of approaches: nothing measured yet"
    unclear = won.pop((), [])
    parts = [
        f"{listing([name_approach(approach, record.gil) for approach in best])} at {listing(kinds)}"
        for best, kinds in sorted(won.items(), key=lambda pair: record.approaches.index(pair[0][0]))
    ]
    told = [f"Fastest here: {'; '.join(parts)}"] if parts else []
    open_ones = f"not clear at {listing(unclear)}"
    return sentences("; ".join([*told, *([open_ones] if unclear else [])])).removesuffix(".")


def _how(record):
    """Return the parts of the grey line."""
    counted = [len(record.of(kind, approach)) for kind in record.kinds for approach in record.approaches]
    counted = [number for number in counted if number]
    return [
        "times as fast as the serial loop, workers being up",
        rounds_text(counted, place="small") if counted else "",
        f"{plural(record.n_workers, 'worker')} on {plural(record.usable_cpus, 'usable CPU')}",
        f"hatched, {SIGN.strip()}: in doubt",
    ]


def _short(value):
    """Return a speedup in two or three digits."""
    return f"{value:.1f}" if value >= 9.95 else f"{value:.2f}" if value >= 0.095 else f"{value:.2g}"


def _draw_frame(ax, kinds, n_rows):
    """Draw what does not move: the names of the columns, no axes."""
    ax.set_facecolor("white")
    ax.set_xlim(-0.5, len(kinds) + 0.5)
    ax.set_ylim(n_rows - 0.5, -0.5 - NAMES)
    ax.set_xticks([])
    for column, name in enumerate([*(TITLES[kind] for kind in kinds), "memory of one\nmore worker"]):
        style = {"size": TEXT_SIZE, "color": INK, "family": FONT, "gid": "column", "linespacing": 1.1}
        ax.text(column, -0.5 - NAMES / 2, name, ha="center", va="center", **style)
    ax.tick_params(length=0, labelsize=TEXT_SIZE, labelfontfamily=FONT, colors=INK, pad=3)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _draw_cell(ax, row, column, large, small, colour, doubted):
    """Draw one cell: its colour, hatching where it is in doubt, and its texts."""
    look = {"facecolor": colour, "edgecolor": "white" if np.mean(to_rgb(colour)) < 0.9 else "#E5E7EB"}
    ax.add_patch(Rectangle((column - 0.48, row - 0.47), 0.96, 0.94, linewidth=1, gid="cell", **look))
    ink = ink_on(colour)
    if doubted:
        hatched = {"facecolor": "none", "edgecolor": GREY, "hatch": "////", "linewidth": 0, "alpha": 0.35}
        ax.add_patch(Rectangle((column - 0.48, row - 0.47), 0.96, 0.94, gid="doubted", **hatched))
    n_small = small.count("\n") + 1 if small else 0
    first = row - (0, 0.16, 0.26)[n_small]
    style = {"ha": "center", "color": ink, "family": FONT, "zorder": 5}
    ax.text(column, first, large, va="center", size=TEXT_SIZE + 1, weight="bold", gid="speedup", **style)
    if small:
        ax.text(column, first + 0.2, small, va="top", size=SMALL_SIZE - 1, gid="interval", linespacing=1.1, **style)
