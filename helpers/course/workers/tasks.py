"""Tasks whose workers lose time in one way each. Standard library only."""

from helpers.tasks.cpu import burn, copy_block
from helpers.tasks.wait import wait_ms

__all__ = ["burn", "copy_block", "count_ones", "fill_memory", "make_growing", "make_one_long", "wait_ms"]

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
