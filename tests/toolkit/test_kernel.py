"""A real Jupyter kernel interrupted, restarted or killed while it measures: nothing of ours survives it."""

import os
import signal
import sys
import time

import pytest
from jupyter_client.manager import start_new_kernel
from leftovers import group_of, shared_blocks

START = """
from helpers.measure import sweep
from helpers.tasks import wait
def note(runner): print("runner", runner.pid, flush=True)
sweep(wait.wait_ms, [50] * 8, engines={engine!r}, n_workers=2, start_method={method!r}, repeats=900, on_start=note)
"""
LAB = """
from helpers.labs import SpeedupLab
from helpers.tasks import wait
lab = SpeedupLab(wait.wait_ms, [50] * 8, n_workers=2, repeats=90)
lab.run()
import time; time.sleep(1.5)
print("runner", lab._runner.pid, flush=True)
"""
SETTINGS = [("pool", "fork"), ("pool", "forkserver"), ("processes", "spawn")]


@pytest.fixture
def kernel():
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def runner_pid(client, seconds=30):
    """Return the runner's process id that the kernel prints."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = client.get_iopub_msg(timeout=seconds)
        text = message["content"].get("text", "")
        if message["msg_type"] == "error":
            raise AssertionError(message["content"]["evalue"])
        if "runner" in text:
            return int(text.split()[1])
    raise AssertionError("the kernel never said its runner")


def execute(client, source, seconds=30):
    """Return the status of executing `source`; asks again while the kernel still drops what came with the interrupt."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = client.execute_interactive(source, timeout=seconds)["content"]["status"]
        if status != "aborted":
            return status
        time.sleep(0.1)
    raise AssertionError("the kernel takes no code")


def assert_gone(leader, blocks_before, seconds=3.0):
    deadline = time.monotonic() + seconds
    while (left := group_of(leader) or sorted(shared_blocks() - blocks_before)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left


def wait_for_workers(leader, seconds=20):
    deadline = time.monotonic() + seconds
    while len(group_of(leader)) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(group_of(leader)) >= 3, "two workers and the runner are at work"


pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX")


@pytest.mark.parametrize(("engine", "method"), SETTINGS)
def test_a_killed_kernel_takes_everything_with_it(kernel, engine, method):
    manager, client = kernel
    before = shared_blocks()
    client.execute(START.format(engine=engine, method=method))
    leader = runner_pid(client)
    wait_for_workers(leader)
    os.kill(manager.provisioner.pid, signal.SIGKILL)
    assert_gone(leader, before)


@pytest.mark.parametrize("source", [START.format(engine="pool", method="forkserver"), LAB], ids=["sweep", "lab"])
def test_a_restarted_kernel_takes_everything_with_it(kernel, source):
    manager, client = kernel
    before = shared_blocks()
    client.execute(source)
    leader = runner_pid(client)
    wait_for_workers(leader)
    manager.restart_kernel(now=False)
    client.wait_for_ready(timeout=30)
    assert_gone(leader, before)


@pytest.mark.parametrize(("engine", "method"), SETTINGS)
def test_an_interrupted_sweep_takes_everything_with_it_and_the_kernel_goes_on(kernel, engine, method):
    manager, client = kernel
    before = shared_blocks()
    client.execute(START.format(engine=engine, method=method))
    leader = runner_pid(client)
    wait_for_workers(leader)
    manager.interrupt_kernel()
    assert_gone(leader, before)
    assert (
        execute(client, "assert sweep(wait.wait_ms, [1], engines='processes', n_workers=1, repeats=1).complete") == "ok"
    )


def test_an_interrupt_does_not_reach_a_lab_that_runs_beside_the_cells(kernel):
    manager, client = kernel
    client.execute(LAB)
    leader = runner_pid(client)
    client.execute("time.sleep(30)")
    time.sleep(0.3)
    manager.interrupt_kernel()
    time.sleep(0.5)
    assert group_of(leader), "the lab goes on"
    client.execute_interactive("lab.stop()", timeout=20, output_hook=lambda message: None)
    assert_gone(leader, set(shared_blocks()))


def test_a_lab_shown_twice_is_one_picture_that_both_cells_keep():
    import nbformat
    from nbclient import NotebookClient

    make = """
from helpers.labs import SpeedupLab
from helpers.tasks import wait
lab = SpeedupLab(wait.wait_ms, [1, 2], n_workers=1, repeats=1)
lab"""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (make, "lab", "_ = lab.run(block=True)")]
    )
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    pictures = [
        output.data["image/png"]
        for cell in notebook.cells
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 2 and pictures[0] == pictures[1]
    alts = [
        output.metadata["image/png"]["alt"]
        for cell in notebook.cells
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert all("times the serial loop" in alt or "serial loop" in alt for alt in alts)


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_kernel_that_started_processes_itself_still_runs_its_exit_handlers(method, tmp_path):
    import multiprocessing

    import nbformat
    from nbclient import NotebookClient

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this platform")
    sources = [
        "%load_ext helpers",
        "%%worker\ndef double(number):\n    return 2 * number",
        (
            f"from multiprocessing import get_context\nwith get_context({method!r}).Pool(1) as pool:\n    assert "
            "pool.map(double, [1]) == [2]"
        ),
        (
            "import atexit, "
            f"pathlib\natexit.register(pathlib.Path({str(tmp_path / 'ended')!r}).touch)\ndouble.__code__.co_filename"
        ),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    module = notebook.cells[-1].outputs[0].data["text/plain"].strip("'")
    assert (tmp_path / "ended").exists() and not os.path.exists(os.path.dirname(module))


def test_a_kernel_that_is_shut_down_leaves_no_folder_and_no_word_in_the_log(tmp_path):
    """It has semaphores, a pool of its own, and a measurement that was stopped: all of them were told of there."""
    sources = (
        "%load_ext helpers",
        "from multiprocessing import get_context\ncontext = get_context('spawn')",
        "kept = [context.Lock() for _ in range(3)]\nwith context.Pool(1) as pool:\n    pool.map(abs, [1])",
        "import multiprocess\nother = multiprocess.get_context('spawn')",
        "with other.Pool(1) as twin:\n    twin.map(abs, [1])\nnever_closed = other.Pool(1)",
        "from helpers.course.queue import measure_queue\nimport time\nbegan = time.monotonic()",
        "run = measure_queue(n_items=100, consume_ms=50, should_stop=lambda: time.monotonic() > began + 1)",
        "assert not run.complete",
    )
    log, folder = tmp_path / "log", tmp_path / "tmp"
    folder.mkdir()
    blocks = shared_blocks()
    with log.open("w") as file:
        settings = {**os.environ, "TMPDIR": str(folder)}
        manager, client = start_new_kernel(kernel_name="python3", env=settings, stdout=file, stderr=file)
        try:
            assert [execute(client, source) for source in sources] == ["ok"] * len(sources)
        finally:
            client.stop_channels()
            manager.shutdown_kernel()
    deadline = time.monotonic() + 10
    while (left := [*folder.iterdir(), *sorted(shared_blocks() - blocks)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
    assert "leaked" not in log.read_text(encoding="utf-8") and "resource_tracker" not in log.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="there semaphores are no files")
def test_a_kernel_that_is_killed_with_its_group_leaves_no_semaphore(tmp_path):
    """So Jupyter ends a kernel that is slow to end, or that is restarted twice; the tracker cleans up all the same."""
    sources = (
        "%load_ext helpers",
        "from multiprocessing import get_context\nkept = [get_context('spawn').Lock() for _ in range(3)]",
    )
    blocks = shared_blocks()
    with (tmp_path / "log").open("w") as file:
        manager, client = start_new_kernel(kernel_name="python3", stdout=file, stderr=file)
        try:
            assert [execute(client, source) for source in sources] == ["ok"] * len(sources)
            assert len(shared_blocks() - blocks) == 3
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    deadline = time.monotonic() + 10
    while (left := shared_blocks() - blocks) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
    assert "leaked" not in (tmp_path / "log").read_text(encoding="utf-8")
