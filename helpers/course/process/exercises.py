"""Exercises of chapter 01."""

from __future__ import annotations

import os
import tempfile

from helpers.course.process.tasks import end_at_once, end_by_signal, leave_with_3, rest_for_ever
from helpers.course.process.trials import NotedTarget, read_places, square_late
from helpers.exercises.base import METHODS, Exercise, Wrong, require_overlap, spy_on, try_answer
from helpers.tasks.cpu import sum_squares
from helpers.tasks.faults import make_block
from helpers.tasks.spy import count_overlapping
from helpers.words import plural

#: Seconds for one call of an answer.
DEADLINE = 10.0
#: Seconds for which three processes wait for each other: spawning them on a busy machine takes its time.
PATIENCE = 4.0
#: A result larger than any pipe's buffer.
LARGE_BYTES = 2_000_000
BY_HAND = "this exercise is about processes: start each one yourself, without a pool"
REFUSED = {"pool": BY_HAND}
#: What keeps an answer waiting.
NEVER_CALLED = "The function it was given was never called: is the process started, and does its target call it?"
ONE_BY_ONE = (
    "Up to then one item was worked on after the other: is there a join or a recv between one start and the next?"
)
NOT_SENT = (
    "The function was called, and its result never came: does the new process send it, and do you receive it once?"
)
JOINED_FIRST = (
    "With a small result it works, and a large one does not fit into the pipe: the process cannot end before somebody "
    "receives. Receive first, join afterwards."
)
NOT_JOINED_AGAIN = (
    "after terminate() or kill() you do not join it again; it may still be ending when your function returns."
)
INSTEAD = {"nothing": "it returns None: every way through it must end in a return with the answer."}


# ── process_1 ─────────────────────────────────────────────────────────────────────────────────


def _try(func, *args, method):
    return try_answer(func, *args, start_method=method, timeout=DEADLINE, refused=REFUSED)


def say_late(trial, spans):
    """Return what keeps an answer that is late, by the calls that came to an end; see `helpers.tasks.spy`.

    One at work whose calls waited in vain for others takes one item after the other: nothing waits for ever.
    """
    if not spans:
        return NEVER_CALLED
    alone = count_overlapping(spans) < 2 and any(ended - began >= PATIENCE for _, _, began, ended, _ in spans)
    return ONE_BY_ONE if trial.at_work and alone else NOT_SENT


def _examine_run_apart(func):
    for method in METHODS:
        trial, spans = spy_on(sum_squares, lambda spy, method=method: _try(func, spy, 4, method=method), company=1)
        value = trial.require(also={"late": say_late(trial, spans)}, instead=INSTEAD)
        judge_apart(value, spans, trial.seen["pid"])
        remark = trial.judge_processes()
        block = _try(func, make_block, LARGE_BYTES, method=method).require(also={"late": JOINED_FIRST}, instead=INSTEAD)
        if block != bytes(LARGE_BYTES):
            raise Wrong("a large result does not come back whole.")
    return remark


def judge_apart(value, spans, pid):
    """Raise Wrong unless `value` is 14 and one process other than `pid` made it."""
    if not spans:
        raise Wrong(f"it gives {value!r}, and the function that it was given was never called.")
    if any(span[0] == pid for span in spans):
        right = "the result is right, but the" if value == 14 else "the"
        raise Wrong(
            f"{right} function ran in the process that called run_apart: nothing was started for it. (target=f(x) "
            "calls f at once; a Process wants target=f, args=(x,).)"
        )
    if value != 14:
        exit_code = " Is that an exit code? A result must be sent back." if value in (0, 1) else ""
        raise Wrong(f"run_apart(sum_squares, 4) gives {value!r}, and the result is 14.{exit_code}")
    if len(spans) > 1:
        raise Wrong(f"the function was called {plural(len(spans), 'time')}: once is enough.")


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
    result = reader.recv() if reader.poll(30) else None
    process.join(timeout=30)
    return result""",
)


# ── process_2 ─────────────────────────────────────────────────────────────────────────────────

#: Milliseconds: the results come in another order than the items.
DELAYS = [300, 20, 160]


def _examine_run_all(func):
    for method in METHODS:
        trial, spans = spy_on(
            square_late,
            lambda spy, method=method: _try(func, spy, list(DELAYS), method=method),
            company=len(DELAYS),
            patience=PATIENCE,
        )
        value = trial.require(also={"late": say_late(trial, spans)}, instead=INSTEAD)
        judge_all(value, spans, trial.seen["pid"])
        remark = trial.judge_processes()
    return remark


def judge_all(value, spans, pid):
    """Raise Wrong unless `value` has the squares of `DELAYS`, each made by a process of its own, none by `pid`."""
    squares = [delay * delay for delay in DELAYS]
    if not isinstance(value, (list, tuple)) or sorted(value, key=str) != sorted(squares, key=str):
        raise Wrong(f"for a function that squares and the items {DELAYS} it gives {value!r}, not {squares}.")
    if any(span[0] == pid for span in spans):
        raise Wrong(
            "some of the work was done in the process that called run_all: every item gets a process of its own."
        )
    if list(value) != squares:
        raise Wrong(
            f"for a function that squares and the items {DELAYS} it gives {list(value)}: all results, in the order in "
            "which they came. Result n belongs to item n: give each process a pipe of its own, or send the number "
            "along."
        )
    require_overlap(spans, len(DELAYS), also="Is there a join or a recv between one start and the next?")


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
    results = [reader.recv() if reader.poll(30) else None for reader, _ in pipes]
    for process in processes:
        process.join(timeout=30)
    return results""",
)


# ── process_3 ─────────────────────────────────────────────────────────────────────────────────

#: Target: the answer, and why.
ENDS = {
    end_at_once: ("done", "it does nothing and returns, and its exit code is 0"),
    leave_with_3: ("failed", "it ends by sys.exit(3), and its exit code is 3, a positive number"),
    end_by_signal: ("killed", "a signal ends it, and its exit code is the signal's number, negative"),
    rest_for_ever: ("too late", "it never ends, and after join(seconds) its exitcode is None, until you kill() it"),
}
#: Seconds that a target which never ends is given, more where its process did not come up meanwhile, as on a busy
#: machine; the others get as much as they need.
SHORT = (0.3, 1.5, DEADLINE / 2)


def _examine_tell_end(func):
    for method in METHODS:
        for target in ENDS:
            if target is not end_by_signal or os.name == "posix":
                for seconds in SHORT if target is rest_for_ever else SHORT[-1:]:
                    trial, places = _try_end(func, target, seconds, method)
                    if places or trial.outcome != "returned":
                        break
                judge_end(trial, target, places)
                remark = trial.judge_joined(NOT_JOINED_AGAIN)
    return remark


def _try_end(func, target, seconds, method):
    """Return (the Trial of ``func(target, seconds)``, where the target ran: see `read_places`)."""
    with tempfile.TemporaryDirectory(prefix="multiprocessing-live-check-") as folder:
        return _try(func, NotedTarget(folder, target), seconds, method=method), read_places(folder)


def judge_end(trial, target, places):
    """Raise Wrong unless the answer told how `target` ended, which ran at `places`; see `read_places`."""
    words, why = ENDS[target]
    name = target.__name__
    if "caller" in places:
        raise Wrong(
            f"{name} ran in the process that called tell_end, as a plain call or in a thread: only a Process has an "
            "exit code, and only a Process can be killed. (target=f() calls f at once; a Process wants target=f.)"
        )
    right = f"{words!r} is right for {name}: {why}."
    also = {"raised": f"\n{right}", "left": f"{right} Then join() it once more."}
    also["late"] = f"{right} (join() without a number waits until the end.)" if target is rest_for_ever else ""
    value = trial.require(also=also, instead={"nothing": f"it returns None, and {right}"})
    if not places:
        raise Wrong(f"it gives {value!r} for {name}, and never called it: is the process started?")
    if value != words:
        raise Wrong(f"it gives {value!r}, and {right}")


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
