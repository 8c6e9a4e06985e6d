"""Scaling laws as plain functions, and their fit to the speedups of a sweep.

Sources: Amdahl, "Validity of the single processor approach", AFIPS 1967. Gustafson,
"Reevaluating Amdahl's law", CACM 31(5), 1988. Karp & Flatt, "Measuring parallel processor
performance", CACM 33(5), 1990. Gunther, "A simple capacity model of massively parallel
transaction systems", CMG 1993, and *Guerrilla Capacity Planning*, Springer 2007 (the
Universal Scalability Law).
"""

from __future__ import annotations

from statistics import median

import numpy as np

from helpers.arguments import as_number, check_count, check_number, is_name
from helpers.errors import InvalidArgumentError, NotEnoughPointsError
from helpers.records import MIN_ROUNDS, Estimate, Fit
from helpers.words import plural, shown

#: Distinct worker counts a fit needs: one more than the law has coefficients.
MIN_POINTS = 4
#: Draws of the bootstrap over rounds.
N_DRAWS, MAX_DRAWS = 300, 100_000
#: CPU seconds a second up to which one thread alone computed: the clocks differ, and a run has more than its tasks.
ONE_CPU = 1.1


def amdahl(n_workers, serial_fraction):
    """Return the speedup of a fixed amount of work, of which a fraction stays serial.

    Assumes that the parallel part spreads evenly and costs nothing to spread.
    `serial_fraction` is between 0 and 1. Source: Amdahl 1967.

    >>> amdahl(4, 0.0)
    4.0
    >>> round(amdahl(1000, 0.05), 1)
    19.6
    """
    n_workers, serial_fraction = _check(n_workers, serial_fraction)
    return n_workers / (1 + serial_fraction * (n_workers - 1))


def gustafson(n_workers, serial_fraction):
    """Return the scaled speedup: the work grows with the workers, its serial time does not.

    `serial_fraction` (0 to 1) is of the time on `n_workers`, not of the serial time as in
    `amdahl`. Source: Gustafson 1988.

    >>> gustafson(4, 0.0)
    4.0
    >>> gustafson(64, 0.25)
    48.25
    """
    n_workers, serial_fraction = _check(n_workers, serial_fraction)
    return n_workers - serial_fraction * (n_workers - 1)


def karp_flatt(speedup, n_workers):
    """Return the serial fraction that a measured speedup shows, overheads counted in.

    If it grows with the workers, overhead grows; if it stays, serial work is the limit. Below
    0 the speedup is more than ideal. Needs two or more workers. Source: Karp & Flatt 1990.

    >>> karp_flatt(4.0, 4)
    0.0
    >>> round(karp_flatt(amdahl(8, 0.1), 8), 6)
    0.1
    """
    speedup, n_workers = _numbers("speedup", speedup), _numbers("n_workers", n_workers)
    if np.any(n_workers <= 1) or np.any(speedup <= 0):
        raise InvalidArgumentError(
            f"karp_flatt needs n_workers above 1 and speedup above 0, got {shown(n_workers)} and {shown(speedup)}."
        )
    return (1 / speedup - 1 / n_workers) / (1 - 1 / n_workers)


def _check(n_workers, serial_fraction):
    """Return both as numbers, workers also as an array of them; raise InvalidArgumentError out of range."""
    n_workers = _numbers("n_workers", n_workers)
    if np.any(n_workers < 1):
        raise InvalidArgumentError(f"n_workers must be 1 or more, got {shown(n_workers)}.")
    return n_workers, check_number("serial_fraction", serial_fraction, 0, 1)


def _numbers(name, values):
    """Return a float, or an array of floats, all finite; else raise InvalidArgumentError."""
    number = as_number(values)
    if number is not None:
        return number
    try:
        numbers = np.asarray(values)
    except Exception:  # whatever the values are: no numbers
        numbers = np.asarray(None)
    if numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
        raise InvalidArgumentError(f"{name} must be a finite number, or an array of such, not {shown(values)}.")
    return numbers


def parallel_pairs(sweep):
    """Return the (engine, n_workers) pairs that have a speedup: a counted round, serial loop included."""
    serial = {run.round for run in sweep.runs_of("serial", 1)}
    found = {run.pair for run in sweep.runs if run.engine != "serial" and not run.warmup and run.round in serial}
    return tuple(pair for pair in sweep.pairs() if pair in found)


def fit_usl(sweep, engine=None, *, n_draws=N_DRAWS):
    """Return the Universal Scalability Law that fits one engine's speedups best, as a Fit.

    ``S(n) = γ·n / (1 + σ·(n−1) + κ·n·(n−1))``: σ is what stays serial, κ what each worker
    loses to every other, γ the speedup of one worker. It is linear in ``n/S``, so the least
    squares of relative errors, with σ and κ at least 0, are found exactly by trying every set
    of coefficients that stay at 0. Intervals: bootstrap over whole rounds with a fixed seed;
    none below 3 rounds.

    Points at which the work wants more CPUs than the machine has (``n_workers`` × CPU share
    of the work above ``usable_cpus`` of the sweep's environment) are left out: they tell of
    the machine, not of the work. The CPU share is CPU time over working time, measured where
    every worker still has a CPU. Waiting work, with a share near 0, keeps all its points.

    Parameters
    ----------
    engine : str, optional
        Default: the parallel engine with the highest speedup.
    n_draws : int, optional
        Bootstrap draws; 0 for a curve without intervals.

    Raises
    ------
    NotEnoughPointsError
        Fewer than four distinct worker counts are left.

    Source: Gunther 1993, 2007.
    """
    return _fit("USL", sweep, engine, ((), (1,), (2,), (1, 2)), n_draws)


def fit_amdahl(sweep, engine=None, *, n_draws=N_DRAWS):
    """Return Amdahl's law fitted to one engine's speedups: `fit_usl` with κ held at 0.

    The scale γ stays free, so that the cost of one worker is not taken for serial work. σ
    above 1 says that more workers make it slower, which the law has no word for: use
    `fit_usl` then. Same errors and assumptions as `fit_usl`. Source: Amdahl 1967.
    """
    return _fit("Amdahl", sweep, engine, ((), (1,)), n_draws)


def _fit(law, sweep, engine, active_sets, n_draws):
    n_draws, engines = check_count("n_draws", n_draws, 0, MAX_DRAWS), [e for e, _ in parallel_pairs(sweep)]
    if engine is not None and not any(is_name(known, engine) for known in engines):
        known = ", ".join(dict.fromkeys(engines)) or "none yet"
        raise InvalidArgumentError(
            f"engine={shown(engine)} has no measured speedup in this sweep; parallel engines measured: {known}."
        )
    engine = _best_engine(sweep) if engine is None else engine
    walls = {n: {r.round: r.wall for r in sweep.runs_of(engine, n)} for e, n in parallel_pairs(sweep) if e == engine}
    starved = starved_counts(sweep, engine)
    counts = sorted(set(walls) - starved)
    if len(counts) < MIN_POINTS:
        raise NotEnoughPointsError(_too_few(law, counts, starved, sweep))
    serial = {run.round: run.wall for run in sweep.runs_of("serial", 1)}
    common = [r for r in serial if all(r in walls[n] for n in counts)]
    measured = [
        median(serial[r] for r in walls[n] if r in serial) / median(w for r, w in walls[n].items() if r in serial)
        for n in counts
    ]
    best = _solve(np.array(counts, float), np.array([measured]), active_sets)[0]
    low = high = (None, None, None)
    if n_draws and len(common) >= MIN_ROUNDS:
        rounds = np.random.default_rng(0).integers(0, len(common), (n_draws, len(common)))
        above = np.median(np.array([serial[r] for r in common])[rounds], axis=-1)
        below = np.median(np.array([[walls[n][r] for r in common] for n in counts])[:, rounds], axis=-1)
        drawn = _solve(np.array(counts, float), (above / below).T, active_sets)
        low, high = np.percentile(drawn, (2.5, 97.5), axis=0).tolist()
    scale, sigma, kappa = (Estimate(float(v), lo, hi, len(common)) for v, lo, hi in zip(best, low, high, strict=True))
    peak = max(1.0, (max(0.0, 1 - sigma.median) / kappa.median) ** 0.5) if kappa.median > 0 else None
    return Fit(law, scale, sigma, kappa, len(counts), counts[-1], peak)


def _solve(n_workers, speedups, active_sets):
    """Return γ, σ, κ for each row of `speedups`: relative least squares, σ and κ at least 0.

    Minimises the sum of ``(1 − model/y)²`` with ``y = n/S``. Every set of free coefficients is
    solved without bounds; of those that keep the bounds, the least residual is the optimum.
    """
    columns = np.stack([np.ones_like(n_workers), n_workers - 1, n_workers * (n_workers - 1)], axis=1)
    rows = columns * (speedups / n_workers)[:, :, None]
    best, least = np.zeros((len(speedups), 3)), np.full(len(speedups), np.inf)
    for active in active_sets:
        free = (0, *active)
        found = np.linalg.pinv(rows[:, :, free]).sum(axis=-1)  # the right-hand side is all ones
        residual = ((1 - np.einsum("dpk,dk->dp", rows[:, :, free], found)) ** 2).sum(axis=1)
        # rounding must not let a larger set win where the smaller one is as good
        better = (found[:, 0] > 0) & (found >= 0).all(axis=1) & (residual < least - 1e-12)
        full = np.zeros_like(best)
        full[:, free] = found
        best[better], least[better] = full[better], residual[better]
    return np.column_stack([1 / best[:, 0], best[:, 1] / best[:, 0], best[:, 2] / best[:, 0]])


def _best_engine(sweep):
    pairs = parallel_pairs(sweep)
    return max(pairs, key=lambda pair: sweep.speedup(*pair).median)[0] if pairs else None


def starved_counts(sweep, engine):
    """Return the worker counts of `engine` whose work wants more CPUs than are usable, as a set.

    Empty if the sweep's environment does not say how many CPUs are usable, and for tasks that take turns in an
    event loop: it uses one CPU. The CPU share is taken where nothing starves (starving lowers it): at the largest
    count within the CPUs, else in the serial loop.
    """
    usable = sweep.environment.get("usable_cpus")
    counts = [n for e, n in parallel_pairs(sweep) if e == engine]
    if not usable or not counts or takes_turns(sweep, engine):
        return set()
    within = [n for n in counts if n <= max(1, usable)]
    share = cpu_share(sweep.runs_of(engine, within[-1]) if within else sweep.runs_of("serial", 1))
    return {n for n in counts if n > max(1, usable) and n * share > usable * 1.02}  # 2 %: clocks differ


def takes_turns(sweep, engine):
    """Return whether the tasks of `engine` took turns in the thread of an event loop: together they used one CPU.

    They can use more by other threads, as `asyncio.to_thread` does.
    """
    runs = [run for run in sweep.runs if run.engine == engine == "asyncio" and not run.warmup]
    return bool(runs) and all(run.cpu <= ONE_CPU * run.wall for run in runs)


def cpu_share(runs):
    """Return CPU time over working time of `runs`, 0 (waits) to 1 (computes; also if unknown)."""
    working = sum(run.accounting.working for run in runs)
    return min(1.0, sum(run.cpu for run in runs) / working) if working > 0 else 1.0


def _too_few(law, counts, starved, sweep):
    have = plural(len(counts), "worker count") + (f" ({', '.join(map(str, counts))})" if counts else "")
    text = f"Fitting {law} needs {MIN_POINTS} different worker counts, this sweep has {have}"
    if starved:
        left_out, cpus = ", ".join(map(str, sorted(starved))), plural(sweep.environment["usable_cpus"], "usable CPU")
        return (
            f"{text}, after leaving out {left_out}, which want more than the {cpus}: measure on a machine with more "
            "CPUs, or read the points without a law."
        )
    return f"{text}: measure more, as in n_workers=(1, 2, 3, 4)."
