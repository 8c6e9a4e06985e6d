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

import multiprocessing
import queue as thread_queue
import time
from array import array
from dataclasses import dataclass

from helpers import runner
from helpers.arguments import check_count
from helpers.course.queue.tasks import BEGAN, ENDED, HEAD, READY, SENTINEL, STRIDE, consume, log_size, produce
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError, WorkerDiedError

#: Most processes on either side, items, and milliseconds of work for one item.
MAX_SIDE, MAX_ITEMS, MAX_MS = 16, 2_000, 1_000
#: Seconds between two looks at the logs, and between two records.
LOOK_EVERY, TELL_EVERY = 0.01, 0.1
#: Seconds the processes may take to come up.
START_SECONDS = 60.0


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

    def waiting(self, now):
        """Return the spans (start, end) inside put or get; one that lasts still ends `now`."""
        return list(zip(self.asked, [*self.done, now][: len(self.asked)], strict=True))

    def seconds_waiting(self, now):
        """Return the seconds inside put or get."""
        return sum(end - start for start, end in self.waiting(now))


@dataclass(frozen=True)
class QueueRun:
    """A queue's life as far as it went: ``now`` is the time of the last look; ``complete`` when all is done."""

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

    def depth(self):
        """Return (times, depths): the queue holds ``depths[k]`` items from ``times[k]`` on.

        Computed from the times of puts and gets. The stamps lie outside the queue, so a get may
        seem to return before its put; such an item counts as in the queue for no time. A full
        queue frees a place a moment before the get returns: no depth above ``maxsize`` is given.
        """
        entered = {
            item: done
            for lane in self.lanes
            if lane.role == "producer"
            for item, done in zip(lane.items, lane.done, strict=False)
        }
        left = {
            item: done
            for lane in self.lanes
            if lane.role == "consumer"
            for item, done in zip(lane.items, lane.done, strict=False)
            if item >= 0
        }
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
        return sum(
            item >= 0 for lane in self.lanes if lane.role == "consumer" for item in list(lane.items)[: len(lane.done)]
        )

    @property
    def throughput(self):
        """Items out of the queue per second, up to now; 0 before the first."""
        return self.n_taken / self.now if self.now > 0 else 0.0

    def waiting_share(self, role):
        """Return which share of their time the processes of a role ("producer", "consumer") were in put or get, 0 to
        1."""
        lanes = [lane for lane in self.lanes if lane.role == role]
        there = sum((lane.ended if lane.ended is not None else self.now) - lane.began for lane in lanes)
        return min(1.0, sum(lane.seconds_waiting(self.now) for lane in lanes) / there) if there > 0 else 0.0

    @property
    def expected_seconds(self):
        """About how long a run takes: the slower side's items × milliseconds, shared out, and one item's way
        through."""
        made = self.produce_ms / 1000 * -(-self.n_items // self.n_producers) + self.consume_ms / 1000
        return max(made, self.consume_ms / 1000 * -(-self.n_items // self.n_consumers) + self.produce_ms / 1000)


def plan_queue_run(
    n_producers=1, n_consumers=1, maxsize=0, n_items=40, produce_ms=10, consume_ms=10, start_method=None
):
    """Return the QueueRun of these settings before anything has happened; raise InvalidArgumentError out of range."""
    check_count("n_producers", n_producers, 1, MAX_SIDE)
    check_count("n_consumers", n_consumers, 1, MAX_SIDE)
    check_count("maxsize", maxsize, 0, 32_000)
    check_count("n_items", n_items, 1, MAX_ITEMS)
    for name, value in (("produce_ms", produce_ms), ("consume_ms", consume_ms)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_MS:
            raise InvalidArgumentError(f"{name} must be a number of milliseconds from 0 to {MAX_MS:,}, not {value!r}.")
    return QueueRun(
        n_producers, n_consumers, maxsize, n_items, produce_ms, consume_ms, check_start_method(start_method)
    )


def measure_queue(*, timeout=60.0, **settings):
    """Return the complete QueueRun of producers and consumers around one queue, played in the runner.

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
    timeout : float
        Seconds for the whole run.

    Raises
    ------
    InvalidArgumentError, TimeoutError, WorkerDiedError
    """
    last = None
    for record in queue_steps(plan_queue_run(**settings), timeout=timeout):
        last = record
    return last


def queue_steps(plan, timeout=60.0, on_start=None):
    """Yield QueueRun after QueueRun, each a fuller one, the last one complete. `plan` is from `plan_queue_run`."""
    yield from runner.play(
        play_queue, plan, timeout, key=("queue", plan.start_method), timeout=timeout + START_SECONDS, on_start=on_start
    )


def play_queue(plan, timeout):
    """Yield QueueRun after QueueRun. Runs in the runner; whatever happens, the processes are ended."""
    context = multiprocessing.get_context(plan.start_method)
    queue, go = context.Queue(plan.maxsize), context.Event()
    team = _hire(plan, context, queue, go)
    processes = [process for process, _ in team]
    try:
        for process in processes:
            process.start()
        _await(lambda: all(cells[READY] for _, cells in team), processes, time.monotonic() + START_SECONDS, "come up")
        began = time.perf_counter()
        go.set()
        yield from _watch(plan, queue, team, began, time.monotonic() + timeout)
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
        for process in processes:
            if process.pid is not None:
                process.join(5)
        queue.close()
        queue.cancel_join_thread()


def _hire(plan, context, queue, go):
    """Return [(process, its log)], producers first, none started. Items are dealt out like cards."""
    team = []
    for number in range(plan.n_producers):
        numbers = range(number, plan.n_items, plan.n_producers)
        cells = context.RawArray("d", log_size(len(numbers)))
        team.append((context.Process(target=produce, args=(queue, numbers, plan.produce_ms / 1000, cells, go)), cells))
    for _ in range(plan.n_consumers):
        cells = context.RawArray("d", log_size(plan.n_items + 1))
        team.append((context.Process(target=consume, args=(queue, plan.consume_ms / 1000, cells, go)), cells))
    return team


def _await(condition, processes, deadline, words):
    """Wait for `condition`; raise WorkerDiedError if a process failed, TimeoutError at the deadline."""
    while not condition():
        _require_health(processes)
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"The processes around the queue did not {words} in time; they were ended. Is the machine very busy?"
            )
        time.sleep(LOOK_EVERY)


def _require_health(processes):
    for process in processes:
        if process.exitcode:
            raise WorkerDiedError(
                f"A process at the queue ended by itself ({runner.describe_exit(process.exitcode)}).",
                exitcode=process.exitcode,
            )


def _watch(plan, queue, team, began, deadline):
    """Yield what the logs tell until all is done; puts one sentinel a consumer when the producers have ended."""
    producers, sentinels = team[: plan.n_producers], plan.n_consumers
    processes, told = [process for process, _ in team], 0.0
    while True:
        _require_health(processes)
        if time.monotonic() > deadline:
            raise TimeoutError(
                "The queue was not worked off within its deadline; its processes were ended. Take fewer items or"
                " shorter work."
            )
        if all(cells[ENDED] for _, cells in producers):
            try:
                while sentinels:
                    queue.put(SENTINEL, timeout=LOOK_EVERY)
                    sentinels -= 1
            except thread_queue.Full:
                pass
        complete = all(cells[ENDED] for _, cells in team)
        if complete or time.monotonic() - told >= TELL_EVERY:
            yield _read(plan, team, began, complete)
            told = time.monotonic()
        if complete:
            return
        time.sleep(LOOK_EVERY)


def _read(plan, team, began, complete):
    """Return the QueueRun as the logs have it now."""
    now = time.perf_counter() - began
    lanes = tuple(
        _read_lane(
            cells,
            began,
            "producer" if at < plan.n_producers else "consumer",
            at % plan.n_producers if at < plan.n_producers else at - plan.n_producers,
        )
        for at, (_, cells) in enumerate(team)
    )
    if complete:
        now = max(lane.ended for lane in lanes)
    facts = {name: getattr(plan, name) for name in plan.__dataclass_fields__}
    return QueueRun(**{**facts, "lanes": lanes, "now": now, "complete": complete})


def _read_lane(cells, began, role, number):
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
