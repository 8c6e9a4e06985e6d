"""What a pool's workers did, as lanes: finished, or while it goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from helpers.course.pool.runs import PoolPlan, PoolProgress, PoolRun
from helpers.plots.doubts import show_doubts
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    HATCH,
    INK,
    SMALL_SIZE,
    STARTUP,
    axes_height,
    axes_width,
    new_figure,
    paler,
    rounds_text,
    style_axes,
    write_head,
    write_invitation,
)
from helpers.plots.lanes import add_boxes, move_boxes
from helpers.plots.live import MovingPicture
from helpers.plots.timeline import SHARES, round_shares
from helpers.records import estimate_ratio
from helpers.words import SLOWER, figures, percent, plural, seconds

TASK, SERIAL = COLOURS["pool"], COLOURS["serial"]
#: two neighbouring chunks, and two neighbouring tasks of the serial loop
CHUNK_SHADES = np.array([to_rgb(TASK), paler(TASK, 0.5)])
SERIAL_SHADES = np.array([paler(SERIAL, 0.25), paler(SERIAL, 0.5)])
#: seen as orange on a dark page too, where a yellow turns to brown
RUNNING = to_rgb(COLOURS["threads"])
#: more tasks than this are merged into stripes
SINGLE_TASKS = 600
STRIPES = 160
AXES = (0.098, 0.185, 0.885, 0.64)
XLABEL = "seconds since the loop began, or since the workers were asked for"


def plot_pool(record, ax=None, n_workers=2):
    """Return the Axes with the serial loop, one lane a worker, and when results arrived; `record` is a PoolRun.

    A box is a task; boxes of one shade side by side share a chunk. Of very many tasks, neighbours
    are merged into stripes. The hatched end of a lane is its idle tail. None gives the empty
    lanes of `n_workers` workers, and so does a PoolProgress, where a run was stopped. Of several
    rounds the lanes are the last one's, and bars with ends show the intervals of when the loop and the
    pool ended. What is in doubt stands under the axes.
    """
    ax = new_figure().add_axes(AXES) if ax is None else ax
    if not isinstance(record, PoolRun):
        return _draw_empty(ax, n_workers)
    run, spans_of_rounds = record.run, find_spread(record)
    end = max(record.run.cold_wall, record.serial, *(high for _, _, high in spans_of_rounds))
    _draw_frame(ax, run.n_workers, end * 1.01)
    serial_spans, shades, _ = find_stripes(record.serial_timeline, 1, end)
    style = {"linewidths": 0}
    add_boxes(
        ax, serial_spans[:, :2], serial_spans[:, 2], facecolors=SERIAL_SHADES[shades], gid="serial tasks", **style
    )
    spans, shades, merged = find_stripes(run.timeline, run.chunksize, end)
    add_boxes(ax, spans[:, :2], spans[:, 2] + 1, facecolors=CHUNK_SHADES[shades], gid="tasks", **style)
    lanes = np.arange(run.n_workers)
    starts = np.tile((0.0, run.startup), (run.n_workers, 1))
    add_boxes(ax, starts, lanes + 1, facecolors=STARTUP, gid="startup", **style)
    tails = find_tails(run)
    seen = tails[:, 1] - tails[:, 0] > 0.002 * end
    hatched = {"facecolors": "none", "edgecolors": HATCH, "hatch": "////"}
    add_boxes(ax, tails[seen], lanes[seen] + 1, gid="idle tail", **hatched, **style)
    arrived = np.asarray(record.arrived)
    height = np.full(len(arrived), run.n_workers + 1.0)
    ax.plot(arrived, height, "|", color=INK, markersize=7, markeredgewidth=0.9, gid="arrivals")
    for lane, low, high in spans_of_rounds:
        look = {"color": INK, "linewidth": 1.4, "marker": "|", "markersize": 6, "zorder": 7}
        ax.plot([low, high], [lane, lane], gid="interval", **look)
    _name_parts(ax, record, tails, end)
    write_head(ax, describe_pool(record), _how(record, merged))
    show_doubts(ax, record.badges)
    return ax


def find_spread(record):
    """Return [(lane, low, high)]: the intervals of the seconds at which the serial loop and the pool ended.

    None below 3 rounds. They lie under the lane of the loop and under the arrivals.
    """
    ends = [each.serial for each in record.all_rounds], [each.startup + each.wall for each in record.all_rounds]
    lanes = 0.42, record.run.n_workers + 1.32
    found = [(lane, estimate_ratio(seconds)) for lane, seconds in zip(lanes, ends, strict=True)]
    return [(lane, estimate.low, estimate.high) for lane, estimate in found if estimate.low is not None]


def find_tails(run):
    """Return [(start, end)] of each worker's idle tail: from its last task, or its start-up, to the end of the run."""
    last = np.full(run.n_workers, run.startup)
    np.maximum.at(last, np.asarray(run.timeline.worker, int), np.asarray(run.timeline.finished))
    return np.stack([last, np.full(run.n_workers, run.cold_wall)], axis=1)


def _draw_empty(ax, n_workers):
    """Draw the lanes of a pool that has not run; return the Axes."""
    _draw_frame(ax, n_workers, 1.0)
    ax.set_xticks([0], [" "])
    write_invitation(
        ax,
        "Press Run: the serial loop first, then the pool, drawn while they work.\n"
        "One lane a worker, one box a task; boxes of one shade side by side share a chunk.",
    )
    how = f"{plural(n_workers, 'worker')}, nothing measured yet"
    write_head(ax, "Who does what, and when do results arrive?", [how])
    return ax


def _how(record, merged):
    """Return the parts of the grey line."""
    run, chunk = record.run, "" if record.flavour == "apply_async" else f"chunk size {record.run.chunksize}"
    return [
        f"{_accounting(record)} of {run.n_workers} × {seconds(run.cold_wall)}",
        f"each task {record.slowdown:.1f} × as long" if record.slowdown >= SLOWER else "",
        f"with start-up {record.cold_speedup:.2f} times",
        describe_tasks(record.sizes_ms, record.kind),
        chunk,
        f"{run.start_method}, {_say_rounds(record)}",
        "each stripe is many tasks" if merged else "",
    ]


def _say_rounds(record):
    """Return of how many rounds the figures are, and which one the lanes show."""
    if record.repeats == 1:
        return "one run"
    rounds = rounds_text([record.n_rounds], short=True)
    stopped = "" if record.complete else f" (of {record.repeats})"
    return f"{rounds}{stopped}; lanes: the last one" if record.n_rounds > 1 else f"{rounds}{stopped}"


def describe_pool(record):
    """Return the message of a PoolRun in one sentence."""
    if record is None:
        return "Lanes of a pool's workers: nothing measured yet"
    workers = plural(record.run.n_workers, "worker")
    reached = f"{figures(record.gain)} times the serial loop, efficiency {percent(record.efficiency)}"
    return f"{record.flavour} over {workers}, once up: {reached}"


def describe_tasks(sizes_ms, kind):
    """Return the tasks in a few words.

    >>> describe_tasks([5, 100], "computing"), describe_tasks([20], "waiting")
    ('2 computing tasks of 5 ms to 100 ms', '1 waiting task of 20 ms')
    """
    ends = dict.fromkeys(seconds(size / 1000) for size in (min(sizes_ms), max(sizes_ms)))
    return f"{plural(len(sizes_ms), f'{kind} task')} of {' to '.join(ends)}"


def _accounting(record):
    whole = round_shares(record.run)
    return "workers' time: " + ", ".join(f"{words} {whole[name]} %" for name, words in SHARES.items() if whole[name])


def _draw_frame(ax, n_workers, end):
    """Draw what does not move: axes, names of lanes, a line between them."""
    style_axes(ax, XLABEL, grid="x")
    ax.set_xlim(0, end)
    names = 11 / axes_height(ax)  # the share of the height kept free for the names of the parts
    rows = n_workers + 2
    ax.set_ylim(rows - 0.45, rows - 0.45 - (rows - 0.0) / (1 - names))
    ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    step = max(1, ceil(9.5 / (axes_height(ax) / (rows + 0.5))))
    shown = [n for n in range(0, n_workers, step) if n_workers - n > step / 2 or n == 0]
    ax.set_yticks(
        [0, *[n + 1 for n in shown], rows - 1], ["serial loop", *[f"worker {n + 1}" for n in shown], "results"]
    )
    ax.axhline(rows - 1.5, color=GREY, linewidth=0.5, gid="divide")


def find_stripes(line, chunksize, end):
    """Return ([[start, end, lane]], shade, merged) of the tasks in `line` that have ended, by lane and time."""
    board = np.stack([np.asarray(line.worker, float), np.asarray(line.started), np.asarray(line.finished)], axis=1)
    return _stripes(board, np.arange(len(board)), chunksize, end)


def _stripes(board, places, chunksize, end):
    """As `find_stripes`, of rows (lane, started, finished) and the places of their tasks."""
    if not len(board):
        return np.empty((0, 3)), np.empty(0, int), False
    order = np.lexsort((board[:, 1], board[:, 0]))
    lane, start, stop = board[order].T
    new_lane = np.concatenate([[True], np.diff(lane) != 0])
    if len(board) <= SINGLE_TASKS:
        gap = np.minimum(0.0007 * end, 0.1 * (stop - start))
        new_chunk = np.concatenate([[False], np.diff(places[order] // chunksize) != 0]) & ~new_lane
        number = np.cumsum(new_chunk)  # chunks alternate in shade, each lane beginning with the first
        number -= np.maximum.accumulate(np.where(new_lane, number, 0))
        return np.stack([start, stop - gap, lane], axis=1), number % 2, False
    cell = (start * STRIPES / end).astype(int)
    heads = np.flatnonzero(
        new_lane | np.concatenate([[True], (np.diff(cell) != 0) | (start[1:] - stop[:-1] > end / STRIPES)])
    )
    tails = np.concatenate([heads[1:], [len(lane)]]) - 1
    return np.stack([start[heads], stop[tails], lane[heads]], axis=1), cell[heads] % 2, True


def _name_parts(ax, record, tails, end):
    """Name start-up and idle tail above the lanes where they are wide enough, and the worst lane's tail."""
    style = {"size": SMALL_SIZE, "color": GREY, "family": FONT, "va": "center", "gid": "part"}
    room = end / axes_width(ax)  # seconds a point
    if record.run.startup > 46 * room:
        ax.text(record.run.startup / 2, 1, "start-up", ha="center", zorder=6, **style)
    longest = int(np.argmax(tails[:, 1] - tails[:, 0]))
    start, stop = tails[longest]
    if stop - start > 52 * room:
        ax.text(
            (start + stop) / 2,
            longest + 1,
            "idle tail",
            ha="center",
            zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            **style,
        )
    last = max(record.arrived)
    if len(record.arrived) > 1 and last - min(record.arrived) < 0.005 * end:
        left = last + 70 * room > end
        ax.text(
            last + (-6 if left else 6) * room,
            record.run.n_workers + 1,
            "all at once",
            ha="right" if left else "left",
            zorder=6,
            **style,
        )


# ── while it goes ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class PoolView:
    """A run that goes on, as its picture needs it: the plan, the last look, and the last look at the serial loop."""

    plan: PoolPlan
    progress: PoolProgress | None = None
    serial: PoolProgress | None = None

    def take(self, progress):
        """Return the view with one look more; a further round begins anew."""
        if self.progress is not None and progress.round != self.progress.round:
            return PoolView(self.plan).take(progress)
        return replace(self, progress=progress, serial=progress if progress.phase == "serial" else self.serial)


class PoolPicture(MovingPicture):
    """The lanes of a run that is going on, of a PoolView; tasks, arrivals and the line of "now" move."""

    def frame(self, view):
        """The plan, and the seconds on the axis: a run that takes longer makes it half as long again."""
        end = 1.25 * view.plan.expected + 0.1
        while view.progress is not None and view.progress.now > end:
            end *= 1.5
        return view.plan, end

    def build(self, figure, view):
        """Draw the lanes and the head."""
        plan, self.end = self.frame(view)
        ax = figure.add_axes(AXES)
        _draw_frame(ax, plan.n_workers, self.end)
        tasks = describe_tasks(plan.sizes_ms, plan.kind) + " · orange: being worked on"
        write_head(ax, f"{plan.flavour} over {plural(plan.n_workers, 'worker')}, so far", [tasks])
        self.boxes = [self.keep(add_boxes(ax, linewidths=0)) for _ in range(3)]
        self.arrived = self.keep(ax.plot([], [], "|", color=INK, markersize=7, markeredgewidth=0.9)[0])
        self.now = self.keep(ax.plot([], [], "-", color=INK, linewidth=0.8)[0])

    def move(self, view):
        """Show what was seen of the run so far."""
        progress, n_workers = view.progress, view.plan.n_workers
        if progress is not None:
            if progress.phase == "serial":  # of a further round: nothing of the last one is left
                for boxes in self.boxes[1:]:
                    move_boxes(boxes, (), ())
                self.arrived.set_data([], [])
            self._fill(self.boxes[0], view.serial, 0, 1, SERIAL_SHADES)
            if progress.phase == "pool":
                self._fill(self.boxes[1], progress, 1, progress.chunksize, CHUNK_SHADES)
                arrived = np.asarray(progress.arrived)
                arrived = arrived[arrived > 0] - progress.origin
                self.arrived.set_data(arrived, np.full(len(arrived), n_workers + 1.0))
            if progress.phase != "serial":
                startup = progress.startup if progress.startup is not None else progress.now
                spans = np.tile((0.0, startup), (n_workers, 1))
                move_boxes(self.boxes[2], spans, np.arange(1, n_workers + 1), colours=STARTUP)
            low, high = (-0.4, 0.4) if progress.phase == "serial" else (0.6, n_workers + 1.4)
            self.now.set_data([progress.now] * 2, [low, high])
        return [*self.boxes, self.arrived, self.now]

    def _fill(self, boxes, progress, first_row, chunksize, shades):
        if progress is None:
            return
        rows, begun, running = read_board(progress)
        spans, shade, _ = _stripes(rows[~running], begun[~running], chunksize, self.end)
        open_spans = rows[running][:, [1, 2, 0]]
        colours = np.concatenate([shades[shade], np.tile(RUNNING, (len(open_spans), 1))])
        spans = np.concatenate([spans, open_spans])
        move_boxes(boxes, spans[:, :2], spans[:, 2] + first_row, colours=colours)


def read_board(progress):
    """Return (rows of lane, began, ended; places of their tasks; which still run) of the tasks that have begun.

    A task that still runs ends now. Times count from the beginning of the phase.
    """
    board = np.asarray(progress.board).reshape(4, progress.n_tasks)
    begun = np.flatnonzero((board[0] > 0) & (board[1] != 0))  # a look can fall between two notes
    rows = np.stack([board[0, begun] - 1, board[1, begun] - progress.origin, board[2, begun]], axis=1)
    running = rows[:, 2] == 0
    rows[:, 2] = np.where(running, progress.now, rows[:, 2] - progress.origin)
    rows[:, 2] = np.maximum(rows[:, 2], rows[:, 1])
    return rows, begun, running
