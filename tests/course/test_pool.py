"""Chapter 02: pools that are watched while they run, PoolLab without a browser, and the exercises."""

import functools
import itertools
import time

import numpy as np
import psutil
import pytest
from leftovers import no_leftovers

from helpers.course.pool import PoolLab, pool_1, pool_2, pool_3
from helpers.course.pool.break_even import measure_break_even
from helpers.course.pool.measure import FLAVOURS, PoolProgress, PoolRun, check_plan, measure_pool, pool_steps
from helpers.course.pool.plots import PoolPicture, PoolView, describe_pool, find_stripes, plot_pool
from helpers.course.pool.tasks import ORDERS, make_sizes
from helpers.errors import InvalidArgumentError, WorkerDiedError
from helpers.exercises.base import spy_on
from helpers.machine import start_methods
from helpers.measure.answers import run_answer
from helpers.plots import figure_png
from helpers.tasks.spy import Spy

METHODS = sorted(start_methods())
QUICK = {"n_tasks": 8, "task_ms": 5.0}


# ── tasks ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ORDERS)
def test_sizes_keep_their_mean_and_skew(order):
    sizes = make_sizes(9, 4.0, 25, order)
    assert sum(sizes) == pytest.approx(36) and max(sizes) / min(sizes) == pytest.approx(25)
    assert (sizes == sorted(sizes)) is (order == "longest last") and (sizes == sorted(sizes)[::-1]) is (
        order == "longest first"
    )
    assert make_sizes(1, 4.0, 25, order) == [4.0]


# ── measuring ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
def test_a_run_is_complete_and_adds_up_by_every_flavour(method):
    for flavour in FLAVOURS if method == METHODS[0] else ("starmap", "imap_unordered"):
        record = measure_pool([3] * 10, flavour=flavour, start_method=method)
        run, line = record.run, record.run.timeline
        assert (record.flavour, run.start_method, run.n_workers, run.n_items) == (flavour, method, 2, 10)
        assert len(line) == len(record.arrived) == len(record.serial_timeline) == 10 and set(line.worker) <= {0, 1}
        assert run.accounting.total == pytest.approx(2 * run.cold_wall, rel=1e-6)
        for lane in set(line.worker):
            spans = sorted(
                (s, f) for w, s, f in zip(line.worker, line.started, line.finished, strict=True) if w == lane
            )
            assert all(f <= s for (_, f), (s, _) in itertools.pairwise(spans)), "a worker does one task at a time"
        for started, finished, arrived in zip(line.started, line.finished, record.arrived, strict=True):
            assert run.startup <= started <= finished <= arrived <= run.cold_wall
        assert max(record.serial_timeline.finished) <= record.serial + 1e-6


def test_ways_of_getting_results_differ_as_they_should():
    slow_first = [200, 2, 2, 2, 2, 2]
    runs = {
        flavour: measure_pool(slow_first, flavour=flavour, kind="waiting", chunksize=1)
        for flavour in ("map", "imap", "imap_unordered")
    }
    assert len(set(runs["map"].arrived)) == 1, "map hands over everything at once"
    assert list(runs["imap"].arrived) == sorted(runs["imap"].arrived), "imap keeps the order"
    unordered = runs["imap_unordered"]
    assert np.argmax(unordered.arrived) == 0 and min(unordered.arrived) < unordered.run.timeline.finished[0]


def test_chunks_stay_with_one_worker():
    record = measure_pool([1] * 12, chunksize=4)
    assert record.run.chunksize == 4
    assert all(len(set(record.run.timeline.worker[first : first + 4])) == 1 for first in (0, 4, 8))
    spans, shades, _ = find_stripes(record.run.timeline, 4, record.run.cold_wall)
    for lane in set(spans[:, 2]):
        seen = list(shades[spans[:, 2] == lane])
        assert seen == [number // 4 % 2 for number in range(len(seen))], "neighbouring chunks differ in shade"
    assert (
        measure_pool([1] * 40, n_workers=2).run.chunksize == 5
        and measure_pool([1] * 40, flavour="imap").run.chunksize == 1
    )


def test_looks_come_while_it_goes_and_grow():
    looks = [record for record in pool_steps([30] * 12, flavour="imap", n_workers=2, kind="waiting", live=True)]
    assert isinstance(looks.pop(), PoolRun) and all(isinstance(look, PoolProgress) for look in looks)
    for phase in ("serial", "pool"):
        done = [look.done for look in looks if look.phase == phase]
        assert len(done) >= 3 and done == sorted(done) and done[-1] > done[0]
    assert any(0 < look.done < 12 for look in looks if look.phase == "pool")


def test_every_round_gives_a_record_that_grows():
    steps = list(pool_steps([3] * 8, repeats=3, live=True))
    records = [step for step in steps if isinstance(step, PoolRun)]
    assert [record.n_rounds for record in records] == [1, 2, 3] and steps[-1] is records[-1]
    assert [record.complete for record in records] == [False, False, True]
    assert [record.run.round for record in records] == [1, 2, 3]
    assert {step.round for step in steps if isinstance(step, PoolProgress)} == {1, 2, 3}
    last = records[-1]
    assert last.rounds[-1].serial == last.serial and last.rounds[-1].wall == last.run.wall
    assert last.gain.low is not None and last.gain.n_rounds == 3


def test_stopped_between_rounds_it_gives_those_it_has():
    rounds = []
    record = measure_pool(
        [3] * 8,
        repeats=100,
        on_progress=lambda record: rounds.append(record.complete is False and isinstance(record, PoolRun)),
        should_stop=lambda: sum(rounds) >= 2,
    )
    assert isinstance(record, PoolRun) and 2 <= record.n_rounds < 100 and not record.complete


@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        ([], {}),
        ([1], {"repeats": 0}),
        ([-1], {}),
        ([1], {"flavour": "apply"}),
        ([1], {"kind": "thinking"}),
        ([1], {"n_workers": 0}),
        ([1], {"start_method": "teleport"}),
        ([1], {"chunksize": 0}),
        ([1], {"flavour": "apply_async", "chunksize": 2}),
    ],
)
def test_bad_arguments_are_refused_before_anything_starts(sizes, options):
    with pytest.raises(InvalidArgumentError):
        measure_pool(sizes, **options)


def worker_processes():
    return [p for p in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]


def meddle_with_pool(meddle, size=100, **options):
    """Run slow tasks and call `meddle` with a worker's process once the pool is at work."""
    met = []

    def on_progress(progress):
        if isinstance(progress, PoolProgress) and progress.phase == "pool" and not met:
            met.append(worker_processes()[0])
            meddle(met[0])

    measure_pool([size] * 6, kind="waiting", start_method="spawn", live=True, on_progress=on_progress, **options)


def test_a_deadline_ends_the_run_and_everything_it_started():
    with pytest.raises(TimeoutError, match="serial loop"):
        measure_pool([150] * 4, kind="waiting", timeout=0.2)
    with pytest.raises(TimeoutError, match="The pool did not end"):
        meddle_with_pool(psutil.Process.suspend, size=60, timeout=0.9)
    no_leftovers()


def test_a_worker_that_is_killed_is_reported_and_not_waited_for():
    with pytest.raises(WorkerDiedError, match="ended by itself"):
        meddle_with_pool(psutil.Process.kill)
    no_leftovers()


@pytest.mark.parametrize("method", METHODS)
def test_break_even_has_a_value_for_each_size(method):
    even = measure_break_even(4, (2, 0.5), start_method=method, repeats=1)
    assert even.sizes_ms == (0.5, 2.0) and len(even.serial) == len(even.pool) == len(even.warm) == 2
    assert all(cold > 0 and warm > 0 for cold, warm in zip(even.pool, even.warm, strict=True))
    assert all(serial > 0 for serial in even.serial) and even.start_method == method


# ── pictures ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def record():
    return measure_pool(make_sizes(10, 4, 5), chunksize=1)


def texts(ax):
    return " ".join(text.get_text() for text in ax.texts)


def test_the_picture_says_what_was_measured(record):
    ax = plot_pool(record)
    assert f"{record.speedup:.2f} times the serial loop" in texts(
        ax
    ) and f"efficiency {100 * record.efficiency:.0f} %" in texts(ax)
    assert "10 computing tasks of 1.57 ms to 7.87 ms" in texts(ax) and "chunk size 1" in texts(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["serial loop", "worker 1", "worker 2", "results"]
    boxes = {c.get_gid(): len(c.get_paths()) for c in ax.collections}
    assert boxes["tasks"] == boxes["serial tasks"] == 10 and "startup" in boxes
    assert "Press Run" in texts(plot_pool(None)) and describe_pool(None)


def test_many_tasks_are_merged_and_none_is_lost_at_the_ends():
    record = measure_pool([0.01] * 3000)
    spans, shades, merged = find_stripes(record.run.timeline, record.run.chunksize, record.run.cold_wall)
    assert merged and len(spans) == len(shades) < 1200
    assert spans[:, 0].min() == min(record.run.timeline.started) and spans[:, 1].max() == max(
        record.run.timeline.finished
    )
    assert "each stripe is many tasks" in texts(plot_pool(record))


def test_a_moving_picture_keeps_its_size_and_changes():
    picture, view, seen = PoolPicture(), PoolView(check_plan([30] * 12, "imap_unordered", 2, kind="waiting")), []
    for look in pool_steps([30] * 12, flavour="imap_unordered", n_workers=2, kind="waiting", live=True):
        if isinstance(look, PoolProgress):
            view = view.take(look)
            seen.append(picture.png(view))
    assert len({png[16:24] for png in seen}) == 1, "width and height stand in these bytes"
    assert len(set(seen)) > 3
    assert picture.png(view, 2.0)[16:24] == figure_png(plot_pool(None).figure, 2.0)[16:24]


def test_stopped_it_gives_the_last_look():
    stop = iter([False] * 3 + [True] * 99).__next__
    record = measure_pool([50] * 40, kind="waiting", live=True, should_stop=stop)
    assert isinstance(record, PoolProgress) and not record.complete
    even = measure_break_even(4, (0.5, 2), repeats=50, should_stop=iter([False] * 3 + [True] * 99).__next__)
    assert not even.complete
    no_leftovers()


# ── the lab ──────────────────────────────────────────────────────────────────────────────────


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_run_returns_at_once_and_ends_with_a_record_and_a_picture():
    lab = PoolLab(**QUICK)
    before = lab._picture.data
    lab._run_button.click()
    assert lab._run_button.disabled and not lab._stop_button.disabled
    assert lab.wait(30) and isinstance(lab.result, PoolRun) and lab.error is None
    assert lab._picture.data != before and "times the serial loop" in lab._picture.alt and lab._message.value


def test_controls_decide_what_is_run():
    lab = PoolLab(**QUICK)
    lab._workers.value, lab._flavour.value, lab._chunk.value, lab._tasks.value = 3, "imap", "2", 6
    lab._skew.value, lab._order.value, lab._kind.value, lab._method.value = 10, "longest first", "waiting", "spawn"
    record = lab.run(block=True)
    run = record.run
    assert (run.n_workers, record.flavour, run.chunksize, len(record.sizes_ms), record.kind) == (
        3,
        "imap",
        2,
        6,
        "waiting",
    )
    assert run.start_method == "spawn" and record.sizes_ms[0] == pytest.approx(10 * record.sizes_ms[-1])


def test_stop_ends_everything_at_once_and_keeps_the_picture():
    lab = PoolLab(n_tasks=200, task_ms=50, kind="waiting", n_workers=4)
    lab.run()
    wait_until(lambda: lab._progress.value > 0)
    lab.stop()
    no_leftovers(0.5)
    assert not lab.running and lab.result is None and lab.error is None and "stopped" in lab._progress_label.value
    assert lab._picture.data != PoolLab(n_workers=4)._picture.data
    assert "Stopped after" in lab._message.value and "so far" in lab._picture.alt


def test_bad_controls_are_told_and_nothing_starts():
    lab = PoolLab(**QUICK)
    wrong = [(chunk, "map", "Chunk size") for chunk in ("many", "0", "²", "2.5", "9" * 30)]
    for chunk, flavour, words in (*wrong, ("3", "apply_async", "one task at a time")):
        lab._chunk.value, lab._flavour.value = chunk, flavour
        lab._run_button.click()
        assert words in lab._message.value and not lab.running
    lab._chunk.value, lab._tasks.value, lab._size.value = "auto", 20_000, 1000
    with pytest.raises(InvalidArgumentError, match="fewer, or shorter"):
        lab.run(block=True)
    for options in (
        {"flavour": "apply"},
        {"order": "random"},
        {"kind": "thinking"},
        {"start_method": "teleport"},
        {"n_workers": 0},
        {"n_tasks": 0},
        {"task_ms": 0},
        {"skew": 0.5},
    ):
        with pytest.raises(InvalidArgumentError):
            PoolLab(**options)


# ── the exercises ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def quick_checks(monkeypatch):
    """Let checks of wrong answers wait a short while only, under one start method: a right answer is checked under
    both."""
    monkeypatch.setattr("helpers.course.pool.exercises.METHODS", (None,))
    monkeypatch.setattr("helpers.course.pool.exercises.spy_on", functools.partial(spy_on, patience=0.4))
    monkeypatch.setattr("helpers.course.pool.exercises.Spy", functools.partial(Spy, patience=0.4))
    monkeypatch.setattr("helpers.course.pool.exercises.SLOW_FIRST", [900, 11, 12, 13])


EXERCISES = {"fair_map": pool_1, "keep_good": pool_2, "first_done": pool_3}
IMPORT = "from multiprocessing import Pool\n"
KEEP = """
def keep(results, n_items):
    good, failed = [], {}
    for place in range(n_items):
        try:
            good.append(next(results))
        except ValueError as error:
            failed[place] = error
    return good, failed

"""


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("fair_map", "return [func(item) for item in items]", "serial work"),
        ("fair_map", "with Pool(2) as pool: return pool.map(func, items)", "in one chunk"),
        ("fair_map", "with Pool(2) as pool: return list(pool.imap_unordered(func, items))", "wrong order"),
        (
            "fair_map",
            "with Pool(2) as pool: return pool.map_async(func, items)",
            "an iterator or a receipt of the pool",
        ),
        (
            "fair_map",
            "with Pool(2) as pool: answer = pool.map_async(func, items)\n    return answer.get()",
            "inside the with block",
        ),
        ("fair_map", "with Pool(4) as pool: return pool.map(func, items, 1)", "the pool has 4 workers"),
        (
            "fair_map",
            "with Pool(2) as pool: return [pool.apply(func, (i,)) for i in items]",
            "apply(), or map() with a single item, waits",
        ),
        ("keep_good", "with Pool(2) as pool: return pool.map(func, items), {}", "caught on its own"),
        (
            "keep_good",
            "with Pool(2) as pool: good = [pool.apply(func, (i,)) for i in items if i != 3]\n"
            "    return good, {0: ValueError(), 4: ValueError()}",
            "apply(), or map() with a single item, waits",
        ),
        (
            "keep_good",
            "return [func(item) for item in items if item != 3], {0: ValueError(), 4: ValueError()}",
            "serial work",
        ),
        (
            "keep_good",
            "with Pool(2) as pool: return pool.map(func, [i for i in items if i != 3]), {}",
            "failed places are [0, 4]",
        ),
        (
            "keep_good",
            "with Pool(2) as pool: return pool.map(func, [i for i in items if i != 3], 1), {0: 'no', 4: 'no'}",
            "not texts",
        ),
        ("first_done", "with Pool(2) as pool: return next(pool.imap(func, items))", "waited for the order"),
        (
            "first_done",
            "with Pool(2) as pool: return list(pool.imap_unordered(func, items))[0]",
            "nobody needed to wait",
        ),
        ("first_done", "return func(items[1])", "serial work"),
    ],
)
def test_wrong_answers_are_told_why(answers, quick_checks, name, body, words, monkeypatch):
    if words == "inside the with block":  # it hangs for certain
        monkeypatch.setattr("helpers.exercises.trial.CHECK_DEADLINE", 1.5)
    verdict = EXERCISES[name].check(getattr(answers(f"{IMPORT}def {name}(func, items):\n    {body}\n"), name))
    assert verdict.state == "wrong" and words in verdict.words, verdict


@pytest.mark.parametrize(
    ("name", "result", "state", "words"),
    [
        ("fair_map", "pool.map(func, items, 1)", "right", "Remark: you never close the pool"),
        ("keep_good", "keep(pool.imap(func, items), len(items))", "wrong", "a pool that nobody closed"),
        ("first_done", "next(pool.imap_unordered(func, items))", "wrong", "a pool that nobody closed"),
    ],
)
def test_a_pool_that_is_never_closed_is_told(answers, quick_checks, name, result, state, words):
    """The first one's goes with its last name; errors that are kept, or work that goes on, keep it alive."""
    source = f"{IMPORT}{KEEP}def {name}(func, items):\n"
    verdict = EXERCISES[name].check(getattr(answers(f"{source}    pool = Pool(2)\n    return {result}\n"), name))
    assert verdict.state == state and words in verdict.words, verdict
    verdict = EXERCISES[name].check(getattr(answers(f"{source}    with Pool(2) as pool: return {result}\n"), name))
    assert verdict and "Remark" not in verdict.words, verdict


def test_a_pool_that_outlives_the_answer_is_named_as_what_is_left(answers, quick_checks):
    head = f"{IMPORT}kept = []\ndef fair_map(func, items):\n"
    source = f"{head}    kept.append(Pool(2))\n    return kept[0].map(func, items, 1)\n"
    verdict = pool_1.check(answers(source).fair_map)
    assert verdict.state == "wrong" and "a pool that nobody closed" in verdict.words, verdict


@pytest.mark.skipif("forkserver" not in start_methods(), reason="this system has no fork server")
def test_no_start_up_holds_that_of_the_fork_server(answers):
    source = """
import multiprocessing.forkserver as servers
from helpers.course.pool.measure import check_plan
from helpers.course.pool.playing import play_pool

def is_up_with_the_first_step():
    steps = play_pool(check_plan([1], "map", 1, start_method="forkserver"), 60, False)
    before = servers._forkserver._forkserver_pid
    next(steps)
    steps.close()
    return before, servers._forkserver._forkserver_pid
"""
    before, after = run_answer(answers(source).is_up_with_the_first_step, start_method="spawn").value
    assert before is None and after is not None
