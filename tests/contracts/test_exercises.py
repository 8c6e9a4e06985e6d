"""Exercises: the solution passes, plausible wrong answers fail with the right message, nothing hangs."""

import pytest

from helpers.course.start import start_1, start_2
from helpers.exercises import base
from helpers.exercises.base import NotAttempted, Wrong, call_answer, require_overlap, spy_on
from helpers.tasks import cpu, faults
from helpers.tasks.spy import count_overlapping

COLLATZ = start_1.answer.removeprefix("%%worker\n")


def test_collatz_solution_passes(answers):
    verdict = start_1.check(answers(COLLATZ).collatz_steps)
    assert verdict and verdict.state == "right"


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        (COLLATZ.replace("steps = 0", "steps = 1"), "wrong", "for 1 it gives 1"),
        (COLLATZ.replace("3 * n + 1", "3 * n"), "wrong", "does the loop stop at 1"),
        ("def collatz_steps(n):\n    ...\n", "not attempted", "nothing yet"),
        ("def collatz_steps(n):\n    raise KeyError(n)\n", "wrong", "KeyError"),
    ],
)
def test_collatz_wrong_answers_are_told_why(answers, monkeypatch, source, state, words):
    monkeypatch.setattr("helpers.course.start.exercises.DEADLINE", 2.0)
    verdict = start_1.check(answers(source).collatz_steps)
    assert verdict.state == state and words in verdict.words


def test_functions_of_a_plain_cell_get_the_explanation():
    assert "%%worker" in start_1.check(lambda n: n).words
    assert start_1.check().state == "not attempted" and start_1.check(...).state == "not attempted"


def test_fastest_solution_and_wrong_answers():
    namespace = {}
    exec(start_2.answer, namespace)
    assert start_2.check(namespace["fastest"])
    assert start_2.check(lambda sweep: sweep.pairs()[-1]).state == "wrong"
    assert (
        start_2.check(lambda sweep: min(sweep.pairs(), key=lambda pair: sweep.speedup(*pair).median)).state == "wrong"
    )
    assert start_2.check(lambda sweep: None).state == "not attempted"
    assert "TypeError" in start_2.check(lambda: None).words
    assert "pair" in start_2.check(lambda sweep: "processes").words and "without calling" in start_2.check(5).words


def test_hints_go_round_and_the_solution_is_printed(capsys):
    for _ in range(len(start_1.hints) + 1):
        start_1.hint()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == printed[-1] and printed[0] != printed[1]
    start_1.solution()
    assert "def collatz_steps" in capsys.readouterr().out


PARALLEL = """
from multiprocessing import Pool

def answer(func, items):
    with Pool(2) as pool:
        return pool.map(func, items, 1)
"""
SERIAL = "def answer(func, items):\n    return [func(item) for item in items]\n"
THREADS = PARALLEL.replace("from multiprocessing", "from multiprocessing.pool").replace(
    "import Pool", "import ThreadPool as Pool"
)


@pytest.mark.parametrize("method", base.METHODS)
def test_overlap_is_seen_in_a_pool_and_not_in_a_loop_or_threads(answers, method):
    for source, parallel in ((PARALLEL, True), (SERIAL, False), (THREADS, False)):
        func = answers(source).answer
        value, spans = spy_on(
            cpu.sum_squares, lambda spy, func=func: call_answer(func, spy, [1, 2, 3, 4], start_method=method)
        )
        assert value == [0, 1, 5, 14] and len(spans) == 4
        assert (count_overlapping(spans) >= 2) is parallel
        if not parallel:
            with pytest.raises(Wrong, match="serial work"):
                require_overlap(spans)


HANGING = "def answer():\n    while True: pass\n"
RAISING = "def answer():\n    1 / 0\n"
LEAVING_A_PROCESS = """
import multiprocessing, time
def answer():
    multiprocessing.Process(target=time.sleep, args=(60,)).start()
    return 1
"""
LEAVING_MEMORY = """
from multiprocessing.shared_memory import SharedMemory
def answer():
    SharedMemory(create=True, size=10).close()
    return 1
"""
LEAVING_A_THREAD = """
import threading, time
def answer():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return 1
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (HANGING, "waits for ever"),
        (RAISING, "ZeroDivisionError"),
        (LEAVING_A_PROCESS, "still running"),
        (LEAVING_MEMORY, "not unlinked"),
        (LEAVING_A_THREAD, "thread"),
    ],
)
def test_answers_that_leave_or_hang_are_wrong_and_told_why(answers, source, words):
    with pytest.raises(Wrong, match=words):
        call_answer(answers(source).answer, timeout=4)


def test_an_answer_that_ends_its_process_is_reported():
    verdict = base.Exercise("x", "", lambda func: call_answer(func, faults.BAD_ITEM), "", ("",), "").check(
        faults.exit_on_bad
    )
    assert verdict.state == "wrong" and "exit code 3" in verdict.words


def test_an_answer_without_value_is_not_attempted(answers):
    with pytest.raises(NotAttempted):
        call_answer(answers("def answer():\n    ...\n").answer)
