"""Exercises of chapter 06."""

from __future__ import annotations

import multiprocessing
from math import isnan
from multiprocessing.shared_memory import SharedMemory

from helpers.course.counting.tasks import PausingCounter
from helpers.course.value.tasks import checksum, fail_on_block, identify_block
from helpers.exercises.base import (
    METHODS,
    Exercise,
    Wrong,
    call_answer,
    last_error,
    leave_out_own_frames,
    require_overlap,
    spy_on,
    try_answer,
)
from helpers.notebook import require_importable, shorten_paths
from helpers.tasks.cpu import sum_squares
from helpers.tasks.crew import call_all, find_problem
from helpers.tasks.watch import call_noting_locks, say_own_lock
from helpers.words import listing, plural

#: Seconds that the learner's function may take in one process.
COUNT_DEADLINE = 8.0
USE_LOCK = " counter.get_lock() is the one that all share."
#: Workers, and updates of each: on a counter that pauses, and on a plain one.
N_WORKERS, FEW, MANY = 2, 10, 20_000
#: Places of the block: no multiple of the workers.
N_PLACES = 7
#: What the counter says at first, so that adding to it is told from setting it.
START = 1000
#: Seconds between reading and writing of a counter that pauses: long against all that keeps a process waiting.
PAUSE = 0.02


# ── value_1: a counter that is exact ──────────────────────────────────────────────────────────


def count_with(func, n_updates, pausing, deadline):
    """Return (growth of the counter, problem, words on a lock) after two processes ran ``func(counter, n_updates)``.

    `problem` is the Told of the process that went wrong, or None; the words are of a lock that no other process shares.
    """
    counter = multiprocessing.Value("q", START)
    used = PausingCounter(counter, multiprocessing.Barrier(N_WORKERS), PAUSE) if pausing else counter
    told = call_all(call_noting_locks, [(func, used, n_updates)] * N_WORKERS, deadline)
    problem = find_problem(told)
    return (counter.value - START if problem is None else 0), problem, say_own_lock(told)


def _examine_add(func):
    require_importable(func)
    for method in METHODS:
        for n_updates, pausing in ((FEW, True), (MANY, False)):
            growth, problem, own_lock = call_answer(
                count_with, func, n_updates, pausing, COUNT_DEADLINE, start_method=method
            )
            if problem is not None:
                raise Wrong(_say_problem(problem))
            if words := judge_count(growth, n_updates):
                raise Wrong(f"{words} {own_lock and own_lock + USE_LOCK}".strip())


def _say_problem(problem):
    if problem.outcome == "late":
        return (
            f"a process did not return in {COUNT_DEADLINE:g} s: it waits for a lock that is never released, or it "
            "takes a lock that it already holds and that can be taken only once."
        )
    if problem.outcome == "ended":
        return "a process ended in the middle of your function."
    text = leave_out_own_frames(shorten_paths(problem.text))
    named = f"\n{PausingCounter.__name__} is the shared Value of this check: its number is counter.value."
    return f"it raises:\n{text}{named if PausingCounter.__name__ in last_error(text) else ''}"


def judge_count(growth, n_updates):
    """Return what is wrong with a counter that grew by `growth` in `n_updates` of each of two processes, else ""."""
    expected = N_WORKERS * n_updates
    if growth == 0:
        return "the counter has not changed: add to counter.value, which is shared. A name of your own is not."
    made = f"two processes made {plural(n_updates, 'update')} each"
    if growth < 0:
        return (
            f"the counter began at {START:,}, {made} and it says {START + growth:,}: add to what it holds, "
            "counter.value += …, instead of setting it."
        )
    if growth == N_WORKERS < expected:
        return f"the counter grew by {growth}, for each call added 1 once: it is to do so {plural(n_updates, 'time')}."
    if growth < expected:
        return (
            f"{made} and the counter grew by {growth:,} instead of {expected:,}: updates were lost. "
            "Between reading and writing the value, another process may come in."
        )
    return f"{made} and the counter grew by {growth:,}, more than {expected:,}." if growth > expected else ""


value_1 = Exercise(
    "value_1",
    "Write, in a %%worker cell, add(counter, n_updates): it adds 1 to a shared Value, n_updates times, and none is "
    "lost.",
    _examine_add,
    "two processes added at the same time, under two start methods, on a counter that pauses between reading and "
    "writing; none was lost.",
    (
        "counter.value += 1 reads, adds and writes: three steps. Which lock does a Value bring along?",
        "with counter.get_lock(): holds it. Or count alone in a variable, and merge at the end, inside the lock.",
    ),
    """%%worker
def add(counter, n_updates):
    for _ in range(n_updates):
        with counter.get_lock():
            counter.value += 1

# The better way where nobody looks before the end: count alone, and merge once.
def add_merged(counter, n_updates):
    own = 0
    for _ in range(n_updates):
        own += 1
    with counter.get_lock():
        counter.value += own""",
)


# ── value_2: workers that write into one block ────────────────────────────────────────────────


def hold_block(func, spy, n, n_workers):
    """Return (values, is the block still there, processes still at work) after ``func(spy, name, n, n_workers)``
    filled a block; a place that was not written to is nan."""
    block = SharedMemory(create=True, size=8 * n)
    block.buf[: 8 * n] = b"\xff" * (8 * n)
    there = True
    try:
        func(spy, block.name, n, n_workers)
        late = multiprocessing.active_children()
        for process in late:
            process.kill()
            process.join(5)
        with block.buf[: 8 * n] as part, part.cast("d") as doubles:
            values = list(doubles)
    finally:
        block.close()
        try:
            block.unlink()
        except FileNotFoundError:
            there = False
    return values, there, len(late)


RELEASE = (
    "Release every view of block.buf before you close the block: `del` drops an array of NumPy, release() a memoryview."
)


def _examine_fill(func):
    require_importable(func)
    expected = [float(sum_squares(place)) for place in range(N_PLACES)]
    for method in METHODS:
        trial, spans = spy_on(
            sum_squares,
            lambda spy, method=method: try_answer(hold_block, func, spy, N_PLACES, N_WORKERS, start_method=method),
        )
        also = {"raised": f"\n{RELEASE}"} if trial.error_type == "BufferError" else {}
        values, there, n_late = trial.require(also=also)
        if n_late:
            raise Wrong(f"it returns while {n_late} of its processes are still at work: join them all first.")
        if not there:
            raise Wrong(
                "it unlinks the block, which belongs to the caller: close() is for everybody, unlink() for the owner "
                "alone."
            )
        if not spans:
            raise Wrong(f"the function that it was given was never called.{_say_death(trial)}")
        if words := judge_places(values, expected):
            raise Wrong(f"{words}{_say_death(trial)}")
        judge_writers(spans, trial.seen["pid"])
        remark = trial.judge_processes(RELEASE if "BufferError" in last_error(trial.printed) else "")
    return remark


def _say_death(trial):
    """Return by which error a process ended, for the end of a sentence; "" where none did."""
    died = any(code for code in trial.seen["exitcodes"]) and last_error(trial.printed)
    return f" A process that it started ended by {died}." if died else ""


def judge_places(values, expected):
    """Return what is wrong with the `values` of a block in which places that were not written to are nan, else ""."""
    empty = [place for place, value in enumerate(values) if isnan(value)]
    if len(empty) == len(values):
        return "nothing was written to the block."
    if empty and all(value == wanted for value, wanted in zip(values, expected, strict=True) if not isnan(value)):
        places = f"{'place' if len(empty) == 1 else 'places'} {listing([str(place) for place in empty])}"
        return (
            f"with n = {len(values)} and n_workers = {N_WORKERS} nothing was written to {places}: the parts together "
            f"have to be all places, 0 to {len(values) - 1}."
        )
    if values != expected:
        held = ", ".join("nothing" if isnan(value) else f"{value}" for value in values)
        return f"the block holds [{held}], and {expected} is expected: func(place) at every place, as a d of 8 bytes."
    return ""


def judge_writers(spans, pid):
    """Raise Wrong unless `N_WORKERS` processes other than `pid` wrote at the same time."""
    pids = {one for one, *_ in spans}
    if pid in pids:
        raise Wrong(
            "the block is filled, but the process that called fill did the work, or some of it, itself: "
            f"{plural(N_WORKERS, 'process')} of its own are to do it."
        )
    require_overlap(spans, also="Start all processes before you join the first one.")
    if len(pids) > N_WORKERS:
        raise Wrong(f"the block is filled, but by {plural(len(pids), 'process')}, and n_workers is {N_WORKERS}.")


value_2 = Exercise(
    "value_2",
    "Write fill(func, name, n, n_workers): worker processes write func(place) into every place of a shared block of n "
    "numbers of type d.",
    _examine_fill,
    "two processes wrote at the same time into one block, under two start methods, and left it to its owner.",
    (
        (
            "Each worker attaches by name, SharedMemory(name), and gets a range of places of its own; no lock is needed"
            " then."
        ),
        "np.frombuffer(block.buf) is an array of type d on the block. Delete it, then close the block; do not unlink.",
        "Start all processes before you join the first one: otherwise they work one after the other.",
    ),
    """%%worker
from multiprocessing import Process
from multiprocessing.shared_memory import SharedMemory

import numpy as np

def fill_part(func, name, places):
    block = SharedMemory(name)  # safe here: the check uses spawn or forkserver, not fork
    numbers = np.frombuffer(block.buf)
    for place in places:
        numbers[place] = func(place)
    del numbers
    block.close()

def fill(func, name, n, n_workers):
    parts = [range(first, n, n_workers) for first in range(n_workers)]
    workers = [Process(target=fill_part, args=(func, name, places)) for places in parts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()""",
)


# ── value_3: an owner that cleans up ──────────────────────────────────────────────────────────


def try_lend(func, data, work):
    """Return (what came of ``func(data, work)``, did it raise, is the block still there, was work called)."""
    called = []

    def noted(*given):
        called.append(given)
        return work(*given)

    try:
        came, raised = func(data, noted), False
    except KeyError as error:
        came, raised = error.args, True
    if not (isinstance(came, tuple) and len(came) == 2 and isinstance(came[0], str)):
        return came, raised, False, bool(called)
    try:
        left = SharedMemory(came[0])
    except FileNotFoundError:
        return came, raised, False, True
    left.close()
    left.unlink()
    return came, raised, True, True


def _examine_lend(func):
    require_importable(func)
    data = b"one block, many readers" * 500
    for method in METHODS:
        for work in (identify_block, fail_on_block):
            trial = try_answer(try_lend, func, data, work, start_method=method)
            also = {"raised": f"\n{RELEASE}"} if trial.error_type == "BufferError" else {}
            came, raised, there, called = trial.require(also=also)
            fails = work is fail_on_block
            when = "when work raises" if fails else "when work returns"
            if came in (None, Ellipsis):
                if fails:
                    raise Wrong("what work raises must reach the caller: do not catch it, clean up in finally.")
                if called:
                    raise Wrong("work was called, and nothing comes back: return what work(name, len(data)) returns.")
                raise Wrong("it returns None, and work was never called: return what work(name, len(data)) returns.")
            if not (isinstance(came, tuple) and len(came) == 2) or raised is not fails:
                raise Wrong(f"it gives {came!r}; what work(name, size) returns or raises is expected.")
            if came[1] != checksum(data):
                raise Wrong("work(name, len(data)) does not find the data in the block.")
            if there:
                raise Wrong(f"the block is still there {when}: whoever creates a block unlinks it, in finally.")


value_3 = Exercise(
    "value_3",
    "Write lend(data, work): put data into a new shared block, return work(name, len(data)), and leave no block "
    "behind.",
    _examine_lend,
    "the block was there while it was needed, and gone afterwards, also when the work failed.",
    (
        "SharedMemory(create=True, size=len(data)) makes the block; block.buf[:len(data)] = data fills it.",
        "try: return work(block.name, len(data)), and in finally: close(), then unlink().",
    ),
    """%%worker
from multiprocessing.shared_memory import SharedMemory

def lend(data, work):
    block = SharedMemory(create=True, size=len(data))
    try:
        block.buf[:len(data)] = data
        return work(block.name, len(data))
    finally:
        block.close()
        block.unlink()""",
)
