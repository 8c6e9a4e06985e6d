"""NumPy arrays in a named block of shared memory: what workers do with them, and what keeps a block from closing.

A block is bytes: who attaches must be told the shape and the type of its numbers. NumPy is all that is
needed besides the standard library.
"""

import gc
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from helpers.tasks.shared import open_block


def scale_rows(name, shape, dtype, first, last, factor):
    """Multiply the rows `first` to ``last - 1`` of a table that lies in the block called `name`, in place."""
    block = open_block(name)
    table = np.ndarray(shape, dtype, buffer=block.buf)
    table[first:last] *= factor
    del table
    block.close()


def sum_rows(name, shape, dtype, first, last):
    """Return the sum of the rows `first` to ``last - 1`` of a table that lies in the block called `name`."""
    block = open_block(name)
    table = np.ndarray(shape, dtype, buffer=block.buf)
    total = table[first:last].sum().item()
    del table
    block.close()
    return total


#: Ways to see a block of doubles as an array.
VIEWS = {
    "np.frombuffer": lambda block: np.frombuffer(block.buf),
    "np.asarray": lambda block: np.asarray(block.buf),
    "np.ndarray": lambda block: np.ndarray(block.size // 8, buffer=block.buf),
}


def close_under(view):
    """Return what ``close()`` says while an array still looks at the block: "closed", or the exception's words.

    `view` is one of `VIEWS`. Nothing is read after closing.
    """
    block = SharedMemory(create=True, size=4096)
    numbers = VIEWS[view](block)
    try:
        block.close()
        return "closed"
    except BufferError as error:
        return f"BufferError: {error}"
    finally:
        del numbers
        gc.collect()
        block.close()
        block.unlink()


def read_after_close(view="np.ndarray"):
    """Return a number read from an array whose block was closed, if the process lives to tell.

    For a process of its own, behind a deadline: `helpers.measure.answers.run_answer`.
    """
    block = SharedMemory(create=True, size=4096)
    numbers = VIEWS[view](block)
    block.close()
    block.unlink()
    return float(numbers[0])
