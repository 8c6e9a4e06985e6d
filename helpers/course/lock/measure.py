"""What a lock costs and what its absence costs: sections under a lock, and ways of counting.

::

    measure_locks()     ── visits in rounds ──►  play_locks()     in the runner:
    measure_counting()       ▲                   a team of processes that is up once, jobs in random order
                             └── LockRun, a nod ◄┘

The plain serial loop runs in every round; the first round is a warm-up and left out.
"""

from __future__ import annotations

import random
from array import array
from dataclasses import dataclass
from statistics import median

from helpers import machine, runner
from helpers.arguments import check_count
from helpers.course.lock.tasks import WORK, seconds_per_loop
from helpers.course.lock.team import LockTeam, run_together
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError
from helpers.measure.handing import check_counts, check_settings
from helpers.records import MIN_ROUNDS, Estimate, estimate_ratio

__all__ = [
    "CountingRun",
    "CountingSweep",
    "Lane",
    "LockProgress",
    "LockRun",
    "LockSweep",
    "lock_steps",
    "measure_counting",
    "measure_locks",
    "run_together",
]

#: By kind of work: steps of one run, shared out among the workers, and seconds of one step on average. Sleeping is
#: less exact than computing, so its steps are longer.
STEPS = {"compute": (192, 0.001), "wait": (48, 0.004)}
#: Free parts differ, as in life, from nearly nothing to nearly twice the average: equal ones would fall into step.
VARIATION = 0.9
#: Ways of counting that `measure_counting` compares.
WAYS = ("no lock", "lock per update", "lock per batch", "merge at the end")
#: Seconds a job, or the start of a worker, may take before everything is ended.
DEADLINE = 30.0


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
    """One run of all steps. ``kind`` is "serial", "locked" or "unlocked"; round 0 is the warm-up."""

    kind: str
    n_workers: int
    round: int
    wall: float
    expected: int
    counted: int
    lanes: tuple[Lane, ...] = ()

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

    def lost(self, n_workers):
        """Return the updates lost in each counted round."""
        return [run.lost for run in self.runs if run.round and run.kind != "serial" and run.n_workers == n_workers]


@dataclass(frozen=True)
class CountingRun:
    """One way of counting, once: seconds, updates expected and counted; round 0 is the warm-up."""

    way: str
    round: int
    wall: float
    expected: int
    counted: int


@dataclass(frozen=True)
class CountingSweep:
    """All ways of counting with ``n_workers`` workers."""

    runs: tuple[CountingRun, ...]
    n_workers: int

    def ways(self):
        """Return the ways that have a counted round, in the usual order."""
        return [way for way in WAYS if self.of(way)]

    def of(self, way):
        """Return the counted runs of one way."""
        return [run for run in self.runs if run.way == way and run.round]

    def seconds_per_update(self, way):
        """Return the Estimate of wall time over updates."""
        values = [run.wall / run.expected for run in self.of(way)]
        return estimate_ratio(values) if len(values) >= MIN_ROUNDS else Estimate(median(values), n_rounds=len(values))

    def lost(self, way):
        """Return the share of updates lost, over all counted rounds."""
        runs = self.of(way)
        return 1 - sum(run.counted for run in runs) / sum(run.expected for run in runs)


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
    timeout : float, seconds of silence before everything is ended

    Raises InvalidArgumentError before anything starts; TimeoutError, WorkerDiedError in a run.
    """
    counts = check_counts(n_workers, ("processes",))
    repeats = check_count("repeats", repeats, 1, 1000)
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise InvalidArgumentError(f"share must be a number from 0 to 1, not {share!r}.")
    if work not in WORK:
        raise InvalidArgumentError(f"work must be one of {', '.join(WORK)}, not {work!r}.")
    n_steps = check_count("n_steps", STEPS[work][0] if n_steps is None else n_steps, 1, 100_000)
    check_settings(None, None, timeout)
    method = check_start_method(start_method)
    kind = "locked" if locked else "unlocked"
    visits = _plan([("serial", 1), *((kind, n) for n in counts)], repeats)
    runs, cpus = [], machine.usable_cpus()

    def progress(run):
        sweep = LockSweep(tuple(runs), float(share), bool(locked), work, cpus, len(runs) == len(visits))
        return LockProgress(len(runs), len(visits), run, sweep)

    yield progress(None)
    for run in _play(play_locks, visits, float(share), work, n_steps, method, timeout, should_stop, on_start):
        runs.append(run)
        yield progress(run)


def measure_counting(
    *,
    n_workers=2,
    n_increments=50_000,
    ways=WAYS,
    repeats=3,
    start_method=None,
    timeout=DEADLINE,
    should_stop=None,
    on_start=None,
):
    """Return the CountingSweep: `n_workers` add to one counter at the same time, by each of `ways`.

    `n_increments` is of each worker. Losses depend on the machine; with one CPU there may be none.
    """
    check_counts(n_workers, ("processes",))
    n_increments, repeats = (
        check_count("n_increments", n_increments, 1, 10_000_000),
        check_count("repeats", repeats, 1, 1000),
    )
    unknown = [way for way in ways if way not in WAYS]
    if unknown:
        raise InvalidArgumentError(f"There is no way {unknown[0]!r}. There are: {', '.join(WAYS)}.")
    check_settings(None, None, timeout)
    visits = _plan([(way, n_workers) for way in ways], repeats)
    method = check_start_method(start_method)
    return CountingSweep(
        tuple(_play(play_counting, visits, n_increments, method, timeout, should_stop, on_start)), n_workers
    )


def _plan(pairs, repeats):
    """Return [(round, *pair)]: all pairs in every round, in random order; round 0 is the warm-up."""
    return [(number, *pair) for number in range(repeats + 1) for pair in random.sample(pairs, len(pairs))]


def _play(make_records, *arguments):
    """Yield what is played in the runner; a stop ends it without an error. The last three: timeout, should_stop,
    on_start."""
    *arguments, timeout, should_stop, on_start = arguments
    records = runner.play(
        make_records, *arguments, timeout, key=("locks",), timeout=timeout, should_stop=should_stop, on_start=on_start
    )
    try:
        yield from records
    finally:
        records.close()


# ── in the runner ───────────────────────────────────────────────────────────────────────────


def play_locks(visits, share, work, n_steps, start_method, timeout):
    """Yield a LockRun for each visit. Runs in the runner."""
    length = STEPS[work][1] / (seconds_per_loop() if work == "compute" else 1.0)
    inside, frees = length * share, [length * (1 - share) * factor for factor in vary(n_steps)]
    jobs = {"serial": "plain", "locked": "sections", "unlocked": "unprotected"}
    with LockTeam(max(n for _, _, n in visits), start_method, timeout) as team:
        for number, kind, n in visits:
            replies = team.run(jobs[kind], [(part, inside, work) for part in share_out(frees, n)])
            origin = min(began for began, _, _ in replies)
            lanes = tuple(
                Lane(began - origin, ended - origin, *(_times(part, origin) for part in notes))
                for began, ended, notes in replies
            )
            yield LockRun(
                kind,
                n,
                number,
                max(lane.ended for lane in lanes),
                n_steps,
                team.counter.value,
                () if kind == "serial" else lanes,
            )


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


def play_counting(visits, n_increments, start_method, timeout):
    """Yield a CountingRun for each visit. Runs in the runner."""
    with LockTeam(max(n for _, _, n in visits), start_method, timeout) as team:
        for number, way, n in visits:
            replies = team.run(way, [(n_increments,)] * n)
            wall = max(ended for _, ended, _ in replies) - min(began for began, _, _ in replies)
            yield CountingRun(way, number, wall, n * n_increments, team.counter.value)


def _times(packed, origin):
    times = array("d")
    times.frombytes(packed)
    return array("d", [t - origin for t in times])
