"""What the processes of chapter 01 do: rest, want a lock, end in every way, tell when they were there.

Standard library only. `run_lives` and `run_starts` are the *stage*: one small process with one
thread that starts the processes whose lives are measured, so that nothing else is in the way.
"""

import os
import random
import signal
import sys
import threading
import time
from multiprocessing import get_context, parent_process
from time import perf_counter

#: Seconds a process may take to come up or to end.
DEADLINE = 60.0
#: The row that is measured beside the start methods, for comparison.
THREAD = "thread"

lock = threading.Lock()


def rest(seconds):
    """Sleep for `seconds`."""
    time.sleep(seconds)


def append_to(items, item):
    """Append `item` to the list that was handed over."""
    items.append(item)


def leave_with(code):
    """End by ``sys.exit(code)``."""
    sys.exit(code)


def end_at_once():
    """Do nothing."""


def leave_with_3():
    """End by ``sys.exit(3)``."""
    sys.exit(3)


def rest_for_ever():
    """Sleep and never return."""
    while True:
        time.sleep(3600)


def end_by_signal():
    """End as a crash or the system does it: by a signal, without a word. Never call it in a kernel."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def hold_lock(let_go):
    """Hold the lock until the event `let_go` is set."""
    with lock:
        let_go.wait(DEADLINE)


def take_lock(seconds):
    """End with exit code 0 if the lock can be had within so many seconds, else with 1."""
    sys.exit(0 if lock.acquire(timeout=seconds) else 1)


def send_result(connection, func, item):
    """Send ``func(item)`` through one end of a Pipe, and close it."""
    connection.send(func(item))
    connection.close()


def send_time(connection):
    """Send what the clock shows at the first line of this process's target."""
    connection.send(perf_counter())
    connection.close()


def send_family(connection):
    """Send (own process id, that of the process that asked for this one)."""
    connection.send((os.getpid(), parent_process().pid))
    connection.close()


def live(connection, seconds):
    """Send ("began", pid, time), sleep for `seconds`, send ("ended", pid, time)."""
    connection.send(("began", os.getpid(), perf_counter()))
    time.sleep(seconds)
    connection.send(("ended", os.getpid(), perf_counter()))
    connection.close()


def run_lives(report, writers, start_method, lengths):
    """Start one process a writer, asleep for so many seconds each; then join them in order, and report what happens.

    What is told, as (index, what, time) through `report`: "called" and "returned" of ``start()``,
    "joined" with the exit code as a fourth value. The processes tell the rest through their own writer; see `live`.
    """
    context, processes = get_context(start_method), []
    for index, (writer, seconds) in enumerate(zip(writers, lengths, strict=True)):
        process = context.Process(target=live, args=(writer, seconds), name=f"life-{index + 1}")
        report.send((index, "called", perf_counter()))
        process.start()
        report.send((index, "returned", perf_counter()))
        writer.close()
        processes.append(process)
    for index, process in enumerate(processes):
        process.join(max(lengths) + DEADLINE)
        report.send((index, "joined", perf_counter(), process.exitcode))
    report.close()


def run_starts(link, start_methods, repeats, seed):
    """Start a process that does next to nothing, `repeats` + 1 times by each method, in rounds.

    After each round sends [(method, seconds until start() returned, until the first line, until
    join returned), …] through `link` and waits for the nod. The first round comes with what is
    started once only, such as the fork server. A thread runs along as one more method.
    """
    dice = random.Random(seed)
    for number in range(repeats + 1):
        methods = [*start_methods, THREAD]
        if number:
            dice.shuffle(methods)
        link.send([(method, *time_start(method)) for method in methods])
        link.recv()
    link.close()


def time_start(method):
    """Return seconds from calling ``start()`` until it returned, the first line ran, and join returned."""
    context = get_context(None if method == THREAD else method)
    make = threading.Thread if method == THREAD else context.Process
    reader, writer = context.Pipe(duplex=False)
    runner = make(target=send_time, args=(writer,))
    called = perf_counter()
    runner.start()
    returned = perf_counter()
    if not reader.poll(DEADLINE):
        raise TimeoutError(f"A process started by {method} did not come up.")
    first_line = reader.recv()
    runner.join(DEADLINE)
    joined = perf_counter()
    reader.close()
    writer.close()
    return read_start(called, returned, first_line, joined)


def read_start(called, returned, first_line, joined):
    """Return the seconds from calling ``start()`` until it returned, the first line ran, and join returned."""
    return returned - called, first_line - called, joined - called
