"""Events: what it costs to note one put or get of a queue, as QueueLab does, and what happens at a lock, as LockLab
does."""

from __future__ import annotations

import multiprocessing
from statistics import median

from benchmarks.rows import Row, at_most, interleave, spread
from helpers.course.lock.tasks import TracedLock
from helpers.course.queue.tasks import QueueLog, get_recorded, log_size, put_recorded

SIZES = {
    "full": {"n_events": 100_000, "repeats": 11},
    "quick": {"n_events": 100_000, "repeats": 3},
    "smoke": {"n_events": 500, "repeats": 1},
}
#: microseconds an event, above the bare call
LIMIT_US = 2.0


class NoQueue:
    """A queue that does nothing: what remains of a recorded call is the recording."""

    def put(self, item):
        """Take `item`."""

    def get(self):
        """Return an item."""
        return 1


def measure(n_events, repeats):
    """Return the rows: recorded calls of a queue that does nothing, less the bare calls; and a real queue to compare
    with."""
    queue, cells = NoQueue(), multiprocessing.RawArray("d", log_size(n_events))

    def put():
        for item in range(n_events):
            queue.put(item)

    def get():
        for _ in range(n_events):
            queue.get()

    def put_noted():
        log = QueueLog(cells)
        for item in range(n_events):
            put_recorded(queue, item, log)

    def get_noted():
        log = QueueLog(cells)
        for _ in range(n_events):
            get_recorded(queue, log)

    seconds = interleave(
        {
            "put": put,
            "get": get,
            "put noted": put_noted,
            "get noted": get_noted,
            "real": lambda: _through_a_queue(n_events),
        },
        repeats,
    )
    us = {name: 1e6 * median(took) / n_events for name, took in seconds.items()}
    real = "a real put and get, bare"
    return [
        *(
            at_most(
                f"noting a queue {name}",
                us[f"{name} noted"] - us[name],
                "µs",
                LIMIT_US,
                ratio=(us[f"{name} noted"] - us[name]) / us["real"],
                against=real,
                note=spread(seconds[f"{name} noted"]),
            )
            for name in ("put", "get")
        ),
        Row(real, us["real"], "µs", note="one process, put and get in turn"),
        *_lock_rows(n_events, repeats),
    ]


def _lock_rows(n_events, repeats):
    """Return the rows of a lock that notes when it was asked for, got and released, less the bare lock."""
    lock = multiprocessing.Lock()

    def bare():
        for _ in range(n_events):
            with lock:
                pass

    def noted():
        traced = TracedLock(lock)
        for _ in range(n_events):
            with traced:
                pass

    seconds = interleave({"bare": bare, "noted": noted}, repeats)
    us = {name: 1e6 * median(took) / n_events for name, took in seconds.items()}
    real, each = "a bare lock, taken and released", (us["noted"] - us["bare"]) / 3
    return [
        at_most(
            "noting a lock event",
            each,
            "µs",
            LIMIT_US,
            ratio=each / us["bare"],
            against=real,
            note=spread(seconds["noted"]),
        ),
        Row(real, us["bare"], "µs", note="one process, nobody waits"),
    ]


def _through_a_queue(n_items):
    queue = multiprocessing.SimpleQueue()
    for item in range(n_items):
        queue.put(item)
        queue.get()
    queue.close()
