"""Counting together, measured: what arrives of the updates that several processes make, and what one costs.

::

    measure_counting() ── rounds ──► play_counting() in the runner: a crew that is up once; every way has one
         ▲                              slice a round, the ways in random order, all workers at the same time
         └── Counting, growing ◄───────┘

The first round is a warm-up and counts nowhere.
"""

from __future__ import annotations

import random
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from multiprocessing.managers import SyncManager
from time import perf_counter

from helpers import runner
from helpers.arguments import check_callback, check_choices, check_count, check_flag, check_watch
from helpers.course.counting.tasks import BATCH, count_slices
from helpers.crew import Crew
from helpers.engines import max_workers
from helpers.engines.registry import check_start_method
from helpers.errors import HelpersError
from helpers.measure import Watch
from helpers.measure.badges import SHORT, TOO_SHORT
from helpers.records import Estimate, badges_of_rounds, doubts_of, estimate_ratio, unite_badges
from helpers.tasks.crew import HEAD_START
from helpers.tasks.worker import end_with_parent
from helpers.words import listing, percent, plural, rate

#: Ways of counting, in the order in which they are shown.
WAYS = ("no lock", "lock per update", "lock per batch", "merge at the end", "manager")
#: The ways that need no Manager: what is measured by default.
SHARED_WAYS = WAYS[:-1]
#: Updates a worker may be asked for, workers that share one counter, updates a batch.
MAX_UPDATES, MAX_COUNTING, MAX_BATCH = 10_000_000, 64, 100_000
#: Seconds all slices of a way may take together, and seconds of the warm-up's.
WAY_SECONDS, WARM_UP_SECONDS = 1.5, 0.1
#: Seconds without any answer after which counting is given up.
DEADLINE = 30.0


@dataclass(frozen=True)
class Slice:
    """One way of counting in one round, by all workers at once; round 0 is the warm-up.

    ``seconds`` are from the first worker's beginning to the last one's end; ``asked`` and ``made`` are the
    updates of all workers, ``counted`` what the counter said afterwards.
    """

    round: int
    seconds: float
    asked: int
    made: int
    counted: int


@dataclass(frozen=True)
class Count:
    """What one way of counting came to, over its slices after the warm-up.

    ``ended`` tells whether this way is through, ``noted`` what may have disturbed its slices: badges.
    """

    way: str
    slices: tuple[Slice, ...] = ()
    ended: bool = False
    noted: tuple[str, ...] = ()

    @property
    def badges(self):
        """What makes the speed doubtful, and whether workers share CPUs; how much was lost is counted, not timed."""
        parts = [part for part in self.slices if part.made]
        short = (SHORT,) if parts and min(part.seconds for part in parts) < TOO_SHORT else ()
        return unite_badges(short, self.noted, badges_of_rounds([part.seconds / part.made for part in parts]))

    @property
    def doubts(self):
        """The badges that speak of noise."""
        return doubts_of(self.badges)

    @property
    def out_of_time(self):
        """Whether a slice was ended before all its updates were made."""
        return any(part.made < part.asked for part in self.slices)

    @property
    def made(self):
        """Updates made by all workers."""
        return sum(part.made for part in self.slices)

    @property
    def counted(self):
        """Updates that the counter says."""
        return sum(part.counted for part in self.slices)

    @property
    def seconds(self):
        """Seconds in which all workers counted."""
        return sum(part.seconds for part in self.slices)

    @property
    def lost(self):
        """The updates that did not arrive."""
        return self.made - self.counted

    @property
    def lost_share(self):
        """The share of updates that did not arrive, from 0 to 1."""
        return self.lost / self.made if self.made else 0.0

    @property
    def seconds_per_update(self):
        """The Estimate of seconds over updates, of all workers together; None before there are any."""
        parts = [part for part in self.slices if part.made]
        return estimate_ratio([part.seconds / part.made for part in parts]) if parts else None

    @property
    def rate(self):
        """The Estimate of updates a second, of all workers together; None before there are any."""
        cost = self.seconds_per_update
        if cost is None:
            return None
        bounds = (None, None) if cost.low is None else (1 / cost.high, 1 / cost.low)
        return Estimate(1 / cost.median, *bounds, cost.n_rounds)


@dataclass(frozen=True)
class Counting:
    """One comparison: the counts of several ways, all with the same number of updates a worker.

    ``raw`` tells that they counted in a RawValue beside a Lock, not in a Value with its own.
    """

    n_workers: int
    n_updates: int
    batch: int
    start_method: str
    counts: tuple[Count, ...] = ()
    raw: bool = False

    @property
    def expected(self):
        """Updates that all workers together are asked for."""
        return self.n_workers * self.n_updates

    @property
    def complete(self):
        """Whether every way is through."""
        return all(count.ended for count in self.counts)

    @property
    def doubts(self):
        """What makes the speed of any way doubtful, each once."""
        return unite_badges(*(count.doubts for count in self.counts))

    def ways(self):
        """Return the ways that have made updates, in the usual order."""
        return [count.way for count in self.counts if count.made]

    def __getitem__(self, way):
        """Return the Count of `way`."""
        found = next((count for count in self.counts if count.way == way), None)
        if found is None:
            raise KeyError(f"{way!r} was not measured; there are: {', '.join(count.way for count in self.counts)}")
        return found

    def __repr__(self):
        lines = [f"{plural(self.n_workers, 'worker')}, {plural(self.n_updates, 'update')} each, {self.start_method}"]
        for count in self.counts:
            arrived = f"{count.way:<17}{count.counted:>12,} of {count.made:>12,}"
            speed = rate(count.rate.median) if count.rate is not None else "0"
            lines.append(f"{arrived}  {percent(count.lost_share, 1):>7} lost  {speed:>12} a second")
        return "\n".join(lines)


def name_doubts(counts):
    """Return what makes the speeds of several Counts doubtful, each doubt once, with the ways that it is about.

    Where it is about all of them it names none. As a tuple of phrases, for `show_doubts` and `say_doubts`: "rounds
    differ by more than 10 % (lock per batch and manager)".
    """
    counts = [count for count in counts if count.made]
    phrases = []
    for doubt in unite_badges(*(count.doubts for count in counts)):
        ways = [count.way for count in counts if doubt in count.doubts]
        phrases.append(doubt if len(ways) == len(counts) else f"{doubt} ({_say_ways(ways, counts)})")
    return tuple(phrases)


def _say_ways(ways, counts):
    """Return the names of some of the ways of `counts`, or of the only one that is missing, where that is shorter."""
    others = [count.way for count in counts if count.way not in ways]
    return f"all but {others[0]}" if len(others) == 1 < len(ways) - 1 else listing(ways)


# ── to be used ────────────────────────────────────────────────────────────────────────────────


def measure_counting(ways=SHARED_WAYS, *, on_progress=None, **settings):
    """Return the Counting of processes that add to one counter at the same time, in each of `ways`.

    How many updates are lost without a lock is chance, and may be none: on one CPU processes seldom come
    between each other. Stopped, it is what was counted so far, with ``complete`` False. `on_progress` is
    called with each Counting; the other parameters and errors are those of `counting_steps`.
    """
    check_callback("on_progress", on_progress)
    counting = None
    for counting in counting_steps(ways, **settings):
        if on_progress is not None:
            on_progress(counting)
    return counting


def counting_steps(
    ways=SHARED_WAYS,
    *,
    n_workers=2,
    n_updates=100_000,
    batch=BATCH,
    raw=False,
    repeats=5,
    start_method=None,
    timeout=DEADLINE,
    should_stop=None,
    on_start=None,
):
    """Yield the Counting before the first slice and as it grows, played in the runner; the last one is complete.

    Parameters
    ----------
    ways : str or iterable of str, of `WAYS`
    n_workers : int, 1 to 64 processes
    n_updates : int, 1 to 10,000,000: of each worker in each way, dealt out over the rounds
    batch : int, 1 to 100,000: updates for which "lock per batch" holds the lock
    raw : bool; count in a RawValue beside a Lock, which costs less than a Value with its own
    repeats : int, 1 to 100; rounds after the warm-up. Intervals need 3.
    timeout : float, longest silence in seconds; None takes the default
    should_stop, on_start : as in `helpers.measure.sweep`

    A way that would take more than `WAY_SECONDS` is ended before all updates are made; the count says so.

    Raises
    ------
    InvalidArgumentError before anything starts; WorkerDiedError, TimeoutError.
    """
    plan = plan_counting(ways, n_workers, n_updates, batch, start_method, raw)
    repeats = check_count("repeats", repeats, 1, 100)
    watch = check_watch(timeout, should_stop, on_start, DEADLINE)
    yield plan
    yield from runner.play(play_counting, plan, repeats, key=("counting", plan.start_method), **watch)


def plan_counting(ways, n_workers, n_updates, batch, start_method=None, raw=False):
    """Return the Counting of these settings before anything was counted; raise InvalidArgumentError out of range."""
    return Counting(
        check_count("n_workers", n_workers, 1, min(MAX_COUNTING, max_workers())),
        check_count("n_updates", n_updates, 1, MAX_UPDATES),
        check_count("batch", batch, 1, MAX_BATCH),
        check_start_method(start_method),
        tuple(Count(way) for way in check_choices("way of counting", ways, WAYS)),
        check_flag("raw", raw),
    )


# ── in the runner ─────────────────────────────────────────────────────────────────────────────


def play_counting(plan, repeats):
    """Yield the Counting after each slice. Runs in the runner.

    Nothing else runs while a slice is counted; between two, the kernel draws.
    """
    counts = {count.way: count for count in plan.counts}
    watches = {way: Watch(plan.n_workers) for way in counts}
    repeats = min(repeats, plan.n_updates)
    with open_counters(plan, "manager" in counts) as (crew, counter, managed):
        for number in range(repeats + 1):
            for way in random.sample(list(counts), len(counts)):
                value = managed if way == "manager" else counter
                value.value = 0
                n_updates = slice_size(plan.n_updates, repeats, number)
                seconds = WAY_SECONDS / repeats if number else WARM_UP_SECONDS
                with watches[way] if number else nullcontext():
                    question = (way, perf_counter() + HEAD_START, n_updates, plan.batch, seconds)
                    answers = crew.ask_all([question] * plan.n_workers)
                part = read_slice(number, plan.n_workers * n_updates, answers, value.value)
                counts[way] = add_slice(counts[way], part, number == repeats, watches[way].badges)
                yield replace(plan, counts=tuple(counts.values()))


def slice_size(n_updates, repeats, number):
    """Return the updates of a worker in round `number`; those of rounds 1 to `repeats` add up to `n_updates`.

    >>> [slice_size(10, 4, number) for number in range(5)]
    [3, 3, 3, 2, 2]
    """
    return n_updates // repeats + ((number or 1) <= n_updates % repeats)


def read_slice(number, asked, answers, counted):
    """Return the Slice that the answers (began, ended, made, problem) of all workers, and the counter, tell."""
    for *_, problem in answers:
        if problem is not None:
            raise HelpersError(f"A worker failed while it counted:\n{problem}")
    seconds = max(ended for _, ended, _, _ in answers) - min(began for began, _, _, _ in answers)
    return Slice(number, seconds, asked, sum(made for _, _, made, _ in answers), counted)


def add_slice(count, part, ended, noted=()):
    """Return `count` with one slice more, the warm-up left out.

    `ended` says whether it was the last, `noted` what may have disturbed any of them so far.
    """
    return Count(count.way, (*count.slices, part) if part.round else count.slices, ended, noted)


@contextmanager
def open_counters(plan, with_manager):
    """Yield (crew, counter, managed value or None) of workers that wait for slices; leaving ends them all."""
    options = {"patience": DEADLINE, "preload": [count_slices.__module__]}
    workers = Crew(count_slices, [()] * plan.n_workers, plan.start_method, **options)
    context = workers.context
    counter = context.RawValue("q", 0) if plan.raw else context.Value("q", 0)
    lock = context.Lock() if plan.raw else counter.get_lock()
    manager, managed, managed_lock = None, None, None
    try:
        if with_manager:
            manager = SyncManager(ctx=context)
            manager.start(initializer=end_with_parent)
            managed, managed_lock = manager.Value("q", 0), manager.Lock()
        workers.arguments = [(counter, lock, managed, managed_lock)] * plan.n_workers
        with workers as crew:
            crew.receive_all()
            yield crew, counter, managed
    finally:
        if manager is not None:
            manager.shutdown()
