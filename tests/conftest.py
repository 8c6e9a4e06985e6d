"""What all tests share: nothing of ours may be left behind."""

import threading
import time

import pytest
from leftovers import descendants, shared_blocks, take_private_shared_memory

from helpers import runner

take_private_shared_memory()


@pytest.fixture(autouse=True)
def leave_nothing_behind(request):
    """Fail a test that leaves a process, a thread of ours or a shared-memory block behind."""
    before_blocks, before_processes = shared_blocks(), {process.pid for process in descendants()}
    before_threads = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while True:
        warm = {f"helpers-runner-{pid}" for pid in runner.idle_runners()}
        threads = [t.name for t in set(threading.enumerate()) - before_threads if t.name.startswith("helpers-") and t.name not in warm]
        processes = [process.pid for process in descendants() if process.pid not in before_processes]
        blocks = shared_blocks() - before_blocks
        if not (threads or processes or blocks):
            return
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{request.node.name} left behind: threads {threads}, processes {processes}, shared memory {sorted(blocks)}"
            )
        time.sleep(0.05)
