"""`QueueLab`: producers and consumers around one queue, watched while they wait for each other."""

from __future__ import annotations

from helpers.arguments import check_timeout
from helpers.course.queue.measure import MAX_ITEMS, plan_queue_run, queue_steps
from helpers.course.queue.plots import CARD_HEIGHT, QueueCard, describe_queue, draw_queue_card
from helpers.course.queue.program import program
from helpers.errors import InvalidArgumentError
from helpers.labs.base import Lab
from helpers.labs.controls import choice, method_control, number, slider
from helpers.records import is_clear
from helpers.words import noun, percent, plural, rate, say_doubts, sentences

#: Most processes offered on either side, and longest work in milliseconds.
MOST_SIDE, MOST_MS = 4, 200
SIZES = (0, 1, 2, 4, 8, 16, 32, 64)
#: Rounds that are offered; others can be given when the lab is made.
REPEATS = (1, 3, 5)
#: Share of its time from which on a side is said to wait.
WAITS = 0.15


class QueueLab(Lab):
    """Watch a queue fill and empty: its depth, its throughput, and who waits for whom.

    Parameters
    ----------
    n_producers, n_consumers, maxsize, n_items, produce_ms, consume_ms, start_method, repeats
        What is chosen at first, as in `helpers.course.queue.measure.measure_queue`; all can be changed in the lab.
    timeout : float
        Seconds that a run may take, 120 if nothing else is said.

    ``result`` is the last `QueueRun`, also while it grows. Work is waiting, so the number of CPUs does not matter.
    """

    height = round(100 * CARD_HEIGHT)
    of_a_run = (*Lab.of_a_run, "_plan")
    draw_every = 0.08  # nothing that drawing could disturb is timed: the processes wait most of the time
    draw_share = 0.5

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
        repeats=1,
        timeout=120.0,
    ):
        self._plan = plan_queue_run(
            n_producers, n_consumers, maxsize, n_items, produce_ms, consume_ms, start_method, repeats
        )
        self._timeout, self.card = check_timeout(timeout, 120.0), QueueCard()
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        plan = self._plan
        self._producers = _side_slider(
            "producers", "Producers", plan.n_producers, MOST_SIDE, "Processes that put items into the queue"
        )
        self._consumers = _side_slider(
            "consumers", "Consumers", plan.n_consumers, MOST_SIDE, "Processes that get items out of it"
        )
        sizes = [("no limit" if size == 0 else str(size), size) for size in sorted({*SIZES, plan.maxsize})]
        tip = "Places in the queue: put waits while all are taken"
        self._maxsize = choice("maxsize", "maxsize", plan.maxsize, sizes, tip, width="150px")
        tip = "Items that pass through the queue in a run"
        self._items = number("items", "Items", plan.n_items, 1, MAX_ITEMS, tip)
        self._produce = _side_slider(
            "produce", "Produce, ms", plan.produce_ms, MOST_MS, "Work on an item before it is put", least=0
        )
        self._consume = _side_slider(
            "consume", "Consume, ms", plan.consume_ms, MOST_MS, "Work on an item after it was got", least=0
        )
        self._method = method_control(plan.start_method, tooltip="How the processes are started")
        tip = "Rounds, each with processes of its own; intervals need 3"
        counts = sorted({*REPEATS, plan.repeats})
        self._repeats = choice("repeats", "Repeat", plan.repeats, counts, tip, width="110px")
        rows = [
            [self._producers, self._consumers, self._maxsize, self._items],
            [self._produce, self._consume, self._method, self._repeats],
        ]
        return rows

    def _preview(self, settings):
        self._plan = settings
        self._redraw()

    def _settings(self):
        """Return the plan of a run with the controls as they are."""
        plan = plan_queue_run(
            self._producers.value,
            self._consumers.value,
            self._maxsize.value,
            self._items.value,
            self._produce.value,
            self._consume.value,
            self._method.value,
            self._repeats.value,
        )
        seconds = plan.repeats * plan.expected_seconds
        if seconds > self._timeout:
            raise InvalidArgumentError(
                f"This would take {seconds:.0f} s, more than the {self._timeout:g} s a run may take: "
                "fewer items or shorter work."
            )
        return plan

    def code(self):
        """Return a complete program of the present settings, for the standard library alone."""
        return program(self._settings())

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _start_over(self, settings):
        self._plan, self.card = settings, QueueCard()

    def _measure(self, settings, on_start):
        yield from queue_steps(settings, timeout=self._timeout, on_start=on_start)

    def _receive(self, record):
        self.result = record
        said = f"{record.n_taken} of {plural(record.n_items, 'item')} through, {rate(record.throughput)} a second"
        if record.repeats > 1:
            said += f", round {len(record.earlier) + 1} of {record.repeats}"
        done = record.n_taken + len(record.earlier) * record.n_items
        self._show_progress(done, record.repeats * record.n_items, said)

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _is_empty(self):
        return self.result is None or not self.result.n_taken

    def _shown(self):
        """Return the run that was measured last, or the plan of the next: each says its own settings."""
        return self.result or self._plan

    def _draw(self):
        run = self._shown()
        return draw_queue_card(run, None if run.complete or not run.lanes else max(run.now, run.expected_seconds))

    def _describe(self):
        return describe_queue(self._shown())

    def _advice(self):
        if self.result is None or not (self.result.n_taken or self.result.earlier):
            return ""
        return advise_queue(self.result)


def _side_slider(name, text, value, most, tooltip, least=1):
    return slider(name, text, value, least, max(most, value), tooltip, width="270px")


def advise_queue(run):
    """Return who waits for whom in `run`, what would change it, and what is in doubt: the figures of its picture."""
    return sentences(_say_who_waits(run), say_doubts(run.doubts))


def _say_who_waits(run):
    if run.n_items < run.n_consumers:
        return (
            f"Only {plural(run.n_items, 'item')} for {plural(run.n_consumers, 'consumer')}: some of them got nothing "
            "but the sentinel. Try more items"
        )
    producers, consumers = run.estimate("producer"), run.estimate("consumer")
    putting, getting = producers.median, consumers.median
    told_apart = producers.low is None or is_clear(producers, consumers) or is_clear(consumers, producers)
    if min(putting, getting) > WAITS and not told_apart:
        return (
            f"Both sides wait for each other: producers are blocked {percent(putting)} of their time, consumers wait "
            f"{percent(getting)}; which of them waits longer these {plural(len(run.rounds), 'round')} do not tell"
        )
    if putting > WAITS and putting > getting:
        return (
            f"Producers wait for consumers: {percent(putting)} of their time they are blocked in put, because the "
            "queue is full. More consumers or shorter work on an item would raise the throughput; a larger maxsize "
            "would only put the waiting off"
        )
    if getting > WAITS and getting > putting:
        return _advise_waiting_consumers(run, getting)
    if not run.maxsize and run.deepest > 0.3 * run.n_items:
        return (
            f"Nobody waits: {run.deepest} of {plural(run.n_items, 'item')} lay in the queue at once. A maxsize would "
            "keep the memory bounded"
        )
    return (
        f"The sides keep pace: producers are blocked {percent(putting)}, consumers wait {percent(getting)} of their "
        f"time, and at most {plural(run.deepest, 'item')} {noun(run.deepest, 'lies', 'lie')} in the queue"
    )


def _advise_waiting_consumers(run, getting):
    if run.n_consumers == 1:
        change = "More producers would raise the throughput; so would shorter work on an item."
    elif getting * run.n_consumers >= 1:  # together they wait as long as one of them is there
        change = "More producers would raise the throughput; some of these consumers could go."
    else:
        change = "Still, the sides are nearly matched: with one consumer fewer, producers would wait for consumers."
    return (
        f"Consumers wait for producers: {percent(getting)} of their time they are in get, because the queue is empty. "
        f"{change}"
    )
