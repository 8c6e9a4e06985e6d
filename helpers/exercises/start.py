"""Exercises of chapter 00."""

from __future__ import annotations

from helpers.exercises.base import CHECK_DEADLINE, Exercise, NotAttempted, Wrong
from helpers.measure import run_once
from helpers.notebook import require_importable
from helpers.records import Accounting, Run, Sweep

STEPS = {1: 0, 2: 1, 3: 7, 6: 8, 7: 16, 27: 111}


def _examine_collatz(func):
    require_importable(func)
    for method in ("spawn", None):
        batch = run_once(func, STEPS, engine="processes", n_workers=2, start_method=method, chunksize=1, timeout=CHECK_DEADLINE)
        results = dict(zip(STEPS, batch.values(), strict=True))
        if all(value in (None, Ellipsis) for value in results.values()):
            raise NotAttempted("the function returns nothing yet.")
        for number, steps in STEPS.items():
            if results[number] != steps:
                raise Wrong(f"for {number} it gives {results[number]!r}, and it takes {steps} steps to reach 1.")


start_1 = Exercise(
    "start_1",
    "Write, in a %%worker cell, a function that counts the Collatz steps from n to 1.",
    _examine_collatz,
    "two worker processes imported your function, under two start methods, and every result is right.",
    (
        "A step halves an even number, and takes an odd n to 3 * n + 1. Count the steps until n is 1; for n = 1 that is none.",
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


def _sweep_with(walls):
    """Return a Sweep in which each (engine, n_workers) of `walls` takes that many seconds."""
    runs = tuple(
        Run(engine, n_workers, None, 1, number, 0.0, wall, wall, 8, Accounting(working=wall), number == 0)
        for number in range(4)
        for (engine, n_workers), wall in walls.items()
    )
    return Sweep("example", 8, runs, {})


def _examine_pick(func):
    cases = [
        ({("serial", 1): 4.0, ("threads", 2): 4.1, ("processes", 2): 2.2, ("processes", 4): 1.3}, ("processes", 4)),
        ({("serial", 1): 4.0, ("threads", 8): 0.6, ("processes", 4): 1.1}, ("threads", 8)),
        ({("serial", 1): 1.0, ("threads", 2): 1.2, ("processes", 2): 3.0}, ("serial", 1)),
    ]
    for walls, best in cases:
        answer = func(_sweep_with(walls))
        if answer in (None, Ellipsis):
            raise NotAttempted("the function returns nothing yet.")
        if tuple(answer) != best:
            raise Wrong(f"of {walls} (pair: seconds) it picks {answer!r}; {best} has the highest speedup.")


start_2 = Exercise(
    "start_2",
    "Write a function that takes a Sweep and returns its fastest (engine, n_workers).",
    _examine_pick,
    "it finds the fastest pair, also when that is the serial loop.",
    (
        "sweep.pairs() lists what was measured, and sweep.speedup(engine, n_workers).median is what to compare.",
        "max(pairs, key=…) finds the pair for which the key is largest.",
    ),
    "def fastest(sweep):\n    return max(sweep.pairs(), key=lambda pair: sweep.speedup(*pair).median)",
)
