"""One contract for all exercises: solutions pass, blanks are not attempted, nothing raises, hangs or stays behind."""

import ast
import importlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from leftovers import no_leftovers

import helpers.course
from helpers.exercises import Exercise
from helpers.exercises.base import BLANK
from helpers.exercises.trial import METHODS, try_answer
from helpers.machine import default_start_method

TOPICS = sorted(path.parent.name for path in Path(helpers.course.__file__).parent.glob("*/exercises.py"))
FACES = [importlib.import_module(f"helpers.course.{topic}") for topic in TOPICS]
EXERCISES = {name: getattr(face, name) for face in FACES for name in face.__all__ if re.fullmatch(r"[a-z]+_\d", name)}
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
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


def test_a_solution_imports_nothing_that_it_does_not_use(tmp_path):
    for name, exercise in EXERCISES.items():
        (tmp_path / f"{name}.py").write_text(exercise.answer.removeprefix("%%worker\n"), encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F401", "."]
    done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def names_of(source):
    """Return {name: where it is from} of all that a cell imports, and of the functions that it defines."""
    names = {}
    for node in ast.walk(ast.parse(re.sub(r"^%.*", "", source, flags=re.MULTILINE))):
        if isinstance(node, ast.ImportFrom):
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            names |= {one.asname or one.name.partition(".")[0]: one.name for one in node.names}
        elif isinstance(node, ast.FunctionDef):
            names[node.name] = source
    return names


@pytest.mark.any_python
@every_exercise
def test_the_cell_of_a_check_needs_no_import_of_another_ones(name):
    cells = [cell.source for path in NOTEBOOKS.glob("*.ipynb") for cell in nbformat.read(path, 4).cells]
    (checked,) = [source for source in cells if re.search(rf"^{name}\.check\(", source, re.MULTILINE)]
    assert checked.startswith(f"from helpers.course.{name.rpartition('_')[0]} import {name}\n"), checked


@every_exercise
def test_a_solution_that_is_pasted_changes_no_name_that_its_chapter_uses(name):
    """`%%worker` puts all names of its cell into the notebook."""
    (chapter,) = NOTEBOOKS.glob(f"*_{name.rpartition('_')[0]}*.ipynb")
    cells = [cell.source for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]
    used = {pair for cell in cells for pair in names_of(cell).items()}
    exercise = EXERCISES[name]
    for own, origin in names_of(exercise.answer).items():
        others = {where for used_name, where in used if used_name == own} - {origin}
        asked = own == asked_for(exercise) or f" {own}(" in exercise.task
        assert asked or not others, f"{own} is another thing in {chapter.name}"


@every_exercise
def test_a_blank_is_not_attempted(name, answers, monkeypatch):
    exercise, function = EXERCISES[name], asked_for(EXERCISES[name])
    signature = re.search(rf"^def {function}\(.*?\):", exercise.answer, re.MULTILINE)[0]
    blank = getattr(answers(f"{signature}\n    ...\n"), function)
    monkeypatch.setattr("helpers.exercises.trial.run_answer", None)  # no process is started for it
    for answer in (None, ..., blank):
        verdict = exercise.check(answer)
        assert not verdict and verdict.state == "not attempted", verdict
        assert callable(answer) is (verdict.words == BLANK)


@pytest.mark.any_python
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


@pytest.mark.any_python
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
    verdict = EXERCISES[name].check(lambda *args: args)
    assert verdict.state == "wrong" and "%%worker" in verdict.words


@pytest.mark.any_python
@every_exercise
def test_hints_go_round_and_the_solution_is_printed(name, capsys):
    exercise = EXERCISES[name]
    exercise._given = 0
    for _ in range(len(exercise.hints) + 1):
        exercise.hint()
    printed = capsys.readouterr().out.split("Hint ")[1:]
    assert printed[0] == printed[-1] and len(set(printed)) == len(exercise.hints) >= 2
    assert [f"{name}.solution()" in " ".join(hint.split()) for hint in printed[:-1]] == [False] * (
        len(exercise.hints) - 1
    ) + [True]
    exercise.solution()
    assert f"def {asked_for(exercise)}" in capsys.readouterr().out


# --- as in a notebook -------------------------------------------------------------------------

#: Calls each solution that starts processes, as a notebook does after its first cell; os.fork is what must not happen.
AS_IN_A_NOTEBOOK = """
import multiprocessing, os, sys
from helpers.machine import default_start_method
from helpers.tasks.cpu import sum_squares
from helpers.tasks.faults import raise_on_bad
from helpers.course.process.tasks import end_at_once
sys.path.insert(0, {folder!r})
import {modules}

def refuse():
    raise SystemExit("the kernel is forked")

if __name__ == "__main__":
    multiprocessing.set_start_method(default_start_method(), force=True)
    os.fork = refuse
    {calls}
"""
CALLS = {
    "process_1": "assert {}(sum_squares, 4) == 14",
    "process_2": "assert {}(sum_squares, [5, 3]) == [30, 5]",
    "process_3": "assert {}(end_at_once, 20) == 'done'",
    "pool_1": "assert {}(sum_squares, [5, 3]) == [30, 5]",
    "pool_2": "assert {}(raise_on_bad, [3, 1])[0] == [2]",
    "pool_3": "assert {}(sum_squares, [4]) == 14",
    "queue_1": "assert {}(sum_squares, [5, 3]) == [30, 5]",
    "queue_3": "assert sorted({}(sum_squares, sum_squares, [2, 3])) == [0, 30]",
    "pipe_3": "assert {}(sum_squares, [5, 3], 2) == [30, 5]",
}


def test_no_solution_forks_the_notebook_that_calls_it(tmp_path):
    for name in CALLS:
        (tmp_path / f"answer_{name}.py").write_text(EXERCISES[name].answer.removeprefix("%%worker\n"), encoding="utf-8")
    calls = "; ".join(call.format(f"answer_{name}.{asked_for(EXERCISES[name])}") for name, call in CALLS.items())
    modules = ", ".join(f"answer_{name}" for name in CALLS)
    program = tmp_path / "program.py"
    program.write_text(AS_IN_A_NOTEBOOK.format(folder=str(tmp_path), modules=modules, calls=calls), encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", EXERCISES)
def test_what_starts_processes_is_called_in_a_notebook_above_or_is_no_solution_of_that_kind(name):
    """And each uses the bare names, which follow the start method that the chapter set."""
    answer = EXERCISES[name].answer
    starts = re.search(r"^from multiprocessing import .*\b(Process|Pool)\b", answer, re.MULTILINE) is not None
    assert (starts and name != "value_2") is (name in CALLS) and "get_context" not in answer


def test_a_check_tries_spawn_and_the_default_of_the_course(answers):
    method = answers("import multiprocessing\ndef answer():\n    return multiprocessing.get_start_method()\n").answer
    assert [try_answer(method, start_method=one).require() for one in METHODS] == ["spawn", default_start_method()]


def test_praise_speaks_of_two_start_methods_where_there_are_two(monkeypatch):
    made = [EXERCISES["process_1"].praise]
    for method in ("forkserver", "spawn"):
        monkeypatch.setattr("helpers.exercises.base.default_start_method", lambda method=method: method)
        made.append(Exercise("one_1", "", None, "it ran under two start methods.", ("",), "").praise)
    assert made[1:] == ["it ran under two start methods.", "it ran under spawn."]
    assert ("under two start methods" in made[0]) is (default_start_method() != "spawn")
