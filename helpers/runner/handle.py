"""The kernel's side of one runner process: start it, talk with it, end it."""

from __future__ import annotations

import os
import pickle
import queue
import select
import struct
import subprocess
import sys
import tempfile
import threading
import time

from helpers.errors import HelpersError
from helpers.runner import guardian
from helpers.runner.frames import GarbageError, read_frame, write_frame
from helpers.runner.groups import POSIX, end_group, own_group
from helpers.runner.inside import BOARD_SLOTS, say
from helpers.runner.sources import installed_first

#: Characters of what tasks print that are kept.
PRINTED_LIMIT = 65_536
#: Seconds that the end of a play waits for what was printed before.
HEAR_SECONDS = 0.2
#: Kinds of message that come from this side: look whether the play was stopped; the process has ended.
LOOK, GONE = "look", "gone"
#: The program of a runner. What it needs itself is imported first, so that no file of the reader's is taken for it;
#: then it gets ``sys.path`` as it is here, whatever characters its folders have.
PROGRAM = (
    "import sys, helpers.measure; from helpers.runner.inside import main; sys.path[:] = eval(sys.argv.pop()); main()"
)
BOARD = struct.Struct(f"{BOARD_SLOTS}q")


class Runner:
    """A handle on one runner process and the three threads that serve it.

    Attributes
    ----------
    key : object
        What the process was started for; a different key needs a fresh process.
    messages : queue.SimpleQueue
        What it says, as (number of the play, kind, value).
    mark : str
        What all that it starts bears; see `helpers.runner.guardian`.
    play : Play or None
        The play that what it prints belongs to.

    Raises HelpersError where the system refuses what it needs; nothing is left then.
    """

    def __init__(self, key, mark):
        self.key, self.mark, self.play = key, mark, None
        self.messages, self._outbox = queue.SimpleQueue(), queue.SimpleQueue()
        self._ending, self._hearing = threading.Lock(), threading.Lock()
        self._ended, self._threads, self._process, self._board, self._lifeline = False, [], None, None, -1
        try:
            self._start()
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread can be started
            self.kill()
            raise HelpersError(
                f"The process that is to run the work could not be started: {say(error)}. Close other programs "
                "or files, make room in the folder for temporary files, then try again."
            ) from error

    def _start(self):
        lifeline = -1
        if POSIX:
            self._board = _make_board()
            lifeline, self._lifeline = os.pipe()
        try:
            folder = str(guardian.make_folder(self.mark)) if POSIX else None
            self._process = _start_process(lifeline, self._board, self.mark, folder)
        finally:
            if lifeline >= 0:
                os.close(lifeline)
        self.pid = self._process.pid
        for work in (self._receive, self._drain, self._send_all):
            thread = threading.Thread(target=work, name=f"helpers-runner-{self.pid}", daemon=True)
            thread.start()
            self._threads.append(thread)

    # ── its three threads ─────────────────────────────────────────────────────────────────

    def _receive(self):
        try:
            while True:
                self.messages.put(pickle.loads(read_frame(self._process.stdout)))
        except (EOFError, OSError, ValueError):
            self.messages.put((None, GONE, None))
        except GarbageError:
            text = "What the work sent back cannot be read: a task wrote into the descriptors of its process."
            self.messages.put((None, "error", HelpersError(text)))
        except BaseException as error:  # what came cannot be built here: say so, wait for nothing
            text = f"What the work sent back cannot be read here: {say(error)}"
            self.messages.put((None, "error", HelpersError(text)))

    def _drain(self):
        try:
            while self._take_printed():
                pass
        except (OSError, ValueError):
            pass

    def _take_printed(self):
        """Wait for something that was printed, and keep it for the play; return False at its end."""
        fd = self._process.stderr.fileno()
        if POSIX:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll()
        with self._hearing:
            data = os.read(fd, 65_536)
            if self.play is not None and not self.play.broken:
                self.play.printed = (self.play.printed + data.decode(errors="replace"))[-PRINTED_LIMIT:]
        return bool(data)

    def hear_out(self):
        """Wait until what was printed so far is kept, at most `HEAR_SECONDS`: it is there before the play ends."""
        deadline = time.monotonic() + HEAR_SECONDS
        while POSIX and time.monotonic() < deadline:
            with self._hearing:
                if not self._is_printing():
                    return
            time.sleep(0.0005)

    def _is_printing(self):
        """Return whether something that was printed waits to be read; False where nobody can tell."""
        try:
            import fcntl
            import termios

            waiting = fcntl.ioctl(self._process.stderr.fileno(), termios.FIONREAD, bytes(4))
            return any(waiting)
        except (ImportError, OSError, ValueError):
            return False

    def _send_all(self):
        try:
            while (data := self._outbox.get()) is not None:
                write_frame(self._process.stdin, data)
        except (OSError, ValueError):  # it has ended: the receiving thread says so
            pass

    # ── talking ───────────────────────────────────────────────────────────────────────────

    def send(self, data):
        """Send the bytes `data`; returns at once, whether or not the process takes them."""
        self._outbox.put(data)

    def look(self):
        """Have whoever waits for a message look up."""
        self.messages.put((None, LOOK, None))

    @property
    def alive(self):
        """Whether the process runs and was not killed."""
        return self._process is not None and not self._ended and self._process.poll() is None

    def exitcode(self, seconds=2.0):
        """Return how the process ended, None if it has not within `seconds`; what it printed last is here then."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._threads[1].join(0.5)
        return code

    def board(self):
        """Return the item index each slot was last at (-1: none); empty where there is no board."""
        try:
            return [slot - 1 for slot in BOARD.unpack(os.pread(self._board, BOARD.size, 0))]
        except (OSError, TypeError):  # closed, or none
            return []

    # ── ending ────────────────────────────────────────────────────────────────────────────

    def kill(self):
        """End the process and everything it started; return when nothing of it is alive.

        Takes milliseconds, at most a few seconds where processes resist. Resource trackers are left to
        themselves until the others are gone: they then remove what those left in shared memory, and end.
        """
        with self._ending:
            if self._ended:
                return
            if self._process is not None:
                end_group(self._process, self.mark)
            self._outbox.put(None)
            for thread in self._threads:
                if thread is not threading.current_thread():
                    thread.join(1)
            self._close_streams()
            guardian.remove_traces(guardian.short_name(self.mark))
            self._ended = True

    def _close_streams(self):
        """Close what is open here; a stream that somebody else still holds, and so its thread, is left alone."""
        if self._process is not None:
            streams = (self._process.stdout, self._process.stderr, self._process.stdin)
            for number, stream in enumerate(streams):
                if number < len(self._threads) and self._threads[number].is_alive():
                    continue
                try:
                    stream.close()
                except OSError:
                    pass
        self.close_lifeline()
        if self._board is not None:
            os.close(self._board)
            self._board = None

    def close_lifeline(self):
        """Close this side of the lifeline: the process group is ended where no other process has it open."""
        lifeline, self._lifeline = self._lifeline, -1
        if lifeline >= 0:
            os.close(lifeline)


def _make_board():
    """Return the descriptor of a new file of the board's size that has its space for certain."""
    if hasattr(os, "memfd_create"):
        board = os.memfd_create("helpers-board")
    else:
        with tempfile.TemporaryFile() as file:
            board = os.dup(file.fileno())
    try:
        os.write(board, bytes(BOARD.size))  # not sparse: a file that cannot grow would kill who writes to its map
    except OSError:
        os.close(board)
        raise
    return board


def search_path():
    """Return ``sys.path`` as text, folders named so that they are the same from any working folder."""
    entries = [os.fsdecode(entry) for entry in sys.path if isinstance(entry, (str, bytes, os.PathLike))]
    return [os.path.abspath(entry) if not entry or os.path.exists(entry) else entry for entry in entries]


def _start_process(lifeline, board, mark, folder):
    """Return the Popen of a fresh runner in a session of its own, which inherits the two file descriptors."""
    place = repr([lifeline, -1 if board is None else board, mark, folder])
    path = search_path()
    environment = {
        **os.environ,
        guardian.VARIABLE: mark,
        "PYTHONPATH": os.pathsep.join(entry for entry in installed_first(path) if os.pathsep not in entry),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-P", "-c", PROGRAM, place, repr(path)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    passed = (lifeline, board) if POSIX else ()
    return subprocess.Popen(command, env=environment, pass_fds=passed, **pipes, **own_group())
