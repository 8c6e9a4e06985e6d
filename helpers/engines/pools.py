"""Engines of worker processes: `ProcessPoolExecutor`, `multiprocessing.Pool` and `multiprocess.Pool`.

All three hand chunks to the same worker loop (helpers.tasks.worker), so that they differ in
nothing but themselves.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing import connection
from time import perf_counter

from helpers.engines.base import CLOSE_DEADLINE, START_DEADLINE, Team, close_within, dump_chunk, unpack_results
from helpers.errors import HelpersError, WorkerDiedError
from helpers.notebook import module_of
from helpers.runner import describe_exit, installed_first, prepare_library
from helpers.tasks.worker import report_ready, run_chunk, safe_repr, start_worker
from helpers.words import plural


def blame(exitcodes, slot_pids, board):
    """Return (exit code, tasks) of the worker that ended by itself: the tasks that the board says it can have been at.

    The executor ends the workers of a broken pool with SIGTERM, so one that ended in another way was the first. Where
    all ended by SIGTERM, each may have been.

    Parameters
    ----------
    exitcodes : dict of int
        By pid, of the workers that have ended.
    slot_pids : dict of int
        The pid of each slot's worker.
    board : sequence of int
        By slot, the index of the item it is at, plus one; 0 between chunks.
    """
    own = [pid for pid, code in exitcodes.items() if code != -signal.SIGTERM]
    suspects = own[:1] or list(exitcodes)
    tasks = sorted(board[slot] - 1 for slot, pid in slot_pids.items() if pid in suspects and board[slot])
    return (exitcodes[suspects[0]] if suspects else None), tasks


class ProcessTeam(Team):
    """What the engines of worker processes share: coming up, slots, and explaining a death."""

    def _multiprocessing(self):
        """Return the package whose contexts and processes the engine uses."""
        return multiprocessing

    def _open(self):
        package = self._multiprocessing()
        prepare_library(package.__name__)
        self.context = package.get_context(self.start_method)
        if self.start_method == "forkserver":
            self._preload()
        before = self.before = set(package.active_children())
        try:
            barrier = self.context.Barrier(self.n_workers)
            self.board = self.context.RawArray("q", self.n_workers)
            self._start_pool((self.payload, barrier, self.board))
            answers = self._ask_all(before)
        except OSError as error:
            raise HelpersError(
                f"{plural(self.n_workers, 'worker process')} could not be started: {error}. Ask for fewer workers, "
                "close other programs, or make room in shared memory and in the folder for temporary files."
            ) from error
        self.slot_pids = {}
        for slot, pid, _ready, problem in answers:
            if problem is not None:
                raise HelpersError(f"A {self.start_method} worker could not load the function: {problem}")
            self.slot_pids[slot] = pid

    def _preload(self):
        """Have the fork server import once what every worker would import by itself."""
        package = self._multiprocessing().__name__
        used = [f"{package}.{part}" for part in ("pool", "queues", "sharedctypes", "synchronize")]
        module = module_of(self.func)
        self.context.set_forkserver_preload(
            [*used, "concurrent.futures.process", "helpers.tasks.worker", *([module] if module else [])]
        )
        path = list(sys.path)
        sys.path[:] = installed_first(path)  # what the server itself imports are not the reader's files
        try:
            import_module(f"{package}.forkserver").ensure_running()
        finally:
            sys.path[:] = path

    def _ask_all(self, before):
        self.processes = []
        pending = [self._submit(report_ready, START_DEADLINE) for _ in range(self.n_workers)]
        self.processes = [p for p in self._multiprocessing().active_children() if p not in before]
        return [self._await(answer, {}) for answer in pending]

    def _run_chunks(self, items, chunksize):
        self.items = items
        handed, sent_bytes = [], 0
        for first in range(0, len(items), chunksize):
            payload = dump_chunk(items[first : first + chunksize], first)
            sent_bytes += len(payload)
            try:
                handed.append((first, perf_counter(), self._submit(run_chunk, first, payload)))
            except BrokenProcessPool:  # a worker died while the others' chunks were handed over
                break
        return self._await_all(handed, chunksize), sent_bytes

    def _await_all(self, handed, chunksize):
        """Yield (first, queued, Reply) in the order of the items, each as soon as it is there."""
        results = {}
        for first, queued, answer in handed:
            reply = self._await(answer, results)
            if reply.times is None:
                raise HelpersError(
                    f"Items from {first} on could not be unpickled in a worker: {reply.results[1]}: {reply.results[2]}"
                )
            results[first] = reply
            yield first, queued, reply
        if len(results) * chunksize < len(self.items):
            raise self._death(results)

    def _death(self, results):
        """Return the WorkerDiedError for the worker that ended by itself."""
        # The executor ends the others with SIGTERM, and a pool's own thread asks its workers for their exit codes ten
        # times a second: two threads that ask at once can get 255 of a worker of a fork server, in all Pythons so far.
        time.sleep(0.2)
        exitcodes = {p.pid: p.exitcode for p in self.processes if p.exitcode is not None}
        exitcode, tasks = blame(exitcodes, getattr(self, "slot_pids", {}), self.board)
        items = [safe_repr(self.items[task]) for task in tasks]
        last, item = (tasks[0], items[0]) if len(tasks) == 1 else (None, None)
        kept = {}
        for chunk_first, reply in results.items():
            kept.update(enumerate(unpack_results(reply, chunk_first, self.items)[0], chunk_first))
        places = [f"item {task}, which is {item}" for task, item in zip(tasks, items, strict=True)]
        where = f" while it worked on {' or '.join(places)}" if places else ""
        memory = ", or give the workers more memory" if exitcode == -getattr(signal, "SIGKILL", 9) else ""
        alone = "that item" if len(tasks) == 1 else "each item"
        return WorkerDiedError(
            f"A worker process ended{where}: {describe_exit(exitcode)}. "
            f"{plural(len(kept), 'result')} that came back before can be had in error.results. Run "
            f"{alone} alone in the serial loop to see why{memory}.",
            exitcode=exitcode,
            last_task=last,
            item=item,
            results=kept,
        )

    def _kill_workers(self):
        """Kill all workers, those that replaced others too."""
        later = [p for p in self._multiprocessing().active_children() if p not in self.before]
        for process in {*getattr(self, "processes", []), *later}:
            process.kill()


class ProcessesTeam(ProcessTeam):
    """`concurrent.futures.ProcessPoolExecutor`. A dead worker breaks the pool at once."""

    pool = None

    def _start_pool(self, initargs):
        self.pool = ProcessPoolExecutor(
            self.n_workers, mp_context=self.context, initializer=start_worker, initargs=initargs
        )

    def _submit(self, func, *args):
        return self.pool.submit(func, *args)

    def _await(self, future, results):
        try:
            return future.result()
        except BrokenProcessPool:
            raise self._death(results) from None

    def _close(self, broken):
        if self.pool is None:
            return
        if broken:
            self._kill_workers()
        close_within(CLOSE_DEADLINE, lambda: self.pool.shutdown(wait=True, cancel_futures=True), self._kill_workers)


class PoolTeam(ProcessTeam):
    """`multiprocessing.Pool`. It replaces a dead worker and never ends: its workers are watched here."""

    pool = None

    def _start_pool(self, initargs):
        self.pool = self.context.Pool(self.n_workers, start_worker, initargs)

    def _submit(self, func, *args):
        return self.pool.apply_async(func, args)

    def _await(self, answer, results):
        while not answer.ready():
            answer.wait(0.02)
            if not answer.ready() and connection.wait([process.sentinel for process in self.processes], 0):
                answer.wait(0.05)
                if not answer.ready():
                    raise self._death(results)
            if not answer.ready() and not self.pool._result_handler.is_alive():
                raise HelpersError(
                    "What the workers sent back cannot be read: a task wrote into the descriptors of its process. Open "
                    "files by name, and write to what you have opened."
                )
        return answer.get()

    def _close(self, broken):
        if self.pool is None:
            return
        if broken:
            self._kill_workers()  # and no terminate(): it can wait for a lock that a dead worker holds
        else:
            close_within(CLOSE_DEADLINE, self._terminate, self._kill_workers)

    def _terminate(self):
        self.pool.terminate()
        self.pool.join()


class MultiprocessTeam(PoolTeam):
    """`multiprocess.Pool`, whose processes understand functions sent by value with dill."""

    def _multiprocessing(self):
        import multiprocess

        return multiprocess
