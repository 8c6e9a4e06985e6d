"""Scaling laws fitted to a sweep, or to plain figures from elsewhere; where none fits, the reason. Arithmetic.

How: `helpers.models.least_squares`. Sources: Gunther 1993, 2007 (see `helpers.models.laws`); the figures published with
the R package usl, which the tests hold.
"""

from __future__ import annotations

from statistics import median

import numpy as np

from helpers.arguments import check_choice, check_count, is_name, is_text
from helpers.errors import InvalidArgumentError, NoLawError, NotEnoughPointsError
from helpers.models.least_squares import WEIGHTS, law_at, solve, spread, t_quantile
from helpers.models.points import best_engine, parallel_pairs, starved_counts
from helpers.records import MIN_ROUNDS, Estimate, Fit
from helpers.words import plural, shown

#: Distinct counts a fit needs: one more than the law has coefficients.
MIN_POINTS = 4
#: Draws of the bootstrap over rounds.
N_DRAWS, MAX_DRAWS = 300, 100_000
#: The laws: which coefficients of γ, σ, κ are not held at 0.
LAWS = {"USL": (0, 1, 2), "Amdahl": (0, 1)}
#: Superlinear: n workers do more than n times one, by more than this factor, and by more than twice the lower half of
#: the interval. Simulated, 400 sweeps each: of ideal ones 1 % are called so with 3 rounds and 3 % noise, 2 % with 5
#: rounds and 12 %; of those that grow as n^1.1, with 3 % noise, all. Plain figures have no rounds: there the law
#: without bounds tells, if it leaves less by a t of 97.5 %. Simulated with 6 and 8 counts: of ideal ones none with 1 %
#: noise, at most 7 % with 3 %; of those that grow as n^1.1 nearly all.
BEYOND_IDEAL, BEYOND_NOISE = 1.05, 2.0
#: Too noisy: the interval of the law at the largest count is as wide as this share of its highest value, ±20 %.
#: Simulated with 5 rounds: this never happens with 6 % noise. With 12 % it does in a third of the sweeps; there the law
#: misses what is true of twice the largest count by a third or more in every tenth.
BLURRED = 0.4
#: Too noisy is also a law with this much probability, or more, on both sides: that speedups fall within the measured
#: counts, and that they still rise at twice the largest.
DISPUTED = 0.1


def fit_usl(sweep, engine=None, *, n_draws=N_DRAWS, weights="absolute"):
    """Return the Universal Scalability Law that fits one engine's speedups best, as a Fit.

    ``S(n) = γ·n / (1 + σ·(n−1) + κ·n·(n−1))``: σ is what stays serial, κ what each worker loses to every other, γ the
    speedup of one worker. Least squares of the speedups, σ and κ at least 0 (exactly 0 at the bound). Intervals and
    the band of the law: bootstrap over whole rounds with a fixed seed; none below 3 rounds, when nobody can tell
    whether it is too noisy.

    Points at which the work wants more CPUs than the machine has (``n_workers`` × CPU share of the work above
    ``usable_cpus`` of the sweep's environment) are left out: they tell of the machine, not of the work. The CPU share
    is CPU time over working time, measured where every worker still has a CPU. Waiting work, with a share near 0, keeps
    all its points.

    Parameters
    ----------
    engine : str, optional
        Default: the parallel engine with the highest speedup.
    n_draws : int, optional
        Bootstrap draws; 0 for a curve without intervals.
    weights : "absolute" or "relative", optional
        Which errors are to be small, see `fit_points`.

    Raises
    ------
    NotEnoughPointsError
        Fewer than four distinct worker counts are left.
    NoLawError
        The speedups are superlinear, or too noisy for a law.

    Source: Gunther 1993, 2007.
    """
    return _fit_sweep("USL", sweep, engine, n_draws, weights)


def fit_amdahl(sweep, engine=None, *, n_draws=N_DRAWS, weights="absolute"):
    """Return Amdahl's law fitted to one engine's speedups: `fit_usl` with κ held at 0.

    The scale γ stays free, so that the cost of one worker is not taken for serial work. σ above 1 says that more
    workers make it slower, which the law has no word for: use `fit_usl` then. Same errors and assumptions as `fit_usl`.
    Source: Amdahl 1967.
    """
    return _fit_sweep("Amdahl", sweep, engine, n_draws, weights)


def fit_points(n_workers, throughput, *, law="USL", weights="absolute"):
    """Return the law that fits plain figures best, as a Fit: from a published table, or measured elsewhere.

    ``y(n) = γ·n / (1 + σ·(n−1) + κ·n·(n−1))``; γ has the unit of `throughput`. Intervals, standard errors and the band
    are asymptotic (95 % of Student's t, as many degrees of freedom as measurements less coefficients): they are
    symmetric, may reach below 0, and assume independent errors of one size. The R package usl prints narrower ones from
    the same standard errors: it takes the quantile that t exceeds in 5 %, not in 2.5 %, with n − 1 degrees of freedom.

    Parameters
    ----------
    n_workers : sequence of numbers above 0
        Workers, users, processors: one a measurement, at least four different ones.
    throughput : sequence of numbers above 0
        Speedup, or work by time in any unit; for walls of the same work take 1/wall.
    law : "USL" or "Amdahl", optional
    weights : "absolute" or "relative", optional
        "absolute": the squares of ``y − y(n)`` are least, as in the R package usl, usl4j and all published fits. Right
        where errors are of one size. "relative": those of ``1 − y/y(n)``. Right where errors grow with the value, as
        where each wall is disturbed by the same share of itself: small throughputs count as much as large ones then.

    Raises
    ------
    NotEnoughPointsError
        Fewer than four distinct counts.
    NoLawError
        The figures are superlinear, or too noisy for a law.

    Source: Gunther 1993, 2007.

    >>> fit = fit_points((1, 18, 36, 72, 108, 144, 216), (64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2))
    >>> round(fit.serial_fraction.median, 7), round(fit.coherency.median, 7), round(fit.peak_workers, 2)
    (0.0277285, 0.0001044, 96.52)
    """
    law, weights = check_choice("law", law, LAWS), check_choice("weights", weights, WEIGHTS)
    n, y = _figures("n_workers", n_workers), _figures("throughput", throughput)
    if len(n) != len(y):
        raise InvalidArgumentError(f"n_workers and throughput must be as many, not {len(n)} and {len(y)}.")
    if len(set(n)) < MIN_POINTS:
        have = plural(len(set(n)), "different count")
        raise NotEnoughPointsError(f"Fitting {law} needs {MIN_POINTS} different counts, here are {have}: measure more.")
    order = np.argsort(n, kind="stable")
    return _fit(law, weights, n[order], y[order], None, len(n), "Measure each count several times and give medians")


def _figures(name, values):
    """Return a sequence of numbers above 0 as an array; else raise InvalidArgumentError."""
    try:
        numbers = np.asarray(None if is_text(values) else values)
    except Exception:  # whatever the values are: no numbers
        numbers = np.asarray(None)
    if numbers.dtype.kind not in "iuf" or numbers.ndim != 1 or not (np.isfinite(numbers) & (numbers > 0)).all():
        raise InvalidArgumentError(f"{name} must be a sequence of finite numbers above 0, not {shown(values)}.")
    return numbers.astype(float)


def _fit_sweep(law, sweep, engine, n_draws, weights):
    n_draws, weights = check_count("n_draws", n_draws, 0, MAX_DRAWS), check_choice("weights", weights, WEIGHTS)
    engines = [e for e, _ in parallel_pairs(sweep)]
    if engine is not None and not any(is_name(known, engine) for known in engines):
        known = ", ".join(dict.fromkeys(engines)) or "none yet"
        raise InvalidArgumentError(
            f"engine={shown(engine)} has no measured speedup in this sweep; parallel engines measured: {known}."
        )
    engine = best_engine(sweep) if engine is None else engine
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
    drawn = None
    if n_draws and len(common) >= MIN_ROUNDS:
        rounds = np.random.default_rng(0).integers(0, len(common), (n_draws, len(common)))
        above = np.median(np.array([serial[r] for r in common])[rounds], axis=-1)
        below = np.median(np.array([[walls[n][r] for r in common] for n in counts])[:, rounds], axis=-1)
        drawn = (above / below).T
    advice = "Close other programs, or take more rounds or larger items"
    return _fit(law, weights, np.array(counts, float), np.array(measured), (drawn, len(common)), len(counts), advice)


def _fit(law, weights, n, y, rounds, n_points, advice):
    """Return the Fit of one curve, or raise NoLawError.

    `rounds` is (bootstrap draws of the curve or None, how many rounds) for speedups over a serial loop, None for plain
    figures.
    """
    free = LAWS[law]
    best = solve(n, y[None], weights, free)[0]
    _refuse_superlinear(law, weights, n, y, best, rounds)
    if not np.isfinite(best[0]):
        raise NoLawError(
            f"No law: what was measured falls faster with the count than {law} can: measure smaller counts too, 1 at "
            "best.",
            kind="falling",
        )
    covariance, freedom, _ = spread(n, y, best, weights, free)
    t, drawn, ends = t_quantile(0.975, freedom), None, [(None, None)] * 3
    if rounds is None:
        ends = [(value - t * se, value + t * se) for value, se in zip(best, np.diag(covariance) ** 0.5, strict=True)]
    elif rounds[0] is not None:
        drawn = solve(n, rounds[0], weights, free)
        drawn = drawn[np.isfinite(drawn[:, 0])]
        ends = np.percentile(drawn, (2.5, 97.5), axis=0).T
    scale, sigma, kappa = (
        Estimate(float(value), *(None if end is None else float(end) for end in pair), rounds[1] if rounds else 0)
        for value, pair in zip(best, ends, strict=True)
    )
    peak = max(1.0, (max(0.0, 1 - sigma.median) / kappa.median) ** 0.5) if kappa.median > 0 else None
    fit = Fit(
        law,
        scale,
        sigma,
        kappa,
        n_points,
        n[-1].item() if n[-1] % 1 else int(n[-1]),
        peak,
        weights=weights,
        freedom=freedom,
        t=t,
        covariance=None if rounds else tuple(map(tuple, covariance.tolist())),
        draws=() if drawn is None else tuple(map(tuple, drawn.tolist())),
    )
    _refuse_noisy(fit, n, advice)
    return fit


def _refuse_superlinear(law, weights, n, y, best, rounds):
    """Raise NoLawError where n workers do more than n times what the fewest do, or the serial loop, beyond noise.

    With draws by the intervals of these ratios. Else by the law without bounds: if it leaves significantly less of the
    squares (t of one coefficient), and each worker does more than one alone, both by it and as measured.
    """
    each = y / n
    if rounds and rounds[0] is not None:
        drawn = rounds[0] / n
        ratios = [(each / each[0], drawn / drawn[:, :1]), (each, drawn)]
        above = np.zeros(len(n), bool)
        for ratio, draws in ratios:
            above |= ratio - BEYOND_NOISE * (ratio - np.percentile(draws, 2.5, axis=0)) > BEYOND_IDEAL
    else:
        above = _rises_unbounded(law, weights, n, y, best)
    above &= n > max(1, n[0])
    if above.any():
        at = n[np.where(above, each, 0).argmax()]
        raise NoLawError(
            f"No law: superlinear. {at:g} workers do more than {at:g} times the work of one, beyond noise, and {law} "
            "has no word for that. See why one is slow: its data may not fit into the caches, or it does work that "
            "several are spared. Read the points without a law until then.",
            kind="superlinear",
        )


def _rises_unbounded(law, weights, n, y, best):
    """Return at which of `n` the law without bounds has each worker do more than with the fewest, significantly."""
    free = LAWS[law]
    unbounded = solve(n, y[None], weights, free, bounded=False)[0]
    if not np.isfinite(unbounded[0]):
        return np.zeros(len(n), bool)
    _, freedom, squares = spread(n, y, unbounded, weights, free)
    bounded = spread(n, y, best, weights, free)[2] if np.isfinite(best[0]) else np.inf
    each = law_at(unbounded[None], n)[0] / n
    significant = (bounded - squares) * freedom > t_quantile(0.975, freedom) ** 2 * squares
    return (each > BEYOND_IDEAL * each[0]) & (y / n > BEYOND_IDEAL * y[0] / n[0]) & significant


def _refuse_noisy(fit, n, advice):
    """Raise NoLawError where a law says nothing: its interval is too wide, or it may fall as well as rise."""
    largest, band = float(n[-1]), fit.band(float(n[-1]))
    if band is None:
        return
    low, high = (float(end) for end in band)
    if high - low >= BLURRED * fit.speedup(n).max():
        raise NoLawError(
            f"No law: too noisy. At {largest:g} workers it may lie anywhere from {low:.3g} to {high:.3g}. {advice}.",
            kind="noisy",
        )
    if _bend(fit, largest, 1 - DISPUTED) >= 1 > _bend(fit, 2 * largest, DISPUTED):
        raise NoLawError(
            f"No law: too noisy. It may fall from fewer than {largest:g} workers on, or still rise at {2 * largest:g}. "
            f"{advice}, and larger counts.",
            kind="noisy",
        )


def _bend(fit, n, probability):
    """Return what ``σ + κ·n²`` stays below with this probability: where it is 1 or more the peak is at n, or before."""
    slopes = np.array([0, 1, n**2])
    if fit.draws:
        return np.quantile(np.array(fit.draws) @ slopes, probability)
    t = t_quantile(max(probability, 1 - probability), fit.freedom) * np.sign(probability - 0.5)
    error = (slopes @ np.array(fit.covariance) @ slopes) ** 0.5
    return fit.serial_fraction.median + fit.coherency.median * n**2 + t * error


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
