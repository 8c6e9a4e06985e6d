"""Chapter 01: lives of processes are measured, shown live, and its exercises tell right from wrong."""

import importlib
import itertools
import math
import multiprocessing
import multiprocessing.connection
import os
import re
import sys
import time
from dataclasses import replace

import nbformat
import pytest
from checkout import ROOT
from leftovers import no_leftovers

from helpers import runner
from helpers.course.process import ProcessLab, process_1, process_2, process_3
from helpers.course.process.measure import (
    MOMENTS,
    THREAD,
    Lifeline,
    Lifelines,
    ProcessRun,
    StartCosts,
    lifeline_steps,
    measure_lifelines,
    measure_starts,
    play_lifelines,
)
from helpers.course.process.plots import (
    ProcessCard,
    describe_processes,
    draw_process_card,
    plot_lifelines,
    plot_start_costs,
)
from helpers.errors import InvalidArgumentError, WorkerDiedError
from helpers.machine import start_methods
from helpers.measure.answers import run_answer
from helpers.measure.programs import run_program

METHODS = sorted(start_methods())
each_method = pytest.mark.parametrize("method", METHODS)


# ── measuring ─────────────────────────────────────────────────────────────────────────────────


@each_method
def test_every_moment_of_every_process_is_noted_in_order(method):
    lives = measure_lifelines(3, task_seconds=0.1, start_method=method)
    assert lives.complete and lives.start_method == method and lives.lines[0].called == 0
    for line in lives.lines:
        assert line.called <= line.returned and line.called <= line.began < line.ended <= line.joined <= lives.now
        assert line.ended - line.began >= 0.09 and line.exitcode == 0
    assert [line.called for line in lives.lines] == sorted(line.called for line in lives.lines)
    assert [line.joined for line in lives.lines] == sorted(line.joined for line in lives.lines)
    assert len({line.pid for line in lives.lines} - {os.getpid()}) == 3
    assert lives.wall == lives.lines[-1].joined


def test_snapshots_grow_and_come_while_the_processes_live():
    snapshots = list(lifeline_steps(2, task_seconds=0.4, start_method="spawn"))
    known = [sum(getattr(line, what) is not None for line in lives.lines for what in MOMENTS) for lives in snapshots]
    assert known == sorted(known) and known[-1] == 10 and len(snapshots) >= 5
    running = [lives for lives in snapshots if lives.lines[0].began is not None and lives.lines[0].ended is None]
    assert running and not running[0].complete and running[-1].now > running[0].now


def test_a_task_of_no_length_loses_no_moment():
    for _ in range(2):
        for line in measure_lifelines(2, task_seconds=0).lines:
            assert None not in [getattr(line, what) for what in MOMENTS]


def test_shorter_targets_are_over_before_they_are_joined():
    lives = measure_lifelines(3, task_seconds=0.9, lengths="first longest")
    assert lives.sleeps == pytest.approx((0.9, 0.6, 0.3)) and lives.lengths == "first longest"
    for line, sleep in zip(lives.lines, lives.sleeps, strict=True):
        assert line.ended - line.began >= 0.99 * sleep
    assert all(line.joined >= lives.lines[0].ended for line in lives.lines), "join is called in the order of the starts"


def test_what_processes_told_while_nobody_read_is_not_lost(monkeypatch):
    first_only = lambda readers, timeout: multiprocessing.connection.wait(readers[:1], timeout)  # noqa: E731
    monkeypatch.setattr("helpers.course.process.measure.wait", first_only)
    for line in list(play_lifelines(2, 0.05, "spawn"))[-1].lines:
        assert None not in [getattr(line, what) for what in MOMENTS]


def test_starts_are_measured_by_every_method_in_every_round():
    costs = measure_starts(3)
    assert costs.complete and costs.n_rounds == 3 and set(costs.start_methods) == set(METHODS)
    for method in (*METHODS, THREAD):
        assert len(costs.first_line[method]) == len(costs.whole[method]) == 3 and costs.cold[method] > 0
        assert all(
            0 < first <= whole for first, whole in zip(costs.first_line[method], costs.whole[method], strict=True)
        )
        assert min(costs.first_line[method]) <= costs.median(method) <= max(costs.first_line[method])


def test_nothing_is_started_by_the_caller():
    for lives in lifeline_steps(2, task_seconds=0.2):
        assert multiprocessing.active_children() == [] and lives.lines
    runner.end_all()
    no_leftovers()


@pytest.mark.parametrize(
    "call",
    [
        lambda: measure_lifelines(0),
        lambda: measure_lifelines(33),
        lambda: measure_lifelines(1, task_seconds=-1),
        lambda: measure_lifelines(1, task_seconds=math.nan),
        lambda: measure_lifelines(1, start_method="clone"),
        lambda: measure_lifelines(1, lengths="long"),
        lambda: measure_starts(0),
        lambda: measure_starts(1, start_methods=("clone",)),
        lambda: run_program(3),
        lambda: run_program("", timeout=0),
        lambda: ProcessLab(n_processes=9),
        lambda: ProcessLab(n_processes=0),
        lambda: ProcessLab(task_seconds=30),
        lambda: ProcessLab(task_seconds="long"),
        lambda: ProcessLab(start_method="clone"),
        lambda: ProcessLab(repeats=0),
        lambda: ProcessLab(lengths=3),
    ],
)
def test_bad_arguments_are_refused_at_once(call):
    with pytest.raises(InvalidArgumentError):
        call()


def chapter_cell(word):
    """Return the source of the chapter's cell that defines `word`."""
    notebook = nbformat.read(ROOT / "notebooks" / "01_process.ipynb", as_version=4)
    [source] = [cell.source for cell in notebook.cells if f"def {word}(" in cell.source]
    return source


def chapter_program(name):
    """Return the program that the chapter calls `name`, a text in one of its cells."""
    notebook = nbformat.read(ROOT / "notebooks" / "01_process.ipynb", as_version=4)
    sources = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    [program] = re.findall(rf'^{name} = """(.*?)"""', sources, re.DOTALL | re.MULTILINE)
    return program


@each_method
def test_a_nested_function_is_a_target_under_fork_alone(method):
    run = run_program(chapter_program("NESTED").format(method=method))
    refused = "pickle local object" in run.printed or "get local object" in run.printed
    assert (run.exitcode, refused) == ((0, False) if method == "fork" else (1, True)), run


def test_a_script_without_guard_complains_and_its_child_dies():
    run = run_program(chapter_program("UNGUARDED"))
    assert run.count("bootstrapping phase") == 1 and "hello" not in run.printed
    assert run.last_lines(1) == "exit code of the child: 1"
    assert run_program(chapter_program("GUARDED")).printed.startswith("hello from the child\n")


def test_a_child_does_not_find_a_function_of_a_cell_and_a_pool_waits_for_it():
    run = run_program(chapter_program("CELL"), in_file=False)
    assert run.count("has no attribute 'double'") + run.count("Can't get attribute 'double'") == 1, run
    assert run.last_lines(1) == "exit code of the child: 1"
    run = run_program(chapter_program("HANGS"), in_file=False, timeout=30)
    assert run.exitcode == 1 and "TimeoutError" in run.last_lines(1) and run.count("AttributeError") >= 1


@each_method
def test_only_a_forked_child_finds_the_lock_that_a_thread_of_its_parent_holds(answer, method):
    given = run_answer(answer(chapter_cell("start_beside_thread")), start_method=method)
    assert given.value == ("the child gives up" if method == "fork" else "the child gets the lock") and given.left == []


def test_a_dead_stage_is_told_and_nothing_is_left(monkeypatch):
    monkeypatch.setattr("helpers.course.process.measure.run_lives", os._exit)  # too many arguments: ends at once
    with pytest.raises(WorkerDiedError, match="exit code 1"):
        list(play_lifelines(2, 0.1, "spawn"))
    no_leftovers()


# ── programs ──────────────────────────────────────────────────────────────────────────────────


def test_a_program_is_run_and_what_it_prints_has_no_paths():
    run = run_program("import sys\nprint('seen')\n1 / 0\n")
    assert run.exitcode == 1 and run.count("ZeroDivisionError") == 1 and 'File "script.py", line 3' in run.printed
    assert run.last_lines(1).startswith("ZeroDivisionError") and repr(run).endswith("[exit code 1]")


def test_the_deadline_ends_a_program_with_all_it_started():
    program = (
        "import multiprocessing, time\nif __name__ == '__main__':\n    p = multiprocessing.Process(target=time.sleep, "
        "args=(77,))\n    p.start()\n    print(p.pid, flush=True)\n    time.sleep(77)\n"
    )
    run = run_program(program, timeout=2)
    assert run.exitcode is None and run.ended == "ended by the deadline" and run.seconds < 10
    pid = int(run.printed)
    no_leftovers()
    import psutil

    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_program_without_file_cannot_be_imported_from():
    program = (
        "from multiprocessing import get_context\ndef f(): pass\nif __name__ == '__main__':\n"
        "    p = get_context('spawn').Process(target=f)\n    p.start()\n    p.join()\n    print(p.exitcode)\n"
    )
    assert run_program(program).last_lines(1) == "0"
    assert run_program(program, in_file=False).last_lines(1) == "1"


# ── pictures ──────────────────────────────────────────────────────────────────────────────────

LIVES = Lifelines(
    "spawn", 0.3, (Lifeline(0.0, 0.01, 0.05, 0.35, 0.36, 101, 0), Lifeline(0.01, 0.02, 0.06, 0.36, 0.37, 102, 0)), 0.38
)
HALF = Lifelines("spawn", 0.3, (Lifeline(0.0, 0.01, 0.05, pid=101), Lifeline(0.01)), 0.2)
COSTS = StartCosts(
    3,
    {"thread": (1e-4,) * 3, "spawn": (0.03, 0.04, 0.05)},
    {"thread": (2e-4,) * 3, "spawn": (0.05,) * 3},
    {"thread": 2e-4, "spawn": 0.06},
)


def bars(ax):
    kinds = [collection for collection in ax.collections if collection.get_gid() == "life"]
    return [[path.get_extents().bounds for path in kind.get_paths()] for kind in kinds]


def test_lifelines_are_drawn_as_they_were():
    coming_up, running, over = bars(plot_lifelines(LIVES))
    assert [bound[0] + bound[2] for bound in coming_up] == pytest.approx([0.05, 0.06])
    assert [bound[2] for bound in running] == pytest.approx([0.3, 0.3]) and [
        bound[2] for bound in over
    ] == pytest.approx([0.01, 0.01])
    coming_up, running, over = bars(plot_lifelines(HALF))
    assert running[0][0] + running[0][2] == pytest.approx(0.2) and coming_up[1][2] == pytest.approx(0.19) and not over


def test_costs_show_every_start_the_median_and_the_guess():
    ax = plot_start_costs(COSTS, guess_ms=12)
    points = [value for line in ax.lines for value in line.get_xdata()]
    assert {30.0, 40.0, 50.0, 60.0, 12} <= {round(float(value), 6) for value in points}
    assert {"40 ms", "100 µs", "your guess"} <= {text.get_text() for text in ax.texts}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a thread", "spawn"]


def test_a_stopped_measurement_says_how_many_starts_it_has():
    told = [
        " ".join(text.get_text() for text in plot_start_costs(costs).texts)
        for costs in (COSTS, replace(COSTS, repeats=50))
    ]
    assert "3 starts each" in told[0] and "of 3" not in told[0] and "3 of 50 starts each" in told[1]
    assert "up to 3 starts" in " ".join(
        text.get_text() for text in plot_start_costs(StartCosts(3, cold={"spawn": 0.05})).texts
    )


def test_alt_text_says_what_is_there():
    assert "nothing measured" in describe_processes(None, None)
    assert describe_processes(HALF, None) == "2 processes started with spawn."
    assert "over after 370 ms" in describe_processes(LIVES, COSTS) and "spawn 40 ms" in describe_processes(LIVES, COSTS)


def test_a_live_picture_moves_and_keeps_its_size():
    card, pictures = ProcessCard(("spawn",), 3), []
    for lives, costs in ((HALF, None), (LIVES, None), (LIVES, COSTS)):
        pictures.append(card.png(ProcessRun(lives, costs)))
    assert len(set(pictures)) == 3 and len({png[16:24] for png in pictures}) == 1
    assert len(card.left.collections) == 1, "the grey lines of the lanes alone"
    assert card.png(ProcessRun(LIVES, COSTS)) == pictures[-1], "nothing of a frame stays in the next"
    for lives, costs in ((None, None), (HALF, None), (LIVES, COSTS)):
        assert len(draw_process_card(lives, costs).axes) == 2


def test_stopped_they_give_what_was_measured():
    stop = iter([False] * 5 + [True] * 99).__next__
    lives = measure_lifelines(2, task_seconds=5, should_stop=stop)
    assert not lives.complete
    costs = measure_starts(100, start_methods=("spawn",), should_stop=iter([False] * 8 + [True] * 99).__next__)
    assert not costs.complete and costs.repeats == 100
    no_leftovers()


# ── the lab ───────────────────────────────────────────────────────────────────────────────────


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_the_controls_decide_what_is_measured_and_the_result_grows():
    lab = ProcessLab(n_processes=2, task_seconds=0.2, repeats=2)
    first = lab._picture.data
    lab._method.value, lab._n_processes.value, lab._seconds.value = "spawn", 3, 0.3
    lab._lengths.value = "first longest"
    assert lab._picture.data != first, "the lanes that will be seen are shown"
    lab._run_button.click()
    assert lab._run_button.disabled and not lab._stop_button.disabled
    wait_until(lambda: lab.result is not None and lab.result.lives is not None)
    assert lab.wait(60)
    lives = lab.result.lives
    assert lab.result.complete and (lives.start_method, len(lives.lines), lives.task_seconds) == ("spawn", 3, 0.3)
    assert lives.lengths == "first longest" and "TASK_SECONDS = [0.3, 0.2, 0.1]" in lab.code()
    assert lab.result.costs.n_rounds == 2 and lab.error is None
    assert "spawn takes" in lab._message.value and "3 processes started with spawn" in lab._picture.alt
    assert lab._progress.value == lab._progress.max == 6


def test_run_with_block_returns_the_record():
    result = ProcessLab(start_method=METHODS[0], n_processes=2, task_seconds=0.1, repeats=1).run(block=True)
    assert result.complete and result.lives.start_method == METHODS[0]


def test_stop_ends_all_processes_and_keeps_what_was_measured():
    lab = ProcessLab(n_processes=3, task_seconds=3.0)
    lab._run_button.click()
    wait_until(
        lambda: lab.result is not None and lab.result.lives is not None and lab.result.lives.lines[2].began is not None
    )
    lab._stop_button.click()
    no_leftovers(0.5)
    assert lab.wait(10) and lab.error is None and not lab.result.complete and lab.result.lives.lines[0].ended is None
    assert "stopped" in lab._progress_label.value and not lab._message.value.count("takes")


# ── exercises ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """Return a function that makes a module of a source text and returns its last function: what a %%worker cell
    does."""
    numbers = itertools.count()
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(source):
        source = source.removeprefix("%%worker\n")
        name = f"chapter_01_{next(numbers)}_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        module = importlib.import_module(name)
        monkeypatch.setitem(sys.modules, name, module)
        return getattr(
            module, [line for line in source.splitlines() if line.startswith("def ")][-1][4:].partition("(")[0]
        )

    return make


APART, ALL, END = process_1.answer, process_2.answer, process_3.answer
JOIN, IN_ORDER = "    process.join(timeout=30)\n", "return results"
RECEIVE = "    result = reader.recv() if reader.poll(30) else None\n"
IN_CALLER = "ran in the process that called tell_end"
LEAVE_ONE = "    Process(target=__import__('time').sleep, args=(60,)).start()\n"
ONE_BY_ONE = "\ndef run_all(func, items):\n    return [run_apart(func, item) for item in items]\n"


@pytest.mark.parametrize(
    ("exercise", "source", "state", "words"),
    [
        (process_1, "def run_apart(func, item):\n    return func(item)\n", "wrong", "nothing was started"),
        (process_1, APART.replace(RECEIVE + JOIN, JOIN + RECEIVE), "wrong", "Receive first, join afterwards"),
        (process_1, APART.replace("    process.start()\n", ""), "wrong", "was never called: is the process started"),
        (
            process_1,
            APART.replace("target=send_result, args=(writer, func, item)", "target=func, args=(item,)"),
            "wrong",
            "its result never came: does the new process send it",
        ),
        (
            process_1,
            "from multiprocessing import Pool\ndef run_apart(func, item):\n    with Pool(1) as pool:\n"
            "        return pool.apply(func, (item,))\n",
            "wrong",
            "without a pool",
        ),
        (process_1, APART.replace(JOIN, ""), "right", "Remark: you never join the process."),
        (
            process_1,
            APART.replace("args=(writer, func, item)", "args=(func, writer, item)"),
            "wrong",
            "no attribute 'send'",
        ),
        (
            process_1,
            APART.replace("    return result", "    return process.exitcode"),
            "wrong",
            "an exit code? A result must be sent",
        ),
        (process_1, APART.replace("    return result", ""), "wrong", "it returns None"),
        (
            process_1,
            APART.replace("args=(writer, func, item)", "args=(writer, func, item + 1)"),
            "wrong",
            "the result is 14",
        ),
        (process_1, APART.replace(JOIN, JOIN + LEAVE_ONE), "wrong", "still running"),
        (
            process_2,
            "def run_all(func, items):\n    return [func(item) for item in items]\n",
            "wrong",
            "in the process that called",
        ),
        (process_2, APART + ONE_BY_ONE, "wrong", "still serial work"),
        (
            process_2,
            (
                "from multiprocessing import Pool\ndef run_all(func, items):\n    with Pool(2) as pool:\n"
                "        return pool.map(func, items, 1)\n"
            ),
            "wrong",
            "without a pool",
        ),
        (process_2, ALL.replace(IN_ORDER, "return sorted(results)"), "wrong", "in the order in which they came"),
        (process_2, ALL.replace(IN_ORDER, "return len(results)"), "wrong", "it gives 3"),
        pytest.param(
            process_3,
            END.replace("process.exitcode > 0", "process.exitcode != 0"),
            "wrong",
            "it gives 'failed', and 'killed' is right for end_by_signal",
            marks=pytest.mark.skipif(os.name != "posix", reason="no process ends itself by a signal on Windows"),
        ),
        (
            process_3,
            END.replace('return "too late"', "return"),
            "wrong",
            "it returns None, and 'too late' is right for rest_for_ever",
        ),
        (
            process_3,
            END.replace("        process.kill()\n        process.join()\n", ""),
            "wrong",
            "you kill() it. Then",
        ),
        (process_3, END.replace("process.join(seconds)", "process.join()"), "wrong", "join() without a number"),
        (
            process_3,
            END.replace("kill()\n        process.join()", "kill()"),
            "right",
            "kill() you do not join it again",
        ),
        (process_3, "def tell_end(target, seconds):\n    target()\n    return 'done'\n", "wrong", IN_CALLER),
        (process_3, END.replace("target=target", "target=target()"), "wrong", IN_CALLER),
        (
            process_3,
            "from threading import Thread as T\ndef tell_end(target, seconds):\n    t = T(target=target, daemon=True)\n"
            "    t.start()\n    t.join(seconds)\n    return 'too late' if t.is_alive() else 'done'\n",
            "wrong",
            IN_CALLER,
        ),
    ],
)
def test_wrong_answers_are_told_why(answer, monkeypatch, exercise, source, state, words):
    # an answer that is to hang, or to show that it is serial, need not be waited for as long as a learner's
    hangs = any(part in words for part in ("send", "afterwards", "is the process started", "without a number"))
    short = 6.0 if exercise is process_3 else 4.0  # three targets that end come first
    monkeypatch.setattr("helpers.course.process.exercises.DEADLINE", short if hangs else 10.0)
    monkeypatch.setattr("helpers.course.process.exercises.METHODS", (None,))  # what goes wrong does so under each
    monkeypatch.setattr("helpers.course.process.exercises.PATIENCE", 0.3)
    verdict = exercise.check(answer(source))
    assert verdict.state == state and words in verdict.words, verdict


def test_a_right_answer_stays_right_where_processes_come_up_late(answer, monkeypatch):
    monkeypatch.setattr("helpers.course.process.exercises.METHODS", (None,))
    monkeypatch.setattr("helpers.course.process.exercises.SHORT", (0.001, 10.0, 5.0))
    late = END.replace("process.join(seconds)", "process.join(seconds if seconds < 1 else 2)")  # no test waits for 10 s
    assert process_3.check(answer(late)).state == "right"
