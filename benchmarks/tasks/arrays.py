"""Tasks of `regret` that work on arrays."""

import numpy as np


def copy_array(item):
    """Return the last number of an array that was copied there and back, `item` being (number, bytes, times).

    Bound by the memory where the two arrays are larger than the caches.
    """
    number, size_bytes, times = item
    here = np.full(max(1, size_bytes // 8), float(number))
    there = np.empty_like(here)
    for _ in range(times):
        np.copyto(there, here)
        np.copyto(here, there)
    return float(here[-1])


def multiply(item):
    """Return the sum of a product of two matrices of small whole numbers, `item` being (number, size).

    By the BLAS of numpy, which has threads of its own. Whole numbers: the sum does not depend on its order.
    """
    number, size = item
    left = (np.arange(size * size, dtype=float).reshape(size, size) + number) % 7
    return float((left @ left.T).sum())
