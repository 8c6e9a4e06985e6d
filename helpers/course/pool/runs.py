"""What is recorded of a pool's run: looks while it goes, and the finished run worked out from stamps."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from helpers.records import Run, Timeline, account_tasks, badges_of_rounds, doubts_of, estimate_ratio, unite_badges

#: Computing tasks cannot take less than this share of the loop's time because a pool runs them: the clock of the
#: CPU changed between the two, or the loop was held up.
ALIKE, QUICKER = 0.85, "the same tasks were quicker in the pool than in the loop"
#: Nor can the whole be more than this many times as fast as the CPUs at work allow.
ALLOWED, TOO_FAST = 1.1, "faster than the usable CPUs allow"
#: Ways of handing tasks to a pool, and whether they take chunks.
FLAVOURS = {"map": True, "starmap": True, "imap": True, "imap_unordered": True, "apply_async": False}


@dataclass(frozen=True)
class PoolPlan:
    """What is to be run: all of it checked, the chunk size decided."""

    sizes_ms: tuple[float, ...] = field(repr=False)
    flavour: str
    n_workers: int
    chunksize: int
    start_method: str
    kind: str = "computing"
    repeats: int = 1

    @property
    def n_tasks(self):
        """How many tasks there are."""
        return len(self.sizes_ms)

    @property
    def expected(self):
        """Seconds that the serial loop should take."""
        return sum(self.sizes_ms) / 1000


@dataclass(frozen=True)
class PoolProgress:
    """A look at a run that is going on.

    ``phase`` is "serial", "starting" or "pool"; ``board`` holds the four columns of
    `helpers.course.pool.tasks`, its times counted from the beginning of the phase, as ``now`` is;
    ``arrived`` the moment each result came back (0: not yet). ``expected`` is how long the
    serial loop should take, ``round`` counts from 1.
    """

    phase: str
    now: float
    expected: float
    n_tasks: int
    chunksize: int
    board: array = field(repr=False)
    origin: float = 0.0
    arrived: array = field(default_factory=lambda: array("d"), repr=False)
    startup: float | None = None
    round: int = 1

    @property
    def complete(self):
        """False: it is a look at a run that goes on, or was stopped."""
        return False

    @property
    def done(self):
        """How many tasks have ended."""
        return self.n_tasks - self.board[2 * self.n_tasks : 3 * self.n_tasks].count(0.0)


@dataclass(frozen=True)
class PoolRound:
    """The seconds of one round: the serial loop; starting the pool; from handing over the tasks to the last result."""

    serial: float
    startup: float
    wall: float


@dataclass(frozen=True)
class PoolRun:
    """One or several runs of tasks by a pool, each beside the serial loop over the same tasks.

    ``run`` is the `Run` of the pool in the last round: its timeline, accounting, start-up and wall, as ``serial``
    and ``serial_timeline`` are of the loop; ``arrived`` holds when each result was in the caller's hands, counted
    as in the timeline. ``rounds`` are the seconds of all rounds (none given: of the last one alone), of ``repeats``
    that were asked for; ``noted`` are the badges that were found while it ran; ``usable_cpus`` is None where it is
    not known.
    """

    flavour: str
    kind: str
    sizes_ms: tuple[float, ...] = field(repr=False)
    run: Run = field(repr=False)
    serial: float
    serial_timeline: Timeline = field(repr=False)
    arrived: array = field(repr=False)
    rounds: tuple[PoolRound, ...] = ()
    repeats: int = 1
    noted: tuple[str, ...] = ()
    usable_cpus: float | None = None

    @property
    def complete(self):
        """Whether all rounds are through."""
        return self.n_rounds >= self.repeats

    @property
    def all_rounds(self):
        """The seconds of every round."""
        return self.rounds or (PoolRound(self.serial, self.run.startup, self.run.wall),)

    @property
    def n_rounds(self):
        """Rounds that are through."""
        return len(self.all_rounds)

    @property
    def gain(self):
        """The Estimate of serial wall over the pool's wall, workers being up: an interval from 3 rounds on."""
        rounds = self.all_rounds
        return estimate_ratio([each.serial for each in rounds], [each.wall for each in rounds])

    @property
    def cold_gain(self):
        """The Estimate of serial wall over the pool's time from asking for the workers."""
        rounds = self.all_rounds
        return estimate_ratio([each.serial for each in rounds], [each.startup + each.wall for each in rounds])

    @property
    def slowdown(self):
        """How many times as long the tasks took in the pool as in the loop, all together, in the last round."""
        line = self.serial_timeline
        alone = sum(line.finished) - sum(line.started)
        return self.run.accounting.working / alone if alone > 0 else 1.0

    @property
    def badges(self):
        """What makes the figures doubtful, in a few words each, as a tuple."""
        rounds = self.all_rounds
        serial = badges_of_rounds([each.serial for each in rounds])
        held_up = ()
        if self.kind == "computing":
            cpus = min(self.run.n_workers, self.usable_cpus or self.run.n_workers)
            held_up = (QUICKER,) * (self.slowdown < ALIKE) + (TOO_FAST,) * (self.gain.median > ALLOWED * max(1, cpus))
        return unite_badges(self.noted, serial, badges_of_rounds([each.wall for each in rounds]), held_up)

    @property
    def doubts(self):
        """The badges that speak of noise, not of the number of workers."""
        return doubts_of(self.badges)

    @property
    def speedup(self):
        """Serial wall over the pool's wall, workers being up: the median of the rounds."""
        return self.gain.median

    @property
    def efficiency(self):
        """`speedup` over the number of workers."""
        return self.speedup / self.run.n_workers

    @property
    def cold_speedup(self):
        """Serial wall over the pool's time from asking for the workers."""
        return self.cold_gain.median

    @property
    def first_arrival(self):
        """Seconds from handing over the tasks to the first result in hand."""
        return min(self.arrived) - self.run.startup


@dataclass(frozen=True)
class PoolStamps:
    """The clock readings of one run of a pool, in perf_counter seconds.

    ``asked`` is when the workers were asked for, ``ready`` when each was, ``began`` when the tasks were
    handed over, ``ended`` when the last result was in hand, ``arrived`` when each was; ``board`` holds the
    four columns of `helpers.course.pool.tasks`.
    """

    asked: float
    ready: tuple[float, ...]
    began: float
    ended: float
    arrived: array
    board: array


def read_run(plan, stamps, number=1):
    """Return (Run of round `number`, moments at which the results arrived) that the stamps of a run tell.

    The workers are up when the last one is. Times count from asking for them; what passed between their
    coming up and handing over the tasks is taken out.
    """
    startup, wall = max(stamps.ready) - stamps.asked, stamps.ended - stamps.began
    origin = stamps.began - startup
    line = as_timeline(stamps.board, origin, startup)
    run = Run(
        engine="pool",
        n_workers=plan.n_workers,
        start_method=plan.start_method,
        chunksize=plan.chunksize,
        round=number,
        startup=startup,
        wall=wall,
        cpu=sum(line.cpu),
        n_items=plan.n_tasks,
        accounting=account_tasks(line, plan.n_workers, plan.chunksize, startup, wall),
        timeline=line,
    )
    return run, array("d", [at - origin for at in stamps.arrived])


def as_timeline(board, origin, queued):
    """Return the four columns of a board as a Timeline, times counted from `origin`."""
    n_tasks = len(board) // 4
    return Timeline(
        array("H", [int(lane) - 1 for lane in board[:n_tasks]]),
        array("d", [queued]) * n_tasks,
        array("d", [at - origin for at in board[n_tasks : 2 * n_tasks]]),
        array("d", [at - origin for at in board[2 * n_tasks : 3 * n_tasks]]),
        array("f", board[3 * n_tasks :]),
    )
