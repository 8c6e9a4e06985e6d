"""Speedup over the number of workers."""

from __future__ import annotations

from math import floor
from typing import NamedTuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from helpers.errors import NoLawError, NotEnoughPointsError
from helpers.models import MIN_POINTS, fit_usl, parallel_pairs, starved_counts
from helpers.plots.doubts import ROW_TOP, show_doubts
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    INK,
    LABEL_ROOM,
    MARKERS,
    OTHER,
    SERIAL_LINE,
    SHADE,
    SMALL_SIZE,
    TEXT_SIZE,
    axes_width,
    darker,
    new_figure,
    paler,
    rounds_text,
    style_axes,
    text_width,
    write_how,
    write_note,
    write_title,
)
from helpers.plots.labels import Labels
from helpers.plots.laws import draw_law
from helpers.records import list_problems
from helpers.words import plural

#: Where axes begin, and how high they are, as shares of the card: two rows fit below, of what is left out or in doubt.
BOTTOM, HEIGHT = 0.185, 0.64
#: Times its point that an interval's upper end makes the axes higher, at most: a wide one leaves them at the top.
REACH = 1.3
#: Draws for the band of the law: enough for a picture, and quick, since it is drawn again after each run.
BAND_DRAWS = 100
#: Why there is no law, in the grey line: by the kind of `NoLawError`.
WHY_NONE = {"superlinear": "superlinear", "noisy": "too noisy", "falling": "it falls too fast"}
#: What the grey line says of points by the warm-up round.
NOT_COUNTED = "hollow and pale: warm-up, not counted"


def describe_speedup(sweep):
    """Return the message of the speedup plot in one sentence, for use as alt text."""
    pairs = parallel_pairs(sweep) if sweep is not None else ()
    left_out = f"; left out: {', '.join(list_problems(sweep.problems))}" if sweep is not None and sweep.problems else ""
    if not pairs:
        warming = sweep is not None and any(run.warmup for run in sweep.runs)
        words = "warming up, no round counts yet" if warming else "no measurement yet"
        return f"Speedup over the serial loop: {words}{left_out}."
    medians, best = {pair: sweep.speedup(*pair).median for pair in pairs}, {}
    for engine, n in sorted(pairs, key=medians.get, reverse=True):
        best.setdefault(engine, n)
    parts = []
    for engine, n in best.items():
        said = f"{engine}: {_times(medians[engine, n])}"
        if not parts:
            said += f" times the serial loop at {plural(n, 'worker')}"
        elif n != next(iter(best.values())):
            said += f" at {n}"
        parts.append(said)
    return "; ".join(parts) + left_out + "."


def provisional_points(sweep):
    """Return {engine: [(n_workers, speedup)]} by the warm-up round, of the pairs that have no counted speedup yet.

    They show early where the counted points will come, and go into no estimate. ``sweep`` may be None.
    """
    runs = [run for run in sweep.runs if run.warmup] if sweep is not None else []
    serial = next((run.wall for run in runs if run.engine == "serial"), None)
    if serial is None:
        return {}
    counted, walls = parallel_pairs(sweep), {run.pair: run.wall for run in runs}
    points = {}
    for engine, n in sweep.pairs():
        if engine != "serial" and (engine, n) in walls and (engine, n) not in counted:
            points.setdefault(engine, []).append((n, serial / walls[engine, n]))
    return points


def plot_speedup(sweep, ax=None, *, guess=None, fit=True, n_workers=None, cpus=None):
    """Return the Axes with speedup over the serial loop against workers, one line an engine.

    Bars are 95 % intervals; hollow points have more workers than CPUs (tasks of asyncio need no CPU each); a thin
    pale line includes the start-up; dashes are the fitted scalability law of the best engine, the pale band is its
    95 % interval, both never drawn beyond twice the largest worker count that it was fitted to. As long as a pair has
    no counted round, its warm-up is a hollow and pale point that says so. Pairs with a problem are not drawn: a line
    under the axes names them.

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
    ax = new_figure().add_axes((0.07, BOTTOM, 0.91, HEIGHT)) if ax is None else ax
    seen = look_at(sweep, n_workers, cpus)
    labels = draw_axes(ax, seen, reach(guess, seen.top))
    draw_points(ax, labels, sweep, seen, fit)
    if guess is not None:
        draw_guess(ax, labels, guess)
    return ax


class Seen(NamedTuple):
    """What of a sweep is drawn, and the top of the y axis for it."""

    pairs: tuple
    points: dict
    pale: dict
    counts: list
    cpus: float | None
    top: float


def look_at(sweep, n_workers, cpus):
    """Return what of a sweep is drawn, as Seen; arguments as of `plot_speedup`."""
    pairs = parallel_pairs(sweep) if sweep is not None else ()
    points = {}
    for engine, n in pairs:
        points.setdefault(engine, []).append((n, sweep.speedup(engine, n), _cold_median(sweep, engine, n)))
    pale = provisional_points(sweep)
    measured = [n for _, n in pairs] + [n for series in pale.values() for n, _ in series]
    alone = {*points, *pale} == {"asyncio"}  # its tasks share one thread: no count is more than the CPUs
    cpus = cpus or (sweep.environment.get("usable_cpus") if sweep is not None and not alone else None)
    counts = sorted(set(n_workers or measured or (1, 2, 3, 4)))
    highest = [min(s.high or s.median, REACH * s.median) for series in points.values() for _, s, _ in series]
    highest += [speedup for series in pale.values() for _, speedup in series]
    return Seen(pairs, points, pale, counts, cpus, _top(highest, counts, cpus, fixed=n_workers is not None))


def reach(guess, top):
    """Return the top of the y axis that a guess needs: `top`, or half as much again, and so on: it seldom moves."""
    while guess is not None and guess[1] * 1.09 > top:
        top *= 1.5
    return top


def draw_points(ax, labels, sweep, seen, fit=True):
    """Draw what is seen of a sweep into the axes of `draw_axes`; `labels` know afterwards where there is room."""
    cpus = {engine: None if engine == "asyncio" else seen.cpus for engine in seen.points}
    thin = [_draw_engine(ax, labels, engine, series, cpus[engine]) for engine, series in seen.points.items()]
    _draw_provisional(ax, labels, seen.pale, named=seen.points)
    law = _draw_law(ax, labels, sweep, seen.points) if fit and seen.pairs else ""
    if not seen.pairs and not seen.pale:
        warming = sweep is not None and any(run.warmup for run in sweep.runs)
        write_note(ax, "warming up: this round is not counted" if warming else "no measurement yet", 0.6, 0.13)
    labels.place()
    if sweep is not None and sweep.problems:
        _write_problems(ax, list_problems(sweep.problems))
    show_doubts(ax, doubts_of_pairs(sweep, seen.pairs), row=int(bool(sweep is not None and sweep.problems)))
    legend = ["thin: with start-up" if any(thin) else "", NOT_COUNTED if seen.pale else "", law]
    write_how(ax, [_rounds_text(seen.points), *legend])


def draw_guess(ax, labels, guess):
    """Draw the guess and its name where there is room for it; return both artists."""
    look = {"ms": 7, "mfc": "white", "mec": INK, "mew": 1.3, "zorder": 7, "clip_on": False, "gid": "guess"}
    (diamond,) = ax.plot(*[[v] for v in guess], "D", **look)
    return [diamond, labels.write_beside("your guess", *guess, INK)]


def _write_problems(ax, said):
    """Write under the axes which pairs are left out and why: as much of it as there is room for."""
    names, n = [text.partition(" (")[0] for text in said], len(said)
    lines = [[*said[:k], *names[k:]] for k in range(n, -1, -1)]
    lines += [[*names[:k], f"{n - k} more" if k else plural(n, "pair")] for k in range(n - 1, -1, -1)]
    lines = [f"left out: {', '.join(parts)}" for parts in lines]
    line = next((line for line in lines if text_width(line, SMALL_SIZE) <= axes_width(ax)), lines[-1])
    ax.annotate(
        line,
        (0, 0),
        (0, -ROW_TOP),
        xycoords="axes fraction",
        textcoords="offset points",
        va="top",
        size=SMALL_SIZE,
        color=INK,
        family=FONT,
        annotation_clip=False,
        gid="problems",
    )


def _top(seen, counts, cpus, fixed):
    """Return the top of the y axis: the ideal that the CPUs allow, or the values `seen` if higher."""
    ceiling = min(counts[-1], 1.15 * max(cpus or counts[-1], 1.8))
    if not fixed and seen:
        ceiling = min(ceiling, max(1.6 * max(seen), 1.25))
    return max([1.25, ceiling, *(1.06 * value for value in seen)]) * 1.03


def draw_axes(ax, seen, top):
    """Draw what stays while points come in: all that counts, CPUs and the top say; return Labels of it, not placed."""
    labels, counts, cpus = Labels(ax), seen.counts, seen.cpus
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
    write_title(ax, "Speedup over the serial loop")
    return labels


def _draw_engine(ax, labels, engine, series, cpus):
    """Draw an engine's points, intervals and lines; return whether its line with start-up can be told apart."""
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
        ax.plot(n[max(solid - 1, 0) :], warm[max(solid - 1, 0) :], lw=1.9, zorder=3, alpha=0.4, **line)
        ax.plot(
            n[solid:],
            warm[solid:],
            ls="",
            marker=marker,
            ms=5.5,
            mfc="white",
            mec=colour,
            mew=1.4,
            zorder=5,
            gid=f"{engine} beyond",
        )
    bars = [[(x, s.low), (x, s.high)] for x, s, _ in series if s.low is not None]
    if bars:
        ax.add_collection(
            LineCollection(bars, colors=colour, linewidths=1.3, zorder=4.5, gid=f"{engine} intervals"), autolim=False
        )
    labels.add(engine, n[-1], warm[-1], darker(colour), weight="bold")
    visibly = np.abs(cold - warm) > 0.03 * ax.get_ylim()[1]
    ax.plot(
        n, cold, lw=0.9, marker="_" if len(n) == 1 else "", zorder=2.5, color=colour, alpha=0.55, gid=f"{engine} cold"
    )
    if visibly.any():
        labels.avoid(n, cold)
    if visibly[-1]:
        labels.add("with start-up", n[-1], cold[-1], darker(colour), size=SMALL_SIZE)
    return bool(visibly.any())


def _draw_provisional(ax, labels, pale, named):
    """Draw the points of the warm-up round, and the names of those engines that are not `named` by a line."""
    for engine, series in pale.items():
        n, speedups = np.array(series, float).T
        colour = COLOURS.get(engine, OTHER)
        hollow = {"mfc": "white", "mec": paler(colour, 0.45), "mew": 1.2}
        gid = f"{engine} warm-up"
        ax.plot(n, speedups, ls="", marker=MARKERS.get(engine, "*"), ms=5.5, zorder=3.5, gid=gid, **hollow)
        labels.avoid(n, speedups)
        if engine not in named:
            labels.add(engine, n[-1], speedups[-1], darker(colour))


def _draw_law(ax, labels, sweep, points):
    """Draw the dashed law of the best engine; return what the grey line says of it."""
    engine = max(points, key=lambda e: max(s.median for _, s, _ in points[e]))
    starved = starved_counts(sweep, engine)
    try:
        law = fit_usl(sweep, engine, n_draws=BAND_DRAWS)
    except NotEnoughPointsError:
        if len(points[engine]) < MIN_POINTS:
            return ""  # nobody expects one
        return f"no law fitted: that takes {MIN_POINTS} worker counts within the CPUs"
    except NoLawError as error:
        return f"no law fitted to {engine}: {WHY_NONE[error.kind]}"
    n = np.linspace(1, min(2 * law.largest_measured, max(n for n, _, _ in points[engine]) + 0.3), 60)
    draw_law(ax, law, n, COLOURS.get(engine, OTHER))
    labels.avoid(n, law.speedup(n))
    reach = f" up to {plural(law.largest_measured, 'worker')}" if starved else ""
    return f"dashed: law fitted to {engine}{reach}" + (", pale: its interval" if law.draws else "")


def _rounds_text(points):
    rounds = {s.n_rounds for series in points.values() for _, s, _ in series}
    return rounds_text(rounds) if rounds else "dotted: ideal, as many times as workers"


def doubts_of_pairs(sweep, pairs):
    """Return the doubts of the pairs, each once, the one that most of them share first."""
    doubts = [badge.removeprefix("serial loop: ") for pair in pairs for badge in sweep.doubts(*pair)]
    return sorted(dict.fromkeys(doubts), key=doubts.count, reverse=True)


def _cold_median(sweep, engine, n):
    """Return the speedup with start-up; only its median is drawn, so no interval is worked out."""
    serial = {run.round: run.wall for run in sweep.runs_of("serial", 1)}
    runs = [run for run in sweep.runs_of(engine, n) if run.round in serial]
    return float(np.median([serial[run.round] for run in runs]) / np.median([run.cold_wall for run in runs]))


def _times(value):
    return f"{value:.1f}" if value >= 0.95 else f"{value:.2g}"
