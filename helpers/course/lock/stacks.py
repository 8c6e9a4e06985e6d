"""Where processes stand that do not come to an end: how to find a deadlock, with the library's `faulthandler`."""

from __future__ import annotations

import linecache
import re
import tempfile
import time
from pathlib import Path

from helpers.arguments import check_number
from helpers.course.lock.tasks import dump_if_late
from helpers.crew import Crew
from helpers.engines.registry import check_start_method
from helpers.notebook import shorten_paths

#: Seconds for the processes to come up, and to write where they stand once they are late.
START_SECONDS, WRITE_SECONDS = 30.0, 10.0
#: Frames of a stack that are shown.
MOST_FRAMES = 8
_FRAME = re.compile(r'^ *File "(?P<path>[^"]+)", line (?P<line>\d+) in (?P<name>.+)$')


def find_stacks(target, arguments, *, late=1.0, start_method=None):
    """Return {name: stack} of processes of ``target(*args)`` that are not done `late` seconds after they began.

    Each process has `faulthandler.dump_traceback_later` write where it stands: the line it is at first, then
    its callers. Of the text come the frames down to `target`, at most `MOST_FRAMES`, each with its line of
    source, and no path of this machine. All processes are ended afterwards; one that is done has no stack.

    Parameters
    ----------
    target : callable
    arguments : dict of str to tuple; a process for each, by its name
    late : float, 0.1 to 10 seconds
    start_method : str, optional; None is the one that `multiprocessing` is set to

    Raises InvalidArgumentError; WorkerDiedError if one ends badly. Chapter 05.
    """
    late = check_number("late", late, 0.1, 10, "seconds")
    method = None if start_method is None else check_start_method(start_method)
    with tempfile.TemporaryDirectory(prefix="multiprocessing-live-stacks-") as folder:
        files = {name: Path(folder, f"{number}.txt") for number, name in enumerate(arguments)}
        members = [(late, str(files[name]), target, *args) for name, args in arguments.items()]
        with Crew(dump_if_late, members, method, links=False, names=list(arguments)) as crew:
            crew.wait_until(lambda: all(map(Path.exists, files.values())), START_SECONDS, "come up")
            _wait_for_stacks(crew, files, late + WRITE_SECONDS)
            texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
            crew.end(told=False)
    return {name: shorten_stack(text, target) for name, text in texts.items() if text}


def _wait_for_stacks(crew, files, seconds):
    """Return when each process has ended or written a whole stack, at the latest after so many seconds."""
    deadline, sizes = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        crew.require_health()
        before, sizes = sizes, [path.stat().st_size for path in files.values()]
        if all(code is not None or size for code, size in zip(crew.exitcodes, sizes, strict=True)) and before == sizes:
            return
        time.sleep(0.05)


def shorten_stack(text, target):
    """Return the frames of what `faulthandler` wrote, newest first, down to the function `target`.

    Each has its line of source below it, and paths are cut short; other threads are left out.
    """
    lines = []
    for frame in [found for line in text.splitlines() if (found := _FRAME.match(line))][:MOST_FRAMES]:
        source = linecache.getline(frame["path"], int(frame["line"])).strip()
        lines += [frame.group().strip(), *([f"    {source}"] if source else [])]
        if frame["name"] == target.__name__:
            break
    return shorten_paths("\n".join(lines))
