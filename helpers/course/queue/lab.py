"""`QueueLab`: producers and consumers around one queue, watched while they wait for each other."""

from __future__ import annotations

import ipywidgets as widgets

from helpers import words
from helpers.course.queue.measure import MAX_ITEMS, plan_queue_run, queue_steps
from helpers.course.queue.plots import CARD_HEIGHT, LiveQueue, describe_queue, draw_queue_card
from helpers.errors import HelpersError, InvalidArgumentError
from helpers.labs.base import LIVE_SCALE, Lab
from helpers.labs.controls import method_control
from helpers.machine import default_start_method
from helpers.plots import figure_png

#: Most processes offered on either side, and longest work in milliseconds.
MOST_SIDE, MOST_MS = 4, 200
SIZES = (0, 1, 2, 4, 8, 16, 32, 64)


class QueueLab(Lab):
    """Watch a queue fill and empty: its depth, its throughput, and who waits for whom.

    Parameters
    ----------
    n_producers, n_consumers, maxsize, n_items, produce_ms, consume_ms, start_method
        What is chosen at first, as in `helpers.course.queue.measure.measure_queue`; all can be changed in the lab.
    timeout : float
        Seconds that a run may take.

    ``result`` is the last `QueueRun`, also while it grows. Work is waiting, so the number of CPUs does not matter.
    """

    height = round(100 * CARD_HEIGHT)
    draw_every = 0.08  # nothing that drawing could disturb is timed: the processes wait most of the time

    def __init__(
        self,
        *,
        n_producers=1,
        n_consumers=2,
        maxsize=8,
        n_items=120,
        produce_ms=15,
        consume_ms=50,
        start_method=None,
        timeout=120.0,
    ):
        self._plan = plan_queue_run(
            n_producers, n_consumers, maxsize, n_items, produce_ms, consume_ms, start_method or default_start_method()
        )
        self._timeout, self._live = timeout, None
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        plan = self._plan
        sizes = sorted({*SIZES, plan.maxsize})
        self._producers = _slider(
            "Producers",
            plan.n_producers,
            1,
            max(MOST_SIDE, plan.n_producers),
            "Processes that put items into the queue",
            "producers",
        )
        self._consumers = _slider(
            "Consumers",
            plan.n_consumers,
            1,
            max(MOST_SIDE, plan.n_consumers),
            "Processes that get items out of it",
            "consumers",
        )
        self._maxsize = widgets.Dropdown(
            options=[("no limit" if size == 0 else str(size), size) for size in sizes],
            value=plan.maxsize,
            description="maxsize",
            style={"description_width": "auto"},
            tooltip="Places in the queue: put waits while all are taken",
            layout=widgets.Layout(width="150px"),
        )
        self._items = widgets.BoundedIntText(
            value=plan.n_items,
            min=1,
            max=MAX_ITEMS,
            description="Items",
            style={"description_width": "auto"},
            tooltip="Items that pass through the queue in a run",
            layout=widgets.Layout(width="120px"),
        )
        self._produce = _slider(
            "Produce, ms",
            plan.produce_ms,
            0,
            max(MOST_MS, plan.produce_ms),
            "Work on an item before it is put",
            "produce",
        )
        self._consume = _slider(
            "Consume, ms",
            plan.consume_ms,
            0,
            max(MOST_MS, plan.consume_ms),
            "Work on an item after it was got",
            "consume",
        )
        self._method = method_control(plan.start_method, tooltip="How the processes are started")
        for control, css in ((self._maxsize, "maxsize"), (self._items, "items"), (self._method, "method")):
            control.add_class(f"helpers-{css}")
        for control in (
            self._producers,
            self._consumers,
            self._maxsize,
            self._items,
            self._produce,
            self._consume,
            self._method,
        ):
            control.observe(lambda _: self._redraw(), "value")
        return [
            [self._producers, self._consumers, self._maxsize, self._items],
            [self._produce, self._consume, self._method],
        ]

    def _redraw(self):
        if self.running or self.result is not None or getattr(self, "_picture", None) is None:
            return
        try:
            self._plan = self._settings()
        except HelpersError as error:
            return self._say(str(error))
        self._say("")
        self._show_picture(LIVE_SCALE)

    def _settings(self):
        """Return the plan of a run with the controls as they are."""
        seconds = (
            max(
                self._items.value * ms / n
                for ms, n in (
                    (self._produce.value, self._producers.value),
                    (self._consume.value, self._consumers.value),
                )
            )
            / 1000
        )
        if seconds > self._timeout:
            raise InvalidArgumentError(
                f"This would take {seconds:.0f} s, more than the {self._timeout:g} s a run may take: fewer items or"
                " shorter work."
            )
        return plan_queue_run(
            self._producers.value,
            self._consumers.value,
            self._maxsize.value,
            self._items.value,
            self._produce.value,
            self._consume.value,
            self._method.value,
        )

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _measure(self, settings, on_start):
        self._plan = settings
        self.result = None
        self._live = LiveQueue(settings, LIVE_SCALE)
        yield from queue_steps(settings, timeout=self._timeout, on_start=on_start)

    def _receive(self, record):
        self.result = record
        items = f"item{'s' * (record.n_items > 1)}"
        said = f"{record.n_taken} of {record.n_items} {items} through, {words.rate(record.throughput)} a second"
        self._show_progress(record.n_taken, record.n_items, said)

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _png(self, scale):
        if self.running and self._live is not None:
            return self._live.png(self.result or self._plan)
        return figure_png(self._draw(), scale)

    def _draw(self):
        run = self.result or self._plan
        return draw_queue_card(run, None if run.complete or not run.lanes else max(run.now, run.expected_seconds))

    def _describe(self):
        return describe_queue(self.result or self._plan)

    def _advice(self):
        return advise_queue(self.result) if self.result is not None and self.result.n_taken else ""


def _slider(text, value, least, most, tooltip, css):
    made = widgets.IntSlider(
        value=value,
        min=least,
        max=most,
        description=text,
        style={"description_width": "auto"},
        continuous_update=False,
        layout=widgets.Layout(width="270px"),
    )
    made.tooltip = tooltip
    made.add_class(f"helpers-{css}")
    return made


def advise_queue(run):
    """Return one sentence: who waits for whom in `run`, and what would change it."""
    putting, getting = run.waiting_share("producer"), run.waiting_share("consumer")
    if putting > 0.15 and putting > getting:
        return (
            f"Producers wait for consumers: {putting:.0%} of their time they are blocked in put, because the queue is"
            " full. More consumers or shorter work on an item would raise the throughput; a larger maxsize would only"
            " put the waiting off."
        )
    if getting > 0.15 and getting > putting:
        if run.n_items < run.n_consumers:
            items = f"{run.n_items} item{'s' * (run.n_items > 1)}"
            return (
                f"Only {items} for {run.n_consumers} consumers: some of them got nothing but the sentinel. Try more"
                " items."
            )
        spare = " some of these consumers could go." if run.n_consumers > 1 else " so would shorter work on an item."
        return (
            f"Consumers wait for producers: {getting:.0%} of their time they are in get, because the queue is empty. "
            f"More producers would raise the throughput;{spare}"
        )
    if not run.maxsize and run.deepest > 0.3 * run.n_items:
        return (
            f"Nobody waits: {run.deepest} of {run.n_items} items lay in the queue at once. A maxsize would keep the"
            " memory bounded."
        )
    return (
        f"The sides keep pace: producers are blocked {putting:.0%}, consumers wait {getting:.0%} of their time, "
        f"and at most {run.deepest} item{'s lie' if run.deepest != 1 else ' lies'} in the queue."
    )
