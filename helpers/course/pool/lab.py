"""`PoolLab`: spread tasks over a pool's workers, and watch who does what while it goes."""

from __future__ import annotations

import itertools

import ipywidgets as widgets

from helpers.arguments import check_count
from helpers.course.pool.measure import FLAVOURS, MAX_TASKS, PoolRun, pool_steps
from helpers.course.pool.plots import PoolPicture, describe_pool, describe_tasks, plot_pool
from helpers.course.pool.tasks import KINDS, ORDERS, make_sizes
from helpers.engines import max_workers
from helpers.errors import InvalidArgumentError
from helpers.labs.base import Lab
from helpers.machine import default_start_method, machine_report
from helpers.measure.handing import check_settings
from helpers.plots.drawing import figure_png

#: What the sliders offer: milliseconds, and how many times longer the longest task is.
SIZES_MS = tuple(float(f"{digit}e{power}") for power in range(-2, 3) for digit in (1, 2, 5)) + (1000.0,)
SKEWS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
#: Seconds that the tasks of one run may take together.
LONGEST_RUN = 120


class PoolLab(Lab):
    """Hand uneven tasks to a `multiprocessing.Pool`, by any of its methods, and see where the workers' time goes.

    Parameters
    ----------
    n_workers, flavour, chunksize, start_method
        The pool, and how it gets its tasks; `flavour` is of `helpers.course.pool.measure.FLAVOURS`.
    n_tasks, task_ms, skew, order, kind
        The tasks: how many, how long on average, how many times longer the longest is than the
        shortest, in which order, and whether they compute or wait.

    All are what is chosen at first. ``result`` is the last `PoolRun`, None before the first.
    """

    def __init__(
        self,
        *,
        n_workers=2,
        flavour="map",
        chunksize=None,
        start_method=None,
        n_tasks=24,
        task_ms=50.0,
        skew=1.0,
        order="longest last",
        kind="computing",
    ):
        for name, value, known in (("flavour", flavour, FLAVOURS), ("order", order, ORDERS), ("kind", kind, KINDS)):
            if value not in known:
                raise InvalidArgumentError(f"There is no {name} {value!r}. There are: {', '.join(known)}.")
        check_count("n_workers", n_workers, 1, max_workers())
        check_count("n_tasks", n_tasks, 1, MAX_TASKS)
        if not (0 < task_ms <= 60_000 and 1 <= skew <= 10_000):
            raise InvalidArgumentError("task_ms must be above 0 and at most 60,000, skew from 1 (all alike) to 10,000.")
        report = machine_report()
        self._cpus, self._methods = report.usable_cpus, report.start_methods
        self._first = {
            "n_workers": n_workers,
            "flavour": flavour,
            "chunksize": chunksize,
            "n_tasks": n_tasks,
            "task_ms": task_ms,
            "skew": skew,
            "order": order,
            "kind": kind,
            "start_method": start_method or default_start_method(),
        }
        check_settings(self._first["start_method"], chunksize, None)
        self._live = None
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first, narrow = self._first, {"description_width": "auto"}
        most = max(4, min(16, 2 * self._cpus), first["n_workers"])

        def dropdown(name, options, words, tooltip, width):
            return widgets.Dropdown(
                options=list(options),
                value=first[name],
                description=words,
                style=narrow,
                tooltip=tooltip,
                layout=widgets.Layout(width=width),
            )

        self._workers = widgets.IntSlider(
            value=first["n_workers"],
            min=1,
            max=most,
            description="Workers",
            style=narrow,
            layout=widgets.Layout(width="230px"),
        )
        self._workers.tooltip = f"Worker processes; this machine has {_count_cpus(self._cpus)}"
        self._flavour = dropdown("flavour", FLAVOURS, "Method", "The method of Pool that gets the tasks", "200px")
        self._chunk = widgets.Text(
            value=str(first["chunksize"] or "auto"),
            description="Chunk size",
            style=narrow,
            continuous_update=False,
            tooltip="Tasks handed over at once: a number, or auto for what the method itself takes",
            layout=widgets.Layout(width="140px"),
        )
        self._method = dropdown(
            "start_method", self._methods, "Start method", "How worker processes are started", "200px"
        )
        self._tasks = widgets.BoundedIntText(
            value=first["n_tasks"],
            min=1,
            max=MAX_TASKS,
            description="Tasks",
            style=narrow,
            tooltip="How many tasks",
            layout=widgets.Layout(width="115px"),
        )
        self._size = self._steps("task_ms", SIZES_MS, "Size (ms)", "215px")
        self._size.tooltip = "Length of a task on average, in milliseconds"
        self._skew = self._steps("skew", SKEWS, "Skew", "190px")
        self._skew.tooltip = "How many times longer the longest task is than the shortest"
        self._order = dropdown("order", ORDERS, "Order", "In which order the tasks stand", "170px")
        self._kind = dropdown(
            "kind", KINDS, "Work", "Computing keeps a CPU busy; waiting is asleep and needs none", "160px"
        )
        for control, css in (
            (self._workers, "workers"),
            (self._flavour, "flavour"),
            (self._chunk, "chunk"),
            (self._method, "method"),
            (self._tasks, "tasks"),
            (self._size, "size"),
            (self._skew, "skew"),
            (self._order, "order"),
            (self._kind, "kind"),
        ):
            control.add_class(f"helpers-{css}")
        self._workers.observe(lambda _: self._redraw_empty(), "value")
        return [
            [self._workers, self._flavour, self._chunk, self._method],
            [self._tasks, self._size, self._skew, self._order, self._kind],
        ]

    def _steps(self, name, steps, words, width):
        """Return a slider over `steps` and the value chosen at first."""
        first, style = float(self._first[name]), {"description_width": "auto"}
        options = [(f"{step:g}", step) for step in sorted({*steps, first})]
        return widgets.SelectionSlider(
            options=options,
            value=first,
            description=words,
            style=style,
            layout=widgets.Layout(width=width),
            continuous_update=False,
        )

    def _redraw_empty(self):
        if not self.running and self.result is None and getattr(self, "_picture", None) is not None:
            self._show_picture(2.0)

    def _settings(self):
        text = self._chunk.value.strip().lower()
        if text not in ("", "auto") and not (text.isdecimal() and len(text) < 9 and 0 < int(text) <= MAX_TASKS):
            raise InvalidArgumentError(
                f"Chunk size must be auto or a whole number from 1 to {MAX_TASKS:,}, not {self._chunk.value!r}."
            )
        chunksize = None if text in ("", "auto") else int(text)
        if chunksize not in (None, 1) and not FLAVOURS[self._flavour.value]:
            raise InvalidArgumentError(
                f"{self._flavour.value} hands over one task at a time: leave the chunk size at auto."
            )
        sizes = make_sizes(self._tasks.value, self._size.value, self._skew.value, self._order.value)
        if sum(sizes) > 1000 * LONGEST_RUN:
            raise InvalidArgumentError(
                f"These tasks take {sum(sizes) / 1000:.0f} s in the serial loop, {LONGEST_RUN} s at most: fewer, or"
                " shorter."
            )
        return {
            "sizes_ms": sizes,
            "flavour": self._flavour.value,
            "n_workers": self._workers.value,
            "chunksize": chunksize,
            "start_method": self._method.value,
            "kind": self._kind.value,
        }

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _measure(self, settings, on_start):
        self.result, expected = None, sum(settings["sizes_ms"]) / 1000
        n = settings["n_workers"]
        self._live = PoolPicture(
            n,
            f"{settings['flavour']} over {n} worker{'s' * (n > 1)}, so far",
            describe_tasks(settings["sizes_ms"], settings["kind"]) + " · yellow: being worked on",
            1.25 * expected + 0.1,
        )
        yield from pool_steps(**settings, timeout=3 * LONGEST_RUN, on_start=on_start)

    def _receive(self, record):
        if isinstance(record, PoolRun):
            self.result, self._live = record, None
            self._show_progress(1, 1, f"{len(record.sizes_ms):,} result{'s' * (len(record.sizes_ms) > 1)}")
            return
        self._live.take(record)
        total = record.n_tasks
        words = {
            "serial": f"serial loop: {record.done:,} of {total:,} tasks",
            "starting": "starting the workers …",
            "pool": f"pool: {record.done:,} of {total:,} tasks",
        }[record.phase]
        self._show_progress(record.done + (total if record.phase == "pool" else 0), 2 * total, words)

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _png(self, scale):
        if self._live is not None:  # going on, or stopped: what was seen so far stays
            return self._live.png(scale)
        return figure_png(self._draw(), scale)

    def _draw(self):
        return plot_pool(self.result, n_workers=self._workers.value).figure

    def _describe(self):
        return describe_pool(self.result)

    def _advice(self):
        return explain_pool(self.result, self._cpus) if self.result is not None else ""


def explain_pool(record, cpus):
    """Return in a sentence what cost a PoolRun most, with the figure, and what to try."""
    run, shares = record.run, record.run.accounting.shares()
    lost = {name: share for name, share in shares.items() if name != "working"}
    worst = max(lost, key=lost.get)
    if record.kind == "computing" and run.n_workers > cpus and shares["working"] > 0.5:
        return (
            f"{run.n_workers} workers share {_count_cpus(cpus)}, so each task takes longer than alone:"
            f" {record.speedup:.2f} times the serial loop. Try"
            f" {'as many workers as CPUs' if cpus > 1 else 'waiting tasks, or a machine with more CPUs'}."
        )
    if record.kind == "waiting" and lost[worst] < 0.3:
        workers = f"{run.n_workers} worker{'s' * (run.n_workers > 1)}"
        return (
            f"{record.speedup:.2f} times the serial loop with {workers} on {_count_cpus(cpus)}: sleeping tasks need"
            " none. It shows waiting, and says nothing about computing."
        )
    if lost[worst] < 0.1:
        return (
            f"The workers spent {100 * shares['working']:.0f} % of their time on tasks: {record.speedup:.2f} times the"
            " serial loop."
        )
    figure = f"{100 * lost[worst]:.0f} % of the workers' time"
    chunk = "a larger chunk size" if FLAVOURS[record.flavour] else "map, which hands over chunks"
    return {
        "startup": (
            f"Start-up took {figure}. Try longer or more tasks: a pool pays when its work is large against its start."
        ),
        "transfer": (
            f"Going from task to task took {figure}: tiny tasks, or other programs had the CPU. Try larger tasks."
        ),
        "waiting": f"Waiting for the next chunk took {figure}. Try {chunk}, or larger tasks.",
        "idle_tail": (
            f"The idle tail took {figure}: workers had nothing left while the last one worked. Try"
            f" {_shorten_tail(record)}."
        ),
    }[worst]


def _shorten_tail(record):
    """Return words for what could make the idle tail of a PoolRun shorter."""
    sizes, run = record.sizes_ms, record.run
    ways = ["a smaller chunk size"] if run.chunksize > 1 else []
    if any(later > former for former, later in itertools.pairwise(sizes)):
        ways.append("the longest tasks first")
    return ", or ".join(ways) or ("more tasks" if len(sizes) < 2 * run.n_workers else "more and shorter tasks")


def _count_cpus(cpus):
    return f"{cpus} usable CPU{'s' * (cpus > 1)}"
