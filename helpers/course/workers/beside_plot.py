"""The reader's own curve, and beside it that of another machine: for readers with few CPUs."""

from __future__ import annotations

from matplotlib.ticker import MaxNLocator

from helpers.errors import NotEnoughPointsError
from helpers.models import parallel_pairs
from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    INK,
    LABEL_ROOM,
    MARKERS,
    OTHER,
    SERIAL_LINE,
    TEXT_SIZE,
    axes_width,
    new_figure,
    style_axes,
    write_head,
)
from helpers.plots.labels import label_ends
from helpers.records import unite_badges
from helpers.words import plural


def points_of(result, engine):
    """Return [(n_workers, Estimate of the speedup)] of one engine of a Sweep, by ascending number of workers."""
    return [(n, result.speedup(engine, n)) for name, n in parallel_pairs(result) if name == engine]


def say_where(result):
    """Return in a few words on what machine a Sweep was measured: its CPU model if it is known, and its usable CPUs."""
    facts = result.environment
    cpus = plural(facts["usable_cpus"], "usable CPU") if facts.get("usable_cpus") else "CPUs not known"
    return ", ".join(part for part in (facts.get("cpu_model"), cpus, facts.get("system")) if part)


def plot_beside(own, reference, engine="processes", ax=None):
    """Return the Axes with the speedup of one engine on two machines: here, and where `reference` was recorded.

    Both are Sweeps, `reference` one of `helpers.records.recorded`. Solid with intervals is here, dashed and hollow
    is the other machine, which the grey line names: another CPU and maybe another Python, so shapes can be compared,
    and seconds cannot. Raises NotEnoughPointsError where one has no speedup of `engine`.
    """
    curves = {"here": points_of(own, engine), "other machine": points_of(reference, engine)}
    for name, points in curves.items():
        if not points:
            raise NotEnoughPointsError(f"{name}: no measured speedup of {engine}.")
    ax = new_figure().add_axes((0.07, 0.185, 0.91, 0.62)) if ax is None else ax
    style_axes(ax, "workers", grid="both")
    most = max(points[-1][0] for points in curves.values())
    top = max(1.0, *(estimate.high or estimate.median for points in curves.values() for _, estimate in points))
    room = (most - 1 or 1) * (LABEL_ROOM + 30) / (axes_width(ax) - LABEL_ROOM - 30)
    ax.set_xlim(1 - 0.02 * most, most + room)
    ax.set_ylim(0, 1.12 * top)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylabel("times the serial loop", size=TEXT_SIZE, color=INK, family=FONT)
    ax.plot([1, most], [1, most], ":", color=SERIAL_LINE, linewidth=1.2, gid="ideal")
    _draw_curve(ax, "here", curves["here"], engine, COLOURS.get(engine, OTHER), hollow=False)
    _draw_curve(ax, "other machine", curves["other machine"], engine, GREY, hollow=True)
    ends = [(points[-1][0], points[-1][1].median, name) for name, points in curves.items()]
    colours = {"here": COLOURS.get(engine, OTHER), "other machine": GREY}
    label_ends(ax, [(x, y, name, colours[name]) for x, y, name in ends])
    show_doubts(ax, unite_badges(*(own.doubts(engine, n) for n, _ in curves["here"])))
    said = [f"here: {own.function}, {say_where(own)}", f"other machine: {reference.function}, {say_where(reference)}"]
    write_head(ax, f"Speedup of {engine}, here and on another machine", [*said, "dots: one CPU a worker"])
    return ax


def _draw_curve(ax, name, points, engine, colour, hollow):
    """Draw one curve with the intervals that there are."""
    counts, medians = [n for n, _ in points], [estimate.median for _, estimate in points]
    for n, estimate in points:
        if estimate.low is not None:
            ax.plot([n, n], [estimate.low, estimate.high], "-", color=colour, linewidth=1.2, alpha=0.7, gid="interval")
    look = {"marker": MARKERS.get(engine, "o"), "markersize": 5, "markerfacecolor": "white" if hollow else colour}
    ax.plot(
        counts,
        medians,
        "--" if hollow else "-",
        color=colour,
        linewidth=1.5,
        gid=name,
        zorder=3 if hollow else 4,
        **look,
    )
