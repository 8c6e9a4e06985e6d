"""How coroutine functions are run over items: one after the other, or a few at a time. Standard library only.

::

    Trace           which slot ran which item, from when to when, and what came of it
    run_in_order    await one item after the other: the serial loop
    Slots           n items at a time, each in an asyncio.Task of its own
    IdleSelector    what an event loop waits with; it counts the seconds

All of it runs in the thread of one event loop. Each item has a task of its own, and a slot takes its next item when
that task is done. So what an item does to its task (it cancels it, sets context variables, or cancels all there are)
is of no other item, there are never more tasks than slots however many items there are, and in a slot there is one
item at a time: its stamps never overlap.
"""

import asyncio
import functools
import os
import selectors
from array import array
from time import perf_counter

from helpers.tasks.worker import describe, end_forked_child, refuse_awaitables


class IdleSelector(selectors.DefaultSelector):
    """What an event loop waits with: ``seconds`` is how long it has waited so far.

    A forked child of a task that comes back here would go on with a copy of the loop: it ends.
    """

    def __init__(self):
        super().__init__()
        self.seconds, self._owner = 0.0, os.getpid()

    def select(self, timeout=None):
        """Return what is ready, as every selector."""
        if os.getpid() != self._owner:
            os._exit(0)
        began = perf_counter()
        try:
            return super().select(timeout)
        finally:
            self.seconds += perf_counter() - began


class Trace:
    """What came of each item, in columns by item: slots, stamps, results; and failures.

    Parameters
    ----------
    func : coroutine function
    items : list
    board : sequence of int
        A place for each slot: the item it is at, plus one.
    on_end : callable
        Called in the loop as soon as the last item has ended, whatever else the loop has to do.
    """

    def __init__(self, func, items, board, on_end):
        count = len(items)
        self.func, self.items, self.board, self.on_end = func, items, board, on_end
        self.slots = array("H", bytes(2 * count))
        self.started, self.finished = array("d", bytes(8 * count)), array("d", bytes(8 * count))
        self.results, self.failures = [None] * count, {}
        self.to_do, self.error = count, None

    async def run(self, index, slot):
        """Await the function on one item. Whatever it raises is the item's failure."""
        item = self.items[index]
        try:
            self.board[slot] = index + 1
            self.slots[index] = slot
            self.started[index] = perf_counter()
            try:
                self.results[index] = await self.func(item)
            except BaseException as error:
                self.finished[index] = perf_counter()
                self.failures[index] = describe(error, item)
            else:
                self.finished[index] = perf_counter()
            self.board[slot] = 0
        except ValueError:
            end_forked_child()
            raise
        self.to_do -= 1
        if not self.to_do:
            self.on_end()

    def give_up(self, index, slot, error):
        """Note the failure of an item whose task has ended without running it, or within `run`."""
        now = perf_counter()
        self.slots[index], self.finished[index] = slot, now
        self.started[index] = self.started[index] or now
        self.failures[index] = describe(error, self.items[index])
        self.to_do -= 1
        if not self.to_do:
            self.on_end()

    def break_off(self, error):
        """End the run: no further item can be started, or the one who awaits them is gone."""
        self.error = self.error or error
        self.on_end()

    def check_results(self):
        """Make failures of results that are coroutines nobody has awaited."""
        refuse_awaitables(self.results, self.items, 0, self.failures)


async def run_in_order(trace):
    """Await one item after the other: the plain loop. A cancellation that an item leaves behind is of that item."""
    task = asyncio.current_task()
    for index in range(len(trace.items)):
        await trace.run(index, 0)
        if task.cancelling():
            await calm(task)


async def calm(task):
    """Take back every cancellation of `task`, the running one, that was asked for and has not come."""
    while task.cancelling():
        task.uncancel()
    try:
        await asyncio.sleep(0)  # before 3.13 it comes here all the same
    except asyncio.CancelledError:
        pass


def start_in_order(loop, trace):
    """Start `run_in_order`; return what keeps it alive. Called in the loop."""

    def ended(task):
        if trace.to_do:
            trace.break_off(error_of(task))

    task = loop.create_task(run_in_order(trace))
    task.add_done_callback(ended)
    return task


class Slots:
    """Runs the items of a Trace, `n_slots` at a time. Made and used in the loop; keep it as long as it runs."""

    def __init__(self, loop, trace, n_slots):
        self.loop, self.trace = loop, trace
        self.coming = iter(range(len(trace.items)))
        self.tasks = [None] * min(n_slots, len(trace.items))  # the loop itself keeps no task alive
        for slot in range(len(self.tasks)):
            self._go_on(slot)

    def _go_on(self, slot):
        """Start the next item, if there is one, in a slot that is free."""
        index = next(self.coming, None)
        if index is None or self.trace.error is not None:
            self.tasks[slot] = None
            return
        try:
            task = self.tasks[slot] = self.loop.create_task(self.trace.run(index, slot))
            task.add_done_callback(functools.partial(self._after, index, slot))
        except BaseException as error:  # a task can replace what makes tasks
            self.trace.break_off(error)

    def _after(self, index, slot, task):
        if not self.trace.finished[index]:
            self.trace.give_up(index, slot, error_of(task))
        self._go_on(slot)


def error_of(task):
    """Return why a task that is done has not done what it should."""
    if task.cancelled():
        return asyncio.CancelledError("its task was cancelled before it began")
    return task.exception() or RuntimeError("its task ended before it was done")
