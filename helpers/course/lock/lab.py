"""`LockLab`: who waits for whom at one lock, what that does to the speedup, and what gets lost without it."""

from __future__ import annotations

import ipywidgets as widgets

from helpers.arguments import check_choice, check_count, check_flag, check_number
from helpers.course.lock.measure import lock_steps
from helpers.course.lock.plots import LockCard, LockSetting
from helpers.course.lock.program import program
from helpers.course.lock.tasks import WORK
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError
from helpers.labs.base import Lab
from helpers.labs.controls import choice, chosen_of, label, method_control, repeats_control, slider, toggles
from helpers.machine import usable_cpus
from helpers.measure import check_counts
from helpers.models import amdahl
from helpers.words import figures, out_of, percent, plural, say_doubts, sentences

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
        self._first = {
            "n_workers": check_counts(n_workers, ("processes",)),
            "share": check_number("share", share, 0, 1),
            "locked": check_flag("locked", locked),
            "work": check_choice("kind of work", work, WORK),
            "start_method": check_start_method(start_method),
            "repeats": check_count("repeats", repeats, 1, 100),
        }
        self._cpus, self.card = usable_cpus(), LockCard()
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first = self._first
        counts = sorted({*COUNTS, *first["n_workers"]})
        self._counts = toggles(counts, first["n_workers"], lambda n: f"Measure with {plural(n, 'worker')}", "count")
        self._locked = _lock_switch(first["locked"])
        self._share = slider(
            "share",
            "Inside the lock, %",
            round(100 * first["share"]),
            0,
            100,
            "The part of each step that only one worker at a time may do",
            step=5,
            width="330px",
        )
        tip = "Steps that sleep need no CPU, so only the lock limits them; steps that compute share the CPUs as well"
        kinds = [("sleep", "wait"), ("compute", "compute")]
        self._steps = choice("work", "Steps", first["work"], kinds, tip, width="140px")
        self._method, self._repeats = method_control(first["start_method"]), repeats_control(first["repeats"])
        return [
            [label("Workers"), *self._counts.values(), label("Lock", apart=True), self._locked, self._share],
            [self._steps, self._method, self._repeats],
        ]

    def _settings(self):
        counts = chosen_of(self._counts)
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

    def code(self):
        """Return a complete program of the present settings, for the standard library alone."""
        return program(**self._settings())

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _measure(self, settings, on_start):
        yield from lock_steps(**settings, on_start=on_start)

    def _receive(self, progress):
        self.result = progress.sweep
        self._show_progress(progress.done, progress.total, out_of(progress.done, progress.total, "run"))

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _is_empty(self):
        return self.result is None or not self.result.counts()

    def _shown(self):
        """Return the LockSetting that is drawn: that of the run, before there is one that of the controls."""
        measured = self.running or not self._is_empty()
        settings = self._measured if measured else {**self._first, **self._chosen()}
        setting = (settings[name] for name in ("n_workers", "share", "locked", "work"))
        return LockSetting(*setting, self._cpus, self.result if measured else None)

    def _chosen(self):
        counts = chosen_of(self._counts)
        chosen = {"share": self._share.value / 100, "locked": self._locked.value, "work": self._steps.value}
        return chosen | ({"n_workers": counts} if counts else {})

    def _png(self, scale):
        return self.card.png(self._shown(), scale)

    def _describe(self):
        sweep = self._shown().sweep
        if sweep is None or not sweep.counts():
            return "Speedup of workers that share a lock: nothing measured yet"
        return describe_locks(sweep)

    def _advice(self):
        return advise_locks(self.result) if self.result is not None and self.result.counts() else ""


def _lock_switch(locked):
    made = widgets.ToggleButtons(
        options=[("on", True), ("off", False)],
        value=locked,
        tooltips=["One worker at a time is inside", "Nobody is kept out: updates get lost"],
        style={"button_width": "44px"},
    )
    made.tooltip = "Whether one worker at a time is inside, or nobody is kept out"
    made.add_class("helpers-lock")
    return made


def describe_locks(sweep):
    """Return the message of a LockSweep in one sentence, for use as alt text."""
    n = sweep.counts()[-1]
    estimate = sweep.speedup(n)
    if estimate is None:
        return "Speedup of workers that share a lock: no complete round yet."
    lock = f"with {percent(sweep.share)} inside the lock" if sweep.locked else "without the lock"
    said = f"{plural(n, 'worker')} {lock}: {estimate.median:.2f} times the plain loop; {say_losses(sweep, n)}"
    return sentences(said, say_doubts(sweep.doubts()))


def advise_locks(sweep):
    """Return what a LockSweep shows, in a few sentences with the figures they rest on; its doubts stand at the end."""
    n = sweep.counts()[-1]
    estimate = sweep.speedup(n)
    if estimate is None:
        return ""
    reached = f"{plural(n, 'worker')} {'reaches' if n == 1 else 'reach'} {figures(estimate)} times the plain loop"
    if sweep.locked:
        return sentences(f"{reached}; {say_losses(sweep, n)}", _say_bounds(sweep, n), say_doubts(sweep.doubts()))
    if n == 1:
        wrong = "since nobody else writes"
    else:
        wrong = "so the result is wrong" if sum(sweep.lost(n)) else "this time; nothing guarantees it"
    losses = f"{say_losses(sweep, n)}, {wrong}"
    return sentences(f"without the lock {reached}; {losses}", _say_cpus(sweep, n), say_doubts(sweep.doubts()))


def _say_bounds(sweep, n_workers):
    """Return what Amdahl's law and the ceiling are with a lock, and what sets the latter."""
    most = sweep.ceiling(n_workers)
    busy = min(n_workers, sweep.usable_cpus) if sweep.work == "compute" else n_workers
    if most < busy:
        why = f"with {percent(sweep.share)} of each step inside the lock"
    elif busy < n_workers:
        why = f"on {plural(busy, 'usable CPU')}, for steps that compute,"
    else:
        why = f"by {plural(n_workers, 'worker')}"
    law = f"Amdahl's law says {amdahl(busy, sweep.share):.2f}"
    return f"{law}, and {why} at most {most:.2f} can be reached"


def _say_cpus(sweep, n_workers):
    """Return how many usable CPUs there are, where steps compute and there are more workers; else ""."""
    if sweep.work != "compute" or n_workers <= sweep.usable_cpus:
        return ""
    return f"steps that compute have {plural(sweep.usable_cpus, 'usable CPU')} between them"


def say_losses(sweep, n_workers):
    """Return how many updates were lost in all counted rounds with `n_workers`, in words."""
    lost = sweep.lost(n_workers)
    if not sum(lost):
        return "no update was lost"
    made = sum(run.expected for run in sweep.runs if run.round and run.kind != "serial" and run.n_workers == n_workers)
    return f"{out_of(sum(lost), made, 'update')} were lost in {plural(len(lost), 'round')}"
