"""Chapter 06: counting together, ValueLab without a browser, blocks, and the exercises."""

import multiprocessing
import os
import sys
import time

import pytest
from leftovers import no_leftovers

from helpers import runner, words
from helpers.course.value import ValueLab, value_1, value_2, value_3
from helpers.course.value import measure as counters
from helpers.course.value import tasks as shared
from helpers.course.value.lab import advise_counting
from helpers.course.value.measure import WAYS, Count, Counting, measure_counting
from helpers.course.value.plots import CountingCard, describe_counting, plot_counting, plot_counting_rates
from helpers.errors import InvalidArgumentError, WorkerDiedError
from helpers.machine import default_start_method, start_methods
from helpers.plots.live import LivePicture
from helpers.tasks.spy import Spy

METHODS = sorted(start_methods())
EXACT = WAYS[1:]


def run_all(target, *args, method=None, n_workers=2):
    context = multiprocessing.get_context(method or default_start_method())
    workers = [context.Process(target=target, args=args) for _ in range(n_workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    return [worker.exitcode for worker in workers]


# ── tasks ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
def test_a_race_is_seen_on_the_pausing_counter_and_the_lock_mends_it(method):
    context = multiprocessing.get_context(method)
    for target, exact in ((shared.add_unlocked, False), (shared.add_locked, True)):
        counter = context.Value("q", 0)
        slow = shared.PausingCounter(counter, context.Barrier(2))
        assert run_all(target, slow, 6, method=method) == [0, 0]
        assert (counter.value == 12) is exact and 0 < counter.value <= 12


def test_a_global_is_not_shared():
    assert run_all(shared.add_to_global, 10) == [0, 0] and shared.calls == 0


def test_batches_that_do_not_divide_the_increments_count_right():
    counter = multiprocessing.get_context(default_start_method()).Value("q", 0)
    shared.add_batched(counter, 25, batch=10)
    shared.add_merged(counter, 7)
    assert counter.value == 32 and shared.count_locally(counter, 2500, 5) == 2500 and counter.value == 2532


def test_blocks_are_changed_by_name_and_stay_with_their_owner():
    block = shared.SharedMemory(create=True, size=32)
    try:
        block.buf[:5] = b"hello"
        assert run_all(shared.shout, block.name, 5, n_workers=1) == [0]
        assert bytes(block.buf[:5]) == b"HELLO" and shared.checksum_block(block.name, 5) == shared.checksum(b"HELLO")
    finally:
        block.close()
        block.unlink()


VISIT = "import sys; from multiprocessing.shared_memory import SharedMemory as S; S(sys.argv[1]).close()"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no resource tracker: a block lives while somebody holds it")
def test_a_visitor_with_a_tracker_of_its_own_takes_the_block_away():
    there, complaint = shared.lend_block(VISIT)
    assert not there and "leaked shared_memory" in complaint


def test_a_visitor_that_does_not_track_leaves_the_block():
    there, complaint = shared.lend_block(
        VISIT.replace("argv[1]", "argv[1], track=False") if sys.version_info >= (3, 13) else "pass"
    )
    assert there and complaint == ""


# ── measuring ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
def test_every_way_but_the_bare_one_is_exact(method):
    counting = measure_counting(n_workers=2, increments=300, batch=7, start_method=method)
    assert (
        counting.complete and counting.start_method == method and [count.way for count in counting.counts] == list(WAYS)
    )
    for way in EXACT:
        assert counting[way].counted == counting[way].made == 600 and counting[way].lost == 0 and counting[way].rate > 0
    assert 0 < counting["no lock"].counted <= counting["no lock"].made == 600
    assert "300 increments each" in repr(counting)


def test_a_slow_way_is_ended_in_time_and_says_so(monkeypatch):
    monkeypatch.setattr(counters, "WAY_SECONDS", 0.05)
    records = counters.play_counting(("manager",), 1, 1_000_000, 10, default_start_method())
    last = list(records)[-1]["manager"]
    assert last.ended and last.out_of_time and 0 < last.made < 1_000_000 and last.lost == 0
    assert multiprocessing.active_children() == []


def test_a_worker_that_dies_is_reported_and_the_others_ended():
    with pytest.raises(WorkerDiedError, match="exit code"):
        with counters.open_counters(2, default_start_method(), False) as (links, processes, *_):
            counters.ask_all(links, processes, [("no such way", 10, 1, 0.1)] * 2)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "options",
    [
        {"ways": "none"},
        {"ways": ()},
        {"n_workers": 0},
        {"increments": 0},
        {"increments": 1.5},
        {"batch": 0},
        {"start_method": "magic"},
    ],
)
def test_bad_settings_are_refused(options):
    with pytest.raises(InvalidArgumentError):
        measure_counting(**options)
    with pytest.raises(InvalidArgumentError):
        ValueLab(**options)


def test_measuring_does_not_happen_in_this_process():
    before = multiprocessing.active_children()
    records = []
    for record in counters.counting_steps(("lock each",), 1, 50):
        assert multiprocessing.active_children() == before
        records.append(record)
    assert len(records) > 2 and records[-1].complete and len(runner.idle_runners()) == 1


# ── pictures ──────────────────────────────────────────────────────────────────────────────────

SOME = Counting(
    2,
    1000,
    10,
    "spawn",
    (
        Count("no lock", 2000, 1500, 0.001, True),
        Count("lock each", 2000, 2000, 0.002, True),
        Count("manager", 40, 40, 0.01, True, True),
    ),
)


def texts_of(ax, gid):
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def test_the_pictures_say_what_was_counted():
    assert texts_of(plot_counting(SOME), "count") == [
        "1,500 of 2,000 · 25.0 % lost",
        "2,000 of 2,000 · none lost",
        "40 of 40 · none lost · time was up",
    ]
    assert texts_of(plot_counting_rates(SOME), "rate") == ["2.0 million", "1.0 million", "4,000"]
    assert "1,500 of 2,000" in describe_counting(SOME) and "nothing counted yet" in describe_counting(None)
    assert words.rate(0) == "0" and words.rate(2.34) == "2.34"


def test_one_lost_update_of_very_many_is_not_rounded_away():
    counting = Counting(1, 10**6, 1, "spawn", (Count("no lock", 10**6, 10**6 - 1, 1.0, True),))
    assert texts_of(plot_counting(counting), "count") == ["999,999 of 1,000,000 · 1 lost"]


def test_the_live_picture_moves_and_keeps_its_size():
    empty = Counting(2, 1000, 10, "spawn", tuple(Count(count.way) for count in SOME.counts))
    card = CountingCard(empty, guess=0.3)
    live = LivePicture(card.figure, card.moving)
    card.show(empty)
    before = live.png()
    card.show(SOME)
    assert live.png() != before and live.png()[16:24] == before[16:24]
    assert "30 %" in texts_of(card.bars.ax, "guess label")[0]


def test_the_advice_holds_with_and_without_lost_updates():
    assert "500 of 2,000 updates were lost" in advise_counting(SOME) and "250 times" in advise_counting(SOME)
    lucky = Counting(2, 1000, 10, "spawn", (Count("no lock", 2000, 2000, 0.001, True),))
    assert "luck, not safety" in advise_counting(lucky)
    alone = Counting(1, 2000, 10, "spawn", lucky.counts)
    assert "nobody to come in between" in advise_counting(alone) and "1 worker and" in describe_counting(alone)


# ── the lab ───────────────────────────────────────────────────────────────────────────────────


def small_lab(**options):
    return ValueLab(**{"increments": 2000, "ways": ("no lock", "lock each"), **options})


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_run_with_block_gives_the_counting_and_a_picture():
    lab = small_lab()
    before = lab._picture.data
    result = lab.run(block=True)
    assert isinstance(result, Counting) and result.complete and result["lock each"].counted == 4000
    assert lab._picture.data != before and "4,000 of 4,000" in lab._picture.alt and lab._message.value


def test_controls_decide_what_is_counted():
    lab = small_lab()
    lab._counts[3].value = True
    assert [n for n, control in lab._counts.items() if control.value] == [3]
    lab._counts[3].value = False  # one number of workers is always chosen
    assert lab._counts[3].value
    lab._ways["no lock"].value, lab._ways["lock per batch"].value = False, True
    lab._increments.value, lab._batch.value, lab._method.value = 20_000, "50", "spawn"
    lab._run_button.click()
    assert lab.wait(30)
    result = lab.result
    assert (result.n_workers, result.increments, result.batch, result.start_method) == (3, 20_000, 50, "spawn")
    assert [count.way for count in result.counts] == ["lock each", "lock per batch"] and result.complete


def test_stop_ends_everything_and_keeps_what_was_counted():
    lab = ValueLab(increments=500_000, ways=("lock each", "manager"))
    lab._run_button.click()
    wait_until(lambda: lab.result is not None and any(count.made for count in lab.result.counts))
    lab._stop_button.click()
    no_leftovers(0.5)
    assert not lab.running and lab.error is None and not lab.result.complete and "stopped" in lab._progress_label.value


def test_bad_controls_are_told_and_nothing_starts():
    lab = small_lab()
    for text in ("some", "0", "²"):
        lab._batch.value = text
        lab._run_button.click()
        assert "Batch" in lab._message.value and text in lab._message.value and not lab.running
    lab._batch.value = "10"
    for control in lab._ways.values():
        control.value = False
    with pytest.raises(InvalidArgumentError, match="at least one way"):
        lab.run(block=True)


def test_a_guess_is_drawn_and_checked():
    lab = small_lab()
    before = lab._picture.data
    lab._guess.value = 40
    assert lab._guessed and lab._picture.data != before
    with pytest.raises(InvalidArgumentError, match="guess"):
        ValueLab(guess=40)
    with pytest.raises(InvalidArgumentError, match="guess"):
        ValueLab(guess="many")


# ── exercises ─────────────────────────────────────────────────────────────────────────────────


ADD, FILL, LEND = (exercise.answer.removeprefix("%%worker\n") for exercise in (value_1, value_2, value_3))


@pytest.mark.parametrize(
    ("exercise", "source", "name"), [(value_1, ADD, "add"), (value_2, FILL, "fill"), (value_3, LEND, "lend")]
)
def test_solutions_pass_and_plain_cells_get_the_explanation(answers, exercise, source, name):
    verdict = exercise.check(getattr(answers(source), name))
    assert verdict, verdict
    assert exercise.check().state == "not attempted" and "%%worker" in exercise.check(lambda *given: None).words


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        (
            "def add(counter, increments):\n    for _ in range(increments):\n        counter.value += 1\n",
            "wrong",
            "updates were lost",
        ),
        (
            (
                "def add(counter, increments):\n    for _ in range(increments):\n        value = counter.value\n"
                "        with counter.get_lock():\n            counter.value = value + 1\n"
            ),
            "wrong",
            "updates were lost",
        ),
        (
            "def add(counter, increments):\n    counter.get_lock().acquire()\n    counter.value += increments\n",
            "wrong",
            "never released",
        ),
        ("def add(counter, increments):\n    counter += increments\n", "wrong", "TypeError"),
        ("import os\ndef add(counter, increments):\n    os._exit(3)\n", "wrong", "in the middle"),
        ("def add(counter, increments):\n    ...\n", "not attempted", "still says 0"),
    ],
)
def test_wrong_counters_are_told_why(answers, monkeypatch, source, state, words):
    monkeypatch.setattr("helpers.course.value.exercises.COUNT_DEADLINE", 1.5)
    verdict = value_1.check(answers(source).add)
    assert verdict.state == state and words in verdict.words, verdict


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        (
            FILL.replace(
                "worker.start()\n    for worker in workers:\n        worker.join()",
                "worker.start()\n        worker.join()",
            ),
            "wrong",
            "still serial work",
        ),
        (
            FILL.split("def fill(")[0] + "def fill(func, name, n, n_workers):\n    fill_part(func, name, range(n))\n",
            "wrong",
            "still serial work",
        ),
        (
            FILL.replace(
                "        worker.join()",
                "        worker.join()\n    block = SharedMemory(name)\n    block.close()\n    block.unlink()",
            ),
            "wrong",
            "belongs to the caller",
        ),
        (FILL.replace('cast("d")', 'cast("q")').replace("func(place)", "int(func(place))"), "wrong", "as a double"),
        (FILL.replace("        worker.join()", "        pass"), "wrong", "join them all"),
        ("def fill(func, name, n, n_workers):\n    ...\n", "not attempted", "still empty"),
    ],
)
def test_wrong_fillings_are_told_why(answers, monkeypatch, source, state, words):
    if "serial" in words:
        monkeypatch.setattr(
            "helpers.exercises.trial.Spy", lambda folder, func, company, _: Spy(folder, func, company, 0.3)
        )
    verdict = value_2.check(answers(source).fill)
    assert verdict.state == state and words in verdict.words, verdict


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        (LEND.replace("        block.unlink()", ""), "wrong", "still there when work returns"),
        (
            LEND.replace("    try:", "    if True:")
            .replace("return work", "result = work")
            .replace("    finally:", "    if True:")
            + "\n    return result",
            "wrong",
            "still there when work raises",
        ),
        (
            LEND.replace("    finally:", "    except KeyError:\n        pass\n    finally:"),
            "wrong",
            "must reach the caller",
        ),
        (LEND.replace("        block.buf[:len(data)] = data\n", ""), "wrong", "does not find the data"),
        (LEND.replace("return work", "work"), "wrong", "nothing comes back"),
        ("def lend(data, work):\n    ...\n", "not attempted", "nothing yet"),
    ],
)
def test_wrong_owners_are_told_why(answers, source, state, words):
    verdict = value_3.check(answers(source).lend)
    assert verdict.state == state and words in verdict.words, verdict
