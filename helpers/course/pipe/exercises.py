"""Exercises of chapter 04."""

from __future__ import annotations

from helpers.course.pipe.tasks import exchange_between, question_worker
from helpers.exercises.base import (
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
from helpers.words import plural

#: What the worker of the first exercise is asked: a zero, too, which is no end; and before which of them is a pause.
REQUESTS, PAUSE, PAUSE_BEFORE = [3, 10, 0, -4, 2.5], 0.3, 3
#: Seconds for each reply of the worker, and for its end.
WORKER_PATIENCE = 5.0
#: Seconds that an exchange may take once both sides are up; it needs some hundredths of one.
EXCHANGE_PATIENCE = 5.0
#: Sizes exchanged: one that fits into a pipe, one that does not into any.
SMALL_BYTES, LARGE_BYTES = 10, 5_000_000


def _examine_worker(func):
    require_importable(func)
    for method in METHODS:
        found = call_answer(question_worker, func, REQUESTS, WORKER_PATIENCE, PAUSE, PAUSE_BEFORE, start_method=method)
        silent_at = found["silent_at"]
        for request, reply in zip(REQUESTS, found["replies"][:silent_at], strict=False):
            if reply != 2 * request:
                raise Wrong(f"the reply to {request!r} was {reply!r}, not {2 * request!r}.")
        if silent_at is not None:
            _explain_silence(found, silent_at)
        if not found["ended"]:
            raise Wrong(
                "the replies are right, but the worker runs on after the other end was closed: leave the loop at "
                "EOFError."
            )
        if found["exitcode"] != 0:
            why = found["raised"] or "no reason known"
            hint = ": at the end recv raises EOFError, catch it" if why.startswith("EOFError") else ""
            raise Wrong(f"the replies are right, but the worker ends with exit code {found['exitcode']} ({why}){hint}.")


def _explain_silence(found, silent_at):
    """Raise what is to be said of a worker that did not reply to request `silent_at`."""
    which = f"there was no reply to request {silent_at + 1} of {len(REQUESTS)}, {REQUESTS[silent_at]!r}"
    why = ""
    if REQUESTS[silent_at] == 0:
        why = " 0 is a number like any other, and no end."
    if silent_at == PAUSE_BEFORE:
        why = f" It came after a pause of {PAUSE:g} s: a pause is no end, wait for as long as it takes."
    if found["raised"] is not None:
        raise Wrong(f"{which}: the worker raised {found['raised']}.{why}")
    if found["returned"] is not None:
        raise Wrong(
            f"{which}: the worker ended and returned {found['returned']}. Nobody receives that: send it, and go "
            f"on.{why}"
        )
    if found["alive"]:
        raise Wrong(
            f"{which}: the worker is still running and sends nothing. A reply goes back by connection.send.{why}"
        )
    if silent_at == 0 and found["exitcode"] == 0:
        raise Wrong(f"{which}: the worker ended without an answer. A bare except may hide an error.")
    raise Wrong(
        f"{which}: the worker had ended, with exit code {found['exitcode']}. It must go on until the other end is "
        f"closed.{why}"
    )


pipe_1 = Exercise(
    "pipe_1",
    "Write, in a %%worker cell, double_until_closed(connection): answer each number with its double; end when the other"
    " end is closed.",
    _examine_worker,
    "under two start methods the worker answered every request, and ended by itself when the other end was closed.",
    (
        "A loop: receive, send the double. Every number is a request, also 0; a pause is no end.",
        "When nobody can send any more, recv raises EOFError: that is the end of the loop, and no error.",
    ),
    """%%worker
def double_until_closed(connection):
    with connection:
        while True:
            try:
                number = connection.recv()
            except EOFError:
                return
            connection.send(2 * number)""",
)


def _examine_exchange(func):
    require_importable(func)
    for method in METHODS:
        for size_bytes in (SMALL_BYTES, LARGE_BYTES):
            found = call_answer(exchange_between, func, size_bytes, EXCHANGE_PATIENCE, start_method=method)
            _judge_exchange(found, size_bytes)


def _deadlock_text(size_bytes):
    if size_bytes == SMALL_BYTES:
        return (
            "so little fits into the pipe, so each side seems to wait for the other one's message. One of them must "
            "send first."
        )
    return "each side seems to wait until the other one receives. One of them must receive first."


#: Exceptions of a side whose other side has gone: what that one raised is the reason.
BROKEN = ("EOFError", "BrokenPipeError", "ConnectionResetError")
PAIRS = "What goes out by send comes in by recv, and send_bytes belongs to recv_bytes."


def _judge_exchange(found, size_bytes):
    """Raise unless each of the two sides got the other one's message."""
    first, second = found
    if first == second == "None":
        raise Wrong("it returns None on both sides: every path must return what it received.")
    if raised := [(got[0], side) for got, side in ((first, True), (second, False)) if isinstance(got, list)]:
        text, side = min(raised, key=lambda one: one[0].startswith(BROKEN))
        advice = f" {PAIRS}" if "Unpickling" in text else ""
        other = second if side else first
        if text.startswith(BROKEN) and not isinstance(other, list) and other not in ("late", "nothing"):
            advice = " The other side had returned by then: each of the two must send, and receive."
        raise Wrong(f"the side with first={side} raises {text.rstrip('.')}.{advice}")
    if "late" in found:
        late = f"with messages of {size_bytes:,} bytes it did not return within {EXCHANGE_PATIENCE:g} s: "
        raise Wrong(late + _deadlock_text(size_bytes))
    for got, side in ((first, True), (second, False)):
        if got == "None":
            raise Wrong(f"the side with first={side} returns nothing: every path must return what it received.")
    for got, own, side in ((first, b"A", True), (second, b"B", False)):
        if got == own:
            raise Wrong(f"the side with first={side} returns the message that it sent itself, not the one it received.")
    if found != (b"B", b"A"):
        shown = " and ".join(f"{16 * got!r}…" if isinstance(got, bytes) else got for got in found)
        advice = f" {PAIRS}" if "x80" in shown else ""
        raise Wrong(
            f"with messages of {size_bytes:,} bytes the two sides got {shown}: not each other's message.{advice}"
        )


pipe_2 = Exercise(
    "pipe_2",
    "Write exchange(connection, message, first): both sides call it, one of them with first=True; it returns the other "
    "side's message.",
    _examine_exchange,
    "both sides got the other one's message, also where it is far larger than the pipe: no deadlock is possible.",
    (
        "A send of a large message returns only when the other side has received nearly all of it.",
        "first tells the two sides apart: let one send and then receive, and the other one receive and then send.",
    ),
    """%%worker
def exchange(connection, message, first):
    if first:
        connection.send_bytes(message)
        return connection.recv_bytes()
    received = connection.recv_bytes()
    connection.send_bytes(message)
    return received""",
)


BY_HAND = "this exercise is about pipes: start the processes yourself and give each a Pipe, without a pool or a queue"
REFUSED = dict.fromkeys(("pool", "queue", "manager"), BY_HAND)
N_WORKERS = 2


def _examine_gather(func):
    items = [5, 6, 7, 8, 9]
    late = (
        "A worker that waits for the next item learns that there is none when you close your end: before you join it. "
        "Whoever waits for more results than there are items waits for ever, too."
    )
    for method in METHODS:
        trial, spans = spy_on(
            sum_squares,
            lambda spy, method=method: try_answer(func, spy, items, N_WORKERS, start_method=method, refused=REFUSED),
        )
        judge_gathered(trial.require(also={"late": late}), [sum_squares(item) for item in items], items)
        judge_workers(spans, trial.seen["pid"], trial.seen["n_pipes"])
        remark = trial.judge_processes(
            "recv raises EOFError where nobody can send any more: that ends a worker's loop."
        )
    _examine_large_results(func)
    return remark


def _examine_large_results(func):
    """Raise Wrong where `func` waits for anything but results that are larger than a pipe."""
    items = [LARGE_BYTES, LARGE_BYTES + 1]
    trial = try_answer(func, bytes, items, N_WORKERS, start_method=METHODS[-1], refused=REFUSED)
    late = (
        f"with results of {LARGE_BYTES:,} bytes it never returns: a send of so much waits until the other side "
        "receives. Receive all results before you join a worker."
    )
    if trial.require(instead={"late": late}) != [bytes(item) for item in items]:
        raise Wrong(f"with results of {LARGE_BYTES:,} bytes it gives others than the plain loop.")


def judge_gathered(value, expected, items):
    """Raise Wrong unless `value` is what the plain loop gives for `items`."""
    if value == expected:
        return
    if isinstance(value, list) and sorted(value, key=str) == sorted(expected, key=str):
        raise Wrong(
            f"for the items {items} it gives {value}: all results, in another order than the items. Send the place of "
            "an item along, or remember which item each worker has."
        )
    raise Wrong(f"for the items {items} it gives {value!r}, and the plain loop {expected}.")


def judge_workers(spans, pid, n_pipes):
    """Raise Wrong unless `N_WORKERS` processes other than `pid` did the work at the same time, by a pipe each."""
    pids = {one for one, *_ in spans}
    if pid in pids:
        raise Wrong("the result is right, but the process that called gather did the work, or some of it, itself.")
    require_overlap(spans, also="Send an item to every worker before you receive anything.")
    if len(pids) > N_WORKERS:
        raise Wrong(
            f"the result is right, but {plural(len(pids), 'process')} did the work where n_workers is {N_WORKERS}: a "
            "worker takes several items."
        )
    if 0 < n_pipes < N_WORKERS:
        raise Wrong(
            f"the result is right this time, but {N_WORKERS} workers share {plural(n_pipes, 'pipe')}: two that "
            "receive or send at one end at once take each other's bytes. Give each a pipe of its own."
        )


pipe_3 = Exercise(
    "pipe_3",
    "Write gather(func, items, n_workers): n_workers processes, a pipe each, work at the same time; results in the "
    "items' order.",
    _examine_gather,
    "two processes were at work at the same time, under two start methods; the results are in order, also large ones.",
    (
        "Send an item to every worker before you receive anything: a send and its recv in one line are serial work.",
        (
            "multiprocessing.connection.wait(list of connections) gives those that have a result. Remember which item "
            "each of them has."
        ),
        (
            "Close your copies of the workers' ends after start, and your own ends when there is nothing left: then the"
            " workers end."
        ),
    ),
    """%%worker
from multiprocessing import Pipe, Process
from multiprocessing.connection import wait

def work_on_items(connection, func):
    with connection:
        while True:
            try:
                index, item = connection.recv()
            except EOFError:
                return
            connection.send((index, func(item)))

def gather(func, items, n_workers):
    work, results, ours, workers = enumerate(items), [None] * len(items), [], []
    for _ in range(n_workers):
        mine, theirs = Pipe()
        workers.append(Process(target=work_on_items, args=(theirs, func)))
        workers[-1].start()
        theirs.close()
        ours.append(mine)
    free = list(ours)
    while ours:
        for connection in free:
            task = next(work, None)
            if task is None:
                connection.close()
                ours.remove(connection)
            else:
                connection.send(task)
        free = wait(ours) if ours else []
        for connection in free:
            index, result = connection.recv()
            results[index] = result
    for worker in workers:
        worker.join()
    return results""",
)
