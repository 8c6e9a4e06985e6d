"""`sweep` and `run_once`: plan the visits, have them played in the runner, collect the runs."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from helpers import machine, runner
from helpers.arguments import check_callback, check_choices, check_count, check_watch
from helpers.engines import ENGINES, check_engine, max_workers, usual_engines
from helpers.engines.registry import SHARING, STARTING
from helpers.errors import HelpersError, WorkerDiedError
from helpers.measure.handing import check_counts, check_items, check_settings, pack_function, pack_items
from helpers.measure.playing import STOPPED_BATCH, play_batch, play_visits
from helpers.measure.problems import LEAST_SECONDS, Setback, allow_seconds, load_error, set_back_runner
from helpers.notebook import function_name, source_stamp
from helpers.records import Problem, Run, Sweep
from helpers.tasks.worker import safe_repr

#: The first visit of a play that goes on after a problem.
REFERENCE = (0, "serial", 1)


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: what `on_progress` gets after each run, while the next one waits.

    ``done`` counts the runs, and those left out because their pair has a problem. ``run`` is the one that ended;
    None at the beginning, and where ``problem`` is what came of it.
    """

    done: int
    total: int
    seconds_left: float | None
    run: Run | None
    sweep: Sweep
    problem: Problem | None = None


def plan_visits(engines, counts, repeats, seed=None):
    """Return [(round, engine, n_workers)]: the serial loop in every round, each round in random order.

    Round 0 is the warm-up; it begins with the serial loop, whose results are the reference.
    """
    pairs = [("serial", 1)] + [(engine, n) for engine in engines if engine != "serial" for n in counts]
    order = random.Random(seed)
    visits = []
    for number in range(repeats + 1):
        mixed = pairs[1:]
        order.shuffle(mixed)
        mixed.insert(0 if number == 0 else order.randrange(len(pairs)), pairs[0])
        visits += [(number, *pair) for pair in mixed]
    return visits


def sweep(
    func,
    items,
    *,
    engines=None,
    n_workers=(1, 2, 4),
    start_method=None,
    chunksize=None,
    repeats=5,
    timeout=None,
    on_progress=None,
    should_stop=None,
    on_start=None,
):
    """Return a Sweep: `func` over `items`, by every engine with every number of workers.

    The serial loop is always measured too. Everything runs in a process of its own (see
    helpers.runner), never in the caller's. Assumes that `func` gives the same result for the
    same item every time, and that calling it again is harmless: it is called
    ``(1 + engines × counts) × (repeats + 1)`` times an item, each time with a fresh copy of the item.

    A pair (engine, n_workers) that fails, gives other results than the serial loop, or passes its
    deadline is a finding, not the end: ``sweep.problems`` says why, and the others go on, in a fresh
    process, which begins with runs that are not counted. Only what the serial loop itself does
    wrong ends a sweep, and problems in every pair.

    Parameters
    ----------
    func : callable
        Of one argument. For `processes`, `pool` and `interpreters` it must be importable: a
        module's, or from a ``%%worker`` cell. A coroutine function runs by `asyncio` alone, and its serial loop
        awaits one item after the other in one event loop.
    items : iterable
        At most 5 million; a generator is read to its end first.
    engines : names, of `helpers.engines.ENGINES`; None takes serial, threads and processes, of a coroutine function
        serial and asyncio
    n_workers : int or several, 1 to `helpers.engines.max_workers()`; of asyncio the tasks at a time, tens of thousands
    start_method : "fork", "forkserver", "spawn"; None is forkserver where there is one, else spawn
    chunksize : int, items handed over at once; None takes four chunks a worker, as `Pool.map`; asyncio takes one
    repeats : int, 1 to 1000; rounds after the warm-up. Intervals need 3.
    timeout : float, seconds one run of all items may take, its start included. None: the first serial loop
        may take as long as it does (and can be stopped); every other run 20 times that, at least 30 s, with
        a minute more for engines that start processes, and 2 ms a chunk where there are very many.
    on_progress : callable of a `Progress`, called between runs
    should_stop : callable; once it returns True everything ends and what was measured is returned
    on_start : callable of the `Play`, for ``stop()`` of the latest from another thread; called again for the
        fresh one after a problem

    Raises
    ------
    InvalidArgumentError, NotImportableError, NotPicklableError, EngineUnavailableError
        Before anything is started.
    TaskFailedError, WorkerDiedError, ResultsDifferError, TimeoutError
        In the serial loop, or in every pair: then it is the first one's. ``error.sweep`` holds what was
        measured before.

    Chapter 00; the method follows Georges, Buytaert & Eeckhout, "Statistically rigorous Java
    performance evaluation" (2007), in what it repeats and how it states intervals.
    """
    check_callback("on_progress", on_progress)
    result = None
    for progress in sweep_steps(
        func,
        items,
        engines=engines,
        n_workers=n_workers,
        start_method=start_method,
        chunksize=chunksize,
        repeats=repeats,
        timeout=timeout,
        should_stop=should_stop,
        on_start=on_start,
    ):
        result = progress.sweep
        if on_progress is not None:
            on_progress(progress)
    return result


def sweep_steps(
    func,
    items,
    *,
    engines,
    n_workers,
    start_method=None,
    chunksize=None,
    repeats=5,
    timeout=None,
    should_stop=None,
    on_start=None,
):
    """Yield a Progress before the first run and after each; the next run waits for the caller.

    Parameters and errors as in `sweep`; ends early, without an error, when stopped.
    """
    items = check_items(items, least=1)
    engines = check_choices("engine", usual_engines(func) if engines is None else engines, ENGINES, least=0)
    payload = pack_function(func)
    for engine in engines:
        check_engine(engine, func)
    repeats = check_count("repeats", repeats, 1, 1000)
    visits = plan_visits(engines, check_counts(n_workers, engines), repeats)
    method, chunksize, timeout = check_settings(start_method, chunksize, timeout)
    check_watch(timeout, should_stop, on_start)
    packed_items = pack_items(items, timeout)
    environment = machine.machine_report().to_dict()
    notes = Notes(function_name(func), items, environment, visits, chunksize, timeout)
    cpus = environment["usable_cpus"], environment["logical_cpus"]
    plan = payload, packed_items, method, chunksize, *cpus
    watch = {"key": source_stamp(func), "should_stop": should_stop}
    first = None
    yield notes.progress()
    while notes.to_come and not notes.stopped:
        setback = yield from play_on(notes, plan, watch, on_start)
        if setback is None:  # played to the end, or stopped
            return
        first = first or setback
        notes.give_up(setback.problem)
        yield notes.progress(problem=setback.problem)
        if notes.hopeless:
            problem = first.problem
            raise explain(load_error(first), (problem.round, *problem.pair), items, notes.sweep())


def play_on(notes, plan, watch, on_start):
    """Yield a Progress after each visit still to come; return the Setback that ended the play, None for none.

    A play that goes on after a problem is in a fresh process, and begins with visits that are not counted.
    """
    payload, packed_items, *settings = plan
    notes.uncounted = introduce(notes.to_come) if notes.problems else []
    records = runner.play(
        play_visits,
        *(payload, packed_items, notes.uncounted + notes.to_come, *settings),
        timeout=notes.seconds_allowed,
        on_start=lambda playing: notes.hold(playing, on_start),
        **watch,
    )
    try:
        for record in records:
            if isinstance(record, Setback):
                return record
            if notes.uncounted:
                del notes.uncounted[0]
                continue
            notes.take(record)
            yield notes.progress(record)
    except (HelpersError, TimeoutError) as error:
        visit = notes.next_visit()
        if visit is None:  # all is measured
            return None
        if visit[1] == "serial":
            raise explain(error, visit, notes.items, notes.sweep()) from error.__cause__
        return set_back_runner(error, visit, notes.seconds_allowed(), None if notes.timeout else notes.serial_wall())
    finally:
        records.close()  # after a problem it ends the runner, and whatever hangs there
    return None


def introduce(to_come):
    """Return the visits with which a fresh process begins; their runs are not counted.

    First the serial loop, whose results are the reference. Then one visit of each engine that starts processes,
    unless its next one is a warm-up anyway: the first start pays for a fork server and what that imports.
    """
    firsts = {engine: (number, engine, n_workers) for number, engine, n_workers in reversed(to_come)}
    return [REFERENCE, *(visit for visit in firsts.values() if visit[1] in STARTING and visit[0] > 0)]


class Notes:
    """What is known of a sweep on its way: its runs and problems, and the visits still to come."""

    def __init__(self, function, items, environment, visits, chunksize, timeout):
        self.function, self.items, self.environment = function, items, environment
        self.chunksize, self.timeout = chunksize, timeout
        self.total, self.to_come = len(visits), list(visits)
        self.pairs = {visit[1:] for visit in visits if visit[1] != "serial"}
        self.runs, self.problems = [], []
        self.uncounted, self.playing = [], None

    def hold(self, playing, on_start):
        """Keep the runner and tell `on_start`; a ``stop()`` that reached the one before too late holds for this one."""
        before, self.playing = self.playing, playing
        if on_start is not None:
            on_start(playing)
        if before is not None and before.stopped:
            playing.stop()

    @property
    def stopped(self):
        """Whether ``stop()`` of the last runner was called."""
        return self.playing is not None and self.playing.stopped

    @property
    def hopeless(self):
        """Whether every parallel pair has a problem."""
        return bool(self.pairs) and self.pairs == {problem.pair for problem in self.problems}

    def next_visit(self):
        """Return the visit whose record comes next; None after the last."""
        return next(iter([*self.uncounted, *self.to_come]), None)

    def take(self, run):
        """Note the run of the next visit."""
        forget_timeline(self.runs, run.pair)
        self.runs.append(run)
        del self.to_come[0]

    def give_up(self, problem):
        """Note the problem of a pair, whose further visits are left out."""
        self.problems.append(problem)
        self.to_come = [visit for visit in self.to_come if visit[1:] != problem.pair]

    def serial_wall(self):
        """Return the longest that the serial loop took so far, in seconds; None before it ran."""
        return max((run.wall for run in self.runs if run.engine == "serial"), default=None)

    def seconds_allowed(self):
        """Return the deadline of the next visit in seconds, None to wait; a fresh process has time to start, too."""
        visit, serial_wall, allowed = self.next_visit(), self.serial_wall(), self.timeout
        if allowed is None and serial_wall is not None:
            size = len(self.items), self.chunksize
            allowed = LEAST_SECONDS if visit is None else allow_seconds(*visit[1:], serial_wall, *size)
        return allowed + LEAST_SECONDS if visit is REFERENCE else allowed

    def sweep(self):
        """Return the Sweep so far."""
        facts = self.function, len(self.items), tuple(self.runs), self.environment
        return Sweep(*facts, complete=not self.to_come, problems=tuple(self.problems))

    def progress(self, run=None, problem=None):
        """Return the Progress after a run or a problem."""
        left = seconds_left(self.runs, self.to_come)
        return Progress(self.total - len(self.to_come), self.total, left, run, self.sweep(), problem)


def forget_timeline(runs, pair):
    """Drop the timeline of the last run of `pair` in the list `runs`: only the newest one is kept."""
    for index in range(len(runs) - 1, -1, -1):
        if runs[index].pair == pair:
            runs[index] = replace(runs[index], timeline=None)
            return


def seconds_left(runs, visits):
    """Return how long `visits` will take, judging by `runs`; None before the first run."""
    if not runs:
        return None
    latest = {run.pair: run.cold_wall for run in runs}
    return sum(latest.get((engine, n), runs[0].wall) for _, engine, n in visits)


def explain(error, visit, items, so_far):
    """Return `error` with the visit it happened in, the item at fault, and what was measured before."""
    where = f"{visit[1]} × {visit[2]}" if visit else "the sweep"
    if isinstance(error, TimeoutError):
        explained = TimeoutError(f"In {where}: {error}")
    elif isinstance(error, WorkerDiedError) and error.item is None and visit and visit[1] in SHARING:
        last = error.last_task if visit[1] == "serial" else None
        item = safe_repr(items[last]) if last is not None and last < len(items) else None
        at = f" It was at item {last} ({item})." if item is not None else ""
        explained = WorkerDiedError(
            f"In {where}: {error}{at} The function ends its own process: look for os._exit, a crash in compiled code, "
            "or memory.",
            exitcode=error.exitcode,
            last_task=last,
            item=item,
        )
    else:
        explained = error
        explained.args = (f"In {where}: {error}",)
    explained.sweep = so_far
    return explained


def run_once(
    func,
    items,
    *,
    engine=None,
    n_workers=2,
    start_method=None,
    chunksize=None,
    timeout=None,
    should_stop=None,
    on_start=None,
):
    """Return the Batch of one run of `func` over `items`, played in the runner: by processes, where no engine is named.

    A coroutine function runs by asyncio then.
    ``batch.values()`` is the list of results, or raises TaskFailedError with all the others
    kept. Parameters and errors as in `sweep`; stopped, it is a Batch without results whose
    ``complete`` is False.
    """
    items = check_items(items)
    payload = pack_function(func)
    engine = check_engine(usual_engines(func)[-1] if engine is None else engine, func)
    n_workers = check_count("n_workers", n_workers, 1, 1 if engine == "serial" else max_workers(engine))
    method, chunksize, timeout = check_settings(start_method, chunksize, timeout)
    watch = check_watch(timeout, should_stop, on_start)
    records = runner.play(
        play_batch,
        payload,
        pack_items(items, timeout),
        engine,
        n_workers,
        method,
        chunksize,
        key=source_stamp(func),
        **watch,
    )
    try:
        return next(iter(list(records)), STOPPED_BATCH)
    except (WorkerDiedError, TimeoutError) as error:
        raise explain(error, (0, engine, n_workers), items, None) from None
    finally:
        records.close()
