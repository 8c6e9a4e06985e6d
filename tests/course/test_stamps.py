"""Where each clock reading of the topics is taken: shown by a clock that moves only when a test moves it."""

import multiprocessing
from array import array

import pytest

from helpers.course.counting import tasks as counting
from helpers.course.lock import tasks as locks
from helpers.course.pipe import partners
from helpers.course.pool import break_even, playing, runs
from helpers.course.pool import tasks as pool
from helpers.course.process import tasks as process
from helpers.course.queue import tasks as queues
from helpers.measure import Watch


class Clock:
    """A clock that stands still until `pass_by` is called; put in the place of a module's perf_counter."""

    def __init__(self, monkeypatch, *modules, name="perf_counter"):
        self.now = 0.0
        for module in modules:
            monkeypatch.setattr(module, name, lambda: self.now)

    def pass_by(self, seconds, result=None):
        self.now += seconds
        return result


def test_a_pool_task_begins_before_its_work_and_ends_after_it(monkeypatch):
    clock, columns = Clock(monkeypatch, pool), array("d", [0.0] * 4)
    clock.now = 10.0
    monkeypatch.setattr(pool, "do_work", lambda kind, size: clock.pass_by(size, "done"))
    assert pool.note_task(columns, 1, 0, "computing", 0, 5) == "done"
    assert list(columns[:3]) == [1, 10.0, 15.0]


def test_a_put_and_a_get_are_stamped_before_and_after(monkeypatch):
    clock = Clock(monkeypatch, queues)
    log = queues.QueueLog(multiprocessing.RawArray("d", queues.log_size(2)))
    taking = {"put": lambda self, item: clock.pass_by(3.0), "get": lambda self: clock.pass_by(2.0, 7)}
    slow = type("Queue", (), taking)()
    clock.now = 1.0
    queues.put_recorded(slow, 7, log)
    assert queues.get_recorded(slow, log) == 7
    # put called at 1 and back at 4, get called at 4 and back at 6
    assert list(log.cells[queues.HEAD :]) == [1.0, 7.0, 4.0, 4.0, 7.0, 6.0]


def test_a_lock_is_asked_for_before_it_is_got(monkeypatch):
    clock = Clock(monkeypatch, locks)
    taking = {"acquire": lambda self: clock.pass_by(3.0), "release": lambda self: clock.pass_by(1.0)}
    traced = locks.TracedLock(type("Lock", (), taking)())
    with traced:
        clock.pass_by(5.0)
    assert (list(traced.asked), list(traced.got), list(traced.released)) == ([0.0], [3.0], [8.0])


class Link:
    """One end of a pipe: gives what was put in, keeps what is sent."""

    def __init__(self, *incoming):
        self.incoming, self.sent = [*incoming, None], []

    def recv(self):
        return self.incoming.pop(0)

    def send(self, message):
        self.sent.append(message)


def test_a_job_at_a_lock_begins_at_the_common_start_and_ends_with_its_work(monkeypatch):
    clock, link = Clock(monkeypatch, locks), Link(("plain", 7.0, ([1.0], 2.0, "wait")))
    monkeypatch.setattr(locks, "begin_at", lambda start: clock.pass_by(start - clock.now))
    monkeypatch.setattr(locks, "end_with_parent", lambda: None)
    monkeypatch.setitem(locks.WORK, "wait", clock.pass_by)
    locks.serve(link, multiprocessing.RawValue("q", 0), None)
    assert link.sent == ["ready", (7.0, 10.0, (b"", b"", b""), None)]  # 1 s free and 2 s inside, from 7 on


def test_the_jobs_of_the_baseline_take_no_lock_and_the_others_do():
    class Counted:
        taken = 0

        def acquire(self):
            self.taken += 1

        def release(self):
            pass

    lock, counter = Counted(), multiprocessing.RawValue("q", 0)
    locks.JOBS["plain"](counter, lock, [0.0, 0.0], 0.0, "wait")
    locks.JOBS["unprotected"](counter, lock, [0.0, 0.0], 0.0, "wait")
    assert lock.taken == 0
    locks.JOBS["sections"](counter, lock, [0.0, 0.0], 0.0, "wait")
    assert (lock.taken, counter.value) == (2, 6)


@pytest.mark.parametrize("way", ["no lock", "merge at the end"])
def test_a_slice_of_counting_begins_at_the_common_start(monkeypatch, way):
    clock, link = Clock(monkeypatch, counting), Link((way, 7.0, 3, 10, 60.0))
    monkeypatch.setattr(counting, "begin_at", lambda start: clock.pass_by(start - clock.now))
    monkeypatch.setattr(counting, "end_with_parent", lambda: None)
    counter = type("Slow", (), {"seen": 0, "value": property(lambda s: s.seen, lambda s, n: clock.pass_by(2.0))})()
    counting.count_slices(link, counter, multiprocessing.Lock(), None, None)
    # without a lock three updates of 2 s each; merged, one
    assert link.sent == ["ready", (7.0, 13.0 if way == "no lock" else 9.0, 3, None)]


def test_a_process_is_called_before_it_starts(monkeypatch):
    clock, told = Clock(monkeypatch, process), Link()

    class Fake:
        def __init__(self, target, args, name):
            self.exitcode = 0

        def start(self):
            clock.pass_by(3.0)

        def join(self, seconds):
            clock.pass_by(5.0)

    context = type("Context", (), {"Process": Fake})
    monkeypatch.setattr(process, "get_context", lambda method: context)
    told.close = lambda: None
    process.run_lives(told, [told, told], "spawn", [0.0, 0.0])
    assert told.sent == [
        (0, "called", 0.0),
        (0, "returned", 3.0),
        (1, "called", 3.0),
        (1, "returned", 6.0),
        (0, "joined", 11.0, 0),
        (1, "joined", 16.0, 0),
    ]


def test_a_delivery_ends_with_the_answer_and_shared_is_not_sent(monkeypatch):
    clock, seen = Clock(monkeypatch, partners), []

    def ask_all(self, questions):
        (question,) = questions
        seen.append(type(question))
        clock.pass_by(4.0)

    crew = type("Crew", (), {"ask_all": ask_all})()
    assert partners.deliver_pickled(crew, b"12345") == 4.0
    assert partners.deliver_shared(crew, b"12345") == (0.0, 4.0)
    assert seen == [bytes, tuple]


class FakePool:
    """A pool that needs 3 s to come up and 2 s for the items, and 1 s to go."""

    def __init__(self, clock):
        self.clock = clock
        clock.pass_by(3.0)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.clock.pass_by(1.0)

    def map(self, func, items):
        return self.clock.pass_by(2.0, [func(item) for item in items])


def test_a_cold_pool_is_timed_with_its_start_and_a_warm_one_without(monkeypatch):
    clock = Clock(monkeypatch, break_even)
    fakes = {"Pool": lambda self, *given: FakePool(clock), "get_start_method": lambda self: "spawn"}
    context = type("Context", (), fakes)()
    monkeypatch.setattr(break_even.multiprocessing, "get_context", lambda method: context)
    monkeypatch.setattr(break_even.uneven, "count_loops_per_ms", lambda: 1.0)
    monkeypatch.setattr(break_even.uneven, "burn", lambda n_loops: n_loops)
    rows = list(break_even.play_break_even(2, (4.0,), 2, "spawn", 1))
    assert [row[:4] for row in rows] == [(4.0, 0.0, 5.0, 2.0)]  # 3 to come up and 2 to work; 2 to work


def test_a_pool_is_asked_for_before_it_starts(monkeypatch):
    clock = Clock(monkeypatch, playing)
    plan = runs.PoolPlan((1.0,), "map", 1, 1, "spawn")
    context = multiprocessing.get_context("spawn")
    monkeypatch.setattr(type(context), "Pool", lambda self, *given: FakePool(clock))
    played = playing._PlayedPool(plan, [(0, 1)])
    played.__enter__()
    assert (played.asked, clock.now) == (0.0, 3.0)


def test_looks_at_the_serial_loop_do_not_take_time_off_it(monkeypatch):
    clock = Clock(monkeypatch, playing, pool)
    monkeypatch.setattr(playing.uneven, "do_work", lambda kind, size: clock.pass_by(size, size))
    board, seen = array("d", [0.0] * 8), []
    for seconds in playing._play_serial([(0, 2.0), (1, 3.0)], "computing", 60.0, True, board, {}, Watch()):
        seen.append(seconds)
        clock.pass_by(100.0)  # the caller draws
    # two tasks of 2 and 3 s, looked at after each: what the caller took is no part of it
    assert seen == [2.0, 5.0, 5.0]
    assert list(board[2:6]) == [0.0, 2.0, 2.0, 5.0]
