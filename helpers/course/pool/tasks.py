"""Tasks of a given length, even or uneven, that note who ran them and when. Standard library only.

::

    start_lane(…)              once a worker, as initializer: the board, a number of its own
    run_noted((place, size))   a task: work, and three numbers on the board

The board is shared memory with four columns of one number a task: worker + 1 (0: not begun),
began, ended (0: not yet), CPU seconds. Whoever holds it sees the run while it goes, without a
message from the workers.
"""

import signal
from random import Random
from time import perf_counter, sleep, thread_time

from helpers.tasks.cpu import burn, count_loops_per_ms
from helpers.tasks.worker import end_with_parent

__all__ = [
    "KINDS",
    "ORDERS",
    "burn",
    "count_loops_per_ms",
    "do_work",
    "make_sizes",
    "note_task",
    "run_noted",
    "run_noted_pair",
    "start_lane",
]

#: What a task can do, and in which order tasks can stand.
KINDS = ("computing", "waiting")
ORDERS = ("longest last", "longest first", "shuffled")

_lane = {}


def make_sizes(n_tasks, mean_ms, skew=1.0, order="longest last"):
    """Return `n_tasks` lengths in milliseconds whose mean is `mean_ms`.

    The longest is `skew` times the shortest, with even steps between: each is longer than its
    neighbour by the same factor.

    >>> make_sizes(3, 2.0)
    [2.0, 2.0, 2.0]
    >>> [round(size, 2) for size in make_sizes(3, 7.0, skew=4)]
    [3.0, 6.0, 12.0]
    """
    weights = [skew ** (place / max(1, n_tasks - 1)) for place in range(n_tasks)]
    if order == "longest first":
        weights.reverse()
    elif order == "shuffled":
        Random(n_tasks).shuffle(weights)
    scale = mean_ms * n_tasks / sum(weights) if weights else 0.0
    return [scale * weight for weight in weights]


def do_work(kind, size):
    """Return the result of a task: `size` rounds of `burn`, or `size` milliseconds of sleep."""
    if kind == "computing":
        return burn(size)
    sleep(size / 1000)
    return size


def start_lane(board, ready, counter, kind):
    """Prepare a worker: take the next number, note that it is ready; ignore Ctrl-C, end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with counter.get_lock():
        lane = counter.value
        counter.value += 1
    columns = memoryview(board).cast("B").cast("d")
    _lane.update(number=lane, columns=columns, n_tasks=len(columns) // 4, kind=kind)
    if lane < len(ready):
        ready[lane] = perf_counter()


def run_noted(task):
    """Return (place, result) of the task (place, size), and note it on the board."""
    place, size = task
    value = note_task(_lane["columns"], _lane["n_tasks"], _lane["number"], _lane["kind"], place, size)
    return place, value


def run_noted_pair(place, size):
    """As `run_noted`, of two arguments: for ``starmap``."""
    return run_noted((place, size))


def note_task(columns, n_tasks, lane, kind, place, size):
    """Do a task; note on the four columns who does it, when it begins and ends, and its CPU seconds."""
    cpu = thread_time()
    columns[place] = lane + 1
    columns[n_tasks + place] = perf_counter()
    value = do_work(kind, size)
    columns[2 * n_tasks + place] = perf_counter()
    columns[3 * n_tasks + place] = thread_time() - cpu
    return value
