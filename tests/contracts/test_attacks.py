"""One contract, every engine: whatever a task does, there is a right result or an error of the project, and nothing
is left."""

import os
import sys
import time
import zipfile

import attacks
import coroutines
import pytest
from coroutines import AWAITING
from leftovers import no_leftovers, shared_blocks

from helpers import runner
from helpers.engines import ENGINES, engine_problem
from helpers.errors import HelpersError, WorkerDiedError
from helpers.measure import run_once
from helpers.runner import guardian

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what only Linux has: subreapers, marks, lifelines")

#: The serial loop of coroutine functions, and asyncio, are given coroutine functions that do the same.
ENGINES_HERE = [engine for engine in ENGINES if engine_problem(engine) is None and engine != "interpreters"]
ENGINES_HERE += [AWAITING]
#: multiprocess.Pool is a copy of multiprocessing.Pool, and runs by the same code here.
every_engine = pytest.mark.parametrize("engine", [engine for engine in ENGINES_HERE if engine != "multiprocess"])
HARMLESS = [
    attacks.fork_and_return,
    attacks.fork_and_return_later,
    attacks.leave_a_grandchild,
    attacks.leave_a_daemon,
    attacks.leave_a_program_in_its_session,
    attacks.leave_a_program_without_environment,
    attacks.leave_the_group,
    attacks.leave_an_executor,
    attacks.ignore_sigterm,
    attacks.block_all_signals,
    attacks.change_the_surroundings,
]
#: What keeps a worker from ending: closing takes as long as it may. One engine of each kind shows it.
CLINGING = [attacks.leave_a_thread, attacks.leave_a_process, attacks.hang_at_exit]


def run(func, engine, items=(1, 2, 3, 4), **options):
    options = {"timeout": 30, "chunksize": 1, **options}
    func, engine = coroutines.given(func, engine)
    return run_once(func, items, engine=engine, n_workers=1 if engine == "serial" else 2, **options)


def require_nothing_left():
    """Assert that no process is left, in whatever session, and that the next run is as if nothing had been."""
    no_leftovers()
    for warm in runner.idle_runners():
        assert not runner.tidying.find_strays(warm), "it has services and fork servers only"
    deadline = time.monotonic() + 3
    while (lost := find_lost()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lost, "nor is anything left elsewhere"
    assert run(attacks.fine, "serial").values() == [1, 2, 3, 4]


def find_lost():
    """Return the ids of processes that were started by a runner and are not below one any more."""
    trees = {pid for warm in runner.idle_runners() for pid in (warm, *runner.groups.below(warm))}
    return set(guardian.find_marked(guardian.kernel_mark())) - trees


@every_engine
@pytest.mark.parametrize("func", HARMLESS, ids=lambda func: func.__name__)
def test_what_a_task_leaves_is_ended_and_its_results_are_kept(func, engine):
    assert run(func, engine).values() == [1, 2, 3, 4]
    require_nothing_left()


@every_engine
@pytest.mark.parametrize(
    "func", [attacks.break_the_clock, attacks.break_the_hook, attacks.break_pickle], ids=lambda func: func.__name__
)
def test_what_a_task_breaks_in_its_process_is_told_or_does_no_harm(func, engine):
    try:
        assert run(func, engine).values() == [1, 2, 3, 4]
    except HelpersError as error:
        assert "The run broke outside of the tasks" in str(error) or isinstance(error, WorkerDiedError)
    require_nothing_left()


def test_results_are_kept_though_the_end_of_the_play_breaks():
    assert run(attacks.break_the_clock, "serial").values() == [1, 2, 3, 4]


@every_engine
def test_a_task_that_forks_is_run_once_an_item(engine, tmp_path):
    notes = tmp_path / "notes"
    assert run(attacks.note_and_fork, engine, [str(notes)] * 3, chunksize=3).values() == [str(notes)] * 3
    assert notes.read_text(encoding="ascii") == "x\n" * 3


@pytest.mark.parametrize("engine", ["serial", "threads", "asyncio", "processes", "pool"])
@pytest.mark.parametrize("func", CLINGING, ids=lambda func: func.__name__)
def test_workers_that_do_not_end_are_ended_and_their_results_are_kept(func, engine):
    assert run(func, engine, timeout=20).values() == [1, 2, 3, 4]
    require_nothing_left()


@pytest.mark.parametrize(
    ("func", "engine"),
    [
        *[(attacks.hang_beside_a_daemon, engine) for engine in ("serial", "threads", "asyncio", "processes", "pool")],
        *[(attacks.spin_deaf, engine) for engine in ("serial", "processes", "pool")],  # only main threads can be deaf
    ],
)
def test_a_deadline_holds_whatever_was_started(func, engine):
    with pytest.raises(TimeoutError):
        run(func, engine, timeout=0.8)
    require_nothing_left()


@pytest.mark.parametrize("engine", ["serial", "processes"])
def test_endless_output_fills_nothing_and_ends_at_the_deadline(engine):
    playing = []
    with pytest.raises(TimeoutError):
        run(attacks.print_for_ever, engine, timeout=2, on_start=playing.append)
    assert 1000 < len(playing[0].printed) <= runner.handle.PRINTED_LIMIT
    require_nothing_left()


@every_engine
def test_closed_descriptors_are_a_death_that_is_told(engine):
    with pytest.raises(WorkerDiedError):
        run(attacks.close_all_descriptors, engine)
    require_nothing_left()


@pytest.mark.parametrize("engine", ["serial", "threads", "asyncio", "processes", "pool", "interpreters"])
def test_a_semaphore_goes_with_the_worker_that_made_it(engine):
    if problem := engine_problem(engine):
        pytest.skip(problem)
    before = shared_blocks()
    with pytest.raises(WorkerDiedError):
        run(attacks.die_with_a_semaphore, engine)
    assert shared_blocks() <= before
    require_nothing_left()


@every_engine
def test_nothing_of_ours_goes_into_files_that_a_task_opens(engine, tmp_path):
    with pytest.raises(WorkerDiedError):
        run(attacks.close_all_and_open, engine, [str(tmp_path)] * 2)
    opened = list(tmp_path.iterdir())
    assert opened and not [file for file in opened if file.stat().st_size]
    require_nothing_left()


@pytest.mark.parametrize("engine", ["serial", "threads", "asyncio", "pool"])
def test_garbage_in_all_descriptors_is_told_at_once(engine):
    with pytest.raises(HelpersError):
        run(attacks.write_garbage_everywhere, engine, timeout=15)
    require_nothing_left()


def test_garbage_that_an_executor_waits_for_ends_at_the_deadline():
    with pytest.raises((HelpersError, TimeoutError)):
        run(attacks.write_garbage_everywhere, "processes", timeout=1)
    require_nothing_left()


@every_engine
@pytest.mark.parametrize(
    "func",
    [
        attacks.leave_by_exit,
        attacks.raise_what_exits_when_told,
        attacks.return_what_exits_when_pickled,
        attacks.return_what_exits_when_built,
    ],
    ids=lambda func: func.__name__,
)
def test_what_exits_by_itself_is_a_failure_like_others(func, engine):
    batch = run(func, engine)
    assert list(batch.failures) == [0, 1, 2, 3] and batch.results == [None] * 4
    require_nothing_left()


LOADED = {
    "exits": ("raise SystemExit(2)\n", "SystemExit: 2"),
    "raises": ("raise ValueError('not today')\n", "ValueError: not today"),
    "reads arguments": ("import argparse\nargparse.ArgumentParser().parse_args(['--unknown'])\n", "SystemExit"),
    "is broken": ("def func(item:\n", "SyntaxError"),
    "has it no more": ("other = 1\n", "func"),
}


@pytest.mark.parametrize("name", LOADED)
def test_a_module_that_cannot_be_imported_any_more_is_told(name, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "changes_at_import.py"
    file.write_text("def func(item):\n    return item\n", encoding="utf-8")
    import changes_at_import

    source, words = LOADED[name]
    try:
        file.write_text(source, encoding="utf-8")
        with pytest.raises(HelpersError, match=words):
            run(changes_at_import.func, "processes")
    finally:
        sys.modules.pop("changes_at_import")
    require_nothing_left()


def test_a_function_in_an_archive_runs_like_others(tmp_path, monkeypatch):
    archive = tmp_path / "tasks.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("in_archive/__init__.py", "")
        file.writestr("in_archive/tasks.py", "from . import rest\ndef func(item):\n    return rest.ADDED + item\n")
        file.writestr("in_archive/rest.py", "ADDED = 10\n")
    monkeypatch.syspath_prepend(str(archive))
    import in_archive.tasks

    try:
        for engine in ("serial", "processes", "pool"):
            assert run(in_archive.tasks.func, engine).values() == [11, 12, 13, 14]
    finally:
        for name in [name for name in sys.modules if name.startswith("in_archive")]:
            sys.modules.pop(name)


class RaisesWhenBuilt:
    def __reduce__(self):
        return int, ("no number",)


def test_items_that_cannot_be_built_are_told():
    with pytest.raises(HelpersError, match="The items could not be loaded"):
        run(attacks.fine, "processes", [RaisesWhenBuilt()])
    require_nothing_left()


class Slow:
    def __getstate__(self):
        while True:
            pass


class Exits:
    def __getstate__(self):
        raise SystemExit("never sent")


def test_items_that_never_get_ready_end_at_the_deadline_and_those_that_exit_are_named():
    with pytest.raises(TimeoutError, match="pickled"):
        run(attacks.fine, "serial", [1, Slow()], timeout=0.5)
    with pytest.raises(HelpersError, match="Item 1"):
        run(attacks.fine, "serial", [1, Exits()])


@pytest.mark.parametrize("engine", ENGINES_HERE)
def test_a_runner_that_was_stopped_does_not_stop_the_deadline(engine):
    """SIGSTOP while it is idle, and items that fill its pipe: the deadline covers handing over."""
    import signal

    assert run(attacks.fine, engine, [1]).values() == [1]
    (warm,) = runner.idle_runners()
    os.kill(warm, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        run(attacks.fine, engine, [b"x" * 2_000_000], timeout=0.6)
    require_nothing_left()
