"""The rules of `advise`, each from walls written by hand; the answers were worked out on paper."""

import re
from dataclasses import replace

import pytest
from handmade import make_run, make_sweep, rounds

from helpers.errors import InvalidArgumentError
from helpers.models import advise
from helpers.models.advice import crowded_pairs, find_equals
from helpers.records import Accounting, Estimate, Problem
from helpers.words import as_html

SERIAL = {("serial", 1): rounds(*[12.0] * 5)}


def advise_of(pairs, usable_cpus=8, **facts):
    """Return the Advice on a loop of 12 s five times; {(engine, n): walls of the rounds, or one wall}."""
    walls = {pair: rounds(*(wall if isinstance(wall, tuple) else [wall] * 5)) for pair, wall in pairs.items()}
    return advise(make_sweep(SERIAL | walls, usable_cpus=usable_cpus, **facts))


# --- who wins ---------------------------------------------------------------------------------


def test_a_winner_is_named_where_its_interval_stands_clear():
    # processes 12 / 4 = 3 in every round, threads 12 / 6 = 2: clear
    advice = advise_of({("processes", 4): 4.0, ("threads", 4): 6.0})
    assert (advice.engine, advice.n_workers) == ("processes", 4)
    assert advice.reason.startswith("Use 4 processes: 3.00 (3.00 to 3.00) times") and "as good" not in advice.reason


def test_of_equals_the_simplest_is_advised_and_named_as_such():
    # processes × 4: 4, 4, 5, 6, 6 s: median 12 / 5 = 2.4, logarithms of 12 / wall 1.0986 twice, 0.8755, 0.6931 twice:
    # mean 0.8918, deviation 0.2032, t 2.776: 0.8918 ± 0.2523, so 1.90 to 3.14.  threads × 4: 5.4, 5.4, 5.3, 5.2, 5.2 s:
    # 12 / 5.3 = 2.26, within 10 % of 2.4 and reaching into its interval
    advice = advise_of({("processes", 4): (4.0, 4.0, 5.0, 6.0, 6.0), ("threads", 4): (5.4, 5.4, 5.3, 5.2, 5.2)})
    assert (advice.engine, advice.n_workers) == ("threads", 4)
    # threads take 1.35, 1.35, 1.06, 0.867, 0.867 times as long as processes: logarithms 0.3001 twice, 0.0583, -0.1431
    # twice: mean 0.0745, deviation 0.2225: up to exp(0.0745 + 0.2763) = 1.42 times
    assert not advice.sure and advice.reason.startswith("Perhaps use 4 threads: 2.26")
    said = (
        "Undecided, and simpler: the rounds do not tell it from 4 processes at 2.40 (1.90 to 3.14), which may be 42 %"
    )
    assert said in advice.reason
    # at 12 / 5.7 = 2.11 it is more than 10 % below
    assert advise_of({("processes", 4): (4.0, 4.0, 5.0, 6.0, 6.0), ("threads", 4): 5.7}).engine == "processes"
    # with threads at 12 / 6.5 = 1.85, up to 12 / 6.1 = 1.97, there is a winner
    clear = advise_of({("processes", 4): (4.0, 4.0, 5.0, 6.0, 6.0), ("threads", 4): (6.5, 6.5, 6.5, 6.1, 6.1)})
    assert clear.engine == "processes" and "As good" not in clear.reason


def test_the_fewest_workers_come_before_the_simpler_engine():
    # all three at 12 / 5 = 2.4: pool × 2 has fewer workers than threads × 3
    advice = advise_of({("threads", 3): 5.0, ("pool", 2): 5.0, ("processes", 4): 5.0})
    assert (advice.engine, advice.n_workers) == ("pool", 2)
    assert "and 1 more setting, and simpler" in advice.reason


ORDER = ("threads", "processes", "pool", "multiprocess", "interpreters")


def test_engines_are_ordered_by_how_simple_they_are():
    speedups = {(engine, 2): Estimate(2.0, 1.9, 2.1, 5) for engine in reversed(ORDER)}
    assert [engine for engine, _ in find_equals(speedups, ("pool", 2))] == list(ORDER)


def test_what_may_be_slower_than_the_loop_is_no_equal():
    speedups = {("pool", 4): Estimate(2.0, 1.5, 2.5, 5), ("threads", 2): Estimate(1.2, 0.9, 1.6, 5)}
    assert find_equals(speedups, ("pool", 4)) == [("pool", 4)]
    assert find_equals({("pool", 4): Estimate(2.0, 1.5, 2.5, 5), ("pool", 2): Estimate(1.9)}, ("pool", 4)) == [
        ("pool", 4)
    ]


def test_the_loop_is_simplest_of_all():
    # 12 / 11.5 = 1.04 in every round: surely faster, and within 5 %
    advice = advise_of({("threads", 2): 11.5})
    assert advice.engine == "serial" and "hardly faster, at 1.04 (1.04 to 1.04) times its speed" in advice.reason
    assert advise_of({("threads", 2): 11.0}).engine == "threads"  # 1.09


# --- workers and CPUs -------------------------------------------------------------------------


def test_from_which_call_on_open_workers_gain_is_told_unless_it_is_the_first():
    # 12 s in the loop, 4 s once up: 8 s are saved a call.  With a start of 20 s, 1 × 12 < 20 + 4, 2 × 12 < 20 + 8,
    # 3 × 12 > 20 + 12: from call 3 on
    advice = advise(make_sweep(SERIAL | {("processes", 4): rounds(*[(20.0, 4.0)] * 5)}))
    assert "stay open for many calls (it gains from call 3 on): 3.00" in advice.reason
    # with starts of 1, 1, 1, 30 and 30 s the middle one is 1: 12 > 1 + 4 at once, but the interval reaches below 1
    starts = [(1.0, 4.0), (1.0, 4.0), (1.0, 4.0), (30.0, 4.0), (30.0, 4.0)]
    unsure = advise(make_sweep(SERIAL | {("processes", 4): rounds(*starts)})).reason
    assert "stay open for many calls: 3.00" in unsure and "2.40 (" in unsure


@pytest.mark.parametrize(("fastest", "verdict"), [(12.01, "does not beat"), (12.2, "is slower than")])
def test_what_is_shown_as_one_is_not_called_slower(fastest, verdict):
    # 12 / 12.01 = 0.9992, shown as 1.00; 12 / 12.2 = 0.98
    reason = advise_of({("processes", 2): (fastest, fastest, 12.2, 12.3, 12.3)}).reason
    assert verdict in reason


def test_never_more_workers_than_cpus_for_work_that_computes():
    # 3 and 4 workers look faster on two CPUs: 12 / 5 = 2.4 and 12 / 4 = 3, two reach 12 / 7 = 1.71
    pairs = {("pool", 2): 7.0, ("pool", 3): 5.0, ("pool", 4): 4.0, ("threads", 4): 4.0}
    advice = advise_of(pairs, usable_cpus=2)
    assert (advice.engine, advice.n_workers) == ("pool", 2)
    assert "3 and 4 workers share 2 usable CPUs: never advised for work that computes." in advice.reason
    assert "share" not in advise_of(pairs, usable_cpus=4).reason


def test_where_only_too_many_workers_were_measured_that_is_said():
    advice = advise_of({("pool", 8): 4.0}, usable_cpus=4)
    assert advice.engine == "serial"
    assert advice.reason == (
        "Stay serial for now: the work computes, and 8 pool workers, at 3.00 (3.00 to 3.00) times the serial loop, "
        "share 4 usable CPUs: measure with n_workers=4."
    )
    alone = advise_of({("pool", 2): 11.0}, usable_cpus=1)
    assert alone.engine == "serial" and "share 1 usable CPU." in alone.reason


def test_waiting_work_may_have_more_workers_than_cpus():
    # the loop uses a CPU for 5 % of its time: 8 workers want 0.4 of two CPUs
    advice = advise_of({("threads", 2): 6.0, ("threads", 8): 2.0}, usable_cpus=2, cpu=0.6)
    assert advice.n_workers == 8 and "share" not in advice.reason


def test_where_waiting_work_gains_to_the_end_more_workers_are_worth_a_try():
    # 0.6 CPU seconds of 12: 5 %; 12 / 6.4 = 1.875 with the two workers that were the most, 94 % of two
    reason = advise_of({("threads", 2): 6.4}, usable_cpus=2, cpu=0.6).reason
    assert "uses a CPU for 5 % of its time), and 2 was the largest number measured: 4 and more may gain more" in reason
    assert "may gain more" not in advise_of({("threads", 2): 9.0}, usable_cpus=2, cpu=0.6).reason  # 67 % of two
    assert "may gain more" not in advise_of({("threads", 2): 6.4}, usable_cpus=2).reason  # it computes
    assert "may gain more" not in advise_of({("threads", 2): 6.0, ("threads", 4): 6.0}, cpu=0.6).reason


def test_work_computes_if_it_did_so_in_the_round_that_was_disturbed_least():
    # 12 s of working; on a busy machine the loop got a CPU for 5 s of them, in one round for 9
    def runs_of(engine, n, wall, cpus):
        spent = Accounting(working=12.0)
        return [make_run(engine, n, k, wall, cpu=cpu, accounting=spent) for k, cpu in enumerate(cpus, 1)]

    runs = [*runs_of("serial", 1, 12.0, (5.0, 9.0, 5.0)), *runs_of("pool", 3, 4.0, (5.0,) * 3)]
    sweep = replace(make_sweep({}, usable_cpus=2), runs=tuple(runs))
    assert crowded_pairs(sweep) == {("pool", 3)}
    asleep = [*runs_of("serial", 1, 12.0, (1.0,) * 3), *runs_of("pool", 3, 4.0, (1.0,) * 3)]
    assert crowded_pairs(replace(sweep, runs=tuple(asleep))) == set()


def test_without_a_known_number_of_cpus_nothing_is_crowded():
    assert crowded_pairs(replace(make_sweep(SERIAL | {("pool", 64): rounds(*[1.0] * 5)}), environment={})) == set()


# --- doubts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pool", "engine", "begins"),
    [
        ((4.0,) * 5, "pool", "Perhaps use 4 pool workers"),
        ((24.0,) * 5, "serial", "Stay serial"),
        ((10.0, 10.0, 11.0, 14.0, 14.0), "serial", "Undecided"),
    ],
)
def test_all_doubts_are_told_whatever_is_advised(pool, engine, begins):
    advice = advise_of({("pool", 4): pool}, badges=("first", "second", "third", "more workers than the 2 usable CPUs"))
    assert advice.engine == engine and advice.reason.startswith(begins)
    assert "n doubt: first; second; third" in advice.reason and advice.reason.count("n doubt") == 1
    assert advice.doubts[:3] == ("first", "second", "third") and "more workers" not in advice.reason


def test_without_doubts_nothing_is_said_of_them():
    advice = advise_of({("pool", 4): 4.0})
    assert advice.doubts == () and "doubt" not in advice.reason and advice.reason.startswith("Use 4 pool workers")


def test_a_speedup_that_cannot_be_is_never_advised():
    # 12 / 2 = 6 with 2 workers, beyond 1.15 × 2; all rounds alike
    advice = advise_of({("threads", 2): 2.0})
    assert advice.engine == "serial" and advice.reason.startswith("Undecided") and not advice.sure
    assert "faster than its workers can be: mistrust it" in advice.reason


def test_the_doubts_of_what_it_was_preferred_to_are_told_too():
    # pool × 4 reaches 12 / 4 = 3, threads × 3 nearly as much: simpler, and itself in no doubt
    walls = {("pool", 4): rounds(*[4.0] * 5), ("threads", 3): rounds(*[4.1] * 5)}
    sweep = make_sweep(SERIAL | walls)
    runs = [replace(run, badges=("others",)) if run.engine == "pool" else run for run in sweep.runs]
    advice = advise(replace(sweep, runs=tuple(runs)))
    assert (advice.engine, advice.doubts) == ("threads", ("others",)) and advice.reason.startswith("Perhaps use")
    assert "In doubt: others." in advice.reason


def test_what_may_be_more_than_five_per_cent_faster_is_a_rival():
    # threads take 1, 1.025, 1.025, 1, 1.075 times as long as the pool: mean 1.024, and up to 1.065
    advice = advise_of({("threads", 4): (4.0, 4.1, 4.1, 4.0, 4.3), ("pool", 4): 4.0})
    assert advice.engine == "threads" and not advice.sure and "do not tell it from 4 pool workers" in advice.reason
    # 1 to 1.025: up to 1.035
    sure = advise_of({("threads", 4): (4.0, 4.1, 4.1, 4.1, 4.1), ("pool", 4): 4.0})
    assert sure.engine == "threads" and sure.sure and "As good as 4 pool workers at 3.00 (3.00 to 3.00)" in sure.reason


def test_a_pair_with_too_few_rounds_is_a_rival_unless_it_is_far_behind():
    near = advise_of({("pool", 4): 4.0, ("processes", 4): (4.1,)})
    assert near.engine == "pool" and not near.sure and "do not tell it from 4 processes" in near.reason
    far = advise_of({("pool", 4): 4.0, ("processes", 4): (6.1,)})  # 12 / 6.1 × 1.5 = 2.95, under 3
    assert far.sure and far.reason.startswith("Use 4 pool workers")
    # nor is it advised, though it looks fastest
    assert advise_of({("pool", 4): 4.0, ("processes", 4): (3.9,)}).engine == "pool"


def test_staying_serial_is_sure_only_where_nothing_may_be_faster():
    # 12 / wall: 1.09, 1.04, 1.0, 0.98, 1.04: not above 1 beyond doubt, and up to 1.09
    open_ = advise_of({("pool", 4): (11.0, 11.5, 12.0, 12.2, 11.5)})
    assert open_.engine == "serial" and open_.reason.startswith("Undecided") and "do not tell it from" in open_.reason
    # 0.98 to 1.02
    sure = advise_of({("pool", 4): (11.8, 12.0, 12.2, 12.0, 12.0)})
    assert sure.sure and sure.reason.startswith("Stay serial: the best pair, 4 pool workers, does not beat")


# --- how often --------------------------------------------------------------------------------


def test_how_often_the_work_is_done_decides_whether_start_up_pays():
    # 12 s against 6 on two workers that take 7 s to start: once 13 s, twice 19 of 24, ten times 67 of 120
    sweep = make_sweep(SERIAL | {("pool", 2): rounds(*[(7.0, 6.0)] * 5)})
    once, twice, often = (advise(sweep, calls=calls) for calls in (1, 2, 10))
    assert once.engine == "serial" and "0.92 (0.92 to 0.92) times its speed for 1 call" in once.reason
    assert "since starting its workers takes 7 s" in once.reason
    assert twice.reason.startswith("Use 2 pool workers for 2 calls: 1.26 (1.26 to 1.26) times the serial loop")
    assert often.evidence.median == pytest.approx(120 / 67) and "start-up of 7 s counted in" in often.reason
    # by default both are told, and from which call on it gains: 7 / (12 - 6) = 1.17, so the second
    both = advise(sweep).reason
    assert "2.00 (2.00 to 2.00) times" in both and "0.92 (0.92 to 0.92) with" in both and "from call 2 on" in both
    with pytest.raises(InvalidArgumentError, match="calls"):
        advise(sweep, calls=0)


# --- why --------------------------------------------------------------------------------------


def test_an_advice_lists_what_it_rests_on():
    advice = advise_of({("processes", 4): 4.0, ("threads", 4): 6.0})
    assert [finding.threshold for finding in advice.findings] == [1.0, pytest.approx(1 / 0.95)]
    assert advice.explain() == (
        "4 processes, the best of 2, over the serial loop: 3.00 (3.00 to 3.00), against 1.00: faster.\n"
        "4 processes take, times as long as 4 threads: 0.67 (0.67 to 0.67), against 1.05: "
        "it is not more than 5 % faster."
    )
    assert "<details>" in advice._repr_html_() and "against 1.05" in advice._repr_html_()
    assert advise(make_sweep({})).explain() == "Nothing was compared."


def test_runs_that_were_thrown_away_are_told():
    sweep = make_sweep(SERIAL | {("pool", 2): rounds(*[6.0] * 5)})
    assert "3 runs repeated because other programs ran." in advise(replace(sweep, repeated=3)).reason
    assert "repeated" not in advise(sweep).reason


# --- efficiency -------------------------------------------------------------------------------


def test_what_efficiency_lacks_is_named():
    # two workers, 10 s each, 16 s in the function, 12 s in the loop: speedup 1.2, efficiency 60 %; working 80 % of
    # their time, each task 16 / 12 = 1.33 times as long: 80 % / 1.33 = 60 %
    spent = Accounting(working=16.0, waiting=4.0)
    runs = [make_run("serial", 1, k, 12.0) for k in (1, 2, 3)]
    runs += [make_run("pool", 2, k, 10.0, accounting=spent) for k in (1, 2, 3)]
    sweep = replace(make_sweep({}), runs=tuple(runs))
    slowdown = sweep.slowdown("pool", 2)
    assert (slowdown.median, slowdown.low) == (pytest.approx(4 / 3), pytest.approx(4 / 3))
    assert sweep.speedup("pool", 2).median / 2 == pytest.approx(spent.shares()["working"] / slowdown.median)
    assert "Side by side a task takes 1.3 times as long as in the loop." in advise(sweep).reason


def test_the_table_of_a_sweep_has_each_remark_once():
    walls = {("serial", 1): rounds(12.0, 12.0, 12.0), ("pool", 2): rounds(6.0, 6.0, 6.0)}
    sweep = make_sweep({**walls, ("pool", 4): rounds(3.0, 3.0, 3.0)}, badges=("others were <busy>", "slow"))
    problem = Problem("threads", 2, 0, "failed", "Threads fail.")
    page = replace(sweep, problems=(problem,), complete=False)._repr_html_()
    assert page.count("others were &lt;busy&gt;") == page.count("b: slow") == 1 and "serial loop: " not in page
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", page)
    rows = [cells[k : k + 6] for k in range(6, len(cells), 6)]
    assert rows == [
        ["serial", "1", "12 s", "1.00", "", "a, b"],
        ["threads", "2", "no figures", "", "", "c"],
        ["pool", "2", "6 s", "2.00", "2.00 to 2.00", "a, b"],
        ["pool", "4", "3 s", "4.00", "4.00 to 4.00", "a, b"],
    ]
    assert "work over 4 items (stopped early)" in page and page.count("Threads fail.") == 1 and "c: fails" in page
    assert "word-break:normal" in page and "is a doubt about every speedup" in page


def test_the_letters_of_a_row_stand_in_their_order():
    runs = [make_run("serial", 1, k, 12.0, badges=("first", "second")) for k in (1, 2, 3)]
    runs += [make_run("pool", 2, k, 6.0, badges=("third", "second")) for k in (1, 2, 3)]
    page = replace(make_sweep({}), runs=tuple(runs))._repr_html_()
    assert ">b, c<" in page and page.index("b: second") < page.index("c: third")


def test_a_table_without_remarks_has_none_below():
    page = make_sweep({("serial", 1): rounds(12.0), ("pool", 2): rounds(6.0)})._repr_html_()
    assert page.count("<p") == 1 and "none" in page  # the title; and no interval
    assert "speedup" in make_sweep({})._repr_html_()


def test_the_advice_reads_as_a_sentence_in_any_form():
    advice = advise_of({("pool", 4): 4.0})
    assert str(advice) == repr(advice) == advice.reason
    assert as_html(advice.reason) in advice._repr_html_() and "word-break:normal" in advice._repr_html_()
