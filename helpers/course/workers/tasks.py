"""Tasks whose workers lose time in one way each, and tasks with arguments of any size. Standard library only."""

from helpers.tasks.cpu import burn, copy_block, count_loops_per_ms
from helpers.tasks.shared import open_block
from helpers.tasks.wait import wait_ms

__all__ = [
    "KINDS",
    "burn",
    "copy_block",
    "count_loops_per_ms",
    "count_ones",
    "do_sent",
    "do_shared",
    "fill_memory",
    "make_growing",
    "make_one_long",
    "wait_ms",
]

#: What a task of a given length can do.
KINDS = ("computing", "waiting")

_kept = []


def count_ones(block):
    """Return how many bytes of `block` are 1: a quick look at a large argument, which takes longer to send."""
    return block.count(b"\1")


def fill_memory(size_bytes):
    """Keep `size_bytes` more bytes in this process, all of them written to; return how many it keeps in all.

    Stands for a worker that loads a model or a table once and holds it.
    """
    _kept.append(bytearray(b"\1") * size_bytes)
    return sum(map(len, _kept))


def make_one_long(n_items, n_loops, times):
    """Return `n_items` sizes for `burn`, all `n_loops` but the last one, which is `times` as long.

    >>> make_one_long(3, 10, 4)
    [10, 10, 40]
    """
    return [n_loops] * (n_items - 1) + [n_loops * times]


def make_growing(n_items, n_loops):
    """Return `n_items` sizes for `burn` that grow evenly to `n_loops`: the last tasks are the longest.

    >>> make_growing(4, 100)
    [25, 50, 75, 100]
    """
    return [max(1, n_loops * place // n_items) for place in range(1, n_items + 1)]


def do_sent(item):
    """Do the task (kind, amount, block), whose block was sent; return its amount and the ends of the block.

    The amount is rounds of `burn` for "computing", milliseconds for "waiting".
    """
    kind, amount, block = item
    (wait_ms if kind == "waiting" else burn)(amount)
    return amount, block[0], block[-1]


def do_shared(item):
    """Do the task (kind, amount, name, first, length), whose block is a part of shared memory, as `do_sent` does."""
    kind, amount, name, first, length = item
    shared = open_block(name)
    try:
        ends = shared.buf[first], shared.buf[first + length - 1]
    finally:
        shared.close()
    (wait_ms if kind == "waiting" else burn)(amount)
    return amount, *ends
