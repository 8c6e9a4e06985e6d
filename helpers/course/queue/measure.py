"""Watching a queue: producers and consumers in processes of their own, every put and get with its time.

::

    producer ─┐                    ┌─► consumer
    producer ─┴─► Queue(maxsize) ──┴─► consumer
        └── log ──► shared memory ◄── log ──┘
                        │
               play_queue() in the runner reads it, ten times a second ──► QueueRun

An item is in the queue from the moment its put returned until its get returned.
"""

from __future__ import annotations

import queue as thread_queue
import time
from array import array
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from helpers import runner
from helpers.arguments import check_count, check_number, check_watch
from helpers.course.queue.tasks import (
    BEGAN,
    ENDED,
    HEAD,
    READY,
    SENTINEL,
    STRIDE,
    consume,
    log_size,
    produce,
    take_part,
)
from helpers.crew import Crew
from helpers.engines.registry import check_start_method
from helpers.measure import Watch
from helpers.records import badges_of_rounds, doubts_of, estimate_ratio, unite_badges
from helpers.words import plural

#: Most processes on either side, items, and milliseconds of work for one item.
MAX_SIDE, MAX_ITEMS, MAX_MS = 16, 2_000, 1_000
#: Most rounds of a run.
MAX_REPEATS = 100
#: Seconds between two looks at the logs, and between two records.
LOOK_EVERY, TELL_EVERY = 0.01, 0.1
#: Seconds between two looks at what disturbs a round that goes on: it may be stopped.
LOAD_EVERY = 0.5
#: Seconds the processes may take to come up.
START_SECONDS = 60.0
#: Seconds a round may take if nothing else is said.
TIMEOUT = 60.0


@dataclass(frozen=True)
class QueueLane:
    """What one process did at the queue. Times are seconds since all were told to begin.

    ``asked`` and ``done`` are when each put (of a producer) or get (of a consumer) was called and
    returned; ``items`` are the numbers, -1 for a sentinel. A last call that has not returned has
    no ``done``. ``ended`` is None while the process works.
    """

    role: str
    number: int
    began: float
    ended: float | None
    asked: array
    items: array
    done: array

    def until(self, now):
        """Return when the process ended; `now` if it still works."""
        return now if self.ended is None else self.ended

    def waiting(self, now):
        """Return the spans (start, end) inside put or get; one that lasts still ends `now`."""
        return list(zip(self.asked, [*self.done, now][: len(self.asked)], strict=True))

    def seconds_waiting(self, now):
        """Return the seconds inside put or get, of a consumer as far as it waited for items: not for its sentinel."""
        return sum(end - start for start, end in self.waiting(now)) - self.seconds_to_sentinel

    @property
    def seconds_to_sentinel(self):
        """Seconds a consumer waited for its sentinel, after its last item; 0 before it came."""
        return self.done[-1] - self.asked[-1] if self.items and self.items[-1] < 0 else 0.0


class QueueRound(NamedTuple):
    """The figures of one whole round: items a second, and which share of their time each side was in put or get."""

    throughput: float
    producer: float
    consumer: float


@dataclass(frozen=True)
class QueueRun:
    """A queue's life as far as it went: of the present round, with the figures of the rounds before it.

    ``now`` is the time of the last look, of a whole round the end of its last process; ``complete`` says
    whether all rounds are done. ``noted`` are the badges of what may have disturbed the rounds.
    """

    n_producers: int
    n_consumers: int
    maxsize: int
    n_items: int
    produce_ms: float
    consume_ms: float
    start_method: str
    lanes: tuple[QueueLane, ...] = ()
    now: float = 0.0
    complete: bool = False
    repeats: int = 1
    earlier: tuple[QueueRound, ...] = ()
    noted: tuple[str, ...] = ()

    @property
    def sides(self):
        """How many processes stand on both sides, in words."""
        return f"{plural(self.n_producers, 'producer')}, {plural(self.n_consumers, 'consumer')}"

    @property
    def limit(self):
        """How many places the queue has, in words."""
        return f"maxsize {self.maxsize}" if self.maxsize else "no limit"

    @property
    def setting(self):
        """Who stands at the queue, and its limit, in words: what tells the lines of a table apart."""
        return f"{self.sides}, {self.limit}"

    @property
    def figures(self):
        """What the run came to, as a line of a table: whole numbers by their heads, and whether they are in doubt.

        The shares are per cent of the time that all producers (consumers) spent in put (get).
        """
        return {
            "items/s": round(self.estimate("throughput").median),
            "most in queue": self.deepest,
            "% in put": round(100 * self.estimate("producer").median),
            "% in get": round(100 * self.estimate("consumer").median),
            "in doubt": "yes" if self.doubts else "no",
        }

    @property
    def rounds(self):
        """The figures of all whole rounds; before there is one, those of the present round so far."""
        whole = bool(self.lanes) and all(lane.ended is not None for lane in self.lanes)
        present = QueueRound(self.throughput, self.waiting_share("producer"), self.waiting_share("consumer"))
        return (*self.earlier, present) if whole or not self.earlier else self.earlier

    def estimate(self, figure):
        """Return the Estimate of "throughput", or of the waiting share of "producer" or "consumer", over the rounds."""
        return estimate_ratio([getattr(part, figure) for part in self.rounds])

    @property
    def doubts(self):
        """What makes the figures doubtful: badges that speak of noise."""
        return doubts_of(unite_badges(self.noted, badges_of_rounds([part.throughput for part in self.rounds])))

    def depth(self):
        """Return (times, depths): the queue holds ``depths[k]`` items from ``times[k]`` on.

        Computed from the times of puts and gets. The stamps lie outside the queue, so a get may
        seem to return before its put; such an item counts as in the queue for no time. A full
        queue frees a place a moment before the get returns: no depth above ``maxsize`` is given.
        """
        entered = dict(self._events("producer"))
        left = {item: done for item, done in self._events("consumer") if item >= 0}
        steps = [(min(done, left.get(item, done)), 1) for item, done in entered.items()]
        steps += [(done, -1) for item, done in left.items() if item in entered]
        times, depths, now_in = [0.0], [0], 0
        for at, step in sorted(steps, key=lambda change: (change[0], -change[1])):
            now_in += step
            times.append(at)
            depths.append(min(now_in, self.maxsize) if self.maxsize else now_in)
        return times, depths

    @property
    def deepest(self):
        """The largest depth so far."""
        return max(self.depth()[1])

    @property
    def n_taken(self):
        """How many items came out of the queue so far."""
        return sum(item >= 0 for item, _ in self._events("consumer"))

    @property
    def throughput(self):
        """Items out of the queue per second, up to now; 0 before the first."""
        return self.n_taken / self.now if self.now > 0 else 0.0

    def waiting_share(self, role):
        """Return which share of their time, 0 to 1, a role ("producer" or "consumer") was in put or get.

        A consumer's wait for the sentinel, when there are no more items, is left out of both times."""
        lanes = [lane for lane in self.lanes if lane.role == role]
        there = sum(lane.until(self.now) - lane.began - lane.seconds_to_sentinel for lane in lanes)
        return min(1.0, sum(lane.seconds_waiting(self.now) for lane in lanes) / there) if there > 0 else 0.0

    @property
    def expected_seconds(self):
        """About how long a run takes: the slower side's items × its time for one, shared out, and the other's time.

        The slower side either waits for its first item (consumers) or for the use of its last one (producers).
        """
        produce, consume = self.produce_ms / 1000, self.consume_ms / 1000
        producing = produce * -(-self.n_items // self.n_producers)
        consuming = consume * -(-self.n_items // self.n_consumers)
        return max(producing + consume, produce + consuming)

    def _events(self, role):
        """Return (item, when its call returned) of all calls of a role that have returned."""
        return [event for lane in self.lanes if lane.role == role for event in zip(lane.items, lane.done, strict=True)]


def plan_queue_run(
    n_producers=1, n_consumers=1, maxsize=0, n_items=40, produce_ms=10, consume_ms=10, start_method=None, repeats=1
):
    """Return the QueueRun of these settings before anything has happened; raise InvalidArgumentError out of range."""
    return QueueRun(
        check_count("n_producers", n_producers, 1, MAX_SIDE),
        check_count("n_consumers", n_consumers, 1, MAX_SIDE),
        check_count("maxsize", maxsize, 0, 32_000),
        check_count("n_items", n_items, 1, MAX_ITEMS),
        check_number("produce_ms", produce_ms, 0, MAX_MS, "milliseconds"),
        check_number("consume_ms", consume_ms, 0, MAX_MS, "milliseconds"),
        check_start_method(start_method),
        repeats=check_count("repeats", repeats, 1, MAX_REPEATS),
    )


def measure_queue(*, timeout=TIMEOUT, should_stop=None, on_start=None, **settings):
    """Return the QueueRun of producers and consumers around one queue, played in the runner.

    It is complete, or, stopped, what there was until then, with ``complete`` False.

    Parameters
    ----------
    n_producers, n_consumers : int
        Processes on either side, 1 to 16.
    maxsize : int
        Places in the queue; 0 for no limit.
    n_items : int
        Items in all, 1 to 2,000, shared out over the producers.
    produce_ms, consume_ms : float
        Work on each item, 0 to 1,000 milliseconds; it is waiting, so the number of CPUs does not matter.
    start_method : str, optional
    repeats : int
        Rounds, 1 to 100, each with processes of its own; intervals need 3. The record shows the last one.
    timeout : float
        Seconds for a round; None takes the default.
    should_stop, on_start : callable, optional
        As in `helpers.measure.sweep`.

    Raises
    ------
    InvalidArgumentError, TimeoutError, WorkerDiedError
    """
    run = plan_queue_run(**settings)
    for record in queue_steps(run, timeout=timeout, should_stop=should_stop, on_start=on_start):
        run = record
    return run


def queue_steps(plan, timeout=TIMEOUT, should_stop=None, on_start=None):
    """Yield QueueRun after QueueRun, each a fuller one, the last one complete. `plan` is from `plan_queue_run`."""
    watch = check_watch(timeout, should_stop, on_start, TIMEOUT)
    timeout = watch["timeout"]
    watch["timeout"] += START_SECONDS
    yield from runner.play(play_queue, plan, timeout, key=("queue", plan.start_method), **watch)


# ── in the runner ─────────────────────────────────────────────────────────────────────────────


def play_queue(plan, timeout):
    """Yield QueueRun after QueueRun, round after round. Runs in the runner; the processes are ended in any case.

    The processes wait most of the time, so load from others matters only where it leaves no CPU free.
    """
    watch = Watch(plan.n_producers + plan.n_consumers, computes=False)
    for number in range(1, plan.repeats + 1):
        for run in play_round(plan, timeout, watch):
            yield replace(run, complete=run.complete and number == plan.repeats)
        plan = replace(plan, earlier=run.rounds, noted=run.noted)


def play_round(plan, timeout, watch):
    """Yield QueueRun after QueueRun of one round, the last one complete, with what `watch` has noted by then."""
    with open_queue(plan) as (queue, crew, logs, go):
        crew.wait_until(lambda: all(cells[READY] for cells in logs), START_SECONDS, "come up", LOOK_EVERY)
        with watch:
            began, deadline = time.perf_counter(), time.monotonic() + timeout
            go.set()
            sentinels, told, noted, noted_at = plan.n_consumers, float("-inf"), plan.noted, began
            while not have_ended(logs):
                crew.require_health()
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        "The queue was not worked off within its deadline; its processes were ended. Take fewer items "
                        "or shorter work."
                    )
                if have_ended(logs[: plan.n_producers]):
                    sentinels -= put_sentinels(queue, sentinels)
                if time.perf_counter() - told >= TELL_EVERY:
                    if time.perf_counter() - noted_at >= LOAD_EVERY:
                        noted, noted_at = watch.badges_so_far, time.perf_counter()
                    yield replace(read_run(plan, logs, began, time.perf_counter(), complete=False), noted=noted)
                    told = time.perf_counter()
                time.sleep(LOOK_EVERY)
        yield replace(read_run(plan, logs, began, time.perf_counter(), complete=True), noted=watch.badges)


@contextmanager
def open_queue(plan):
    """Yield (queue, crew, logs, event) of processes that are coming up and begin when the event is set.

    Producers come first. Leaving ends them all.
    """
    modules = [produce.__module__]
    crew = Crew(take_part, [], plan.start_method, links=False, preload=modules, names=name_members(plan))
    queue, go = crew.context.Queue(plan.maxsize), crew.context.Event()
    numbers = [range(number, plan.n_items, plan.n_producers) for number in range(plan.n_producers)]  # dealt like cards
    sizes = [*map(len, numbers), *[plan.n_items + 1] * plan.n_consumers]
    logs = [crew.context.RawArray("d", log_size(n_events)) for n_events in sizes]
    works = [(produce, queue, mine, plan.produce_ms / 1000) for mine in numbers]
    works += [(consume, queue, plan.consume_ms / 1000)] * plan.n_consumers
    crew.arguments = [(*work, cells, go) for work, cells in zip(works, logs, strict=True)]
    try:
        with crew:
            yield queue, crew, logs, go
    finally:
        queue.close()
        queue.cancel_join_thread()


def put_sentinels(queue, n_sentinels):
    """Put up to `n_sentinels` into `queue`, as many as find a place at once; return how many that were."""
    for number in range(n_sentinels):
        try:
            queue.put(SENTINEL, timeout=LOOK_EVERY)
        except thread_queue.Full:
            return number
    return n_sentinels


# ── reading the logs: arithmetic on stamps ────────────────────────────────────────────────────


def name_members(run):
    """Return what the processes of a run are called, producers first.

    >>> name_members(plan_queue_run(1, 2))
    ['producer 1', 'consumer 1', 'consumer 2']
    """
    return [f"{role} {number + 1}" for role, number in _members(run)]


def have_ended(logs):
    """Return whether all the processes that write these logs have done their work."""
    return all(cells[ENDED] for cells in logs)


def read_run(plan, logs, began, now, complete):
    """Return the QueueRun as the logs have it at `now`; `began` is when all were told to begin."""
    lanes = tuple(
        read_lane(role, number, cells, began) for (role, number), cells in zip(_members(plan), logs, strict=True)
    )
    last = max(lane.ended for lane in lanes) if complete else now - began
    return replace(plan, lanes=lanes, now=last, complete=complete)


def read_lane(role, number, cells, began):
    """Return the QueueLane that a `QueueLog` in `cells` tells, in seconds since `began`."""
    asked, items, done = array("d"), array("d"), array("d")
    for at in range(HEAD, len(cells), STRIDE):
        start, item, end = cells[at : at + STRIDE]
        if not start:
            break
        asked.append(start - began)
        if not end:
            break
        items.append(item)
        done.append(end - began)
    there, gone = cells[BEGAN], cells[ENDED]
    return QueueLane(role, number, there - began if there else 0.0, gone - began if gone else None, asked, items, done)


def _members(run):
    """Return (role, number) of the processes of a run, producers first."""
    sides = (("producer", run.n_producers), ("consumer", run.n_consumers))
    return [(role, number) for role, count in sides for number in range(count)]
