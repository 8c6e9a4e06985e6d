"""One contract for every lab: shown, run, watched, stopped, run again, closed. A new lab gets its row in CASES."""

import _thread
import html
import importlib
import os
import pkgutil
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import ipywidgets as widgets
import pytest
from leftovers import descendants, no_leftovers

import helpers.course
import helpers.labs
from helpers.errors import HelpersError, InvalidArgumentError
from helpers.labs.base import LIVE_SCALE, REST_SCALE
from helpers.labs.style import STYLE
from helpers.labs.turns import BROUGHT_BACK
from helpers.labs.view import OTHER_SETTINGS
from helpers.plots import doubts
from helpers.tasks import wait
from helpers.words import as_html


@dataclass(frozen=True)
class Case:
    """How one lab is tried: `quick` is over in a second, `long` lasts until it is stopped."""

    quick: dict
    long: dict
    #: record → how much was measured; it grows
    amount: object
    #: lab → one control gets a value of which the error message says `words`; None where no control can be wrong
    spoil: object = None
    words: str = ""
    #: lab → settings under which `quick` was not measured
    change: object = None
    arguments: tuple = ()


def unpress(controls):
    for control in controls.values():
        control.value = False


CASES = {
    "SpeedupLab": Case(
        {"engines": ("serial", "threads"), "n_workers": (1, 2), "repeats": 3},
        {"engines": ("processes",), "n_workers": (2,), "repeats": 100},
        lambda sweep: len(sweep.runs),
        lambda lab: setattr(lab._chunk, "value", "many"),
        "Chunk size must be",
        lambda lab: unpress({1: lab._counts[1]}),
        arguments=(wait.wait_ms, (2,) * 6),
    ),
    "ProcessLab": Case(
        {"n_processes": 2, "task_seconds": 0.1, "repeats": 1},
        {"n_processes": 2, "task_seconds": 3.0},
        lambda run: (
            (sum(line.began is not None for line in run.lives.lines) if run.lives else 0)
            + (run.costs.n_rounds if run.costs else 0)
        ),
        change=lambda lab: setattr(lab._n_processes, "value", 3),
    ),
    "PoolLab": Case(
        {"n_tasks": 40, "task_ms": 10.0, "kind": "waiting"},
        {"n_tasks": 400, "task_ms": 50.0, "kind": "waiting"},
        lambda run: int(run is not None),
        lambda lab: setattr(lab._chunk, "value", "many"),
        "Chunk size must be",
        lambda lab: setattr(lab._workers, "value", 3),
    ),
    "QueueLab": Case(
        {"n_items": 80, "produce_ms": 10, "consume_ms": 10},
        {"n_items": 500, "consume_ms": 100},
        lambda run: run.n_taken,
        lambda lab: (setattr(lab._items, "value", 5000), setattr(lab._consume, "value", 200)),
        "fewer items",
        lambda lab: setattr(lab._consumers, "value", 3),
    ),
    "PipeLab": Case(
        {"ways": ("send", "shared"), "smallest": 1, "largest": 1000, "repeats": 1},
        {"ways": "send", "smallest": 1, "largest": 1000, "repeats": 100},
        lambda trips: len(trips.trips),
        lambda lab: unpress(lab._ways),
        "at least one way",
        lambda lab: unpress({"shared": lab._ways["shared"]}),
    ),
    "LockLab": Case(
        {"n_workers": (1, 2), "repeats": 1},
        {"n_workers": (2,), "repeats": 100},
        lambda sweep: len(sweep.runs),
        lambda lab: unpress(lab._counts),
        "at least one",
        lambda lab: setattr(lab._share, "value", 70),
    ),
    "ValueLab": Case(
        {"n_updates": 5_000, "ways": ("no lock", "lock per update", "manager")},
        {"n_updates": 500_000, "ways": ("manager",)},
        lambda counting: sum(count.made for count in counting.counts),
        lambda lab: unpress(lab._ways),
        "at least 1 way",
        lambda lab: setattr(lab._updates, "value", 2_000),
    ),
    "ApproachLab": Case(
        {"kind": "waiting", "approaches": ("threads", "processes"), "repeats": 3},
        {"kind": "waiting", "size": 5.0, "approaches": ("threads", "asyncio"), "repeats": 100},
        lambda record: len(record.runs),
        lambda lab: unpress(lab._pressed),
        "at least one approach",
        lambda lab: setattr(lab._workers, "value", 3),
    ),
}


def find_labs():
    """Return {name: class} of every lab that a face lends."""
    faces = [helpers.labs]
    faces += [
        importlib.import_module(f"helpers.course.{room.name}") for room in pkgutil.iter_modules(helpers.course.__path__)
    ]
    found = {name: getattr(face, name) for face in faces for name in face.__all__ if name.endswith("Lab")}
    del found["Lab"]
    return found


LABS = find_labs()


def make(name, options="quick", **more):
    case = CASES[name]
    return LABS[name](*case.arguments, **{**getattr(case, options), **more})


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def amount(name, lab):
    return CASES[name].amount(lab.result) if lab.result is not None else 0


def is_complete(record):
    return record is not None and record.complete


def start(name, lab):
    """Press Run and wait until something is measured, and more is to come."""
    lab._run_button.click()
    # a pool's record comes at its end: what goes on is seen from the progress bar
    wait_until(lambda: amount(name, lab) or (name == "PoolLab" and 0 < lab._progress.value < lab._progress.max))
    assert lab.running


@pytest.mark.any_python
@pytest.mark.parametrize("name", CASES)
def test_no_picture_asks_for_run_while_it_runs(name, monkeypatch):
    lab, drawn = make(name), []

    def draw(figure, scale=1.0):
        drawn.append((lab.running, " ".join(text.get_text() for ax in figure.axes for text in ax.texts)))
        return b""

    monkeypatch.setattr("helpers.plots.figure_png", draw)
    monkeypatch.setattr(type(lab), "_measure", lambda *_: iter(()))
    lab._redraw()
    lab.run()
    assert lab.wait(20) and [said for running, said in drawn if running and "press run" in said.lower()] == []
    if name == "ProcessLab":
        assert "press Run" in drawn[0][1] and any(running and "starting …" in said for running, said in drawn)
    lab.close()


def pixels(picture):
    """Return (width, height) as the PNG says."""
    assert picture.data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(picture.data[16:20]), int.from_bytes(picture.data[20:24])


def controls_of(box):
    """Yield all controls below a box: what can be pressed, chosen or typed into."""
    for widget in box.children:
        if isinstance(widget, widgets.Box):
            yield from controls_of(widget)
        elif not isinstance(widget, (widgets.Label, widgets.HTML, widgets.IntProgress)):
            yield widget


class Watched:
    """A lab that was run by its button, and what was seen on the way."""

    def __init__(self, name):
        self.name, self.lab = name, make(name)
        self.before, self.said_before = self.lab._picture, self.lab._message.value
        self.frames, self.amounts, self.shares = [], [], []
        show, receive = self.lab._show_picture, self.lab._receive

        def show_and_keep(scale):
            show(scale)
            self.frames.append((scale, self.lab._picture))

        def receive_and_keep(record):
            receive(record)
            self.amounts.append(amount(name, self.lab))
            self.shares.append(self.lab._progress.value / self.lab._progress.max)

        self.lab._show_picture, self.lab._receive = show_and_keep, receive_and_keep
        pressed = time.monotonic()
        self.lab._run_button.click()
        self.returned_after = time.monotonic() - pressed
        self.went_on = self.lab.running
        self.greyed = self.lab._run_button.disabled, self.lab._stop_button.disabled
        assert self.lab.wait(30)
        del self.lab._show_picture, self.lab._receive


@pytest.fixture(scope="module", params=sorted(CASES))
def watched(request):
    return Watched(request.param)


def test_every_lab_has_its_row():
    assert set(CASES) == set(LABS)
    assert [name for name, case in CASES.items() if case.spoil is None] == ["ProcessLab"], "its controls have bounds"


def test_run_returns_at_once_and_greys_itself(watched):
    lab = watched.lab
    assert watched.went_on and watched.returned_after < 0.5 and watched.greyed == (True, False)
    assert (lab._run_button.disabled, lab._stop_button.disabled) == (False, True) and lab.error is None


def test_the_result_grows_and_the_bar_ends_full_and_green(watched):
    assert is_complete(watched.lab.result) and watched.amounts == sorted(watched.amounts)
    assert len({0, *watched.amounts}) >= 3 or watched.name == "PoolLab"
    assert len(set(watched.shares)) >= 3 and watched.shares == sorted(watched.shares) and watched.shares[-1] == 1
    assert watched.lab._progress.bar_style == "success"


def test_pictures_have_one_size_and_an_alt_text(watched):
    lab = watched.lab
    running, after = [p for scale, p in watched.frames if scale == LIVE_SCALE], watched.frames[-1]
    assert running and after[0] == REST_SCALE and after[1] is lab._picture
    for scale, picture in ((LIVE_SCALE, watched.before), *watched.frames):
        assert (picture.width, picture.height) == (lab.width, lab.height)
        assert pixels(picture) == (lab.width * scale, lab.height * scale)
        assert picture.alt.strip() and "\n" not in picture.alt
    assert lab._picture.alt != watched.before.alt and lab._picture.data != watched.before.data


def test_advice_is_a_sentence_or_two_and_none_before_a_run(watched):
    """Besides one that tells what is in doubt: a busy machine needs it."""
    assert watched.said_before == ""
    advice = watched.lab._advice()
    said = re.findall(r"[^.!?].*?[.!?](?=\s|$)", advice)
    # and what is in doubt, and how much longer tasks, or starts, take side by side
    further = re.compile(r"In doubt\b|Side by side |The \d+ in the lanes ")
    assert 1 <= sum(not further.match(text.strip()) for text in said) <= 2, advice
    assert advice[-1] in ".!?"
    assert advice.split()[0] in watched.lab._message.value and "nan" not in advice.split()


def test_the_message_tells_every_doubt_that_its_picture_tells(watched, monkeypatch):
    """Whatever was in doubt of this run; by hand-written records: the tests of each lab's figures."""
    seen, fold = [], doubts.fold_doubts
    monkeypatch.setattr(doubts, "fold_doubts", lambda badges, *rest: (seen.extend(badges), fold(badges, *rest))[1])
    lab = watched.lab
    lab.card = lab.card and lab.card.anew()
    lab._png(REST_SCALE)
    assert [doubt for doubt in seen if doubt not in lab._advice()] == []


def test_every_control_has_a_tooltip_and_a_class(watched):
    lab = watched.lab
    found = [*controls_of(lab._head), *controls_of(lab._foot)]
    assert len(found) >= 5 and {lab._run_button, lab._stop_button} <= set(found)
    for control in found:
        assert control.tooltip, control
        assert [css for css in control._dom_classes if css.startswith("helpers-")], control
    assert lab._head.children[0].value == STYLE and "helpers-lab" in lab._head._dom_classes


@pytest.mark.any_python
def test_what_was_measured_is_not_shown_as_of_other_settings(watched):
    """A record says its settings itself, or the picture is empty; the next run begins with nothing of the last."""
    lab, old = watched.lab, watched.lab.result
    known, seen = {lab._picture.alt, watched.before.alt}, []
    CASES[watched.name].change(lab)
    assert lab._picture.alt in known
    show = lab._show_picture
    lab._show_picture = lambda scale: (show(scale), seen.append(lab.result))
    try:
        new = lab.run(block=True)
    finally:
        del lab._show_picture
    assert new is lab.result and is_complete(new) and not [record for record in seen if record is old]


@pytest.mark.any_python
@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_of_other_settings_is_marked_until_the_controls_say_the_same_again(name):
    lab = make(name)
    first = {control: control.value for control in controls_of(lab._head) if hasattr(control, "value")}
    lab.run(block=True)
    picture, said = lab._picture.data, lab._progress_label.value
    assert not is_marked(lab)
    CASES[name].change(lab)
    assert is_marked(lab) and lab._progress_label.value == OTHER_SETTINGS and lab._picture.data == picture
    for control, value in first.items():
        control.value = value
    assert not is_marked(lab) and lab._progress_label.value == said
    CASES[name].change(lab)
    lab._run_button.click()
    assert not is_marked(lab) and lab._message.value == ""
    lab.stop()


def is_marked(lab):
    marks = {"helpers-old" in part._dom_classes for part in (lab._image, lab._message)}
    assert len(marks) == 1
    return marks.pop()


@pytest.mark.any_python
@pytest.mark.parametrize("name", sorted(CASES))
def test_a_run_begins_with_an_empty_picture_and_one_that_is_stopped_at_once_brings_the_last_one_back(name):
    lab, seen = make(name), []
    lab.run(block=True)
    result, advice, alt = lab.result, lab._advice(), lab._picture.alt
    measure, show = lab._measure, lab._show_picture
    lab._show_picture = lambda scale: (show(scale), seen.append(lab._picture.alt))
    lab._measure = lambda *args: (lab.stop(), measure(*args))[1]
    lab.run()
    assert lab.wait(20) and lab.error is None
    assert seen[0] != alt and seen[-1] == alt, "empty at first, then the run before"
    assert lab.result is result and lab._message.value == f"<div>{as_html(BROUGHT_BACK + advice)}</div>"
    assert "stopped" in lab._progress_label.value and not is_marked(lab)
    del lab._show_picture, lab._measure
    assert lab.run(block=True) is not result and BROUGHT_BACK not in lab._message.value
    no_leftovers(0.5)


def program_text(lab):
    """Return the program that a lab shows as a reader copies it: without its colours."""
    assert lab._extra.value.endswith("</pre>") and "-keyword-color" in lab._extra.value
    return html.unescape(re.sub(r"<[^>]*>", "", lab._extra.value))


@pytest.mark.parametrize("name", sorted(CASES))
def test_show_code_shows_a_program_that_runs_as_it_stands(name, tmp_path):
    lab = make(name)
    (button,) = [one for one in controls_of(lab._foot) if "helpers-code" in one._dom_classes]
    button.click()
    assert program_text(lab).endswith(lab.code()) and "helpers" not in lab.code()
    assert button.description == "Hide code"
    path = tmp_path / "program.py"
    path.write_text(lab.code(), encoding="utf-8")
    done = subprocess.run([sys.executable, "-P", path], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip() and not done.stderr, done.stderr
    before = lab.code()
    lab._method.value = next(method for method in lab._method.options if method != lab._method.value)
    assert program_text(lab).endswith(lab.code()), "the program of the new settings"
    assert lab.code() != before or name == "SpeedupLab", "threads have no start method"
    button.click()
    assert lab._extra.value == "" and button.description == "Show code"


@pytest.mark.parametrize("name", sorted(CASES))
def test_stop_in_the_middle_ends_all_of_it_and_keeps_what_was_measured(name):
    lab = make(name, "long")
    first = lab._picture.data
    start(name, lab)
    measured = amount(name, lab)
    lab._stop_button.click()
    no_leftovers(0.5)
    assert not lab.running and lab.error is None and not lab._run_button.disabled and lab._stop_button.disabled
    assert amount(name, lab) >= measured and not is_complete(lab.result)
    assert lab._progress.bar_style == "warning" and "stopped" in lab._progress_label.value
    assert lab._extra.value == "", "no task has printed anything"
    assert lab._turn.ended.wait(60), "on a busy machine the last picture comes later"
    assert lab._picture.data != first and lab._picture.alt and pixels(lab._picture)[0] == lab.width * REST_SCALE


@pytest.mark.parametrize("name", sorted(CASES))
def test_stop_at_any_other_time_does_no_harm(name):
    lab = make(name)
    lab.stop()
    lab.stop()
    result = lab.run(block=True)
    assert result is lab.result and is_complete(result) and type(result).__module__.startswith("helpers.")
    lab.stop()
    assert lab.result is result and lab.error is None and lab._progress.bar_style == "success"


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_stop_before_the_runner_exists_is_not_forgotten(name):
    lab = make(name, "long")
    hold = lab._hold
    lab._hold = lambda playing: (lab.stop(), hold(playing))
    lab.run()
    assert lab.wait(5) and lab.error is None and not is_complete(lab.result)
    no_leftovers(0.5)


@pytest.mark.parametrize("name", sorted(name for name, case in CASES.items() if case.spoil is not None))
def test_bad_values_are_told_and_nothing_starts(name):
    case, lab = CASES[name], make(name)
    case.spoil(lab)
    lab._run_button.click()
    assert not lab.running and lab.result is None and lab._runner is None and not lab._run_button.disabled
    assert case.words in lab._message.value and "Error" not in lab._message.value, "a sentence for readers"
    with pytest.raises(InvalidArgumentError, match=case.words):
        lab.run(block=True)


@pytest.mark.parametrize("name", ["QueueLab", "SpeedupLab", "ValueLab"])
def test_run_and_stop_at_once_again_and_again(name):
    lab = make(name, "long")
    for number in range(6):
        lab.run()
        if number % 2:  # twice fast: the second run ends the first
            lab.run()
        time.sleep(0.03 * number)
        lab.stop()
        assert not lab.running and lab.error is None and lab._runner is None
        no_leftovers(0)
    assert (lab._run_button.disabled, lab._stop_button.disabled) == (False, True)
    assert lab._progress.bar_style == "warning" and "stopped" in lab._progress_label.value


@pytest.mark.parametrize("name", ["QueueLab", "SpeedupLab", "ValueLab"])
def test_stop_from_several_threads_after_an_interrupted_wait_returns_when_all_is_over(name):
    """Before Python 3.13 an interrupted `join` takes a living thread for ended: Stop then waited for nothing."""
    lab, seen = make(name, "long"), []
    start(name, lab)
    interrupt = threading.Timer(0.1, interrupt_main)
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        lab.wait(30)
    interrupt.join()
    assert lab.running, "an Interrupt ends the waiting, not the measuring"
    threads = [threading.Thread(target=lambda: (lab.stop(), seen.append(descendants()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [[]] * 8 and not lab.running and lab.error is None and not is_complete(lab.result)


def interrupt_main():
    """Interrupt the main thread, also where it waits."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


@pytest.mark.parametrize("name", ["QueueLab", "SpeedupLab", "ValueLab"])
def test_an_interrupt_ends_a_run_that_was_waited_for(name):
    lab = make(name, "long")
    interrupt = threading.Timer(0.8, interrupt_main)
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        lab.run(block=True)
    no_leftovers(0)
    interrupt.join()
    assert not lab.running and not is_complete(lab.result) and not lab._run_button.disabled


def test_run_from_several_threads_leaves_one_running():
    labs = [make("SpeedupLab", "long") for _ in range(2)]
    threads = [threading.Thread(target=labs[number % 2].run) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(lab.running for lab in labs) == 1 and not any(lab.error for lab in labs)
    for lab in labs:
        assert lab._run_button.disabled is lab.running and lab._stop_button.disabled is not lab.running
        lab.close()
    no_leftovers(0)
    with pytest.raises(HelpersError, match="closed"):
        labs[0].run()


@pytest.mark.any_python
@pytest.mark.parametrize("name", ["QueueLab", "SpeedupLab", "ValueLab"])
def test_a_lab_whose_advice_fails_is_not_green_and_keeps_its_result(name):
    lab = make(name)
    lab._advice = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        lab.run(block=True)
    assert is_complete(lab.result) and "ZeroDivisionError" in lab._message.value
    assert lab._progress.bar_style == "warning" and "failed" in lab._progress_label.value
    assert lab._picture.alt and pixels(lab._picture)[0] == lab.width * REST_SCALE


@pytest.mark.any_python
@pytest.mark.parametrize("name", [name for name, case in sorted(CASES.items()) if "Chunk" in case.words])
@pytest.mark.parametrize("typed", ["²", "４", "0x10", "-3", "1e3", "4.0"])
def test_a_chunk_size_that_is_no_number_is_told_and_no_older_message_stays(name, typed):
    lab = make(name)
    lab._chunk.value = "many"
    lab._run_button.click()
    assert "&#x27;many&#x27;" in lab._message.value
    lab._chunk.value = typed
    lab._run_button.click()
    assert "Chunk size must be auto or a whole number" in lab._message.value and typed in lab._message.value
    assert not lab.running and lab.result is None and "many" not in lab._message.value


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("name", sorted(CASES))
def test_a_failure_is_told_and_another_lab_can_run(name):
    """The runner is killed from outside; then one lab runs, and a second one that is run stops it."""
    lab, names = make(name, "long"), sorted(CASES)
    start(name, lab)
    os.kill(lab._runner.pid, signal.SIGKILL)
    assert lab.wait(10) and isinstance(lab.error, HelpersError) and "ended by itself" in lab._message.value
    assert lab._progress.bar_style == "warning" and "failed" in lab._progress_label.value
    assert not lab._run_button.disabled and not is_complete(lab.result)
    start(name, lab)
    assert lab.error is None and "Error" not in lab._message.value
    other = make(names[names.index(name) - 1], "long")
    start(names[names.index(name) - 1], other)
    assert other.running and not lab.running and lab.error is None and not is_complete(lab.result)
    other.close()
    no_leftovers(0.5)
    with pytest.raises(HelpersError, match="closed"):
        other.run()
