"""What chapters 00 and 01 say about the way out of a hang, in a real kernel: interrupt, then restart."""

import os
import tempfile
import time

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.skipif(os.name != "posix", reason="on Windows an interrupt reaches the kernel alone")

SETUP = """
%load_ext helpers
import multiprocessing, time
from helpers.machine import default_start_method
multiprocessing.set_start_method(default_start_method(), force=True)
from multiprocessing import Pool, Process
from helpers.course.process.tasks import rest
kept = 7
"""
PROCESS = "process = Process(target=rest, args=(600,)); process.start(); process.join()"
POOL = "pool = Pool(2); pool.map(rest, [600, 600])"
WITH_POOL = "with Pool(2) as pool: pool.map(rest, [600, 600])"


@pytest.fixture
def kernel():
    with tempfile.TemporaryDirectory(prefix="k-", ignore_cleanup_errors=True) as folder:  # a killed one leaves traces
        environment = {**os.environ, "TMPDIR": folder}
        manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60, env=environment)
        assert client.execute_interactive(SETUP, timeout=60)["content"]["status"] == "ok"
        yield manager, client
        client.stop_channels()
        manager.shutdown_kernel()  # not killed: a kernel that is leaves semaphores


def ask(client, expression, seconds=60):
    """Return what `expression` gives in the kernel; asks again while it still drops what came with the interrupt."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reply = client.execute_interactive("", user_expressions={"asked": expression}, timeout=seconds)["content"]
        if reply["status"] == "ok":
            return eval(reply["user_expressions"]["asked"]["data"]["text/plain"])
        time.sleep(0.1)
    raise AssertionError("the kernel takes no code")


def workers(manager, other_than=()):
    """Return the processes below the kernel that live, less those `other_than`."""
    found = psutil.Process(manager.provisioner.pid).children(recursive=True)
    return [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE and one not in other_than]


def hang(manager, client, source, n_workers):
    """Run `source`, which never ends; return (what was there before, its workers) once these are up."""
    client.execute_interactive(  # the fork server and the tracker, if there are such
        "process = Process(target=rest, args=(0,)); process.start(); process.join(60)", timeout=60
    )
    services = workers(manager)
    client.execute(source)
    deadline = time.monotonic() + 60
    while len(found := workers(manager, services)) < n_workers and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)  # they have come up, and rest
    return services, found


@pytest.mark.parametrize(("source", "n_workers"), [(PROCESS, 1), (WITH_POOL, 2)], ids=["process", "with a pool"])
def test_an_interrupt_ends_the_waiting_and_the_workers_and_keeps_the_variables(kernel, source, n_workers):
    manager, client = kernel
    services, before = hang(manager, client, source, n_workers)
    assert len(before) == n_workers
    manager.interrupt_kernel()
    psutil.wait_procs(before, timeout=30)
    assert ask(client, "kept") == 7 and workers(manager, services) == []


def test_a_pool_that_nobody_closes_replaces_the_workers_that_an_interrupt_ended(kernel):
    manager, client = kernel
    services, before = hang(manager, client, POOL, 2)
    manager.interrupt_kernel()
    psutil.wait_procs(before, timeout=30)
    assert ask(client, "kept") == 7
    assert ask(client, "len(multiprocessing.active_children())") == 2 and not set(before) & set(workers(manager))
    assert ask(client, "pool.terminate() or pool.join() or 0") == 0 and workers(manager, services) == []


@pytest.mark.parametrize(("source", "n_workers"), [(PROCESS, 1), (POOL, 2)], ids=["process", "pool"])
def test_a_restart_ends_all_that_the_kernel_had_started(kernel, source, n_workers):
    manager, client = kernel
    services, before = hang(manager, client, source, n_workers)
    manager.restart_kernel()
    client.wait_for_ready(timeout=60)
    assert psutil.wait_procs([*services, *before], timeout=30)[1] == []
    assert ask(client, "'kept' in globals()") is False
