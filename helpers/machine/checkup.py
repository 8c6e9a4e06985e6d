"""The doctor: what it looks at one by one, and how its report is shown.

A worker is tried by a *probe*: a fresh Python in a process group of its own, which starts one
worker and runs one task in it. So neither the threads of a Jupyter kernel nor anything that
hangs in the probe can reach the caller.
"""

from __future__ import annotations

import html
import json
import multiprocessing
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass

from helpers.arguments import LONGEST_TIMEOUT, check_number
from helpers.machine.report import machine_report, start_methods
from helpers.runner import end_group, own_group
from helpers.words import MIB, html_table, memory, text_table

#: Packages no chapter works without.
CORE_PACKAGES = ("jupyterlab", "ipywidgets", "matplotlib", "psutil", "multiprocess")


@dataclass(frozen=True)
class Check:
    """One thing the doctor looked at: what it saw, and in one line what to mend or to know."""

    name: str
    ok: bool
    saw: str
    mend: str = ""

    @property
    def status(self):
        """ "ok", "note" (works, with a limit worth knowing) or "mend"."""
        return ("note" if self.mend else "ok") if self.ok else "mend"


@dataclass(frozen=True, repr=False)
class DoctorReport:
    """All checks; true if nothing has to be mended."""

    checks: tuple[Check, ...]

    @property
    def ok(self):
        """True if every check is ok; notes do not count against it."""
        return all(check.ok for check in self.checks)

    def __bool__(self):
        return self.ok

    def _headline(self):
        broken = [check.name for check in self.checks if not check.ok]
        return "All good: this machine is ready." if self.ok else f"{len(broken)} to mend: {', '.join(broken)}."

    def _rows(self):
        return [(check.status, check.name, check.saw, check.mend) for check in self.checks]

    def __repr__(self):
        rows = [(status, name, f"{saw}  -> {mend}" if mend else saw) for status, name, saw, mend in self._rows()]
        return f"{self._headline()}\n{text_table(rows)}"

    def _repr_html_(self):
        signs = {"ok": "✓ ok", "note": "! note", "mend": "✗ mend"}
        heads, rows = ("state", "check", "seen", "what to do"), self._rows()
        filled = len(heads) if any(mend for *_, mend in rows) else len(heads) - 1
        rows = [(signs[status], *others)[:filled] for status, *others in rows]
        return f"<p><b>{html.escape(self._headline())}</b></p>" + html_table(heads[:filled], rows)


def check_python():
    """Return the Check of this Python's version."""
    good, saw = sys.version_info >= (3, 11), f"{platform.python_implementation()} {platform.python_version()}"
    if good and sys.version_info >= (3, 16):
        return Check("Python", True, saw, "Newer than what this was tested with: 3.11 to 3.15.")
    return Check("Python", good, saw, "" if good else "Install Python 3.11 to 3.15 and start Jupyter with it.")


def check_packages():
    """Return the Check that the core packages are installed; none of them is imported."""
    from importlib.metadata import PackageNotFoundError, version
    from importlib.util import find_spec

    seen, missing = [], []
    for name in CORE_PACKAGES:
        try:
            seen.append(f"{name} {version(name)}")
            if find_spec(name) is None:
                missing.append(name)
        except PackageNotFoundError:
            missing.append(name)
    saw = "; ".join(filter(None, (", ".join(seen), missing and f"cannot be imported: {', '.join(missing)}")))
    return Check(
        "packages", not missing, saw, f"python -m pip install --force-reinstall {' '.join(missing)}" if missing else ""
    )


def check_folder(name, find_folder, enough_bytes, mend):
    """Return the Check that a file can be written in a folder, with a note if there is little room."""
    try:
        folder = find_folder()
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(name, False, f"cannot be written: {error.strerror or error}", mend)
    return Check(name, True, f"writable, {memory(free)} free", "" if free >= enough_bytes else f"Little room. {mend}")


def check_limits():
    """Return the Checks of usable CPUs and free memory; a single CPU is a note, not a fault."""
    report = machine_report()
    advice = (
        "CPU-bound work cannot get faster on one CPU: try waiting work, or a larger machine."
        if report.usable_cpus == 1
        else ""
    )
    free, low, mend = report.memory_free_bytes, report.memory_free_bytes < 256 * MIB, ""
    if free < 1024 * MIB:
        mend = "Close other programs or notebooks: a few workers need 256 MiB." if low else "Large data may not fit."
    return [
        Check("usable CPUs", True, f"{report.usable_cpus}, decided by {report.decided_by}", advice),
        Check("free memory", not low, f"{memory(free)}, decided by {report.memory_free_decided_by}", mend),
    ]


def _task_in_worker():
    """Run one real task; executed in the worker of a probe."""
    from importlib import import_module

    return os.getpid(), import_module("helpers.tasks.cpu").count_primes(30)


def probe(start_method):
    """Start one worker by `start_method`, run one task in it, print what was seen as JSON.

    Assumes a process of its own, single-threaded, as `doctor` starts it: fork is safe there.
    """
    from concurrent.futures import ProcessPoolExecutor

    started = time.perf_counter()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(start_method)) as executor:
        worker, answer = executor.submit(_task_in_worker).result()
    print(
        json.dumps(
            {"worker": worker, "parent": os.getpid(), "answer": answer, "seconds": time.perf_counter() - started}
        )
    )


def start_probe(start_method):
    """Return the running process of one probe, in a process group of its own, or the OSError."""
    # -P: the probe finds exactly what this process finds, not what lies in the current folder
    command = [
        sys.executable or "python",
        "-P",
        "-c",
        f"from helpers.machine.checkup import probe; probe({start_method!r})",
    ]
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if isinstance(entry, str))
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONPATH": path},
            **own_group(),
        )
    except OSError as error:
        return error


def end_probe(process):
    """End a probe that has not ended, with everything it started; return what it wrote (output, errors)."""
    end_group(process)
    with suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=2)
    return "", ""


def check_worker(start_method, process, deadline):
    """Return the Check of one probe. Its pipes close only when everything it started has ended."""
    name, mend = f"worker by {start_method}", "Start Jupyter in the project's folder, after: python -m pip install -e ."
    if isinstance(process, OSError):
        saw = f"this Python cannot be started again: {process.strerror or process}"
        return Check(name, False, saw, "Start Jupyter from an ordinary Python.")
    try:  # a moment even after the deadline: another probe may have used it up while this one was done
        output, errors = process.communicate(timeout=max(0.2, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        output, errors = end_probe(process)
        saw = "did its task, but does not end" if output.strip() else "no answer before the deadline"
        return Check(
            name,
            False,
            "; ".join(filter(None, (saw, _first_error(errors)))),
            "Close other programs and call doctor(timeout=60).",
        )
    with suppress(ValueError, LookupError, TypeError):
        seen = json.loads(output.strip().splitlines()[-1])
        if seen["answer"] == 10 and seen["worker"] != seen["parent"] and process.returncode == 0:
            return Check(name, True, f"up and one task done in {seen['seconds']:.2f} s")
    return Check(name, False, _first_error(errors) or f"ended with exit code {process.returncode}", mend)


def _first_error(errors):
    """Return the first error a probe or its worker wrote, else its last line: the cause comes before what follows."""
    found = re.findall(r"^[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit)\b.*", errors, re.MULTILINE)
    return (found or errors.strip().splitlines()[-1:] or [""])[0][:200]


def doctor(timeout=20):
    """Return a DoctorReport: green, or one line for each thing to mend.

    Starts one real worker for every start method, all at once, each from a process of its own
    outside the kernel; whatever is not done after `timeout` seconds is killed with everything
    it started. Assumes an otherwise idle machine: a busy one may pass the deadline.
    """
    timeout = check_number("timeout", timeout, 0, LONGEST_TIMEOUT, "seconds", above=True)
    deadline, probes = time.monotonic() + timeout, {}
    try:
        for start_method in start_methods():
            probes[start_method] = start_probe(start_method)
        checks = [check_python(), check_packages(), *check_limits()]
        advice = "Free some disk space, or set TMPDIR to another folder."
        checks.append(check_folder("temporary folder", tempfile.gettempdir, 100 * MIB, advice))
        if sys.platform == "linux":
            advice = "Give the container more shared memory: docker run --shm-size=1g."
            checks.append(check_folder("/dev/shm", lambda: "/dev/shm", 64 * MIB, advice))
        checks += [check_worker(start_method, process, deadline) for start_method, process in probes.items()]
    finally:
        for process in probes.values():
            if not isinstance(process, OSError) and process.returncode is None:
                end_probe(process)
    return DoctorReport(tuple(checks))
