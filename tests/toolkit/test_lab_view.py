"""What is seen of a lab and what of it is saved: with a lab that counts to three, and no browser."""

import html
import re
import threading

import ipywidgets as widgets
import pytest

from helpers.errors import InvalidArgumentError, TaskFailedError
from helpers.labs import base, comms, view
from helpers.labs.base import Lab
from helpers.labs.controls import number
from helpers.labs.program import write_program
from helpers.labs.style import ONE_LINE, SAVED_STYLE
from helpers.labs.turns import BROUGHT_BACK
from helpers.plots.drawing import new_figure

PNG, VIEW = "image/png", "application/vnd.jupyter.widget-view+json"


class Counter(Lab):
    """Counts to what is chosen; `before` is called before each number, and ends it where it returns something."""

    def before(self, number):
        pass

    def _rows(self):
        self.most = number("most", "Most", 3, 0, 9, "Counts so far")
        return [[self.most]]

    def _settings(self):
        if self.most.value == 9:
            raise InvalidArgumentError("9 is too many.")
        return {"most": self.most.value}

    def _measure(self, settings, on_start):
        for n in range(1, settings.pop("most") + 1):
            if self.before(n):
                return
            yield n

    def _receive(self, record):
        self.result = record
        self._show_progress(record, 3, f"{record} counted")

    def _draw(self):
        figure = new_figure()
        figure.text(0.5, 0.5, f"{self.result} of {self.most.value}")
        return figure

    def _describe(self):
        return f"counted to {self.result}"

    def _advice(self):
        return "" if self.result is None else f"{self.result} <is> enough."

    def code(self):
        return write_program("Counts", {"MOST": self.most.value}, "import sys\n\ndef main():\n    print(MOST, sys)")


@pytest.fixture
def displayed(monkeypatch):
    """The outputs below a cell as they would be saved: [(data, metadata)], kept up to date."""
    outputs, places = [], {}

    def display(data, metadata=None, raw=False, display_id=None, update=False):
        assert raw and (display_id is not None or not update)
        if update:
            outputs[places[display_id]] = data, metadata
        else:
            places[display_id] = len(outputs)
            outputs.append((data, metadata))

    monkeypatch.setattr(view, "display", display)
    return outputs


def test_before_a_run_a_saved_lab_is_one_line_its_empty_picture_and_no_advice(displayed):
    lab = Counter()
    lab._ipython_display_()
    (controls, _), (picture, about), (words, _) = displayed
    assert controls["text/plain"] == ONE_LINE and set(controls) == {VIEW, "text/plain"}
    assert controls[VIEW]["model_id"] == lab._box.model_id
    assert picture[PNG].startswith(b"\x89PNG") and picture["text/plain"] == about[PNG]["alt"] == "counted to None"
    assert words["text/plain"] == view.NOT_YET


def test_after_a_run_its_picture_and_its_advice_are_saved_side_by_side(displayed):
    lab = Counter()
    lab._ipython_display_()
    lab.run(block=True)
    assert len(displayed) == 3, "updated, not shown again"
    (picture, about), (words, _) = displayed[1:]
    assert picture[PNG] == lab._picture.data and int.from_bytes(picture[PNG][16:20]) == 2 * lab.width
    assert about == {
        "needs_background": "light",
        PNG: {"width": lab.width, "height": lab.height, "alt": "counted to 3"},
    }
    assert words["text/plain"] == "3 <is> enough." and words["text/html"].startswith(SAVED_STYLE)
    assert words["text/html"].endswith(">3 &lt;is&gt; enough.</div>")


def test_the_error_of_a_run_is_saved_too_and_a_lab_that_is_not_shown_saves_nothing(displayed):
    lab = Counter()
    lab.before = lambda n: fail(n == 2, TaskFailedError("it broke"))
    lab.run()
    assert lab.wait(5) and displayed == []
    lab._ipython_display_()
    lab.run()
    assert lab.wait(5) and displayed[2][0]["text/plain"] == "TaskFailedError: it broke"


def fail(when, error):
    if when:
        raise error


def test_the_picture_is_a_widget_with_its_message_for_screen_readers_beside_it():
    lab = Counter()
    lab.run(block=True)
    assert bytes(lab._image.value) == lab._picture.data and lab._alt.value == "counted to 3"
    assert [*lab._box.children] == [lab._head, lab._image, lab._alt, lab._foot]


def test_a_control_shows_the_empty_picture_of_the_new_settings_until_there_is_a_result_then_marks_it():
    lab = Counter()
    pictures = [lab._picture.data]
    lab.most.value = 2
    pictures.append(lab._picture.data)
    lab.run(block=True)
    pictures.append(lab._picture.data)
    lab.most.value = 4
    pictures.append(lab._picture.data)
    assert pictures[0] != pictures[1] != pictures[2] == pictures[3]
    assert "helpers-old" in lab._image._dom_classes and lab._progress_label.value == view.OTHER_SETTINGS
    lab.most.value = 9  # which cannot be measured: said when Run is pressed
    assert "helpers-old" in lab._message._dom_classes and "9 is" not in lab._message.value
    lab.most.value = 2
    assert "helpers-old" not in lab._image._dom_classes and lab._progress_label.value == "2 counted"


def test_what_went_wrong_is_never_marked_as_old():
    lab = Counter()
    lab.run(block=True)
    lab.most.value = 9  # which cannot be measured
    assert "helpers-old" in lab._message._dom_classes
    lab.run()
    assert "9 is" in lab._message.value and "helpers-old" not in lab._message._dom_classes
    assert "helpers-old" in lab._image._dom_classes, "the picture still is of other settings"
    lab.most.value = 8  # it stands until the next run
    assert "9 is" in lab._message.value and "helpers-old" not in lab._message._dom_classes


def test_controls_that_are_moved_while_it_runs_mark_the_result_at_its_end_only():
    lab, marked = Counter(), []
    lab.before = lambda n: setattr(lab.most, "value", 5) or marked.append("helpers-old" in lab._image._dom_classes)
    assert lab.run(block=True) == 3 and marked == [False] * 3
    assert "helpers-old" in lab._image._dom_classes


def test_stopped_before_anything_was_measured_a_run_brings_the_one_before_back_twice_too():
    lab = Counter()
    lab.run(block=True)
    lab.before = lambda n: lab.stop() or "the end"
    lab.most.value = 4
    for _ in range(2):
        lab.run()
        assert lab.wait(5) and lab.result == 3 and lab._picture.alt == "counted to 3"
        assert lab._message.value == f"<div>{html.escape(f'{BROUGHT_BACK}3 <is> enough.')}</div>"
        assert "helpers-old" in lab._image._dom_classes, "of other settings than the controls say"
    lab.before = lambda n: lab.stop() or "the end" if n == 3 else None
    lab.run()
    assert lab.wait(5) and lab.result == 2, "what was measured before a Stop stays"


def test_a_run_that_failed_brings_nothing_back():
    lab = Counter()
    lab.run(block=True)
    lab.before = lambda n: fail(True, TaskFailedError("it broke"))
    lab.run()
    assert lab.wait(5) and lab.result is None and "it broke" in lab._message.value


def test_where_a_cell_waits_and_hears_nothing_stop_is_off_and_says_what_helps(monkeypatch):
    lab, seen, hears = Counter(), [], threading.Event()
    monkeypatch.setattr(base, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(base, "is_deaf", lambda: not hears.is_set())

    def before(n):
        wait_for = (n == 1) is lab._stop_button.disabled
        while not wait_for:
            wait_for = (n == 1) is lab._stop_button.disabled
        seen.append((lab._stop_button.disabled, lab._progress_label.value))
        hears.set()

    lab.before = before
    lab.run(block=True)
    assert [off for off, _ in seen] == [True, False, False]
    assert "interrupt the kernel to stop" in seen[0][1] and "interrupt" not in seen[1][1]
    assert lab._progress_label.value == "3 counted" and lab._stop_button.disabled and not lab._run_button.disabled


class Kernel:
    """What `is_deaf` asks of ipykernel: the list of its subshells."""

    def __init__(self, *subshells):
        self.kernel = self.shell_channel_thread = self.manager = self
        self.list_subshell = lambda: subshells


@pytest.mark.parametrize(("shell", "deaf"), [(None, False), (Kernel("a"), False), (Kernel(), True)])
def test_only_a_cell_of_a_kernel_without_another_way_is_deaf(monkeypatch, shell, deaf):
    monkeypatch.setattr(comms, "get_ipython", lambda: shell)
    assert comms.is_deaf() is deaf
    if shell is not None:
        shell.shell_channel_thread = None  # a kernel that has no such threads
        assert comms.is_deaf()
    heard = []
    thread = threading.Thread(target=lambda: heard.append(comms.is_deaf()))
    thread.start()
    thread.join()
    assert heard == [False], "another thread than that of the cells does not keep the kernel busy"


def test_messages_of_all_widgets_of_a_lab_go_where_the_page_sends_them(monkeypatch):
    class Comm:
        comm_id = "a comm"
        on_msg = close = send = lambda *args, **more: None

        def _reply_subshell_for(self, data, default):
            return "the thread that sent last"

    inner, outer = widgets.Button(), widgets.VBox()
    outer.children = [widgets.HBox([inner])]
    found = [outer, outer.children[0], inner]
    for one in found:
        one.comm = Comm()
    comms.hear_everywhere(outer)
    assert [one.comm._reply_subshell_for for one in found] == [None] * 3
    comms.hear_everywhere(Counter()._box)  # where the kernel knows nothing of it


def test_show_code_follows_the_controls_and_a_run_closes_it():
    lab = Counter()
    lab._toggle_code()
    assert "MOST = 3" in re.sub("<[^>]*>", "", lab._extra.value)
    assert "max-height:32em;overflow:auto" in lab._extra.value, "a program with many items is no wall: it scrolls"
    lab.most.value = 5
    assert "MOST = 5" in re.sub("<[^>]*>", "", lab._extra.value)
    lab.run(block=True)
    assert lab._extra.value == ""
    lab.code = lambda: fail(True, InvalidArgumentError("no such program"))
    lab._toggle_code()
    assert lab._extra.value == "" and "no such program" in lab._message.value


def test_a_program_begins_with_its_imports_and_the_constants_chosen():
    source = write_program(
        "Says it", {"WORD": "a'b", "N": 2}, "import sys\nimport time\n\ndef main():\n    print(WORD)\n"
    )
    compile(source, "program", "exec")
    assert source.splitlines()[:6] == ['"""Says it."""', "", "import sys", "import time", "", 'WORD = "a\'b"']
    assert source.rstrip().endswith("main()")
