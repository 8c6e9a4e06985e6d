"""Fitted laws: what was measured with the law and its band, and where the time goes on more workers."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from helpers.models import overhead
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    INK,
    LABEL_ROOM,
    TEXT_SIZE,
    axes_width,
    darker,
    new_figure,
    paler,
    style_axes,
    write_head,
)
from helpers.plots.labels import Labels
from helpers.words import plural

#: Where the axes lie in a card of their own.
PLACE = (0.08, 0.13, 0.9, 0.7)
#: How much white is in the colour of a band.
PALE = 0.8
#: Dashes of a law.
DASHES = (0, (4, 2.5))
#: The parts of the overhead: colour and hatch, so that they can be told without colour.
PARTS = {
    "ideal": (COLOURS["serial"], ""),
    "contention": (COLOURS["threads"], "///"),
    "coherency": (COLOURS["processes"], "..."),
}


def draw_law(ax, fit, n, colour):
    """Draw a law as dashes at the counts `n`, and its 95 % interval there as a pale band, if it has one."""
    band = fit.band(n)
    if band is not None:
        ax.fill_between(n, *band, color=paler(colour, PALE), lw=0, zorder=1.4, gid="band")
    ax.plot(n, fit.speedup(n), color=darker(colour), lw=1.1, ls=DASHES, zorder=4.2, gid="law")


def plot_fit(fit, points, ax=None, *, ylabel="throughput"):
    """Return the Axes with what was measured, the law fitted to it, its band, and the peak.

    The law is drawn up to the largest measured count; on to its peak where that lies below twice that count. The pale
    band is the 95 % interval of the law, at each count by itself. A peak further away is not drawn: what was measured
    cannot tell where it is.

    Parameters
    ----------
    fit : Fit
        As of `helpers.models.fit_points` or `fit_usl`.
    points : iterable of (n_workers, value)
        What it was fitted to: throughputs, or speedups.
    ylabel : str, optional
        What the values are, with their unit.
    """
    ax = new_figure().add_axes(PLACE) if ax is None else ax
    counts, values = np.array(list(points), float).T
    colour, end = COLOURS["processes"], fit.largest_measured
    peak = fit.peak_workers if fit.peak_workers and 1 < fit.peak_workers < 2 * end else None
    n = np.linspace(min(1, counts.min()), max(end, 1.1 * peak if peak else 0), 200)
    band = fit.band(n)
    top = 1.08 * max(values.max(), fit.speedup(n).max(), band[1][n <= end].max() if band else 0)
    _style(ax, n, top, ylabel)
    draw_law(ax, fit, n, colour)
    ax.plot(counts, values, ls="", marker="o", ms=5.5, color=colour, zorder=5, gid="measured")
    labels = Labels(ax)
    labels.avoid(n, fit.speedup(n))
    labels.add(fit.law, n[-1], fit.speedup(n[-1]), darker(colour), weight="bold")
    if peak:
        height = fit.speedup(peak)
        ax.plot([peak, peak], [0, height], color=GREY, lw=1, ls=(0, (1.5, 2.5)), zorder=1.6, gid="peak")
        labels.add(f"peak at {peak:.3g}", peak, 0.12 * top, GREY, sides=2)
    labels.place()
    interval = "pale: its 95 % interval" if band else ""
    named = f"σ = {fit.serial_fraction.median:.3g}, κ = {fit.coherency.median:.3g}, γ = {fit.scale.median:.4g}"
    write_head(ax, "The law fitted to what was measured", ["dots: measured", f"dashed: law, {named}", interval])
    return ax


def plot_overhead(fit, ax=None):
    """Return the Axes with where the time goes on more workers, by a fitted law: ideal, contention, coherency.

    Shares of the time that one worker takes, one above the other, as of `helpers.models.overhead`: the lowest part is
    what remains where nothing is lost. Drawn up to the largest measured count.
    """
    ax = new_figure().add_axes(PLACE) if ax is None else ax
    n = np.geomspace(1, max(fit.largest_measured, 2), 200)
    parts = overhead(n, fit.serial_fraction.median, fit.coherency.median)
    _style(ax, n, 1.05, "time, by that of one worker")
    ax.set_xscale("log", base=2)
    span = np.log2(n[-1]) / max(axes_width(ax) - LABEL_ROOM - 30, axes_width(ax) / 3)
    ax.set_xlim(2 ** (-8 * span), n[-1] * 2 ** ((LABEL_ROOM + 22) * span))
    ax.set_xticks(ticks := 2 ** np.arange(int(np.log2(n[-1])) + 1), ticks.astype(str), minor=False)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    labels, below = Labels(ax), np.zeros_like(n)
    for name, part in zip(parts._fields, parts, strict=True):
        if part.any():
            colour, hatch = PARTS[name]
            ax.fill_between(
                n,
                below,
                below + part,
                facecolor=paler(colour, 0.5),
                edgecolor=darker(colour),
                hatch=hatch,
                lw=0.8,
                gid=name,
            )
            labels.add(f"{name} {100 * part[-1]:.2g} %", n[-1], below[-1] + part[-1] / 2, darker(colour), weight="bold")
            below = below + part
    labels.place()
    write_head(
        ax,
        "Where the time goes on more workers",
        [
            f"by the law {fit.law}",
            f"figures: at {plural(fit.largest_measured, 'worker')}",
            "coherency: each exchange once",
        ],
    )
    return ax


def _style(ax, n, top, ylabel):
    """Give the axes their looks and limits, with room for labels at the right."""
    room = (n[-1] - n[0]) / max(axes_width(ax) - LABEL_ROOM - 30, axes_width(ax) / 3)
    ax.set_xlim(n[0] - 8 * room, n[-1] + (LABEL_ROOM + 22) * room)
    ax.set_ylim(0, top)
    style_axes(ax, "workers", grid="both")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, prune="lower" if n[0] >= 1 else None))
    ax.yaxis.set_major_locator(MaxNLocator(6))
    ax.set_ylabel(ylabel, size=TEXT_SIZE, color=INK, family=FONT, labelpad=2)
