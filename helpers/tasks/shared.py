"""Attaching to a block of shared memory that another process made. Standard library only."""

import sys
from multiprocessing.shared_memory import SharedMemory


def open_block(name):
    """Return the block called `name`; somebody else owns and unlinks it."""
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    return SharedMemory(name)  # the tracker has to be its owner's, too
