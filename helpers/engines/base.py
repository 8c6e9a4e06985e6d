"""The contract of every engine: `Team`, a group of workers that is up, and `Batch`, what it returns."""

from __future__ import annotations

import os
import pickle
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from time import perf_counter

from helpers.errors import HelpersError, NotPicklableError, TaskFailedError
from helpers.notebook import shorten_paths
from helpers.records import Accounting, Failure, Timeline
from helpers.tasks.worker import safe_repr

#: Seconds that workers may take to come up.
START_DEADLINE = 60.0
#: Tasks from which on the timeline is put together with numpy.
MANY_TASKS = 20_000


def auto_chunksize(n_items, n_workers):
    """Return the chunk size `multiprocessing.Pool.map` would take: four chunks a worker.

    >>> auto_chunksize(100, 2)
    13
    """
    return max(1, -(-n_items // (4 * n_workers)))


def max_workers():
    """Return the largest worker count accepted: 61 on Windows, else 4 times the logical CPUs, at least 64.

    Windows cannot wait for more handles (Python documentation, concurrent.futures).
    """
    return 61 if sys.platform == "win32" else max(64, 4 * (os.cpu_count() or 1))


@dataclass(frozen=True)
class Batch:
    """What one run of a team brought: results by item order, failures, and where the time went."""

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

    def values(self):
        """Return the results; raise TaskFailedError, which keeps them, if any item failed."""
        if self.failures:
            raise task_failed(self.failures, self.results)
        return self.results


def task_failed(failures, results):
    """Return the TaskFailedError for `failures`; all other `results` are kept in it."""
    first = failures[min(failures)]
    others = len(failures) - 1
    more = f" and {others} more item{'s' * (others > 1)}" if others else ""
    trace = shorten_paths(first.remote_traceback)
    return TaskFailedError(
        f"The function failed on item {first.index}, which is {first.item}{more}: {first.error_type}:"
        f" {first.message}\n{len(results) - len(failures)} of {len(results)} results are kept in error.results;"
        f" error.failures has every traceback.\n\nIn the worker:\n{trace}",
        failures=failures,
        results=results,
        index=first.index,
        item=first.item,
        remote_traceback=trace,
    )


class Team(ABC):
    """Workers of one engine, up and ready, for one function. A context manager: leaving ends them.

    Subclasses say how workers come up (`_open`), how chunks are run (`_run_chunks`) and how
    workers end (`_close`).
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

    @abstractmethod
    def _run_chunks(self, items, chunksize):
        """Run the items; return (replies, sent bytes), a reply being (first, queued, worker's reply)."""

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
        replies, sent_bytes = self._run_chunks(items, chunksize)
        results, received_bytes = self._unpack([reply for _, _, reply in replies])
        wall = perf_counter() - began
        return self._batch(items, chunksize, replies, results, began, wall, sent_bytes, received_bytes)

    def _unpack(self, replies):
        """Return (all results in order, bytes received); results that travelled were pickled."""
        results, received_bytes = [], 0
        for reply in replies:
            if isinstance(reply[5], bytes):
                received_bytes += len(reply[5])
                results.extend(pickle.loads(reply[5]))
            else:
                results.extend(reply[5])
        return results, received_bytes

    def _batch(self, items, chunksize, replies, results, began, wall, sent_bytes, received_bytes):
        line, failures, lanes, cpu_total = Timeline(), {}, {}, 0.0
        origin = began - self.startup  # what passed between coming up and this run belongs to neither
        working = 0.0
        many = len(items) >= MANY_TASKS
        for _first, queued, (slot, received, done, cpu, times, _, failed) in replies:
            working += line.add_chunk(slot, queued, times, cpu, origin, many)
            cpu_total += cpu
            failures.update({index: Failure(index, *facts) for index, facts in failed.items()})
            lanes.setdefault(slot, []).append((received, done))
        return Batch(
            results,
            failures,
            line,
            self._account(lanes, began, wall, working),
            self.startup,
            wall,
            cpu_total,
            chunksize,
            sent_bytes,
            received_bytes,
        )

    def _account(self, lanes, began, wall, working):
        """Return where ``n_workers × (startup + wall)`` went; see `Accounting`."""
        in_chunks = sum(done - received for chunks in lanes.values() for received, done in chunks)
        idle_tail = sum(max(0.0, began + wall - max(done for _, done in chunks)) for chunks in lanes.values())
        idle_tail += wall * (self.n_workers - len(lanes))  # workers that never got a chunk
        waiting = self.n_workers * wall - in_chunks - idle_tail
        return Accounting(self.startup * self.n_workers, in_chunks - working, max(0.0, waiting), working, idle_tail)


def dump_chunk(items, first):
    """Return the items pickled; raise NotPicklableError that names the first one at fault."""
    try:
        return pickle.dumps(items, protocol=5)
    except Exception as whole:
        for offset, item in enumerate(items):
            try:
                pickle.dumps(item, protocol=5)
            except Exception as error:
                raise NotPicklableError(
                    f"Item {first + offset} ({safe_repr(item)}) cannot be pickled, so it cannot be sent to a worker"
                    f" process: {error}. Send what it is made of (a path, numbers, text) and build it in the task.",
                    index=first + offset,
                    item=safe_repr(item),
                ) from error
        raise HelpersError(f"Items {first} to {first + len(items) - 1} cannot be pickled together: {whole}") from whole
