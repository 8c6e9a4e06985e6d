"""The program behind "Show code" of `LockLab`."""

from __future__ import annotations

from helpers.course.lock.measure import STEPS
from helpers.labs.program import write_program
from helpers.words import percent, plural

SOURCE = """
import contextlib
import multiprocessing
import time

def spend(seconds):
    {spend}


def do_steps(counter, lock, gate, n_steps):
    gate.wait()
    for _ in range(n_steps):
        spend(STEP_SECONDS * (1 - SHARE))
        with lock:
            seen = counter.value
            spend(STEP_SECONDS * SHARE)
            counter.value = seen + 1


def run_workers(context, n_workers):
    counter, gate = context.RawValue("q", 0), context.Barrier(n_workers + 1)
    lock = {lock}
    shares = [N_STEPS // n_workers + (number < N_STEPS % n_workers) for number in range(n_workers)]
    processes = [context.Process(target=do_steps, args=(counter, lock, gate, share)) for share in shares]
    for process in processes:
        process.start()
    gate.wait()  # all of them are up
    began = time.perf_counter()
    for process in processes:
        process.join()
    return time.perf_counter() - began, counter.value


def main():
    context = multiprocessing.get_context(START_METHOD)
    began = time.perf_counter()
    for _ in range(N_STEPS):
        spend(STEP_SECONDS * (1 - SHARE))
        spend(STEP_SECONDS * SHARE)
    plain = time.perf_counter() - began
    for n_workers in N_WORKERS:
        for _ in range(REPEATS):
            seconds, counted = run_workers(context, n_workers)
            speedup = f"{{plain / seconds:.2f}} times the plain loop"
            print(f"{{n_workers}} workers: {{speedup}}, {{counted}} of {{N_STEPS}} counted")
"""
SPEND = {
    "wait": "time.sleep(seconds)",
    "compute": "end = time.thread_time() + seconds\n    while time.thread_time() < end:\n        pass",
}


def program(n_workers, share, locked, work, start_method, repeats):
    """Return a program whose workers share steps and, if `locked`, a lock."""
    n_steps, seconds = STEPS[work]
    source = SOURCE.format(spend=SPEND[work], lock="context.Lock()" if locked else "contextlib.nullcontext()")
    source = source if not locked else source.replace("import contextlib\n", "")
    constants = {"START_METHOD": start_method, "N_WORKERS": tuple(n_workers), "REPEATS": repeats}
    constants |= {"N_STEPS": n_steps, "STEP_SECONDS": seconds, "SHARE": share}
    inside = f"{percent(share)} of each step inside a lock" if locked else "no lock"
    return write_program(f"Workers that share {plural(n_steps, 'step')}, {inside}", constants, source)
