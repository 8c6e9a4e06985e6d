"""`LockLab`: who waits for whom at one lock, what that does to the speedup, and what gets lost without it."""

from __future__ import annotations

import ipywidgets as widgets

from helpers.arguments import check_count
from helpers.course.lock.measure import lock_steps
from helpers.course.lock.plots import LockCard, ceiling
from helpers.course.lock.tasks import WORK
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError
from helpers.labs.base import REST_SCALE, Lab
from helpers.labs.controls import method_control, repeats_control, toggle
from helpers.machine import default_start_method, machine_report
from helpers.measure import check_counts
from helpers.models import amdahl
from helpers.words import figures

#: Worker counts that are offered; others can be given when the lab is made.
COUNTS = (1, 2, 3, 4, 6, 8)


class LockLab(Lab):
    """Measure how fast workers get through steps that share a lock; nothing to hand over.

    Parameters
    ----------
    n_workers : int or several
    share : float, 0 to 1; the part of each step inside the lock
    locked : bool; False leaves the lock away
    work : "wait", steps that sleep, so that the lock and not the CPUs is the limit; or "compute"
    start_method, repeats
        As in `helpers.measure.sweep`.

    All can be changed in the lab. ``result`` is the last `LockSweep`, also while it grows.
    """

    def __init__(self, *, n_workers=(1, 2, 4, 8), share=0.25, locked=True, work="wait", start_method=None, repeats=3):
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise InvalidArgumentError(f"share must be a number from 0 to 1, not {share!r}.")
        if work not in WORK:
            raise InvalidArgumentError(f"work must be one of {', '.join(WORK)}, not {work!r}.")
        if not isinstance(locked, bool):
            raise InvalidArgumentError(f"locked must be True or False, not {locked!r}.")
        self._first = {
            "n_workers": check_counts(n_workers, ("processes",)),
            "share": share,
            "locked": locked,
            "work": work,
            "start_method": check_start_method(start_method or default_start_method()),
            "repeats": check_count("repeats", repeats, 1, 100),
        }
        self._report = machine_report()
        self._cpus = self._report.usable_cpus
        self._card, self._card_key = None, None
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first, narrow = self._first, {"description_width": "auto"}
        self._counts = {
            n: toggle(str(n), n in first["n_workers"], f"Measure with {n} worker{'s' * (n > 1)}", "helpers-count")
            for n in sorted({*COUNTS, *first["n_workers"]})
        }
        self._locked = widgets.ToggleButtons(
            options=[("on", True), ("off", False)],
            value=first["locked"],
            tooltips=["One worker at a time is inside", "Nobody is kept out: updates get lost"],
            style={"button_width": "44px"},
        )
        self._share = widgets.IntSlider(
            value=round(100 * first["share"]),
            min=0,
            max=100,
            step=5,
            description="Inside the lock, %",
            style=narrow,
            continuous_update=False,
            layout=widgets.Layout(width="330px"),
        )
        self._share.tooltip = "The part of each step that only one worker at a time may do"
        self._steps = widgets.Dropdown(
            options=[("sleep", "wait"), ("compute", "compute")],
            value=first["work"],
            description="Steps",
            style=narrow,
            tooltip=(
                "Steps that sleep need no CPU, so only the lock limits them; steps that compute share the CPUs as well"
            ),
            layout=widgets.Layout(width="140px"),
        )
        self._method = method_control(first["start_method"])
        self._repeats = repeats_control(first["repeats"])
        named = {
            "lock": self._locked,
            "share": self._share,
            "work": self._steps,
            "method": self._method,
            "repeats": self._repeats,
        }
        for name, control in named.items():
            control.add_class(f"helpers-{name}")
        for control in (*self._counts.values(), self._locked, self._share, self._steps):
            control.observe(lambda _: self._redraw(), "value")
        label = widgets.Label("Lock", layout=widgets.Layout(margin="2px 2px 2px 10px"))
        return [
            [widgets.Label("Workers"), *self._counts.values(), label, self._locked, self._share],
            [self._steps, self._method, self._repeats],
        ]

    def _redraw(self):
        """Show the bounds of the new setting at once, with what was measured if it is of that setting."""
        if not self.running and getattr(self, "_picture", None) is not None and self._chosen_counts():
            self._show_picture(REST_SCALE)

    def _chosen_counts(self):
        return tuple(n for n, control in self._counts.items() if control.value)

    def _settings(self):
        counts = self._chosen_counts()
        if not counts:
            raise InvalidArgumentError("Choose at least one number of workers.")
        return {
            "n_workers": counts,
            "share": self._share.value / 100,
            "locked": self._locked.value,
            "work": self._steps.value,
            "start_method": self._method.value,
            "repeats": self._repeats.value,
        }

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _measure(self, settings, on_start):
        self._measured = settings
        yield from lock_steps(**settings, on_start=on_start)

    def _receive(self, progress):
        self.result = progress.sweep
        self._show_progress(progress.done, progress.total, f"{progress.done} of {progress.total} runs")

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _shown_sweep(self):
        """Return (settings drawn, the sweep if it was measured with them, else None)."""
        if self.running:
            settings = self._measured
        else:
            settings = {
                "n_workers": self._chosen_counts() or self._first["n_workers"],
                "share": self._share.value / 100,
            }
            settings |= {"locked": self._locked.value, "work": self._steps.value}
        sweep, names = self.result, ("share", "locked", "work")
        fits = sweep is not None and all(getattr(sweep, name) == settings[name] for name in names)
        fits = fits and set(sweep.counts()) <= set(settings["n_workers"])
        return settings, sweep if fits else None

    def _png(self, scale):
        settings, sweep = self._shown_sweep()
        found = [sweep.speedup(n) for n in sweep.counts()] if sweep is not None else []
        top = max((e.high if e.high is not None else e.median for e in found if e is not None), default=0.0)
        top = (
            round(top + 0.5) if top > 1.1 * self._most(settings) else 0
        )  # only what the axes would cut off makes a new card
        key = (settings["n_workers"], settings["share"], settings["locked"], settings["work"], self._cpus, top, scale)
        if key != self._card_key:
            self._card, self._card_key = LockCard(*key), key
        return self._card.png(sweep)

    def _most(self, settings):
        most = max(settings["n_workers"])
        most = ceiling(most, settings["share"]) if settings["locked"] else most
        return min(most, max(2, self._cpus)) if settings["work"] == "compute" else most

    def _describe(self):
        _, sweep = self._shown_sweep()
        return (
            describe_locks(sweep)
            if sweep is not None and sweep.counts()
            else "Speedup of workers that share a lock: nothing measured yet"
        )

    def _advice(self):
        return advise_locks(self.result) if self.result is not None and self.result.counts() else ""


def describe_locks(sweep):
    """Return the message of a LockSweep in one sentence, for use as alt text."""
    n = sweep.counts()[-1]
    estimate = sweep.speedup(n)
    if estimate is None:
        return "Speedup of workers that share a lock: no complete round yet."
    lock = f"with {100 * sweep.share:.0f} % inside the lock" if sweep.locked else "without the lock"
    return f"{n} worker{'s' * (n > 1)} {lock}: {estimate.median:.2f} times the plain loop; {_losses(sweep, n)}."


def advise_locks(sweep):
    """Return what a LockSweep shows, in two sentences with the figures they rest on."""
    n = sweep.counts()[-1]
    estimate = sweep.speedup(n)
    if estimate is None:
        return ""
    who = f"{n} workers reach" if n > 1 else "1 worker reaches"
    cpus = (
        f" There are {sweep.usable_cpus} usable CPUs for steps that compute."
        if sweep.work == "compute" and n > sweep.usable_cpus
        else ""
    )
    if not sweep.locked:
        if n == 1:
            wrong = "since nobody else writes"
        else:
            wrong = "so the result is wrong" if sum(sweep.lost(n)) else "this time; nothing guarantees it"
        return f"Without the lock {who} {figures(estimate)} times the plain loop; {_losses(sweep, n)}, {wrong}.{cpus}"
    bounds = f"Amdahl's law says {amdahl(n, sweep.share):.2f}, no lock allows more than {ceiling(n, sweep.share):.2f}"
    return f"{who} {figures(estimate)} times the plain loop; {bounds}; {_losses(sweep, n)}.{cpus}"


def _losses(sweep, n_workers):
    lost, rounds = sum(sweep.lost(n_workers)), len(sweep.lost(n_workers))
    if not lost:
        return "no update was lost"
    made = sum(run.expected for run in sweep.runs if run.round and run.kind != "serial" and run.n_workers == n_workers)
    return f"{lost} of {made} updates were lost in {rounds} round{'s' * (rounds > 1)}"
