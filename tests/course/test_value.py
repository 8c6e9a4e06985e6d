"""Chapter 06: counting together, ValueLab without a browser, blocks, and the exercises."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from leftovers import no_leftovers
from nbclient import NotebookClient

from helpers.course.counting import Counting
from helpers.course.value import ValueLab, arrays, exhibits, value_1, value_2, value_3
from helpers.course.value import tasks as shared
from helpers.errors import InvalidArgumentError
from helpers.machine import default_start_method, start_methods
from helpers.tasks import crew
from helpers.tasks.spy import Spy

METHODS = sorted(start_methods())


def run_all(target, *args, method=None, n_workers=2):
    context = multiprocessing.get_context(method or default_start_method())
    workers = [context.Process(target=target, args=args) for _ in range(n_workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    return [worker.exitcode for worker in workers]


# ── tasks ─────────────────────────────────────────────────────────────────────────────────────


def test_a_global_is_not_shared():
    assert run_all(shared.add_to_global, 10) == [0, 0] and shared.calls == 0


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


# ── arrays in a block ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
def test_workers_change_rows_of_a_table_that_lies_in_a_block(method):
    block = shared.SharedMemory(create=True, size=4 * 3 * 8)
    table = np.ndarray((4, 3), "float64", buffer=block.buf)
    try:
        table[:] = [[1, 2, 3]] * 4
        context = multiprocessing.get_context(method)
        parts = [(block.name, (4, 3), "float64", *rows) for rows in ((0, 2, 10), (2, 4, 100))]
        assert crew.run_all(arrays.scale_rows, parts, context) == [0, 0]
        assert table.tolist() == [[10, 20, 30]] * 2 + [[100, 200, 300]] * 2
    finally:
        del table
        block.close()
        block.unlink()


def heat(method, n_workers, n_steps=6):
    """Two plates of 6 × 5 places, the upper edge at 100; the one that was written last, after some steps."""
    cold, context = np.zeros((2, 6, 5)), multiprocessing.get_context(method)
    cold[:, 0] = 100
    block, gate = shared.SharedMemory(create=True, size=cold.nbytes), context.Barrier(n_workers)
    plates = np.ndarray(cold.shape, cold.dtype, buffer=block.buf)
    try:
        plates[:] = cold
        told = (block.name, cold.shape, cold.dtype)
        rows = {1: [(1, 5)], 2: [(1, 3), (3, 5)], 3: [(1, 2), (2, 4), (4, 5)]}[n_workers]
        codes = crew.run_all(arrays.heat_rows, [(*told, *part, n_steps, gate) for part in rows], context)
        assert codes == [0] * n_workers
        return plates[n_steps % 2].copy()
    finally:
        del plates
        block.close()
        block.unlink()


@pytest.mark.parametrize("method", METHODS)
def test_a_plate_gets_as_warm_by_several_workers_as_by_one(method):
    alone = heat(method, 1)
    assert 0 < alone[4, 2] < alone[1, 2] < 100 and alone[0, 2] == 100 and alone[5, 2] == 0
    for n_workers in (2, 3):
        assert np.array_equal(heat(method, n_workers), alone)


@pytest.mark.parametrize("look", [memoryview, np.frombuffer, np.asarray])
def test_views_that_are_counted_keep_a_block_from_closing(look):
    block = shared.SharedMemory(create=True, size=64)
    view = look(block.buf)
    with pytest.raises(BufferError):
        block.close()
    del view
    block.close()
    block.unlink()


#: What chapter 06 lets happen in a process of its own: an array that nobody counts outlives its block.
LOOK_AFTER_CLOSE = """
import numpy as np
from multiprocessing.shared_memory import SharedMemory

block = SharedMemory(create=True, size=4096)
numbers = np.ndarray(512, buffer=block.buf)
block.close()
block.unlink()
print("closed", flush=True)
float(numbers[0])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="where the memory may still be there")
def test_an_array_that_is_not_counted_lets_its_block_close_and_ends_the_process_that_looks():
    done = subprocess.run([sys.executable, "-c", LOOK_AFTER_CLOSE], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "closed" and done.returncode < 0


# ── exhibits ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
def test_progress_is_seen_while_it_grows_and_ends_at_the_total(method):
    context = multiprocessing.get_context(method)
    done, seen = context.Value("q", 0), set()
    with crew.Crew(exhibits.work_and_tell, [(done, 10)] * 2, context, links=False) as workers:
        while None in workers.exitcodes:
            seen.add(done.value)
            time.sleep(0.001)
    assert done.value == 20 and len(seen) > 3


@pytest.mark.parametrize("nested", [True, False])
def test_a_row_within_a_managers_list_must_be_the_managers_too(nested):
    context = multiprocessing.get_context(default_start_method())
    with context.Manager() as manager:
        table = manager.list([manager.list() if nested else [] for _ in range(2)])
        table[1].append(7)
        assert [list(row) for row in table] == ([[], [7]] if nested else [[], []])


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_a_forked_child_shares_the_tracker_only_if_the_block_was_there_first(method, early):
    there, complaint = exhibits.lend_to_child(early, method)
    lost = method == "fork" and early
    assert there is not lost and ("leaked shared_memory" in complaint) is lost


@pytest.mark.skipif("fork" not in METHODS or sys.version_info < (3, 13), reason="fork, and track=False, are needed")
def test_a_forked_child_that_does_not_track_leaves_the_block():
    assert exhibits.lend_to_child(True, "fork", track=False) == (True, "")


def test_the_table_of_trackers_has_a_row_a_start_method(monkeypatch):
    monkeypatch.setattr(exhibits, "lend_to_child", lambda early, method, track: (not (early and method == "f"), ""))
    stays, gone = "stays", "is gone"
    assert exhibits.lend_to_children(["s", "f"]) == {
        "s": {exhibits.BEFORE: stays, exhibits.AFTER: stays},
        "f": {exhibits.BEFORE: gone, exhibits.AFTER: stays},
    }


# ── the chapter's cells ───────────────────────────────────────────────────────────────────────

#: Words of cells that take their time and own nothing that a second run could miss.
SLOW = ("Lab", "lab.", ".check(", "Pool(1)", "lend_", "work_and_tell", "hurried")


def test_every_cell_can_be_run_twice_in_a_row():
    chapter = Path(__file__).resolve().parents[2] / "notebooks" / "06_value.ipynb"
    cells = [cell for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]
    cells = [cell for cell in cells if not any(word in cell.source for word in SLOW)]
    assert sum("SharedMemory" in cell.source for cell in cells) >= 5
    twice = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.source) for cell in cells for _ in range(2)])
    NotebookClient(twice, timeout=60, kernel_name="python3").execute()
    told = [output.get("text", "") for cell in twice.cells for output in cell.outputs]
    assert not any("leaked" in text or "Traceback" in text for text in told)


# ── the lab ───────────────────────────────────────────────────────────────────────────────────


def small_lab(**options):
    return ValueLab(**{"n_updates": 2000, "ways": ("no lock", "lock per update"), **options})


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_run_with_block_gives_the_counting_and_a_picture():
    lab = small_lab()
    before = lab._picture.data
    result = lab.run(block=True)
    assert isinstance(result, Counting) and result.complete and result["lock per update"].counted == 4000
    assert lab._picture.data != before and "4,000 of 4,000" in lab._picture.alt and lab._message.value


def test_controls_decide_what_is_counted():
    lab = small_lab()
    lab._counts[3].value = True
    assert [n for n, control in lab._counts.items() if control.value] == [3]
    lab._counts[3].value = False  # one number of workers is always chosen
    assert lab._counts[3].value
    lab._ways["no lock"].value, lab._ways["lock per batch"].value = False, True
    lab._updates.value, lab._batch.value, lab._method.value = 20_000, 50, "spawn"
    lab._run_button.click()
    assert lab.wait(30)
    result = lab.result
    assert (result.n_workers, result.n_updates, result.batch, result.start_method) == (3, 20_000, 50, "spawn")
    assert [count.way for count in result.counts] == ["lock per update", "lock per batch"] and result.complete


def test_stop_ends_everything_and_keeps_what_was_counted():
    lab = ValueLab(n_updates=500_000, ways=("lock per update", "manager"))
    lab._run_button.click()
    wait_until(lambda: lab.result is not None and any(count.made for count in lab.result.counts))
    lab._stop_button.click()
    no_leftovers(0.5)
    assert not lab.running and lab.error is None and not lab.result.complete and "stopped" in lab._progress_label.value


def test_bad_controls_are_told_and_nothing_starts():
    lab = small_lab()
    for control in lab._ways.values():
        control.value = False
    lab._run_button.click()
    assert "at least 1 way of counting" in lab._message.value and not lab.running
    for bad in ({"ways": "none"}, {"n_workers": 0}, {"n_updates": 1.5}, {"batch": 0}, {"start_method": "magic"}):
        with pytest.raises(InvalidArgumentError):
            ValueLab(**bad)


def test_the_picture_names_the_settings_that_were_measured():
    lab = small_lab()
    lab.run(block=True)
    lab._updates.value = 20_000
    assert lab._shown() is lab.result and lab.result.n_updates == 2000  # its head says 2,000 updates


def test_the_program_counts_in_a_value_and_its_lock_as_the_picture_says():
    code = ValueLab(ways=("no lock", "lock per update", "manager")).code()
    assert code.count("context.Value('q', 0)") == 2 and "counter.get_lock()" in code and "RawValue" not in code
    assert "four messages" in code


def test_a_guess_is_drawn_and_checked():
    lab = small_lab()
    before = lab._picture.data
    lab._guess.value = 40
    assert lab.card.guess == 0.4 and lab._picture.data != before
    with pytest.raises(InvalidArgumentError, match="guess"):
        ValueLab(guess=40)
    with pytest.raises(InvalidArgumentError, match="guess"):
        ValueLab(guess="many")


# ── exercises ─────────────────────────────────────────────────────────────────────────────────


FILL, LEND = (exercise.answer.removeprefix("%%worker\n") for exercise in (value_2, value_3))

#: What becomes of workers that keep a view of the block, and a fill that does half of the work itself.
VIEW = "ended with exit code 1, by BufferError: cannot close exported pointers exist. Release every view"
HELPS = """def fill(func, name, n, n_workers):
    worker = Process(target=fill_part, args=(func, name, range(1, n, 2)))
    worker.start()
    fill_part(func, name, range(0, n, 2))
    worker.join()
"""


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        (
            "def add(counter, n_updates):\n    for _ in range(n_updates):\n        counter.value += 1\n",
            "wrong",
            "updates were lost",
        ),
        (
            (
                "def add(counter, n_updates):\n    for _ in range(n_updates):\n        value = counter.value\n"
                "        with counter.get_lock():\n            counter.value = value + 1\n"
            ),
            "wrong",
            "updates were lost",
        ),
        (
            "def add(counter, n_updates):\n    counter.get_lock().acquire()\n    counter.value += n_updates\n",
            "wrong",
            "never released",
        ),
        (
            "def add(counter, n_updates):\n    counter += n_updates\n",
            "wrong",
            "PausingCounter is the shared Value of this check: its number is counter.value",
        ),
        (
            "def add(counter, n_updates):\n    with counter.get_lock():\n        counter.value = n_updates\n",
            "wrong",
            "add to what it holds",
        ),
        ("import os\ndef add(counter, n_updates):\n    os._exit(3)\n", "wrong", "in the middle"),
        ("def add(counter, n_updates):\n    own = n_updates\n", "wrong", "has not changed"),
        (
            (
                "from multiprocessing import Lock\ndef add(counter, n_updates):\n    lock = Lock()\n"
                "    with lock:\n        counter.value += n_updates\n"
            ),
            "wrong",
            "made inside the function: every process makes one of its own",
        ),
        (
            "import threading\ndef add(counter, n_updates):\n    with threading.Lock():\n        counter.value += 1\n",
            "wrong",
            "it is one of threading",
        ),
    ],
)
def test_wrong_counters_are_told_why(answers, monkeypatch, source, state, words):
    monkeypatch.setattr("helpers.course.value.exercises.METHODS", (None,))
    if words == "never released":
        monkeypatch.setattr("helpers.course.value.exercises.COUNT_DEADLINE", 2.5)
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
            "did the work, or some of it, itself",
        ),
        (
            FILL.replace(
                "        worker.join()",
                "        worker.join()\n    block = SharedMemory(name)\n    block.close()\n    block.unlink()",
            ),
            "wrong",
            "belongs to the caller",
        ),
        (FILL.replace("(block.buf)", '(block.buf, "q")'), "wrong", "as a d of 8 bytes"),
        (
            FILL.replace("[range(first, n, n_workers)", "[range(first, first + n // n_workers)").replace(
                "for first in range(n_workers)]", "for first in range(0, n // n_workers * n_workers, n // n_workers)]"
            ),
            "wrong",
            "nothing was written to place 6",
        ),
        (FILL.replace("        worker.join()", "        pass"), "wrong", "join them all"),
        (FILL.replace("    del numbers\n", ""), "wrong", VIEW),
        (FILL.replace("numbers[place]", "numbrs[place]"), "wrong", "ended by NameError: name 'numbrs' is not defined"),
        (
            FILL.split("def fill(")[0] + "def fill(func, name, n, n_workers):\n    block = SharedMemory(name)\n"
            "    doubles = block.buf.cast('d')\n    block.close()\n",
            "wrong",
            "\nRelease every view",
        ),
        (FILL[: FILL.index("def fill(")] + HELPS, "wrong", "the process that called fill did the work, or some of it"),
        (
            FILL.replace("range(first, n, n_workers)", "[first]").replace("in range(n_w", "in range(7 + 0 * n_w"),
            "wrong",
            "7 processes",
        ),
    ],
)
def test_wrong_fillings_are_told_why(answers, monkeypatch, source, state, words):
    if "serial" in words or "itself" in words:
        monkeypatch.setattr(
            "helpers.exercises.trial.Spy", lambda folder, func, company, _: Spy(folder, func, company, 0.3)
        )
    monkeypatch.setattr("helpers.course.value.exercises.METHODS", (None,))
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
        ("def lend(data, work):\n    data = work\n", "wrong", "work was never called"),
    ],
)
def test_wrong_owners_are_told_why(answers, source, state, words):
    verdict = value_3.check(answers(source).lend)
    assert verdict.state == state and words in verdict.words, verdict
