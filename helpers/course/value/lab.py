"""`ValueLab`: several processes add to one counter; what arrives, and how fast, way by way."""

from __future__ import annotations

from dataclasses import replace

from helpers.arguments import check_number
from helpers.course.counting.measure import MAX_BATCH, WAYS, Count, counting_steps, name_doubts, plan_counting
from helpers.course.counting.plots import CountingCard, describe_counting
from helpers.course.value.program import program
from helpers.labs.base import Lab
from helpers.labs.controls import (
    choice,
    chosen_of,
    guess_control,
    keep_one,
    label,
    method_control,
    number,
    on_change,
    toggles,
)
from helpers.machine import usable_cpus
from helpers.records import is_clear
from helpers.words import listing, out_of, plural, rate, say_doubts, sentences

WAY_TOOLTIPS = {
    "no lock": "counter.value += 1 and nothing else: updates may be lost",
    "lock per update": "with counter.get_lock() around every update",
    "lock per batch": "with counter.get_lock() around a batch of updates",
    "merge at the end": "count in a variable of the process, add the sum once a round",
    "manager": "a value that lives in the Manager's process: messages for every update",
}
#: Workers and updates offered; others can be given from code.
WORKER_CHOICES, UPDATE_CHOICES = (1, 2, 3, 4, 8), (2_000, 20_000, 100_000, 500_000)
#: Rounds in which each way counts.
REPEATS = 5


class ValueLab(Lab):
    """Let several processes count together and compare what the counter says with what it should say.

    Parameters
    ----------
    n_workers, n_updates, batch : int
        Processes; updates of each; updates for which "lock per batch" holds the lock.
    ways : str or iterable of str
        Of `helpers.course.counting.measure.WAYS`.
    start_method : str, optional
        How the workers start.
    guess : float, optional
        The share of updates expected to be lost without a lock, from 0 to 1.

    All of them are chosen at first and can be changed in the lab. ``result`` is the last
    `Counting`, also while it grows.
    """

    def __init__(self, *, n_workers=2, n_updates=100_000, ways=WAYS, batch=100, start_method=None, guess=None):
        self._plan = plan_counting(ways, n_workers, n_updates, batch, start_method)
        self._first_guess = (
            None if guess is None else check_number("guess, the share expected to be lost,", guess, 0, 1)
        )
        self.card = CountingCard()
        self.card.guess = self._first_guess
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        plan, cpus = self._plan, usable_cpus()
        self._counts = toggles(
            sorted({*WORKER_CHOICES, plan.n_workers}), (plan.n_workers,), lambda n: _say_workers(n, cpus), "count"
        )
        keep_one(self._counts)
        self._ways = toggles(WAYS, [count.way for count in plan.counts], WAY_TOOLTIPS, "way")
        sizes = [(f"{n:,}", n) for n in sorted({*UPDATE_CHOICES, plan.n_updates})]
        self._updates = choice("updates", "Updates", plan.n_updates, sizes, "Updates that each worker makes")
        tip = "Updates for which lock per batch holds the lock"
        self._batch = number("batch", "Batch", plan.batch, 1, MAX_BATCH, tip)
        self._method = method_control(plan.start_method)
        tip = "How many of 100 updates are lost without a lock?"
        guess = None if self._first_guess is None else 100 * self._first_guess
        self._guess = guess_control("Your guess", guess, 100, 1, "% lost", tip)
        on_change(self._on_guess, self._guess)
        return [
            [label("Workers"), *self._counts.values(), label("Count with", apart=True), *self._ways.values()],
            [self._updates, self._batch, self._method, self._guess],
        ]

    def _on_guess(self):
        self.card.guess = None if self._guess.number is None else self._guess.number / 100
        self._redraw()

    def _settings(self):
        """Return the Counting of these settings, in which nothing was counted yet."""
        (n_workers,) = chosen_of(self._counts)
        ways = chosen_of(self._ways)
        return plan_counting(ways, n_workers, self._updates.value, self._batch.value, self._method.value)

    def code(self):
        """Return a complete program of the present settings, for the standard library alone."""
        return program(
            chosen_of(self._ways),
            chosen_of(self._counts)[0],
            self._updates.value,
            self._batch.value,
            self._method.value,
        )

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _measure(self, settings, on_start):
        ways = [count.way for count in settings.counts]
        names = ("n_workers", "n_updates", "batch", "start_method")
        options = {name: getattr(settings, name) for name in names}
        yield from counting_steps(ways, **options, repeats=REPEATS, on_start=on_start)

    def _receive(self, counting):
        self.result = counting
        done, total = count_done(counting, REPEATS)
        through = sum(count.ended for count in counting.counts)
        words = f"{out_of(done, total, 'slice')}, {out_of(through, len(counting.counts), 'way')} through"
        self._show_progress(done, total, words)

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _is_empty(self):
        return self.result is None or not any(count.made for count in self.result.counts)

    def _shown(self):
        """Return what is drawn: the last result, or the empty rows of the settings."""
        if self.result is not None:
            return self.result
        if self.running:
            return self._measured
        if len(chosen_of(self._counts)) != 1 or not chosen_of(self._ways):  # in the middle of a change
            return replace(self._plan, counts=tuple(Count(count.way) for count in self._plan.counts))
        return self._settings()

    def _png(self, scale):
        return self.card.png(self._shown(), scale)

    def _describe(self):
        """Return the message of the picture in one sentence."""
        return describe_counting(self.result)

    def _advice(self):
        return advise_counting(self.result) if self.result is not None and self.result.ways() else ""


def count_done(counting, repeats):
    """Return (slices counted, slices in all) of the rounds after the warm-up."""
    repeats = min(repeats, counting.n_updates)
    return sum(len(count.slices) for count in counting.counts), repeats * len(counting.counts)


def _say_workers(n, cpus):
    counts = "counts" if n == 1 else "count"
    return f"{plural(n, 'process')} {counts}" + (", more than the usable CPUs" if n > cpus else "")


def advise_counting(counting):
    """Return in a few sentences what was lost, which exact ways were fastest, and what is in doubt."""
    counts = [count for count in counting.counts if count.made]
    bare = next((count for count in counts if count.way == "no lock"), None)
    exact = [count for count in counts if count.way != "no lock"]
    said = ""
    if bare is not None and bare.lost:
        said = f"without a lock {out_of(bare.lost, bare.made, 'update')} were lost"
    elif bare is not None and counting.n_workers == 1:
        said = "with one worker nothing is lost: there is nobody to come in between"
    elif bare is not None:
        said = "without a lock no update was lost this time: luck, not safety"
    fastest = _say_fastest(exact) if len(exact) > 1 else ""
    return sentences(said, fastest, say_doubts(name_doubts(counts)))


def _say_fastest(counts):
    """Return which of several ways of counting are fastest, as far as their intervals tell; "" below 3 rounds."""
    counts = sorted(counts, key=lambda count: count.rate.median, reverse=True)
    best = counts[0]
    if any(count.rate.low is None for count in counts):
        return ""
    equals = [count for count in counts if count is best or not is_clear(best.rate, count.rate)]
    if len(equals) == len(counts):
        return "between the exact ways these rounds show no difference in speed"
    names = listing(say_way(count) for count in equals)
    slowest = [count for count in counts if count not in equals][-1]
    times = f"{rate(best.rate.median / slowest.rate.median)} times as fast as {say_way(slowest)}"
    if len(equals) == 1:
        return f"of the exact ways, {names} is the fastest: {times}"
    return f"of the exact ways, {names} are the fastest and show no difference; {say_way(best)} is {times}"


def say_way(count):
    """Return the name of a way of counting within a sentence."""
    return "the Manager" if count.way == "manager" else count.way
