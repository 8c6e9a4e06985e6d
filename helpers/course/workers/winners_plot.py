"""The map of winners: one cell a length and a payload, its winner named in it, ties hatched, doubts marked."""

from __future__ import annotations

from bisect import bisect
from math import log

from matplotlib.patches import Rectangle

from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    GRID,
    INK,
    SMALL_SIZE,
    TEXT_SIZE,
    new_figure,
    paler,
    style_axes,
    write_head,
    write_note,
)
from helpers.words import median_of, plural, seconds, size

#: Colour of each way; its name stands in the cell, so that colour is not alone.
WAY_COLOURS = {
    "serial": COLOURS["serial"],
    "threads": COLOURS["threads"],
    "processes": COLOURS["processes"],
    "shared memory": COLOURS["interpreters"],
}
#: Inches of the card.
HEIGHT = 4.2


def plot_winners(record, point=None, ax=None):
    """Return the Axes with the winner of each cell of a WinnerMap and its gain over the serial loop.

    A tie is hatched and names both ways, a doubtful cell ends with "?", one that was not measured is empty. `point`
    is the TaskPoint of the reader's own task: a diamond at its place, at the border if it is outside.
    """
    ax = new_figure(HEIGHT).add_axes((0.1, 0.7 / HEIGHT, 0.87, 1 - 1.4 / HEIGHT)) if ax is None else ax
    style_axes(ax, "bytes of a task's arguments")
    ax.set_xlim(-0.5, len(record.payloads) - 0.5)
    ax.set_ylim(-0.5, len(record.tasks_ms) - 0.5)
    ax.set_xticks(range(len(record.payloads)), [size(payload) for payload in record.payloads])
    ax.set_yticks(range(len(record.tasks_ms)), [seconds(ms / 1000) for ms in record.tasks_ms])
    ax.set_ylabel("time of a task", size=TEXT_SIZE, color=INK, family=FONT)
    for (row, column), cell in record.cells.items():
        _draw_cell(ax, row, column, cell)
    if not record.cells:
        write_note(ax, "nothing measured yet")
    if point is not None:
        across = place_of(point.payload_bytes, record.payloads)
        up = place_of(point.seconds * 1000, record.tasks_ms)
        ax.plot(across, up, "D", color="white", markeredgecolor=INK, markersize=8, zorder=6, gid="point", clip_on=False)
        style = {"size": TEXT_SIZE, "family": FONT, "color": INK, "zorder": 7}
        under = {"facecolor": "white", "edgecolor": GRID, "pad": 1.5}
        ax.annotate(point.name, (across, up), (9, -11), textcoords="offset points", bbox=under, **style)
    show_doubts(ax, record.doubts)
    rounds = max((len(cell.walls["serial"]) for cell in record.cells.values()), default=0)
    who = f"{plural(record.n_tasks, f'{record.kind} task')}, {plural(record.n_workers, 'worker')} already up"
    keys = "hatched: a tie, within 10 %; ?: in doubt"
    write_head(ax, "Which way wins for which tasks?", [who, median_of(rounds) if rounds else "", keys])
    return ax


def _draw_cell(ax, row, column, cell):
    """Draw one cell: paler where the winner gains little, hatched for a tie."""
    ways, tie = cell.as_good, len(cell.as_good) > 1
    colour = WAY_COLOURS[cell.winner]
    face = "white" if tie else paler(colour, 0.65)
    box = Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor=face, edgecolor=GREY if tie else GRID, zorder=1)
    box.set(hatch="////" if tie else None, linewidth=0.6, gid="tie" if tie else "cell")
    ax.add_patch(box)
    words = f"{' = '.join(ways)}\n{cell.gain:.1f} ×{' ?' if cell.doubts else ''}"
    under = {"facecolor": "white", "edgecolor": "none", "pad": 1} if tie else None
    style = {"size": SMALL_SIZE if len(ways) < 3 else 0.8 * SMALL_SIZE, "family": FONT, "color": INK, "zorder": 4}
    ax.text(column, row, words, ha="center", va="center", gid="winner", bbox=under, **style)


def place_of(value, values):
    """Return where a value stands among ascending `values` in steps, between two of them on a log axis.

    Outside it is at the border: half a step beyond the first or the last.

    >>> place_of(10, (1, 100)), place_of(1, (1, 100)), place_of(1e9, (1, 100)), place_of(0, (1, 100))
    (0.5, 0.0, 1.5, -0.5)
    """
    if value < values[0]:
        return -0.5
    if value > values[-1]:
        return len(values) - 0.5
    after = min(bisect(values, value), len(values) - 1)
    if not after:
        return 0.0
    low, high = values[after - 1], values[after]
    return after - 1 + log(value / low) / log(high / low)


def describe_winners(record):
    """Return the message of the map in one sentence, for use as alt text."""
    return f"Map of which way wins. {record.explain()}"
