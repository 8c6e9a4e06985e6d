"""Chapter 00: wrong answers to its exercises are told why."""

import pytest

from helpers.course.start import start_1, start_2

COLLATZ = start_1.answer.removeprefix("%%worker\n")


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
