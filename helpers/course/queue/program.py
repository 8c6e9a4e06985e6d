"""The program behind "Show code" of `QueueLab`."""

from __future__ import annotations

from helpers.labs.program import write_program
from helpers.words import plural

SOURCE = """
import multiprocessing
import time

def produce(queue, items):
    for item in items:
        time.sleep(PRODUCE_MS / 1000)
        queue.put(item)


def consume(queue, results):
    n_taken = waited = 0
    while True:
        asked = time.perf_counter()
        item = queue.get()
        waited += time.perf_counter() - asked
        if item is None:  # the sentinel: nothing more will come
            break
        time.sleep(CONSUME_MS / 1000)
        n_taken += 1
    results.put((n_taken, waited))


def main():
    context = multiprocessing.get_context(START_METHOD)
    queue, results = context.Queue(MAXSIZE), context.Queue()
    shares = [range(first, N_ITEMS, N_PRODUCERS) for first in range(N_PRODUCERS)]
    producers = [context.Process(target=produce, args=(queue, share)) for share in shares]
    consumers = [context.Process(target=consume, args=(queue, results)) for _ in range(N_CONSUMERS)]
    began = time.perf_counter()
    for process in (*producers, *consumers):
        process.start()
    for process in producers:
        process.join()
    for _ in consumers:  # one each, after the last item
        queue.put(None)
    for _ in consumers:  # before join: a process ends when its results are taken
        n_taken, waited = results.get()
        print(f"a consumer took {n_taken} items and waited {waited:.2f} s in get")
    for process in consumers:
        process.join()
    print(f"{N_ITEMS / (time.perf_counter() - began):.1f} items a second, start-up included")
"""


def program(plan):
    """Return a program of the producers and consumers of a QueueRun's settings."""
    names = ("n_producers", "n_consumers", "maxsize", "n_items", "produce_ms", "consume_ms", "start_method")
    constants = {name.upper(): getattr(plan, name) for name in names}
    sides = f"{plural(plan.n_producers, 'producer')} and {plural(plan.n_consumers, 'consumer')}"
    return write_program(f"{sides} around one queue", constants, SOURCE)
