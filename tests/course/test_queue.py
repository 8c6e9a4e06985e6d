"""Chapter 03: queues are measured under every start method, QueueLab runs without a browser, exercises tell right
from wrong. Figures are in test_queue_figures.py."""

import functools
import itertools
import multiprocessing
import re
from array import array
from concurrent.futures import ThreadPoolExecutor

import pytest
from leftovers import no_leftovers

from helpers.course.queue import QueueLab, queue_1, queue_2, queue_3
from helpers.course.queue import tasks as queues
from helpers.course.queue.exercises import REFUSED
from helpers.course.queue.lab import advise_queue
from helpers.course.queue.measure import measure_queue, plan_queue_run, play_queue, queue_steps
from helpers.course.queue.plots import QueueCard, draw_queue_card, plot_depth, plot_queue_lanes
from helpers.course.queue.tasks import QueueLog, get_recorded, log_size, put_recorded
from helpers.errors import InvalidArgumentError, WorkerDiedError
from helpers.exercises.base import spy_on
from helpers.labs.view import DRAWING
from helpers.machine import start_methods
from helpers.measure import Watch
from helpers.tasks.spy import Spy

METHODS = sorted(start_methods())


# --- measuring --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_every_item_passes_once_and_in_order_under_every_start_method(method):
    run = measure_queue(
        n_producers=2, n_consumers=3, maxsize=2, n_items=25, produce_ms=1, consume_ms=4, start_method=method
    )
    assert run.complete and run.start_method == method and run.n_taken == 25
    producers, consumers = run.lanes[:2], run.lanes[2:]
    assert [lane.role for lane in run.lanes] == ["producer"] * 2 + ["consumer"] * 3
    assert [lane.number for lane in run.lanes] == [0, 1, 0, 1, 2]
    assert [list(lane.items) for lane in producers] == [list(range(0, 25, 2)), list(range(1, 25, 2))]
    taken = [item for lane in consumers for item in lane.items if item >= 0]
    assert sorted(taken) == list(range(25)) and all(lane.items[-1] == -1 for lane in consumers)
    for lane in run.lanes:
        times = [lane.began, *itertools.chain.from_iterable(zip(lane.asked, lane.done, strict=True)), lane.ended]
        assert times == sorted(times) and lane.ended <= run.now
    depths = run.depth()[1]
    assert 1 <= max(depths) <= 2 and min(depths) == 0 == depths[-1]
    assert run.throughput > 0 and all(0 <= run.waiting_share(role) <= 1 for role in ("producer", "consumer"))


def test_records_grow_and_the_last_one_is_complete():
    records = list(queue_steps(plan_queue_run(n_items=40, produce_ms=10, consume_ms=1)))
    assert len(records) >= 3 and [record.complete for record in records] == [False] * (len(records) - 1) + [True]
    assert [record.n_taken for record in records] == sorted(record.n_taken for record in records)
    assert records[-1].n_taken == 40


def test_every_round_passes_all_items_and_only_the_last_one_completes():
    records = list(queue_steps(plan_queue_run(n_items=8, produce_ms=1, consume_ms=1, repeats=3)))
    assert [record.complete for record in records] == [False] * (len(records) - 1) + [True]
    last = records[-1]
    assert len(last.earlier) == 2 and len(last.rounds) == 3 and last.n_taken == 8
    assert last.estimate("throughput").low is not None and all(part.throughput > 0 for part in last.rounds)
    assert [len(record.earlier) for record in records] == sorted(len(record.earlier) for record in records)
    assert measure_queue(n_items=2, produce_ms=0, consume_ms=0).estimate("throughput").low is None


def test_sides_without_work_and_a_single_place_work_too():
    run = measure_queue(n_producers=3, n_consumers=1, maxsize=1, n_items=2, produce_ms=0, consume_ms=0)
    assert run.n_taken == 2 and run.deepest == 1 and len(run.lanes[2].items) == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"n_producers": 0}, "n_producers"),
        ({"n_consumers": 17}, "n_consumers"),
        ({"maxsize": -1}, "maxsize"),
        ({"n_items": 2.5}, "n_items"),
        ({"produce_ms": -1}, "produce_ms"),
        ({"consume_ms": "long"}, "consume_ms"),
        ({"start_method": "magic"}, "start_method"),
    ],
)
def test_values_out_of_range_are_refused(wrong, words):
    with pytest.raises(InvalidArgumentError, match=words):
        measure_queue(**wrong)


def test_a_measurement_that_is_stopped_gives_what_there_was():
    records = []
    run = measure_queue(n_items=100, consume_ms=100, should_stop=lambda: len(records) > 2 or records.append(1))
    assert not run.complete and run.n_items == 100 and run.n_taken < 100
    run = measure_queue(n_items=100, should_stop=lambda: True)
    assert run == plan_queue_run(n_items=100), "before anything has happened, that is the plan"
    assert multiprocessing.active_children() == []


def test_a_round_that_is_stopped_tells_what_disturbed_it_until_then(monkeypatch):
    class Noisy(Watch):
        badges_so_far = ("others busy",)

    monkeypatch.setattr("helpers.course.queue.measure.Watch", Noisy)
    steps, records = play_queue(plan_queue_run(n_items=100, consume_ms=20), 30.0), []
    while not records or records[-1].now < 1.2:
        records.append(next(steps))
    steps.close()
    assert not records[-1].complete and records[-1].doubts == ("others busy",) and records[0].doubts == ()


def test_a_deadline_that_passes_ends_everything():
    with pytest.raises(TimeoutError, match="deadline"):
        measure_queue(n_items=100, consume_ms=500, timeout=0.4)
    no_leftovers(2)


def test_a_process_that_dies_is_reported_and_the_others_are_ended(monkeypatch):
    monkeypatch.setattr("helpers.course.queue.measure.consume", queues.double)  # gets arguments it cannot have
    with pytest.raises(WorkerDiedError, match="exit code 1"):
        list(play_queue(plan_queue_run(n_items=5, start_method="spawn"), 30.0))
    assert multiprocessing.active_children() == []


def test_the_log_notes_what_was_called_and_what_has_returned():
    log, queue = QueueLog(array("d", bytes(8 * log_size(3)))), multiprocessing.SimpleQueue()
    put_recorded(queue, 7, log)
    assert get_recorded(queue, log) == 7
    queue.put(None)
    assert get_recorded(queue, log) is None
    queue.close()
    events = [log.cells[at : at + 3].tolist() for at in (3, 6, 9)]
    assert [event[1] for event in events] == [7, 7, -1] and all(0 < asked <= done for asked, _, done in events)


# --- pictures ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured():
    return list(
        queue_steps(plan_queue_run(n_producers=1, n_consumers=2, maxsize=3, n_items=30, produce_ms=4, consume_ms=20))
    )


def test_pictures_show_the_record_and_say_when_there_is_none(measured):
    run = measured[-1]
    line = plot_depth(run).lines[-1]
    assert max(line.get_ydata()) == run.deepest and line.get_xdata()[-1] == run.now
    lanes = plot_queue_lanes(run)
    assert [label.get_text() for label in lanes.get_yticklabels()] == ["producer 1", "consumer 1", "consumer 2"]
    for plot in (plot_depth, plot_queue_lanes):
        assert [text.get_text() for text in plot(None).texts if text.get_gid() == "note"] == ["no run yet"]
    assert "press Run" in draw_queue_card(plan_queue_run()).axes[0].texts[-1].get_text()


def test_a_live_picture_keeps_its_size_while_the_run_grows(measured):
    card = QueueCard()
    pictures = [card.png(run) for run in measured]
    assert len({picture[16:24] for picture in pictures}) == 1 and len(set(pictures)) > 2


# --- the lab: what it shares with all labs is in tests/contracts/test_labs.py -------------------


def test_lab_runs_by_its_button_with_the_controls_as_they_are():
    lab = QueueLab(n_items=12, produce_ms=2, consume_ms=5)
    first = lab._picture.data
    lab._producers.value, lab._consumers.value, lab._maxsize.value, lab._items.value = 2, 3, 1, 20
    assert lab._picture.data != first, "the first picture shows the lanes that will be measured"
    lab._run_button.click()
    assert lab.wait(30) and lab.error is None
    run = lab.result
    assert run.complete and (run.n_producers, run.n_consumers, run.maxsize, run.n_items) == (2, 3, 1, 20)
    assert lab._message.value and "20 of 20 items" in lab._progress_label.value
    assert not lab._run_button.disabled and lab._stop_button.disabled


def test_advice_is_shown_with_its_picture_and_not_before():
    lab, said = QueueLab(n_items=4, produce_ms=1, consume_ms=1), []
    show = lab._show_picture
    lab._show_picture = lambda scale: (said.append((lab.running, lab._message.value)), show(scale))
    lab.run(block=True)
    assert said[0][1] == "" and said[-1] == (False, DRAWING)
    assert advise_queue(lab.result).split()[0] in lab._message.value and DRAWING not in lab._message.value


# --- exercises --------------------------------------------------------------------------------


EXERCISES = {
    "queue_1": (queue_1, "map_by_queue"),
    "queue_2": (queue_2, "careful_worker"),
    "queue_3": (queue_3, "pipeline"),
}


TAKE_ALL = "    found = dict(results.get() for _ in items)\n"
STARTED = "    for process in [*firsts, last]:\n        process.start()\n    for item in [*items, None, None]:\n"
STARTED += "        raw.put(item)\n"
WAIT_FOR_FIRSTS = "    for process in firsts:  # joining first is safe here: the last stage empties their queue\n"
WAIT_FOR_FIRSTS += "        process.join()\n    half_done.put(None)\n"
GOT = "    results = [done.get() for _ in items]\n    last.join()\n"
JOIN = "    for worker in workers:\n        worker.join()\n"


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("queue_1", TAKE_ALL + JOIN, JOIN + TAKE_ALL, "Take the results first, join afterwards"),
        ("queue_1", "None, None]", "None]", "every process needs a sentinel of its own"),
        ("queue_1", "        tasks.put(task)", "        pass", "No item was worked on"),
        ("queue_1", JOIN, "", "right: you never join both processes"),
        ("queue_1", "[found[number] for number in range(len(items))]", "sorted(found.values())", "order of the items"),
        ("queue_1", "range(2)", "range(1)", "serial work"),
        ("queue_2", "tasks.task_done()", "pass", "task_done"),
        ("queue_2", "repr(error)", "str(error)", "the words are the repr of the error"),
        ("queue_2", "except Exception", "except ZeroDivisionError", "an error went through it, TypeError"),
        (
            "queue_2",
            "except Exception as error",
            "except KeyError as error",
            "exit code 1: an error went through it, ZeroDivisionError",
        ),
        (
            "queue_3",
            "outbox.put(func(item))",
            "outbox.put(func(item))\n    outbox.put(None)",
            "A sentinel comes too early",
        ),
        ("queue_3", WAIT_FOR_FIRSTS, "    half_done.put(None)\n", "Its sentinel comes before the first result"),
        ("queue_3", "    half_done.put(None)\n", "", "the second stage needs one"),
        (
            "queue_3",
            STARTED + WAIT_FOR_FIRSTS + GOT,
            STARTED.replace("[*firsts, last]", "firsts") + "    results = [second(half_done.get()) for _ in items]\n",
            "second ran in the process that called pipeline",
        ),
        (
            "queue_3",
            "    raw, half_done",
            "    return [second(first(item)) for item in items]\n    raw, half_done",
            "first and second ran in the process that called pipeline",
        ),
    ],
)
def test_wrong_answers_are_told_why(name, old, new, words, answers, monkeypatch):
    monkeypatch.setattr("helpers.course.queue.exercises.METHODS", (None,))  # a right answer is checked under both
    monkeypatch.setattr("helpers.course.queue.exercises.PATIENCE", 4.0)
    if "serial work" in words or "called pipeline" in words:
        monkeypatch.setattr("helpers.course.queue.exercises.spy_on", functools.partial(spy_on, patience=0.4))
    if any(part in words for part in ("afterwards", "of its own", "No item", "comes before", "stage needs")):  # hangs
        monkeypatch.setattr("helpers.course.queue.exercises.CHECK_DEADLINE", 5.0)
    exercise, function = EXERCISES[name]
    assert old in exercise.answer
    verdict = exercise.check(getattr(answers(exercise.answer.replace(old, new)), function))
    state, words = ("right", words.partition(": ")[2]) if words.startswith("right") else ("wrong", words)
    assert verdict.state == state and words in verdict.words, verdict


LOOPS = {  # the target of the processes of map_by_queue, and of the first stage of a pipeline
    "sentinel": "for task in iter(tasks.get, None):\n        ",
    "empty": "while not tasks.empty():\n        task = tasks.get()\n        ",
    "nowait": "from queue import Empty\n    while True:\n        try:\n            task = tasks.get_nowait()\n"
    "        except Empty:\n            return\n        ",
    "timeout": "from queue import Empty\n    while True:\n        try:\n            task = tasks.get(timeout=0.3)\n"
    "        except Empty:\n            return\n        if task is None:\n            return\n        ",
}
MAP_AND_JOIN = """
from multiprocessing import Process, Queue

def take(func, tasks, results):
    {loop}results.put(func(task))

def map_by_queue(func, items):
    tasks, results = Queue(), Queue()
    for item in [*items, *{ends}]:
        tasks.put(item)
    workers = [Process(target=take, args=(func, tasks, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    results.put(None)
    return sorted(iter(results.get, None))
"""


def map_late(answers, tmp_path, loop, n_runs):
    """Return how many of `n_runs` with items that come late are right."""
    ends = "[None] * 2" if loop == "sentinel" else "[]"
    func, right = answers(MAP_AND_JOIN.format(loop=LOOPS[loop], ends=ends)).map_by_queue, 0
    for number in range(n_runs):
        (tmp_path / str(number)).mkdir()
        spy = Spy(tmp_path / str(number), queues.double, patience=3)
        right += queues.call_with_late_items(func, [spy], [1, 2, 3, 4, 5, 6], (0.4, 0.3)) == [2, 4, 6, 8, 10, 12]
    return right


@pytest.mark.parametrize("loop", ["empty", "nowait", "timeout"])
def test_who_takes_an_empty_queue_for_the_end_loses_items_that_come_late(answers, tmp_path, loop):
    assert map_late(answers, tmp_path, loop, 12) <= 1


def test_who_waits_for_the_sentinel_loses_none(answers, tmp_path):
    assert map_late(answers, tmp_path, "sentinel", 3) == 3


TAKE = "for number, item in iter(tasks.get, None):\n"
IMPATIENT = LOOPS["timeout"].rstrip(" ") + "        number, item = task\n"
STAGE = "for item in iter(inbox.get, None):\n        "
IMPATIENT_STAGE = LOOPS["timeout"].replace("tasks", "inbox").replace("task", "item").replace("0.3", "0.9")


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("queue_1", TAKE, IMPATIENT, "func was called for 4 of 6 items, and your function did not return. A queue"),
        ("queue_2", "while True:", "while not tasks.empty():", "not an empty queue|never got its task_done"),
        (
            "queue_3",
            STAGE,
            IMPATIENT_STAGE,
            "first was called for 4 of 6 items and second was called for 4 of 6",
        ),
    ],
)
def test_an_answer_that_gives_up_when_nothing_comes_for_a_moment_is_told(name, old, new, words, answers, monkeypatch):
    for setting, value in (("METHODS", (None,)), ("PATIENCE", 3.0), ("CHECK_DEADLINE", 7.0), ("PAUSES", (1.5, 0.5))):
        monkeypatch.setattr(f"helpers.course.queue.exercises.{setting}", value)
    exercise, function = EXERCISES[name]
    assert old in exercise.answer
    verdict = exercise.check(getattr(answers(exercise.answer.replace(old, new)), function))
    assert verdict.state == "wrong" and re.search(words, verdict.words), verdict


def test_a_pool_and_a_queue_for_threads_are_told(answers, monkeypatch):
    monkeypatch.setattr("helpers.course.queue.exercises.METHODS", (None,))
    pool = "    with Pool(2) as pool:\n        return pool.map(func, items, 1)\n"
    by_pool = answers(f"from multiprocessing import Pool\ndef map_by_queue(func, items):\n{pool}").map_by_queue
    assert queue_1.check(by_pool).words == f"{REFUSED['pool']}."
    plain = queue_1.answer.replace(
        "from multiprocessing import Process, Queue", "from multiprocessing import Process\nfrom queue import Queue"
    )
    assert "TypeError" in queue_1.check(answers(plain).map_by_queue).words


def test_workers_that_meet_at_the_same_moment_do_not_break_the_check(tmp_path):
    spy = Spy(tmp_path, len)
    with ThreadPoolExecutor(4) as pool:
        for done in [
            pool.submit(lambda: [spy._write(str(tmp_path / "met"), "") for _ in range(200)]) for _ in range(4)
        ]:
            done.result()
    assert [path.name for path in tmp_path.iterdir()] == ["met"]
