"""Exercises of chapter 03."""

from __future__ import annotations

from collections import Counter

from helpers.course.queue.tasks import (
    NO_POOL,
    add_slowly,
    call_without_pool,
    divide,
    double,
    drive_worker,
    square_large,
)
from helpers.exercises.base import (
    CHECK_DEADLINE,
    METHODS,
    Exercise,
    NotAttempted,
    Wrong,
    call_answer,
    require_overlap,
    spy_on,
)
from helpers.notebook import require_importable

LATE = (
    "A process that has put more than a pipe holds does not end before it is taken out: get the results first, join"
    " afterwards."
)


def _call(func, *args, start_method):
    """Return what the answer gives, any pool refused; a wait without end gets the two usual reasons."""
    try:
        return call_answer(call_without_pool, func, *args, start_method=start_method, timeout=CHECK_DEADLINE)
    except NotAttempted:
        raise NotAttempted("the function returns nothing yet. (Is the `return` missing?)") from None
    except Wrong as reason:
        if NO_POOL in str(reason):
            raise Wrong(f"{NO_POOL}.") from None
        if "waits for ever" in str(reason):
            raise Wrong(f"{reason} Does every consumer get a sentinel of its own? {LATE}") from None
        raise


def _examine_map(func):
    require_importable(func)
    items = [3, 1, 4, 1, 5, 9]
    for method in METHODS:
        value, spans = spy_on(square_large, lambda spy, method=method: _call(func, spy, items, start_method=method))
        expected = [square_large(item) for item in items]
        if value != expected:
            found = (
                [part[0] if isinstance(part, tuple) else part for part in value] if isinstance(value, list) else value
            )
            raise Wrong(
                f"for the items {items} and a function whose results begin with the squares, it gives {found!r}, not"
                f" {[item * item for item in items]}: in the order of the items. Results arrive in any order; let each"
                " carry its number."
            )
        require_overlap(spans)


queue_1 = Exercise(
    "queue_1",
    "Write, in a %%worker cell, map_by_queue(func, items): two processes, tasks and results in queues, a list in"
    " order.",
    _examine_map,
    "two processes took the items from your queue at the same time, and large results came back in order, under two"
    " start methods.",
    (
        (
            "The target of the processes is a loop: for number, item in iter(tasks.get, None): results.put((number,"
            " func(item)))."
        ),
        "Start two processes, put enumerate(items), then None twice: one sentinel a process.",
        "Take as many results as there are items, then join the processes, then put the results in order.",
    ),
    """%%worker
from multiprocessing import Process, Queue

def take(func, tasks, results):
    for number, item in iter(tasks.get, None):
        results.put((number, func(item)))

def map_by_queue(func, items):
    tasks, results = Queue(), Queue()
    workers = [Process(target=take, args=(func, tasks, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for task in [*enumerate(items), None, None]:
        tasks.put(task)
    found = dict(results.get() for _ in items)
    for worker in workers:
        worker.join()
    return [found[number] for number in range(len(items))]""",
)

#: Seconds after which two workers that are not done with these are given up.
PATIENCE = 8.0
DIVISORS = [5, 0, 4, 0, 3, 2, 0, 1, 6]


def _examine_worker(func):
    require_importable(func)
    wanted = Counter((item, "failed" if item == 0 else "ok", None if item == 0 else divide(item)) for item in DIVISORS)
    for method in METHODS:
        found, joined, codes, troubles = call_answer(
            drive_worker, func, DIVISORS, PATIENCE, start_method=method, timeout=CHECK_DEADLINE
        )
        if not found and codes == [0, 0]:
            raise NotAttempted("the worker puts no result yet.")
        if any(not isinstance(result, tuple) or len(result) != 3 for result in found):
            raise Wrong(f"a result is (item, 'ok' or 'failed', value or words); among the results is {found[0]!r}.")
        if any(codes):
            error = f", {troubles[0]}" if troubles else ""
            raise Wrong(f"a worker ended with exit code {next(filter(None, codes))}: an error went through it{error}.")
        told = Counter((item, state, value if state == "ok" else None) for item, state, value in found)
        if lost := sorted(item for item, _, _ in (wanted - told).elements()):
            raise Wrong(
                f"there is no right result for the items {lost} of {DIVISORS}: a failing item is reported and does not"
                " end the worker."
            )
        if extra := list((told - wanted).elements()):
            raise Wrong(f"nobody asked for the result {extra[0]!r}: the sentinel None is not an item.")
        if None in codes:
            raise Wrong("a worker is still running: it does not end when the sentinel None comes.")
        if not joined:
            raise Wrong(
                "all results are right, but tasks.join() does not return: some item, or the sentinel, never got its"
                " task_done()."
            )


queue_2 = Exercise(
    "queue_2",
    "Write, in a %%worker cell, careful_worker(tasks, results): divide each item, report failures, task_done for"
    " everything, end at None.",
    _examine_worker,
    "every item is accounted for, failures too, join returns, and both processes end by themselves, under two start"
    " methods.",
    (
        "Import divide in the same cell. An item gives (item, 'ok', divide(item)) or (item, 'failed', repr(error)).",
        (
            "A while True loop with tasks.get(). try: return if the item is None, else put the result. except"
            " Exception: put the failure."
        ),
        "finally: tasks.task_done() runs in each of these cases, also on the way out by return.",
    ),
    """%%worker
from helpers.course.queue.tasks import divide

def careful_worker(tasks, results):
    while True:
        item = tasks.get()
        try:
            if item is None:
                return
            results.put((item, "ok", divide(item)))
        except Exception as error:
            results.put((item, "failed", repr(error)))
        finally:
            tasks.task_done()""",
)


def _examine_pipeline(func):
    require_importable(func)
    items = list(range(6))
    wanted = sorted(double(item + 1) for item in items)
    for method in METHODS:
        (value, seconds), firsts = spy_on(
            add_slowly,
            lambda first, method=method: spy_on(
                double, lambda second: _call(func, first, second, items, start_method=method), company=1
            ),
        )
        if not isinstance(value, list):
            raise Wrong(f"it gives {value!r}, not a list.")
        if sorted(value, key=str) != sorted(wanted, key=str):
            raise Wrong(
                f"of {len(items)} items it gives {value!r}; in some order it should be {wanted}. One process of the"
                " first stage may still be at work when the other is done: the second stage gets its sentinel when"
                " both have ended."
            )
        require_overlap(firsts)
        if {pid for pid, *_ in firsts} & {pid for pid, *_ in seconds}:
            raise Wrong(
                "the result is right, but a process ran both functions: the second stage is a process of its own."
            )
        if min(began for _, _, began, _, _ in seconds) > max(ended for _, _, _, ended, _ in firsts):
            raise Wrong(
                "the result is right, but the second stage began when the first was over: it is to take each item as"
                " soon as it comes."
            )


queue_3 = Exercise(
    "queue_3",
    "Write, in a %%worker cell, pipeline(first, second, items): two processes run first, a third one second.",
    _examine_pipeline,
    "two processes of the first stage worked while a third took what they made, and nothing was lost at the end, under"
    " two start methods.",
    (
        (
            "One function serves both stages: for item in iter(inbox.get, None): outbox.put(func(item)). There are"
            " three queues."
        ),
        (
            "Who knows that nothing more comes for the second stage? Not a process of the first stage alone: its"
            " neighbour may still work."
        ),
        "Put two sentinels into the first queue, join the two processes, then put one sentinel into the second queue.",
    ),
    """%%worker
from multiprocessing import Process, Queue

def stage(func, inbox, outbox):
    for item in iter(inbox.get, None):
        outbox.put(func(item))

def pipeline(first, second, items):
    raw, half_done, done = Queue(), Queue(), Queue()
    firsts = [Process(target=stage, args=(first, raw, half_done)) for _ in range(2)]
    last = Process(target=stage, args=(second, half_done, done))
    for process in [*firsts, last]:
        process.start()
    for item in [*items, None, None]:
        raw.put(item)
    for process in firsts:  # they can end: the last stage empties their queue meanwhile
        process.join()
    half_done.put(None)
    results = [done.get() for _ in items]
    last.join()
    return results""",
)
