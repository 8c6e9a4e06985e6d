"""The contract of every engine: `Team`, a group of workers that is up, and `Batch`, what it returns."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from time import perf_counter

from helpers.errors import HelpersError, NotPicklableError, TaskFailedError
from helpers.notebook import shorten_paths
from helpers.records import Accounting, Failure, Timeline, account_chunks
from helpers.tasks.coroutines import LoopUse
from helpers.tasks.worker import STAMPS_BYTES, describe, safe_repr, say
from helpers.words import out_of, plural

#: Seconds that workers may take to come up; and to end, once all results are there: then they are killed.
START_DEADLINE, CLOSE_DEADLINE = 60.0, 2.0
#: Tasks from which on the timeline is put together with numpy.
MANY_TASKS = 20_000
#: Most tasks at a time in one event loop: a timeline numbers its lanes with two bytes.
MOST_TASKS = 2**16


def auto_chunksize(n_items, n_workers):
    """Return the chunk size `multiprocessing.Pool.map` would take: four chunks a worker.

    >>> auto_chunksize(100, 2)
    13
    """
    return max(1, -(-n_items // (4 * n_workers)))


def max_workers(engine=None):
    """Return the largest worker count accepted: 61 on Windows, else 4 times the logical CPUs, at least 64.

    Windows cannot wait for more handles (Python documentation, concurrent.futures). The tasks of asyncio are neither
    threads nor processes: tens of thousands at a time are usual, and `MOST_TASKS` are accepted.
    """
    if engine == "asyncio":
        return MOST_TASKS
    return 61 if sys.platform == "win32" else max(64, 4 * (os.cpu_count() or 1))


@dataclass(frozen=True)
class Batch:
    """What one run of a team brought: results by item order, failures, and where the time went.

    ``complete`` is False for a run that was stopped before it ended: there are no results then. ``loop`` is of
    coroutine functions: how their event loop spent the run.
    """

    results: list
    failures: dict[int, Failure]
    timeline: Timeline
    accounting: Accounting
    startup: float
    wall: float
    cpu: float
    chunksize: int
    sent_bytes: int = 0
    received_bytes: int = 0
    complete: bool = True
    loop: LoopUse | None = None

    def values(self):
        """Return the results; raise TaskFailedError, which keeps them, if any item failed."""
        if self.failures:
            raise task_failed(self.failures, self.results)
        return self.results


def task_failed(failures, results):
    """Return the TaskFailedError for `failures`; all other `results` are kept in it."""
    first = failures[min(failures)]
    others = len(failures) - 1
    more = f" and {plural(others, 'more item')}" if others else ""
    trace = shorten_paths(first.remote_traceback)
    return TaskFailedError(
        f"The function failed on item {first.index}, which is {first.item}{more}: {first.error_type}: "
        f"{first.message}\n{out_of(len(results) - len(failures), len(results), 'result')} kept in error.results; "
        f"error.failures has every traceback.\n\nIn the worker:\n{trace}",
        failures=failures,
        results=results,
        index=first.index,
        item=first.item,
        remote_traceback=trace,
    )


def close_within(seconds, close, kill=None):
    """Do `close` in a thread of its own and wait for it, at most `seconds`; then `kill`, and wait as long again.

    For what ends workers: where a task has left something that does not end, ending them may take for ever. A
    thread that still waits then ends with its process.
    """
    thread = threading.Thread(target=close, name="helpers-closing", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive() and kill is not None:
        kill()
        thread.join(seconds)


class Team(ABC):
    """Workers of one engine, up and ready, for one function. A context manager: leaving ends them.

    Subclasses say how workers come up (`_open`), how chunks are run (`_run_chunks`) and how workers end (`_close`);
    those that know no chunks have a `run` of their own. Whatever a task has left running in a worker, leaving takes a
    few seconds at most.
    """

    def __init__(self, func, payload, n_workers, start_method):
        self.func, self.payload = func, payload
        self.n_workers, self.start_method = n_workers, start_method
        self.asked = self.startup = 0.0

    def __enter__(self):
        self.asked = perf_counter()
        try:
            self._open()
        except BaseException:
            self._close(broken=True)
            raise
        self.startup = perf_counter() - self.asked
        return self

    def __exit__(self, error_type, error, trace):
        self._close(broken=error_type is not None)

    @abstractmethod
    def _open(self):
        """Start the workers and return when all are ready to run the function."""

    def _run_chunks(self, items, chunksize):
        """Hand the items over; return (replies as they come, bytes sent), a reply as (first, queued, Reply)."""
        raise NotImplementedError

    @abstractmethod
    def _close(self, broken):
        """End the workers; `broken` means that they may be dead or busy."""

    def run(self, items, chunksize=None):
        """Run the function on every item of the list `items` and return the Batch.

        `chunksize` None means `auto_chunksize`. Items whose task raised are in
        ``batch.failures``. Raises WorkerDiedError if a worker process ends, NotPicklableError
        if an item cannot travel.
        """
        chunksize = chunksize or auto_chunksize(len(items), self.n_workers)
        began = perf_counter()
        coming, sent_bytes = self._run_chunks(items, chunksize)
        handed, results, received_bytes = [], [], 0
        for first, queued, reply in coming:  # unpickled while the workers are at the next chunk, as in `Pool.map`
            values, size = unpack_results(reply, first, items)
            results += values
            received_bytes += size
            handed.append((first, queued, reply))
        wall = perf_counter() - began
        line, failures, account, cpu = read_replies(handed, len(items), self.n_workers, self.startup, began, wall)
        return Batch(results, failures, line, account, self.startup, wall, cpu, chunksize, sent_bytes, received_bytes)


def unpack_results(reply, first, items):
    """Return (the list of results, bytes received); results that travelled were pickled.

    Where they cannot be unpickled here, each item of the chunk becomes a failure of the reply.
    """
    if not isinstance(reply.results, bytes):
        return reply.results, 0
    try:
        return pickle.loads(reply.results), len(reply.results)
    except BaseException as error:
        count = len(reply.times) // STAMPS_BYTES
        for index in range(first, first + count):
            what = f"its result, or one that came with it, cannot be unpickled: {say(error)}"
            _, kind, _, text = describe(error, items[index])
            reply.failures.setdefault(index, (safe_repr(items[index]), kind, what, text))
        return [None] * count, len(reply.results)


def read_replies(handed, n_items, n_workers, startup, began, wall):
    """Return (Timeline, failures, Accounting, CPU seconds) that the replies of one run tell.

    `handed` is [(first, queued, Reply)]; `began` and `wall` as of `helpers.records.account_chunks`.
    Times of the timeline count from asking for the workers; what passed between their coming up and
    this run belongs to neither.
    """
    rows = [(reply.slot, queued, reply.times, reply.cpu) for _, queued, reply in handed]
    line, working = Timeline.of_chunks(rows, began - startup, many=n_items >= MANY_TASKS)
    failures = {index: Failure(index, *facts) for _, _, reply in handed for index, facts in reply.failures.items()}
    chunks = [(reply.slot, reply.received, reply.done) for _, _, reply in handed]
    account = account_chunks(chunks, n_workers, startup, began, wall, working)
    return line, failures, account, sum(reply.cpu for _, _, reply in handed)


def dump_chunk(items, first):
    """Return the items pickled; raise NotPicklableError that names the first one at fault."""
    try:
        return pickle.dumps(items, protocol=5)
    except BaseException as whole:
        for offset, item in enumerate(items):
            try:
                pickle.dumps(item, protocol=5)
            except BaseException as error:
                raise NotPicklableError(
                    f"Item {first + offset} ({safe_repr(item)}) cannot be pickled, so it cannot be sent to a worker "
                    f"process: {say(error)}. Send what it is made of (a path, numbers, text) and build it in the task.",
                    index=first + offset,
                    item=safe_repr(item),
                ) from error
        raise HelpersError(
            f"Items {first} to {first + len(items) - 1} cannot be pickled together: {say(whole)}"
        ) from whole
