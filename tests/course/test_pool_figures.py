"""Figures of the Pool chapter, from hand-written stamps; the answers were worked out on paper."""

from array import array
from dataclasses import replace

import numpy as np
import pytest
from handmade import make_run, make_timeline

from helpers.course.pool.break_even import BreakEven, read_rows
from helpers.course.pool.break_even_plot import plot_break_even
from helpers.course.pool.exercises import ITEMS, UNEVEN, judge_kept, judge_map, judge_sharing
from helpers.course.pool.lab import explain_pool
from helpers.course.pool.plots import PoolPicture, PoolView, describe_pool, find_tails, plot_pool, read_board
from helpers.course.pool.runs import PoolPlan, PoolProgress, PoolRun, PoolStamps, read_run
from helpers.records import Accounting

PLAN = PoolPlan((1000.0, 2000.0, 1000.0), "map", 2, 2, "spawn")
#: Asked for at 100; ready at 101 and 103: start-up 3.  Handed over at 110, all in hand at 116: wall 6.  Times of the
#: run count from 110 − 3 = 107.  Worker 1 has tasks 0 (111–112) and 1 (112.5–115), worker 2 task 2 (110.5–112).
BOARD = array("d", [1, 1, 2, 111.0, 112.5, 110.5, 112.0, 115.0, 112.0, 0.75, 2.0, 1.25])
STAMPS = PoolStamps(100.0, (101.0, 103.0), 110.0, 116.0, array("d", [115.5, 115.5, 113.0]), BOARD)


def record_of(run, arrived=(5.0,), serial=12.0, **facts):
    facts = {"flavour": "map", "kind": "computing", "sizes_ms": (3000.0,) * 4, **facts}
    return PoolRun(run=run, serial=serial, serial_timeline=make_timeline([(0, 0.0, 1.0)]), arrived=arrived, **facts)


def test_a_run_is_read_off_its_stamps():
    run, arrived = read_run(PLAN, STAMPS)
    assert (run.startup, run.wall, run.cold_wall, run.n_items, run.cpu) == (3.0, 6.0, 9.0, 3, 4.0)
    assert list(run.timeline.worker) == [0, 0, 1]
    assert list(run.timeline.started) == [4.0, 5.5, 3.5] and list(run.timeline.finished) == [5.0, 8.0, 5.0]
    assert list(run.timeline.queued) == [3.0] * 3 and list(arrived) == [8.5, 8.5, 6.0]
    # 2 × 9 = 18: start-up 6; working 1 + 2.5 + 1.5 = 5; between tasks of a chunk 0.5; waiting 1 + 0.5; tails 1 + 4
    assert run.accounting == Accounting(startup=6.0, transfer=0.5, waiting=1.5, working=5.0, idle_tail=5.0)
    assert find_tails(run).tolist() == [[8.0, 9.0], [5.0, 9.0]]


def test_speedups_with_and_without_start_up():
    line = make_timeline([(0, 2.0, 9.0), (1, 2.0, 5.0)])
    record = record_of(make_run("pool", 2, 1, wall=8.0, startup=2.0, timeline=line), arrived=(9.0, 5.0))
    # 12 s in the loop: 12 / 8 warm, 12 / 10 cold, by 2 workers; the first result came at 5, 3 s after they were up
    assert (record.speedup, record.cold_speedup, record.efficiency, record.first_arrival) == (1.5, 1.2, 0.75, 3.0)
    assert describe_pool(record) == "map over 2 workers: 1.50 times the serial loop, efficiency 75 %"
    assert "with start-up 1.20 times, 60 %" in " ".join(text.get_text() for text in plot_pool(record).texts)


# --- break-even -------------------------------------------------------------------------------


def test_rows_become_medians_of_each_size():
    rows = [(1.0, 3.0, 9.0, 1.0), (4.0, 12.0, 8.0, 4.0), (1.0, 5.0, 7.0, 3.0), (4.0, 10.0, 6.0, 2.0)]
    rows += [(1.0, 4.0, 8.0, 2.0), (4.0, 11.0, 7.0, 3.0)]
    even = read_rows(rows, 8, 2, "spawn", n_expected=6)
    assert (even.sizes_ms, even.serial, even.pool, even.warm) == ((1.0, 4.0), (4.0, 11.0), (8.0, 7.0), (2.0, 3.0))
    assert even.rounds == 3 and even.complete
    stopped = read_rows(rows[:3], 8, 2, "spawn", n_expected=6)
    assert stopped.serial == (4.0, 12.0) and stopped.rounds == 1 and not stopped.complete
    assert read_rows([], 8, 2, "spawn", 6).size_ms() is None


def even_of(pool, warm, sizes=(1.0, 4.0), serial=(1.0, 4.0)):
    return BreakEven(8, 2, "spawn", sizes, serial, pool, warm, 1)


def test_the_crossing_is_a_straight_line_on_log_axes():
    # cold: twice the loop's time at 1 ms, half of it at 4 ms: equal in the middle of the logs, at 2 ms
    even = even_of(pool=(2.0, 2.0), warm=(0.5, 2.0))
    assert even.size_ms() == pytest.approx(2.0) and even.size_ms(warm=True) == 1.0
    assert even_of(pool=(2.0, 5.0), warm=(2.0, 5.0)).size_ms() is None
    # a pool that wins, loses and wins again: only the last crossing counts; 10/1 to 1/10 over 10 to 1000 ms: at 100
    even = even_of((0.5, 100.0, 100.0), (1, 1, 1), sizes=(1.0, 10.0, 1000.0), serial=(1.0, 10.0, 1000.0))
    assert even.size_ms() == pytest.approx(100.0)


def test_the_break_even_picture_names_the_crossing_or_its_absence():
    said = " ".join(text.get_text() for text in plot_break_even(even_of((2.0, 2.0), (0.5, 2.0))).texts)
    assert "From 2 ms a task on, a new pool of 2 beats the loop" in said and "break-even: 2 ms" in said
    said = " ".join(text.get_text() for text in plot_break_even(even_of((2.0, 5.0), (2.0, 5.0))).texts)
    assert "No length tried here pays" in said


# --- pictures of a run that goes on -----------------------------------------------------------


def look(**facts):
    """At 114 − 100: task 0 is done, task 1 runs since 112.5, task 2 has not begun."""
    board = array("d", [1, 1, 0, 111.0, 112.5, 0, 112.0, 0, 0, 0.5, 0, 0])
    return PoolProgress("pool", 14.0, 4.0, 3, 2, board, 100.0, array("d", [112.1, 0, 0]), 3.0, **facts)


def test_a_look_knows_what_is_done_and_what_runs():
    assert look().done == 1 and not look().complete
    rows, places, running = read_board(look())
    assert rows.tolist() == [[0, 11.0, 12.0], [0, 12.5, 14.0]]
    assert places.tolist() == [0, 1] and running.tolist() == [False, True]


def test_a_run_that_takes_longer_gets_a_longer_axis():
    picture, view = PoolPicture(), PoolView(PLAN)
    # expected 4 s: 1.25 × 4 + 0.1; at 14 s half as long again twice, then a third time
    assert picture.frame(view) == (PLAN, 5.1)
    assert picture.frame(view.take(look()))[1] == pytest.approx(5.1 * 1.5**3)


def test_the_moving_picture_shows_what_was_seen():
    picture = PoolPicture()
    picture.still(PoolView(PLAN).take(look()))
    tasks = picture.boxes[1].get_paths()
    assert len(tasks) == 2 and tasks[1].get_extents().x1 == 14.0
    assert picture.arrived.get_xdata().tolist() == pytest.approx([12.1])
    assert list(picture.now.get_xdata()) == [14.0, 14.0]


# --- advice -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((8, 0, 0, 2, 0), "Start-up took 80 %"),
        ((0, 8, 0, 2, 0), "Going from task to task took 80 %"),
        ((0, 0, 8, 2, 0), "Waiting for the next chunk took 80 % of the workers' time. Try a larger chunk size"),
        ((0, 0, 0, 2, 8), "The idle tail took 80 % of the workers' time"),
        ((0, 0, 0, 9.5, 0.5), "95 % of their time on tasks"),
    ],
)
def test_advice_names_what_cost_most(parts, words):
    run = make_run("pool", 2, 1, wall=5.0, chunksize=4, accounting=Accounting(*parts))
    assert words in explain_pool(record_of(run), cpus=2)


def test_advice_asks_for_nothing_that_is_already_so():
    run = make_run("pool", 2, 1, wall=5.0, chunksize=1, accounting=Accounting(working=2, idle_tail=8))
    tail = record_of(run, sizes_ms=(1.0, 2.0, 3.0, 4.0))
    assert "Try the longest tasks first." in explain_pool(tail, 2), "the chunk size is 1"
    assert "more and shorter tasks" in explain_pool(replace(tail, sizes_ms=tail.sizes_ms[::-1]), 2)
    waits = replace(run, accounting=Accounting(working=2, waiting=8))
    assert "Try map, which hands over chunks" in explain_pool(record_of(waits, flavour="apply_async"), 2)
    crowd = make_run("pool", 4, 1, wall=5.0, accounting=Accounting(working=10))
    assert "4 workers share 2 usable CPUs" in explain_pool(record_of(crowd), 2)
    asleep = record_of(make_run("pool", 2, 1, wall=5.0, accounting=Accounting(working=1)), kind="waiting")
    assert "says nothing about computing" in explain_pool(asleep, 2)


# --- answers ----------------------------------------------------------------------------------


def test_answers_are_judged_by_results_calls_and_sharing():
    spans = [(1, 1, 0.0, 1.0, repr(item)) for item in UNEVEN]
    assert judge_map(list(UNEVEN), spans) == "" and "in the wrong order" in judge_map(UNEVEN[::-1], spans)
    assert "it should give func(item)" in judge_map(None, spans) and "15 times for 16" in judge_map(UNEVEN, spans[1:])
    assert "one chunk" in judge_sharing(spans) and judge_sharing([(2, *spans[0][1:]), *spans[1:]]) == ""


def test_kept_results_are_judged_by_order_places_and_kind():
    good, errors = [0, 2, 4, 8, 10], {0: ValueError("no"), 4: ValueError("no")}
    assert ITEMS == [3, 0, 1, 2, 3, 4, 5] and judge_kept((good, errors)) == ""
    assert "a tuple" in judge_kept(good) and "the good results are" in judge_kept((good[::-1], errors))
    assert "in another order" in judge_kept((good[::-1], errors))
    assert "each inside its own try" in judge_kept((good[:2], errors))
    assert "failed places are [0, 4]" in judge_kept((good, {0: errors[0]}))
    assert "not texts" in judge_kept((good, {0: "no", 4: "no"}))


def test_lanes_of_an_array_of_no_tasks_are_empty():
    progress = PoolProgress("pool", 1.0, 1.0, 0, 1, array("d"), 0.0, array("d"), 0.5)
    assert read_board(progress)[0].shape == (0, 3) and np.asarray(progress.arrived).size == 0
