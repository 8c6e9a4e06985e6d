"""Figures of the Pool chapter, from hand-written stamps; the answers were worked out on paper."""

import re
from array import array
from dataclasses import replace

import numpy as np
import pytest
from handmade import make_run, make_timeline

from helpers.course.pool.break_even import BreakEven, read_rows
from helpers.course.pool.break_even_plot import plot_break_even
from helpers.course.pool.exercises import ITEMS, UNEVEN, judge_kept, judge_map, judge_sharing
from helpers.course.pool.lab import PoolLab, count_done, describe_view, explain_pool, say_stopped
from helpers.course.pool.plots import (
    PoolPicture,
    PoolView,
    describe_pool,
    find_spread,
    find_tails,
    plot_pool,
    read_board,
)
from helpers.course.pool.program import program
from helpers.course.pool.runs import PoolPlan, PoolProgress, PoolRound, PoolRun, PoolStamps, read_run
from helpers.plots.drawing import SMALL_SIZE
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
    assert describe_pool(record) == "map over 2 workers, once up: 1.50 times the serial loop, efficiency 75 %"
    assert "with start-up 1.20 times" in " ".join(text.get_text() for text in plot_pool(record).texts)


def told(ax, gid):
    return " ".join(text.get_text() for text in ax.texts if text.get_gid() == gid)


def repeated(*rounds, **facts):
    """A PoolRun of rounds (serial, startup, wall) of two workers."""
    serial, startup, wall = rounds[-1]
    line = make_timeline([(0, startup, startup + wall), (1, startup, startup + wall)])
    run = make_run("pool", 2, len(rounds), wall, startup=startup, timeline=line)
    facts = {"repeats": len(rounds), **facts}
    return record_of(run, serial=serial, rounds=tuple(PoolRound(*each) for each in rounds), **facts)


def test_of_several_rounds_the_median_and_its_interval_are_told():
    # 12, 10, 8 s in the loop: 10; pools 5, 4, 6 s: 5, with start-up of 1, 1, 2 s 6, 5, 8: 6.  10 / 5 = 2, 10 / 6 = 1.67
    record = repeated((12.0, 1.0, 5.0), (10.0, 1.0, 4.0), (8.0, 2.0, 6.0))
    assert (record.speedup, record.efficiency, record.cold_speedup) == (2.0, 1.0, pytest.approx(10 / 6))
    # a draw of three times the first round gives 12 / 5, of the second 10 / 4, of the third 8 / 6: the ends
    assert (record.gain.low, record.gain.high) == (pytest.approx(8 / 6), 2.5)
    reached = "2.00 (1.33 to 2.50) times the serial loop, efficiency 100 %"
    assert describe_pool(record) == f"map over 2 workers, once up: {reached}"
    assert "2.00 (1.33 to 2.50) times" in explain_pool(record, 2)
    ax = plot_pool(record)
    assert "median of 3 rounds, bars: rough interval; lanes: the last one" in told(ax, "how")
    # the loop ended after 8 to 12 s, the pool after 5 to 8: bars there, under the loop and under the arrivals
    assert [span[1:] for span in find_spread(record)] == [(8.0, 12.0), (5.0, 8.0)]
    bars = [line for line in ax.lines if line.get_gid() == "interval"]
    assert [list(bar.get_xdata()) for bar in bars] == [[8.0, 12.0], [5.0, 8.0]]
    assert ax.get_xlim()[1] >= 12.0


def test_one_run_has_no_interval_and_a_stopped_one_says_of_how_many():
    single = repeated((12.0, 1.0, 5.0))
    assert single.gain.low is None and find_spread(single) == [] and "one run" in told(plot_pool(single), "how")
    stopped = repeated((12.0, 1.0, 5.0), (12.0, 1.0, 5.0), repeats=3)
    assert not stopped.complete and "median of 2 rounds (of 3)" in told(plot_pool(stopped), "how")


def test_what_is_in_doubt_is_told_in_picture_and_sentence():
    rounds = [(12.0, 1.0, 5.0), (12.0, 1.0, 5.0), (12.0, 1.0, 8.0), (12.0, 1.0, 8.0)]  # walls 5, 5, 8, 8
    record = repeated(*rounds, noted=("others were busy", "more workers than the 1 usable CPU"))
    told_once = "others were busy; rounds differ by more than 10 %"
    assert record.doubts == tuple(told_once.split("; "))
    all_told = f"In doubt: {'; '.join(record.badges)}."  # as the picture does
    assert explain_pool(record, 1).endswith(all_told) and "more workers than the 1 usable CPU" in all_told
    assert "in doubt: others were busy; more workers than the 1 usable CPU; rounds" in told(plot_pool(record), "doubts")
    quiet = repeated((12.0, 1.0, 6.0))
    assert "doubt" not in explain_pool(quiet, 2) and not told(plot_pool(quiet), "doubts")


def test_what_efficiency_lacks_beside_working_is_named():
    # the loop takes 12 s; two workers work 16 of their 2 × 10 s: speedup 1.2, efficiency 60 %, working 80 %, and each
    # task takes 16 / 12 = 1.33 times as long: 80 % / 1.33 = 60 %
    run = make_run("pool", 2, 1, 10.0, accounting=Accounting(working=16.0, waiting=4.0))
    run = replace(run, timeline=make_timeline([(0, 0.0, 8.0), (1, 0.0, 8.0)]))
    record = replace(record_of(run, serial=12.0), serial_timeline=make_timeline([(0, 0.0, 12.0)]))
    assert record.slowdown == pytest.approx(4 / 3) and record.efficiency == pytest.approx(0.8 / record.slowdown)
    assert "Side by side a task takes 1.3 times as long as in the loop." in explain_pool(record, 2)
    said = told(plot_pool(record), "how")
    assert "working 80 %" in said and "each task 1.3 × as long" in said


def test_the_bar_never_goes_back_while_the_workers_start():
    # round 2 of 3 tasks: 2 × 3 are done; then 2 in the loop, all 3 of the loop, 1 of the pool: 8, 9, 10
    board = array("d", [1, 1, 0, 1, 1, 0, 2, 2, 0, 0, 0, 0])
    one = array("d", [1, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0])
    looks = [("serial", board), ("starting", array("d", bytes(96))), ("pool", one)]
    done = [count_done(PoolProgress(phase, 9.0, 0, 3, 1, columns, round=2)) for phase, columns in looks]
    assert done == [8, 9, 10]


def test_the_grey_lines_stay_as_large_as_other_small_words():
    """The longest that there are: all accounts, slower tasks, sizes that differ; of one round and of three."""
    accounts = Accounting(startup=36.0, transfer=12.0, waiting=14.0, working=118.0, idle_tail=20.0)
    run = make_run("pool", 2, 1, 82.0, startup=18.0, accounting=accounts)
    run = replace(run, timeline=make_timeline([(0, 20.0, 79.0), (1, 20.0, 79.0)]), start_method="forkserver")
    for rounds in ((), (PoolRound(85.0, 18.0, 82.0),) * 3):
        facts = {"serial_timeline": make_timeline([(0, 0.0, 85.0)]), "sizes_ms": (5.25,) * 15 + (1075.0,)}
        record = replace(record_of(run, serial=85.0), **facts, rounds=rounds, repeats=max(1, len(rounds)))
        (how,) = [text for text in plot_pool(record).texts if text.get_gid() == "how"]
        assert how.get_text().count("%") == 5 and "as long" in how.get_text() and "1.07 s" in how.get_text()
        assert how.get_fontsize() > SMALL_SIZE - (0.5 if rounds else 0.01), how.get_text()


def test_tasks_that_are_quicker_in_the_pool_than_in_the_loop_are_a_doubt():
    # 10 s of working against 12 s in the loop is 0.83 of them, 11 s are 0.92: only the first is below 0.85
    def record(working, kind="computing"):
        run = make_run("pool", 2, 1, 10.0, accounting=Accounting(working=working, waiting=20.0 - working))
        run = replace(run, timeline=make_timeline([(0, 0.0, working / 2), (1, 0.0, working / 2)]))
        return replace(record_of(run, serial=12.0), serial_timeline=make_timeline([(0, 0.0, 12.0)]), kind=kind)

    assert record(10.0).doubts == ("the same tasks were quicker in the pool than in the loop",)
    assert record(11.0).doubts == () and record(10.0, "waiting").doubts == ()
    assert "quicker in the pool" in explain_pool(record(10.0), 2)


def test_a_pool_that_is_faster_than_its_cpus_allow_is_in_doubt():
    # 8 workers on 2 CPUs, the loop took 12 s: 2.4 times in 5 s is above 1.1 × 2 = 2.2, 2 times in 6 s is not
    def record(wall, usable, kind="computing"):
        run = make_run("pool", 8, 1, wall, accounting=Accounting(working=7.5 * wall, waiting=0.5 * wall))
        run = replace(run, timeline=make_timeline([(0, 0.0, wall)]))
        facts = {"serial_timeline": make_timeline([(0, 0.0, 12.0)]), "kind": kind, "usable_cpus": usable}
        return replace(record_of(run, serial=12.0), **facts)

    assert record(5.0, 2).doubts == ("faster than the usable CPUs allow",)
    assert record(6.0, 2).doubts == record(5.0, 8).doubts == record(5.0, None).doubts == ()
    assert record(5.0, 2, "waiting").doubts == ()


def test_sentence_and_picture_round_alike():
    # 33.45, 33.4 and 33.15 % are 33 % each, and add up to 100 as 34, 33, 33
    spent = Accounting(startup=3.345, transfer=0.0, waiting=3.34, working=3.315)
    run = make_run("pool", 2, 1, 5.0, accounting=spent, timeline=make_timeline([(0, 1.0, 4.0)]))
    record = record_of(run)
    (share,) = re.findall(r"start-up (\d+) %", told(plot_pool(record), "how"))
    assert f"Start-up took {share} % of the workers' time" in explain_pool(record, 2)


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


def test_the_crossing_of_each_round_tells_how_sure_it_is():
    # sizes 1 and 4 ms, the loop 1 and 4 s.  Round 1: pool 2 and 2 s: equal at 2 ms.  Round 2: 0.5 and 2: from 1 ms on.
    # Round 3: 4 and 4: 4 ms.  Medians 2 and 2: at 2 ms
    rounds = [
        ((2.0, 2.0), ("busy",)),
        ((0.5, 2.0), ()),
        ((4.0, 3.9999), ("busy", "more workers than the 1 usable CPU")),
    ]
    rows = [
        (size, size, cold, cold, noted) for pool, noted in rounds for size, cold in zip((1.0, 4.0), pool, strict=True)
    ]
    even = read_rows(rows, 8, 2, "spawn", 6)
    assert even.crossings == pytest.approx((2.0, 1.0, 4.0), rel=1e-3) and even.size_ms() == pytest.approx(2.0)
    assert even.badges == ("busy", "more workers than the 1 usable CPU")
    assert even.doubts == ("busy", "rounds disagree: 1 to 4 ms in each round")
    ax = plot_break_even(even)
    assert "break-even 1 to 4 ms in each round" in told(ax, "how") and "rounds disagree" in told(ax, "doubts")
    never = replace(even, crossings=(2.0, None, 2.0))
    assert never.doubts[-1] == "rounds disagree: 2 ms in 2 of 3 rounds"
    assert replace(even, badges=(), crossings=(2.0, 2.5, 3.0)).doubts == ()


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


def test_a_further_round_shows_nothing_of_the_last_one():
    view = PoolView(PLAN).take(look())
    empty = array("d", bytes(96))
    again = view.take(PoolProgress("serial", 0.5, 4.0, 3, 2, empty, round=2))
    assert again.progress.round == 2 and again.serial is again.progress
    picture = PoolPicture()
    picture.still(view)
    picture.move(again)
    assert (
        not picture.boxes[1].get_paths() and not picture.boxes[2].get_paths() and not len(picture.arrived.get_xdata())
    )


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


@pytest.mark.parametrize(
    ("phase", "stopped", "far"),
    [
        ("serial", "Stopped after 1 of 3 tasks of the serial loop.", "serial loop: 1 of 3 tasks"),
        ("starting", "Stopped while the workers came up, after the serial loop.", "starting the workers …"),
        ("pool", "Stopped after 1 of 3 tasks of the pool.", "pool: 1 of 3 tasks"),
    ],
)
def test_a_run_that_was_stopped_is_told_and_described(phase, stopped, far):
    seen = replace(look(), phase=phase)
    assert say_stopped(seen) == stopped
    assert describe_view(PoolView(PLAN).take(seen)) == f"map over 2 workers, so far ({far})"
    lab = PoolLab()
    assert lab._advice() == "" and "nothing measured yet" in lab._describe()
    lab._view = PoolView(PLAN)
    assert lab._advice() == "" and lab._describe() == "map over 2 workers, so far"
    lab._view = lab._view.take(seen)
    assert lab._advice() == stopped and far in lab._describe()


def test_the_clock_of_the_program_starts_when_all_workers_are_up():
    lines = [line.split("  #")[0].strip() for line in program(PLAN, 1.0, 1.0, "shuffled").splitlines()]
    assert "with context.Pool(N_WORKERS, initializer=gate.wait) as pool:" in lines
    assert lines[lines.index("gate.wait()") + 1] == "began = time.perf_counter()"


# --- advice -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((8, 0, 0, 2, 0), "Start-up took 80 %"),
        ((0, 8, 0, 2, 0), "Transfer, the way from task to task, took 80 %"),
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
