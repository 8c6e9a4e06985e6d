"""Tasks that keep a CPU busy. Standard library only."""

from hashlib import sha256
from math import isqrt


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
