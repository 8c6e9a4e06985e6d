"""SpeedupLab without a browser: what it has beyond tests/contracts/test_labs.py, and the program it shows."""

import subprocess
import sys
import time

import pytest
from handmade import make_sweep, rounds
from leftovers import no_leftovers
from skips import needs_by_value

from helpers.errors import HelpersError, InvalidArgumentError, NotImportableError, TaskFailedError
from helpers.labs import SpeedupLab
from helpers.labs.program import program_for, write_items
from helpers.labs.speedup import STAY_SERIAL
from helpers.models import advise
from helpers.records import Sweep
from helpers.tasks import cpu, faults, wait


def small_lab(func=wait.wait_ms, items=(2,) * 6, **options):
    return SpeedupLab(
        func, items, **{"engines": ("threads", "processes"), "n_workers": (1, 2), "repeats": 3, **options}
    )


def press(lab, name):
    getattr(lab, f"_{name}_button").click()


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


@pytest.mark.parametrize("engine", ["serial", "threads", "processes", "pool", "multiprocess"])
def test_stop_ends_everything_also_loops_that_cannot_be_stopped(engine):
    lab = small_lab(faults.spin_for_ever, [1, 2], engines=(engine,))
    press(lab, "run")
    wait_until(lambda: lab._runner is not None)
    time.sleep(0.3)
    press(lab, "stop")
    no_leftovers(0.5)
    assert not lab.running and lab.error is None


EXITING = """
import sys
if "pytest" not in sys.modules:
    raise {raised}

def double(item):
    return 2 * item
"""


@pytest.mark.parametrize("raised", ["SystemExit(2)", "KeyboardInterrupt()", "GeneratorExit()"])
def test_a_module_that_ends_its_program_does_not_end_a_lab_in_silence(answers, raised):
    lab = small_lab(answers(EXITING.format(raised=raised)).double, [1, 2, 3], engines=("threads",))
    lab.run()
    assert lab.wait(20) and lab.error is not None and raised.partition("(")[0] in lab._message.value
    assert lab._progress.bar_style == "warning" and "failed" in lab._progress_label.value
    with pytest.raises((HelpersError, KeyboardInterrupt)):
        lab.run(block=True)
    no_leftovers(0.5)


def test_controls_decide_what_is_measured():
    lab = small_lab()
    lab._counts[1].value = False
    lab._engines["threads"].value = False
    lab._chunk.value, lab._repeats.value = "3", (1, None)
    result = lab.run(block=True)
    assert (
        result.pairs() == [("serial", 1), ("processes", 2)]
        and result.last_run("processes", 2).chunksize == 3
        and len(result.runs) == 4
    )


def test_no_worker_count_is_told():
    lab = small_lab()
    for control in lab._counts.values():
        control.value = False
    with pytest.raises(InvalidArgumentError, match="at least one number of workers"):
        lab.run(block=True)


@needs_by_value
def test_engines_that_cannot_run_are_greyed_with_the_reason():
    def nested(item):
        return item

    lab = small_lab(nested)
    for name in ("processes", "pool"):
        assert lab._engines[name].disabled and not lab._engines[name].value and "%%worker" in lab._engines[name].tooltip
    assert not lab._engines["multiprocess"].disabled and not lab._engines["threads"].disabled
    if sys.version_info < (3, 14):
        assert "3.14" in lab._engines["interpreters"].tooltip


def test_a_failing_function_is_shown_and_kept():
    lab = small_lab(faults.raise_on_bad, range(6))
    press(lab, "run")
    assert lab.wait(30)
    assert (
        isinstance(lab.error, TaskFailedError)
        and "cannot double 3" in lab._message.value
        and "the whole message" in lab._message.value
    )
    with pytest.raises(TaskFailedError):
        lab.run(block=True)


def test_what_tasks_print_is_shown():
    lab = small_lab(faults.print_item, range(3), repeats=1)
    lab.run(block=True)
    assert "working on 2" in lab._extra.value


def test_guess_is_drawn_once_it_is_made():
    assert small_lab(guess=1.5)._guess.number == 1.5 and small_lab(guess=1.52)._guess.number == 1.5
    lab = small_lab()
    before = lab._picture.data
    lab._guess.value = 1.7
    guessed = lab._picture.data
    assert lab._guess.number == 1.7 and guessed != before
    lab._guess.value = lab._guess.options[0][1]  # no guess yet
    assert lab._guess.number is None and lab._picture.data not in (before, guessed), "sharp, and without a guess"


def test_the_guess_reaches_as_far_as_asked_for():
    assert small_lab(guess=9_000)._guess.number == pytest.approx(9_000, rel=0.002)


def test_saving_writes_beside_the_notebook_and_overwrites_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab = small_lab()
    lab._save()
    assert "Run first" in lab._message.value and not list(tmp_path.iterdir())
    lab.run(block=True)
    advice = lab._message.value
    for save in (lab._save, lab._save, lab._save_trace):
        save()
    assert lab._message.value.startswith(advice) and "serial" in advice, "what is saved does not displace the advice"
    assert lab._message.value.count("Saved") == 1 and "perfetto" in lab._message.value
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "speedup-wait_ms-2.json",
        "speedup-wait_ms-trace.json",
        "speedup-wait_ms.json",
    ]
    assert Sweep.from_json(tmp_path / "speedup-wait_ms-2.json").complete


# ── the program ──────────────────────────────────────────────────────────────────────────────


def run_program(source, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(source, encoding="utf-8")
    done = subprocess.run([sys.executable, "-P", str(path)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "engine", ["serial", "threads", "processes", "pool", pytest.param("multiprocess", marks=needs_by_value)]
)
def test_the_program_runs_as_it_stands(engine, tmp_path):
    source = program_for(cpu.count_primes, [30, 40, 50], engine, 2, "spawn")
    assert "helpers" not in source and run_program(source, tmp_path) == "[10, 12, 15]"


@pytest.mark.parametrize(
    "items",
    [
        [],
        [1],
        [1, 2, 4],
        list(range(0, 900, 3)),
        [7] * 50,
        ["it's", 'a "test"', "\n"],
        [b"x" * 5000],
        [{"a": (1, None)}],
        [float("inf")],
        list(range(1, 5000, 2)) + [0],
    ],
)
def test_items_in_the_program_are_those_given(items, tmp_path):
    imports, expression = write_items(items)
    namespace = {}
    exec(imports + f"ITEMS = {expression}", namespace)
    assert list(namespace["ITEMS"]) == items


def test_where_serial_is_advised_the_best_parallel_program_is_shown_with_a_remark():
    # serial 1 s; threads x 2 in 2 s: 0.5 times; processes x 2 in 4 s: 0.25 times
    lab = small_lab(cpu.count_primes, [30, 40])
    walls = {("serial", 1): rounds(1, 1, 1), ("threads", 2): rounds(2, 2, 2), ("processes", 2): rounds(4, 4, 4)}
    lab.result = make_sweep(walls)
    assert lab.result.complete and "ThreadPoolExecutor(2)" in lab.code() and STAY_SERIAL in lab.code()
    lab.result = make_sweep({("serial", 1): rounds(4, 4, 4), ("threads", 2): rounds(2, 2, 2)})
    assert "ThreadPoolExecutor(2)" in lab.code() and STAY_SERIAL not in lab.code()
    # one thread is the fastest of all; the advice quotes two, since one worker is not parallel
    lab.result = make_sweep(walls | {("threads", 1): rounds(0.9, 0.9, 0.9)})
    assert "2 threads" in advise(lab.result).reason
    assert "ThreadPoolExecutor(2)" in lab.code() and STAY_SERIAL in lab.code()
    # the same with 3 processes on 2 CPUs, which are never advised for work that computes
    lab.result = make_sweep(walls | {("processes", 3): rounds(1.5, 1.5, 1.5)}, usable_cpus=2)
    assert "ThreadPoolExecutor(2)" in lab.code()
    lab.result = make_sweep({("serial", 1): rounds(1, 1, 1), ("threads", 1): rounds(2, 2, 2)})
    assert "ThreadPoolExecutor(1)" in lab.code(), "there is no other"
    lab.result = make_sweep({("serial", 1): rounds(4, 4, 4)})
    assert "count_primes(item) for item in ITEMS" in lab.code() and STAY_SERIAL not in lab.code()


def test_a_lambda_has_no_program():
    with pytest.raises(NotImportableError):
        program_for(lambda item: item, [1], "multiprocess", 2, "spawn")
