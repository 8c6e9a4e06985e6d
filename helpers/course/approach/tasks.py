"""Six kinds of work, each as a plain function and as a coroutine function. Standard library only.

::

    arithmetic   add_up      pure Python: one thread at a time holds the GIL
    hashing      hash_blocks C code that releases the GIL
    waiting      fetch       asks a server on this machine, which takes its time
    tiny         add_one     next to no work in a task
    data         swap_bytes  much to send to a worker, and as much to send back
    mixed        fetch_and_add_up   waits, then computes

The coroutine functions have the name with ``_async``. Only those that ask the server give way to others; the rest
hold the event loop until they are through, as any such work does.
"""

import os
import socket
from hashlib import sha256
from time import sleep
from typing import NamedTuple

__all__ = [
    "KINDS",
    "WAITING_KINDS",
    "Sizes",
    "add_one",
    "add_one_async",
    "add_up",
    "add_up_async",
    "fetch",
    "fetch_and_add_up",
    "fetch_and_add_up_async",
    "fetch_async",
    "find_functions",
    "hash_blocks",
    "hash_blocks_async",
    "make_items",
    "report_pid",
    "swap_bytes",
    "swap_bytes_async",
]

#: Bytes that `hash_blocks` hashes at once.
BLOCK = bytes(2**16)
#: Seconds for the server to answer.
PATIENCE = 30.0
#: What `swap_bytes` does to each byte: bit by bit the opposite.
SWAPPED = bytes(255 - value for value in range(256))


def add_up(n_loops):
    """Return the sum of the squares below `n_loops`, by a loop in pure Python.

    >>> add_up(4)
    14
    """
    total = 0
    for number in range(n_loops):
        total += number * number
    return total


async def add_up_async(n_loops):
    """As `add_up`: it never awaits, so the event loop does nothing else meanwhile."""
    return add_up(n_loops)


def hash_blocks(n_blocks):
    """Return the SHA-256 of `n_blocks` blocks of 64 KiB of zeros as hex: C code, which releases the GIL.

    >>> hash_blocks(1)[:8]
    'de2f2560'
    """
    hasher = sha256()
    for _ in range(n_blocks):
        hasher.update(BLOCK)
    return hasher.hexdigest()


async def hash_blocks_async(n_blocks):
    """As `hash_blocks`: it never awaits, so the event loop does nothing else meanwhile."""
    return hash_blocks(n_blocks)


def fetch(request):
    """Return the number that the server gives for `request`, a tuple (port, number, milliseconds that it takes).

    The server is that of `helpers.course.approach.server`: a connection a request, as for a page.
    """
    port, number, wait_ms = request
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(b"%d %g\n" % (number, wait_ms))
        reply = b""
        while part := connection.recv(100):
            reply += part
    return int(reply)


async def fetch_async(request):
    """As `fetch`, by asyncio's streams: each await lets the event loop go on with other requests."""
    import asyncio  # here: workers that never await are not to load it

    port, number, wait_ms = request
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE)
    try:
        writer.write(b"%d %g\n" % (number, wait_ms))
        return int(await asyncio.wait_for(reader.read(), PATIENCE))
    finally:
        writer.close()


def add_one(number):
    """Return `number` + 1: next to no work."""
    return number + 1


async def add_one_async(number):
    """As `add_one`."""
    return number + 1


def swap_bytes(data):
    """Return bytes as many as `data`, each 255 less the value there: little work on much data.

    >>> swap_bytes(bytes([0, 1]))
    b'\\xff\\xfe'
    """
    return data.translate(SWAPPED)


async def swap_bytes_async(data):
    """As `swap_bytes`."""
    return data.translate(SWAPPED)


def fetch_and_add_up(request):
    """Return what the server gives plus `add_up`; `request` is (port, number, milliseconds, rounds of the loop)."""
    *asked, n_loops = request
    return fetch(asked) + add_up(n_loops)


async def fetch_and_add_up_async(request):
    """As `fetch_and_add_up`: others go on while it waits, none while it adds up."""
    *asked, n_loops = request
    return await fetch_async(asked) + add_up(n_loops)


def report_pid(_item):
    """Return the id of the process that runs this, which is held long enough for every worker to get a turn."""
    sleep(0.05)
    return os.getpid()


#: Each kind of work: its plain function and its coroutine function.
KINDS = {
    "arithmetic": (add_up, add_up_async),
    "hashing": (hash_blocks, hash_blocks_async),
    "waiting": (fetch, fetch_async),
    "tiny": (add_one, add_one_async),
    "data": (swap_bytes, swap_bytes_async),
    "mixed": (fetch_and_add_up, fetch_and_add_up_async),
}
#: Kinds whose tasks ask the server.
WAITING_KINDS = ("waiting", "mixed")


class Sizes(NamedTuple):
    """How much work there is: tasks of each kind, and how large one of them is.

    ``n_loops`` are the rounds of an arithmetic task, ``n_blocks`` the blocks of 64 KiB of one that hashes,
    ``wait_ms`` how long the server takes, ``n_tiny`` how many tiny tasks there are, ``data_bytes`` how much each
    task with large data gets and gives back. A mixed task waits as long and computes half as much as one of each.
    """

    n_tasks: int = 16
    n_loops: int = 60_000
    n_blocks: int = 24
    wait_ms: float = 5.0
    n_tiny: int = 5_000
    data_bytes: int = 2_000_000


def make_items(kind, sizes, port=0):
    """Return the list of items of one kind of work; `port` is the server's, for kinds that wait.

    >>> make_items("arithmetic", Sizes(n_tasks=2, n_loops=5)), make_items("waiting", Sizes(n_tasks=1), 80)
    ([5, 5], [(80, 0, 5.0)])
    """
    numbers = range(sizes.n_tasks)
    if kind == "arithmetic":
        return [sizes.n_loops for _ in numbers]
    if kind == "hashing":
        return [sizes.n_blocks for _ in numbers]
    if kind == "waiting":
        return [(port, number, sizes.wait_ms) for number in numbers]
    if kind == "tiny":
        return list(range(sizes.n_tiny))
    if kind == "data":
        return [bytes([number % 256]) * sizes.data_bytes for number in numbers]
    return [(port, number, sizes.wait_ms, sizes.n_loops // 2) for number in numbers]


def find_functions(kind):
    """Return (plain function, coroutine function) of a kind of work."""
    return KINDS[kind]
