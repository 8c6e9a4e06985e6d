"""What is worth seeing once about state that processes share: progress, and who tracks a block.

Standard library only. What starts processes of a kind that could hang has a deadline.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from multiprocessing.pool import ThreadPool
from multiprocessing.shared_memory import SharedMemory

#: Seconds after which nothing more is waited for.
PATIENCE = 30.0
#: When a child was started, as the table says it.
BEFORE, AFTER = "started before the block was made", "started after"


# ── a progress counter ────────────────────────────────────────────────────────────────────────


def work_and_tell(done, n_items, seconds=0.01):
    """Work on so many items; count each in the Value `done`."""
    for _ in range(n_items):
        time.sleep(seconds)
        with done.get_lock():
            done.value += 1


# ── whose tracker? ────────────────────────────────────────────────────────────────────────────


def lend_to_children(methods=None):
    """Return {how the child starts: {when it was started: "stays" or "is gone"}} of blocks that children attach to.

    For each start method there is (or each of `methods`): see `lend_to_child`. From Python 3.13 on there is a
    second row for fork, in which the child says ``track=False``.
    """
    rows = {method: (method, True) for method in methods or sorted(multiprocessing.get_all_start_methods())[::-1]}
    if "fork" in rows and sys.version_info >= (3, 13):
        rows["fork, track=False"] = ("fork", False)
    cases = [(row, early) for row in rows for early in (True, False)]
    with ThreadPool(2) as threads:  # they only wait for programs of their own
        there = threads.map(lambda case: lend_to_child(case[1], *rows[case[0]])[0], cases)
    table = {row: {} for row in rows}
    for (row, early), stays in zip(cases, there, strict=True):
        table[row][BEFORE if early else AFTER] = "stays" if stays else "is gone"
    return table


def lend_to_child(early, start_method="fork", track=True, seconds=PATIENCE):
    """Return (is the block still there, what was complained of) after a child has attached to it and ended.

    The child is started before the block is made if `early`, else after it; from Python 3.13 on it can attach
    with `track` False. All of it happens in a fresh interpreter, where no resource tracker runs before the
    first block is made.
    """
    program = (
        "import json, sys; path, *arguments = json.loads(sys.argv[1]); sys.path[:] = path\n"
        f"if __name__ == '__main__':\n    from {__name__} import attach_in_child\n"
        "    print(json.dumps(attach_in_child(*arguments)))"
    )
    path = [os.getcwd() if part == "" else part for part in sys.path]
    arguments = json.dumps([path, bool(early), start_method, bool(track)])
    done = subprocess.run(
        [sys.executable, "-c", program, arguments], capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout), done.stderr


def attach_in_child(early, start_method, track):
    """Return whether a block outlives a child that attaches to it. For a fresh interpreter: see `lend_to_child`."""
    context = multiprocessing.get_context(start_method)
    ours, theirs = context.Pipe()
    child = context.Process(target=attach_and_end, args=(theirs, track), daemon=True)
    if early:
        child.start()
    block = SharedMemory(create=True, size=16)
    if not early:
        child.start()
    ours.send(block.name)
    own_tracker = ours.recv() not in (None, tracker_pid())
    child.join(10)
    deadline = time.monotonic() + (PATIENCE / 3 if own_tracker and track else 0.1)  # it needs a moment to remove
    while (there := is_there(block.name)) and time.monotonic() < deadline:
        time.sleep(0.02)
    block.close()
    if there:
        block.unlink()
    else:
        forget_block(block)
    return there


def attach_and_end(connection, track):
    """Attach to the block whose name comes through `connection`, say who tracks for this process, and end."""
    SharedMemory(connection.recv(), **({} if track else {"track": False})).close()
    connection.send(tracker_pid())


def tracker_pid():
    """Return the pid of the resource tracker that this process (or the one it was forked from) has started, or None."""
    from multiprocessing import resource_tracker

    return getattr(resource_tracker._resource_tracker, "_pid", None)


def is_there(name):
    """Return whether there is a block called `name`; for whoever made it, since attaching tells the own tracker."""
    try:
        SharedMemory(name).close()
    except FileNotFoundError:
        return False
    return True


def forget_block(block):
    """Tell our tracker that a block is gone: else it would complain of that at the end."""
    from multiprocessing import resource_tracker

    resource_tracker.unregister(block._name, "shared_memory")
