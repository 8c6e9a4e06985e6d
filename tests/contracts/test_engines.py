"""One contract, every engine, every start method: what goes in comes out, in order, and nothing hangs.

Where a second start method proves nothing that the first does not, each engine runs with one. asyncio, and the serial
loop of coroutine functions, are given coroutine functions that do what the plain ones do; see also test_coroutines.py.
"""

import os
import sys

import coroutines
import losses
import pytest
from coroutines import AWAITING
from leftovers import no_leftovers
from skips import needs_by_value

from helpers import runner
from helpers.engines import (
    ENGINES,
    auto_chunksize,
    check_engine,
    engine_problem,
    max_workers,
    open_team,
    start_methods_of,
)
from helpers.engines.registry import SHARING
from helpers.errors import (
    EngineUnavailableError,
    InvalidArgumentError,
    NotImportableError,
    NotPicklableError,
    TaskFailedError,
    WorkerDiedError,
)
from helpers.machine import default_start_method
from helpers.measure import run_once
from helpers.tasks import cpu, faults, wait

SETTINGS = [
    (engine, method)
    for engine in (*ENGINES, AWAITING)
    if engine == AWAITING or engine_problem(engine) is None
    for method in start_methods_of(engine) or (None,)
]
ENGINES_ONCE = [setting for setting in SETTINGS if setting[1] in (None, default_start_method())]
STARTING = [setting for setting in SETTINGS if setting[1] is not None]
#: Engines of one worker.
ALONE = ("serial", AWAITING)
every_setting = pytest.mark.parametrize(("engine", "method"), SETTINGS)
every_starting = pytest.mark.parametrize(("engine", "method"), STARTING)
every_engine = pytest.mark.parametrize(("engine", "method"), ENGINES_ONCE)
every_parallel_engine = pytest.mark.parametrize(("engine", "method"), [s for s in ENGINES_ONCE if s[0] not in ALONE])
every_starting_engine = pytest.mark.parametrize(("engine", "method"), [s for s in ENGINES_ONCE if s in STARTING])


def run(func, items, engine, method, **options):
    options.setdefault("timeout", 30)
    options.setdefault("n_workers", 1 if engine in ALONE else 2)
    func, engine = coroutines.given(func, engine)
    return run_once(func, items, engine=engine, start_method=method, **options)


@every_setting
def test_results_come_in_the_order_of_items(engine, method):
    assert run(cpu.sum_squares, [900, 1, 500, 3, 0], engine, method, chunksize=1).values() == [
        cpu.sum_squares(n) for n in (900, 1, 500, 3, 0)
    ]


@every_engine
def test_no_items_give_no_results(engine, method):
    batch = run(cpu.do_nothing, [], engine, method)
    assert batch.values() == [] and len(batch.timeline) == 0


@every_engine
def test_one_item(engine, method):
    assert run(cpu.do_nothing, ["only"], engine, method).values() == ["only"]


@every_parallel_engine
def test_more_workers_than_items(engine, method):
    batch = run(cpu.do_nothing, [1, 2], engine, method, n_workers=4)
    assert batch.values() == [1, 2] and set(batch.timeline.worker) <= set(range(4))


@every_engine
def test_items_may_be_a_generator(engine, method):
    assert run(cpu.do_nothing, (n * n for n in range(5)), engine, method).values() == [0, 1, 4, 9, 16]


@every_engine
def test_an_exception_keeps_the_other_results(engine, method):
    with pytest.raises(TaskFailedError) as caught:
        run(faults.raise_on_bad, range(6), engine, method, chunksize=2).values()
    error = caught.value
    assert error.results == [0, 2, 4, None, 8, 10] and list(error.failures) == [3] and error.item == "3"
    assert "raise_on_bad" in error.remote_traceback and "cannot double 3" in str(error)


@every_engine
@pytest.mark.parametrize("func", [faults.raise_awkward, faults.raise_system_exit])
def test_exceptions_that_break_pools_are_failures_like_others(engine, method, func):
    batch = run(func, range(5), engine, method, chunksize=1)
    assert list(batch.failures) == [3] and batch.results == [0, 2, 4, None, 8]


@every_engine
def test_an_unpicklable_result_is_the_failure_of_its_item(engine, method):
    batch = run(faults.return_unpicklable, range(5), engine, method)
    assert list(batch.failures) == [3] and batch.results == [0, 2, 4, None, 8]
    assert "cannot be pickled" in batch.failures[3].message


def expect_death(func, exitcode, engine, method):
    with pytest.raises(WorkerDiedError) as caught:
        run(func, range(8), engine, method, chunksize=1)
    assert caught.value.exitcode == exitcode and caught.value.last_task == 3
    assert all(value == item * 2 for item, value in caught.value.results.items())
    no_leftovers()


@every_starting
def test_a_worker_that_ends_itself_is_named_with_its_item(engine, method):
    expect_death(faults.exit_on_bad, 3, engine, method)


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL here")
@every_starting_engine
def test_a_killed_worker_is_named_with_its_item(engine, method):
    expect_death(faults.kill_on_bad, -9, engine, method)


@pytest.mark.parametrize("engine", [e for e in ("pool", "multiprocess") if engine_problem(e) is None])
def test_who_replaces_a_dead_worker_does_not_take_its_place_on_the_board(engine):
    replaced = []
    with pytest.raises(WorkerDiedError) as caught:
        replaced.extend(runner.play(losses.lose_a_worker, engine, timeout=60))
    assert replaced == [False]
    assert (caught.value.last_task, caught.value.item, caught.value.exitcode) == (0, "3", 3)
    no_leftovers()


@pytest.mark.parametrize("engine", [e for e, _ in ENGINES_ONCE if e in (*SHARING, AWAITING)])
def test_a_task_that_ends_the_shared_process_is_reported(engine):
    with pytest.raises(WorkerDiedError) as caught:
        run(faults.exit_on_bad, range(8), engine, None)
    assert caught.value.exitcode == 3 and "The function ends its own process" in str(caught.value)
    if engine in ALONE and os.name == "posix":
        assert caught.value.last_task == 3
    no_leftovers()


@every_setting
def test_a_deadline_ends_work_that_never_ends(engine, method):
    with pytest.raises(TimeoutError, match=engine.partition(",")[0]):
        run(faults.spin_for_ever, [1, 2, 3], engine, method, timeout=0.4)
    no_leftovers()


@every_engine
def test_a_deadline_ends_waiting_that_never_ends(engine, method):
    with pytest.raises(TimeoutError, match=engine.partition(",")[0]):
        run(faults.sleep_for_ever, [1, 2, 3], engine, method, timeout=0.4)
    no_leftovers()


@every_setting
def test_stop_ends_everything(engine, method):
    stopped = run(faults.spin_for_ever, [1, 2, 3], engine, method, timeout=None, should_stop=lambda: True)
    assert not stopped.complete and stopped.values() == []
    no_leftovers()


@pytest.mark.parametrize(("engine", "method", "megabytes"), [(*s, 8) for s in ENGINES_ONCE] + [(*STARTING[0], 50)])
def test_a_large_result(engine, method, megabytes):
    size = megabytes * 1024 * 1024
    batch = run(faults.make_block, [size, 10], engine, method)
    assert [len(block) for block in batch.values()] == [size, 10]
    if method is not None:
        assert batch.received_bytes > size


@every_starting_engine
def test_an_unpicklable_item_is_named(engine, method):
    with open_items() as items, pytest.raises(NotPicklableError) as caught:
        run(cpu.do_nothing, items, engine, method)
    assert caught.value.index == 2


class open_items:
    def __enter__(self):
        self.file = open(__file__)
        return [1, 2, self.file]

    def __exit__(self, *_):
        self.file.close()


@every_setting
def test_the_timeline_has_a_row_for_every_item(engine, method):
    batch = run(wait.wait_ms, [3] * 9, engine, method, chunksize=2)
    line = batch.timeline
    assert len(line) == 9 and len(set(line.worker)) == (1 if engine in ALONE else 2)
    assert all(
        q <= s <= f <= batch.startup + batch.wall
        for q, s, f in zip(line.queued, line.started, line.finished, strict=True)
    )
    assert all(f - s >= 0.003 for s, f in zip(line.started, line.finished, strict=True))


@every_parallel_engine
def test_workers_really_overlap(engine, method):
    line = run(wait.wait_ms, [60] * 2, engine, method, chunksize=1).timeline
    assert max(line.started) < min(line.finished) and set(line.worker) == {0, 1}


@every_engine
def test_accounting_adds_up_to_workers_times_wall(engine, method):
    batch = run(wait.spin_ms, [1] * 20, engine, method)
    n_workers = 1 if engine in ALONE else 2
    assert batch.accounting.total == pytest.approx(n_workers * (batch.startup + batch.wall), rel=1e-6)
    assert all(share >= 0 for share in batch.accounting.shares().values())


@needs_by_value
def test_a_lambda_runs_by_value_with_multiprocess_only():
    factor = 3
    assert run_once(lambda x: x * factor, [1, 2], engine="multiprocess", timeout=30).values() == [3, 6]
    with pytest.raises(NotImportableError):
        run_once(lambda x: x, [1, 2], engine="processes", timeout=30)


@needs_by_value
def test_multiprocess_carries_globals_and_imports_of_the_function():
    namespace = {"__name__": "__main__"}
    exec("import math\nbase = 2\ndef halve(x): return base + math.floor(x / 2)\n", namespace)
    for method in start_methods_of("multiprocess"):
        assert run_once(
            namespace["halve"], [4, 7], engine="multiprocess", start_method=method, timeout=30
        ).values() == [4, 5]


@pytest.mark.parametrize("count", [0, -1, 10_000, 1.5, True, "two", None])
def test_worker_counts_out_of_range_say_the_range(count):
    with pytest.raises(InvalidArgumentError, match="n_workers"):
        run_once(cpu.do_nothing, [1], engine="threads", n_workers=count)


def test_an_unknown_engine_and_start_method_list_the_known_ones():
    with pytest.raises(InvalidArgumentError, match="processes"):
        check_engine("procs")
    with pytest.raises(InvalidArgumentError, match="spawn"):
        run_once(cpu.do_nothing, [1], start_method="clone")


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="interpreters are there from 3.14 on")
def test_interpreters_say_which_python_they_need():
    with pytest.raises(EngineUnavailableError, match="3.14"):
        check_engine("interpreters")


def test_a_team_in_this_process_needs_no_runner():
    with open_team("threads", len, 2) as team:
        assert team.run(["a", "bb", "ccc"]).values() == [1, 2, 3]


def test_auto_chunks_are_those_of_pool_map():
    for n_items in (1, 7, 8, 9, 100, 100_000):
        for n_workers in (1, 2, 5):
            chunksize, extra = divmod(n_items, n_workers * 4)
            assert auto_chunksize(n_items, n_workers) == max(1, chunksize + bool(extra))
    assert max_workers() >= 61


@pytest.mark.skipif("forkserver" not in start_methods_of("pool"), reason="no forkserver on this platform")
@pytest.mark.parametrize("engine", ["processes", "pool", pytest.param("multiprocess", marks=needs_by_value)])
def test_forkserver_imports_the_functions_module_once_for_all_workers(engine, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    source = "import os\nIMPORTED_IN = os.getpid()\ndef where(item):\n    return IMPORTED_IN, os.getpid()\n"
    (tmp_path / "imported_where.py").write_text(source)
    import imported_where

    try:
        answers = run(imported_where.where, range(4), engine, "forkserver", chunksize=1).values()
    finally:
        sys.modules.pop("imported_where")
    assert len({imported for imported, _ in answers}) == 1
    assert all(imported != worker for imported, worker in answers)
