"""Figures of the chapter about workers, from hand-written stamps; the answers were worked out on paper."""

import pytest
from handmade import make_run, make_sweep, rounds

from helpers.course.workers.beside_plot import plot_beside, points_of, say_where
from helpers.course.workers.ceiling import Readings, busy_cpus, choose_workers
from helpers.course.workers.chunks import ChunkCurve, read_rows, say_curve
from helpers.course.workers.losses import CAUSES, LOSSES, Losses, find_losses, leave_out, say_cause, share_out
from helpers.course.workers.plots import describe_losses, plot_chunks, plot_losses
from helpers.course.workers.tasks import make_growing, make_one_long
from helpers.course.workers.winners import Cell, TaskPoint, WinnerMap, next_cell
from helpers.course.workers.winners_plot import describe_winners, place_of, plot_winners
from helpers.errors import InvalidArgumentError, NotEnoughPointsError
from helpers.records import Accounting, Sweep, recorded

#: 2 workers, start-up 1 s, wall 9 s: 2 × 10 = 20 worker-seconds, of which 14 inside the function
PARTS = {"working": 14.0, "transfer": 1.0, "waiting": 1.0, "idle_tail": 2.0, "startup": 2.0}


def run_of(parts=PARTS, cpu=12.0, number=1, engine="processes", n_workers=2, **facts):
    wall = sum(parts.values()) / n_workers - 1
    return make_run(engine, n_workers, number, wall, startup=1.0, cpu=cpu, accounting=Accounting(**parts), **facts)


def loop_of(working=10.0, cpu=10.0, number=1):
    return make_run("serial", 1, number, working, cpu=cpu, accounting=Accounting(working=working))


def sweep_of(*runs):
    return Sweep("work", 4, runs, {"usable_cpus": 2})


# --- losses -----------------------------------------------------------------------------------


def test_the_time_inside_the_function_is_useful_slower_or_held_up():
    # the loop needs 10 s, all CPU.  Side by side 14 s: 12 s CPU, 2 more than alone: slower; the other 2 without a CPU
    shares, gained = share_out(PARTS, 10.0, 12.0, 10.0)
    wanted = {"useful": 10, "slower": 2, "held_up": 2, "transfer": 1, "waiting": 1, "idle_tail": 2, "startup": 2}
    assert shares == pytest.approx({name: seconds / 20 for name, seconds in wanted.items()})
    assert sum(shares.values()) == pytest.approx(1) and list(shares) == ["useful", *LOSSES] and gained == 0


def test_cpu_seconds_never_make_more_slower_than_the_tasks_took_longer():
    # 14 − 10 = 4 s longer; 30 − 10 = 20 s more CPU (threads of a library): all 4 are slower, none held up
    shares, _ = share_out(PARTS, 10.0, 30.0, 10.0)
    assert (shares["slower"], shares["held_up"]) == pytest.approx((4 / 20, 0))
    # less CPU than in the loop: nothing is slower
    shares, _ = share_out(PARTS, 10.0, 9.0, 10.0)
    assert (shares["slower"], shares["held_up"]) == pytest.approx((0, 4 / 20))


def test_tasks_that_took_less_than_in_the_loop_have_no_negative_loss():
    # 16.8 s in the loop, 14 side by side: a fifth gained; useful 14 of 20, efficiency 16.8 of 20
    shares, gained = share_out(PARTS, 16.8, 14.0, 16.8)
    assert gained == pytest.approx(0.2) and min(shares.values()) == 0 and sum(shares.values()) == pytest.approx(1)
    assert Losses("processes", 2, shares, 1, gained).efficiency == pytest.approx(16.8 / 20)


def test_losses_of_a_pair_are_sums_over_rounds_with_a_loop():
    # round 1 as above; round 2 all 16 s working, of which 10 useful, 6 held up; round 3 has no loop: not counted
    even = {"working": 16.0, "transfer": 0.0, "waiting": 0.0, "idle_tail": 0.0, "startup": 2.0}
    runs = run_of(), run_of(even, 10.0, 2), run_of(PARTS, 14.0, 3), loop_of(), loop_of(number=2)
    losses = find_losses(sweep_of(*runs), "processes", 2)
    # together 38: useful 20, slower 22 − 20 = 2, held up 30 − 20 − 2 = 8, transfer 1, waiting 1, tail 2, start-up 4
    assert losses.rounds == 2 and losses.largest == "held_up"
    assert losses.shares["useful"] == pytest.approx(20 / 38) and losses.shares["held_up"] == pytest.approx(8 / 38)
    assert losses.efficiency == pytest.approx(20 / 38) and losses.lost == pytest.approx(18 / 38)


def test_a_pair_without_a_round_of_the_loop_is_refused():
    with pytest.raises(NotEnoughPointsError, match="2 processes: no round with the serial loop"):
        find_losses(sweep_of(run_of(), loop_of(number=2)), "processes", 2)


def test_one_way_to_lose_is_left_out_and_the_others_add_up_again():
    shares, _ = share_out(PARTS, 10.0, 12.0, 10.0)
    left = leave_out(Losses("processes", 2, shares, 1), "startup")
    # 20 − 2 = 18: useful 10 of 18
    assert left.shares["startup"] == 0 and left.shares["useful"] == pytest.approx(10 / 18)
    assert sum(left.shares.values()) == pytest.approx(1)


def losses_with(doubts=(), **shares):
    shares = {**dict.fromkeys(["useful", *LOSSES], 0.0), **shares}
    return Losses("processes", 2, shares, 3, doubts=doubts)


def test_a_sentence_names_the_largest_loss_first_and_doubts_before_all():
    said = losses_with(("wide interval",), useful=0.5, waiting=0.1, idle_tail=0.39, slower=0.01).explain()
    assert said.startswith("In doubt: wide interval. Of the time of 2 processes, 50 % is work")
    assert said.index("39 % by done") < said.index("10 % by ready") and "1 %" not in said
    assert "Hardly anything is lost" in losses_with(useful=0.97, waiting=0.03).explain()


def test_a_cause_that_cannot_be_seen_here_is_told_so():
    assert "slower CPUs cannot be seen on this machine" in say_cause("copies memory", losses_with(useful=0.98))
    seen = say_cause("tiny tasks", losses_with(useful=0.4, waiting=0.5, transfer=0.1))
    assert seen == "Tiny tasks, 2 workers: 60 % goes by waiting and transfer."
    assert say_cause("even, computing", losses_with(useful=0.9)).endswith("90 % of the workers' time is useful.")


def test_every_cause_expects_losses_that_there_are():
    for cause in CAUSES.values():
        assert set(cause.expected) <= set(LOSSES) and len(cause.make_items(2)) >= 4


def test_the_picture_of_losses_adds_up_and_tells_doubts():
    thirds = losses_with(("wide interval",), useful=1 / 3, waiting=1 / 3, idle_tail=1 / 3)
    ax = plot_losses({"mine": thirds, "even": losses_with(useful=1.0)})
    widths = [[patch.get_width() for patch in ax.patches if round(patch.get_y() + 0.36) == row] for row in (0, 1)]
    assert [sum(row) for row in widths] == [100, 100] and sorted(widths[0])[-3:] == [33, 33, 34]
    texts = [text.get_text() for text in ax.texts]
    assert any("wide interval" in text for text in texts) and "useful 100 %" in texts
    assert describe_losses({"mine": thirds}) == "mine: 34 % useful, most lost by waiting."
    assert plot_losses({}).texts and "nothing measured" in describe_losses({})


def test_the_picture_of_a_sweep_has_its_parallel_pairs():
    ax = plot_losses(sweep_of(run_of(), loop_of()))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["2 processes"]


# --- chunks -----------------------------------------------------------------------------------


def row(size, wall, working=6.0, handing=1.0, tail=1.0, badges=()):
    return size, wall, Accounting(0.0, handing / 2, handing / 2, working, tail), badges


#: Three rounds of sizes 1 and 8, and the beginning of a fourth. Medians: 5 s and 4 s
ROWS = [row(1, 5.0, handing=4.0, tail=0.0), row(8, 3.0), row(8, 4.0), row(1, 9.0), row(1, 4.9), row(8, 8.0, tail=9.0)]


def test_a_curve_is_read_off_its_rows_and_drops_a_round_that_is_not_whole():
    curve = read_rows([*ROWS, row(1, 0.1)], 20, 2, "spawn", (1, 8), 4)
    assert (curve.rounds, curve.complete, curve.wall(1), curve.wall(8), curve.best) == (3, False, 5.0, 4.0, 8)
    assert curve.as_good == (8,) and read_rows(ROWS, 20, 2, "spawn", (1, 8), 3).complete
    # the account is that of the median round: 6 + 4 + 0 = 2 × 5, 6 + 1 + 1 = 2 × 4
    assert curve.account(1) == (6.0, 4.0, 0.0) and curve.account(8) == (6.0, 1.0, 1.0)


def test_sizes_within_5_per_cent_of_the_best_are_as_good():
    rows = [row(1, 1.06), row(2, 1.04), row(4, 1.0)]
    assert read_rows(rows, 20, 2, "spawn", (1, 2, 4), 1).as_good == (2, 4)


def test_the_automatic_size_is_that_of_pool_map():
    # 20 items, 4 chunks for each of 2 workers: 2.5, so 3
    assert read_rows(ROWS, 20, 2, "spawn", (1, 8), 3).automatic == 3


def test_what_chunks_cost_is_said_doubts_first():
    said = read_rows(ROWS, 20, 2, "spawn", (1, 8), 3).explain()
    assert (
        said.startswith("In doubt: rounds differ by more than 10 %")
        and "With chunks of 1, handing over takes 4 s" in said
    )
    sure = read_rows([row(1, 1.0), row(8, 4.0)], 20, 2, "spawn", (1, 8), 1).explain()
    assert sure == "Within 5 % of the best: chunks of 1. With chunks of 8, the idle tail is 1 s, all workers together."
    empty = ChunkCurve(20, 2, "spawn", (1, 8), {1: (), 8: ()}, {1: (), 8: ()}, False)
    assert empty.explain() == "Stopped: nothing measured." and empty.best is None and empty.as_good == ()
    assert "nothing measured" in say_curve(empty) and plot_chunks(empty).texts


def test_the_picture_of_chunks_is_as_high_as_the_time_and_names_no_best_in_doubt():
    ax = plot_chunks(read_rows([row(1, 5.0, handing=4.0, tail=0.0), row(8, 4.0)], 20, 2, "spawn", (1, 8), 1))
    bars = [sum(p.get_height() for p in ax.patches if round(p.get_x() + 0.35) == place) for place in (0, 1)]
    assert bars == pytest.approx([5.0, 4.0])
    texts = [text.get_text() for text in ax.texts]
    assert "▲ 4 s" in texts and "5 s" in texts and "Chunks of 8 are the fastest here" in texts
    doubtful = [text.get_text() for text in plot_chunks(read_rows(ROWS, 20, 2, "spawn", (1, 8), 3)).texts]
    assert "Time by chunk size" in doubtful and not any("fastest" in text for text in doubtful)
    assert say_curve(read_rows(ROWS, 20, 2, "spawn", (1, 8), 3)) == "Time of 20 items by chunk size: 1: 5 s, 8: 4 s."


# --- the ceiling ------------------------------------------------------------------------------

GIB = 2**30


def choice_of(usable=8, busy=0.0, logical=8, free=8 * GIB, each=0, **facts):
    return choose_workers(Readings(usable, busy, logical, free), each, **facts)


def test_memory_is_the_ceiling_where_workers_are_large():
    # 8 GiB free, a fifth kept back: 6.4 GiB; over 2 GiB a worker: 3.2, so 3
    choice = choice_of(each=2 * GIB)
    assert (choice.n_workers, choice.ceilings, choice.decided_by) == (3, {"CPUs": 8, "memory": 3}, "memory")
    assert "8.0 GiB free, 2.0 GiB a worker: 3 workers with a reserve" in choice.reason
    assert choice_of(each=2 * GIB, reserve=0).n_workers == 4


def test_where_not_one_worker_fits_it_is_said():
    choice = choice_of(each=7 * GIB)
    assert (choice.n_workers, choice.ceilings["memory"]) == (1, 0) and "Not even one fits" in choice.reason


def test_the_load_of_others_counts_where_it_takes_our_cpus():
    # 8 CPUs, 3 busy: 5 are left.  2 of 8 usable, 3 busy: the other 5 may carry no more than our 2
    assert choice_of(busy=3.0).n_workers == 5
    assert choice_of(usable=2, busy=3.0).n_workers == 2
    assert choice_of(usable=2, busy=2.0, logical=2).n_workers == 1


def test_waiting_tasks_take_more_workers_than_cpus():
    # computing a quarter of the time, 4 workers a CPU: 2 × 4
    assert choice_of(usable=2, waiting=0.75).n_workers == 8
    assert choice_of(usable=2, waiting=0.75, most=5).n_workers == 5
    assert choice_of(usable=2, waiting=0.75, most=5).decided_by == "tasks"


@pytest.mark.parametrize("odd", [{"each": -1}, {"waiting": 1}, {"reserve": 1.5}, {"most": 0}, {"each": "x"}], ids=str)
def test_odd_settings_are_refused(odd):
    with pytest.raises(InvalidArgumentError):
        choice_of(**odd)


def test_what_is_ours_is_no_load_of_others():
    # in 2 s the machine worked 5 s, we 3: 1 CPU of others.  Clocks that disagree: none
    assert busy_cpus((10.0, 1.0), (15.0, 4.0), 2.0) == 1.0 and busy_cpus((10.0, 1.0), (11.0, 4.0), 2.0) == 0.0


def test_items_are_as_they_are_said_to_be():
    assert make_one_long(4, 10, 8) == [10, 10, 10, 80] and make_growing(3, 90) == [30, 60, 90]


# --- the map of winners -----------------------------------------------------------------------


def cell(serial=8.0, threads=8.5, processes=4.0, shared=6.0, badges=()):
    walls = {"serial": serial, "threads": threads, "processes": processes, "shared memory": shared}
    return Cell({way: (wall,) * 3 for way, wall in walls.items()}, badges)


def map_of(cells, tasks_ms=(1.0, 10.0), payloads=(100, 10_000)):
    return WinnerMap(tasks_ms, payloads, 8, 2, "spawn", "computing", cells)


def test_the_winner_of_a_cell_is_the_shortest_median_and_ties_are_within_10_per_cent():
    # medians of processes 4, of shared memory 4.4 = 1.1 × 4: a tie; 4.5 is none.  8 / 4 = 2
    assert (cell().winner, cell().as_good, cell().gain) == ("processes", ("processes",), 2.0)
    assert cell(shared=4.4).as_good == ("processes", "shared memory") and cell(shared=4.5).as_good == ("processes",)
    walls = {"serial": (1.0, 9.0, 2.0), "threads": (3.0, 3.0, 3.0)}
    assert Cell(walls).winner == "serial"


def test_a_cell_is_in_doubt_by_its_badges_and_by_rounds_of_the_best_that_differ():
    assert cell().doubts == () and cell(badges=("slowed by the CPU quota",)).doubts == ("slowed by the CPU quota",)
    walls = {"serial": (9.0, 5.0, 9.0), "threads": (1.0, 1.0, 1.0)}
    assert Cell(walls).doubts == ()  # the loop's rounds differ, and it is far behind
    assert "rounds differ by more than 10 %" in Cell({**walls, "threads": (1.0, 2.0, 1.0)}).doubts


def test_the_corners_come_first_and_then_the_border():
    winners, order = {}, []
    while (place := next_cell(winners, 5, 5)) is not None:
        order.append(place)
        winners[place] = "serial" if place[0] < 2 else "processes"  # the border lies between rows 1 and 2
    assert set(order[:4]) == {(0, 0), (4, 4), (0, 4), (4, 0)} and len(order) == len(set(order)) == 25
    # of a column of 5 whose ends disagree the middle comes first: 2 steps from both
    assert order[4] in {(2, 0), (2, 4)}
    # after the first 9, the two columns at the sides are known on both sides of the border
    assert {(1, 0), (2, 0), (1, 4), (2, 4)} <= set(order[:9])


def test_one_row_or_one_cell_is_a_map_too():
    assert next_cell({}, 1, 1) == (0, 0) and next_cell({(0, 0): "serial"}, 1, 1) is None
    assert next_cell({(0, 0): "a", (0, 2): "a"}, 1, 3) == (0, 1)


def test_the_map_says_who_wins_where_doubts_first():
    cells = {(0, 0): cell(processes=20, shared=20, threads=20), (1, 0): cell(), (1, 1): cell(shared=4.2)}
    record = map_of(cells)
    assert not record.complete
    assert record.explain() == "Of 3 measured, a clear winner: serial in 1 and processes in 1. Ties: 1."
    noted = map_of({(0, 0): cell(badges=("wide interval",))}).explain()
    assert noted.startswith("In doubt: wide interval. Of 1 measured")
    assert map_of({}).explain() == "Stopped: nothing measured."
    assert describe_winners(record).startswith("Map of which way wins. Of 3 measured")


def test_the_picture_names_winners_hatches_ties_and_marks_doubts():
    cells = {(0, 0): cell(), (1, 0): cell(shared=4.2), (1, 1): cell(badges=("wide interval",))}
    ax = plot_winners(map_of(cells), TaskPoint("mine", 0.005, 1000))
    hatches = {(round(p.get_x() + 0.48), round(p.get_y() + 0.46)): bool(p.get_hatch()) for p in ax.patches}
    assert hatches == {(0, 0): False, (0, 1): True, (1, 1): False}
    words = [text.get_text() for text in ax.texts if text.get_gid() == "winner"]
    assert words == ["processes\n2.0 ×", "processes = shared memory\n2.0 ×", "processes\n2.0 × ?"]
    (point,) = [line for line in ax.lines if line.get_gid() == "point"]
    # 1000 B is half way from 100 to 10,000; 5 ms is log 5 / log 10 of the way from 1 to 10
    assert (point.get_xdata()[0], point.get_ydata()[0]) == pytest.approx((0.5, 0.69897), abs=1e-4)
    assert any("wide interval" in text.get_text() for text in ax.texts)
    assert plot_winners(map_of({})).texts


def test_a_task_outside_of_the_map_stands_at_its_border():
    assert place_of(5.0, (5.0,)) == 0.0 and place_of(6.0, (5.0,)) == 0.5 and place_of(1.0, (5.0,)) == -0.5
    assert str(TaskPoint("mine", 0.005, 1000)) == "mine: 5 ms a task, 1 kB of arguments"


# --- beside another machine -------------------------------------------------------------------

#: Here 4 / 4 and 4 / 2.5 = 1.6 times; there 8 / 8, 8 / 4 = 2 and 8 / 2 = 4 times
HERE = make_sweep(
    {("serial", 1): rounds(4, 4, 4), ("processes", 1): rounds(4, 4, 4), ("processes", 2): rounds(2.5, 2.5, 2.5)}, 2
)
THERE = make_sweep(
    {("serial", 1): rounds(8, 8, 8), **{("processes", n): rounds(8 / n, 8 / n, 8 / n) for n in (1, 2, 4)}}, 16
)


def test_the_curve_here_stands_beside_that_of_a_named_machine():
    there = Sweep("work", 4, THERE.runs, {"usable_cpus": 16, "cpu_model": "Some CPU", "system": "Linux"})
    ax = plot_beside(HERE, there)
    lines = {line.get_gid(): line for line in ax.lines}
    assert list(lines["here"].get_ydata()) == pytest.approx([1, 1.6]) and lines["here"].get_linestyle() == "-"
    assert list(lines["other machine"].get_ydata()) == pytest.approx([1, 2, 4])
    assert lines["other machine"].get_linestyle() == "--" and list(lines["other machine"].get_xdata()) == [1, 2, 4]
    texts = "\n".join(text.get_text() for text in ax.texts)
    assert "other machine: work, Some CPU, 16 usable CPUs, Linux" in texts
    assert "here: work, 2 usable CPUs" in texts
    assert say_where(Sweep("work", 4, THERE.runs, {})) == "CPUs not known"


def test_a_curve_that_is_not_there_is_told():
    with pytest.raises(NotEnoughPointsError, match="here: no measured speedup of threads"):
        plot_beside(HERE, THERE, "threads")
    assert points_of(HERE, "threads") == []
    assert plot_beside(HERE, recorded("count_primes")).texts
