"""Timeline: what a record of a million tasks takes in memory, and how long it takes to draw."""

from __future__ import annotations

import sys
import tracemalloc
from statistics import median

from benchmarks.rows import Row, at_most, fork_allowed, spread, timed
from helpers.engines import open_team
from helpers.plots import figure_png, plot_timeline
from helpers.records import Run
from helpers.tasks.cpu import do_nothing

SIZES = {
    "full": {"n_tasks": 1_000_000, "repeats": 5},
    "quick": {"n_tasks": 1_000_000, "repeats": 1},
    "smoke": {"n_tasks": 2_000, "repeats": 1},
}
MEGABYTES, DRAW_S = 40.0, 2.0


def measure(n_tasks, repeats):
    """Return the rows of a real run of `n_tasks` by two workers. A megabyte is 10⁶ bytes."""
    with fork_allowed(), open_team("pool", do_nothing, 2) as team:
        batch = team.run(list(range(n_tasks)))
    line = batch.timeline
    assert len(line) == n_tasks, "a task was not recorded"
    taken = sum(map(sys.getsizeof, line.columns().values())) / 1e6
    tuples = _tuples_megabytes(line)
    run = Run(
        "pool",
        2,
        None,
        batch.chunksize,
        1,
        batch.startup,
        batch.wall,
        batch.cpu,
        n_tasks,
        batch.accounting,
        timeline=line,
    )

    def draw():
        return figure_png(plot_timeline(run).figure)

    draw()
    seconds = [timed(draw)[0] for _ in range(repeats)]
    return [
        at_most(
            "columns in memory, room to grow included",
            taken,
            "MB",
            MEGABYTES,
            ratio=taken / tuples,
            against="a tuple a task",
        ),
        Row("columns in memory, used", line.nbytes / 1e6, "MB", note=f"{line.nbytes / n_tasks:g} bytes a task"),
        Row("a tuple a task instead", tuples, "MB"),
        at_most("drawn, as a PNG of twice the size", median(seconds), "s", DRAW_S, note=spread(seconds)),
    ]


def _tuples_megabytes(line):
    tracemalloc.start()
    kept = list(zip(*line.columns().values(), strict=True))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return taken / 1e6
