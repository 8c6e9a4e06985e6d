"""`sweep` and `run_once`: plan the visits, have them played in the runner, collect the runs."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from helpers import machine, runner
from helpers.arguments import check_callback, check_choices, check_count, check_watch
from helpers.engines import ENGINES, check_engine, max_workers
from helpers.errors import HelpersError, WorkerDiedError
from helpers.measure.handing import check_counts, check_items, check_settings, pack_function, pack_items
from helpers.measure.playing import STOPPED_BATCH, play_batch, play_visits
from helpers.notebook import function_name, source_stamp
from helpers.records import Run, Sweep
from helpers.tasks.worker import safe_repr


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: what `on_progress` gets after each run, while the next one waits."""

    done: int
    total: int
    seconds_left: float | None
    run: Run | None
    sweep: Sweep


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
    engines=("serial", "threads", "processes"),
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
    ``(1 + engines × counts) × (repeats + 1)`` times an item.

    Parameters
    ----------
    func : callable
        Of one argument. For `processes`, `pool` and `interpreters` it must be importable: a
        module's, or from a ``%%worker`` cell.
    items : iterable
        At most 5 million; a generator is read to its end first.
    engines : names, of `helpers.engines.ENGINES`
    n_workers : int or several, 1 to `helpers.engines.max_workers()`
    start_method : "fork", "forkserver", "spawn"; None is forkserver where there is one, else spawn
    chunksize : int, items handed over at once; None takes four chunks a worker, as `Pool.map`
    repeats : int, 1 to 1000; rounds after the warm-up. Intervals need 3.
    timeout : float, seconds one run of all items may take; None waits (and can be stopped)
    on_progress : callable of a `Progress`, called between runs
    should_stop : callable; once it returns True everything ends and what was measured is returned
    on_start : callable of the `Runner`, for ``stop()`` from another thread

    Raises
    ------
    InvalidArgumentError, NotImportableError, NotPicklableError, EngineUnavailableError
        Before anything is started.
    TaskFailedError, WorkerDiedError, ResultsDifferError, TimeoutError
        In a run; ``error.sweep`` holds what was measured before.

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
    engines = check_choices("engine", engines, ENGINES, least=0)
    payload, packed_items = pack_function(func), pack_items(items)
    for engine in engines:
        check_engine(engine, func)
    repeats = check_count("repeats", repeats, 1, 1000)
    visits = plan_visits(engines, check_counts(n_workers, engines), repeats)
    method, chunksize, timeout = check_settings(start_method, chunksize, timeout)
    watch = check_watch(timeout, should_stop, on_start)
    environment = machine.machine_report().to_dict()
    cpus = environment["usable_cpus"], environment["logical_cpus"]
    runs = []

    def progress(run):
        done = len(runs) == len(visits)
        so_far = Sweep(function_name(func), len(items), tuple(runs), environment, done)
        return Progress(len(runs), len(visits), seconds_left(runs, visits[len(runs) :]), run, so_far)

    yield progress(None)
    play = (play_visits, payload, packed_items, visits, method, chunksize, *cpus)
    records = runner.play(*play, key=source_stamp(func), **watch)
    try:
        for run in records:
            forget_timeline(runs, run.pair)
            runs.append(run)
            yield progress(run)
    except (HelpersError, TimeoutError) as error:
        raise explain(error, visits[min(len(runs), len(visits) - 1)], items, progress(None).sweep) from error.__cause__
    finally:
        records.close()


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
    elif (
        isinstance(error, WorkerDiedError)
        and error.item is None
        and visit
        and visit[1] in ("serial", "threads", "interpreters")
    ):
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
    engine="processes",
    n_workers=2,
    start_method=None,
    chunksize=None,
    timeout=None,
    should_stop=None,
    on_start=None,
):
    """Return the Batch of one run of `func` over `items`, played in the runner.

    ``batch.values()`` is the list of results, or raises TaskFailedError with all the others
    kept. Parameters and errors as in `sweep`; stopped, it is a Batch without results whose
    ``complete`` is False.
    """
    items = check_items(items)
    payload = pack_function(func)
    engine = check_engine(engine, func)
    n_workers = check_count("n_workers", n_workers, 1, 1 if engine == "serial" else max_workers())
    method, chunksize, timeout = check_settings(start_method, chunksize, timeout)
    watch = check_watch(timeout, should_stop, on_start)
    records = runner.play(
        play_batch,
        payload,
        pack_items(items),
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
