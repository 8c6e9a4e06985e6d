"""What is played in the runner for chapter 07: the server, the weights of workers, then round after round.

::

    server (a process)   up before the first run, ended after the last, whatever happens
    weights              USS before and after workers have come up
    rounds               every kind and approach once a round, in random order, the serial loop in each
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import random
import sys
import threading
from contextlib import ExitStack, contextmanager
from functools import cache

import psutil

from helpers import machine
from helpers.course.approach import server, tasks
from helpers.course.approach.runs import Trouble, Weight, count_workers, weigh
from helpers.engines import open_team
from helpers.errors import HelpersError, ResultsDifferError
from helpers.measure.playing import make_run, measure_batch, start_method_of
from helpers.measure.sameness import require_same
from helpers.tasks.worker import say

#: Seconds for the server to come up, and to end.
SERVER_SECONDS, END_SECONDS = 30.0, 2.0
#: Readings of the memory before anything is started, and batches of workers.
N_IDLE, N_BATCHES = 3, 3
#: Workers in a batch: many where one costs little.
BATCH = {"threads": 32, "asyncio": 500, "interpreters": 2}
#: Seconds for a batch to come up.
BATCH_SECONDS = 30.0


@contextmanager
def running_server(start_method):
    """Give the port of a server in a process of its own, which is ended at the end."""
    context = multiprocessing.get_context(start_method)
    heard, teller = context.Pipe(duplex=False)
    process = context.Process(target=server.serve, args=(teller,), daemon=True)
    process.start()
    try:
        teller.close()
        if not heard.poll(SERVER_SECONDS):
            raise TimeoutError(f"The server did not come up within {SERVER_SECONDS:g} s.")
        try:
            port = heard.recv()
        except EOFError:
            raise HelpersError("The server ended before it was up: no address of this machine could be had.") from None
        yield port
    finally:
        heard.close()
        process.terminate()
        process.join(END_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()


def plan_rounds(kinds, approaches, repeats, seed=None):
    """Return [(round, kind, approach)]: every pair in every round, in random order; round 0 is the warm-up.

    The approaches to one kind follow each other, so that all of them meet the same moment of the machine. In the
    warm-up the serial loop is the first, whose results are the reference.

    >>> sorted(plan_rounds(["tiny"], ["serial", "threads"], 1)) == [
    ...     (0, "tiny", "serial"), (0, "tiny", "threads"), (1, "tiny", "serial"), (1, "tiny", "threads")]
    True
    """
    order, visits = random.Random(seed), []
    for number in range(repeats + 1):
        for kind in order.sample(kinds, len(kinds)):
            mixed = order.sample(approaches, len(approaches))
            if number == 0:
                mixed.sort(key=lambda approach: approach != "serial")
            visits += [(number, kind, approach) for approach in mixed]
    return visits


def play_approaches(visits, sizes, counts, start_method, chunksize, weighed):
    """Yield a Weight for each approach in `weighed`, then (kind, Run) or a Trouble for each visit. In the runner.

    `counts` is (n_workers, n_waiting). A pair that fails, or gives other results than the serial loop, yields a
    Trouble and is left out from there on; what the serial loop does wrong is raised.
    """
    facts = machine.machine_report().to_dict()
    cpus = facts["usable_cpus"], facts["logical_cpus"]
    with running_server(start_method) as port:
        for approach in weighed:
            yield weigh_approach(approach, counts[0], start_method)
        expected, given_up = {}, set()
        for number, kind, approach in visits:
            if (kind, approach) in given_up:
                continue
            n_workers = count_workers(kind, approach, *counts)
            items = tasks.make_items(kind, sizes, port)
            try:
                batch, badges = run_visit(kind, approach, items, n_workers, start_method, chunksize, cpus)
                values = batch.values()
                require_same(expected.setdefault(kind, values), values, items, f"by {approach}")
            except Exception as error:
                if approach == "serial":
                    raise
                given_up.add((kind, approach))
                yield Trouble(kind, approach, say_error(error))
                continue
            method = start_method_of(approach, start_method)
            yield kind, make_run(batch, number, approach, n_workers, method, badges)
            del batch, values, items


def run_visit(kind, approach, items, n_workers, start_method, chunksize, cpus):
    """Return (Batch, badges) of one run: asyncio runs the coroutine function, all others the plain one.

    What waits does not need a CPU for each worker: more of them than CPUs are no doubt there.
    """
    plain, coroutine = tasks.find_functions(kind)
    func = coroutine if approach == "asyncio" else plain
    size = 1 if kind != "tiny" and chunksize is None else chunksize  # few tasks of some length: one at a time
    usable, logical = cpus if kind not in tasks.WAITING_KINDS else (None, cpus[1])
    return measure_batch(approach, func, pickled(func), items, n_workers, start_method, size, usable, logical)


@cache
def pickled(func):
    """Return a function pickled, as workers get it."""
    return pickle.dumps(func)


def say_error(error):
    """Return in a line what went wrong in a cell."""
    if isinstance(error, ResultsDifferError):
        return f"gave other results than the serial loop: {say(error)}"
    return (say(error).splitlines() or [type(error).__name__])[0]


# ── what one more worker weighs ──────────────────────────────────────────────────────────────


def weigh_approach(approach, n_workers, start_method):
    """Return the Weight of one more worker; where nothing can be read, with the problem."""
    try:
        if approach == "processes":
            return Weight(approach, weigh_processes(n_workers, start_method))
        idle = [read_uss() for _ in range(N_IDLE)]
        return weigh(approach, idle, GROWERS[approach](BATCH[approach]), BATCH[approach])
    except (psutil.Error, OSError, RuntimeError, HelpersError, TimeoutError) as error:
        return Weight(approach, problem=say_error(error))


def read_uss(pid=None):
    """Return the USS of a process in bytes, by default of this one: the memory that nobody shares with it."""
    return psutil.Process(pid).memory_full_info().uss


def weigh_processes(n_workers, start_method):
    """Return the USS of each of `n_workers` worker processes that have come up and run a task."""
    with open_team("processes", tasks.report_pid, n_workers, start_method, pickled(tasks.report_pid)) as team:
        pids = sorted(set(team.run(list(range(2 * n_workers)), 1).values()))
        return tuple(float(read_uss(pid)) for pid in pids)


def grow_by_threads(n_each):
    """Return the USS after each batch of threads that wait, one batch on top of the other."""
    over, readings, threads = threading.Event(), [], []
    try:
        for _ in range(N_BATCHES):
            up = threading.Barrier(n_each + 1)
            for _ in range(n_each):
                thread = threading.Thread(target=_stand, args=(up, over), daemon=True)
                thread.start()
                threads.append(thread)
            up.wait(BATCH_SECONDS)
            readings.append(read_uss())
    finally:
        over.set()
        for thread in threads:
            thread.join(END_SECONDS)
    return readings


def _stand(up, over):
    up.wait(BATCH_SECONDS)
    over.wait()


def grow_by_tasks(n_each):
    """Return the USS after each batch of asyncio's tasks that wait, one batch on top of the other."""

    async def grow():
        over, readings, waiting = asyncio.Event(), [], []
        for _ in range(N_BATCHES):
            waiting += [asyncio.create_task(over.wait()) for _ in range(n_each)]
            await asyncio.sleep(0)
            readings.append(read_uss())
        over.set()
        await asyncio.gather(*waiting)
        return readings

    return asyncio.run(grow())


def grow_by_interpreters(n_each):
    """Return the USS after each batch of interpreters that have loaded the tasks, one on top of the other."""
    with ExitStack() as teams:
        readings = []
        for _ in range(N_BATCHES):
            team = open_team("interpreters", tasks.add_one, n_each, payload=pickled(tasks.add_one))
            teams.enter_context(team).run([1] * n_each, 1)
            readings.append(read_uss())
        return readings


#: How the memory of a process is seen to grow by workers that share it.
GROWERS = {"threads": grow_by_threads, "asyncio": grow_by_tasks, "interpreters": grow_by_interpreters}


def has_gil():
    """Return whether this Python has a GIL: False for a free-threaded build in which it is off."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()
