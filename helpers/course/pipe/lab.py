"""`PipeLab`: how fast two processes talk, by way of sending and size of the message, drawn while it is measured."""

from __future__ import annotations

import ipywidgets as widgets

from helpers import words
from helpers.arguments import as_whole, check_count
from helpers.course.pipe.measure import COPY, WAYS, check_sizes, check_ways, pipe_steps
from helpers.course.pipe.plots import PipeCard, describe_trips, doubts_in_picture, draw_pipe_card
from helpers.course.pipe.program import program
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError
from helpers.labs.base import Lab
from helpers.labs.controls import NARROW, chosen_of, label, method_control, repeats_control, toggle
from helpers.records import is_clear

#: Sizes that the lab offers, in bytes.
CHOICES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 64_000_000)
#: Sizes that are measured between the two ends of the chosen range; several small ones, for the latency.
MEASURED = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 64_000_000)
TOOLTIPS = {
    "send": "Pipe: send and recv, any object, pickled",
    "send_bytes": "Pipe: send_bytes and recv_bytes_into, bytes into a buffer that is there",
    "queue": "Two queues: put and get, pickled, by way of feeder threads",
    "shared": "Two shared blocks: copied in, read where it lies; a byte through a pipe says that it is there",
}


class PipeLab(Lab):
    """Measure round trips of messages between two processes, and the memory copy as their ceiling.

    Parameters
    ----------
    ways : names, of `helpers.course.pipe.measure.WAYS`
    smallest, largest : int
        The range of message sizes in bytes, of `CHOICES`: 1 to 64,000,000.
    start_method, repeats
        What is chosen at first; all can be changed in the lab.

    ``result`` is the last `helpers.course.pipe.measure.Trips`, also while it grows.
    """

    def __init__(self, *, ways=tuple(WAYS), smallest=CHOICES[0], largest=CHOICES[-1], start_method=None, repeats=3):
        smallest, largest = _check_size("smallest", smallest), _check_size("largest", largest)
        if smallest > largest:
            raise InvalidArgumentError(f"smallest must not be above largest: {smallest:,} and {largest:,} bytes.")
        self._first = {
            "ways": check_ways(ways),
            "range": (smallest, largest),
            "start_method": check_start_method(start_method),
            "repeats": check_count("repeats", repeats, 1, 100),
        }
        super().__init__()

    # ── controls ──────────────────────────────────────────────────────────────────────────

    def _rows(self):
        first = self._first
        pressed = first["ways"]
        self._ways = {way: toggle(name, way in pressed, TOOLTIPS[way], "helpers-way") for way, name in WAYS.items()}
        self._sizes = widgets.SelectionRangeSlider(
            options=[(words.size(size), size) for size in CHOICES],
            value=first["range"],
            description="Message size",
            style=NARROW,
            continuous_update=False,
            layout=widgets.Layout(width="420px"),
        )
        self._sizes.tooltip = "The smallest and the largest message; some sizes between them are measured too"
        self._sizes.add_class("helpers-sizes")
        self._method = method_control(first["start_method"], tooltip="How the partner process is started")
        self._repeats = repeats_control(first["repeats"])
        ceiling = label("and the memory copy, always")
        return [[label("Way of sending"), *self._ways.values(), ceiling], [self._sizes, self._method, self._repeats]]

    def _chosen_sizes(self):
        low, high = self._sizes.value
        return check_sizes([low, high, *(size for size in MEASURED if low < size < high)])

    def _settings(self):
        ways = chosen_of(self._ways)
        if not ways:
            raise InvalidArgumentError("Choose at least one way of sending.")
        return {
            "ways": ways,
            "sizes": self._chosen_sizes(),
            "start_method": self._method.value,
            "repeats": self._repeats.value,
        }

    def code(self):
        """Return a complete program of the present settings, for the standard library alone."""
        return program(**self._settings())

    # ── measuring ─────────────────────────────────────────────────────────────────────────

    def _start_over(self, settings):
        self.card = PipeCard(settings["sizes"])

    def _measure(self, settings, on_start):
        yield from pipe_steps(**settings, on_start=on_start)

    def _receive(self, progress):
        self.result = progress.result
        self._show_progress(progress.done, progress.total, say_progress(progress))

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _is_empty(self):
        return self.result is None or not self.result.trips

    def _draw(self):
        return draw_pipe_card(self.result, sizes=self._chosen_sizes() if self.result is None else None)

    def _describe(self):
        return describe_trips(self.result, self.running)

    def _advice(self):
        return advise_trips(self.result) if self.result is not None else ""


def _check_size(name, size):
    """Return a message size of `CHOICES`; raise InvalidArgumentError for any other."""
    if as_whole(size) not in CHOICES:
        offered = ", ".join(f"{choice:,}" for choice in CHOICES)
        raise InvalidArgumentError(f"{name} must be one of {offered} bytes, not {words.shown(size)}.")
    return as_whole(size)


def say_progress(progress):
    """Return how far a TripsProgress is, in words; the time left once it is known."""
    known = progress.seconds_left is not None and progress.done < progress.total
    left = f", {progress.seconds_left:.0f} s left" if known else ""
    return f"{words.out_of(progress.done, progress.total, 'visit')}{left}"


def advise_trips(trips):
    """Return what Trips show: times of the smallest message, bandwidth of the largest, and what is in doubt."""
    ways = [way for way in trips.ways() if way != COPY]
    sizes = {size for way in ways for size in trips.sizes(way)}
    if not sizes:  # nothing yet, or the warm-up alone
        return ""
    least, most = min(sizes), max(sizes)
    doubts = words.say_doubts(doubts_in_picture(trips))
    return words.sentences(_say_times(trips, ways, least), _say_bandwidth(trips, ways, most), doubts)


def find_fastest(trips, ways, size):
    """Return the ways of `ways` at a message size, quickest first, and how many at the front are not told apart.

    1 where the interval of the first one stands clear of all others; with fewer than 3 rounds nobody can tell.
    """
    order = sorted((way for way in ways if size in trips.sizes(way)), key=lambda way: trips.median(way, size))
    seconds = [trips.seconds(way, size) for way in order]
    return order, sum(one is seconds[0] or not is_clear(one, seconds[0]) for one in seconds)


def _say_times(trips, ways, size):
    order, n_equal = find_fastest(trips, ways, size)
    said = ", ".join(f"{WAYS[way]} {words.seconds(trips.median(way, size))}" for way in order)
    return f"{words.size(size)} there and back: {said}{_say_equal(order, n_equal)}" if order else ""


def _say_equal(order, n_equal):
    """Return that the first ways of `order` cannot be told apart, "" for one."""
    names = words.listing(WAYS[way] for way in order[:n_equal])
    return f"; these rounds do not tell {names} apart" if n_equal > 1 else ""


def _say_bandwidth(trips, ways, size):
    order, n_equal = find_fastest(trips, ways, size)
    if not order:
        return ""
    best, last = order[0], order[-1]
    said = f"{words.size(size)}: {WAYS[best]} moves {words.bandwidth(trips.bandwidth(best, size).median)}"
    if size in trips.sizes(COPY):  # a run that was stopped may lack it
        said += f", {words.figures(trips.ratio(size, best))} times a plain memory copy"
    if n_equal < len(order):
        said += f"; {WAYS[last]} takes {trips.ratio(size, best, last).median:.1f} times as long"
    return said + _say_equal(order, n_equal)
