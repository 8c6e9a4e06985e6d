"""Tasks that do what no task should: each is handed to every engine. Module level only: workers import this.

Interpreters of their own import it too, so nothing of `helpers.engines` at the top: it needs psutil, which does not
load there.
"""

import atexit
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import resource_tracker, util

#: Seconds that what is left behind would live.
LONG = 600
#: Highest descriptor that is closed or written to.
DESCRIPTORS = 1024
#: Looks like the beginning of something long.
GARBAGE = b"junk" + (1000).to_bytes(8, "little")
kept = []


def fine(item):
    return item


# ── what must do no harm ──────────────────────────────────────────────────────────────────────


def fork_and_return(item):
    os.fork()
    return item


def fork_and_return_later(item):
    """The child is the first to return."""
    if os.fork():
        time.sleep(0.15)
    return item


def note_and_fork(path):
    """Write one line, then return twice."""
    with open(path, "a", encoding="ascii") as file:
        file.write("x\n")
    return fork_and_return_later(path)


def leave_a_grandchild(item):
    if os.fork() == 0:
        time.sleep(LONG)
        os._exit(0)
    return item


def leave_a_daemon(item):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(LONG)
        os._exit(0)
    return item


def leave_a_program_in_its_session(item):
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG})"], start_new_session=True)
    return item


def leave_a_program_without_environment(item):
    subprocess.Popen([sys.executable, "-I", "-c", f"import time; time.sleep({LONG})"], start_new_session=True, env={})
    return item


def leave_the_group(item):
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    return item


def leave_a_thread(item):
    threading.Thread(target=time.sleep, args=(LONG,)).start()
    return item


def leave_a_process(item):
    multiprocessing.current_process()._config["daemon"] = False
    multiprocessing.Process(target=time.sleep, args=(LONG,)).start()
    return item


def leave_an_executor(item):
    executor = ThreadPoolExecutor(1)
    executor.submit(time.sleep, LONG)
    kept.append(executor)
    return item


def hang_at_exit(item):
    atexit.register(time.sleep, LONG)
    util.Finalize(None, time.sleep, args=(LONG,), exitpriority=10)
    return item


def ignore_sigterm(item):
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return item


def block_all_signals(item):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    return item


def change_the_surroundings(item):
    os.chdir("/")
    os.umask(0)
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.path.clear()
    return item


def break_the_clock(item):
    """Results are there; what comes after them in the same process finds no clock."""

    def raise_always():
        raise RuntimeError("no clock")

    time.monotonic = raise_always
    return item


def break_the_hook(item):
    """No thread can be made any more."""
    threading.excepthook = None
    return item


def break_pickle(item):
    pickle.loads = pickle.dumps = pickle.Pickler = None
    return item


def tell_the_surroundings(item):
    """Return what `change_the_surroundings` and `block_all_signals` change."""
    umask = os.umask(0)
    os.umask(umask)
    blocked = len(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    return os.getcwd(), umask, os.environ.get("OMP_NUM_THREADS"), list(sys.path), blocked


# ── what ends a run ───────────────────────────────────────────────────────────────────────────


def close_all_descriptors(item):
    os.closerange(0, DESCRIPTORS)
    return item


def close_all_and_open(item):
    os.closerange(3, DESCRIPTORS)
    kept.extend(open(os.path.join(item, f"{os.getpid()}-{number}"), "wb") for number in range(8))
    return item


def write_garbage_everywhere(item):
    for descriptor in range(3, DESCRIPTORS):
        try:
            os.write(descriptor, GARBAGE)
        except OSError:
            pass
    return item


# ── what never ends ───────────────────────────────────────────────────────────────────────────


def hang_beside_a_daemon(item):
    leave_a_daemon(item)
    time.sleep(LONG)


def spin_deaf(item):
    ignore_sigterm(item)
    while True:
        pass


def print_for_ever(item):
    while True:
        print("x" * 1000)


# ── what fails ────────────────────────────────────────────────────────────────────────────────


class ExitsWhenPickled:
    def __reduce__(self):
        sys.exit("while it is pickled")


class ExitsWhenBuilt:
    def __reduce__(self):
        return sys.exit, ("while it is built",)


class ExitsWhenTold(Exception):
    def __str__(self):
        sys.exit("while it is told")


def leave_by_exit(item):
    sys.exit(3)


def raise_what_exits_when_told(item):
    raise ExitsWhenTold


def return_what_exits_when_pickled(item):
    return ExitsWhenPickled()


def return_what_exits_when_built(item):
    return ExitsWhenBuilt()


def die_with_a_semaphore(item):
    """In an interpreter of its own no tracker can be started: making the lock raises, and leaves it behind."""
    try:
        kept.append(multiprocessing.get_context("spawn").Lock())
    finally:
        os._exit(7)


def say_and_die(item):
    print("out of luck", flush=True)
    os._exit(7)


# ── played in the runner ──────────────────────────────────────────────────────────────────────


def count(n):
    yield from range(n)


def print_at_the_end(word):
    """More than a pipe holds, and a word after it."""
    yield 1
    print("x" * 60_000)
    print(word, flush=True)


def make_semaphores():
    """Yield (process id of the resource tracker, the locks) with two semaphores in shared memory."""
    kept.extend(multiprocessing.get_context("spawn").Lock() for _ in range(2))
    yield resource_tracker._resource_tracker._pid, 2
    time.sleep(LONG)


def make_a_block_for_ever():
    """Stop after a block of shared memory was made, and before the resource tracker is told of it."""
    from multiprocessing.shared_memory import SharedMemory

    os.ftruncate = lambda *_: time.sleep(LONG)  # the first that is done with the new block
    yield "about to"
    SharedMemory(create=True, size=10)
