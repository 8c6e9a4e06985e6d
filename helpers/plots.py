"""Pictures of records: records in, matplotlib Axes out; no pyplot, no global state.

Every picture is a white card: the title says what is seen, a grey line under it how it was
measured, labels stand on the lines, and colour never stands alone (markers, hatches).
"""

from __future__ import annotations

import io
from math import ceil, floor

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from helpers.drawing import (
    CARD_SIZE,
    COLOURS,
    DPI,
    FONT,
    GREY,
    HATCH,
    INK,
    LABEL_ROOM,
    MARKERS,
    OTHER,
    SERIAL_LINE,
    SHADE,
    SMALL_SIZE,
    STARTUP,
    TEXT_SIZE,
    Labels,
    axes_height,
    axes_width,
    darker,
    draw_boxes,
    new_figure,
    paler,
    readable_on,
    style_axes,
    text_width,
    write_head,
    write_note,
)
from helpers.errors import NotEnoughPointsError
from helpers.models import MIN_POINTS, fit_usl, parallel_pairs, seconds, starved_counts, worker_name
from helpers.records import MIN_ROUNDS

#: stripes drawn in a timeline at most; above, tasks are merged
MAX_STRIPES = 4000

SHARES = {"working": "working", "startup": "start-up", "transfer": "transfer", "waiting": "waiting", "idle_tail": "idle tail"}


def draw_speedup_card(sweep, run, *, guess=None, n_workers=None, cpus=None):
    """Return a Figure of 900 × 350 pixels at scale 1: the speedups, and who ran what in `run`.

    Arguments as of `plot_speedup` and `plot_timeline`; `sweep` and `run` may be None.
    """
    figure = new_figure()
    plot_speedup(sweep, figure.add_axes((0.05, 0.145, 0.422, 0.68)), guess=guess, n_workers=n_workers, cpus=cpus)
    plot_timeline(run, figure.add_axes((0.562, 0.145, 0.425, 0.68)))
    return figure


def figure_png(figure, scale=2.0):
    """Return the figure as PNG bytes, always of the same pixel size: inches × 100 × `scale`.

    Holds for figures of this module at any rcParams; 2 is sharp on dense screens.
    """
    buffer, before = io.BytesIO(), figure.dpi
    try:
        figure.set_dpi(DPI * scale)
        FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"compress_level": 3})
    finally:
        figure.set_dpi(before)
    return buffer.getvalue()


def describe_speedup(sweep):
    """Return the message of the speedup plot in one sentence, for use as alt text."""
    pairs = parallel_pairs(sweep) if sweep is not None else ()
    if not pairs:
        warming = sweep is not None and any(run.warmup for run in sweep.runs)
        return "Speedup over the serial loop: " + ("warming up, no round counts yet." if warming else "no measurement yet.")
    medians, best = {pair: sweep.speedup(*pair).median for pair in pairs}, {}
    for engine, n in sorted(pairs, key=medians.get, reverse=True):
        best.setdefault(engine, n)
    parts = []
    for engine, n in best.items():
        said = f"{engine}: {_times(medians[engine, n])}"
        if not parts:
            said += f" times the serial loop at {n} worker{'s' * (n > 1)}"
        elif n != next(iter(best.values())):
            said += f" at {n}"
        parts.append(said)
    return "; ".join(parts) + "."


def plot_speedup(sweep, ax=None, *, guess=None, fit=True, n_workers=None, cpus=None):
    """Return the Axes with speedup over the serial loop against workers, one line an engine.

    Bars are 95 % intervals; hollow points have more workers than CPUs; a thin pale line
    includes the start-up; dashes are the fitted scalability law of the best engine, never
    drawn beyond twice the largest worker count that it was fitted to.

    Parameters
    ----------
    sweep : Sweep or None
        None, or one without a counted round: axes and ideal line alone.
    guess : (n_workers, speedup), optional
        Drawn as an open diamond.
    n_workers : iterable of int, optional
        Fixes both axes, so that nothing jumps while points come in. Default: those measured.
    cpus : float, optional
        Default: ``usable_cpus`` of the sweep's environment.
    """
    ax = new_figure().add_axes((0.07, 0.145, 0.91, 0.68)) if ax is None else ax
    pairs = parallel_pairs(sweep) if sweep is not None else ()
    points = {}
    for engine, n in pairs:
        points.setdefault(engine, []).append((n, sweep.speedup(engine, n), _cold_median(sweep, engine, n)))
    cpus = cpus or (sweep.environment.get("usable_cpus") if sweep is not None else None)
    labels = Labels(ax)
    counts = sorted(set(n_workers or [n for _, n in pairs] or (1, 2, 3, 4)))
    _speedup_axes(ax, labels, counts, cpus, _top(points, guess, counts, cpus, fixed=n_workers is not None))
    for engine, series in points.items():
        _draw_engine(ax, labels, engine, series, cpus)
    law = _draw_law(ax, labels, sweep, points) if fit and pairs else ""
    if guess is not None:
        ax.plot(*[[v] for v in guess], "D", ms=7, mfc="white", mec=INK, mew=1.3, zorder=7, clip_on=False, gid="guess")
        labels.add("your guess", *guess, INK, sides=2)
    if not pairs:
        warming = sweep is not None and any(run.warmup for run in sweep.runs)
        write_note(ax, "warming up: this round is not counted" if warming else "no measurement yet", 0.6, 0.13)
    labels.place()
    write_head(ax, "Speedup over the serial loop", [_rounds_text(points), law])
    return ax


def _top(points, guess, counts, cpus, fixed):
    """Return the top of the y axis: the ideal that the CPUs allow, or the data if higher."""
    seen = [s.high or s.median for series in points.values() for _, s, _ in series] + ([guess[1]] if guess else [])
    ceiling = min(counts[-1], 1.15 * max(cpus or counts[-1], 1.8))
    if not fixed and seen:
        ceiling = min(ceiling, max(1.6 * max(seen), 1.25))
    return max([1.25, ceiling, *(1.06 * value for value in seen)]) * 1.03


def _speedup_axes(ax, labels, counts, cpus, top):
    width = axes_width(ax)
    span = max(counts[-1] - 1, 1)
    per_point = span / max(width - LABEL_ROOM - 12, width / 3)  # workers in one point of width
    ax.set_xlim(1 - 12 * per_point, 1 + (width - 12) * per_point)
    ax.set_ylim(0, top)
    style_axes(ax, "workers", grid="both")
    shown = []
    for n in (counts[-1], counts[0], *reversed(counts)):
        if all(abs(n - other) >= 13 * per_point for other in shown):
            shown.append(n)
    ax.set_xticks(counts, [str(n) if n in shown else "" for n in counts])
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.set_ylabel("times the serial loop", size=TEXT_SIZE, color=INK, family=FONT, labelpad=2)
    ax.plot([1, counts[-1]], [1, 1], color=SERIAL_LINE, lw=1, zorder=1.5, gid="serial")
    end = min(counts[-1] + 3 * per_point, top)
    if end > 1:
        ax.plot([1, end], [1, end], color=GREY, lw=1, ls=(0, (1.5, 2.5)), zorder=1.6, gid="ideal")
        labels.add_ideal(end)
    if cpus and counts[-1] > cpus:
        ax.axvspan(floor(cpus) + 0.5, ax.get_xlim()[1], color=SHADE, lw=0, zorder=0.5, gid="beyond")
        labels.add_shade(floor(cpus) + 0.5, f"more workers than CPUs ({cpus:g})")


def _draw_engine(ax, labels, engine, series, cpus):
    colour, marker = COLOURS.get(engine, OTHER), MARKERS.get(engine, "*")
    n = np.array([n for n, _, _ in series], float)
    warm = np.array([s.median for _, s, _ in series])
    cold = np.array([c for _, _, c in series])
    beyond = n > (cpus or np.inf)
    labels.avoid(n, warm)
    solid = int((~beyond).sum())
    line = {"color": colour, "solid_capstyle": "round"}
    ax.plot(n[:solid], warm[:solid], lw=1.9, zorder=4, marker=marker, ms=5.5, gid=f"{engine} within", **line)
    if beyond.any():
        ax.plot(n[max(solid - 1, 0):], warm[max(solid - 1, 0):], lw=1.9, zorder=3, alpha=0.4, **line)
        ax.plot(n[solid:], warm[solid:], ls="", marker=marker, ms=5.5, mfc="white", mec=colour, mew=1.4, zorder=5, gid=f"{engine} beyond")
    bars = [[(x, s.low), (x, s.high)] for x, s, _ in series if s.low is not None]
    if bars:
        ax.add_collection(LineCollection(bars, colors=colour, linewidths=1.3, zorder=4.5, gid=f"{engine} intervals"), autolim=False)
    labels.add(engine, n[-1], warm[-1], darker(colour), weight="bold")
    visibly = np.abs(cold - warm) > 0.03 * ax.get_ylim()[1]
    ax.plot(n, cold, lw=0.9, marker="_" if len(n) == 1 else "", zorder=2.5, color=colour, alpha=0.55, gid=f"{engine} cold")
    if visibly.any():
        labels.avoid(n, cold)
        labels.add("with start-up", n[-1], cold[-1], darker(colour), size=SMALL_SIZE)


def _draw_law(ax, labels, sweep, points):
    """Draw the dashed law of the best engine; return what the grey line says of it."""
    engine = max(points, key=lambda e: max(s.median for _, s, _ in points[e]))
    starved = starved_counts(sweep, engine)
    try:
        law = fit_usl(sweep, engine, n_draws=0)
    except NotEnoughPointsError:
        within = " within the CPUs" if starved else ""
        return f"no law fitted: that takes {MIN_POINTS} worker counts{within}"
    n = np.linspace(1, min(2 * law.largest_measured, max(n for n, _, _ in points[engine]) + 0.3), 60)
    ax.plot(n, law.speedup(n), color=darker(COLOURS.get(engine, OTHER)), lw=1.1, ls=(0, (4, 2.5)), zorder=4.2, gid="law")
    labels.avoid(n, law.speedup(n))
    reach = f" up to {law.largest_measured} workers" if starved else ""
    return f"dashed: scalability law fitted to {engine}{reach}"


def _rounds_text(points):
    rounds = sorted({s.n_rounds for series in points.values() for _, s, _ in series})
    if not rounds:
        return "dotted: ideal, as many times as workers"
    count = f"{rounds[0]} round{'s' * (rounds[0] > 1)}" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]} rounds"
    if rounds[-1] < MIN_ROUNDS:
        return f"median of {count}, no interval below {MIN_ROUNDS} rounds"
    return f"median of {count} with 95 % interval"


def _cold_median(sweep, engine, n):
    """Return the speedup with start-up; only its median is drawn, so no interval is worked out."""
    serial = {run.round: run.wall for run in sweep.runs_of("serial", 1)}
    runs = [run for run in sweep.runs_of(engine, n) if run.round in serial]
    return float(np.median([serial[run.round] for run in runs]) / np.median([run.cold_wall for run in runs]))


def plot_timeline(run, ax=None):
    """Return the Axes with one lane a worker: start-up, tasks and idle tail of `run` over time.

    Tasks alternate in shade. Of very many, neighbours are merged into stripes (a gap that can
    be seen keeps them apart) and the grey line says so. None, or a run whose timeline was not
    kept, gives an empty card that says so.
    """
    ax = new_figure().add_axes((0.1, 0.145, 0.88, 0.68)) if ax is None else ax
    if run is None or run.timeline is None:
        style_axes(ax, "seconds since the workers were asked for")
        ax.set_xticks([0], [" "])  # keeps the room of the tick labels
        ax.set_yticks([])
        write_note(ax, "no run yet" if run is None else "the timeline of this run was not kept")
        write_head(ax, "Who ran what", [])
        return ax
    end = run.cold_wall
    spans, shade, lane, last, merged = _stripes(run, end)
    ax.set_xlim(0, end * 1.02 or 1)
    names = 11 / axes_height(ax)  # the share of the height kept free for the names of the parts
    ax.set_ylim(run.n_workers - 0.4, run.n_workers - 0.4 - (run.n_workers - 0.09) / (1 - names))
    style_axes(ax, "seconds since the workers were asked for", grid="x")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    thickness = 0.62 if run.n_workers <= 16 else 0.8
    if len(spans) and not merged:  # thin gaps between tasks, at most a sixth of a usual task
        gap = min(0.4 / axes_width(ax) * end, float(np.percentile(spans[:, 1] - spans[:, 0], 20)) / 12)
        spans = spans + np.where(spans[:, 1:] - spans[:, :1] > 2 * gap, (gap, -gap), 0)
    colour = COLOURS.get(run.engine, OTHER)
    draw_boxes(ax, spans, lane, thickness, facecolors=np.array([to_rgb(colour), paler(colour, 0.38)])[shade], linewidths=0, gid="tasks")
    lanes = np.arange(run.n_workers)
    if run.startup > 0:
        draw_boxes(ax, np.tile((0.0, run.startup), (run.n_workers, 1)), lanes, thickness, facecolors=STARTUP, linewidths=0, gid="startup")
    tails = np.stack([last, np.full(run.n_workers, end)], axis=1)
    seen = tails[:, 1] - tails[:, 0] > 0.001 * end
    draw_boxes(ax, tails[seen], lanes[seen], thickness, facecolors="none", edgecolors=HATCH, hatch="////", linewidths=0, gid="idle tail")
    _name_parts(ax, run, float(tails[0, 0]), end)
    step = max(1, ceil(10 / (axes_height(ax) / (run.n_workers + 0.12))))
    ax.set_yticks(lanes[::step], ["serial loop"] if run.engine == "serial" else [f"worker {n + 1}" for n in lanes[::step]])
    who = "the serial loop" if run.engine == "serial" else worker_name(run.engine, run.n_workers)
    write_head(ax, f"Who ran what: {who}, {'warm-up' if run.warmup else 'last'} run", [
        _accounting_text(run), f"of {worker_name('', run.n_workers).replace('  ', ' ')} × {seconds(end)}",
        "each stripe is many tasks" if merged else ""])
    return ax


def _stripes(run, end):
    """Return spans, shades, lanes, each lane's last end, and whether tasks were merged.

    No Python loop over tasks: a million take well under a second.
    """
    line = run.timeline
    worker, start, stop = (np.frombuffer(column, column.typecode) for column in (line.worker, line.started, line.finished))
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
        gap = np.concatenate([[True], (start[1:] - stop[:-1] > 2 * end / limit) | (np.diff(worker) != 0) | (np.diff(group) != 0)])
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
    style = {"size": SMALL_SIZE, "color": GREY, "family": FONT, "xycoords": ("data", "axes fraction"), "textcoords": "offset points",
             "va": "top", "gid": "part"}
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
    ax.set_yticks(range(len(runs)), ["serial loop" if run.engine == "serial" else worker_name(run.engine, run.n_workers) for run in runs])
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
    write_head(ax, "Where the workers' time went", ["last run of each pair; solid: working, grey: start-up",
                                                    r"hatched \\\: transfer, dotted: waiting, hatched ///: idle tail"])
    return ax


def _draw_share(ax, name, parts, ends, runs, size):
    """Draw one share of all bars, with its name and figure where they fit."""
    face, hatch = {"startup": (STARTUP, None), "transfer": ("#C3CAD5", r"\\\\\\"), "waiting": ("white", "...."),
                   "idle_tail": ("white", "//////")}.get(name, (None, None))
    colours = [COLOURS.get(run.engine, OTHER) for run in runs]
    some = np.flatnonzero(parts)
    draw_boxes(ax, np.stack([ends - parts, ends], axis=1)[some], some, 0.78, facecolors=face or [colours[k] for k in some],
               edgecolors=GREY if hatch else "white", hatch=hatch, linewidths=0.4, gid=name)
    for row in some:
        texts = (f"{SHARES[name]} {parts[row]:.0f} %", f"{parts[row]:.0f} %")
        text = next((text for text in texts if text_width(text, size) + 6 < parts[row] / 100 * axes_width(ax)), "")
        if text:
            ax.text(ends[row] - parts[row] / 2, row, text, size=size, family=FONT, ha="center", va="center", zorder=4, gid="share",
                    color=readable_on(colours[row]) if name == "working" else INK,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if hatch else None)


def round_shares(run):
    """Return the accounting shares in whole per cent that add up to 100: largest remainder first.

    All 0 if the run has no accounting.
    """
    exact = {name: 100 * share for name, share in run.accounting.shares().items()}
    whole = {name: floor(value) for name, value in exact.items()}
    missing = round(sum(exact.values())) - sum(whole.values())
    for name in sorted(exact, key=lambda name: whole[name] - exact[name])[:missing]:
        whole[name] += 1
    return whole


def _accounting_text(run):
    whole = round_shares(run)
    return " · ".join(f"{words} {whole[name]} %" for name, words in SHARES.items() if whole[name])


def _times(value):
    return f"{value:.1f}" if value >= 0.95 else f"{value:.2g}"
