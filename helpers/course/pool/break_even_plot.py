"""From which length of a task on a pool pays for its start: two axes of powers of ten."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import FuncFormatter, NullFormatter

from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    INK,
    LABEL_ROOM,
    MARKERS,
    SMALL_SIZE,
    axes_width,
    new_figure,
    style_axes,
    write_head,
)
from helpers.plots.labels import label_ends
from helpers.words import median_of, plural, seconds


def plot_break_even(record, ax=None):
    """Return the Axes with the time of the serial loop and of a pool over the length of a task, both axes
    logarithmic."""
    ax = new_figure().add_axes((0.075, 0.185, 0.90, 0.64)) if ax is None else ax
    style_axes(ax, "milliseconds a task", grid="both")
    if not record.sizes_ms:
        write_head(ax, "From which length on does a pool pay for its start?", ["stopped: nothing measured"])
        return ax
    sizes = np.asarray(record.sizes_ms)
    lines = {
        "serial loop": (record.serial, "serial", "-"),
        "pool, start-up included": (record.pool, "processes", "-"),
        "pool, already up": (record.warm, "pool", "--"),
    }
    values = np.concatenate([np.asarray(line) for line, _, _ in lines.values()])
    ax.set_xscale("log")
    ax.set_yscale("log")
    room = (sizes[-1] / sizes[0]) ** ((LABEL_ROOM + 50) / (axes_width(ax) - LABEL_ROOM - 50))
    ax.set_xlim(sizes[0] / 1.1, sizes[-1] * max(room, 1.5))
    ax.set_ylim(values.min() / 1.5, values.max() * 1.5)
    _plain_ticks(ax, sizes)
    where = record.size_ms()
    if where is not None:
        ax.axvline(where, color=GREY, linewidth=0.8, linestyle=":")
        ax.annotate(
            f"break-even: {_ms(where)}",
            (where, 0),
            xycoords=("data", "axes fraction"),
            xytext=(4, 5),
            textcoords="offset points",
            size=SMALL_SIZE,
            color=INK,
            family=FONT,
            gid="label",
        )
    _draw_lines(ax, sizes, lines)
    show_doubts(ax, record.doubts)
    pool = f"a new pool of {record.n_workers}"
    paid = where is not None
    write_head(
        ax,
        f"From {_ms(where)} a task on, {pool} beats the loop" if paid else f"No length tried here pays for {pool}",
        [
            f"time for {plural(record.n_tasks, 'computing task')}",
            record.start_method,
            median_of(record.rounds),
            f"break-even {spread}" if (spread := record.say_crossings()) else "",
        ],
    )
    return ax


def _draw_lines(ax, sizes, lines):
    """Draw the lines and, at their ends, their names."""
    for name, (values, engine, style) in lines.items():
        look = {"marker": MARKERS[engine], "color": COLOURS[engine], "linewidth": 1.6, "markersize": 4.5}
        ax.plot(sizes, values, style, gid=name, **look)
    label_ends(ax, [(sizes[-1], values[-1], name, COLOURS[engine]) for name, (values, engine, _) in lines.items()])


def _plain_ticks(ax, sizes):
    ax.set_xticks(sizes)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))


def _ms(value):
    return f"{value:.2g} ms"
