"""Between two plays: ending what tasks left running, and telling whether the runner is as it was."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, fields

import psutil

from helpers.runner.groups import children_of, is_service

#: The option of prctl(2) that makes a process the parent of its orphaned descendants.
PR_SET_CHILD_SUBREAPER = 36
#: Seconds for what was killed to be gone.
GONE_SECONDS = 2.0
#: What the command line of a fork server contains: it is kept for the next play.
FORK_SERVER = "forkserver"
#: Signals whose handlers a task may have changed.
WATCHED_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGCHLD", "SIGALRM") if hasattr(signal, name)
]


def become_subreaper():
    """Become the parent of every orphan among this process's descendants: none is lost from sight. Linux only."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_strays():
    """Kill everything that this process started but its services and fork servers; return when it is gone.

    Ends what a task left running, in whatever session, and what a fork server still has.
    """
    deadline = time.monotonic() + GONE_SECONDS
    # two looks: the system's list of children misses some while others are ending
    while (strays := find_strays(os.getpid()) or find_strays(os.getpid())) and time.monotonic() < deadline:
        for pid in strays:
            try:
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            except OSError:
                pass
        time.sleep(0.002)
    for pid in children_of(os.getpid()):  # orphans that came here and have ended
        if pid not in _kept and _kind_of(pid) == "ended":
            _reap(pid)


def _reap(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except OSError:
        pass


_kept: dict[int, str] = {}  # services and fork servers by id, so that each is looked at once


def find_strays(pid):
    """Return the ids of what lives below a process, deepest first, its services and fork servers left out."""
    strays = []
    for child in children_of(pid):
        kind = _kept.get(child) or _kind_of(child)
        if kind in ("service", "fork server"):
            _kept[child] = kind
        if kind in ("stray", "fork server"):
            strays += find_strays(child)
        if kind == "stray":
            strays.append(child)
    return strays


def _kind_of(pid):
    """Return "service", "fork server", "stray" or "ended"."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return "ended"
        if is_service(process):
            return "service"
        return "fork server" if any(FORK_SERVER in part for part in process.cmdline()) else "stray"
    except psutil.NoSuchProcess:
        return "ended"
    except psutil.Error:
        return "stray"


@dataclass(frozen=True)
class Surroundings:
    """What a task can change in a process that it shares with others: compare two of them, or put one back."""

    folder: str | None
    environment: dict
    path: list
    umask: int
    affinity: object
    blocked: object
    handlers: dict
    threads: int

    @classmethod
    def now(cls):
        """Return the surroundings of this process at this moment."""
        umask = os.umask(0o77)
        os.umask(umask)
        try:
            folder = os.getcwd()
        except OSError:  # it was removed
            folder = None
        return cls(
            folder,
            dict(os.environ),
            list(sys.path),
            umask,
            os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None,
            signal.pthread_sigmask(signal.SIG_BLOCK, ()) if hasattr(signal, "pthread_sigmask") else None,
            {number: signal.getsignal(number) for number in WATCHED_SIGNALS},
            threading.active_count(),
        )

    def find_changes(self):
        """Return the names of what has changed since; a runner in which anything has is not used again."""
        now = Surroundings.now()
        return [part.name for part in fields(self) if getattr(self, part.name) != getattr(now, part.name)]

    def put_back(self):
        """Make the surroundings those of then, as far as this can be done: threads stay."""
        changed = self.find_changes()
        try:
            if "folder" in changed and self.folder is not None:
                os.chdir(self.folder)
            if "environment" in changed:
                os.environ.clear()
                os.environ.update(self.environment)
            if "affinity" in changed:
                os.sched_setaffinity(0, self.affinity)
        except OSError:  # gone, or not allowed: `find_changes` goes on to name it
            pass
        sys.path[:] = self.path
        os.umask(self.umask)
        if "blocked" in changed:
            signal.pthread_sigmask(signal.SIG_SETMASK, self.blocked)
        if "handlers" in changed:
            for number, handler in self.handlers.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
