"""A run of `multiprocessing.Pool` that can be watched while it goes; see `helpers.course.pool.playing`.

The kernel draws while the workers work, a few hundredths of a CPU; ``live=False`` does without.
"""

from __future__ import annotations

from array import array

from helpers import runner
from helpers.arguments import (
    check_callback,
    check_choice,
    check_count,
    check_flag,
    check_number,
    check_watch,
    is_iterable,
    is_text,
    take_all,
)
from helpers.course.pool.playing import play_pool
from helpers.course.pool.runs import FLAVOURS, PoolPlan, PoolProgress, PoolRun
from helpers.course.pool.tasks import KINDS
from helpers.engines import auto_chunksize, max_workers
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError
from helpers.measure.handing import check_settings
from helpers.words import shown

__all__ = ["FLAVOURS", "MAX_TASKS", "PoolProgress", "PoolRun", "check_plan", "measure_pool", "pool_steps"]

#: Most tasks of a run, and most milliseconds of a task.
MAX_TASKS, MAX_MS = 20_000, 60_000
#: Seconds each of the two may take if nothing else is said.
TIMEOUT = 60.0


def measure_pool(sizes_ms, *, on_progress=None, live=False, **settings):
    """Return the PoolRun of tasks with the lengths `sizes_ms`, handed to a `Pool` by `flavour`.

    Each round runs the serial loop first, then the pool; the figures are medians of the rounds. Computing
    tasks are rounds of a loop, their number found by a short calibration: the lengths hold for
    a CPU that has nothing else to do.

    Parameters
    ----------
    sizes_ms : lengths in milliseconds, 1 to 20,000 of them; see `helpers.course.pool.tasks.make_sizes`
    flavour : of `FLAVOURS`
    n_workers, start_method : as in `helpers.measure.sweep`
    chunksize : int; None takes what the flavour itself takes; "apply_async" has none
    kind : "computing" or "waiting"
    repeats : int, 1 to 100; rounds, each with a pool of its own. Intervals need 3
    timeout : seconds each of the two may take; None takes the default
    live : look at the run while it goes, and hand each look to `on_progress`
    should_stop, on_start : as in `helpers.measure.sweep`; stopped, the PoolRun of the rounds so far comes back,
        before the first one the last PoolProgress

    Raises
    ------
    InvalidArgumentError, TimeoutError, WorkerDiedError
    """
    check_callback("on_progress", on_progress)
    result = None
    for record in pool_steps(sizes_ms, live=live, **settings):
        if on_progress is not None:
            on_progress(record)
        if isinstance(record, PoolRun) or not isinstance(result, PoolRun):
            result = record
    return result


def pool_steps(
    sizes_ms,
    *,
    flavour="map",
    n_workers=2,
    chunksize=None,
    start_method=None,
    kind="computing",
    repeats=1,
    timeout=TIMEOUT,
    live=True,
    should_stop=None,
    on_start=None,
):
    """Yield `PoolProgress` while a round goes (only at its beginning if not `live`) and the PoolRun after each.

    Parameters and errors as of `measure_pool`; stopped, it ends without the PoolRun.
    """
    plan = check_plan(sizes_ms, flavour, n_workers, chunksize, start_method, kind, repeats)
    watch, live = check_watch(timeout, should_stop, on_start, TIMEOUT), check_flag("live", live)
    timeout = watch["timeout"]
    watch["timeout"] += 10
    yield PoolProgress("serial", 0.0, plan.expected, plan.n_tasks, plan.chunksize, array("d", bytes(32 * plan.n_tasks)))
    yield from runner.play(play_pool, plan, timeout, live, key=("pool", plan.start_method), **watch)


def check_plan(sizes_ms, flavour, n_workers, chunksize=None, start_method=None, kind="computing", repeats=1):
    """Return the PoolPlan of these settings; raise InvalidArgumentError out of range."""
    sizes_ms = check_sizes(sizes_ms, 0)
    flavour, kind = check_choice("flavour", flavour, FLAVOURS), check_choice("kind of work", kind, KINDS)
    n_workers, repeats = check_count("n_workers", n_workers, 1, max_workers()), check_count("repeats", repeats, 1, 100)
    chunksize = check_settings(None, chunksize, None)[1]
    if chunksize is None:
        chunksize = auto_chunksize(len(sizes_ms), n_workers) if flavour in ("map", "starmap") else 1
    if chunksize > 1 and not FLAVOURS[flavour]:
        words = f"{flavour} hands over one task at a time: leave the chunk size at auto, or take map."
        raise InvalidArgumentError(words)
    return PoolPlan(sizes_ms, flavour, n_workers, chunksize, check_start_method(start_method), kind, repeats)


def check_sizes(sizes_ms, least, above=False):
    """Return the lengths of tasks in ms as a tuple of floats; raise InvalidArgumentError out of range or for none."""
    if is_text(sizes_ms) or not is_iterable(sizes_ms):
        words = f"sizes_ms must be a list of lengths in milliseconds, such as [10, 20], not {shown(sizes_ms)}."
        raise InvalidArgumentError(words)
    sizes = take_all("sizes_ms", sizes_ms, MAX_TASKS)
    check_count("the number of tasks in sizes_ms", len(sizes), 1, MAX_TASKS)
    name = "the length of a task in sizes_ms"
    return tuple(check_number(name, size, least, MAX_MS, "milliseconds", above) for size in sizes)
