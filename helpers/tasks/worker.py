"""What every worker of a team does: come up, tell so, run chunks, note the times.

::

    start_worker(…)      once, as initializer: function, board, watch over the parent
    report_ready()       once, after the barrier: who is there, since when
    run_chunk(first, b)  per chunk: unpickle, run each item, pickle the results

Nothing here may raise into a pool: `multiprocessing.Pool` loses tasks, or its own threads, on
exceptions it cannot handle. Failures travel as plain values. Standard library only.
"""

import os
import pickle
import reprlib
import signal
import sys
import threading
import traceback
import weakref
from struct import pack_into
from time import perf_counter, process_time, thread_time
from types import AsyncGeneratorType, CoroutineType
from typing import NamedTuple

#: Tasks whose stamps are Python floats at a time, before they are packed: few enough to stay in the CPU's cache.
BLOCK = 1000
#: Bytes of the two stamps of a task in a `Reply`.
STAMPS_BYTES = 16
#: What is said of a result that is a coroutine.
NOT_AWAITED = (
    "the function returned a {} that nobody has awaited, so its work is not done. Have the function await it "
    "(async def, engine asyncio), or return what asyncio.run makes of it."
)

_state = {}
#: Boards of this process, the slots in which workers note what they are at: weak references to memoryviews.
_boards = []


def own_board(board):
    """Return `board`, a memoryview, as one of this very process: a forked child of a task cannot write to it."""
    _boards[:] = [known for known in _boards if known() is not None and known() is not board]
    _boards.append(weakref.ref(board))
    return board


def _forget_boards():
    """In a forked child: take the boards away. A task that forks and returns twice is to return once only.

    Its child comes back into the loop of `trace_items`, fails there to note its next item, and ends. So this costs
    nothing in each task.
    """
    for known in _boards:
        if (board := known()) is not None:
            board.release()
    _boards.clear()
    _state["forked"] = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_boards)


class Reply(NamedTuple):
    """What a worker says of one chunk, in plain values.

    ``slot`` is the worker's number; ``received`` and ``done`` are perf_counter seconds, ``cpu`` CPU
    seconds; ``times`` are all starts and then all ends, as the bytes of doubles, None if the chunk
    could not be unpickled; ``results`` is the pickled list of results (a list where worker and caller
    share a process; the description of what went wrong without ``times``); ``failures`` holds by item
    index what `describe` returns.
    """

    slot: int
    received: float
    done: float
    cpu: float
    times: bytes | None
    results: object
    failures: dict


def start_worker(payload, barrier, board):
    """Prepare this worker process: load the function, ignore Ctrl-C, end with the parent.

    Parameters
    ----------
    payload : bytes
        The pickled function.
    barrier : Barrier
        Of as many parties as there are workers.
    board : RawArray of int64
        One slot a worker: the item it is at, plus one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    _state.update(barrier=barrier, board=own_board(memoryview(board).cast("B").cast("q")), slot=None, forked=False)
    load_function(payload)


def load_function(payload):
    """Load the pickled function; what goes wrong is kept for `report_ready`."""
    try:
        _state.update(func=pickle.loads(payload), problem=None)
    except BaseException as error:
        _state.update(func=None, problem=f"{type(error).__name__}: {error}")


def end_with_parent():
    """Start a daemon thread that ends this process when its parent is gone, however it went."""
    for name in ("multiprocess.process", "multiprocessing.process"):
        module = sys.modules.get(name)
        parent = module and module.parent_process()
        if parent is not None:
            threading.Thread(target=_outlive, args=(parent,), name="helpers-watch-parent", daemon=True).start()
            return


def _outlive(parent):
    parent.join()
    os._exit(1)


def report_ready(seconds):
    """Wait until all workers are here, at most `seconds`; return (slot, pid, ready at, problem).

    The barrier makes sure that each worker answers exactly once and gets a slot of its own.
    """
    ready = perf_counter()
    try:
        slot = _state["barrier"].wait(seconds)
    except threading.BrokenBarrierError:
        return -1, os.getpid(), ready, "not all workers came up in time"
    _state["slot"] = slot
    return slot, os.getpid(), ready, _state["problem"]


def run_chunk(first, payload):
    """Run the function on the items pickled in `payload`; return the Reply.

    A worker without a slot came up in place of one that died: it waits for its end, so that the board still says what
    the dead one was at.
    """
    received = perf_counter()
    cpu_clock = _state.get("cpu_clock", process_time)
    cpu, slot = cpu_clock(), _state["slot"]
    if slot is None:
        threading.Event().wait()
    try:
        items = pickle.loads(payload)
    except BaseException as error:
        return Reply(slot, received, perf_counter(), 0.0, None, describe(error, "(the chunk)"), {})
    times, results, failures = trace_items(_state["func"], items, first, _state["board"], slot)
    packed = pack_results(results, items, first, failures)
    return Reply(slot, received, perf_counter(), cpu_clock() - cpu, times, packed, failures)


def run_chunk_here(func, first, items, board, slot, cpu_clock=thread_time):
    """As `run_chunk` for workers that share this process: no pickling; results as a list."""
    received, cpu = perf_counter(), cpu_clock()
    times, results, failures = trace_items(func, items, first, board, slot)
    return Reply(slot, received, perf_counter(), cpu_clock() - cpu, times, results, failures)


def trace_items(func, items, first, board, slot):
    """Return (times, results, failures) of calling `func` on each of `items`: the three of `Reply`.

    The board holds the index of the item being worked on, plus one, for whoever has to explain
    a dead worker. A forked child of a task ends here, where its task ends.
    """
    count = len(items)
    times, results, failures = bytearray(STAMPS_BYTES * count), [], {}
    try:
        for at in range(0, count, BLOCK):
            starts, ends, values = trace_block(func, items[at : at + BLOCK], first + at, board, slot, failures)
            layout = f"{len(values)}d"
            pack_into(layout, times, 8 * at, *starts)
            pack_into(layout, times, 8 * (count + at), *ends)
            results += values
        board[slot] = 0
    except ValueError:  # a board that was taken away
        end_forked_child()
        raise
    refuse_awaitables(results, items, first, failures)
    return bytes(times), results, failures


def end_forked_child():
    """End this process if it is the forked child of a task, from which the board was taken away."""
    if _state.get("forked"):
        os._exit(0)


def refuse_awaitables(results, items, first, failures):
    """Make failures of the items whose result is a coroutine, or another awaitable: its work was never done.

    `results` and `items` are lists of the same length, numbered from `first` on.
    """
    kinds = {kind for kind in set(map(type, results)) if is_awaitable(kind)}
    for offset, value in enumerate(results) if kinds else ():
        if type(value) in kinds:
            results[offset] = None
            said, name = safe_repr(items[offset]), type(value).__name__
            failures[first + offset] = said, "TypeError", NOT_AWAITED.format(name), f"TypeError: {name} not awaited"
            if isinstance(value, CoroutineType):
                value.close()  # else Python says later, elsewhere, that it was never awaited


def is_awaitable(kind):
    """Return whether objects of the class `kind` can be awaited, or read by ``async for`` alone."""
    try:
        return hasattr(kind, "__await__") or issubclass(kind, AsyncGeneratorType)
    except BaseException:  # a class may answer to any name in any way
        return False


def trace_block(func, items, first, board, slot, failures):
    """Return the lists of starts, ends and results of calling `func` on each of `items`.

    Two clock readings a task; the loop costs well under a microsecond.
    """
    started, finished, results = [], [], []
    clock, at = perf_counter, first
    for item in items:
        at += 1
        board[slot] = at
        started.append(clock())
        try:
            value = func(item)
        except BaseException as error:
            finished.append(clock())
            results.append(None)
            failures[at - 1] = describe(error, item)
        else:
            finished.append(clock())
            results.append(value)
    return started, finished, results


def describe(error, item):
    """Return (repr of the item, error type, message, traceback as text): always picklable."""
    inner = error.__traceback__.tb_next if error.__traceback__ is not None else None
    try:
        text = "".join(traceback.format_exception(type(error), error, inner))
    except BaseException:
        text = f"{type(error).__name__} (its traceback cannot be shown)"
    return safe_repr(item), type(error).__name__, say(error), text


def say(error):
    """Return the message of an exception, whatever its ``str`` does."""
    try:
        return str(error)
    except BaseException:
        return "(its message cannot be shown)"


def safe_repr(value):
    """Return a short ``repr`` that never raises."""
    try:
        return reprlib.repr(value)
    except BaseException:
        return f"<{type(value).__name__} whose repr fails>"


def pack_results(results, items, first, failures):
    """Return `results` pickled; a result that cannot be pickled becomes a failure of its item."""
    try:
        return pickle.dumps(results, protocol=5)
    except BaseException:
        pass
    for offset, value in enumerate(results):
        try:
            pickle.dumps(value, protocol=5)
        except BaseException as error:
            results[offset] = None
            _, _, _, text = describe(error, items[offset])
            failures[first + offset] = (
                safe_repr(items[offset]),
                "NotPicklableError",
                f"the result, a {type(value).__name__}, cannot be pickled and so cannot be sent back: {say(error)}",
                text,
            )
    return pickle.dumps(results, protocol=5)
