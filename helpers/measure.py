"""Honest timing: the same work by several engines and worker counts, in randomised rounds.

::

    sweep()  ── visits in rounds ──►  play_visits()  in the runner
       ▲                                 │ open a team, wait until it is up, run all items,
       └────────── Run, a nod ◄──────────┘ compare the results with the serial loop's

The rules (each is a test): the plain serial loop runs in every round; pairs are visited in
random order; the first round is a warm-up and left out of all estimates; start-up and work are
told apart; a result that differs from the serial one is an error; nothing is drawn or computed
while a run is timed.
"""

from __future__ import annotations

import gc
import math
import pickle
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice

from helpers import machine, runner
from helpers.engines import check_engine, max_workers, open_team
from helpers.engines.base import Batch
from helpers.engines.registry import STARTING, check_start_method
from helpers.errors import HelpersError, InvalidArgumentError, NotImportableError, NotPicklableError, ResultsDifferError, WorkerDiedError
from helpers.notebook import function_name, require_importable, source_stamp
from helpers.records import Run, Sweep, Timeline
from helpers.runner import check_count
from helpers.tasks.worker import pack_results, safe_repr

#: Largest number of items taken; an endless generator ends here instead of filling the memory.
MAX_ITEMS = 5_000_000
#: CPUs that other programs must use before a run is marked.
OTHERS_CPUS = 0.3


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: what `on_progress` gets after each run, while the next one waits."""

    done: int
    total: int
    seconds_left: float | None
    run: Run | None
    sweep: Sweep


def check_items(items):
    """Return `items` as a list; raise InvalidArgumentError if it is not iterable or endless."""
    if not isinstance(items, Iterable):
        raise InvalidArgumentError(f"items must be a list or another iterable, not {safe_repr(items)}.")
    taken = list(islice(items, MAX_ITEMS + 1))
    if len(taken) > MAX_ITEMS:
        raise InvalidArgumentError(
            f"items has more than {MAX_ITEMS:,} elements, or never ends: take a part, or group several into one item."
        )
    return taken


def check_counts(n_workers, engines):
    """Return the worker counts as a sorted tuple of distinct ints; raise InvalidArgumentError out of range."""
    counts = (n_workers,) if hasattr(n_workers, "__index__") else n_workers
    if not isinstance(counts, Iterable) or isinstance(counts, str):
        raise InvalidArgumentError(f"n_workers must be a whole number or several, such as (1, 2, 4), not {counts!r}.")
    counts = tuple(sorted({check_count("n_workers", n, 1, max_workers()) for n in counts}))
    if not counts and set(engines) != {"serial"}:
        raise InvalidArgumentError("n_workers is empty: give at least one worker count, such as (1, 2).")
    return counts


def pack_function(func):
    """Return `func` pickled: by name where a fresh process can import it, else by value with dill.

    Raises NotImportableError where neither works.
    """
    if not callable(func):
        raise InvalidArgumentError(f"func must be a function, not {safe_repr(func)}.")
    try:
        return pickle.dumps(require_importable(func))
    except NotImportableError as error:
        try:
            import dill

            return dill.dumps(func, recurse=True)
        except Exception as by_value:
            raise NotImportableError(
                f"{error}\nSending the function itself fails too: {type(by_value).__name__}: {by_value}", culprit=error.culprit
            ) from by_value


def pack_items(items):
    """Return the list `items` pickled; objects of classes from a plain cell go by value with dill."""
    try:
        packed = pickle.dumps(items, protocol=5)
        if b"__main__" not in packed:
            return packed
    except Exception:
        pass
    try:
        import dill

        return dill.dumps(items, recurse=True)
    except Exception:
        for index, item in enumerate(items):
            try:
                dill.dumps(item)
            except Exception as error:
                raise NotPicklableError(
                    f"Item {index} ({safe_repr(item)}) cannot be pickled, so it cannot be sent to another process: {error}. "
                    "Send what it is made of (a path, numbers, text) and build it in the task.",
                    index=index,
                    item=safe_repr(item),
                ) from error
        raise


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
    func, items, *, engines, n_workers, start_method=None, chunksize=None, repeats=5, timeout=None, should_stop=None, on_start=None
):
    """Yield a Progress before the first run and after each; the next run waits for the caller.

    Parameters and errors as in `sweep`; ends early, without an error, when stopped.
    """
    items = check_items(items)
    engines = (engines,) if isinstance(engines, str) else tuple(dict.fromkeys(engines))
    payload, packed_items = pack_function(func), pack_items(items)
    for engine in engines:
        check_engine(engine, func)
    counts = check_counts(n_workers, engines)
    repeats = check_count("repeats", repeats, 1, 1000)
    method, chunksize, timeout = check_settings(start_method, chunksize, timeout)
    visits = plan_visits(engines, counts, repeats)
    environment = machine.machine_report().to_dict()
    runs = []

    def progress(run):
        done = len(runs) == len(visits)
        so_far = Sweep(function_name(func), len(items), tuple(runs), environment, done)
        return Progress(len(runs), len(visits), seconds_left(runs, visits[len(runs) :]), run, so_far)

    yield progress(None)
    records = runner.play(
        play_visits,
        payload,
        packed_items,
        visits,
        method,
        chunksize,
        environment["usable_cpus"],
        environment["logical_cpus"],
        key=source_stamp(func),
        timeout=timeout,
        should_stop=should_stop,
        on_start=on_start,
    )
    try:
        for run in records:
            forget_timeline(runs, run.pair)
            runs.append(run)
            yield progress(run)
    except runner.Stopped:
        return
    except (HelpersError, TimeoutError) as error:
        raise explain(error, visits[min(len(runs), len(visits) - 1)], items, progress(None).sweep) from error.__cause__
    finally:
        records.close()


def check_settings(start_method, chunksize, timeout):
    """Return (start method or None, chunksize or None, timeout or None), all checked."""
    method = None if start_method is None else check_start_method(start_method)
    if chunksize is not None:
        chunksize = check_count("chunksize", chunksize, 1, MAX_ITEMS)
    if timeout is not None and not (isinstance(timeout, (int, float)) and 0 < timeout < math.inf):
        raise InvalidArgumentError(f"timeout must be a number of seconds above 0, or None, not {timeout!r}.")
    return method, chunksize, timeout


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
    elif isinstance(error, WorkerDiedError) and error.item is None and visit and visit[1] in ("serial", "threads", "interpreters"):
        last = error.last_task if visit[1] == "serial" else None
        item = safe_repr(items[last]) if last is not None and last < len(items) else None
        at = f" It was at item {last} ({item})." if item is not None else ""
        explained = WorkerDiedError(
            f"In {where}: {error}{at} The function ends its own process: look for os._exit, a crash in compiled code, or memory.",
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
    func, items, *, engine="processes", n_workers=2, start_method=None, chunksize=None, timeout=None, should_stop=None, on_start=None
):
    """Return the Batch of one run of `func` over `items`, played in the runner.

    ``batch.values()`` is the list of results, or raises TaskFailedError with all the others
    kept. Parameters and errors as in `sweep`; `should_stop` makes it raise
    `helpers.runner.Stopped`.
    """
    items = check_items(items)
    payload = pack_function(func)
    check_engine(engine, func)
    check_counts(n_workers, ())
    method, chunksize, timeout = check_settings(start_method, chunksize, timeout)
    records = runner.play(
        play_batch,
        payload,
        pack_items(items),
        engine,
        n_workers,
        method,
        chunksize,
        key=source_stamp(func),
        timeout=timeout,
        should_stop=should_stop,
        on_start=on_start,
    )
    try:
        return list(records)[0]
    except (WorkerDiedError, TimeoutError) as error:
        raise explain(error, (0, engine, n_workers), items, None) from None
    finally:
        records.close()


# ── in the runner ────────────────────────────────────────────────────────────────────────────


def play_visits(payload, packed_items, visits, start_method, chunksize, usable_cpus, logical_cpus):
    """Yield a Run for each visit. Runs in the runner."""
    func, items = pickle.loads(payload), pickle.loads(packed_items)
    expected = None
    for number, engine, n_workers in visits:
        batch, badges = measure_batch(engine, func, payload, items, n_workers, start_method, chunksize, logical_cpus)
        results = batch.values()
        if expected is None:
            expected = results
        else:
            require_same(expected, results, items)
        if n_workers > usable_cpus:
            badges.append(f"more workers than the {usable_cpus} usable CPUs")
        yield Run(
            engine,
            n_workers,
            start_method_of(engine, start_method),
            batch.chunksize,
            number,
            batch.startup,
            batch.wall,
            batch.cpu,
            len(items),
            batch.accounting,
            number == 0,
            batch.sent_bytes,
            batch.received_bytes,
            tuple(badges),
            batch.timeline,
        )


def play_batch(payload, packed_items, engine, n_workers, start_method, chunksize):
    """Yield the Batch of a single run. Runs in the runner."""
    func, items = pickle.loads(payload), pickle.loads(packed_items)
    batch = measure_batch(engine, func, payload, items, n_workers, start_method, chunksize, None)[0]
    failed = {}
    results = pickle.loads(pack_results(batch.results, items, 0, failed))
    from helpers.records import Failure

    failures = {**batch.failures, **{index: Failure(index, *facts) for index, facts in failed.items()}}
    yield replace(batch, results=results, failures=failures)


def start_method_of(engine, start_method):
    """Return the start method a run of `engine` has: None for engines that start no processes."""
    return check_start_method(start_method) if engine in STARTING else None


def measure_batch(engine, func, payload, items, n_workers, start_method, chunksize, logical_cpus):
    """Return (Batch, badges) of one run of all items on a fresh team."""
    if not items:
        return Batch([], {}, Timeline(), _nothing(), 0.0, 0.0, 0.0, chunksize or 1), []
    gc.collect()
    size = len(items) if engine == "serial" else chunksize
    with open_team(engine, func, n_workers, start_method, payload) as team:
        throttled, busy, own = machine.read_throttling(), machine.read_busy_seconds(), time.process_time()
        batch = team.run(items, size)
        own = time.process_time() - own
        busy, now_throttled = machine.read_busy_seconds() - busy, machine.read_throttling()
    if engine not in ("serial", "threads", "interpreters"):
        own += batch.cpu
    badges = []
    if batch.wall < 0.001:
        badges.append("under 1 ms: too short to time")
    if throttled is not None and now_throttled is not None and now_throttled > throttled:
        badges.append("slowed by the CPU quota")
    others = (busy - own) / batch.wall if batch.wall >= 0.1 else 0.0
    if logical_cpus and others > OTHERS_CPUS and others + n_workers > logical_cpus + 0.2:
        badges.append("other programs were using the CPUs")
    return batch, badges


def _nothing():
    from helpers.records import Accounting

    return Accounting()


def require_same(expected, results, items):
    """Raise ResultsDifferError if two lists of results differ; NaN equals NaN."""
    try:
        if expected == results:
            return
    except Exception:  # arrays have no single truth value
        pass
    for index, (one, other) in enumerate(zip(expected, results, strict=True)):
        if not is_same(one, other):
            raise ResultsDifferError(
                f"Item {index} ({safe_repr(items[index])}) gave {safe_repr(one)} in the serial loop and {safe_repr(other)} in parallel. "
                "A task must depend on its item alone: look for random numbers, the time, a process id, or a variable that other tasks change.",
                index=index,
                serial=safe_repr(one),
                parallel=safe_repr(other),
            )


def is_same(one, other):
    """Return whether two results are the same: equal, both NaN, equal arrays, or equal once pickled."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    try:
        if bool(one == other) or (one != one and other != other):
            return True
    except Exception:  # arrays and frames: compare what they hold
        pass
    try:
        return pickle.dumps(one, protocol=5) == pickle.dumps(other, protocol=5)
    except Exception:
        return False
