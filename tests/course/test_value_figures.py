"""What the checks of chapter 06 make of a counter; worked out on paper."""

from helpers.course.value.exercises import judge_count


def test_a_counter_is_judged_by_the_updates_of_both_processes():
    # two processes × 20 updates are 40
    assert judge_count(40, 20) == ""
    assert "says 39 instead of 40: updates were lost" in judge_count(39, 20)
    assert "says 41, more than 40" in judge_count(41, 20)
    assert "still says 0" in judge_count(0, 20)
