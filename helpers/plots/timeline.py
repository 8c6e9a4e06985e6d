"""Who ran what, when, and where the workers' time went."""

from __future__ import annotations

import textwrap
from array import array
from dataclasses import replace
from math import ceil

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    CARD_SIZE,
    COLOURS,
    FONT,
    GREY,
    HATCH,
    INK,
    OTHER,
    SMALL_SIZE,
    STARTUP,
    TEXT_SIZE,
    axes_height,
    axes_width,
    new_figure,
    paler,
    readable_on,
    style_axes,
    text_width,
    write_head,
    write_note,
)
from helpers.plots.lanes import add_boxes
from helpers.records import LOOP_HELD, Problem, Timeline, doubts_of
from helpers.words import lane_name, plural, seconds, whole_percents, worker_name

#: stripes drawn in a timeline at most; above, tasks are merged
MAX_STRIPES = 4000
#: lanes drawn in a timeline at most: more are thinner than a pixel
MAX_LANES = 256

SHARES = {
    "working": "working",
    "startup": "start-up",
    "transfer": "transfer",
    "waiting": "waiting",
    "idle_tail": "idle tail",
}


def plot_timeline(run, ax=None):
    """Return the Axes with one lane a worker: start-up, tasks and idle tail of `run` over time.

    Tasks alternate in shade. Of very many, neighbours are merged into stripes (a gap that can
    be seen keeps them apart), of very many lanes some are shown, and the grey line says so. What makes the times of the
    run doubtful stands below. None, a run whose timeline was not
    kept, or a Problem instead of a run gives an empty card that says so.
    """
    ax = new_figure().add_axes((0.1, 0.145, 0.88, 0.68)) if ax is None else ax
    draw_lanes(ax, lanes_of(run))
    draw_run(ax, run)
    return ax


def lanes_of(run):
    """Return (engine, n_workers, end in seconds) of a run: what its lanes depend on; None where it has none."""
    if run is None or isinstance(run, Problem) or run.timeline is None:
        return None
    return run.engine, run.n_workers, run.shown_wall


def draw_lanes(ax, lanes):
    """Give the axes limits, looks and names of `lanes`, as `lanes_of` returns them: what stays while runs come."""
    if lanes is None:
        style_axes(ax, "seconds since the workers were asked for")
        ax.set_xticks([0], [" "])  # keeps the room of the tick labels
        ax.set_yticks([])
    else:
        _timeline_axes(ax, *lanes)


def draw_run(ax, run):
    """Draw a run into the axes of `draw_lanes`, or write why there is none."""
    if isinstance(run, Problem):
        write_note(ax, _fold(run.reason, axes_width(ax)))
        write_head(ax, f"Not measured: {worker_name(*run.pair)}", [])
    elif lanes_of(run) is None:
        write_note(ax, "no run yet" if run is None else "the timeline of this run was not kept")
        write_head(ax, "Who ran what", [])
    else:
        _fill_lanes(ax, run)


def _fill_lanes(ax, run):
    end = run.shown_wall
    seen, each = _thin(run)
    spans, shade, lane, last, merged = _stripes(seen, end)
    if len(spans) and not merged:
        spans = _part(spans, 0.4 / axes_width(ax) * end)
    _draw_parts(ax, seen, spans, shade, lane, last, end, each)
    _name_parts(ax, run, float(last[0]), end)
    who = "the serial loop" if run.engine == "serial" else worker_name(run.engine, run.n_workers)
    how = [
        _accounting_text(run),
        f"of {plural(run.n_workers, lane_name(run.engine))} × {seconds(end)}",
        f"one of {run.passes} passes" if run.passes > 1 else "",
        "each stripe is many tasks" if merged else "",
        f"one {lane_name(run.engine)} in {each} is shown" if each > 1 else "",
        *[badge for badge in run.badges if badge.startswith(LOOP_HELD)],
    ]
    show_doubts(ax, doubts_of(run.badges))
    write_head(ax, f"Who ran what: {who}, {'warm-up' if run.warmup else 'last'} run", how)


def _fold(text, width):
    """Return a text in as many lines as it takes to fit a width in points, eight at most."""
    for letters in range(80, 10, -2):
        lines = textwrap.wrap(text, letters, max_lines=8, placeholder=" …")
        if all(text_width(line, TEXT_SIZE + 1) <= width for line in lines):
            break
    return "\n".join(lines)


def _thin(run):
    """Return (the run with at most `MAX_LANES` of its lanes, how many lanes each of them stands for)."""
    each = lanes_in_one(run.n_workers)
    if each == 1:
        return run, 1
    columns = {name: np.frombuffer(column, column.typecode) for name, column in run.timeline.columns().items()}
    keep = columns["worker"] % each == 0
    kept = {name: array(column.dtype.char, column[keep].tolist()) for name, column in columns.items()}
    kept["worker"] = array("H", [worker // each for worker in kept["worker"]])
    return replace(run, n_workers=ceil(run.n_workers / each), timeline=Timeline(**kept)), each


def lanes_in_one(n_workers):
    """Return how many lanes each one that is shown stands for.

    >>> lanes_in_one(MAX_LANES), lanes_in_one(MAX_LANES + 1)
    (1, 2)
    """
    return ceil(n_workers / MAX_LANES)


def _timeline_axes(ax, engine, n_workers, end):
    """Give the axes their limits, their looks, and the names of the lanes."""
    ax.set_xlim(0, end * 1.02 or 1)
    room = 11 / axes_height(ax)  # the share of the height kept free for the names of the parts
    ax.set_ylim(n_workers - 0.4, n_workers - 0.4 - (n_workers - 0.09) / (1 - room))
    style_axes(ax, "seconds since the workers were asked for", grid="x")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    each = lanes_in_one(n_workers)
    step = max(1, ceil(10 / (axes_height(ax) / (n_workers + 0.12)) / each))
    lanes = np.arange(0, n_workers, step * each)
    names = ["serial loop"] if engine == "serial" else [f"{lane_name(engine)} {n + 1}" for n in lanes]
    ax.set_yticks(lanes + (each - 1) / 2, names)


def _part(spans, most):
    """Return the spans with thin gaps between them: at most `most` seconds, and a sixth of a usual task."""
    gap = min(most, float(np.percentile(spans[:, 1] - spans[:, 0], 20)) / 12)
    return spans + np.where(spans[:, 1:] - spans[:, :1] > 2 * gap, (gap, -gap), 0)


def _draw_parts(ax, run, spans, shade, lane, last, end, each=1):
    """Draw start-up, tasks and idle tail of every worker of `run`; one takes the room of `each` lanes."""
    colour = COLOURS.get(run.engine, OTHER)
    lanes, lane = (each * row + (each - 1) / 2 for row in (np.arange(run.n_workers), lane))
    thickness = each * (0.62 if run.n_workers <= 16 else 0.8)
    shades = np.array([to_rgb(colour), paler(colour, 0.38)])[shade]
    add_boxes(ax, spans, lane, thickness, facecolors=shades, linewidths=0, gid="tasks")
    if run.startup > 0:
        starts = np.tile((0.0, run.startup), (run.n_workers, 1))
        add_boxes(ax, starts, lanes, thickness, facecolors=STARTUP, linewidths=0, gid="startup")
    tails = np.stack([last, np.full(run.n_workers, end)], axis=1)
    seen = tails[:, 1] - tails[:, 0] > 0.001 * end
    hatched = {"facecolors": "none", "edgecolors": HATCH, "hatch": "////", "linewidths": 0}
    add_boxes(ax, tails[seen], lanes[seen], thickness, gid="idle tail", **hatched)


def _stripes(run, end):
    """Return spans, shades, lanes, each lane's last end, and whether tasks were merged.

    No Python loop over tasks: a million take well under a second.
    """
    line = run.timeline
    worker, start, stop = (
        np.frombuffer(column, column.typecode) for column in (line.worker, line.started, line.finished)
    )
    keep = (stop >= start) & (worker < run.n_workers)  # a task that never ran has no span
    worker, start, stop = worker[keep].astype(np.intp), start[keep], stop[keep]
    if (np.diff(start) < 0).any() or (np.diff(worker) < 0).any():
        order = np.lexsort((start, worker))
        worker, start, stop = worker[order], start[order], stop[order]
    last = np.full(run.n_workers, run.startup, float)
    if not len(start):
        return np.empty((0, 2)), np.empty(0, int), worker, last, False
    tasks = np.bincount(worker, minlength=run.n_workers)
    first = np.concatenate([[0], np.cumsum(tasks)[:-1]])
    index = np.arange(len(start)) - first[worker]
    merged = len(start) > MAX_STRIPES or tasks.max() > 400
    if merged:
        limit = max(10, min(150, MAX_STRIPES // run.n_workers))
        group = index // np.maximum(1, -(-tasks // limit))[worker]
        gap = np.concatenate(
            [[True], (start[1:] - stop[:-1] > 2 * end / limit) | (np.diff(worker) != 0) | (np.diff(group) != 0)]
        )
        heads = np.flatnonzero(gap)
        tails = np.concatenate([heads[1:], [len(start)]]) - 1
        spans, shade, lane = np.stack([start[heads], stop[tails]], axis=1), np.arange(len(heads)) % 2, worker[heads]
    else:
        spans, shade, lane = np.stack([start, stop], axis=1), index % 2, worker
    some = tasks > 0
    last[some] = stop[(first + tasks - 1)[some]]
    return spans, shade, lane, last, merged


def _name_parts(ax, run, tail, end):
    """Write the names of the grey and the hatched part over the first lane."""
    shares = run.accounting.shares()
    style = {
        "size": SMALL_SIZE,
        "color": GREY,
        "family": FONT,
        "xycoords": ("data", "axes fraction"),
        "textcoords": "offset points",
        "va": "top",
        "gid": "part",
    }
    if shares["startup"] > 0.005:
        ax.annotate("start-up", (0, 1), (2, -1), **style)
    if end - tail > 0.01 * end:
        ax.annotate("idle tail", (end, 1), (0, -1), ha="right", **style)


def plot_accounting(runs, ax=None):
    """Return the Axes with one bar a pair: how n_workers × wall was spent, in per cent.

    `runs` is a Sweep (the last run of each pair is taken) or an iterable of Run. The time is
    from asking for the workers to the last result; shares are rounded so that they add to 100.
    """
    if hasattr(runs, "pairs"):
        runs = [runs.last_run(*pair) for pair in runs.pairs()]
    runs = list(runs)
    if ax is None:
        height = max(CARD_SIZE[1], 1.1 + 0.22 * len(runs))
        ax = new_figure(height).add_axes((0.2, 0.5 / height, 0.77, 1 - 1.13 / height))
    style_axes(ax, "per cent of workers × time")
    ax.set_xlim(0, 100)
    ax.set_ylim(max(len(runs), 1) - 0.4, -0.6)
    ax.set_yticks(
        range(len(runs)),
        ["serial loop" if run.engine == "serial" else worker_name(run.engine, run.n_workers) for run in runs],
    )
    row_height = axes_height(ax) / (max(len(runs), 1) + 0.2)
    ax.tick_params(axis="y", labelsize=min(TEXT_SIZE, 0.8 * row_height))
    if not runs:
        write_note(ax, "no run yet")
    shares = [round_shares(run) for run in runs]
    ends = np.zeros(len(runs))
    for name in SHARES:
        parts = np.array([share[name] for share in shares], float)
        ends = ends + parts
        _draw_share(ax, name, parts, ends, runs, min(SMALL_SIZE, 0.6 * row_height))
    write_head(
        ax,
        "Where the workers' time went",
        [
            "last run of each pair; solid: working, grey: start-up",
            r"hatched \\\: transfer, dotted: waiting, hatched ///: idle tail",
        ],
    )
    return ax


def _draw_share(ax, name, parts, ends, runs, size):
    """Draw one share of all bars, with its name and figure where they fit."""
    face, hatch = {
        "startup": (STARTUP, None),
        "transfer": ("#C3CAD5", r"\\\\\\"),
        "waiting": ("white", "...."),
        "idle_tail": ("white", "//////"),
    }.get(name, (None, None))
    colours = [COLOURS.get(run.engine, OTHER) for run in runs]
    some = np.flatnonzero(parts)
    add_boxes(
        ax,
        np.stack([ends - parts, ends], axis=1)[some],
        some,
        0.78,
        facecolors=face or [colours[k] for k in some],
        edgecolors=GREY if hatch else "white",
        hatch=hatch,
        linewidths=0.4,
        gid=name,
    )
    for row in some:
        texts = (f"{SHARES[name]} {parts[row]:.0f} %", f"{parts[row]:.0f} %")
        text = next((text for text in texts if text_width(text, size) + 6 < parts[row] / 100 * axes_width(ax)), "")
        if text:
            ax.text(
                ends[row] - parts[row] / 2,
                row,
                text,
                size=size,
                family=FONT,
                ha="center",
                va="center",
                zorder=4,
                gid="share",
                color=readable_on(colours[row]) if name == "working" else INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if hatch else None,
            )


def round_shares(run):
    """Return the accounting shares in whole per cent that add up to 100; all 0 if the run has no accounting."""
    return whole_percents(run.accounting.shares())


def _accounting_text(run):
    whole = round_shares(run)
    return " · ".join(f"{words} {whole[name]} %" for name, words in SHARES.items() if whole[name])
