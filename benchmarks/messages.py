"""Messages: how near to a plain memory copy the ways of `PipeLab` come, and what a trip takes."""

from __future__ import annotations

from benchmarks.rows import Row, at_least
from helpers import runner
from helpers.course.pipe.measure import COPY, WAYS, measure_pipes

SIZES = {
    "full": {"repeats": 9, "large": 64_000_000},
    "quick": {"repeats": 3, "large": 64_000_000},
    "smoke": {"repeats": 1, "large": 100_000},
}
SMALL, SHARE = 1, 0.5


def measure(repeats, large):
    """Return the rows: bandwidth at `large` bytes and time of a trip at one byte, both directions counted."""
    trips = measure_pipes(sizes=(SMALL, large), repeats=repeats)
    runner.end_all()
    ceiling = f"memory copy, {large / 1e6:g} MB"
    copied = trips.bandwidth(COPY, large).median / 1e9
    share = trips.ratio(large, "shared")
    interval = "" if share.low is None else f"95 % interval {share.low:.2f} to {share.high:.2f}; "
    rows = [
        at_least(
            f"shared memory, share of a memory copy, {large / 1e6:g} MB",
            share.median,
            "",
            SHARE,
            note=f"{interval}there and back, one copy a direction, {repeats} rounds",
        ),
        Row(ceiling, copied, "GB/s", note="within one process, there and back"),
    ]
    for way, name in WAYS.items():
        speed = trips.bandwidth(way, large).median / 1e9
        rows.append(Row(f"{name}, {large / 1e6:g} MB", speed, "GB/s", ratio=speed / copied, against=ceiling))
    for way, name in WAYS.items():
        rows.append(Row(f"{name}, round trip of {SMALL} B", trips.seconds(way, SMALL).median * 1e6, "µs"))
    return rows
