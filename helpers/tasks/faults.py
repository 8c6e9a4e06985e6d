"""Tasks that go wrong, each in one way, for chapters and tests. Standard library only.

Never call the deadly ones in a kernel: hand them to `helpers.measure`, which plays them in a
process of its own.
"""

import os
import signal
import sys
import threading
import time

#: The item at which the tasks of this module misbehave.
BAD_ITEM = 3


class AwkwardError(Exception):
    """An exception that pickles but cannot be unpickled: two required arguments."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")


def raise_on_bad(item):
    """Return `item` doubled; raise ValueError for `BAD_ITEM`."""
    if item == BAD_ITEM:
        raise ValueError(f"cannot double {item}")
    return item * 2


def raise_awkward(item):
    """As `raise_on_bad`, with an exception that `Pool` cannot survive."""
    if item == BAD_ITEM:
        raise AwkwardError(7, "no luck")
    return item * 2


def raise_system_exit(item):
    """As `raise_on_bad`, by ``sys.exit``."""
    if item == BAD_ITEM:
        sys.exit(5)
    return item * 2


def return_unpicklable(item):
    """Return `item` doubled; a lock, which cannot be pickled, for `BAD_ITEM`."""
    return threading.Lock() if item == BAD_ITEM else item * 2


def exit_on_bad(item):
    """Return `item` doubled; end the whole process with exit code 3 for `BAD_ITEM`."""
    if item == BAD_ITEM:
        os._exit(3)
    return item * 2


def kill_on_bad(item):
    """Return `item` doubled; kill the own process, as a lack of memory does."""
    if item == BAD_ITEM:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    return item * 2


def spin_for_ever(item):
    """Never return, with the CPU busy."""
    while True:
        item = not item


def sleep_for_ever(item):
    """Never return, with the CPU free."""
    while True:
        time.sleep(3600)


def print_item(item):
    """Print `item` and return it."""
    print(f"working on {item}", flush=True)
    return item


def return_process_id(item):
    """Return the id of the process: a result that is not the same in every run."""
    return os.getpid()


def make_block(size_bytes):
    """Return `size_bytes` zero bytes: a large result."""
    return bytes(size_bytes)
