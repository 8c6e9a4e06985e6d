"""What is recorded of messages between processes: ways of sending, round trips, deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import median

from helpers.errors import HelpersError, NotEnoughPointsError
from helpers.records import Estimate, badges_of_rounds, doubts_of, estimate_ratio, unite_badges

#: The ways of sending, and what they are called in pictures and tables.
WAYS = {"send": "Pipe.send", "send_bytes": "send_bytes", "queue": "Queue", "shared": "shared memory"}
#: The ceiling: always measured too.
COPY = "copy"
#: How often a byte is copied on its way to the receiver, on Linux and macOS, as CPython's source has it
#: (3.11 to 3.15, multiprocessing/connection.py): pickle, write, read, gather, unpickle or copy out.
COPIES = {"send": 5, "send_bytes": 4, "queue": 5, "shared": 1, COPY: 1}

#: Sizes up to which a message costs a trip and hardly anything for its bytes.
SMALL_BYTES = 1_000


@dataclass(frozen=True)
class Trip:
    """One visit: `n_trips` messages of `size_bytes` there and back took `wall` seconds."""

    way: str
    size_bytes: int
    round: int
    n_trips: int
    wall: float

    @property
    def seconds(self):
        """Seconds a single round trip took, on average of the visit."""
        return self.wall / self.n_trips


@dataclass(frozen=True)
class Trips:
    """All that was measured; estimates are medians over the rounds after the warm-up.

    ``noted`` are the badges of what may have disturbed any of it.
    """

    trips: tuple[Trip, ...]
    start_method: str
    repeats: int
    complete: bool = False
    noted: tuple[str, ...] = ()

    @cached_property
    def _by_pair(self):
        found = {}
        for trip in self.trips:
            if trip.round:
                found.setdefault((trip.way, trip.size_bytes), []).append(trip.seconds)
        return found

    def ways(self):
        """Return the ways that were measured, the memory copy last."""
        return [way for way in (*WAYS, COPY) if any(way == found for found, _ in self._by_pair)]

    def sizes(self, way):
        """Return the message sizes in bytes at which `way` was measured, smallest first."""
        return sorted(size for found, size in self._by_pair if found == way)

    def unsteady(self, way):
        """Return the sizes at which the rounds of `way` differ, by `helpers.records.badges_of_rounds`."""
        return [size for size in self.sizes(way) if badges_of_rounds(self._rounds(way, size))]

    def doubts(self, *sizes):
        """Return what makes the figures at these message sizes doubtful: badges that speak of noise.

        Of all sizes without any; a single size at which rounds differ is then told by its point alone.
        """
        found = [badges_of_rounds(seconds) for (_, size), seconds in self._by_pair.items() if size in sizes]
        return doubts_of(unite_badges(self.noted, *found))

    def seconds(self, way, size_bytes):
        """Return the Estimate of the seconds of a round trip."""
        return estimate_ratio(self._rounds(way, size_bytes))

    def bandwidth(self, way, size_bytes):
        """Return the Estimate of bytes a second, both directions counted."""
        trip = self.seconds(way, size_bytes)
        bounds = (None, None) if trip.low is None else (2 * size_bytes / trip.high, 2 * size_bytes / trip.low)
        return Estimate(2 * size_bytes / trip.median, *bounds, trip.n_rounds)

    def ratio(self, size_bytes, way, other=COPY):
        """Return the Estimate of how many times the bandwidth of `other` is that of `way`."""
        ours, theirs = self._rounds(way, size_bytes), self._rounds(other, size_bytes)
        both = min(len(ours), len(theirs))
        return estimate_ratio(theirs[:both], ours[:both])

    def median(self, way, size_bytes):
        """Return the median of the seconds of a round trip: quicker than the whole Estimate."""
        seconds = sorted(self._rounds(way, size_bytes))
        middle = len(seconds) // 2
        return seconds[middle] if len(seconds) % 2 else (seconds[middle - 1] + seconds[middle]) / 2

    def latency(self, way, most_bytes=SMALL_BYTES):
        """Return the Estimate of the seconds of a trip that carries next to nothing: up to `most_bytes` bytes.

        Each round counts with the median of its sizes, so that what disturbs one of them is not taken for a law.
        Raises HelpersError where none so small was measured.
        """
        by_round = {}
        for trip in self.trips:
            if trip.round and trip.way == way and trip.size_bytes <= most_bytes:
                by_round.setdefault(trip.round, []).append(trip.seconds)
        if not by_round:
            raise HelpersError(f"{way} was not measured with at most {most_bytes:,} bytes: give a larger most_bytes.")
        return estimate_ratio([median(seconds) for seconds in by_round.values()])

    def line(self, way):
        """Return (latency, seconds a byte) of the model "trip = latency + size × seconds a byte".

        The first is `latency`, a median over several small sizes, the second comes from the largest size.
        """
        latency, largest = self.latency(way).median, self.sizes(way)[-1]
        return latency, (self.median(way, largest) - latency) / largest

    def n_rounds(self, way, size_bytes):
        """Return how many rounds after the warm-up there are of it."""
        return len(self._rounds(way, size_bytes))

    def _rounds(self, way, size_bytes):
        try:
            return self._by_pair[way, size_bytes]
        except KeyError:
            raise HelpersError(
                f"{way} was not measured with {size_bytes:,} bytes: choose of ways() and sizes(way)."
            ) from None

    def __str__(self):
        lines = [
            f"round trips of a message, {self.start_method} processes" + ("" if self.complete else ", not complete")
        ]
        for way in self.ways():
            for size in self.sizes(way):
                trip, speed = self.seconds(way, size), self.bandwidth(way, size)
                name, rate = WAYS.get(way, "memory copy"), f"{speed.median / 1e6:>10,.2f} MB/s"
                lines.append(f"{name:>14} {size:>12,} B  {trip.median * 1e6:>12,.1f} µs  {rate}")
        return "\n".join(lines)

    __repr__ = __str__


@dataclass(frozen=True)
class Deliveries:
    """Handing one large message to another process that looks at all of it: seconds, one of each a round.

    ``copied_in`` is filling the shared block, before ``shared``: telling its name, attaching,
    looking, and the answer. ``sent`` is `Pipe.send`, looking, and the answer. ``complete`` is False if it was stopped,
    ``noted`` are the badges of what may have disturbed it.
    """

    size_bytes: int
    sent: tuple[float, ...]
    copied_in: tuple[float, ...]
    shared: tuple[float, ...]
    complete: bool = True
    noted: tuple[str, ...] = ()

    @property
    def doubts(self):
        """What makes the figures doubtful: badges that speak of noise."""
        parts = (self.sent, self.copied_in, self.shared)
        return doubts_of(unite_badges(self.noted, *map(badges_of_rounds, parts)))

    def ratio(self, copied=True):
        """Return the Estimate of how many times as long sending takes as sharing does.

        With `copied` the copy into the block counts, else the data is there already.
        """
        if not self.sent:
            raise NotEnoughPointsError("No round was measured: it was stopped before. Measure again.")
        filled = self.copied_in if copied else [0.0] * len(self.sent)
        return estimate_ratio(self.sent, [fill + share for fill, share in zip(filled, self.shared, strict=True)])

    def median(self, what):
        """Return the median seconds of "sent", "copied_in" or "shared"; NotEnoughPointsError without a round."""
        if not self.sent:
            raise NotEnoughPointsError("No round was measured: it was stopped before. Measure again.")
        return estimate_ratio(getattr(self, what)).median
