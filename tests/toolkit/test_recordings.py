"""Recordings: those that come with the package can be relied on and name nobody; the command says what it does."""

import getpass
import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT
from handmade import make_run, make_sweep, rounds

from helpers import recordings as command
from helpers.errors import HelpersError, InvalidArgumentError
from helpers.machine.processor import find_model, read_cpu_model, tidy_model
from helpers.plots import plot_speedup
from helpers.records import RECORDINGS, Problem, Recording, Sweep, recorded, recordings

#: Facts of a machine that a recording may hold. Anything else might say whose it is.
FACTS = set(
    "usable_cpus decided_by memory_limit_bytes memory_decided_by memory_free_bytes memory_free_decided_by "
    "default_start_method python implementation free_threaded gil_enabled platform system architecture logical_cpus "
    "physical_cpus affinity_cpus cgroup_cpus python_cpu_count cpu_limit start_methods memory_total_bytes "
    "cpu_model".split()
)
SWEEP = make_sweep({("serial", 1): rounds(4, 4, 4), ("processes", 2): rounds(2, 2, 2)}, usable_cpus=2)


def texts_in(plain):
    """Yield every text of plain values, keys included."""
    if isinstance(plain, dict):
        for key, value in plain.items():
            yield key
            yield from texts_in(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from texts_in(value)
    elif isinstance(plain, str):
        yield plain


def names_somebody(text):
    """Return whether a text holds a path, or the host or the user of this machine."""
    here = {platform.node().lower(), Path.home().name.lower()} - {"", "root", "localhost", "linux", "windows", "python"}
    named = any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text.lower()) for name in here)
    return named or bool(re.search(r"[/\\]|\w@\w|\.(local|lan)\b", text))


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_recording_is_complete_sure_and_names_nobody(path):
    recording = Recording.from_json(path)
    assert command.doubts_of_recording(recording) == []
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert [text for text in texts_in(plain) if names_somebody(text)] == []
    for name, sweep in recording.sweeps.items():
        assert name in command.WORKLOADS and sweep.function == name and not sweep.problems
        assert set(sweep.environment) <= FACTS and sweep.environment["usable_cpus"] >= 1
        assert any(engine != "serial" for engine, _ in sweep.pairs()) and plot_speedup(sweep).texts
    assert recording.machine in str(recording) and not names_somebody(recording.machine)
    assert path.stat().st_size < 500_000


def test_what_would_name_somebody_is_seen():
    assert names_somebody("a folder /opt/x") and names_somebody(r"C:\x") and names_somebody("me@there")
    assert names_somebody("mac.local") and not names_somebody("Some CPU @ 2.60GHz")


def test_the_recording_of_chapter_00_has_two_workers():
    assert recorded("count_primes").speedup("processes", 2).median > 1
    assert recorded("count_primes", "linux_2_cpus").environment["usable_cpus"] == 2


def plant(folder, monkeypatch, **cpus):
    """Have recordings of these names in `folder` instead of those shipped; the value is their number of CPUs."""
    for name, usable in cpus.items():
        sweep = make_sweep({("serial", 1): rounds(4, 4, 4), ("processes", 2): rounds(2, 2, 2)}, usable_cpus=usable)
        Recording(name, {"work": sweep}).to_json(folder / f"{name}.json")
    monkeypatch.setattr("helpers.records.shipped.RECORDINGS", folder)


def test_the_machine_with_the_most_cpus_comes_first(tmp_path, monkeypatch):
    plant(tmp_path, monkeypatch, a=2, b=16, c=4)
    assert [recording.name for recording in recordings()] == ["b", "c", "a"]
    assert recorded("work").environment["usable_cpus"] == 16
    assert recorded("work", "c").environment["usable_cpus"] == 4
    with pytest.raises(InvalidArgumentError, match="There is no machine .*b, c or a|machine"):
        recorded("work", "nobody")


def test_a_recording_is_read_as_it_was_written(tmp_path):
    path = Recording("mine", {"work": SWEEP}).to_json(tmp_path / "mine.json")
    again = Recording.from_json(path)
    assert (again.name, again.usable_cpus) == ("mine", 2)
    assert again.sweeps["work"].to_dict() == SWEEP.to_dict()


@pytest.mark.parametrize("text", ["", "3", "{}", "[]", '{"format": 1, "sweeps": {}}', '{"format": 7, "sweeps": {}}'])
def test_a_file_that_is_no_recording_is_refused(text, tmp_path):
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(InvalidArgumentError, match="is not a recording .*helpers.recordings record"):
        Recording.from_json(tmp_path / "odd.json")
    with pytest.raises(InvalidArgumentError, match="is not a recording"):
        Recording.from_json(SWEEP.to_json(tmp_path / "odd.json"))


def test_worker_counts_are_powers_of_two_and_twice_the_cpus_within_the_limit():
    # 6 usable: 1, 2, 4 below it, 6 itself, 12.  61 is the most on Windows: 2 × 48 is cut to it.
    assert command.choose_counts(6, 1000) == (1, 2, 4, 6, 12)
    assert command.choose_counts(1, 1000) == (1, 2)
    assert command.choose_counts(48, 61)[-2:] == (48, 61)
    assert command.choose_counts(6, 1000, quick=True) == (1, 2, 6)


def test_items_grow_with_the_most_workers():
    # 16 items, or 8 for each of 4 workers: 32
    work = command.Workload(abs, 1, 16, 8, "")
    assert (len(work.items((1, 2))), len(work.items((1, 2, 4)))) == (16, 32)


def test_what_is_in_doubt_is_told_by_workload():
    doubtful = make_sweep({("serial", 1): rounds(4, 8, 4), ("processes", 2): rounds(2, 2, 2)}, usable_cpus=2)
    stopped = Sweep("work", 4, SWEEP.runs, SWEEP.environment, complete=False)
    said = command.doubts_of_recording(Recording("x", {"sure": SWEEP, "odd": doubtful, "half": stopped}))
    assert len(said) == 2 and said[0].startswith("odd: ") and "more than 10 %" in said[0]
    assert said[1] == "half: stopped early"


def test_the_model_of_the_cpu_is_read_from_the_kernels_list(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast/CPU  9\nprocessor : 1\n")
    if sys.platform == "linux":
        assert read_cpu_model(tmp_path) == "Fast CPU 9"
        assert read_cpu_model(tmp_path / "nowhere") == tidy_model(platform.processor())
    assert find_model("Hardware : Board\nmodel name : A\nmodel name : B\n") == "A" and find_model("bogus") is None
    assert tidy_model("x" * 500) == "x" * 80
    model = read_cpu_model()
    assert model is None or not names_somebody(model)


def test_record_measures_and_leaves_out_timelines(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "WORKLOADS", {"wait_ms": command.Workload(command.wait_ms, 1, 4, 1, "")})
    out = tmp_path / "mine.json"
    status = command.main(["record", "--quick", "--out", str(out)])
    recording = Recording.from_json(out)
    assert status == (1 if command.doubts_of_recording(recording) else 0)
    sweep = recording.sweeps["wait_ms"]
    assert {engine for engine, _ in sweep.pairs()} == {"serial", "threads", "processes"}
    assert all(run.timeline is None for run in sweep.runs) and set(sweep.environment) == FACTS
    assert [text for text in texts_in(recording.sweeps["wait_ms"].to_dict()) if names_somebody(text)] == []
    said = capsys.readouterr().out
    assert "1 workload of this machine" in said and getpass.getuser() + "@" not in said
    assert command.main(["show", str(out)]) == 0 and "wait_ms over 4 items" in capsys.readouterr().out


def test_a_workload_that_has_a_problem_is_not_recorded(monkeypatch):
    problem = Problem("processes", 2, 1, "late", "It took too long.")
    broken = Sweep("work", 4, (make_run(),), {"usable_cpus": 2}, True, (problem,))
    monkeypatch.setattr(command, "sweep", lambda *args, **settings: broken)
    with pytest.raises(HelpersError, match="wait_ms cannot be recorded here: It took too long"):
        command.record(["wait_ms"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["record", "no"], "There is no workload no. There are: count_primes, "),
        (["record", "--out", "nowhere/x.json"], "There is no folder for nowhere/x.json"),
        (["show", "nobody"], "There is no file nobody"),
        (["show", "linux_2_cpus", "no"], "linux_2_cpus has no no. It has: count_primes"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_measured(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command.main(arguments) == 2
    assert words in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_the_command_runs_as_the_page_says():
    done = subprocess.run(
        [sys.executable, "-m", "helpers.recordings", "list"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and "linux_2_cpus: 2 usable CPUs" in done.stdout and "count_primes" in done.stdout
