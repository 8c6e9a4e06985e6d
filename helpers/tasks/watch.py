"""Call a learner's function and see what it does: the processes it starts, the locks it makes. Standard library only.

For processes in which an answer is tried and nothing else: `multiprocessing` is changed there, for good.
"""

import os
import threading
import time
from concurrent.futures import process
from multiprocessing import connection, managers, pool, queues
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import SemLock

#: Seconds for which processes that are still at work when the function returns are given to end.
END_SECONDS = 1.0
#: What can be refused, by name: what raises as soon as somebody makes one.
REFUSABLE = {
    "pool": (pool.Pool,),
    "queue": (queues.Queue, queues.SimpleQueue),
    "manager": (managers.BaseManager,),
}


class Refused(RuntimeError):
    """Raised where an exercise is answered with what it is not about."""


def call_watched(func, args=(), refused=None):
    """Return (``func(*args)``, what was seen).

    Parameters
    ----------
    refused : dict of str to str, optional
        Names of `REFUSABLE`, and what is said of who makes one.

    What was seen is a dict: "pid" of this process; "exitcodes" of the processes that were started, in order,
    None where one runs on after `END_SECONDS`; "unasked", how many of them nobody had joined or asked for
    their end when the function returned, and "working", how many of those were still at work; "n_pipes"
    that were made; "n_open", how many pools and executors nobody had closed, whether they still exist or not;
    "refused", None or what is to be said: then there is no value.
    """
    started, pipes, pools = _note_processes(), _note_pipes(), _note_pools()
    for kind, words in (refused or {}).items():
        _refuse(kind, words)
    value = words = None
    try:
        value = func(*args)
    except Refused as error:
        words = str(error)
    n_pipes, n_open = len(pipes), pools.count("open")
    unasked = [popen for popen in started if popen.returncode is None]
    working = [popen for popen in unasked if popen.poll() is None]
    deadline = time.monotonic() + END_SECONDS
    while any([popen.poll() is None for popen in working]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value, {
        "pid": os.getpid(),
        "exitcodes": [popen.returncode for popen in started],
        "unasked": len(unasked),
        "working": len(working),
        "n_pipes": n_pipes,
        "n_open": n_open,
        "refused": words,
    }


def _note_processes():
    """Return a list that gets the Popen of every process that is started from now on."""
    started, start = [], BaseProcess.start

    def noted_start(one):
        start(one)
        started.append(one._popen)

    BaseProcess.start = noted_start
    return started


def _note_pipes():
    """Return a list that gets True for every call of ``Pipe`` from now on."""
    made, make = [], connection.Pipe

    def noted_pipe(duplex=True):
        made.append(True)
        return make(duplex)

    connection.Pipe = noted_pipe
    return made


def _note_pools():
    """Return a list that gets "open" for each pool or executor made from now on, "closed" once somebody closes it."""
    states = []

    def note(kind, *closers):
        make = kind.__init__

        def noted_init(one, *given, **options):
            make(one, *given, **options)
            one._place_of_watch = len(states)
            states.append("open")

        def note_closer(name):
            close = getattr(kind, name)

            def noted_close(one, *given, **options):
                states[one._place_of_watch] = "closed"
                return close(one, *given, **options)

            setattr(kind, name, noted_close)

        kind.__init__ = noted_init
        for name in closers:
            note_closer(name)

    note(pool.Pool, "close", "terminate")
    note(process.ProcessPoolExecutor, "shutdown")
    return states


def _refuse(kind, words):
    """Have everything of a kind raise Refused when it is made."""

    def refuse(*_args, **_options):
        raise Refused(words)

    for made in REFUSABLE[kind]:
        made.__init__ = refuse
        made.__del__ = lambda _: None
    if kind == "pool":
        process.ProcessPoolExecutor.__init__ = refuse


def refuse_processes(words):
    """Have every start of a process from here raise RuntimeError with these words, for good."""

    def refuse(_process):
        raise RuntimeError(words)

    BaseProcess.start = refuse


# ── locks that belong to one process alone ────────────────────────────────────────────────────

#: Where a lock comes from that keeps no other process out, by the answer of `call_noting_locks`.
OWN_LOCKS = {
    "function": "There is a lock, and it is made inside the function: every process makes one of its own, which keeps "
    "nobody else out.",
    "module": "There is a lock, and it is made in the module: every process imports the module and gets one of its "
    "own, which keeps nobody else out.",
    "threading": "There is a lock, and it is one of threading: it keeps out threads of the same process, and no other "
    "process.",
    "": "",
}


def call_noting_locks(func, *args):
    """Call ``func(*args)``; return where it has a lock from that no other process shares, a key of `OWN_LOCKS`.

    What the function returns is dropped: it need not be picklable.
    """
    made, make = [], SemLock.__init__

    def noted_lock(lock, *given, **options):
        made.append(True)
        make(lock, *given, **options)

    SemLock.__init__ = noted_lock
    try:
        func(*args)
    finally:
        SemLock.__init__ = make
    return "function" if made else find_module_lock(func)


def say_own_lock(told):
    """Return words on a lock that belongs to one process alone; "" for none.

    `told` is what `helpers.tasks.crew.call_all` gives for calls of `call_noting_locks`.
    """
    return next((OWN_LOCKS[one.value] for one in told if one.outcome == "returned" and one.value), "")


def find_module_lock(func):
    """Return "module" or "threading" for a lock of that kind among the globals of `func`, else "".

    >>> find_module_lock(time.sleep), find_module_lock(call_noting_locks)
    ('', '')
    """
    names = getattr(func, "__globals__", {})
    used = getattr(getattr(func, "__code__", None), "co_names", ())
    thread_locks = (type(threading.Lock()), type(threading.RLock()))
    values = [names[name] for name in used if name in names]
    if any(isinstance(value, SemLock) for value in values):
        return "module"
    makers = [threading.Lock, threading.RLock]
    named = any(value is threading for value in values) and {"Lock", "RLock"} & set(used)
    made = any(isinstance(value, thread_locks) or value in makers for value in values)
    return "threading" if named or made else ""
