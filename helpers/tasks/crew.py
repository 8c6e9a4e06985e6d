"""A crew: n processes on a given target, started, asked, watched and ended together. Standard library only.

::

    with Crew(target, [(…), (…)], context) as crew:     start: each gets its own end of a pipe, then its arguments
        crew.receive_all()                              wait until all are ready: a first message of each
        replies = crew.ask_all(questions)               ask: a question to each, a reply from each
        crew.wait_until(lambda: …, 10)                  watch: until something holds, or the deadline
        crew.join(5)                                    wait until all have ended by themselves
                                                        leaving: told to end (None), else terminated, else killed

This is the form for code that itself runs in a worker or is part of an exercise: its errors are
`MemberDied` and the built-in `TimeoutError`. Measuring code takes `helpers.crew.Crew`, the same with
the errors of this package. Nothing waits without a deadline, and nothing that was started survives.
"""

import multiprocessing
import time
from multiprocessing.connection import wait
from typing import NamedTuple

from helpers.tasks.worker import describe

#: Seconds for a reply, and for the end of a member that was told to end.
PATIENCE, END_SECONDS = 30.0, 2.0
#: Seconds between two looks at the members while something is waited for.
LOOK_EVERY = 0.01


class MemberDied(RuntimeError):
    """A member of a crew ended by itself while something was expected of it; see ``exitcode``."""

    def __init__(self, message, exitcode=None):
        super().__init__(message)
        self.exitcode = exitcode

    def __reduce__(self):
        return type(self), (str(self), self.exitcode)


class Crew:
    """Processes that work on one target; entering the context starts them, leaving it ends them all.

    Parameters
    ----------
    target : callable
        What each process runs: ``target(link, *arguments)``, or ``target(*arguments)`` without links.
    arguments : list of tuple
        One tuple a process.
    context : multiprocessing context, optional
        From ``multiprocessing.get_context(method)``; by default the one that is set.
    links : bool
        Whether each process gets one end of a `Pipe` of its own as its first argument.
    patience : float
        Seconds for which a member may be silent when it is asked.
    preload : list of str
        Modules that a fork server is to import once for all.
    names : list of str, optional
        What the members are called in messages; by default "worker 1", "worker 2", …
    daemon : bool
        False for members that start processes of their own.

    Attributes
    ----------
    processes, links : list
        One of each a member; ``links`` is empty without links. The crew owns both.
    """

    def __init__(
        self, target, arguments, context=None, *, links=True, patience=PATIENCE, preload=(), names=None, daemon=True
    ):
        self.target, self.arguments, self.patience = target, list(arguments), patience
        self.context, self.daemon = context or multiprocessing.get_context(), daemon
        self.processes, self.links, self._linked = [], [], links
        self.names = names or [f"worker {number}" for number in range(1, len(self.arguments) + 1)]
        if preload and self.context.get_start_method() == "forkserver":
            self.context.set_forkserver_preload(list(preload))

    # ── start ─────────────────────────────────────────────────────────────────────────────

    def __enter__(self):
        try:
            for name, arguments in zip(self.names, self.arguments, strict=True):
                self._start(name, arguments)
        except BaseException:
            self.end(told=False)
            raise
        return self

    def _start(self, name, arguments):
        theirs = None
        if self._linked:
            ours, theirs = self.context.Pipe()
            self.links.append(ours)
            arguments = (theirs, *arguments)
        try:
            process = self.context.Process(target=self.target, args=arguments, name=name, daemon=self.daemon)
            process.start()
            self.processes.append(process)
        finally:
            if theirs is not None:
                theirs.close()

    # ── ask and watch ─────────────────────────────────────────────────────────────────────

    def ask_all(self, questions):
        """Send one question to each of as many members as there are questions; return their replies in order."""
        for number, question in enumerate(questions):
            self.send(number, question)
        return self.receive_all(len(questions))

    def send(self, number, message):
        """Send a message to one member; raise `MemberDied` if it is no longer there."""
        try:
            self.links[number].send(message)
        except (BrokenPipeError, ConnectionResetError, EOFError):
            raise self.death(number) from None

    def receive_all(self, n_members=None):
        """Return one message of each of the first `n_members` members (all by default), in their order.

        Raises `MemberDied` as soon as one of all members has ended without one, `TimeoutError` when
        nobody has said anything for ``patience`` seconds.
        """
        waited = range(len(self.links) if n_members is None else n_members)
        replies = {}
        while len(replies) < len(waited):
            missing = {self.links[number]: number for number in waited if number not in replies}
            ready = wait([*missing, *(process.sentinel for process in self.processes)], self.patience)
            if not ready:
                names = ", ".join(self.names[number] for number in missing.values())
                raise self.late(f"{names} did not answer within {self.patience:g} s")
            said = [missing[link] for link in ready if link in missing]
            for number in said:
                try:
                    replies[number] = self.links[number].recv()
                except (EOFError, ConnectionResetError):
                    raise self.death(number) from None
            if not said:  # somebody ended; what a member still said before it did comes first
                self.require_health(all_must_live=True)
        return [replies[number] for number in waited]

    def wait_until(self, condition, seconds, what="be done", every=LOOK_EVERY):
        """Return once ``condition()`` holds; raise `MemberDied` if a member ended badly.

        Raises `TimeoutError` after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            self.require_health()
            if time.monotonic() > deadline:
                raise self.late(f"{', '.join(self.names)} did not {what} within {seconds:g} s")
            time.sleep(every)

    def require_health(self, all_must_live=False):
        """Raise `MemberDied` if a member has ended badly, or at all if all must live."""
        for number, process in enumerate(self.processes):
            if process.exitcode is not None and (process.exitcode or all_must_live):
                raise self.death(number)

    def join(self, seconds):
        """Wait until all have ended by themselves, at most `seconds`; return whether they have."""
        deadline = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
        return not any(process.is_alive() for process in self.processes)

    @property
    def exitcodes(self):
        """The exit codes in order, None for a member that still runs."""
        return [process.exitcode for process in self.processes]

    # ── end ───────────────────────────────────────────────────────────────────────────────

    def __exit__(self, error_type, error, trace):
        self.end(told=error_type is None)

    def end(self, told=True):
        """End all members and return when they are gone: told (None through the link) and waited for, else killed.

        Without links there is nobody to tell: they are given `END_SECONDS` to end, then killed.
        """
        if told:
            for link in self.links:
                try:
                    link.send(None)
                except (OSError, ValueError):
                    pass
            self.join(END_SECONDS)
        for process in self.processes:
            if process.is_alive():  # one of them may hold the lock that the others wait for: no asking
                process.kill()
        for process in self.processes:
            process.join(5)
        for link in self.links:
            link.close()

    # ── errors, of which helpers.crew makes its own ───────────────────────────────────────

    def death(self, number):
        """Return the error for member `number`, which has ended."""
        process = self.processes[number]
        process.join(1)
        return MemberDied(f"{self.names[number]} ended by itself with exit code {process.exitcode}", process.exitcode)

    def late(self, text):
        """Return the error for a deadline that passed."""
        return TimeoutError(f"{text}: all of them were ended.")


def run_all(target, arguments, context=None, seconds=PATIENCE):
    """Run ``target(*args)`` in a process for each of `arguments`, all at the same time; return the exit codes.

    A member that is not done in `seconds` is killed and has None.
    """
    with Crew(target, arguments, context, links=False) as crew:
        crew.join(seconds)
        codes = crew.exitcodes
        crew.end(told=False)
    return codes


#: Seconds between asking members and their common beginning, and seconds of it in which they watch the clock.
HEAD_START, WATCH = 0.004, 0.0005


def begin_at(start):
    """Return at the perf_counter second `start`, as exactly as can be: members that were told it begin together."""
    time.sleep(max(0.0, start - time.perf_counter() - WATCH))
    while time.perf_counter() < start:
        pass


# ── calls side by side, as exercises make them ────────────────────────────────────────────────


class Told(NamedTuple):
    """How one of several calls ended.

    ``outcome`` is "returned", "raised" (``text`` is the traceback), "ended" (its process ended without a
    word), "late" (not done at the deadline) or "cut" (ended because another one went wrong).
    """

    outcome: str
    value: object = None
    text: str = ""


def call_all(target, arguments, seconds, context=None):
    """Return [Told] of ``target(*args)`` in a process for each of `arguments`, all at the same time.

    Nobody calls before all are up, so they meet however slowly they come. The `seconds` begin then: waits until
    all have returned, one has gone wrong, or they have passed; what is still running then is killed: it may wait
    for something that never comes. One that ends before it calls has "ended", and all others with it.
    """
    told = {}
    with Crew(_call_and_tell, [(target, args) for args in arguments], context) as crew:
        try:
            crew.receive_all()
            for number in range(len(crew.links)):
                crew.send(number, "call")
        except MemberDied:
            return [Told("ended")] * len(crew.links)
        deadline = time.monotonic() + seconds
        while len(told) < len(crew.links) and all(one.outcome == "returned" for one in told.values()):
            missing = {link: number for number, link in enumerate(crew.links) if number not in told}
            ready = wait(list(missing), max(0.0, deadline - time.monotonic()))
            if not ready:
                told.update(dict.fromkeys(missing.values(), Told("late")))
            for link in ready:
                try:
                    told[missing[link]] = Told(*link.recv())
                except (EOFError, OSError):
                    told[missing[link]] = Told("ended")
        if any(one.outcome != "returned" for one in told.values()):
            crew.end(told=False)
    return [told.get(number, Told("cut")) for number in range(len(crew.links))]


def find_problem(told):
    """Return the first Told of a list that went wrong, or None; one that was cut is no reason."""
    return next((one for one in told if one.outcome not in ("returned", "cut")), None)


def _call_and_tell(link, target, args):
    link.send("up")
    if link.recv() is None:
        return
    try:
        reply = "returned", target(*args), ""
    except BaseException as error:
        reply = "raised", None, describe(error, args)[3]
    link.send(reply)
