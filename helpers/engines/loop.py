"""An event loop in a thread of its own: for the engines of coroutine functions.

The thread is the loop's own, so that the run ends with its last item though a task holds the loop for ever, closing
takes a few seconds at most, and a program whose own thread runs a loop, such as a notebook's kernel, can use it too.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from math import nan
from time import perf_counter, process_time, thread_time

from helpers.engines.base import CLOSE_DEADLINE, START_DEADLINE, close_within
from helpers.errors import HelpersError
from helpers.tasks.coroutines import LoopUse
from helpers.tasks.loop import IdleSelector, Trace
from helpers.tasks.worker import describe

#: Seconds for tasks that were cancelled to end, and for the loop to say how many there are.
END_SECONDS, LOOK_SECONDS = 1.0, 0.5
#: Times around the loop until what is left is counted: what ends by itself has ended then.
LOOK_ROUNDS = 3


class EventLoop:
    """An event loop in a thread of its own: `start`, `play` once or more, `close`."""

    def __init__(self):
        self.loop = self.selector = self.error = self._playing = None
        self._up, self._done, self._over = threading.Event(), threading.Event(), False
        # what asyncio.to_thread uses, and would make by itself; here, so that it can be ended
        self._threads = ThreadPoolExecutor(thread_name_prefix="asyncio")
        self._thread = threading.Thread(target=self._live, name="helpers-event-loop", daemon=True)

    def start(self):
        """Return when the loop runs; raise HelpersError if it cannot."""
        try:
            self._thread.start()
        except RuntimeError as error:
            raise HelpersError(f"The thread of the event loop could not be started: {error}.") from error
        if not self._up.wait(START_DEADLINE) or self._over:
            raise self._why_over()

    def _live(self):
        try:
            self.loop = self._make_loop()
            self.loop.set_default_executor(self._threads)
            self.loop.call_soon(self._up.set)
            self.loop.run_forever()
        except BaseException as error:
            self.error = error
        self._over = True
        self._up.set()
        if self._playing is not None and not self._done.is_set():  # told before the winding up, which cancels the items
            self._playing.break_off(self._why_over())
        self._wind_up()

    def _make_loop(self):
        """Return a new loop; where loops wait by a selector, with one that counts the seconds."""
        if os.name != "posix":
            return asyncio.new_event_loop()
        self.selector = IdleSelector()
        return asyncio.SelectorEventLoop(self.selector)

    def _why_over(self):
        """Return the error for a loop that has ended before it should."""
        if isinstance(self.error, Exception):
            return self.error
        how = "was stopped by a task" if self.error is None else f"was ended by {describe(self.error, None)[1]}"
        return HelpersError(
            f"The event loop {how} before all items were done. Outside of the items, in a callback or in a task that "
            "the function has started, this ends a whole program: catch it there."
        )

    def play(self, func, items, board, start):
        """Return (Trace, LoopUse) of a run: ``start(loop, trace)`` is called in the loop, and starts it."""
        clocks, kept = [], []
        self._done.clear()

        def end():
            clocks.append(self._read_clocks())
            self._done.set()

        def begin():
            clocks.append(self._read_clocks())
            try:
                kept.append(start(self.loop, trace) if items else end())
            except BaseException as error:
                trace.break_off(error)

        trace = self._playing = Trace(func, items, board, end)
        if self._over:  # since the last run
            raise self._why_over()
        self.loop.call_soon_threadsafe(begin)
        self._done.wait()
        if trace.error is not None:
            raise trace.error if isinstance(trace.error, Exception) else HelpersError(describe(trace.error, None)[3])
        return trace, LoopUse(*(after - before for before, after in zip(*clocks[:2], strict=True)))

    def _read_clocks(self):
        """Return the four clocks of `LoopUse`, from which two readings make one. Called in the loop."""
        now = perf_counter()
        waited = self.selector.seconds if self.selector is not None else nan
        return now, now - waited, thread_time(), process_time()

    def count_left(self):
        """Return how many tasks go on and are not being cancelled; 1 where one holds the loop, so that it is mute."""
        answer, counted = threading.Event(), []

        def look(rounds):
            if rounds:
                self.loop.call_soon(look, rounds - 1)
                return
            counted.append(sum(not task.done() and not task.cancelling() for task in asyncio.all_tasks(self.loop)))
            answer.set()

        if self._over:
            return 0
        self.loop.call_soon_threadsafe(look, LOOK_ROUNDS)
        answer.wait(LOOK_SECONDS)
        return counted[0] if counted else 1

    def close(self):
        """End all tasks, the loop, its thread and its executor, in a few seconds at most; what hangs is left behind."""
        if self._thread.ident is None:
            return
        try:
            self.loop.call_soon_threadsafe(self.loop.stop)
        except (AttributeError, RuntimeError):  # it never came up, or is closed
            pass
        self._thread.join(CLOSE_DEADLINE)
        close_within(CLOSE_DEADLINE, lambda: self._threads.shutdown(wait=True, cancel_futures=True))

    def _wind_up(self):
        """Cancel what is left, as `asyncio.run` does, but wait for it no longer than a second; close the loop."""
        for step in (self._end_tasks, self._end_generators, self._close_loop):
            try:
                step()
            except BaseException:  # what the function's own code does when it is ended is its own affair
                pass

    def _end_tasks(self):
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=END_SECONDS))

    def _end_generators(self):
        self.loop.run_until_complete(asyncio.wait_for(self.loop.shutdown_asyncgens(), END_SECONDS))

    def _close_loop(self):
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.loop.close()
