"""`SpeedupLab`: the measured speedup of the reader's own function, drawn while it is measured."""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets

from helpers.engines import ENGINES, engine_problem, max_workers
from helpers.errors import HelpersError, InvalidArgumentError
from helpers.labs.base import Lab
from helpers.labs.controls import button, method_control, repeats_control, toggle
from helpers.labs.program import program_for
from helpers.machine import default_start_method, machine_report
from helpers.measure import check_counts, check_items, pack_function, sweep_steps
from helpers.models import advise, parallel_pairs
from helpers.notebook import function_name
from helpers.plots import describe_speedup, draw_speedup_card

ENGINE_TOOLTIPS = {
    "serial": "The plain loop: the baseline, always measured",
    "threads": "ThreadPoolExecutor: workers in one process, which share its GIL if this Python has one",
    "processes": "ProcessPoolExecutor: workers with a process each",
    "pool": "multiprocessing.Pool: workers with a process each",
    "multiprocess": "multiprocess.Pool: as pool, takes lambdas and functions from cells (dill)",
    "interpreters": "InterpreterPoolExecutor: one interpreter a thread, none shares a GIL with another",
}


def worker_choices(usable):
    """Return the worker counts offered: up to the usable CPUs, then up to twice as many.

    >>> worker_choices(4)
    [1, 2, 3, 4, 6, 8]
    """
    steps = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    within = {n for n in steps if n <= usable} | {usable}
    beyond = {-(-3 * usable // 2), 2 * usable}
    return sorted(n for n in within | beyond if n <= max_workers())


class SpeedupLab(Lab):
    """Measure how much faster `func` over `items` gets, by engine and number of workers.

    Parameters
    ----------
    func, items
        The reader's own, as in `helpers.measure.sweep`; items are at most 5 million.
    engines, n_workers, start_method, chunksize, repeats
        What is chosen at first; all can be changed in the lab.
    timeout : float, optional
        Seconds that a single run may take.
    guess : float, optional
        The speedup expected at the largest chosen number of workers.

    ``result`` is the last `Sweep`, also while it grows.
    """

    draw_share = 0.1

    def __init__(
        self,
        func,
        items,
        *,
        engines=("serial", "threads", "processes"),
        n_workers=None,
        start_method=None,
        chunksize=None,
        repeats=5,
        timeout=None,
        guess=None,
    ):
        self.func, self.items = func, check_items(items, least=1)
        engines = (engines,) if isinstance(engines, str) else tuple(engines)
        pack_function(func)
        self._report = machine_report()
        self._cpus = self._report.usable_cpus
        chosen = (
            check_counts(n_workers, engines)
            if n_workers is not None
            else [n for n in worker_choices(self._cpus) if n <= self._cpus]
        )
        unknown = set(engines) - set(ENGINES)
        if unknown:
            raise InvalidArgumentError(f"There is no engine {sorted(unknown)[0]!r}. There are: {', '.join(ENGINES)}.")
        self._first = {
            "engines": engines,
            "n_workers": chosen,
            "start_method": start_method or default_start_method(),
            "chunksize": chunksize,
            "repeats": repeats,
            "guess": guess,
        }
        self._off = {name: problem for name in engines if (problem := engine_problem(name, func))}
        self._timeout, self._last_run, self._settled = timeout, None, None
        super().__init__()
        self._say(self._off_text())

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first, narrow = self._first, {"description_width": "auto"}
        counts = sorted({*worker_choices(self._cpus), *first["n_workers"]})
        self._counts = {
            n: toggle(
                str(n),
                n in first["n_workers"],
                f"Measure with {n} workers" + (", more than the usable CPUs" if n > self._cpus else ""),
                "helpers-count",
            )
            for n in counts
        }
        self._engines = {}
        for name in ENGINES:
            problem = engine_problem(name, self.func)
            self._engines[name] = toggle(
                name,
                problem is None and (name in first["engines"] or name == "serial"),
                problem or ENGINE_TOOLTIPS[name],
                "helpers-engine",
                disabled=problem is not None or name == "serial",
            )
        split = widgets.HTML('<span style="opacity:.5">│</span>')
        within = [t for n, t in self._counts.items() if n <= self._cpus]
        beyond = [t for n, t in self._counts.items() if n > self._cpus]
        self._method = method_control(first["start_method"])
        self._chunk = widgets.Text(
            value=str(first["chunksize"] or "auto"),
            description="Chunk size",
            style=narrow,
            continuous_update=False,
            tooltip="Items handed over at once: a number, or auto for four chunks a worker",
            layout=widgets.Layout(width="140px"),
        )
        self._repeats = repeats_control(first["repeats"])
        top = 2 * max(counts)
        self._guess = widgets.FloatSlider(
            value=first["guess"] or 1.0,
            min=0,
            max=max(top, first["guess"] or 0.0),
            step=0.1,
            description="Your guess",
            style=narrow,
            readout_format=".1f",
            layout=widgets.Layout(width="350px"),
        )
        self._guess.tooltip = "How many times faster than the serial loop, at the largest chosen worker count?"
        self._guessed = first["guess"] is not None
        for control, css in (
            (self._method, "method"),
            (self._chunk, "chunk"),
            (self._repeats, "repeats"),
            (self._guess, "guess"),
        ):
            control.add_class(f"helpers-{css}")
        self._guess.observe(self._on_guess, "value")
        for control in self._counts.values():
            control.observe(lambda _: self._redraw(), "value")
        return [
            [
                widgets.Label("Workers"),
                *within,
                split,
                *beyond,
                widgets.Label("Engines", layout=widgets.Layout(margin="2px 2px 2px 10px")),
                *self._engines.values(),
            ],
            [self._method, self._chunk, self._repeats, self._guess],
        ]

    def _on_guess(self, _change):
        self._guessed = True
        self._redraw()

    def _redraw(self):
        if not self.running and getattr(self, "_picture", None) is not None:
            self._show_picture(2.0)

    def _chosen_counts(self):
        return tuple(n for n, control in self._counts.items() if control.value)

    def _settings(self):
        text = self._chunk.value.strip().lower()
        if text not in ("", "auto") and not (text.isdigit() and int(text) > 0):
            raise InvalidArgumentError(f"Chunk size must be auto or a whole number from 1, not {self._chunk.value!r}.")
        counts = self._chosen_counts()
        if not counts:
            raise InvalidArgumentError("Choose at least one number of workers.")
        return {
            "engines": tuple(
                name
                for name, control in self._engines.items()
                if control.value and not (name != "serial" and control.disabled)
            ),
            "n_workers": counts,
            "start_method": self._method.value,
            "chunksize": None if text in ("", "auto") else int(text),
            "repeats": self._repeats.value,
        }

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _measure(self, settings, on_start):
        self._settled = settings
        yield from sweep_steps(self.func, self.items, **settings, timeout=self._timeout, on_start=on_start)

    def _receive(self, progress):
        self.result = progress.sweep
        if progress.run is None:
            self._last_run, self._seen = None, ()
        elif self._last_run is None or self._weight(progress.run) >= self._weight(self._last_run):
            self._last_run = progress.run
        left = (
            ""
            if progress.seconds_left is None or progress.done == progress.total
            else f", {progress.seconds_left:.0f} s left"
        )
        self._show_progress(progress.done, progress.total, f"{progress.done} of {progress.total} runs{left}")

    def _is_news(self):
        """A pair has its first point."""
        pairs, self._seen = self._seen, parallel_pairs(self.result)
        return pairs != self._seen

    def _weight(self, run):
        """Prefer for the timeline: processes over threads over serial, then the most workers."""
        return run.engine not in ("serial", "threads"), run.engine != "serial", run.n_workers

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _draw(self):
        counts = self._chosen_counts()
        guess = (max(counts), self._guess.value) if self._guessed and counts else None
        return draw_speedup_card(self.result, self._last_run, guess=guess, n_workers=counts or None, cpus=self._cpus)

    def _describe(self):
        return (
            describe_speedup(self.result)
            if self.result is not None
            else "Speedup over the serial loop: nothing measured yet"
        )

    def _advice(self):
        if self.result is None or not self.result.runs:
            return self._off_text()
        return f"{advise(self.result).reason} {self._off_text()}".strip()

    def _off_text(self):
        """Return which of the engines asked for cannot run, and why; "" if all can."""
        if not self._off:
            return ""
        names, why = " and ".join(self._off), next(iter(self._off.values()))
        return f"Not measured: {names}. {why}"

    def _buttons(self):
        return [
            widgets.HBox(
                [
                    button(
                        "Show code",
                        "A complete program for the advised setting",
                        "code",
                        "helpers-code",
                        lambda _: self._toggle_code(),
                    ),
                    button(
                        "Save results",
                        "Write the measurements beside this notebook, as JSON",
                        "save",
                        "helpers-save",
                        lambda _: self._save("json"),
                    ),
                    button(
                        "Save trace",
                        "Write the timelines for ui.perfetto.dev",
                        "bars",
                        "helpers-trace",
                        lambda _: self._save("trace"),
                    ),
                ]
            )
        ]

    def code(self):
        """Return a complete program that runs the advised setting with the standard library alone.

        Before anything is measured: the first chosen engine of processes with the largest chosen
        number of workers.
        """
        settings = self._settings()
        engines = [e for e in settings["engines"] if e != "serial"] or ["serial"]
        engine, n_workers = ("processes" if "processes" in engines else engines[0]), max(settings["n_workers"])
        if self.result is not None and self.result.complete:
            advice = advise(self.result)
            engine, n_workers = advice.engine, advice.n_workers
        return program_for(self.func, self.items, engine, n_workers, settings["start_method"], settings["chunksize"])

    def _toggle_code(self):
        import html

        if self._extra.value.startswith("<pre"):
            self._extra.value = ""
            return
        try:
            self._extra.value = (
                "<pre class='helpers-program'"
                f" style='white-space:pre-wrap;line-height:1.35'>{html.escape(self.code())}</pre>"
            )
        except HelpersError as error:
            self._fail(error)

    def _save(self, kind):
        if self.result is None or not self.result.runs:
            self._say("Nothing to save yet: press Run first.")
            return
        ending = ".json" if kind == "json" else "-trace.json"
        try:
            path = unused_path(
                f"speedup-{''.join(c if c.isalnum() or c in '_-' else '-' for c in function_name(self.func))}", ending
            )
            (self.result.to_json if kind == "json" else self.result.to_chrome_trace)(path)
        except OSError as error:
            self._say(f"Could not write here: {error.strerror}. Use lab.result.to_json(path) with another folder.")
            return
        self._say(
            f"Saved {path.name} beside this notebook." + ("" if kind == "json" else " Open it at ui.perfetto.dev.")
        )


def unused_path(stem, ending):
    """Return a Path in the current folder that does not exist yet."""
    path, number = Path(stem + ending), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}{ending}")
    return path
