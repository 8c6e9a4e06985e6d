"""What a worker of the engine `interpreters` does beside the common loop. Standard library only."""

import os
from multiprocessing import process
from time import thread_time

from helpers.tasks import worker

ARRIVED = b"a"


def start_interpreter(payload, place):
    """Load the function in this interpreter.

    `place` is what this process's multiprocessing has in its private ``_config``: where sockets go and how semaphores
    are named. The interpreter imports a multiprocessing of its own.
    """
    process.current_process()._config.update(place)
    worker._state.update(board=memoryview(bytearray(8 * 512)).cast("q"), cpu_clock=thread_time)
    worker.load_function(payload)


def arrive(slots_fd, arrived_fd, go_fd):
    """Take a slot, tell so, wait until all are here; return what went wrong, or None.

    The three file descriptors are pipes of the process, which interpreters share.
    """
    worker._state["slot"] = os.read(slots_fd, 1)[0]
    os.write(arrived_fd, ARRIVED)
    os.read(go_fd, 1)
    return worker._state["problem"]
