"""What all tests share: nothing of ours may be left behind."""

import os
import threading
import time

import psutil
import pytest

from helpers import runner

SHARED_MEMORY = "/dev/shm"


def descendants():
    """Return the living processes below this one; idle runners with theirs, and resource trackers, left out."""
    warm = {one.pid for one in list(runner._idle)}
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            lineage = {process.pid, *(parent.pid for parent in process.parents())}
            if not lineage & warm and process.status() != psutil.STATUS_ZOMBIE and not any("resource_tracker" in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            pass
    return found


def shared_blocks():
    """Return the names in shared memory that Python makes."""
    if not os.path.isdir(SHARED_MEMORY):
        return set()
    return {name for name in os.listdir(SHARED_MEMORY) if name.startswith(("sem.mp-", "psm_", "pymp-", "sem.loky", "torch_"))}


def no_leftovers(seconds=3.0):
    """Assert that, within `seconds`, no process of ours is alive."""
    deadline = time.monotonic() + seconds
    while (left := descendants()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, [(process.pid, process.cmdline()) for process in left]


@pytest.fixture(autouse=True)
def leave_nothing_behind(request):
    """Fail a test that leaves a process, a thread of ours or a shared-memory block behind."""
    before_blocks, before_processes = shared_blocks(), {process.pid for process in descendants()}
    before_threads = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while True:
        warm = {f"helpers-runner-{one.pid}" for one in list(runner._idle)}
        threads = [t.name for t in set(threading.enumerate()) - before_threads if t.name.startswith("helpers-") and t.name not in warm]
        processes = [process.pid for process in descendants() if process.pid not in before_processes]
        blocks = shared_blocks() - before_blocks
        if not (threads or processes or blocks):
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"{request.node.name} left behind: threads {threads}, processes {processes}, shared memory {sorted(blocks)}")
        time.sleep(0.05)
