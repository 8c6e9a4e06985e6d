"""Harness: how much of a sweep's wall time is spent inside the runs that it measures."""

from __future__ import annotations

from statistics import median

from benchmarks.observer import work_for
from benchmarks.rows import Row, at_least, timed
from helpers import runner
from helpers.measure import sweep
from helpers.tasks.cpu import sum_squares

SIZES = {
    "full": {"n_items": 10, "work": 0.25, "repeats": 5, "sweeps": 3},
    "quick": {"n_items": 10, "work": 0.25, "repeats": 5, "sweeps": 1},
    "smoke": {"n_items": 4, "work": 0.01, "repeats": 1, "sweeps": 1},
}
ENGINES, COUNTS, SHARE = ("threads", "processes", "pool"), (1, 2), 85.0


def measure(n_items, work, repeats, sweeps):
    """Return the rows: the first sweep with a runner that has to be started, the others with a warm one."""
    runner.end_all()
    items = [work_for(1000 * work / n_items)] * n_items
    shares, outside = [], []
    for _ in range(sweeps + 1):
        wall, result = timed(lambda: sweep(sum_squares, items, engines=ENGINES, n_workers=COUNTS, repeats=repeats))
        inside = sum(run.all_walls for run in result.runs)
        shares.append(100 * inside / wall)
        outside.append(1000 * (wall - inside) / len(result.runs))
    what = (
        f"{len(ENGINES)} engines × {len(COUNTS)} worker counts and serial, {repeats} repeats and the warm-up, {work:g} "
        "s of work"
    )
    return [
        at_least("inside runs, runner to be started", shares[0], "%", SHARE, note=what),
        at_least("inside runs, runner warm", median(shares[1:]), "%", SHARE, note=f"{sweeps} sweeps"),
        Row(
            "outside runs, a run, runner warm",
            median(outside[1:]),
            "ms",
            note="ending workers, garbage, sending the record",
        ),
    ]
