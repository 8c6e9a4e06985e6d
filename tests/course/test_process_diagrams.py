"""The drawing of two processes: who has what, and which way it passes; readable, and told in its alt text."""

import itertools

import pytest

from helpers.course.process import draw_two_processes
from helpers.notebook.pictures import draw_png

pytestmark = pytest.mark.quick
#: The least that can be read: 11 pixels of a page at 100 to the inch, in points.
LEAST_SIZE = 11 * 72 / 100


def drawn(figure, gid):
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def test_each_process_shows_its_own_memory():
    memories = drawn(draw_two_processes(["written here"], []), "memory")
    here, there = sorted(memories, key=lambda text: text.get_position()[0])
    assert (here.get_text(), there.get_text()) == ("notes = ['written here']", "notes = []")


def test_a_start_goes_out_and_results_and_the_end_come_back():
    messages = drawn(draw_two_processes([], []), "message")
    ways = [(start[0] < end[0], start[1] == end[1]) for start, end in (arrow._posA_posB for arrow in messages)]
    assert ways == [(True, True), (False, True), (False, True)], "start() to the right, the Pipe and join() to the left"
    heights = [arrow._posA_posB[0][1] for arrow in messages]
    assert heights == sorted(heights, reverse=True), "read from the top: first receive, then join"


def test_a_long_memory_is_cut_and_nothing_overlaps_or_is_too_small():
    figure = draw_two_processes(["a note of many words"] * 9, ["x" * 500])
    figure.canvas.draw()
    texts = figure.axes[0].texts
    assert min(text.get_fontsize() for text in texts) >= LEAST_SIZE
    boxes = [text.get_window_extent() for text in texts]
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    frames = [frame.get_window_extent() for frame in drawn(figure, "process")]
    for memory in drawn(figure, "memory"):
        box = memory.get_window_extent()
        assert any(frame.x0 < box.x0 and box.x1 < frame.x1 for frame in frames), memory.get_text()
        assert memory.get_text().endswith(" …")


def test_the_alt_text_tells_all_of_it():
    facts = draw_png(draw_two_processes(["written here"], []))[1]
    assert "in the kernel notes is ['written here'], in the new process []" in facts["alt"]
    assert all(word in facts["alt"] for word in ("start()", "Pipe", "join()", "pickled")) and facts["width"] == 900
