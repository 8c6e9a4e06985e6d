"""What a lock costs, and what its absence costs: sections under a lock.

::

    measure_locks()  ── visits in rounds ──►  play_locks() in the runner: a crew that is up once,
          ▲                                   all kinds of run in random order
          └───────── LockRun, a nod ◄────────┘

The plain serial loop runs in every round; the first round is a warm-up and left out.
"""

from __future__ import annotations

import multiprocessing
import random
from array import array
from contextlib import nullcontext
from dataclasses import dataclass, replace
from time import perf_counter

from helpers import machine, runner
from helpers.arguments import (
    check_callback,
    check_choice,
    check_count,
    check_flag,
    check_number,
    check_watch,
)
from helpers.course.counting.together import run_gated
from helpers.course.lock.tasks import WORK, serve
from helpers.crew import Crew
from helpers.engines.registry import check_start_method
from helpers.errors import HelpersError
from helpers.measure import Watch
from helpers.measure.handing import check_counts
from helpers.records import badges_of_rounds, doubts_of, estimate_ratio, unite_badges
from helpers.tasks.cpu import count_loops_per_ms
from helpers.tasks.crew import HEAD_START

#: By kind of work: steps of one run, shared out among the workers, and seconds of one step on average. Sleeping is
#: less exact than computing, so its steps are longer.
STEPS = {"compute": (192, 0.001), "wait": (40, 0.004)}
#: Free parts differ, as in life, from nearly nothing to nearly twice the average: equal ones would fall into step.
VARIATION = 0.9
#: Seconds a job, or the start of a worker, may take before everything is ended.
DEADLINE = 30.0


#: Times the ceiling from which on a speedup cannot be.
IMPOSSIBLE = 1.15


@dataclass(frozen=True)
class Lane:
    """One worker in a run: when it began and ended, and for each section when the lock was asked for, got, released.

    Seconds since the run began, in arrays.
    """

    began: float
    ended: float
    asked: array
    got: array
    released: array

    @property
    def waiting(self):
        """Seconds between asking for the lock and getting it."""
        return sum(self.got) - sum(self.asked)

    @property
    def holding(self):
        """Seconds between getting the lock and giving it back."""
        return sum(self.released) - sum(self.got)

    @property
    def free(self):
        """Seconds outside the lock."""
        return max(0.0, self.ended - self.began - self.waiting - self.holding)


@dataclass(frozen=True)
class LockRun:
    """One run of all steps. ``kind`` is "serial", "locked" or "unlocked"; round 0 is the warm-up.

    ``badges`` tell what may have disturbed this run and those of its kind and number of workers before it.
    """

    kind: str
    n_workers: int
    round: int
    wall: float
    expected: int
    counted: int
    lanes: tuple[Lane, ...] = ()
    badges: tuple[str, ...] = ()

    @property
    def lost(self):
        """Updates that another worker wrote over."""
        return self.expected - self.counted

    def shares(self):
        """Return the shares of all workers' time: ``{"free": …, "waiting": …, "holding": …}``, adding up to 1."""
        parts = {name: sum(getattr(lane, name) for lane in self.lanes) for name in ("free", "waiting", "holding")}
        total = sum(parts.values())
        return {name: part / total if total > 0 else 0.0 for name, part in parts.items()}


@dataclass(frozen=True)
class LockSweep:
    """All runs of one setting over worker counts: ``share`` of a step inside the lock, ``locked`` or not.

    ``complete`` is False while it grows and if it was stopped.
    """

    runs: tuple[LockRun, ...]
    share: float
    locked: bool
    work: str
    usable_cpus: int
    complete: bool = True

    def counts(self):
        """Return the worker counts that have a counted round."""
        return sorted({run.n_workers for run in self.runs if run.round and run.kind != "serial"})

    def walls(self, n_workers=None):
        """Return {round: wall} of the counted rounds; `n_workers` None is the plain serial loop."""
        serial = n_workers is None
        return {
            r.round: r.wall
            for r in self.runs
            if r.round and (r.kind == "serial") is serial and (serial or r.n_workers == n_workers)
        }

    def speedup(self, n_workers):
        """Return the Estimate of the speedup over the plain serial loop; None before a round has both."""
        serial, parallel = self.walls(), self.walls(n_workers)
        both = sorted(serial.keys() & parallel.keys())
        return estimate_ratio([serial[r] for r in both], [parallel[r] for r in both]) if both else None

    def last_run(self, n_workers=None):
        """Return the newest run with `n_workers`, or with the most workers; None before there is one."""
        found = [run for run in self.runs if run.kind != "serial" and n_workers in (None, run.n_workers)]
        return max(found, key=lambda run: (run.n_workers, run.round), default=None)

    def badges(self, n_workers):
        """Return the badges of the speedup with `n_workers`, those of the plain loop too."""
        found = self._badges(n_workers)
        found += tuple(f"plain loop: {badge}" for badge in self._badges(None) if badge not in found)
        estimate = self.speedup(n_workers)
        if estimate is not None and estimate.median > IMPOSSIBLE * self.ceiling(n_workers):
            found += ("faster than can be: mistrust it",)
        return found

    def _badges(self, n_workers):
        serial = n_workers is None
        runs = [r for r in self.runs if r.round and (r.kind == "serial") is serial]
        noted = [run.badges for run in runs if serial or run.n_workers == n_workers]
        return unite_badges(*noted[-1:], badges_of_rounds(self.walls(n_workers).values()))

    def doubts(self, *n_workers):
        """Return the badges that speak of noise: of these numbers of workers, or of all that were measured."""
        return doubts_of(unite_badges(*(self.badges(n) for n in n_workers or self.counts())))

    def ceiling(self, n_workers):
        """Return the speedup that nobody can beat in this setting."""
        share = self.share if self.locked else 0
        return ceiling(n_workers, share, self.usable_cpus if self.work == "compute" else None)

    def lost(self, n_workers):
        """Return the updates lost in each counted round."""
        return [run.lost for run in self.runs if run.round and run.kind != "serial" and run.n_workers == n_workers]


@dataclass(frozen=True)
class LockProgress:
    """How far a measurement is; the next run waits for whoever reads it."""

    done: int
    total: int
    run: LockRun | None
    sweep: LockSweep


def measure_locks(*, on_progress=None, **settings):
    """Return the LockSweep of a setting: how fast `n_workers` get through steps that share a lock.

    Every step has a free part and an update of a shared counter inside the lock, `share` of the
    step long. Assumes that nobody else uses the CPUs. Parameters and errors as of `lock_steps`.
    """
    check_callback("on_progress", on_progress)
    sweep = None
    for progress in lock_steps(**settings):
        sweep = progress.sweep
        if on_progress is not None:
            on_progress(progress)
    return sweep


def lock_steps(
    *,
    n_workers=(1, 2, 4),
    share=0.25,
    locked=True,
    work="compute",
    n_steps=None,
    repeats=3,
    start_method=None,
    timeout=DEADLINE,
    should_stop=None,
    on_start=None,
):
    """Yield a LockProgress before the first run and after each; ends early, without an error, when stopped.

    Parameters
    ----------
    n_workers : int or several
    share : float, 0 to 1; the part of a step inside the lock
    locked : bool; False leaves the lock away, and updates get lost
    work : "compute", a fixed amount of CPU work, or "wait", sleeping: more workers than CPUs help there
    n_steps : int, 1 to 100,000; all workers together. Default: what takes about a fifth of a second in the plain loop.
    repeats : int; rounds after the warm-up. Intervals need 3.
    timeout : float, seconds of silence before everything is ended; None takes the default
    should_stop, on_start : as in `helpers.measure.sweep`

    Raises InvalidArgumentError before anything starts; TimeoutError, WorkerDiedError in a run.
    """
    counts = check_counts(n_workers, ("processes",))
    repeats = check_count("repeats", repeats, 1, 1000)
    share = check_number("share", share, 0, 1)
    work, locked = check_choice("kind of work", work, WORK), check_flag("locked", locked)
    n_steps = check_count("n_steps", STEPS[work][0] if n_steps is None else n_steps, 1, 100_000)
    method, watch = check_start_method(start_method), check_watch(timeout, should_stop, on_start, DEADLINE)
    kind = "locked" if locked else "unlocked"
    visits = _plan([("serial", 1), *((kind, n) for n in counts)], repeats)
    runs, cpus = [], machine.usable_cpus()

    def progress(run):
        sweep = LockSweep(tuple(runs), share, locked, work, cpus, len(runs) == len(visits))
        return LockProgress(len(runs), len(visits), run, sweep)

    yield progress(None)
    play = (play_locks, visits, share, work, n_steps, method, watch["timeout"])
    for run in runner.play(*play, key=("locks",), **watch):
        runs.append(run)
        yield progress(run)


def run_together(context, target, *args, n_workers=2, timeout=30.0):
    """Return the seconds that `n_workers` processes of ``target(*args)`` took, which begin all at once.

    `context` is from ``multiprocessing.get_context``, or `multiprocessing` itself, which None stands for too;
    everything else as in `helpers.course.counting.run_gated`.
    """
    method = None if context is None else context.get_start_method()
    return run_gated(target, *args, n_workers=n_workers, timeout=timeout, start_method=method)


def ceiling(n_workers, share, usable_cpus=None):
    """Return the speedup that nobody can beat: only one is inside at a time, and there are `n_workers`.

    Where steps compute, there are no more at work than `usable_cpus`.

    >>> ceiling(2, 0.25), ceiling(8, 0.25), ceiling(8, 0.25, usable_cpus=2)
    (2.0, 4.0, 2.0)
    """
    bounds = [n_workers, *([1 / share] if share else []), *([usable_cpus] if usable_cpus else [])]
    return float(min(bounds))


def _plan(pairs, repeats):
    """Return [(round, *pair)]: all pairs in every round, in random order; round 0 is the warm-up."""
    return [(number, *pair) for number in range(repeats + 1) for pair in random.sample(pairs, len(pairs))]


# ── in the runner ───────────────────────────────────────────────────────────────────────────


def play_locks(visits, share, work, n_steps, start_method, timeout):
    """Yield a LockRun for each visit. Runs in the runner."""
    length = STEPS[work][1] * (1000 * count_loops_per_ms() if work == "compute" else 1.0)
    inside, frees = length * share, [length * (1 - share) * factor for factor in vary(n_steps)]
    jobs = {"serial": "plain", "locked": "sections", "unlocked": "unprotected"}
    context = multiprocessing.get_context(start_method)
    counter, lock = context.RawValue("q", 0), context.Lock()
    members = [(counter, lock)] * max(n for _, _, n in visits)
    watches = {(kind, n): Watch(n, computes=work == "compute") for _, kind, n in visits}
    with Crew(serve, members, start_method, patience=timeout, preload=[serve.__module__]) as crew:
        crew.receive_all()
        for number, kind, n in visits:
            counter.value = 0
            parts, watch = share_out(frees, n), watches[kind, n]
            with watch if number else nullcontext():
                start = perf_counter() + HEAD_START
                replies = crew.ask_all([(jobs[kind], start, (part, inside, work)) for part in parts])
            yield replace(read_run(kind, number, replies, n_steps, counter.value), badges=watch.badges)


def read_run(kind, number, replies, n_steps, counted):
    """Return the LockRun that the replies (began, ended, notes, problem) of its workers tell.

    It lasts from the first worker's beginning to the last one's end; times count from that beginning.
    """
    for *_, problem in replies:
        if problem is not None:
            raise HelpersError(f"A worker failed:\n{problem}")
    origin = min(began for began, *_ in replies)
    lanes = tuple(
        Lane(began - origin, ended - origin, *(_times(part, origin) for part in notes))
        for began, ended, notes, _ in replies
    )
    wall = max(lane.ended for lane in lanes)
    return LockRun(kind, len(replies), number, wall, n_steps, counted, () if kind == "serial" else lanes)


def vary(n_steps):
    """Return a factor for each step, around 1 and the same every time: steps differ, their sum does not."""
    draw = random.Random(n_steps)
    factors = [1 + VARIATION * (2 * draw.random() - 1) for _ in range(n_steps)]
    return [factor * n_steps / sum(factors) for factor in factors]


def share_out(frees, n_workers):
    """Return the steps of each worker; all free parts of a worker are scaled a little, so that nobody has more to do.

    >>> share_out([1.0, 3.0, 1.0, 3.0], 2)
    [[2.0, 2.0], [2.0, 2.0]]
    """
    average, parts = sum(frees) / len(frees), [frees[k::n_workers] for k in range(n_workers)]
    return [[free * average * len(part) / (sum(part) or 1) for free in part] for part in parts]


def _times(packed, origin):
    times = array("d")
    times.frombytes(packed)
    return array("d", [t - origin for t in times])
