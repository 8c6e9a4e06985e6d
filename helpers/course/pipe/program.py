"""The program behind "Show code" of `PipeLab`."""

from __future__ import annotations

from helpers.labs.program import write_program

SOURCE = """
import multiprocessing
import statistics
import time
{imports}
{ways}

def main():
    context = multiprocessing.get_context(START_METHOD)
    for name, way in {table}:
        for size in SIZES:
            n_trips = max(3, min(200, 20_000_000 // size))
            times = way(context, size, n_trips)
            print(f"{{name:>10}} {{size:>12,}} bytes: {{1e6 * statistics.median(times):>12,.1f}} us there and back")


def time_trips(n_trips, trip):
    trip()  # the first one is not counted
    times = []
    for _ in range(n_trips * REPEATS):
        began = time.perf_counter()
        trip()
        times.append(time.perf_counter() - began)
    return times


def run_with(process, n_trips, trip):
    process.start()
    try:
        return time_trips(n_trips, trip)
    finally:
        process.join()
"""
#: way -> (name of its function, its source). The partner answers as often as it is asked: one trip more than counted.
WAYS = {
    "send": (
        "by_send",
        """
def answer_objects(connection, n_trips):
    for _ in range(n_trips):
        connection.send(connection.recv())


def by_send(context, size, n_trips):
    here, there = context.Pipe()
    message = bytes(size)

    def trip():
        here.send(message)
        here.recv()

    partner = context.Process(target=answer_objects, args=(there, n_trips * REPEATS + 1))
    return run_with(partner, n_trips, trip)
""",
    ),
    "send_bytes": (
        "by_send_bytes",
        """
def answer_bytes(connection, size, n_trips):
    buffer = bytearray(size)
    for _ in range(n_trips):
        connection.recv_bytes_into(buffer)
        connection.send_bytes(buffer)


def by_send_bytes(context, size, n_trips):
    here, there = context.Pipe()
    message, buffer = bytes(size), bytearray(size)

    def trip():
        here.send_bytes(message)
        here.recv_bytes_into(buffer)

    partner = context.Process(target=answer_bytes, args=(there, size, n_trips * REPEATS + 1))
    return run_with(partner, n_trips, trip)
""",
    ),
    "queue": (
        "by_queue",
        """
def answer_queue(requests, replies, n_trips):
    for _ in range(n_trips):
        replies.put(requests.get())


def by_queue(context, size, n_trips):
    requests, replies = context.Queue(), context.Queue()
    message = bytes(size)

    def trip():
        requests.put(message)
        replies.get()

    partner = context.Process(target=answer_queue, args=(requests, replies, n_trips * REPEATS + 1))
    return run_with(partner, n_trips, trip)
""",
    ),
    "shared": (
        "by_shared_memory",
        """
def answer_shared(connection, there_name, back_name, size, n_trips):
    there, back = SharedMemory(there_name), SharedMemory(back_name)
    for _ in range(n_trips):
        connection.recv_bytes()  # a byte that says: it is there
        back.buf[:size] = there.buf[:size]
        connection.send_bytes(b"!")
    there.close()
    back.close()


def by_shared_memory(context, size, n_trips):
    here, partner_end = context.Pipe()
    message = bytes(size)
    there, back = SharedMemory(create=True, size=size), SharedMemory(create=True, size=size)

    def trip():
        there.buf[:size] = message
        here.send_bytes(b"!")
        here.recv_bytes()

    arguments = (partner_end, there.name, back.name, size, n_trips * REPEATS + 1)
    try:
        return run_with(context.Process(target=answer_shared, args=arguments), n_trips, trip)
    finally:
        for block in (there, back):
            block.close()
            block.unlink()
""",
    ),
}


def program(ways, sizes, start_method, repeats):
    """Return a program that times round trips by the chosen ways and sizes."""
    functions = [(way, *WAYS[way]) for way in ways]
    table = "(" + "".join(f"({way!r}, {function}), " for way, function, _ in functions).rstrip(" ") + ")"
    shared = "from multiprocessing.shared_memory import SharedMemory\n" if "shared" in ways else ""
    source = SOURCE.format(
        imports=shared, ways="\n\n".join(text.strip() + "\n" for _, _, text in functions), table=table
    )
    constants = {"START_METHOD": start_method, "SIZES": tuple(sizes), "REPEATS": repeats}
    return write_program("Round trips of messages between two processes", constants, source)
