"""Which way wins for which tasks: a map over the length of a task and the bytes of its arguments, by measuring.

The cells come in an order that shows the borders early: the corners, then always where neighbours disagree.
"""

from __future__ import annotations

import pickle
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.shared_memory import SharedMemory
from statistics import median
from time import perf_counter

from helpers import runner
from helpers.arguments import check_callback, check_choice, check_count, check_counts, check_number, check_watch
from helpers.course.workers import tasks
from helpers.engines import max_workers, open_team
from helpers.engines.registry import check_start_method
from helpers.errors import ResultsDifferError
from helpers.measure import Watch, pack_function, pack_items
from helpers.measure.playing import FUNCTION, ITEMS, load
from helpers.records import badges_of_rounds, doubts_of, unite_badges
from helpers.words import listing, say_doubts, seconds, sentences, size

#: The ways that are compared.
WAYS = ("serial", "threads", "processes", "shared memory")
#: How many times as long as the best a way may take to be as good: below that it is a tie.
TIE = 1.1
#: Lengths of tasks in ms and bytes of arguments, if nothing else is said; limits; seconds for all of it.
TASKS_MS, PAYLOADS = (0.1, 0.5, 2.0, 10.0), (100, 10_000, 300_000, 3_000_000)
MAX_MS, MAX_BYTES, MAX_CELLS, TIMEOUT = 1000.0, 20_000_000, 12, 120.0


@dataclass(frozen=True)
class Cell:
    """Seconds of each way in each round, by way, for all tasks of one length with arguments of one size."""

    walls: dict[str, tuple[float, ...]]
    badges: tuple[str, ...] = ()

    @property
    def winner(self):
        """The way with the shortest median."""
        return min(self.walls, key=lambda way: median(self.walls[way]))

    @property
    def as_good(self):
        """The ways that take at most 10 % longer than the best, the best first: more than one is a tie."""
        times = {way: median(walls) for way, walls in self.walls.items()}
        best = min(times.values())
        return tuple(way for way in sorted(times, key=times.get) if times[way] <= TIE * best)

    @property
    def gain(self):
        """How many times as fast as the serial loop the winner is."""
        return median(self.walls["serial"]) / median(self.walls[self.winner])

    @property
    def doubts(self):
        """What makes the cell doubtful: what was noted, and rounds of the ways as good as the best that differ."""
        spread = (badges_of_rounds(self.walls[way]) for way in self.as_good)
        return doubts_of(unite_badges(self.badges, *spread))


@dataclass(frozen=True)
class WinnerMap:
    """Cells by (place of the task's length, place of the payload) in ``tasks_ms`` and ``payloads``: those measured."""

    tasks_ms: tuple[float, ...]
    payloads: tuple[int, ...]
    n_tasks: int
    n_workers: int
    start_method: str
    kind: str
    cells: dict[tuple[int, int], Cell] = field(repr=False)

    @property
    def complete(self):
        """Whether all cells are measured."""
        return len(self.cells) == len(self.tasks_ms) * len(self.payloads)

    @property
    def doubts(self):
        """The doubts of all cells, each once, as a tuple."""
        return unite_badges(*(cell.doubts for cell in self.cells.values()))

    def explain(self):
        """Return in sentences where each way wins and how many cells are ties; doubts first."""
        if not self.cells:
            return "Stopped: nothing measured."
        clear = [cell.winner for cell in self.cells.values() if len(cell.as_good) == 1]
        said = [f"{way} in {clear.count(way)}" for way in WAYS if way in clear]
        wins = f"of {len(self.cells)} measured, a clear winner: {listing(said)}" if said else "no way wins clearly"
        ties = len(self.cells) - len(clear)
        return sentences(say_doubts(self.doubts), wins, f"ties: {ties}" if ties else "")


def next_cell(winners, n_rows, n_columns):
    """Return the (row, column) to be measured next, None if all are: corners first, then where the border must be.

    `winners` has the winner of each cell that was measured. Then the cell comes first whose nearest measured
    neighbours in its row, or in its column, disagree; of several the one farthest from what is known.
    """
    corners = [(0, 0), (n_rows - 1, n_columns - 1), (0, n_columns - 1), (n_rows - 1, 0)]
    for corner in corners:
        if corner not in winners:
            return corner
    open_cells = [(row, column) for row in range(n_rows) for column in range(n_columns) if (row, column) not in winners]
    return max(open_cells, key=lambda cell: _urgency(cell, winners), default=None)


def _urgency(cell, winners):
    """Return how much a cell tells: (whether its neighbours disagree, steps to the nearest that was measured)."""
    row, column = cell
    disagree = False
    for line, place in (
        ({c: way for (r, c), way in winners.items() if r == row}, column),
        ({r: way for (r, c), way in winners.items() if c == column}, row),
    ):
        before, after = [p for p in line if p < place], [p for p in line if p > place]
        disagree |= bool(before and after) and line[max(before)] != line[min(after)]
    return disagree, min(abs(row - r) + abs(column - c) for r, c in winners)


def measure_winners(
    tasks_ms=TASKS_MS,
    payloads=PAYLOADS,
    *,
    n_workers=2,
    n_tasks=8,
    kind="computing",
    start_method=None,
    repeats=3,
    on_cell=None,
    timeout=TIMEOUT,
    should_stop=None,
    on_start=None,
):
    """Return the WinnerMap of `n_tasks` tasks of each length, with arguments of each size, done in four ways.

    Workers are up before: what a start costs is not in it. For shared memory the copy of all arguments into the
    block is counted, and each task gets its part by name. Lengths hold for a CPU that has nothing else to do.

    Parameters
    ----------
    tasks_ms, payloads : lengths above 0 to 1000 ms, sizes of 1 to 20 million bytes; at most 12 each
    n_workers, start_method : as in `helpers.measure.sweep`
    n_tasks : int, 1 to 64
    kind : "computing" (pure Python) or "waiting"
    repeats : int, 1 to 20 rounds a cell
    on_cell : callable of the WinnerMap so far, called after each cell
    timeout : seconds for all of it
    should_stop, on_start : as in `helpers.measure.sweep`; stopped, the map of the cells so far comes back

    Raises
    ------
    InvalidArgumentError, ResultsDifferError, WorkerDiedError, TimeoutError
    """
    check_callback("on_cell", on_cell)
    tasks_ms = tuple(sorted({check_number("tasks_ms", ms, 0, MAX_MS, "ms", above=True) for ms in tasks_ms}))
    payloads = check_counts("payloads", payloads, 1, MAX_BYTES)
    check_count("the number of lengths", len(tasks_ms), 1, MAX_CELLS)
    check_count("the number of payloads", len(payloads), 1, MAX_CELLS)
    n_workers, n_tasks = check_count("n_workers", n_workers, 1, max_workers()), check_count("n_tasks", n_tasks, 1, 64)
    repeats, kind = check_count("repeats", repeats, 1, 20), check_choice("kind", kind, tasks.KINDS)
    method, watch = check_start_method(start_method), check_watch(timeout, should_stop, on_start, TIMEOUT)
    plan = tasks_ms, payloads, n_tasks, n_workers, method, kind
    cells = {}
    for place, walls, badges in runner.play(play_winners, *plan, repeats, **watch):
        cells[place] = Cell(walls, badges)
        if on_cell is not None:
            on_cell(WinnerMap(*plan, dict(cells)))
    return WinnerMap(*plan, cells)


def play_winners(tasks_ms, payloads, n_tasks, n_workers, start_method, kind, repeats):
    """Yield ((row, column), {way: seconds of each round}, badges) of each cell. Runs in the runner."""
    rate, winners = tasks.count_loops_per_ms(), {}
    names = ("threads", "processes")
    packed = {"sent": pickle.dumps(tasks.do_sent), "shared": pickle.dumps(tasks.do_shared)}
    with ExitStack() as stack:
        teams = {
            name: stack.enter_context(open_team(name, tasks.do_sent, n_workers, start_method, packed["sent"]))
            for name in names
        }
        shared = open_team("processes", tasks.do_shared, n_workers, start_method, packed["shared"])
        teams["shared memory"] = stack.enter_context(shared)
        while (place := next_cell(winners, len(tasks_ms), len(payloads))) is not None:
            amount = tasks_ms[place[0]] if kind == "waiting" else max(1, round(tasks_ms[place[0]] * rate))
            blocks = [bytes([number]) * payloads[place[1]] for number in range(n_tasks)]
            items = [(kind, amount, block) for block in blocks]
            watch = Watch(n_workers, computes=kind != "waiting")
            time_round(teams, items)  # the first messages of a size are slower: not counted
            with watch:
                rounds = [time_round(teams, items) for _ in range(repeats)]
            walls = {way: tuple(times[way] for times in rounds) for way in WAYS}
            winners[place] = Cell(walls).winner
            yield place, walls, watch.badges


def time_round(teams, items):
    """Return {way: seconds for all items}, each way once; raise ResultsDifferError where one gives other results."""
    began = perf_counter()
    expected = [tasks.do_sent(item) for item in items]
    times = {"serial": perf_counter() - began}
    for way, team in teams.items():
        began = perf_counter()
        values = run_shared(team, items) if way == "shared memory" else team.run(items, 1).values()
        times[way] = perf_counter() - began
        if values != expected:
            raise ResultsDifferError(f"{way} gave other results than the serial loop.")
    return times


def run_shared(team, items):
    """Return the results of items whose blocks are copied into shared memory; a task gets the name and its part."""
    length = len(items[0][2])
    shared = SharedMemory(create=True, size=length * len(items))
    try:
        for place, (_, _, block) in enumerate(items):
            shared.buf[place * length : (place + 1) * length] = block
        parts = [(kind, amount, shared.name, place * length, length) for place, (kind, amount, _) in enumerate(items)]
        return team.run(parts, 1).values()
    finally:
        shared.close()
        shared.unlink()


@dataclass(frozen=True)
class TaskPoint:
    """Where a task stands on the map: median seconds of a call, and bytes of its pickled argument."""

    name: str
    seconds: float
    payload_bytes: int

    def __str__(self):
        return f"{self.name}: {seconds(self.seconds)} a task, {size(self.payload_bytes)} of arguments"


def measure_task(func, item, *, repeats=3, timeout=TIMEOUT, should_stop=None, on_start=None):
    """Return the TaskPoint of ``func(item)``: the median of `repeats` calls (1 to 100) after one that is not counted.

    Assumes that calling `func` again with the same item is harmless. None if stopped. Errors of the task are raised
    as they are in the measuring process.
    """
    packed, repeats = (pack_function(func), pack_items([item], timeout)), check_count("repeats", repeats, 1, 100)
    watch = check_watch(timeout, should_stop, on_start, TIMEOUT)
    for wall in runner.play(play_task, *packed, repeats, **watch):
        return TaskPoint(getattr(func, "__name__", "the task"), wall, len(packed[1]))
    return None


def play_task(payload, packed_items, repeats):
    """Yield the median seconds of a call. Runs in the runner."""
    func, (item,) = load(payload, FUNCTION), load(packed_items, ITEMS)
    func(item)
    times = []
    for _ in range(repeats):
        began = perf_counter()
        func(item)
        times.append(perf_counter() - began)
    yield median(times)
