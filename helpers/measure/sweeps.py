"""`sweep` and `run_once`: plan the visits, have them played in the runner, collect the runs."""

from __future__ import annotations

import random

from helpers import machine, runner
from helpers.arguments import check_callback, check_choices, check_count, check_flag, check_number, check_watch
from helpers.engines import ENGINES, check_engine, max_workers, usual_engines
from helpers.engines.registry import SHARING, STARTING
from helpers.errors import HelpersError, InvalidArgumentError, WorkerDiedError
from helpers.measure.handing import check_counts, check_items, check_settings, pack_function, pack_items
from helpers.measure.notes import REFERENCE, Notes, RaceNotes
from helpers.measure.playing import STOPPED_BATCH, play_batch, play_visits
from helpers.measure.problems import Setback, load_error, set_back_runner
from helpers.measure.race import ENOUGH_ROUNDS, Race
from helpers.notebook import function_name, source_stamp
from helpers.tasks.worker import safe_repr

#: Rounds where neither `repeats` nor a budget is given, and the least and most seconds of a budget.
REPEATS, LEAST_BUDGET, MOST_BUDGET = 5, 0.1, 86_400
#: Engines whose workers cost next to nothing.
GROWING = ("threads", "asyncio")
#: Seconds that a run fills with passes over short work, where the budget allows.
PASS_SECONDS = 0.25


def plan_visits(engines, counts, repeats, seed=None):
    """Return [(round, engine, n_workers)]: the serial loop in every round, each round in random order.

    Round 0 is the warm-up; it begins with the serial loop, whose results are the reference.
    """
    return plan_rounds(list_pairs(engines, counts), repeats, seed)


def list_pairs(engines, counts):
    """Return the pairs (engine, n_workers) of a sweep, without the serial loop."""
    return [(engine, n) for engine in engines if engine != "serial" for n in counts]


def plan_rounds(pairs, repeats, seed=None):
    """As `plan_visits`, of the pairs that `list_pairs` gives."""
    order = random.Random(seed)
    visits = []
    for number in range(repeats + 1):
        mixed = list(pairs)
        order.shuffle(mixed)
        mixed.insert(0 if number == 0 else order.randrange(len(pairs) + 1), ("serial", 1))
        visits += [(number, *pair) for pair in mixed]
    return visits


def check_rounds(repeats, budget):
    """Return (repeats, None) or (None, budget), whichever is given, checked; by default `REPEATS`."""
    if budget is None:
        return check_count("repeats", REPEATS if repeats is None else repeats, 1, 1000), None
    if repeats is not None:
        raise InvalidArgumentError("Give either repeats, a number of rounds, or a budget in seconds, not both.")
    return None, check_number("budget", budget, LEAST_BUDGET, MOST_BUDGET)


def pass_seconds(n_pairs, budget=None, timeout=None):
    """Return the seconds that a run fills with passes over short work.

    A quarter of a second; with a budget no more than allows a warm-up and `ENOUGH_ROUNDS` rounds of all pairs, and
    always a fraction of the deadline of a run.

    >>> pass_seconds(4), pass_seconds(4, budget=3.0), pass_seconds(4, timeout=0.4)
    (0.25, 0.1, 0.1)
    """
    seconds = PASS_SECONDS if budget is None else min(PASS_SECONDS, budget / ((n_pairs + 1) * (ENOUGH_ROUNDS + 1)))
    return seconds if timeout is None else min(seconds, timeout / 4)


def sweep(
    func,
    items,
    *,
    engines=None,
    n_workers=(1, 2, 4),
    start_method=None,
    chunksize=None,
    repeats=None,
    budget=None,
    grow=False,
    timeout=None,
    on_progress=None,
    should_stop=None,
    on_start=None,
):
    """Return a Sweep: `func` over `items`, by every engine with every number of workers.

    The serial loop is always measured too. Everything runs in a process of its own (see
    helpers.runner), never in the caller's. Assumes that `func` gives the same result for the
    same item every time, and that calling it again is harmless: it is called at least
    ``(1 + engines × counts) × (repeats + 1)`` times an item, each time with a fresh copy of the item. Where the loop
    takes under a quarter of a second, each run makes as many passes over the items as fit into that time (with a budget
    for many pairs: into their share of it), an odd number: its wall is the median one.

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
    repeats : int, 1 to 1000; rounds after the warm-up, of all pairs. Intervals need 3. By default 5.
    budget : float, seconds from 0.1 on, instead of `repeats`: rounds go where they decide. Pairs that cannot be told
        from the fastest are measured again, what is slower beyond doubt is not, and the serial loop is in every round,
        until it is clear whom to advise or the budget is spent: ``sweep.ending`` says which. It counts from the first
        run on, the start of workers included. The warm-up, and three rounds of the fastest, are measured even if that
        takes longer. As long as half of it is left, a run during which other programs used the CPUs is thrown away and
        measured again. Whether they did is read off counters of CPU time alone, never off the wall of the run: slow
        runs of a quiet machine all count.
    grow : bool; with a budget, work that waits is measured with twice the most threads (tasks of asyncio) given, too,
        and again twice as many, as long as that gains
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

    Chapter 00. `helpers.measure.race` has the rule of stopping and its sources. The method follows Georges, Buytaert &
    Eeckhout, "Statistically rigorous Java performance evaluation" (2007), in what it repeats, and the calibration of
    passes that of pyperf (its documentation, "Runner").
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
        budget=budget,
        grow=grow,
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
    repeats=None,
    budget=None,
    grow=False,
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
    repeats, budget = check_rounds(repeats, budget)
    grow = GROWING if check_flag("grow", grow) else ()
    pairs = list_pairs(engines, check_counts(n_workers, engines))
    method, chunksize, timeout = check_settings(start_method, chunksize, timeout)
    check_watch(timeout, should_stop, on_start)
    packed_items = pack_items(items, timeout)
    environment = machine.machine_report().to_dict()
    if budget is None:
        notes = Notes(function_name(func), items, environment, plan_rounds(pairs, repeats), chunksize, timeout)
    else:
        notes = RaceNotes(function_name(func), items, environment, Race(pairs, budget), chunksize, timeout, grow)
    cpus = environment["usable_cpus"], environment["logical_cpus"]
    plan = payload, packed_items, method, chunksize, *cpus, pass_seconds(len(pairs), budget, timeout)
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
    notes.begin(introduce(notes.to_come) if notes.problems else [])
    records = runner.play(
        play_visits,
        *(payload, packed_items, notes.uncounted + notes.to_come, *settings),
        timeout=notes.seconds_allowed,
        answer=notes.plan_on,
        on_start=lambda playing: notes.hold(playing, on_start),
        **watch,
    )
    try:
        for record in records:
            if isinstance(record, Setback):
                return record
            if notes.uncounted:
                notes.skip()
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
