"""`Turn`: one run of a lab, from Run to its end. What ends late changes nothing of the next one."""

from __future__ import annotations

import math
import threading
import time

from helpers.errors import HelpersError
from helpers.tasks.worker import say

#: Seconds `stop` waits for the thread after it asked the runner to end; a picture may take longer.
STOP_DEADLINE = 2.0
#: Said before the advice of a run that is shown again.
BROUGHT_BACK = "Stopped before anything was measured; this is the run before. "
#: Seconds between two looks while waiting: an Interrupt is seen in between, also where it cannot end a wait.
LOOK_EVERY = 0.5

_here = threading.local()


class Turn:
    """What belongs to one run of `lab` alone; its thread works on nothing else.

    Attributes
    ----------
    playing : object or None
        The handle of what is played in the runner, None while nothing is.
    stopping, through, over : bool
        It was asked to stop; it measured to the end; the controls show that it is over.
    has_news, told_news : bool
        Something must be seen at once and is not yet; a picture has shown such a thing.
    result, error, printed
        What came of it.
    before : dict
        What was shown of the run before, by the names of the lab's attributes.
    ended : Event
        Its thread is done. (Not asked of the thread: a `join` that is interrupted takes a thread for ended
        that is not, before Python 3.13.)
    """

    def __init__(self, lab):
        self.lab, self.thread, self.playing = lab, None, None
        self.stopping = self.through = self.over = self.has_news = self.told_news = False
        self.result, self.error, self.printed, self.before = None, None, "", {}
        self.ended = threading.Event()
        self.ended.set()

    def start(self, work):
        """Have ``work(self)`` done in a thread of its own."""
        self.ended.clear()
        self.thread = threading.Thread(target=self._work, args=(work,), name="helpers-lab", daemon=True)
        try:
            self.thread.start()
        except BaseException:  # no thread can be had, or an Interrupt: what may have started ends at once
            self.stopping = True
            self.ended.set()
            raise

    def _work(self, work):
        _here.turn = self
        try:
            work(self)
        finally:
            self.ended.set()

    def hold(self, playing):
        """Take the handle of what is played now; where Stop was pressed before there was one, it reaches it here.

        A sweep goes on in a fresh one after a problem: what was printed before is kept.
        """
        if self.playing is not None:
            self.printed += self.playing.printed
        self.playing = playing
        if self.stopping:
            playing.stop()

    def fail(self, raised):
        """Note what went wrong; what went wrong first is the reason."""
        if self.error is None:
            self.error = as_error(raised)

    def stop(self):
        """End the processes, then wait for the thread; return whether it has ended, False if its picture takes longer.

        From any thread, and from several at a time; its own thread does not wait for itself.
        """
        self.stopping = True
        if (playing := self.playing) is not None:
            playing.stop()
        if turn_of_this_thread() is self or self.wait(STOP_DEADLINE):
            return True
        if (playing := self.playing) is not None:
            playing.kill()
        return False

    def wait(self, timeout=None):
        """Wait until its thread is done, at most `timeout` seconds; return whether it is."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while not self.ended.wait(max(0.0, min(LOOK_EVERY, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                return False
        if self.thread is not None and self.thread.ident is not None:
            self.thread.join(LOOK_EVERY)  # it does nothing more
        return True

    def bring_back(self):
        """Show the run before where this one was stopped before it had measured anything; return its advice or ""."""
        if self.through or not self.before or not self.lab._is_empty():
            return ""
        said = self.before["_said"].removeprefix(BROUGHT_BACK)
        for name, value in self.before.items():
            setattr(self.lab, name, value)
        return f"{BROUGHT_BACK}{said}"


def turn_of_this_thread():
    """Return the Turn whose thread this is, None in any other thread."""
    return getattr(_here, "turn", None)


def as_error(raised):
    """Return an error that can be raised and told for what was raised: SystemExit would end a program in silence."""
    if isinstance(raised, Exception | KeyboardInterrupt):
        return raised
    error = HelpersError(
        f"The run was ended by {type(raised).__name__} ({say(raised)}). Look for sys.exit() or parse_args() in "
        "your function and in the modules that it imports: what ends a program belongs under "
        'if __name__ == "__main__".'
    )
    error.__cause__ = raised
    return error
