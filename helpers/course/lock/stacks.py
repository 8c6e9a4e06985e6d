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


def find_stacks(target, arguments, *, late=0.5, start_method=None):
    """Return {name: stack} of processes of ``target(*args)`` that come to stand still.

    Each process has `faulthandler.dump_traceback_later` write where it stands, every `late` seconds: the line it is
    at first, then its callers. Once all are up, each is to be at the same place twice. Of the text come the frames
    down to `target`, at most `MOST_FRAMES`, each with its line of source, and no path of this machine. All processes
    are ended afterwards; one that is done has no stack.

    Parameters
    ----------
    target : callable
    arguments : dict of str to tuple; a process for each, by its name
    late : float, 0.1 to 10 seconds; longer than any wait that is no hang
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
            texts = _wait_for_stacks(crew, files, 2 * late + WRITE_SECONDS)
            crew.end(told=False)
    return {name: shorten_stack(text, target) for name, text in texts.items()}


def _wait_for_stacks(crew, files, seconds):
    """Return {name: its newest stack} of those that have not ended, once each of them was seen at one place twice.

    All are up: what they wrote before does not count, since one may still have waited for another to come.
    After so many seconds they are returned as they are.
    """
    deadline = time.monotonic() + seconds
    before = {name: len(split_stacks(path)) for name, path in files.items()}
    while True:
        crew.require_health()
        running = [name for name, code in zip(files, crew.exitcodes, strict=True) if code is None]
        stacks = {name: split_stacks(files[name]) for name in running}
        if all(stands_still(stacks[name][before[name] :]) for name in running) or time.monotonic() > deadline:
            return {name: found[-1] for name, found in stacks.items() if found}
        time.sleep(0.05)


def split_stacks(path):
    """Return what `faulthandler` wrote to a file as a list, one text each time; the last may be in the making."""
    return path.read_text(encoding="utf-8").split("Timeout (")[1:]


def stands_still(stacks):
    """Return whether the two newest stacks are the same, so that the last one is whole and its process went nowhere.

    >>> stands_still(["a", "b"]), stands_still(["b"]), stands_still(["a", "b", "b"])
    (False, False, True)
    """
    return len(stacks) > 1 and stacks[-1] == stacks[-2]


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
