"""The length of a task from which on a pool pays for its start."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass, replace
from math import exp, log
from statistics import median
from time import perf_counter

from helpers import runner
from helpers.arguments import check_count, check_watch
from helpers.course.pool import tasks as uneven
from helpers.course.pool.measure import MAX_TASKS, TIMEOUT, check_sizes
from helpers.course.pool.playing import bring_up_server
from helpers.engines import max_workers
from helpers.engines.registry import check_start_method
from helpers.errors import ResultsDifferError
from helpers.measure import Watch
from helpers.records import doubts_of, unite_badges
from helpers.tasks.worker import end_with_parent
from helpers.words import out_of

#: Where in a row the times of a BreakEven stand.
COLUMNS = {"serial": 1, "pool": 2, "warm": 3}
#: How many times the shortest crossing of single rounds the longest may be before they are said to disagree.
DISAGREE = 2.0


@dataclass(frozen=True)
class BreakEven:
    """Seconds of the serial loop and of a pool over the same number of ever larger tasks.

    ``pool`` includes starting it, ``warm`` does not; one value a size, the median of
    ``rounds``. ``complete`` is False if it was stopped: then only what was measured is there. ``crossings`` are
    what `size_ms` is in each round by itself, ``badges`` what makes the figures doubtful.
    """

    n_tasks: int
    n_workers: int
    start_method: str
    sizes_ms: tuple[float, ...]
    serial: tuple[float, ...]
    pool: tuple[float, ...]
    warm: tuple[float, ...]
    rounds: int
    complete: bool = True
    crossings: tuple[float | None, ...] = ()
    badges: tuple[str, ...] = ()

    @property
    def doubts(self):
        """The badges that speak of noise, and whether the rounds disagree, as a tuple."""
        found = [size for size in self.crossings if size is not None]
        agree = not found or (len(found) == len(self.crossings) and max(found) < DISAGREE * min(found))
        return doubts_of(self.badges) + (() if agree else (f"rounds disagree: {self.say_crossings()}",))

    def say_crossings(self):
        """Return from where to where the crossing lies in single rounds, "" where there are no two to compare."""
        found = [size for size in self.crossings if size is not None]
        if not found or len(self.crossings) < 2:
            return ""
        bounds = dict.fromkeys(f"{size:.2g}" for size in (min(found), max(found)))
        each = (
            "in each round" if len(found) == len(self.crossings) else f"in {out_of(len(found), self.rounds, 'round')}"
        )
        return f"{' to '.join(bounds)} ms {each}"

    def size_ms(self, warm=False):
        """Return the task length in ms from which on the pool wins, or None if it never does in this range.

        Between two measured sizes the ratio of the times is taken as a straight line on log axes.
        """
        ratios = [log(p / s) for p, s in zip(self.warm if warm else self.pool, self.serial, strict=True)]
        if not ratios or ratios[-1] >= 0:
            return None
        place = len(ratios) - 1
        while place and ratios[place - 1] < 0:
            place -= 1
        if not place:
            return self.sizes_ms[0]
        low, high = log(self.sizes_ms[place - 1]), log(self.sizes_ms[place])
        return exp(low + (high - low) * ratios[place - 1] / (ratios[place - 1] - ratios[place]))


def measure_break_even(
    n_tasks=16,
    sizes_ms=(0.1, 0.3, 1, 3, 10, 20),
    *,
    n_workers=2,
    start_method=None,
    repeats=3,
    timeout=TIMEOUT,
    should_stop=None,
    on_start=None,
):
    """Return the BreakEven of `n_tasks` computing tasks of each length, ascending, by the loop and by a pool.

    Parameters and errors as of `helpers.course.pool.measure.measure_pool`; `repeats` is 1 to 100 rounds.
    """
    n_tasks = check_count("n_tasks", n_tasks, 1, MAX_TASKS)
    n_workers = check_count("n_workers", n_workers, 1, max_workers())
    repeats = check_count("repeats", repeats, 1, 100)
    sizes_ms = tuple(sorted(check_sizes(sizes_ms, 0, above=True)))
    watch = check_watch(timeout, should_stop, on_start, TIMEOUT)
    method = check_start_method(start_method)
    play = (play_break_even, n_tasks, sizes_ms, n_workers, method, repeats)
    rows = list(runner.play(*play, key=("pool", method), **watch))
    return read_rows(rows, n_tasks, n_workers, method, len(sizes_ms) * repeats)


def read_rows(rows, n_tasks, n_workers, start_method, n_expected):
    """Return the BreakEven of rows (size in ms, serial, cold pool, warm pool, badges): medians of the rounds of a size.

    The rows come round by round.
    """
    sizes_ms = tuple(sorted({size for size, *_ in rows}))
    columns = [[median(row[k] for row in rows if row[0] == size) for size in sizes_ms] for k in (1, 2, 3)]
    rounds = min((sum(row[0] == size for row in rows) for size in sizes_ms), default=0)
    serial, cold, warm = map(tuple, columns)
    record = BreakEven(n_tasks, n_workers, start_method, sizes_ms, serial, cold, warm, rounds, len(rows) == n_expected)
    single = [rows[number * len(sizes_ms) : (number + 1) * len(sizes_ms)] for number in range(rounds)]
    crossings = [
        replace(record, **{name: tuple(row[k] for row in part) for name, k in COLUMNS.items()}).size_ms()
        for part in single
    ]
    badges = unite_badges(*(noted for row in rows for noted in row[4:]))
    return replace(record, crossings=tuple(crossings), badges=badges)


def play_break_even(n_tasks, sizes_ms, n_workers, start_method, repeats):
    """Yield (size, serial, cold pool, warm pool, badges) for each size in each round. Runs in the runner."""
    context = multiprocessing.get_context(start_method)
    bring_up_server(context)
    with context.Pool(1) as pool:  # the first pool imports what the later ones find there: not counted
        pool.map(uneven.burn, [1])
    rate, watch = uneven.count_loops_per_ms(), Watch(n_workers)
    for _ in range(repeats):
        for size in sizes_ms:
            items = [max(1, round(size * rate))] * n_tasks
            with watch:
                began = perf_counter()
                expected = [uneven.burn(item) for item in items]
                serial = perf_counter() - began
                began = perf_counter()
                with context.Pool(n_workers, end_with_parent) as pool:
                    results = pool.map(uneven.burn, items)
                    cold, began = perf_counter() - began, perf_counter()
                    pool.map(uneven.burn, items)
                    warm = perf_counter() - began
            if results != expected:
                raise ResultsDifferError("The pool gave other results than the serial loop.")
            yield size, serial, cold, warm, watch.badges
