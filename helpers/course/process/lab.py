"""`ProcessLab`: the lives of processes as lanes, and what starting one costs, drawn while it happens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import ipywidgets as widgets

from helpers.arguments import check_count
from helpers.course.process.measure import Lifeline, Lifelines, StartCosts, lifeline_steps, start_steps
from helpers.course.process.plots import LiveProcessCard, describe_processes, draw_process_card
from helpers.course.process.tasks import THREAD
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError
from helpers.labs.base import REST_SCALE, Lab
from helpers.labs.controls import method_control
from helpers.machine import machine_report
from helpers.plots import figure_png
from helpers.words import seconds

#: Ranges of the controls.
MAX_PROCESSES, MIN_SECONDS, MAX_SECONDS, MAX_REPEATS = 8, 0.1, 3.0, 50


@dataclass(frozen=True)
class ProcessRun:
    """What `ProcessLab` measured: ``lives`` and then ``costs``; each None as long as it is missing."""

    lives: Lifelines | None = None
    costs: StartCosts | None = None

    @property
    def complete(self):
        """Whether all processes were joined and all rounds measured."""
        return self.lives is not None and self.lives.complete and self.costs is not None and self.costs.complete


class ProcessLab(Lab):
    """Watch processes start, run and end; then see what a start costs by each start method.

    Parameters
    ----------
    start_method, n_processes, task_seconds, repeats
        What is chosen at first; all can be changed in the lab. Each target sleeps for
        `task_seconds`; `repeats` is the number of starts measured by each method.

    ``result`` is the last `ProcessRun`, also while it grows.
    """

    def __init__(self, *, start_method=None, n_processes=4, task_seconds=0.5, repeats=7):
        if (
            isinstance(task_seconds, bool)
            or not isinstance(task_seconds, (int, float))
            or not MIN_SECONDS <= task_seconds <= MAX_SECONDS
        ):
            raise InvalidArgumentError(
                f"task_seconds must be a number of seconds from {MIN_SECONDS} to {MAX_SECONDS}, not {task_seconds!r}."
            )
        self._first = {
            "start_method": check_start_method(start_method),
            "n_processes": check_count("n_processes", n_processes, 1, MAX_PROCESSES),
            "task_seconds": float(task_seconds),
            "repeats": check_count("repeats", repeats, 1, MAX_REPEATS),
        }
        self._card = LiveProcessCard()
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        self._methods = sorted(machine_report().start_methods)
        first, narrow = self._first, {"description_width": "auto"}
        self._method = method_control(first["start_method"], tooltip="How the processes in the lanes are started")
        self._n_processes = widgets.IntSlider(
            value=first["n_processes"],
            min=1,
            max=MAX_PROCESSES,
            description="Processes",
            style=narrow,
            tooltip="How many are started, one after another",
            layout=widgets.Layout(width="260px"),
        )
        self._seconds = widgets.FloatSlider(
            value=first["task_seconds"],
            min=MIN_SECONDS,
            max=MAX_SECONDS,
            step=0.1,
            description="Length of the task",
            style=narrow,
            readout_format=".1f",
            tooltip="Seconds that each target sleeps",
            layout=widgets.Layout(width="320px"),
        )
        self._repeats = widgets.BoundedIntText(
            value=first["repeats"],
            min=1,
            max=MAX_REPEATS,
            description="Starts measured",
            style=narrow,
            tooltip="Starts by each method in the strip at the right",
            layout=widgets.Layout(width="165px"),
        )
        controls = {
            "method": self._method,
            "processes": self._n_processes,
            "seconds": self._seconds,
            "repeats": self._repeats,
        }
        for name, control in controls.items():
            control.add_class(f"helpers-{name}")
        self._n_processes.observe(self._on_count, "value")
        return [[self._method, self._n_processes], [self._seconds, self._repeats]]

    def _on_count(self, _change):
        if self.result is None and not self.running:
            self._show_picture(REST_SCALE)

    def _settings(self):
        return {
            "start_method": self._method.value,
            "n_processes": self._n_processes.value,
            "task_seconds": self._seconds.value,
            "repeats": self._repeats.value,
        }

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _measure(self, settings, on_start):
        self.result = ProcessRun()
        repeats = settings.pop("repeats")
        self._total = settings["n_processes"] + repeats + 1
        nothing_yet = dict.fromkeys((*self._methods, THREAD), math.nan)
        self._no_costs = StartCosts(repeats, cold=nothing_yet)
        self._card.prepare(
            Lifelines(settings["start_method"], settings["task_seconds"], (Lifeline(),) * settings["n_processes"]),
            self._no_costs,
        )
        yield from lifeline_steps(**settings, on_start=on_start)
        yield from start_steps(repeats, on_start=on_start)

    def _receive(self, record):
        if isinstance(record, Lifelines):
            self.result = ProcessRun(record)
            joined = sum(line.joined is not None for line in record.lines)
            self._show_progress(joined, self._total, f"{joined} of {len(record.lines)} processes joined")
        else:
            self.result = ProcessRun(self.result.lives, record)
            done = self._total - record.repeats - 1
            self._show_progress(
                done + 1 + record.n_rounds, self._total, f"{record.n_rounds} of {record.repeats} rounds of starts"
            )

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _png(self, scale):
        if self.running and self.result is not None and self.result.lives is not None:
            return self._card.png(self.result.lives, self.result.costs or self._no_costs)
        return figure_png(self._draw(), scale)

    def _draw(self):
        result = self.result or ProcessRun()
        return draw_process_card(result.lives, result.costs, n_processes=self._n_processes.value)

    def _describe(self):
        return (
            describe_processes(self.result.lives, self.result.costs)
            if self.result is not None
            else describe_processes(None, None)
        )

    def _advice(self):
        if self.result is None or not self.result.complete:
            return ""
        lives, costs = self.result.lives, self.result.costs
        method = lives.start_method
        cost = costs.median(method)
        share = cost / (cost + lives.task_seconds)
        compared = ", ".join(
            f"{other} {seconds(costs.median(other))}" for other in costs.start_methods if other != method
        )
        return (
            f"One start by {method} takes {seconds(cost)}{f' ({compared})' if compared else ''}: {share:.1%} of the"
            f" time until a task of {seconds(lives.task_seconds)} is done. Below {seconds(9 * cost)} of work, starting"
            " takes more than a tenth."
        )
