"""The inside of the runner: what runs in its process. Started by `helpers.runner.handle`."""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import sys
import threading
import traceback

from helpers.errors import HelpersError
from helpers.runner.frames import read_frame, write_frame
from helpers.runner.groups import end_descendants
from helpers.runner.library import prepare_library, set_place
from helpers.runner.sources import find_shadows
from helpers.runner.tidying import Surroundings, become_subreaper, end_strays

#: Slots of the board on which serial loops and threads note the item they are at.
BOARD_SLOTS = 512
#: Descriptors from which on the runner keeps its own, where so many are allowed: what a task opens does not get there.
HIGH_DESCRIPTOR = 900
#: What stands for the end of a play's records.
END = object()
#: The board in the runner: one number a slot, the item it is at plus one (0: none).
board = None


def main():
    """Play what comes in on stdin until it closes. Runs in the runner process."""
    global board
    lifeline, board_fd, mark, folder = eval(sys.argv[1])  # a list of numbers and texts, written by the kernel's side
    commands, records = os.fdopen(_keep_high(0), "rb"), os.fdopen(_keep_high(1), "wb")
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what tasks print goes the way of stderr, never into the records
    board = memoryview(mmap.mmap(board_fd, 8 * BOARD_SLOTS) if board_fd >= 0 else bytearray(8 * BOARD_SLOTS)).cast("q")
    end_with_parent(lifeline)
    become_subreaper()
    set_place(folder, mark)
    prepare_library("multiprocessing")
    _serve(commands, records)


def _serve(commands, records):
    """Play one work after the other; nothing that it raises ends the runner."""
    own = os.getpid()
    while True:
        try:
            number, make_records, args = pickle.loads(read_frame(commands))
        except EOFError:
            return
        except BaseException as error:
            _reply(records, own, None, "error", HelpersError(f"The work could not be handed over: {say(error)}"))
            continue
        before = Surroundings.now()
        try:
            playing, nod = make_records(*args), None
            while (record := _next(playing, nod)) is not END:
                _reply(records, own, number, "record", record)
                nod = pickle.loads(read_frame(commands))
                before.put_back()  # the next run is to find what this one found
            _reply(records, own, number, "end", tidy_up(before))
        except EOFError:
            return
        except BaseException as error:
            _reply(records, own, number, "error", as_told(error))


def _next(playing, nod):
    """Return the next record of a generator, whose last ``yield`` gives `nod`; END after the last one."""
    try:
        return playing.send(nod)
    except StopIteration:
        return END


def tidy_up(before):
    """End what tasks left running; return the names of what they have changed since `before`. It loses no result."""
    try:
        end_strays()
        return before.find_changes()
    except Exception:  # a task has replaced what this needs
        return ["the process"]


def as_told(error):
    """Return the error that the kernel is to raise for one that ended a play.

    What says it all itself goes as it is. A refusal of the system, and what would end the caller's program
    (SystemExit and the like), become errors of this package; everything else gets a note of where it was raised.
    """
    if isinstance(error, HelpersError):
        return error
    if is_refusal(error):
        return HelpersError(
            f"The system refused what the work needs: {say(error)}. Close other programs, make room in shared memory "
            "and in the folder for temporary files, or ask for fewer workers."
        )
    if not isinstance(error, Exception):
        return HelpersError(f"The work was to end its own program: it raised {say(error)}.")
    if isinstance(error, ImportError | AttributeError) and (shadows := find_shadows()):
        return HelpersError(
            f"{shadows[0]} has the name of a module that the measuring relies on, and was imported in its place "
            f"({say(error)}). Rename it, then restart the kernel."
        )
    error.add_note("In the runner:\n" + "".join(traceback.format_tb(error.__traceback__)))
    return error


def is_refusal(error):
    """Return whether the system refused something: a file, a process, a thread, memory."""
    if isinstance(error, RuntimeError):
        return "can't start new thread" in say(error)
    return isinstance(error, OSError | MemoryError) and not isinstance(error, TimeoutError)


def say(error):
    """Return type and message of an exception, whatever its ``str`` does."""
    try:
        text = str(error)
    except BaseException:
        text = "(its message cannot be shown)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _reply(records, own, number, kind, value):
    """Send one message; a forked child of a task that came this far is none of ours, and ends."""
    if os.getpid() != own:
        os._exit(0)
    try:
        data = pickle.dumps((number, kind, value), protocol=5)
        if kind == "error":
            pickle.loads(data)
    except BaseException as error:
        text = say(value) if kind == "error" else f"a {kind} cannot be pickled: {say(error)}"
        data = pickle.dumps((number, "error", HelpersError(text)), protocol=5)
    write_frame(records, data)


def _keep_high(fd):
    """Return a copy of a descriptor with a high number, which started programs do not inherit."""
    try:
        import fcntl
        import resource
    except ImportError:  # Windows
        return os.dup(fd)
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    for least in (min(allowed - 20, HIGH_DESCRIPTOR), 3):
        try:
            return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, max(3, least))
        except OSError:
            continue
    return os.dup(fd)


def end_with_parent(lifeline):
    """Have this process and its whole group ended as soon as the parent is gone.

    On Linux the operating system does it, without a thread and even while a task holds the GIL:
    the end of the lifeline pipe sends SIGTERM to the group (fcntl(2), F_SETOWN and F_SETSIG); what
    resists, or has left the group, is for the guardian. Elsewhere a daemon thread waits for the parent.
    """
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGTERM)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
        return
    import psutil

    threading.Thread(
        target=_outlive, args=(psutil.Process(os.getppid()),), name="helpers-lifeline", daemon=True
    ).start()


def _outlive(parent):
    parent.wait()
    end_descendants()
    os._exit(1)
