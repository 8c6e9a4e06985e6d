"""The crew: all come up, answer in order, and are gone afterwards, however it ends."""

import multiprocessing
import os
import signal
import time

import pytest

from helpers import crew as toolkit_crew
from helpers.errors import WorkerDiedError
from helpers.machine import start_methods
from helpers.tasks import crew as twin
from helpers.tasks.crew import MemberDied, call_all, find_problem, run_all

METHODS = sorted(start_methods())
every_method = pytest.mark.parametrize("method", METHODS)


def answer(link, factor):
    """Say ready, then answer numbers with their products; "die", "end", "sleep" and "raise" do as they say."""
    link.send("ready")
    while (asked := link.recv()) is not None:
        if asked == "die":
            os._exit(3)
        if asked == "end":
            return
        if asked == "sleep":
            time.sleep(60)
        link.send(asked * factor)


def ignore_the_end(link):
    """Never look at the link again, and ignore SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    link.send("ready")
    time.sleep(60)


def multiply(number, factor):
    return number * factor


def fail(number):
    raise ValueError(f"not {number}")


def wait_or_return(number):
    if number:
        time.sleep(60)
    return number


def leave(number):
    os._exit(number)


def crew_of(method, *factors, **options):
    return toolkit_crew.Crew(answer, [(factor,) for factor in factors], method, **options)


@every_method
def test_members_come_up_answer_in_order_and_are_gone(method):
    with crew_of(method, 1, 10, 100) as crew:
        assert crew.receive_all() == ["ready"] * 3
        assert crew.ask_all([2, 3, 4]) == [2, 30, 400]
        assert crew.ask_all([5]) == [5]  # the others wait for the next question
        processes = list(crew.processes)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert multiprocessing.active_children() == []


@every_method
@pytest.mark.parametrize("last_word", ["die", "end"])
def test_a_member_that_ends_instead_of_answering_is_named(method, last_word):
    with pytest.raises(WorkerDiedError, match="Worker 2 ended by itself") as caught:
        with crew_of(method, 1, 10) as crew:
            crew.receive_all()
            crew.ask_all([1, last_word])
    assert caught.value.exitcode == (3 if last_word == "die" else 0)
    assert multiprocessing.active_children() == []


def test_a_member_that_died_before_it_was_asked_is_named():
    with pytest.raises(WorkerDiedError, match="Worker 1"):
        with crew_of("spawn", 1, 10) as crew:
            crew.receive_all()
            crew.processes[0].kill()
            crew.processes[0].join()
            crew.ask_all([1, 1])


def test_what_a_member_said_before_it_died_is_not_lost():
    with crew_of(None, 1) as crew:
        crew.receive_all()
        crew.send(0, 7)
        crew.send(0, "die")
        crew.processes[0].join(10)
        assert crew.receive_all() == [7]
        with pytest.raises(WorkerDiedError):
            crew.receive_all()


def test_a_member_that_never_answers_ends_at_the_deadline():
    with pytest.raises(TimeoutError, match="worker 2 did not answer within 0.3 s"):
        with crew_of(None, 1, 10, patience=0.3) as crew:
            crew.receive_all()
            crew.ask_all([1, "sleep"])
    assert multiprocessing.active_children() == []


def test_a_member_that_ignores_its_end_is_killed(monkeypatch):
    monkeypatch.setattr(twin, "END_SECONDS", 0.2)
    with toolkit_crew.Crew(ignore_the_end, [()], names=["the stubborn one"]) as crew:
        crew.receive_all()
        (process,) = crew.processes
    assert process.exitcode == -signal.SIGKILL


def test_an_error_of_the_caller_ends_all_at_once():
    began = time.monotonic()
    with pytest.raises(KeyError):
        with crew_of(None, 1, 10) as crew:
            crew.receive_all()
            crew.send(1, "sleep")
            raise KeyError("mine")
    assert multiprocessing.active_children() == [] and time.monotonic() - began < 30


def test_a_target_that_cannot_start_leaves_nothing():
    with pytest.raises(Exception, match="pickle|local"):
        with toolkit_crew.Crew(answer, [(1,), (lambda: 0,)], "spawn"):
            pass
    assert multiprocessing.active_children() == []


def test_waiting_for_a_condition_ends_by_it_by_a_death_or_by_the_deadline():
    context = multiprocessing.get_context()
    value = context.RawValue("i", 0)
    with twin.Crew(store, [(value, 5)], context, links=False) as crew:
        crew.wait_until(lambda: value.value == 5, 20)
    with pytest.raises(MemberDied, match="exit code 4"):
        with twin.Crew(leave, [(4,)], context, links=False) as crew:
            crew.wait_until(lambda: False, 20)
    with pytest.raises(TimeoutError, match="did not come up within 0.1 s"):
        with twin.Crew(wait_or_return, [(1,)], context, links=False) as crew:
            crew.wait_until(lambda: False, 0.1, "come up")
    assert multiprocessing.active_children() == []


def store(value, number):
    value.value = number


def test_run_all_gives_exit_codes_and_none_for_those_that_were_killed():
    assert run_all(leave, [(0,), (7,)]) == [0, 7]
    assert run_all(wait_or_return, [(0,), (1,)], seconds=1.5) == [0, None]
    assert multiprocessing.active_children() == []


def test_calls_side_by_side_tell_how_they_ended():
    told = call_all(multiply, [(2, 3), (4, 5)], 20)
    assert [(one.outcome, one.value) for one in told] == [("returned", 6), ("returned", 20)]
    assert find_problem(told) is None
    raised = find_problem(call_all(fail, [(1,)], 20))
    assert raised.outcome == "raised" and "ValueError: not 1" in raised.text
    assert find_problem(call_all(leave, [(3,)], 20)).outcome == "ended"
    told = call_all(wait_or_return, [(0,), (1,)], 1.0)
    assert [one.outcome for one in told] == ["returned", "late"]
    # one that goes wrong ends the waiting: the other is cut, and is not the reason
    told = call_all(fail_or_wait, [("wait",), ("fail",)], 30)
    assert [one.outcome for one in told] == ["cut", "raised"] and find_problem(told).outcome == "raised"
    assert multiprocessing.active_children() == []


class ComesLate:
    """What takes a while to unpickle, and knows when it came: its process comes up that much later."""

    def __init__(self, seconds, came=0.0):
        self.seconds, self.came = seconds, came

    def __reduce__(self):
        return come_late, (self.seconds,)


def come_late(seconds):
    time.sleep(seconds)
    return ComesLate(seconds, time.perf_counter())


def tell_times(thing):
    return thing.came, time.perf_counter()


class Fatal:
    """What ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


@pytest.mark.parametrize("method", [method for method in start_methods() if method != "fork"])
def test_calls_side_by_side_begin_when_all_are_up_and_the_deadline_begins_then(method):
    context = multiprocessing.get_context(method)
    # the second comes two seconds after the first, and the deadline of one second has not begun before
    told = call_all(tell_times, [(ComesLate(0.0),), (ComesLate(2.0),)], 1.0, context)
    assert [one.outcome for one in told] == ["returned", "returned"]
    (_, first_called), (second_came, _) = (one.value for one in told)
    assert first_called >= second_came
    told = call_all(tell_times, [(ComesLate(0.0),), (Fatal(),)], 20, context)
    assert [one.outcome for one in told] == ["ended", "ended"]
    assert multiprocessing.active_children() == []


def fail_or_wait(what):
    if what == "fail":
        raise KeyError(what)
    time.sleep(60)


def test_errors_of_the_twin_survive_pickling():
    import pickle

    error = pickle.loads(pickle.dumps(MemberDied("gone", 3)))
    assert (str(error), error.exitcode) == ("gone", 3)
