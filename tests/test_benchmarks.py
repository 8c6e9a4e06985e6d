"""Every benchmark runs, at its smallest size, and returns its rows. No figure is looked at."""

import json
import os
import subprocess
import sys

import pytest
from checkout import ROOT

GROUPS = (
    "imports",
    "startup",
    "tracing",
    "observer",
    "events",
    "messages",
    "harness",
    "latency",
    "timeline",
    "chapter",
    "regret",
    "stopping",
)
#: at least so many rows of each group have a figure, on every platform and without joblib and mpire
LEAST = {
    "imports": 5,
    "startup": 4,
    "tracing": 4,
    "observer": 6,
    "events": 5,
    "messages": 10,
    "harness": 3,
    "latency": 7,
    "timeline": 4,
    "chapter": 6,
    "regret": 10,
    "stopping": 12,
}
#: rows that are held against a target
TARGETS = {
    "imports": 2,
    "startup": 0,
    "tracing": 2,
    "observer": 2,
    "events": 3,
    "messages": 1,
    "harness": 2,
    "latency": 6,
    "timeline": 2,
    "chapter": 3,
    "regret": 3,
    "stopping": 6,
}
KEYS = {"name", "figure", "unit", "target", "met", "ratio", "against", "note"}


def run_benchmarks(*arguments):
    """Return the finished process of ``python -m benchmarks`` with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=200,
    )


@pytest.mark.parametrize("group", GROUPS)
def test_benchmark_runs_and_returns_its_rows(group, tmp_path):
    path = tmp_path / "rows.json"
    done = run_benchmarks(group, "--smoke", "--json", str(path))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    rows = json.loads(path.read_text(encoding="utf-8"))["groups"][group]
    assert all(set(row) == KEYS for row in rows)
    failed = [row["note"] for row in rows if row["note"].startswith("failed")]
    assert not failed
    assert sum(row["figure"] is not None for row in rows) >= LEAST[group], rows
    judged = [row for row in rows if row["target"]]
    assert len(judged) >= TARGETS[group]
    assert all(isinstance(row["met"], bool) and row["figure"] is not None for row in judged)
    for row in rows:
        assert row["name"] in done.stdout, f"the table lacks {row['name']!r}"


def test_all_groups_are_tested_and_offered():
    help_text = " ".join(run_benchmarks("--help").stdout.split())
    assert ", ".join(GROUPS) in help_text


def test_every_module_with_a_measurement_is_a_group():
    modules = {
        path.stem for path in (ROOT / "benchmarks").glob("*.py") if "\ndef measure(" in path.read_text(encoding="utf-8")
    }
    assert modules - {"__main__"} == set(GROUPS)


def test_an_unknown_name_is_refused_with_the_known_ones():
    done = run_benchmarks("trcing")
    assert done.returncode == 2
    assert "'trcing'" in done.stderr and "tracing" in done.stderr


def test_what_cannot_be_measured_is_a_row_and_no_failure(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import __main__ as command
    from benchmarks import imports

    def fail(**_):
        raise OSError("no more processes")

    monkeypatch.setattr(imports, "measure", fail)
    rows = command.measure("imports", "smoke")
    command.show("imports", rows, 0.0)
    shown = capsys.readouterr().out
    assert [row.figure for row in rows] == [None]
    assert "failed: OSError: no more processes" in shown


def test_targets_are_judged_both_ways(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.rows import at_least, at_most

    assert [at_most("a", figure, "s", 1.0).met for figure in (0.9, 1.0, 1.1)] == [True, True, False]
    assert [at_least("a", figure, "s", 1.0).met for figure in (0.9, 1.0, 1.1)] == [False, True, True]


def test_calls_take_turns_and_the_first_round_is_not_counted(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.rows import interleave

    order = []
    seconds = interleave({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2)
    assert "".join(order) == "abbaab"
    assert {name: len(took) for name, took in seconds.items()} == {"a": 2, "b": 2}
