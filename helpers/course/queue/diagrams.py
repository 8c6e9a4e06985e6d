"""A drawing of the way of an object through a queue: put, buffer, feeder thread, pipe, get. Lengths are inches."""

from __future__ import annotations

from helpers.plots.drawing import COLOURS, GREY, SHADE, STARTUP, darker, paler
from helpers.plots.shapes import NAME_SIZE, draw_arrow, draw_box, new_drawing, write

#: Inches of the drawing; the line on which everything passes; and the lines of the captions below it.
HEIGHT, LINE, CAPTIONS = 2.6, 1.3, 0.62
#: Left and right edges of the two processes.
PUTS, GETS = (0.1, 5.2), (6.75, 8.9)
PRODUCER, THREAD, CONSUMER = COLOURS["processes"], COLOURS["threads"], COLOURS["interpreters"]


def draw_queue_path():
    """Return a Figure of what happens to an object between ``put`` and ``get`` of a `multiprocessing.Queue`.

    Four stations from left to right, in two processes and the pipe between them, each with its caption.
    """
    ax = new_drawing(HEIGHT)
    for (left, right), name, colour in ((PUTS, "a process that puts", PRODUCER), (GETS, "one that gets", CONSUMER)):
        draw_box(ax, left, 0.1, right - left, HEIGHT - 0.2, colour, thick=2, round_by=0.12, gid="process")
        write(ax, (left + right) / 2, HEIGHT - 0.35, name, darker(colour), bold=True, size=NAME_SIZE)
    _draw_put_and_buffer(ax)
    _draw_feeder(ax)
    _draw_pipe(ax)
    _draw_get(ax)
    ax.figure.set_label(describe_queue_path())
    return ax.figure


def describe_queue_path():
    """Return the message of the drawing, for use as alt text."""
    return (
        "The way of an object through a queue. put drops the object itself into a buffer and returns at once. A feeder "
        "thread of the same process pickles it later and writes the bytes into a pipe, which holds a limited number "
        "and makes the feeder wait while it is full. get, in another process, reads the bytes and builds a new object."
    )


def _station(ax, x, name, caption, colour):
    """Write the name of a station above the line, and what happens there below it."""
    write(ax, x, LINE + 0.55, name, darker(colour), bold=True, size=NAME_SIZE, gid="station")
    write(ax, x, CAPTIONS, caption, gid="caption")


def _draw_put_and_buffer(ax):
    _station(ax, 0.85, "put(object)", "returns at once,\nno copy is made", PRODUCER)
    draw_arrow(ax, (0.3, LINE), (1.55, LINE), PRODUCER, gid="way")
    _station(ax, 2.15, "buffer", "the objects\nthemselves", PRODUCER)
    draw_box(ax, 1.6, LINE - 0.27, 1.1, 0.54, GREY, SHADE, gid="buffer")
    for place in range(3):
        draw_box(ax, 1.7 + 0.33 * place, LINE - 0.12, 0.24, 0.24, PRODUCER, paler(PRODUCER, 0.5), round_by=0.03)


def _draw_feeder(ax):
    draw_arrow(ax, (2.75, LINE), (3.3, LINE), PRODUCER, gid="way")
    _station(ax, 4.2, "feeder thread", "pickles, later:\nerrors appear here", THREAD)
    draw_box(ax, 3.35, LINE - 0.27, 1.7, 0.54, THREAD, paler(THREAD, 0.8), thick=1.6, round_by=0.27, gid="feeder")
    write(ax, 4.2, LINE, "object → bytes")


def _draw_pipe(ax):
    left, right = PUTS[1], GETS[0]
    _station(ax, (left + right) / 2, "pipe", "bytes; when full,\nthe feeder waits", GREY)
    draw_box(ax, left - 0.1, LINE - 0.14, right - left + 0.2, 0.28, GREY, STARTUP, round_by=0.14, gid="pipe")
    draw_arrow(ax, (left + 0.1, LINE), (right - 0.1, LINE), GREY, gid="way")


def _draw_get(ax):
    middle = (GETS[0] + GETS[1]) / 2
    _station(ax, middle, "get()", "bytes → a new object,\nequal, not the same", CONSUMER)
    draw_arrow(ax, (GETS[0] + 0.15, LINE), (GETS[1] - 0.55, LINE), CONSUMER, gid="way")
    looks = {"round_by": 0.03, "hatch": "////"}
    draw_box(ax, GETS[1] - 0.45, LINE - 0.12, 0.24, 0.24, CONSUMER, paler(CONSUMER, 0.7), **looks)
