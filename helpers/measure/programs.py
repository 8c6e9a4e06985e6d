"""Running a small program as a process of its own: own session, a deadline, and the end of all it started."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

from helpers.arguments import check_flag, check_number
from helpers.errors import HelpersError, InvalidArgumentError
from helpers.notebook import shorten_paths
from helpers.runner import MARK, describe_exit, end_group, own_group, watched_mark
from helpers.words import shown, size

#: Longest path of a folder in which a fork server of the program's can make a folder, and in it a socket.
LONGEST_FOLDER = 70
#: Variables by which a kernel asks for coloured text.
COLOURING = ("FORCE_COLOR", "CLICOLOR_FORCE")
#: Bytes that a program may print before it is ended, and characters of such a text that are shown.
PRINTED_LIMIT, SHOWN_LIMIT = 2_000_000, 2_000
#: Seconds a program may take, and between two looks whether it still runs.
LONGEST, LOOK_EVERY = 600, 0.05


@dataclass(frozen=True, repr=False)
class ProgramRun:
    """How a program ended: ``exitcode`` is None if it was ended; ``printed`` has no paths of this machine.

    It is ended by the deadline, or when it has printed more than `PRINTED_LIMIT` bytes: ``flooded`` is
    True then, and ``printed`` holds the first of them.
    """

    exitcode: int | None
    printed: str
    seconds: float
    flooded: bool = False

    @property
    def ended(self):
        """How it ended, in words."""
        if self.flooded:
            return f"ended after it had printed more than {size(PRINTED_LIMIT)}"
        return "ended by the deadline" if self.exitcode is None else describe_exit(self.exitcode)

    def count(self, text):
        """Return how often `text` was printed, tracebacks included."""
        return self.printed.count(text)

    def last_lines(self, n=3):
        """Return the last `n` lines printed."""
        return "\n".join(self.printed.rstrip().splitlines()[-n:])

    def __repr__(self):
        printed = self.printed[:SHOWN_LIMIT] + " …" if self.flooded else self.printed.rstrip()
        return "\n".join(part for part in (printed, f"[{self.ended}]") if part)


def run_program(source, *, in_file=True, timeout=20.0):
    """Return the ProgramRun of Python `source`, run by a fresh interpreter in a folder of its own.

    With ``in_file=False`` the program is handed over without a file, as a notebook's cells are:
    other processes then find nothing to import it from. After `timeout` seconds (at most 600), when it
    prints without end, and in any case when it has ended, everything it started is ended; that is no
    error, only noted.

    Raises InvalidArgumentError, and HelpersError where no process can be started.
    """
    in_file, timeout = check_flag("in_file", in_file), check_number("timeout", timeout, 0, LONGEST, "seconds", True)
    check_source(source, in_file)
    with tempfile.TemporaryDirectory(prefix="multiprocessing-live-program-", ignore_cleanup_errors=True) as folder:
        Path(folder, "script.py").write_text(source, encoding="utf-8")
        began = time.perf_counter()
        mark = watched_mark()
        command = [sys.executable, "script.py"] if in_file else [sys.executable, "-c", source]
        process = start_program(command, folder, mark)
        printed = Printed(process.stdout)
        try:
            exitcode = printed.wait_for(process, timeout)
        finally:
            seconds = time.perf_counter() - began
            end_group(process, mark)
            text = printed.close()
        for name in {folder, str(Path(folder).resolve())}:
            text = text.replace(name + "/", "").replace(name + "\\", "")
    return ProgramRun(None if printed.flooded else exitcode, shorten_paths(text), seconds, printed.flooded)


def check_source(source, in_file):
    """Raise InvalidArgumentError if `source` is no text that an interpreter can be given."""
    if not isinstance(source, str):
        raise InvalidArgumentError(f"source must be the text of a program, not {shown(source)}.")
    try:
        source.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(
            f"source has {shown(source[error.start])} at character {error.start}, half of a character, which no file "
            "can hold: leave it out, or write it as an escape."
        ) from error
    if not in_file and "\0" in source:
        raise InvalidArgumentError("source holds a null character, which ends a text: leave it out.")


def start_program(command, folder, mark):
    """Return the Popen of `command` in `folder`, in a group of its own; what it prints comes through a pipe.

    All it starts bears the mark, and its temporary files are in the folder.
    """
    plain = {"PYTHON_COLORS": "0", "PYTHONUNBUFFERED": "1", MARK: mark}
    if len(folder) <= LONGEST_FOLDER:  # in a longer one fork servers could not make their sockets
        plain["TMPDIR"] = folder
    environment = {name: value for name, value in os.environ.items() if name not in COLOURING} | plain
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        return subprocess.Popen(command, cwd=folder, env=environment, bufsize=0, **streams, **own_group())
    except OSError as error:
        raise HelpersError(
            f"The program could not be started: {error}. Free processes, files or memory; a program of more than "
            "100,000 characters needs in_file=True."
        ) from error


class Printed:
    """What a program prints, read while it runs: the first `PRINTED_LIMIT` bytes, after which it is stopped.

    Nothing waits for the end of the pipe: whoever outlives the program may hold it open.
    """

    def __init__(self, stream):
        self._stream, self._data, self._enough = stream, bytearray(), threading.Event()
        self._thread = threading.Thread(target=self._read, name="helpers-program", daemon=True)
        self._thread.start()

    @property
    def flooded(self):
        """Whether more than the limit was printed."""
        return len(self._data) > PRINTED_LIMIT

    def _read(self):
        while not self.flooded:
            # Windows cannot wait for a pipe with a deadline: there the thread ends with the last who holds it open.
            while os.name == "posix" and not wait([self._stream], LOOK_EVERY):
                if self._enough.is_set():
                    return
            data = os.read(self._stream.fileno(), 65_536)
            if not data:
                return
            self._data += data

    def wait_for(self, process, timeout):
        """Return the exit code of `process`; None if it still runs after `timeout` seconds or has printed too much."""
        deadline = time.monotonic() + timeout
        while not self.flooded:
            try:
                return process.wait(max(0.0, min(LOOK_EVERY, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                if time.monotonic() >= deadline:
                    return None
        return None

    def close(self):
        """Return the text that was printed, when the program and all it started are gone."""
        self._enough.set()
        self._thread.join(2)
        if not self._thread.is_alive():
            self._stream.close()
        return bytes(self._data[:PRINTED_LIMIT]).decode("utf-8", errors="replace").replace("\r\n", "\n")
