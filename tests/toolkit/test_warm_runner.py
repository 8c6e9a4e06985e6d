"""A warm runner measures what is now: whatever changed since its last play, it is replaced or put back."""

import os
import signal
import sys
import threading

import attacks
import pytest

from helpers import runner
from helpers.errors import ResultsDifferError
from helpers.measure import run_once, sweep
from helpers.runner.tidying import Surroundings

MODULES = {
    "warm_dependency": "FACTOR = {factor}\n",
    "warm_tasks": (
        "import os\nimport warm_dependency\n"
        "def scale(item, by=1):\n    return by * warm_dependency.FACTOR * item\n"
        "def settings(item):\n    cpus = sorted(os.sched_getaffinity(0))\n"
        "    return os.environ.get('OMP_NUM_THREADS'), os.getcwd(), cpus\n"
    ),
}


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """A module of tasks and the module that it depends on, both the reader's own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, source in MODULES.items():
        (tmp_path / f"{name}.py").write_text(source.format(factor=2), encoding="utf-8")
    import warm_tasks

    yield warm_tasks
    for name in MODULES:
        sys.modules.pop(name)


def run(func, items, **options):
    return run_once(func, items, engine="serial", n_workers=1, timeout=30, **options).values()


def warm_pid():
    (pid,) = runner.idle_runners()
    return pid


def test_an_edited_dependency_and_an_edited_function_in_a_partial_are_run_as_they_are_now(tasks, tmp_path):
    from functools import partial

    scale = partial(tasks.scale, by=10)
    assert run(scale, [1]) == [20]
    first = warm_pid()
    assert run(scale, [1]) == [20] and warm_pid() == first, "nothing has changed: it stays warm"
    (tmp_path / "warm_dependency.py").write_text("FACTOR = 30\n", encoding="utf-8")
    assert run(scale, [1]) == [300] and warm_pid() != first


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity here")
def test_environment_folder_and_affinity_are_those_of_now(tasks, tmp_path, monkeypatch):
    allowed = os.sched_getaffinity(0)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert run(tasks.settings, [0])[0][0] == "8"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert run(tasks.settings, [0])[0][0] == "1"
    monkeypatch.chdir(tmp_path)
    assert run(tasks.settings, [0])[0][1] == str(tmp_path)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert run(tasks.settings, [0])[0][2] == [min(allowed)]
    finally:
        os.sched_setaffinity(0, allowed)
    assert run(tasks.settings, [0])[0][2] == sorted(allowed)


def test_what_a_task_changes_in_its_process_is_put_back_for_the_next_play():
    assert run(attacks.fine, [1]) == [1]
    first, before = warm_pid(), run(attacks.tell_the_surroundings, [1])
    assert run(attacks.change_the_surroundings, [1]) == [1]
    assert run(attacks.block_all_signals, [1]) == [1]
    assert run(attacks.tell_the_surroundings, [1]) == before and warm_pid() == first


def test_a_runner_in_which_a_task_left_a_thread_is_not_used_again(tasks):
    assert run(attacks.fine, [1]) == [1]
    first = warm_pid()
    assert run(attacks.leave_a_thread, [1]) == [1]
    assert runner.idle_runners() == set(), "it was ended"
    assert run(attacks.fine, [1]) == [1] and warm_pid() != first


@pytest.mark.skipif(os.name != "posix", reason="there, nobody can tell whether something printed is on its way")
def test_what_was_printed_is_there_when_a_play_ends():
    over = threading.Event()

    def be_busy():
        while not over.is_set():
            pass

    # the thread that reads what is printed gets its turn late
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.03)
    threading.Thread(target=be_busy, daemon=True).start()
    try:
        for number in range(20):
            playing = []
            assert list(runner.play(attacks.print_at_the_end, f"word {number}", on_start=playing.append)) == [1]
            assert f"word {number}" in playing[0].printed
    finally:
        over.set()
        sys.setswitchinterval(usual)


def test_surroundings_are_compared_and_put_back_part_by_part(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = Surroundings.now()
    assert before.find_changes() == []
    os.chdir("/")
    os.environ["MPL_CHANGED"] = "1"
    sys.path.append("nowhere")
    umask = os.umask(0o123)
    handler = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    try:
        assert before.find_changes() == ["folder", "environment", "path", "umask", "handlers", "threads"]
        before.put_back()
        assert before.find_changes() == ["threads"], "a thread cannot be taken back"
        assert os.getcwd() == str(tmp_path) and "MPL_CHANGED" not in os.environ and "nowhere" not in sys.path
        assert os.umask(umask) == umask and signal.getsignal(signal.SIGALRM) == handler
    finally:
        go.set()
        thread.join()


def test_own_sources_are_the_readers_modules_and_edits_are_named(tasks, tmp_path):
    before = runner.own_sources()
    assert {"warm_tasks", "warm_dependency"} <= set(before) and not {"json", "psutil", "helpers"} & set(before)
    assert runner.edited_since(before) == []
    (tmp_path / "warm_dependency.py").write_text("FACTOR = 300\n", encoding="utf-8")
    assert runner.edited_since(before) == ["warm_dependency"]
    (tmp_path / "warm_tasks.py").unlink()
    assert runner.edited_since(before) == ["warm_dependency", "warm_tasks"]


def test_a_module_that_is_edited_while_it_is_measured_is_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    source = tmp_path / "edited_meanwhile.py"
    source.write_text("def func(item):\n    return item\n", encoding="utf-8")
    import edited_meanwhile

    def edit(progress):
        if progress.run is not None and progress.run.engine == "serial":
            source.write_text("def func(item):\n    return item + 1  # edited\n", encoding="utf-8")

    try:
        with pytest.raises(ResultsDifferError, match="edited_meanwhile was edited") as caught:
            options = {"engines": "processes", "n_workers": 1, "start_method": "spawn"}
            sweep(edited_meanwhile.func, [1, 2], **options, on_progress=edit)
    finally:
        sys.modules.pop("edited_meanwhile")
    assert "edited_meanwhile was edited" in caught.value.sweep.problems[0].reason
