"""Doubts: how badges are found while something is measured, put together, and told in pictures and sentences."""

import time

import pytest
from matplotlib.text import Text

from helpers import machine, plots
from helpers.measure import Watch, badges
from helpers.measure.badges import SHORT, Part, badges_of_parts
from helpers.plots.doubts import SIGN, fold_doubts
from helpers.plots.drawing import SMALL_SIZE, new_figure, style_axes, text_width
from helpers.records import UNSTEADY, badges_of_rounds, doubts_of, unite_badges
from helpers.words import say_doubts

OTHERS, QUOTA = "other programs were using the CPUs", "slowed by the CPU quota"


def part(wall, busy, own, throttled=0):
    return Part(wall, busy, own, throttled)


# --- found ------------------------------------------------------------------------------------


def test_load_from_others_is_that_of_all_parts_together():
    # two parts of 0.06 s, too short to tell alone: 0.12 s in which the machine used 0.24, we 0.12; 0.12 / 0.12 = 1 CPU
    parts = [part(0.06, 0.18, 0.06), part(0.06, 0.06, 0.06)]
    assert badges_of_parts(parts[:1], 2, 2, 2) == ()
    assert badges_of_parts(parts, 2, 2, 2) == (OTHERS,)
    # the same, all of it ours
    assert badges_of_parts([part(0.06, 0.12, 0.12)] * 2, 2, 2, 2) == ()


def test_a_part_that_is_too_short_or_throttled_marks_all():
    assert badges_of_parts([part(0.5, 0.5, 0.5), part(0.0009, 0.0, 0.0)], 1, 2, 2) == (SHORT,)
    assert badges_of_parts([part(0.0004, 0.0, 0.0)] * 2, 1, 2, 2) == (SHORT,)  # once
    assert badges_of_parts([part(0.5, 0.5, 0.5), part(0.5, 0.5, 0.5, throttled=2)], 1, 2, 2) == (QUOTA,)
    assert badges_of_parts([], 1, 2, 2) == ()


def moments(monkeypatch, *readings):
    """Have `read_moment` give these one after the other, each (clock, busy, own)."""
    given = iter(readings)
    monkeypatch.setattr(badges, "read_moment", lambda going_on=False: Part(*next(given), 0))


def test_more_workers_than_cpus_is_no_doubt_where_they_wait(monkeypatch):
    moments(monkeypatch, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (2.0, 0.0, 0.0))
    monkeypatch.setattr(machine, "machine_report", lambda: Report(usable_cpus=2, logical_cpus=2))
    with Watch(3) as computing:
        pass
    with Watch(3, computes=False) as waiting:
        pass
    assert computing.badges == ("more workers than the 2 usable CPUs",) and waiting.badges == ()


class Report:
    def __init__(self, **facts):
        self.facts = facts

    def to_dict(self):
        return self.facts


def test_a_watch_adds_up_its_parts_and_leaves_out_what_is_between(monkeypatch):
    # parts at 10–11 and 20–22 s; 5 s of others between them, 0.1 and 0.2 within: 0.3 in 3 s are too few to matter
    moments(monkeypatch, (10.0, 0.0, 0.0), (11.0, 1.1, 1.0), (20.0, 6.1, 1.0), (22.0, 8.3, 3.0))
    watch = Watch()
    assert watch.badges == ()
    for _ in range(2):
        with watch:
            pass
    assert watch.walls == [1.0, 2.0] and watch.badges == ()


def test_what_happens_in_a_pause_is_left_out(monkeypatch):
    # 10–20 s, paused at 12–14 and 15–18: 5 s are left, in which we used 5 CPU seconds, and others 4 in the pauses
    readings = [(10.0, 0.0, 0.0), (12.0, 2.0, 2.0), (14.0, 4.0, 2.0), (15.0, 5.0, 3.0), (18.0, 7.0, 3.0)]
    moments(monkeypatch, *readings, (20.0, 9.0, 5.0))
    with Watch(2) as watch:
        for _ in range(2):
            with watch.paused():
                pass
    assert watch.walls == [5.0] and OTHERS not in watch.badges


def test_a_part_that_goes_on_counts_up_to_now_where_that_is_asked(monkeypatch):
    # from 10 to 20 s, in which others used 15 - 5 = 10 CPU seconds, one CPU; to 30 s they use no more
    moments(monkeypatch, (10.0, 0.0, 0.0), (20.0, 15.0, 5.0), (30.0, 20.0, 10.0))
    monkeypatch.setattr(machine, "machine_report", lambda: Report(usable_cpus=2, logical_cpus=2))
    with Watch(2) as watch:
        assert OTHERS in watch.badges_so_far and watch.walls == [] and watch.badges == ()
    assert watch.walls == [20.0]


def test_a_part_that_fails_does_not_count():
    watch = Watch()
    with pytest.raises(ZeroDivisionError), watch:
        raise ZeroDivisionError
    assert watch.walls == [] and watch.badges == ()


def test_what_this_process_computes_is_its_own():
    before = machine.read_own_seconds()
    began = time.process_time()
    while time.process_time() - began < 0.1:
        pass
    assert machine.read_own_seconds() - before >= 0.05


def test_rounds_differ_by_the_spread_of_their_middle_half():
    # of 4 rounds the middle half lies between the second and the third: 9.0 apart of 100 is steady, 11 is not
    assert badges_of_rounds([110.0, 95.5, 104.5, 90.0]) == ()
    assert badges_of_rounds([90.0, 94.5, 105.5, 110.0]) == (UNSTEADY,)
    assert badges_of_rounds([50.0, 150.0]) == badges_of_rounds([]) == ()  # two rounds tell nothing


def test_badges_are_united_in_their_order_and_noise_told_apart():
    united = unite_badges(["b"], (), ("more workers than the 2 usable CPUs", "b", "a"))
    assert united == ("b", "more workers than the 2 usable CPUs", "a")
    assert doubts_of(united) == ("b", "a")


# --- told -------------------------------------------------------------------------------------

MANY = (OTHERS, QUOTA, UNSTEADY, "wide interval", SHORT)


def axes(bottom=0.145, width=0.9):
    ax = new_figure().add_axes((0.07, bottom, width, 0.6))
    style_axes(ax, "workers")
    return ax


def test_a_picture_without_doubts_says_nothing():
    ax = axes()
    assert plots.show_doubts(ax, ()) is None and not ax.texts


def test_doubts_stand_under_the_axes_within_the_card():
    for bottom, width in ((0.145, 0.9), (0.145, 0.4), (0.185, 0.4), (0.3, 0.3)):
        ax = axes(bottom, width)
        text = plots.show_doubts(ax, MANY)
        ax.figure.canvas.draw()
        box = Text.get_window_extent(text)
        assert box.y0 >= 0 and box.x1 <= ax.bbox.x1 + 1, (bottom, width)
        assert box.y1 <= ax.xaxis.label.get_window_extent().y0 + 1, (bottom, width)


def test_all_doubts_are_told_or_how_many_more():
    assert fold_doubts(("a", "b"), 1000, 1) == ([f"{SIGN}in doubt: a; b"], SMALL_SIZE)
    room = text_width(f"{SIGN}in doubt: {OTHERS}; and 2 more", SMALL_SIZE) + 1
    assert fold_doubts((OTHERS, QUOTA, UNSTEADY), room, 1) == ([f"{SIGN}in doubt: {OTHERS}; and 2 more"], SMALL_SIZE)
    lines, size = fold_doubts((OTHERS, QUOTA, UNSTEADY), room, 2)  # a second row has room for the others
    assert " ".join(lines) == SIGN + say_doubts((OTHERS, QUOTA, UNSTEADY)) and len(lines) == 2 and size == SMALL_SIZE


def test_a_doubt_wider_than_the_picture_is_written_smaller():
    lines, size = fold_doubts((OTHERS,), 60, 1)
    assert lines == [f"{SIGN}in doubt: {OTHERS}"] and text_width(lines[0], size) <= 62 and size < SMALL_SIZE


def test_sentences_tell_all_doubts():
    assert say_doubts(MANY) == f"in doubt: {OTHERS}; {QUOTA}; {UNSTEADY}; wide interval; {SHORT}"
    assert say_doubts(()) == ""
