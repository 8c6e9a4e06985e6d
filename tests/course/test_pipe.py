"""Chapter 04: what its workers do, what it measures, its lab, its pictures and its exercises."""

import functools
import itertools
import multiprocessing
import socket
import sys
import time
from multiprocessing.connection import Client

import pytest
from leftovers import no_leftovers
from matplotlib.text import Text

from helpers.course.pipe import PipeLab, partners, pipe_1, pipe_2, pipe_3
from helpers.course.pipe.measure import COPY, WAYS, Trip, Trips, measure_delivery, measure_pipes, plan_trips
from helpers.course.pipe.plots import PipeCard, describe_trips, draw_pipe_card, plot_bandwidth, plot_trip_times
from helpers.course.pipe.tasks import answer_requests, mix_two_writers, serve_with_key
from helpers.errors import InvalidArgumentError, ResultsDifferError, WorkerDiedError
from helpers.exercises.base import spy_on
from helpers.machine import start_methods
from helpers.measure.answers import run_answer
from helpers.plots import figure_png

METHODS = sorted(start_methods())
any_method = pytest.mark.parametrize("method", METHODS)


# --- workers ----------------------------------------------------------------------------------


@pytest.fixture
def start():
    """Return a function that starts a worker with the far end of a pipe and gives (near end, process)."""
    context, made = multiprocessing.get_context("spawn"), []

    def start_worker(target, *args, duplex=True):
        near, far = context.Pipe(duplex)
        process = context.Process(target=target, args=(far, *args), daemon=True)
        process.start()
        far.close()
        made.append((near, process))
        return near, process

    yield start_worker
    for near, process in made:
        near.close()
        process.terminate()
        process.join()


def test_a_worker_answers_until_the_other_end_is_closed(start):
    ours, worker = start(answer_requests)
    for request, reply in (([1, 2, 3], [1, 4, 9]), ([], []), ([-2], [4])):
        ours.send(request)
        assert ours.poll(20) and ours.recv() == reply
    ours.close()
    worker.join(20)
    assert worker.exitcode == 0


def test_a_server_answers_those_who_know_the_key_and_goes_on_after_a_wrong_one_and_one_who_leaves(start):
    report, server = start(serve_with_key, b"right")
    assert report.poll(20)
    address = report.recv()
    with pytest.raises(multiprocessing.AuthenticationError):
        Client(address, authkey=b"wrong")
    assert report.poll(20) and report.recv() == "AuthenticationError"
    socket.create_connection(address).close()
    assert report.poll(20) and report.recv() in ("EOFError", "ConnectionResetError", "BrokenPipeError")
    for _ in range(2):
        with Client(address, authkey=b"right") as client:
            client.send([3])
            assert client.poll(20) and client.recv() == [9]
    assert server.is_alive()


@any_method
def test_two_writers_damage_what_they_send_and_a_lock_mends_it(method):
    assert run_answer(mix_two_writers, 20, 300_000, True, start_method=method).value == (40, 40)
    answer = run_answer(mix_two_writers, 20, 300_000, False, start_method=method)
    sent, intact = answer.value
    assert sent == 40 and answer.left == []
    assert intact < 40 or sys.platform == "win32"  # where each message stays whole


# --- measuring --------------------------------------------------------------------------------


@any_method
def test_every_way_and_size_is_measured_in_every_round(method):
    seen = []
    trips = measure_pipes(sizes=(1, 5_000, 1_500_000), repeats=2, start_method=method, on_progress=seen.append)
    assert trips.complete and trips.start_method == method and trips.ways() == [*WAYS, COPY]
    for way in trips.ways():
        assert trips.sizes(way) == [1, 5_000, 1_500_000]
        for size in trips.sizes(way):
            assert trips.n_rounds(way, size) == 2 and trips.median(way, size) > 0
    assert [progress.done for progress in seen] == list(range(len(seen))) and seen[-1].done == seen[-1].total == len(
        trips.trips
    )
    assert seen[0].seconds_left is None and seen[-1].seconds_left == 0
    assert str(trips).count("\n") == 15 and "5,000 B" in str(trips)
    no_leftovers()


def test_visits_are_in_random_order_and_the_warm_up_leaves_out_the_large():
    visits = plan_trips(("send", "shared"), (1, 64_000_000), 3, seed=1)
    rounds = [[visit[1:] for visit in visits if visit[0] == number] for number in range(4)]
    pairs = sorted((way, size) for way in ("send", "shared", COPY) for size in (1, 64_000_000))
    assert sorted(rounds[0]) == [pair for pair in pairs if pair[1] == 1]
    assert [sorted(found) for found in rounds[1:]] == [pairs] * 3
    assert len({tuple(found) for found in rounds[1:]}) > 1
    assert [visit[0] for visit in visits] == sorted(visit[0] for visit in visits)


def some_trips(factor=1.0, rounds=4, sizes=(1, 1_000, 64_000_000)):
    """Return Trips of which every round took the same: latency and time per byte times a number per way."""
    speeds = {"send": 5, "send_bytes": 4, "queue": 7, "shared": 1.2, COPY: 1}
    found = [
        Trip(way, size, number, 10, 10 * factor * share * (2e-5 + size * 1e-9))
        for number in range(rounds)
        for way, share in speeds.items()
        for size in sizes
    ]
    return Trips(tuple(found), "spawn", rounds - 1, True)


def test_what_comes_back_changed_is_an_error():
    partners.require_back(True, 3, "send")
    with pytest.raises(ResultsDifferError, match="3 bytes.*shared"):
        partners.require_back(False, 3, "shared")


@pytest.mark.parametrize("size", [1, 250, 252, 1_004_000, 1_004_001, 3_000_000])
def test_a_message_is_known_by_every_byte(size):
    message = partners.make_message(size)
    assert message == (bytes(range(251)) * (size // 251 + 1))[:size]
    assert partners.is_message(bytearray(message), size)
    assert not partners.is_message(message + b"!", size) and not partners.is_message(message[:-1], size)
    for place in {0, size // 2, size - 1}:
        changed = bytearray(message)
        changed[place] ^= 1
        assert not partners.is_message(changed, size)


@pytest.mark.parametrize(
    "arguments",
    [
        {"ways": ("send", "pigeon")},
        {"sizes": 0},
        {"sizes": ()},
        {"sizes": (1, 2e6)},
        {"sizes": "10"},
        {"repeats": 0},
        {"start_method": "magic"},
    ],
)
def test_bad_arguments_are_refused_before_anything_starts(arguments):
    with pytest.raises(InvalidArgumentError):
        measure_pipes(**arguments)


def test_a_partner_that_dies_is_reported():
    with pytest.raises(WorkerDiedError, match="partner process ended by itself"):
        with partners.open_partner("spawn") as partner:
            partner.crew.processes[0].kill()
            partner.crew.processes[0].join()
            partners.time_objects(partner, 1, 1, 0)


def test_a_measurement_that_is_stopped_keeps_what_it_has():
    seen = []
    trips = measure_pipes(sizes=(1, 1_000), repeats=500, on_progress=seen.append, should_stop=lambda: len(seen) > 20)
    assert not trips.complete and 10 < len(trips.trips) < 200
    no_leftovers()


@any_method
def test_a_delivery_is_measured_in_three_parts(method):
    delivery = measure_delivery(300_000, repeats=2, start_method=method)
    assert [len(part) for part in (delivery.sent, delivery.copied_in, delivery.shared)] == [2, 2, 2]
    assert min(delivery.sent + delivery.copied_in + delivery.shared) > 0
    assert delivery.median("sent") == pytest.approx(sum(delivery.sent) / 2)


# --- pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("trips", [some_trips(), some_trips(rounds=2), some_trips(200), some_trips(sizes=(1_000_000,))])
def test_labels_stay_in_the_picture_and_off_each_other(trips):
    figure = draw_pipe_card(trips)
    figure.canvas.draw()
    for ax in figure.axes:
        boxes = [Text.get_window_extent(text) for text in ax.texts if text.get_gid() == "label"]
        assert len(boxes) == 5
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
        for box in boxes:
            assert 0 <= box.x0 and box.x1 <= figure.bbox.width and ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1


def test_pictures_show_every_way_and_say_so_when_there_is_nothing():
    for plot in (plot_trip_times, plot_bandwidth):
        assert {line.get_gid() for line in plot(some_trips()).lines} - {"leader"} == {*WAYS, COPY}
        assert [text.get_text() for text in plot(None).texts if text.get_gid() == "note"] == ["no measurement yet"]
    assert "shared memory" in describe_trips(some_trips()) and "64 MB" in describe_trips(some_trips())
    assert "no measurement" in describe_trips(None)
    nothing = Trips((), "spawn", 3)
    assert "no measurement" in describe_trips(nothing) and "warming up" in describe_trips(nothing, running=True)


def test_the_moving_card_has_one_size_and_leaves_nothing_behind():
    card = PipeCard((1, 1_000, 64_000_000))
    empty, full = card.png(Trips((), "spawn", 3)), card.png(some_trips())
    assert empty != full and empty[16:24] == full[16:24] == figure_png(draw_pipe_card(None), 1.0)[16:24]
    assert card.png(Trips((), "spawn", 3)) == empty


# --- the lab ----------------------------------------------------------------------------------


def press(lab, name):
    getattr(lab, f"_{name}_button").click()


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_the_lab_measures_what_its_controls_say():
    lab = PipeLab(largest=10_000)
    assert "no measurement" in lab._picture.alt
    lab._ways["queue"].value = False
    lab._sizes.value, lab._repeats.value = (100, 100_000), 1
    press(lab, "run")
    assert lab._run_button.disabled and not lab._stop_button.disabled
    assert lab.wait(60)
    assert lab.result.complete and lab.result.ways() == ["send", "send_bytes", "shared", COPY]
    assert lab.result.sizes("send") == [100, 1_000, 10_000, 100_000] and lab.result.n_rounds(COPY, 100) == 1
    assert "100 kB" in lab._picture.alt and "a plain memory copy" in lab._message.value
    assert lab._picture.data[:8] == b"\x89PNG\r\n\x1a\n"


def test_what_is_known_is_said_after_a_stop_before_the_first_memory_copy():
    lab = PipeLab()
    lab.result = Trips((Trip("send", 100, 1, 40, 1e-3), Trip("queue", 100, 1, 40, 2e-3)), "spawn", 3)
    assert "100 B: Pipe.send moves" in lab._advice() and "memory copy" not in lab._advice()


@pytest.mark.parametrize(("rounds", "words"), [(2, "no interval"), (3, "rough with so few"), (5, "95 % interval")])
def test_an_interval_of_95_percent_is_promised_from_good_rounds_on(rounds, words):
    (head,) = [
        text.get_text() for text in plot_trip_times(some_trips(rounds=rounds + 1)).texts if text.get_gid() == "how"
    ]
    assert words in head and ("95 %" in head) == (rounds >= 5)


def test_the_lab_blocks_on_request_and_returns_the_record():
    result = PipeLab(smallest=1_000, largest=1_000, ways="send", repeats=3).run(block=True)
    assert (
        isinstance(result, Trips)
        and result.complete
        and result.sizes("send") == [1_000]
        and result.ways() == ["send", COPY]
    )


def test_stop_ends_everything_and_keeps_what_was_measured():
    lab = PipeLab(largest=10_000, repeats=100)
    press(lab, "run")
    wait_until(lambda: lab.result is not None and len(lab.result.trips) > 20)
    press(lab, "stop")
    no_leftovers(1)
    assert not lab.running and lab.error is None and 20 < len(lab.result.trips) and not lab.result.complete


def test_bad_input_is_told_and_nothing_starts():
    lab = PipeLab()
    for control in lab._ways.values():
        control.value = False
    press(lab, "run")
    assert "at least one way" in lab._message.value and not lab.running
    for options in (
        {"smallest": 3},
        {"smallest": 1_000, "largest": 10},
        {"ways": "pigeon"},
        {"repeats": 0},
        {"start_method": "magic"},
    ):
        with pytest.raises(InvalidArgumentError):
            PipeLab(**options)


# --- exercises --------------------------------------------------------------------------------


HIDES = """def double_until_closed(connection):
    try:
        while True:
            connection.send(2 * connection.receive())
    except:
        return
"""
DOUBLE = pipe_1.answer.removeprefix("%%worker\n").replace("    with connection:\n", "    if True:\n")
STOPS_AT_ZERO = """def double_until_closed(connection):
    while number := connection.recv():
        connection.send(2 * number)
"""
RETURNS = """def double_until_closed(connection):
    return 2 * connection.recv()
"""
#: takes a pause of the other side for the end
GIVES_UP = """def double_until_closed(connection):
    while connection.poll(0.15):
        connection.send(2 * connection.recv())
"""
ANSWERS_ONCE = """def double_until_closed(connection):
    connection.send(2 * connection.recv())
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (DOUBLE.replace("return", "continue"), "runs on"),
        (DOUBLE.replace("EOFError", "KeyError"), "exit code 1 (EOFError): at the end recv raises EOFError"),
        (DOUBLE.replace("2 * number", "2 * numbr"), "raised NameError: name 'numbr'"),
        (RETURNS, "returned 6. Nobody receives that"),
        (GIVES_UP, "request 4 of 5, -4: the worker had ended, with exit code 0. It must go on until the other end is "),
        (GIVES_UP, "a pause is no end"),
        (DOUBLE.replace("2 * number", "number ** 2"), "the reply to 3 was 9"),
        (STOPS_AT_ZERO, "request 3 of 5, 0"),
        (STOPS_AT_ZERO, "0 is a number like any other, and no end."),
        (ANSWERS_ONCE, "request 2 of 5"),
        (HIDES, "ended without an answer. A bare except may hide an error."),
    ],
)
def test_wrong_workers_are_told_why(answers, monkeypatch, source, words):
    monkeypatch.setattr("helpers.course.pipe.exercises.WORKER_PATIENCE", 2.0)
    verdict = pipe_1.check(answers(source).double_until_closed)
    assert verdict.state == "wrong" and words in verdict.words, verdict.words


SEND_FIRST = """def exchange(connection, message, first):
    connection.send_bytes(message)
    return connection.recv_bytes()
"""
#: one of the two paths forgets its return, and one breaks
FORGETS = """def exchange(connection, message, first):
    if first:
        connection.send_bytes(message)
        return connection.recv_bytes()
    connection.recv_bytes()
    connection.send_bytes(message)
"""
BREAKS = FORGETS.replace("    connection.recv_bytes()\n    connection", "    connection.recv_bytes()\n    conn")
BREAKS_FIRST = BREAKS.replace("if first", "if not first")
RECEIVE_FIRST = """def exchange(connection, message, first):
    received = connection.recv_bytes()
    connection.send_bytes(message)
    return received
"""
KEEPS_ITS_OWN = """def exchange(connection, message, first):
    return message
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (SEND_FIRST, "5,000,000 bytes it did not return"),
        (RECEIVE_FIRST, "One of them must send first"),
        (KEEPS_ITS_OWN, "returns the message that it sent itself"),
        (FORGETS, "first=False returns nothing"),
        (BREAKS, "first=False raises NameError: name 'conn'"),
        (BREAKS_FIRST, "first=True raises NameError: name 'conn'"),
    ],
)
def test_exchanges_that_can_deadlock_are_told_why(answers, monkeypatch, source, words):
    if source in (SEND_FIRST, RECEIVE_FIRST):  # these wait for ever
        monkeypatch.setattr("helpers.course.pipe.exercises.EXCHANGE_PATIENCE", 1.0)
    verdict = pipe_2.check(answers(source).exchange)
    assert verdict.state == "wrong" and words in verdict.words, verdict.words


def test_processes_that_come_up_slowly_are_not_taken_for_a_deadlock(answers, monkeypatch):
    monkeypatch.setattr("helpers.course.pipe.exercises.METHODS", ("spawn",))
    monkeypatch.setattr("helpers.course.pipe.exercises.EXCHANGE_PATIENCE", 0.8)
    monkeypatch.setattr("helpers.course.pipe.exercises.WORKER_PATIENCE", 0.8)
    slow = "import time\ntime.sleep(1.2)\n"
    verdict = pipe_2.check(answers(slow + pipe_2.answer.removeprefix("%%worker\n")).exchange)
    assert verdict.state == "right", verdict.words
    verdict = pipe_1.check(answers(slow + DOUBLE).double_until_closed)
    assert verdict.state == "right", verdict.words


GATHER = pipe_3.answer.removeprefix("%%worker\n")
LOOP = """def gather(func, items, n_workers):
    return [func(item) for item in items]
"""
#: two workers, and each is waited for before the other one gets an item
TAKES_TURNS = (
    GATHER[: GATHER.index("def gather")]
    + """def gather(func, items, n_workers):
    results, ours = [], []
    for _ in range(n_workers):
        mine, theirs = Pipe()
        Process(target=work_on_items, args=(theirs, func)).start()
        theirs.close()
        ours.append(mine)
    for index, item in enumerate(items):
        connection = ours[index % n_workers]
        connection.send((index, item))
        results.append(connection.recv()[1])
    return results
"""
)
BY_POOL = """from multiprocessing import Pool
def gather(func, items, n_workers):
    with Pool(n_workers) as pool:
        return pool.map(func, items, 1)
"""
#: right as long as nobody is in the middle of a message when the other one begins
ONE_PIPE = """from multiprocessing import Pipe, Process
def work(connection, func, items):
    connection.send([func(item) for item in items])
def gather(func, items, n_workers):
    ours, theirs = Pipe()
    workers = [Process(target=work, args=(theirs, func, items[first::2])) for first in range(2)]
    for worker in workers:
        worker.start()
    results = sorted(ours.recv() + ours.recv())
    for worker in workers:
        worker.join()
    return results
"""
#: waits for the end of workers that wait for room in their pipes
JOINS_FIRST = """from multiprocessing import Pipe, Process
def work(connection, func, items):
    connection.send([func(item) for item in items])
def gather(func, items, n_workers):
    pipes, workers, results = [Pipe() for _ in range(n_workers)], [], [None] * len(items)
    for number, (_, theirs) in enumerate(pipes):
        workers.append(Process(target=work, args=(theirs, func, items[number::n_workers])))
        workers[-1].start()
    for worker in workers:
        worker.join()
    for number, (ours, _) in enumerate(pipes):
        results[number::n_workers] = ours.recv()
    return results
"""
#: in the order of the items, but without regard to n_workers
A_PROCESS_EACH = GATHER.replace("range(n_workers)", "items")
#: the ends stay open in a list of the module, and the workers wait at the other ends
LEAVES_WORKERS = "KEPT = []\n" + TAKES_TURNS.replace(
    "ours.append(mine)", "ours.append(mine)\n        KEPT.append(mine)"
)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (LOOP, "the process that called gather did the work"),
        (BY_POOL, "give each a Pipe, without a pool or a queue"),
        (ONE_PIPE, "2 workers share 1 pipe"),
        (
            GATHER.replace("except EOFError", "except KeyError"),
            "ended with exit code 1, by EOFError. recv raises EOFError",
        ),
        (JOINS_FIRST, "5,000,000 bytes it never returns"),
        (A_PROCESS_EACH, "5 processes did the work where n_workers is 2"),
        (TAKES_TURNS, "never by 2 at the same time"),
        (GATHER.replace("results[index] = result", "results[0] = result"), "the plain loop"),
        (LEAVES_WORKERS, "is still running"),
    ],
)
def test_gathers_that_are_serial_or_leave_something_are_told_why(answers, monkeypatch, source, words):
    monkeypatch.setattr("helpers.course.pipe.exercises.METHODS", (None,))
    if source in (LOOP, TAKES_TURNS):
        monkeypatch.setattr("helpers.course.pipe.exercises.spy_on", functools.partial(spy_on, patience=0.5))
    if source == JOINS_FIRST:
        monkeypatch.setattr("helpers.exercises.trial.CHECK_DEADLINE", 6.0)
    verdict = pipe_3.check(answers(source).gather)
    assert verdict.state == "wrong" and words in verdict.words, verdict.words
