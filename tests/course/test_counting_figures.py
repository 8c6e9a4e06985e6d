"""Figures of counting together, from hand-written stamps; the answers were worked out on paper."""

from dataclasses import replace

import pytest

from helpers.course.counting.measure import Count, Counting, Slice, add_slice, name_doubts, read_slice, slice_size
from helpers.course.counting.plots import describe_counting, draw_counting_card, plot_counting, plot_counting_rates
from helpers.course.value.lab import advise_counting, count_done
from helpers.errors import HelpersError
from helpers.plots.doubts import fold_doubts


def slices(*parts):
    """Slices (seconds, made, counted) of rounds 1, 2, …; all that was asked for was made."""
    numbered = enumerate(parts, 1)
    return tuple(Slice(number, seconds, made, made, counted) for number, (seconds, made, counted) in numbered)


def test_a_slice_lasts_from_the_first_beginning_to_the_last_end():
    # began 10.0 and 10.5, ended 14.0 and 12.0: 4 s; 300 + 200 made of 600, the counter says 420
    answers = [(10.0, 14.0, 300, None), (10.5, 12.0, 200, None)]
    part = read_slice(3, 600, answers, 420)
    assert part == Slice(round=3, seconds=4.0, asked=600, made=500, counted=420)
    with pytest.raises(HelpersError, match="no luck"):
        read_slice(3, 600, [(1.0, 2.0, 0, "Traceback: no luck")], 0)


def test_a_count_adds_up_its_slices_without_the_warm_up():
    count = add_slice(Count("no lock"), Slice(0, 9.0, 1000, 1000, 1), ended=False)
    assert (count.made, count.seconds, count.ended, count.seconds_per_update, count.rate) == (0, 0, False, None, None)
    for part in slices((1.0, 100, 70), (2.0, 100, 80), (6.0, 200, 150)):
        count = add_slice(count, part, ended=part.round == 3)
    # 400 made, 300 counted: 100 lost, a quarter; 9 s in all
    assert (count.made, count.counted, count.lost, count.lost_share, count.seconds) == (400, 300, 100, 0.25, 9.0)
    # 0.01, 0.02 and 0.03 s an update: the median 0.02, so 50 a second; the ends are the extreme rounds
    assert (count.seconds_per_update.median, count.seconds_per_update.low) == (0.02, 0.01)
    assert (count.rate.median, count.rate.low, count.rate.high) == pytest.approx((50, 1 / 0.03, 100))
    assert count.ended and not count.out_of_time


def test_two_rounds_give_no_interval():
    assert Count("no lock", slices((1.0, 10, 10), (3.0, 10, 10))).rate.low is None


def test_a_count_that_could_not_finish_is_out_of_time():
    done, cut = Slice(1, 1.0, 100, 100, 100), Slice(2, 1.0, 100, 99, 99)
    assert Count("manager", (done, cut)).out_of_time and not Count("manager", (done,)).out_of_time


@pytest.mark.parametrize(("n_updates", "repeats"), [(10, 4), (100_000, 5), (7, 7), (3, 2)])
def test_the_rounds_make_all_updates_together(n_updates, repeats):
    assert sum(slice_size(n_updates, repeats, number) for number in range(1, repeats + 1)) == n_updates
    assert slice_size(n_updates, repeats, 0) == slice_size(n_updates, repeats, 1) > 0


#: 2 workers × 1,000 updates: a quarter lost in 1 ms; none lost in 2 ms; 40 of 2,000 made in 10 ms, time was up.
SOME = Counting(
    2,
    1000,
    10,
    "spawn",
    (
        Count("no lock", slices((0.001, 2000, 1500)), True),
        Count("lock per update", slices((0.002, 2000, 2000)), True),
        Count("manager", (Slice(1, 0.01, 2000, 40, 40),), True),
    ),
)


def texts_of(ax, gid):
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def test_the_pictures_say_what_was_counted():
    assert SOME.expected == 2000 and SOME.complete and SOME.ways() == ["no lock", "lock per update", "manager"]
    assert texts_of(plot_counting(SOME), "count") == [
        "1,500 of 2,000 · 25.0 % lost",
        "2,000 of 2,000 · none lost",
        "40 of 40 · none lost · time was up",
    ]
    assert texts_of(plot_counting_rates(SOME), "rate") == ["2.0 million", "1.0 million", "4,000"]
    assert "1,500 of 2,000 at 2.0 million a second" in describe_counting(SOME)
    assert "nothing counted yet" in describe_counting(None)
    assert "25.0 % lost   2.0 million a second" in repr(SOME).splitlines()[1]


def test_the_bars_end_where_the_figures_say():
    figure = draw_counting_card(SOME, guess=0.3)
    bars = {c.get_gid(): c for c in figure.axes[0].collections if c.get_gid() in ("counted", "lost")}
    counted = [path.get_extents() for path in bars["counted"].get_paths()]
    assert [(box.x0, box.x1) for box in counted] == [(0, 1500), (0, 2000), (0, 40)]
    lost = bars["lost"].get_paths()[0].get_extents()
    assert (lost.x0, lost.x1) == (1500, 2000)
    (guess,) = [line for line in figure.axes[0].lines if line.get_gid() == "guess"]
    assert list(guess.get_xdata()) == [1400, 1400]  # 30 % of 2,000 lost leaves 1,400


def test_one_lost_update_of_very_many_is_not_rounded_away():
    counting = Counting(1, 10**6, 1, "spawn", (Count("no lock", slices((1.0, 10**6, 10**6 - 1)), True),))
    assert texts_of(plot_counting(counting), "count") == ["999,999 of 1,000,000 · 1 lost"]


def counting_of(**ways):
    """3 rounds of 1,000 updates of 2 workers: {way: seconds of each}."""
    counts = (
        Count(way.replace("_", " "), slices(*((wall, 1000, 1000) for wall in walls)), True)
        for way, walls in ways.items()
    )
    return Counting(2, 1500, 10, "spawn", tuple(counts))


def test_the_advice_holds_with_and_without_lost_updates():
    assert advise_counting(SOME) == "Without a lock 500 of 2,000 updates were lost."  # 1 round: no word on speed
    lucky = Counting(2, 1000, 10, "spawn", (Count("no lock", slices((0.001, 2000, 2000)), True),))
    assert "luck, not safety" in advise_counting(lucky)
    alone = Counting(1, 2000, 10, "spawn", lucky.counts)
    assert "nobody to come in between" in advise_counting(alone) and "1 worker and" in describe_counting(alone)


def test_the_fastest_way_is_named_only_where_its_interval_stands_clear():
    # 1,000 updates in 0.01 s are 100,000 a second; in 1 s 1,000, a hundredth
    clear = counting_of(lock_per_batch=[0.01] * 3, lock_per_update=[0.5] * 3, manager=[1.0] * 3)
    assert advise_counting(clear) == (
        "Of the exact ways, lock per batch is the fastest: 100 times as fast as the Manager."
    )
    # 0.010 to 0.012 s and 0.011 to 0.013 s overlap
    close = counting_of(lock_per_batch=[0.010, 0.011, 0.012], lock_per_update=[0.011, 0.012, 0.013], manager=[1.1] * 3)
    said = (
        "lock per batch and lock per update are the fastest and show no difference; lock per batch is 100 times as fast"
    )
    assert said in advise_counting(close)
    assert advise_counting(counting_of(lock_per_batch=[0.010, 0.011, 0.012], manager=[0.011] * 3)).startswith(
        "Between the exact ways these rounds show no difference"
    )

    # the Manager's rounds reach from the first's speed to a hundredth of it; the slowest that can be told is 10 times
    wide = counting_of(lock_per_batch=[0.01] * 3, lock_per_update=[0.1] * 3, manager=[0.01, 1.0, 1.0])
    assert "lock per batch and the Manager are the fastest" in advise_counting(wide)
    assert "10 times as fast as lock per update" in advise_counting(wide)


def test_doubts_of_a_way_are_told_by_picture_text_and_advice():
    steady = counting_of(lock_per_batch=[0.01] * 3, manager=[1.0] * 3)
    assert steady.doubts == () and texts_of(plot_counting_rates(steady), "doubts") == []
    # the middle half of 1, 2, 3 s spans more than a tenth of 2 s
    shaky = counting_of(lock_per_batch=[0.01] * 3, manager=[1.0, 2.0, 3.0])
    assert shaky["manager"].doubts == ("rounds differ by more than 10 %",) and shaky["lock per batch"].doubts == ()
    busy = replace(
        steady.counts[0], noted=("other programs were using the CPUs", "more workers than the 1 usable CPUs")
    )
    busy = replace(steady, counts=(busy, steady.counts[1]))
    short = counting_of(lock_per_batch=[0.0009] * 3, manager=[1.0] * 3)
    for counting, doubt in ((shaky, "rounds differ"), (busy, "other programs"), (short, "under 1 ms")):
        assert len(counting.doubts) == 1 and counting.doubts[0].startswith(doubt)
        assert doubt in texts_of(plot_counting_rates(counting), "doubts")[0]
        assert doubt in texts_of(draw_counting_card(counting).axes[0], "doubts")[0]
        assert doubt in describe_counting(counting).rpartition("In doubt: ")[2]
        assert doubt in advise_counting(counting).rpartition("In doubt: ")[2]


def test_doubts_name_the_ways_that_they_are_about_unless_all():
    # 1, 2, 3 s differ; 0.5 ms is too short; the steady way is in neither doubt
    some = counting_of(lock_per_update=[0.01] * 3, merge_at_the_end=[0.0005] * 3, manager=[1.0, 2.0, 3.0])
    named = (
        "under 1 ms: too short to time (merge at the end)",
        "rounds differ by more than 10 % (manager)",
    )
    assert name_doubts(some.counts) == named
    for told in (
        texts_of(plot_counting_rates(some), "doubts")[0].replace("\n", " "),
        texts_of(draw_counting_card(some).axes[0], "doubts")[0].replace("\n", " "),
        describe_counting(some),
        advise_counting(some),
    ):
        assert named[0] in told, told
    two = counting_of(no_lock=[0.1, 0.2, 0.3], lock_per_batch=[0.1, 0.2, 0.3], manager=[1.0] * 3)
    assert name_doubts(two.counts) == ("rounds differ by more than 10 % (no lock and lock per batch)",)
    walls = {way: [0.1, 0.2, 0.3] for way in ("no_lock", "lock_per_update", "manager")}
    four = counting_of(lock_per_batch=[0.1] * 3, **walls)
    assert name_doubts(four.counts) == ("rounds differ by more than 10 % (all but lock per batch)",)
    assert name_doubts(two.counts[:2]) == ("rounds differ by more than 10 %",)  # all of them: no names
    assert name_doubts((*two.counts[:2], Count("manager"))) == ("rounds differ by more than 10 %",)  # not run yet
    assert name_doubts(()) == ()


def test_the_advice_and_the_picture_name_the_same_ways_in_a_doubt():
    # of the exact ways only the Manager's rounds are steady, and those without a lock are
    walls = {way: [0.1, 0.2, 0.3] for way in ("lock_per_update", "lock_per_batch", "merge_at_the_end")}
    counting = counting_of(no_lock=[0.1] * 3, **walls, manager=[10.0] * 3)
    told = "rounds differ by more than 10 % (lock per update, lock per batch and merge at the end)"
    assert name_doubts(counting.counts) == (told,)
    assert advise_counting(counting).endswith(f"In doubt: {told}.")


def test_doubts_are_told_where_no_way_is_called_the_fastest():
    # one exact way: there is nobody to be compared with
    counting = counting_of(no_lock=[0.1] * 3, manager=[1.0, 2.0, 3.0])
    assert "fastest" not in advise_counting(counting)
    assert advise_counting(counting).endswith("In doubt: rounds differ by more than 10 % (manager).")


def test_the_card_has_room_for_doubts_of_several_ways():
    counting = counting_of(no_lock=[0.1] * 3, merge_at_the_end=[0.0001, 0.0002, 0.0003], manager=[1.0, 2.0, 3.0])
    noted = ("other programs were using the CPUs", "slowed by the CPU quota")
    counting = replace(counting, counts=(replace(counting.counts[0], noted=noted), *counting.counts[1:]))
    (told,) = texts_of(draw_counting_card(counting).axes[0], "doubts")
    assert "too short to time (merge at the end)" in told.replace("\n", " "), told
    assert "merge at the end and manager" in told.replace("\n", " ")


def test_no_row_of_doubts_begins_with_the_sign_for_per_cent():
    for width in range(100, 260, 10):
        lines, _ = fold_doubts(("rounds differ by more than 10 % (no lock)",), width, 9)
        assert not any(line.startswith("%") for line in lines), lines


def test_speeds_of_a_few_hundred_a_second_lie_on_the_axis():
    ax = plot_counting_rates(counting_of(manager=[2.0] * 3))  # 1,000 updates in 2 s: 500 a second
    (mark,) = [line for line in ax.lines if line.get_marker() == "D"]
    assert list(mark.get_xdata()) == [500] and ax.get_xlim()[0] == 100


@pytest.mark.parametrize("draw", [plot_counting_rates, lambda counting: draw_counting_card(counting).axes[1]])
def test_the_words_for_a_speed_stand_above_its_interval(draw):
    wide = counting_of(no_lock=[0.001, 0.01, 0.1], merge_at_the_end=[0.00001, 0.0001, 0.001])
    ax = draw(wide)
    ax.figure.canvas.draw()
    bars = [line for line in ax.lines if line.get_linewidth() == 1.4 and len(line.get_xdata())]
    texts = [text for text in ax.texts if text.get_gid() == "rate"]
    assert len(bars) == len(texts) == 2
    for text, bar in zip(texts, bars, strict=True):
        assert not text.get_window_extent().overlaps(bar.get_window_extent()), text.get_text()


def test_progress_counts_slices_after_the_warm_up():
    assert count_done(SOME, repeats=5) == (3, 15)
    assert count_done(Counting(2, 2, 10, "spawn", SOME.counts), repeats=5) == (3, 6)  # 2 updates fill 2 rounds
