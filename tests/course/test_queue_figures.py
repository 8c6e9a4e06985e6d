"""Figures of the Queue chapter, from hand-written stamps; the answers were worked out on paper."""

import io
from array import array
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from helpers.course.queue import QueueLab, plot_depth, plot_queue_lanes
from helpers.course.queue.exercises import (
    ITEMS,
    RAW,
    explain_late_pipeline,
    explain_small_map,
    judge_late,
    judge_map,
    judge_pipeline,
)
from helpers.course.queue.judging import DIVISORS, judge_worker
from helpers.course.queue.lab import advise_queue
from helpers.course.queue.measure import QueueRound, have_ended, plan_queue_run, read_run
from helpers.course.queue.plots import (
    QueueCard,
    describe_queue,
    draw_queue_card,
    grow_limit,
    guess_depth,
    split_segments,
)
from helpers.course.queue.tasks import NO_ITEM, divide, double, square_large
from helpers.errors import InvalidArgumentError
from helpers.exercises.base import Trial, Wrong
from helpers.labs.turns import Turn

#: When all were told to begin, by the clock of the logs.
BEGAN = 100.0


def log(*events, began=0.0, ended=None, room=4):
    """The cells of a QueueLog: events (asked, item, done) in seconds since BEGAN; None is what has not happened."""
    cells = [99.0, BEGAN + began, BEGAN + ended if ended is not None else 0.0]
    for asked, item, done in events:
        cells += [BEGAN + asked, item, BEGAN + done if done is not None else 0.0]
    return array("d", cells + [0.0] * 3 * (room - len(events)))


def run_of(producers, consumers, now, complete=False, **settings):
    plan = plan_queue_run(len(producers), len(consumers), **{"n_items": 2, "start_method": "spawn", **settings})
    return read_run(plan, [*producers, *consumers], BEGAN, BEGAN + now, complete)


#: A producer works 1 s on each of two items, and is blocked 2 s in its second put. Consumer 1 waits 2 s for item 0
#: and works 3 s on it; consumer 2 waits 5 s for item 1, works 3 s on it and waits 2 s for its sentinel.
PRODUCER = log((1, 0, 1), (2, 1, 4), ended=4)
CONSUMERS = [
    log((0, 0, 2), (5, NO_ITEM, 5), ended=5),
    log((0, 1, 5), (8, NO_ITEM, 10), ended=10),
]
#: The same as a log shows it after 3 s: item 1 is on its way, nobody has ended.
EARLY = [log((1, 0, 1), (2, 1, None))], [log((0, 0, 2)), log((0, 1, None))]


@pytest.fixture
def whole():
    return run_of([PRODUCER], CONSUMERS, 12.0, complete=True)


# ── what a run comes to ───────────────────────────────────────────────────────────────────────


def test_a_complete_run_lasts_until_the_last_process_has_ended(whole):
    # the three ended after 4, 5 and 10 s; the look came after 12
    assert whole.complete and whole.now == 10.0
    assert [(lane.role, lane.number, lane.ended) for lane in whole.lanes] == [
        ("producer", 0, 4.0),
        ("consumer", 0, 5.0),
        ("consumer", 1, 10.0),
    ]
    assert run_of(*EARLY, now=3.0).now == 3.0, "one that goes on lasts until the look"
    assert have_ended([PRODUCER, *CONSUMERS]) and not have_ended([PRODUCER, *EARLY[1]])


def test_throughput_is_items_taken_over_the_whole_time(whole):
    # 2 items in 10 s; the two sentinels are no items
    assert whole.n_taken == 2 and whole.throughput == pytest.approx(0.2)
    # three items were put, one was taken, after 5 s: 1 / 5
    going_on = run_of([log((1, 0, 1), (2, 1, 2), (3, 2, 3))], [log((0, 0, 1), (4, 1, None))], 5.0, n_items=3)
    assert going_on.n_taken == 1 and going_on.throughput == pytest.approx(0.2)
    assert plan_queue_run().throughput == 0.0


def test_the_waiting_share_is_that_of_the_time_each_side_was_there(whole):
    # producer: 0 + 2 of its 4 s.  consumers: 2 of 5 s, and 5 of 8 s before it asked for its sentinel: 7 of 13 s
    assert whole.waiting_share("producer") == pytest.approx(0.5)
    assert whole.waiting_share("consumer") == pytest.approx(7 / 13)
    assert [lane.seconds_to_sentinel for lane in whole.lanes] == [0.0, 0.0, 2.0]
    # after 3 s: the producer has waited 0 + 1 of 3 s; the consumers 2 + 3 of 6 s
    early = run_of(*EARLY, now=3.0)
    assert early.waiting_share("producer") == pytest.approx(1 / 3)
    assert early.waiting_share("consumer") == pytest.approx(5 / 6)
    assert plan_queue_run().waiting_share("producer") == 0.0


def test_a_run_as_a_line_of_a_table_has_whole_numbers_and_says_whether_they_are_in_doubt(whole):
    # 2 items in 10 s are 0.2 a second, 0 as a whole number; never more than one in the queue; the shares as above
    figures = {"items/s": 0, "most in queue": 1, "% in put": 50, "% in get": 54, "in doubt": "no"}
    assert whole.figures == figures and whole.setting == "1 producer, 2 consumers, no limit"
    disturbed = replace(whole, maxsize=3, noted=("others busy",))
    assert disturbed.figures == {**figures, "in doubt": "yes"}
    assert disturbed.setting == "1 producer, 2 consumers, maxsize 3"


def test_a_process_that_began_late_is_counted_from_its_beginning():
    # it began at 2 and ended at 6, 1 s of it in put: 1 / 4
    run = run_of([log((3, 0, 4), began=2, ended=6)], [log((0, 0, None))], 6.0, n_items=1)
    assert run.lanes[0].began == 2.0 and run.waiting_share("producer") == pytest.approx(0.25)


def test_the_depth_goes_up_with_each_put_and_down_with_each_get(whole):
    # item 0 lies there from 1 to 2, item 1 from 4 to 5
    assert whole.depth() == ([0.0, 1, 2, 4, 5], [0, 1, 0, 1, 0]) and whole.deepest == 1
    run = run_of([log((1, 0, 1), (2, 1, 2))], [log((0, 0, 3), (4, 1, 4), (5, NO_ITEM, 6))], 6.0)
    assert run.depth() == ([0.0, 1, 2, 3, 4], [0, 1, 2, 1, 0]) and run.deepest == 2


def test_a_get_may_be_stamped_before_its_put():
    # got at 2, and the put returned at 3: it lay there for no time, and never is less than nothing there
    run = run_of([log((1, 0, 3))], [log((0, 0, 2))], 4.0, n_items=1)
    assert run.depth() == ([0.0, 2, 2], [0, 1, 0])
    # its put has not returned at all yet: it is not counted
    run = run_of([log((1, 0, None))], [log((0, 0, 2))], 4.0, n_items=1)
    assert run.depth() == ([0.0], [0]) and run.n_taken == 1


def test_a_full_queue_is_never_fuller_than_full():
    # item 0 was got at 4, but its place was free for item 1 at 3 already
    run = run_of([log((1, 0, 1), (2, 1, 3))], [log((0, 0, 4))], 5.0, maxsize=1)
    assert run.depth()[1] == [0, 1, 1, 1] and run.deepest == 1


def test_the_slower_side_sets_the_time_expected():
    # consuming 10 items by 3: 4 × 0.3 = 1.2 s, after 0.1 s for the first.  producing by 2: 5 × 0.1 + 0.3 = 0.8
    assert plan_queue_run(2, 3, 0, 10, 100, 300).expected_seconds == pytest.approx(1.3)
    # producing 10 items by 1: 2 s, and 0.1 s for the last.  consuming by 4: 3 × 0.1 + 0.2 = 0.5
    assert plan_queue_run(1, 4, 0, 10, 200, 100).expected_seconds == pytest.approx(2.1)


# ── what the pictures show ────────────────────────────────────────────────────────────────────


def texts(ax, gid):
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def test_titles_and_the_alt_text_say_the_figures(whole):
    assert texts(plot_depth(whole), "title") == ["Items in the queue: at most 1; 0.2 items a second come out"]
    assert texts(plot_queue_lanes(whole), "title") == [
        "Who waits for whom: producers blocked in put 50 %, consumers waiting for items 54 % of their time"
    ]
    assert describe_queue(whole) == (
        "1 producer, 2 consumers, no limit: at most 1 item in the queue, 0.2 items a second; producers blocked in put "
        "50 %, consumers waiting for items 54 % of their time."
    )
    assert "nothing measured yet" in describe_queue(plan_queue_run())


def test_the_line_of_the_depth_ends_with_the_run(whole):
    line = next(line for line in plot_depth(whole).lines if line.get_gid() == "depth")
    assert list(line.get_xdata()) == [0, 1, 2, 4, 5, 10] and list(line.get_ydata()) == [0, 1, 0, 1, 0, 0]


def test_lanes_are_split_into_work_and_waits_that_can_be_seen(whole):
    over, going_on = split_segments(whole, 0.5)
    # consumer 1 did not wait visibly for its sentinel, which it got at its end: work from 2 to 5
    assert over == {
        ("producer", "working"): [(0, 2, 0)],
        ("producer", "waiting"): [(2, 4, 0)],
        ("consumer", "working"): [(0, 0, 1), (2, 5, 1), (0, 0, 2), (5, 8, 2)],
        ("consumer", "waiting"): [(0, 2, 1), (0, 5, 2), (8, 10, 2)],
    }
    assert not any(going_on.values())
    over, going_on = split_segments(run_of(*EARLY, now=3.0), 0.5)
    assert over["producer", "working"] == [(0, 2, 0)] and going_on["producer", "waiting"] == [(2, 3, 0)]
    assert going_on["consumer", "working"] == [(2, 3, 1)] and going_on["consumer", "waiting"] == [(0, 3, 2)]


def test_boxes_stand_in_the_lanes_of_their_processes(whole):
    ax = plot_queue_lanes(whole)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["producer 1", "consumer 1", "consumer 2"]
    boxes = {collection.get_gid(): collection for collection in ax.collections}
    extents = [path.get_extents() for path in boxes["producer waiting"].get_paths()]
    assert [(e.x0, e.x1, e.y0 + e.y1) for e in extents] == [(2, 4, 0)]
    extents = [path.get_extents() for path in boxes["consumer waiting"].get_paths()]
    assert [(e.x0, e.x1, (e.y0 + e.y1) / 2) for e in extents] == [(0, 2, 1), (0, 5, 2), (8, 10, 2)]


def test_the_depth_expected_is_what_comes_in_while_less_goes_out():
    # 40 items at 10 ms each, 40 ms each to use: while 40 come in, a quarter goes out, 30 are left
    assert guess_depth(plan_queue_run(1, 1, 0, 40, 10, 40)) == 30
    assert guess_depth(plan_queue_run(1, 2, 0, 40, 10, 40)) == 20  # two consumers: a half
    assert guess_depth(plan_queue_run(1, 1, 8, 40, 10, 40)) == 8  # no more than there is room for
    assert guess_depth(plan_queue_run(1, 1, 0, 40, 40, 10)) == 4  # consumers keep up: never less than 4


def test_limits_grow_only_when_the_run_outgrows_them():
    assert (grow_limit(10, 10, 1.5), grow_limit(10, 10.1, 1.5), grow_limit(10, 16, 1.5)) == (10, 15, 22.5)
    # expected: 40 × 0.01 + 0.01 = 0.41 s, with 6 % to spare 0.4346 s; outgrown it is 1.4 times that, 0.60844 s
    plan, card = plan_queue_run(1, 1, 0, 40, 10, 10), QueueCard()
    ends = [card.frame(replace(plan, now=now))[1] for now in (0.0, 0.4, 0.5)]
    assert ends == pytest.approx([0.4346, 0.4346, 0.60844])
    assert card.frame(plan) == card.frame(replace(plan, now=0.4)), "the same still picture"
    busy = run_of([log(*((0, n, 0) for n in range(6)), room=6)], [log()], 0.1, n_items=6, produce_ms=10, consume_ms=10)
    assert busy.deepest == 6 and card.frame(busy)[2] == 7  # 4 expected, times 1.6 is 6.4
    assert card.frame(plan_queue_run(produce_ms=0, consume_ms=0))[1] == 0.1, "an axis is never without length"


def differing(one, other):
    """Return which share of the pixels of two pictures differ."""
    pixels = [np.asarray(Image.open(io.BytesIO(png)), int) for png in (one, other)]
    return (abs(pixels[0] - pixels[1]).max(axis=2) > 30).mean()


def test_a_card_shows_the_run_piece_by_piece_as_it_would_at_once():
    slow = {"n_items": 12, "produce_ms": 1000, "consume_ms": 1000}  # 13 s are expected: no limit is outgrown
    plan, early, late = (
        run_of([log()], [log(), log()], 0.0, **slow),
        run_of(*EARLY, now=3.0, **slow),
        run_of([PRODUCER], CONSUMERS, 12.0, complete=True, **slow),
    )
    card = QueueCard()
    for run in (plan, early, late):
        assert card.frame(run) == card.frame(plan)
        png = card.png(run)
    assert differing(png, QueueCard().png(late)) < 0.0005, "but for the rims of boxes"
    assert differing(png, QueueCard().png(early)) > 0.01
    assert len(card.parts.bottom.collections) == 4, "what is over is in the still part, no longer among the artists"


def test_at_rest_the_axis_ends_with_the_run(whole):
    assert [ax.get_xlim() for ax in draw_queue_card(whole).axes] == [(0, 10), (0, 10)]
    # a plan: 40 × 0.01 + 0.01 = 0.41 s, with 6 % to spare
    assert draw_queue_card(plan_queue_run(1, 1, 0, 40, 10, 10)).axes[0].get_xlim() == (0, pytest.approx(0.4346))


# ── what the lab says ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("putting", "getting", "settings", "words"),
    [
        (1.6, 1.4, {}, "Producers wait for consumers: 16 % of their time"),
        (1.4, 1.6, {}, "Consumers wait for producers: 16 % of their time"),
        (1.4, 1.4, {}, "Nobody waits: 1 of 2 items lay in the queue at once"),
        (1.4, 1.4, {"maxsize": 4}, "The sides keep pace: producers are blocked 14 %, consumers wait 14 %"),
        (1.4, 1.4, {"n_items": 4}, "at most 1 item lies in the queue"),
        (0, 6, {"n_items": 1, "consumers": 2}, "Only 1 item for 2 consumers"),
        (0, 6, {"consumers": 2}, "some of these consumers could go"),  # 2 × 60 % is more than one of them
        (0, 4.5, {"consumers": 2}, "the sides are nearly matched: with one consumer fewer, producers would wait"),
        (0, 2, {"n_items": 4, "consumers": 4}, "the sides are nearly matched"),  # 4 × 20 %
        (0, 3, {"n_items": 4, "consumers": 4}, "some of these consumers could go"),  # 4 × 30 %
        (0, 6, {}, "so would shorter work on an item"),
    ],
)
def test_the_advice_names_the_side_that_waits(putting, getting, settings, words):
    # each was there for 10 s and waited the seconds given
    settings = dict(settings)
    consumers = [log((9 - getting, 0, 9), ended=10)] * settings.pop("consumers", 1)
    run = run_of([log((7 - putting, 0, 7), ended=10)], consumers, 10.0, complete=True, **settings)
    assert words in advise_queue(run)


def test_waiting_for_the_sentinel_is_no_waiting_for_items():
    # both have an item at once and work 4 s on it; one waits 4 s more for its sentinel: no producer is too slow
    consumers = [log((0, 0, 0), (4, NO_ITEM, 4), ended=4), log((0, 1, 0), (4, NO_ITEM, 8), ended=8)]
    run = run_of([log((0, 0, 0), (0, 1, 0), ended=1)], consumers, 8.0, complete=True)
    assert run.waiting_share("consumer") == 0.0 and "Consumers wait" not in advise_queue(run)
    # one that got nothing else waited for no item
    idle = run_of([log((0, 0, 0), ended=1)], [log((0, NO_ITEM, 8), ended=8)], 8.0, complete=True, n_items=1)
    assert idle.waiting_share("consumer") == 0.0


def test_the_lab_tells_what_has_come_through_and_shows_nothing_of_a_run_before(monkeypatch, whole):
    lab = QueueLab(n_items=2)
    lab._receive(run_of(*EARLY, now=3.0))
    assert lab._progress_label.value == "1 of 2 items through, 0.333 a second"
    lab._receive(whole)
    assert lab._shown() is whole and "0.2 items" in lab._describe()
    lab._producers.value = 3
    assert lab._shown() is whole, "it says its own settings, and stays until the next run"
    monkeypatch.setattr("helpers.course.queue.lab.queue_steps", lambda plan, **_: iter([replace(plan, now=0.5)]))
    lab.card.png(whole)
    lab._clear(Turn(lab), lab._settings())
    record = next(lab._measure(lab._settings(), None))
    assert lab.result is None and lab._shown().n_producers == 3 and "nothing measured yet" in lab._describe()
    assert lab.card.png(record) == QueueCard().png(record), "nothing of the run before is left in the picture"


def rounds_of(*figures, present=(1, 2.0, 1.0), **settings):
    """A complete run of several rounds: earlier ones with (throughput, producer's, consumer's share), the last with
    (items, seconds blocked in put, seconds waiting in get) of 10 s."""
    items, putting, getting = present
    producer = log(*((7 - putting, number, 7) for number in range(items)), ended=10)
    consumer = log(*((9 - getting, number, 9) for number in range(items)), ended=10)
    run = run_of([producer], [consumer], 10.0, complete=True, **settings)
    earlier = tuple(QueueRound(*part) for part in figures)
    return replace(run, repeats=len(figures) + 1, earlier=earlier)


def test_figures_are_medians_over_whole_rounds_and_an_open_one_does_not_count():
    run = rounds_of((0.3, 0.1, 0.2), (0.2, 0.3, 0.4))  # and the present: 1 item in 10 s, 0.2, 0.1
    rate = run.estimate("throughput")
    assert (rate.median, rate.low, rate.high, rate.n_rounds) == pytest.approx((0.2, 0.1, 0.3, 3))
    assert (run.estimate("producer").median, run.estimate("consumer").median) == pytest.approx((0.2, 0.2))
    early = replace(run_of(*EARLY, now=3.0), repeats=3, earlier=run.earlier)
    assert early.rounds == run.earlier and early.estimate("throughput").median == pytest.approx(0.25)
    assert run_of(*EARLY, now=3.0).rounds[0].throughput == pytest.approx(1 / 3), "with nothing else, what there is"
    assert whole_titles(run) == ["Items in the queue: at most 1; 0.2 (0.1 to 0.3) items a second come out"]
    assert "median of 3 rounds; in brackets: interval" in texts(plot_depth(run), "how")[0].replace("\n", " ")


def whole_titles(run):
    return texts(plot_depth(run), "title")


def test_which_side_waits_longer_is_told_only_where_the_rounds_tell_it():
    # producers blocked 20 % in each round, consumers waiting 50, 60 and 10 %
    mixed = rounds_of((0.1, 0.2, 0.5), (0.1, 0.2, 0.6))
    assert "Both sides wait for each other: producers are blocked 20 % of their time, consumers wait 50 %" in (
        advise_queue(mixed)
    )
    clear = rounds_of((0.1, 0.2, 0.5), (0.1, 0.2, 0.6), present=(1, 2.0, 4.0))
    assert advise_queue(clear).startswith("Consumers wait for producers: 50 % of their time")


def test_doubts_of_a_queue_are_told_by_picture_text_and_advice(whole):
    assert whole.doubts == () and texts(plot_depth(whole), "doubts") == [] and "doubt" not in describe_queue(whole)
    # 0.3, 0.2 and 0.1 items a second: their middle half spans more than a tenth of 0.2
    shaky = rounds_of((0.3, 0.1, 0.2), (0.2, 0.3, 0.4))
    busy = replace(whole, noted=("other programs were using the CPUs",))
    for run, doubt in ((shaky, "rounds differ by more than 10 %"), (busy, "other programs were using the CPUs")):
        assert run.doubts == (doubt,)
        for ax in (plot_depth(run), plot_queue_lanes(run), draw_queue_card(run).axes[1]):
            assert doubt in texts(ax, "doubts")[0]
        assert describe_queue(run).endswith(f"In doubt: {doubt}.") and advise_queue(run).endswith(f"In doubt: {doubt}.")


def test_the_lab_counts_what_came_through_in_all_rounds():
    lab = QueueLab(n_items=2, repeats=3)
    lab._receive(replace(run_of(*EARLY, now=3.0), repeats=3, earlier=(QueueRound(0.2, 0.1, 0.1),)))
    assert lab._progress_label.value == "1 of 2 items through, 0.333 a second, round 2 of 3"
    assert (lab._progress.value, lab._progress.max) == (3, 6)
    assert lab._settings().repeats == 3
    with pytest.raises(InvalidArgumentError, match="would take 6 s"):  # 3 × (20 × 0.1 s) and a little
        QueueLab(n_consumers=1, n_items=20, produce_ms=0, consume_ms=100, repeats=3, timeout=5)._settings()


def test_the_lab_refuses_what_would_take_longer_than_a_run_may():
    lab = QueueLab(n_producers=1, n_consumers=1, n_items=50, produce_ms=0, consume_ms=100, timeout=5)
    assert lab._settings().expected_seconds == pytest.approx(5.0)
    lab._items.value = 60  # 60 × 0.1 s
    with pytest.raises(InvalidArgumentError, match="would take 6 s, more than the 5 s"):
        lab._settings()
    with pytest.raises(InvalidArgumentError, match="maxsize"):
        QueueLab(maxsize=-1)


# ── what the checks of the exercises find ─────────────────────────────────────────────────────


def spans(*calls):
    """The spans of calls (process, began, ended)."""
    return [(pid, 1, began, ended, "") for pid, began, ended in calls]


BESIDE, AFTER = spans((1, 0, 2), (2, 1, 3)), spans((1, 0, 2), (2, 2, 3))


def test_a_map_must_be_in_order_and_done_side_by_side():
    right = [square_large(item) for item in ITEMS]
    judge_map(right, BESIDE)
    with pytest.raises(Wrong, match="order of the items"):
        judge_map(right[::-1], BESIDE)
    with pytest.raises(Wrong, match="serial work"):
        judge_map(right, AFTER)
    with pytest.raises(Wrong, match="did some of the work itself"):
        judge_map(right, BESIDE, pid=2)
    with pytest.raises(Wrong, match="3 processes worked for it"):
        judge_map(right, spans((1, 0, 2), (2, 1, 3), (3, 1, 3)))
    with pytest.raises(Wrong, match=r"it gives None, not \[9, 1, 16, 1, 25, 81\]\.$"):
        judge_map(None, BESIDE)


@pytest.mark.parametrize(
    ("trial", "done", "words"),
    [
        (Trial("late"), {"func": 4}, "func was called for 4 of 6 items, and your function did not return. A queue"),
        (Trial("raised", error_type="Empty"), {"func": 5}, "for 5 of 6 items, and it raises Empty. A queue"),
        (Trial("returned", [1]), {"first": 6, "second": 5}, "the others were done, second was called for 5 of 6"),
        (Trial("returned", [1]), {"first": 4, "second": 4}, "first was called for 4 of 6 items and second was"),
    ],
)
def test_items_that_came_late_and_were_lost_are_counted(trial, done, words):
    judge_late(trial, 6, **dict.fromkeys(done, 6))
    with pytest.raises(Wrong) as told:
        judge_late(trial, 6, **done)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("small", "words"),
    [
        (Trial("returned", True), "Take the results first"),
        (Trial("left", False), "every process needs a sentinel of its own"),
        (Trial("late"), "Either you join before you take the results"),
    ],
)
def test_what_hangs_with_large_results_is_explained_by_what_small_ones_do(small, words):
    assert words in explain_small_map(small)


def failed(item):
    try:
        divide(item)
    except Exception as error:
        return item, "failed", repr(error)


DONE = [(5, "ok", 12), failed(0), (4, "ok", 15), failed(0), (3, "ok", 20), (2, "ok", 30), failed(0), failed("x")]
DONE += [(1, "ok", 60), (6, "ok", 10)]


@pytest.mark.parametrize(
    ("found", "joined", "codes", "words"),
    [
        (DONE[:-1], True, [0, 0], r"no result for the items \[6\]"),
        (
            [*DONE, (None, "failed", "TypeError: ?")],
            True,
            [0, 0],
            r"ends at the .* it puts .None, 'failed', 'TypeError: ",
        ),
        (
            [*DONE, (None, "failed", "?")],
            False,
            [0, None],
            "does not end at the sentinel None, but takes it for an item",
        ),
        ([*DONE, DONE[0]], True, [0, 0], r"nobody asked for the result \(5, 'ok', 12\)"),
        (
            [*DONE[:-1], (6, "ok", 9)],
            True,
            [0, 0],
            r"for the item 6 it puts \(6, 'ok', 9\); \(6, 'ok', 10\) is expected\.$",
        ),
        (
            [*DONE[:-3], (*DONE[-3][:2], "unsupported"), *DONE[-2:]],
            True,
            [0, 0],
            "'x' it puts .*: the words are the repr",
        ),
        ([*DONE[:-3], (*DONE[-3][:2], None), *DONE[-2:]], True, [0, 0], "the words are the repr of the error"),
        ([*DONE[:-1], 10], True, [0, 0], "among the results is 10"),
        (DONE, True, [0, 1], "exit code 1: an error went through it, KeyError: 0"),
        (DONE, True, [0, None], "still running: .* comes\\.$"),
        (DONE, False, [None, None], r"still running: .* Nor does tasks\.join\(\) return: is task_done\(\) called"),
        (DONE, False, [0, 0], "task_done"),
    ],
)
def test_a_careful_worker_accounts_for_every_item_and_the_sentinel(found, joined, codes, words):
    assert [item for item, _, _ in DONE] == DIVISORS
    judge_worker(DONE, True, [0, 0], [])
    with pytest.raises(Wrong, match=words):
        judge_worker(found, joined, codes, ["KeyError: 0"])
    with pytest.raises(Wrong, match="puts no result at all"):
        judge_worker([], True, [0, 0], [])


def test_what_a_worker_puts_instead_is_named():
    for instead, words in (
        ((1, "failed", "NameError: x"), "for the item 1 it puts .1, 'failed', 'NameError: x'.; .1, 'ok', 60. is"),
        ((0, "error", "no"), "for the item 0 it puts .0, 'error', 'no'.; .0, 'failed', .Zero.* is expected.$"),
    ):
        rest = [one for one in DONE if one[0] != instead[0]]
        with pytest.raises(Wrong, match=words):
            judge_worker([*rest, instead], True, [0, 0], [])


def test_a_pipeline_has_two_stages_that_work_at_the_same_time():
    right = [double(item + 1) for item in RAW]
    second = spans((3, 2, 3), (3, 4, 5))
    judge_pipeline(right[::-1], BESIDE, second)
    with pytest.raises(Wrong, match="A sentinel comes too early"):  # all six were made, and two of them taken
        judge_pipeline(right[:-1], 6 * BESIDE[:1], second)
    with pytest.raises(Wrong, match=r"12\]\.$"):
        judge_pipeline(right[:-1], BESIDE, second)
    with pytest.raises(Wrong, match="serial work"):
        judge_pipeline(right, AFTER, spans((3, 1, 3)))
    for here, words in ((1, "first ran in the process"), (3, "second ran in the process")):
        with pytest.raises(Wrong, match=words):
            judge_pipeline(right, BESIDE, second, pid=here)
    with pytest.raises(Wrong, match="second was never called"):
        judge_pipeline(right, BESIDE, [])
    with pytest.raises(Wrong, match="a single process ran first"):
        judge_pipeline(right, BESIDE[:1], second)
    with pytest.raises(Wrong, match="2 processes ran first and 2 processes ran second"):
        judge_pipeline(right, BESIDE, spans((3, 2, 3), (4, 2, 3)))
    with pytest.raises(Wrong, match="ran both functions"):
        judge_pipeline(right, BESIDE, spans((2, 2, 3)))
    with pytest.raises(Wrong, match="when the first was over"):
        judge_pipeline(right, BESIDE, spans((3, 3.5, 4)))
    with pytest.raises(Wrong, match="not a list"):
        judge_pipeline(None, BESIDE, second)


@pytest.mark.parametrize(
    ("n_firsts", "n_seconds", "words"),
    [
        (4, 4, "first was done for 4 and second for 4 of 6 items: are all items put"),
        (6, 0, "the second stage takes nothing"),
        (6, 5, "and it stopped there. A sentinel comes too early"),
        (6, 6, "the second stage needs one"),
    ],
)
def test_a_pipeline_that_hangs_is_explained_by_what_was_done(n_firsts, n_seconds, words):
    firsts, seconds = n_firsts * BESIDE[:1], n_seconds * BESIDE[1:]
    assert words in explain_late_pipeline(firsts, seconds) and explain_late_pipeline(firsts, seconds, died=True) == ""
