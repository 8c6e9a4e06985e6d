"""Running a small program as a process of its own: own session, a deadline, and the end of all it started."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from helpers.arguments import check_count
from helpers.errors import InvalidArgumentError
from helpers.notebook import shorten_paths
from helpers.runner import describe_exit, end_group, own_group

#: Variables by which a kernel asks for coloured text.
COLOURING = ("FORCE_COLOR", "CLICOLOR_FORCE")


@dataclass(frozen=True, repr=False)
class ProgramRun:
    """How a program ended: ``exitcode`` is None if the deadline ended it; ``printed`` has no paths of this machine."""

    exitcode: int | None
    printed: str
    seconds: float

    @property
    def ended(self):
        """How it ended, in words."""
        return "ended by the deadline" if self.exitcode is None else describe_exit(self.exitcode)

    def count(self, text):
        """Return how often `text` was printed, tracebacks included."""
        return self.printed.count(text)

    def last_lines(self, n=3):
        """Return the last `n` lines printed."""
        return "\n".join(self.printed.rstrip().splitlines()[-n:])

    def __repr__(self):
        return "\n".join(part for part in (self.printed.rstrip(), f"[{self.ended}]") if part)


def run_program(source, *, in_file=True, timeout=20.0):
    """Return the ProgramRun of Python `source`, run by a fresh interpreter in a folder of its own.

    With ``in_file=False`` the program is handed over without a file, as a notebook's cells are:
    other processes then find nothing to import it from. After `timeout` seconds, and in any
    case at the end, everything it started is ended; that is no error, only noted.
    """
    if not isinstance(source, str):
        raise InvalidArgumentError(f"source must be the text of a program, not {source!r}.")
    check_count("timeout", int(timeout * 1000), 1, 600_000)
    environment = {name: value for name, value in os.environ.items() if name not in COLOURING} | {
        "PYTHON_COLORS": "0",
        "PYTHONUNBUFFERED": "1",
    }
    with tempfile.TemporaryDirectory(prefix="multiprocessing-live-program-", ignore_cleanup_errors=True) as folder:
        script, output = Path(folder, "script.py"), Path(folder, "printed")
        script.write_text(source, encoding="utf-8")
        command = [sys.executable, "script.py"] if in_file else [sys.executable, "-c", source]
        began = time.perf_counter()
        with output.open("wb") as printed:  # a file, not a pipe: nothing waits for its end
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=environment,
                **own_group(),
            )
            try:
                exitcode = process.wait(timeout)
            except subprocess.TimeoutExpired:
                exitcode = None
            finally:
                seconds = time.perf_counter() - began
                end_group(process)
        text = output.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
        for name in {folder, str(Path(folder).resolve())}:
            text = text.replace(name + "/", "").replace(name + "\\", "")
    return ProgramRun(exitcode, shorten_paths(text), seconds)
