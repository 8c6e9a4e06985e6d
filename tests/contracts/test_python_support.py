"""What a Python or a package cannot do here is said, in the same words everywhere, and comes back by itself.

The one case today: `multiprocess` sends functions with dill, and a dill that is older than the Python it runs
on fails. The tests break dill on purpose, so they say the same on every Python.
"""

import subprocess
import sys
from types import SimpleNamespace

import dill
import nbformat
import pytest
from checkout import ROOT
from skips import fail_avoidable_skip

from helpers.engines import check_engine, engine_problem, registry
from helpers.errors import EngineUnavailableError, NotImportableError, NotPicklableError
from helpers.measure import sweep
from helpers.measure.handing import pack_function, pack_items
from helpers.tasks.cpu import do_nothing

REASON = "'code' object has no attribute 'co_lnotab'"


@pytest.fixture(autouse=True)
def try_dill_anew():
    """What an engine found out about dill lasts for the process: each test begins and ends without it."""
    registry.problem_by_value.cache_clear()
    yield
    registry.problem_by_value.cache_clear()


@pytest.fixture
def broken_dill(monkeypatch):
    """Make dill fail as dill 0.4.1 does on Python 3.15; return the list of its calls."""
    calls = []

    def dumps(*args, **options):
        calls.append(args)
        raise AttributeError(REASON)

    monkeypatch.setattr(dill, "dumps", dumps)
    return calls


@pytest.fixture
def sound_dill(monkeypatch):
    """Make dill work on every Python: it keeps what it is given, and gives it back."""
    kept = {}
    monkeypatch.setattr(dill, "dumps", lambda thing, **options: kept.setdefault(id(thing), thing) and str(id(thing)))
    monkeypatch.setattr(dill, "loads", lambda packed: kept[int(packed)])
    return kept


def test_the_engine_says_which_dill_fails_and_how_to_mend_it(broken_dill):
    import multiprocess

    with pytest.raises(EngineUnavailableError) as caught:
        check_engine("multiprocess")
    said = str(caught.value)
    assert caught.value.engine == "multiprocess"
    assert f"AttributeError: {REASON}" in said
    assert f"dill {dill.__version__}" in said and f"multiprocess {multiprocess.__version__}" in said
    assert "python -m pip install --upgrade dill multiprocess" in said
    with pytest.raises(EngineUnavailableError, match="co_lnotab"):
        sweep(do_nothing, [1], engines=("serial", "multiprocess"), n_workers=1, repeats=1)


def test_dill_is_tried_once_in_a_process(broken_dill):
    assert engine_problem("multiprocess") == engine_problem("multiprocess") is not None
    assert len(broken_dill) == 1


def test_a_dill_that_gives_back_another_function_does_not_serve(sound_dill, monkeypatch):
    monkeypatch.setattr(dill, "loads", lambda packed: abs)
    assert "another function" in engine_problem("multiprocess")


def test_the_other_engines_do_not_need_dill(broken_dill):
    for engine in ("serial", "threads", "processes", "pool"):
        check_engine(engine, do_nothing)
    assert broken_dill == []


def test_the_lab_greys_the_engine_and_says_why(broken_dill):
    from helpers.labs import SpeedupLab

    control = SpeedupLab(do_nothing, [1])._engines["multiprocess"]
    assert control.disabled and not control.value
    assert REASON in control.tooltip


def test_the_engine_comes_back_with_a_dill_that_works(sound_dill):
    from helpers.labs import SpeedupLab

    check_engine("multiprocess")
    assert len(sound_dill) == 1, "it was tried, not taken on trust"
    assert not SpeedupLab(do_nothing, [1])._engines["multiprocess"].disabled


def test_a_fresh_process_finds_out_for_itself(broken_dill):
    assert engine_problem("multiprocess") is not None
    program = (
        "import dill\nfrom helpers.engines import engine_problem\n"
        "try: sound = dill.loads(dill.dumps(lambda x: x + 1, recurse=True))(1) == 2\n"
        "except Exception: sound = False\n"
        "assert sound == (engine_problem('multiprocess') is None), engine_problem('multiprocess')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_function_or_item_that_dill_cannot_send_ends_in_an_error_of_ours(broken_dill):
    with pytest.raises(NotImportableError, match="co_lnotab"):
        pack_function(lambda item: item)
    with pytest.raises(NotPicklableError, match="Item 0"):
        pack_items([lambda: 1])


def test_chapter_01_shows_what_became_of_a_function_of_its_cell(tmp_path):
    """Its output is not compared by nbval: it depends on whether dill serves this Python. So it is looked at here."""
    notebook = nbformat.read(ROOT / "notebooks" / "01_process.ipynb", as_version=4)
    [cell] = [cell.source for cell in notebook.cells if "import multiprocess\n" in cell.source]
    done = subprocess.run([sys.executable, "-c", cell], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    said = done.stdout.splitlines()
    problem = engine_problem("multiprocess")
    if problem is None:
        assert said == ["triple: 21", "scale: NameError: name 'factor' is not defined"], done.stderr
    else:
        functions, errors = zip(*(line.split(": ", 1) for line in said), strict=True)
        assert functions == ("triple", "scale") and all(error in problem for error in errors), done.stderr


@pytest.mark.parametrize(
    ("ci", "reason", "outcome"),
    [
        ("true", "Skipped: could not import 'pandas': No module named 'pandas'", "failed"),
        ("true", "Skipped: no forkserver on this platform", "skipped"),
        ("false", "Skipped: could not import 'pandas': No module named 'pandas'", "skipped"),
    ],
)
def test_under_ci_no_test_is_skipped_for_want_of_a_package(monkeypatch, ci, reason, outcome):
    monkeypatch.setenv("CI", ci)
    report = SimpleNamespace(outcome="skipped", skipped=True, longrepr=("test_x.py", 1, reason))
    assert fail_avoidable_skip(report).outcome == outcome
