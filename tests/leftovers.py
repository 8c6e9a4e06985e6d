"""What is still alive: processes, shared-memory blocks, process groups."""

import ctypes
import os
import sys
import time

import psutil

from helpers import runner

SHARED_MEMORY = "/dev/shm"


def take_private_shared_memory():
    """Give this process and its children a /dev/shm of their own, where that is allowed; return whether.

    What other programs leave in shared memory is then not mistaken for ours. Needs root on Linux.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    new_mounts, recursive_private = 0x20000, 0x4000 | 0x40000
    if libc.unshare(new_mounts) or libc.mount(b"none", b"/", None, recursive_private, None):
        return False
    return libc.mount(b"tmpfs", SHARED_MEMORY.encode(), b"tmpfs", 0, b"mode=1777") == 0


def descendants():
    """Return the living processes below this one.

    Left out are idle runners with theirs, resource trackers, and the fork server of this very process (not
    what it forked): Python keeps it for the next process, and it ends with this one.
    """
    warm = runner.idle_runners()
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            lineage = {process.pid, *(parent.pid for parent in process.parents())}
            if (
                not lineage & warm
                and process.status() != psutil.STATUS_ZOMBIE
                and not any("resource_tracker" in part for part in process.cmdline())
                and not (
                    process.ppid() == os.getpid()
                    and any("multiprocessing.forkserver" in part for part in process.cmdline())
                )
            ):
                found.append(process)
        except psutil.Error:
            pass
    return found


def shared_blocks():
    """Return the names in shared memory that Python makes."""
    if not os.path.isdir(SHARED_MEMORY):
        return set()
    return {
        name
        for name in os.listdir(SHARED_MEMORY)
        if name.startswith(("sem.mp-", "psm_", "pymp-", "sem.loky", "torch_"))
    }


def no_leftovers(seconds=3.0):
    """Assert that, within `seconds`, no process of ours is alive."""
    deadline = time.monotonic() + seconds
    while (left := descendants()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, [(process.pid, process.cmdline()) for process in left]


def group_of(leader):
    """Return the living processes of a process group."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.Error):
            pass
    return found
