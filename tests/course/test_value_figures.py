"""What the checks of chapter 06 make of a counter; worked out on paper."""

import numpy as np
import pytest

from helpers.course.value import timing
from helpers.course.value.arrays import flow
from helpers.course.value.exercises import judge_count, judge_places, judge_writers
from helpers.exercises.base import Wrong


def test_a_counter_is_judged_by_the_updates_of_both_processes():
    # two processes × 20 updates are 40
    assert judge_count(40, 20) == ""
    assert "grew by 39 instead of 40: updates were lost" in judge_count(39, 20)
    assert "grew by 41, more than 40" in judge_count(41, 20)
    assert "has not changed" in judge_count(0, 20)
    assert "each call added 1 once: it is to do so 20 times" in judge_count(2, 20) and judge_count(2, 1) == ""
    # 20 stands in the counter that began at 1,000: it was set, and -980 is no growth
    assert "began at 1,000, two processes made 20 updates each and it says 20: add to what it holds" in judge_count(
        -980, 20
    )


def test_two_other_processes_fill_the_block_at_the_same_time():
    beside = [(1, 1, 0.0, 2.0, ""), (2, 1, 1.0, 3.0, "")]
    judge_writers(beside, pid=9)
    for calls, pid, words in (
        (beside, 1, "the process that called fill did the work, or some of it"),
        ([(1, 1, 0.0, 1.0, ""), (2, 1, 1.0, 2.0, "")], 9, "never by 2 at the same time"),
        ([*beside, (3, 1, 0.0, 1.0, "")], 9, "by 3 processes, and n_workers is 2"),
    ):
        with pytest.raises(Wrong, match=words):
            judge_writers(calls, pid)


def test_a_place_that_nobody_wrote_to_is_named():
    nan = float("nan")
    assert judge_places([0.0, 1.0, 4.0], [0.0, 1.0, 4.0]) == ""
    assert (
        "n = 3 and n_workers = 2 nothing was written to place 2: the parts together have to be all places, 0 to 2"
        in (judge_places([0.0, 1.0, nan], [0.0, 1.0, 4.0]))
    )
    assert "written to places 0 and 2:" in judge_places([nan, 1.0, nan], [0.0, 1.0, 4.0])
    assert judge_places([nan, nan], [0.0, 1.0]) == "nothing was written to the block."
    # a wrong number is told before a place that is missing
    assert "holds [0.0, 7.0, nothing], and [0.0, 1.0, 4.0] is expected" in judge_places(
        [0.0, 7.0, nan], [0.0, 1.0, 4.0]
    )


def test_heat_flows_from_the_four_neighbours_into_the_rows_that_are_asked_for():
    # 4 × 4 places; row 1 gets above, below, left, right: (8 + 0 + 0 + 4) / 4 = 3 and (8 + 4 + 0 + 0) / 4 = 3
    now = np.array([[8, 8, 8, 8], [0, 0, 4, 0], [0, 0, 4, 0], [0, 0, 0, 12]], float)
    later = np.zeros((4, 4))
    flow(now, later, 1, 2)
    assert later.tolist() == [[0] * 4, [0, 3, 3, 0], [0] * 4, [0] * 4]
    flow(now, later, 2, 3)  # (0 + 0 + 0 + 4) / 4 = 1 and (4 + 0 + 0 + 0) / 4 = 1
    assert later.tolist() == [[0] * 4, [0, 3, 3, 0], [0, 1, 1, 0], [0] * 4]


def test_ways_are_called_in_turns():
    calls = []
    times = timing.time_in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, n_rounds=2)
    assert calls == ["a", "b", "a", "b"] and [len(found) for found in times.values()] == [2, 2]
    assert min(map(min, times.values())) >= 0


def test_how_many_times_as_long_is_told_by_the_best_times_and_their_range():
    # 300 / 1 = 300; from 300 / 2 = 150 to 1,600 / 1 = 1,600
    said = timing.best_against_best([300.0, 1600.0], [1.0, 2.0], "as fast")
    assert said == "300 times as fast, best against best (range: 150 to 1,600)"


def test_times_are_in_doubt_where_rounds_differ_or_a_part_takes_longer_than_the_whole():
    steady = {"whole": [2.0, 2.01, 2.02, 9.0], "part": [1.0, 1.01, 1.02, 5.0]}
    assert timing.tell_times(steady, 2, "part", "whole") == "whole: 1 s\npart: 500 ms"  # one slow round is none
    swapped = {"whole": steady["part"], "part": steady["whole"]}
    assert timing.tell_times(swapped, 1, "part", "whole").splitlines()[2] == (
        "In doubt: part took longer than whole, which contains it. Run this cell again."
    )
    # the middle half of 1, 2, 3, 4 s spans 1 s of 2.5
    shaky = timing.tell_times({"one": [1.0, 2.0, 3.0, 4.0], "other": [1.0] * 4})
    assert shaky.endswith("In doubt: rounds differ by more than 10 % (one). Run this cell again.")
