"""Chapter 05, Lock: measuring functions, LockLab without a browser, and the checks of the exercises."""

import importlib
import multiprocessing
import re
import sys
import threading
import time

import pytest
from leftovers import no_leftovers

from helpers.course.counting.tasks import add_locked, meet_and_call
from helpers.course.lock import LockLab, lock_1, lock_2, lock_3
from helpers.course.lock import tasks as locks
from helpers.course.lock.measure import (
    lock_steps,
    measure_locks,
    run_together,
)
from helpers.course.lock.plots import describe_updates, plot_lanes, plot_lock_speedup
from helpers.course.lock.stacks import MOST_FRAMES, find_stacks, shorten_stack, split_stacks, stands_still
from helpers.course.lock.trials import Meeting
from helpers.errors import InvalidArgumentError, WorkerDiedError
from helpers.exercises.trial import Trial
from helpers.machine import default_start_method, start_methods
from helpers.tasks import faults
from helpers.tasks.crew import Crew, run_all
from helpers.tasks.spy import Spy

METHODS = sorted(start_methods())
SMALL = {"n_workers": (1, 2), "repeats": 1, "n_steps": 12, "work": "wait"}


def words_in(ax):
    return " ".join(text.get_text() for text in [*ax.texts, *ax.get_yticklabels()])


# --- measuring --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_with_the_lock_nobody_is_inside_with_another_and_nothing_is_lost(method):
    sweep = measure_locks(**SMALL, start_method=method, share=0.5)
    assert sweep.complete and sweep.counts() == [1, 2] and len(sweep.runs) == 6
    run = sweep.last_run()
    assert run.lost == 0 and run.n_workers == 2 and [len(lane.got) for lane in run.lanes] == [6, 6]
    spans = sorted((got, released) for lane in run.lanes for got, released in zip(lane.got, lane.released, strict=True))
    assert all(released <= following for (_, released), (following, _) in zip(spans, spans[1:], strict=False))
    for lane in run.lanes:
        assert all(a <= g <= r for a, g, r in zip(lane.asked, lane.got, lane.released, strict=True))
        assert all(r <= a for r, a in zip(lane.released, lane.asked[1:], strict=False))
    assert sum(run.shares().values()) == pytest.approx(1)


@pytest.mark.parametrize("method", METHODS)
def test_without_the_lock_workers_are_inside_together_and_write_over_each_other(method):
    sweep = measure_locks(**SMALL, start_method=method, share=1.0, locked=False)
    run = sweep.last_run()
    assert 0 < run.lost < run.expected == 12
    one, two = run.lanes
    assert any(
        a < d and c < b
        for a, b in zip(one.got, one.released, strict=True)
        for c, d in zip(two.got, two.released, strict=True)
    )
    assert sweep.last_run(1).lost == 0


def test_computing_steps_are_measured_too():
    sweep = measure_locks(n_workers=2, repeats=1, n_steps=8, work="compute", share=0.0)
    assert sweep.last_run().counted == 8 and sweep.speedup(2).low is None


def test_rounds_contain_the_serial_loop_and_the_first_is_not_counted():
    sweep = measure_locks(**{**SMALL, "repeats": 3})
    assert sorted(sweep.walls()) == [1, 2, 3] == sorted(sweep.walls(2))
    assert sweep.speedup(2).n_rounds == 3 and sweep.speedup(2).low is not None


@pytest.mark.parametrize(
    "bad",
    [
        {"share": 1.5},
        {"share": "a"},
        {"work": "play"},
        {"n_workers": 0},
        {"repeats": 0},
        {"n_steps": 0},
        {"timeout": -1},
    ],
)
def test_bad_settings_are_refused_before_anything_starts(bad):
    with pytest.raises(InvalidArgumentError):
        measure_locks(**{**SMALL, **bad})


def test_measuring_can_be_stopped_and_left_early():
    steps = lock_steps(**{**SMALL, "repeats": 500}, should_stop=iter([False] * 3 + [True] * 1000).__next__)
    assert not list(steps)[-1].sweep.complete
    steps = lock_steps(**{**SMALL, "repeats": 500})
    next(steps), next(steps)
    steps.close()
    no_leftovers(1)


def test_a_worker_that_hangs_is_ended_at_the_deadline():
    with pytest.raises(TimeoutError):
        measure_locks(n_workers=1, n_steps=100_000, repeats=1, work="wait", timeout=0.6)
    no_leftovers(1)


def test_run_together_waits_tells_and_ends():
    context = multiprocessing.get_context(default_start_method())
    counter, lock = context.RawValue("i", 0), context.Lock()
    assert run_together(context, add_locked, counter, 500, lock) > 0 and counter.value == 1_000
    with pytest.raises(TimeoutError, match="waits for ever"):
        run_together(context, time.sleep, 60, timeout=0.3)
    with pytest.raises(WorkerDiedError, match="exit code 3"):
        run_together(context, faults.exit_on_bad, faults.BAD_ITEM)
    assert multiprocessing.active_children() == []


def test_nobody_calls_before_all_are_at_the_gate():
    gate, called = threading.Barrier(2), []
    first = threading.Thread(target=meet_and_call, args=(gate, called.append, "first"))
    first.start()
    first.join(0.1)
    assert called == []
    meet_and_call(gate, called.append, "second")
    first.join(30)
    assert sorted(called) == ["first", "second"]


# --- tasks ------------------------------------------------------------------------------------


def test_traced_lock_notes_three_times_a_section():
    lock = multiprocessing.Lock()
    traced = locks.TracedLock(lock)
    with traced:
        assert not lock.acquire(block=False)
    assert lock.acquire(block=False)
    assert len(traced.asked) == len(traced.got) == len(traced.released) == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_holder_keeps_the_others_out(method):
    context = multiprocessing.get_context(method)
    lock, holding = context.Lock(), context.Event()
    with Crew(locks.hold_for_ever, [(lock, holding)], context, links=False) as crew:
        assert holding.wait(30)
        crew.processes[0].kill()
        crew.processes[0].join(30)
        assert crew.exitcodes[0] < 0 and not lock.acquire(timeout=0.2)


def test_an_event_lets_nobody_pass_before_it_is_set():
    context = multiprocessing.get_context(default_start_method())
    event, answers = context.Event(), context.SimpleQueue()
    with Crew(locks.wait_at_event, [(event, answers)], context, links=False) as crew:
        assert answers.get() is False  # it waits from here on: there is nobody else to set it
        event.set()
        assert answers.get() is True and crew.join(30)
    never = context.Event()
    assert run_all(locks.wait_at_event, [(never, answers, 0.1)], context) == [0]
    assert [answers.get(), answers.get()] == [False, False]


def test_everybody_who_waits_for_parts_goes_on_when_there_are_enough():
    context = multiprocessing.get_context(default_start_method())
    condition, done, answers = context.Condition(), context.RawValue("i", 0), context.SimpleQueue()
    gate = context.Barrier(4)
    waiting = [(gate, condition, done, enough, answers) for enough in (5, 1, 3)]
    with Crew(locks.wait_for_parts, waiting, context, links=False) as crew:
        locks.report_parts(gate, condition, done, 5)
        assert crew.join(30)
    told = dict(answers.get() for _ in waiting)
    assert sorted(told) == [1, 3, 5] and all(5 >= went >= enough for enough, went in told.items())
    assert run_all(locks.wait_for_parts, [(context.Barrier(1), condition, done, 6, answers, 0.1)], context) == [0]
    assert answers.get() == (6, None)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "fork"])  # pytest has armed faulthandler
def test_the_stacks_of_a_deadlock_show_the_line_where_each_process_waits(method):
    context = multiprocessing.get_context(method)
    both = {"left": context.Lock(), "right": context.Lock()}
    gate, answers = context.Barrier(2), context.SimpleQueue()
    orders = {"one": ("left", "right"), "two": ("right", "left")}
    arguments = {name: (name, order, both, gate, answers, None) for name, order in orders.items()}
    stacks = find_stacks(locks.take_two, arguments, late=0.5, start_method=method)
    assert list(stacks) == ["one", "two"]
    for stack in stacks.values():
        first, source = stack.splitlines()
        assert first.startswith('File "helpers/course/lock/tasks.py", line ') and first.endswith(" in take_two")
        assert source.strip() == "got = locks[second].acquire(timeout=seconds)"


def test_a_process_that_is_done_in_time_has_no_stack_and_one_that_dies_is_told():
    assert find_stacks(time.sleep, {"quick": (0,)}, late=5, start_method="spawn") == {}
    with pytest.raises(WorkerDiedError, match="Bad"):
        find_stacks(faults.exit_on_bad, {"bad": (faults.BAD_ITEM,)}, late=5, start_method="spawn")
    with pytest.raises(InvalidArgumentError, match="late"):
        find_stacks(time.sleep, {"quick": (0,)}, late=0)


def test_a_process_stands_still_once_it_was_seen_at_one_place_twice(tmp_path):
    assert not stands_still(["at the gate", "at the lock"]) and not stands_still(["at the lock"])
    assert stands_still(["at the gate", "at the lock", "at the lock"])
    written = tmp_path / "stacks.txt"
    written.write_text("Timeout (0:00:01)!\none\nTimeout (0:00:01)!\none\nTimeout (0:0", encoding="utf-8")
    assert split_stacks(written) == ["0:00:01)!\none\n", "0:00:01)!\none\n", "0:0"]


def test_a_stack_ends_at_the_target_and_is_never_long():
    frame = '  File "/somewhere/no_such_file.py", line {} in {}'
    text = "\n".join(["Timeout (0:00:01)!", "Thread 0x1 (most recent call first):", frame.format(3, "wait")])
    text += "\n" + frame.format(9, "sleep") + "\n" + frame.format(12, "run")
    assert shorten_stack(text, time.sleep).splitlines() == [
        'File "/somewhere/no_such_file.py", line 3 in wait',
        'File "/somewhere/no_such_file.py", line 9 in sleep',
    ]
    deep = "\n".join(frame.format(number, "again") for number in range(100))
    assert len(shorten_stack(deep, time.sleep).splitlines()) == MOST_FRAMES


# --- pictures ---------------------------------------------------------------------------------


def test_pictures_show_what_was_measured():
    sweep = measure_locks(**SMALL, share=1.0, locked=False)
    ax = plot_lock_speedup(sweep)
    assert "measured" in words_in(ax) and "Amdahl" not in words_in(ax) and "no interval" in words_in(ax)
    assert "Amdahl" in words_in(plot_lock_speedup(measure_locks(**SMALL)))
    lanes = plot_lanes(sweep.last_run())
    assert "worker 2" in words_in(lanes) and "nobody kept out" in words_in(lanes)
    assert "no run yet" in words_in(plot_lanes(None))
    run = sweep.last_run()
    assert f"{run.lost} lost" in describe_updates(run) and "none lost" in describe_updates(sweep.last_run(1))


# --- the lab ----------------------------------------------------------------------------------


def small_lab(**options):
    return LockLab(**{"n_workers": (1, 2), "repeats": 1, **options})


def test_lab_runs_shows_and_advises():
    lab = small_lab()
    before = lab._picture.data
    assert "nothing measured" in lab._picture.alt
    lab._run_button.click()
    assert lab._run_button.disabled
    assert lab.wait(30) and lab.error is None
    assert lab.result.complete and lab.result.counts() == [1, 2]
    assert lab._picture.data[:8] == b"\x89PNG\r\n\x1a\n" and lab._picture.data != before
    assert "Amdahl" in lab._message.value and "no update was lost" in lab._picture.alt


def test_lab_controls_decide_what_is_measured():
    lab = small_lab(n_workers=2)
    lab._redraw = lambda: None  # pictures of every step on the way have tests of their own
    lab._counts[2].value, lab._counts[3].value = False, True
    lab._locked.value, lab._share.value, lab._steps.value = False, 60, "compute"
    lab._method.value = "spawn"
    result = lab.run(block=True)
    assert result.counts() == [3] and not result.locked and result.share == 0.6 and result.work == "compute"
    assert "Without the lock" in lab._message.value


def test_lab_shows_the_bounds_of_the_setting_until_something_is_measured_under_it():
    lab = small_lab(n_workers=1)
    before = lab._picture.data
    lab._share.value = 70
    assert lab._picture.data != before and "nothing measured" in lab._picture.alt
    lab.run(block=True)
    measured = lab._picture.data
    lab._share.value = 25
    assert lab._picture.data == measured and "70 % inside the lock" in lab._picture.alt


def test_lab_stops_at_once():
    lab = small_lab(repeats=100)
    lab._run_button.click()
    deadline = time.monotonic() + 20
    while not (lab.result and lab.result.runs) and time.monotonic() < deadline:
        time.sleep(0.01)
    lab._stop_button.click()
    no_leftovers(0.5)
    assert not lab.running and lab.error is None and not lab.result.complete


def test_lab_tells_of_bad_input():
    lab = small_lab()
    for control in lab._counts.values():
        control.value = False
    lab._run_button.click()
    assert "at least one" in lab._message.value and not lab.running
    for bad in (
        {"share": 2},
        {"work": "play"},
        {"n_workers": 0},
        {"repeats": 0},
        {"start_method": "magic"},
        {"locked": "off"},
    ):
        with pytest.raises(InvalidArgumentError):
            LockLab(**bad)


# --- exercises --------------------------------------------------------------------------------


def test_a_meeting_waits_for_company_but_not_for_one_who_is_kept_out():
    kept_out, met = Meeting(60), Meeting(60)

    def enter_while_another_asks():
        with kept_out.asking():
            kept_out.enter()

    threads = [threading.Thread(target=enter_while_another_asks, daemon=True)]
    threads += [threading.Thread(target=met.enter, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    alone = threading.Thread(target=Meeting(2.0).enter, daemon=True)
    alone.start()
    alone.join(0.5)
    assert alone.is_alive()
    alone.join(20)


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """Return a function that makes an importable function of a source: what a %%worker cell does."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def make(source):
        name = f"lock_answer_{len(made)}_{tmp_path.name.replace('-', '_')}"
        made.append(name)
        (tmp_path / f"{name}.py").write_text(source.removeprefix("%%worker\n"), encoding="utf-8")
        importlib.invalidate_caches()
        module = importlib.import_module(name)
        monkeypatch.setitem(sys.modules, name, module)
        return getattr(module, re.findall(r"^def (\w+)", source, re.MULTILINE)[-1])

    return make


OWN = "from multiprocessing import Lock\n"
TRANSFER = lock_3.answer.removeprefix("%%worker\n")
MERGED = "def add(counter, lock, work, items):\n    with lock:\n        counter.value += sum(map(work, items))\n"
ADD = "def add_all(counter, lock, work, items):\n    for item in items:\n"


@pytest.mark.parametrize(
    ("exercise", "source", "words"),
    [
        (
            lock_1,
            ADD + "        counter.value += work(item)\n",
            "in two at once updates were lost: under spawn",
        ),
        (
            lock_1,
            ADD + "        value = counter.value + work(item)\n        with lock:\n            counter.value = value\n",
            "Read, add and write inside the lock",
        ),
        (
            lock_1,
            "def add_all(counter, lock, work, items):\n    with lock:\n        counter.value = sum(map(work, items))\n",
            "is overwritten",
        ),
        (
            lock_1,
            ADD + "        work(item)\n        with lock:\n            counter.value += item\n",
            "from 1000 to 1018 for the items [3, 4, 5, 6], not to 1104: add each result of work once. No lock",
        ),
        (
            lock_1,
            ADD + "        with counter.get_lock():\n            counter.value += work(item)\n",
            "use the argument lock",
        ),
        (lock_1, ADD + "        counter += work(item)\n", "the number in it is counter.value"),
        (
            lock_1,
            "from multiprocessing import Pool\n"
            "def add_all(counter, lock, work, items):\n    with Pool(2) as pool:\n        pool.map(work, items)\n",
            "runs this function in two processes already",
        ),
        (lock_1, "def add_all(counter, lock, work, items):\n    print(items)\n", "work was never called, and"),
        (
            lock_1,
            OWN + ADD + "        result = work(item)\n        with Lock():\n            counter.value += result\n",
            "made inside",
        ),
        (
            lock_2,
            OWN + "own = Lock()\n" + MERGED.replace("with lock:", "with own:"),
            "There is a lock, and it is made in the module",
        ),
        (lock_1, ADD + "        with lock:\n            counter.value += work(item)\n", "serial work"),
        (lock_1, ADD + "        lock.acquire()\n        counter.value += work(item)\n", "for ever"),
        (
            lock_1,
            ADD + "        result = work(item)\n        with lock():\n            counter.value += result\n",
            "a lock is not called: write `with lock:`, without brackets",
        ),
        (lock_1, ADD + "        raise KeyError(item)\n", "KeyError"),
        (lock_1, ADD + "        work(item)\n", "still says 1000"),
        (lock_1, "import os\n" + ADD + "        os._exit(3)\n", "ended in the middle"),
        (lock_2, lock_1.answer, "took the lock 8 times"),
        (
            lock_2,
            MERGED,
            "serial work",
        ),
        (lock_2, "def add(counter, lock, work, items):\n    counter.value += sum(map(work, items))\n", "lost"),
        (
            lock_3,
            lock_3.answer.replace("sorted((source, target), key=lambda account: account.number)", "source, target"),
            "for ever",
        ),
        (lock_3, lock_3.answer.replace("with first.lock, second.lock:", "if True:"), "Hold the locks of both"),
        (lock_3, OWN + TRANSFER.replace("with first.lock, second.lock:", "with Lock():"), "made inside the function"),
        (
            lock_3,
            TRANSFER.replace("-=", "+=").replace("target.balance +=", "target.balance -="),
            "the signs are swapped",
        ),
        (
            lock_3,
            TRANSFER.replace("with first.lock, second.lock:", "if True:")
            .replace("-=", "+=")
            .replace("target.balance +=", "target.balance -="),
            "the signs are swapped",
        ),
        (
            lock_3,
            TRANSFER.replace("        target.balance += amount", ""),
            "to 94 and 100, not to 94 and 106: source loses",
        ),
        (
            lock_3,
            TRANSFER.replace("with first.lock, second.lock:", "if first.lock.acquire() and second.lock.acquire():"),
            "it is never given back",
        ),
        (
            lock_3,
            lock_3.answer.replace("with first.lock, second.lock:", "with first.lock:"),
            "the lock of account 1 was taken",
        ),
        (
            lock_3,
            TRANSFER.replace("source.balance", "first.balance").replace("target.balance", "second.balance"),
            "the order of the locks must not decide",
        ),
        (
            lock_3,
            TRANSFER.replace(", key=lambda account: account.number", ""),
            "compare their numbers",
        ),
        (
            lock_3,
            (
                "def transfer(source, target, amount):\n    with source.lock:\n        source.balance -= amount\n"
                "    with target.lock:\n        target.balance += amount\n"
            ),
            "Hold both locks",
        ),
    ],
)
def test_wrong_answers_are_told_why(exercise, source, words, answer, monkeypatch):
    if words == "serial work":
        monkeypatch.setattr(
            "helpers.exercises.trial.Spy", lambda folder, func, company, _: Spy(folder, func, company, 0.3)
        )
    if words in ("for ever", "it is never given back"):
        monkeypatch.setattr("helpers.course.lock.exercises.STUCK_AFTER", 1.5)
    verdict = exercise.check(answer(source))
    assert verdict.state == "wrong" and words in verdict.words, verdict


def test_transfers_that_are_late_as_a_whole_hear_of_the_order_too(answer, monkeypatch):
    late = Trial("late", seconds=15, start_method="spawn")
    monkeypatch.setattr("helpers.course.lock.exercises.try_answer", lambda *_, **__: late)
    verdict = lock_3.check(answer(lock_3.answer))
    assert verdict.state == "wrong" and "did not return within 15 s under spawn" in verdict.words
    assert "holds account 1 and wants account 2" in verdict.words and "in the same order" in verdict.words
