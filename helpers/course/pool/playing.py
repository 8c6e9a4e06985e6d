"""What is played in the runner for chapter 02: the serial loop, then the pool, both watched while they go.

::

    main thread    looks at the board, yields PoolProgress, waits for the nod
    second thread  pool.map(…), imap(…), … and notes each result's arrival

The board is memory that the workers write and the runner reads: looking costs the workers nothing.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from array import array
from dataclasses import replace
from time import perf_counter

from helpers.course.pool import tasks as uneven
from helpers.course.pool.runs import PoolProgress, PoolRound, PoolRun, PoolStamps, as_timeline, read_run
from helpers.engines.base import START_DEADLINE
from helpers.errors import HelpersError, ResultsDifferError, WorkerDiedError
from helpers.machine import usable_cpus
from helpers.measure import Watch
from helpers.records import unite_badges
from helpers.runner import describe_exit
from helpers.words import plural

#: Seconds between two looks at the board.
LOOK_EVERY = 0.05


def play_pool(plan, timeout, live):
    """Yield PoolProgress and, after each round, the PoolRun of a PoolPlan so far. Runs in the runner."""
    bring_up_server(multiprocessing.get_context(plan.start_method))
    rate = uneven.count_loops_per_ms() if plan.kind == "computing" else None
    tasks = list(enumerate(plan.sizes_ms if rate is None else [round(size * rate) for size in plan.sizes_ms]))
    computes, rounds, cpus = plan.kind == "computing", [], usable_cpus()
    watches = Watch(computes=computes), Watch(plan.n_workers, computes=computes)
    for number in range(1, plan.repeats + 1):
        record = yield from _play_round(plan, tasks, number, timeout, live, watches)
        rounds.append(PoolRound(record.serial, record.run.startup, record.run.wall))
        noted = unite_badges(*(watch.badges for watch in watches))
        yield replace(record, rounds=tuple(rounds), noted=noted, usable_cpus=cpus)


def bring_up_server(context):
    """Start the fork server of a context and let it import the tasks; the other start methods have none.

    It comes up once in a program, with the first process: so no pool's start-up holds that of the server.
    """
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload([uneven.__name__])
        first = context.Process(target=uneven.burn, args=(1,))
        first.start()
        first.join()


def _play_round(plan, tasks, number, timeout, live, watches):
    """Yield PoolProgress through round `number`, the serial loop and then the pool; return its PoolRun."""
    board, values, serial = array("d", bytes(32 * plan.n_tasks)), {}, 0.0

    def look(phase, now, columns, **more):
        sizes = plan.expected, plan.n_tasks, plan.chunksize
        return PoolProgress(phase, now, *sizes, columns, round=number, **more)

    for serial in _play_serial(tasks, plan.kind, timeout, live, board, values, watches[0]):
        yield look("serial", serial, board)
    with _PlayedPool(plan, tasks) as played, watches[1]:
        for now in played.start():
            if live:
                yield look("starting", now, array("d", bytes(32 * plan.n_tasks)))
        startup = max(played.ready) - played.asked
        for now in played.play(timeout):
            if live:
                seen = {"origin": played.asked, "arrived": array("d", played.arrived), "startup": startup}
                yield look("pool", now, array("d", played.board), **seen)
    require_same(values, played.values)
    run, arrived = read_run(plan, played.stamps(), number)
    facts = run, serial, as_timeline(board, 0.0, 0.0), arrived
    return PoolRun(plan.flavour, plan.kind, plan.sizes_ms, *facts, repeats=plan.repeats)


def require_same(serial, pool):
    """Raise ResultsDifferError if the pool gave another result for a task than the serial loop."""
    for place, value in serial.items():
        if pool.get(place) != value:
            words = f"Task {place} gave another result in the pool than in the serial loop."
            raise ResultsDifferError(words, index=place)


def _play_serial(tasks, kind, timeout, live, board, values, watch):
    """Do the tasks one after the other, watched; yield the seconds so far, time between yields left out."""
    with watch:
        n_tasks, gone, began, looked = len(tasks), 0.0, perf_counter(), perf_counter()
        for place, amount in tasks:
            values[place] = uneven.note_task(board, n_tasks, 0, kind, place, amount)
            for column in (n_tasks, 2 * n_tasks):
                board[column + place] -= began - gone
            now = perf_counter()
            if gone + now - began > timeout:
                raise TimeoutError(f"The serial loop did not end within {timeout:g} s: take fewer or shorter tasks.")
            if live and now - looked >= LOOK_EVERY:
                gone += now - began
                with watch.paused():
                    yield gone
                began = looked = perf_counter()
        gone += perf_counter() - began
    yield gone


class _PlayedPool:
    """A pool, the thread that calls it, and the board on which its workers note what they do."""

    def __init__(self, plan, tasks):
        self.plan, self.tasks = plan, tasks
        self.arrived, self.values, self.error, self.pool = array("d", bytes(8 * len(tasks))), {}, None, None

    def __enter__(self):
        context, n_workers = multiprocessing.get_context(self.plan.start_method), self.plan.n_workers
        self.board, self.ready = context.RawArray("d", 4 * len(self.tasks)), context.RawArray("d", n_workers)
        before = set(multiprocessing.active_children())
        given = (self.board, self.ready, context.Value("q", 0), self.plan.kind)
        self.asked = perf_counter()
        try:
            self.pool = context.Pool(n_workers, uneven.start_lane, given)
        except OSError as error:
            words = f"{plural(n_workers, 'worker process')} could not be started: {error}. Ask for fewer workers."
            raise HelpersError(words) from error
        self.processes = [process for process in multiprocessing.active_children() if process not in before]
        return self

    def __exit__(self, *_error):
        if self.error is None:
            self.pool.terminate()
            self.pool.join()

    def start(self):
        """Yield the seconds gone until all workers are ready."""
        looked = perf_counter()
        while not all(self.ready):
            time.sleep(0.001)
            if perf_counter() - self.asked > START_DEADLINE:
                workers = plural(self.plan.n_workers, "worker")
                raise HelpersError(f"{workers} did not come up within {START_DEADLINE:g} s: ask for fewer.")
            if perf_counter() - looked >= LOOK_EVERY:
                yield perf_counter() - self.asked
                looked = perf_counter()

    def play(self, timeout):
        """Hand over the tasks; yield the seconds gone since the workers were asked for, until all results are there."""
        thread = threading.Thread(target=self._call, name="helpers-pool-caller", daemon=True)
        self.began = perf_counter()
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_EVERY)
            if not thread.is_alive():
                break
            self._require_health(timeout)
            yield perf_counter() - self.asked
        if self.error is not None:
            raise self.error

    def _require_health(self, timeout):
        """Raise, and keep, what stands in the way of going on: a worker is gone, or time is up."""
        if dead := [process for process in self.processes if process.exitcode is not None]:
            words = f"A worker of the pool ended by itself ({describe_exit(dead[0].exitcode)})."
            self.error = WorkerDiedError(words, exitcode=dead[0].exitcode)
            raise self.error
        if perf_counter() - self.began > timeout:
            self.error = TimeoutError(f"The pool did not end within {timeout:g} s: take fewer or shorter tasks.")
            raise self.error

    def _call(self):
        """Hand the tasks to the pool, as a program would, and note when each result is here."""
        flavour, chunksize = self.plan.flavour, self.plan.chunksize
        try:
            if flavour == "map":
                self._keep(self.pool.map(uneven.run_noted, self.tasks, chunksize))
            elif flavour == "starmap":
                self._keep(self.pool.starmap(uneven.run_noted_pair, self.tasks, chunksize))
            elif flavour == "apply_async":
                self._call_one_by_one()
            else:
                for reply in getattr(self.pool, flavour)(uneven.run_noted, self.tasks, chunksize):
                    self._keep([reply])
            self.ended = perf_counter()
        except Exception as error:
            self.error = error

    def _call_one_by_one(self):
        answers = [
            self.pool.apply_async(uneven.run_noted, (task,), callback=lambda reply: self._keep([reply]))
            for task in self.tasks
        ]
        for answer in answers:
            answer.get()

    def _keep(self, replies):
        now = perf_counter()
        for place, value in replies:
            self.arrived[place] = now
            self.values[place] = value

    def stamps(self):
        """Return the PoolStamps of the run that has ended."""
        return PoolStamps(
            self.asked, tuple(self.ready), self.began, self.ended, array("d", self.arrived), array("d", self.board)
        )
