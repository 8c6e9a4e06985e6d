"""Process groups: how a process ended, and ending one with everything it started.

This is the one way in which whole trees of processes are ended: runners, programs and probes alike. What belongs
to a tree is found by descent, by process group and by its mark (see `helpers.runner.guardian`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil

from helpers.runner import guardian

POSIX = os.name == "posix"
#: Seconds for a process that was asked to end (SIGTERM), and between two rounds of killing what is still there.
ASK_SECONDS = KILL_SECONDS = 0.2
#: Rounds of killing: what forks faster than it is killed, or waits in the system for a disk, ends them.
KILL_ROUNDS = 10
#: What psutil raises for a process that has gone, and (the latter two) where there is no /proc to look at.
UNSEEN = (psutil.Error, OSError, IndexError)
#: What the system does, by the signal that ended a process.
HINTS = {
    "SIGKILL": ": the system does this when memory runs out",
    "SIGSEGV": ": a crash in compiled code",
    "SIGBUS": ": the system does this when there is no space left in shared memory or in a folder",
}


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
    return "killed by " + name + HINTS.get(name, "")


def own_group():
    """Return the arguments with which `Popen` gives a process a group (and session) of its own."""
    if POSIX:
        return {"start_new_session": True}
    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}


def cpu_seconds(pid):
    """Return the CPU seconds that a process, all that descend from it, and those of them that ended have used so far.

    Assumes that who starts a process also waits for its end, as `multiprocessing` does: else it counts no more.
    """
    total = 0.0
    try:
        parent = psutil.Process(pid)
        processes = [parent, *parent.children(recursive=True)]
    except UNSEEN:
        return total
    for process in processes:
        try:
            total += sum(process.cpu_times()[:4])  # its own, user and system, and those of its ended children
        except UNSEEN:
            pass
    return total


def children_of(pid):
    """Return the ids of the children of a process, none if it has gone."""
    found = []
    try:
        if sys.platform != "linux":
            return [child.pid for child in psutil.Process(pid).children()]
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb", buffering=0) as file:
                found += map(int, file.readall().split())
    except UNSEEN:  # it, or one of its threads, has gone in the meantime
        pass
    return found


def below(pid):
    """Return the ids of all that descends from a process."""
    return [one for child in children_of(pid) for one in (child, *below(child))]


def _members(pid, mark):
    """Return {pid: Process} of group `pid`, of all that descends from its leader, and of all that bears the mark."""
    found = {}
    marked = guardian.find_marked(mark) if mark else ()
    # two looks: the system's list of children misses some while others are ending
    for member in {pid, *below(pid), *below(pid), *(_group_members(pid) if POSIX else ()), *marked}:
        try:
            found[member] = psutil.Process(member)
        except UNSEEN:
            pass
    return found


def _group_members(pid):
    members = []
    try:
        for other in psutil.pids():
            try:
                if os.getpgid(other) == pid:
                    members.append(other)
            except OSError:
                pass
    except UNSEEN:
        pass
    return members


def _living(processes):
    alive = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except UNSEEN:
            pass
    return alive


def is_service(process):
    """Return whether a process ends by itself once all others have: a resource tracker, or a guardian."""
    try:
        return any(guardian.TRACKER in part or part == guardian.__file__ for part in process.cmdline())
    except UNSEEN:
        return False


def end_group(process, mark=None):
    """End `process` (a Popen that leads its own group) and all it started; return when they are gone.

    Everything but the services is asked (SIGTERM) and, if it resists, killed, and so is what it has started in the
    meantime. The resource trackers then see that they are alone, remove what the others left in shared memory, and
    end by themselves; they are killed only if they do not. `mark` finds what has left the group.
    """
    members = {}
    for ask, seconds in (("terminate", ASK_SECONDS), *[("kill", KILL_SECONDS)] * KILL_ROUNDS):
        members.update(_members(process.pid, mark))
        workers = [member for member in _living(members.values()) if not is_service(member)]
        if not workers:
            break
        _tell(workers, ask)
        _wait_gone(process, workers, seconds)
    if process.poll() is None and POSIX:  # there is no /proc to see anything by
        _kill_blindly(process.pid)
    services = _living(members.values())
    _tell(services, "resume")
    if not _wait_gone(process, services, guardian.TRACKER_SECONDS):
        _tell(services, "kill")
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:  # a process in an uninterruptible wait: nothing can end it now
        pass


def _kill_blindly(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass


def end_descendants():
    """Kill everything that this very process started, at once."""
    _tell(psutil.Process().children(recursive=True), "kill")


def _tell(processes, ask):
    for process in processes:
        try:
            getattr(process, ask)()
        except psutil.Error:
            pass


def _wait_gone(process, members, seconds):
    """Wait until none of `members` lives, at most `seconds`; return whether."""
    deadline = time.monotonic() + seconds
    while True:
        process.poll()
        if not _living(members):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.001)
