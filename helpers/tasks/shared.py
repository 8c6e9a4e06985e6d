"""Attaching to a block of shared memory that another process made. Standard library only."""

import sys
from multiprocessing.shared_memory import SharedMemory


def open_block(name):
    """Return the SharedMemory called `name`, which belongs to another process: its maker unlinks it, nobody else.

    From Python 3.13 on no resource tracker is told, which would unlink it for a second time; before, the
    tracker has to be the maker's own.
    """
    return SharedMemory(name, track=False) if sys.version_info >= (3, 13) else SharedMemory(name)
