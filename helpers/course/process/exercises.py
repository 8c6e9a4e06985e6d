"""Exercises of chapter 01."""

from __future__ import annotations

import os

from helpers.course.process.tasks import call_with_pid, end_at_once, end_by_signal, leave_with_3, rest_for_ever
from helpers.exercises.base import METHODS, Exercise, NotAttempted, Wrong, call_answer, require_overlap, spy_on
from helpers.notebook import require_importable
from helpers.tasks.cpu import sum_squares
from helpers.tasks.faults import make_block
from helpers.words import plural

#: Seconds for one call of an answer.
DEADLINE = 10.0
#: Seconds for which three processes wait for each other: spawning them on a busy machine takes its time.
PATIENCE = 4.0
#: A result larger than any pipe's buffer.
LARGE_BYTES = 2_000_000


#: Bytes of code in a function that does nothing.
EMPTY_CODE = 8


def _call_apart(func, *args, method, case=""):
    """Return (id of the process that the answer ran in, its value); `case` says what it was asked, in words."""
    require_importable(func)
    pid, value = call_answer(call_with_pid, func, *args, start_method=method, timeout=DEADLINE)
    if value is None or value is Ellipsis:
        if len(getattr(getattr(func, "__code__", None), "co_code", "")) <= EMPTY_CODE:
            raise NotAttempted("the function returns nothing yet.")
        raise Wrong(f"it returns {value}{case}: every way through it must end in a return with the answer.")
    return pid, value


# ── process_1 ─────────────────────────────────────────────────────────────────────────────────


def _examine_run_apart(func):
    for method in METHODS:
        (pid, value), spans = spy_on(
            sum_squares, lambda spy, method=method: _call_apart(func, spy, 4, method=method), company=1
        )
        if value != 14:
            exit_code = " Is that an exit code? A result must be sent back." if value in (0, 1) else ""
            raise Wrong(f"run_apart(sum_squares, 4) gives {value!r}, and the result is 14.{exit_code}")
        if not spans:
            raise Wrong("the function it was given was never called.")
        if any(span[0] == pid for span in spans):
            raise Wrong(
                "the result is right, but the function ran in the process that called run_apart: nothing was started "
                "for it. (target=f(x) calls f at once; a Process wants target=f, args=(x,).)"
            )
        if len(spans) > 1:
            raise Wrong(f"the function was called {plural(len(spans), 'time')}: once is enough.")
        _, block = _call_apart(func, make_block, LARGE_BYTES, method=method)
        if block != bytes(LARGE_BYTES):
            raise Wrong("a large result does not come back whole.")


process_1 = Exercise(
    "process_1",
    "Write run_apart(func, item): it calls func(item) in one new process and returns the result.",
    _examine_run_apart,
    "the function ran in another process under two start methods, and a large result came back too.",
    (
        "Make a Pipe, hand its writing end to a Process, and receive from the reading end.",
        (
            "helpers.course.process.tasks.send_result(connection, func, item) is a target that sends what func(item) "
            "gives."
        ),
        "Receive first, then join: a process that still has to hand over a large result does not end.",
    ),
    """%%worker
from multiprocessing import Pipe, Process
from helpers.course.process.tasks import send_result

def run_apart(func, item):
    reader, writer = Pipe(duplex=False)
    process = Process(target=send_result, args=(writer, func, item))
    process.start()
    result = reader.recv()
    process.join()
    return result""",
)


# ── process_2 ─────────────────────────────────────────────────────────────────────────────────


def _examine_run_all(func):
    for method in METHODS:
        (pid, value), spans = spy_on(
            sum_squares,
            lambda spy, method=method: _call_apart(func, spy, [5, 3, 4], method=method),
            company=3,
            patience=PATIENCE,
        )
        if not isinstance(value, (list, tuple)) or list(value) != [30, 5, 14]:
            raise Wrong(
                f"for the items [5, 3, 4] it gives {value!r}; the results in the order of the items are [30, 5, 14]."
            )
        if any(span[0] == pid for span in spans):
            raise Wrong(
                "some of the work was done in the process that called run_all: every item gets a process of its own."
            )
        require_overlap(spans, 3)


process_2 = Exercise(
    "process_2",
    "Write run_all(func, items): one process an item, all at the same time; results in the order of the items.",
    _examine_run_all,
    "three processes were at work at the same moment under two start methods, and the results are in order.",
    (
        "A join directly after a start waits for that process before the next one comes up.",
        "Three loops: start all of them, receive from all of them, join all of them.",
    ),
    """%%worker
from multiprocessing import Pipe, Process
from helpers.course.process.tasks import send_result

def run_all(func, items):
    pipes = [Pipe(duplex=False) for _ in items]
    processes = [Process(target=send_result, args=(writer, func, item)) for (_, writer), item in zip(pipes, items)]
    for process in processes:
        process.start()
    results = [reader.recv() for reader, _ in pipes]
    for process in processes:
        process.join()
    return results""",
)


# ── process_3 ─────────────────────────────────────────────────────────────────────────────────


def _examine_tell_end(func):
    cases = [(end_at_once, "done"), (leave_with_3, "failed"), (rest_for_ever, "too late")]
    if os.name == "posix":
        cases.insert(2, (end_by_signal, "killed"))
    for method in METHODS:
        for target, words in cases:
            # a process that merely rests is given little time, the others as much as they need
            seconds = 0.3 if target is rest_for_ever else DEADLINE / 2
            _, value = _call_apart(func, target, seconds, method=method, case=f" for {target.__name__}")
            if value != words:
                raise Wrong(
                    f"for {target.__name__}, which ends as its name says, it gives {value!r} instead of {words!r}."
                )


process_3 = Exercise(
    "process_3",
    'Write tell_end(target, seconds): run target() in a process; return "done", "failed", "killed" or "too late".',
    _examine_tell_end,
    "every way to end is told apart under two start methods, and nothing is left running.",
    (
        "exitcode is 0, positive, negative, or None: one case each.",
        "After join(seconds), None means that it still runs: kill it, then join once more.",
    ),
    """%%worker
from multiprocessing import Process
from helpers.words import plural

def tell_end(target, seconds):
    process = Process(target=target)
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return "too late"
    return "done" if process.exitcode == 0 else "failed" if process.exitcode > 0 else "killed"
""",
)
