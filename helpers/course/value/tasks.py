"""Tasks on memory that several processes share: counters, arrays, named blocks. Standard library only."""

import subprocess
import sys
import traceback
import zlib
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from time import perf_counter, sleep

from helpers.tasks.worker import end_with_parent

#: A global: every process that imports this module has one of its own.
calls = 0
_kept = {}


def add_to_global(increments):
    """Add to the global `calls` of the process that runs this, and return it."""
    global calls
    for _ in range(increments):
        calls += 1
    return calls


# ── ways of counting ──────────────────────────────────────────────────────────────────────────


def add_unlocked(counter, increments):
    """Add 1 to ``counter.value``, `increments` times, without a lock: updates may be lost."""
    for _ in range(increments):
        counter.value += 1


def add_locked(counter, increments):
    """Add 1 to ``counter.value``, `increments` times, each under the counter's own lock."""
    for _ in range(increments):
        with counter.get_lock():
            counter.value += 1


def add_batched(counter, increments, batch=100):
    """Add 1 to ``counter.value``, `increments` times, holding its lock for `batch` of them at a time."""
    for first in range(0, increments, batch):
        with counter.get_lock():
            for _ in range(min(batch, increments - first)):
                counter.value += 1


def add_merged(counter, increments):
    """Count in a variable of this process and add the sum to ``counter.value`` once."""
    own = 0
    for _ in range(increments):
        own += 1
    with counter.get_lock():
        counter.value += own


def add_managed(counter, lock, increments):
    """Add 1 to the value of a Manager, `increments` times, under a lock of the same Manager."""
    for _ in range(increments):
        with lock:
            counter.value += 1


class PausingCounter:
    """A counter that pauses between reading and writing, so that a race is seen on any machine.

    Parameters
    ----------
    counter : multiprocessing.Value
        What is read and written; its lock is ``get_lock()``, as there.
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
            barrier.wait(20)

    def get_lock(self):
        self._meet()
        return self.counter.get_lock()

    @property
    def value(self):
        self._meet()
        read = self.counter.value
        sleep(self.pause)
        return read

    @value.setter
    def value(self, new):
        self._meet()
        self.counter.value = new


def keep_counter(counter):
    """Keep `counter` for the tasks of this worker; the initializer of a pool."""
    _kept["counter"] = counter


def add_to_kept(increments):
    """Add `increments` to the counter that `keep_counter` kept; return nothing."""
    add_merged(_kept["counter"], increments)


def count_slices(link, start, counter, managed, lock):
    """Count slice after slice as asked over `link`, until None comes.

    A slice is (way, increments, batch, seconds); all workers begin it together at the barrier
    `start`. The reply is (began, ended, increments made); no more than about `seconds` are spent.
    """
    end_with_parent()
    adders = {
        "no lock": lambda n, batch: add_unlocked(counter, n),
        "lock each": lambda n, batch: add_locked(counter, n),
        "lock per batch": lambda n, batch: add_batched(counter, n, batch),
        "manager": lambda n, batch: add_managed(managed, lock, n),
    }
    while (asked := link.recv()) is not None:
        way, increments, batch, seconds = asked
        start.wait(30)
        began = perf_counter()
        if way == "local then merge":
            made = count_locally(counter, increments, seconds)
        else:
            made, step = 0, 5 if way == "manager" else max(1000, batch)
            while made < increments and perf_counter() - began < seconds:
                adders[way](min(step, increments - made), batch)
                made += min(step, increments - made)
        link.send((began, perf_counter(), made))


def count_locally(counter, increments, seconds):
    """Return the increments made in about `seconds`: counted in a local variable, merged once."""
    own, until = 0, perf_counter() + seconds
    while own < increments and perf_counter() < until:
        for _ in range(min(1000, increments - own)):
            own += 1
    with counter.get_lock():
        counter.value += own
    return own


# ── arrays and named blocks ───────────────────────────────────────────────────────────────────


def fill_squares(shared, first, last):
    """Write the squares of `first` to ``last - 1`` into their places of a shared array."""
    for place in range(first, last):
        shared[place] = place * place


def attach(name):
    """Return the SharedMemory called `name`, which belongs to another process.

    Whoever created it unlinks it. From Python 3.13 on no resource tracker is told, which would
    unlink it for a second time.
    """
    return SharedMemory(name, track=False) if sys.version_info >= (3, 13) else SharedMemory(name)


def shout(name, size):
    """Change the first `size` bytes of a block to upper case, in place."""
    block = attach(name)
    block.buf[:size] = bytes(block.buf[:size]).upper()
    block.close()


def checksum(data):
    """Return the CRC-32 of `data`, which touches every byte."""
    return zlib.crc32(data)


def checksum_block(name, size):
    """Return the CRC-32 of the first `size` bytes of a block, without a copy of them."""
    block = attach(name)
    try:
        with block.buf[:size] as view:
            return zlib.crc32(view)
    finally:
        block.close()


def identify_block(name, size):
    """Return (name, CRC-32 of the first `size` bytes): work for which a block is lent."""
    return name, checksum_block(name, size)


def fail_on_block(name, size):
    """Raise a KeyError with the name and the CRC-32: work that fails, and tells what it was given."""
    raise KeyError(name, checksum_block(name, size))


def call_and_tell(link, func, *args):
    """Call ``func(*args)`` and send over `link` the traceback of what it raised, or None."""
    try:
        func(*args)
    except BaseException as error:
        trace = error.__traceback__ and error.__traceback__.tb_next
        link.send("".join(traceback.format_exception(type(error), error, trace)))
    else:
        link.send(None)


def lend_block(program, seconds=30):
    """Return (is the block still there, what was complained of) after a foreign Python process used it.

    The process is a fresh interpreter that runs `program` with the block's name in
    ``sys.argv[1]``; it is no child in the sense of multiprocessing, so it has a resource tracker
    of its own.
    """
    block = SharedMemory(create=True, size=16)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, block.name], capture_output=True, text=True, timeout=seconds
        )
    finally:
        block.close()
        try:
            block.unlink()
            there = True
        except FileNotFoundError:
            resource_tracker.unregister(block._name, "shared_memory")  # it is gone: our tracker has nothing to remove
            there = False
    return there, done.stderr
