"""What is worked out of an event loop's stamps and clocks, by hand-written ones; the answers were found on paper."""

import asyncio
import threading
from array import array
from dataclasses import replace
from math import nan

import coroutines as coroutines_of_tests
import pytest
from handmade import make_run, make_sweep, make_timeline, rounds

from helpers import plots
from helpers.engines import coroutines, loop
from helpers.engines.coroutines import AsyncioTeam
from helpers.engines.loop import EventLoop
from helpers.errors import HelpersError
from helpers.measure.badges import BUSY, LEFT_TASKS, THROTTLED, count_computing, find_loop_badges
from helpers.measure.problems import allow_seconds
from helpers.models import advise, starved_counts
from helpers.models.advice import crowded_pairs, find_equals
from helpers.plots import timeline
from helpers.records import (
    LOOP_BLOCKED,
    LOOP_COMPUTED,
    Accounting,
    Estimate,
    Problem,
    Timeline,
    doubts_of,
    explain_problems,
)
from helpers.tasks import loop as tasks_loop
from helpers.tasks.coroutines import LoopUse
from helpers.tasks.loop import IdleSelector, Slots, Trace, run_in_order
from helpers.tasks.worker import refuse_awaitables

# --- stamps -----------------------------------------------------------------------------------


class Clock:
    """A clock that a test moves: each reading gives the next of the times."""

    def __init__(self, *times):
        self.times = list(times)

    def __call__(self):
        return self.times.pop(0)


async def answer(item):
    if item == "c":
        raise KeyError(item)
    return item.upper()


def test_each_awaited_task_is_stamped_before_and_after(monkeypatch):
    monkeypatch.setattr(tasks_loop, "perf_counter", Clock(1.0, 2.5, 3.0, 7.0, 8.0, 9.0))
    ends, board, boards = [], [0, 0], []

    async def note(item):
        boards.append(board[0])
        return await answer(item)

    trace = Trace(note, ["a", "b", "c"], board, lambda: ends.append(trace.to_do))
    asyncio.run(run_in_order(trace))
    assert list(trace.started) == [1.0, 3.0, 8.0] and list(trace.finished) == [2.5, 7.0, 9.0]
    assert trace.results == ["A", "B", None] and list(trace.failures) == [2]
    assert trace.failures[2][:2] == ("'c'", "KeyError") and "in answer" in trace.failures[2][3]
    assert boards == [1, 2, 3] and board == [0, 0] and list(trace.slots) == [0, 0, 0]
    assert ends == [0], "the end is told once, with the last item"


def test_a_slot_takes_its_next_item_when_its_task_is_done():
    async def play():
        order, ended = [], asyncio.Event()

        async def work(item):
            order.append(("starts", item))
            await asyncio.sleep(0.05 if item == "long" else 0)
            order.append(("ends", item))

        trace = Trace(work, ["long", "b", "c"], [0, 0], ended.set)
        slots = Slots(asyncio.get_running_loop(), trace, 2)
        await ended.wait()
        return order, list(trace.slots), slots.tasks

    order, slots, tasks = asyncio.run(play())
    assert slots == [0, 1, 1] and len(tasks) == 2
    told = ["starts long", "starts b", "ends b", "starts c", "ends c", "ends long"]
    assert [" ".join(pair) for pair in order] == told


def test_there_are_no_more_slots_than_items():
    async def play():
        ended = asyncio.Event()
        trace = Trace(answer, ["a"], [0] * 9, ended.set)
        slots = Slots(asyncio.get_running_loop(), trace, 9)
        await ended.wait()
        return slots.tasks

    assert len(asyncio.run(play())) == 1


def test_a_task_that_was_cancelled_before_it_began_is_a_failure_of_its_item(monkeypatch):
    monkeypatch.setattr(tasks_loop, "perf_counter", Clock(5.0, 6.0, 7.0))

    async def play():
        ended = asyncio.Event()
        trace = Trace(answer, ["a", "b"], [0], ended.set)
        slots = Slots(asyncio.get_running_loop(), trace, 1)
        slots.tasks[0].cancel()
        await ended.wait()
        return trace

    trace = asyncio.run(play())
    assert trace.failures[0][1] == "CancelledError" and trace.results == [None, "B"]
    assert list(trace.started) == [5.0, 6.0] and list(trace.finished) == [5.0, 7.0], "it took no time"


def test_a_timeline_of_tasks_counts_from_asking_for_the_loop():
    # asked at the clock's 9, handed over at 10; 3 CPU seconds over 2.5 + 5 + 1.5 = 9 s of tasks: a third of each
    columns = array("H", [0, 1, 0]), 10.0, array("d", [10.5, 11, 13.5]), array("d", [13, 16, 15])
    line = Timeline.of_tasks(*columns, origin=9.0, cpu=3.0)
    assert list(line.worker) == [0, 1, 0] and list(line.queued) == [1.0, 1.0, 1.0]
    assert list(line.started) == [1.5, 2.0, 4.5] and list(line.finished) == [4.0, 7.0, 6.0]
    assert list(line.cpu) == pytest.approx([2.5 / 3, 5 / 3, 0.5])
    nothing = Timeline.of_tasks(array("H"), 10.0, array("d"), array("d"), origin=9.0, cpu=0.0)
    assert len(nothing) == 0


def test_a_run_of_slots_adds_up_to_slots_times_wall(monkeypatch):
    # up after 1 s, handed over at the clock's 10, the last result at 16: 2 × (1 + 6) = 14 slot-seconds
    trace = Trace(answer, ["a", "b", "c"], [0, 0], None)
    trace.slots[:] = array("H", [0, 1, 0])
    trace.started[:], trace.finished[:] = array("d", [10.5, 11, 13.5]), array("d", [13, 16, 15])
    trace.results, trace.failures = ["A", "B", None], {2: ("'c'", "KeyError", "c", "trace")}
    use = LoopUse(span=5.5, held=1.0, cpu=0.5, process_cpu=3.0)
    stub = type("Loop", (), {"play": lambda *given: (trace, use), "count_left": lambda self: 2})()
    monkeypatch.setattr(coroutines, "perf_counter", Clock(10.0, 16.0))
    team = AsyncioTeam(answer, None, 2, None)
    team.loop, team.startup = stub, 1.0
    batch = team.run(["a", "b", "c"], chunksize=7)
    # working 2.5 + 5 + 1.5 = 9; waiting 0.5 + 1 and 0.5 between; idle tail 16 − 15; start-up 2 × 1
    assert batch.accounting == Accounting(startup=2.0, waiting=2.0, working=9.0, idle_tail=1.0)
    assert batch.accounting.total == 14.0 and (batch.startup, batch.wall, batch.cpu) == (1.0, 6.0, 3.0)
    assert batch.chunksize == 1 and batch.loop == use._replace(left=2)
    assert batch.results == ["A", "B", None] and batch.failures[2].error_type == "KeyError"
    assert list(batch.timeline.started) == [1.5, 2.0, 4.5]


# --- clocks -----------------------------------------------------------------------------------


def test_a_selector_counts_the_seconds_that_the_loop_waits(monkeypatch):
    monkeypatch.setattr(tasks_loop, "perf_counter", Clock(10.0, 13.0, 20.0, 20.5))
    with IdleSelector() as selector:
        selector.select(0)
        selector.select(0)
        assert selector.seconds == 3.5


def test_the_loop_is_held_while_it_does_not_wait(monkeypatch):
    event_loop = EventLoop()
    monkeypatch.setattr(loop, "thread_time", lambda: 2.0)
    monkeypatch.setattr(loop, "process_time", lambda: 5.0)
    monkeypatch.setattr(loop, "perf_counter", lambda: 10.0)
    now, held, cpu, process_cpu = event_loop._read_clocks()
    assert held != held and (now, cpu, process_cpu) == (10.0, 2.0, 5.0), "nobody counts: NaN"
    event_loop.selector = type("Selector", (), {"seconds": 4.0})
    assert event_loop._read_clocks() == (10.0, 6.0, 2.0, 5.0)


def test_the_use_of_a_loop_is_what_its_clocks_went_on_from_the_first_item_to_the_last(monkeypatch):
    readings = iter([(10.0, 8.0, 1.0, 2.0), (16.0, 9.0, 1.5, 5.0)])
    monkeypatch.setattr(EventLoop, "_read_clocks", lambda self: next(readings))
    event_loop = EventLoop()
    event_loop.start()
    try:
        use = event_loop.play(answer, ["a", "b"], [0], tasks_loop.start_in_order)[1]
    finally:
        event_loop.close()
    assert use == LoopUse(span=6.0, held=1.0, cpu=0.5, process_cpu=3.0, left=0)


# --- badges -----------------------------------------------------------------------------------


def use_of(held=0.0, cpu=0.0, elsewhere=0.0, span=10.0, left=0):
    return LoopUse(span, held, cpu, cpu + elsewhere, left)


@pytest.mark.parametrize(
    ("use", "badges", "told"),
    [
        (use_of(held=5.2, cpu=5.1), [], [LOOP_COMPUTED]),  # more than half of 10 s
        (use_of(held=5.2, cpu=4.9), [], []),
        (use_of(held=6.0, cpu=0.9), [], [LOOP_BLOCKED]),  # 5.1 s neither waiting nor computing
        (use_of(held=6.0, cpu=1.1), [], []),
        (use_of(held=6.0, cpu=0.9), [BUSY], []),  # or it stood in line for a CPU
        (use_of(held=6.0, cpu=0.9), [THROTTLED], []),
        (use_of(held=6.0, cpu=0.9, elsewhere=1.1), [], []),  # or for Python's lock
        (use_of(held=6.0, cpu=0.9, elsewhere=0.9), [], [LOOP_BLOCKED]),
        (use_of(held=nan, cpu=0.9), [], []),  # nobody counted
        (use_of(held=6.0, cpu=5.1), [BUSY], [LOOP_COMPUTED]),  # CPU seconds are CPU seconds
        (use_of(held=0.09, cpu=0.09, span=0.09), [], []),  # too short to tell
        (use_of(left=3), [], [LEFT_TASKS]),
    ],
)
def test_the_loop_was_held_where_it_is_certain(use, badges, told):
    assert find_loop_badges(2, use, badges) == told
    assert find_loop_badges(1, use, badges) == [badge for badge in told if badge == LEFT_TASKS], "nothing else waits"
    assert find_loop_badges(2, None, badges) == []


def test_what_held_the_loop_is_no_doubt_and_what_was_left_is_one():
    assert doubts_of((LOOP_COMPUTED, LOOP_BLOCKED, LEFT_TASKS)) == (LEFT_TASKS,)
    assert LOOP_COMPUTED.startswith("the event loop was held: ") and LOOP_BLOCKED.startswith(
        "the event loop was held: "
    )


def test_tasks_of_one_loop_use_one_cpu_unless_other_threads_compute():
    assert count_computing(16) == 16
    assert count_computing(16, use_of(cpu=9.0)) == 1
    assert count_computing(16, use_of(cpu=1.0, elsewhere=0.9)) == 1
    assert count_computing(16, use_of(cpu=1.0, elsewhere=1.1)) == 16


# --- CPUs, advice -----------------------------------------------------------------------------

SERIAL = {("serial", 1): rounds(12.0, 12.0, 12.0)}


def sweep_of(walls, cpu, usable_cpus=2, **facts):
    """A sweep of asyncio by {n: wall of every round}; each run used `cpu` seconds."""
    pairs = {("asyncio", n): rounds(*[wall] * 3) for n, wall in walls.items()}
    return make_sweep(SERIAL | pairs, usable_cpus=usable_cpus, cpu=cpu, **facts)


def test_tasks_that_take_turns_starve_for_no_cpu_and_never_crowd():
    # 8 tasks on 2 CPUs in 6 s, 6 s of CPU in all: one CPU, whatever they compute
    computing = sweep_of({2: 6.0, 8: 6.0}, cpu=6.6)
    assert starved_counts(computing, "asyncio") == set() and crowded_pairs(computing) == set()
    # by other threads they used 7.2 / 6 = 1.2 CPUs: 8 of them share two
    threads = sweep_of({2: 6.0, 8: 6.0}, cpu=7.2)
    assert starved_counts(threads, "asyncio") == {8} and crowded_pairs(threads) == {("asyncio", 8)}


def test_waiting_work_is_advised_as_many_tasks_as_help():
    advice = advise(sweep_of({1: 12.0, 4: 3.0, 16: 0.75}, cpu=0.6))
    assert (advice.engine, advice.n_workers) == ("asyncio", 16)
    assert advice.reason.startswith("Use 16 asyncio tasks: 16.00 (16.00 to 16.00) times the serial loop")


@pytest.mark.parametrize("badge", [LOOP_COMPUTED, LOOP_BLOCKED])
def test_what_held_the_loop_is_why_to_stay_serial(badge):
    advice = advise(sweep_of({4: 12.0, 16: 12.6}, cpu=12.0, badges=(badge,)))
    assert advice.engine == "serial" and advice.doubts == ()
    assert advice.reason.endswith(f"times its speed, since {badge}.") and "CPU" not in advice.reason


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        ({"waiting": 25.0, "working": 1.0}, "since 96 % of the workers' time passes waiting for the event loop."),
        ({"idle_tail": 25.0, "working": 1.0}, "since 96 % of the workers' time is idle tail, one long task holding"),
        ({"working": 26.0}, "since tasks take longer side by side: they wait for the event loop, or for"),
        ({"working": 12.0}, "since tasks take longer side by side"),
    ],
)
def test_staying_serial_is_explained_in_terms_of_tasks(spent, words):
    runs = [make_run("serial", 1, k, 12.0, cpu=1.0, accounting=Accounting(working=12.0)) for k in (1, 2, 3)]
    runs += [make_run("asyncio", 2, k, 13.0, cpu=1.0, accounting=Accounting(**spent)) for k in (1, 2, 3)]
    reason = advise(replace(make_sweep({}), runs=tuple(runs))).reason
    assert words in reason and "chunk" not in reason


def test_asyncio_is_simpler_than_processes_and_less_so_than_threads():
    engines = ("processes", "asyncio", "threads")
    speedups = {(engine, 2): Estimate(2.0, 1.9, 2.1, 5) for engine in engines}
    assert [engine for engine, _ in find_equals(speedups, ("processes", 2))] == ["threads", "asyncio", "processes"]


def test_tasks_of_another_number_than_those_that_failed_are_not_advised():
    problem = Problem("asyncio", 4, 0, "differs", "It differs.", 1, "'b'")
    assert advise(replace(sweep_of({2: 6.0}, cpu=0.6), problems=(problem,))).engine == "serial"


@pytest.mark.parametrize(
    ("n_workers", "kind", "said"),
    [
        (4, "differs", "4 asyncio tasks give other results on item 1 ('b'): at each await other tasks go on, and they"),
        (4, "failed", "4 asyncio tasks fail on item 1 ('b'): at each await other tasks go on, and they change what"),
        (1, "failed", "1 asyncio task fails on item 1 ('b'): the function does not work in a task of its own."),
    ],
)
def test_what_a_problem_of_tasks_means(n_workers, kind, said):
    [sentence] = explain_problems([Problem("asyncio", n_workers, 0, kind, "", 1, "'b'")])
    assert sentence.startswith(said)


def test_the_deadline_counts_every_item_as_handed_over_by_itself():
    # 100,000 items of 2 ms each, whatever the chunk size; threads in 16 chunks, and in chunks of 10
    assert allow_seconds("asyncio", 4, 0.1, 100_000, 10) == allow_seconds("asyncio", 4, 0.1, 100_000) == 200
    assert allow_seconds("threads", 4, 0.1, 100_000) == 30 and allow_seconds("serial", 1, 0.1, 100_000) == 30


# --- pictures ---------------------------------------------------------------------------------


def by_gid(ax, gid):
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


def test_no_number_of_tasks_is_more_than_the_cpus():
    ax = plots.plot_speedup(sweep_of({1: 12.0, 4: 3.0, 16: 0.75}, cpu=0.6))
    assert not by_gid(ax, "beyond") and not by_gid(ax, "asyncio beyond")
    [line] = by_gid(ax, "asyncio within")
    assert list(line.get_xdata()) == [1, 4, 16] and list(line.get_ydata()) == [1, 4, 16]
    mixed = make_sweep(SERIAL | {("asyncio", 4): rounds(3, 3, 3), ("threads", 4): rounds(3, 3, 3)}, usable_cpus=2)
    ax = plots.plot_speedup(mixed)
    assert by_gid(ax, "beyond") and by_gid(ax, "threads beyond") and not by_gid(ax, "asyncio beyond")


def test_a_lane_of_asyncio_is_a_slot_and_what_held_the_loop_stands_over_it():
    line = make_timeline([(0, 0.0, 1.0), (1, 0.0, 1.0)])
    ax = plots.plot_timeline(make_run("asyncio", 2, timeline=line, badges=(LOOP_BLOCKED,)))
    [how] = by_gid(ax, "how")
    said = how.get_text().replace("\n", " ")
    assert "of 2 slots × 1 s" in said and LOOP_BLOCKED in said and "shown" not in said
    assert [label.get_text() for label in ax.get_yticklabels()] == ["slot 1", "slot 2"]
    assert "asyncio tasks" in by_gid(ax, "title")[0].get_text()


def test_of_very_many_lanes_some_are_shown_and_it_is_said(monkeypatch):
    # 7 lanes, at most 3 shown: one in 3, which are the slots 1, 4 and 7 (numbers 0, 3, 6)
    monkeypatch.setattr(timeline, "MAX_LANES", 3)
    tasks = [(n, n / 10, 1 + n / 10) for n in range(7)]
    run = make_run("asyncio", 7, timeline=make_timeline(tasks), n_items=7)
    thin, each = timeline._thin(run)
    assert each == 3 and thin.n_workers == 3 and list(thin.timeline.worker) == [0, 1, 2]
    assert list(thin.timeline.started) == [0.0, 0.3, 0.6]
    ax = plots.plot_timeline(run)
    assert "one slot in 3 is shown" in by_gid(ax, "how")[0].get_text().replace("\n", " ")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["slot 1", "slot 4", "slot 7"]
    [boxes] = by_gid(ax, "tasks")  # each in the middle of the three lanes that it stands for
    assert [path.vertices[:4, 1].mean() for path in boxes.get_paths()] == pytest.approx([1, 4, 7])
    assert list(ax.get_yticks()) == [1, 4, 7]
    assert "of 7 slots" in by_gid(ax, "how")[0].get_text()
    few = make_run("pool", 2, timeline=make_timeline(tasks[:2]))
    assert timeline._thin(few) == (few, 1)


# --- the loop itself, in this process ---------------------------------------------------------


def test_a_result_that_can_be_awaited_is_the_failure_of_its_item():
    async def later():
        return 1

    coroutine, failures = later(), {}
    results = [1, coroutine, "x"]
    refuse_awaitables(results, ["a", "b", "c"], 10, failures)
    assert results == [1, None, "x"] and list(failures) == [11] and failures[11][:2] == ("'b'", "TypeError")
    assert coroutine.cr_frame is None, "it is closed, so that Python does not complain elsewhere"


def test_a_cancellation_that_an_item_leaves_behind_is_not_that_of_the_next():
    async def work(item):
        if item == "a":
            asyncio.current_task().cancel()
            return item
        await asyncio.sleep(0)
        return item

    trace = Trace(work, ["a", "b"], [0], lambda: None)
    asyncio.run(run_in_order(trace))
    assert trace.results == ["a", "b"] and trace.failures == {}


class running_loop:
    """An EventLoop that runs."""

    def __enter__(self):
        self.loop = EventLoop()
        self.loop.start()
        return self.loop

    def __exit__(self, *_):
        self.loop.close()


def play(event_loop, func, items=("a",)):
    """Return the Trace of a run, or what it raised; TimeoutError after 10 s."""
    told = []

    def work():
        try:
            told.append(event_loop.play(func, list(items), [0] * len(items), lambda *made: Slots(*made, 9))[0])
        except Exception as error:
            told.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(10)
    return told[0] if told else TimeoutError()


def test_a_loop_is_closed_in_time_though_a_task_clings_to_it(monkeypatch):
    monkeypatch.setattr(loop, "END_SECONDS", 0.1)
    with running_loop() as event_loop:
        trace = play(event_loop, coroutines_of_tests.leave_a_task_that_clings)
        assert trace.results == ["a"] and event_loop.count_left() == 1
    assert event_loop.loop.is_closed() and not event_loop._thread.is_alive()


def test_tasks_are_counted_that_go_on_and_that_nobody_has_cancelled():
    async def leave(item):
        slow = asyncio.create_task(end_slowly())
        await asyncio.sleep(0)
        slow.cancel()
        asyncio.create_task(asyncio.sleep(0))  # ends by itself
        asyncio.create_task(asyncio.sleep(60))
        return item

    async def end_slowly():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.2)

    with running_loop() as event_loop:
        assert play(event_loop, leave).results == ["a"]
        assert event_loop.count_left() == 1


def test_a_loop_that_a_task_has_stopped_is_told():
    with running_loop() as event_loop:
        for _ in range(2):  # and stays so
            error = play(event_loop, coroutines_of_tests.stop_the_loop)
            assert isinstance(error, HelpersError) and "was stopped by a task" in str(error)
        assert event_loop.count_left() == 0


def test_a_loop_may_be_closed_twice_and_before_it_was_started():
    event_loop = EventLoop()
    event_loop.close()
    event_loop = EventLoop()
    event_loop.start()
    event_loop.close()
    event_loop.close()
