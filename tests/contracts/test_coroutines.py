"""Coroutine functions: which engines take them, and what they can do to an event loop that others share.

The contract of all engines holds for them too, see test_engines.py and test_attacks.py.
"""

import asyncio
import functools
import inspect
import subprocess
import sys
import threading

import coroutines
import pytest
from leftovers import no_leftovers

from helpers import runner
from helpers.engines import ENGINES, base, check_engine, engine_problem, max_workers, open_team, usual_engines
from helpers.errors import EngineUnavailableError, HelpersError, NotPicklableError, TaskFailedError
from helpers.labs import SpeedupLab
from helpers.labs.program import program_for
from helpers.measure import run_once, sweep
from helpers.measure.badges import LEFT_TASKS
from helpers.records import Sweep
from helpers.tasks import cpu, wait
from helpers.tasks.coroutines import is_coroutine_function

both = pytest.mark.parametrize("engine", ["serial", "asyncio"])


def run(func, engine="asyncio", items=(1, 2, 3, 4), **options):
    options = {"timeout": 30, "n_workers": 1 if engine == "serial" else 2, **options}
    return run_once(func, items, engine=engine, **options)


def require_nothing_left():
    no_leftovers()
    for warm in runner.idle_runners():
        assert not runner.tidying.find_strays(warm)
    assert run(coroutines.fine, "serial").values() == [1, 2, 3, 4]


# --- which functions --------------------------------------------------------------------------


@functools.wraps(coroutines.fine)
def wrapped(item):
    return coroutines.fine(item)


FUNCTIONS = {
    "async def": (coroutines.fine, True),
    "partial": (functools.partial(coroutines.double_with, factor=3), True),
    "partial of partial": (functools.partial(functools.partial(coroutines.double_with), factor=3), True),
    "bound method": (coroutines.Doubler().double, True),
    "callable object": (coroutines.Doubler(), True),
    "partial of a callable object": (functools.partial(coroutines.Doubler()), True),
    "plain": (len, False),
    "class": (coroutines.Doubler, False),
    "wrapper that returns a coroutine": (wrapped, False),
    "asynchronous generator": (coroutines.yield_items, False),
    "no function": (3, False),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_which_functions_are_coroutine_functions(kind):
    func, expected = FUNCTIONS[kind]
    assert is_coroutine_function(func) is expected
    assert usual_engines(func) == (("serial", "asyncio") if expected else ("serial", "threads", "processes"))


def test_a_mark_makes_a_coroutine_function():
    if sys.version_info >= (3, 12):
        mark = inspect.markcoroutinefunction
    else:

        def mark(func):
            func._is_coroutine = asyncio.coroutines._is_coroutine
            return func

    assert not is_coroutine_function(lambda item: coroutines.fine(item))
    assert is_coroutine_function(mark(lambda item: coroutines.fine(item)))


def test_what_is_asked_of_an_object_that_answers_to_nothing_is_no():
    class Raises:
        def __getattribute__(self, name):
            raise RuntimeError(name)

    assert not is_coroutine_function(Raises())


@both
@pytest.mark.parametrize("kind", ["partial", "bound method", "callable object"])
def test_every_kind_of_coroutine_function_runs(engine, kind):
    func = FUNCTIONS[kind][0]
    factor = 3 if kind == "partial" else 2
    assert run(func, engine, [1, 2]).values() == [factor, 2 * factor]


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine not in ("serial", "asyncio")])
def test_a_coroutine_function_is_refused_by_engines_of_plain_ones_before_anything_starts(engine):
    started = []
    with pytest.raises(EngineUnavailableError) as caught:
        sweep(coroutines.fine, [1], engines=engine, n_workers=2, on_start=started.append)
    said = str(caught.value)
    assert caught.value.engine == engine and f"the engine {engine} is for plain ones" in said and not started
    assert "Choose the engine asyncio" in said and "asyncio.run(fine(item))" in said
    with pytest.raises(EngineUnavailableError), open_team(engine, coroutines.fine, 2):
        pass


def test_a_plain_function_is_refused_by_asyncio_before_anything_starts():
    started = []
    for call in (sweep, run_once):
        option = "engines" if call is sweep else "engine"
        with pytest.raises(EngineUnavailableError) as caught:
            call(cpu.do_nothing, [1], **{option: "asyncio"}, n_workers=2, on_start=started.append)
        said = str(caught.value)
        assert not started and caught.value.engine == "asyncio"
        assert "async def" in said and "await asyncio.to_thread(do_nothing, item)" in said and "threads" in said


def test_without_a_name_the_engine_is_one_that_runs_the_function():
    assert run_once(coroutines.fine, [1, 2], timeout=30).loop is not None
    assert run_once(cpu.do_nothing, [1, 2], timeout=30).loop is None
    result = sweep(coroutines.fine, [1, 2], n_workers=2, repeats=1, timeout=30)
    assert result.pairs() == [("serial", 1), ("asyncio", 2)]


@pytest.mark.parametrize(
    ("engine", "func"),
    [
        ("serial", coroutines.forget_to_await),
        ("threads", coroutines.forget_to_await),
        ("processes", coroutines.forget_to_await),
        ("serial", coroutines.forget_inside),
        ("asyncio", coroutines.forget_inside),
    ],
)
def test_a_result_that_nobody_awaited_is_a_failure_and_no_result(engine, func):
    batch = run(func, engine, [1, 2])
    assert batch.results == [None, None] and list(batch.failures) == [0, 1]
    failure = batch.failures[1]
    assert failure.item == "2" and failure.error_type == "TypeError"
    assert "returned a coroutine that nobody has awaited" in failure.message and "async def" in failure.message


def test_a_sweep_of_a_function_that_forgets_to_await_ends_with_that_word():
    with pytest.raises(TaskFailedError, match="nobody has awaited"):
        sweep(coroutines.forget_to_await, [1, 2], engines="threads", n_workers=2, repeats=1, timeout=30)


def test_an_asynchronous_generator_is_no_result_either():
    assert "async_generator that nobody" in run(coroutines.yield_items, "threads", [1]).failures[0].message


def test_items_that_are_coroutines_are_refused_with_their_number():
    coroutine = coroutines.fine(1)
    with pytest.raises(NotPicklableError) as caught:
        run(coroutines.fine, items=[1, coroutine])
    coroutine.close()
    assert caught.value.index == 1


def test_a_lambda_and_a_nested_function_run_by_asyncio_as_by_threads():
    from skips import _BY_VALUE

    if _BY_VALUE:
        pytest.skip(_BY_VALUE)
    factor = 3

    async def triple(item):
        await asyncio.sleep(0)
        return factor * item

    assert run(triple, items=[1, 2]).values() == [3, 6]


def test_tens_of_thousands_of_tasks_at_a_time_are_accepted_and_no_more_than_a_timeline_can_number():
    assert max_workers("asyncio") == base.MOST_TASKS == 65_536 and max_workers("threads") == max_workers()
    batch = run(wait.await_ms, items=[300] * 20_000, n_workers=20_000, timeout=60)
    line = batch.timeline
    assert max(line.worker) == 19_999 and max(line.started) < min(line.finished), "all at the same time"
    with pytest.raises(HelpersError, match="65,536"):
        run(coroutines.fine, n_workers=65_537)
    with pytest.raises(HelpersError, match="n_workers"):
        sweep(coroutines.fine, [1], engines="asyncio", n_workers=65_537)


# --- what they can do -------------------------------------------------------------------------

HARMLESS = [
    coroutines.cancel_itself,
    coroutines.leave_a_task,
    coroutines.leave_a_cancelled_task,
    coroutines.leave_a_task_that_clings,
    coroutines.leave_a_task_that_holds_the_loop,
    coroutines.leave_a_thread_of_the_loop,
    coroutines.leave_a_program,
    coroutines.leave_a_plain_program_and_a_thread,
    coroutines.leave_a_generator,
    coroutines.replace_the_loop,
    coroutines.raise_in_a_callback,
    coroutines.make_tasks_eager,
]


@both
@pytest.mark.parametrize("func", HARMLESS, ids=lambda func: func.__name__)
def test_what_a_task_leaves_is_ended_and_its_results_are_kept(func, engine):
    batch = run(func, engine)
    assert batch.values() == [1, 2, 3, 4]
    left = {"leave_a_task": 4, "leave_a_task_that_clings": 4, "leave_a_task_that_holds_the_loop": 1}
    assert batch.loop.left == left.get(func.__name__, 0)
    require_nothing_left()


def test_tasks_that_were_left_are_told_of_the_figures():
    result = sweep(coroutines.leave_a_task, [1, 2], engines="asyncio", n_workers=2, repeats=1, timeout=30)
    assert LEFT_TASKS in result.doubts("asyncio", 2) and LEFT_TASKS in result.doubts("serial", 1)
    assert LEFT_TASKS not in str(sweep(coroutines.fine, [1, 2], n_workers=2, repeats=1, timeout=30))


@pytest.mark.parametrize("func", [coroutines.raise_keyboard_interrupt, coroutines.raise_base_exception])
@both
def test_what_would_end_a_loop_is_a_failure_like_others(func, engine):
    batch = run(func, engine)
    assert list(batch.failures) == [0, 1, 2, 3]
    assert batch.failures[3].error_type in ("KeyboardInterrupt", "BaseException")
    require_nothing_left()


@both
def test_a_task_that_closes_the_loop_it_runs_in_fails(engine):
    failures = run(coroutines.close_the_loop, engine).failures
    assert list(failures) == [0, 1, 2, 3] and "Cannot close a running event loop" in failures[0].message
    require_nothing_left()


@pytest.mark.parametrize("n_workers", [1, 2, 4])
def test_a_task_that_cancels_all_others_ends_none_of_the_items_to_come(n_workers):
    """Among them tasks that have not begun yet."""
    batch = run(coroutines.cancel_all, items=range(9), n_workers=n_workers)
    assert sorted({*batch.failures, *(value for value in batch.results if value is not None)}) == list(range(9))
    assert {failure.error_type for failure in batch.failures.values()} <= {"CancelledError"} and batch.failures
    require_nothing_left()


def test_the_serial_loop_goes_on_after_a_task_that_cancels_all():
    assert {f.error_type for f in run(coroutines.cancel_all, "serial").failures.values()} == {"CancelledError"}


ENDING = {
    coroutines.stop_the_loop: "was stopped by a task",
    coroutines.exit_in_a_callback: "was ended by SystemExit",
    coroutines.interrupt_in_a_task: "was ended by KeyboardInterrupt",
}


@both
@pytest.mark.parametrize("func", ENDING, ids=lambda func: func.__name__)
def test_what_ends_the_loop_itself_is_told(func, engine):
    with pytest.raises(HelpersError, match=ENDING[func]):
        run(func, engine)
    require_nothing_left()


def test_a_task_factory_that_refuses_is_told():
    with pytest.raises(HelpersError, match="no more tasks"):
        run(coroutines.break_the_factory)
    require_nothing_left()


@both
@pytest.mark.parametrize("func", [coroutines.hold_for_ever, coroutines.hold_deaf, coroutines.sleep_for_ever])
def test_what_holds_the_loop_for_ever_ends_at_the_deadline_and_by_stop(func, engine):
    with pytest.raises(TimeoutError):
        run(func, engine, timeout=0.5)
    no_leftovers()
    assert not run(func, engine, should_stop=lambda: True).complete
    require_nothing_left()


def test_context_variables_of_one_item_are_not_seen_by_another():
    assert run(coroutines.set_a_variable, items=[1, 2, 3], n_workers=1).values() == [0, 0, 0]


def test_a_hundred_thousand_items_never_make_more_tasks_than_slots():
    batch = run(coroutines.count_tasks, items=[0] * 100_000, n_workers=8, timeout=120)
    assert max(batch.values()) == 8
    assert len(batch.timeline) == 100_000 and set(batch.timeline.worker) == set(range(8))


def test_an_unsafe_function_gives_other_results_side_by_side_and_the_sweep_says_so():
    result = sweep(coroutines.race, [*range(6)], engines="asyncio", n_workers=(1, 3), repeats=1, timeout=30)
    [problem] = result.problems
    assert (problem.pair, problem.kind) == (("asyncio", 3), "differs")
    assert ("asyncio", 1) in result.pairs()


# --- in a process of one's own ----------------------------------------------------------------


def test_a_team_runs_where_a_loop_runs_already_as_in_a_notebook_and_leaves_no_thread():
    async def within():
        with open_team("asyncio", wait.await_ms, 2) as team:
            return team.run([1, 2, 3]).values(), team.run([]).values(), team.run([4]).values()

    before = set(threading.enumerate())
    assert asyncio.run(within()) == ([1, 2, 3], [], [4])
    assert set(threading.enumerate()) - before == set()


def test_who_measures_plain_functions_alone_loads_no_asyncio():
    program = "import sys, helpers.measure, helpers.tasks.coroutines; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- lab and program --------------------------------------------------------------------------


def test_the_lab_offers_serial_and_asyncio_for_a_coroutine_function_and_says_why_not_the_others():
    lab = SpeedupLab(wait.await_ms, [2] * 8, repeats=1)
    on = {name for name, control in lab._engines.items() if not control.disabled}
    assert on == {"asyncio"} and lab._engines["serial"].value and lab._engines["asyncio"].value
    assert all("coroutine function" in lab._engines[name].tooltip for name in ENGINES if name not in ("serial", *on))
    assert [n for n, control in lab._counts.items() if control.value] == [1, 4, 16] and max(lab._counts) == 128
    assert all("more than the usable CPUs" not in control.tooltip for control in lab._counts.values())
    assert "asyncio.Semaphore(16)" in lab.code() and "Not measured" not in lab._message.value
    lab._counts[16].value = False
    result = lab.run(block=True)
    assert isinstance(result, Sweep) and result.pairs() == [("serial", 1), ("asyncio", 1), ("asyncio", 4)]


def test_the_lab_greys_asyncio_for_a_plain_function():
    lab = SpeedupLab(cpu.do_nothing, [1])
    assert lab._engines["asyncio"].disabled and "async def" in lab._engines["asyncio"].tooltip
    assert engine_problem("asyncio", cpu.do_nothing) == lab._engines["asyncio"].tooltip
    assert SpeedupLab(cpu.do_nothing, [1])._engines["threads"].value
    check_engine("asyncio")


@pytest.mark.parametrize(("engine", "n_workers"), [("serial", 1), ("asyncio", 2)])
@pytest.mark.parametrize("func", [coroutines.fine, wait.await_ms, functools.partial(coroutines.double_with, factor=1)])
def test_the_program_runs_as_it_stands(func, engine, n_workers, tmp_path):
    source = program_for(func, [3, 1, 2], engine, n_workers, None)
    assert source.count("import asyncio\n") == 1 and "asyncio.run(main())" in source and "helpers" not in source
    assert ("TaskGroup" in source and "Semaphore(2)" in source) == (engine == "asyncio")
    (tmp_path / "program.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("[3, 1, 2]", "")
