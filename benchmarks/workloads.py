"""The workloads of `regret`: what people want to run in parallel, each with the trouble that it is known for.

Nothing here is to be tuned to: they say how far the advice is from the best, and others are kept aside to see
whether it has become better or has only learnt these.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random

from benchmarks.serving import serving
from benchmarks.tasks import arrays, plain, slow_import
from helpers.tasks.cpu import burn, count_loops_per_ms

#: Engines of the grid; those that cannot run here are left out of it.
ENGINES = ("threads", "processes", "pool", "interpreters")
#: Bytes taken for the last-level cache where the system does not say, and the most that a task's arrays take.
CACHE_BYTES, MOST_BYTES = 32_000_000, 500_000_000


@dataclass(frozen=True)
class Workload:
    """One kind of work. ``make(scale)`` is a context that gives its items: about a second serially at scale 1.

    ``waits`` says that more workers than CPUs can help. ``needs`` is a module that only some systems have.
    """

    name: str
    func: Callable
    make: Callable[[float], AbstractContextManager]
    waits: bool = False
    engines: tuple[str, ...] = ENGINES
    needs: str = ""


@cache
def loops_per_ms():
    """Return how many rounds of `burn` this machine does in a millisecond."""
    return count_loops_per_ms()


def loops(ms, scale=1.0):
    """Return how many rounds of `burn` take so many milliseconds, at least one."""
    return max(1, int(ms * scale * loops_per_ms()))


def count(number, scale):
    """Return how many items there are at a scale: at least 2, at most `number`."""
    return max(2, min(number, round(number * scale)))


def burning(n_items, ms, scale):
    """Give `n_items` loops of the same length."""
    return nullcontext([loops(ms, scale)] * n_items)


def skewed(scale):
    """Give 48 loops of 0.6 s together, the largest 48 times as long as the smallest, in no order."""
    shares = [1 / place for place in range(1, 49)]
    Random(1).shuffle(shares)
    return nullcontext([loops(600 * share / sum(shares), scale) for share in shares])


def one_giant(scale):
    """Give one loop as long as the 30 others together, first in line."""
    return nullcontext([loops(300, scale), *[loops(10, scale)] * 30])


def tiny(scale):
    """Give 20,000 loops of 20 µs: what is handed over costs as much as what is done."""
    return nullcontext([loops(0.02)] * count(20_000, scale))


def blocks(number, n_blocks, scale):
    """Give `number` tasks of so many megabytes each."""
    return nullcontext([max(1, round(n_blocks * scale))] * number)


def heavy_arguments(scale):
    """Give 24 blocks of 4 MB."""
    return nullcontext([Random(seed).randbytes(max(64, int(4_000_000 * scale))) for seed in range(24)])


def heavy_results(scale):
    """Give 24 seeds, of which 4 MB are drawn each."""
    return nullcontext([(seed, max(64, int(4_000_000 * scale))) for seed in range(24)])


def copies(scale):
    """Give 6 copies there and back, of two arrays that together are larger than the last-level cache."""
    size_bytes = max(64, int(min(0.6 * read_cache_bytes(), MOST_BYTES / 2) * scale))
    return nullcontext([(number, size_bytes, 1) for number in range(6)])


def products(scale):
    """Give 40 products of matrices."""
    return nullcontext([(number, max(4, int(600 * scale))) for number in range(40)])


@contextmanager
def waiting(number, ms, at_once, scale):
    """Give requests to a server that takes `ms` milliseconds for each, `at_once` at a time (0: any number)."""
    with serving(ms * scale / 1000, at_once) as port:
        yield [(port, place) for place in range(count(number, scale))]


@contextmanager
def mixed(scale):
    """Give 32 tasks that wait 10 ms for a server and compute for 10 ms."""
    with serving(0.01 * scale) as port:
        yield [(port, place, loops(10, scale)) for place in range(count(32, scale))]


@contextmanager
def locked(number, ms, share, scale):
    """Give tasks of `ms` milliseconds, of which a `share` is done with a lock that all share."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lock"
        path.touch()
        yield [(str(path), loops(ms * (1 - share), scale), loops(ms * share, scale))] * number


def first_call(scale):
    """Give 24 loops of 25 ms, before the first of which each worker makes a table for 100 ms."""
    return nullcontext([(loops(100, scale), loops(25, scale))] * 24)


def read_cache_bytes(root="/sys/devices/system/cpu/cpu0/cache"):
    """Return the size of the last-level cache in bytes; `CACHE_BYTES` where the system does not tell it."""
    sizes = [path.read_text().strip() for path in Path(root).glob("index*/size")]
    units = {"K": 1024, "M": 1024**2}
    known = [int(size[:-1]) * units[size[-1]] for size in sizes if size[-1:] in units]
    return max(known, default=CACHE_BYTES)


#: All workloads, by name.
WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("even", burn, partial(burning, 24, 25)),
        Workload("skewed", burn, skewed),
        Workload("one giant", burn, one_giant),
        Workload("tiny tasks", burn, tiny),
        Workload("short loop", burn, partial(burning, 8, 0.005)),
        Workload("waiting", plain.ask, partial(waiting, 48, 20, 0), waits=True),
        Workload("waiting, 4 at once", plain.ask, partial(waiting, 32, 20, 4), waits=True),
        Workload("waiting and computing", plain.ask_and_burn, mixed, waits=True),
        Workload("hashing", plain.hash_blocks, partial(blocks, 24, 20)),
        Workload("packing", plain.pack_blocks, partial(blocks, 24, 4)),
        Workload("memory", arrays.copy_array, copies, engines=ENGINES[:3]),
        Workload("threads of numpy", arrays.multiply, products, engines=ENGINES[:3]),
        Workload("heavy arguments", plain.count_mirrored, heavy_arguments),
        Workload("heavy results", plain.draw_bytes, heavy_results),
        Workload("30 % with a lock", plain.burn_locked, partial(locked, 24, 25, 0.3), needs="fcntl"),
        Workload("90 % with a lock", plain.burn_locked, partial(locked, 24, 25, 0.9), needs="fcntl"),
        Workload("slow import", slow_import.burn_after_import, partial(burning, 24, 25)),
        Workload("slow first call", plain.look_up_and_burn, first_call),
    )
}


def count_choices(usable_cpus, waits):
    """Return the worker counts of a grid: powers of two, and the usable CPUs, up to twice these; 32 for what waits.

    >>> count_choices(6, waits=False)
    [2, 4, 6, 8, 12]
    >>> count_choices(2, waits=True)
    [2, 4, 8, 16, 32]
    """
    most = max(2 * usable_cpus, 32 if waits else 2)
    powers = {2**power for power in range(1, 10)}
    return sorted(n for n in powers | {usable_cpus, 2 * usable_cpus} if 1 < n <= most)


def cpu_count():
    """Return `os.cpu_count()`, or 1 where nobody knows it."""
    return os.cpu_count() or 1
