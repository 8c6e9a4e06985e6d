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
from helpers.runner.groups import end_descendants, start_tracker

#: Slots of the board on which serial loops and threads note the item they are at.
BOARD_SLOTS = 512
#: The board in the runner: one number a slot, the item it is at plus one (0: none).
board = None


def main():
    """Play what comes in on stdin until it closes. Runs in the runner process."""
    global board
    lifeline, board_fd = map(int, sys.argv[1:3])
    commands, records = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what tasks print goes the way of stderr, never into the records
    board = memoryview(mmap.mmap(board_fd, 8 * BOARD_SLOTS) if board_fd >= 0 else bytearray(8 * BOARD_SLOTS)).cast("q")
    end_with_parent(lifeline)
    start_tracker("multiprocessing")
    while True:
        try:
            make_records, args = pickle.load(commands)
        except EOFError:
            return
        except Exception as error:
            _reply(
                records, "error", HelpersError(f"The work could not be handed over: {type(error).__name__}: {error}")
            )
            continue
        try:
            for record in make_records(*args):
                _reply(records, "record", record)
                pickle.load(commands)
            _reply(records, "end", None)
        except EOFError:
            return
        except BaseException as error:
            if not isinstance(error, HelpersError):  # those say it all themselves
                error.add_note("In the runner:\n" + "".join(traceback.format_tb(error.__traceback__)))
            _reply(records, "error", error)


def _reply(records, kind, value):
    try:
        data = pickle.dumps((kind, value), protocol=5)
        if kind == "error":
            pickle.loads(data)
    except Exception as error:
        text = f"{type(value).__name__}: {value}" if kind == "error" else f"a {kind} cannot be pickled: {error}"
        data = pickle.dumps(("error", HelpersError(text)), protocol=5)
    records.write(data)
    records.flush()


def end_with_parent(lifeline):
    """Have this process and its whole group ended as soon as the parent is gone.

    On Linux the operating system does it, without a thread and even while a task holds the GIL:
    the end of the lifeline pipe sends SIGTERM to the group (fcntl(2), F_SETOWN and F_SETSIG).
    Elsewhere a daemon thread waits for the parent.
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
