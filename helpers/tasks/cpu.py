"""Tasks that keep a CPU busy. Standard library only."""

from hashlib import sha256
from math import isqrt
from time import perf_counter


def do_nothing(item):
    """Return `item`: the smallest possible task, for measuring overhead."""
    return item


def count_primes(limit):
    """Return how many primes are below `limit`, by trial division in pure Python.

    Keeps the GIL all the time, so threads do not help.

    >>> count_primes(30)
    10
    """
    return sum(all(number % divisor for divisor in range(2, isqrt(number) + 1)) for number in range(2, limit))


def sum_squares(n):
    """Return the sum of the squares below `n`, by a loop in pure Python.

    >>> sum_squares(4)
    14
    """
    total = 0
    for number in range(n):
        total += number * number
    return total


def hash_block(size_bytes):
    """Return the SHA-256 of `size_bytes` zero bytes as hex.

    Releases the GIL while hashing, so threads help as well as processes do.

    >>> hash_block(0)[:8]
    'e3b0c442'
    """
    return sha256(bytes(size_bytes)).hexdigest()


def burn(n_loops):
    """Return a number after `n_loops` rounds of a loop in pure Python: CPU work of a known amount.

    >>> burn(3)
    3
    """
    total = 0
    for number in range(n_loops):
        total += number & 255
    return total


def count_loops_per_ms(n_loops=40_000, repeats=5):
    """Return how many rounds of `burn` this process does in a millisecond, the best of `repeats` tries."""
    best = float("inf")
    for _ in range(repeats):
        began = perf_counter()
        burn(n_loops)
        best = min(best, perf_counter() - began)
    return n_loops / best / 1000
