"""A drawing of who copies what: an argument, a block of shared memory, a Value, a Manager. Lengths are inches."""

from __future__ import annotations

from helpers.plots.drawing import COLOURS, GREY, INK, SHADE, darker, paler
from helpers.plots.shapes import NAME_SIZE, draw_arrow, draw_box, new_drawing, write

#: Inches of the drawing and of a row; where the kernel, the worker and what lies between them begin and end.
HEIGHT, ROW = 4.3, 0.95
KERNEL, MIDDLE, WORKER = (1.75, 3.25), (4.0, 5.2), (5.95, 7.35)
#: Where the words on copies begin.
NOTES = 7.5
HERE, THERE, DATA, THIRD = COLOURS["processes"], COLOURS["dask"], COLOURS["interpreters"], COLOURS["multiprocess"]


def draw_sharing():
    """Return a Figure with one row for each way of sharing: whose memory the data lies in, and what travels.

    A filled square is the data, a hatched one a copy of it.
    """
    ax = new_drawing(HEIGHT)
    for (left, right), name, colour in ((KERNEL, "the kernel", HERE), (WORKER, "a worker", THERE)):
        draw_box(ax, left, 0.1, right - left, HEIGHT - 0.2, colour, thick=2, round_by=0.12, gid="process")
        write(ax, (left + right) / 2, HEIGHT - 0.3, name, darker(colour), bold=True, size=NAME_SIZE)
    write(ax, NOTES, HEIGHT - 0.3, "copies", INK, bold=True, size=NAME_SIZE, side="left")
    rows = (_draw_argument, _draw_block, _draw_value, _draw_manager)
    for number, draw in enumerate(rows):
        y = HEIGHT - 1.0 - ROW * number
        if number:
            ax.plot([0.1, 8.9], [y + ROW / 2] * 2, color=GREY, linewidth=0.6, linestyle=(0, (2, 3)), zorder=1)
        draw(ax, y)
    ax.figure.set_label(describe_sharing())
    return ax.figure


def describe_sharing():
    """Return the message of the drawing, for use as alt text."""
    return (
        "Who copies what. An argument is pickled and sent through a pipe, a result comes back the same way: whoever "
        "receives it gets a copy, each time. A SharedMemory block lies outside both, its name travels, and both see "
        "the same bytes: no copy. A Value or an Array is such memory too, with a lock, handed over at the start of the "
        "worker. A Manager's object lies in a third process: each use is a message there and back, and what comes back "
        "is a copy."
    )


def _name(ax, y, name, example):
    write(ax, 0.1, y + 0.13, name, INK, bold=True, size=NAME_SIZE, side="left", gid="way")
    write(ax, 0.1, y - 0.14, example, GREY, side="left")


def _note(ax, y, words):
    write(ax, NOTES, y, words, side="left", gid="note")


def _draw_data(ax, x, y, copy=False):
    """Draw the data around a point, hatched if it is a copy."""
    fill, hatch = (paler(DATA, 0.75), "/////") if copy else (DATA, None)
    draw_box(ax, x - 0.14, y - 0.14, 0.28, 0.28, DATA, fill, round_by=0.03, hatch=hatch, gid="copy" if copy else "data")


def _middle_of(edges):
    return sum(edges) / 2


def _draw_argument(ax, y):
    _name(ax, y, "argument, result", "pickled, by a pipe")
    _draw_data(ax, _middle_of(KERNEL), y)
    draw_arrow(ax, (KERNEL[1] + 0.08, y), (WORKER[0] - 0.08, y), HERE, both=True, gid="message")
    write(ax, _middle_of(MIDDLE), y + 0.17, "all of its bytes")
    _draw_data(ax, _middle_of(WORKER), y, copy=True)
    _note(ax, y, "one for each\nmessage")


def _draw_shared(ax, y, content):
    """Draw memory that both processes see, with the data in it."""
    draw_box(ax, MIDDLE[0], y - 0.27, MIDDLE[1] - MIDDLE[0], 0.54, GREY, SHADE, gid="shared")
    _draw_data(ax, MIDDLE[0] + 0.25, y)
    write(ax, MIDDLE[0] + 0.8, y, content)
    draw_arrow(ax, (KERNEL[1] + 0.08, y), (MIDDLE[0] - 0.05, y), HERE, both=True, gid="sight")
    draw_arrow(ax, (WORKER[0] - 0.08, y), (MIDDLE[1] + 0.05, y), THERE, both=True, gid="sight")
    for edges in (KERNEL, WORKER):
        write(ax, _middle_of(edges), y, "sees it")


def _draw_block(ax, y):
    _name(ax, y, "SharedMemory", "its name is sent")
    _draw_shared(ax, y, "a block")
    _note(ax, y, "none: both see\nthe same bytes")


def _draw_value(ax, y):
    _name(ax, y, "Value, Array", "given at the start")
    _draw_shared(ax, y, "+ a lock")
    _note(ax, y, "none: both see\nthe same numbers")


def _draw_manager(ax, y):
    _name(ax, y, "Manager", "a proxy is sent")
    draw_box(ax, MIDDLE[0], y - 0.34, MIDDLE[1] - MIDDLE[0], 0.68, THIRD, thick=2, round_by=0.1, gid="process")
    _draw_data(ax, MIDDLE[0] + 0.25, y)
    write(ax, MIDDLE[0] + 0.8, y, "a third\nprocess")
    draw_arrow(ax, (KERNEL[1] + 0.08, y), (MIDDLE[0] - 0.05, y), HERE, both=True, gid="message")
    draw_arrow(ax, (WORKER[0] - 0.08, y), (MIDDLE[1] + 0.05, y), THERE, both=True, gid="message")
    for edges in (KERNEL, WORKER):
        write(ax, _middle_of(edges) - 0.22, y, "proxy")
        _draw_data(ax, _middle_of(edges) + 0.35, y, copy=True)
    _note(ax, y, "one for each use,\nby message")
