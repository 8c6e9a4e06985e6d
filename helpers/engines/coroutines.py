"""Engines of coroutine functions: the serial loop, and asyncio. asyncio itself is imported when a team is made."""

from __future__ import annotations

from abc import abstractmethod
from time import perf_counter

from helpers.engines.base import Batch, Team
from helpers.engines.local import board_for
from helpers.records import Failure, Timeline, account_tasks


class LoopTeam(Team):
    """What the engines of coroutine functions share. Nothing is pickled, and items are taken one at a time."""

    def __init__(self, func, payload, n_workers, start_method):
        super().__init__(func, payload, n_workers, start_method)
        from helpers.engines.loop import (
            EventLoop,
        )  # here: a program that needs no loop loads none, and it is no start-up

        self.loop, self.board = EventLoop(), board_for(n_workers)

    def _open(self):
        self.loop.start()

    @abstractmethod
    def _start(self, loop, trace):
        """Start the items of `trace`; return what must be kept while they run. Called in the loop."""

    def run(self, items, chunksize=None):
        """Run the function on every item of the list `items` and return the Batch; `chunksize` plays no part."""
        began = perf_counter()
        trace, use = self.loop.play(self.func, items, self.board, self._start)
        wall = perf_counter() - began
        use = use._replace(left=self.loop.count_left())
        trace.check_results()
        stamps = trace.slots, began, trace.started, trace.finished
        line = Timeline.of_tasks(*stamps, origin=began - self.startup, cpu=use.process_cpu)
        failures = {index: Failure(index, *facts) for index, facts in sorted(trace.failures.items())}
        account = account_tasks(line, self.n_workers, 1, self.startup, wall)
        facts = line, account, self.startup, wall, use.process_cpu
        return Batch(trace.results, failures, *facts, chunksize=1, loop=use)

    def _close(self, broken):
        self.loop.close()


class AwaitingTeam(LoopTeam):
    """The plain loop of a coroutine function: await one item after the other."""

    def _start(self, loop, trace):
        from helpers.tasks.loop import start_in_order

        return start_in_order(loop, trace)


class AsyncioTeam(LoopTeam):
    """`asyncio`: as many tasks at a time as there are workers, all in one thread, which runs one of them at a time."""

    def _start(self, loop, trace):
        from helpers.tasks.loop import Slots

        return Slots(loop, trace, self.n_workers)
