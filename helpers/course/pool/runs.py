"""What is recorded of a pool's run: looks while it goes, and the finished run worked out from stamps."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from helpers.records import Run, Timeline, account_tasks

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
    serial loop should take.
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

    @property
    def complete(self):
        """False: it is a look at a run that goes on, or was stopped."""
        return False

    @property
    def done(self):
        """How many tasks have ended."""
        return self.n_tasks - self.board[2 * self.n_tasks : 3 * self.n_tasks].count(0.0)


@dataclass(frozen=True)
class PoolRun:
    """One run of tasks by a pool, beside the serial loop over the same tasks.

    ``run`` is the `Run` of the pool: its timeline, accounting, start-up and wall; ``arrived``
    holds when each result was in the caller's hands, counted as in the timeline.
    """

    flavour: str
    kind: str
    sizes_ms: tuple[float, ...] = field(repr=False)
    run: Run = field(repr=False)
    serial: float
    serial_timeline: Timeline = field(repr=False)
    arrived: array = field(repr=False)

    @property
    def complete(self):
        """True: the serial loop and the pool are through."""
        return True

    @property
    def speedup(self):
        """Serial wall over the pool's wall, workers being up."""
        return self.serial / self.run.wall

    @property
    def efficiency(self):
        """`speedup` over the number of workers."""
        return self.speedup / self.run.n_workers

    @property
    def cold_speedup(self):
        """Serial wall over the pool's time from asking for the workers."""
        return self.serial / self.run.cold_wall

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


def read_run(plan, stamps):
    """Return (Run, moments at which the results arrived) that the stamps of a run tell.

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
        round=1,
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
