"""SpeedupLab without a browser: set the controls, press Run, wait, Stop; and the program it shows."""

import subprocess
import sys
import time

import pytest
from leftovers import no_leftovers
from skips import needs_by_value

from helpers.errors import HelpersError, InvalidArgumentError, NotImportableError, TaskFailedError
from helpers.labs import SpeedupLab
from helpers.labs.program import program_for, write_items
from helpers.labs.speedup import worker_choices
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


def test_run_returns_at_once_and_the_result_grows():
    lab = small_lab()
    press(lab, "run")
    assert lab._run_button.disabled and not lab._stop_button.disabled
    wait_until(lambda: lab.result is not None and 0 < len(lab.result.runs) < 20)
    assert lab.wait(30)
    assert lab.result.complete and len(lab.result.runs) == 20
    assert not lab._run_button.disabled and lab._stop_button.disabled and lab._message.value


def test_run_with_block_gives_the_sweep_and_a_picture():
    lab = small_lab()
    before = lab._picture.data
    assert isinstance(lab.run(block=True), Sweep)
    assert lab._picture.data[:8] == b"\x89PNG\r\n\x1a\n" and lab._picture.data != before
    assert "times the serial loop" in lab._picture.alt


@pytest.mark.parametrize("engine", ["serial", "threads", "processes", "pool", "multiprocess"])
def test_stop_ends_everything_also_loops_that_cannot_be_stopped(engine):
    lab = small_lab(faults.spin_for_ever, [1, 2], engines=(engine,))
    press(lab, "run")
    wait_until(lambda: lab._runner is not None)
    time.sleep(0.3)
    press(lab, "stop")
    no_leftovers(0.5)
    assert not lab.running and lab.error is None


def test_stop_before_run_and_twice_does_no_harm():
    lab = small_lab()
    lab.stop()
    lab.stop()
    assert lab.run(block=True).complete


def test_running_again_and_running_another_lab():
    first, second = small_lab(repeats=50), small_lab()
    first.run()
    wait_until(lambda: first._runner is not None)
    second.run(block=True)
    assert second.result.complete and not first.running and not first.result.complete


def test_a_closed_lab_stops_and_says_so():
    lab = small_lab(repeats=50)
    lab.run()
    wait_until(lambda: lab._runner is not None)
    lab.close()
    no_leftovers(1)
    with pytest.raises(HelpersError, match="closed"):
        lab.run()


def test_controls_decide_what_is_measured():
    lab = small_lab()
    lab._counts[1].value = False
    lab._engines["threads"].value = False
    lab._chunk.value, lab._repeats.value = "3", 1
    result = lab.run(block=True)
    assert (
        result.pairs() == [("serial", 1), ("processes", 2)]
        and result.last_run("processes", 2).chunksize == 3
        and len(result.runs) == 4
    )


def test_bad_controls_are_told_and_nothing_starts():
    lab = small_lab()
    lab._chunk.value = "many"
    press(lab, "run")
    assert "Chunk size" in lab._message.value and not lab.running
    lab._chunk.value = "auto"
    for control in lab._counts.values():
        control.value = False
    with pytest.raises(InvalidArgumentError, match="worker"):
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
    lab = small_lab(guess=1.5)
    assert lab._guessed and lab._guess.value == 1.5
    lab = small_lab()
    before = lab._picture.data
    lab._guess.value = 1.7
    assert lab._guessed and lab._picture.data != before


def test_saving_writes_beside_the_notebook_and_overwrites_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab = small_lab()
    lab._save()
    assert "Run first" in lab._message.value and not list(tmp_path.iterdir())
    lab.run(block=True)
    for save in (lab._save, lab._save, lab._save_trace):
        save()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "speedup-wait_ms-2.json",
        "speedup-wait_ms-trace.json",
        "speedup-wait_ms.json",
    ]
    assert Sweep.from_json(tmp_path / "speedup-wait_ms-2.json").complete


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n_workers": 0}, InvalidArgumentError),
        ({"n_workers": 10_000}, InvalidArgumentError),
        ({"engines": ("procs",)}, InvalidArgumentError),
    ],
)
def test_bad_arguments_are_refused_at_once(options, error):
    with pytest.raises(error):
        small_lab(**options)


def test_worker_choices_reach_twice_the_usable_cpus():
    assert worker_choices(1) == [1, 2] and worker_choices(2) == [1, 2, 3, 4] and worker_choices(4) == [1, 2, 3, 4, 6, 8]
    assert worker_choices(16)[-1] == 32 and 16 in worker_choices(16)


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


def test_a_lambda_has_no_program():
    with pytest.raises(NotImportableError):
        program_for(lambda item: item, [1], "multiprocess", 2, "spawn")
