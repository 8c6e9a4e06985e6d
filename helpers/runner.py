"""The runner: a process of its own in which everything that is measured is played.

::

    kernel                                   runner (own session, one thread)
    ──────                                   ────────────────────────────────
    play(make_records, …) ── stdin ───────►  for record in make_records(…):
    for record in …       ◄── stdout ──────      send it, wait for the kernel's nod
    printed               ◄── stderr ──────  what tasks print, workers included
    (lifeline pipe)       ················►  closes when the kernel dies: the group is ended

The kernel only receives and draws, and it draws while the runner waits for the nod, so that
nothing disturbs a run. Stop, an error, a deadline, a closed notebook and a killed kernel all end
the same way: the whole process group goes, whatever its processes are doing. A runner that has
played to the end is kept for the next play with the same key.
"""

from __future__ import annotations

import atexit
import mmap
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

from helpers.errors import HelpersError, InvalidArgumentError, WorkerDiedError

POSIX = os.name == "posix"
#: Slots of the board on which serial loops and threads note the item they are at.
BOARD_SLOTS = 512
#: Characters of what tasks print that are kept.
PRINTED_LIMIT = 65_536
#: Seconds a runner may take to come up.
START_DEADLINE = 60.0
TRACKER = "resource_tracker"

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
    """

    def __init__(self, key=None):
        self.key = key
        self._messages = queue.SimpleQueue()
        self.printed = ""
        self._board_file = tempfile.TemporaryFile() if POSIX else None
        lifeline_read = lifeline_write = board = -1
        if POSIX:
            self._board_file.truncate(8 * BOARD_SLOTS)
            board = self._board_file.fileno()
            lifeline_read, lifeline_write = os.pipe()
        self._lifeline = lifeline_write
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path), "PYTHONUNBUFFERED": "1"}
        group = (
            {"start_new_session": True, "pass_fds": (lifeline_read, board)}
            if POSIX
            else {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        )
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from helpers.runner import main; main()", str(lifeline_read), str(board)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                **group,
            )
        except OSError:
            for fd in (lifeline_read, lifeline_write):
                if fd >= 0:
                    os.close(fd)
            raise
        if POSIX:
            os.close(lifeline_read)
        self.pid = self._process.pid
        self._threads = [
            threading.Thread(target=work, name=f"helpers-runner-{self.pid}", daemon=True) for work in (self._receive, self._drain)
        ]
        for thread in self._threads:
            thread.start()
        with _lock:
            _all.add(self)

    def _receive(self):
        try:
            while True:
                self._messages.put(pickle.load(self._process.stdout))
        except (EOFError, pickle.UnpicklingError, OSError, ValueError):
            self._messages.put((_GONE, None))

    def _drain(self):
        try:
            while data := os.read(self._process.stderr.fileno(), 65_536):
                self.printed = (self.printed + data.decode(errors="replace"))[-PRINTED_LIMIT:]
        except (OSError, ValueError):
            pass

    @property
    def alive(self):
        """Whether the process runs and was not killed."""
        return self._process is not None and self._process.poll() is None

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
            Longest silence in seconds: the deadline for each single record.
        should_stop : callable, optional
            Asked about ten times a second; True stops.

        Raises
        ------
        TimeoutError, WorkerDiedError (the runner itself ended), Stopped, or what
        `make_records` raised. The process is ended on all of them, and also when the caller
        leaves the loop early.
        """
        finished = False
        try:
            self.printed = ""
            self._send((make_records, args))
            deadline = time.monotonic() + (timeout if timeout is not None else float("inf"))
            while True:
                kind, value = self._next(deadline, should_stop, timeout)
                if kind == "record":
                    yield value
                    self._send("go on")
                    deadline = time.monotonic() + (timeout if timeout is not None else float("inf"))
                elif kind == "error":
                    raise value
                else:
                    finished = True
                    return
        finally:
            if not finished:
                self.kill()

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
        except (subprocess.TimeoutExpired, AttributeError):
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
        except (BrokenPipeError, AttributeError, OSError):
            raise self._death() from None

    def stop(self):
        """Make the play going on in another thread raise `Stopped`; returns at once."""
        self._messages.put((_STOP, None))

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
        if self._process is None:
            return
        process = self._process
        end_group(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            try:
                stream.close()
            except OSError:
                pass
        if POSIX and self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(1)
        if self._board_file is not None:
            self._board_file.close()


def describe_exit(exitcode):
    """Return an exit code in words: "exit code 3", "killed by SIGKILL: out of memory?"."""
    if exitcode is None:
        return "exit code unknown"
    if exitcode >= 0:
        return f"exit code {exitcode}"
    try:
        name = signal.Signals(-exitcode).name
    except ValueError:
        name = f"signal {-exitcode}"
    hint = ": the system does this when memory runs out" if name == "SIGKILL" else ": a crash in compiled code" if name == "SIGSEGV" else ""
    return f"killed by {name}{hint}"


def _group_members(pid):
    """Return the processes of group `pid` and all that descends from its leader."""
    import psutil

    found = {}
    try:
        leader = psutil.Process(pid)
        found = {p.pid: p for p in [leader, *leader.children(recursive=True)]}
    except psutil.Error:
        pass
    if POSIX:
        for other in psutil.process_iter():
            try:
                if os.getpgid(other.pid) == pid:
                    found.setdefault(other.pid, other)
            except (ProcessLookupError, PermissionError):
                pass
    return list(found.values())


def _living(processes):
    import psutil

    alive = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except psutil.Error:
            pass
    return alive


def _is_tracker(process):
    import psutil

    try:
        return any(TRACKER in part for part in process.cmdline())
    except psutil.Error:
        return False


def end_group(process):
    """End `process` (a Popen that leads its own group) and all it started; return when they are gone."""
    import psutil

    members = _group_members(process.pid)
    for ask, seconds in (("terminate", 0.2), ("kill", 0.2)):
        members = _living({p.pid: p for p in members + _group_members(process.pid)}.values())
        for member in members:
            if not _is_tracker(member):
                try:
                    getattr(member, ask)()
                except psutil.Error:
                    pass
        _wait_gone(process, members, seconds)
        if not _living(members):
            break
    for tracker in _living(members):
        try:
            tracker.kill()
        except psutil.Error:
            pass
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:  # a process in an uninterruptible wait: nothing can end it now
        pass


def _wait_gone(process, members, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        process.poll()
        if not _living(members):
            return
        time.sleep(0.004)


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
    return warm or Runner(full_key)


def give_back(runner):
    """Keep `runner` for the next `borrow` if it still lives."""
    if runner.alive:
        with _lock:
            _idle.append(runner)


def play(make_records, *args, key=None, timeout=None, should_stop=None, on_start=None):
    """Yield the records of `make_records` from a borrowed runner; see `Runner.play`.

    `on_start` is called with the runner before the play: keep it to call ``stop()``.
    """
    runner = borrow(key)
    if on_start is not None:
        on_start(runner)
    yield from runner.play(make_records, *args, timeout=timeout, should_stop=should_stop)
    give_back(runner)


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


def check_count(name, value, least, most):
    """Return `value` as an int between `least` and `most`, else raise InvalidArgumentError."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or not least <= value <= most:
        raise InvalidArgumentError(f"{name} must be a whole number from {least} to {most:,}, not {value!r}.")
    return value.__index__()


# ── in the runner ────────────────────────────────────────────────────────────────────────────

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
    while True:
        try:
            make_records, args = pickle.load(commands)
        except EOFError:
            return
        except Exception as error:
            _reply(records, "error", HelpersError(f"The work could not be handed over: {type(error).__name__}: {error}"))
            continue
        try:
            for record in make_records(*args):
                _reply(records, "record", record)
                pickle.load(commands)
            _reply(records, "end", None)
        except EOFError:
            return
        except BaseException as error:
            _reply(records, "error", error)


def _reply(records, kind, value):
    try:
        data = pickle.dumps((kind, value), protocol=5)
        if kind == "error":
            pickle.loads(data)
    except Exception:
        data = pickle.dumps((kind, HelpersError(f"{type(value).__name__}: {value}")), protocol=5)
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

    threading.Thread(target=_outlive, args=(psutil.Process(os.getppid()),), name="helpers-lifeline", daemon=True).start()


def _outlive(parent):
    import psutil

    parent.wait()
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.Error:
            pass
    os._exit(1)
