"""Exercises of chapter 00."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import active_children

from helpers.exercises.base import METHODS, Exercise, Wrong, try_answer
from helpers.notebook import require_importable
from helpers.records import Accounting, Run, Sweep
from helpers.words import listing

#: Numbers and their steps; the last one is too large for a float, so that n / 2 is not n // 2.
STEPS = {1: 0, 2: 1, 3: 7, 6: 8, 7: 16, 27: 111, 10**17 + 1: 385}

#: Seconds for all numbers or sweeps, of which a right answer needs a few hundredths; and for what comes up before,
#: which takes long on a busy machine.
DEADLINE, START_UP = 4.0, 20.0
NOTHING = "it returns None. Is the `return` missing? (`print` does not return anything.)"


# ── start_1: a function for workers ───────────────────────────────────────────────────────────


def run_in_pool(func, numbers, seconds):
    """Return [(value, words on what went wrong or None)] of ``func(number)`` for each, in two worker processes.

    The `seconds` for all of them begin when a worker is up. Ends the workers.
    """
    pool = ProcessPoolExecutor(2)
    try:
        pool.submit(abs, 1).result()
        futures = [pool.submit(func, number) for number in numbers]
        wait(futures, timeout=seconds)
        return [tell_future(future) for future in futures]
    finally:
        for worker in active_children():  # one that is in an endless loop keeps the pool from closing
            worker.kill()
        pool.shutdown()


def tell_future(future):
    """Return (value, None) of a future, or (None, words on what went wrong)."""
    if not future.done():
        return None, "it does not end: does the loop stop at 1, and does every pass change n?"
    try:
        return future.result(), None
    except BrokenProcessPool:
        return None, "the worker process ends in the middle of your function"
    except BaseException as error:
        return None, f"it raises {type(error).__name__}: {error}"


def _examine_collatz(func):
    require_importable(func)
    for method in METHODS:
        trial = try_answer(run_in_pool, func, list(STEPS), DEADLINE, start_method=method, timeout=START_UP + DEADLINE)
        judge_collatz(trial.require())


def judge_collatz(told):
    """Raise Wrong unless `told`, as `run_in_pool` gives it, holds the `STEPS`."""
    for number, (_, problem) in zip(STEPS, told, strict=True):
        if problem is not None:
            raise Wrong(f"for {number:,} {problem}")
    if all(value in (None, Ellipsis) for value, _ in told):
        raise Wrong(NOTHING)
    for (number, steps), (value, _) in zip(STEPS.items(), told, strict=True):
        if value != steps:
            whole = (
                " n / 2 is a float, which is not exact for large numbers; n // 2 is whole." if number > 2**53 else ""
            )
            raise Wrong(f"for {number:,} it gives {value!r}; the steps to reach 1 are {steps}.{whole}")


start_1 = Exercise(
    "start_1",
    "Write, in a %%worker cell, a function that counts the Collatz steps from n to 1.",
    _examine_collatz,
    "two worker processes imported your function, under two start methods, and every result is right.",
    (
        "A counter that begins at 0, and a `while` loop that goes on as long as n is not 1. n % 2 == 0 for even n.",
        "The cell begins with the line %%worker, so that worker processes can import what it defines.",
    ),
    """%%worker
def collatz_steps(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps""",
)


# ── start_2: reading a sweep ──────────────────────────────────────────────────────────────────


def _sweep_with(walls):
    """Return a Sweep in which each (engine, n_workers) of `walls` takes that many seconds."""
    runs = tuple(
        Run(engine, n_workers, None, 1, number, 0.0, wall, wall, 8, Accounting(working=wall), number == 0)
        for number in range(4)
        for (engine, n_workers), wall in walls.items()
    )
    return Sweep("example", 8, runs, {})


#: Seconds by (engine, n_workers), and the pair that is the fastest.
CASES = [
    ({("serial", 1): 4.0, ("threads", 2): 4.1, ("processes", 2): 2.2, ("processes", 4): 1.3}, ("processes", 4)),
    ({("serial", 1): 4.0, ("threads", 8): 0.6, ("processes", 4): 1.1}, ("threads", 8)),
    ({("serial", 1): 1.0, ("threads", 2): 1.2, ("processes", 2): 3.0}, ("serial", 1)),
]


def pick_each(func, sweeps):
    """Return what ``func(sweep)`` gives for each."""
    return [func(sweep) for sweep in sweeps]


def _examine_pick(func):
    sweeps = [_sweep_with(walls) for walls, _ in CASES]
    trial = try_answer(partial(pick_each, func), sweeps, timeout=START_UP, by_value=True)  # from a plain cell, too
    judge_picks(trial.require(instead={"late": "it did not return: does a loop in it never end?"}))


def judge_picks(answers):
    """Raise Wrong unless the answers are the fastest pairs of `CASES`."""
    for answer, (walls, best) in zip(answers, CASES, strict=True):
        if answer in (None, Ellipsis):
            raise Wrong(NOTHING)
        if not isinstance(answer, (tuple, list)) or len(answer) != 2 or not isinstance(answer[0], str):
            raise Wrong(f"it returns {answer!r}: return a pair, such as {best!r}.")
        if tuple(answer) != best:
            measured = listing([f"{engine} × {n} in {wall:g} s" for (engine, n), wall in walls.items()])
            raise Wrong(f"of {measured} it picks {answer[0]} × {answer[1]}; {best[0]} × {best[1]} is the fastest.")


start_2 = Exercise(
    "start_2",
    "Write, in a %%worker cell, a function that takes a Sweep and returns its fastest (engine, n_workers).",
    _examine_pick,
    "it finds the fastest pair, also when that is the serial loop.",
    (
        "measured.pairs() lists the pairs, and measured.speedup(engine, n_workers).median is what to compare.",
        "Keep the best pair so far in a loop; or max(pairs, key=…) finds the pair for which the key is largest.",
    ),
    """%%worker
def fastest(measured):
    return max(measured.pairs(), key=lambda pair: measured.speedup(*pair).median)""",
)
