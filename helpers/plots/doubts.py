"""What makes the figures of a picture doubtful, told under it: the one place where pictures show doubts."""

from __future__ import annotations

import re

from helpers.plots.drawing import FONT, SMALL_SIZE, axes_width, darker, text_width
from helpers.words import say_doubts

#: Points between the axes and the first row under the label of the x axis, and points a row.
ROW_TOP, ROW_HEIGHT = 26, 1.3 * SMALL_SIZE
#: Okabe–Ito's vermillion, dark enough to be read as text; the sign says the same without it.
COLOUR = darker("#D55E00")
SIGN = "⚠ "


def show_doubts(ax, badges, row=0, width=None):
    """Write under the axes what makes the figures in them doubtful, and return the Annotation; None without any.

    `badges` are those of the record that is drawn, an iterable of text: all of them are told as far as there is
    room, in as many rows as fit below the axes, the rest by its number. `row` leaves rows above it free; `width` is
    the room in points, by default that of the axes.
    """
    badges = tuple(dict.fromkeys(badges))
    if not badges:
        return None
    room = ax.bbox.y0 * 72 / ax.figure.dpi - ROW_TOP - row * ROW_HEIGHT
    lines, size = fold_doubts(badges, axes_width(ax) if width is None else width, max(1, int(room // ROW_HEIGHT)))
    return ax.annotate(
        "\n".join(lines),
        (0, 0),
        (0, -ROW_TOP - row * ROW_HEIGHT),
        xycoords="axes fraction",
        textcoords="offset points",
        va="top",
        size=size,
        linespacing=1.2,
        color=COLOUR,
        family=FONT,
        annotation_clip=False,
        gid="doubts",
    )


def fold_doubts(badges, width, rows):
    """Return (lines, size in points) that tell `badges` within `width` points and `rows` rows: all, or the first and
    how many more.

    The type is made smaller only where a single doubt is wider than there is room.
    """
    for kept in range(len(badges), 0, -1):
        told = [*badges[:kept], *([f"and {len(badges) - kept} more"] if kept < len(badges) else [])]
        lines = _fill(re.split(" (?!%)", SIGN + say_doubts(told)), width)  # "10 %" stays in one line
        if len(lines) <= rows and all(text_width(line, SMALL_SIZE) <= width for line in lines):
            return lines, SMALL_SIZE
    lines = [" ".join(lines)] if len(lines) > rows else lines
    return lines, SMALL_SIZE * min(1, width / max(text_width(line, SMALL_SIZE) for line in lines))


def _fill(words, width):
    """Return `words` in lines of at most `width` points, a word never broken."""
    lines = [words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        if text_width(longer, SMALL_SIZE) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
