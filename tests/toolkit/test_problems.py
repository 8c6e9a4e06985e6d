"""Sweeps that go on: items changed in place, pairs that fail, deadlines taken from the serial loop."""

import pickle
import time

import numpy as np
import pytest
from leftovers import no_leftovers

from helpers.errors import TaskFailedError
from helpers.labs import SpeedupLab
from helpers.measure import pack_function, pack_items, problems, sweep, sweeps
from helpers.measure.badges import CHANGES_ITEMS
from helpers.measure.playing import BLOCK, MANY, play_visits, were_changed

# ── items changed in place ───────────────────────────────────────────────────────────────────


class Counted:
    """A number that counts how often it is compared: the work of sorting."""

    compared = 0

    def __init__(self, number):
        self.number = number

    def __lt__(self, other):
        Counted.compared += 1
        return self.number < other.number

    def __eq__(self, other):
        return isinstance(other, Counted) and self.number == other.number

    __hash__ = None


def sort_in_place(item):
    item.sort()
    return [counted.number for counted in item]


def play_here(func, items, visits):
    """Yield the runs of visits that share this process."""
    return play_visits(pack_function(func), pack_items(items), visits, None, None, None, None)


def test_a_task_that_changes_its_items_has_the_same_work_in_every_visit():
    items = [[Counted(number * 7 % 11) for number in range(11)], [Counted(number) for number in (3, 1, 2)]]
    work, before = [], Counted.compared
    for run in play_here(sort_in_place, items, [(0, "serial", 1), (1, "threads", 2), (1, "serial", 1)]):
        work.append(Counted.compared - before)
        before = Counted.compared
        assert run.badges[-1] == CHANGES_ITEMS
    # sorting 11 numbers in disorder takes more than the 10 comparisons that numbers in order take
    assert work[0] > 10 + 2 and work == [work[0]] * 3


def test_a_function_that_changes_its_items_is_told_in_table_badges_and_doubts():
    result = sweep(sort_numbers, [[3, 1, 2]] * 4, engines="threads", n_workers=2, repeats=3, timeout=30)
    assert all(CHANGES_ITEMS in run.badges for run in result.runs)
    assert CHANGES_ITEMS in result.doubts("threads", 2) and CHANGES_ITEMS in str(result)


def sort_numbers(numbers):
    numbers.sort()
    return numbers


class Blank:
    """An item that equals itself alone, and whose pickle is never twice the same."""

    made = 0

    def __getstate__(self):
        Blank.made += 1
        return {"made": Blank.made}

    def __setstate__(self, state):
        pass


class Refusing:
    """An item that cannot be compared at all."""

    def __eq__(self, other):
        raise SystemExit("no comparison")

    __hash__ = None


class Plain:
    """An object without a comparison of its own: equal to itself alone."""

    def __init__(self, value):
        self.value = value


UNTOUCHED = {
    "numbers": lambda: list(range(2 * BLOCK + 1)),
    "NaN": lambda: [float("nan"), 1.0],
    "arrays": lambda: [np.arange(4)[::-1], np.eye(3)[:, 1]],
    "plain objects": lambda: [Plain(1), Plain([2])],
    "what is never twice the same": lambda: [Blank(), Blank()],
    "what cannot be compared": lambda: [Refusing()],
    "nothing": list,
}


@pytest.mark.parametrize("kind", UNTOUCHED)
def test_items_that_nobody_changed_are_not_called_changed(kind):
    packed = pickle.dumps(UNTOUCHED[kind](), protocol=5)
    assert were_changed(pickle.loads(packed), packed) is False


def append_to(items):
    items[-1].append(9)


def overwrite(items):
    items[-1][0] = 9


def give_value(items):
    items[-1].value = 9


CHANGED = {
    "a list": (lambda: [[1], [2]], append_to),
    "an array": (lambda: [np.arange(3), np.arange(3)], overwrite),
    "a plain object": (lambda: [Plain(1)], give_value),
    "beside what is never twice the same": (lambda: [Blank(), [2]], append_to),
    "in the last block": (lambda: [*range(3 * BLOCK), [2]], append_to),
}


@pytest.mark.parametrize("kind", CHANGED)
def test_a_change_of_one_item_is_seen(kind):
    make, change = CHANGED[kind]
    packed = pickle.dumps(make(), protocol=5)
    items = pickle.loads(packed)
    change(items)
    assert were_changed(items, packed) is True


def test_looking_for_changes_looks_at_few_items_one_by_one():
    Blank.made = 0
    packed = pickle.dumps([Blank() for _ in range(4 * MANY * BLOCK)], protocol=5)
    items = pickle.loads(packed)
    Blank.made = 0
    assert were_changed(items, packed) is False
    # blocks: used and fresh once each, all of 10; one by one: two copies, each pickled a few times at most
    assert Blank.made <= (2 + 8) * MANY * BLOCK


def test_looking_for_changes_of_a_million_numbers_is_over_soon():
    packed = pickle.dumps(list(range(1_000_000)), protocol=5)
    items, began = pickle.loads(packed), time.monotonic()
    assert were_changed(items, packed) is False
    assert time.monotonic() - began < 20, "a generous deadline: it takes a twentieth of a second"


# ── pairs that fail, with real processes ─────────────────────────────────────────────────────

#: Tasks that are not safe in threads. Both threads wait for each other in the middle, so that they do overlap.
TASKS = """
import os, threading
from multiprocessing import parent_process

meeting, now, LOCK, calls = threading.Barrier(2), None, threading.Lock(), []

def plan(item):
    "Not safe: where two threads have set the one global, one of them finds the other's item."
    global now
    now = item
    if in_thread():
        meeting.wait(20)
        mine = now == item
        meeting.wait(20)
        if not mine:
            raise ValueError("planned for {another}" + " item" * 100)
    return item * 2

def differ(item):
    "As plan, but it says nothing: one of two threads returns what belongs to the other."
    global now
    now = item
    if in_thread():
        meeting.wait(20)
    return now * 2

def hang(item):
    "Two threads wait for each other's lock; all but threads get through."
    if in_thread():
        threading.Event().wait()
    return item * 2

def exit_in_thread(item):
    if in_thread():
        print("in a thread", flush=True)
        os._exit(5)
    return item * 2

def exit_in_process(item):
    if parent_process() is not None and item == 2:
        os._exit(6)
    return item * 2

def give_lock(item):
    return LOCK

def fail_twice(item):
    "Fails in threads and in worker processes."
    if in_thread() or parent_process() is not None:
        raise KeyError(item)
    return item * 2

def break_here(item):
    "A thread leaves its process with a global that no task can be done with any more."
    global now
    if now == "broken" or in_thread():
        now = "broken"
        raise RuntimeError("broken for good")
    return item * 2

def fail_in_round_2(item):
    "Threads have two visits of two items; the fifth call in a thread fails."
    if in_thread():
        calls.append(item)
        if len(calls) > 4:
            raise ValueError("worn out")
    return item * 2

def hang_later(item):
    "The serial loop ends the first time, and never again."
    global now
    if now == item:
        threading.Event().wait()
    now = item
    return item

def in_thread():
    return threading.current_thread() is not threading.main_thread() and parent_process() is None
"""


@pytest.fixture
def tasks(answers):
    return answers(TASKS)


def measure(func, engines=("threads", "processes"), **options):
    options = {"n_workers": 2, "repeats": 3, "chunksize": 1, "timeout": 30, **options}
    return sweep(func, [1, 2], engines=engines, **options)


def check_that_only_processes_were_measured(result, kind):
    """Return the one problem, that of the threads."""
    assert result.complete and result.pairs() == [("serial", 1), ("processes", 2)]
    assert [run.round for run in result.runs_of("processes", 2, warmup=True)] == [0, 1, 2, 3]
    assert [run.round for run in result.runs_of("serial", 1, warmup=True)] == [0, 1, 2, 3]
    (problem,) = result.problems
    assert (problem.pair, problem.kind) == (("threads", 2), kind)
    no_leftovers()
    return problem


def test_threads_that_fail_are_a_finding_and_the_others_go_on(tasks):
    problem = check_that_only_processes_were_measured(measure(tasks.plan), "failed")
    assert problem.index in (0, 1) and problem.item == str(problem.index + 1) and problem.round == 0
    start = f"threads × 2 fails on item {problem.index}, which is {problem.item}: ValueError: planned for {{another}}"
    assert problem.reason.startswith(start) and len(problem.reason) < 250 and "\n" not in problem.reason


def test_rounds_before_a_failure_stay_in_the_runs_and_make_no_figures(tasks, monkeypatch):
    monkeypatch.setattr(sweeps, "PASS_SECONDS", 0.0)  # one pass a run: the function counts its calls
    result = measure(tasks.fail_in_round_2)
    assert check_that_only_processes_were_measured(result, "failed").round == 2
    assert [run.round for run in result.runs_of("threads", 2, warmup=True)] == [0, 1]
    assert len(result.runs) == 4 + 4 + 2, "what a fresh process begins with is not among them"


def test_what_failed_leaves_no_mark_on_what_is_measured_afterwards(tasks):
    problem = check_that_only_processes_were_measured(measure(tasks.break_here), "failed")
    assert "RuntimeError: broken for good" in problem.reason


def test_threads_that_give_other_results_are_a_finding(tasks):
    problem = check_that_only_processes_were_measured(measure(tasks.differ), "differs")
    mine, other = (2, 4) if problem.index == 0 else (4, 2)
    said = f"threads × 2 gave {other} for item {problem.index}, which is {problem.item}; the serial loop gave {mine}."
    assert problem.reason == said


def test_threads_that_never_come_back_are_ended_by_a_deadline_from_the_serial_loop(tasks, monkeypatch):
    monkeypatch.setattr(problems, "LEAST_SECONDS", 2)
    problem = check_that_only_processes_were_measured(measure(tasks.hang, timeout=None), "late")
    assert problem.reason.startswith("threads × 2 took more than 2 s, ")
    assert problem.reason.endswith(" times the serial loop: it was ended.")


def test_a_pair_that_passes_a_given_deadline_is_a_finding(tasks):
    problem = check_that_only_processes_were_measured(measure(tasks.hang, timeout=2), "late")
    assert problem.reason == "threads × 2 took more than 2 s, its deadline: it was ended."


def test_threads_that_end_the_process_they_run_in_are_a_finding(tasks):
    problem = check_that_only_processes_were_measured(measure(tasks.exit_in_thread), "died")
    assert problem.reason == "threads × 2 ended the process that it ran in: exit code 5."


@pytest.mark.parametrize("engine", ["processes", "pool"])
def test_a_worker_process_that_dies_is_a_finding(engine, tasks):
    result = measure(tasks.exit_in_process, ("threads", engine), repeats=1)
    assert result.complete and result.pairs() == [("serial", 1), ("threads", 2)]
    (problem,) = result.problems
    assert (problem.pair, problem.kind, problem.index, problem.item) == ((engine, 2), "died", 1, "2")
    assert problem.reason == f"{engine} × 2 lost a worker process at item 1, which is 2: exit code 6."
    no_leftovers()


def test_results_that_cannot_be_sent_back_are_a_finding_of_processes_alone(tasks):
    result = measure(tasks.give_lock, repeats=1)
    assert result.complete and result.pairs() == [("serial", 1), ("threads", 2)]
    (problem,) = result.problems
    assert (problem.kind, problem.index) == ("unsendable", 0)
    assert problem.reason == ("processes × 2 cannot send back the result of item 0, which is 1: it cannot be pickled.")
    no_leftovers()


def test_a_problem_in_every_pair_is_raised_with_all_of_them(tasks):
    told = []
    with pytest.raises(TaskFailedError, match=r"In (threads|processes) × 2: The function failed on item 0") as caught:
        measure(tasks.fail_twice, on_progress=told.append)
    assert {problem.pair for problem in caught.value.sweep.problems} == {("threads", 2), ("processes", 2)}
    assert told[-1].sweep.problems == caught.value.sweep.problems and caught.value.results == [None, None]
    no_leftovers()


def test_a_serial_loop_that_takes_far_longer_than_its_first_round_ends_the_sweep(tasks, monkeypatch):
    monkeypatch.setattr(problems, "LEAST_SECONDS", 2.0)
    monkeypatch.setattr(sweeps, "PASS_SECONDS", 0.0)  # one pass a run: each worker process is asked once
    with pytest.raises(TimeoutError, match="serial × 1"):
        sweep(tasks.hang_later, [1], engines="processes", n_workers=1, repeats=1)
    no_leftovers()


def test_progress_counts_what_is_left_out_and_tells_the_problem(tasks):
    told = []
    result = measure(tasks.exit_in_thread, on_progress=told.append)
    assert [progress.problem for progress in told if progress.problem] == list(result.problems)
    done = [progress.done for progress in told]
    assert done == sorted(done) and done[0] == 0 and done[-1] == told[-1].total == 3 * 4
    # 12 visits, of which 4 of the threads are left out at once
    (at,) = [place for place, progress in enumerate(told) if progress.problem]
    assert told[at].run is None and told[at].done == told[at - 1].done + 4 and len(told) == 1 + 8 + 1


def test_a_stopped_sweep_keeps_its_problems(tasks):
    told = []
    result = measure(tasks.exit_in_thread, repeats=500, on_progress=told.append, should_stop=lambda: len(told) > 12)
    assert not result.complete and [problem.pair for problem in result.problems] == [("threads", 2)]
    assert len(result.runs) >= 6
    no_leftovers()


@pytest.mark.parametrize("when", ["before the next runner", "while it starts"])
def test_a_stop_of_the_runner_that_a_problem_ended_is_not_lost(when, tasks):
    runners, told = [], []

    def keep(playing):
        runners.append(playing)
        if when == "while it starts" and len(runners) == 2:
            runners[0].stop()

    def look(progress):
        told.append(progress)
        if when == "before the next runner" and progress.problem:
            runners[0].stop()

    result = measure(tasks.exit_in_thread, repeats=500, on_progress=look, on_start=keep)
    assert not result.complete and len(result.problems) == 1 and len(result.runs) <= 3
    assert len(runners) == (1 if when == "before the next runner" else 2)
    no_leftovers()


def test_a_lab_goes_on_after_a_problem_and_ends_with_a_full_green_bar(tasks):
    lab = SpeedupLab(tasks.exit_in_thread, [1, 2], engines=("threads", "processes"), n_workers=2, repeats=3)
    assert lab.run(block=True) is lab.result and lab.result.complete and lab.error is None
    assert (lab._progress.value, lab._progress.max, lab._progress.bar_style) == (12, 12, "success")
    assert "2 threads ended by themselves: the function is not safe in threads" in lab._message.value
    assert "in a thread" in lab._extra.value, "what was printed before the problem is kept"
    assert "left out: threads × 2 (died)" in lab._picture.alt and "ThreadPoolExecutor" not in lab.code()
    no_leftovers()


def test_a_lab_in_which_every_pair_fails_shows_the_error_and_keeps_the_problems(tasks):
    lab = SpeedupLab(tasks.fail_twice, [1, 2], engines=("threads", "processes"), n_workers=2, repeats=3)
    with pytest.raises(TaskFailedError):
        lab.run(block=True)
    assert len(lab.result.problems) == 2 and not lab.result.complete and "TaskFailedError" in lab._message.value
    assert lab._progress.bar_style == "warning" and "left out: " in lab._picture.alt
    no_leftovers()
