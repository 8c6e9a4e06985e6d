"""Locks that nobody shares, which keep nobody out: made when the module is imported, or inside the worker.

A lock works between processes that got the same one when they were started. Standard library only.
"""

from multiprocessing import Lock

#: Made anew in every process that imports this module (fork alone hands on the one that is there).
module_lock = Lock()


def add_with_module_lock(counter, n_updates):
    """Add 1 so many times, each time inside the lock of the module."""
    for _ in range(n_updates):
        with module_lock:
            counter.value += 1


def add_with_own_lock(counter, n_updates):
    """Add 1 so many times, each time inside a lock that was made here."""
    own_lock = Lock()
    for _ in range(n_updates):
        with own_lock:
            counter.value += 1
