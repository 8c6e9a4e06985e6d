"""The engine of Python 3.14 and later: one interpreter a thread, each with a GIL of its own."""

from __future__ import annotations

import os
from multiprocessing import process
from time import perf_counter

from helpers.engines.base import CLOSE_DEADLINE, START_DEADLINE, Team, close_within, dump_chunk
from helpers.errors import EngineUnavailableError
from helpers.tasks.interpreter import ARRIVED, arrive, start_interpreter
from helpers.tasks.worker import run_chunk

ENDED = b"e"


class InterpretersTeam(Team):
    """`concurrent.futures.InterpreterPoolExecutor`. A worker cannot die alone: it is a thread."""

    pool = None

    def _open(self):
        from concurrent.futures import InterpreterPoolExecutor

        config = process.current_process()._config
        place = {name: config[name] for name in ("tempdir", "semprefix") if name in config}
        start = {"initializer": start_interpreter, "initargs": (self.payload, place)}
        self.pool = InterpreterPoolExecutor(self.n_workers, **start)
        pipes = [os.pipe() for _ in range(3)]
        (slots, slots_in), (arrived, arrived_in), (go, go_in) = pipes
        try:
            os.write(slots_in, bytes(range(self.n_workers)))
            arrivals = [self.pool.submit(arrive, slots, arrived_in, go) for _ in range(self.n_workers)]
            for arrival in arrivals:  # one that ends without arriving must not be waited for
                arrival.add_done_callback(lambda _: os.write(arrived_in, ENDED))
            all_here = all(os.read(arrived, 1) == ARRIVED for _ in arrivals)
            os.write(go_in, bytes(self.n_workers))
            problems = [arrival.exception(START_DEADLINE) or arrival.result() for arrival in arrivals]
        finally:
            for ends in pipes:
                for fd in ends:
                    os.close(fd)
        problem = next(filter(None, problems), None)
        if problem is not None or not all_here:
            raise EngineUnavailableError(
                f"The function does not load in an interpreter of its own: {problem}. "
                "Modules with compiled code often do not: use processes.",
                engine="interpreters",
            )

    def _run_chunks(self, items, chunksize):
        handed, sent_bytes = [], 0
        for first in range(0, len(items), chunksize):
            payload = dump_chunk(items[first : first + chunksize], first)
            sent_bytes += len(payload)
            handed.append((first, perf_counter(), self.pool.submit(run_chunk, first, payload)))
        return ((first, queued, future.result()) for first, queued, future in handed), sent_bytes

    def _close(self, broken):
        if self.pool is not None:
            close_within(CLOSE_DEADLINE, lambda: self.pool.shutdown(wait=not broken, cancel_futures=True))
