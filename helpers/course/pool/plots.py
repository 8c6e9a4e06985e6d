"""What a pool's workers did, as lanes: finished, or while it goes; and the size at which a pool begins to pay."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    HATCH,
    INK,
    LABEL_ROOM,
    MARKERS,
    SMALL_SIZE,
    STARTUP,
    TEXT_SIZE,
    axes_height,
    axes_width,
    darker,
    new_figure,
    paler,
    style_axes,
    write_head,
    write_note,
)
from helpers.plots.lanes import add_boxes
from helpers.plots.live import LivePicture
from helpers.plots.timeline import SHARES, round_shares
from helpers.words import seconds

TASK, SERIAL = COLOURS["pool"], COLOURS["serial"]
#: two neighbouring chunks, and two neighbouring tasks of the serial loop
CHUNK_SHADES = np.array([to_rgb(TASK), paler(TASK, 0.5)])
SERIAL_SHADES = np.array([paler(SERIAL, 0.25), paler(SERIAL, 0.5)])
RUNNING = to_rgb("#F0E442")
#: more tasks than this are merged into stripes
SINGLE_TASKS = 600
STRIPES = 160
AXES = (0.098, 0.15, 0.885, 0.675)
XLABEL = "seconds (the serial loop: since its beginning; the pool: since its workers were asked for)"


def plot_pool(record, ax=None, n_workers=2):
    """Return the Axes with the serial loop, one lane a worker, and when results arrived; `record` is a PoolRun.

    A box is a task; boxes of one shade side by side share a chunk. Of very many tasks, neighbours
    are merged into stripes. The hatched end of a lane is its idle tail. None gives the empty
    lanes of `n_workers` workers.
    """
    ax = new_figure().add_axes(AXES) if ax is None else ax
    if record is None:
        _draw_frame(ax, n_workers, 1.0)
        ax.set_xticks([0], [" "])
        write_note(
            ax,
            "Press Run: the serial loop first, then the pool, drawn while they work.\n"
            "One lane a worker, one box a task; boxes of one shade side by side share a chunk.",
        )
        write_head(
            ax,
            "Who does what, and when do results arrive?",
            [f"{n_workers} worker{'s' * (n_workers > 1)}, nothing measured yet"],
        )
        return ax
    run, end = record.run, max(record.run.cold_wall, record.serial)
    _draw_frame(ax, run.n_workers, end * 1.01)
    serial_spans, shades, _ = find_stripes(record.serial_timeline, 1, end)
    add_boxes(
        ax, serial_spans[:, :2], serial_spans[:, 2], facecolors=SERIAL_SHADES[shades], linewidths=0, gid="serial tasks"
    )
    spans, shades, merged = find_stripes(run.timeline, run.chunksize, end)
    add_boxes(ax, spans[:, :2], spans[:, 2] + 1, facecolors=CHUNK_SHADES[shades], linewidths=0, gid="tasks")
    lanes = np.arange(run.n_workers)
    add_boxes(
        ax, np.tile((0.0, run.startup), (run.n_workers, 1)), lanes + 1, facecolors=STARTUP, linewidths=0, gid="startup"
    )
    last = np.full(run.n_workers, run.startup)
    np.maximum.at(last, np.asarray(run.timeline.worker, int), np.asarray(run.timeline.finished))
    tails = np.stack([last, np.full(run.n_workers, run.cold_wall)], axis=1)
    seen = tails[:, 1] - tails[:, 0] > 0.002 * end
    add_boxes(
        ax,
        tails[seen],
        lanes[seen] + 1,
        facecolors="none",
        edgecolors=HATCH,
        hatch="////",
        linewidths=0,
        gid="idle tail",
    )
    arrived = np.asarray(record.arrived)
    ax.plot(
        arrived,
        np.full(len(arrived), run.n_workers + 1.0),
        "|",
        color=INK,
        markersize=7,
        markeredgewidth=0.9,
        gid="arrivals",
    )
    _name_parts(ax, record, tails, end)
    chunk = "" if record.flavour == "apply_async" else f"chunk size {run.chunksize}"
    write_head(
        ax,
        describe_pool(record),
        [
            f"{_accounting(record)} of {run.n_workers} × {seconds(run.cold_wall)}",
            f"with start-up {record.cold_speedup:.2f} times, {100 * record.cold_speedup / run.n_workers:.0f} %",
            f"{describe_tasks(record.sizes_ms, record.kind)}",
            chunk,
            f"{run.start_method}, one run",
            "each stripe is many tasks" if merged else "a new shade is a new chunk" if chunk else "",
        ],
    )
    return ax


def describe_pool(record):
    """Return the message of a PoolRun in one sentence."""
    if record is None:
        return "Lanes of a pool's workers: nothing measured yet"
    n = record.run.n_workers
    return (
        f"{record.flavour} over {n} worker{'s' * (n > 1)}: {record.speedup:.2f} times the serial loop, "
        f"efficiency {100 * record.efficiency:.0f} %"
    )


def describe_tasks(sizes_ms, kind):
    """Return the tasks in a few words."""
    mean, ratio = sum(sizes_ms) / len(sizes_ms), max(sizes_ms) / max(min(sizes_ms), 1e-9)
    skew = "" if ratio < 1.01 else f", the longest {ratio:.0f} × the shortest"
    if len(sizes_ms) == 1:
        return f"1 {kind} task of {seconds(mean / 1000)}"
    return f"{len(sizes_ms):,} {kind} tasks of {seconds(mean / 1000)} on average{skew}"


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


class PoolPicture:
    """The lanes of a run that is going on; only tasks, arrivals and the line of "now" are drawn anew.

    Parameters
    ----------
    n_workers : int
    title, how : str
        What runs, and how.
    end : float
        Seconds on the axis; a run that takes longer makes it twice as long.
    """

    def __init__(self, n_workers, title, how, end):
        self.n_workers, self.title, self.how = n_workers, title, how
        self.serial = self.progress = None
        self._open(end, 1.0)

    def _open(self, end, scale):
        self.end, self.scale, figure = end, scale, new_figure()
        ax = figure.add_axes(AXES)
        _draw_frame(ax, self.n_workers, end)
        write_head(ax, self.title, [self.how])
        self._boxes = [PolyCollection([], zorder=3, linewidths=0) for _ in range(3)]
        for boxes in self._boxes:
            ax.add_collection(boxes, autolim=False)
        (self._arrived,) = ax.plot([], [], "|", color=INK, markersize=7, markeredgewidth=0.9)
        (self._now,) = ax.plot([], [], "-", color=INK, linewidth=0.8)
        self._live = LivePicture(figure, [*self._boxes, self._arrived, self._now], scale)

    def take(self, progress):
        """Take in a PoolProgress."""
        self.progress = progress
        if progress.phase == "serial":
            self.serial = progress

    def png(self, scale=1.0):
        """Return the picture as it stands, as PNG bytes."""
        progress = self.progress
        if scale != self.scale:
            self._open(self.end, scale)
        if progress is not None:
            if progress.now > self.end:
                self._open(2 * progress.now, scale)
            self._fill(self._boxes[0], self.serial, 0, 1, SERIAL_SHADES)
            if progress.phase == "pool":
                self._fill(self._boxes[1], progress, 1, progress.chunksize, CHUNK_SHADES)
                arrived = np.asarray(progress.arrived)
                arrived = arrived[arrived > 0] - progress.origin
                self._arrived.set_data(arrived, np.full(len(arrived), self.n_workers + 1.0))
            if progress.phase != "serial":
                startup = progress.startup if progress.startup is not None else progress.now
                lanes = np.arange(1, self.n_workers + 1)
                self._set(self._boxes[2], np.tile((0.0, startup), (self.n_workers, 1)), lanes, STARTUP)
            low, high = (-0.4, 0.4) if progress.phase == "serial" else (0.6, self.n_workers + 1.4)
            self._now.set_data([progress.now] * 2, [low, high])
        return self._live.png()

    def _fill(self, boxes, progress, first_row, chunksize, shades):
        if progress is None:
            return
        board = np.asarray(progress.board).reshape(4, progress.n_tasks)
        begun = np.flatnonzero((board[0] > 0) & (board[1] != 0))  # a look can fall between two notes
        rows = np.stack([board[0, begun] - 1, board[1, begun] - progress.origin, board[2, begun]], axis=1)
        running = rows[:, 2] == 0
        rows[:, 2] = np.where(running, progress.now, rows[:, 2] - progress.origin)
        rows[:, 2] = np.maximum(rows[:, 2], rows[:, 1])
        spans, shade, _ = _stripes(rows[~running], begun[~running], chunksize, self.end)
        open_spans = rows[running][:, [1, 2, 0]]
        colours = np.concatenate([shades[shade], np.tile(RUNNING, (len(open_spans), 1))])
        spans = np.concatenate([spans, open_spans])
        self._set(boxes, spans[:, :2], spans[:, 2] + first_row, colours)

    @staticmethod
    def _set(boxes, spans, lanes, colours):
        corners = np.empty((len(spans), 4, 2))
        corners[:, :, 0] = spans[:, [0, 1, 1, 0]]
        corners[:, :, 1] = np.stack([lanes - 0.31, lanes - 0.31, lanes + 0.31, lanes + 0.31], axis=1)
        boxes.set_verts(corners, closed=False)
        boxes.set_facecolor(colours)


# ── from which size on a pool pays ───────────────────────────────────────────────────────────


def plot_break_even(record, ax=None):
    """Return the Axes with the time of the serial loop and of a pool over the length of a task, both axes
    logarithmic."""
    ax = new_figure().add_axes((0.075, 0.145, 0.90, 0.68)) if ax is None else ax
    style_axes(ax, "milliseconds a task", grid="both")
    sizes = np.asarray(record.sizes_ms)
    lines = {
        "serial loop": (record.serial, "serial", "-"),
        "pool, start-up included": (record.pool, "processes", "-"),
        "pool, already up": (record.warm, "pool", "--"),
    }
    values = np.concatenate([np.asarray(line) for line, _, _ in lines.values()])
    ax.set_xscale("log")
    ax.set_yscale("log")
    room = (sizes[-1] / sizes[0]) ** ((LABEL_ROOM + 50) / (axes_width(ax) - LABEL_ROOM - 50))
    ax.set_xlim(sizes[0] / 1.1, sizes[-1] * max(room, 1.5))
    ax.set_ylim(values.min() / 1.5, values.max() * 1.5)
    _plain_ticks(ax, sizes)
    where = record.size_ms()
    if where is not None:
        ax.axvline(where, color=GREY, linewidth=0.8, linestyle=":")
        ax.annotate(
            f"break-even: {_ms(where)}",
            (where, 0),
            xycoords=("data", "axes fraction"),
            xytext=(4, 5),
            textcoords="offset points",
            size=SMALL_SIZE,
            color=INK,
            family=FONT,
            gid="label",
        )
    _draw_lines(ax, sizes, lines)
    word = (
        f"From {_ms(where)} a task on, a new pool of {record.n_workers} beats the loop"
        if where is not None
        else (f"No length tried here pays for a new pool of {record.n_workers}")
    )
    write_head(
        ax,
        word,
        [
            f"seconds for {record.n_tasks} computing task{'s' * (record.n_tasks > 1)}",
            record.start_method,
            f"median of {record.rounds} round{'s' * (record.rounds > 1)}",
        ],
    )
    return ax


def _draw_lines(ax, sizes, lines):
    """Draw the lines and, at their ends, their names, spread so that none covers another."""
    ends = []
    for name, (values, engine, style) in lines.items():
        ax.plot(
            sizes, values, style, marker=MARKERS[engine], color=COLOURS[engine], linewidth=1.6, markersize=4.5, gid=name
        )
        ends.append((values[-1], name, COLOURS[engine]))
    height, (low, high) = axes_height(ax), np.log(ax.get_ylim())
    ends.sort()
    points = [(np.log(value) - low) / (high - low) * height for value, _, _ in ends]
    step, places = 1.25 * TEXT_SIZE, list(points)
    for k in range(1, len(places)):  # upwards, then down again where that went too far
        places[k] = max(places[k], places[k - 1] + step)
    places[-1] = min(places[-1], height - 4)
    for k in range(len(places) - 2, -1, -1):
        places[k] = min(places[k], places[k + 1] - step)
    for (value, name, colour), point, at in zip(ends, points, places, strict=True):
        ax.annotate(
            name,
            (sizes[-1], value),
            (8, at - point),
            textcoords="offset points",
            va="center",
            size=TEXT_SIZE,
            color=darker(colour),
            family=FONT,
            annotation_clip=False,
            gid="label",
        )


def _plain_ticks(ax, sizes):
    ax.set_xticks(sizes)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))


def _ms(value):
    return f"{value:.2g} ms"
