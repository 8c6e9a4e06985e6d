"""On the free-threaded build of Python the GIL stays off, whatever of this project is imported.

An extension module that does not say it can do without the GIL turns it on for the whole process, and
from then on threads take turns there too. The workflow has a job for this build.
"""

import subprocess
import sys
import sysconfig
from importlib.util import find_spec

import pytest
from checkout import ROOT
from jupyter_client.manager import start_new_kernel

free_threaded_only = pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"),
    reason="this build of Python has a GIL; the workflow has a job for the free-threaded one",
)
#: What the package, its tests and its benchmarks load late, besides every module of ours.
PACKAGES = "numpy matplotlib.figure ipywidgets IPython psutil multiprocess dill pandas".split()
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for folder in ("helpers", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "__main__.py"
)
IMPORT_ALL = """
import importlib, sys
is_on = getattr(sys, "_is_gil_enabled", lambda: True)
at_first, culprits = is_on(), []
for name in {names!r}:
    was_on = is_on()
    importlib.import_module(name)
    if is_on() and not was_on:
        culprits.append(name)
print("GIL", "on" if at_first else "off", "then", "on" if is_on() else "off", *culprits)
"""


def import_all(names):
    """Return what a fresh interpreter says of the GIL before and after importing all of `names`."""
    command = [sys.executable, "-c", IMPORT_ALL.format(names=list(names))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_can_be_imported_into_one_process():
    assert len(MODULES) > 90 and "helpers.labs.speedup" in MODULES and "benchmarks.tracing" in MODULES
    assert import_all([*PACKAGES, *MODULES]).startswith("GIL ")


@free_threaded_only
def test_the_gil_is_still_off_after_all_imports():
    peers = [name for name in ("joblib", "mpire") if find_spec(name)]
    assert import_all([*PACKAGES, *peers, *MODULES]) == "GIL off then off"


@free_threaded_only
def test_the_gil_is_off_in_a_kernel_that_runs_a_lab():
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    source = (
        "import sys\nfrom helpers.labs import SpeedupLab\nfrom helpers.machine import machine_report\n"
        "from helpers.tasks.cpu import do_nothing\n"
        "SpeedupLab(do_nothing, [1], engines='threads', n_workers=1, repeats=1).run(block=True)\n"
        "assert not sys._is_gil_enabled(), 'the GIL is on'\nassert not machine_report().gil_enabled\n"
    )
    try:
        reply = client.execute_interactive(source, timeout=60, output_hook=lambda message: None)["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert reply["status"] == "ok", reply
