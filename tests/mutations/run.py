"""Plant deliberate faults one by one and see each of them caught: ``python tests/mutations/run.py [area …]``.

Each fault is planted in a copy of the project in a temporary folder, never in the checkout. First the
tests that are to catch the faults run without any: they must pass. Then each fault has a run of its own;
two run at a time. Ends with exit status 1 if a fault survives or no longer fits the code.
"""

import sys

if __name__ == "__main__":
    sys.path.pop(0)  # this folder: an area may have the name of a module, such as queue

import compileall
import importlib
import os
import py_compile
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from checkout import ROOT, copy_project  # noqa: E402  found by the line before

#: Seconds for the tests of one fault, and how many faults are tried at a time.
DEADLINE, AT_A_TIME = 120, 2


def load_faults(areas=()):
    """Return the faults of the areas named (all by default), as [(area, Fault)]."""
    names = sorted(path.stem for path in (TESTS / "mutations").glob("*.py"))
    chosen = [name for name in names if name not in ("fault", "run", "__init__") and (not areas or name in areas)]
    if unknown := set(areas) - set(chosen):
        raise SystemExit(f"There is no area {', '.join(sorted(unknown))}. There are: {', '.join(chosen)}.")
    return [(name, fault) for name in chosen for fault in importlib.import_module(f"mutations.{name}").FAULTS]


def run_tests(folder, node_ids):
    """Return the finished pytest of `node_ids` in the copy of the project in `folder`; None for one that hung."""
    options = ["-o", "addopts=", "-p", "pytest_timeout", "-p", "no:cacheprovider", "-x", "-q", "--no-header"]
    command = [sys.executable, "-m", "pytest", *options, *node_ids]
    quick = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment = {**os.environ, "PYTHONPATH": str(folder), **quick}
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return None


def prepare_copy(folder):
    """Return `folder` with a copy of the project, compiled so that a changed file is always seen to be changed."""
    copy_project(folder)
    compileall.compile_dir(folder / "helpers", quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    return folder


def try_fault(fault, folder):
    """Return why the fault is not caught, "" if it is. `folder` holds a sound copy and does so again afterwards."""
    path = folder / fault.file
    if not path.is_file():
        return f"{fault.file} does not exist"
    sound = path.read_text(encoding="utf-8")
    if sound.count(fault.old) != 1:
        return f"its text stands {sound.count(fault.old)} times in {fault.file}, not once"
    path.write_text(sound.replace(fault.old, fault.new), encoding="utf-8")
    try:
        done = run_tests(folder, fault.caught_by.split())
    finally:
        path.write_text(sound, encoding="utf-8")
    if done is None or done.returncode == 1:
        return ""
    if done.returncode == 0:
        return "SURVIVED: its tests pass"
    return f"pytest could not run its tests (status {done.returncode}):\n{done.stdout[-1500:]}{done.stderr[-500:]}"


def main(areas):
    """Try all faults of the areas; return the exit status."""
    faults, began = load_faults(areas), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="multiprocessing-live-faults-") as work:
        folders = [prepare_copy(Path(work, str(number))) for number in range(AT_A_TIME)]
        sound = run_tests(folders[0], sorted({node for _, fault in faults for node in fault.caught_by.split()}))
        if sound is None or sound.returncode:
            print(
                "Without any fault the tests must pass, and they do not:\n",
                sound.stdout[-3000:] if sound else "they hang",
            )
            return 1
        free, survivors = list(folders), []

        def attempt(named):
            folder = free.pop()
            try:
                return named, try_fault(named[1], folder)
            finally:
                free.append(folder)

        with ThreadPoolExecutor(AT_A_TIME) as pool:
            for (area, fault), problem in pool.map(attempt, faults):
                print(
                    f"{'caught  ' if not problem else 'MISSED  '} {area}: {fault.name}{': ' * bool(problem)}{problem}",
                    flush=True,
                )
                survivors += [fault] if problem else []
    caught = len(faults) - len(survivors)
    print(f"{caught} of {len(faults)} faults caught in {time.monotonic() - began:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    if shutil.which("git") is None and not (ROOT / "helpers").is_dir():
        raise SystemExit("Run it in a checkout of the project.")
    sys.exit(main(sys.argv[1:]))
