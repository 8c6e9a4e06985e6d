"""What the workers of the Lock chapter execute: sections under a lock, small uses of each tool.

::

    TracedLock       a lock that notes when it was asked for, got and released
    run_sections     the work of LockLab: free part, then a part inside the lock
    serve            a worker that runs such jobs as they are asked for
    the rest         Semaphore, Event, Condition, Barrier, deadlock and death, each in its smallest use

Standard library only. A counter is anything with ``value`` that processes share; every wait at
a gate or for a signal has a deadline; one for a lock may have none.
"""

import faulthandler
from array import array
from time import perf_counter, sleep

from helpers.tasks.cpu import burn
from helpers.tasks.crew import begin_at
from helpers.tasks.worker import describe, end_with_parent

#: Seconds a worker waits for the others at a gate or for a signal.
PATIENCE = 30.0


# ── sections under a lock, recorded ─────────────────────────────────────────────────────────


class TracedLock:
    """A lock that notes when it was asked for, got and released: perf_counter seconds, in arrays.

    Each note costs one reading of the clock and one append. `lock` None keeps nobody out and
    notes the same times.
    """

    def __init__(self, lock=None):
        self.lock = lock
        self.asked, self.got, self.released = array("d"), array("d"), array("d")

    def __enter__(self):
        self.asked.append(perf_counter())
        if self.lock is not None:
            self.lock.acquire()
        self.got.append(perf_counter())

    def __exit__(self, error_type, error, trace):
        # Before giving it back: the next one may get it at once, and spans must not seem to overlap.
        self.released.append(perf_counter())
        if self.lock is not None:
            self.lock.release()


def compute(n_loops):
    """Keep a CPU busy for a fixed amount of work: so many turns of a loop, not a whole number perhaps."""
    burn(int(n_loops))


def rest(seconds):
    """Sleep; not at all for 0."""
    if seconds > 0:
        sleep(seconds)


#: How a part of a step is spent: computing, or waiting with the CPU free.
WORK = {"compute": compute, "wait": rest}


def run_plain(counter, _lock, frees, inside, work):
    """Run all steps as one plain loop, no lock and no notes: the baseline."""
    do = WORK[work]
    for free in frees:
        do(free)
        seen = counter.value
        do(inside)
        counter.value = seen + 1
    return (b"", b"", b"")


def run_sections(counter, lock, frees, inside, work):
    """Run a step for each of `frees`: a free part so long, then an update of the counter inside the lock; return the
    notes.

    The update reads, works on what it read, and writes back, so what others write between is
    lost unless they are kept out. The notes are (asked, got, released) as bytes of doubles.
    """
    do, traced = WORK[work], TracedLock(lock)
    for free in frees:
        do(free)
        with traced:
            seen = counter.value
            do(inside)
            counter.value = seen + 1
    return traced.asked.tobytes(), traced.got.tobytes(), traced.released.tobytes()


def run_unprotected(counter, _lock, *settings):
    """As `run_sections`, with nobody kept out."""
    return run_sections(counter, None, *settings)


JOBS = {"plain": run_plain, "sections": run_sections, "unprotected": run_unprotected}


def serve(connection, counter, lock):
    """Run the jobs that come in until there are no more; answer (began, ended, value, problem).

    A job is (name, start, arguments): it begins at the perf_counter second `start`, so that
    several workers begin together. The target of a crew.
    """
    end_with_parent()
    connection.send("ready")
    while (asked := connection.recv()) is not None:
        name, start, arguments = asked
        begin_at(start)
        began = perf_counter()
        try:
            value, problem = JOBS[name](counter, lock, *arguments), None
        except BaseException as error:
            value, problem = None, describe(error, name)[3]
        connection.send((began, perf_counter(), value, problem))


# ── each tool in its smallest use ───────────────────────────────────────────────────────────


def use_slot(slots, inside, most, gate):
    """Stay in a slot for a moment; note the most that were inside at once."""
    gate.wait(PATIENCE)
    with slots:
        with inside.get_lock():
            inside.value += 1
            most.value = max(most.value, inside.value)
        sleep(0.05)
        with inside.get_lock():
            inside.value -= 1


def wait_at_event(event, answers, seconds=PATIENCE):
    """Put whether the flag is up, wait for it, put whether it came."""
    answers.put(event.is_set())
    answers.put(event.wait(seconds))


def report_parts(gate, condition, done, n_parts):
    """Finish parts one by one; wake all who wait after each."""
    gate.wait(PATIENCE)
    for _ in range(n_parts):
        sleep(0.05)
        with condition:
            done.value += 1
            condition.notify_all()


def wait_for_parts(gate, condition, done, enough, answers, seconds=PATIENCE):
    """Wait for `enough` parts; put (enough, parts done then, or None)."""
    gate.wait(PATIENCE)
    with condition:
        came = condition.wait_for(lambda: done.value >= enough, seconds)
        answers.put((enough, done.value if came else None))


def square_then_sum(barrier, squares, totals, number):
    """Phase one: write a square. Phase two: add up all squares."""
    sleep(0.1 * number)
    squares[number - 1] = number * number
    barrier.wait(PATIENCE)
    totals[number - 1] = sum(squares)


# ── deadlock and death ──────────────────────────────────────────────────────────────────────


def take_two(name, order, locks, gate, answers, seconds=0.3):
    """Take two locks in this order; put (name, names of those it got)."""
    first, second = order
    gate.wait(PATIENCE)
    with locks[first]:
        sleep(0.2)
        got = locks[second].acquire(timeout=seconds)
        if got:
            locks[second].release()
        else:
            gate.wait(PATIENCE)  # keep the first until both have given up
    answers.put((name, [first, second] if got else [first]))


def dump_if_late(seconds, path, target, *args):
    """Call the target; write to `path` where it stands, every `seconds`."""
    with open(path, "w", encoding="utf-8") as file:
        faulthandler.dump_traceback_later(seconds, repeat=True, file=file)
        target(*args)
        faulthandler.cancel_dump_traceback_later()


def hold_for_ever(lock, holding):
    """Take the lock, say so, and keep it."""
    with lock:
        holding.set()
        sleep(3600)
