"""Observer effect: what recording adds to 16 tasks of 50 ms, against bare `Pool.map`.

Two kinds of task. *Fixed work* does the same loop every time, so that CPU time taken from the
workers (a parent that polls, a busy helper thread) makes it longer: this is the figure that
counts. *Fixed time* spins for 50 ms of wall time whatever it gets of the CPU: it shows only what
is added around the tasks, and is much steadier on a shared machine. Both are shown.
"""

from __future__ import annotations

import multiprocessing
from statistics import median

from benchmarks.rows import Row, at_most, fork_allowed, interleave, spread, timed
from helpers.engines import open_team
from helpers.machine import default_start_method
from helpers.tasks.cpu import sum_squares
from helpers.tasks.wait import spin_ms

SIZES = {
    "full": {"n_tasks": 16, "task_ms": 50, "repeats": 21},
    "quick": {"n_tasks": 16, "task_ms": 50, "repeats": 5},
    "smoke": {"n_tasks": 4, "task_ms": 1, "repeats": 1},
}
N_WORKERS, RATIO = 2, 1.02


def work_for(task_ms):
    """Return the argument for which `sum_squares` takes about `task_ms` milliseconds here."""
    n = 20_000
    for _ in range(3):  # the larger the numbers, the slower the loop: so try again at the size that was found
        n = max(1, round(n * task_ms / 1000 / min(timed(lambda n=n: sum_squares(n))[0] for _ in range(5))))
    return n


def measure(n_tasks, task_ms, repeats):
    """Return the rows; both pools are warm and take turns."""
    kinds = {"fixed work": (sum_squares, work_for(task_ms)), "fixed time": (spin_ms, task_ms)}
    return [row for kind, (func, item) in kinds.items() for row in _compare(kind, func, [item] * n_tasks, repeats)]


def _compare(kind, func, items, repeats):
    method = default_start_method()
    with (
        fork_allowed(),
        open_team("pool", func, N_WORKERS, method) as team,
        multiprocessing.get_context(method).Pool(N_WORKERS) as bare,
    ):
        seconds = interleave({"team": lambda: team.run(items), "bare": lambda: bare.map(func, items)}, repeats)
    ours, theirs = median(seconds["team"]), median(seconds["bare"])
    pairs = median(one / other for one, other in zip(seconds["team"], seconds["bare"], strict=True))
    yield at_most(
        f"pool over bare Pool.map, {kind}",
        ours / theirs,
        "times",
        RATIO,
        note=f"median of ratios by round: {pairs:.4f}",
    )
    yield Row(f"pool, {kind}", ours, "s", ratio=ours / theirs, against="bare Pool.map", note=spread(seconds["team"]))
    yield Row(f"bare Pool.map, {kind}", theirs, "s", note=spread(seconds["bare"]))
