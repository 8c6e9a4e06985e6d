"""Starting processes that truly begin together: what every proof about a race needs."""

from __future__ import annotations

from time import perf_counter

from helpers.arguments import check_count, check_timeout
from helpers.course.counting.tasks import meet_and_call
from helpers.crew import Crew
from helpers.engines import max_workers
from helpers.engines.registry import check_start_method
from helpers.words import plural

#: Seconds that everything may take if nothing else is said.
TIMEOUT = 30.0
#: Seconds between two looks at the processes.
LOOK_EVERY = 0.002


def run_gated(target, *args, n_workers=2, timeout=TIMEOUT, start_method=None):
    """Return the seconds that `n_workers` processes of ``target(*args)`` took, which begin all at once.

    Each waits at a gate until the last one is up; without it the first is often done before the second
    begins, and nothing that depends on their meeting is seen. For examples: it starts from the caller's
    process, by `start_method` (None: the one that `multiprocessing` is set to).

    What is not done after `timeout` seconds is ended. Raises TimeoutError for that, WorkerDiedError if
    one did not end well, InvalidArgumentError for arguments out of range. Chapters 05 and 06.
    """
    n_workers = check_count("n_workers", n_workers, 1, max_workers())
    timeout, began = check_timeout(timeout, TIMEOUT), perf_counter()
    method = None if start_method is None else check_start_method(start_method)
    crew = Crew(meet_and_call, [], method, links=False, names=[f"worker {n + 1}" for n in range(n_workers)])
    gate = crew.context.Barrier(n_workers)
    crew.arguments = [(gate, target, *args)] * n_workers
    with crew:
        try:
            crew.wait_until(lambda: None not in crew.exitcodes, timeout, every=LOOK_EVERY)
        except TimeoutError:
            raise TimeoutError(
                f"Not all of {plural(n_workers, 'process')} were done within {timeout:g} s: something waits for ever. "
                "They were ended."
            ) from None
        seconds = perf_counter() - began
        crew.require_health()
    return seconds
