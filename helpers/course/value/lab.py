"""`ValueLab`: several processes add to one counter; what arrives, and how fast, way by way."""

from __future__ import annotations

import ipywidgets as widgets

from helpers import words
from helpers.course.value.measure import WAY_SECONDS, WAYS, Count, Counting, check_counting, counting_steps
from helpers.course.value.plots import WAY_NAMES, CountingCard, describe_counting
from helpers.errors import InvalidArgumentError
from helpers.labs.base import LIVE_SCALE, Lab
from helpers.labs.controls import method_control, toggle
from helpers.machine import machine_report
from helpers.plots.drawing import figure_png
from helpers.plots.live import LivePicture

WAY_TOOLTIPS = {
    "no lock": "counter.value += 1 and nothing else: updates may be lost",
    "lock each": "with counter.get_lock() around every increment",
    "lock per batch": "with counter.get_lock() around a batch of increments",
    "local then merge": "count in a local variable, add the sum once a slice",
    "manager": "a value that lives in the Manager's process: messages for every increment",
}
#: Workers and increments offered; others can be given from code.
WORKER_CHOICES, INCREMENT_CHOICES = (1, 2, 3, 4, 8), (2_000, 20_000, 100_000, 500_000)


class ValueLab(Lab):
    """Let several processes count together and compare what the counter says with what it should say.

    Parameters
    ----------
    n_workers, increments, batch : int
        Processes; increments of each; increments for which "lock per batch" holds the lock.
    ways : str or iterable of str
        Of `helpers.course.value.measure.WAYS`.
    start_method : str, optional
        How the workers start.
    guess : float, optional
        The share of updates expected to be lost without a lock, from 0 to 1.

    All of them are chosen at first and can be changed in the lab. ``result`` is the last
    `Counting`, also while it grows.
    """

    def __init__(self, *, n_workers=2, increments=100_000, ways=WAYS, batch=100, start_method=None, guess=None):
        self._report = machine_report()
        checked = check_counting(ways, n_workers, increments, batch, start_method)
        self._first = dict(zip(("ways", "n_workers", "increments", "batch", "start_method"), checked, strict=True))
        if guess is not None and (
            isinstance(guess, bool) or not isinstance(guess, (int, float)) or not 0 <= guess <= 1
        ):
            raise InvalidArgumentError(f"guess is the share expected to be lost, from 0 to 1, not {guess!r}.")
        self._first_guess, self._guessed = guess, guess is not None
        self._live = self._live_key = None
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first, cpus = self._first, self._report.usable_cpus
        self._counts = {
            n: toggle(
                str(n),
                n == first["n_workers"],
                f"{n} process{'es' * (n > 1)} count{'s' * (n == 1)}"
                + (", more than the usable CPUs" if n > cpus else ""),
                "helpers-count",
            )
            for n in sorted({*WORKER_CHOICES, first["n_workers"]})
        }
        for n, control in self._counts.items():
            control.observe(lambda change, n=n: self._on_count(change, n), "value")
        self._ways = {
            way: toggle(
                WAY_NAMES[way].removesuffix(", with its lock"), way in first["ways"], WAY_TOOLTIPS[way], "helpers-way"
            )
            for way in WAYS
        }
        for control in self._ways.values():
            control.observe(lambda _: self._redraw(), "value")
        return [
            [
                widgets.Label("Workers"),
                *self._counts.values(),
                widgets.Label("Count with", layout=widgets.Layout(margin="2px 2px 2px 10px")),
                *self._ways.values(),
            ],
            self._second_row(first),
        ]

    def _second_row(self, first):
        narrow = {"description_width": "auto"}
        self._increments = widgets.Dropdown(
            options=[(f"{n:,}", n) for n in sorted({*INCREMENT_CHOICES, first["increments"]})],
            value=first["increments"],
            description="Increments",
            style=narrow,
            tooltip="Increments that each worker makes",
            layout=widgets.Layout(width="180px"),
        )
        self._batch = widgets.Text(
            value=str(first["batch"]),
            description="Batch",
            style=narrow,
            continuous_update=False,
            tooltip="Increments for which lock per batch holds the lock",
            layout=widgets.Layout(width="120px"),
        )
        self._method = method_control(first["start_method"])
        self._guess = widgets.IntSlider(
            value=round(100 * (self._first_guess or 0)),
            min=0,
            max=100,
            description="Your guess, % lost",
            style=narrow,
            tooltip="How many of 100 updates are lost without a lock?",
            layout=widgets.Layout(width="330px"),
        )
        named = {"increments": self._increments, "batch": self._batch, "method": self._method, "guess": self._guess}
        for css, control in named.items():
            control.add_class(f"helpers-{css}")
        self._increments.observe(lambda _: self._redraw(), "value")
        self._guess.observe(self._on_guess, "value")
        return list(named.values())

    def _on_count(self, change, n):
        """Keep exactly one number of workers pressed: the last one chosen."""
        if change["new"]:
            for other, control in self._counts.items():
                if other != n:
                    control.value = False
            self._redraw()
        elif not any(control.value for control in self._counts.values()):
            self._counts[n].value = True

    def _on_guess(self, _change):
        self._guessed = True
        self._redraw()

    def _redraw(self):
        if (
            not self.running
            and getattr(self, "_picture", None) is not None
            and any(c.value for c in self._counts.values())
        ):
            self._show_picture(2.0)

    def _settings(self):
        text = self._batch.value.strip()
        if not (text.isdecimal() and int(text) > 0):
            raise InvalidArgumentError(f"Batch must be a whole number from 1, not {self._batch.value!r}.")
        ways = [way for way, control in self._ways.items() if control.value]
        n_workers = next(n for n, control in self._counts.items() if control.value)
        return check_counting(ways, n_workers, self._increments.value, int(text), self._method.value)

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _measure(self, settings, on_start):
        self.result = None
        yield from counting_steps(*settings, on_start=on_start)

    def _receive(self, counting):
        self.result = counting
        done, total = sum(count.ended for count in counting.counts), len(counting.counts)
        parts = [
            1.0 if count.ended else max(count.made / counting.expected, count.seconds / WAY_SECONDS)
            for count in counting.counts
        ]
        percent = int(100 * sum(parts) / total)
        self._show_progress(percent, 100, f"{percent} %, {done} of {total} ways through")

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _shown_counting(self):
        """Return what is to be drawn: the last result, or the empty rows of the settings."""
        if self.result is not None:
            return self.result
        try:
            ways, n_workers, increments, batch, method = self._settings()
        except InvalidArgumentError:
            ways, n_workers, increments, batch, method = self._first.values()
        return Counting(n_workers, increments, batch, method, tuple(Count(way) for way in ways))

    def _card(self, counting):
        return CountingCard(counting, self._guess.value / 100 if self._guessed else None)

    def _draw(self):
        counting = self._shown_counting()
        return self._card(counting).show(counting)

    def _png(self, scale):
        """Return the picture; what does not move is drawn once, before the first run."""
        counting = self._shown_counting()
        if scale != LIVE_SCALE:
            return figure_png(self._draw(), scale)
        shown = (
            counting.n_workers,
            counting.increments,
            counting.batch,
            counting.start_method,
            *(c.way for c in counting.counts),
        )
        key = (shown, self._guess.value if self._guessed else None)
        if self._live_key != key:
            self._live_card = self._card(counting)
            self._live, self._live_key = LivePicture(self._live_card.figure, self._live_card.moving), key
        self._live_card.show(counting)
        return self._live.png()

    def _describe(self):
        """Return the message of the picture in one sentence."""
        return describe_counting(self.result)

    def _advice(self):
        if self.result is None or not any(count.made for count in self.result.counts):
            return ""
        return advise_counting(self.result)


def advise_counting(counting):
    """Return one sentence on what was seen: what was lost, and which exact way was fastest."""
    counts = [count for count in counting.counts if count.made]
    bare = next((count for count in counts if count.way == "no lock"), None)
    exact = sorted((count for count in counts if count.way != "no lock"), key=lambda count: count.rate)
    said = ""
    if bare is not None and bare.lost:
        said = f"Without a lock {bare.lost:,} of {bare.made:,} updates were lost. "
    elif bare is not None and counting.n_workers == 1:
        said = "With one worker nothing is lost: there is nobody to come in between. "
    elif bare is not None:
        said = "Without a lock no update was lost this time: luck, not safety. "
    if len(exact) > 1:
        slow, fast = exact[0], exact[-1]
        said += (
            f"Of the exact ways, {say_way(fast)} is the fastest: {words.rate(fast.rate / slow.rate)} times as fast as"
            f" {say_way(slow)}."
        )
    return said.strip()


def say_way(count):
    """Return the name of a way of counting within a sentence."""
    return "the Manager" if count.way == "manager" else WAY_NAMES[count.way].replace(",", "")
