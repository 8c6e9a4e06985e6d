"""Running somebody's function that starts processes of its own: in the runner, behind a deadline."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from helpers import runner
from helpers.engines.registry import check_start_method
from helpers.measure.handing import pack_function
from helpers.notebook import source_stamp
from helpers.tasks.plain import pack_plain, pack_tried
from helpers.tasks.worker import describe

SHARED_MEMORY = "/dev/shm"
#: Looks at what is left before it is told, however long one takes.
LEAST_LOOKS = 3
#: The last seconds before a deadline, in which it is looked every so often how much CPU time is used; and the share of
#: one CPU from which on processes are at work: far more than waiting needs, and less than one of many on a busy
#: machine gets.
LAST_SECONDS, PULSE_EVERY, AT_WORK = 2.0, 0.4, 0.015
#: The ``error_type`` of an answer whose result cannot be pickled.
UNPICKLABLE = "result not picklable"


@dataclass(frozen=True)
class Answer:
    """What a function gave, and what it left behind: ``left`` is a list of words, empty for nothing.

    ``error`` is the exception's type, message and traceback as text, or None; ``error_type`` its type's
    name, `UNPICKLABLE` for a result that cannot be sent back.
    """

    value: object
    seconds: float
    left: list[str] = field(default_factory=list)
    error: str | None = None
    error_type: str | None = None
    printed: str = ""


def run_answer(func, *args, start_method=None, timeout=20.0, plain=False):
    """Return the Answer of ``func(*args)``, called in the runner.

    The value is unpickled there first: what would end this process ends the runner. With `plain`, objects
    of classes of one's own come as plain data too, so that none of their code runs here; see
    `helpers.tasks.plain`.

    ``multiprocessing.get_start_method()`` is `start_method` there, so that a bare ``Process`` or
    ``Pool`` starts by it. Everything that is still alive afterwards is ended; what Python knows of it
    (its processes, threads and shared memory) is named in ``left``.

    Raises
    ------
    TimeoutError
        It did not return in `timeout` seconds; everything it started was ended. A note tells of
        the last exception that was printed: that of a process which died while others waited.
        ``error.at_work`` says whether its processes still used a CPU shortly before.
    WorkerDiedError, NotImportableError
        It ended the process it ran in; no process could import it.
    """
    method = check_start_method(start_method)
    playing, pulse = [], Pulse(timeout)
    records = runner.play(
        play_answer,
        pack_function(func),
        pickle.dumps(args),
        method,
        plain,
        key=("answer", method, source_stamp(func)),
        timeout=timeout,
        should_stop=lambda: pulse.feel(playing[0].pid),
        on_start=playing.append,
    )
    try:
        value, seconds, left, error, error_type = next(records)
    except TimeoutError as late:
        late.at_work = pulse.at_work
        if errors := re.findall(r"^[\w.]*Error\b.*", playing[0].printed, re.MULTILINE):
            late.add_note(f"A process it started died before: {errors[-1].strip()}")
        raise
    finally:
        records.close()  # a fresh process for every answer: whatever it did, it is over
    return Answer(pickle.loads(value), seconds, left, error, error_type, playing[0].printed)


class Pulse:
    """Whether processes are at work in the last seconds before a deadline, `timeout` seconds after the first `feel`.

    What computes, or comes up slowly on a busy machine, uses a CPU; what waits for ever uses none.
    """

    def __init__(self, timeout):
        self.length, self.window = timeout, min(LAST_SECONDS, timeout / 2)
        self.began, self.readings = None, []

    def feel(self, pid, now=None):
        """Read the CPU time of the process and its descendants if it is time to; return False: nothing is to stop."""
        now = time.monotonic() if now is None else now
        self.began = now if self.began is None else self.began
        due = self.readings[-1][0] + PULSE_EVERY if self.readings else self.began + self.length - self.window
        if now >= due:
            self.readings.append((now, runner.cpu_seconds(pid)))
        return False

    @property
    def at_work(self):
        """Whether they used more than `AT_WORK` of a CPU between the first and the last reading."""
        if len(self.readings) < 2:
            return False
        (first, before), (last, after) = self.readings[0], self.readings[-1]
        return after - before > AT_WORK * (last - first)


def play_answer(payload, packed_args, start_method, plain):
    """Yield (pickled value, seconds, what is left, error text, its type's name). Runs in the runner."""
    multiprocessing.set_start_method(start_method, force=True)
    value, seconds, error, error_type = None, 0.0, None, None
    blocks, threads = shared_blocks(), threading.active_count()
    try:
        func, args = pickle.loads(payload), pickle.loads(packed_args)
        threads = threading.active_count()  # what a module starts when it is imported is not the function's
        began = time.perf_counter()
        try:
            value = func(*args)
        finally:
            seconds = time.perf_counter() - began
    except BaseException as raised:  # a module that cannot be imported, too
        error_type, _, error = tell(raised)
    try:
        packed = pack_plain(value) if plain else pack_tried(value)
    except BaseException as raised:
        packed, error_type = pickle.dumps(None), UNPICKLABLE
        error = f"its result cannot be pickled: {tell(raised)[1]}"
    yield packed, seconds, name_leftovers(blocks, threads), error, error_type


def tell(raised):
    """Return (type, message, traceback) of an exception as text, whatever its ``str`` does."""
    try:
        return describe(raised, None)[1:]
    except BaseException:
        name = type(raised).__name__
        return name, "(its message cannot be shown)", f"{name} (it cannot be shown)"


def name_leftovers(blocks, threads, patience=1.0):
    """Return words for processes, threads and shared memory that are still there after `patience` seconds.

    A block of shared memory is named if it is not among `blocks`, was there at each look, and is nobody else's:
    other programs of this machine make and remove blocks all the time.
    """
    deadline, looks, new = time.monotonic() + patience, 0, None
    while True:
        new, looks = (shared_blocks() if new is None else new & shared_blocks()) - blocks, looks + 1
        left = [f"process {child.name} is still running" for child in multiprocessing.active_children()]
        left += [f"shared memory {name} was not unlinked" for name in sorted(new) if not _is_of_others(name)]
        if threading.active_count() > threads:
            left.append("a thread of its own is still running")
        if not left or (time.monotonic() > deadline and looks >= LEAST_LOOKS):
            return left
        time.sleep(0.02)


def shared_blocks():
    """Return the names of SharedMemory blocks of this system; empty where they have no names."""
    return (
        {name for name in os.listdir(SHARED_MEMORY) if name.startswith("psm_")}
        if os.path.isdir(SHARED_MEMORY)
        else set()
    )


def _is_of_others(name):
    """Return whether a block is somebody else's: it bears another runner's mark, or is open outside this session."""
    if runner.is_made_elsewhere(name):
        return True
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if (
                    os.getsid(int(entry.name)) != os.getsid(0)
                    and f"{SHARED_MEMORY}/{name}" in Path(entry.path, "maps").read_text()
                ):
                    return True
            except OSError:
                pass
    return False
