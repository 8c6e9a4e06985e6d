"""Ways of counting together: what the processes of chapters 05 and 06 run. Standard library only.

A counter is anything with ``value`` that processes share: a `RawValue`, a `Value`, a Manager's value.
An *update* reads it, adds 1 and writes it back. `lock` is the counter's own (``get_lock()``) where none is
given; `gate` is a Barrier at which processes wait for each other, so that they truly overlap.
"""

from time import perf_counter, sleep

from helpers.tasks.crew import begin_at
from helpers.tasks.worker import describe, end_with_parent

#: Seconds a process waits for the others at a gate.
PATIENCE = 30.0
#: Updates under one lock where a batch is locked at once.
BATCH = 100
#: Updates that a worker makes before it looks at the clock again: cheap ones, and messages to a Manager.
STEP, MANAGED_STEP = 1000, 5


def add_unlocked(counter, n_updates, gate=None):
    """Add 1 so many times: read, add, write back; nobody is kept out."""
    if gate is not None:
        gate.wait(PATIENCE)
    for _ in range(n_updates):
        counter.value += 1


def add_locked(counter, n_updates, lock=None, gate=None):
    """Add 1 so many times, each time inside the lock."""
    lock = counter.get_lock() if lock is None else lock
    if gate is not None:
        gate.wait(PATIENCE)
    for _ in range(n_updates):
        with lock:
            counter.value += 1


def meet_and_call(gate, target, *args):
    """Wait at the gate until all processes are there, then call ``target(*args)``."""
    gate.wait(PATIENCE)
    target(*args)


def add_in_batches(counter, n_updates, lock=None, batch=BATCH):
    """Add 1 to ``counter.value`` so many times; the lock is taken once for `batch` updates."""
    lock = counter.get_lock() if lock is None else lock
    for first in range(0, n_updates, batch):
        with lock:
            for _ in range(min(batch, n_updates - first)):
                counter.value += 1


def add_and_merge(counter, n_updates, lock=None):
    """Count alone, in a variable of this process; take the lock once, at the end."""
    own = 0
    for _ in range(n_updates):
        own += 1
    with counter.get_lock() if lock is None else lock:
        counter.value += own


class PausingCounter:
    """A counter that pauses between reading and writing, so that a race is seen on any machine.

    Parameters
    ----------
    counter : Value or RawValue
        What is read and written; its lock, if it has one, is ``get_lock()``, as there.
    barrier : multiprocessing.Barrier, optional
        Where every process waits for the others before it first uses the counter.
    pause : float
        Seconds after each reading.
    """

    def __init__(self, counter, barrier=None, pause=0.005):
        self.counter, self.barrier, self.pause = counter, barrier, pause

    def _meet(self):
        barrier, self.barrier = self.barrier, None
        if barrier is not None:
            barrier.wait(PATIENCE)

    def get_lock(self):
        """Return the lock of the counter; one that has none has none here either."""
        self._meet()
        return self.counter.get_lock()

    @property
    def value(self):
        """The number; reading it takes a moment."""
        self._meet()
        seen = self.counter.value
        sleep(self.pause)
        return seen

    @value.setter
    def value(self, number):
        self._meet()
        self.counter.value = number


# ── the workers of a measurement ──────────────────────────────────────────────────────────────


def count_slices(link, counter, lock, managed, managed_lock):
    """Count slice after slice as asked through `link`, until None comes.

    A question is (way, start, updates, batch, seconds): it begins at the perf_counter second `start`, so
    that all workers begin together, and is over after about so many seconds at the latest. The answer is
    (began, ended, updates made, problem): seconds of the same clock, and a traceback or None.
    """
    end_with_parent()
    adders = {
        "no lock": lambda n, batch: add_unlocked(counter, n),
        "lock per update": lambda n, batch: add_locked(counter, n, lock),
        "lock per batch": lambda n, batch: add_in_batches(counter, n, lock, batch),
        "manager": lambda n, batch: add_locked(managed, n, managed_lock),
    }
    link.send("ready")
    while (asked := link.recv()) is not None:
        way, start, n_updates, batch, seconds = asked
        begin_at(start)
        began, made, problem = perf_counter(), 0, None
        try:
            if way == "merge at the end":
                made = count_alone(counter, lock, n_updates, began + seconds)
            else:
                step = MANAGED_STEP if way == "manager" else max(STEP, batch)
                while made < n_updates and perf_counter() < began + seconds:
                    part = min(step, n_updates - made)
                    adders[way](part, batch)
                    made += part
        except BaseException as error:
            problem = describe(error, way)[3]
        link.send((began, perf_counter(), made, problem))


def count_alone(counter, lock, n_updates, until):
    """Return the updates made by the perf_counter second `until`: counted in a variable, merged once at the end."""
    own = 0
    while own < n_updates and perf_counter() < until:
        for _ in range(min(STEP, n_updates - own)):
            own += 1
    with lock:
        counter.value += own
    return own
