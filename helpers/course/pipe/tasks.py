"""What processes do at the other end of a pipe: chapter 04. Standard library only.

Those that take a ``connection`` run in a process of their own; `mix_two_writers`,
`question_worker` and `exchange_between` start such processes themselves and are meant for the
runner, behind a deadline: see `helpers.measure.run_answer`.
"""

import multiprocessing
import time
from multiprocessing.connection import Listener

from helpers.tasks.crew import Crew
from helpers.tasks.shared import open_block

#: Seconds after which a process of this module is not waited for any longer.
PATIENCE = 5.0
#: Seconds for a process to come up, which takes a busy machine longest.
START_SECONDS = 30.0
#: Bytes in a page of memory: looking at one byte in each of them touches all of a message.
PAGE_BYTES = 4096


# --- a worker that answers ---------------------------------------------------------------------


def answer_requests(connection):
    """Answer each list of numbers with the list of their squares, until the other end is closed."""
    with connection:
        while True:
            try:
                numbers = connection.recv()
            except EOFError:
                return
            connection.send([number * number for number in numbers])


# --- two writers at one end -------------------------------------------------------------------


def write_letters(writer, letter, n_messages, size_bytes, lock, ready):
    """Send messages of one letter each, holding `lock` around each of them if there is one."""
    message = letter * size_bytes
    ready.wait(START_SECONDS)
    for _ in range(n_messages):
        if lock is None:
            writer.send_bytes(message)
        else:
            with lock:
                writer.send_bytes(message)


def count_intact(reader, n_messages, size_bytes):
    """Return how many messages arrive whole, of `size_bytes` and one letter, before the first that does not."""
    for count in range(n_messages):
        try:
            message = reader.recv_bytes(size_bytes) if reader.poll(PATIENCE) else b""
        except (EOFError, OSError):  # nobody writes any more; a length that cannot be: the reader has lost its place
            return count
        if len(message) != size_bytes or message.count(message[:1]) != size_bytes:
            return count
    return n_messages


def mix_two_writers(n_messages, size_bytes, with_lock):
    """Return (sent, intact) of two processes that write to one end at the same time."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    ready, lock = multiprocessing.Barrier(2), multiprocessing.Lock() if with_lock else None
    arguments = [(writer, letter, n_messages, size_bytes, lock, ready) for letter in (b"A", b"B")]
    with Crew(write_letters, arguments, links=False) as crew:
        writer.close()
        if reader.poll(START_SECONDS):
            time.sleep(0.1)  # long enough for the pipe to be full and both to be in the middle of a message
        intact = count_intact(reader, 2 * n_messages, size_bytes)
        reader.close()
        crew.end(told=False)  # they may be in the middle of a message that nobody will read
    return 2 * n_messages, intact


# --- a server with a key ----------------------------------------------------------------------


def serve_with_key(report, authkey):
    """Answer lists of numbers with their squares, for clients that know the key."""
    with Listener(("127.0.0.1", 0), authkey=authkey) as listener:
        report.send(listener.address)
        while True:
            try:
                answer_requests(listener.accept())
            except (multiprocessing.AuthenticationError, EOFError, ConnectionError) as error:
                report.send(type(error).__name__)


# --- the partner of a measurement -------------------------------------------------------------


def play_partner(control, data, requests, replies):
    """Send back every message, by the way and as often as `control` asks for, until it asks for None.

    An order is (way, size_bytes, n_trips, names of shared blocks). "ready" goes out once
    everything is prepared, and memory touched, so that the trips themselves do not pay for it.
    """
    while (order := control.recv()) is not None:
        way, size_bytes, n_trips, blocks = order
        PARTNERS[way](control, data, requests, replies, size_bytes, n_trips, blocks)


def echo_objects(control, data, _requests, _replies, _size_bytes, n_trips, _blocks):
    """Send back whole objects by ``send`` and ``recv``."""
    control.send("ready")
    for _ in range(n_trips):
        data.send(data.recv())


def echo_bytes(control, data, _requests, _replies, size_bytes, n_trips, _blocks):
    """Send back bytes by ``send_bytes`` and ``recv_bytes_into``, with one buffer for all of them."""
    buffer = bytearray(b"\1") * size_bytes
    with memoryview(buffer) as view:
        control.send("ready")
        for _ in range(n_trips):
            size = data.recv_bytes_into(buffer)
            data.send_bytes(view[:size])


def echo_queue(control, _data, requests, replies, _size_bytes, n_trips, _blocks):
    """Send back objects by two queues, and an empty one at last: feeder threads keep what they sent last."""
    control.send("ready")
    for _ in range(n_trips + 1):
        replies.put(requests.get())


def echo_shared(control, data, _requests, _replies, size_bytes, n_trips, blocks):
    """Copy what lies in one shared block into the other; a byte through the pipe says that it is there."""
    inbox, outbox = (open_block(name) for name in blocks)
    try:
        outbox.buf[:size_bytes] = inbox.buf[:size_bytes]
        control.send("ready")
        for _ in range(n_trips):
            data.recv_bytes()
            outbox.buf[:size_bytes] = inbox.buf[:size_bytes]
            data.send_bytes(b"!")
    finally:
        inbox.close()
        outbox.close()


PARTNERS = {"send": echo_objects, "send_bytes": echo_bytes, "queue": echo_queue, "shared": echo_shared}


def take_deliveries(connection):
    """Look at each delivery, an object or the (name, size) of a shared block, and answer with `look_at` it; None
    ends."""
    with connection:
        while (delivery := connection.recv()) is not None:
            if not isinstance(delivery, tuple):
                seen = look_at(delivery)
                del delivery  # before the next one comes: two of them would lie in memory
                connection.send(seen)
                continue
            block = open_block(delivery[0])
            try:
                with block.buf[: delivery[1]] as view:
                    connection.send(look_at(view))
            finally:
                block.close()


def look_at(message):
    """Return the sum of one byte a page: the least that touches all of a message."""
    return sum(message[::PAGE_BYTES])


# --- what the exercises ask of a learner's function -------------------------------------------


def work_and_tell(connection, func, diary):
    """Tell `diary` that the process is up, run the worker ``func(connection)``, and tell what it returned or raised.

    That is a pair (value, error). In a crew.
    """
    diary.send("up")
    try:
        value = func(connection)
    except BaseException as error:
        diary.send((None, say_error(error)))
        raise
    diary.send((None if value is None else say_value(value), None))


def say_error(error):
    """Return type and text of an exception, such as "NameError: name 'conn' is not defined"."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def say_value(value):
    """Return the first characters of what `value` looks like."""
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"


def question_worker(func, requests, patience=PATIENCE, pause=0.3, pause_before=3):
    """Return what a worker ``func(connection)`` does: its replies, and how it ended.

    Parameters
    ----------
    patience : float, seconds for a reply once the worker is up, and for the end after the other end was closed
    pause : float, seconds without a request before that of index `pause_before`: silence is no end

    Returns
    -------
    dict with "replies", "silent_at" (index of the request that stayed without a reply, or
    None), "alive" (then), "ended" (by itself once the other end was closed), "exitcode",
    "returned" and "raised" (texts, or None).
    """
    reader, diary = multiprocessing.Pipe(duplex=False)
    with Crew(work_and_tell, [(func, diary)]) as crew:
        diary.close()
        (ours,), (worker,) = crew.links, crew.processes
        receive_or(reader, None, START_SECONDS)
        replies, silent_at = [], None
        for index, request in enumerate(requests):
            time.sleep(pause if index == pause_before else 0)
            replies.append(ask_once(ours, request, patience))
            if replies[-1] is None:
                silent_at = index
                worker.join(0.2)
                break
        alive = worker.exitcode is None
        ours.close()
        worker.join(patience if silent_at is None else 0.2)
        returned, raised = receive_or(reader, (None, None), 0 if worker.exitcode is None else 1)
        ended = {"ended": worker.exitcode is not None, "exitcode": worker.exitcode}
        crew.end(told=False)
    reader.close()
    return {"replies": replies, "silent_at": silent_at, "alive": alive, "returned": returned, "raised": raised, **ended}


def ask_once(connection, request, patience):
    """Return the reply to one request, None where none comes in `patience` seconds, or ever."""
    try:
        connection.send(request)
        return connection.recv() if connection.poll(patience) else None
    except (EOFError, OSError):
        return None


def receive_or(connection, otherwise, seconds=PATIENCE):
    """Return the next message, or `otherwise` where none comes: in time, or any more."""
    try:
        return connection.recv() if connection.poll(seconds) else otherwise
    except (EOFError, OSError):
        return otherwise


def judge_message(got, size_bytes):
    """Return the letter of a message of one letter that is whole, as bytes; else text that shows what it is."""
    whole = isinstance(got, (bytes, bytearray)) and len(got) == size_bytes and got.count(got[:1]) == size_bytes
    return bytes(got[:1]) if whole else say_value(got)


def exchange_once(link, func, end, letter, size_bytes, first):
    """Call ``func(end, message, first)`` when told to, and tell what it gave, or an exception's text in a list."""
    link.send("up")
    link.recv()
    try:
        link.send(judge_message(func(end, letter * size_bytes, first), size_bytes))
    except Exception as error:
        link.send([say_error(error)])


def exchange_between(func, size_bytes, patience=PATIENCE):
    """Return what each of two processes got from the other by `func`: b"B" and b"A" if all went well.

    For a process that raised it is a list with the exception's text, for one that ended without a word "nothing",
    and "late" for one that had not returned `patience` seconds after both were up and had been told to begin.
    """
    ends = multiprocessing.Pipe()
    sides = zip(ends, (b"A", b"B"), (True, False), strict=True)
    with Crew(exchange_once, [(func, end, letter, size_bytes, first) for end, letter, first in sides]) as crew:
        for end in ends:
            end.close()
        crew.receive_all()
        for link in crew.links:
            link.send("begin")
        deadline = time.monotonic() + patience
        found = tuple(hear_by(link, deadline) for link in crew.links)
        crew.end(told=False)
    return found


def hear_by(link, deadline):
    """Return the message that comes until `deadline`, "late" where none does, "nothing" where none can any more."""
    try:
        return link.recv() if link.poll(max(0.0, deadline - time.monotonic())) else "late"
    except (EOFError, OSError):
        return "nothing"
