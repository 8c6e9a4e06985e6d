"""What makes the figures of a run doubtful: worked out from counters and stamps, in a few words each.

::

    with Watch(n_workers) as watch:          around each timed part, in the process that starts the workers
        …
    watch.badges                             ('other programs were using the CPUs',)
    badges_of_rounds(walls)                  ('rounds differ by more than 10 %',)      helpers.records
    show_doubts(ax, badges)                  told under the picture                    helpers.plots
    say_doubts(badges)                       told in a sentence                        helpers.words
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from helpers import machine
from helpers.records import LOOP_BLOCKED, LOOP_COMPUTED, MORE_WORKERS
from helpers.words import plural

#: Seconds below which a run is too short to be timed, and below which the load of others cannot be told.
TOO_SHORT, TOO_SHORT_FOR_LOAD = 0.001, 0.1
#: The badge of a run, or of a round, that is too short.
SHORT = "under 1 ms: too short to time"
#: CPUs that other programs must use before a run is marked, and CPUs that may be missing without a mark.
OTHERS_CPUS, SPARE_CPUS = 0.3, 0.2
#: The badge of a run that a quota has stopped.
THROTTLED = "slowed by the CPU quota"
#: The badge of a run that had to share the CPUs with other programs.
BUSY = "other programs were using the CPUs"
#: The badge of every run of a function that works on its items in place.
CHANGES_ITEMS = "the function changes its items"
#: The badge of a run whose function started tasks and did not await them: their time is in no figure.
LEFT_TASKS = "tasks that the function had started and not awaited were ended"
#: Share of a run from which on something took most of it, and CPUs of other threads that are next to none.
MOST, HARDLY = 0.5, 0.1


@dataclass(frozen=True)
class Load:
    """Counters of the machine at one moment; compare two.

    ``busy`` is the CPU seconds that the whole machine used, ``own`` those of this process, ``throttled``
    how often a CPU quota stopped it (None where nobody counts).
    """

    busy: float
    own: float
    throttled: int | None = None


def find_badges(wall, n_workers, usable_cpus, logical_cpus, before, after, workers_cpu=0.0, span=None):
    """Return the badges of one run as a list.

    Parameters
    ----------
    wall : float, seconds of one pass of the run. Under a millisecond it is too short however many passes there were:
        what handing the work over costs, and that changes, is then as long as the work.
    n_workers, usable_cpus, logical_cpus : int
        None for CPUs that are not known.
    before, after : Load
    workers_cpu : float
        CPU seconds of workers that are processes of their own, which ``own`` does not hold.
    span : float
        Seconds between the two Loads, where there was more than one pass; by default `wall`.
    """
    badges = []
    if wall < TOO_SHORT:
        badges.append(SHORT)
    if was_throttled(before, after):
        badges.append(THROTTLED)
    others = cpus_of_others(wall if span is None else span, before, after, workers_cpu)
    if logical_cpus and others > OTHERS_CPUS and others + n_workers > logical_cpus + SPARE_CPUS:
        badges.append(BUSY)
    if usable_cpus and n_workers > usable_cpus:
        badges.append(f"{MORE_WORKERS} the {plural(usable_cpus, 'usable CPU')}")
    return badges


def count_computing(n_workers, loop=None):
    """Return how many CPUs a run can use at a time: `n_workers`, but 1 for the tasks of an event loop.

    They take turns in its thread; unless other threads computed for them (`asyncio.to_thread`). `loop` is the LoopUse
    of a run, None where it had no event loop.
    """
    return n_workers if loop is None or computed_elsewhere(loop) else 1


def computed_elsewhere(loop):
    """Return whether threads other than the event loop's computed in a run."""
    return loop.process_cpu - loop.cpu > HARDLY * loop.span


def find_loop_badges(n_workers, loop, badges):
    """Return the badges of a run by its LoopUse, None for none, as a list. `badges` are those it has already.

    That the loop was held is told where tasks could have gone on, and where it is certain: that it computed, by the CPU
    seconds of its thread; that it was blocked, if it neither waited nor computed, and nobody else wanted the CPUs or
    Python's lock.
    """
    found = []
    if loop is None:
        return found
    if n_workers > 1 and loop.span >= TOO_SHORT_FOR_LOAD:
        disturbed = {BUSY, THROTTLED}.intersection(badges) or computed_elsewhere(loop)
        if loop.cpu > MOST * loop.span:
            found.append(LOOP_COMPUTED)
        elif not disturbed and loop.held - loop.cpu > MOST * loop.span:
            found.append(LOOP_BLOCKED)
    if loop.left:
        found.append(LEFT_TASKS)
    return found


def was_throttled(before, after):
    """Return whether a CPU quota stopped the process between two Loads; False where nobody counts."""
    return before.throttled is not None and after.throttled is not None and after.throttled > before.throttled


def cpus_of_others(wall, before, after, workers_cpu=0.0):
    """Return how many CPUs other programs used between two Loads, on average; 0 for runs too short to tell."""
    if wall < TOO_SHORT_FOR_LOAD:
        return 0.0
    ours = after.own - before.own + workers_cpu
    return (after.busy - before.busy - ours) / wall


class Watch:
    """What may have disturbed the measuring of something: enter it around each timed part, then read `badges`.

    It may be entered again for each round: what it counts adds up, and none but the timed parts do. CPU seconds
    of this process and of all that descends from it are ours, those of everybody else are load from others. So
    nothing is drawn inside: a yield to who draws stands in a ``with watch.paused():``. The workers live through
    each part.

    Parameters
    ----------
    n_workers : int
        Processes or threads that may compute at the same time.
    computes : bool
        False where they wait or sleep: more of them than CPUs is no doubt then.
    """

    def __init__(self, n_workers=1, *, computes=True):
        report = machine.machine_report().to_dict()
        self._workers = n_workers if computes else 1
        self._cpus = report["usable_cpus"], report["logical_cpus"]
        self._parts, self._left_out = [], NOTHING

    def __enter__(self):
        self._before, self._left_out = read_moment(going_on=True), NOTHING
        return self

    def __exit__(self, kind, error, trace):
        part = passed(self._before, read_moment(), self._left_out)
        if kind is None:
            self._parts.append(part)

    @contextmanager
    def paused(self):
        """Leave out of the part what happens in this context, such as a yield to who draws."""
        began = read_moment()
        yield
        off = passed(began, read_moment(going_on=True))
        self._left_out = Part(*(so_far + more for so_far, more in zip(self._left_out, off, strict=True)))

    @property
    def walls(self):
        """Seconds of each part, as a list."""
        return [part.wall for part in self._parts]

    @property
    def badges_so_far(self):
        """The badges of all parts, the one that goes on counted up to now: for what may be stopped within it."""
        now = read_moment()
        return badges_of_parts([*self._parts, passed(self._before, now, self._left_out)], self._workers, *self._cpus)

    @property
    def badges(self):
        """The badges of all parts together, as a tuple; none before the first."""
        return badges_of_parts(self._parts, self._workers, *self._cpus)


class Part(NamedTuple):
    """Seconds of a timed part, CPU seconds of the machine and of our processes in it, and how often a quota stopped us.

    Also the counters that these are the differences of.
    """

    wall: float
    busy: float
    own: float
    throttled: int


NOTHING = Part(0.0, 0.0, 0.0, 0)


def passed(before, after, left_out=NOTHING):
    """Return the Part between two moments, without what is left out."""
    return Part(*(b - a - off for a, b, off in zip(before, after, left_out, strict=True)))


def badges_of_parts(parts, n_workers, usable_cpus, logical_cpus):
    """Return the badges of something that was timed in several Parts, as a tuple.

    Load from others is that of all parts together: a single one may be too short to tell.
    """
    if not parts:
        return ()
    wall, busy, own, throttled = (sum(column) for column in zip(*parts, strict=True))
    counters = Load(0.0, 0.0, 0), Load(busy, own, throttled)
    found = find_badges(wall, n_workers, usable_cpus, logical_cpus, *counters)
    short = [SHORT] if min(part.wall for part in parts) < TOO_SHORT and SHORT not in found else []
    return (*short, *found)


def read_moment(going_on=False):
    """Return the clock and the counters of this moment as a Part, all processes that descend from this one as own.

    The clock is read last where timing goes on from here, else first: reading the counters is not timed.
    """
    clock = 0.0 if going_on else perf_counter()
    counters = machine.read_busy_seconds(), machine.read_own_seconds(), machine.read_throttling() or 0
    return Part(perf_counter() if going_on else clock, *counters)
