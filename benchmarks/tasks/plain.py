"""Tasks of `regret`. Standard library only, and little of it: every worker loads this module."""

import hashlib
import socket
import zlib
from functools import cache
from random import Random

from helpers.tasks.cpu import burn

#: A megabyte that is the same everywhere.
BLOCK = bytes(range(256)) * 4096
#: Every byte by its mirror image: 255 for 0, 254 for 1, …
MIRRORED = bytes(range(255, -1, -1))
#: Seconds that a server may take to answer.
PATIENCE = 60.0


def hash_blocks(n_blocks):
    """Return the SHA-256 of that many megabytes as hex; releases the GIL."""
    digest = hashlib.sha256()
    for _ in range(n_blocks):
        digest.update(BLOCK)
    return digest.hexdigest()


def pack_blocks(n_blocks):
    """Return how many bytes a megabyte is when it is packed, all times together; releases the GIL."""
    return sum(len(zlib.compress(BLOCK, 6)) for _ in range(n_blocks))


def count_mirrored(block):
    """Return how many bytes of the mirrored `block` are below 4: light work on a heavy argument; holds the GIL."""
    mirrored = block.translate(MIRRORED)
    return sum(map(mirrored.count, range(4)))


def draw_bytes(item):
    """Return `size_bytes` bytes drawn from a seed, `item` being the two: a heavy result; holds the GIL."""
    seed, size_bytes = item
    return Random(seed).randbytes(size_bytes)


def ask(item):
    """Return what the server of `benchmarks.serving` answers to a number: its square. `item` is (port, number)."""
    port, number = item
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection, connection.makefile("rwb") as stream:
        stream.write(b"%d\n" % number)
        stream.flush()
        return int(stream.readline())


def ask_and_burn(item):
    """Return the answer of the server and the result of as many loops: waiting, then computing."""
    port, number, n_loops = item
    return ask((port, number)), burn(n_loops)


def burn_locked(item):
    """Return the results of two loops, the second with a lock that all threads and processes share.

    `item` is (path, loops without the lock, loops with it). The lock is that of the file (POSIX): whoever opens the
    file anew competes for it, in another thread as in another process.
    """
    import fcntl

    path, free, locked = item
    before = burn(free)
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # closing the file gives it back
        return before, burn(locked)


@cache
def make_table(n_loops):
    """Return a table that takes its time, once in each process: what a worker loads at its first call."""
    return [burn(n_loops)] * 4


def look_up_and_burn(item):
    """Return the table's sum and the result of some loops, `item` being (loops of the table, loops)."""
    table_loops, n_loops = item
    return sum(make_table(table_loops)), burn(n_loops)
