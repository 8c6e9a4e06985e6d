"""Figures of the Process chapter, from hand-written stamps; the answers were worked out on paper."""

from dataclasses import replace

import pytest

from helpers.course.process.exercises import (
    NEVER_CALLED,
    NOT_SENT,
    ONE_BY_ONE,
    PATIENCE,
    judge_all,
    judge_apart,
    judge_end,
    say_late,
)
from helpers.course.process.lab import advise_starts, say_killed, say_progress
from helpers.course.process.measure import (
    Lifeline,
    Lifelines,
    ProcessRun,
    StartCosts,
    add_round,
    note_message,
    read_lives,
    sleeps_of,
)
from helpers.course.process.plots import (
    ProcessCard,
    draw_process_card,
    killed_lanes,
    plot_lifelines,
    plot_start_costs,
)
from helpers.course.process.tasks import end_by_signal, leave_with_3, read_start, rest_for_ever
from helpers.exercises.base import Wrong
from helpers.exercises.trial import Trial

#: Two processes; the first start() was called at the clock's 50.
LINES = [
    Lifeline(called=50.0, returned=50.5, began=51.0, ended=53.0, joined=53.5, pid=7, exitcode=0),
    Lifeline(called=50.5, returned=50.75, began=52.0, ended=54.0, joined=56.0, pid=8, exitcode=0),
]


def test_a_start_counts_from_calling_it():
    # called at 10, came back at 10.5, first line at 12, joined at 15
    assert read_start(10.0, 10.5, 12.0, 15.0) == (0.5, 2.0, 5.0)


def test_messages_become_moments_of_their_process():
    lines = [Lifeline(), Lifeline()]
    note_message(lines, -1, (1, "called", 50.0))
    note_message(lines, 1, ("began", 8, 51.5))
    note_message(lines, -1, (1, "joined", 54.0, -9))
    assert lines == [Lifeline(), Lifeline(called=50.0, began=51.5, joined=54.0, pid=8, exitcode=-9)]


def test_lives_count_from_the_first_call_and_last_until_the_last_join():
    lives = read_lives("spawn", 2.0, LINES, now=57.0)
    assert lives.lines[0] == Lifeline(0.0, 0.5, 1.0, 3.0, 3.5, 7, 0)
    assert lives.lines[1] == Lifeline(0.5, 0.75, 2.0, 4.0, 6.0, 8, 0)
    assert lives.complete and (lives.wall, lives.now) == (6.0, 7.0)
    half = read_lives("spawn", 2.0, [LINES[0], Lifeline(called=50.5)], now=54.0)
    assert not half.complete and half.wall == half.now == 4.0
    assert not Lifelines("spawn", 1.0, ()).complete


def test_targets_are_alike_or_each_next_one_is_a_step_shorter():
    # 2 s in 4 steps: 2, 1.5, 1, 0.5
    assert sleeps_of(4, 2.0, "first longest") == (2.0, 1.5, 1.0, 0.5) and sleeps_of(2, 2.0, "all alike") == (2.0, 2.0)
    lives = replace(read_lives("spawn", 2.0, LINES, 57.0), lengths="first longest")
    assert lives.sleeps == (2.0, 1.0)
    alike = replace(lives, lengths="all alike")
    told = [" ".join(text.get_text() for text in plot_lifelines(one).texts) for one in (lives, alike)]
    assert "asleep for 2 s … 1 s" in told[0] and "each target sleeps 2 s" in told[1]


def test_the_cold_round_stands_apart():
    costs = StartCosts(2)
    costs = add_round(costs, 0, [("thread", 0.1, 9.0, 9.5), ("spawn", 0.1, 8.0, 8.5)])
    assert costs.cold == {"spawn": 8.0, "thread": 9.0} and costs.n_rounds == 0 and not costs.complete
    costs = add_round(costs, 1, [("spawn", 0.1, 2.0, 3.0), ("thread", 0.1, 0.2, 0.3)])
    costs = add_round(costs, 2, [("thread", 0.1, 0.4, 0.5), ("spawn", 0.1, 4.0, 5.0)])
    assert costs.first_line == {"spawn": (2.0, 4.0), "thread": (0.2, 0.4)}
    assert costs.whole == {"spawn": (3.0, 5.0), "thread": (0.3, 0.5)}
    assert costs.median("spawn") == 3.0 and costs.complete and costs.start_methods == ("spawn",)


def costs_of(**first_line):
    return StartCosts(3, {**first_line, "thread": (1e-4,) * 3}, cold=dict.fromkeys((*first_line, "thread"), 1.0))


def test_advice_says_which_share_a_start_takes_and_where_it_is_a_tenth():
    # spawn 40 ms against a task of 360 ms: 40 / 400 = 10 %; nine times 40 ms is the length from which on it is less
    lives = Lifelines("spawn", 0.36, tuple(LINES))
    advice = advise_starts(lives, costs_of(spawn=(0.039, 0.04, 0.041), fork=(0.004,) * 3))
    assert advice.startswith("One start by spawn takes 40 ms (fork 4 ms): 10.0 % of the time until a task of 360 ms")
    assert "Below 360 ms of work, starting takes more than a tenth." in advice


def test_processes_that_come_up_at_once_are_told_beside_a_start_alone():
    # first lines 1 and 1.5 s after their start(): median 1.25 s; one alone takes 0.5 s, 2.5 times less
    lives = read_lives("spawn", 2.0, LINES, now=57.0)
    assert lives.coming_up == 1.25
    advice = advise_starts(lives, costs_of(spawn=(0.5,) * 3))
    assert "The 2 in the lanes came up beside each other, in 1.25 s each (median), 2.5 times as long as one" in advice
    assert "in the lanes" not in advise_starts(lives, costs_of(spawn=(1.0,) * 3))  # 1.25 times: as good as the same
    assert "in the lanes" not in advise_starts(read_lives("spawn", 2.0, LINES[:1], 57.0), costs_of(spawn=(0.5,) * 3))


def doubts_under(ax):
    return "".join(text.get_text() for text in ax.texts if text.get_gid() == "doubts")


def test_doubts_are_told_under_lanes_and_strip_and_in_the_sentence():
    lives = replace(read_lives("spawn", 2.0, LINES, 57.0), badges=("busy",))
    # spawn differs: 20, 40, 60 ms; fork does not, and a thread is not asked
    costs = replace(costs_of(spawn=(0.02, 0.04, 0.06), fork=(0.004,) * 3), noted=("busy", "slow"))
    costs = replace(costs, first_line={**costs.first_line, "thread": (1e-4, 2e-4, 3e-4)})
    assert costs.badges == ("busy", "slow", "spawn: rounds differ by more than 10 %")
    assert "in doubt: busy" in doubts_under(plot_lifelines(lives))
    assert "in doubt: busy; slow; spawn: rounds differ" in doubts_under(plot_start_costs(costs))
    assert advise_starts(lives, costs).endswith("In doubt: busy; slow; spawn: rounds differ by more than 10 %.")
    quiet = costs_of(spawn=(0.04,) * 3)
    assert not doubts_under(plot_start_costs(quiet)) and not doubts_under(plot_start_costs(None))
    assert "doubt" not in advise_starts(replace(lives, badges=()), quiet)


@pytest.mark.parametrize("noted", [(), ("other programs were using the CPUs",)])
def test_doubts_beside_the_lanes_are_as_large_as_under_them(noted):
    lives = replace(read_lives("spawn", 2.0, LINES, 57.0), badges=("busy",))
    starts = (0.02, 0.04, 0.06)
    costs = replace(costs_of(fork=starts, forkserver=starts, spawn=starts), noted=noted)
    told = [text for ax in draw_process_card(lives, costs).axes for text in ax.texts if text.get_gid() == "doubts"]
    assert len(told) == 2 and "in doubt: " in told[1].get_text()
    assert told[0].get_size() == told[1].get_size()


def test_one_start_is_no_plural():
    costs = StartCosts(1, {"spawn": (0.04,), "thread": (1e-4,)}, cold={"spawn": 1.0, "thread": 1.0})
    assert any("1 start each" in text.get_text() for text in plot_start_costs(costs).texts)
    assert say_progress(ProcessRun(Lifelines("spawn", 1.0, tuple(LINES)), costs), 1)[2] == "1 of 1 round of starts"


def test_progress_counts_joins_then_rounds_and_the_cold_one():
    lives = Lifelines("spawn", 1.0, (LINES[0], Lifeline(called=50.5)))
    assert say_progress(ProcessRun(lives), 7) == (1, 10, "1 of 2 processes joined")
    lives = Lifelines("spawn", 1.0, tuple(LINES))
    assert say_progress(ProcessRun(lives), 7)[0] == 2
    assert say_progress(ProcessRun(lives, StartCosts(7, cold={"thread": 1.0})), 7) == (3, 10, "0 of 7 rounds of starts")
    costs = StartCosts(7, {"thread": (1.0,) * 7}, cold={"thread": 1.0})
    assert say_progress(ProcessRun(lives, costs), 7) == (10, 10, "7 of 7 rounds of starts")
    assert ProcessRun(lives, costs).complete and not ProcessRun(lives).complete


def bars(ax):
    kinds = [collection for collection in ax.collections if collection.get_gid() == "life"]
    return [[(path.get_extents().x0, path.get_extents().x1) for path in kind.get_paths()] for kind in kinds]


def test_lanes_show_coming_up_running_and_not_joined_yet():
    coming_up, running, over = bars(plot_lifelines(read_lives("spawn", 2.0, LINES, 57.0)))
    assert coming_up == [(0.0, 1.0), (0.5, 2.0)] and running == [(1.0, 3.0), (2.0, 4.0)]
    assert over == [(3.0, 3.5), (4.0, 6.0)]
    # while it goes on: the first runs until now, the second comes up until now
    half = read_lives("spawn", 2.0, [Lifeline(50.0, 50.5, 51.0, pid=7), Lifeline(50.5)], now=52.0)
    assert bars(plot_lifelines(half)) == [[(0.0, 1.0), (0.5, 2.0)], [(1.0, 2.0)], []]


def test_short_lanes_show_the_pid_while_they_come_up_and_the_key_has_the_exit_codes():
    # of 4 s, a target of 0.1 s has no room for its pid: the first came up for 1 s, the second, at once, for 0.02 s
    first, second = Lifeline(0.0, 0.1, 1.0, 1.1, 4.0, 11, 0), Lifeline(0.2, 0.21, 0.22, 0.32, 4.0, 12, 0)
    ax = plot_lifelines(Lifelines("spawn", 0.1, (first, second), 4.0))
    pids = {text.get_text(): text.get_position()[0] for text in ax.texts if "pid" in text.get_text()}
    assert list(pids) == ["pid 11"] and 0 < pids["pid 11"] < 1.0
    assert "joined yet · ┃ join() returned · all exit codes 0" in " ".join(text.get_text() for text in ax.texts)
    wide = plot_lifelines(Lifelines("spawn", 2.0, (Lifeline(0.0, 0.1, 1.0, 3.0, 4.0, 11, 0),), 4.0))
    assert "pid 11, exit code 0" in [text.get_text() for text in wide.texts]


def test_dots_are_milliseconds_and_the_median_is_marked():
    ax = plot_start_costs(costs_of(spawn=(0.03, 0.04, 0.05)), guess_ms=12)
    points = {round(float(value), 6) for line in ax.lines for value in line.get_xdata()}
    assert {30.0, 40.0, 50.0, 1000.0, 12} <= points and "40 ms" in {text.get_text() for text in ax.texts}


def test_processes_that_live_longer_than_the_axis_get_a_longer_one():
    card = ProcessCard(("spawn",), 3)
    # a task of 2 s: 1.2 × 2 + 0.4 = 2.8; 6 s of life want 2.8 × 1.4³ (7.68; 5.49 is too short)
    lives = read_lives("spawn", 2.0, LINES, 57.0)
    assert card.frame(ProcessRun(lives))[3] == pytest.approx(2.8 * 1.4**3)


# ── what the checks of the exercises find ─────────────────────────────────────────────────────


def spans(*calls):
    """The spans of calls (process, began, ended)."""
    return [(pid, 1, began, ended, "") for pid, began, ended in calls]


#: Three processes side by side from 2 to 3; the same one after the other.
BESIDE, AFTER = spans((1, 0, 3), (2, 1, 4), (3, 2, 5)), spans((1, 0, 1), (2, 1, 2), (3, 2, 3))


def test_a_call_apart_is_one_call_in_another_process():
    judge_apart(14, BESIDE[:1], pid=9)
    for value, calls, pid, words in (
        (14, BESIDE[:1], 1, "^the result is right, but the function ran in the process that called run_apart"),
        (None, BESIDE[:1], 1, "^the function ran in the process that called run_apart"),
        (0, BESIDE[:1], 9, "Is that an exit code"),
        (14, [], 9, "it gives 14, and the function that it was given was never called"),
        (14, BESIDE[:2], 9, "was called 2 times"),
    ):
        with pytest.raises(Wrong, match=words):
            judge_apart(value, calls, pid)


def test_three_items_are_three_processes_at_one_moment_and_results_in_order():
    right = [90_000, 400, 25_600]  # 300, 20 and 160, squared
    judge_all(right, BESIDE, pid=9)
    for value, calls, pid, words in (
        (sorted(right), BESIDE, 9, "in the order in which they came"),
        (right[:2], BESIDE, 9, "not .90000, 400, 25600."),
        (right, BESIDE, 2, "some of the work was done in the process that called run_all"),
        (right, AFTER, 9, "never by 3 at the same time"),
    ):
        with pytest.raises(Wrong, match=words):
            judge_all(value, calls, pid)


def test_a_late_answer_that_is_at_work_takes_one_item_after_the_other_where_calls_waited_in_vain():
    # the first call waited 4 s for others beside it, in vain; on a busy machine the second is still coming up
    in_vain, met = spans((1, 0, PATIENCE + 0.1)), spans((1, 0, PATIENCE + 0.1), (2, 1, 4))
    working, waiting = Trial("late", at_work=True), Trial("late")
    assert say_late(working, in_vain) == ONE_BY_ONE
    assert say_late(waiting, in_vain) == NOT_SENT, "its result never came"
    assert say_late(working, met) == say_late(working, AFTER) == NOT_SENT, "nobody waited in vain"
    assert say_late(working, []) == say_late(waiting, []) == NEVER_CALLED


def test_an_end_is_judged_by_where_the_target_ran_and_by_its_word():
    returned = Trial("returned", "failed")
    judge_end(returned, leave_with_3, ["apart"])
    for trial, target, places, words in (
        (returned, leave_with_3, ["caller"], "leave_with_3 ran in the process that called tell_end"),
        (Trial("died"), end_by_signal, ["caller"], "end_by_signal ran in the process that called tell_end"),
        (returned, leave_with_3, [], "never called it"),
        (returned, end_by_signal, ["apart"], "it gives 'failed', and 'killed' is right for end_by_signal: a signal"),
        (Trial("nothing"), rest_for_ever, ["apart"], "it returns None, and 'too late' is right for rest_for_ever"),
        (Trial("late"), rest_for_ever, ["apart"], "join.. without a number waits"),
    ):
        with pytest.raises(Wrong, match=words):
            judge_end(trial, target, places)


def test_stop_killed_what_was_asked_for_and_had_not_ended():
    # at 3 s: one joined, one ended, one runs, one comes up, one is not asked for yet
    lines = (
        Lifeline(0.0, 0.1, 0.5, 1.0, 1.5, 11, 0),
        Lifeline(0.1, 0.2, 0.6, 2.0, None, 12, 0),
        Lifeline(0.2, 0.3, 0.7, None, None, 13),
        Lifeline(0.3, 0.4),
        Lifeline(),
    )
    lives = Lifelines("spawn", 1.0, lines, 3.0)
    assert killed_lanes(lives) == [2, 3]
    assert say_killed(lives) == "Stop killed 2 of 5 processes before the target had ended."
    assert say_killed(replace(lives, lines=lines[:2])) == ""
    card = draw_process_card(lives, None, stopped=True)
    marks = [(*line.get_xdata(), *line.get_ydata()) for line in card.axes[0].lines if line.get_gid() == "killed"]
    assert marks == [(3.0, 2), (3.0, 3)]
    assert not [line for line in draw_process_card(lives, None).axes[0].lines if line.get_gid() == "killed"]
