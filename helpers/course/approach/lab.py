"""`ApproachLab`: one kind of work by every approach, bars that grow, and where each approach's time goes."""

from __future__ import annotations

from helpers.arguments import check_choice, check_choices, check_count, check_number
from helpers.course.approach.bars import describe_bars, plot_approach_bars
from helpers.course.approach.measure import approach_steps, usual_approaches
from helpers.course.approach.program import program
from helpers.course.approach.runs import APPROACHES, TITLES, name_approach
from helpers.course.approach.tasks import KINDS, WAITING_KINDS, Sizes
from helpers.engines import engine_problem
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError
from helpers.labs.base import Lab
from helpers.labs.controls import (
    choice,
    chosen_of,
    label,
    method_control,
    repeats_control,
    slider,
    steps,
    toggle,
)
from helpers.machine import usable_cpus
from helpers.plots.timeline import SHARES
from helpers.records import doubts_of
from helpers.words import figures, listing, out_of, plural, say_doubts, sentences, whole_percents

#: How many times the usual size of a task the slider offers, and kB of data that a task gets and gives back.
FACTORS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
PAYLOADS_KB = (1.0, 10.0, 100.0, 1000.0, 2000.0, 5000.0)
TIPS = {
    "serial": "The plain loop: always measured",
    "threads": "ThreadPoolExecutor: workers share the process, and its GIL",
    "asyncio": "The coroutine function, many at a time in one event loop",
    "processes": "ProcessPoolExecutor: workers with a Python of their own",
    "interpreters": "InterpreterPoolExecutor: threads with a GIL of their own",
}


class ApproachLab(Lab):
    """Run one kind of work by every approach, and see which is fastest and where the others lose their time.

    Parameters
    ----------
    kind : of `helpers.course.approach.tasks.KINDS`
    size : float, 0.01 to 100; how many times the usual length of a task
    payload_kb : float, 1 to 100,000; what a task with large data gets and gives back
    n_workers : int; threads and asyncio have `n_waiting` where work waits
    n_waiting : int, tasks at a time for threads and asyncio where work waits
    approaches : names; None takes those that this Python has
    start_method, repeats : as in `helpers.measure.sweep`

    All but `n_waiting` can be changed in the lab. ``result`` is the last `ApproachMap`, of this kind alone, also while
    it grows.
    """

    def __init__(
        self,
        *,
        kind="arithmetic",
        size=1.0,
        payload_kb=2000.0,
        n_workers=2,
        n_waiting=16,
        approaches=None,
        start_method=None,
        repeats=3,
    ):
        usual = usual_approaches()
        self._first = {
            "kind": check_choice("kind of work", kind, KINDS),
            "size": check_number("size", size, 0.01, 100),
            "payload_kb": check_number("payload_kb", payload_kb, 1, 100_000),
            "n_workers": check_count("n_workers", n_workers, 1, 64),
            "approaches": usual if approaches is None else check_choices("approach", approaches, APPROACHES),
            "start_method": check_start_method(start_method),
            "repeats": check_count("repeats", repeats, 1, 100),
        }
        self._n_waiting, self._cpus = check_count("n_waiting", n_waiting, 1, 64), usable_cpus()
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first = self._first
        kinds = [(TITLES[kind].replace("\n", " "), kind) for kind in KINDS]
        self._kind = choice("kind", "Work", first["kind"], kinds, "What a task does", width="270px")
        tip = "How many times the usual length a task has; of tiny tasks, how many times the usual number there are"
        self._size = steps("size", "Size ×", first["size"], FACTORS, tip, width="190px")
        tip = "kB that a task with large data gets, and gives back; other work has none"
        self._payload = steps("payload", "Data (kB)", first["payload_kb"], PAYLOADS_KB, tip, width="205px")
        most = max(4, min(16, 2 * self._cpus), first["n_workers"])
        cpus = plural(self._cpus, "usable CPU")
        tip = f"Workers, on {cpus}; where work waits, threads and asyncio have {self._n_waiting}"
        self._workers = slider("workers", "Workers", first["n_workers"], 1, most, tip, width="205px")
        self._pressed = {}
        for approach in APPROACHES[1:]:
            problem = engine_problem(approach)
            chosen = approach in first["approaches"] and not problem
            self._pressed[approach] = toggle(
                approach, chosen, problem or TIPS[approach], "helpers-approach", disabled=bool(problem)
            )
        self._method, self._repeats = method_control(first["start_method"]), repeats_control(first["repeats"])
        return [
            [self._kind, self._size, self._payload, self._workers],
            [label("Approaches"), *self._pressed.values(), self._method, self._repeats],
        ]

    def _settings(self):
        approaches = chosen_of(self._pressed)
        if not approaches:
            raise InvalidArgumentError("Choose at least one approach besides the serial loop.")
        return {
            "kinds": (self._kind.value,),
            "approaches": ("serial", *approaches),
            "n_workers": self._workers.value,
            "n_waiting": self._n_waiting,
            "sizes": scale_sizes(self._size.value, self._payload.value),
            "start_method": self._method.value,
            "repeats": self._repeats.value,
        }

    def code(self):
        """Return a complete program of the present settings, for the standard library alone."""
        return program(**self._settings())

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _measure(self, settings, on_start):
        yield from approach_steps(**settings, weigh=False, on_start=on_start)

    def _receive(self, record):
        self.result = record
        self._show_progress(record.done, record.n_expected, out_of(record.done, record.n_expected, "run"))

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _is_empty(self):
        return self.result is None or not self.result.of(self.result.kinds[0], "serial")

    def _draw(self):
        if not self._is_empty():
            return plot_approach_bars(self.result).figure
        chosen = self._measured if self.running else None
        kind = chosen["kinds"][0] if chosen else self._kind.value
        approaches = chosen["approaches"] if chosen else ("serial", *chosen_of(self._pressed))
        return plot_approach_bars(None, kind, approaches).figure

    def _describe(self):
        if self._is_empty():
            return "Bars of approaches: nothing measured yet"
        return describe_bars(self.result, self.result.kinds[0])

    def _advice(self):
        return "" if self._is_empty() else explain_approaches(self.result, self.result.kinds[0])


def scale_sizes(factor, payload_kb):
    """Return the Sizes of tasks that are `factor` times as long as usual, and of so many kB of data.

    >>> scale_sizes(0.5, 10).n_loops, scale_sizes(0.5, 10).data_bytes, scale_sizes(0.01, 1).n_blocks
    (30000, 10000, 1)
    """
    usual = Sizes()
    return usual._replace(
        n_loops=max(1, round(usual.n_loops * factor)),
        n_blocks=max(1, round(usual.n_blocks * factor)),
        wait_ms=usual.wait_ms * factor,
        n_tiny=max(1, round(usual.n_tiny * factor)),
        data_bytes=round(payload_kb * 1000),
    )


def explain_approaches(record, kind):
    """Return in a sentence or two which approach to take for a kind of work, with the figure, and what is in doubt."""
    doubts = doubts_of([badge for each in record.approaches for badge in record.doubts(kind, each)])
    troubles = [f"{each.approach} failed" for each in record.troubles if each.kind == kind]
    said = sentences(_say_best(record, kind), listing(troubles), say_doubts(dict.fromkeys(doubts)))
    return said


def _say_best(record, kind):
    """Return which approach to take; where nothing is clear, so much."""
    measured = {each: record.speedup(kind, each) for each in record.approaches if each != "serial"}
    measured = {each: estimate for each, estimate in measured.items() if estimate is not None}
    if not measured:
        return "no approach was measured beside the serial loop yet"
    leader = max(measured, key=lambda each: measured[each].median)
    figure = f"{name_approach(leader, record.gil)}: {figures(measured[leader])} times the serial loop"
    best = record.best(kind)
    if best == ("serial",):
        lost = _say_loss(record, kind, leader)
        return f"stay with the plain loop: nothing is clearly faster, the nearest is {figure}{lost}"
    if not best:
        few = "" if measured[leader].low is not None else ", and an interval needs 3 rounds"
        return f"which is faster cannot be told yet ({figure}{few}): more rounds, or larger tasks, may"

    waits = ": waiting needs no CPU, and says nothing about computing" if kind in WAITING_KINDS else ""
    return f"take {listing([name_approach(each, record.gil) for each in best], 'or')} ({figure}){waits}"


def _say_loss(record, kind, approach):
    """Return what cost an approach most besides its work, "" where that is little."""
    account = record.account(kind, approach)
    shares = whole_percents(account.shares())
    lost = max((part for part in shares if part != "working"), key=shares.get)
    return f"; {SHARES[lost]} takes {shares[lost]} % of its workers' time" if shares[lost] >= 20 else ""
