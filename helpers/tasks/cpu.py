"""Tasks that keep a CPU busy. Standard library only."""

from hashlib import sha256
from math import hypot, isqrt, sin
from random import Random
from time import perf_counter


def do_nothing(item):
    """Return `item`: the smallest possible task, for measuring overhead."""
    return item


def is_prime(number):
    """Return whether `number`, from 2 on, has no divisor up to its square root."""
    for divisor in range(2, isqrt(number) + 1):
        if number % divisor == 0:
            return False
    return True


def count_primes(limit):
    """Return how many primes are below `limit`, by trying every divisor.

    >>> count_primes(30)
    10
    """
    count = 0
    for number in range(2, limit):
        if is_prime(number):
            count += 1
    return count


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


def copy_block(n_times, size_bytes=4_000_000):
    """Copy `size_bytes` bytes `n_times` from one place of memory to another; return the bytes copied.

    Hardly computes: what limits it is the bandwidth between CPU and memory, which all cores share. By default the
    two blocks are larger than most caches that a core has for itself.

    >>> copy_block(2, 1000)
    2000
    """
    source, target = bytearray(size_bytes), bytearray(size_bytes)
    for _ in range(n_times):
        target[:] = source
    return n_times * len(target)


def make_image(seed, size=64):
    """Return a grainy grey picture, the same for the same `seed`: a list of `size` rows of bytes, 0 black, 255 white.

    Rings around a place of their own, as a camera sees them in too little light: every fourth pixel is noise.

    >>> [len(row) for row in make_image(1, 3)]
    [3, 3, 3]
    """
    dice = Random(seed)
    across, down = dice.randrange(size), dice.randrange(size)
    rings = [[128 + int(100 * sin(hypot(x - across, y - down) / 3)) for x in range(size)] for y in range(size)]
    return [bytes(dice.randrange(256) if dice.random() < 0.25 else grey for grey in row) for row in rings]


def blur_image(image, radius=2):
    """Return the picture with every pixel replaced by the mean of those around it.

    It takes `radius` pixels to each side: a filter against grain, in pure Python.

    >>> blur_image([bytes([10, 20, 90])], radius=1) == [bytes([15, 40, 55])]
    True
    """
    blurred = []
    for y in range(len(image)):
        rows = image[max(0, y - radius) : y + radius + 1]
        means = bytearray()
        for x in range(len(image[y])):
            near = b"".join(row[max(0, x - radius) : x + radius + 1] for row in rows)
            means.append(sum(near) // len(near))
        blurred.append(bytes(means))
    return blurred


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
