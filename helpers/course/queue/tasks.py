"""What processes around a queue execute: recorded producers and consumers, and what the exercises need.

Every put and get is noted in shared memory by the process that does it, so that whoever started
the processes can watch without a message and without ``qsize``, which macOS does not have.
Standard library only.
"""

import multiprocessing
import queue as thread_queue
import threading
import time
from functools import partial
from time import perf_counter, sleep

from helpers.tasks.crew import Crew
from helpers.tasks.spy import read_spans

#: What tells a consumer that nothing more comes.
SENTINEL = None
#: Numbers before the first event of a log (ready, began, ended), and numbers of one event.
HEAD, STRIDE = 3, 3
READY, BEGAN, ENDED = range(HEAD)
#: The item number noted for a sentinel.
NO_ITEM = -1.0


class QueueLog:
    """A process's own record of its puts or gets, in `cells`: shared memory of doubles, all 0 at first.

    ::

        ready  began  ended  |  asked  item  done  |  asked  item  done  |  …

    `asked` is when put or get was called, `done` when it returned (0: not yet), both by
    ``perf_counter``, which all processes of a machine share. One process writes a log; anybody
    may read it meanwhile.
    """

    def __init__(self, cells):
        self.cells, self.at = memoryview(cells).cast("B").cast("d"), HEAD

    def stamp(self, place):
        """Note the time in one of the places READY, BEGAN, ENDED."""
        self.cells[place] = perf_counter()


def log_size(n_events):
    """Return how many doubles a log of `n_events` needs."""
    return HEAD + STRIDE * n_events


def put_recorded(queue, item, log):
    """Put the number `item` and note when put was called and when it returned; costs well under 2 µs."""
    cells, at = log.cells, log.at
    cells[at] = perf_counter()
    cells[at + 1] = item
    queue.put(item)
    cells[at + 2] = perf_counter()
    log.at = at + STRIDE


def get_recorded(queue, log):
    """Return the next item and note when get was called and when it returned; costs well under 2 µs."""
    cells, at = log.cells, log.at
    cells[at] = perf_counter()
    item = queue.get()
    cells[at + 1] = NO_ITEM if item is SENTINEL else item
    cells[at + 2] = perf_counter()
    log.at = at + STRIDE
    return item


def produce(queue, numbers, seconds, cells, go):
    """Work `seconds` on each of `numbers` (a wait, the CPU stays free) and put it, once `go` is set."""
    log = QueueLog(cells)
    log.stamp(READY)
    go.wait()
    log.stamp(BEGAN)
    for number in numbers:
        sleep(seconds)
        put_recorded(queue, number, log)
    log.stamp(ENDED)


def consume(queue, seconds, cells, go):
    """Work `seconds` on each item (a wait, the CPU stays free) until the sentinel comes, once `go` is set."""
    log = QueueLog(cells)
    log.stamp(READY)
    go.wait()
    log.stamp(BEGAN)
    while get_recorded(queue, log) is not SENTINEL:
        sleep(seconds)
    log.stamp(ENDED)


def take_part(work, *arguments):
    """Call ``work(*arguments)``: the target of a crew whose members do different work."""
    work(*arguments)


# ── what the checks of the exercises run ─────────────────────────────────────────────────────────


def wait_for_all(tasks):
    """Wait until every item put into the JoinableQueue has its ``task_done``."""
    tasks.join()


def square_large(item):
    """Return (square, 200,000 zero bytes): more than a pipe holds."""
    return item * item, bytes(200_000)


def divide(item):
    """Return 60 divided by `item`, whole; raises ZeroDivisionError for 0."""
    return 60 // item


def add_slowly(item):
    """Return `item` + 1, after a moment, a longer one for 0: later items overtake it."""
    time.sleep(0.6 if item == 0 else 0.01)
    return item + 1


def double(item):
    """Return 2 × `item`."""
    return 2 * item


class LateNumber(int):
    """A number that is late in every queue: pickling it waits until ``on_the_way()`` has returned."""

    def __reduce__(self):
        self.on_the_way()
        return int, (int(self),)


def call_with_late_items(func, spies, items, pauses=(2.5, 0.5), patience=5.0):
    """Return ``func(*spies, items)``, where the last items reach a process when all before them are done, and later.

    Each of the last items has its pause of `pauses`, in seconds. The feeder thread waits for it, so it does not
    matter when the item is put. Two are late, because a worker that found an item with ``empty()``, and which the
    other worker took away, sits in ``get()`` when the first of them comes. "Done" are calls of the first of `spies`;
    where they are not done within `patience` seconds, the item comes without a pause.
    """
    items, n_early = list(items), len(items) - len(pauses)
    for number, pause in enumerate(pauses, n_early):
        items[number] = LateNumber(items[number])
        items[number].on_the_way = partial(_be_late, spies[0].folder, number, pause, patience)
    return func(*spies, items)


def call_briefly(func, spy, items, grace=3.0):
    """Return whether ``func(spy, items)`` came back or raised, `grace` seconds after its items were done at the latest.

    "Done" are calls of `spy`. What does not come back stays behind in a thread: for a process that is ended then.
    """
    caller = threading.Thread(target=func, args=(spy, items), daemon=True)
    caller.start()
    while caller.is_alive() and len(read_spans(spy.folder)) < len(items):
        sleep(0.02)
    caller.join(grace)
    return not caller.is_alive()


def _be_late(folder, n_before, pause, patience):
    """Wait until `n_before` calls of the Spy of `folder` are over, and `pause` seconds more."""
    deadline = perf_counter() + patience
    while perf_counter() < deadline:
        if len(read_spans(folder)) >= n_before:
            return sleep(pause)
        sleep(0.01)


def run_and_tell(worker, tasks, results, troubles):
    """Call ``worker(tasks, results)``; put an exception's type and message into `troubles` and let it go on."""
    try:
        worker(tasks, results)
    except Exception as error:
        troubles.put(f"{type(error).__name__}: {error}")
        raise


def drive_worker(worker, items, patience=8.0, pause=0.0):
    """Return (results, whether the queue's join returned, exit codes, words on exceptions) of two processes.

    Both run ``worker(tasks, results)``, which gets a JoinableQueue that ends in one sentinel a process, and
    a Queue. The second half of `items` comes `pause` seconds after the first half is done. A wait that lasts
    longer than `patience` seconds is given up and its processes ended.
    """
    tasks, results = multiprocessing.JoinableQueue(), multiprocessing.Queue()
    troubles = multiprocessing.SimpleQueue()
    n_workers, half = 2, len(items) // 2
    _put_all(tasks, items[:half])
    deadline = perf_counter() + patience
    arguments = [(worker, tasks, results, troubles)] * n_workers
    try:
        with Crew(run_and_tell, arguments, links=False, daemon=False) as workers:
            found = _take_results(results, workers, deadline, half)
            sleep(pause)
            _put_all(tasks, [*items[half:], *[SENTINEL] * n_workers])
            with Crew(wait_for_all, [(tasks,)], links=False) as waiter:  # before, its join would return too early
                found += _take_results(results, workers, deadline)
                codes = workers.exitcodes
                # where all is right it has long returned
                joined = waiter.join(min(2.0, patience) if len(found) >= len(items) and not any(codes) else 0.0)
                told = _take_all(troubles)
                for crew in (workers, waiter):
                    crew.end(told=False)
        return found, joined, codes, told
    finally:
        for queue in (tasks, results):
            queue.close()
            queue.cancel_join_thread()
        troubles.close()


def _put_all(queue, items):
    """Put each of `items`."""
    for item in items:
        queue.put(item)


def _take_results(results, workers, deadline, enough=None):
    """Return what comes out of `results`: `enough` of it, or until a crew has ended or the deadline passes."""
    found = []
    while perf_counter() < deadline and len(found) != enough:
        over = None not in workers.exitcodes
        try:
            found.append(results.get(timeout=0.1))
        except thread_queue.Empty:
            if over:
                break
    return found


def _take_all(simple_queue):
    """Return what lies in a SimpleQueue."""
    found = []
    while not simple_queue.empty():
        found.append(simple_queue.get())
    return found
