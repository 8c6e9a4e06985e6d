"""A drawing of two processes and of all that passes between them. Lengths are inches."""

from __future__ import annotations

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    INK,
    SHADE,
    STARTUP,
    TEXT_SIZE,
    TITLE_SIZE,
    darker,
    new_figure,
    text_width,
)
from helpers.words import shown

#: The drawing, and in it the two processes: left edge, lower edge, width, height.
SIZE = (9.0, 2.9)
HERE, THERE = (0.1, 0.1, 2.6, 2.7), (6.3, 0.1, 2.6, 2.7)
#: Where the messages pass, from the first to the last, between these two edges.
LEFT, RIGHT, HEIGHTS = 2.7, 6.3, (2.2, 1.35, 0.4)
KERNEL, CHILD = COLOURS["processes"], COLOURS["dask"]


def draw_two_processes(here, there):
    """Return a Figure of the kernel and a process it started: two memories, and what passes between them.

    Parameters
    ----------
    here, there : object
        What the list ``notes`` holds in the kernel, and what it holds in the other process.
    """
    figure = new_figure(SIZE[1])
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, SIZE[0]), ylim=(0, SIZE[1]))
    ax.set_axis_off()
    _draw_process(ax, HERE, "the kernel", KERNEL, here)
    _draw_process(ax, THERE, "the new process", CHILD, there)
    start, pipe, end = HEIGHTS
    _draw_message(ax, start, "start()", "target and args, as pickled copies", KERNEL, to_right=True)
    tube = FancyBboxPatch((LEFT + 0.25, pipe - 0.13), RIGHT - LEFT - 0.5, 0.26, "round,pad=0,rounding_size=0.13")
    tube.set(facecolor=STARTUP, edgecolor=GREY, linewidth=1, zorder=2, gid="pipe")
    ax.add_patch(tube)
    _draw_message(ax, pipe, "send() … recv()", "a Pipe: results, as pickled copies", CHILD, room=0.1)
    _draw_message(ax, end, "join()", "the end, and an exit code", CHILD)
    figure.set_label(
        f"Two processes with a memory each: in the kernel notes is {shown(here)}, in the new process {shown(there)}. "
        "start() sends target and arguments there as pickled copies, a Pipe brings results back, "
        "join() waits for the end and an exit code."
    )
    return figure


def _draw_process(ax, box, name, colour, memory):
    """Draw one process with its memory."""
    left, low, width, height = box
    frame = FancyBboxPatch((left, low), width, height, "round,pad=0,rounding_size=0.12", gid="process")
    frame.set(facecolor="white", edgecolor=colour, linewidth=2)
    inside = FancyBboxPatch((left + 0.2, low + 0.2), width - 0.4, 1.45, "round,pad=0,rounding_size=0.06")
    inside.set(facecolor=SHADE, edgecolor=GREY, linewidth=0.8)
    ax.add_patch(frame)
    ax.add_patch(inside)
    middle = left + width / 2
    _write(ax, middle, low + height - 0.3, name, TITLE_SIZE + 0.5, darker(colour), weight="bold")
    _write(ax, middle, low + height - 0.65, "an interpreter of its own", TEXT_SIZE + 0.5)
    _write(ax, middle, low + 1.35, "its own memory", TEXT_SIZE + 0.5, GREY)
    _write(ax, middle, low + 0.85, _fit(f"notes = {shown(memory)}", width - 0.6), TEXT_SIZE + 1, gid="memory")


def _draw_message(ax, height, call, what, colour, to_right=False, room=0.0):
    """Draw an arrow between the processes, its call above and what it carries below."""
    ends = [(LEFT + 0.08, height), (RIGHT - 0.08, height)]
    start, end = ends if to_right else ends[::-1]
    arrow = FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, shrinkA=0, shrinkB=0, gid="message")
    arrow.set(color=darker(colour), linewidth=1.8, zorder=4)
    ax.add_patch(arrow)
    middle = (LEFT + RIGHT) / 2
    _write(ax, middle, height + 0.17 + room, call, TEXT_SIZE + 1, darker(colour), weight="bold")
    _write(ax, middle, height - 0.17 - room, what, TEXT_SIZE + 0.5)


def _fit(text, width):
    """Return the text, cut short if it is wider than `width` inches."""
    fitting = text
    while text_width(fitting, TEXT_SIZE + 1) > 72 * width:
        text = text[:-1]
        fitting = f"{text} …"
    return fitting


def _write(ax, x, y, text, size, colour=INK, weight="normal", gid=None):
    ax.text(x, y, text, size=size, color=colour, weight=weight, ha="center", va="center", family=FONT, gid=gid)
