"""The lives of processes: when each was asked for, ran its first line, ended and was joined; what a start costs.

::

    kernel ◄── records ── runner ◄── pipes ── stage ──► the processes
                                                 └ small, one thread, not kept waiting by anybody

The stage (`helpers.course.process.tasks`) starts and joins; the runner collects what it and the
processes tell, and streams snapshots while they live. Times are `time.perf_counter`, which all
processes of a machine share.
"""

from __future__ import annotations

import math
import multiprocessing
import random
import time
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from statistics import median

from helpers import machine, runner
from helpers.arguments import check_count
from helpers.course.process.tasks import DEADLINE, THREAD, run_lives, run_starts
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError, WorkerDiedError
from helpers.runner import describe_exit

#: Limits of what can be asked for.
MAX_PROCESSES, MAX_SECONDS, MAX_REPEATS = 32, 60.0, 200
#: Seconds between two snapshots while processes live.
TICK = 0.05
#: What is noted of a process, in the order in which it happens.
MOMENTS = ("called", "returned", "began", "ended", "joined")


@dataclass(frozen=True)
class Lifeline:
    """One process: seconds since the first ``start()`` was called; None for what has not happened yet.

    called, returned
        ``start()`` was called here, and came back
    began, ended
        first line and end of the target, noted by the process itself
    joined
        ``join()`` came back here; joins are called in the order of the starts
    """

    called: float | None = None
    returned: float | None = None
    began: float | None = None
    ended: float | None = None
    joined: float | None = None
    pid: int | None = None
    exitcode: int | None = None


@dataclass(frozen=True)
class Lifelines:
    """Processes started one after another, then joined; ``now`` is the moment of the snapshot."""

    start_method: str
    task_seconds: float
    lines: tuple[Lifeline, ...]
    now: float = 0.0

    @property
    def complete(self):
        """Whether every process was joined."""
        return all(line.joined is not None for line in self.lines)

    @property
    def wall(self):
        """Seconds from the first ``start()`` to the last ``join()``; to now while it goes on."""
        return max(line.joined for line in self.lines) if self.complete else self.now


@dataclass(frozen=True)
class StartCosts:
    """What starting costs: seconds by start method, and by "thread" for comparison.

    ``first_line`` counts from calling ``start()`` to the first line of the target, ``whole`` to
    the end of ``join()``. ``cold`` is the first start of each kind: it may include what is
    started once only (the fork server, a resource tracker), and is in none of the others.
    """

    repeats: int
    first_line: dict[str, tuple[float, ...]] = field(default_factory=dict)
    whole: dict[str, tuple[float, ...]] = field(default_factory=dict)
    cold: dict[str, float] = field(default_factory=dict)

    @property
    def n_rounds(self):
        """Rounds measured so far, without the cold one."""
        return len(self.first_line.get(THREAD, ()))

    @property
    def complete(self):
        """Whether all rounds were measured."""
        return self.n_rounds == self.repeats

    @property
    def start_methods(self):
        """The start methods measured, without the thread."""
        return tuple(method for method in self.cold if method != THREAD)

    def median(self, method):
        """Return the median seconds from ``start()`` to the first line."""
        return median(self.first_line[method])


# ── to be used ────────────────────────────────────────────────────────────────────────────────


def measure_lifelines(n_processes=4, *, task_seconds=0.5, start_method=None, timeout=None):
    """Return the Lifelines of processes that sleep for `task_seconds` each.

    Everything is started in the runner, away from the caller. Raises TimeoutError after
    `timeout` seconds without a sign of life, InvalidArgumentError out of range.
    """
    return _last(lifeline_steps(n_processes, task_seconds=task_seconds, start_method=start_method, timeout=timeout))


def measure_starts(repeats=7, *, start_methods=None, timeout=None):
    """Return the StartCosts of `start_methods`, by default all of this platform, and of a thread.

    Measured from a small process with one thread, in rounds of random order; the first round is
    kept apart. A large parent makes fork dearer than this: it copies the table of its memory.
    """
    return _last(start_steps(repeats, start_methods=start_methods, timeout=timeout))


def lifeline_steps(n_processes=4, *, task_seconds=0.5, start_method=None, timeout=None, on_start=None):
    """Yield growing `Lifelines`, at least one every `TICK`; arguments as of `measure_lifelines`."""
    n_processes = check_count("n_processes", n_processes, 1, MAX_PROCESSES)
    method, seconds = check_start_method(start_method), check_seconds("task_seconds", task_seconds)
    yield from runner.play(
        play_lifelines, n_processes, seconds, method, key="lifelines", timeout=timeout or DEADLINE, on_start=on_start
    )


def start_steps(repeats=7, *, start_methods=None, timeout=None, on_start=None):
    """Yield growing `StartCosts`, one a round; arguments as of `measure_starts`."""
    repeats = check_count("repeats", repeats, 1, MAX_REPEATS)
    asked = sorted(machine.start_methods()) if start_methods is None else start_methods
    methods = tuple(check_start_method(method) for method in asked)
    yield from runner.play(
        play_starts, methods, repeats, key="lifelines", timeout=timeout or DEADLINE, on_start=on_start
    )


def check_seconds(name, value):
    """Return `value` as a float of 0 to `MAX_SECONDS`, else raise InvalidArgumentError."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not (math.isfinite(value) and 0 <= value <= MAX_SECONDS)
    ):
        raise InvalidArgumentError(f"{name} must be a number of seconds from 0 to {MAX_SECONDS:g}, not {value!r}.")
    return float(value)


def _last(records):
    for record in records:
        last = record
    return last


# ── played in the runner ──────────────────────────────────────────────────────────────────────


def play_lifelines(n_processes, seconds, start_method):
    """Yield Lifelines until every process was joined. Runs in the runner."""
    context = multiprocessing.get_context("spawn")
    ends = [context.Pipe(duplex=False) for _ in range(n_processes + 1)]
    readers, writers = [reader for reader, _ in ends], [writer for _, writer in ends]
    stage = context.Process(target=run_lives, args=(writers[0], writers[1:], start_method, seconds), name="stage")
    stage.start()
    for writer in writers:
        writer.close()
    lines, deadline = [Lifeline()] * n_processes, time.monotonic() + seconds + DEADLINE
    while any(line.joined is None for line in lines):
        for reader in wait([reader for reader in readers if not reader.closed], TICK):
            _take_in(lines, reader, readers.index(reader) - 1)
        if lines[-1].joined is None:
            _require_alive(stage, not readers[0].closed, deadline)
            if lines[0].called is not None:
                yield _snapshot(start_method, seconds, lines)
    for index, reader in enumerate(readers[1:]):  # what was told before the last join is all there now
        _take_in(lines, reader, index)
    if any(line.exitcode is None for line in lines):
        raise TimeoutError(
            f"A process did not end within {DEADLINE:g} s after its time: everything that was started is ended."
        )
    yield _snapshot(start_method, seconds, lines)
    stage.join(DEADLINE)


def _take_in(lines, reader, index):
    """Note in `lines` all that can be read: from the stage (index -1) or from process `index` itself."""
    try:
        while not reader.closed and reader.poll():
            message = reader.recv()
            if index < 0:
                at, what, moment, *code = message
                facts = {"exitcode": code[0]} if code else {}
            else:
                at, (what, pid, moment) = index, message
                facts = {"pid": pid}
            lines[at] = replace(lines[at], **{what: moment}, **facts)
    except (EOFError, OSError):
        reader.close()


def _snapshot(start_method, seconds, lines):
    """Return the Lifelines as they are now, with times counted from the first ``start()``."""
    origin = lines[0].called
    shifted = [
        replace(line, **{what: moment - origin for what in MOMENTS if (moment := getattr(line, what)) is not None})
        for line in lines
    ]
    return Lifelines(start_method, seconds, tuple(shifted), time.perf_counter() - origin)


def play_starts(methods, repeats):
    """Yield StartCosts after each round. Runs in the runner; the stage waits while one is drawn."""
    context = multiprocessing.get_context("spawn")
    link, far_end = context.Pipe()
    stage = context.Process(target=run_starts, args=(far_end, methods, repeats, random.randrange(2**32)), name="stage")
    stage.start()
    far_end.close()
    costs = StartCosts(repeats)
    for number in range(repeats + 1):
        deadline = time.monotonic() + DEADLINE
        while not link.poll(TICK):
            _require_alive(stage, True, deadline)
        try:
            times = link.recv()
        except EOFError:
            stage.join(DEADLINE)
            raise _death(stage) from None
        costs = _add_round(costs, number, times)
        yield costs
        link.send("go on")
    stage.join(DEADLINE)


def _add_round(costs, number, times):
    if number == 0:
        return replace(costs, cold={method: first_line for method, _, first_line, _ in sorted(times)})
    first_line, whole = dict(costs.first_line), dict(costs.whole)
    for method, _, until_line, until_joined in times:
        first_line[method] = (*first_line.get(method, ()), until_line)
        whole[method] = (*whole.get(method, ()), until_joined)
    return replace(costs, first_line=first_line, whole=whole)


def _require_alive(stage, connected, deadline):
    """Raise what stands in the way of going on: the stage is gone, or time is up."""
    if not connected or (not stage.is_alive() and stage.exitcode):
        stage.join(1)
        raise _death(stage)
    if time.monotonic() > deadline:
        raise TimeoutError(
            f"The processes did not come up or end within {DEADLINE:g} s: everything that was started is ended."
        )


def _death(stage):
    return WorkerDiedError(
        f"The process that starts and joins the others ended by itself ({describe_exit(stage.exitcode)}).",
        exitcode=stage.exitcode,
    )
