"""Start-up: from asking for two workers to their first results, against the bare pool of the same start method.

A team waits until both of its workers are up and know the function; a bare pool answers with
whichever came up first. So this is a little more than the same thing.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from time import perf_counter

from benchmarks.rows import Row, fork_allowed, missing, not_here, spread
from helpers.engines import ENGINES, engine_problem, open_team
from helpers.engines.registry import start_methods_of
from helpers.machine import default_start_method
from helpers.tasks.cpu import do_nothing

SIZES = {
    "full": {"repeats": 11, "engines": tuple(ENGINES)},
    "quick": {"repeats": 3, "engines": tuple(ENGINES)},
    "smoke": {"repeats": 1, "engines": ("threads", "pool")},
}
N_WORKERS, ITEMS = 2, [0, 1]


async def await_nothing(item):
    """Return `item`: the smallest possible coroutine."""
    return item


def func_for(engine):
    """Return the smallest function that `engine` runs."""
    return await_nothing if engine == "asyncio" else do_nothing


def measure(repeats, engines):
    """Return the rows: milliseconds until the first two results, the ending of workers left out."""
    rows = []
    with fork_allowed():
        for engine in engines:
            problem = engine_problem(engine, func_for(engine))
            if engine == "serial":
                continue
            if problem:
                rows.append(not_here(engine, "ms", problem))
                continue
            for method in start_methods_of(engine) or (None,):
                rows += _compare(engine, method, repeats)
        rows += _peers(repeats)
    return rows


def _compare(engine, method, repeats):
    ours, theirs = _take_turns(_team(engine, method), _bare(engine, method), repeats)
    name = engine + (f", {method}" if method else "")
    return [
        Row(name, 1000 * median(ours), "ms", ratio=median(ours) / median(theirs), against="bare", note=spread(ours)),
        Row(f"bare {name}", 1000 * median(theirs), "ms", note=spread(theirs)),
    ]


def _team(engine, method):
    """Return (open, use) of the team of `engine`."""
    return lambda: open_team(engine, func_for(engine), N_WORKERS, method), lambda team: team.run(ITEMS, 1)


def _bare(engine, method):
    """Return (open, use) of the bare class that `engine` is built on."""

    def use_executor(pool):
        return list(pool.map(do_nothing, ITEMS))

    if engine in ("pool", "multiprocess"):
        package = multiprocessing if engine == "pool" else __import__("multiprocess")
        return lambda: package.get_context(method).Pool(N_WORKERS), lambda pool: pool.map(do_nothing, ITEMS, 1)
    if engine == "processes":
        return lambda: ProcessPoolExecutor(N_WORKERS, mp_context=multiprocessing.get_context(method)), use_executor
    if engine == "asyncio":
        return asyncio.Runner, lambda loop: loop.run(_gather())
    if engine == "interpreters":
        from concurrent.futures import InterpreterPoolExecutor

        return lambda: InterpreterPoolExecutor(N_WORKERS), use_executor
    return lambda: ThreadPoolExecutor(N_WORKERS), use_executor


async def _gather():
    return await asyncio.gather(*map(await_nothing, ITEMS))


def _take_turns(one, other, repeats):
    """Return the seconds of both (open, use) pairs, after one uncounted round."""
    seconds = [], []
    for number in range(repeats + 1):
        for took, (open_pool, use) in zip(seconds, (one, other), strict=True):
            start = perf_counter()
            with open_pool() as pool:
                use(pool)
                took.append(perf_counter() - start)
        if not number:
            for took in seconds:
                took.clear()
    return seconds


def _peers(repeats):
    method = default_start_method()
    peers = {
        "mpire": (f"mpire, {method}", lambda: _mpire_pool(method), lambda pool: pool.map(do_nothing, ITEMS)),
        "joblib": ("joblib, loky", joblib_pool, joblib_map),
    }
    for package, (name, open_peer, use_peer) in peers.items():
        if missing(package):
            yield not_here(name, "ms", missing(package))
            continue
        ours, theirs = _take_turns(_team("pool", method), (open_peer, use_peer), repeats)
        yield Row(
            name,
            1000 * median(theirs),
            "ms",
            ratio=median(theirs) / median(ours),
            against="pool in the same rounds",
            note=spread(theirs),
        )


def _mpire_pool(method):
    from mpire import WorkerPool

    return WorkerPool(N_WORKERS, start_method=method)


@contextmanager
def joblib_pool():
    """Give a joblib.Parallel with workers of its own, which end with it: joblib would keep them."""
    from joblib import Parallel
    from joblib.externals.loky import get_reusable_executor

    with Parallel(N_WORKERS) as parallel:
        yield parallel
    get_reusable_executor(max_workers=N_WORKERS).shutdown(wait=True, kill_workers=True)


def joblib_map(parallel, items=ITEMS):
    """Return the results of `do_nothing` by joblib."""
    from joblib import delayed

    return parallel(delayed(do_nothing)(item) for item in items)
