"""What a benchmark returns, and the few helpers that all of them share."""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Row:
    """One figure of this package or of a peer.

    ``target`` is None for a figure that only serves to compare; ``ratio`` is the figure divided
    by that of the row named ``against``, measured in the same run.
    """

    name: str
    figure: float | None
    unit: str
    target: str | None = None
    met: bool | None = None
    ratio: float | None = None
    against: str = ""
    note: str = ""


def at_most(name, figure, unit, limit, **more):
    """Return the Row of a figure that must not be above `limit`."""
    return Row(name, figure, unit, f"≤ {limit:,.10g}", figure <= limit, **more)


def at_least(name, figure, unit, limit, **more):
    """Return the Row of a figure that must not be below `limit`."""
    return Row(name, figure, unit, f"≥ {limit:,.10g}", figure >= limit, **more)


def not_here(name, unit, reason):
    """Return the Row of something that cannot be measured here."""
    return Row(name, None, unit, note=reason)


def missing(package):
    """Return why `package` cannot be compared with, or "" if it is installed."""
    return "" if find_spec(package) else f"not installed: python -m pip install {package}"


def load():
    """Return how many processes want a CPU, on average of the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def spread(values):
    """Return the range of the middle half of `values`, as a note on how steady they are."""
    if len(values) < 3:
        return f"repeats: {len(values)}, too few to say how steady"
    values = sorted(values)
    quarter = len(values) // 4
    low, high = values[quarter], values[-1 - quarter]
    return f"middle half within {100 * (high - low) / (median(values) or 1):.0f} % of the median, {len(values)} repeats"


def timed(call):
    """Return (seconds, result) of ``call()``, garbage collected before."""
    gc.collect()
    start = perf_counter()
    result = call()
    return perf_counter() - start, result


def interleave(calls: dict[str, Callable], repeats):
    """Return the seconds of each call, by name: all of them once a round, in turning order.

    So a slow moment of the machine falls on all alike, and nobody is always first. One round
    to warm up is not counted.
    """
    names, seconds = list(calls), {name: [] for name in calls}
    for number in range(repeats + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            took, _ = timed(calls[name])
            if number:
                seconds[name].append(took)
    return seconds


@contextmanager
def fork_allowed():
    """Silence the warning that fork is unsafe beside threads: pools that are compared have threads."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
        yield
