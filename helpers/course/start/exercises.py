"""Exercises of chapter 00."""

from __future__ import annotations

from helpers.exercises.base import METHODS, Exercise, NotAttempted, Wrong
from helpers.measure import run_once
from helpers.notebook import require_importable
from helpers.records import Accounting, Run, Sweep

STEPS = {1: 0, 2: 1, 3: 7, 6: 8, 7: 16, 27: 111}


#: Seconds for one run of a few small numbers: a right answer needs a few hundredths.
DEADLINE = 6.0


def _examine_collatz(func):
    require_importable(func)
    for method in METHODS:
        try:
            batch = run_once(
                func, STEPS, engine="processes", n_workers=2, start_method=method, chunksize=1, timeout=DEADLINE
            )
        except TimeoutError:
            raise Wrong(
                f"it did not end for the numbers {', '.join(map(str, STEPS))}: does the loop stop at 1?"
            ) from None
        if batch.failures:
            first = batch.failures[min(batch.failures)]
            raise Wrong(f"for {first.item} it raises {first.error_type}: {first.message}")
        results = dict(zip(STEPS, batch.values(), strict=True))
        if all(value in (None, Ellipsis) for value in results.values()):
            raise NotAttempted("the function returns nothing yet. (Is the `return` missing? `print` does not return.)")
        for number, steps in STEPS.items():
            if results[number] != steps:
                raise Wrong(f"for {number} it gives {results[number]!r}; the steps to reach 1 are {steps}.")


start_1 = Exercise(
    "start_1",
    "Write, in a %%worker cell, a function that counts the Collatz steps from n to 1.",
    _examine_collatz,
    "two worker processes imported your function, under two start methods, and every result is right.",
    (
        (
            "A step halves an even number, and takes an odd n to 3 * n + 1. Count the steps until n is 1; for n = 1 "
            "that is none."
        ),
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
            raise NotAttempted("the function returns nothing yet. (Is the `return` missing? `print` does not return.)")
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise Wrong(f"it returns {answer!r}: return a pair, such as {best!r}.")
        if tuple(answer) != best:
            measured = ", ".join(f"{engine} × {n}: {wall:g} s" for (engine, n), wall in walls.items())
            raise Wrong(f"of {measured} it picks {answer[0]} × {answer[1]}; {best[0]} × {best[1]} is the fastest.")


start_2 = Exercise(
    "start_2",
    "Write a function that takes a Sweep and returns its fastest (engine, n_workers).",
    _examine_pick,
    "it finds the fastest pair, also when that is the serial loop.",
    (
        "measured.pairs() lists the pairs, and measured.speedup(engine, n_workers).median is what to compare.",
        "max(pairs, key=…) finds the pair for which the key is largest.",
    ),
    "def fastest(measured):\n    return max(measured.pairs(), key=lambda pair: measured.speedup(*pair).median)",
)
