"""Counting together: several processes add to one counter, in several ways; what arrives, and how fast."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.managers import SyncManager

from helpers import runner
from helpers.arguments import check_count
from helpers.course.value import tasks as shared
from helpers.engines import max_workers
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError, WorkerDiedError
from helpers.machine import default_start_method
from helpers.tasks.worker import end_with_parent

#: Ways of counting, in the order in which they are shown.
WAYS = ("no lock", "lock each", "lock per batch", "local then merge", "manager")
#: Increments a worker may be asked for, workers that share one counter, and increments a batch.
MAX_INCREMENTS, MAX_COUNTING, MAX_BATCH = 10_000_000, 64, 100_000
#: Slices a way's increments are cut into, seconds a slice may take, and seconds all of a way's may take.
SLICES, SLICE_SECONDS, WAY_SECONDS = 8, 0.1, 2.0
#: Seconds without any answer after which counting is given up.
DEADLINE = 30.0


@dataclass(frozen=True)
class Count:
    """What one way of counting came to: increments made by all workers, what the counter says, seconds.

    ``ended`` tells whether this way is through; ``out_of_time`` that it was ended before all
    increments were made.
    """

    way: str
    made: int = 0
    counted: int = 0
    seconds: float = 0.0
    ended: bool = False
    out_of_time: bool = False

    @property
    def lost(self):
        """The updates that did not arrive."""
        return self.made - self.counted

    @property
    def lost_share(self):
        """The share of updates that did not arrive, from 0 to 1."""
        return self.lost / self.made if self.made else 0.0

    @property
    def rate(self):
        """Increments made by all workers per second; 0 before there are any."""
        return self.made / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Counting:
    """One comparison: the counts of several ways, all with the same number of increments a worker."""

    n_workers: int
    increments: int
    batch: int
    start_method: str
    counts: tuple[Count, ...] = field(default_factory=tuple)

    @property
    def expected(self):
        """Increments that all workers together are asked for."""
        return self.n_workers * self.increments

    @property
    def complete(self):
        """Whether every way is through."""
        return all(count.ended for count in self.counts)

    def __getitem__(self, way):
        """Return the Count of `way`."""
        found = next((count for count in self.counts if count.way == way), None)
        if found is None:
            raise KeyError(f"{way!r} was not measured; there are: {', '.join(count.way for count in self.counts)}")
        return found

    def __repr__(self):
        lines = [
            f"{self.n_workers} worker{'s' * (self.n_workers > 1)}, {self.increments:,} increments each,"
            f" {self.start_method}"
        ]
        for count in self.counts:
            arrived = f"{count.way:<17}{count.counted:>12,} of {count.made:>12,}"
            lines.append(f"{arrived}  {count.lost_share:>6.1%} lost  {count.rate:>12,.0f} per s")
        return "\n".join(lines)


def check_counting(ways, n_workers, increments, batch, start_method):
    """Return the five settings, checked; raise InvalidArgumentError that names the one out of range."""
    ways = (ways,) if isinstance(ways, str) else tuple(ways) if isinstance(ways, Iterable) else (ways,)
    unknown = [way for way in ways if way not in WAYS]
    if unknown or not ways:
        wrong = f"There is no way of counting {unknown[0]!r}" if unknown else "Choose at least one way of counting"
        raise InvalidArgumentError(f"{wrong}. There are: {', '.join(WAYS)}.")
    return (
        tuple(way for way in WAYS if way in ways),
        check_count("n_workers", n_workers, 1, min(MAX_COUNTING, max_workers())),
        check_count("increments", increments, 1, MAX_INCREMENTS),
        check_count("batch", batch, 1, MAX_BATCH),
        default_start_method() if start_method is None else check_start_method(start_method),
    )


def measure_counting(ways=WAYS, *, n_workers=2, increments=100_000, batch=100, start_method=None, timeout=DEADLINE):
    """Return the Counting of `n_workers` processes that add to one counter, each way.

    How many updates are lost without a lock is chance, and may be none: on one CPU processes
    seldom come between each other.

    Parameters
    ----------
    ways : str or iterable of str
        Of `WAYS`.
    n_workers, increments, batch : int
        Processes; increments of each; increments for which "lock per batch" holds the lock.
    timeout : float
        Longest silence in seconds.

    A way that takes more than about `WAY_SECONDS` is ended before all increments are made.
    """
    for counting in counting_steps(ways, n_workers, increments, batch, start_method, timeout):  # noqa: B007
        pass
    return counting


def counting_steps(
    ways=WAYS, n_workers=2, increments=100_000, batch=100, start_method=None, timeout=DEADLINE, on_start=None
):
    """Yield the Counting as it grows, played in the runner; the last one is complete."""
    settings = check_counting(ways, n_workers, increments, batch, start_method)
    yield from runner.play(play_counting, *settings, key=("counting", settings[-1]), timeout=timeout, on_start=on_start)


def play_counting(ways, n_workers, increments, batch, start_method):
    """Yield a Counting after every slice. Runs in the runner.

    All ways get their slices in rounds and in random order. Nothing else runs while a slice is
    counted; between two, the kernel draws.
    """
    counts = {way: Count(way) for way in ways}
    left = {way: [increments] * n_workers for way in ways}
    largest = -(-increments // SLICES)
    with open_counters(n_workers, start_method, "manager" in ways) as (links, processes, counter, managed):
        yield Counting(n_workers, increments, batch, start_method, tuple(counts.values()))
        while any(not count.ended for count in counts.values()):
            for way in random.sample(ways, len(ways)):
                if counts[way].ended:
                    continue
                value = managed if way == "manager" else counter
                value.value = 0
                sizes = [min(largest, rest) for rest in left[way]]
                replies = ask_all(links, processes, [(way, size, batch, SLICE_SECONDS) for size in sizes])
                left[way] = [rest - made for rest, (_, _, made) in zip(left[way], replies, strict=True)]
                counts[way] = add_slice(counts[way], replies, value.value, left[way])
                yield Counting(n_workers, increments, batch, start_method, tuple(counts.values()))


def add_slice(count, replies, counted, left):
    """Return `count` with one slice more: the workers' replies and what the counter said after it."""
    seconds = count.seconds + max(ended for _, ended, _ in replies) - min(began for began, _, _ in replies)
    through, late = not any(left), seconds >= WAY_SECONDS
    made = sum(made for _, _, made in replies)
    return Count(count.way, count.made + made, count.counted + counted, seconds, through or late, late and not through)


@contextmanager
def open_counters(n_workers, start_method, with_manager):
    """Yield (links, processes, counter, managed value or None) of workers that wait for slices; leaving ends them."""
    context = multiprocessing.get_context(start_method)
    if start_method == "forkserver":
        context.set_forkserver_preload(["helpers.course.value.tasks"])
    counter, start = context.Value("q", 0), context.Barrier(n_workers)
    manager = SyncManager(ctx=context) if with_manager else None
    links, processes = [], []
    try:
        if manager is not None:
            manager.start(initializer=end_with_parent)
        managed, lock = (manager.Value("q", 0), manager.Lock()) if manager is not None else (None, None)
        for _ in range(n_workers):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=shared.count_slices, args=(theirs, start, counter, managed, lock), daemon=True
            )
            process.start()
            theirs.close()
            links.append(ours)
            processes.append(process)
        yield links, processes, counter, managed
        for link in links:
            link.send(None)
    except BaseException:
        for process in processes:  # one of them may hold the lock that the others wait for
            process.kill()
        raise
    finally:
        end_workers(processes)
        if manager is not None:
            manager.shutdown()


def end_workers(processes, seconds=2.0):
    """Wait for `processes` to end, then end those that do not."""
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join(1)


def ask_all(links, processes, questions):
    """Return all workers' replies to one question each; raise WorkerDiedError if one ends instead."""
    for link, question in zip(links, questions, strict=True):
        link.send(question)
    replies = {}
    while len(replies) < len(links):
        ready = wait(
            [link for link in links if link not in replies] + [process.sentinel for process in processes], DEADLINE
        )
        for link in ready:
            if link in links:
                try:
                    replies[link] = link.recv()
                    continue
                except EOFError:
                    pass
            dead = next((process for process in processes if process.exitcode is not None), processes[0])
            raise WorkerDiedError(
                f"A worker ended while it counted: {runner.describe_exit(dead.exitcode)}. Run it again with fewer"
                " workers.",
                exitcode=dead.exitcode,
            )
        if not ready:
            raise TimeoutError(f"No worker answered in {DEADLINE:g} s: the lock may be held by one that cannot go on.")
    return [replies[link] for link in links]
