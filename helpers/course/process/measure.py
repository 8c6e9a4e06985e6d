"""The lives of processes: when each was asked for, ran its first line, ended and was joined; what a start costs.

::

    kernel ◄── records ── runner ◄── pipes ── stage ──► the processes
                                                 └ small, one thread, not kept waiting by anybody

The stage (`helpers.course.process.tasks`) starts and joins; the runner collects what it and the
processes tell, and streams snapshots while they live. Times are `time.perf_counter`, which all
processes of a machine share.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from statistics import median

from helpers import machine, runner
from helpers.arguments import check_choice, check_choices, check_count, check_number, check_watch
from helpers.course.process.tasks import DEADLINE, THREAD, run_lives, run_starts
from helpers.crew import Crew
from helpers.engines.registry import check_start_method
from helpers.errors import NotEnoughPointsError
from helpers.measure import Watch
from helpers.records import UNSTEADY, badges_of_rounds, doubts_of
from helpers.words import listing, seconds

#: Limits of what can be asked for.
MAX_PROCESSES, MAX_SECONDS, MAX_REPEATS = 32, 60.0, 200
#: How long the targets of a group are: all as long as asked for, or the first one, and each next one a step less.
LENGTHS = ALIKE, FALLING = "all alike", "first longest"
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
    """Processes started one after another, then joined; ``now`` is the moment of the snapshot.

    ``task_seconds`` is the length of the longest target, ``lengths`` one of `LENGTHS`. ``badges``
    are what makes the times doubtful, known at the end.
    """

    start_method: str
    task_seconds: float
    lines: tuple[Lifeline, ...]
    now: float = 0.0
    badges: tuple[str, ...] = ()
    lengths: str = ALIKE

    @property
    def sleeps(self):
        """The seconds for which each target sleeps; see `sleeps_of`."""
        return sleeps_of(len(self.lines), self.task_seconds, self.lengths)

    @property
    def complete(self):
        """Whether every process was joined."""
        return bool(self.lines) and all(line.joined is not None for line in self.lines)

    @property
    def wall(self):
        """Seconds from the first ``start()`` to the last ``join()``; to now while it goes on."""
        return max(line.joined for line in self.lines) if self.complete else self.now

    @property
    def coming_up(self):
        """The median seconds from ``start()`` to the first line of the processes that came up; None without any."""
        found = [line.began - line.called for line in self.lines if line.began is not None]
        return median(found) if found else None


def say_exit_codes(lives):
    """Return the exit codes of Lifelines that are over, in words that end a line of the key; short lanes hold none.

    >>> ends = [Lifeline(0, 1, 2, 3, 4, 7, code) for code in (0, -9)]
    >>> say_exit_codes(Lifelines("spawn", 1.0, (ends[0], ends[0]))), say_exit_codes(Lifelines("spawn", 1.0, ends))
    (' · all exit codes 0', ' · exit codes 0, -9')
    >>> say_exit_codes(Lifelines("spawn", 1.0, [Lifeline(0)]))
    ''
    """
    codes = [line.exitcode for line in lives.lines]
    if not lives.complete or None in codes:
        return ""
    if len(codes) > 1 and len(set(codes)) == 1:
        return f" · all exit codes {codes[0]}"
    return f" · exit code{'s' * (len(codes) > 1)} {', '.join(map(str, codes))}"


def say_sleeps(lives):
    """Return in words how long the targets of Lifelines sleep."""
    first, last = lives.sleeps[0], lives.sleeps[-1]
    return f"each target sleeps {seconds(first)}" if first == last else f"asleep for {seconds(first)} … {seconds(last)}"


@dataclass(frozen=True)
class StartCosts:
    """What starting costs: seconds by start method, and by "thread" for comparison.

    ``first_line`` counts from calling ``start()`` to the first line of the target, ``whole`` to
    the end of ``join()``. ``cold`` is the first start of each kind: it may include what is
    started once only (the fork server, a resource tracker), and is in none of the others. ``noted``
    are the badges that were found while it was measured.
    """

    repeats: int
    first_line: dict[str, tuple[float, ...]] = field(default_factory=dict)
    whole: dict[str, tuple[float, ...]] = field(default_factory=dict)
    cold: dict[str, float] = field(default_factory=dict)
    noted: tuple[str, ...] = ()

    @property
    def n_rounds(self):
        """Rounds measured so far, without the cold one."""
        return len(self.first_line.get(THREAD, ()))

    @property
    def complete(self):
        """Whether all rounds were measured."""
        return self.n_rounds == self.repeats

    @property
    def badges(self):
        """What makes the figures doubtful, in a few words each, as a tuple; of rounds that differ the start methods.

        Not of the thread: its start is so short that it differs on any machine.
        """
        differ = [method for method in self.start_methods if badges_of_rounds(self.first_line.get(method, ()))]
        return self.noted + ((f"{listing(differ)}: {UNSTEADY}",) if differ else ())

    @property
    def start_methods(self):
        """The start methods measured, without the thread."""
        return tuple(method for method in self.cold if method != THREAD)

    def median(self, method):
        """Return the median seconds from ``start()`` to the first line; NotEnoughPointsError without any."""
        if method not in self.first_line:
            found = ", ".join(self.first_line) or "nothing yet"
            raise NotEnoughPointsError(f"Starts by {method!r} were not measured; measured is {found}.")
        return median(self.first_line[method])


@dataclass(frozen=True)
class ProcessRun:
    """What `ProcessLab` measures: ``lives`` and then ``costs``; each None as long as it is missing."""

    lives: Lifelines | None = None
    costs: StartCosts | None = None

    @property
    def complete(self):
        """Whether all processes were joined and all rounds measured."""
        return self.lives is not None and self.lives.complete and self.costs is not None and self.costs.complete


# ── to be used ────────────────────────────────────────────────────────────────────────────────


def measure_lifelines(n_processes=4, **settings):
    """Return the Lifelines of processes that sleep for `task_seconds` each, or for that long and ever less.

    Everything is started in the runner, away from the caller. Stopped, it is the last snapshot, whose
    ``complete`` is False. Parameters and errors as of `lifeline_steps`.
    """
    for lives in lifeline_steps(n_processes, **settings):  # noqa: B007  the last one is wanted
        pass
    return lives


def measure_starts(repeats=7, **settings):
    """Return the StartCosts of `start_methods`, by default all of this platform, and of a thread.

    Measured from a small process with one thread, in rounds of random order; the first round is
    kept apart. A large parent makes fork dearer than this: it copies the table of its memory. Stopped, it
    has the rounds so far. Parameters and errors as of `start_steps`.
    """
    costs = StartCosts(repeats)
    for costs in start_steps(repeats, **settings):  # noqa: B007  the last one is wanted
        pass
    return costs


def sleeps_of(n_processes, task_seconds, lengths):
    """Return the seconds for which the target of each process sleeps, as a tuple.

    "first longest": the first one for all of `task_seconds`, the last one for its `n_processes`-th part.

    >>> sleeps_of(4, 2.0, "first longest"), sleeps_of(2, 2.0, "all alike")
    ((2.0, 1.5, 1.0, 0.5), (2.0, 2.0))
    """
    steps = range(n_processes, 0, -1) if lengths == FALLING else [n_processes] * n_processes
    return tuple(task_seconds * step / n_processes for step in steps)


def lifeline_steps(
    n_processes=4,
    *,
    task_seconds=0.5,
    lengths=ALIKE,
    start_method=None,
    timeout=None,
    should_stop=None,
    on_start=None,
):
    """Yield growing `Lifelines`, at first with nothing in it, then at least one every `TICK` seconds.

    Raises InvalidArgumentError out of range, TimeoutError after `timeout` seconds without a sign of life,
    WorkerDiedError. `should_stop` and `on_start` are as in `helpers.measure.sweep`.
    """
    n_processes = check_count("n_processes", n_processes, 1, MAX_PROCESSES)
    seconds = check_number("task_seconds", task_seconds, 0, MAX_SECONDS, "seconds")
    lengths = check_choice("lengths", lengths, LENGTHS)
    method, watch = check_start_method(start_method), check_watch(timeout, should_stop, on_start, DEADLINE)
    yield Lifelines(method, seconds, (Lifeline(),) * n_processes, lengths=lengths)
    play = (play_lifelines, n_processes, seconds, method, lengths)
    yield from runner.play(*play, key="lifelines", **watch)


def start_steps(repeats=7, *, start_methods=None, timeout=None, should_stop=None, on_start=None):
    """Yield growing `StartCosts`, one a round; errors and the last three as of `lifeline_steps`."""
    repeats = check_count("repeats", repeats, 1, MAX_REPEATS)
    known = sorted(machine.start_methods())
    asked = known if start_methods is None else check_choices("start method", start_methods, known, least=0)
    watch = check_watch(timeout, should_stop, on_start, DEADLINE)
    play = (play_starts, tuple(asked), repeats)
    yield from runner.play(*play, key="lifelines", **watch)


# ── played in the runner ──────────────────────────────────────────────────────────────────────

STAGE = "the process that starts and joins the others"


def play_lifelines(n_processes, seconds, start_method, lengths=ALIKE):
    """Yield Lifelines until every process was joined. Runs in the runner."""
    context = multiprocessing.get_context("spawn")
    ends = [context.Pipe(duplex=False) for _ in range(n_processes)]
    arguments = ([writer for _, writer in ends], start_method, sleeps_of(n_processes, seconds, lengths))
    lines, deadline = [Lifeline()] * n_processes, time.monotonic() + seconds + DEADLINE
    watching = Watch(n_processes)  # sleeping needs no CPU, but coming up does
    with Crew(run_lives, [arguments], "spawn", names=[STAGE], daemon=False) as stage, watching:
        for _, writer in ends:
            writer.close()
        readers = [*stage.links, *(reader for reader, _ in ends)]  # the stage, then the processes
        while any(line.joined is None for line in lines):
            for reader in wait([reader for reader in readers if not reader.closed], TICK):
                _read_all(lines, reader, readers.index(reader) - 1)
            if lines[-1].joined is None:
                _require_alive(stage, not readers[0].closed, deadline)
                if lines[0].called is not None:
                    yield read_lives(start_method, seconds, lines, time.perf_counter(), lengths)
        for index, reader in enumerate(readers[1:]):  # what was told before the last join is all there now
            _read_all(lines, reader, index)
    if any(line.exitcode is None for line in lines):
        words = f"A process did not end within {DEADLINE:g} s after its time: everything that was started is ended."
        raise TimeoutError(words)
    lives = read_lives(start_method, seconds, lines, time.perf_counter(), lengths)
    yield replace(lives, badges=doubts_of(watching.badges))


def _read_all(lines, reader, index):
    """Note in `lines` all that can be read: from the stage (index -1) or from process `index` itself."""
    try:
        while not reader.closed and reader.poll():
            note_message(lines, index, reader.recv())
    except (EOFError, OSError):
        reader.close()


def note_message(lines, index, message):
    """Note in the list `lines` what the stage told (index -1), or process `index` of itself.

    The stage tells (number of the process, what, moment, exit code where it was joined), a process (what,
    its id, moment).
    """
    if index < 0:
        at, what, moment, *code = message
        facts = {"exitcode": code[0]} if code else {}
    else:
        at, (what, pid, moment) = index, message
        facts = {"pid": pid}
    lines[at] = replace(lines[at], **{what: moment}, **facts)


def read_lives(start_method, seconds, lines, now, lengths=ALIKE):
    """Return the Lifelines of `lines`, clock seconds in which become times since the first ``start()``."""
    origin = lines[0].called
    shifted = [
        replace(line, **{what: moment - origin for what in MOMENTS if (moment := getattr(line, what)) is not None})
        for line in lines
    ]
    return Lifelines(start_method, seconds, tuple(shifted), now - origin, lengths=lengths)


def play_starts(methods, repeats):
    """Yield StartCosts after each round. Runs in the runner; the stage waits while one is drawn."""
    costs, watching = StartCosts(repeats), Watch()
    arguments = (methods, repeats, random.randrange(2**32))
    with Crew(run_starts, [arguments], "spawn", names=[STAGE], daemon=False, patience=DEADLINE) as stage:
        for number in range(repeats + 1):
            with watching:
                (times,) = stage.receive_all()
            costs = replace(add_round(costs, number, times), noted=watching.badges)
            yield costs
            stage.send(0, "go on")


def add_round(costs, number, times):
    """Return `costs` with one round more: (method, until start() returned, until the first line, until joined) each.

    Round 0 is the cold one: it stands apart.
    """
    if number == 0:
        return replace(costs, cold={method: first_line for method, _, first_line, _ in sorted(times)})
    first_line, whole = dict(costs.first_line), dict(costs.whole)
    for method, _, until_line, until_joined in times:
        first_line[method] = (*first_line.get(method, ()), until_line)
        whole[method] = (*whole.get(method, ()), until_joined)
    return replace(costs, first_line=first_line, whole=whole)


def _require_alive(stage, connected, deadline):
    """Raise what stands in the way of going on: the stage is gone, or time is up."""
    if not connected:
        raise stage.death(0)
    stage.require_health()
    if time.monotonic() > deadline:
        raise TimeoutError(
            f"The processes did not come up or end within {DEADLINE:g} s: everything that was started is ended."
        )
