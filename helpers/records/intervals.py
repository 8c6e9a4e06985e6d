"""Intervals for a median by few values: what `Estimate` gives. Arithmetic alone; standard library only.

Sources: order statistics: Conover, *Practical Nonparametric Statistics*, section 3.2; between two of them:
Hettmansperger & Sheather, "Confidence intervals based on interpolated order statistics", Statistics & Probability
Letters 4 (1986). Ratios in logarithms, round by round: Kalibera & Jones, "Rigorous benchmarking in reasonable time",
ISMM 2013, on why a ratio needs an interval of its own. Student's distribution: Abramowitz & Stegun, 26.7.3 and 26.7.4.
"""

from __future__ import annotations

from functools import lru_cache
from math import atan, comb, cos, exp, log, pi, sin, sqrt
from statistics import fmean, stdev

#: Probability with which an interval holds the truth.
CONFIDENCE = 0.95
#: Logarithm of the largest end of an interval that is given.
MOST = 700.0


def median_interval(values, confidence=CONFIDENCE):
    """Return (low, high) between which the median of what `values` were drawn from lies; needs two values.

    From 6 values on the ends lie between ordered values, whatever the noise is like and however heavy its tails: at
    least k of n values are below the median as often as k of n coins show heads. Fewer cannot hold 95 % in that way:
    then it is Student's interval of the mean of the logarithms, which assumes noise that multiplies and is as likely up
    as down, and reaches at least from the smallest to the largest value. Values must not depend on each other.

    >>> [round(end, 3) for end in median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])]
    [1.936, 7.064]
    """
    ordered = sorted(values)
    count = len(ordered)
    if held_between(1, count) < confidence:
        low, high = log_interval(ordered, confidence)
        return min(low, ordered[0]), max(high, ordered[-1])
    place = 1
    while held_between(place + 1, count) >= confidence:
        place += 1
    outer, inner = held_between(place, count), held_between(place + 1, count)
    share = (outer - confidence) / (outer - inner)
    share = (count - place) * share / (place + (count - 2 * place) * share)
    return (
        (1 - share) * ordered[place - 1] + share * ordered[place],
        (1 - share) * ordered[-place] + share * ordered[-place - 1],
    )


def held_between(place, count):
    """Return how often the median lies between the values at a `place` from below and from above, of `count`.

    >>> held_between(1, 5), held_between(2, 8)
    (0.9375, 0.9296875)
    """
    return max(0.0, 1 - 2 * sum(comb(count, k) for k in range(place)) / 2**count)


def log_interval(values, confidence=CONFIDENCE):
    """Return Student's (low, high) for the mean of the logarithms of `values`, as values again.

    Where a value is 0 or less there is no logarithm: then it is the smallest and the largest.

    >>> [round(end, 2) for end in log_interval([1.0, 2.0, 4.0])]
    [0.36, 11.19]
    """
    if min(values) <= 0:
        return min(values), max(values)
    logs = [log(value) for value in values]
    half = t_quantile(confidence, len(logs) - 1) * stdev(logs) / sqrt(len(logs))
    middle = fmean(logs)
    return exp(middle - half), exp(min(middle + half, MOST))


@lru_cache(maxsize=1024)
def t_quantile(confidence, freedom):
    """Return the t that Student's variable with so many degrees of freedom (1 or more) stays within, up or down.

    >>> [round(t_quantile(0.95, freedom), 3) for freedom in (1, 2, 4, 9)]
    [12.706, 4.303, 2.776, 2.262]
    """
    low, high = 0.0, 1e6
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if held_within(middle, freedom) < confidence else (low, middle)
    return low


def held_within(t, freedom):
    """Return how often Student's variable lies between −t and t."""
    angle = atan(t / sqrt(freedom))
    square, odd = cos(angle) ** 2, freedom % 2
    if freedom == 1:
        return 2 * angle / pi
    term = total = cos(angle) if odd else 1.0
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= square * (k - 1) / k
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
