"""What the checks of the Lock chapter's exercises run: the learner's function in two processes, under harsh conditions.

What may go wrong does go wrong here: a counter that dawdles between read and write, locks that
wait for the other process to hold one too. Standard library only.
"""

import multiprocessing
import time

from helpers.course.counting.tasks import PausingCounter
from helpers.tasks.crew import call_all, find_problem

#: Seconds between reading and writing: long against everything around it.
DAWDLE = 0.003
#: Seconds a process that holds a lock waits, once, for the other one to hold one too.
MEETING = 0.3


def make_slow_counter(start=0):
    """Return a counter without a lock that dawdles between reading and writing."""
    return PausingCounter(multiprocessing.RawValue("q", start), pause=DAWDLE)


class CountedLock:
    """A lock that counts how often it was taken."""

    def __init__(self):
        self._lock, self._taken = multiprocessing.Lock(), multiprocessing.RawValue("q", 0)

    @property
    def taken(self):
        """How often it was taken so far."""
        return self._taken.value

    def acquire(self, block=True, timeout=None):
        """Take the lock, as `multiprocessing.Lock.acquire`."""
        got = self._lock.acquire(block, timeout)
        if got:
            self._taken.value += 1
        return got

    def release(self):
        """Give the lock back."""
        self._lock.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, error_type, error, trace):
        self.release()


class MeetingLock(CountedLock):
    """A lock that, once taken, waits until the other process holds one as well: `meeting` is shared by all such
    locks."""

    def __init__(self, meeting):
        super().__init__()
        self._meeting = meeting

    def acquire(self, block=True, timeout=None):
        """Take the lock, then wait a moment for company."""
        got = super().acquire(block, timeout)
        if got:
            self._meeting.enter()
        return got

    def release(self):
        """Give the lock back."""
        self._meeting.leave()
        super().release()


class Meeting:
    """Counts the locks that are held; the first to hold one waits once for a second.

    ``mine`` counts those that this process holds; ``changed_alone()`` tells whether any process changed
    an account while it held fewer than two.
    """

    def __init__(self):
        self._guard = multiprocessing.Lock()
        self._held, self._over = multiprocessing.RawValue("q", 0), multiprocessing.RawValue("b", 0)
        self._alone, self.mine = multiprocessing.RawValue("b", 0), 0

    def note_change(self):
        """Note that this process changes an account now."""
        if self.mine < 2:
            self._alone.value = 1

    def changed_alone(self):
        """Return whether an account was changed by a process that did not hold both locks."""
        return bool(self._alone.value)

    def enter(self):
        """Note one more lock held; wait for company, the first time."""
        self.mine += 1
        with self._guard:
            self._held.value += 1
        deadline = time.perf_counter() + MEETING
        while not self._over.value and self._held.value < 2 and time.perf_counter() < deadline:
            time.sleep(0.001)
        self._over.value = 1

    def leave(self):
        """Note one lock less."""
        self.mine -= 1
        with self._guard:
            self._held.value -= 1


class Account:
    """An account of the exercise: ``number``, ``lock``, ``balance``."""

    def __init__(self, number, balance, meeting):
        self.number, self.lock, self._counter = number, MeetingLock(meeting), make_slow_counter(balance)
        self._meeting = meeting

    @property
    def balance(self):
        """What is in the account."""
        return self._counter.value

    @balance.setter
    def balance(self, amount):
        self._meeting.note_change()
        self._counter.value = amount


def try_adding(answer, work, halves, seconds):
    """Return (total, how often the lock was taken, problem) of `answer(counter, lock, work, items)` in two
    processes."""
    counter, lock = make_slow_counter(), CountedLock()
    told = call_all(answer_nothing_back, [(answer, counter, lock, work, items) for items in halves], seconds)
    return counter.value, lock.taken, find_problem(told)


def try_transfers(answer, n_transfers, seconds):
    """Return (balances, how often each lock was taken, was one changed without the other's lock, problem).

    Of transfers in both directions at once.
    """
    meeting, gate = Meeting(), multiprocessing.Barrier(2)
    accounts = [Account(number, 100, meeting) for number in (1, 2)]
    arguments = [(answer, *accounts, 1, n_transfers, gate), (answer, *accounts[::-1], 2, n_transfers, gate)]
    told = call_all(repeat_transfer, arguments, seconds)
    return (
        [account.balance for account in accounts],
        [account.lock.taken for account in accounts],
        meeting.changed_alone(),
        find_problem(told),
    )


def answer_nothing_back(answer, *args):
    """Call the learner's function; what it returns need not be picklable."""
    answer(*args)


def repeat_transfer(answer, source, target, amount, n_transfers, gate):
    """Call the learner's ``transfer(source, target, amount)`` so many times, once both processes are at the gate."""
    gate.wait(10)
    for _ in range(n_transfers):
        answer(source, target, amount)
