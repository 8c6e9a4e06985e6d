"""Sweeps with a budget: which pair is measured next, when it is clear, and how often that errs. Walls by hand."""

import math
import random

import pytest
from handmade import make_run, make_sweep, rounds

from helpers.errors import InvalidArgumentError
from helpers.measure import notes as notes_module
from helpers.measure import sweep
from helpers.measure.badges import BUSY
from helpers.measure.notes import RaceNotes, find_barred
from helpers.measure.playing import Passes
from helpers.measure.race import CLEAR, SERIAL, SPENT, Race, is_look
from helpers.measure.sweeps import check_rounds, pass_seconds
from helpers.records import Accounting, Sweep
from helpers.records.intervals import median_interval
from helpers.tasks import wait

A, B, C = ("threads", 2), ("processes", 2), ("pool", 2)


def pairs_of(visits):
    return sorted((engine, n) for _, engine, n in visits)


def play(race, walls, elapsed=0.0, cost=0.1, most=100):
    """Play a race whose pairs take `walls`, a number or {round: seconds}; return the pairs of each round."""
    seen = []
    while (visits := race.next_round(elapsed)) and len(seen) < most:
        seen.append(pairs_of(visits))
        for number, *pair in visits:
            wall = walls[tuple(pair)]
            race.take(tuple(pair), number, wall[number] if isinstance(wall, dict) else wall, cost)
            elapsed += cost
    return seen


# ── which pair next ─────────────────────────────────────────────────────────────────────────────


def test_the_warm_up_has_every_pair_and_the_serial_loop_first():
    race = Race([A, B, C], 5.0, seed=1)
    assert race.next_round(0.0) == [(0, *SERIAL)]
    race.take(SERIAL, 0, 1.0, 0.1)
    visits = race.next_round(0.1)
    assert pairs_of(visits) == sorted([A, B, C]) and {number for number, *_ in visits} == {0}


def test_where_the_loop_is_long_the_warm_up_leaves_out_who_is_never_advised():
    # the loop and three pairs of 1 s each are more than half of 5 s, and less than half of 9
    for budget, expected in ((5.0, [A, B]), (9.0, [A, B, C])):
        race = Race([A, B, C], budget, seed=1)
        race.next_round(0.0)
        race.take(SERIAL, 0, 1.0, 1.0)
        race.bar({C})
        assert pairs_of(race.next_round(1.0)) == sorted(expected)
    race = Race([A], 1.0, seed=1)  # nobody may be advised: then they are measured all the same
    race.next_round(0.0)
    race.take(SERIAL, 0, 1.0, 1.0)
    race.bar({A})
    assert pairs_of(race.next_round(1.0)) == [A]


def test_a_clear_winner_ends_the_race_after_five_rounds():
    # A at half the loop's wall, B as slow as the loop: B is 2 times A's wall, over 1.5 in the warm-up and each round
    race = Race([A, B], 60.0, seed=1)
    seen = play(race, {SERIAL: 1.0, A: 0.5, B: 1.0})
    assert race.verdict == CLEAR and race.leader() == A and len(seen) == 2 + 5
    assert seen[-1] == sorted([SERIAL, A])  # only they are measured in the end, and the loop in every round
    assert all(SERIAL in pairs for pairs in seen[2:])


def test_pairs_that_cannot_be_told_apart_are_measured_again():
    # A and B take turns at 0.5 and 0.56 s: within the 1 % that decides they may be 5 % apart for a long time; C is out
    turns = {n: 0.5 if n % 2 else 0.56 for n in range(1000)}
    other = {n: 0.56 if n % 2 else 0.5 for n in range(1000)}
    race = Race([A, B, C], 4.0, seed=1)
    seen = play(race, {SERIAL: 1.0, A: turns, B: other, C: 1.0})
    assert race.verdict == SPENT and seen[-1] == sorted([SERIAL, A, B])
    # 4 visits of 0.1 s in the warm-up; what follows fits into the rest
    assert sum(map(len, seen)) * 0.1 <= 4.0 + 1e-9 and len(seen) > 9


def test_equals_are_clear_as_soon_as_they_are_surely_within_five_per_cent():
    race = Race([A, B], 60.0, seed=1)
    play(race, {SERIAL: 1.0, A: 0.5, B: 0.51})  # 2 % apart in every round
    assert race.verdict == CLEAR and len(race.counted(B)) >= 5


def test_whoever_may_be_advised_has_three_rounds_whatever_they_cost():
    # one round of serial, A and B costs 3 s, and the budget is 1 s
    race = Race([A, B], 1.0, seed=1)
    seen = play(race, {SERIAL: 1.0, A: 0.5, B: 0.6}, cost=1.0)
    assert race.verdict == SPENT and len(race.counted(A)) == len(race.counted(SERIAL)) == 3
    assert seen == [[SERIAL], sorted([A, B])] + [sorted([SERIAL, A])] * 3


def test_who_took_the_lead_late_gets_three_rounds_too():
    # A leads by the warm-up, then is slow: B, which was not measured for want of time, leads from then on
    late = {0: 0.4, **dict.fromkeys(range(1, 99), 3.0)}
    race = Race([A, B], 1.0, seed=1)
    play(race, {SERIAL: 1.0, A: late, B: 0.5}, cost=1.0)
    assert race.leader() == B and len(race.counted(B)) >= 3


def test_where_time_is_short_the_most_promising_go_on():
    # 9 pairs, 0.1 s each: the warm-up takes 1 s of 2; what is left is no full round each time
    pairs = [("pool", n) for n in range(2, 11)]
    walls = {SERIAL: 1.0, **{("pool", n): 0.1 * n for n in range(2, 11)}}
    race = Race(pairs, 2.2, seed=1)
    seen = play(race, walls)
    assert all(("pool", 2) in pairs for pairs in seen[1:]) and ("pool", 10) not in seen[3]


def test_barred_pairs_decide_nothing():
    race = Race([A, B], 60.0, seed=1)
    race.bar({A})
    seen = play(race, {SERIAL: 1.0, A: 0.1, B: 0.5})
    assert race.leader() == B and race.verdict == CLEAR and A not in seen[-1] and len(race.counted(A)) == 3


def test_a_race_that_may_grow_doubles_as_long_as_that_gains():
    # two threads take half of the loop, four a quarter, eight as much as four: sixteen are not tried
    walls = {SERIAL: 1.0, A: 0.5, B: 0.6, ("threads", 4): 0.25, ("threads", 8): 0.25}
    race = Race([A, B], 60.0, seed=1)
    race.grow({"threads": 64})
    seen = play(race, walls)
    assert seen[:4] == [[SERIAL], sorted([A, B]), [("threads", 4)], [("threads", 8)]]
    assert race.verdict == CLEAR and race.leader() in (("threads", 4), ("threads", 8))
    # nor beyond the most, nor by itself
    race = Race([A, B], 60.0, seed=1)
    race.grow({"threads": 4})
    assert ("threads", 4) in play(race, walls)[2] and ("threads", 8) not in race.pairs
    race = Race([A, B], 60.0, seed=1)
    play(race, walls)
    assert race.pairs == [A, B]


def test_a_larger_pair_that_fails_is_not_tried_again():
    race = Race([A], 60.0, seed=1)
    race.grow({"threads": 64})
    for _ in range(2):
        for number, *pair in race.next_round(0.0):
            race.take(tuple(pair), number, 1.0 if tuple(pair) == SERIAL else 0.5, 0.1)
    assert race.next_round(0.0) == [(0, "threads", 4)]
    race.give_up(("threads", 4))
    assert {number for number, *_ in race.next_round(0.0)} == {1}


def test_only_work_that_waits_makes_a_sweep_grow(clock):
    for cpu, expected in ((0.1, True), (0.9, False)):
        notes = race_notes([A], 60.0)
        notes.grow = ("threads",)
        notes.begin([])
        notes.take(make_run(*SERIAL, 0, 1.0, cpu=cpu, accounting=Accounting(working=1.0)))
        notes.take(make_run(*A, 0, 0.5))
        assert (notes.to_come == [(0, "threads", 4)]) == expected


def test_a_pair_with_a_problem_leaves_the_race():
    race = Race([A, B], 60.0, seed=1)
    race.next_round(0.0)
    race.take(SERIAL, 0, 1.0, 0.1)
    race.next_round(0.1)
    race.take(B, 0, 0.9, 0.1)
    race.give_up(A)
    assert pairs_of(race.next_round(0.3)) == sorted([SERIAL, B])


def test_the_loop_may_win():
    race = Race([A], 60.0, seed=1)
    play(race, {SERIAL: 1.0, A: 1.2})
    assert race.leader() == SERIAL and race.verdict == CLEAR


def test_there_are_few_looks():
    assert [n for n in range(30) if is_look(n)] == [3, 5, 7, 10, 14, 20, 28]


def test_standing_needs_three_rounds_unless_it_is_hopeless():
    race = Race([A, B], 60.0)
    for number, (a, b) in enumerate([(0.5, 0.8), (0.5, 0.76)]):
        race.take(SERIAL, number, 1.0, 0.1)
        race.take(A, number, a, 0.1)
        race.take(B, number, b, 0.1)
    assert race.standing(B, A) == "worse"  # 1.6 and 1.52 times
    race.take(B, 1, 0.74, 0.1)  # 1.48 times
    assert race.standing(B, A) == "open"
    race.take(B, 0, 0.5, 0.1)
    for number in (1, 2, 3):
        race.take(A, number, 0.5, 0.1)
        race.take(B, number, 0.53, 0.1)
    assert race.standing(B, A) == "worse"  # 1.06 in every round: beyond 1 / 0.95 = 1.0526
    for number in (1, 2, 3):
        race.take(B, number, 0.52, 0.1)
    assert race.standing(B, A) == "equal"  # 1.04


def test_who_is_barred_by_the_cpus():
    computing = [make_run("serial", 1, 0, 1.0, cpu=0.9, accounting=Accounting(working=1.0))]
    waiting = [make_run("serial", 1, 0, 1.0, cpu=0.3, accounting=Accounting(working=1.0))]
    pairs = [("pool", n) for n in (1, 2, 3, 6, 8)]
    assert find_barred(computing, pairs, 2) == {("pool", 1), ("pool", 3), ("pool", 6), ("pool", 8)}
    # 0.3 CPUs a worker: six want 1.8 of two, eight 2.4
    assert find_barred(waiting, pairs, 2) == {("pool", 1), ("pool", 8)}
    assert find_barred(waiting, pairs, None) == {("pool", 1)}


# ── the sweep's side ────────────────────────────────────────────────────────────────────────────


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(notes_module, "clock", made)
    return made


def race_notes(pairs, budget, **environment):
    facts = {"usable_cpus": 8, "logical_cpus": 8, **environment}
    return RaceNotes("work", [1, 2, 3, 4], facts, Race(pairs, budget, seed=1), None, None)


def play_notes(notes, clock, walls, badges=lambda pair, told: ()):
    """Have each visit take its wall by the clock; return the visits as they were played, by who was handed them."""
    notes.begin([])
    told, queue = [], list(notes.to_come)
    while queue:
        number, *pair = queue.pop(0)
        told.append((number, *pair))
        clock.now += walls[tuple(pair)]
        notes.take(make_run(*pair, number, walls[tuple(pair)], badges=badges(tuple(pair), told)))
        queue += notes.plan_on()
    return told


def test_a_sweep_with_a_budget_says_how_it_ended(clock):
    notes = race_notes([A, B], 60.0)
    told = play_notes(notes, clock, {SERIAL: 1.0, A: 0.5, B: 2.0})
    record = notes.sweep()
    assert record.complete and record.ending == CLEAR and record.repeated == 0
    assert len(record.runs) == len(told) and len(record.runs_of(*A)) == 5
    assert Sweep.from_dict(record.to_dict()) == record
    older = {name: value for name, value in record.to_dict().items() if name not in ("ending", "repeated")}
    assert Sweep.from_dict(older).ending == "" and Sweep.from_dict(older).repeated == 0


def test_the_budget_counts_from_the_first_run_on(clock):
    clock.now = 100.0  # seconds before the first run: importing, packing
    notes = race_notes([A], 60.0)
    assert notes.elapsed() == 0.0 and notes.progress().seconds_left is None
    notes.begin([])
    clock.now += 3.0
    notes.take(make_run(*SERIAL, 0, 1.0, startup=0.5))
    assert notes.elapsed() == 1.5  # the run itself, its start included
    assert notes.progress().seconds_left == pytest.approx(58.5) and notes.progress().share == pytest.approx(1.5 / 60)


def test_a_disturbed_run_is_measured_again_within_its_round(clock):
    # A's first counted run is disturbed
    seen = []

    def badges(pair, told):
        disturbed = pair == A and told[-1][0] == 1 and not seen
        seen.extend([1] * disturbed)
        return (BUSY,) * disturbed

    notes = race_notes([A], 60.0)
    told = play_notes(notes, clock, {SERIAL: 1.0, A: 0.5}, badges)
    record = notes.sweep()
    assert told.count((1, *A)) == 2 and record.repeated == 1 and len(record.runs) == len(told) - 1
    assert not any(run.badges for run in record.runs)


def test_where_others_never_stop_their_runs_count_and_are_in_doubt(clock):
    notes = race_notes([A], 1000.0)
    play_notes(notes, clock, {SERIAL: 1.0, A: 0.5}, lambda pair, told: (BUSY,))
    record = notes.sweep()
    assert record.repeated == 3 and BUSY in record.badges(*A) and len(record.runs_of(*A)) >= 5


def test_late_in_the_budget_nothing_is_thrown_away(clock):
    notes = race_notes([A], 2.0)  # the warm-up takes 1.5 s, more than half
    play_notes(notes, clock, {SERIAL: 1.0, A: 0.5}, lambda pair, told: (BUSY,) if told[-1][0] else ())
    assert notes.sweep().repeated == 0


def test_repeats_and_budget_exclude_each_other():
    assert check_rounds(None, None) == (5, None) and check_rounds(3, None) == (3, None)
    assert check_rounds(None, 2) == (None, 2.0)
    with pytest.raises(InvalidArgumentError, match="not both"):
        check_rounds(5, 5.0)
    for wrong in (0, -1, math.nan, math.inf, "5"):
        with pytest.raises(InvalidArgumentError, match="budget"):
            check_rounds(None, wrong)


def test_a_sweep_with_a_budget_measures_and_ends():
    seen = []
    record = sweep(wait.wait_ms, [2] * 4, engines="threads", n_workers=2, budget=0.6, on_progress=seen.append)
    assert record.complete and record.ending in (CLEAR, SPENT) and len(record.runs_of("threads", 2)) >= 3
    assert len(record.runs_of("serial", 1)) == len(record.runs_of("threads", 2))
    assert seen[-1].share == 1.0 and seen[-1].done == seen[-1].total == len(record.runs) + record.repeated * 0
    assert all(run.passes % 2 for run in record.runs)


# ── passes ──────────────────────────────────────────────────────────────────────────────────────


def passes_made(walls, seconds, count=None):
    """Return how many passes are made where they take `walls`, one after the other."""
    made, spent = Passes(None, None, seconds, count), 0.0
    for wall in walls:
        made.walls.append(wall)
        spent += wall
        if made.enough(spent):
            break
    return len(made.walls)


def test_as_many_passes_as_fit_and_an_odd_number():
    # of 80 ms three fit into 250; of 60 ms four, so three; of 49 ms five; of 130 ms one, of 400 ms none but the first
    assert [passes_made([wall] * 99, 0.25) for wall in (0.08, 0.06, 0.049, 0.13, 0.4)] == [3, 3, 5, 1, 1]
    assert passes_made([0.01] * 99, 0.0) == 1  # as ever where nothing is to be filled


def test_later_runs_make_as_many_unless_they_take_longer():
    assert passes_made([0.05] * 99, 0.25, count=3) == 3
    assert passes_made([0.2] * 99, 0.25, count=9) == 3  # an odd number, and none begins after 0.25 s


def test_passes_fit_the_budget():
    # 4 pairs and the loop, a warm-up and 5 rounds: 30 runs in 3 s are 0.1 s each
    assert pass_seconds(4, 3.0) == pytest.approx(0.1) and pass_seconds(4) == 0.25 and pass_seconds(4, 3600) == 0.25


def test_a_wall_is_of_one_pass_and_so_are_accounts_and_timeline():
    record = sweep(wait.wait_ms, [3] * 4, engines="processes", n_workers=2, repeats=3, timeout=30)
    run = record.last_run("processes", 2)
    assert run.passes > 3 and run.passes % 2 and len(run.timeline) == 4
    assert run.wall < 0.1 and run.accounting.total == pytest.approx(2 * run.shown_wall, rel=1e-6)
    assert max(run.timeline.finished) <= run.shown_wall and run.cold_wall == run.startup + run.first_wall


def test_cold_is_of_the_first_pass():
    # start-up 1 s, first pass 3 s, the median of the passes 2 s: cold 4 s of the loop's 8
    sweep = make_sweep({("serial", 1): rounds(8.0, 8.0, 8.0)})
    runs = [make_run("pool", 2, k, 2.0, startup=1.0, passes=3, first_wall=3.0) for k in (1, 2, 3)]
    both = Sweep("work", 4, (*sweep.runs, *runs), {"usable_cpus": 8})
    assert both.speedup("pool", 2, cold=True).median == 2.0 and both.speedup("pool", 2).median == 4.0
    assert (runs[0].shown_wall, runs[0].all_walls) == (3.0, 7.0)


# ── intervals, and how often all this errs ──────────────────────────────────────────────────────


def test_the_interval_lies_between_the_ordered_values():
    # 9 values: between the second from below and above with 96.1 %, the third 82.0 %: a tenth on the way, as
    # Hettmansperger and Sheather have it: I = (0.9609 - 0.95) / (0.9609 - 0.8203) = 0.0778,
    # share = 7 × 0.0778 / (2 + 5 × 0.0778) = 0.228
    low, high = median_interval([float(n) for n in range(1, 10)])
    assert low == pytest.approx(2.228, abs=0.001) and high == pytest.approx(7.772, abs=0.001)


def test_few_values_have_students_interval():
    # logarithms 0, ln 2, ln 4: mean ln 2, deviation ln 2; t of two degrees is 4.303: 2 × 2^(±4.303 / √3)
    low, high = median_interval([1.0, 2.0, 4.0])
    assert low == pytest.approx(2 * 2 ** (-4.303 / 3**0.5), rel=1e-3) and high == pytest.approx(4 / low, rel=1e-6)
    assert median_interval([0.0, 1.0, 2.0]) == (0.0, 2.0)  # no logarithm


NOISES = {
    "log-normal": lambda draw, s: math.exp(s * draw.gauss(0, 1)),
    "heavy tails": lambda draw, s: math.exp(s * draw.gauss(0, 1) / math.sqrt(draw.gammavariate(1.5, 2) / 3)),
    "spikes": lambda draw, s: math.exp(s * draw.gauss(0, 1)) * (1 + (draw.random() < 0.1) * draw.expovariate(2)),
}


def test_intervals_hold_the_truth_whenever_a_race_ends():
    """The interval of 95 % has the truth in 93 % at least, of every pair with five rounds; ties, near ties, winners."""
    draw, held, told = random.Random(7), 0, 0
    for case in range(300):
        noise, share = draw.choice([*NOISES]), draw.choice([0.02, 0.05, 0.1, 0.2])
        truth = {SERIAL: 1.0, A: 0.5, B: draw.choice([0.5, 0.515, 0.525, 0.6]), C: draw.choice([0.5, 0.9])}
        race, elapsed, drift = Race([A, B, C], 4.0, seed=case), 0.0, draw.choice([-0.02, 0.0, 0.02])
        while visits := race.next_round(elapsed):
            shared = math.exp(0.1 * draw.gauss(0, 1))
            for number, *pair in visits:
                wall = 0.1 * truth[tuple(pair)] * shared * NOISES[noise](draw, share) * (1 + drift * elapsed)
                elapsed += wall + 0.02
                race.take(tuple(pair), number, wall, wall + 0.02)
        for pair in race.pairs:
            ratios = race._ratios(SERIAL, pair)
            if len(ratios) >= 5:
                low, high = median_interval(ratios)
                held, told = held + (low <= 1 / truth[pair] <= high), told + 1
    assert told > 500 and held / told >= 0.93, (held, told)
