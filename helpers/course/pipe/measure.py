"""How fast two processes talk: round trips by way of sending and size of message.

::

    measure_pipes()  ── visits in rounds ──►  play_trips()  in the runner
       ▲                                         │ start a partner process; per visit:
       └────────── Trip, a nod ◄─────────────────┘ send n messages, each comes back, look at the clock

A **trip** is a message there and the same message back. A receiver that has it can read all of
it; bandwidth counts both directions, ``2 × size / trip``. The ceiling is the same bytes copied
there and back within one process. All pairs of way and size are visited once a round, in random
order; a first round of warm-up is left out. What comes back is compared with what was sent, outside
the clock.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from helpers import runner
from helpers.arguments import check_callback, check_choices, check_count, check_counts, check_watch
from helpers.course.pipe.partners import PATIENCE, WARM_BYTES, play_deliveries, play_trips
from helpers.course.pipe.trips import COPIES, COPY, WAYS, Deliveries, Trip, Trips
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError

__all__ = [
    "COPIES",
    "COPY",
    "WAYS",
    "Deliveries",
    "Trip",
    "Trips",
    "TripsProgress",
    "measure_delivery",
    "measure_pipes",
    "pipe_steps",
]

#: Message sizes measured by default, in bytes: 1 B to 64 MB.
SIZES = (1, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 64_000_000)
LARGEST = 1_000_000_000


@dataclass(frozen=True)
class TripsProgress:
    """Where a measurement is: visits done and in all, seconds left (None: not known), what was measured."""

    done: int
    total: int
    seconds_left: float | None
    result: Trips


def measure_pipes(ways=tuple(WAYS), sizes=SIZES, *, on_progress=None, **settings):
    """Return the Trips of messages of all `sizes` by all `ways`, and of the plain memory copy.

    Measured in the runner and a partner process of its own. Assumes that both get a CPU: on one
    CPU every trip includes two changes of the process that has it.

    Parameters
    ----------
    ways : names, of `WAYS`
    sizes : int or several, bytes of a message, 1 to 1,000,000,000
    repeats : int, 1 to 1000; rounds after the warm-up. Intervals need 3.
    start_method : "fork", "forkserver", "spawn"; None is forkserver where there is one, else spawn
    timeout : float, seconds a single visit may take; None takes the default
    on_progress : callable of a `TripsProgress`, called between visits
    should_stop, on_start : as in `helpers.measure.sweep`; stopped, ``complete`` is False

    Raises
    ------
    InvalidArgumentError, ResultsDifferError, WorkerDiedError, TimeoutError

    Chapter 04.
    """
    check_callback("on_progress", on_progress)
    result = None
    for progress in pipe_steps(ways, sizes, **settings):
        result = progress.result
        if on_progress is not None:
            on_progress(progress)
    return result


def pipe_steps(ways, sizes, *, repeats=5, start_method=None, timeout=PATIENCE, should_stop=None, on_start=None):
    """Yield a TripsProgress before the first visit and after each; the next one waits for the caller.

    Parameters and errors as in `measure_pipes`; ends early, without an error, when stopped.
    """
    ways = check_ways(ways)
    sizes = check_sizes(sizes)
    repeats, method = check_count("repeats", repeats, 1, 1000), check_start_method(start_method)
    visits, done, noted = plan_trips(ways, sizes, repeats), [], ()
    watch = check_watch(timeout, should_stop, on_start, PATIENCE)

    def progress():
        result = Trips(tuple(done), method, repeats, len(done) == len(visits), noted)
        return TripsProgress(len(done), len(visits), seconds_left(done, visits), result)

    yield progress()
    for trip, noted in runner.play(play_trips, visits, method, key="pipes", **watch):  # noqa: B007  in progress()
        done.append(trip)
        yield progress()


def seconds_left(done, visits):
    """Return how long the rest of `visits` will take, judging by the trips `done`; None until each pair was visited."""
    latest = {(trip.way, trip.size_bytes): trip.wall for trip in done}
    left = [(way, size) for _, way, size in visits[len(done) :]]
    if not all((way, size) in latest for _, way, size in visits):
        return None
    return sum(latest[pair] for pair in left)


def check_ways(ways):
    """Return `ways` as a tuple without the ceiling; raise InvalidArgumentError for an unknown name."""
    chosen = check_choices("way of sending", ways, (*WAYS, COPY))
    return tuple(way for way in chosen if way != COPY)


def check_sizes(sizes):
    """Return the sizes as a sorted tuple of distinct ints; raise InvalidArgumentError out of range or for none."""
    sizes = check_counts("sizes", sizes, 1, LARGEST, "a message size in sizes")
    if not sizes:
        raise InvalidArgumentError("sizes is empty: give at least one number of bytes, such as (1, 1000).")
    return sizes


def plan_trips(ways, sizes, repeats, seed=None):
    """Return the visits (round, way, size_bytes): every pair once a round, each round in an order of its own.

    Round 0, the warm-up, leaves out what is larger than `WARM_BYTES`: such a visit warms itself
    up, by touching all memory that will be there during its trips.
    """
    chance, visits = random.Random(seed), []
    for number in range(repeats + 1):
        pairs = [(way, size) for way in (*ways, COPY) for size in sizes if number or size <= WARM_BYTES]
        chance.shuffle(pairs)
        visits += [(number, way, size) for way, size in pairs]
    return visits


def measure_delivery(
    size_bytes=100_000_000, *, repeats=3, start_method=None, timeout=PATIENCE, should_stop=None, on_start=None
):
    """Return the Deliveries of one message of `size_bytes`, pickled through a pipe and by shared memory.

    Played in the runner; rounds alternate which of the two comes first. Stopped, it has the rounds so far.
    """
    size_bytes = check_count("size_bytes", size_bytes, 1, LARGEST)
    repeats, method = check_count("repeats", repeats, 1, 1000), check_start_method(start_method)
    watch = check_watch(timeout, should_stop, on_start, PATIENCE)
    rounds = list(runner.play(play_deliveries, size_bytes, repeats, method, key="pipes", **watch))
    sent, copied_in, shared, noted = zip(*rounds, strict=True) if rounds else ((), (), (), ((),))
    return Deliveries(size_bytes, sent, copied_in, shared, len(rounds) == repeats, noted[-1])
