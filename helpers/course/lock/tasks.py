"""What the workers of the Lock chapter execute: sections under a lock, small uses of each tool.

::

    TracedLock       a lock that notes when it was asked for, got and released
    run_sections     the work of LockLab: free part, then a part inside the lock
    serve            a worker that runs such jobs as they are asked for
    the rest         RLock, Semaphore, Event, Condition, Barrier, deadlock and death, each in its smallest use

Standard library only. A counter is anything with ``value`` that processes share; every wait has
a deadline, but for the ones whose endlessness is the lesson: those run in the runner only.
"""

import faulthandler
import multiprocessing
import threading
from array import array
from time import perf_counter, sleep

from helpers.tasks.cpu import burn
from helpers.tasks.crew import begin_at
from helpers.tasks.worker import describe, end_with_parent

#: Seconds a worker waits for the others at a gate or for a signal.
PATIENCE = 30.0


def add_with(lock):
    """Return whether the lock could be taken: a task that asks for a lock as its item."""
    with lock:
        return True


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
    """Stay for a moment in one of the slots of a Semaphore; note the most that were inside at once.

    `inside` and `most` are Values; `inside`'s own lock guards both.
    """
    gate.wait(PATIENCE)
    with slots:
        with inside.get_lock():
            inside.value += 1
            most.value = max(most.value, inside.value)
        sleep(0.05)
        with inside.get_lock():
            inside.value -= 1


def wait_for_go(go, answers):
    """Wait until the Event is set, at most `PATIENCE`; put whether it was."""
    answers.put(go.wait(PATIENCE))


def wait_at_event(event, answers, seconds=PATIENCE):
    """Put whether the Event is set already, wait for it, put whether it was set in time."""
    answers.put(("set already", event.is_set()))
    answers.put(("set in time", event.wait(seconds)))


def report_parts(condition, done, n_parts):
    """Finish parts one by one and tell whoever waits for the Condition after each."""
    for _ in range(n_parts):
        sleep(0.01)
        with condition:
            done.value += 1
            condition.notify_all()


def wait_for_parts(condition, done, enough, answers, seconds=PATIENCE):
    """Wait until `enough` parts are done; put (enough, how many were done when we went on, None for never)."""
    with condition:
        came = condition.wait_for(lambda: done.value >= enough, seconds)
        answers.put((enough, done.value if came else None))


def square_then_sum(barrier, squares, totals, number):
    """Phase one: write a square, the later the larger. Barrier. Phase two: add up everybody's squares."""
    sleep(0.05 * number)
    squares[number] = number * number
    barrier.wait(PATIENCE)
    totals[number] = sum(squares)


def try_in_thread(lock, seconds=0.2):
    """Return whether another thread of this process gets the lock within `seconds`."""
    found = []

    def attempt():
        found.append(lock.acquire(timeout=seconds))
        if found[0]:
            lock.release()

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return found[0]


# ── deadlock and death ──────────────────────────────────────────────────────────────────────


def take_two(name, order, locks, gate, answers, seconds=0.5):
    """Take two of the `locks` in the given order; put (name, the names of those it got).

    It holds the first for a moment before it wants the second, so that a deadlock that can happen does
    happen. `seconds` None waits for ever.
    """
    first, second = order
    gate.wait(PATIENCE)
    with locks[first]:
        sleep(0.2)
        got = locks[second].acquire(timeout=seconds)
        if got:
            locks[second].release()
    answers.put((name, [first, second] if got else [first]))


def take_both(first, second, meeting, seconds, answers):
    """Take two locks, one after the other; put whether the second was got within `seconds`.

    Both workers begin together. Between the two it waits a moment for the other worker to hold a lock as
    well, so that a deadlock that can happen does happen.
    """
    meeting.wait(PATIENCE)
    with first:
        try:
            meeting.wait(0.4)
        except threading.BrokenBarrierError:
            pass
        got = second.acquire(timeout=seconds)
        if got:
            second.release()
    answers.put(got)


def cross_for_ever():
    """Start two processes that take two locks in opposite order, and wait for them: it never returns.

    Only for the runner, behind a deadline.
    """
    locks = {"left": multiprocessing.Lock(), "right": multiprocessing.Lock()}
    gate, answers = multiprocessing.Barrier(2), multiprocessing.SimpleQueue()
    orders = {"one": ("left", "right"), "two": ("right", "left")}
    pair = [
        multiprocessing.Process(target=take_two, args=(name, order, locks, gate, answers, None), daemon=True)
        for name, order in orders.items()
    ]
    for process in pair:
        process.start()
    for process in pair:
        process.join()
    return True


def dump_if_late(seconds, path, target, *args):
    """Call ``target(*args)``; where it is not done after `seconds`, write to `path` at which line each thread is."""
    with open(path, "w", encoding="utf-8") as file:
        faulthandler.dump_traceback_later(seconds, file=file)
        target(*args)
        faulthandler.cancel_dump_traceback_later()


def hold_for_ever(lock, holding):
    """Take the lock, say so, and keep it."""
    with lock:
        holding.set()
        sleep(3600)


def try_lock(lock, seconds, answers):
    """Put whether the lock was got within `seconds` (None: wait for ever)."""
    got = lock.acquire(timeout=seconds)
    if got:
        lock.release()
    answers.put(got)


def kill_the_holder(seconds=0.5, n_waiting=2):
    """Kill a process that holds a lock; return (its exit code, whether each waiting one got the lock).

    With `seconds` None the others wait for ever: only for the runner, behind a deadline.
    """
    lock, holding, answers = multiprocessing.Lock(), multiprocessing.Event(), multiprocessing.SimpleQueue()
    holder = multiprocessing.Process(target=hold_for_ever, args=(lock, holding), daemon=True)
    holder.start()
    if not holding.wait(PATIENCE):
        raise TimeoutError("The process that should hold the lock did not come up.")
    waiting = [
        multiprocessing.Process(target=try_lock, args=(lock, seconds, answers), daemon=True) for _ in range(n_waiting)
    ]
    for process in waiting:
        process.start()
    holder.kill()
    holder.join(PATIENCE)
    for process in waiting:
        process.join(None if seconds is None else PATIENCE)
    return holder.exitcode, [answers.get() for _ in waiting]
