"""What is worth seeing once about state that processes share: progress, and who tracks a block.

Standard library only. What starts processes of a kind that could hang has a deadline.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from multiprocessing.shared_memory import SharedMemory

#: Seconds after which nothing more is waited for.
PATIENCE = 30.0


# ── a progress counter ────────────────────────────────────────────────────────────────────────


def work_and_tell(done, n_items, seconds=0.01):
    """Work on so many items; count each in the Value `done`."""
    for _ in range(n_items):
        time.sleep(seconds)
        with done.get_lock():
            done.value += 1


# ── whose tracker? ────────────────────────────────────────────────────────────────────────────


def lend_to_child(early, start_method="fork", seconds=PATIENCE):
    """Return (is the block still there, what was complained of) after a child has attached to it and ended.

    The child is started before the block is made if `early`, else after it. All of it happens in a
    fresh interpreter, where no resource tracker runs before the first block is made.
    """
    program = (
        "import json, sys; path, early, method = json.loads(sys.argv[1]); sys.path[:] = path\n"
        f"if __name__ == '__main__':\n    from {__name__} import attach_in_child\n"
        "    print(json.dumps(attach_in_child(early, method)))"
    )
    arguments = json.dumps([[os.getcwd() if part == "" else part for part in sys.path], bool(early), start_method])
    done = subprocess.run(
        [sys.executable, "-c", program, arguments], capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout), done.stderr


def attach_in_child(early, start_method):
    """Return whether a block outlives a child that attaches to it. For a fresh interpreter: see `lend_to_child`."""
    context = multiprocessing.get_context(start_method)
    ours, theirs = context.Pipe()
    child = context.Process(target=attach_and_end, args=(theirs,), daemon=True)
    if early:
        child.start()
    block = SharedMemory(create=True, size=16)
    if not early:
        child.start()
    ours.send(block.name)
    child.join(10)
    deadline = time.monotonic() + 1  # a tracker of the child's own would need a moment
    while (there := is_there(block.name)) and time.monotonic() < deadline:
        time.sleep(0.02)
    block.close()
    if there:
        block.unlink()
    else:
        forget_block(block)
    return there


def attach_and_end(connection):
    """Attach to the block whose name comes through `connection`, as anybody would, and end."""
    SharedMemory(connection.recv()).close()


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
