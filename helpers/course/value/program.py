"""The program behind "Show code" of `ValueLab`."""

from __future__ import annotations

from helpers.labs.program import write_program
from helpers.words import plural

SOURCE = """
import multiprocessing
import time

{ways}
def work(way, counter, lock, gate):
    gate.wait()
    way(counter, lock)


def run_way(context, way, counter, lock=None):
    lock = lock or counter.get_lock()
    gate = context.Barrier(N_WORKERS + 1)
    processes = [context.Process(target=work, args=(way, counter, lock, gate)) for _ in range(N_WORKERS)]
    for process in processes:
        process.start()
    gate.wait()  # all of them are up
    began = time.perf_counter()
    for process in processes:
        process.join()
    seconds, made = time.perf_counter() - began, N_WORKERS * N_UPDATES
    print(f"{{way.__name__}}: {{made - counter.value}} of {{made}} updates lost, {{made / seconds:,.0f}} a second")


def main():
    context = multiprocessing.get_context(START_METHOD)
{calls}
"""
CALL = "    run_way(context, {name}, context.Value('q', 0))"
MANAGED = """    with context.Manager() as manager:
        run_way(context, {name}, manager.Value("q", 0), manager.Lock())"""
#: way -> (name of its function, its source, how it is called)
WAYS = {
    "no lock": (
        "add_unlocked",
        """
def add_unlocked(counter, lock):
    for _ in range(N_UPDATES):
        counter.value += 1
""",
        CALL,
    ),
    "lock per update": (
        "add_locked",
        """
def add_locked(counter, lock):
    for _ in range(N_UPDATES):
        with lock:
            counter.value += 1
""",
        CALL,
    ),
    "lock per batch": (
        "add_in_batches",
        """
def add_in_batches(counter, lock):
    for first in range(0, N_UPDATES, BATCH):
        with lock:
            for _ in range(min(BATCH, N_UPDATES - first)):
                counter.value += 1
""",
        CALL,
    ),
    "merge at the end": (
        "add_and_merge",
        """
def add_and_merge(counter, lock):
    own = 0
    for _ in range(N_UPDATES):
        own += 1
    with lock:
        counter.value += own
""",
        CALL,
    ),
    "manager": (
        "add_managed",
        """
def add_managed(counter, lock):
    for _ in range(N_UPDATES):  # four messages there and back for each: slow
        with lock:
            counter.value += 1
""",
        MANAGED,
    ),
}


def program(ways, n_workers, n_updates, batch, start_method):
    """Return a program in which processes add to one counter, way by way."""
    chosen = [WAYS[way] for way in ways]
    source = SOURCE.format(
        ways="\n\n".join(text.strip() + "\n" for _, text, _ in chosen) + "\n",
        calls="\n".join(call.format(name=name) for name, _, call in chosen),
    )
    constants = {"START_METHOD": start_method, "N_WORKERS": n_workers, "N_UPDATES": n_updates}
    constants |= {"BATCH": batch} if "lock per batch" in ways else {}
    return write_program(f"{plural(n_workers, 'process')} add to one counter", constants, source)
