"""Pictures of lost time: one bar a pair that adds up to 100 %, and the time by chunk size."""

from __future__ import annotations

import numpy as np

from helpers.course.workers.losses import Losses, find_losses, say_loss
from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    CARD_SIZE,
    COLOURS,
    FONT,
    GREY,
    INK,
    SMALL_SIZE,
    STARTUP,
    TEXT_SIZE,
    axes_width,
    new_figure,
    readable_on,
    style_axes,
    text_width,
    write_head,
    write_note,
)
from helpers.records import unite_badges
from helpers.words import median_of, plural, seconds, whole_percents, worker_name

#: Face and hatch of each part of a bar; "useful" has the colour of the engine.
LOOKS = {
    "slower": ("#F6C9A8", "xxxx"),
    "held_up": ("#F3DCC4", "||||"),
    "transfer": ("#C3CAD5", "\\\\\\\\"),
    "waiting": ("white", "...."),
    "idle_tail": ("white", "////"),
    "startup": (STARTUP, None),
}


def plot_losses(losses, ax=None):
    """Return the Axes with one bar a pair: what of the workers' time is useful, and each way in which the rest is lost.

    `losses` is a Sweep (all its parallel pairs), or a dict of `Losses` by the name to stand beside the bar. Whole
    per cents that add up to 100; a part that is too narrow for its name has none: hatches tell it.
    """
    if hasattr(losses, "pairs"):
        pairs = [pair for pair in losses.pairs() if pair[0] != "serial"]
        losses = {worker_name(*pair): find_losses(losses, *pair) for pair in pairs}
    if ax is None:
        height = max(CARD_SIZE[1], 1.5 + 0.3 * len(losses))
        ax = new_figure(height).add_axes((0.2, 0.7 / height, 0.77, 1 - 1.35 / height))
    style_axes(ax, "per cent of workers × time")
    ax.set_xlim(0, 100)
    ax.set_ylim(max(len(losses), 1) - 0.4, -0.6)
    ax.set_yticks(range(len(losses)), list(losses))
    if not losses:
        write_note(ax, "nothing measured yet")
    for row, one in enumerate(losses.values()):
        _draw_bar(ax, row, one)
    show_doubts(ax, unite_badges(*(one.doubts for one in losses.values())))
    rounds = [one.rounds for one in losses.values()]
    measured = f"sums of {plural(min(rounds), 'round')}" if rounds else ""
    keys = "×: slower CPUs, |: held up, \\: transfer, dots: waiting, /: idle tail, grey: start-up"
    write_head(ax, "Where each lost per cent goes", ["solid: useful", keys, measured])
    return ax


def _draw_bar(ax, row, losses: Losses):
    """Draw one bar, its parts named where there is room."""
    end, colour = 0.0, COLOURS.get(losses.engine, INK)
    for name, part in whole_percents(losses.shares).items():
        face, hatch = LOOKS.get(name, (colour, None))
        edge = GREY if hatch else "white"
        ax.barh(row, part, 0.72, end, color=face, edgecolor=edge, hatch=hatch, linewidth=0.4, gid=name, zorder=2)
        words = "useful" if name == "useful" else say_loss(name)
        room = part / 100 * axes_width(ax)
        text = next((t for t in (f"{words} {part} %", f"{part} %") if text_width(t, SMALL_SIZE) + 6 < room), "")
        if text and part:
            ax.text(
                end + part / 2,
                row,
                text,
                size=SMALL_SIZE,
                family=FONT,
                ha="center",
                va="center",
                gid="share",
                zorder=4,
                color=readable_on(colour) if name == "useful" else INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if hatch else None,
            )
        end += part


def describe_losses(losses):
    """Return the message of the picture in one sentence, for use as alt text."""
    if not losses:
        return "Where the workers' time goes: nothing measured yet."
    parts = []
    for name, one in losses.items():
        shares = whole_percents(one.shares)
        parts.append(f"{name}: {shares['useful']} % useful, most lost by {say_loss(one.largest)}")
    return "; ".join(parts) + "."


#: Parts of a bar of `plot_chunks`: words, face, hatch.
CHUNK_PARTS = (
    ("working", COLOURS["processes"], None),
    ("handing over", "#C3CAD5", "\\\\\\\\"),
    ("idle tail", "white", "////"),
)


def plot_chunks(curve, ax=None):
    """Return the Axes with one bar a chunk size: seconds of working, handing over and idle tail, a worker each.

    A bar is as high as its time; a triangle is above those within 5 % of the best. The title names the best one only
    where nothing is in doubt.
    """
    ax = new_figure().add_axes((0.075, 0.185, 0.90, 0.64)) if ax is None else ax
    style_axes(ax, "items a chunk", grid=None)
    head = f"{plural(curve.n_items, 'item')} by {plural(curve.n_workers, 'worker')}"
    if not curve.rounds:
        write_head(ax, "Which chunk size?", [head, "stopped: nothing measured"])
        return ax
    places = np.arange(len(curve.sizes))
    parts = np.array([curve.account(size) for size in curve.sizes]) / curve.n_workers
    bottom = np.zeros(len(places))
    for (name, face, hatch), column in zip(CHUNK_PARTS, parts.T, strict=True):
        edge = GREY if hatch else "white"
        ax.bar(places, column, 0.7, bottom, color=face, hatch=hatch, edgecolor=edge, linewidth=0.4, gid=name)
        bottom += column
    top = bottom.max()
    for place, size in enumerate(curve.sizes):
        good = size in curve.as_good
        words = f"{'▲ ' if good else ''}{seconds(curve.wall(size))}"
        ax.text(
            place, bottom[place] + 0.02 * top, words, size=TEXT_SIZE, family=FONT, ha="center", color=INK, gid="wall"
        )
    ax.set_xticks(places, [f"{size:,}" for size in curve.sizes])
    ax.set_xlim(-0.6, len(places) - 0.4)
    ax.set_ylim(0, 1.15 * top)
    ax.set_ylabel("seconds", size=TEXT_SIZE, color=INK, family=FONT)
    show_doubts(ax, curve.doubts)
    keys = "solid: working, \\: handing over, /: idle tail, ▲: within 5 % of the best"
    automatic = f"Pool.map by itself: {curve.automatic}"
    title = "Time by chunk size" if curve.doubts else f"Chunks of {curve.best} are the fastest here"
    write_head(ax, title, [head, median_of(curve.rounds), automatic, keys])
    return ax
