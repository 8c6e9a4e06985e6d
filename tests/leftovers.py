"""What is still there: processes, shared-memory blocks, temporary folders, process groups."""

import ctypes
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from multiprocessing.util import Finalize

import psutil

from helpers import runner
from helpers.runner import guardian, plays

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


def take_private_temporary_folder():
    """Give this process and its children a folder of their own for temporary files, removed at the end.

    What other programs leave beside ours is then not mistaken for ours. What pytest itself stores stays.
    """
    root = os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = tempfile.mkdtemp(prefix="mpl-tests-", dir=root)  # not within another one: paths of sockets are short
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=-200)  # after multiprocessing's own


def temporary_traces():
    """Return the names in the folder for temporary files that come from us or from multiprocessing.

    Left out are the folders of idle runners and of this very process.
    """
    kept = {guardian.FOLDER + guardian.short_name(idle.mark) for idle in list(plays._idle)}
    own = multiprocessing.current_process()._config.get("tempdir")
    kept |= {os.path.basename(own)} if own else set()
    return {
        name
        for name in os.listdir(tempfile.gettempdir())
        if name.startswith(("pymp-", "multiprocessing-live-")) and f"-{os.getpid()}-" not in name
    } - kept


def descendants():
    """Return the living processes below this one.

    Left out are idle runners with theirs, resource trackers, the guardian and the fork server of this very process
    (not what it forked): they are kept for the next process, and end with this one.
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
                    and any("multiprocessing.forkserver" in p or p == guardian.__file__ for p in process.cmdline())
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
