"""`SpeedupLab`: the measured speedup of the reader's own function, drawn while it is measured."""

from __future__ import annotations

from math import ceil, inf
from pathlib import Path

import ipywidgets as widgets

from helpers import plots
from helpers.arguments import check_choices, check_count, check_number
from helpers.engines import ENGINES, engine_problem, max_workers, usual_engines
from helpers.errors import InvalidArgumentError
from helpers.labs.base import Lab
from helpers.labs.controls import (
    button,
    chosen_of,
    chunk_control,
    guess_control,
    label,
    method_control,
    on_change,
    read_chunk,
    read_rounds,
    rounds_control,
    toggle,
    toggles,
)
from helpers.labs.program import program_for
from helpers.machine import default_start_method, usable_cpus
from helpers.measure import (
    MAX_ITEMS,
    check_counts,
    check_items,
    check_rounds,
    check_settings,
    pack_function,
    sweep_steps,
)
from helpers.models import advise, parallel_pairs, quoted_pair
from helpers.notebook import function_name
from helpers.records import Sweep
from helpers.tasks.coroutines import is_coroutine_function
from helpers.words import out_of, plural, sentences

ENGINE_TOOLTIPS = {
    "serial": "The plain loop: the baseline, always measured",
    "threads": "ThreadPoolExecutor: workers in one process, which share its GIL if this Python has one",
    "asyncio": "asyncio: as many tasks at a time in one event loop, for coroutine functions (async def)",
    "processes": "ProcessPoolExecutor: workers with a process each",
    "pool": "multiprocessing.Pool: workers with a process each",
    "multiprocess": "multiprocess.Pool: as pool, takes lambdas and functions from cells (dill)",
    "interpreters": "InterpreterPoolExecutor: one interpreter a thread, none shares a GIL with another",
}


#: Seconds that a lab measures for where nobody says how long, and parts of its progress bar.
BUDGET, BAR = 5.0, 1000
#: Counts of tasks at a time that are offered for coroutine functions, and those chosen at first: waiting needs no CPU.
TASK_CHOICES, FIRST_TASKS = (1, 2, 4, 8, 16, 32, 64, 128), (1, 4, 16)
#: Said in the program where the advice is to stay serial.
STAY_SERIAL = "The advice is to stay serial, one plain loop over ITEMS: this is the best of the parallel ones."


def worker_choices(usable):
    """Return the worker counts offered: up to the usable CPUs, then up to twice as many.

    >>> worker_choices(4)
    [1, 2, 3, 4, 6, 8]
    """
    steps = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    within = {n for n in steps if n <= usable} | {usable}
    beyond = {-(-3 * usable // 2), 2 * usable}
    return sorted(n for n in within | beyond if n <= max_workers())


def say_count(n_workers, usable):
    """Return the tooltip of a worker count."""
    return f"Measure with {plural(n_workers, 'worker')}" + (", more than the usable CPUs" if n_workers > usable else "")


def weight_of(run):
    """Return how much the timeline of a Run is worth seeing: processes over threads over serial, then most workers."""
    return run.engine not in ("serial", "threads"), run.engine != "serial", run.n_workers


def weightiest_run(sweep):
    """Return the Run whose timeline is worth most, of the pairs without a problem; None for none."""
    pairs = sweep.pairs()
    return max(
        (run for run in sweep.runs if run.pair in pairs and run.timeline is not None), key=weight_of, default=None
    )


def say_progress(done, total, seconds_left):
    """Return how far a sweep is; `total` is None where nobody knows how many runs there will be.

    >>> say_progress(12, 35, 6.2), say_progress(0, 35, None), say_progress(35, 35, 0.0)
    ('12 of 35 runs, 6 s left', '0 of 35 runs', '35 of 35 runs')
    >>> say_progress(1, None, 4.2), say_progress(20, None, 0.0)
    ('1 run, 4 s left', '20 runs')
    """
    if total is None:
        return plural(done, "run") + (f", {seconds_left:.0f} s left" if seconds_left else "")
    left = f", {seconds_left:.0f} s left" if seconds_left is not None and done < total else ""
    return f"{out_of(done, total, 'run')}{left}"


def say_warm_up(sweep):
    """Return what the picture of a growing sweep shows as long as no round counts; "" afterwards."""
    if parallel_pairs(sweep) or not plots.provisional_points(sweep):
        return ""
    return "The pale points are of the warm-up round, which is not counted."


class SpeedupLab(Lab):
    """Measure how much faster `func` over `items` gets, by engine and number of workers.

    Parameters
    ----------
    func, items
        The reader's own, as in `helpers.measure.sweep`; items are at most 5 million.
    engines, n_workers, start_method, chunksize, repeats, budget
        What is chosen at first; all can be changed in the lab. By default a budget of 5 seconds.
    timeout : float, optional
        Seconds that a single run may take; by default 20 times the serial loop, as in `helpers.measure.sweep`.
    guess : float, optional
        The speedup expected at the largest chosen number of workers.

    ``result`` is the last `Sweep`, also while it grows. A pair that fails is left out and told; the others go on.
    """

    draw_share = 0.1
    of_a_run = (*Lab.of_a_run, "_last_run")

    def __init__(
        self,
        func,
        items,
        *,
        engines=None,
        n_workers=None,
        start_method=None,
        chunksize=None,
        repeats=None,
        budget=None,
        timeout=None,
        guess=None,
    ):
        self.func, self.items = func, check_items(items, least=1)
        engines = check_choices("engine", usual_engines(func) if engines is None else engines, ENGINES)
        pack_function(func)
        start_method, chunksize, self._timeout = check_settings(start_method, chunksize, timeout)
        repeats, budget = check_rounds(repeats, BUDGET if repeats is None and budget is None else budget)
        tasks = is_coroutine_function(func)  # in one thread, as many as one likes: none is more than the CPUs
        self._cpus = inf if tasks else usable_cpus()
        self._choices = TASK_CHOICES if tasks else worker_choices(self._cpus)
        within = FIRST_TASKS if tasks else [n for n in self._choices if n <= self._cpus]
        self._first = {
            "engines": engines,
            "n_workers": within if n_workers is None else check_counts(n_workers, engines),
            "start_method": start_method or default_start_method(),
            "chunksize": chunksize,
            "rounds": (None if repeats is None else check_count("repeats", repeats, 1, 100), budget),
            "guess": None if guess is None else check_number("guess", guess, 0, 10_000),
        }
        self._may_grow = n_workers is None  # nobody chose how many
        self._off = {name: problem for name in engines if (problem := engine_problem(name, func))}
        self._last_run, self._at_rest, self.card = None, plots.SpeedupCard(), plots.LiveSpeedupCard()
        super().__init__()
        self._say(self._off_text())

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first = self._first
        counts = sorted({*self._choices, *first["n_workers"]})
        self._counts = toggles(counts, first["n_workers"], lambda n: say_count(n, self._cpus), "count")
        self._engines = {name: self._engine_toggle(name) for name in ENGINES}
        within = [control for n, control in self._counts.items() if n <= self._cpus]
        beyond = [control for n, control in self._counts.items() if n > self._cpus]
        split = [widgets.HTML('<span style="opacity:.5">│</span>')] if beyond else []
        self._method, self._chunk = method_control(first["start_method"]), chunk_control(first["chunksize"])
        self._repeats = rounds_control(*first["rounds"])
        tip = "How many times faster than the serial loop, at the largest worker count?"
        most = ceil(max(2.0 * max(counts), first["guess"] or 0))
        step = 0.1 if most <= 50 else ceil(most / 500)
        self._guess = guess_control("Your guess", first["guess"], most, step, "times", tip)
        on_change(self._redraw, self._guess)
        return [
            [label("Workers"), *within, *split, *beyond, label("Engines", apart=True), *self._engines.values()],
            [self._method, self._chunk, self._repeats, self._guess],
        ]

    def _engine_toggle(self, name):
        """Return the toggle of an engine, greyed with the reason where it cannot run this function."""
        problem = engine_problem(name, self.func)
        chosen = problem is None and (name in self._first["engines"] or name == "serial")
        off = problem is not None or name == "serial"
        return toggle(name, chosen, problem or ENGINE_TOOLTIPS[name], "helpers-engine", disabled=off)

    def _settings(self):
        chunksize, counts = read_chunk(self._chunk, MAX_ITEMS), chosen_of(self._counts)
        if not counts:
            raise InvalidArgumentError("Choose at least one number of workers.")
        return {
            "engines": chosen_of(self._engines),
            "n_workers": counts,
            "start_method": self._method.value,
            "chunksize": chunksize,
            **read_rounds(self._repeats),
        }

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _start_over(self, settings):
        self._last_run, self._seen = None, set()
        self._at_rest = self._at_rest.anew()  # a thread that ends late may still draw with the one before

    def _measure(self, settings, on_start):
        grow = self._may_grow and settings["n_workers"] == tuple(self._first["n_workers"])
        options = {"timeout": self._timeout, "on_start": on_start, "grow": grow}
        yield from sweep_steps(self.func, self.items, **settings, **options)

    def _receive(self, progress):
        self.result, run = progress.sweep, progress.run
        if progress.problem is not None:
            self._last_run = weightiest_run(self.result)
        elif run is None:  # a new sweep: nothing of the last one is shown
            self._start_over(None)
        elif self._last_run is None or weight_of(run) >= weight_of(self._last_run):
            self._last_run = run
        said = [say_warm_up(self.result), *(problem.reason for problem in self.result.problems[-1:])]
        self._say(" ".join(filter(None, said)))
        if progress.share is None:
            far, done, total = (progress.done, progress.total), progress.done, progress.total
        else:
            far, done, total = (round(BAR * progress.share), BAR), progress.done, None
        self._show_progress(*far, say_progress(done, total, progress.seconds_left))

    def _is_news(self):
        """The first point, though it does not count, the first counted point of each pair, and each problem."""
        seen, self._seen = self._seen, {*parallel_pairs(self.result), *self.result.problems}
        if plots.provisional_points(self.result):
            self._seen.add("warm-up")
        return bool(self._seen - seen)

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _is_empty(self):
        return self.result is None or not (parallel_pairs(self.result) or self.result.problems)

    def _draw(self):
        return plots.SpeedupCard().still(self._shown())

    def _shown(self):
        """Return what is drawn, as `SpeedupCard` takes it."""
        shown = self.running or not self._is_empty()
        counts = self._measured["n_workers"] if shown else chosen_of(self._counts)
        guess = (max(counts), self._guess.number) if self._guess.number is not None and counts else None
        if shown and self.result is not None:  # it may have grown
            counts = tuple(sorted({*counts, *(n for _, n in self.result.pairs())}))
        return self.result, self._last_run, guess, counts or None, self._cpus

    def _png(self, scale):
        return super()._png(scale) if self.running else self._at_rest.png(self._shown(), scale)

    def _describe(self):
        return (
            plots.describe_speedup(self.result)
            if self.result is not None
            else "Speedup over the serial loop: nothing measured yet"
        )

    def _advice(self):
        if self.result is None or not self.result.runs:
            return self._off_text()
        said = advise(self.result, in_lab=True).reason
        doubts = plots.doubts_of_pairs(self.result, parallel_pairs(self.result))
        others = [doubt for doubt in doubts if doubt not in said]  # the picture tells these too
        elsewhere = f"in doubt of other settings: {'; '.join(others)}" if others else ""
        return f"{sentences(said, elsewhere)} {self._off_text()}".strip()

    def _off_text(self):
        """Return which of the engines asked for cannot run, and why; "" if all can."""
        if not self._off:
            return ""
        names, why = " and ".join(self._off), next(iter(self._off.values()))
        return f"Not measured: {names}. {why}"

    def _buttons(self):
        saving = "Write the measurements beside this notebook, as JSON"
        buttons = (
            ("Save results", saving, "save", "helpers-save", self._save),
            ("Save trace", "Write the timelines for ui.perfetto.dev", "bars", "helpers-trace", self._save_trace),
        )
        return [*super()._buttons(), *(button(*facts, lambda _, act=act: act()) for *facts, act in buttons)]

    def code(self):
        """Return a complete program that runs the advised setting with the standard library alone.

        Where the advice is to stay serial, it is the best parallel one, whose figures the advice quotes, and
        says so. Before anything is measured: the first chosen engine of processes with the largest chosen number
        of workers.
        """
        settings, remark = self._settings(), ""
        engines = [e for e in settings["engines"] if e != "serial"] or ["serial"]
        engine, n_workers = ("processes" if "processes" in engines else engines[0]), max(settings["n_workers"])
        if self.result is not None and self.result.complete:
            advice = advise(self.result)
            engine, n_workers, remark = advice.engine, advice.n_workers, ""
            if engine == "serial" and (pairs := parallel_pairs(self.result)):
                fastest = max(pairs, key=lambda pair: self.result.speedup(*pair).median)
                engine, n_workers = quoted_pair(self.result) or fastest  # the latter of one worker, if that is all
                remark = STAY_SERIAL
        options = settings["start_method"], settings["chunksize"], remark
        return program_for(self.func, self.items, engine, n_workers, *options)

    def _save(self):
        self._write(".json", Sweep.to_json, "")

    def _save_trace(self):
        self._write("-trace.json", Sweep.to_chrome_trace, " Open it at ui.perfetto.dev.")

    def _write(self, ending, write, hint):
        """Save the result by `write` under a name that is free, and say so."""
        if self.result is None or not self.result.runs:
            self._say_below("Nothing to save yet: press Run first.")
            return
        name = "".join(c if c.isalnum() or c in "_-" else "-" for c in function_name(self.func))
        try:
            path = unused_path(f"speedup-{name}", ending)
            write(self.result, path)
        except OSError as error:
            text = f"Could not write here: {error.strerror}. Use lab.result.to_json(path) with another folder."
            self._say_below(text)
            return
        self._say_below(f"Saved {path.name} beside this notebook.{hint}")


def unused_path(stem, ending):
    """Return a Path in the current folder that does not exist yet."""
    path, number = Path(stem + ending), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}{ending}")
    return path
