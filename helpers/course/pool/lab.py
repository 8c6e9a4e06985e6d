"""`PoolLab`: spread tasks over a pool's workers, and watch who does what while it goes."""

from __future__ import annotations

import itertools

from helpers.arguments import check_choice, check_count, check_number
from helpers.course.pool.measure import MAX_MS, MAX_TASKS, check_plan, pool_steps
from helpers.course.pool.plots import PoolPicture, PoolView, describe_pool, plot_pool
from helpers.course.pool.program import program
from helpers.course.pool.runs import FLAVOURS, PoolRun
from helpers.course.pool.tasks import KINDS, ORDERS, make_sizes
from helpers.errors import InvalidArgumentError
from helpers.labs.base import Lab
from helpers.labs.controls import choice, chunk_control, method_control, number, read_chunk, slider, steps
from helpers.machine import usable_cpus
from helpers.plots.timeline import round_shares
from helpers.words import figures, out_of, plural, say_doubts, say_slowdown, sentences

#: What the sliders offer: milliseconds, and how many times longer the longest task is.
SIZES_MS = tuple(float(f"{digit}e{power}") for power in range(-2, 3) for digit in (1, 2, 5)) + (1000.0,)
SKEWS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
#: Seconds that the tasks of one run may take together.
LONGEST_RUN = 120
#: The phases in which tasks are done, in words.
PHASES = {"serial": "serial loop", "pool": "pool"}
#: How many rounds can be chosen.
REPEATS = (1, 3, 5)


class PoolLab(Lab):
    """Hand uneven tasks to a `multiprocessing.Pool`, by any of its methods, and see where the workers' time goes.

    Parameters
    ----------
    n_workers, flavour, chunksize, start_method
        The pool, and how it gets its tasks; `flavour` is of `helpers.course.pool.measure.FLAVOURS`.
    n_tasks, task_ms, skew, order, kind
        The tasks: how many, how long on average, how many times longer the longest is than the
        shortest, in which order, and whether they compute or wait.
    repeats
        Rounds of the loop and the pool; from 3 on there are intervals.

    All are what is chosen at first. ``result`` is the last `PoolRun`, also while further rounds go on; None before
    the first.
    """

    of_a_run = (*Lab.of_a_run, "_view")

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
        repeats=1,
    ):
        n_tasks = check_count("n_tasks", n_tasks, 1, MAX_TASKS)
        task_ms = check_number("task_ms", task_ms, 0, MAX_MS, "milliseconds", above=True)
        skew, order = check_number("skew", skew, 1, 10_000), check_choice("order", order, ORDERS)
        sizes = make_sizes(n_tasks, task_ms, skew, order)
        plan = check_plan(sizes, flavour, n_workers, chunksize, start_method, kind, repeats)
        self._first = {"n_tasks": n_tasks, "task_ms": task_ms, "skew": skew, "order": order, "chunksize": chunksize}
        self._first_plan, self._cpus, self.card, self._view = plan, usable_cpus(), PoolPicture(), None
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first, plan = self._first, self._first_plan
        most = max(4, min(16, 2 * self._cpus), plan.n_workers)
        tip = f"Worker processes; this machine has {plural(self._cpus, 'usable CPU')}"
        self._workers = slider("workers", "Workers", plan.n_workers, 1, most, tip, width="215px")
        tip = "The method of Pool that gets the tasks"
        self._flavour = choice("flavour", "Method", plan.flavour, FLAVOURS, tip, width="200px")
        tip = "Tasks handed over at once: a number, or auto for what the method itself takes"
        self._chunk = chunk_control(first["chunksize"], tip)
        self._method = method_control(plan.start_method)
        tip = "Rounds of the serial loop and the pool; from 3 on there are intervals"
        self._repeats = choice("repeats", "Repeats", plan.repeats, sorted({*REPEATS, plan.repeats}), tip, width="110px")
        self._tasks = number("tasks", "Tasks", first["n_tasks"], 1, MAX_TASKS, "How many tasks", width="115px")
        self._size, self._skew, self._order, self._kind = self._task_controls(plan.kind)
        return [
            [self._workers, self._flavour, self._chunk, self._method, self._repeats],
            [self._tasks, self._size, self._skew, self._order, self._kind],
        ]

    def _task_controls(self, kind):
        """Return the controls of what the tasks are like: size, skew, order, kind of work."""
        first = self._first
        size_tip = "Length of a task on average, in milliseconds"
        skew_tip = "How many times longer the longest task is than the shortest"
        kind_tip = "Computing keeps a CPU busy; waiting is asleep and needs none"
        return (
            steps("size", "Size (ms)", first["task_ms"], SIZES_MS, size_tip, width="215px"),
            steps("skew", "Skew", first["skew"], SKEWS, skew_tip, width="190px"),
            choice("order", "Order", first["order"], ORDERS, "In which order the tasks stand", width="170px"),
            choice("kind", "Work", kind, KINDS, kind_tip, width="160px"),
        )

    def _settings(self):
        """Return the PoolPlan of the controls."""
        sizes = make_sizes(self._tasks.value, self._size.value, self._skew.value, self._order.value)
        chunksize = read_chunk(self._chunk, MAX_TASKS)
        pool = self._flavour.value, self._workers.value, chunksize, self._method.value, self._kind.value
        plan = check_plan(sizes, *pool, self._repeats.value)
        if plan.expected * plan.repeats > LONGEST_RUN:
            took = f"These tasks take {plan.expected * plan.repeats:.0f} s in the serial loop, {LONGEST_RUN} s at most"
            raise InvalidArgumentError(f"{took}: fewer, or shorter.")
        return plan

    def code(self):
        """Return a complete program of the present settings, for the standard library alone."""
        return program(self._settings(), self._size.value, self._skew.value, self._order.value)

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _start_over(self, settings):
        self._view = PoolView(settings)

    def _measure(self, settings, on_start):
        names = ("flavour", "n_workers", "chunksize", "start_method", "kind", "repeats")
        options = {name: getattr(settings, name) for name in names}
        yield from pool_steps(settings.sizes_ms, **options, timeout=3 * LONGEST_RUN, on_start=on_start)

    def _receive(self, record):
        if isinstance(record, PoolRun):
            self.result = record
            if record.complete:
                self._view = None
                self._show_progress(1, 1, plural(len(record.sizes_ms), "result"))
            return
        self._view = self._view.take(record)
        total, repeats = record.n_tasks, self._view.plan.repeats
        before = f"round {record.round} of {repeats}, " if repeats > 1 else ""
        self._show_progress(count_done(record), 2 * total * repeats, f"{before}{say_progress(record)}")

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _is_empty(self):
        return self.result is None and (
            not self._view or not self._view.progress or self._view.progress.phase != "pool"
        )

    def _preview(self, settings):
        if self._view is not None:
            self._view = None
            self._say("")  # it was of the run that was stopped
        self._redraw()

    def _shows_view(self):
        """Return whether a run that goes on is shown, or one that was stopped: what was seen of it stays."""
        return self._view is not None and (self.running or self.result is None)

    def _png(self, scale):
        return self.card.png(self._view, scale) if self._shows_view() else self._still_png(scale)

    def _draw(self):
        return plot_pool(self.result, n_workers=self._workers.value).figure

    def _describe(self):
        return describe_view(self._view) if self._shows_view() else describe_pool(self.result)

    def _advice(self):
        if self.result is not None:
            return explain_pool(self.result, self._cpus)
        return say_stopped(self._view.progress) if self._view is not None and self._view.progress is not None else ""


def count_done(progress):
    """Return how many tasks of a run are done by a PoolProgress: each counts in the loop and in the pool of a round."""
    rounds_before = 2 * progress.n_tasks * (progress.round - 1)
    return rounds_before + progress.done + (progress.n_tasks if progress.phase != "serial" else 0)


def say_progress(progress):
    """Return of a PoolProgress in words how far it is."""
    if progress.phase == "starting":
        return "starting the workers …"
    return f"{PHASES[progress.phase]}: {out_of(progress.done, progress.n_tasks, 'task')}"


def say_stopped(progress):
    """Return the sentence below a run that was stopped at this PoolProgress."""
    if progress.phase == "starting":
        return "Stopped while the workers came up, after the serial loop."
    return f"Stopped after {out_of(progress.done, progress.n_tasks, 'task')} of the {PHASES[progress.phase]}."


def describe_view(view):
    """Return in one sentence how far the run of a PoolView is."""
    plan, now = view.plan, view.progress
    far = f" ({say_progress(now)})" if now is not None else ""
    return f"{plan.flavour} over {plural(plan.n_workers, 'worker')}, so far{far}"


def explain_pool(record, cpus):
    """Return in a few sentences what cost a PoolRun most, with the figure, what to try, and what is in doubt."""
    return sentences(_say_cost(record, cpus), say_slowdown(record.slowdown), say_doubts(record.badges))


def _say_cost(record, cpus):
    """Return in a sentence what cost a PoolRun most, and what to try; its shares are those of the picture."""
    run, shares = record.run, round_shares(record.run)
    lost = {name: share for name, share in shares.items() if name != "working"}
    worst = max(lost, key=lost.get)
    reached = f"{figures(record.gain)} times the serial loop"
    if record.kind == "computing" and run.n_workers > cpus and shares["working"] > 50:
        return (
            f"{plural(run.n_workers, 'worker')} share {plural(cpus, 'usable CPU')}: {reached}. Try "
            f"{'as many workers as CPUs' if cpus > 1 else 'waiting tasks, or a machine with more CPUs'}."
        )
    if record.kind == "waiting" and lost[worst] < 30:
        workers = plural(run.n_workers, "worker")
        return (
            f"{reached} with {workers} on {plural(cpus, 'usable CPU')}: "
            "sleeping tasks need none. It shows waiting, and says nothing about computing."
        )
    if lost[worst] < 10:
        return f"The workers spent {shares['working']} % of their time on tasks: {reached}."
    figure = f"{lost[worst]} % of the workers' time"
    chunk = "a larger chunk size" if FLAVOURS[record.flavour] else "map, which hands over chunks"
    return {
        "startup": (
            f"Start-up took {figure}. Try longer or more tasks: a pool pays when its work is large against its start."
        ),
        "transfer": (
            f"Transfer, the way from task to task, took {figure}: tiny tasks, or other programs had the CPU. Try "
            "larger tasks."
        ),
        "waiting": f"Waiting for the next chunk took {figure}. Try {chunk}, or larger tasks.",
        "idle_tail": (
            f"The idle tail took {figure}: workers had nothing left while the last one worked. Try "
            f"{_shorten_tail(record)}."
        ),
    }[worst]


def _shorten_tail(record):
    """Return words for what could make the idle tail of a PoolRun shorter."""
    sizes, run = record.sizes_ms, record.run
    ways = ["a smaller chunk size"] if run.chunksize > 1 else []
    if any(later > former for former, later in itertools.pairwise(sizes)):
        ways.append("the longest tasks first")
    return ", or ".join(ways) or ("more tasks" if len(sizes) < 2 * run.n_workers else "more and shorter tasks")
