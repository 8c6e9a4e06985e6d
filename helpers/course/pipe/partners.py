"""What is played in the runner for chapter 04: a partner process, and visit after visit of messages to it."""

from __future__ import annotations

import multiprocessing
from collections import deque
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from time import perf_counter

from helpers.course.pipe.tasks import play_partner, take_deliveries
from helpers.course.pipe.trips import COPY, Trip
from helpers.crew import Crew
from helpers.errors import ResultsDifferError
from helpers.measure import Watch
from helpers.runner import prepare_library

#: Seconds for which a partner process may be silent.
PATIENCE = 60.0
#: What messages are made of: 0 to 250, again and again.
BLOCK = bytes(range(251)) * 4000
#: Up to this size each visit begins with a trip that is not timed; larger messages warm up by touching the memory.
WARM_BYTES = 1_000_000
#: Seconds of visits that are watched at once: looking at the load costs more than a visit with a small message.
PART_SECONDS = 0.4


def count_trips(way, size_bytes):
    """Return how many trips a visit makes: many of short ones, so that the clock does not matter.

    >>> count_trips("send", 1), count_trips("send", 64_000_000), count_trips("copy", 1)
    (40, 1, 4000)
    """
    most, total_bytes = (4000, 40_000_000) if way == COPY else (40, 2_000_000)
    return max(1, min(most, total_bytes // size_bytes))


def play_trips(visits, start_method):
    """Yield (Trip, badges so far) for each visit. Runs in the runner.

    Visits are watched in parts of `PART_SECONDS`, the warm-up is not; between two parts the kernel draws.
    """
    watch, waiting = Watch(2), deque(visits)
    with open_partner(start_method) as partner:
        while waiting:
            is_warm_up, made = waiting[0][0] == 0, []
            with nullcontext() if is_warm_up else watch:
                until = perf_counter() + PART_SECONDS
                while waiting and (waiting[0][0] == 0) is is_warm_up and (not made or perf_counter() < until):
                    made.append(visit_partner(partner, *waiting.popleft()))
            yield from ((trip, watch.badges) for trip in made)


def visit_partner(partner, number, way, size_bytes):
    """Return the Trip of one visit in round `number`."""
    n_trips = count_trips(way, size_bytes)
    wall = TIMED[way](partner, size_bytes, n_trips, 1 if size_bytes <= WARM_BYTES else 0)
    return Trip(way, size_bytes, number, n_trips, wall)


def make_message(size_bytes):
    """Return bytes that are not all alike: 0 to 250, again and again."""
    n_blocks, rest = divmod(size_bytes, len(BLOCK))
    return b"".join([*[BLOCK] * n_blocks, BLOCK[:rest]])  # the memory of a large message is asked for once


def is_message(got, size_bytes):
    """Return whether `got` is what ``make_message(size_bytes)`` makes, without making it again."""
    places = range(0, size_bytes, len(BLOCK))
    return len(got) == size_bytes and all(got.startswith(BLOCK[: size_bytes - at], at) for at in places)


@dataclass(frozen=True)
class Partner:
    """The process at the other end, a crew of one, and our ends of everything that leads to it."""

    crew: Crew
    data: object
    requests: object
    replies: object

    def prepare(self, way, size_bytes, n_trips, blocks=()):
        """Tell the partner what comes, and return when it is ready for it."""
        self.crew.ask_all([(way, size_bytes, n_trips, blocks)])


@contextmanager
def open_partner(start_method):
    """Give a Partner that is up; it and its queues end with the context, whatever happens in it."""
    prepare_library("multiprocessing")  # before the other process: both are to have the same one
    context = multiprocessing.get_context(start_method)
    data, their_data = context.Pipe()
    requests, replies = context.Queue(), context.Queue()
    members = [(their_data, requests, replies)]
    try:
        with Crew(play_partner, members, start_method, names=["the partner process"], patience=PATIENCE) as crew:
            their_data.close()
            yield Partner(crew, data, requests, replies)
    finally:
        for queue in (requests, replies):
            queue.cancel_join_thread()
            queue.close()
        data.close()


def require_back(same, size_bytes, way):
    """Raise ResultsDifferError unless what came back is the `same` as what was sent."""
    if not same:
        raise ResultsDifferError(f"A message of {size_bytes:,} bytes did not come back as it was sent by {way}.")


def time_trips(trip, n_trips, n_warm):
    """Return the seconds of `n_trips` calls of ``trip(number)``, after `n_warm` that are not timed."""
    for number in range(n_warm):
        trip(number)
    began = perf_counter()
    for number in range(n_warm, n_warm + n_trips):
        trip(number)
    return perf_counter() - began


# Memory: an object is on the list of messages as often as it will be sent, and nowhere else. Once it was
# sent for the last time it is gone, before the same bytes come back.


def time_objects(partner, size, n_trips, n_warm):
    """Return the seconds of `n_trips` by ``send`` and ``recv``."""
    messages, got, data = [make_message(size)] * (n_trips + n_warm), [None], partner.data
    partner.prepare("send", size, n_trips + n_warm)

    def trip(_number):
        data.send(messages.pop())
        got[0] = data.recv()

    wall = time_trips(trip, n_trips, n_warm)
    require_back(is_message(got[0], size), size, "send")
    return wall


def time_bytes(partner, size, n_trips, n_warm):
    """Return the seconds of `n_trips` by ``send_bytes`` and ``recv_bytes_into``, from and into one buffer.

    A byte of it is changed while the message is away: only what comes back can put that right.
    """
    buffer, data = bytearray(make_message(size)), partner.data
    partner.prepare("send_bytes", size, n_trips + n_warm)

    def trip(_number):
        data.send_bytes(buffer)
        buffer[size // 2] ^= 1
        data.recv_bytes_into(buffer)

    wall = time_trips(trip, n_trips, n_warm)
    require_back(is_message(buffer, size), size, "send_bytes")
    return wall


def time_queue(partner, size, n_trips, n_warm):
    """Return the seconds of `n_trips` by two queues.

    A feeder thread keeps what it sent last, until there is something else: hence the empty
    message behind the last one.
    """
    messages, got = [make_message(size)] * (n_trips + n_warm), [None]
    requests, replies = partner.requests, partner.replies
    partner.prepare("queue", size, n_trips + n_warm)

    def trip(_number):
        requests.put(messages.pop())
        if not messages:
            requests.put(b"")
        got[0] = replies.get(timeout=PATIENCE)

    wall = time_trips(trip, n_trips, n_warm)
    require_back(is_message(got[0], size), size, "queue")
    replies.get(timeout=PATIENCE)
    return wall


def time_shared(partner, size, n_trips, n_warm):
    """Return the seconds of `n_trips` by two shared blocks: one copy a direction, and a byte through the pipe.

    A byte of the message is another one at each trip: what lies in the outbox at the end can only be right
    if both copies of the last trip were made.
    """
    message, data = bytearray(make_message(size)), partner.data
    first = message[size // 2]
    inbox, outbox = SharedMemory(create=True, size=size), SharedMemory(create=True, size=size)
    try:
        there = inbox.buf
        there[:size] = message
        partner.prepare("shared", size, n_trips + n_warm, (inbox.name, outbox.name))

        def trip(number):
            message[size // 2] = (first + 1 + number) % 256
            there[:size] = message
            data.send_bytes(b"!")
            data.recv_bytes()

        wall = time_trips(trip, n_trips, n_warm)
        with outbox.buf[:size] as got:
            require_back(got == message, size, "shared")
        return wall
    finally:
        for block in (inbox, outbox):
            block.close()
            block.unlink()


def time_copy(_partner, size, n_trips, _n_warm):
    """Return the seconds of `n_trips` within one process: copied there, and copied back."""
    message = make_message(size)
    there, back = bytearray(b"\1") * size, bytearray(b"\1") * size
    with memoryview(message) as source, memoryview(there) as middle, memoryview(back) as end:

        def trip(_number):
            middle[:size] = source
            end[:size] = middle

        wall = time_trips(trip, n_trips, 0)
    require_back(back == message, size, "copy")
    return wall


TIMED = {"send": time_objects, "send_bytes": time_bytes, "queue": time_queue, "shared": time_shared, COPY: time_copy}


# --- one large delivery -----------------------------------------------------------------------


def play_deliveries(size_bytes, repeats, start_method):
    """Yield (sent, copied in, shared, badges so far) for each round after one to warm up, in seconds.

    Runs in the runner.
    """
    prepare_library("multiprocessing")  # before the other process: both are to have the same one
    message, watch = make_message(size_bytes), Watch(2)
    with Crew(take_deliveries, [()], start_method, names=["the receiver"], patience=PATIENCE) as crew:
        for number in range(repeats + 1):
            with watch if number else nullcontext():
                if number % 2:
                    sent, shared = deliver_pickled(crew, message), deliver_shared(crew, message)
                else:
                    shared, sent = deliver_shared(crew, message), deliver_pickled(crew, message)
            if number:
                yield sent, *shared, watch.badges


def deliver_pickled(crew, message):
    """Return the seconds until the receiver has looked at a message that was sent."""
    began = perf_counter()
    crew.ask_all([message])
    return perf_counter() - began


def deliver_shared(crew, message):
    """Return (seconds to fill a shared block, seconds until the receiver has looked at it)."""
    block = SharedMemory(create=True, size=len(message))
    try:
        began = perf_counter()
        block.buf[: len(message)] = message
        filled = perf_counter()
        crew.ask_all([(block.name, len(message))])
        return filled - began, perf_counter() - filled
    finally:
        block.close()
        block.unlink()
