"""How many workers fit: usable CPUs, the load of others, and memory, by measuring instead of by rules of thumb."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from dataclasses import dataclass

import psutil

from helpers import runner
from helpers.arguments import check_count, check_number, check_watch
from helpers.engines import max_workers
from helpers.engines.registry import check_start_method
from helpers.machine import machine_report, read_busy_seconds, read_own_seconds
from helpers.measure import pack_function, pack_items
from helpers.measure.playing import FUNCTION, ITEMS, load
from helpers.tasks.worker import end_with_parent
from helpers.words import memory, percent, plural, sentences

#: Share of the free memory that is left to others, and seconds for which the load is watched by default.
RESERVE, LOOK_SECONDS, TIMEOUT = 0.2, 0.2, 60.0


@dataclass(frozen=True)
class Readings:
    """What was read of the machine: `choose_workers` needs nothing else.

    usable_cpus, busy_cpus
        CPUs this process may use, and how many of the machine's other programs used just now, on average
    logical_cpus
        CPUs of the whole machine: those that are not usable may carry the load of others
    free_bytes
        memory that is free below every limit
    """

    usable_cpus: float
    busy_cpus: float
    logical_cpus: int
    free_bytes: int


@dataclass(frozen=True)
class Choice:
    """A number of workers, and the ceilings that it is the least of: by name, each a whole number."""

    n_workers: int
    ceilings: dict[str, int]
    reason: str

    @property
    def decided_by(self):
        """The name of the lowest ceiling."""
        return min(self.ceilings, key=self.ceilings.get)


def choose_workers(readings, bytes_a_worker, *, waiting=0.0, reserve=RESERVE, most=None):
    """Return the Choice of a number of workers: the least that CPUs, memory and the number of tasks allow, at least 1.

    CPUs: those that others leave free, but no fewer than one, over the share of a task's time in which it computes.
    Memory: what is free, less a reserve, over what one more worker keeps. Both change while a program runs: read
    and choose anew for each long batch. Arithmetic only, see `read_machine` and `measure_worker_memory`.

    Parameters
    ----------
    readings : Readings
    bytes_a_worker : int, from 0; the memory that one worker alone keeps (USS) at its largest
    waiting : float, 0 to 0.99; the share of a task's time in which it waits for a disk, a server or a sleep
    reserve : float, 0 to 0.9; the share of the free memory that is not given out
    most : int or None; a further ceiling, such as the number of tasks

    >>> choose_workers(Readings(8, 2.0, 8, 8 * 2**30), 2 * 2**30).ceilings
    {'CPUs': 6, 'memory': 3}
    """
    bytes_a_worker = check_number("bytes_a_worker", bytes_a_worker, 0, 1e15, "bytes")
    waiting, reserve = check_number("waiting", waiting, 0, 0.99), check_number("reserve", reserve, 0, 0.9)
    spare = readings.logical_cpus - readings.busy_cpus  # what others use may be on CPUs that are not ours
    cpus = max(1.0, min(readings.usable_cpus, spare))
    ceilings = {"CPUs": max(1, math.floor(cpus / (1 - waiting) + 1e-9))}
    if bytes_a_worker > 0:
        ceilings["memory"] = math.floor(readings.free_bytes * (1 - reserve) / bytes_a_worker)
    if most is not None:
        ceilings["tasks"] = check_count("most", most, 1, 10**9)
    ceilings["system"] = max_workers()
    if ceilings["system"] > min(ceilings.values()):
        del ceilings["system"]
    return Choice(max(1, min(ceilings.values())), ceilings, _reason(readings, bytes_a_worker, waiting, ceilings))


def _reason(readings, bytes_a_worker, waiting, ceilings):
    """Return what decides as sentences, each with the figure that it rests on."""
    said = [f"{readings.usable_cpus:g} usable of {plural(readings.logical_cpus, 'CPU')}"]
    said.append(f"others use {readings.busy_cpus:.1f} of them")
    if waiting:
        said.append(f"a task waits {percent(waiting)} of its time")
    if bytes_a_worker > 0:
        fit = f"{memory(readings.free_bytes)} free, {memory(bytes_a_worker)} a worker"
        said.append(f"{fit}: {plural(ceilings['memory'], 'worker')} with a reserve")
        if ceilings["memory"] < 1:
            said.append("not even one fits: work on smaller pieces")
    return sentences(*said)


def read_machine(seconds=LOOK_SECONDS):
    """Return the Readings of this moment: watches the load of others for `seconds`, 0.05 to 60.

    What this process and its children use is not load of others. Two looks differ: it is a reading, no promise.
    """
    seconds = check_number("seconds", seconds, 0.05, 60, "seconds")
    before, began = (read_busy_seconds(), read_own_seconds()), time.perf_counter()
    time.sleep(seconds)
    passed = time.perf_counter() - began
    busy = busy_cpus(before, (read_busy_seconds(), read_own_seconds()), passed)
    report = machine_report()
    facts = report.to_dict()
    return Readings(report.usable_cpus, busy, facts["logical_cpus"], report.memory_free_bytes)


def busy_cpus(before, after, seconds):
    """Return how many CPUs others used, of two readings (busy seconds of the machine, own seconds); at least 0."""
    return max(0.0, (after[0] - before[0] - (after[1] - before[1])) / seconds)


def measure_worker_memory(func, item, *, start_method=None, timeout=TIMEOUT, should_stop=None, on_start=None):
    """Return the bytes that one worker process keeps for itself after a call ``func(item)``: its USS.

    The memory that one more worker costs, and that would be free if it ended; pages shared with others are not in
    it (RSS counts them in each). Read after the call: what a task needs only while it runs is not seen. With fork
    it grows later, as shared pages are written to. 0 if stopped.

    Raises as `helpers.measure.sweep` does for its arguments; PermissionError where the system does not let us look.
    Source: psutil documentation, ``Process.memory_full_info``. Chapter 08.
    """
    method, watch = check_start_method(start_method), check_watch(timeout, should_stop, on_start, TIMEOUT)
    packed = pack_function(func), pack_items([item], timeout)
    return next(iter(list(runner.play(play_memory, *packed, method, **watch))), 0)


def play_memory(payload, packed_items, start_method):
    """Yield the USS of a pool's only worker after it ran the only item. Runs in the runner."""
    func, (item,) = load(payload, FUNCTION), load(packed_items, ITEMS)
    with multiprocessing.get_context(start_method).Pool(1, end_with_parent) as pool:
        pool.apply(func, (item,))
        yield psutil.Process(pool.apply(os.getpid)).memory_full_info().uss
