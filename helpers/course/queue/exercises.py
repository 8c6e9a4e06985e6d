"""Exercises of chapter 03."""

from __future__ import annotations

from helpers.course.queue.judging import DIVISORS, judge_worker
from helpers.course.queue.tasks import (
    add_slowly,
    call_briefly,
    call_with_late_items,
    double,
    drive_worker,
    square_large,
)
from helpers.exercises.base import (
    CHECK_DEADLINE,
    METHODS,
    Exercise,
    Wrong,
    call_answer,
    require_overlap,
    spy_on,
    try_answer,
)
from helpers.notebook import require_importable
from helpers.tasks.cpu import sum_squares
from helpers.words import listing, out_of, plural

REFUSED = {"pool": "this exercise is about queues: start processes and hand them queues, without a pool"}
LEFT = {"left": "Does each process get a sentinel of its own, and is it joined?"}
#: Seconds for a second call, with small results, to return once all its items were worked on: if it does, large
#: results were why the first call did not.
GRACE = 3.0
#: Seconds by which the last items are late where that is examined; the first: longer than most timeouts in answers.
PAUSES = (2.5, 0.5)
NOT_THE_END = (
    "A queue that is empty now is not at its end, nor is one that stays empty until a timeout: take items with a get() "
    "that waits, until the sentinel comes, and wait for the results in the same way."
)


def _try(func, *args, method, timeout=None):
    return try_answer(func, *args, start_method=method, timeout=timeout or CHECK_DEADLINE, refused=REFUSED)


def _try_late(func, *spies, items):
    """Return the Trial of an answer whose last items come late, each after a pause of `PAUSES`."""
    func = require_importable(func)
    return _try(call_with_late_items, func, spies, items, PAUSES, method=METHODS[-1])


def judge_late(trial, n_items, **done):
    """Raise Wrong if an item that came late was lost: `done` says how many items each function was called for."""
    if lost := [f"{name} was called for {out_of(n, n_items, 'item')}" for name, n in done.items() if n < n_items]:
        how = {"late": ", and your function did not return", "raised": f", and it raises {trial.error_type}"}
        raise Wrong(
            f"with items that come at once it is right. When the last two came {PAUSES[0]:g} s after the others were "
            f"done, {listing(lost)}{how.get(trial.outcome, '')}. {NOT_THE_END}"
        )


# ── map_by_queue ──────────────────────────────────────────────────────────────────────────────

ITEMS = [3, 1, 4, 1, 5, 9]
SENTINELS = (
    "All results are made, so somebody waits for an end that is not told: every process needs a sentinel of its own, "
    "and no more results are taken than there are items."
)
JOINED_FIRST = (
    "With small results it works, and large ones do not fit into the pipe: a process does not end before all that it "
    "has put is taken out. Take the results first, join afterwards."
)
EITHER = (
    "All results are made, so one of two things is amiss. Either you join before you take the results: large ones do "
    "not fit into the pipe, and a process does not end before all that it has put is taken out. Or an end is not told: "
    "every process needs a sentinel of its own, and no more results are taken than there are items."
)


def _examine_map(func):
    for method in METHODS:
        trial, spans = spy_on(square_large, lambda spy, method=method: _try(func, spy, ITEMS, method=method))
        if trial.outcome == "late":
            raise Wrong(f"{trial.ended} {_explain_late_map(func, spans, method)}")
        judge_map(trial.require(also=LEFT), spans, trial.seen["pid"])
        remark = trial.judge_processes()
    trial, spans = spy_on(square_large, lambda spy: _try_late(func, spy, items=ITEMS))
    judge_late(trial, len(ITEMS), func=len(spans))
    judge_map(trial.require(also={**LEFT, "late": SENTINELS}), spans, trial.seen["pid"])
    return remark


def _explain_late_map(func, spans, method):
    """Return why the answer did not return, as far as the calls it made and small results can show it."""
    if len(spans) < len(ITEMS):
        taken = f"Only {len(spans)} of the {len(ITEMS)} items were worked on" if spans else "No item was worked on"
        return (
            f"{taken}: do the processes take items until the sentinel comes, however empty the queue looks, and are "
            "all items put?"
        )
    func = require_importable(func)
    small, _ = spy_on(sum_squares, lambda spy: _try(call_briefly, func, spy, ITEMS, GRACE, method=method), company=1)
    return explain_small_map(small)


def explain_small_map(small):
    """Return why an answer did not return with large results, from the Trial of `call_briefly` with `small` ones."""
    if small.outcome == "late":  # the machine is so busy that its items were not done
        return EITHER
    return SENTINELS if small.value is False else JOINED_FIRST


def judge_map(value, spans, pid=None):
    """Raise Wrong unless `value` is what `square_large` gives for `ITEMS`, done by two processes side by side.

    `pid` is the process that called the answer: it does none of the work.
    """
    squares = [item * item for item in ITEMS]
    if value != [square_large(item) for item in ITEMS]:
        found = [part[0] if isinstance(part, tuple) else part for part in value] if isinstance(value, list) else value
        order = ": in the order of the items. Results arrive in any order; let each carry its number."
        same = isinstance(found, list) and sorted(found, key=str) == sorted(squares, key=str)
        raise Wrong(
            f"for the items {ITEMS} and a function whose results begin with the squares, it gives {found!r}, not "
            f"{squares}{order if same else '.'}"
        )
    require_overlap(spans, also=_name_caller(spans, pid))
    pids = {one for one, *_ in spans}
    if pid in pids:
        raise Wrong("the result is right, but the process that called map_by_queue did some of the work itself.")
    if len(pids) > 2:
        raise Wrong(f"the result is right, but {plural(len(pids), 'process')} worked for it, and two are asked for.")


def _name_caller(spans, pid):
    """Return words for work that was done by the process that called the answer, "" for none."""
    return "It was done by the process that called your function." if pid in {one for one, *_ in spans} else ""


queue_1 = Exercise(
    "queue_1",
    "Write, in a %%worker cell, map_by_queue(func, items): two processes, tasks and results in queues, a list in "
    "order.",
    _examine_map,
    "two processes took the items from your queue at the same time, large results came back in order, under two start "
    "methods, and items that came late were waited for.",
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
    steps=3,
)

# ── careful_worker ────────────────────────────────────────────────────────────────────────────

#: Seconds after which two workers that are not done with these are given up.
PATIENCE = 8.0
#: Seconds for which the queue is empty in the middle of the work.
LULL = 0.6


def _examine_worker(func):
    func = require_importable(func)
    for method in METHODS:
        told = call_answer(drive_worker, func, DIVISORS, PATIENCE, LULL, start_method=method, timeout=CHECK_DEADLINE)
        judge_worker(*told)


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
    steps=2,
)


# ── pipeline ──────────────────────────────────────────────────────────────────────────────────

RAW = list(range(6))
TOO_EARLY = (
    "A sentinel comes too early: one process of the first stage may still be at work when the other one is done, and "
    "what it makes then lies behind the sentinel. Only when both have ended is the second stage told."
)


def _examine_pipeline(func):
    for method in METHODS:

        def call(first, method=method):
            return spy_on(double, lambda second: _try(func, first, second, RAW, method=method), company=1)

        (trial, seconds), firsts = spy_on(add_slowly, call)
        if trial.outcome == "late":
            raise Wrong(
                f"{trial.ended} {explain_late_pipeline(firsts, seconds, 'died before' in trial.details)}".strip()
            )
        judge_pipeline(trial.require(also=LEFT), firsts, seconds, trial.seen["pid"])
        remark = trial.judge_processes()

    def call_late(first):
        return spy_on(double, lambda second: _try_late(func, first, second, items=RAW), company=1)

    (trial, seconds), firsts = spy_on(add_slowly, call_late)
    judge_late(trial, len(RAW), first=len(firsts), second=len(seconds))
    judge_pipeline(trial.require(also=LEFT), firsts, seconds, trial.seen["pid"])
    return remark


def explain_late_pipeline(firsts, seconds, died=False):
    """Return why a pipeline did not return, from the calls of its stages; "" where a process `died`: that is why."""
    if died:
        return ""
    done = f"first was done for {len(firsts)} and second for {len(seconds)} of {plural(len(RAW), 'item')}"
    if len(firsts) < len(RAW):
        return (
            f"Meanwhile {done}: are all items put, and does each process of the first stage go on to its own sentinel?"
        )
    if not seconds:
        return (
            f"Meanwhile {done}: the second stage takes nothing. Its sentinel comes before the first result, or it is "
            "not handed the queue that the first stage fills."
        )
    if len(seconds) < len(RAW):
        return f"Meanwhile {done}, and it stopped there. {TOO_EARLY}"
    return (
        f"Meanwhile {done}: somebody waits for an end that is not told. Each process of the first stage needs a "
        "sentinel, the second stage needs one, and no more results are taken than there are items."
    )


def judge_pipeline(value, firsts, seconds, pid=None):
    """Raise Wrong unless `value` holds ``double(add_slowly(item))`` of `RAW`, and the stages worked side by side.

    `firsts` and `seconds` are the spans (pid, …, began, ended, …) of the two stages, as `spy_on` gives them; `pid` is
    the process that called the answer.
    """
    wanted = sorted(double(item + 1) for item in RAW)
    if not isinstance(value, list):
        raise Wrong(f"it gives {value!r}, not a list.")
    if sorted(value, key=str) != sorted(wanted, key=str):
        lost = f" {TOO_EARLY}" if len(seconds) < len(firsts) == len(RAW) else ""
        raise Wrong(f"of {len(RAW)} items it gives {value!r}; in some order it should be {wanted}.{lost}")
    judge_stages(*({one for one, *_ in spans} for spans in (firsts, seconds)), pid)
    require_overlap(firsts)
    if min(began for _, _, began, _, _ in seconds) > max(ended for _, _, _, ended, _ in firsts):
        raise Wrong(
            "the result is right, but the second stage began when the first was over: it is to take each item as "
            "soon as it comes."
        )


def judge_stages(firsts, seconds, pid):
    """Raise Wrong unless two processes ran first and a third one second, none of them `pid`; both are sets of ids."""
    if not firsts or not seconds:
        raise Wrong(f"the result is right, but {'second' if firsts else 'first'} was never called.")
    if here := listing([name for name, ids in (("first", firsts), ("second", seconds)) if pid in ids]):
        raise Wrong(
            f"the result is right, but {here} ran in the process that called pipeline: each stage has processes of its "
            "own, two for first and a third for second."
        )
    if len(firsts) < 2:
        raise Wrong("the result is right, but a single process ran first: two are to do so at the same time.")
    if firsts & seconds:
        raise Wrong("the result is right, but a process ran both functions: the second stage is a process of its own.")
    if len(firsts) > 2 or len(seconds) > 1:
        raise Wrong(
            f"the result is right, but {plural(len(firsts), 'process')} ran first and "
            f"{plural(len(seconds), 'process')} "
            "ran second: two and one are asked for."
        )


queue_3 = Exercise(
    "queue_3",
    "Write, in a %%worker cell, pipeline(first, second, items): two processes run first, a third one second.",
    _examine_pipeline,
    "two processes ran first at the same time, a third one ran second on what they made, and nothing was lost at the "
    "end, under two start methods.",
    (
        (
            "One function serves both stages: for item in iter(inbox.get, None): outbox.put(func(item)). There are "
            "three queues."
        ),
        (
            "Who knows that nothing more comes for the second stage? Not a process of the first stage alone: its "
            "neighbour may still work."
        ),
        (
            "Put two sentinels into the first queue, join the two processes, then put one sentinel into the second "
            "queue. Joining first is safe here: the last stage empties their queue."
        ),
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
    for process in firsts:  # joining first is safe here: the last stage empties their queue
        process.join()
    half_done.put(None)
    results = [done.get() for _ in items]
    last.join()
    return results""",
    steps=3,
)
