"""The rules of honest measuring, and what a sweep does with bad input and faults."""

import itertools
import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest
from leftovers import group_of, no_leftovers, shared_blocks
from skips import needs_by_value

from helpers.errors import (
    EngineUnavailableError,
    InvalidArgumentError,
    NotImportableError,
    NotPicklableError,
    ResultsDifferError,
    TaskFailedError,
    WorkerDiedError,
)
from helpers.machine import start_methods
from helpers.measure import MAX_ITEMS, is_same, plan_visits, require_same, run_once, sweep, sweep_steps
from helpers.records import Sweep, estimate_ratio
from helpers.tasks import cpu, faults, wait


@pytest.fixture(scope="module")
def measured():
    return sweep(wait.wait_ms, [2] * 12, engines=("threads", "processes"), n_workers=(1, 2), repeats=3, timeout=30)


def test_the_serial_loop_runs_in_every_round_and_first_of_all():
    visits = plan_visits(("threads", "processes"), (1, 2, 4), repeats=6, seed=1)
    rounds = [[visit[1:] for visit in group] for _, group in itertools.groupby(visits, key=lambda visit: visit[0])]
    assert len(rounds) == 7 and rounds[0][0] == ("serial", 1)
    assert all(sorted(r) == sorted(rounds[0]) and r.count(("serial", 1)) == 1 for r in rounds)
    assert len({tuple(r) for r in rounds}) > 3, "rounds are in random order"


def test_a_sweep_measures_every_pair_in_every_round(measured):
    assert measured.complete and len(measured.runs) == 5 * 4
    assert measured.pairs() == [("serial", 1), ("threads", 1), ("threads", 2), ("processes", 1), ("processes", 2)]
    assert [run.round for run in measured.runs_of("processes", 2)] == [1, 2, 3]
    assert measured.runs_of("processes", 2, warmup=True)[0].warmup


def test_start_up_and_work_are_told_apart(measured):
    run = measured.last_run("processes", 2)
    assert (
        run.startup > 0 and run.shown_wall == run.startup + run.wall and run.cold_wall == run.startup + run.first_wall
    )
    assert measured.wall("processes", 2, cold=True).median > measured.wall("processes", 2).median
    assert measured.speedup("processes", 2, cold=True).median < measured.speedup("processes", 2).median


def test_speedup_is_a_ratio_of_medians_with_an_interval(measured):
    estimate = measured.speedup("threads", 2)
    assert estimate.low <= estimate.median <= estimate.high and estimate.n_rounds == 3
    walls = sorted(run.wall for run in measured.runs_of("threads", 2))
    serial = sorted(run.wall for run in measured.runs_of("serial", 1))
    assert estimate.median == pytest.approx(serial[1] / walls[1])


def test_below_three_rounds_there_is_no_interval_and_it_says_so():
    estimate = estimate_ratio([2.0, 2.2], [1.0, 1.0])
    assert estimate.low is None and "no interval" in str(estimate)
    assert estimate_ratio([2.0, 2.0, 2.0], [1.0, 1.0, 1.0]).low == 2.0


def test_the_interval_contains_the_truth_most_of_the_time():
    import random

    draw = random.Random(3)
    hits = 0
    for _ in range(200):
        estimate = estimate_ratio([draw.gauss(2, 0.1) for _ in range(9)], [draw.gauss(1, 0.05) for _ in range(9)])
        hits += estimate.low <= 2 <= estimate.high
    assert hits > 160


def test_only_the_newest_timeline_of_a_pair_is_kept(measured):
    for pair in measured.pairs():
        kept = [run.timeline is not None for run in measured.runs_of(*pair, warmup=True)]
        assert kept == [False, False, False, True]


def test_accounting_adds_up_in_every_run(measured):
    for run in measured.runs:
        assert run.accounting.total == pytest.approx(run.n_workers * run.shown_wall, rel=1e-6)
        assert sum(run.accounting.shares().values()) == pytest.approx(1)


def test_more_workers_than_cpus_and_short_runs_are_marked():
    result = sweep(cpu.do_nothing, [1], engines=("threads",), n_workers=(64,), repeats=3, timeout=30)
    badges = " ".join(result.badges("threads", 64))
    assert "more workers than" in badges and "under 1 ms" in badges


def test_the_next_run_waits_while_progress_is_told():
    told = []

    def look(progress):
        told.append((progress.done, progress.total, progress.run))

    sweep(cpu.do_nothing, range(10), engines="threads", n_workers=2, repeats=2, on_progress=look, timeout=30)
    assert (
        [done for done, _, _ in told] == list(range(7))
        and told[0][2] is None
        and {total for _, total, _ in told} == {6}
    )


def stopped_sweep(should_stop, seen, n_items=4):
    return sweep(
        wait.wait_ms,
        [5] * n_items,
        engines="processes",
        n_workers=2,
        repeats=1000,
        on_progress=seen.append,
        should_stop=should_stop,
        timeout=30,
    )


def stopped_steps(should_stop, seen, n_items=4):
    settings = {"engines": "processes", "n_workers": 2, "repeats": 1000, "timeout": 30}
    for progress in sweep_steps(wait.wait_ms, [5] * n_items, should_stop=should_stop, **settings):
        seen.append(progress)
    return seen[-1].sweep


@pytest.mark.parametrize("measure", [stopped_sweep, stopped_steps])
def test_a_stopped_sweep_is_what_was_measured_so_far(measure):
    seen = []
    result = measure(lambda: len(seen) > 5, seen)  # told before the first run and after each: 5 runs
    assert not result.complete and len(result.runs) >= 5
    assert result.runs == seen[-1].sweep.runs and [progress.done for progress in seen] == list(range(len(seen)))
    no_leftovers()


@pytest.mark.parametrize("measure", [stopped_sweep, stopped_steps])
def test_a_sweep_stopped_before_its_first_run_ended_is_a_sweep_without_runs(measure):
    seen = []
    result = measure(lambda: True, seen, n_items=10_000)
    assert not result.complete and result.runs == () and [progress.done for progress in seen] == [0]
    no_leftovers()


@pytest.mark.parametrize("patience", [0, 0.3], ids=["at once", "in the middle"])
def test_a_stopped_run_is_a_batch_without_results(patience):
    patience += time.monotonic()
    batch = run_once(faults.spin_for_ever, range(4), should_stop=lambda: time.monotonic() >= patience)
    assert not batch.complete and batch.values() == [] and len(batch.timeline) == 0
    assert run_once(cpu.do_nothing, [1, 2], should_stop=lambda: False, timeout=30).complete
    no_leftovers()


def test_json_keeps_everything(measured, tmp_path):
    again = Sweep.from_json(measured.to_json(tmp_path / "sweep.json"))
    assert again.environment == measured.environment and "usable_cpus" in again.environment
    assert again.speedup("processes", 2) == measured.speedup("processes", 2) and str(again) == str(measured)
    assert list(again.last_run("processes", 2).timeline.worker) == list(
        measured.last_run("processes", 2).timeline.worker
    )


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 99}', "\0"])
def test_json_of_something_else_is_refused(text, tmp_path):
    path = tmp_path / "no.json"
    path.write_text(text)
    with pytest.raises(InvalidArgumentError, match="no.json"):
        Sweep.from_json(path)


def test_the_frame_has_a_row_for_every_run(measured):
    frame = measured.to_frame()
    assert len(frame) == len(measured.runs) and {"engine", "n_workers", "wall", "cold_wall", "working_share"} <= set(
        frame.columns
    )


def test_the_chrome_trace_has_an_event_for_every_task(measured, tmp_path):
    trace = json.loads(measured.to_chrome_trace(tmp_path / "trace.json").read_text())
    tasks = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert len(tasks) == 12 * 5 and all(event["dur"] >= 2000 for event in tasks)
    assert {event["name"] for event in trace["traceEvents"] if event["ph"] == "M"} == {"process_name", "thread_name"}


def test_a_million_tasks_fit_in_40_mb():
    line = run_once(cpu.do_nothing, range(100_000), engine="threads", timeout=60).timeline
    assert line.nbytes <= 40 * len(line)


# ── faults ───────────────────────────────────────────────────────────────────────────────────


def test_a_failing_task_ends_the_sweep_with_its_traceback_and_the_other_results():
    with pytest.raises(TaskFailedError, match="serial × 1") as caught:
        sweep(faults.raise_on_bad, range(6), n_workers=2, repeats=1, timeout=30)
    assert caught.value.results == [0, 2, 4, None, 8, 10] and "cannot double 3" in caught.value.remote_traceback
    assert caught.value.sweep is not None
    no_leftovers()


def test_different_results_in_parallel_are_an_error():
    with pytest.raises(ResultsDifferError, match="serial loop") as caught:
        sweep(faults.return_process_id, range(4), engines="processes", n_workers=2, repeats=1, timeout=30)
    assert caught.value.index == 0 and len(caught.value.sweep.runs) >= 1
    no_leftovers()


def test_results_that_only_processes_cannot_return_are_the_failure_of_their_item():
    with pytest.raises(TaskFailedError, match="processes × 2"):
        sweep(faults.return_unpicklable, [faults.BAD_ITEM, 1], engines="processes", n_workers=2, repeats=1, timeout=30)


def test_a_function_that_ends_its_process_is_reported_with_item_and_exit_code():
    with pytest.raises(WorkerDiedError, match="serial × 1") as caught:
        sweep(faults.exit_on_bad, range(6), n_workers=2, repeats=1, timeout=30)
    assert caught.value.exitcode == 3
    if os.name == "posix":
        assert caught.value.last_task == 3 and caught.value.item == "3"
    no_leftovers()


def test_a_deadline_says_where_it_passed():
    with pytest.raises(TimeoutError, match="serial × 1") as caught:
        sweep(faults.spin_for_ever, range(2), n_workers=2, repeats=1, timeout=0.5)
    assert caught.value.sweep.runs == ()
    no_leftovers()


def test_what_tasks_print_is_kept_and_breaks_nothing():
    runners = []
    for engine in ("serial", "threads", "processes", "pool"):
        batch = run_once(
            faults.print_item,
            range(5),
            engine=engine,
            n_workers=1 if engine == "serial" else 2,
            on_start=runners.append,
            timeout=30,
        )
        assert batch.values() == list(range(5))
        assert all(f"working on {item}" in runners[-1].printed for item in range(5))


def test_an_endless_generator_is_refused():
    with pytest.raises(InvalidArgumentError, match="never ends"):
        sweep(cpu.do_nothing, itertools.count())
    assert MAX_ITEMS >= 1_000_000


def test_items_of_unpicklable_objects_are_named():
    items = [1, (n for n in range(3))]
    with pytest.raises(NotPicklableError) as caught:
        sweep(cpu.do_nothing, items)
    assert caught.value.index == 1


def test_no_items_are_refused_as_nothing_to_measure():
    used_up = (n for n in ())
    for items in ([], used_up):
        with pytest.raises(InvalidArgumentError, match="empty"):
            sweep(cpu.do_nothing, items)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("n_workers", 0),
        ("n_workers", -2),
        ("n_workers", 10_000),
        ("n_workers", ()),
        ("n_workers", "2"),
        ("n_workers", (1, 0)),
        ("repeats", 0),
        ("repeats", 2.5),
        ("chunksize", 0),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", math.nan),
        ("timeout", "1"),
        ("start_method", "clone"),
        ("engines", "procs"),
    ],
)
def test_arguments_out_of_range_are_refused_before_anything_starts(option, value):
    with pytest.raises(InvalidArgumentError, match="engine" if option == "engines" else option):
        sweep(cpu.do_nothing, [1, 2], **{option: value})


@pytest.mark.parametrize("func", [None, 3, "count"])
def test_something_that_is_no_function_is_refused(func):
    with pytest.raises(InvalidArgumentError, match="function"):
        sweep(func, [1])


def test_items_that_are_no_iterable_are_refused():
    with pytest.raises(InvalidArgumentError, match="items"):
        sweep(cpu.do_nothing, 7)


def test_functions_no_worker_can_import_are_refused_with_the_ways_out():
    def nested(item):
        return item

    for func in (nested, lambda item: item):
        with pytest.raises(NotImportableError, match="%%worker"):
            sweep(func, [1], engines="processes")


@needs_by_value
def test_threads_and_the_serial_loop_take_a_function_that_no_worker_can_import():
    assert sweep(lambda item: item, [1, 2], engines="threads", n_workers=1, repeats=1, timeout=30).complete


def test_a_missing_engine_says_why():
    if sys.version_info < (3, 14):
        with pytest.raises(EngineUnavailableError):
            sweep(cpu.do_nothing, [1], engines="interpreters")


def test_an_edited_module_is_measured_as_it_is_now(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "edited_task.py"
    module.write_text("def task(item):\n    return item + 1\n")
    import edited_task

    assert run_once(edited_task.task, [1], timeout=30).values() == [2]
    module.write_text("def task(item):\n    return item + 100\n")
    os.utime(module, ns=(1, 2_000_000_000_000_000_000))
    assert run_once(edited_task.task, [1], timeout=30).values() == [101]
    sys.modules.pop("edited_task")


def test_results_are_the_same_when_equal_nan_or_equal_inside():
    assert is_same([1, (2.0, math.nan)], [1, (2.0, math.nan)]) and is_same({"a": [1]}, {"a": [1]})
    assert not is_same([1], [1.5]) and not is_same((1,), [1]) and not is_same({"a": 1}, {"b": 1})
    import numpy as np

    assert is_same(np.arange(3), np.arange(3)) and not is_same(np.arange(3), np.arange(1, 4))
    with pytest.raises(ResultsDifferError, match="Item 1"):
        require_same([1, 2], [1, 3], ["a", "b"])


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX; tests of the fallback need a Windows machine")
def test_a_killed_parent_leaves_no_process_and_no_shared_memory():
    before, parents = shared_blocks(), {}
    script = textwrap.dedent("""
        import sys
        from helpers import runner
        from helpers.measure import play_batch, pack_function, pack_items
        from helpers.tasks import faults
        play = runner.play(play_batch, pack_function(faults.spin_for_ever), pack_items([1, 2, 3]), "pool", 2,
                           sys.argv[1], None, on_start=lambda r: print(r.pid, flush=True))
        list(play)
    """)
    try:
        for method in start_methods():  # all at once: they come up beside each other
            parents[method] = subprocess.Popen(
                [sys.executable, "-c", script, method],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        groups = {method: wait_for_workers(parent, method) for method, parent in parents.items()}
    finally:
        for parent in parents.values():
            parent.kill()
            parent.wait(5)
            parent.stdout.close()
    deadline = time.monotonic() + 2
    while (alive := [p for group in groups.values() for p in group if is_alive(p)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive, alive
    assert not shared_blocks() - before


def wait_for_workers(parent, method):
    """Return the processes of the runner that `parent` tells of, two workers among them."""
    leader, deadline = int(parent.stdout.readline()), time.monotonic() + 20
    while len(group_of(leader)) < 3 + (method != "fork") and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    group = group_of(leader)
    assert len(group) >= 3, f"{method}: the runner and two workers are there"
    return group


def is_alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(os.name != "posix", reason="SIGINT to a process group is POSIX")
def test_an_interrupt_ends_the_sweep_and_everything_it_started(tmp_path):
    script = textwrap.dedent("""
        from helpers.measure import sweep
        from helpers.tasks import wait
        try:
            sweep(wait.wait_ms, [200] * 4, engines="processes", n_workers=2, repeats=500,
                  on_progress=lambda p: print(p.done, flush=True))
        except KeyboardInterrupt:
            from leftovers import no_leftovers
            no_leftovers()
            print("clean", flush=True)
    """)
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert child.stdout.readline().strip() == "0"
        assert child.stdout.readline().strip() == "1"
        time.sleep(0.1)
        os.killpg(child.pid, signal.SIGINT)
        rest, _ = child.communicate(timeout=20)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(5)
    assert rest.strip().endswith("clean")


def test_a_timeline_put_together_with_numpy_is_the_same():
    from array import array

    from helpers.records import Timeline

    times = array("d", [10.5, 11.0, 12.0, 10.75, 11.5, 12.125]).tobytes()
    (plain, working), (quick, busy) = (
        Timeline.of_chunks([(3, 10.25, times, 0.5)], 10.0, many) for many in (False, True)
    )
    assert working == busy == 0.875
    assert (
        plain.columns() == quick.columns()
        and list(plain.started) == [0.5, 1.0, 2.0]
        and list(plain.queued) == [0.25] * 3
    )
