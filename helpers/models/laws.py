"""Scaling laws as plain functions; their fit to what was measured is in `helpers.models.fits`.

Sources: Amdahl, "Validity of the single processor approach", AFIPS 1967. Gustafson,
"Reevaluating Amdahl's law", CACM 31(5), 1988. Karp & Flatt, "Measuring parallel processor
performance", CACM 33(5), 1990. Gunther, "A simple capacity model of massively parallel
transaction systems", CMG 1993, and *Guerrilla Capacity Planning*, Springer 2007 (the
Universal Scalability Law).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from helpers.arguments import as_number, check_number
from helpers.errors import InvalidArgumentError
from helpers.words import shown


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


def usl(n_workers, serial_fraction, coherency, scale=1.0):
    """Return the speedup, or throughput, by the Universal Scalability Law: ``γ·n / (1 + σ·(n−1) + κ·n·(n−1))``.

    `serial_fraction` is σ, what stays serial (above 1: more workers make it slower); `coherency` κ, at least 0, what
    each worker loses to every other one; `scale` γ, what one worker reaches, in the unit of the answer. With κ = 0 it
    is Amdahl's law. Assumes that both losses are the same at every count. Source: Gunther 1993, 2007.

    >>> usl(4, 0.0, 0.0), usl(8, 0.1, 0.0) == amdahl(8, 0.1)
    (4.0, True)
    >>> round(usl(36, 0.0277285, 0.0001044, 89.9952))
    1541
    """
    n_workers, serial_fraction = _check(n_workers, serial_fraction, most=1e6)
    coherency, scale = check_number("coherency", coherency, 0, 1e6), check_number("scale", scale, 0, 1e300)
    return scale * n_workers / (1 + serial_fraction * (n_workers - 1) + coherency * n_workers * (n_workers - 1))


class Overhead(NamedTuple):
    """Where the time goes: shares of the time that one worker takes for the same work."""

    ideal: float
    contention: float
    coherency: float


def overhead(n_workers, serial_fraction, coherency):
    """Return the time on `n_workers` as shares of that of one worker, as an Overhead: ideal, contention, coherency.

    They are ``1/n``, ``σ·(n−1)/n`` and ``κ·(n−1)/2``, with coefficients as of `usl`; `n_workers` may be an array. As in
    the R package usl, the last one counts what two workers exchange once. The law charges it to each of the two: by the
    law the time is longer by as much again. Source: Gunther, "A general theory of computational scalability based on
    rational functions", 2008, equation 26.

    >>> tuple(round(share, 4) for share in overhead(18, 0.0277285, 0.0001044))
    (0.0556, 0.0262, 0.0009)
    """
    n_workers, serial_fraction = _check(n_workers, serial_fraction, most=1e6)
    coherency = check_number("coherency", coherency, 0, 1e6)
    return Overhead(1 / n_workers, serial_fraction * (n_workers - 1) / n_workers, coherency * (n_workers - 1) / 2)


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


def _check(n_workers, serial_fraction, most=1):
    """Return both as numbers, workers also as an array of them; raise InvalidArgumentError out of range."""
    n_workers = _numbers("n_workers", n_workers)
    if np.any(n_workers < 1):
        raise InvalidArgumentError(f"n_workers must be 1 or more, got {shown(n_workers)}.")
    return n_workers, check_number("serial_fraction", serial_fraction, 0, most)


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
