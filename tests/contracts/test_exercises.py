"""One contract for all exercises: solutions pass, blanks are not attempted, nothing raises, hangs or stays behind."""

import importlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from leftovers import no_leftovers

import helpers.course
from helpers.errors import WorkerDiedError
from helpers.exercises import Exercise
from helpers.exercises.base import NotAttempted, Wrong, call_answer, require_overlap, spy_on
from helpers.exercises.trial import METHODS, OUTCOMES, Trial, find_overlap_problem, try_answer
from helpers.measure.answers import UNPICKLABLE, run_answer
from helpers.tasks import cpu, faults
from helpers.tasks.plain import Foreign
from helpers.tasks.spy import count_overlapping

TOPICS = sorted(path.parent.name for path in Path(helpers.course.__file__).parent.glob("*/exercises.py"))
FACES = [importlib.import_module(f"helpers.course.{topic}") for topic in TOPICS]
EXERCISES = {name: getattr(face, name) for face in FACES for name in face.__all__ if re.fullmatch(r"[a-z]+_\d", name)}
#: The exercises whose answer is for workers, so that a plain cell will not do; start_2 is about reading a sweep.
APART = [name for name in EXERCISES if name != "start_2"]
every_exercise = pytest.mark.parametrize("name", EXERCISES)


def asked_for(exercise):
    """Return the name of the function that an exercise asks for."""
    return re.findall(r"^def (\w+)\(", exercise.answer, re.MULTILINE)[-1]


@pytest.fixture
def one_method(monkeypatch):
    """Check under one start method only: what goes wrong does so under the first."""
    for topic in TOPICS:
        monkeypatch.setattr(f"helpers.course.{topic}.exercises.METHODS", (None,), raising=False)


def test_every_topic_has_its_exercises():
    assert len(EXERCISES) >= 20 and all(isinstance(exercise, Exercise) for exercise in EXERCISES.values())
    assert {name.rpartition("_")[0] for name in EXERCISES} == set(TOPICS)
    assert all(exercise.name == name for name, exercise in EXERCISES.items())


@every_exercise
def test_the_printed_solution_is_right(name, answers):
    exercise = EXERCISES[name]
    assert exercise.answer.startswith("%%worker\n")
    verdict = exercise.check(getattr(answers(exercise.answer), asked_for(exercise)))
    assert verdict and verdict.state == "right" and verdict.words == exercise.praise, verdict
    no_leftovers()


@every_exercise
def test_a_blank_is_not_attempted(name, answers):
    exercise, function = EXERCISES[name], asked_for(EXERCISES[name])
    signature = re.search(rf"^def {function}\(.*?\):", exercise.answer, re.MULTILINE)[0]
    blank = getattr(answers(f"{signature}\n    ...\n"), function)
    for answer in (None, ..., blank):
        verdict = exercise.check(answer)
        assert not verdict and verdict.state == "not attempted", verdict


@every_exercise
def test_what_is_no_function_and_what_raises_is_wrong_and_told(name, answers, one_method):
    exercise, function = EXERCISES[name], asked_for(EXERCISES[name])
    for value in (5, "text", [1]):
        assert "without calling it" in exercise.check(value).words
    verdict = exercise.check(getattr(answers(f"def {function}(*args):\n    raise RuntimeError('mine')\n"), function))
    assert verdict.state == "wrong" and "RuntimeError" in verdict.words, verdict
    no_leftovers()


#: What an answer can do to whoever calls it, unpickles its result, or looks at it.
HARMFUL = {
    "loops": "    while True: pass",
    "exits": "    os._exit(3)",
    "ends the program": "    raise SystemExit('mine')",
    "kills who unpickles": "    return Fatal()",
    "kills who looks": "    return Untouchable(), Untouchable()",
}
CLASSES = """
import os

class Fatal:
    def __reduce__(self):
        return os._exit, (3,)

class Untouchable:
    __eq__ = __ne__ = __lt__ = __hash__ = __bool__ = __len__ = __iter__ = __str__ = lambda *_: os._exit(3)
"""


@every_exercise
def test_whatever_an_answer_does_the_check_ends_with_a_verdict(name, answers, one_method, monkeypatch):
    """Nothing of a learner's runs in this very process, which would otherwise hang or be gone."""
    monkeypatch.setattr("helpers.exercises.trial.CHECK_DEADLINE", 1.0)
    exercise, function = EXERCISES[name], asked_for(EXERCISES[name])
    harmful = [answers(f"{CLASSES}\ndef {function}(*args):\n{body}\n") for body in HARMFUL.values()]
    with ThreadPoolExecutor(3) as threads:  # most of it is waiting
        verdicts = list(threads.map(lambda made: exercise.check(getattr(made, function)), harmful))
    assert all(verdict.state in ("wrong", "not attempted") for verdict in verdicts), verdicts
    no_leftovers()


@pytest.mark.parametrize("name", APART)
def test_a_function_of_a_plain_cell_gets_the_explanation(name):
    verdict = EXERCISES[name].check(lambda *args: None)
    assert verdict.state == "wrong" and "%%worker" in verdict.words


@every_exercise
def test_hints_go_round_and_the_solution_is_printed(name, capsys):
    exercise = EXERCISES[name]
    exercise._given = 0
    for _ in range(len(exercise.hints) + 1):
        exercise.hint()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == printed[-1] and len(set(printed)) == len(exercise.hints) >= 2
    exercise.solution()
    assert f"def {asked_for(exercise)}" in capsys.readouterr().out


# --- trials -----------------------------------------------------------------------------------

SOURCES = {
    "returned": "def answer():\n    return 5\n",
    "nothing": "def answer():\n    ...\n",
    "raised": "def answer():\n    1 / 0\n",
    "unpicklable": "def answer():\n    return lambda: 0\n",
    "late": "def answer():\n    while True: pass\n",
    "died": "import os\ndef answer():\n    os._exit(3)\n",
    "left": """
import multiprocessing, time
def answer():
    multiprocessing.Process(target=time.sleep, args=(60,)).start()
    return 1
""",
}
LEFT = {
    "not unlinked": """
from multiprocessing.shared_memory import SharedMemory
def answer():
    SharedMemory(create=True, size=10).close()
    return 1
""",
    "thread": """
import threading, time
def answer():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return 1
""",
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_trial_has_the_outcome_of_its_call(outcome, answers):
    trial = try_answer(answers(SOURCES[outcome]).answer, timeout=1.5 if outcome == "late" else 20)
    assert trial.outcome == outcome and set(SOURCES) == set(OUTCOMES)
    if outcome == "returned":
        assert trial.require() == 5
    else:
        with pytest.raises(NotAttempted if outcome == "nothing" else Wrong):
            trial.require()
    told = {"raised": "ZeroDivisionError", "died": "exit code 3", "left": "still running"}
    assert told.get(outcome, "") in trial.details
    assert trial.error_type == {"raised": "ZeroDivisionError", "unpicklable": "result not picklable"}.get(outcome)
    no_leftovers()


@pytest.mark.parametrize("words", LEFT)
def test_what_is_left_behind_is_named(words, answers):
    trial = try_answer(answers(LEFT[words]).answer)
    assert trial.outcome == "left" and words in trial.details


OWN = """
import collections, enum, sys, types
import numpy

class Pair(collections.namedtuple("Pair", "engine workers")):
    __eq__ = __ne__ = __repr__ = lambda *_: sys.exit("run by who looks")

class Level(enum.IntEnum):
    HIGH = 3

class Table(dict):
    __eq__ = __ne__ = __repr__ = __len__ = lambda *_: sys.exit("run by who looks")

class Thing:
    __eq__ = __ne__ = __hash__ = lambda *_: sys.exit("run by who looks")
    def __repr__(self):
        return "a thing"

class Silent:
    def __repr__(self):
        sys.exit("run by who looks")

def kinds():
    table = Table()
    dict.__setitem__(table, "level", Level.HIGH)
    mixed = {"error": ValueError("mine"), "set": {1, 2}}
    return [Pair("pool", 4), Level.HIGH, table, mixed, numpy.arange(3), numpy.int64(7)]

def things():
    return [Thing(), Silent(), Thing, kinds, {"in": [Thing()]}, types.SimpleNamespace(inner=Thing())]

class Late:
    def __reduce__(self):
        return sys.exit, ("when unpickled",)

def late():
    return Late()
"""


def test_what_is_judged_is_plain_data(answers):
    """A namedtuple is a tuple, a Table a dict, also inside others; errors and arrays stay what they are."""
    pair, level, table, mixed, array, number = try_answer(answers(OWN).kinds).require()
    assert [type(value) for value in (pair, level, table)] == [tuple, int, dict]
    assert (pair, level, table) == (("pool", 4), 3, {"level": 3}) and type(table["level"]) is int
    assert isinstance(mixed["error"], ValueError) and mixed["set"] == {1, 2}
    assert array.tolist() == [0, 1, 2] and number == 7


def test_what_has_no_plain_form_equals_nothing_and_looks_as_it_did(answers):
    thing, silent, kind, function, inner, space = try_answer(answers(OWN).things).require()
    assert {type(value) for value in (thing, silent, kind, function, inner["in"][0], space.inner)} == {Foreign}
    assert repr(thing) == "a thing" and repr(silent) == "<Silent whose repr fails>" and thing != inner["in"][0]
    assert repr(kind).startswith("<class") and repr(function).startswith("<function")


def test_a_result_is_unpickled_apart_first(answers):
    assert try_answer(answers(OWN).late).outcome == "unpicklable"
    assert run_answer(answers(OWN).late).error_type == UNPICKLABLE
    with pytest.raises(WorkerDiedError, match="exit code 3"):
        run_answer(answers(f"{CLASSES}\ndef fatal():\n    return Fatal()\n").fatal)


def test_a_module_that_cannot_be_imported_apart_is_told(answers):
    exiting = "import sys\nif 'pytest' not in sys.modules:\n    sys.exit('mine')\ndef answer():\n    return 5\n"
    trial = try_answer(answers(exiting).answer)
    assert (trial.outcome, trial.error_type) == ("raised", "SystemExit") and "mine" in trial.details


def test_no_call_takes_longer_than_the_deadline_of_a_check(monkeypatch):
    given = []
    monkeypatch.setattr("helpers.exercises.trial.CHECK_DEADLINE", 3.0)
    monkeypatch.setattr("helpers.exercises.trial.run_answer", lambda *_, timeout, **__: given.append(timeout) or 1 / 0)
    for timeout in (None, 2.0, 60.0):
        with pytest.raises(ZeroDivisionError):
            try_answer(cpu.sum_squares, timeout=timeout)
    assert given == [3.0, 2.0, 3.0]


def test_words_are_added_or_put_instead_by_outcome():
    late = Trial("late", seconds=2.0, start_method="spawn")
    with pytest.raises(Wrong, match=r"within 2 s under spawn: something waits for ever\. Is it a lock\?"):
        late.require(also={"late": "Is it a lock?", "raised": "no"})
    with pytest.raises(Wrong, match=r"^too slow$"):
        late.require(instead={"late": "too slow"})
    with pytest.raises(NotAttempted, match="returns nothing yet"):
        Trial("nothing").require()


def test_an_answer_that_ends_its_process_is_reported():
    examine = lambda func: call_answer(func, faults.BAD_ITEM)  # noqa: E731
    verdict = Exercise("x", "", examine, "", ("",), "").check(faults.exit_on_bad)
    assert verdict.state == "wrong" and "exit code 3" in verdict.words


# --- real parallelism -------------------------------------------------------------------------

PARALLEL = """
from multiprocessing import Pool

def answer(func, items):
    with Pool(2) as pool:
        return pool.map(func, items, 1)
"""
SERIAL = "def answer(func, items):\n    return [func(item) for item in items]\n"
THREADS = PARALLEL.replace("from multiprocessing import Pool", "from multiprocessing.pool import ThreadPool as Pool")


@pytest.mark.parametrize("method", METHODS)
def test_overlap_is_seen_in_a_pool_and_not_in_a_loop_or_threads(answers, method):
    for source, parallel in ((PARALLEL, True), (SERIAL, False), (THREADS, False)):
        func = answers(source).answer
        call = lambda spy, func=func: call_answer(func, spy, [1, 2, 3, 4], start_method=method)  # noqa: E731
        value, spans = spy_on(cpu.sum_squares, call, patience=1.5 if parallel else 0.3)
        assert value == [0, 1, 5, 14] and len(spans) == 4
        assert (count_overlapping(spans) >= 2) is parallel
        if not parallel:
            with pytest.raises(Wrong, match=r"serial work\. Look again\."):
                require_overlap(spans, also="Look again.")


def test_overlap_is_a_matter_of_processes_and_moments():
    # two processes side by side from 1 to 2; one after the other; two threads of one process side by side
    together = [(1, 1, 0.0, 2.0, "a"), (2, 1, 1.0, 3.0, "b")]
    assert find_overlap_problem(together) == "" and "never by 3" in find_overlap_problem(together, 3)
    assert "by 2 processes" in find_overlap_problem([(1, 1, 0.0, 1.0, "a"), (2, 1, 1.0, 2.0, "b")])
    assert "by 1 process," in find_overlap_problem([(1, 1, 0.0, 2.0, "a"), (1, 2, 1.0, 3.0, "b")])
    assert "never called" in find_overlap_problem([])
