"""The program behind "Show code" of `PoolLab`."""

from __future__ import annotations

from helpers.labs.program import write_program
from helpers.words import plural

SOURCE = """
import multiprocessing
import time
{imports}
def work(size_ms):
    {work}
    return size_ms


def main():
{sizes}
    began = time.perf_counter()
    expected = [work(size) for size in sizes]
    serial = time.perf_counter() - began

    context = multiprocessing.get_context(START_METHOD)
    gate = context.Barrier(N_WORKERS + 1)
    with context.Pool(N_WORKERS, initializer=gate.wait) as pool:
        gate.wait()  # all of them are up
        began = time.perf_counter()
        results = {call}
        parallel = time.perf_counter() - began
    assert {check}
    print(f"serial loop {{serial:.3f}} s, pool {{parallel:.3f}} s: {{serial / parallel:.2f}} times, without start-up")
"""
WORK = {
    "computing": "end = time.thread_time() + size_ms / 1000\n    while time.thread_time() < end:\n        pass",
    "waiting": "time.sleep(size_ms / 1000)",
}
CALLS = {
    "map": "pool.map(work, sizes, CHUNKSIZE)",
    "starmap": "pool.starmap(work, [(size,) for size in sizes], CHUNKSIZE)",
    "imap": "list(pool.imap(work, sizes, CHUNKSIZE))",
    "imap_unordered": "list(pool.imap_unordered(work, sizes, CHUNKSIZE))",
    "apply_async": "[answer.get() for answer in [pool.apply_async(work, (size,)) for size in sizes]]",
}
SHUFFLE = "    random.Random(N_TASKS).shuffle(weights)\n"


def program(plan, mean_ms, skew, order):
    """Return a program that runs the tasks of a PoolPlan, made by `mean_ms`, `skew` and `order`, as the lab does."""
    ordered = plan.flavour != "imap_unordered"
    power = "1 - place / max(1, N_TASKS - 1)" if order == "longest first" else "place / max(1, N_TASKS - 1)"
    sizes = f"    weights = [SKEW ** ({power}) for place in range(N_TASKS)]\n"
    sizes += SHUFFLE if order == "shuffled" else ""
    sizes += "    sizes = [MEAN_MS * N_TASKS * weight / sum(weights) for weight in weights]\n"
    source = SOURCE.format(
        imports="import random\n" if order == "shuffled" else "",
        work=WORK[plan.kind],
        sizes=sizes,
        call=CALLS[plan.flavour],
        check="results == expected" if ordered else "sorted(results) == sorted(expected)  # as they were ready",
    )
    constants = {"START_METHOD": plan.start_method, "N_WORKERS": plan.n_workers, "N_TASKS": plan.n_tasks}
    constants |= {"MEAN_MS": mean_ms, "SKEW": skew}
    constants |= {} if plan.flavour == "apply_async" else {"CHUNKSIZE": plan.chunksize}
    title = f"{plural(plan.n_tasks, 'task')}, {plan.kind}: the serial loop, then Pool.{plan.flavour} with "
    return write_program(f"{title}{plural(plan.n_workers, 'worker')}", constants, source)
