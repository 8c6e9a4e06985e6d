"""Figures of the Lock chapter, from hand-written stamps; the answers were worked out on paper."""

from array import array
from dataclasses import replace

import pytest

from helpers.course.lock.exercises import judge_alone, judge_sum, judge_transfers
from helpers.course.lock.lab import advise_locks, describe_locks, say_losses
from helpers.course.lock.measure import Lane, LockRun, LockSweep, ceiling, read_run, share_out, vary
from helpers.course.lock.plots import (
    LockCard,
    LockSetting,
    describe_cut,
    describe_shares,
    describe_updates,
    lanes_window,
    plot_lanes,
    plot_lock_speedup,
)
from helpers.errors import HelpersError
from helpers.exercises.base import Wrong


def notes(*sections):
    """The bytes a worker sends of its sections (asked, got, released)."""
    return tuple(array("d", times).tobytes() for times in zip(*sections, strict=True))


def run_of(n, number, wall, kind="locked", counted=40, expected=40):
    return LockRun(kind, n, number, wall, expected, counted)


def sweep_of(serial, walls, share=0.25, locked=True, work="wait", cpus=2, counted=40):
    """A LockSweep of {n_workers: walls of rounds 1, 2, …}, its warm-up far off."""
    kind = "locked" if locked else "unlocked"
    runs = [run_of(1, number, wall, "serial") for number, wall in enumerate((99.0, *serial))]
    for n, rounds in walls.items():
        runs += [run_of(n, number, wall, kind, counted) for number, wall in enumerate((1.0, *rounds))]
    return LockSweep(tuple(runs), share, locked, work, cpus)


def test_a_run_lasts_from_the_first_beginning_to_the_last_end():
    # one began at 10 and ended at 18, the other 11 to 20: 10 s; its times count from 10
    replies = [
        (10.0, 18.0, notes((11.0, 12.0, 14.0), (15.0, 15.0, 16.0)), None),
        (11.0, 20.0, notes((13.0, 14.0, 15.0)), None),
    ]
    run = read_run("locked", 2, replies, n_steps=3, counted=3)
    assert (run.wall, run.n_workers, run.round, run.lost) == (10.0, 2, 2, 0)
    first, second = run.lanes
    assert (first.began, first.ended, second.began, second.ended) == (0.0, 8.0, 1.0, 10.0)
    assert (list(first.asked), list(first.got), list(first.released)) == ([1, 5], [2, 5], [4, 6])
    # first: waits 1 + 0, holds 2 + 1, free 8 − 1 − 3; second: waits 1, holds 1, free 9 − 2
    assert (first.waiting, first.holding, first.free) == (1.0, 3.0, 4.0)
    assert (second.waiting, second.holding, second.free) == (1.0, 1.0, 7.0)
    # of 17 worker-seconds: free 11, waiting 2, holding 4
    assert run.shares() == pytest.approx({"free": 11 / 17, "waiting": 2 / 17, "holding": 4 / 17})
    assert (
        describe_shares(run) == "all of the last run: free 65 %, waiting 12 %, inside 23 %"
    )  # 64.7, 11.8, 23.5: 100 in all
    with pytest.raises(HelpersError, match="no luck"):
        read_run("locked", 1, [(1.0, 2.0, None, "Traceback: no luck")], 1, 0)


def test_lanes_that_end_before_the_run_say_so():
    # one worker inside from 10 to 50 ms and from 90 to 130: the run lasts 140 ms, 80 of them are shown
    stamps = notes((0.01, 0.01, 0.05), (0.09, 0.09, 0.13))
    run = read_run("locked", 1, [(0.0, 0.14, stamps, None)], 2, 2)
    ax = plot_lanes(run, window=0.08)
    assert said_of_cut(ax) == "shown: the first 80 of 140 ms"
    assert (said_of_cut(plot_lanes(run)), describe_cut(run, 0.15), describe_cut(None, 0.08)) == ("", "", "")
    card = LockCard()
    lanes = card.still(LockSetting((1,), 0.4, True, "wait", 2, replace(sweep_of((1.0,), {}), runs=(run,)))).axes[1]
    assert said_of_cut(lanes) == "shown: the first 80 of 140 ms"


def said_of_cut(ax):
    (text,) = [text.get_text() for text in ax.texts if text.get_gid() == "cut"]
    return text


def test_lanes_are_as_long_as_a_quiet_run_whose_steps_sleep():
    def window(share, locked=True, work="wait", n=8, cpus=8):
        return 1000 * lanes_window(LockSetting((2, n), share, locked, work, cpus))

    # 40 steps of 4 ms: at 60 % inside they need 96 ms one after another, and a quarter to spare
    assert (window(0.6), window(1.0)) == pytest.approx((120, 200))
    # never less than 20 steps, 80 ms; without a lock nobody waits
    assert (window(0.25), window(0.6, locked=False)) == pytest.approx((80, 80))
    # where they compute a step is 1 ms: 20 ms, four times as much where 8 share 2 CPUs
    assert (window(0.6, work="compute"), window(0.6, work="compute", cpus=2)) == pytest.approx((20, 80))


def test_the_plain_loop_has_no_lanes_and_updates_lost_are_those_not_counted():
    run = read_run("serial", 0, [(5.0, 7.5, (b"", b"", b""), None)], 4, 4)
    assert (run.wall, run.lanes, run.lost) == (2.5, (), 0)
    run = run_of(2, 1, 1.0, "unlocked", counted=31)
    assert run.lost == 9 and describe_updates(run) == "updates of the counter: 40 made, 31 counted, 9 lost (hatched)"


def test_a_sweep_leaves_the_warm_up_out_and_pairs_its_rounds():
    sweep = sweep_of((8.0, 10.0, 12.0, 50.0), {1: (8.0, 10.0, 12.0), 4: (4.0, 5.0, 6.0)})
    # rounds 1 to 3 have both: 10 / 5 = 2; a serial loop without its partner does not count
    assert sweep.speedup(4).median == 2.0 and sweep.speedup(4).n_rounds == 3
    assert (sweep.speedup(4).low, sweep.speedup(4).high) == (2.0, 2.0)  # slow rounds were slow for both
    assert sweep.walls(4) == {1: 4.0, 2: 5.0, 3: 6.0} and sweep.speedup(8) is None


def test_losses_are_those_of_all_counted_rounds():
    sweep = sweep_of((10.0,), {2: (5.0, 5.0)}, locked=False, counted=31)
    assert sweep.lost(2) == [9, 9]
    assert say_losses(sweep, 2) == "18 of 80 updates were lost in 2 rounds"
    assert "so the result is wrong" in advise_locks(sweep)
    assert say_losses(sweep_of((10.0,), {2: (5.0,)}), 2) == "no update was lost"


def test_bounds_of_the_speedup():
    # one inside at a time: 1 / 0.25 = 4, and never more than the workers
    assert (ceiling(8, 0.25), ceiling(2, 0.25), ceiling(8, 0)) == (4.0, 2.0, 8.0)
    sweep = sweep_of((12.0,) * 5, {4: (4.0,) * 5})
    advice = advise_locks(sweep)
    assert advice.startswith("4 workers reach 3.00 (3.00 to 3.00) times the plain loop; no update was lost. ")
    # 1 / (0.25 + 0.75 / 4) = 16 / 7
    assert "Amdahl's law says 2.29, and by 4 workers at most 4.00 can be reached." in advice
    assert (
        describe_locks(sweep) == "4 workers with 25 % inside the lock: 3.00 times the plain loop; no update was lost."
    )


def test_the_bounds_name_what_sets_them_and_know_the_cpus():
    assert (ceiling(8, 0.25, 2), ceiling(8, 0.8, 2), ceiling(1, 0.25, 2)) == (2.0, 1.25, 1.0)
    eight = {8: (5.0,) * 3}
    asleep = advise_locks(sweep_of((10.0,) * 3, eight, share=0.4))
    # 8 / (1 + 0.4 · 7) = 2.105…; 1 / 0.4 = 2.5
    assert "Amdahl's law says 2.11, and with 40 % of each step inside the lock at most 2.50 can be reached" in asleep
    # on 2 CPUs no more than 2 work at a time: 2 / (1 + 0.4) = 1.428…, and 2 is less than 2.5
    computing = advise_locks(sweep_of((10.0,) * 3, eight, share=0.4, work="compute"))
    assert "law says 1.43, and on 2 usable CPUs, for steps that compute, at most 2.00 can be reached" in computing
    # 1 / 0.8 = 1.25 is less than 2
    locked = advise_locks(sweep_of((10.0,) * 3, eight, share=0.8, work="compute"))
    assert "with 80 % of each step inside the lock at most 1.25 can be reached" in locked
    unlocked = advise_locks(sweep_of((10.0,) * 3, eight, locked=False, work="compute"))
    assert "Steps that compute have 2 usable CPUs between them." in unlocked
    ax = plot_lock_speedup(sweep_of((10.0,) * 3, eight, share=0.25, work="compute"))
    tops = {line.get_linestyle(): max(line.get_ydata()) for line in ax.lines if line.get_linestyle() in (":", "--")}
    assert tops == {":": pytest.approx(2.0), "--": pytest.approx(2 / 1.25)}


def with_badges(sweep, kind, badges):
    """The sweep with badges on the last counted run of a kind."""
    last = max(run.round for run in sweep.runs if run.kind == kind)
    runs = [replace(run, badges=badges) if (run.kind, run.round) == (kind, last) else run for run in sweep.runs]
    return replace(sweep, runs=tuple(runs))


def test_doubts_are_those_of_the_workers_and_of_the_plain_loop():
    steady = sweep_of((10.0,) * 3, {2: (5.0,) * 3})
    assert steady.badges(2) == () and "doubt" not in advise_locks(steady) and not doubts_in(steady)
    noisy = with_badges(steady, "locked", ("slowed by the CPU quota", "more workers than the 2 usable CPUs"))
    assert noisy.doubts() == noisy.doubts(2) == ("slowed by the CPU quota",)
    # the middle half of 10, 11, 20 is 10 to 20: more than a tenth of 11
    loop = sweep_of((10.0, 20.0, 11.0), {2: (5.0,) * 3})
    assert loop.doubts(2) == ("plain loop: rounds differ by more than 10 %",)
    for sweep in (noisy, loop):
        words = "; ".join(sweep.doubts())
        assert advise_locks(sweep).endswith(f"In doubt: {words}.")
        assert describe_locks(sweep).endswith(f"In doubt: {words}.")
        assert "in doubt" in doubts_in(sweep)


def test_the_message_tells_the_doubts_of_every_number_of_workers_as_its_picture_does():
    # 1 worker's rounds of 10, 11, 20 s differ; the figures in the message are those of 2
    sweep = sweep_of((10.0,) * 3, {1: (10.0, 20.0, 11.0), 2: (5.0,) * 3})
    assert sweep.doubts(2) == () and "rounds differ by more than 10 %" in doubts_in(sweep)
    assert advise_locks(sweep).endswith("In doubt: rounds differ by more than 10 %.")
    bare = sweep_of((10.0,) * 3, {1: (10.0, 20.0, 11.0), 2: (5.0,) * 3}, locked=False)
    assert advise_locks(bare).endswith("In doubt: rounds differ by more than 10 %.")


def test_a_speedup_above_its_ceiling_is_mistrusted():
    # 2 workers reach 10 / 4 = 2.5, more than 1.15 × 2; 2.2 is within what noise may do
    assert sweep_of((10.0,) * 3, {2: (4.0,) * 3}).doubts() == ("faster than can be: mistrust it",)
    assert sweep_of((11.0,) * 3, {2: (5.0,) * 3}).doubts() == ()


def doubts_in(sweep):
    """What the picture says of doubts."""
    return "".join(text.get_text() for text in plot_lock_speedup(sweep).texts if text.get_gid() == "doubts")


def test_a_picture_calls_three_rounds_rough_and_five_95_per_cent():
    def how(n_rounds):
        texts = plot_lock_speedup(sweep_of((10.0,) * n_rounds, {2: (5.0,) * n_rounds})).texts
        return next(text.get_text() for text in texts if text.get_gid() == "how")

    assert "95 %" in how(5) and "95 %" not in how(3) and "rough" in how(3) and "no interval" in how(2)
    assert how(5).endswith("25 % of each step inside · steps sleep")


def test_points_beyond_the_cpus_are_hollow_where_steps_compute():
    ax = plot_lock_speedup(sweep_of((10.0,) * 3, {2: (5.0,) * 3, 4: (4.0,) * 3}, work="compute"))
    full, hollow = (line for line in ax.lines if line.get_marker() == "o")
    assert list(full.get_xdata()) == [2] and list(hollow.get_xdata()) == [4]


def test_work_is_the_same_for_every_number_of_workers():
    frees = vary(48)
    assert sum(frees) == pytest.approx(48) and min(frees) > 0 and len(set(frees)) == 48
    for n in (1, 2, 5, 7):
        parts = share_out(frees, n)
        assert sum(map(len, parts)) == 48 and sum(map(sum, parts)) == pytest.approx(48)
        assert all(sum(part) == pytest.approx(len(part)) for part in parts)


def test_a_lane_without_sections_is_free():
    lane = Lane(1.0, 3.0, array("d"), array("d"), array("d"))
    assert (lane.free, lane.waiting, lane.holding) == (2.0, 0, 0)


# ── what the checks of the exercises find ─────────────────────────────────────────────────────


def test_swapped_signs_are_told_from_a_half_transfer():
    # 100 and 100, twice 3 from the first to the second: 94 and 106; then 2 back: 96 and 104
    assert judge_alone([94, 106], [96, 104]) == ""
    assert "the signs are swapped" in judge_alone([106, 94], [104, 96])
    assert "moves nothing" in judge_alone([100, 100], [100, 100])
    half = judge_alone([94, 100], [94, 98])
    assert "to 94 and 100, not to 94 and 106" in half and "swapped" not in half


def test_whoever_loses_the_amount_is_not_the_one_that_is_locked_first():
    # back, 2 more went from 1 to 2: 92 and 108
    words = judge_alone([94, 106], [92, 108])
    assert "from account 2 to account 1, takes them from 94 and 106 to 92 and 108, not to 96 and 104" in words


def test_what_is_wrong_in_one_process_alone_is_no_matter_of_locks():
    # work(n) adds up the squares below n: 0 + 1 + 4 = 5 for 3, 9 more for 4; 5 + 14 = 19. It stands at 1000
    assert judge_sum(1019, 2, [3, 4]) == ""
    assert "work was never called, and the counter still says 1000" in judge_sum(1000, 0, [3, 4])
    assert "work was called 4 times for 2 items: call it once" in judge_sum(1038, 4, [3, 4])
    assert "still says 1000 as before: add what work returns" in judge_sum(1000, 2, [3, 4])
    assert "overwritten" in judge_sum(19, 2, [3, 4])
    assert "from 1000 to 1007 for the items [3, 4], not to 1019: add each result" in judge_sum(1007, 2, [3, 4])


def test_transfers_are_judged_by_balances_then_locks_then_both_at_once():
    # account 1 sends 1 and gets 2, four times: 104 and 96; each of the eight transfers takes both locks
    judge_transfers(([104, 96], [8, 8], False, None, ""))
    for balances, taken, alone, own_lock, words in (
        ([107, 93], [8, 8], False, "", "lose updates: .* end at 107 and 93, expected 104 and 96"),
        ([107, 93], [0, 0], False, "One of its own.", "One of its own. Use account.lock"),
        ([104, 96], [8, 7], False, "", "lock of account 1 was taken 8 times and that of account 2 7 times"),
        ([104, 96], [0, 0], False, "One of its own.", "taken 0 times .* One of its own"),
        ([104, 96], [8, 8], True, "", "Hold both locks"),
    ):
        with pytest.raises(Wrong, match=words):
            judge_transfers((balances, taken, alone, None, own_lock))
