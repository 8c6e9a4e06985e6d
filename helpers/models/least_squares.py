"""The coefficients of a scaling law that leave the least squares, and how sure they are. Arithmetic on arrays.

The law is ``y = n / (a + b·(n−1) + c·n·(n−1))`` with a = 1/γ, b = σ/γ, c = κ/γ: ``n/y`` is a straight sum, so that a
fit of relative errors is linear, derivatives are short, and σ ≥ 0, κ ≥ 0 are b ≥ 0, c ≥ 0.
"""

from __future__ import annotations

from itertools import combinations, product
from math import cos, pi, sin, sqrt, tan

import numpy as np

#: How errors are weighed, see `helpers.models.fit_points`.
WEIGHTS = ("absolute", "relative")
#: A coefficient that adds less than this share to ``n/y``, at the largest count, adds rounding: it is 0.
NOTHING = 1e-9
#: Most steps of a descent, its first damping, and the damping at which no step is short enough to help.
MOST_STEPS, FIRST_DAMPING, LAST_DAMPING = 500, 1e-3, 1e12
#: Losses at the largest count, σ·(n−1) and κ·n·(n−1), that are tried for a start.
GRID = np.array([0, *10 ** np.arange(-1, 4.1, 0.5)])
#: A descent is at its end where errors and slopes are at right angles but for this cosine, or errors are as small.
FLAT = 1e-13


def solve(n, measured, weights="absolute", free=(0, 1, 2), bounded=True):
    """Return the γ, σ, κ of least squares for each row of `measured`, as rows; γ is infinite where no law fits.

    Absolute errors become least in descents by Levenberg and Marquardt from two starts: the linear solution for the
    errors of ``n/y`` weighed as if they were of y, and the best of a grid. The lower end counts. A coefficient that
    would go below 0 is held there until it wants to grow: what ends at the bound is exactly 0. Sources: Levenberg 1944;
    Marquardt 1963; Kelley, *Iterative Methods for Optimization*, SIAM 1999, chapter 5 (projection).

    Parameters
    ----------
    n : array of float, above 0
    measured : array, one row a fit, above 0, in any unit
    weights : one of `WEIGHTS`
    free : tuple of int
        Which of a, b and c are not held at 0.
    bounded : bool
        Whether σ and κ are at least 0.
    """
    unit = measured.max(axis=1, keepdims=True)
    y, columns = measured / unit, np.stack([np.ones_like(n), n - 1, n * (n - 1)], axis=1)[:, free]
    least = np.array([0.0, *[0.0 if bounded else -np.inf] * (len(free) - 1)])
    if weights == "relative":
        found = _solve_linear(columns, n, y, np.ones_like(y), least)
    else:
        starts = _solve_linear(columns, n, y, y, least), _best_of_grid(columns, n, y)
        ends = _descend(columns, n, np.tile(y, (2, 1)), np.concatenate(starts), least).reshape(2, *starts[0].shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            left = ((y - n / (ends @ columns.T)) ** 2).sum(axis=2)
        found = ends[np.nanargmin(left, axis=0), np.arange(len(y))]
    parts = np.abs(found * columns[n.argmax()])
    found[parts < NOTHING * parts.sum(axis=1, keepdims=True)] = 0
    sound = (found[:, 0] > 0) & (found @ columns.T > 0).all(axis=1)
    coefficients = np.zeros((len(y), 3))
    coefficients[:, 0] = np.inf
    coefficients[sound, 0] = unit[sound, 0] / found[sound, 0]
    coefficients[np.ix_(sound, free[1:])] = found[sound, 1:] / found[sound, :1]
    return coefficients


def _solve_linear(columns, n, y, weight, least):
    """Return the a, b, c that make the sum of ``(weight·(1 − (a + b·(n−1) + c·n·(n−1))·y/n))²`` least.

    Every set of coefficients that are not at their bound is solved without bounds; of those that keep the bounds, the
    one that leaves least is the optimum, since the sum is convex.
    """
    rows = columns * (weight * y / n)[:, :, None]
    n_columns = columns.shape[1]
    best, smallest = np.zeros((len(y), n_columns)), np.full(len(y), np.inf)
    for size in range(n_columns, 0, -1):
        for kept in combinations(range(n_columns), size):
            found = np.zeros_like(best)
            found[:, kept] = (np.linalg.pinv(rows[:, :, kept]) @ weight[:, :, None])[:, :, 0]
            left = ((weight - (rows @ found[:, :, None])[:, :, 0]) ** 2).sum(axis=1)
            better = (found >= least).all(axis=1) & (left < smallest)
            best[better], smallest[better] = found[better], left[better]
    return best


def _best_of_grid(columns, n, y):
    """Return the a, b, c that leave least of those whose losses at the largest count are of `GRID`, γ being best."""
    losses = np.array(list(product(GRID, repeat=columns.shape[1] - 1)))
    shares = np.hstack([np.ones((len(losses), 1)), losses / columns[n.argmax(), 1:]])
    laws = n / (shares @ columns.T)
    gamma = (y @ laws.T) / (laws**2).sum(axis=1)
    best = (gamma**2 * (laws**2).sum(axis=1)).argmax(axis=1)
    return shares[best] / gamma[np.arange(len(y)), best, None]


def _descend(columns, n, y, start, least):
    """Return the a, b, c nearest downhill from `start` at which the sum of ``(y − n/(a + …))²`` is least."""
    found = np.where((start @ columns.T > 0).all(axis=1)[:, None], start, np.eye(start.shape[1])[0])
    damping, identity = np.full(len(y), FIRST_DAMPING), np.eye(len(least))
    left, done = ((y - n / (found @ columns.T)) ** 2).sum(axis=1), np.zeros(len(y), bool)
    for _ in range(MOST_STEPS):
        law = n / (found @ columns.T)
        slopes = -(law**2 / n)[:, :, None] * columns
        downhill = (slopes.swapaxes(1, 2) @ (y - law)[:, :, None])[:, :, 0]
        held = (found <= least) & (downhill <= 0)
        curvature = slopes.swapaxes(1, 2) @ slopes
        size = np.diagonal(curvature, axis1=1, axis2=2)
        flat = held | (np.abs(downhill) <= FLAT * np.sqrt(size * left[:, None]))
        done |= flat.all(axis=1) | (left <= FLAT**2) | (damping >= LAST_DAMPING)
        if done.all():
            break
        curvature = curvature + identity * (damping[:, None] * size)[:, :, None]
        for _ in range(len(least)):  # what is at the bound and would go below it is held as well
            curved = np.where(held[:, :, None] | held[:, None, :], identity, curvature)
            step = np.linalg.solve(curved, np.where(held, 0, downhill)[:, :, None])[:, :, 0]
            below = (found <= least) & (step < 0)
            if not below.any():
                break
            held |= below
        tried = np.maximum(found + step, least)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            inverse = tried @ columns.T
            after = np.where((inverse > 0).all(axis=1), ((y - n / inverse) ** 2).sum(axis=1), np.inf)
        better = (after < left) & ~done
        left_before = left.copy()
        found[better], left[better] = tried[better], after[better]
        # Marquardt's rule by the gain over what the slopes promised: errors that bend make full steps swing
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = (left_before - after) / (step * (downhill + damping[:, None] * size * step)).sum(axis=1)
        damping = damping * np.where(better & (gain > 0.75), 0.1, np.where(better & (gain > 0.25), 1, 5))
        damping = np.clip(damping, 1e-15, LAST_DAMPING)
    return found


def law_at(coefficients, n):
    """Return the law at each of `n`, one row for each row γ, σ, κ of `coefficients`."""
    gamma, sigma, kappa = coefficients.T[:, :, None]
    return gamma * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))


def spread(n, measured, coefficients, weights="absolute", free=(0, 1, 2)):
    """Return (covariance of γ, σ, κ; degrees of freedom; sum of squared errors) of one fit.

    Asymptotic, from the slopes of the errors at the optimum: the covariance is ``s²·(JᵀJ)⁻¹`` with ``s²`` the squared
    errors by degree of freedom, of which there are as many as measurements less coefficients. A coefficient at its
    bound counts as free, as in R's nls. Assumes errors that are independent, of one size and not too large for the law
    to look straight. Source: Seber & Wild, *Nonlinear Regression*, 1989, section 5.1.
    """
    gamma, sigma, kappa = coefficients
    loss = 1 + sigma * (n - 1) + kappa * n * (n - 1)
    law = gamma * n / loss
    slopes = law[:, None] * np.stack([np.full_like(n, 1 / gamma), -(n - 1) / loss, -n * (n - 1) / loss], axis=1)
    errors = measured - law
    if weights == "relative":  # of n/y: 1 − measured/law
        slopes, errors = slopes * (measured / law**2)[:, None], 1 - measured / law
    slopes, freedom, squares = slopes[:, free], len(n) - len(free), float(errors @ errors)
    size = np.sqrt((slopes**2).sum(axis=0))
    covariance = np.zeros((3, 3))
    covariance[np.ix_(free, free)] = np.linalg.pinv((slopes / size).T @ (slopes / size)) / np.outer(size, size)
    return covariance * squares / freedom, freedom, squares


def t_quantile(probability, freedom):
    """Return what Student's t with a whole number of degrees of freedom stays below with this probability, ½ to 1.

    The finite sums of Abramowitz & Stegun, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4, halved upon.

    >>> round(t_quantile(0.975, 3), 3), round(t_quantile(0.95, 5), 3), round(t_quantile(0.975, 1), 3)
    (3.182, 2.015, 12.706)
    """
    low, high = 0.0, pi / 2
    for _ in range(60):
        angle = (low + high) / 2
        low, high = (angle, high) if _t_within(angle, freedom) < 2 * probability - 1 else (low, angle)
    return sqrt(freedom) * tan(low)


def _t_within(angle, freedom):
    """Return the probability that |t| is at most ``√freedom · tan(angle)``."""
    even = freedom % 2 == 0
    term, total = (1.0, 1.0) if even else (cos(angle), cos(angle))
    for k in range(2 if even else 3, freedom - 1, 2):
        term *= (k - 1) / k * cos(angle) ** 2
        total += term
    if even:
        return sin(angle) * total
    return 2 / pi * (angle + (sin(angle) * total if freedom > 1 else 0.0))
