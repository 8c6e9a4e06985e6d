"""Processes that share one counter and one lock: a team for measuring, and pairs for examples."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from time import monotonic, perf_counter

from helpers.course.lock.tasks import serve
from helpers.errors import HelpersError, WorkerDiedError
from helpers.runner import describe_exit

#: Seconds between asking the workers and their common start.
HEAD_START = 0.004


class LockTeam:
    """Processes with one counter and one lock in common, up and ready. Leaving the context ends them."""

    def __init__(self, n_workers, start_method, timeout):
        self.n_workers, self.timeout, self.workers = n_workers, timeout, []
        self.context = multiprocessing.get_context(start_method)
        if start_method == "forkserver":
            self.context.set_forkserver_preload(["helpers.course.lock.tasks"])
        self.counter, self.lock = self.context.RawValue("q", 0), self.context.Lock()

    def __enter__(self):
        try:
            for _ in range(self.n_workers):
                here, there = self.context.Pipe()
                process = self.context.Process(target=serve, args=(there, self.counter, self.lock), daemon=True)
                self.workers.append((process, here))
                process.start()
                there.close()
            for worker in self.workers:
                self._receive(*worker)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def run(self, job, arguments):
        """Run `job` in as many workers as there are `arguments`, all beginning together; return [(began, ended,
        value)]."""
        self.counter.value = 0
        used = self.workers[: len(arguments)]
        start = perf_counter() + HEAD_START
        for (_, connection), given in zip(used, arguments, strict=True):
            connection.send((job, start, given))
        replies = [self._receive(*worker) for worker in used]
        for *_, problem in replies:
            if problem is not None:
                raise HelpersError(f"A worker failed:\n{problem}")
        return [reply[:3] for reply in replies]

    def _receive(self, process, connection):
        deadline = monotonic() + self.timeout
        while not connection.poll(0.05):
            if not process.is_alive() and not connection.poll(0):
                raise WorkerDiedError(
                    f"A worker ended by itself: {describe_exit(process.exitcode)}.", exitcode=process.exitcode
                )
            if monotonic() >= deadline:
                raise TimeoutError(f"A worker did not answer within {self.timeout:g} s: all of them were ended.")
        try:
            return connection.recv()
        except EOFError:
            process.join(1)
            raise WorkerDiedError(
                f"A worker ended by itself: {describe_exit(process.exitcode)}.", exitcode=process.exitcode
            ) from None

    def __exit__(self, error_type, error, trace):
        for _, connection in self.workers:
            with suppress(OSError):
                connection.send(None)
        for process, connection in self.workers:
            if process.pid is not None:
                process.join(1.0 if error is None else 0.05)
                if process.is_alive():
                    process.kill()
                    process.join(5)
            connection.close()


def run_together(context, target, *args, n_workers=2, timeout=30.0):
    """Start `n_workers` processes of ``target(*args)``, wait for them, return the seconds it took.

    What is not done after `timeout` seconds is ended. Raises TimeoutError for that, and
    WorkerDiedError if one did not end well. For examples: it starts from the caller's process.
    """
    workers = [context.Process(target=target, args=args, daemon=True) for _ in range(n_workers)]
    began = perf_counter()
    try:
        for worker in workers:
            worker.start()
        deadline = monotonic() + timeout
        for worker in workers:
            worker.join(max(0.0, deadline - monotonic()))
        seconds = perf_counter() - began
        if any(worker.is_alive() for worker in workers):
            raise TimeoutError(
                f"Not all {n_workers} processes were done within {timeout:g} s: something waits for ever. They were"
                " ended."
            )
        bad = [worker.exitcode for worker in workers if worker.exitcode]
        if bad:
            raise WorkerDiedError(f"A process ended with {describe_exit(bad[0])}.", exitcode=bad[0])
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.kill()
                worker.join(5)
    return seconds
