"""Drawings that explain: what lies where, which way things pass, readable words, and an alt text that says it all."""

import itertools

import pytest

from helpers.course.pipe import COPIES
from helpers.course.pipe.diagrams import RECEIVES, SENDS, draw_copies
from helpers.course.queue.diagrams import GETS, PUTS, draw_queue_path
from helpers.course.value.diagrams import KERNEL, MIDDLE, WORKER, draw_sharing
from helpers.notebook.pictures import draw_png

pytestmark = pytest.mark.quick
#: The least that can be read: 11 pixels of a page at 100 to the inch, in points.
LEAST_SIZE = 11 * 72 / 100


def drawn(figure, gid):
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def spans(figure, gid):
    """The left and right edges of boxes, in inches, from the left."""
    return sorted((box.get_x(), box.get_x() + box.get_width()) for box in drawn(figure, gid))


def within(inner, outer):
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def test_an_object_passes_buffer_feeder_and_pipe_from_left_to_right():
    figure = draw_queue_path()
    stations = sorted(drawn(figure, "station"), key=lambda text: text.get_position()[0])
    names = ["put(object)", "buffer", "feeder thread", "pipe", "get()"]
    assert [text.get_text() for text in stations] == names
    (buffer,), (feeder,), (pipe,) = (spans(figure, gid) for gid in ("buffer", "feeder", "pipe"))
    assert spans(figure, "process") == [pytest.approx(PUTS), pytest.approx(GETS)]
    assert within(buffer, PUTS) and within(feeder, PUTS) and buffer[1] < feeder[0]
    assert pipe[0] < PUTS[1] and GETS[0] < pipe[1], "the pipe leads out of one process into the other"
    ways = [arrow._posA_posB for arrow in drawn(figure, "way")]
    assert len(ways) == 4 and all(start[0] < end[0] for start, end in ways)


def test_data_lies_where_it_lies_and_copies_are_only_where_there_are_any():
    figure = draw_sharing()
    assert spans(figure, "process")[0] == pytest.approx(KERNEL) and len(spans(figure, "process")) == 3
    data, copies, shared = (spans(figure, gid) for gid in ("data", "copy", "shared"))
    # the argument's in the kernel; those of block, Value and Manager outside both
    assert [within(one, KERNEL) for one in data] == [True, False, False, False]
    assert all(within(one, MIDDLE) for one in data[1:]) and len(shared) == 2
    # of the argument a copy in the worker, of the Manager's object one in each
    assert [within(one, KERNEL) for one in copies] == [True, False, False]
    assert all(within(one, WORKER) for one in copies[1:])
    rows = {text.get_text(): text.get_position()[1] for text in drawn(figure, "way")}
    assert list(rows) == ["argument, result", "SharedMemory", "Value, Array", "Manager"]
    # an argument goes and a result comes: there is no way of sharing of which nothing comes back
    arrows = [*drawn(figure, "message"), *drawn(figure, "sight")]
    assert len(arrows) == 7 and {one.get_arrowstyle().arrow for one in arrows} == {"<|-|>"}
    assert [note.get_text()[:4] for note in drawn(figure, "note")] == ["one ", "none", "none", "one "]


def test_an_arrow_is_a_copy_and_leads_from_the_sender_through_the_system_to_the_receiver():
    figure = draw_copies()
    assert spans(figure, "process") == [pytest.approx(SENDS), pytest.approx(RECEIVES)]
    for way in ("send", "send_bytes", "shared"):
        arrows, stations = drawn(figure, f"copy {way}"), spans(figure, f"station {way}")
        assert len(arrows) == COPIES[way] == len(stations) - 1
        for arrow, (_, left), (right, _) in zip(arrows, stations[:-1], stations[1:], strict=True):
            (start, _), (end, _) = arrow._posA_posB
            assert left < start < end < right
        assert within(stations[0], SENDS) and within(stations[-1], RECEIVES) == (way != "shared")
    assert [text.get_text() for text in drawn(figure, "number")] == ["5", "4", "1"]


@pytest.mark.parametrize("draw", [draw_queue_path, draw_sharing, draw_copies])
def test_words_are_large_enough_and_cover_nothing(draw):
    figure = draw()
    figure.canvas.draw()
    texts = figure.axes[0].texts
    assert min(text.get_fontsize() for text in texts) >= LEAST_SIZE
    boxes = [text.get_window_extent() for text in texts]
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    squares = [one.get_window_extent() for gid in ("data", "copy") for one in drawn(figure, gid)]
    assert not [1 for square in squares for box in boxes if square.overlaps(box)]


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (draw_queue_path, ["put", "buffer", "feeder", "pipe", "get"]),
        (draw_sharing, ["argument", "SharedMemory", "Value", "Manager"]),
        (draw_copies, ["Pipe.send: 5 times", "send_bytes: 4 times", "shared memory: 1 time,", "block"]),
    ],
)
def test_the_alt_text_names_every_station(draw, words):
    facts = draw_png(draw())[1]
    assert all(word in facts["alt"] for word in words) and facts["width"] == 900
