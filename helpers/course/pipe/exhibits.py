"""What is worth seeing once about connections: deadlines, a message that is not whole, a connection that travels.

Standard library only. Nothing here waits without a deadline.
"""

import multiprocessing
import os
import struct
import threading
import time
from multiprocessing import resource_sharer
from multiprocessing.connection import wait

from helpers.tasks.crew import Crew

#: Seconds after which nothing more is waited for.
PATIENCE = 20.0


# ── receiving with a deadline ─────────────────────────────────────────────────────────────────


def receive(connection, seconds):
    """Return the next message; raise TimeoutError if none begins to come within `seconds`."""
    if not connection.poll(seconds):
        raise TimeoutError(f"no message within {seconds:g} s")
    return connection.recv()


def receive_all(readers, seconds):
    """Return all messages in the order in which they come, until every other end is closed.

    One deadline for all of it: raises TimeoutError after `seconds`.
    """
    readers, messages, deadline = list(readers), [], time.monotonic() + seconds
    while readers:
        left = deadline - time.monotonic()
        ready = wait(readers, left) if left > 0 else []
        if not ready:
            raise TimeoutError(f"{len(readers)} of the connections are still open after {seconds:g} s")
        for reader in ready:
            try:
                messages.append(reader.recv())
            except EOFError:
                readers.remove(reader)
    return messages


# ── a message that is not whole yet ───────────────────────────────────────────────────────────


def send_in_two_parts(connection, message, go):
    """Send bytes as ``send_bytes`` does, half of them at first, the rest once the Event `go` is set.

    The library writes four bytes of length and then the message, on Linux and macOS; a large message is
    written in parts by itself, and its writer may be stopped between two of them.
    """
    whole = struct.pack("!i", len(message)) + message
    half = len(whole) // 2
    os.write(connection.fileno(), whole[:half])
    go.wait(PATIENCE)
    os.write(connection.fileno(), whole[half:])


def wait_for_the_rest(message=b"the whole message", seconds=0.3):
    """Return (what ``poll`` says, is ``recv_bytes`` back within `seconds`, what it gives once all was sent).

    Half of the message is in the pipe at first; the rest comes after those `seconds`. Not on Windows,
    where each message stays whole.
    """
    reader, writer = multiprocessing.Pipe(duplex=False)
    go, received = multiprocessing.Event(), []
    with Crew(send_in_two_parts, [(writer, message, go)], links=False) as crew:
        writer.close()
        something = reader.poll(PATIENCE)
        receiver = threading.Thread(target=lambda: received.append(reader.recv_bytes()), daemon=True)
        receiver.start()
        receiver.join(seconds)
        back = not receiver.is_alive()
        go.set()
        receiver.join(PATIENCE)
        crew.join(PATIENCE)
    reader.close()
    return something, back, received[0]


# ── a connection sent through a connection ────────────────────────────────────────────────────


def greet_through(connection, name):
    """Receive one end of another pipe through `connection`, and send a greeting through it."""
    with connection, connection.recv() as other:
        other.send(f"hello from {name}")


def hear_through(connection, answers):
    """Receive one end of another pipe through `connection`; put what comes through it."""
    with connection, connection.recv() as other:
        answers.put(receive(other, PATIENCE))


def introduce_two():
    """Return what one worker heard from another, None for nothing.

    Each got one end of a new pipe through the pipe that it was born with.
    """
    answers = multiprocessing.SimpleQueue()
    to_one, one = multiprocessing.Pipe()
    to_two, two = multiprocessing.Pipe()
    workers = [
        multiprocessing.Process(target=greet_through, args=(one, "one"), daemon=True),
        multiprocessing.Process(target=hear_through, args=(two, answers), daemon=True),
    ]
    for worker in workers:
        worker.start()
    left, right = multiprocessing.Pipe()
    to_one.send(left)
    to_two.send(right)
    for worker in workers:
        worker.join(PATIENCE)
    resource_sharer.stop()  # the thread that hands over what was sent
    return None if answers.empty() else answers.get()
