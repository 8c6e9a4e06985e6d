"""Plays: borrow a runner, have it play, stop it, give it back or end it. Nothing here can be broken in the middle.

An Interrupt (KeyboardInterrupt) reaches the main thread at any line. So runners are started and ended in threads of
their own, and a play whose reader is gone without having ended it is ended by the keeper, a thread that waits for
just that.
"""

from __future__ import annotations

import atexit
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from itertools import count

from helpers.errors import HelpersError, WorkerDiedError
from helpers.runner import guardian
from helpers.runner.groups import POSIX, describe_exit, own_group
from helpers.runner.handle import GONE, LOOK, Runner, search_path
from helpers.runner.sources import own_sources

#: Seconds between two questions to `should_stop`.
ASK_EVERY = 0.1
#: Lines of what was printed last that the error about a runner's death quotes.
LAST_LINES = 3

_idle: list[Runner] = []
_all: set[Runner] = set()
_lock = threading.Lock()
_numbers = count(1)
_nod = pickle.dumps(None)


class Stopped(Exception):
    """Raised while a play is read when `Play.stop` was called; `play` ends quietly then."""


class Play:
    """One play: what `on_start` is given. It stays harmless when the play is over.

    Attributes
    ----------
    printed : str
        The last of what tasks printed during this play.
    """

    def __init__(self):
        self.number, self.printed = next(_numbers), ""
        self.stopped = self.over = self.broken = False
        self.runner = None
        self._turn = threading.Lock()  # it begins, or it ends

    @property
    def pid(self):
        """The id of the runner's process; None before it was started."""
        return self.runner.pid if self.runner is not None else None

    @property
    def alive(self):
        """Whether it goes on and its runner lives."""
        return not self.over and self.runner is not None and self.runner.alive

    def stop(self):
        """End the play, or have it end as soon as it begins; returns at once. A play that is over does not care."""
        self.stopped = True
        if self.runner is not None and not self.over:
            self.runner.look()

    def kill(self):
        """End the play and its runner; return when nothing of it is alive. A play that is over does not care."""
        self.stopped = True
        self.end(clean=False)

    def begin(self, key):
        """Borrow the runner, in a thread of its own."""

        def work():
            with self._turn:
                if not self.over:
                    self.runner = borrow(key)
                    self.runner.play = self

        _unbroken(work)

    def end(self, clean):
        """Give the runner back if it is `clean`, else end it; return when that is done. Once is enough.

        An Interrupt comes through only afterwards.
        """

        def work():
            with self._turn:
                over, self.over = self.over, True
                self.broken |= not clean  # what is printed from here on is of processes that are ended, not of tasks
                if self.runner is not None and not over:
                    give_back(self.runner) if clean else _end(self.runner)

        interrupt = None
        while True:
            try:
                _unbroken(work)
                break
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def read(self, make_records, args, timeout, should_stop, answer):
        """Yield the records; at the end return the names of what the tasks have changed in the runner."""
        self.runner.send(pickle.dumps((self.number, make_records, args), protocol=5))
        while True:
            seconds = timeout() if callable(timeout) else timeout
            kind, value = self._next(seconds, should_stop)
            if kind == "end":
                self.runner.hear_out()
                return value
            if kind == "error":
                raise value
            yield value
            self.runner.send(_nod if answer is None else pickle.dumps(answer(), protocol=5))

    def _next(self, seconds, should_stop):
        """Return (kind, value) of the next message of this play."""
        deadline = time.monotonic() + (float("inf") if seconds is None else seconds)
        while True:
            if self.stopped or (should_stop is not None and should_stop()):
                raise Stopped
            try:
                number, kind, value = self.runner.messages.get(
                    timeout=max(0.0, min(ASK_EVERY, deadline - time.monotonic()))
                )
            except queue.Empty:
                if not self.runner.alive:
                    raise (Stopped if self.stopped else self._death()) from None
                if time.monotonic() >= deadline:
                    raise TimeoutError(
                        f"No result within the deadline of {seconds:g} s: everything it had started was ended. "
                        "Give a longer timeout, fewer items, or look for a task that never ends."
                    ) from None
                continue
            if kind == GONE:
                raise Stopped if self.stopped else self._death()
            if kind != LOOK and number in (None, self.number):
                return kind, value

    def _death(self):
        """Return the error for a runner that ended by itself; it quotes what was printed last."""
        exitcode = self.runner.exitcode()
        last = max(self.runner.board()[:1], default=-1)
        said = "\n".join(self.printed.strip().splitlines()[-LAST_LINES:])
        return WorkerDiedError(
            f"The process that ran the work ended by itself ({describe_exit(exitcode)})."
            + (f" The last it printed:\n{said}\n" if said else ""),
            exitcode=exitcode,
            last_task=last if last >= 0 else None,
        )


def play(make_records, *args, key=None, timeout=None, should_stop=None, on_start=None, answer=None):
    """Yield the records of generator function `make_records`, played in a borrowed runner.

    Stopped, by `should_stop` or by `Play.stop`, it ends without an error: whoever reads has what was measured so
    far. Left early, or ended by an error, everything that was started is ended.

    Parameters
    ----------
    make_records, args
        An importable generator function and its arguments; they travel by pickle.
    key : object, optional
        What the runner must have been started for; another key needs a fresh process.
    timeout : float, or callable that returns one, optional
        Longest silence in seconds: the deadline for each single record. None waits.
    should_stop : callable, optional
        Asked about ten times a second; True stops.
    on_start : callable, optional
        Called with the `Play` before it begins: keep it to call ``stop()``.
    answer : callable, optional
        Called when the reader is through with a record: what it returns is what the generator's ``yield`` gives, by
        default None. It must be picklable.

    Raises
    ------
    TimeoutError, WorkerDiedError (the runner itself ended), or what `make_records` raised; HelpersError where no
    runner can be started.
    """
    playing, changes = Play(), None
    reader = _keep_watch(playing)
    try:
        playing.begin(key)
        if on_start is not None:
            on_start(playing)
        changes = yield from playing.read(make_records, args, timeout, should_stop, answer)
    except Stopped:
        pass
    finally:
        playing.end(clean=changes == [])
        del reader


# ── borrowing ─────────────────────────────────────────────────────────────────────────────────


def borrow(key=None):
    """Return a warm runner started with `key` under today's surroundings, or a new one.

    Surroundings are ``sys.path``, the working folder, the environment, the CPUs that may be used and the files of the
    reader's own modules. Give it back with `give_back` after a play that went to its end. Idle runners of another key
    are ended: one is enough.
    """
    try:
        folder = os.getcwd()
    except OSError as error:
        raise HelpersError("The working folder does not exist any more: change to one that does (os.chdir).") from error
    affinity = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    full_key = key, search_path(), folder, dict(os.environ), affinity, own_sources()
    with _lock:
        warm = next((runner for runner in _idle if runner.key == full_key and runner.alive), None)
        others = [runner for runner in _idle if runner is not warm]
        _idle.clear()
    for runner in others:
        _end(runner)
    if warm is not None:
        return warm
    runner = Runner(full_key, watched_mark())
    _all.add(runner)
    return runner


def give_back(runner):
    """Keep `runner` for the next `borrow` if it still lives and has said all it had to."""
    unread = False
    while not runner.messages.empty():
        unread |= runner.messages.get()[1] != LOOK
    if unread or not runner.alive:
        _end(runner)
        return
    with _lock:
        _idle.append(runner)


def _end(runner):
    runner.kill()
    _all.discard(runner)


def idle_runners():
    """Return the process ids of the runners that wait for the next play."""
    with _lock:
        return {runner.pid for runner in _idle}


def end_all():
    """End every runner of this process, and its guardian; called at its exit."""
    with _lock:
        _idle.clear()
    for runner in list(_all):
        _end(runner)
    _end_guardian()


# ── what cannot be broken ─────────────────────────────────────────────────────────────────────


def _unbroken(work):
    """Do `work` in a thread of its own and raise what it raised; an Interrupt ends the waiting, not the work."""
    failed = []

    def run():
        try:
            work()
        except BaseException as error:
            failed.append(error)

    try:
        if sys.is_finalizing():  # the program ends: no thread begins any more
            raise RuntimeError
        thread = threading.Thread(target=run, name="helpers-runner-work", daemon=True)
        thread.start()
    except RuntimeError:  # as many threads as the system allows
        run()
    else:
        thread.join()
    if failed:
        raise failed[0]


class _Reader:
    """Lives as long as the reader of a play."""


_watched: dict[weakref.ref, Play] = {}
_forsaken = queue.SimpleQueue()
_keeper = None


def _keep_watch(playing):
    """Return an object at whose end the keeper ends the play, should it not have ended: hold it while reading."""
    global _keeper
    if _keeper is None or not _keeper.is_alive():
        _keeper = threading.Thread(target=_keep, name="multiprocessing-live-keeper", daemon=True)
        try:
            _keeper.start()
        except RuntimeError:  # as many threads as the system allows: the runner will say so
            pass
    reader = _Reader()
    _watched[weakref.ref(reader, _forsaken.put)] = playing  # a method written in C: nothing can break it
    return reader


def _keep():
    while True:
        playing = _watched.pop(_forsaken.get(), None)
        if playing is not None:
            playing.end(clean=False)


_guardian = None


def watched_mark():
    """Return a new mark: what bears it is ended by the guardian, which is running now, when this process is killed."""
    with _lock:
        _start_guardian()
    return guardian.new_mark()


def _start_guardian():
    """Start the process that ends and removes what is left when this one is killed; once, on Linux."""
    global _guardian
    if sys.platform != "linux" or (_guardian is not None and _guardian.poll() is None):
        return
    if _guardian is not None:
        _guardian.stdin.close()
    command = [sys.executable, "-I", "-S", guardian.__file__, guardian.kernel_mark(), tempfile.gettempdir()]
    environment = {name: value for name, value in os.environ.items() if name != guardian.VARIABLE}
    nowhere = subprocess.DEVNULL
    try:
        _guardian = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, cwd="/", env=environment, **own_group()
        )
    except OSError:  # no room for one more process: the runner says so if it needs to
        pass


def _end_guardian():
    global _guardian
    process, _guardian = _guardian, None
    if process is not None:
        process.stdin.close()
        try:
            process.wait(guardian.END_SECONDS + guardian.TRACKER_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _forget_in_child():
    """In a forked child: runners and guardian are the parent's, and what ends them must not stay open here."""
    global _lock, _guardian, _keeper
    _lock, _keeper = threading.Lock(), None
    for runner in _all:
        runner.close_lifeline()
    if _guardian is not None:
        _guardian.stdin.close()
        _guardian.returncode = 0  # not ours to wait for
    _guardian = None
    _all.clear()
    _idle.clear()
    _watched.clear()


atexit.register(end_all)
if POSIX:
    os.register_at_fork(after_in_child=_forget_in_child)
