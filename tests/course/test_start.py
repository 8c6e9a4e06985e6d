"""Chapter 00: wrong answers to its exercises are told why."""

import pytest
from skips import needs_by_value

from helpers.course.start import start_1, start_2

COLLATZ = start_1.answer.removeprefix("%%worker\n")


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        (COLLATZ.replace("steps = 0", "steps = 1"), "wrong", "for 1 it gives 1"),
        (COLLATZ.replace("3 * n + 1", "3 * n"), "wrong", "for 3 it does not end: does the loop stop at 1"),
        (COLLATZ.replace("n = n //", "m = n //"), "wrong", "does the loop stop at 1, and does every pass change n?"),
        (COLLATZ.replace("n // 2", "n / 2"), "wrong", "n / 2 is a float"),
        (COLLATZ.replace("return steps", "print(steps)"), "wrong", "Is the `return` missing"),
        ("def collatz_steps(n):\n    raise KeyError(n)\n", "wrong", "KeyError"),
    ],
)
def test_collatz_wrong_answers_are_told_why(answers, monkeypatch, source, state, words):
    if "does the loop stop" in words:  # the others end; on a busy machine their workers come up late
        monkeypatch.setattr("helpers.course.start.exercises.DEADLINE", 1.0)
    verdict = start_1.check(answers(source).collatz_steps)
    assert verdict.state == state and words in verdict.words


@pytest.mark.parametrize(
    ("body", "state", "words"),
    [
        ("measured.pairs()[-1]", "wrong", "it picks processes × 4; threads × 8 is the fastest"),
        ("min(measured.pairs(), key=lambda pair: measured.speedup(*pair).median)", "wrong", "is the fastest"),
        ("print(measured)", "wrong", "`print` does not return"),
        ("max((measured.speedup(*pair).median, pair) for pair in measured.pairs())", "wrong", "return a pair, such as"),
        ("'processes'", "wrong", "return a pair, such as"),
        ("measured.winner", "wrong", "AttributeError"),
    ],
)
def test_fastest_wrong_answers_are_told_why(answers, body, state, words):
    verdict = start_2.check(answers(f"def fastest(measured):\n    return {body}\n").fastest)
    assert verdict.state == state and words in verdict.words, verdict


def test_fastest_that_never_returns_ends_at_the_deadline(answers, monkeypatch):
    monkeypatch.setattr("helpers.course.start.exercises.START_UP", 0.5)
    verdict = start_2.check(answers("def fastest(measured):\n    while True:\n        pass\n").fastest)
    assert verdict.state == "wrong" and "loop" in verdict.words


@needs_by_value
def test_fastest_may_stand_in_a_plain_cell_too():
    cell = {"__name__": "__main__"}
    exec("def key(pair, measured): return measured.speedup(*pair).median", cell)
    exec("def fastest(measured): return max(measured.pairs(), key=lambda pair: key(pair, measured))", cell)
    assert start_2.check(cell["fastest"])
