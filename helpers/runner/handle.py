"""The kernel's side of the runner: start it, play in it, stop it, keep it warm."""

from __future__ import annotations

import atexit
import mmap
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import time

from helpers.errors import HelpersError, WorkerDiedError
from helpers.runner.groups import POSIX, describe_exit, end_group, own_group
from helpers.runner.inside import BOARD_SLOTS

#: Characters of what tasks print that are kept.
PRINTED_LIMIT = 65_536

_idle: list[Runner] = []
_all: set[Runner] = set()
_lock = threading.Lock()
_STOP, _GONE = "stop", "gone"


class Stopped(Exception):
    """Raised by `Runner.play` in the kernel when `Runner.stop` was called."""


class Runner:
    """A handle on one runner process; use `borrow` to get one.

    Attributes
    ----------
    key : object
        What the process was started for; a different key needs a fresh process.
    printed : str
        The last of what tasks printed during the current play.
    stopped : bool
        Whether `stop` was called since it was borrowed.
    """

    def __init__(self, key=None):
        self.key = key
        self._messages = queue.SimpleQueue()
        self.printed, self.stopped = "", False
        self._board_file = tempfile.TemporaryFile() if POSIX else None
        lifeline_read = lifeline_write = board = -1
        if POSIX:
            self._board_file.truncate(8 * BOARD_SLOTS)
            board = self._board_file.fileno()
            lifeline_read, lifeline_write = os.pipe()
        self._lifeline = lifeline_write
        try:
            self._process = _start_process(lifeline_read, board)
        except OSError:
            for fd in (lifeline_read, lifeline_write):
                if fd >= 0:
                    os.close(fd)
            raise
        if POSIX:
            os.close(lifeline_read)
        self.pid = self._process.pid
        self._threads = [
            threading.Thread(target=work, name=f"helpers-runner-{self.pid}", daemon=True)
            for work in (self._receive, self._drain)
        ]
        for thread in self._threads:
            thread.start()
        with _lock:
            _all.add(self)

    def _receive(self):
        try:
            while True:
                self._messages.put(pickle.load(self._process.stdout))
        except (EOFError, OSError, ValueError):
            self._messages.put((_GONE, None))
        except Exception as error:  # what came cannot be built here: say so, wait for nothing
            text = f"What the work sent back cannot be read here: {type(error).__name__}: {error}"
            self._messages.put(("error", HelpersError(text)))

    def _drain(self):
        try:
            while data := os.read(self._process.stderr.fileno(), 65_536):
                self.printed = (self.printed + data.decode(errors="replace"))[-PRINTED_LIMIT:]
        except (OSError, ValueError):
            pass

    @property
    def alive(self):
        """Whether the process runs and was not killed."""
        return self._process.poll() is None

    def board(self):
        """Return the item index each slot was last at (-1: none); empty where there is no board."""
        if self._board_file is None or self._board_file.closed:
            return []
        with mmap.mmap(self._board_file.fileno(), 8 * BOARD_SLOTS, access=mmap.ACCESS_READ) as memory:
            with memoryview(memory) as raw, raw.cast("q") as slots:
                return [slot - 1 for slot in slots]

    def play(self, make_records, *args, timeout=None, should_stop=None):
        """Yield the records of generator function `make_records`, played in the runner.

        Parameters
        ----------
        make_records, args
            An importable generator function and its arguments; they travel by pickle.
        timeout : float, optional
            Longest silence in seconds: the deadline for each single record. A callable is asked before each
            record and returns the seconds, or None to wait.
        should_stop : callable, optional
            Asked about ten times a second; True stops.

        Raises
        ------
        TimeoutError, WorkerDiedError (the runner itself ended), Stopped, or what
        `make_records` raised. The process is then good for nothing any more, as it is when the
        caller leaves the loop early: kill it.
        """
        self.printed = ""
        message = (make_records, args)
        while True:
            allowed = timeout() if callable(timeout) else timeout
            patience = float("inf") if allowed is None else allowed
            self._send(message)
            kind, value = self._next(time.monotonic() + patience, should_stop, allowed)
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
            message = "go on"

    def _next(self, deadline, should_stop, timeout):
        while True:
            if should_stop is not None and should_stop():
                raise Stopped()
            try:
                kind, value = self._messages.get(timeout=max(0.0, min(0.1, deadline - time.monotonic())))
            except queue.Empty:
                if not self.alive:
                    raise self._death() from None
                if time.monotonic() >= deadline:
                    raise TimeoutError(
                        f"No result within the deadline of {timeout:g} s: everything it had started was ended. "
                        "Give a longer timeout, fewer items, or look for a task that never ends."
                    ) from None
                continue
            if kind == _STOP:
                raise Stopped()
            if kind == _GONE:
                raise self._death()
            return kind, value

    def _death(self):
        try:
            exitcode = self._process.wait(2)
        except subprocess.TimeoutExpired:
            exitcode = None
        last = max(self.board()[:1], default=-1)
        return WorkerDiedError(
            f"The process that ran the work ended by itself ({describe_exit(exitcode)}).",
            exitcode=exitcode,
            last_task=last if last >= 0 else None,
        )

    def _send(self, message):
        try:
            pickle.dump(message, self._process.stdin, protocol=5)
            self._process.stdin.flush()
        except (OSError, ValueError):  # it has ended, or was killed and its pipe closed
            raise self._death() from None

    def stop(self):
        """Make the play that is going on, or about to begin, raise `Stopped`; returns at once."""
        self.stopped = True
        self._messages.put((_STOP, None))

    def forget_stop(self):
        """Forget a ``stop()`` that came after the last play had ended."""
        self.stopped = False
        while not self._messages.empty():
            self._messages.get()

    def kill(self):
        """End the process and everything it started; return when nothing of it is alive.

        Takes milliseconds, at most about half a second where a process resists. Resource
        trackers are left to themselves until the others are gone: they then remove what those
        left in shared memory, and end.
        """
        with _lock:
            _all.discard(self)
            if self in _idle:
                _idle.remove(self)
        end_group(self._process)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except OSError:
                pass
        with _lock:  # two threads may end it at a time
            lifeline, self._lifeline = self._lifeline, -1
        if lifeline >= 0:
            os.close(lifeline)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(1)
        if self._board_file is not None:
            self._board_file.close()


def _start_process(lifeline, board):
    """Return the Popen of a fresh runner in a session of its own, which inherits the two file descriptors."""
    command = [sys.executable, "-P", "-c", "from helpers.runner.inside import main; main()", str(lifeline), str(board)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path),
        "PYTHONUNBUFFERED": "1",
    }
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        command, env=environment, pass_fds=(lifeline, board) if POSIX else (), **pipes, **own_group()
    )


def borrow(key=None):
    """Return a warm runner started with `key` under today's ``sys.path`` and folder, or a new one.

    Give it back with `give_back` after a play that went to its end. Idle runners of another key
    are ended: one warm runner is enough.
    """
    full_key = (key, tuple(sys.path), os.getcwd())
    with _lock:
        warm = next((r for r in _idle if r.key == full_key and r.alive), None)
        others = [r for r in _idle if r is not warm]
        _idle.clear()
    for runner in others:
        runner.kill()
    if warm is not None:
        warm.forget_stop()
    return warm or Runner(full_key)


def give_back(runner):
    """Keep `runner` for the next `borrow` if it still lives."""
    if runner.alive:
        with _lock:
            _idle.append(runner)


def play(make_records, *args, key=None, timeout=None, should_stop=None, on_start=None):
    """Yield the records of `make_records` from a borrowed runner; see `Runner.play`.

    Stopped, by `should_stop` or by ``stop()`` of the runner, it ends without an error: whoever reads
    has what was measured so far. `on_start` is called with the runner before the play: keep it to
    call ``stop()``.
    """
    runner, finished = borrow(key), False
    try:
        if on_start is not None:
            on_start(runner)
        yield from runner.play(make_records, *args, timeout=timeout, should_stop=should_stop)
        finished = True
    except Stopped:
        pass
    finally:
        if finished:
            give_back(runner)
        else:
            runner.kill()


def idle_runners():
    """Return the process ids of the runners that wait for the next play."""
    with _lock:
        return {runner.pid for runner in _idle}


def end_all():
    """End every runner of this process; called at its exit."""
    with _lock:
        runners = list(_all)
    for runner in runners:
        runner.kill()


def _forget_in_child():
    """In a forked child: the runners are the parent's, and its lifelines must not stay open here."""
    global _lock
    _lock = threading.Lock()
    for runner in _all:
        if runner._lifeline >= 0:
            os.close(runner._lifeline)
            runner._lifeline = -1
    _all.clear()
    _idle.clear()


atexit.register(end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
