"""NumPy arrays in a named block of shared memory: what workers do with them.

A block is bytes: who attaches must be told the shape and the type of its numbers. NumPy is all that is
needed besides the standard library.
"""

import numpy as np

from helpers.tasks.shared import open_block

#: Seconds that a worker waits for its neighbours.
PATIENCE = 30.0


def scale_rows(name, shape, dtype, first, last, factor):
    """Multiply rows of a table that lies in the block called `name`."""
    block = open_block(name)
    table = np.ndarray(shape, dtype, buffer=block.buf)
    table[first:last] *= factor
    del table
    block.close()


def flow(now, later, first, last):
    """Give each place in rows of `later` the mean of its four neighbours in `now`."""
    above, below = now[first - 1 : last - 1, 1:-1], now[first + 1 : last + 1, 1:-1]
    left, right = now[first:last, :-2], now[first:last, 2:]
    later[first:last, 1:-1] = (above + below + left + right) / 4


def heat_rows(name, shape, dtype, first, last, n_steps, barrier):
    """Let heat flow through rows of a plate; the block holds it twice."""
    block = open_block(name)
    plates = np.ndarray(shape, dtype, buffer=block.buf)
    for step in range(n_steps):
        now, later = step % 2, (step + 1) % 2
        flow(plates[now], plates[later], first, last)
        barrier.wait(PATIENCE)
    del plates
    block.close()
