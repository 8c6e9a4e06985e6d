"""Boxes, arrows and words of drawings that explain rather than measure. Lengths are inches, sizes of type points."""

from __future__ import annotations

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.plots.drawing import CARD_SIZE, FONT, GREY, INK, TEXT_SIZE, darker, new_figure

#: The type of a drawing: words, and names of parts. Nothing is smaller.
WORDS_SIZE, NAME_SIZE = TEXT_SIZE + 0.5, TEXT_SIZE + 1.5


def new_drawing(height):
    """Return empty Axes of 9 inches × `height`, whose data are inches from the lower left corner."""
    ax = new_figure(height).add_axes((0, 0, 1, 1), xlim=(0, CARD_SIZE[0]), ylim=(0, height))
    ax.set_axis_off()
    return ax


def draw_box(ax, left, low, width, height, edge=GREY, fill="white", *, thick=1.0, round_by=0.08, hatch=None, gid=None):
    """Draw a box with round corners and return it."""
    box = FancyBboxPatch((left, low), width, height, f"round,pad=0,rounding_size={round_by}", gid=gid)
    box.set(facecolor=fill, edgecolor=edge, linewidth=thick, hatch=hatch, zorder=2)
    return ax.add_patch(box)


def draw_arrow(ax, start, end, colour=INK, *, both=False, gid=None):
    """Draw an arrow from one point to another, with two heads if it goes both ways, and return it."""
    looks = "<|-|>" if both else "-|>"
    arrow = FancyArrowPatch(start, end, arrowstyle=looks, mutation_scale=12, shrinkA=0, shrinkB=0, gid=gid)
    arrow.set(color=darker(colour), linewidth=1.6, zorder=4)
    return ax.add_patch(arrow)


def write(ax, x, y, text, colour=INK, *, bold=False, size=WORDS_SIZE, side="center", gid=None):
    """Write words around (x, y), or right of it with `side` "left", and return the Text."""
    weight = "bold" if bold else "normal"
    return ax.text(
        x,
        y,
        text,
        size=size,
        color=colour,
        weight=weight,
        ha=side,
        va="center" if "\n" in text else "center_baseline",
        family=FONT,
        gid=gid,
        zorder=5,
        linespacing=1.25,
    )
