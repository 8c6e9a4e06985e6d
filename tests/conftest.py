"""What all tests share: nothing of ours may be left behind."""

import compileall
import gc
import importlib
import itertools
import multiprocessing
import signal
import sys
import threading
import time

import pytest
from checkout import ROOT
from leftovers import (
    descendants,
    shared_blocks,
    take_private_shared_memory,
    take_private_temporary_folder,
    temporary_traces,
)
from mutations.run import load_faults
from skips import fail_avoidable_skip

from helpers import runner

# A shell that starts a command in the background has it ignore Ctrl-C; these tests are about it.
signal.signal(signal.SIGINT, signal.default_int_handler)
take_private_shared_memory()
take_private_temporary_folder()
# Thousands of processes load this package. Where Python is told to keep no bytecode, as in many containers, each would
# compile it anew.
compileall.compile_dir(ROOT / "helpers", quiet=2)
# And of what the workers of many tests load, the fork server loads one copy for all.
multiprocessing.set_forkserver_preload(
    [f"helpers.course.{room}.tasks" for room in ("counting", "lock", "pipe", "process", "queue")]
    + ["helpers.tasks.crew", "helpers.tasks.faults", "numpy"]
)

#: Files that hold the rules of the house; with the tests of figures they are the fast loop, `-m quick`.
RULES = ("tests/test_layers.py", "tests/test_project.py")


def pytest_configure(config):
    """Have pytest-xdist hand out files in their order: by itself the few long ones, of the browser, would come last."""
    config.option.loadscopereorder = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the files of the browser together, so that one browser, one JupyterLab and one page serve all of them."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class BrowserTogether(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return "tests/browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)

    return BrowserTogether(config, log)


def pytest_collection_finish():
    """Take what was collected out of the search for garbage: it lives to the end, and is much to look through."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items):
    """Mark as quick: the rules of the house, and every test that a deliberate fault names."""
    quick = {*RULES, *(test for _, fault in load_faults() for test in fault.caught_by.split())}
    for item in items:
        file, name = item.nodeid.partition("::")[0], item.nodeid.partition("[")[0]
        if quick & {file, name, item.nodeid}:
            item.add_marker(pytest.mark.quick)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return fail_avoidable_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return fail_avoidable_skip((yield))


@pytest.fixture(autouse=True)
def leave_nothing_behind(request):
    """Fail a test that leaves a process, a thread of ours, a shared-memory block or a temporary folder behind."""
    before_blocks, before_processes = shared_blocks(), {process.pid for process in descendants()}
    before_traces = temporary_traces()
    before_threads = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while True:
        warm = {f"helpers-runner-{pid}" for pid in runner.idle_runners()}
        threads = [
            t.name
            for t in set(threading.enumerate()) - before_threads
            if t.name.startswith("helpers-") and t.name not in warm
        ]
        processes = [process.pid for process in descendants() if process.pid not in before_processes]
        blocks = shared_blocks() - before_blocks
        traces = temporary_traces() - before_traces
        if not (threads or processes or blocks or traces):
            return
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{request.node.name} left behind: threads {threads}, processes {processes}, shared memory "
                f"{sorted(blocks)}, temporary folders {sorted(traces)}"
            )
        time.sleep(0.05)


@pytest.fixture
def answers(tmp_path, monkeypatch):
    """Return a function that makes a module of answers and returns it: what a %%worker cell does."""
    numbers = itertools.count()
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(source):
        name = f"answers_{next(numbers)}_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{name}.py").write_text(source.removeprefix("%%worker\n"), encoding="utf-8")
        importlib.invalidate_caches()
        module = importlib.import_module(name)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    return make
