"""Figures of the chapter on approaches, from hand-written runs; the answers were worked out on paper."""

from dataclasses import replace

import pytest
from handmade import make_run

from helpers.course.approach.bars import describe_bars, plot_approach_bars, share_out
from helpers.course.approach.claims import CLAIMS, FAILS, HOLDS, UNSEEN, judge_claims, place, say_weight
from helpers.course.approach.decisions import decide
from helpers.course.approach.lab import explain_approaches
from helpers.course.approach.measure import take
from helpers.course.approach.playing import plan_rounds
from helpers.course.approach.plots import (
    colour_of,
    describe_approaches,
    ink_on,
    plot_approaches,
    read_cell,
    read_weight,
)
from helpers.course.approach.runs import (
    PAGE,
    TOO_FAST,
    ApproachMap,
    Trouble,
    Weight,
    count_workers,
    name_approach,
    weigh,
)
from helpers.course.approach.tasks import KINDS
from helpers.measure.badges import BUSY
from helpers.records import Accounting

ALL = ("serial", "threads", "asyncio", "processes")
NOISE = "rounds differ by more than 10 %"


def made(cells, cpus=2, kinds=tuple(KINDS), startup=0.0, **facts):
    """Return the ApproachMap of {(kind, approach): seconds of each round}, or (seconds, badges)."""
    runs = []
    for (kind, approach), walls in cells.items():
        walls, badges = walls if isinstance(walls[0], tuple) else (walls, ())
        n_workers = count_workers(kind, approach, 2, 16)
        own = {"badges": badges, "startup": 0.0 if approach == "serial" else startup, "cpu": walls[0]}
        runs += [(kind, make_run(approach, n_workers, number, wall, **own)) for number, wall in enumerate(walls, 1)]
    return ApproachMap(kinds, ALL, 2, 16, cpus, runs=tuple(runs), n_expected=len(runs), **facts)


def pair(kind, approach, serial, wall, badges=()):
    """Return the cells of a serial loop and an approach, three equal rounds each."""
    return {(kind, "serial"): (serial,) * 3, (kind, approach): ((wall,) * 3, badges)}


def verdict(record, text):
    (claim,) = [claim for claim in judge_claims(record) if text in claim.text]
    return claim.verdict, claim.reason


def told(ax, gid):
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


# ── arithmetic ───────────────────────────────────────────────────────────────────────────────


def test_a_speedup_is_the_ratio_of_medians_warm_and_cold():
    # serial 4, 6, 5 s: median 5.  processes 2, 3, 2.5 s: median 2.5; with a start of 2.5 s each 4.5, 5.5, 5: median 5
    record = made({("hashing", "serial"): (4, 6, 5), ("hashing", "processes"): (2, 3, 2.5)}, startup=2.5)
    assert record.speedup("hashing", "processes").median == pytest.approx(2)
    assert record.speedup("hashing", "processes", cold=True).median == pytest.approx(1)
    assert record.speedup("hashing", "threads") is None and record.speedup("tiny", "processes") is None


def test_only_rounds_with_both_count_and_never_the_warm_up():
    record = made({("tiny", "serial"): (4, 4), ("tiny", "threads"): (2,)})
    warm_up = tuple(("tiny", make_run(approach, 1, 0, wall)) for approach, wall in (("serial", 4), ("threads", 400)))
    record = replace(record, runs=warm_up + record.runs)
    # round 1 has both, round 2 the loop alone, round 0 is the warm-up: 4 / 2
    estimate = record.speedup("tiny", "threads")
    assert (estimate.median, estimate.n_rounds, estimate.low) == (2, 1, None)


def test_cores_are_cpu_seconds_over_wall():
    # 3 CPU seconds in 2 s of wall: 1.5 CPUs
    run = make_run("threads", 2, 1, 2.0, cpu=3.0)
    record = ApproachMap(("hashing",), ALL, 2, 16, 2, runs=(("hashing", run),))
    assert record.cores("hashing", "threads") == 1.5 and record.cores("hashing", "asyncio") is None


def test_weights_are_steps_of_the_memory_over_the_workers():
    # idle 1000, 1040, 1020 KiB, then 3 batches of 10: 1220, 1420, 1720.  Steps 200, 200, 300: 20, 20 and 30 each.
    # Noise: 40 KiB and a page, over 10
    idle, grown = [1000 * 1024, 1040 * 1024, 1020 * 1024], [1220 * 1024, 1420 * 1024, 1720 * 1024]
    weight = weigh("threads", idle, grown, 10)
    assert weight.each == (20 * 1024, 20 * 1024, 30 * 1024) and weight.noise == (40 * 1024 + PAGE) / 10
    assert weight.size_bytes == 20 * 1024
    # a noise of 300 KiB over 10 workers is more than 20 KiB each
    loud = weigh("threads", [700 * 1024, *idle], grown, 10)
    assert not loud.told and loud.size_bytes is None
    assert Weight("threads", problem="no").size_bytes is None


def test_doubts_are_of_both_sides_and_of_what_cannot_be():
    record = made(pair("arithmetic", "processes", 4, 2, (BUSY, "more workers than the 1 usable CPU")))
    assert record.badges("arithmetic", "processes") == (BUSY, "more workers than the 1 usable CPU")
    assert record.doubts("arithmetic", "processes") == (BUSY,)
    # of 1, 2, 3 s the middle half, from 1 to 3, is more than a tenth of 2
    assert made({**pair("tiny", "threads", 4, 2), ("tiny", "serial"): (1, 2, 3)}).doubts("tiny", "threads") == (NOISE,)
    # 2 CPUs: 2.4 times is above 1.15 × 2 = 2.3, 2.2 is not; what waits may
    assert made(pair("hashing", "threads", 2.4, 1)).doubts("hashing", "threads") == (TOO_FAST,)
    assert made(pair("hashing", "threads", 2.2, 1)).doubts("hashing", "threads") == ()
    assert made(pair("waiting", "threads", 16, 1)).doubts("waiting", "threads") == ()


def test_a_figure_lies_beside_a_line_only_where_it_is_clear_of_it():
    def lies(serial, badges=(), line=1.0):
        return made(pair("data", "threads", serial, 1.0, badges)).lies("data", "threads", line)

    assert [lies(serial) for serial in (1.2, 1.1, 0.9, 0.8)] == ["above", "level", "level", "below"]
    # in doubt: a factor of 2, and never level
    assert [lies(serial, (BUSY,)) for serial in (2.1, 1.9, 1.0, 0.6, 0.4)] == ["above", "", "", "", "below"]
    # another line: clear of it is enough
    assert lies(1.6, line=1.5) == "above" and lies(1.4, line=1.5) == "below"
    wide = made({("data", "serial"): (1, 1, 1), ("data", "threads"): (0.95, 0.99, 1.04)})
    assert wide.lies("data", "threads") == "level"
    assert made({("data", "serial"): (1, 1), ("data", "threads"): (0.5, 0.5)}).lies("data", "threads") == ""


def test_the_best_are_all_that_nobody_is_clearly_ahead_of():
    cells = {
        **pair("waiting", "threads", 8, 1),
        **pair("waiting", "asyncio", 8, 1),
        **pair("waiting", "processes", 8, 4),
    }
    assert made(cells).best("waiting") == ("threads", "asyncio")
    slow = {key: value for each in ("threads", "asyncio") for key, value in pair("tiny", each, 1, 2).items()}
    assert replace(made(slow), approaches=ALL[:3]).best("tiny") == ("serial",)
    assert made(slow).best("tiny") == (), "processes were not measured"
    assert made({}).best("tiny") == ()


def test_a_trouble_takes_the_figures_of_a_cell_and_counts_as_done():
    record = made(pair("tiny", "threads", 4, 2), kinds=("tiny",))
    # 2 of 2 pairs in 3 rounds and a warm-up: 8 runs planned; 6 are there
    record = replace(record, n_expected=8)
    assert (record.done, record.complete) == (6, False)
    record = take(record, Trouble("tiny", "threads", "it broke"))
    # the 3 of the loop, and all 4 of threads given up
    assert (record.done, record.speedup("tiny", "threads")) == (7, None)
    assert read_cell(record, "tiny", "threads")[0] == "failed"
    assert place(record, "tiny", "threads") == ("", "threads failed: it broke")


def test_findings_are_taken_into_a_new_record():
    record = made({})
    weighed = take(record, Weight("threads", (10.0,)))
    assert record.weights == () and weighed.weight("threads").size_bytes == 10.0 and weighed.weight("asyncio") is None
    run = take(weighed, ("tiny", make_run("serial", 1, 1, 2.0)))
    assert [of for of, _ in run.runs] == ["tiny"] and run.weights == weighed.weights


def test_every_pair_is_visited_once_a_round_and_the_loop_leads_the_warm_up():
    visits = plan_rounds(("tiny", "data"), ALL, 2, seed=1)
    assert len(visits) == len(set(visits)) == 3 * 2 * 4
    first = [approach for number, kind, approach in visits if (number, kind) == (0, "tiny")]
    assert first[0] == "serial" and sorted(first) == sorted(ALL)
    assert len({tuple(each for n, kind, each in plan_rounds(("tiny",), ALL, 1, s) if n) for s in range(9)}) > 1


def test_only_what_costs_little_waits_in_numbers():
    workers = {approach: count_workers("mixed", approach, 2, 16) for approach in ALL}
    assert workers == {"serial": 1, "threads": 16, "asyncio": 16, "processes": 2}
    assert count_workers("arithmetic", "threads", 2, 16) == 2


# ── claims ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "holds", "fails", "unseen"),
    [
        ("plain loop", [("waiting", "asyncio", 1.0), ("waiting", "threads", 1.0)], [("waiting", "asyncio", 9)], []),
        ("Threads use", [("arithmetic", "threads", 1), ("hashing", "threads", 1)], [("hashing", "threads", 1.9)], []),
        ("Threads suit", [("waiting", "threads", 9)], [("waiting", "threads", 1)], []),
        ("Processes use", [("arithmetic", "processes", 1.9)], [("arithmetic", "processes", 1.4)], []),
        ("Processes suit", [("arithmetic", "processes", 1.9)], [("arithmetic", "processes", 0.5)], []),
        ("Sending much", [("data", "processes", 0.2)], [("data", "processes", 1.5)], []),
        ("Tiny tasks", [("tiny", "processes", 0.2)], [("tiny", "processes", 1.5)], []),
        ("asyncio suits", [("waiting", "asyncio", 9)], [("waiting", "asyncio", 1)], []),
        ("asyncio gains", [("arithmetic", "asyncio", 1)], [("arithmetic", "asyncio", 1.9)], []),
    ],
)
def test_a_claim_is_judged_by_its_figure(text, holds, fails, unseen):
    for cells, wanted in ((holds, HOLDS), (fails, FAILS), (unseen, UNSEEN)):
        record = made(
            {key: each for kind, approach, gain in cells for key, each in pair(kind, approach, gain, 1).items()}
        )
        got, reason = verdict(record, text)
        assert got == wanted, reason
        if cells:
            assert f"{cells[0][2]:.2f}" in reason, "the figure that it rests on"


def test_every_claim_cannot_be_seen_where_nothing_was_measured():
    claims = judge_claims(made({}))
    assert len(claims) == len(CLAIMS) and {claim.verdict for claim in claims} == {UNSEEN}
    assert all("not measured" in claim.reason for claim in claims)


def test_a_doubtful_figure_decides_nothing_unless_it_is_far_off():
    near = made(pair("arithmetic", "processes", 1.6, 1, (BUSY,)))
    assert verdict(near, "Processes suit") == (
        UNSEEN,
        f"Arithmetic by processes: 1.60 (1.60 to 1.60) times the serial loop, in doubt: {BUSY}.",
    )
    far = made(pair("waiting", "asyncio", 9, 1, (BUSY,)))
    assert verdict(far, "asyncio suits")[0] == HOLDS


def test_on_one_cpu_nothing_is_said_of_cores():
    cells = {
        **pair("arithmetic", "processes", 1, 1),
        **pair("hashing", "threads", 1, 1),
        **pair("waiting", "asyncio", 9, 1),
    }
    record = made(cells, cpus=1)
    for text in ("Threads use", "Processes use", "Processes suit", "asyncio uses"):
        assert verdict(record, text) == (UNSEEN, "This machine lends one CPU, or a part of it.")
    assert verdict(record, "asyncio suits")[0] == HOLDS, "waiting needs no second CPU"


def test_threads_without_a_gil_use_more_than_one_core_and_say_why():
    record = made(pair("arithmetic", "threads", 1.9, 1), gil=False)
    got, reason = verdict(record, "Threads use")
    assert got == FAILS and "without a GIL" in reason and "threads, no GIL" in reason
    assert name_approach("threads", gil=True) == "threads"
    got, reason = verdict(made(pair("hashing", "threads", 1.9, 1)), "Threads use")
    assert got == FAILS and "C code releases the GIL" in reason


def test_asyncio_uses_one_core_by_the_cpus_it_keeps_busy():
    def of(cpu, badges=()):
        run = make_run("asyncio", 2, 1, 2.0, cpu=cpu, badges=badges)
        record = ApproachMap(("arithmetic",), ALL, 2, 16, 2, runs=(("arithmetic", run),))
        return verdict(replace(record, runs=(*record.runs, ("arithmetic", make_run(wall=2.0)))), "asyncio uses")

    # 2 and 3 CPU seconds in 2 s: 1 and 1.5 CPUs
    assert of(2.0) == (HOLDS, "Its tasks kept 1.00 CPUs busy while they computed.")
    assert of(3.0)[0] == FAILS and "1.50 CPUs" in of(3.0)[1]
    assert of(1.0, (BUSY,))[0] == UNSEEN, "it may have wanted more than it got"


def test_memory_is_compared_where_both_figures_are_told():
    def of(process, thread, noise=0.0):
        weights = Weight("processes", (process,)), Weight("threads", (thread,), noise)
        return verdict(replace(made({}), weights=weights), "A process costs")

    # 7 MiB against 14 KiB; 20 KiB against 14 KiB is less than twice as much
    assert of(7 * 2**20, 14 * 2**10) == (HOLDS, "One more worker costs 7 MiB by processes, 14 KiB by threads.")
    assert of(20 * 2**10, 14 * 2**10)[0] == FAILS
    got, reason = of(7 * 2**20, 14 * 2**10, noise=15 * 2**10)
    assert got == UNSEEN and "smaller than its noise" in reason
    assert say_weight(12 * 2**20) == "12 MiB"


def test_claims_show_themselves_as_a_table():
    claims = judge_claims(made(pair("waiting", "threads", 9, 1)))
    assert "✓ holds" in str(claims) and "<table>" in claims._repr_html_() and "? cannot be seen" in str(claims)


# ── the picture ──────────────────────────────────────────────────────────────────────────────


def test_a_cell_has_its_speedup_interval_and_workers():
    record = made({**pair("waiting", "threads", 16, 2), **pair("tiny", "processes", 1, 20, (BUSY,))})
    # 16 / 2 = 8, by 16 threads; 1 / 20 in doubt
    assert read_cell(record, "waiting", "threads") == ("8.00 ×", "8.00 to 8.00\n16 at a time", colour_of(8), False)
    assert read_cell(record, "tiny", "processes") == ("⚠ 0.05 ×", "0.05 to 0.05", colour_of(0.05), True)
    assert read_cell(record, "waiting", "serial")[0] == "16 s" and read_cell(record, "data", "threads")[0] == ""
    record = replace(record, weights=(Weight("threads", (2048.0,)), Weight("asyncio", (1.0,), 5.0)))
    assert read_weight(record, "threads")[0] == "2 KiB"
    assert read_weight(record, "asyncio")[:2] == ("?", "cannot be told")


def test_colours_run_from_red_over_white_to_blue_and_text_stays_readable():
    assert colour_of(1.0) == (1.0, 1.0, 1.0)
    red, _, blue = colour_of(0.125)
    assert red > blue and colour_of(0.001) == colour_of(0.125)
    red, _, blue = colour_of(8.0)
    assert blue > red and colour_of(100) == colour_of(8)

    def luminance(colour):
        return sum(
            weight * (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4)
            for weight, part in zip((0.2126, 0.7152, 0.0722), colour, strict=True)
        )

    for step in range(-30, 31):
        colour = colour_of(2 ** (step / 10))
        light, dark = sorted((luminance(colour), 1.0 if ink_on(colour) == "white" else 0.0), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"text on {colour} at {2 ** (step / 10):.2f}"


def test_the_picture_hatches_what_is_in_doubt_and_says_why():
    cells = {**pair("waiting", "threads", 16, 2), **pair("tiny", "processes", 1, 20, (BUSY,))}
    ax = plot_approaches(made(cells))
    doubted = [patch for patch in ax.patches if patch.get_gid() == "doubted"]
    # rows serial, threads, asyncio, processes; tiny is the fourth column
    assert [(round(p.get_x() + 0.48), round(p.get_y() + 0.47)) for p in doubted] == [(3, 3)] and doubted[0].get_hatch()
    assert len([patch for patch in ax.patches if patch.get_gid() == "cell"]) == 4 * 7
    assert "⚠ 0.05 ×" in told(ax, "speedup") and BUSY in told(ax, "doubts")[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(ALL)


def test_the_message_names_the_best_and_what_is_not_clear():
    cells = {**pair("waiting", "threads", 8, 1), **pair("waiting", "asyncio", 8, 1), **pair("tiny", "threads", 1, 2)}
    record = made(cells, kinds=("waiting", "tiny", "data"))
    assert describe_approaches(record) == "Fastest here: threads and asyncio at waiting; not clear at tiny"
    assert describe_approaches(None) == describe_approaches(made({})) == "Map of approaches: nothing measured yet"
    assert told(plot_approaches(record), "title") == [describe_approaches(record)]


def test_the_empty_map_asks_for_nothing_and_names_its_columns():
    ax = plot_approaches(None)
    assert len(told(ax, "column")) == 7 and "Nothing measured yet" in told(ax, "note")


# ── the lab ──────────────────────────────────────────────────────────────────────────────────


def with_accounts(*accounts):
    """Return the map of one kind: the serial loop took 4 s, threads 2 s in each round, with these accounts."""
    record = made({("mixed", "serial"): (4,) * len(accounts)}, kinds=("mixed",))
    rounds = enumerate(accounts, 1)
    runs = [("mixed", make_run("threads", 16, number, 2.0, accounting=each)) for number, each in rounds]
    return replace(record, approaches=("serial", "threads"), runs=(*record.runs, *runs))


def test_an_account_is_of_all_rounds_and_adds_up_to_100():
    # working 1 + 2 = 3, start-up 2 + 0 = 2, idle 0 + 1 = 1, of 6: 50, 33.3 and 16.7 %
    record = with_accounts(Accounting(startup=2, working=1), Accounting(working=2, idle_tail=1))
    assert record.account("mixed", "threads") == Accounting(startup=2, working=3, idle_tail=1)
    assert share_out(record, "mixed", "threads") == [("working", 0, 50), ("startup", 50, 33), ("idle_tail", 83, 17)]
    assert record.account("mixed", "asyncio") is None and share_out(record, "mixed", "asyncio") == []


def test_the_bars_say_speedups_intervals_and_shares():
    record = with_accounts(*[Accounting(startup=1, working=3)] * 3)
    ax = plot_approach_bars(record)
    # 4 / 2 = 2; 25 and 75 % of the time
    assert [bar.get_width() for bar in ax.patches if bar.get_gid() == "bar"] == [1.0, 2.0]
    assert [line.get_gid() for line in ax.lines] == ["interval", "one"]
    account = ax.figure.axes[1]
    assert told(account, "share") == ["100 %", "75 %", "25 %"]
    assert describe_bars(record, "mixed") == "Wait, then compute, × the serial loop: threads 2.00"
    assert told(ax, "title") == [describe_bars(record, "mixed")]


def test_bars_in_doubt_are_hatched_and_the_doubt_is_told():
    ax = plot_approach_bars(made(pair("tiny", "threads", 1, 2, (BUSY,)), kinds=("tiny",)))
    bars = {round(bar.get_y() + 0.3): bar.get_hatch() for bar in ax.patches if bar.get_gid() == "bar"}
    assert bars == {0: "", 1: "////"} and BUSY in told(ax, "doubts")[0]


def test_an_empty_card_asks_for_run_and_has_its_rows():
    ax = plot_approach_bars(None, "tiny", ("serial", "threads", "asyncio"))
    assert "Press Run" in told(ax, "invitation")[0] and len(ax.get_yticks()) == 3


def test_the_sentence_takes_what_is_clear_and_says_what_is_not():
    clear = made({**pair("waiting", "threads", 8, 1), **pair("waiting", "asyncio", 8, 4)}, kinds=("waiting",))
    assert explain_approaches(clear, "waiting").startswith("Take threads (threads: 8.00 (8.00 to 8.00) times")
    slow = replace(made(pair("tiny", "threads", 1, 2), kinds=("tiny",)), approaches=("serial", "threads"))
    assert explain_approaches(slow, "tiny").startswith("Stay with the plain loop: nothing is clearly faster")
    doubtful = made(pair("data", "processes", 1.6, 1, (BUSY,)), kinds=("data",))
    said = explain_approaches(doubtful, "data")
    assert said.startswith("Which is faster cannot be told yet") and said.endswith(f"In doubt: {BUSY}.")
    failed = take(clear, Trouble("waiting", "processes", "no"))
    assert "Processes failed." in explain_approaches(failed, "waiting")


def test_the_sentence_names_what_cost_most():
    record = with_accounts(*[Accounting(startup=2, working=3)] * 3)  # 40 and 60 %
    slow = replace(
        record,
        runs=tuple((kind, replace(run, wall=8.0) if run.engine == "threads" else run) for kind, run in record.runs),
    )
    assert "; start-up takes 40 % of its workers' time" in explain_approaches(slow, "mixed")


# ── the decision ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("does", "facts", "approach", "kind"),
    [
        ("waits", {}, "threads", "waiting"),
        ("waits", {"at_a_time": "thousands"}, "asyncio", "waiting"),
        ("waits", {"n_cpus": 1}, "threads", "waiting"),
        ("computes", {}, "processes", "arithmetic"),
        ("computes", {"n_cpus": 1}, "serial", "arithmetic"),
        ("computes", {"task_ms": 0.4}, "serial", "tiny"),
        ("computes", {"releases_gil": True}, "threads", "hashing"),
        ("computes", {"has_gil": False}, "threads", "hashing"),
        # 10 MB travel in about 20 ms: longer than a task of 10 ms, shorter than one of 30 ms
        ("computes", {"argument_bytes": 10_000_000}, "serial", "data"),
        ("computes", {"argument_bytes": 10_000_000, "task_ms": 30}, "processes", "arithmetic"),
        ("computes", {"argument_bytes": 10_000_000, "releases_gil": True}, "threads", "hashing"),
        ("both", {}, "processes", "mixed"),
        ("both", {"n_cpus": 1}, "threads", "mixed"),
        ("both", {"argument_bytes": 10_000_000}, "threads", "mixed"),
    ],
)
def test_the_decision_follows_from_what_is_known(does, facts, approach, kind):
    decision = decide(does, **facts)
    assert (decision.approach, decision.kind, decision.evidence) == (approach, kind, "")


def test_a_decision_shows_the_figure_it_rests_on_and_its_doubts():
    record = made({**pair("waiting", "threads", 8, 1), **pair("data", "processes", 1, 4, (BUSY,))})
    assert str(decide("waits", record=record)).endswith(
        "Measured here, waiting by threads: 8.00 (8.00 to 8.00) times the serial loop."
    )
    serial = decide("computes", argument_bytes=1e9, record=record)
    assert (
        serial.evidence
        == f"Measured here, data by processes: 0.25 (0.25 to 0.25) times the serial loop, in doubt: {BUSY}."
    )
    assert decide("computes", record=record).evidence == "", "arithmetic was not measured"
