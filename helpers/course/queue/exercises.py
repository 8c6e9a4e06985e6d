"""Exercises of chapter 03."""

from __future__ import annotations

from collections import Counter

from helpers.course.queue.tasks import (
    PoolRefusedError,
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
    try_answer,
)
from helpers.notebook import require_importable

LATE = (
    "Does every consumer get a sentinel of its own? A process that has put more than a pipe holds does not end before "
    "it is taken out: get the results first, join afterwards."
)


def _call(func, *args, start_method):
    """Return what the answer gives, any pool refused; a wait without end gets the two usual reasons."""
    trial = try_answer(call_without_pool, func, *args, start_method=start_method, timeout=CHECK_DEADLINE)
    refused = {"raised": f"{PoolRefusedError()}."} if trial.error_type == PoolRefusedError.__name__ else None
    return trial.require(also={"late": LATE}, instead=refused)


# ── map_by_queue ──────────────────────────────────────────────────────────────────────────────

ITEMS = [3, 1, 4, 1, 5, 9]


def _examine_map(func):
    require_importable(func)
    for method in METHODS:
        judge_map(*spy_on(square_large, lambda spy, method=method: _call(func, spy, ITEMS, start_method=method)))


def judge_map(value, spans):
    """Raise Wrong unless `value` is what `square_large` gives for `ITEMS`, done by two processes side by side."""
    if value != [square_large(item) for item in ITEMS]:
        found = [part[0] if isinstance(part, tuple) else part for part in value] if isinstance(value, list) else value
        raise Wrong(
            f"for the items {ITEMS} and a function whose results begin with the squares, it gives {found!r}, not "
            f"{[item * item for item in ITEMS]}: in the order of the items. Results arrive in any order; let each "
            "carry its number."
        )
    require_overlap(spans)


queue_1 = Exercise(
    "queue_1",
    "Write, in a %%worker cell, map_by_queue(func, items): two processes, tasks and results in queues, a list in "
    "order.",
    _examine_map,
    "two processes took the items from your queue at the same time, and large results came back in order, under two "
    "start methods.",
    (
        (
            "The target of the processes is a loop: for number, item in iter(tasks.get, None): results.put((number, "
            "func(item)))."
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

# ── careful_worker ────────────────────────────────────────────────────────────────────────────

#: Seconds after which two workers that are not done with these are given up.
PATIENCE = 8.0
DIVISORS = [5, 0, 4, 0, 3, 2, 0, 1, 6]


def _examine_worker(func):
    require_importable(func)
    for method in METHODS:
        judge_worker(*call_answer(drive_worker, func, DIVISORS, PATIENCE, start_method=method, timeout=CHECK_DEADLINE))


def judge_worker(found, joined, codes, troubles):
    """Raise Wrong or NotAttempted unless two workers did all of `DIVISORS`; see `drive_worker` for what it is told."""
    if not found and codes == [0, 0]:
        raise NotAttempted("the worker puts no result yet.")
    if wrong := [result for result in found if not isinstance(result, tuple) or len(result) != 3]:
        raise Wrong(f"a result is (item, 'ok' or 'failed', value or words); among the results is {wrong[0]!r}.")
    if any(codes):
        error = f", {troubles[0]}" if troubles else ""
        raise Wrong(f"a worker ended with exit code {next(filter(None, codes))}: an error went through it{error}.")
    wanted = Counter((item, "failed" if item == 0 else "ok", None if item == 0 else divide(item)) for item in DIVISORS)
    told = Counter((item, state, value if state == "ok" else None) for item, state, value in found)
    if lost := sorted(item for item, _, _ in (wanted - told).elements()):
        raise Wrong(
            f"there is no right result for the items {lost} of {DIVISORS}: a failing item is reported and does not "
            "end the worker."
        )
    if extra := list((told - wanted).elements()):
        raise Wrong(f"nobody asked for the result {extra[0]!r}: the sentinel None is not an item.")
    if None in codes:
        raise Wrong("a worker is still running: it does not end when the sentinel None comes.")
    if not joined:
        raise Wrong(
            "all results are right, but tasks.join() does not return: some item, or the sentinel, never got its "
            "task_done()."
        )


queue_2 = Exercise(
    "queue_2",
    "Write, in a %%worker cell, careful_worker(tasks, results): divide each item, report failures, task_done for "
    "everything, end at None.",
    _examine_worker,
    "every item is accounted for, failures too, join returns, and both processes end by themselves, under two start "
    "methods.",
    (
        "Import divide in the same cell. An item gives (item, 'ok', divide(item)) or (item, 'failed', repr(error)).",
        (
            "A while True loop with tasks.get(). try: return if the item is None, else put the result. except "
            "Exception: put the failure."
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


# ── pipeline ──────────────────────────────────────────────────────────────────────────────────

RAW = list(range(6))


def _examine_pipeline(func):
    require_importable(func)
    for method in METHODS:

        def call(first, method=method):
            return spy_on(double, lambda second: _call(func, first, second, RAW, start_method=method), company=1)

        (value, seconds), firsts = spy_on(add_slowly, call)
        judge_pipeline(value, firsts, seconds)


def judge_pipeline(value, firsts, seconds):
    """Raise Wrong unless `value` holds ``double(add_slowly(item))`` of `RAW`, and the stages worked side by side.

    `firsts` and `seconds` are the spans (pid, …, began, ended, …) of the two stages, as `spy_on` gives them.
    """
    wanted = sorted(double(item + 1) for item in RAW)
    if not isinstance(value, list):
        raise Wrong(f"it gives {value!r}, not a list.")
    if sorted(value, key=str) != sorted(wanted, key=str):
        raise Wrong(
            f"of {len(RAW)} items it gives {value!r}; in some order it should be {wanted}. One process of the "
            "first stage may still be at work when the other is done: the second stage gets its sentinel when "
            "both have ended."
        )
    require_overlap(firsts)
    if {pid for pid, *_ in firsts} & {pid for pid, *_ in seconds}:
        raise Wrong("the result is right, but a process ran both functions: the second stage is a process of its own.")
    if min(began for _, _, began, _, _ in seconds) > max(ended for _, _, _, ended, _ in firsts):
        raise Wrong(
            "the result is right, but the second stage began when the first was over: it is to take each item as "
            "soon as it comes."
        )


queue_3 = Exercise(
    "queue_3",
    "Write, in a %%worker cell, pipeline(first, second, items): two processes run first, a third one second.",
    _examine_pipeline,
    "two processes of the first stage worked while a third took what they made, and nothing was lost at the end, under "
    "two start methods.",
    (
        (
            "One function serves both stages: for item in iter(inbox.get, None): outbox.put(func(item)). There are "
            "three queues."
        ),
        (
            "Who knows that nothing more comes for the second stage? Not a process of the first stage alone: its "
            "neighbour may still work."
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
