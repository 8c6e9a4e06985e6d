"""The right chunk size, by measuring: too small costs messages, too large leaves workers idle at the end."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from statistics import median_low

from helpers import runner
from helpers.arguments import check_count, check_watch
from helpers.arguments import check_counts as check_numbers
from helpers.engines import auto_chunksize, max_workers, open_team
from helpers.engines.registry import check_start_method
from helpers.errors import ResultsDifferError
from helpers.measure import Watch, check_items, pack_function, pack_items
from helpers.measure.playing import FUNCTION, ITEMS, load
from helpers.records import Accounting, badges_of_rounds, doubts_of, unite_badges
from helpers.words import listing, plural, say_doubts, seconds, sentences

#: Seconds a measurement may take if nothing else is said, and the share over the best that is called as good.
TIMEOUT, AS_GOOD = 60.0, 1.05


@dataclass(frozen=True)
class ChunkCurve:
    """Seconds for all items by chunk size, workers being up; ``walls`` and ``accounts`` have one entry a round.

    ``complete`` is False if it was stopped: then it has whole rounds only, maybe none. ``noted`` are the badges
    found while it ran.
    """

    n_items: int
    n_workers: int
    start_method: str
    sizes: tuple[int, ...]
    walls: dict[int, tuple[float, ...]] = field(repr=False)
    accounts: dict[int, tuple[Accounting, ...]] = field(repr=False)
    complete: bool = True
    noted: tuple[str, ...] = ()

    @property
    def rounds(self):
        """Rounds that are through."""
        return min(map(len, self.walls.values()), default=0)

    def wall(self, size):
        """Return the median of the seconds with chunks of `size`, the lower of two."""
        return median_low(self.walls[size])

    def account(self, size):
        """Return the worker-seconds of (working, handing over, idle tail) in the round of `wall` with chunks of `size`.

        They add up to n_workers × wall.
        """
        account = self.accounts[size][self.walls[size].index(self.wall(size))]
        return account.working, account.transfer + account.waiting, account.idle_tail

    @property
    def best(self):
        """The size with the shortest median; None before the first round."""
        return min(self.sizes, key=self.wall) if self.rounds else None

    @property
    def as_good(self):
        """The sizes within 5 % of the best, as a tuple."""
        return (
            tuple(size for size in self.sizes if self.wall(size) <= AS_GOOD * self.wall(self.best))
            if self.rounds
            else ()
        )

    @property
    def automatic(self):
        """The size that `Pool.map` takes by itself for as many items and workers."""
        return auto_chunksize(self.n_items, self.n_workers)

    @property
    def doubts(self):
        """What makes the figures doubtful, as a tuple."""
        return doubts_of(unite_badges(self.noted, *(badges_of_rounds(walls) for walls in self.walls.values())))

    def explain(self):
        """Return in sentences which sizes are best, and what the others lose; doubts first."""
        if not self.rounds:
            return "Stopped: nothing measured."
        small, large = self.sizes[0], self.sizes[-1]
        said = [f"within 5 % of the best: chunks of {listing(self.as_good)}"]
        if small not in self.as_good:
            said.append(
                f"with chunks of {small}, handing over takes {seconds(self.account(small)[1])}, all workers together"
            )
        if large not in self.as_good:
            said.append(
                f"with chunks of {large}, the idle tail is {seconds(self.account(large)[2])}, all workers together"
            )
        return sentences(say_doubts(self.doubts), *said)


def measure_chunks(
    func,
    items,
    sizes=(1, 2, 4, 8, 16, 32),
    *,
    n_workers=2,
    start_method=None,
    repeats=3,
    timeout=TIMEOUT,
    should_stop=None,
    on_start=None,
):
    """Return the ChunkCurve of `func` over `items`: the same worker processes with chunks of each size.

    The sizes come in random order in each round, after a run that is not counted. Sizes above the number of items
    are left out. Assumes that calling `func` again is harmless.

    Parameters
    ----------
    func, items, n_workers, start_method : as in `helpers.measure.sweep`
    sizes : whole numbers from 1
    repeats : int, 1 to 100 rounds
    timeout : seconds for all of it
    should_stop, on_start : as in `helpers.measure.sweep`

    Raises
    ------
    InvalidArgumentError, NotImportableError, ResultsDifferError, TaskFailedError, WorkerDiedError, TimeoutError
    """
    items = check_items(items, least=1)
    sizes = check_numbers("sizes", sizes, 1, 5_000_000)
    sizes = tuple(size for size in sizes if size <= len(items)) or (len(items),)
    n_workers = check_count("n_workers", n_workers, 1, max_workers())
    repeats, method = check_count("repeats", repeats, 1, 100), check_start_method(start_method)
    watch = check_watch(timeout, should_stop, on_start, TIMEOUT)
    packed = pack_function(func), pack_items(items, timeout)
    rows = list(runner.play(play_chunks, *packed, sizes, n_workers, method, repeats, **watch))
    return read_rows(rows, len(items), n_workers, method, sizes, repeats)


def play_chunks(payload, packed_items, sizes, n_workers, start_method, repeats):
    """Yield (size, wall, Accounting, badges) for each size in each round. Runs in the runner."""
    func, items = load(payload, FUNCTION), load(packed_items, ITEMS)
    watch, order, expected = Watch(n_workers), list(sizes), None
    with open_team("processes", func, n_workers, start_method, payload) as team:
        expected = team.run(items, max(sizes)).values()
        for _ in range(repeats):
            random.shuffle(order)
            for size in order:
                with watch:
                    batch = team.run(items, size)
                if batch.values() != expected:
                    raise ResultsDifferError(f"Chunks of {size} gave other results than those of {max(sizes)}.")
                yield size, batch.wall, batch.accounting, watch.badges


def read_rows(rows, n_items, n_workers, start_method, sizes, repeats):
    """Return the ChunkCurve of rows (size, wall, Accounting, badges); a last round that is not whole is dropped.

    Times are those of workers that are up; the start-up of an account is that of the team, and in none of them.
    """
    rounds = len(rows) // len(sizes)
    whole = rows[: rounds * len(sizes)]
    walls = {size: tuple(row[1] for row in whole if row[0] == size) for size in sizes}
    accounts = {size: tuple(row[2] for row in whole if row[0] == size) for size in sizes}
    noted = unite_badges(*(row[3] for row in whole))
    return ChunkCurve(n_items, n_workers, start_method, sizes, walls, accounts, rounds == repeats, noted)


def say_curve(curve):
    """Return the message of the curve in one sentence, for use as alt text."""
    if not curve.rounds:
        return "Time by chunk size: nothing measured."
    parts = [f"{size}: {seconds(curve.wall(size))}" for size in curve.sizes]
    return f"Time of {plural(curve.n_items, 'item')} by chunk size: {', '.join(parts)}."
