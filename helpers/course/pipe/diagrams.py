"""A drawing of how often a byte is copied between two processes: one row a way of sending, one arrow a copy."""

from __future__ import annotations

from helpers.course.pipe.trips import COPIES, WAYS
from helpers.plots.drawing import COLOURS, GREY, INK, SHADE, darker, paler
from helpers.plots.shapes import NAME_SIZE, draw_arrow, draw_box, new_drawing, write
from helpers.words import plural

#: Inches of the drawing, the heights of its rows, and the size of a box in them.
HEIGHT, ROWS, BOX = 3.0, {"send": 2.02, "send_bytes": 1.3, "shared": 0.58}, (0.85, 0.36)
#: Left and right edges of the two processes; left edges of the boxes between them; the place of the number of copies.
SENDS, RECEIVES, NUMBER = (1.4, 3.62), (5.12, 8.36), 8.68
SENDER, MIDDLE, RECEIVER = (1.5, 2.67), 3.94, (5.22, 6.32, 7.42)
#: What a byte lies in on its way, from left to right: (left edge, word). An arrow leads from one to the next.
STATIONS = {
    "send": [*zip(SENDER, ("object", "bytes"), strict=True), (MIDDLE, "pipe")]
    + list(zip(RECEIVER, ("pieces", "bytes", "object"), strict=True)),
    "send_bytes": [(SENDER[1], "bytes"), (MIDDLE, "pipe"), *zip(RECEIVER, ("pieces", "bytes", "buffer"), strict=True)],
    "shared": [(SENDER[1], "bytes"), (MIDDLE, "block")],
}
FROM, TO = COLOURS["processes"], COLOURS["interpreters"]


def draw_copies():
    """Return a Figure of the way of a byte by ``send``, by ``send_bytes`` and by shared memory, on Linux and macOS."""
    ax = new_drawing(HEIGHT)
    for (left, right), name, colour in ((SENDS, "sending process", FROM), (RECEIVES, "receiving process", TO)):
        draw_box(ax, left, 0.1, right - left, HEIGHT - 0.55, colour, thick=2, round_by=0.12, gid="process")
        write(ax, (left + right) / 2, HEIGHT - 0.25, name, darker(colour), bold=True, size=NAME_SIZE)
    write(ax, MIDDLE + BOX[0] / 2, HEIGHT - 0.25, "system", darker(GREY), bold=True, size=NAME_SIZE)
    write(ax, NUMBER, HEIGHT - 0.25, "copies", INK, bold=True, size=NAME_SIZE)
    for way, line in ROWS.items():
        write(ax, 0.08, line, WAYS[way], INK, bold=True, side="left", gid="way")
        _draw_row(ax, way, line)
        write(ax, NUMBER, line, str(COPIES[way]), INK, bold=True, size=NAME_SIZE, gid="number")
    _draw_reading(ax, ROWS["shared"])
    ax.figure.set_label(describe_copies())
    return ax.figure


def describe_copies():
    """Return the message of the drawing, for use as alt text."""
    send, send_bytes, shared = (plural(COPIES[way], "time") for way in ROWS)
    return (
        f"How often a byte is copied. {WAYS['send']}: {send}, from the object to bytes, into the pipe, out of it "
        f"in pieces, together to bytes, and into a new object. {WAYS['send_bytes']}: {send_bytes}, into the "
        f"pipe, out of it in pieces, together to bytes, and into the buffer. {WAYS['shared']}: {shared}, into the "
        "block, where the receiving process reads it."
    )


def _draw_row(ax, way, line):
    """Draw what a byte lies in, and an arrow for each copy."""
    width, height = BOX
    for left, word in STATIONS[way]:
        colour = FROM if left < SENDS[1] else TO if left > RECEIVES[0] else GREY
        fill = SHADE if colour == GREY else paler(colour, 0.85)
        draw_box(ax, left, line - height / 2, width, height, colour, fill, round_by=0.05, gid=f"station {way}")
        write(ax, left + width / 2, line, word)
    for (left, _), (right, _) in zip(STATIONS[way], STATIONS[way][1:], strict=False):
        draw_arrow(ax, (left + width + 0.02, line), (right - 0.02, line), INK, gid=f"copy {way}")


def _draw_reading(ax, line):
    """Write that the receiving process reads what lies in the block: no arrow, no copy."""
    start = MIDDLE + BOX[0] + 0.02
    ax.plot([start, RECEIVER[0] - 0.02], [line, line], ls=(0, (1, 1.5)), lw=1.6, color=darker(GREY), zorder=4)
    write(ax, RECEIVER[0] + 0.04, line, "reads it where it lies", side="left")
