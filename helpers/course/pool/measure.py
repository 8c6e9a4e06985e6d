"""A run of `multiprocessing.Pool` that can be watched while it goes.

::

    measure_pool()  ──►  play_pool() in the runner: the serial loop, then the pool
                            main thread    looks at the board, yields Progress, waits for the nod
                            second thread  pool.map(…), imap(…), … and notes each result's arrival

The board is memory that the workers write and the runner reads: looking costs the workers
nothing. The kernel draws while they work, a few hundredths of a CPU; ``live=False`` does without.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from array import array
from dataclasses import dataclass, field
from time import perf_counter

from helpers import runner
from helpers.arguments import check_count
from helpers.course.pool import tasks as uneven
from helpers.engines import max_workers
from helpers.engines.base import START_DEADLINE, auto_chunksize
from helpers.engines.registry import check_start_method
from helpers.errors import HelpersError, InvalidArgumentError, ResultsDifferError, WorkerDiedError
from helpers.measure.handing import check_settings
from helpers.records import Run, Timeline, account_tasks
from helpers.runner import describe_exit

#: Ways of handing tasks to a pool, and whether they take chunks.
FLAVOURS = {"map": True, "starmap": True, "imap": True, "imap_unordered": True, "apply_async": False}
#: Seconds between two looks at the board.
LOOK_EVERY = 0.05
MAX_TASKS = 20_000


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


def measure_pool(
    sizes_ms,
    *,
    flavour="map",
    n_workers=2,
    chunksize=None,
    start_method=None,
    kind="computing",
    timeout=60.0,
    live=False,
    on_progress=None,
    should_stop=None,
    on_start=None,
):
    """Return the PoolRun of tasks with the lengths `sizes_ms`, handed to a `Pool` by `flavour`.

    One run of each, the serial loop first; for intervals take `helpers.measure.sweep`. Computing
    tasks are rounds of a loop, their number found by a short calibration: the lengths hold for
    a CPU that has nothing else to do.

    Parameters
    ----------
    sizes_ms : lengths in milliseconds, 1 to 20,000 of them; see `helpers.course.pool.tasks.make_sizes`
    flavour : of `FLAVOURS`
    n_workers, start_method : as in `helpers.measure.sweep`
    chunksize : int; None takes what the flavour itself takes; "apply_async" has none
    kind : "computing" or "waiting"
    timeout : seconds each of the two may take
    live : look at the run while it goes, and hand each look to `on_progress`

    Raises
    ------
    InvalidArgumentError, TimeoutError, WorkerDiedError
    """
    result = None
    for record in pool_steps(
        sizes_ms,
        flavour=flavour,
        n_workers=n_workers,
        chunksize=chunksize,
        start_method=start_method,
        kind=kind,
        timeout=timeout,
        live=live,
        should_stop=should_stop,
        on_start=on_start,
    ):
        result = record
        if on_progress is not None:
            on_progress(record)
    return result


def pool_steps(
    sizes_ms,
    *,
    flavour,
    n_workers,
    chunksize=None,
    start_method=None,
    kind="computing",
    timeout=60.0,
    live=True,
    should_stop=None,
    on_start=None,
):
    """Yield `PoolProgress` while the run goes (only at its beginning if not `live`) and the PoolRun last."""
    sizes_ms = tuple(float(size) for size in sizes_ms)
    check_count("the number of tasks", len(sizes_ms), 1, MAX_TASKS)
    if not all(0 <= size <= 60_000 for size in sizes_ms):
        raise InvalidArgumentError("Each task must be from 0 to 60,000 ms long.")
    if flavour not in FLAVOURS:
        raise InvalidArgumentError(f"There is no flavour {flavour!r}. There are: {', '.join(FLAVOURS)}.")
    if kind not in uneven.KINDS:
        raise InvalidArgumentError(f"There is no kind of work {kind!r}. There are: {', '.join(uneven.KINDS)}.")
    check_count("n_workers", n_workers, 1, max_workers())
    method, chunksize, timeout = check_settings(start_method, chunksize, timeout)
    if chunksize is None:
        chunksize = auto_chunksize(len(sizes_ms), n_workers) if flavour in ("map", "starmap") else 1
    if chunksize > 1 and not FLAVOURS[flavour]:
        raise InvalidArgumentError(
            f"{flavour} hands over one task at a time: leave the chunk size at auto, or take map."
        )
    method, timeout = check_start_method(method), timeout or 60.0
    records = runner.play(
        play_pool,
        sizes_ms,
        kind,
        flavour,
        n_workers,
        chunksize,
        method,
        timeout,
        live,
        key=("pool", method),
        timeout=timeout + 10,
        should_stop=should_stop,
        on_start=on_start,
    )
    try:
        yield from records
    finally:
        records.close()


# ── in the runner ────────────────────────────────────────────────────────────────────────────


def play_pool(sizes_ms, kind, flavour, n_workers, chunksize, start_method, timeout, live):
    """Yield PoolProgress and, last, the PoolRun. Runs in the runner."""
    amounts = list(sizes_ms)
    if kind == "computing":
        rate = uneven.count_loops_per_ms()
        amounts = [round(size * rate) for size in sizes_ms]
    tasks, expected = list(enumerate(amounts)), sum(sizes_ms) / 1000
    board, values, serial = array("d", bytes(32 * len(tasks))), {}, 0.0
    for look in _play_serial(tasks, kind, timeout, live, board, values):
        serial = look
        yield PoolProgress("serial", serial, expected, len(tasks), chunksize, board)
    with _PlayedPool(kind, flavour, n_workers, chunksize, start_method, tasks) as played:
        for look in played.start():
            if live:
                yield PoolProgress(
                    "starting", look, expected, len(tasks), chunksize, array("d", bytes(32 * len(tasks)))
                )
        for now in played.play(timeout):
            if live:
                yield PoolProgress(
                    "pool",
                    now,
                    expected,
                    len(tasks),
                    chunksize,
                    array("d", played.board),
                    played.asked,
                    array("d", played.arrived),
                    played.startup,
                )
    if played.values != values:
        wrong = next(place for place in values if played.values.get(place) != values[place])
        raise ResultsDifferError(f"Task {wrong} gave another result in the pool than in the serial loop.", index=wrong)
    yield PoolRun(
        flavour,
        kind,
        sizes_ms,
        played.as_run(),
        serial,
        as_timeline(board, 0.0, 0.0),
        array("d", [at - played.asked for at in played.arrived]),
    )


def _play_serial(tasks, kind, timeout, live, board, values):
    """Do the tasks one after the other; yield the seconds so far, time between yields left out."""
    yield 0.0
    n_tasks, gone, began, looked = len(tasks), 0.0, perf_counter(), perf_counter()
    for place, amount in tasks:
        values[place] = uneven.note_task(board, n_tasks, 0, kind, place, amount)
        for column in (n_tasks, 2 * n_tasks):
            board[column + place] -= began - gone
        now = perf_counter()
        if gone + now - began > timeout:
            raise TimeoutError(f"The serial loop did not end within {timeout:g} s: take fewer or shorter tasks.")
        if live and now - looked >= LOOK_EVERY:
            gone += now - began
            yield gone
            began = looked = perf_counter()
    yield gone + perf_counter() - began


class _PlayedPool:
    """A pool, the thread that calls it, and the board on which its workers note what they do."""

    def __init__(self, kind, flavour, n_workers, chunksize, start_method, tasks):
        self.flavour, self.n_workers, self.chunksize, self.start_method = flavour, n_workers, chunksize, start_method
        self.kind, self.tasks, self.n_tasks = kind, tasks, len(tasks)
        self.arrived, self.values, self.error, self.pool = array("d", bytes(8 * len(tasks))), {}, None, None

    def __enter__(self):
        context = multiprocessing.get_context(self.start_method)
        if self.start_method == "forkserver":
            context.set_forkserver_preload(["helpers.course.pool.tasks"])
        self.board, self.ready = context.RawArray("d", 4 * self.n_tasks), context.RawArray("d", self.n_workers)
        before = set(multiprocessing.active_children())
        self.asked = perf_counter()
        try:
            self.pool = context.Pool(
                self.n_workers, uneven.start_lane, (self.board, self.ready, context.Value("q", 0), self.kind)
            )
        except OSError as error:
            raise HelpersError(
                f"{self.n_workers} worker processes could not be started: {error}. Ask for fewer workers."
            ) from error
        self.processes = [process for process in multiprocessing.active_children() if process not in before]
        return self

    def __exit__(self, *_error):
        if self.error is None:
            self.pool.terminate()
            self.pool.join()

    def start(self):
        """Yield the seconds gone until all workers are ready."""
        looked = perf_counter()
        while not all(self.ready):
            time.sleep(0.001)
            if perf_counter() - self.asked > START_DEADLINE:
                raise HelpersError(
                    f"{self.n_workers} workers did not come up within {START_DEADLINE:g} s: ask for fewer."
                )
            if perf_counter() - looked >= LOOK_EVERY:
                yield perf_counter() - self.asked
                looked = perf_counter()
        self.startup = max(self.ready) - self.asked

    def play(self, timeout):
        """Hand over the tasks; yield the seconds gone since the workers were asked for, until all results are there."""
        thread = threading.Thread(target=self._call, name="helpers-pool-caller", daemon=True)
        self.began = perf_counter()
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_EVERY)
            if not thread.is_alive():
                break
            if dead := [process for process in self.processes if process.exitcode is not None]:
                self.error = WorkerDiedError(
                    f"A worker of the pool ended by itself ({describe_exit(dead[0].exitcode)}).",
                    exitcode=dead[0].exitcode,
                )
                raise self.error
            if perf_counter() - self.began > timeout:
                self.error = TimeoutError(f"The pool did not end within {timeout:g} s: take fewer or shorter tasks.")
                raise self.error
            yield perf_counter() - self.asked
        if self.error is not None:
            raise self.error

    def _call(self):
        """Hand the tasks to the pool, as a program would, and note when each result is here."""
        try:
            if self.flavour == "map":
                self._keep(self.pool.map(uneven.run_noted, self.tasks, self.chunksize))
            elif self.flavour == "starmap":
                self._keep(self.pool.starmap(uneven.run_noted_pair, self.tasks, self.chunksize))
            elif self.flavour == "apply_async":
                answers = [
                    self.pool.apply_async(uneven.run_noted, (task,), callback=lambda reply: self._keep([reply]))
                    for task in self.tasks
                ]
                for answer in answers:
                    answer.get()
            else:
                for reply in getattr(self.pool, self.flavour)(uneven.run_noted, self.tasks, self.chunksize):
                    self._keep([reply])
            self.ended = perf_counter()
        except Exception as error:
            self.error = error

    def _keep(self, replies):
        now = perf_counter()
        for place, value in replies:
            self.arrived[place] = now
            self.values[place] = value

    def as_run(self):
        """Return the Run. It begins when the tasks are handed over; what passed between coming up and that is taken
        out."""
        origin, wall = self.began - self.startup, self.ended - self.began
        line = as_timeline(array("d", self.board), origin, self.startup)
        for place in range(self.n_tasks):
            self.arrived[place] += self.asked - origin
        return Run(
            "pool",
            self.n_workers,
            self.start_method,
            self.chunksize,
            1,
            self.startup,
            wall,
            sum(line.cpu),
            self.n_tasks,
            account_tasks(line, self.n_workers, self.chunksize, self.startup, wall),
            timeline=line,
        )


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
