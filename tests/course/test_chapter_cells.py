"""What the cells of chapters 03 and 04 show going wrong does go wrong, under every start method."""

from pathlib import Path

import nbformat
import pytest

from helpers.machine import start_methods
from helpers.measure.answers import run_answer

METHODS = sorted(start_methods())
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture
def shown(answers):
    """Return a function that gives what a %%worker cell of a chapter defines under a name."""

    def find(chapter, name):
        cells = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4).cells
        (source,) = [c.source for c in cells if c.source.startswith("%%worker") and f"def {name}(" in c.source]
        return getattr(answers(source), name)

    return find


@pytest.mark.parametrize("method", METHODS)
def test_a_thread_queue_stays_empty_or_cannot_travel(shown, method):
    told = run_answer(shown("03_queue", "fill_thread_queue"), start_method=method)
    assert (told.value, told.error_type) == ((0, None) if method == "fork" else (None, "TypeError"))
    assert method == "fork" or "lock" in told.error.splitlines()[-1]


def test_an_unpicklable_item_is_lost_in_the_feeder_thread_and_refused_by_a_simple_queue(shown):
    told = run_answer(shown("03_queue", "put_a_lambda"))
    assert told.value == "the next item" and told.error is None and "lambda" in told.printed
    assert "lambda" in run_answer(shown("03_queue", "put_it_simply")).error


@pytest.mark.parametrize("method", METHODS)
def test_both_sending_first_is_fine_until_the_data_grows(shown, method):
    both_send_first = shown("04_pipe", "both_send_first")
    assert run_answer(both_send_first, 1000, start_method=method).value == 1000
    with pytest.raises(TimeoutError):
        run_answer(both_send_first, 10_000_000, start_method=method, timeout=2)
