"""Engines whose workers share the process: the plain serial loop, and threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time

from helpers.engines.base import CLOSE_DEADLINE, START_DEADLINE, Team, close_within
from helpers.errors import HelpersError
from helpers.runner import inside
from helpers.tasks.worker import own_board, run_chunk_here
from helpers.words import plural


def board_for(n_workers):
    """Return the runner's board, or a private one outside a runner: a slot a worker."""
    if inside.board is not None and n_workers <= len(inside.board):
        return own_board(inside.board)
    return own_board(memoryview(bytearray(8 * n_workers)).cast("q"))


class SerialTeam(Team):
    """The plain loop in this process: the baseline of every comparison."""

    def _open(self):
        self.board = board_for(1)

    def _run_chunks(self, items, chunksize):
        queued = perf_counter()
        return [(0, queued, run_chunk_here(self.func, 0, items, self.board, 0, process_time))], 0

    def _close(self, broken):
        pass


class ThreadsTeam(Team):
    """`concurrent.futures.ThreadPoolExecutor`. Nothing is pickled; the GIL is shared."""

    def _open(self):
        self.board = board_for(self.n_workers)
        self.slots = threading.local()
        barrier = threading.Barrier(self.n_workers)
        self.pool = ThreadPoolExecutor(self.n_workers, thread_name_prefix="helpers-worker")

        def arrive():
            self.slots.number = barrier.wait(START_DEADLINE)

        try:
            for arrival in [self.pool.submit(arrive) for _ in range(self.n_workers)]:
                arrival.result()
        except RuntimeError as error:
            raise HelpersError(
                f"{plural(self.n_workers, 'thread')} could not be started: {error}. Ask for fewer workers."
            ) from error

    def _run_chunks(self, items, chunksize):
        def run(first):
            return run_chunk_here(self.func, first, items[first : first + chunksize], self.board, self.slots.number)

        handed = []
        for first in range(0, len(items), chunksize):
            handed.append((first, perf_counter(), self.pool.submit(run, first)))
        return [(first, queued, future.result()) for first, queued, future in handed], 0

    def _close(self, broken):
        if getattr(self, "pool", None) is not None:
            close_within(CLOSE_DEADLINE, lambda: self.pool.shutdown(wait=not broken, cancel_futures=True))
