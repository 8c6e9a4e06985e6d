"""However a measurement in the browser ends, no process of it lives on."""

import time

import pytest

from .jupyter import children, is_alive, wait_until
from .pages import open_cells

#: Beside the notebook: quick in the serial loop, without end in a worker process.
TASK = """
import multiprocessing

def spin_in_worker(item):
    while multiprocessing.parent_process() is not None:
        item += 1
    return item
"""
MAKE = """
import multiprocessing
from forever import spin_in_worker
from helpers.labs import SpeedupLab
from helpers.tasks.cpu import count_primes
context = multiprocessing.get_context("forkserver")
process = context.Process(target=count_primes, args=(30,))  # as a chapter does by hand: what it leaves is not the lab's
process.start()
process.join()
lab = SpeedupLab(spin_in_worker, range(4), engines=("processes",), n_workers=(2,), start_method="forkserver")
"""
#: The promise is half a second; the rest is for a machine that is busy with other tests.
STOP_SECONDS = 1.0


@pytest.fixture
def measuring(own_page, server):
    """A function that opens a notebook with a lab and runs it until its workers are alive: (notebook, lab,
    processes)."""

    def measuring():
        (server.notebooks / "forever.py").write_text(TASK)
        notebook = open_cells(own_page, server, MAKE, "lab")
        (lab,) = notebook.labs()
        lab.run()
        kernel = server.kernel()
        # the runner, its fork server and resource tracker, and two workers
        wait_until(lambda: len(children(kernel)) >= 4, 30, "workers alive")
        return notebook, lab, children(kernel)

    return measuring


def test_stop_leaves_no_process_within_half_a_second(measuring, server):
    notebook, lab, processes = measuring()
    kernel = server.kernel()
    lab.press("stop")
    clicked = time.perf_counter()
    wait_until(lambda: not children(kernel) and not any(map(is_alive, processes)), 10, "nothing alive after Stop")
    seconds = time.perf_counter() - clicked
    print(f"Stop: {len(processes)} processes gone {seconds * 1000:.0f} ms after the click")
    lab.wait_over()
    assert "stopped" in lab.progress.inner_text()
    assert seconds < STOP_SECONDS


def test_restarting_the_kernel_leaves_no_process(measuring, server):
    notebook, _, processes = measuring()
    notebook.restart_kernel()
    wait_until(lambda: not any(map(is_alive, processes)), 10, "nothing alive after the restart")
    assert children(server.kernel()) == []


def test_killing_the_kernel_leaves_no_process(measuring, server):
    _, _, processes = measuring()
    server.kernel().kill()
    wait_until(lambda: not any(map(is_alive, processes)), 10, "nothing alive after the kernel was killed")


def test_closing_the_notebook_with_its_kernel_leaves_no_process(measuring, server):
    notebook, _, processes = measuring()
    notebook.close(kernel=True)
    wait_until(lambda: not any(map(is_alive, processes)), 10, "nothing alive after the notebook was closed")
    assert server.ask("kernels") == []
