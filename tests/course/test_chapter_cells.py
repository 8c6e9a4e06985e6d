"""What cells of chapters 03 and 04 show going wrong does go wrong, under every start method; what they mend holds."""

import multiprocessing
import re
import time
from contextlib import nullcontext
from multiprocessing.connection import wait
from pathlib import Path

import nbformat
import pytest

from helpers.machine import start_methods
from helpers.measure.answers import run_answer

METHODS = sorted(start_methods())
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def find_cell(chapter, text):
    """Return the source of the one code cell of a chapter that has this text in it."""
    cells = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4).cells
    (source,) = [cell.source for cell in cells if cell.cell_type == "code" and text in cell.source]
    return source


@pytest.fixture
def shown(answers):
    """Return a function that gives what a %%worker cell of a chapter defines under a name."""
    return lambda chapter, name: getattr(answers(find_cell(chapter, f"def {name}(")), name)


@pytest.mark.parametrize("method", METHODS)
def test_a_thread_queue_stays_empty_or_cannot_travel(shown, method):
    told = run_answer(shown("03_queue", "fill_thread_queue"), start_method=method)
    assert (told.value, told.error_type) == ((0, None) if method == "fork" else (None, "TypeError"))
    assert method == "fork" or "lock" in told.error.splitlines()[-1]


def test_an_unpicklable_item_is_lost_in_the_feeder_thread_and_refused_by_a_simple_queue(shown):
    put_a_lambda = shown("03_queue", "put_a_lambda")
    told = [run_answer(put_a_lambda) for _ in range(3)]  # what was printed may be on its way still when one comes back
    assert all((answer.value, answer.error) == ("the next item", None) for answer in told)
    assert any("lambda" in answer.printed for answer in told)
    assert "lambda" in run_answer(shown("03_queue", "put_it_simply")).error


@pytest.mark.parametrize("method", METHODS)
def test_both_sending_first_is_fine_until_the_data_grows(shown, method):
    both_send_first = shown("04_pipe", "both_send_first")
    assert run_answer(both_send_first, 1000, start_method=method).value == 1000
    with pytest.raises(TimeoutError):
        run_answer(both_send_first, 10_000_000, start_method=method, timeout=2)


def test_receiving_has_a_deadline_that_is_an_error_of_its_own():
    names = {}
    exec(find_cell("04_pipe", "def recv_within"), names)
    reader, writer = multiprocessing.Pipe(duplex=False)
    with reader, writer:
        with pytest.raises(TimeoutError, match="nothing came"):
            names["recv_within"](reader, 0.05)
        writer.send(None)
        assert names["recv_within"](reader, 5) is None


@pytest.mark.parametrize(("seconds", "received"), [(20, ["a", "b", "c"]), (-1, [])])
def test_the_deadline_of_a_loop_of_wait_holds_though_there_is_always_something(seconds, received):
    source = find_cell("04_pipe", "while readers")
    assert source.count("monotonic() + 20") == 1
    reader, writer = multiprocessing.Pipe(duplex=False)
    for letter in "abc":
        writer.send(letter)
    writer.close()
    names = {"readers": [reader], "workers": [], "wait": wait, "monotonic": time.monotonic}
    with reader, nullcontext() if received else pytest.raises(TimeoutError, match="no end yet from 1 of"):
        exec(source.replace("monotonic() + 20", f"monotonic() + {seconds}"), names)
    assert names["order"] == received


@pytest.mark.parametrize("chapter", ["03_queue", "04_pipe"])
def test_no_cell_depends_on_what_a_reader_left_in_the_lab(chapter):
    cells = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4).cells
    used = [use for cell in cells if cell.cell_type == "code" for use in re.findall(r"\blab\.[^\n]*", cell.source)]
    assert used == ["lab.run(block=True)"]
