"""Tasks on memory that several processes share: arrays and named blocks. Standard library only.

Counters are in `helpers.course.counting.tasks`.
"""

import subprocess
import sys
import zlib
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

from helpers.tasks.shared import open_block

#: A global: every process that imports this module has one of its own.
calls = 0


def add_to_global(n_updates):
    """Add to the global of the process that runs this; return it."""
    global calls
    for _ in range(n_updates):
        calls += 1
    return calls


# ── arrays and named blocks ───────────────────────────────────────────────────────────────────


def fill_squares(array, first, last):
    """Write the squares from `first` on, up to `last`, into their places."""
    for place in range(first, last):
        array[place] = place * place


def shout(name, size):
    """Change the first bytes of a block to upper case, in place."""
    block = open_block(name)
    block.buf[:size] = bytes(block.buf[:size]).upper()
    block.close()


def checksum(data):
    """Return the CRC-32 of `data`, which touches every byte."""
    return zlib.crc32(data)


def checksum_block(name, size):
    """Return the CRC-32 of the first bytes of a block, not copied."""
    block = open_block(name)
    try:
        with block.buf[:size] as view:
            return zlib.crc32(view)
    finally:
        block.close()


def identify_block(name, size):
    """Return (name, CRC-32 of the first `size` bytes): work for which a block is lent."""
    return name, checksum_block(name, size)


def fail_on_block(name, size):
    """Raise a KeyError with the name and the CRC-32: work that fails, and tells what it was given."""
    raise KeyError(name, checksum_block(name, size))


def lend_block(program, seconds=30):
    """Return (is the block still there, what was complained of) after a foreign Python process used it.

    The process is a fresh interpreter that runs `program` with the block's name in
    ``sys.argv[1]``; it is no child in the sense of multiprocessing, so it has a resource tracker
    of its own.
    """
    block = SharedMemory(create=True, size=16)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, block.name], capture_output=True, text=True, timeout=seconds
        )
    finally:
        block.close()
        try:
            block.unlink()
            there = True
        except FileNotFoundError:
            resource_tracker.unregister(block._name, "shared_memory")  # it is gone: our tracker has nothing to remove
            there = False
    return there, done.stderr
