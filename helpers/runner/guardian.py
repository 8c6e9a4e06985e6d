"""Marks, and the guardian: how what a runner started is found again, and who ends it when the kernel cannot.

Everything that descends from a runner has the runner's *mark* in its environment, whatever process group or
session it went to and whoever its parent is now. The guardian is a small process outside all of them: it waits
for the end of the kernel, however the kernel ends, then kills what bears a mark of that kernel and removes what
it left in shared memory and in the temporary folder. It is run as a script, so it needs the standard library only.

What nobody finds: a process that has emptied its environment and left its session *and* lost its parents before
they were looked at; and everything outside Linux that left the process group.
"""

import os
import signal
import sys
import time
from glob import escape, glob
from itertools import count
from pathlib import Path

#: The environment variable that carries the mark.
VARIABLE = "MULTIPROCESSING_LIVE_MARK"
SHARED_MEMORY = "/dev/shm"
#: Start of the name of every runner's folder; its mark follows.
FOLDER = "multiprocessing-live-run-"
#: Longest path of a folder in which sockets can still be made: their addresses have 104 characters or more.
LONGEST_FOLDER = 80
#: What the command line of multiprocessing's resource trackers contains: they end by themselves, last of all.
TRACKER = "resource_tracker"
#: Seconds the guardian tries to kill what it finds, and seconds it then leaves to the trackers.
END_SECONDS, TRACKER_SECONDS = 5.0, 3.0

_numbers = count()
_own = None  # (process id, mark) of this kernel


def kernel_mark():
    """Return the mark of this process as a kernel, the beginning of its runners' marks; a forked child has its own."""
    global _own
    if _own is None or _own[0] != os.getpid():
        outer = os.environ.get(VARIABLE)
        _own = os.getpid(), (f"{outer}-" if outer else "") + os.urandom(4).hex()
    return _own[1]


def new_mark():
    """Return a mark for one more runner or program of this process."""
    return f"{kernel_mark()}-{next(_numbers)}"


def short_name(mark):
    """Return the end of a mark that names things on this machine: kernel and number.

    >>> short_name("0a1b2c3d-2-4e5f6071-7")
    '4e5f6071-7'
    """
    return "-".join(mark.split("-")[-2:])


def find_marked(mark):
    """Return the ids of the processes whose environment has `mark`, or one that begins with it; Linux only."""
    found, name = [], f"\0{VARIABLE}=".encode()
    wanted = name + mark.encode()
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
                environment = b"\0" + file.readall()
        except OSError:  # another user's, or gone
            continue
        at = environment.find(name)  # the first of that name is the one that counts
        if at >= 0 and environment.startswith(wanted, at) and environment[at + len(wanted) :][:1] in (b"", b"\0", b"-"):
            found.append(int(pid))
    return found


def make_folder(mark):
    """Return the Path of a new private folder for the sockets of a runner; `remove_traces` removes it."""
    import tempfile  # not at the top: every runner imports this module, and starts the sooner

    name = FOLDER + short_name(mark)
    parent = tempfile.gettempdir()
    if len(os.path.join(parent, name)) > LONGEST_FOLDER and os.access("/tmp", os.W_OK):
        parent = "/tmp"
    folder = Path(parent, name)
    folder.mkdir(mode=0o700)
    return folder


def semaphore_prefix(mark):
    """Return the beginning of the names of the semaphores that are made under a mark."""
    return f"/mp-{short_name(mark)}"


def block_prefix(mark):
    """Return the beginning of the names of the blocks of shared memory that a runner with this mark makes itself."""
    return f"/psm_{short_name(mark)}-"


def remove_traces(names, parent=None):
    """Remove the folders of runners, and the semaphores and blocks of shared memory that were made under their marks.

    `names` is the `short_name` of a mark, or a pattern of several: "4e5f6071-*". `parent` is the folder for
    temporary files; /tmp is looked through as well.
    """
    import shutil
    import tempfile

    for where in {parent or tempfile.gettempdir(), "/tmp"}:
        for folder in glob(os.path.join(escape(where), FOLDER + names)):
            shutil.rmtree(folder, ignore_errors=True)
    for left in (*glob(f"{SHARED_MEMORY}/sem.mp-{names}-*"), *glob(f"{SHARED_MEMORY}/psm_{names}-*")):
        try:
            os.unlink(left)
        except OSError:
            pass


def main():
    """Wait until stdin closes, which is when the kernel has ended, then end and remove all that is left of it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    mark, parent = sys.argv[1:3]
    while os.read(0, 1):
        pass
    end_marked(mark)
    remove_traces(f"{mark.rpartition('-')[2]}-*", parent)


def end_marked(mark):
    """Kill every process with a mark that begins with `mark`; resource trackers are left to end by themselves."""
    deadline, tracker_deadline = time.monotonic() + END_SECONDS, time.monotonic() + END_SECONDS + TRACKER_SECONDS
    while (left := find_marked(mark)) and time.monotonic() < tracker_deadline:
        late = time.monotonic() > deadline
        others = [pid for pid in left if late or not is_tracker(pid)]
        for pid in others or left:
            try:
                os.kill(pid, signal.SIGKILL if others else signal.SIGCONT)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def is_tracker(pid):
    """Return whether a process is a resource tracker of multiprocessing."""
    try:
        return TRACKER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


if __name__ == "__main__":
    main()
