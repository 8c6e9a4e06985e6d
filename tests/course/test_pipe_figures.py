"""Figures of the Pipe chapter, from hand-written stamps; the answers were worked out on paper."""

import os
from dataclasses import replace

import pytest

from helpers.course.pipe import partners
from helpers.course.pipe.exercises import (
    PAUSE_BEFORE,
    REQUESTS,
    _explain_silence,
    _judge_exchange,
    judge_gathered,
    judge_workers,
)
from helpers.course.pipe.lab import advise_trips, find_fastest, say_progress
from helpers.course.pipe.measure import TripsProgress, seconds_left
from helpers.course.pipe.plots import describe_trips, doubts_in_picture, plot_bandwidth, plot_trip_times
from helpers.course.pipe.trips import COPY, Deliveries, Trip, Trips
from helpers.errors import HelpersError, NotEnoughPointsError
from helpers.exercises.base import Wrong


def trips_of(**ways):
    """Trips of 1,000,000 bytes: {way: seconds of a visit of 10 trips, by round}, round 0 first."""
    found = [Trip(way, 10**6, number, 10, wall) for way, walls in ways.items() for number, wall in enumerate(walls)]
    return Trips(tuple(found), "spawn", 3, True)


#: A trip takes 10, 20, 30 ms by send, 2, 4, 6 ms by copy; the warm-up was far slower.
SOME = trips_of(send=(9.0, 0.1, 0.2, 0.3), copy=(9.0, 0.02, 0.04, 0.06))


def test_a_trip_is_its_part_of_the_visit_and_the_warm_up_counts_nowhere():
    assert Trip("send", 1, 1, n_trips=40, wall=2.0).seconds == 0.05
    assert (SOME.seconds("send", 10**6).median, SOME.n_rounds("send", 10**6)) == (0.02, 3)
    assert SOME.median("send", 10**6) == 0.02 and trips_of(send=(9.0, 0.1, 0.3)).median("send", 10**6) == 0.02
    assert (SOME.seconds("send", 10**6).low, SOME.seconds("send", 10**6).high) == (0.01, 0.03)
    assert SOME.ways() == ["send", COPY] and SOME.sizes("send") == [10**6]
    with pytest.raises(HelpersError, match="not measured"):
        SOME.seconds("send", 2)


def test_the_latency_is_the_median_over_small_sizes_of_each_round():
    # rounds of 1, 10, 100 B: (1, 2, 9) → 2 ms; (1, 3, 3) → 3 ms; (4, 4, 50) → 4 ms: their median is 3 ms, from 2 to 4
    walls = {1: (900, 1, 1, 4), 10: (900, 2, 3, 4), 100: (900, 9, 3, 50), 10**6: (None, 43, 43, 43)}
    trips = Trips(
        tuple(Trip("send", size, n, 10, w / 100) for size, ms in walls.items() for n, w in enumerate(ms) if w),
        "spawn",
        3,
        True,
    )
    latency = trips.latency("send")
    assert (latency.median, latency.low, latency.high, latency.n_rounds) == pytest.approx((0.003, 0.002, 0.004, 3))
    # the largest takes 43 ms: 40 more for 1,000,000 bytes, 40 ns each
    assert trips.line("send") == pytest.approx((0.003, 4e-8))
    assert trips.latency("send", most_bytes=1).median == pytest.approx(0.001)
    with pytest.raises(HelpersError, match="at most 1,000 bytes"):
        SOME.latency("send")


def test_bandwidth_counts_both_directions():
    # 2 × 1,000,000 bytes in 0.02 s; the fastest trip is the upper end
    rate = SOME.bandwidth("send", 10**6)
    assert (rate.median, rate.low, rate.high) == pytest.approx((1e8, 2e6 / 0.03, 2e8))


def test_ratios_are_of_bandwidths_and_pair_their_rounds():
    # send takes 5 times as long in every round: a fifth of the bandwidth, and no doubt about it
    ratio = SOME.ratio(10**6, "send")
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((0.2, 0.2, 0.2))
    assert SOME.ratio(10**6, COPY, "send").median == pytest.approx(5)


def test_advice_and_alt_text_name_the_figures():
    trips = trips_of(send=(1, 0.2, 0.2, 0.2), shared=(1, 0.05, 0.05, 0.05), copy=(1, 0.04, 0.04, 0.04))
    # 1 MB there and back in 5 ms: 400 MB/s, 0.8 of the copy; send takes 4 times as long
    assert advise_trips(trips) == (
        "1 MB there and back: shared memory 5 ms, Pipe.send 20 ms. 1 MB: shared memory moves 400 MB/s, "
        "0.80 (0.80 to 0.80) times a plain memory copy; Pipe.send takes 4.0 times as long."
    )
    assert "shared memory 400 MB/s" in describe_trips(trips) and "Pipe.send 100 MB/s" in describe_trips(trips)
    # a first look, one round each: figures, and that they are not told apart
    assert advise_trips(trips_of(send=(1, 0.2), shared=(1, 0.05))).endswith(
        "1 MB: shared memory moves 400 MB/s; these rounds do not tell shared memory and Pipe.send apart."
    )
    assert "memory copy" not in advise_trips(trips_of(send=(1, 0.2))) and advise_trips(trips_of(send=(1.0,))) == ""


def test_a_way_is_called_the_fastest_only_where_its_interval_stands_clear():
    # 4 to 6 ms, 5 to 7 ms, 20 ms: the first two overlap
    trips = trips_of(shared=(1, 0.04, 0.05, 0.06), send_bytes=(1, 0.05, 0.06, 0.07), send=(1, 0.2, 0.2, 0.2))
    assert find_fastest(trips, ["send", "send_bytes", "shared"], 10**6) == (["shared", "send_bytes", "send"], 2)
    said = advise_trips(trips)
    assert "Pipe.send 20 ms; these rounds do not tell shared memory and send_bytes apart." in said
    assert "Pipe.send takes 4.0 times as long; these rounds do not tell shared memory and send_bytes apart." in said


def test_doubts_of_trips_are_told_by_picture_text_and_advice():
    steady = trips_of(send=(1, 0.2, 0.2, 0.2), copy=(1, 0.04, 0.04, 0.04))
    assert not texts(plot_trip_times(steady), "doubts") and "doubt" not in advise_trips(steady)
    busy = replace(steady, noted=("other programs were using the CPUs", "more workers than the 1 usable CPUs"))
    # the middle half of 0.1, 0.2, 0.3 spans more than a tenth of 0.2
    shaky = trips_of(send=(1, 0.1, 0.2, 0.3), copy=(1, 0.04, 0.04, 0.04))
    for trips, doubt in ((busy, "other programs were using the CPUs"), (shaky, "rounds differ by more than 10 %")):
        assert trips.doubts(10**6) == (doubt,)
        for plot in (plot_trip_times, plot_bandwidth):
            assert doubt in texts(plot(trips), "doubts")[0]
        assert describe_trips(trips).endswith(f"In doubt: {doubt}.")
        assert advise_trips(trips).endswith(f"In doubt: {'; '.join(doubts_in_picture(trips))}.")
    assert shaky.unsteady("send") == [10**6] and shaky.unsteady(COPY) == [] and shaky.doubts() == ()
    assert "rounds differ by more than 10 % (hollow)" in texts(plot_bandwidth(shaky), "doubts")[0]
    many = replace(shaky, noted=(*busy.noted, "slowed by the CPU quota", "one more reason that takes some room"))
    for plot in (plot_trip_times, plot_bandwidth):  # there is not room for all: what the points mean is told first
        assert " ".join(texts(plot(many), "doubts")[0].split()).startswith(
            "⚠ in doubt: rounds differ by more than 10 % (hollow)"
        )
    # only the middle one of three sizes differs: the message has figures of the others, and tells it as the picture
    walls = {1: (1, 0.1, 0.1, 0.1), 1000: (1, 0.1, 0.2, 0.3), 10**6: (1, 0.2, 0.2, 0.2)}
    sizes = [Trip("send", size, n, 10, wall) for size, row in walls.items() for n, wall in enumerate(row)]
    assert advise_trips(Trips(tuple(sizes), "spawn", 3, True)).endswith("rounds differ by more than 10 % (hollow).")
    assert [line.get_gid() for line in plot_bandwidth(shaky).lines if "hollow" in line.get_gid()] == ["send hollow"]


def texts(ax, gid):
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def test_a_delivery_tells_its_ratios_and_its_doubts():
    # 3, 1, 2 s sent; 0.6, 0.55, 0.95 s shared with the copy: median 2 / 0.6; without it 0.1, 0.3, 0.2: 2 / 0.2
    delivery = Deliveries(100, sent=(3.0, 1.0, 2.0), copied_in=(0.5, 0.25, 0.75), shared=(0.1, 0.3, 0.2))
    assert delivery.ratio().median == pytest.approx(2 / 0.6)
    assert delivery.ratio(copied=False).median == pytest.approx(10)
    assert delivery.doubts == ("rounds differ by more than 10 %",)
    steady = Deliveries(100, (2.0,) * 3, (0.5,) * 3, (0.5,) * 3, noted=("slowed by the CPU quota",))
    assert steady.doubts == ("slowed by the CPU quota",) and steady.ratio().median == 2.0
    with pytest.raises(NotEnoughPointsError):
        Deliveries(100, (), (), (), False).ratio()


def test_the_pictures_draw_seconds_and_bytes_a_second():
    line = next(line for line in plot_trip_times(SOME).lines if line.get_gid() == "send")
    assert list(line.get_ydata()) == [0.02]
    line = next(line for line in plot_bandwidth(SOME).lines if line.get_gid() == "send")
    assert list(line.get_ydata()) == pytest.approx([1e8])


def test_time_left_is_known_once_every_pair_was_visited():
    visits = [(0, "send", 1), (0, COPY, 1), (1, COPY, 1), (1, "send", 1), (2, "send", 1)]
    done = [Trip("send", 1, 0, 40, 5.0), Trip(COPY, 1, 0, 4000, 1.0), Trip(COPY, 1, 1, 4000, 0.5)]
    assert seconds_left(done[:1], visits) is None
    assert seconds_left(done, visits) == 10.0  # twice send, 5 s each
    assert seconds_left(done[:2], visits) == 1.0 + 5.0 + 5.0
    assert say_progress(TripsProgress(3, 5, 10.0, SOME)) == "3 of 5 visits, 10 s left"
    assert say_progress(TripsProgress(5, 5, 0.0, SOME)) == "5 of 5 visits"


def test_only_the_trips_after_the_warm_ones_are_timed(monkeypatch):
    now, made = [100.0], []

    def trip(number):
        made.append(number)
        now[0] += 1.0 if number < 2 else 0.25  # a warm-up takes 1 s, a trip a quarter

    monkeypatch.setattr(partners, "perf_counter", lambda: now[0])
    assert partners.time_trips(trip, n_trips=4, n_warm=2) == 1.0 and made == [0, 1, 2, 3, 4, 5]


class Told:
    """A partner that answers at once and, as a real one does, copies what lies in the inbox into the outbox."""

    def __init__(self):
        self.data, self.blocks, self.copies = self, None, 0

    def prepare(self, way, size_bytes, n_trips, blocks):
        self.blocks = blocks

    def send_bytes(self, _byte):
        inbox, outbox = (partners.SharedMemory(name) for name in self.blocks)
        self.copies += 1
        outbox.buf[:100] = inbox.buf[:100]
        for block in (inbox, outbox):
            block.close()

    def recv_bytes(self):
        return b"!"


def test_every_trip_by_shared_memory_is_copied_in_and_told():
    partner = Told()
    assert partners.time_shared(partner, 100, n_trips=5, n_warm=1) > 0
    assert partner.copies == 6


@pytest.mark.parametrize("way", ["send", "send_bytes", "queue", "shared", COPY])
def test_what_comes_back_by_a_real_partner_is_what_was_sent_last(way):
    with partners.open_partner("fork" if hasattr(os, "fork") else "spawn") as partner:
        assert partners.TIMED[way](partner, 1000, 3, 1) > 0


def test_a_delivery_has_medians_of_its_parts():
    delivery = Deliveries(100, sent=(3.0, 1.0, 2.0), copied_in=(0.5, 0.25, 0.75), shared=(0.1, 0.3, 0.2))
    assert (delivery.median("sent"), delivery.median("copied_in"), delivery.median("shared")) == (2.0, 0.5, 0.2)


def test_a_delivery_by_shared_memory_tells_filling_and_handing_over_apart(monkeypatch):
    # filled from 10 to 12, looked at until 15: 2 s and 3 s
    times = [10.0, 12.0, 15.0]
    monkeypatch.setattr(partners, "perf_counter", lambda: times.pop(0))
    crew = type("Crew", (), {"ask_all": lambda self, questions: None})()
    assert partners.deliver_shared(crew, b"12345") == (2.0, 3.0)
    times[:] = [10.0, 14.0]
    assert partners.deliver_pickled(crew, b"12345") == 4.0


def test_the_model_is_drawn_as_the_sum_of_latency_and_time_of_the_bytes():
    seconds = {1: 3e-5, 1_000: 5e-5, 1_000_000: 4e-3}
    found = [
        Trip(way, size, number, 2, 2 * each)
        for way in ("send", COPY)
        for number in (1, 2, 3)
        for size, each in seconds.items()
    ]
    ax = plot_trip_times(Trips(tuple(found), "spawn", 3, True), model="send")
    (line,) = [line for line in ax.lines if line.get_gid() == "model"]
    x, y = line.get_data()
    assert (x[0], x[-1]) == pytest.approx((1, 1_000_000)) and y[-1] == pytest.approx(4e-3)
    assert list(y) == pytest.approx([4e-5 + size * (4e-3 - 4e-5) / 1_000_000 for size in x])
    assert "dotted: latency + size" in " ".join(text.get_text() for text in ax.texts)
    assert "model" not in {line.get_gid() for line in plot_trip_times(Trips(tuple(found), "spawn", 3, True)).lines}


# ── what the checks of the exercises find ─────────────────────────────────────────────────────


def test_workers_are_two_other_processes_with_a_pipe_each():
    beside = [(1, 1, 0.0, 2.0, ""), (2, 1, 1.0, 3.0, "")]
    after = [(1, 1, 0.0, 1.0, ""), (2, 1, 1.0, 2.0, "")]
    for n_pipes in (0, 2, 5):  # none was seen, or one each, or more
        judge_workers(beside, pid=9, n_pipes=n_pipes)
    for calls, pid, n_pipes, words in (
        (beside, 2, 2, "the process that called gather did the work, or some of it"),
        (after, 9, 2, "never by 2 at the same time"),
        ([*beside, (3, 1, 1.0, 2.0, "")], 9, 3, "3 processes did the work where n_workers is 2"),
        (beside, 9, 1, "2 workers share 1 pipe"),
    ):
        with pytest.raises(Wrong, match=words):
            judge_workers(calls, pid, n_pipes)


def test_gathered_results_are_in_the_order_of_the_items():
    judge_gathered([1, 4], [1, 4], [1, 2])
    for value, words in (([4, 1], "in another order"), (None, "gives None, and the plain loop .1, 4.")):
        with pytest.raises(Wrong, match=words):
            judge_gathered(value, [1, 4], [1, 2])


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (("late", "late"), "10 bytes it did not return within 5 s: so little fits"),
        (("late", b"A"), "10 bytes it did not return"),
        ((["EOFError"], ["KeyError: 1"]), "first=False raises KeyError: 1."),
        ((["KeyError: 1"], ["EOFError"]), "first=True raises KeyError: 1."),
        ((["EOFError"], "late"), r"first=True raises EOFError\.$"),
        ((["EOFError"], ["EOFError"]), r"first=True raises EOFError\.$"),
        ((["EOFError"], b"A"), "first=True raises EOFError. The other side had returned by then"),
        ((b"B", ["BrokenPipeError"]), "first=False raises BrokenPipeError. The other side had returned by then"),
        (("nothing", "nothing"), "the two sides got nothing and nothing"),
        ((b"A", b"B"), "first=True returns the message that it sent itself"),
    ],
)
def test_the_reason_of_a_failed_exchange_is_told_before_what_followed_from_it(found, words):
    _judge_exchange((b"B", b"A"), 10)
    with pytest.raises(Wrong, match=words):
        _judge_exchange(found, 10)


@pytest.mark.parametrize(
    ("silent_at", "words", "not_said"),
    [(2, "request 3 of 5, 0.* and no end", "pause"), (3, "request 4 of 5, -4.*a pause is no end", "0 is a number")],
)
def test_a_zero_and_a_pause_are_told_apart(silent_at, words, not_said):
    assert REQUESTS[2] == 0 and PAUSE_BEFORE == 3
    found = {"alive": False, "raised": None, "returned": None, "exitcode": 0}
    with pytest.raises(Wrong, match=words) as said:
        _explain_silence(found, silent_at)
    assert not_said not in str(said.value)
