"""What makes the figures of a run doubtful: worked out from counters and stamps, in a few words each."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.records import MORE_WORKERS

#: Seconds below which a run is too short to be timed, and below which the load of others cannot be told.
TOO_SHORT, TOO_SHORT_FOR_LOAD = 0.001, 0.1
#: CPUs that other programs must use before a run is marked, and CPUs that may be missing without a mark.
OTHERS_CPUS, SPARE_CPUS = 0.3, 0.2
#: The badge of every run of a function that works on its items in place.
CHANGES_ITEMS = "the function changes its items"


@dataclass(frozen=True)
class Load:
    """Counters of the machine at one moment; compare two.

    ``busy`` is the CPU seconds that the whole machine used, ``own`` those of this process, ``throttled``
    how often a CPU quota stopped it (None where nobody counts).
    """

    busy: float
    own: float
    throttled: int | None = None


def find_badges(wall, n_workers, usable_cpus, logical_cpus, before, after, workers_cpu=0.0):
    """Return the badges of one run as a list.

    Parameters
    ----------
    wall : float, seconds of the run
    n_workers, usable_cpus, logical_cpus : int
        None for CPUs that are not known.
    before, after : Load
    workers_cpu : float
        CPU seconds of workers that are processes of their own, which ``own`` does not hold.
    """
    badges = []
    if wall < TOO_SHORT:
        badges.append("under 1 ms: too short to time")
    if was_throttled(before, after):
        badges.append("slowed by the CPU quota")
    others = cpus_of_others(wall, before, after, workers_cpu)
    if logical_cpus and others > OTHERS_CPUS and others + n_workers > logical_cpus + SPARE_CPUS:
        badges.append("other programs were using the CPUs")
    if usable_cpus and n_workers > usable_cpus:
        badges.append(f"{MORE_WORKERS} the {usable_cpus} usable CPUs")
    return badges


def was_throttled(before, after):
    """Return whether a CPU quota stopped the process between two Loads; False where nobody counts."""
    return before.throttled is not None and after.throttled is not None and after.throttled > before.throttled


def cpus_of_others(wall, before, after, workers_cpu=0.0):
    """Return how many CPUs other programs used between two Loads, on average; 0 for runs too short to tell."""
    if wall < TOO_SHORT_FOR_LOAD:
        return 0.0
    ours = after.own - before.own + workers_cpu
    return (after.busy - before.busy - ours) / wall
