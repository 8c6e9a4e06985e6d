"""Exercises of chapter 04."""

from __future__ import annotations

from helpers.exercises.base import METHODS, Exercise, NotAttempted, Wrong, call_answer, require_overlap, spy_on
from helpers.notebook import require_importable
from helpers.tasks.cpu import sum_squares
from helpers.tasks.pipes import exchange_between, question_worker

#: What the worker of the first exercise is asked: a zero, too, which is no end.
REQUESTS = [3, 10, 0, -4, 2.5]
#: Seconds that an exchange may take; it needs a tenth of one.
EXCHANGE_DEADLINE = 8.0
#: Sizes exchanged: one that fits into a pipe, one that does not into any.
SMALL_BYTES, LARGE_BYTES = 10, 5_000_000


def _examine_worker(func):
    require_importable(func)
    for method in METHODS:
        found = call_answer(question_worker, func, REQUESTS, start_method=method)
        replies, silent_at = found["replies"], found["silent_at"]
        if silent_at == 0 and found["exitcode"] == 0:
            raise NotAttempted("the worker ends without an answer.")
        if silent_at is not None:
            end = f"it ended with exit code {found['exitcode']}" if found["ended"] else "it is still running"
            raise Wrong(f"there was no reply to request {silent_at + 1} of {len(REQUESTS)}, {REQUESTS[silent_at]!r}: {end}.")
        for request, reply in zip(REQUESTS, replies, strict=True):
            if reply != 2 * request:
                raise Wrong(f"the reply to {request!r} was {reply!r}, not {2 * request!r}.")
        if not found["ended"]:
            raise Wrong("the replies are right, but the worker runs on after the other end was closed: leave the loop at EOFError.")
        if found["exitcode"] != 0:
            raise Wrong(f"the replies are right, but the worker ends with exit code {found['exitcode']}: at the end recv raises EOFError.")


pipe_1 = Exercise(
    "pipe_1",
    "Write, in a %%worker cell, double_until_closed(connection): answer each number with its double; end when the other end is closed.",
    _examine_worker,
    "under two start methods the worker answered every request, and ended by itself when the other end was closed.",
    (
        "A loop: receive, send the double. Every number is a request, also 0.",
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
            try:
                found = call_answer(exchange_between, func, size_bytes, start_method=method, timeout=EXCHANGE_DEADLINE)
            except Wrong as reason:
                if "waits for ever" not in str(reason):
                    raise
                raise Wrong(
                    f"with messages of {size_bytes:,} bytes it did not return within {EXCHANGE_DEADLINE:g} s: each side waits until the "
                    "other one receives. One of them must receive first."
                ) from None
            if found == ("None", "None"):
                raise NotAttempted("the function returns nothing yet.")
            if found != (b"B", b"A"):
                raise Wrong(
                    f"with messages of {size_bytes:,} bytes the two sides got {found[0]!r} and {found[1]!r}, not each other's message."
                )


pipe_2 = Exercise(
    "pipe_2",
    "Write exchange(connection, message, first): both sides call it, one of them with first=True; it returns the other side's message.",
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


def _examine_gather(func):
    require_importable(func)
    items = [5, 6, 7, 8, 9]
    for method in METHODS:
        value, spans = spy_on(sum_squares, lambda spy, method=method: call_answer(func, spy, items, 2, start_method=method))
        if value != [sum_squares(item) for item in items]:
            raise Wrong(f"for the items {items} it gives {value!r}, and the plain loop {[sum_squares(item) for item in items]}.")
        require_overlap(spans)


pipe_3 = Exercise(
    "pipe_3",
    "Write gather(func, items, n_workers): n_workers processes, a pipe each, work at the same time; results in the items' order.",
    _examine_gather,
    "two processes were at work at the same time, under two start methods, and the results are in order.",
    (
        "Send an item to every worker before you receive anything: a send and its recv in one line are serial work.",
        "multiprocessing.connection.wait(list of connections) gives those that have a result. Remember which item each of them has.",
        "Close your copies of the workers' ends after start, and your own ends when there is nothing left: then the workers end.",
    ),
    """%%worker
from multiprocessing import Pipe, Process
from multiprocessing.connection import wait

def answer(connection, func):
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
        workers.append(Process(target=answer, args=(theirs, func)))
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
