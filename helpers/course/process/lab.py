"""`ProcessLab`: the lives of processes as lanes, and what starting one costs, drawn while it happens."""

from __future__ import annotations

from helpers.arguments import check_choice, check_count, check_number
from helpers.course.process.measure import ALIKE, LENGTHS, Lifelines, ProcessRun, lifeline_steps, start_steps
from helpers.course.process.plots import ProcessCard, describe_processes, draw_process_card, killed_lanes
from helpers.course.process.program import program
from helpers.engines.registry import check_start_method
from helpers.labs.base import Lab
from helpers.labs.controls import choice, method_control, repeats_control, slider
from helpers.machine import start_methods
from helpers.records import unite_badges
from helpers.words import out_of, percent, plural, say_doubts, seconds, sentences

#: Ranges of the controls.
MAX_PROCESSES, MIN_SECONDS, MAX_SECONDS, MAX_REPEATS = 8, 0.1, 3.0, 50
#: From how many times the time of one start on the lanes and the strip of starts differ so much that it is said.
CROWDED = 1.5


class ProcessLab(Lab):
    """Watch processes start, run and end; then see what a start costs by each start method.

    Parameters
    ----------
    start_method, n_processes, task_seconds, lengths, repeats
        What is chosen at first; all can be changed in the lab. Each target sleeps for
        `task_seconds`, or with `lengths` "first longest" each next one a step less;
        `repeats` is the number of starts measured by each method.

    ``result`` is the last `ProcessRun`, also while it grows.
    """

    def __init__(self, *, start_method=None, n_processes=4, task_seconds=0.5, lengths=ALIKE, repeats=7):
        self._first = {
            "start_method": check_start_method(start_method),
            "n_processes": check_count("n_processes", n_processes, 1, MAX_PROCESSES),
            "task_seconds": check_number("task_seconds", task_seconds, MIN_SECONDS, MAX_SECONDS, "seconds"),
            "lengths": check_choice("lengths", lengths, LENGTHS),
            "repeats": check_count("repeats", repeats, 1, MAX_REPEATS),
        }
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first = self._first
        self._method = method_control(first["start_method"], tooltip="How the processes in the lanes are started")
        tip = "How many are started, one after another"
        count, most = first["n_processes"], MAX_PROCESSES
        self._n_processes = slider("processes", "Processes", count, 1, most, tip, continuous=True)
        task = (first["task_seconds"], MIN_SECONDS, MAX_SECONDS, "Seconds that each target sleeps")
        shape = {"step": 0.1, "width": "320px", "continuous": True}
        self._seconds = slider("seconds", "Task length, s", *task, **shape)
        tip = "All targets sleep as long as the first, or each next one a step less"
        self._lengths = choice("lengths", "Tasks", first["lengths"], LENGTHS, tip)
        tip = "Starts by each method in the strip at the right"
        self._repeats = repeats_control(first["repeats"], "Starts measured", tip, MAX_REPEATS)
        return [[self._method, self._n_processes, self._lengths], [self._seconds, self._repeats]]

    def _settings(self):
        return {
            "start_method": self._method.value,
            "n_processes": self._n_processes.value,
            "task_seconds": self._seconds.value,
            "lengths": self._lengths.value,
            "repeats": self._repeats.value,
        }

    def code(self):
        """Return a complete program of the present settings, for the standard library alone."""
        return program(**self._settings())

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _start_over(self, settings):
        self.result, self.card = ProcessRun(), ProcessCard(start_methods(), settings["repeats"])

    def _measure(self, settings, on_start):
        repeats = settings.pop("repeats")
        yield from lifeline_steps(**settings, on_start=on_start)
        if self.result.lives is not None and self.result.lives.complete:  # not after a Stop
            yield from start_steps(repeats, on_start=on_start)

    def _receive(self, record):
        if isinstance(record, Lifelines):
            self.result = ProcessRun(record)
        else:
            self.result = ProcessRun(self.result.lives, record)
        self._show_progress(*say_progress(self.result, self._measured["repeats"]))

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _is_empty(self):
        lives = self.result and self.result.lives
        return lives is None or not any(line.began is not None for line in lives.lines)

    def _shown(self):
        """Return the record while it runs; None before the first process was asked for."""
        return self.result if self.result is not None and self.result.lives is not None else None

    def _draw(self):
        result = self.result or ProcessRun()
        n_processes, stopped = self._n_processes.value, not self.running and self._turn.error is None
        return draw_process_card(result.lives, result.costs, n_processes=n_processes, stopped=stopped)

    def _describe(self):
        return (
            describe_processes(self.result.lives, self.result.costs)
            if self.result is not None
            else describe_processes(None, None)
        )

    def _advice(self):
        if self.result is None or not self.result.complete:
            return say_killed(self.result.lives) if self.result is not None and self.result.lives is not None else ""
        return advise_starts(self.result.lives, self.result.costs)


def say_progress(run, repeats):
    """Return (done, total, words) of a ProcessRun: processes joined, then rounds of starts, the cold one included."""
    n_processes = len(run.lives.lines)
    total = n_processes + repeats + 1
    if run.costs is None:
        joined = sum(line.joined is not None for line in run.lives.lines)
        return joined, total, f"{out_of(joined, n_processes, 'process')} joined"
    done = n_processes + 1 + run.costs.n_rounds
    return done, total, f"{out_of(run.costs.n_rounds, repeats, 'round')} of starts"


def say_killed(lives):
    """Return what Stop did to the processes of Lifelines, "" where all had ended."""
    killed, n = len(killed_lanes(lives)), len(lives.lines)
    return f"Stop killed {killed} of {plural(n, 'process')} before the target had ended." if killed else ""


def advise_starts(lives, costs):
    """Return what a start costs against the task of these Lifelines, and from which length on it hardly counts.

    Starting takes a tenth of the time where the task is nine times as long as the start. Processes that come up at
    the same time take longer each than one alone: then it is said, since the lanes show it. Last comes what is in
    doubt.
    """
    method = lives.start_method
    cost = costs.median(method)
    compared = ", ".join(f"{other} {seconds(costs.median(other))}" for other in costs.start_methods if other != method)
    share = percent(cost / (cost + lives.task_seconds), 1)
    said = (
        f"One start by {method} takes {seconds(cost)}{f' ({compared})' if compared else ''}: {share} of the time until "
        f"a task of {seconds(lives.task_seconds)} is done. Below {seconds(9 * cost)} of work, starting takes more than "
        "a tenth."
    )
    return sentences(said, say_crowd(lives, cost), say_doubts(unite_badges(costs.badges, lives.badges)))


def say_crowd(lives, cost):
    """Return how long the processes of Lifelines took to come up at once, where it is `CROWDED` times a start's `cost`.

    "" where it is not, or where there is only one.
    """
    n_processes, took = len(lives.lines), lives.coming_up
    if n_processes < 2 or took is None or took < CROWDED * cost:
        return ""
    return (
        f"the {n_processes} in the lanes came up beside each other, in {seconds(took)} each (median), "
        f"{took / cost:.1f} times as long as one alone"
    )
