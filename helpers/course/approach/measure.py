"""The map of approaches: the same six kinds of work by all of them, in interleaved rounds."""

from __future__ import annotations

import platform
from dataclasses import replace

from helpers import machine, runner
from helpers.arguments import check_callback, check_choices, check_count, check_flag, check_number, check_watch
from helpers.course.approach.playing import has_gil, plan_rounds, play_approaches
from helpers.course.approach.runs import APPROACHES, ApproachMap, Trouble, Weight
from helpers.course.approach.tasks import KINDS, Sizes
from helpers.engines import check_engine, engine_problem, max_workers
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError
from helpers.measure.handing import check_settings
from helpers.words import shown

__all__ = ["APPROACHES", "ApproachMap", "approach_steps", "check_sizes", "measure_approaches", "usual_approaches"]

#: Seconds that any one run may take if nothing else is said.
TIMEOUT = 60.0
#: The largest of each of the sizes, in their order.
MOST = Sizes(1000, 100_000_000, 100_000, 10_000.0, 1_000_000, 200_000_000)
#: Bytes that the items of one kind may have together.
MOST_BYTES = 2_000_000_000


def usual_approaches():
    """Return the approaches that this Python has, as a tuple: interpreters from 3.14 on."""
    return tuple(approach for approach in APPROACHES if engine_problem(approach) is None)


def measure_approaches(*, on_progress=None, **settings):
    """Return the ApproachMap of kinds of work and approaches: speedups, memory, and what went wrong.

    Every pair runs once a round, the serial loop too, each time with fresh workers; a first round is the warm-up and
    not counted. The results of each are compared with the serial loop's. Assumes that nothing else keeps the CPUs
    busy: where something does, the record says so.

    Parameters
    ----------
    kinds : names, of `helpers.course.approach.tasks.KINDS`; None takes all
    approaches : names, of `APPROACHES`; None takes those that this Python has. The serial loop is always measured
    n_workers : int; None takes the usable CPUs, 2 to 4. Workers for work that computes, and processes for all work
    n_waiting : int, threads and asyncio tasks at a time where work waits
    sizes : `helpers.course.approach.tasks.Sizes`
    repeats : int, 1 to 100 rounds after the warm-up; intervals need 3
    start_method, chunksize : as in `helpers.measure.sweep`; chunks of 1 by default, but for tiny tasks
    weigh : whether to measure what one more worker costs in memory
    timeout : seconds any one run may take
    on_progress : callable of the ApproachMap so far, called after each run, while the next one waits
    should_stop, on_start : as in `helpers.measure.sweep`; stopped, the map so far comes back

    Raises
    ------
    InvalidArgumentError, EngineUnavailableError
        Before anything is started.
    HelpersError, TimeoutError
        What the serial loop or the server did wrong, or a run that does not end.

    Chapter 07.
    """
    check_callback("on_progress", on_progress)
    record = None
    for record in approach_steps(**settings):
        if on_progress is not None:
            on_progress(record)
    return record


def approach_steps(
    *,
    kinds=None,
    approaches=None,
    n_workers=None,
    n_waiting=16,
    sizes=None,
    repeats=3,
    start_method=None,
    chunksize=None,
    weigh=True,
    timeout=TIMEOUT,
    should_stop=None,
    on_start=None,
):
    """Yield an ApproachMap before the first run and after each, more in it every time; the next waits for the caller.

    Parameters and errors as of `measure_approaches`; ends early, without an error, when stopped.
    """
    kinds = check_choices("kind of work", tuple(KINDS) if kinds is None else kinds, KINDS)
    approaches = usual_approaches() if approaches is None else check_choices("approach", approaches, APPROACHES)
    approaches = tuple(each for each in APPROACHES if each == "serial" or each in approaches)
    for approach in approaches:
        check_engine(approach)
    cpus = machine.usable_cpus()
    n_workers = max(2, min(4, int(cpus))) if n_workers is None else n_workers
    n_workers = check_count("n_workers", n_workers, 1, max_workers())
    n_waiting = check_count("n_waiting", n_waiting, 1, max_workers())
    sizes, repeats = check_sizes(Sizes() if sizes is None else sizes), check_count("repeats", repeats, 1, 100)
    chunksize, weigh = check_settings(None, chunksize, None)[1], check_flag("weigh", weigh)
    watch, method = check_watch(timeout, should_stop, on_start, TIMEOUT), check_start_method(start_method)
    visits = plan_rounds(kinds, approaches, repeats)
    record = ApproachMap(tuple(kinds), approaches, n_workers, n_waiting, cpus, sizes, has_gil())
    facts = {"python": platform.python_version(), "start_method": method, "n_expected": len(visits)}
    record = replace(record, repeats=repeats, **facts)
    weighed = [each for each in approaches if each != "serial"] if weigh else []
    yield record
    play = (play_approaches, visits, sizes, (n_workers, n_waiting), method, chunksize, weighed)
    for found in runner.play(*play, key=("approach", method), **watch):
        record = take(record, found)
        yield record


def take(record, found):
    """Return the ApproachMap with one finding more: a Weight, a Trouble, or (kind, Run)."""
    if isinstance(found, Weight):
        return replace(record, weights=(*record.weights, found))
    if isinstance(found, Trouble):
        return replace(record, troubles=(*record.troubles, found))
    kind, run = found
    return replace(record, runs=(*record.runs, (kind, replace(run, timeline=None))))


def check_sizes(sizes):
    """Return the Sizes, checked; raise InvalidArgumentError out of range."""
    if not isinstance(sizes, Sizes):
        raise InvalidArgumentError(f"sizes must be Sizes(n_tasks=…, …), not {shown(sizes)}.")
    checked = Sizes(
        *(
            check_number(name, value, 0, most, "milliseconds")
            if name == "wait_ms"
            else check_count(f"{name} in sizes", value, 1, most)
            for name, value, most in zip(Sizes._fields, sizes, MOST, strict=True)
        )
    )
    if checked.n_tasks * checked.data_bytes > MOST_BYTES:
        raise InvalidArgumentError(
            f"n_tasks × data_bytes must be at most {MOST_BYTES:,}: all items lie in memory at once."
        )
    return checked
