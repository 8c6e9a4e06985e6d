"""NumPy arrays in a named block of shared memory: what workers do with them.

A block is bytes: who attaches must be told the shape and the type of its numbers. NumPy is all that is
needed besides the standard library.
"""

import numpy as np

from helpers.tasks.shared import open_block


def scale_rows(name, shape, dtype, first, last, factor):
    """Multiply rows of a table that lies in the block called `name`."""
    block = open_block(name)
    table = np.ndarray(shape, dtype, buffer=block.buf)
    table[first:last] *= factor
    del table
    block.close()
