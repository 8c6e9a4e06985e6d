"""Tracing: how many trivial tasks a second, with the start and the end of every one recorded."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from statistics import median

from benchmarks.rows import Row, at_least, fork_allowed, interleave, missing, not_here, spread
from benchmarks.startup import joblib_map, joblib_pool
from helpers.engines import open_team
from helpers.engines.base import auto_chunksize
from helpers.machine import default_start_method
from helpers.tasks.cpu import do_nothing

SIZES = {
    "full": {"n_tasks": 100_000, "repeats": 11},
    "quick": {"n_tasks": 100_000, "repeats": 3},
    "smoke": {"n_tasks": 500, "repeats": 1},
}
N_WORKERS = 2
#: tasks a second, share of the speed of bare `Pool.map`, and times that of mpire with insights
RATE, SHARE, TIMES_MPIRE = 2e6, 0.4, 15.0
ENGINES = ("pool", "processes")
INSIGHTS, BARE = "mpire.map with insights", "bare Pool.map"


def measure(n_tasks, repeats):
    """Return the rows; every contender is warm and has the same two workers and the same items."""
    items, method = list(range(n_tasks)), default_start_method()
    with ExitStack() as stack, fork_allowed():
        calls = _ours(stack, items, method) | _bare(stack, items, method) | _peers(stack, items, method)
        seconds = interleave(calls, repeats)
    rate = {name: n_tasks / median(took) for name, took in seconds.items()}
    return list(_rows(rate, seconds))


def _ours(stack, items, method):
    teams = {engine: stack.enter_context(open_team(engine, do_nothing, N_WORKERS, method)) for engine in ENGINES}

    def run(team):
        batch = team.run(items)
        assert len(batch.timeline) == len(items) == len(batch.timeline.finished), "a task was not recorded"

    return {engine: lambda team=team: run(team) for engine, team in teams.items()}


def _bare(stack, items, method):
    context = multiprocessing.get_context(method)
    pool = stack.enter_context(context.Pool(N_WORKERS))
    executor = stack.enter_context(ProcessPoolExecutor(N_WORKERS, mp_context=context))
    chunk = auto_chunksize(len(items), N_WORKERS)
    return {
        BARE: lambda: pool.map(do_nothing, items),
        "bare executor.map, the same chunks": lambda: list(executor.map(do_nothing, items, chunksize=chunk)),
    }


def _peers(stack, items, method):
    calls = {}
    if not missing("joblib"):
        parallel = stack.enter_context(joblib_pool())
        calls["joblib.Parallel"] = lambda: joblib_map(parallel, items)
    if not missing("mpire"):
        from mpire import WorkerPool

        def mpire_map(insights):
            pool = stack.enter_context(
                WorkerPool(N_WORKERS, start_method=method, keep_alive=True, enable_insights=insights)
            )
            return lambda: pool.map(do_nothing, items)

        calls |= {INSIGHTS: mpire_map(True), "mpire.map without": mpire_map(False)}
    return calls


def _rows(rate, seconds):
    unit = "tasks/s"
    for engine in ENGINES:
        yield at_least(f"traced, {engine}", rate[engine], unit, RATE, note=spread(seconds[engine]))
        pairs = median(bare / ours for bare, ours in zip(seconds[BARE], seconds[engine], strict=True))
        note = f"{BARE}; median of ratios by round: {pairs:.3f}"
        yield at_least(f"traced, {engine}, share of bare", rate[engine] / rate[BARE], "", SHARE, note=note)
        if INSIGHTS in rate:
            yield at_least(
                f"traced, {engine}, over mpire", rate[engine] / rate[INSIGHTS], "times", TIMES_MPIRE, note=INSIGHTS
            )
    for name in rate:
        if name not in ENGINES:
            note = "the ceiling: nothing recorded" if name == BARE else spread(seconds[name])
            yield Row(name, rate[name], unit, ratio=rate[name] / rate[BARE], against=BARE, note=note)
    for package in ("joblib", "mpire"):
        if missing(package):
            yield not_here(package, unit, missing(package))
