"""The program behind "Show code" of `ProcessLab`."""

from __future__ import annotations

from helpers.course.process.measure import sleeps_of
from helpers.labs.program import write_program
from helpers.words import plural, seconds

SOURCE = """
import multiprocessing
import statistics
import time

def note_first_line(connection):
    connection.send(time.perf_counter())


def cost_of_a_start(method):
    context = multiprocessing.get_context(method)
    reader, writer = context.Pipe(duplex=False)
    asked = time.perf_counter()
    process = context.Process(target=note_first_line, args=(writer,))
    process.start()
    cost = reader.recv() - asked
    process.join()
    return cost


def main():
    context = multiprocessing.get_context(START_METHOD)
    began = time.perf_counter()
    processes = [context.Process(target=time.sleep, args=(seconds,)) for seconds in TASK_SECONDS]
    for process in processes:
        process.start()
        print(f"{process.name}: start() came back after {time.perf_counter() - began:.3f} s")
    for process in processes:
        process.join()
        print(f"{process.name}: joined after {time.perf_counter() - began:.3f} s, exit code {process.exitcode}")

    for method in multiprocessing.get_all_start_methods():
        cost_of_a_start(method)  # the first one is not counted
        costs = [cost_of_a_start(method) for _ in range(REPEATS)]
        print(f"{method}: {1000 * statistics.median(costs):.1f} ms until the first line")
"""


def program(start_method, n_processes, task_seconds, lengths, repeats):
    """Return a program that starts, watches and joins processes, then measures a start by each method."""
    sleeps = [round(length, 4) for length in sleeps_of(n_processes, task_seconds, lengths)]
    constants = {"START_METHOD": start_method, "TASK_SECONDS": sleeps, "REPEATS": repeats}
    asleep = f"each asleep for {seconds(task_seconds)}"
    if len(set(sleeps)) > 1:
        asleep = f"asleep for {seconds(sleeps[0])} down to {seconds(sleeps[-1])}"
    title = f"{plural(n_processes, 'process')} by {start_method}, {asleep}"
    return write_program(title, constants, SOURCE)
