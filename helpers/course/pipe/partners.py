"""What is played in the runner for chapter 04: a partner process, and visit after visit of messages to it."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from time import perf_counter

from helpers.course.pipe.tasks import play_partner, take_deliveries
from helpers.course.pipe.trips import COPY, Trip
from helpers.errors import ResultsDifferError, WorkerDiedError
from helpers.runner import describe_exit

#: Seconds for which a partner process may be silent.
PATIENCE = 60.0
#: Up to this size each visit begins with a trip that is not timed; larger messages warm up by touching the memory.
WARM_BYTES = 1_000_000


def count_trips(way, size_bytes):
    """Return how many trips a visit makes: many of short ones, so that the clock does not matter.

    >>> count_trips("send", 1), count_trips("send", 64_000_000), count_trips("copy", 1)
    (40, 1, 4000)
    """
    most, total_bytes = (4000, 40_000_000) if way == COPY else (40, 2_000_000)
    return max(1, min(most, total_bytes // size_bytes))


def play_trips(visits, start_method):
    """Yield a Trip for each visit. Runs in the runner."""
    with open_partner(start_method) as partner:
        for number, way, size_bytes in visits:
            n_trips = count_trips(way, size_bytes)
            wall = TIMED[way](partner, size_bytes, n_trips, 1 if size_bytes <= WARM_BYTES else 0)
            yield Trip(way, size_bytes, number, n_trips, wall)


def make_message(size_bytes):
    """Return bytes that are not all alike: 0 to 250, again and again."""
    return (bytes(range(251)) * (size_bytes // 251 + 1))[:size_bytes]


@dataclass(frozen=True)
class Partner:
    """The process at the other end, and our ends of everything that leads to it."""

    process: multiprocessing.Process
    control: object
    data: object
    requests: object
    replies: object

    def prepare(self, way, size_bytes, n_trips, blocks=()):
        """Tell the partner what comes, and return when it is ready for it."""
        try:
            self.control.send((way, size_bytes, n_trips, blocks))
            if not self.control.poll(PATIENCE):
                raise TimeoutError(f"The partner process was not ready for {way} within {PATIENCE:g} s.")
            self.control.recv()
        except (EOFError, OSError):
            self.process.join(1)
            raise WorkerDiedError(
                f"The partner process ended: {describe_exit(self.process.exitcode)}.", exitcode=self.process.exitcode
            ) from None


@contextmanager
def open_partner(start_method):
    """Give a Partner that is up; it and its queues end with the context, whatever happens in it."""
    if os.name == "posix":
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # before the partner starts: both are to have the same one
    context = multiprocessing.get_context(start_method)
    control, their_control = context.Pipe()
    data, their_data = context.Pipe()
    requests, replies = context.Queue(), context.Queue()
    process = context.Process(target=play_partner, args=(their_control, their_data, requests, replies), daemon=True)
    process.start()
    their_control.close()
    their_data.close()
    try:
        yield Partner(process, control, data, requests, replies)
        control.send(None)
        process.join(2)
    finally:
        process.kill()
        process.join()
        for queue in (requests, replies):
            queue.cancel_join_thread()
            queue.close()
        control.close()
        data.close()


def require_back(message, got, way):
    """Raise ResultsDifferError unless what came back is what was sent."""
    if got != message:
        raise ResultsDifferError(f"A message of {len(message):,} bytes did not come back as it was sent by {way}.")


# Memory: an object is on the list of messages as often as it will be sent, and nowhere else. Once it was
# sent for the last time it is gone, before the same bytes come back.


def time_objects(partner, size, n_trips, n_warm):
    """Return the seconds of `n_trips` by ``send`` and ``recv``."""
    messages = [make_message(size)] * (n_trips + n_warm)
    partner.prepare("send", size, n_trips + n_warm)
    data, got = partner.data, None
    for _ in range(n_warm):
        data.send(messages.pop())
        got = data.recv()
    began = perf_counter()
    for _ in range(n_trips):
        data.send(messages.pop())
        got = data.recv()
    wall = perf_counter() - began
    require_back(make_message(size), got, "send")
    return wall


def time_bytes(partner, size, n_trips, n_warm):
    """Return the seconds of `n_trips` by ``send_bytes`` and ``recv_bytes_into``, from and into one buffer.

    A byte of it is changed while the message is away: only what comes back can put that right.
    """
    buffer = bytearray(make_message(size))
    partner.prepare("send_bytes", size, n_trips + n_warm)
    data = partner.data
    for _ in range(n_warm):
        data.send_bytes(buffer)
        data.recv_bytes_into(buffer)
    began = perf_counter()
    for _ in range(n_trips):
        data.send_bytes(buffer)
        buffer[size // 2] ^= 1
        data.recv_bytes_into(buffer)
    wall = perf_counter() - began
    require_back(make_message(size), buffer, "send_bytes")
    return wall


def time_queue(partner, size, n_trips, n_warm):
    """Return the seconds of `n_trips` by two queues.

    A feeder thread keeps what it sent last, until there is something else: hence the empty
    message behind the last one.
    """
    messages = [make_message(size)] * (n_trips + n_warm)
    partner.prepare("queue", size, n_trips + n_warm)
    requests, replies, got = partner.requests, partner.replies, None
    for _ in range(n_warm):
        requests.put(messages.pop())
        got = replies.get(timeout=PATIENCE)
    began = perf_counter()
    for _ in range(n_trips):
        requests.put(messages.pop())
        if not messages:
            requests.put(b"")
        got = replies.get(timeout=PATIENCE)
    wall = perf_counter() - began
    require_back(make_message(size), got, "queue")
    replies.get(timeout=PATIENCE)
    return wall


def time_shared(partner, size, n_trips, n_warm):
    """Return the seconds of `n_trips` by two shared blocks: one copy a direction, and a byte through the pipe."""
    message, data = make_message(size), partner.data
    inbox, outbox = SharedMemory(create=True, size=size), SharedMemory(create=True, size=size)
    try:
        inbox.buf[:size] = message
        partner.prepare("shared", size, n_trips + n_warm, (inbox.name, outbox.name))
        there = inbox.buf
        for _ in range(n_warm):
            there[:size] = message
            data.send_bytes(b"!")
            data.recv_bytes()
        began = perf_counter()
        for _ in range(n_trips):
            there[:size] = message
            data.send_bytes(b"!")
            data.recv_bytes()
        wall = perf_counter() - began
        with outbox.buf[:size] as got:
            require_back(message, got, "shared")
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
        began = perf_counter()
        for _ in range(n_trips):
            middle[:size] = source
            end[:size] = middle
        wall = perf_counter() - began
    require_back(message, back, "copy")
    return wall


TIMED = {"send": time_objects, "send_bytes": time_bytes, "queue": time_queue, "shared": time_shared, COPY: time_copy}


# --- one large delivery -----------------------------------------------------------------------


def play_deliveries(size_bytes, repeats, start_method):
    """Yield (sent, copied in, shared) in seconds for each round after one to warm up. Runs in the runner."""
    if os.name == "posix":
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()
    context, message = multiprocessing.get_context(start_method), make_message(size_bytes)
    ours, theirs = context.Pipe()
    process = context.Process(target=take_deliveries, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        for number in range(repeats + 1):
            if number % 2:
                sent, shared = _deliver_pickled(ours, message), _deliver_shared(ours, message)
            else:
                shared, sent = _deliver_shared(ours, message), _deliver_pickled(ours, message)
            if number:
                yield sent, *shared
        ours.send(None)  # closing our end is not enough: with fork the process has a copy of it
        process.join(2)
    finally:
        ours.close()
        process.kill()
        process.join()


def _deliver_pickled(connection, message):
    began = perf_counter()
    connection.send(message)
    connection.recv()
    return perf_counter() - began


def _deliver_shared(connection, message):
    block = SharedMemory(create=True, size=len(message))
    try:
        began = perf_counter()
        block.buf[: len(message)] = message
        filled = perf_counter()
        connection.send((block.name, len(message)))
        connection.recv()
        return filled - began, perf_counter() - filled
    finally:
        block.close()
        block.unlink()
