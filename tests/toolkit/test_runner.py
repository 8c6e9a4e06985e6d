"""The runner: a process of its own, kept warm, replaced when it must be, and never outliving what started it."""

import os
import sys
import time

import pytest
from leftovers import group_of, no_leftovers

from helpers import runner
from helpers.arguments import check_count
from helpers.errors import HelpersError, InvalidArgumentError, TaskFailedError, WorkerDiedError
from helpers.measure.answers import run_answer
from helpers.runner import describe_exit
from helpers.tasks import cpu, faults

PLAYS = """
import os, signal, sys, threading, time

def count(n):
    for number in range(n):
        yield number, os.getpid()

def say(text):
    print(text)
    print('and on stderr', file=sys.stderr)
    yield 1

def look():
    yield threading.active_count(), os.getsid(0) == os.getpid(), sys.path, os.getcwd()

def track():
    from multiprocessing import resource_tracker
    yield resource_tracker._resource_tracker._fd is not None

def fail():
    yield 1
    raise KeyError('gone')

def fail_oddly():
    yield 1
    class Odd(Exception): pass
    raise Odd('hard to pickle')

def unreadable():
    import __main__
    class Gone: pass
    Gone.__qualname__, Gone.__module__ = 'Gone', '__main__'
    __main__.Gone = Gone
    yield Gone()

def unpicklable():
    yield lambda: 1

def raise_one(name):
    yield 1
    if name == "thread":
        raise RuntimeError("can't start new thread")
    raise {"exit": SystemExit, "close": GeneratorExit, "space": OSError, "memory": MemoryError}[name](28, "no luck")

def wait_at_the_third():
    yield 1
    yield 2
    time.sleep(60)

def resist():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield 1
    while True: time.sleep(1)
"""


@pytest.fixture
def plays(tmp_path, monkeypatch):
    """A module of generator functions that the runner can import."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "plays_for_tests.py").write_text(PLAYS, encoding="utf-8")
    import plays_for_tests

    yield plays_for_tests
    runner.end_all()
    sys.modules.pop("plays_for_tests")


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has names that outlive their processes")
def test_what_removes_leftovers_is_up_before_there_can_be_any(plays):
    assert list(runner.play(plays.track, timeout=20)) == [True]


def test_records_come_in_order_and_a_warm_runner_plays_again(plays):
    first = list(runner.play(plays.count, 3, timeout=20))
    again = list(runner.play(plays.count, 2, timeout=20))
    assert [number for number, _ in first] == [0, 1, 2] and {pid for _, pid in first} == {pid for _, pid in again} != {
        os.getpid()
    }


def test_another_key_path_or_folder_needs_another_process(plays, tmp_path, monkeypatch):
    (_, first), *_ = runner.play(plays.count, 1, timeout=20)
    (_, other), *_ = runner.play(plays.count, 1, key="other", timeout=20)
    monkeypatch.chdir(tmp_path)
    (_, moved), *_ = runner.play(plays.count, 1, key="other", timeout=20)
    monkeypatch.syspath_prepend(str(tmp_path / "more"))
    (_, extended), *_ = runner.play(plays.count, 1, key="other", timeout=20)
    assert len({first, other, moved, extended}) == 4
    assert len(runner.idle_runners()) == 1, "one warm runner is enough"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread watches the parent")
def test_the_runner_has_one_thread_and_a_session_of_its_own(plays, tmp_path):
    threads, leads, path, folder = next(iter(runner.play(plays.look, timeout=20)))
    assert threads == 1 and leads and str(tmp_path) in path and folder == os.getcwd()


def test_the_next_record_waits_for_the_nod(plays):
    records = runner.play(plays.count, 3, timeout=20)
    next(records)
    time.sleep(0.2)
    assert [number for number, _ in records] == [1, 2]


def test_each_record_may_have_a_deadline_of_its_own(plays):
    allowed = iter([None, 20, 0.3])
    records = runner.play(plays.wait_at_the_third, timeout=lambda: next(allowed))
    assert [next(records), next(records)] == [1, 2]
    with pytest.raises(TimeoutError, match=r"deadline of 0\.3 s"):
        next(records)


def test_a_play_knows_whether_it_was_stopped_and_has_nothing_to_do_with_the_next_one(plays):
    playing = []
    list(runner.play(plays.count, 1, timeout=20, on_start=playing.append))
    assert not playing[0].stopped
    playing[0].stop()
    playing[0].kill()
    assert playing[0].stopped
    assert len(list(runner.play(plays.count, 2, timeout=20, on_start=playing.append))) == 2
    assert playing[1].pid == playing[0].pid and not playing[1].stopped


def test_messages_of_another_play_are_not_read(plays):
    """A message with the number of another play, as a forked child of one that is over could send it."""

    def forge(playing):
        playing.runner.messages.put((playing.number - 1, "record", "of another play"))
        playing.runner.messages.put((playing.number - 1, "end", []))

    assert [number for number, _ in runner.play(plays.count, 2, timeout=20, on_start=forge)] == [0, 1]


def test_a_runner_with_unread_messages_is_not_lent_again(plays):
    playing = []
    records = runner.play(plays.count, 2, timeout=20, on_start=playing.append)
    (_, first), _ = next(records), next(records)
    playing[0].runner.messages.put((playing[0].number, "record", "too much"))
    playing[0].runner.messages.put((playing[0].number, "end", []))
    playing[0].runner.messages.put((playing[0].number, "record", "too much"))
    list(records)
    assert runner.idle_runners() == set()
    ((_, other),) = runner.play(plays.count, 1, timeout=20)
    assert other != first


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="elsewhere it is a file in a folder")
def test_the_board_has_its_space_for_certain():
    board = runner.handle._make_board()
    try:
        status = os.fstat(board)
        assert status.st_size == runner.handle.BOARD.size and status.st_blocks * 512 >= status.st_size
    finally:
        os.close(board)


def test_leaving_early_ends_the_process(plays):
    records = runner.play(plays.count, 1000, timeout=20)
    _, pid = next(records)
    records.close()
    assert not group_of(pid)


def test_what_is_printed_is_kept_apart_from_the_records(plays):
    playing = []
    assert list(runner.play(plays.say, "hello", timeout=20, on_start=playing.append)) == [1]
    deadline = time.monotonic() + 5
    while "stderr" not in playing[0].printed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "hello" in playing[0].printed and "and on stderr" in playing[0].printed


def test_an_error_arrives_with_the_lines_it_was_raised_on(plays):
    with pytest.raises(KeyError) as caught:
        list(runner.play(plays.fail, timeout=20))
    assert any("in fail" in note for note in caught.value.__notes__)
    no_leftovers()


@pytest.mark.parametrize("name", ["exit", "close", "space", "memory", "thread"])
def test_what_would_end_the_callers_program_becomes_an_error_of_the_project(plays, name):
    """And so does what the system refuses: neither is the caller's mistake."""
    with pytest.raises(HelpersError, match="refused what the work needs|was to end its own program"):
        list(runner.play(plays.raise_one, name, timeout=20))
    no_leftovers()


@pytest.mark.parametrize("name", ["fail_oddly", "unpicklable", "unreadable"])
def test_what_cannot_be_pickled_becomes_an_error_that_can(plays, name):
    with pytest.raises(HelpersError):
        list(runner.play(getattr(plays, name), timeout=20))
    no_leftovers()


def test_stop_from_another_thread_ends_the_play_without_an_error(plays):
    import threading

    playing = []
    threading.Timer(0.3, lambda: playing[0].stop()).start()
    seen = list(runner.play(plays.count, 10**9, on_start=playing.append))
    assert [number for number, _pid in seen] == list(range(len(seen))) and len(seen) < 10**9
    assert not playing[0].alive and runner.idle_runners() == set()
    no_leftovers()


def test_a_play_that_is_killed_ends_without_an_error(plays, monkeypatch):
    import threading

    monkeypatch.setattr("helpers.runner.plays.ASK_EVERY", 30)  # its reader learns first that the process has gone
    playing = []
    records = runner.play(plays.wait_at_the_third, on_start=playing.append)
    first = [next(records), next(records)]
    threading.Timer(0.2, playing[0].kill).start()
    assert first + list(records) == [1, 2]
    no_leftovers()


@pytest.mark.parametrize("early", ["should_stop", "on_start"])
def test_a_stop_before_the_first_record_is_not_forgotten(plays, early):
    options = {"should_stop": lambda: True} if early == "should_stop" else {"on_start": lambda playing: playing.stop()}
    assert list(runner.play(plays.count, 10**9, **options)) == []
    assert runner.idle_runners() == set()


def test_a_stop_that_comes_after_the_end_is_not_for_the_next_play(plays):
    playing = []
    first = list(runner.play(plays.count, 1, timeout=20, on_start=playing.append))
    playing[0].stop()
    assert list(runner.play(plays.count, 1, timeout=20)) == first, "the same process, and it plays"


def test_nothing_is_kept_of_a_runner_whose_play_did_not_end(plays):
    def refuse(_runner):
        raise KeyError("no")

    list(runner.play(plays.count, 5, should_stop=lambda: True))  # now the guardian is up, which is kept
    files = open_files()
    with pytest.raises(KeyError):
        list(runner.play(plays.count, 1, on_start=refuse))
    list(runner.play(plays.count, 5, should_stop=lambda: True))
    with pytest.raises(KeyError):
        list(runner.play(plays.fail, timeout=20))
    records = runner.play(plays.count, 5, timeout=20)
    next(records)
    records.close()
    assert runner.plays._all == set() and runner.idle_runners() == set()
    assert open_files() == files


def open_files():
    """Return how many files this process has open; 0 where that cannot be seen."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_process_that_resists_is_killed(plays):
    records = runner.play(plays.resist, timeout=20)
    next(records)
    pid = next(iter(runner.plays._all)).pid
    began = time.monotonic()
    records.close()
    assert not group_of(pid) and time.monotonic() - began < 5


def test_a_runner_that_was_killed_while_idle_is_replaced(plays):
    import psutil

    (_, pid), *_ = runner.play(plays.count, 1, timeout=20)
    psutil.Process(pid).kill()
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=3)
    (_, other), *_ = runner.play(plays.count, 1, timeout=20)
    assert other != pid


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_does_not_keep_the_runner_alive_or_end_it(plays):
    (_, pid), *_ = runner.play(plays.count, 1, timeout=20)
    child = os.fork()
    if child == 0:
        clean = not runner.plays._all and not runner.plays._idle
        runner.end_all()
        os._exit(0 if clean else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [process for process in group_of(pid)], "it is still the parent's"


def test_exits_are_told_in_words():
    assert describe_exit(3) == "exit code 3" and "SIGKILL" in describe_exit(-9) and "memory" in describe_exit(-9)
    assert "signal 77" in describe_exit(-77) and "unknown" in describe_exit(None)


def test_errors_keep_their_facts_when_they_travel():
    import pickle

    error = pickle.loads(pickle.dumps(TaskFailedError("it failed", index=3, results=[1, None])))
    assert str(error) == "it failed" and error.index == 3 and error.results == [1, None] and error.failures == {}
    assert isinstance(pickle.loads(pickle.dumps(InvalidArgumentError("no"))), ValueError)


def test_two_errors_share_nothing():
    one, other = TaskFailedError("one"), TaskFailedError("other")
    one.failures[3] = one.results.append("of one")
    assert (other.failures, other.results) == ({}, []) and (TaskFailedError("third").failures) == {}
    died = WorkerDiedError("one")
    died.results[0] = "of one"
    assert WorkerDiedError("other").results == {}


@pytest.mark.parametrize("value", [0, 11, 1.0, "3", None, True])
def test_counts_out_of_range_name_argument_and_range(value):
    with pytest.raises(InvalidArgumentError, match="repeats must be a whole number from 1 to 10"):
        check_count("repeats", value, 1, 10)


def test_an_answer_is_called_in_a_fresh_process_under_the_start_method_asked_for():
    answers = [run_answer(faults.return_process_id, 0, start_method=method) for method in ("spawn", "spawn", None)]
    assert len({answer.value for answer in answers} | {os.getpid()}) == 4 and not any(answer.left for answer in answers)
    assert run_answer(cpu.sum_squares, 4).value == 14
    assert "ValueError" in run_answer(faults.raise_on_bad, 3).error
    with pytest.raises(WorkerDiedError):
        run_answer(faults.exit_on_bad, 3)
    no_leftovers()
