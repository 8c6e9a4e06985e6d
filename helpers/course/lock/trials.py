"""What the checks of the Lock chapter's exercises run: the learner's function in two processes, under harsh conditions.

What may go wrong does go wrong here: a counter that dawdles between read and write, locks that
wait for the other process to hold one too. Standard library only.
"""

import multiprocessing
import time

from helpers.course.counting.tasks import PATIENCE, PausingCounter
from helpers.tasks.crew import call_all, find_problem
from helpers.tasks.watch import call_noting_locks, say_own_lock

#: Seconds between reading and writing: long against everything around it.
DAWDLE = 0.01
#: Seconds a process that holds a lock waits, once, for the other one to hold one too.
MEETING = 0.3


class Gate:
    """Where every process waits once for the others; the counter and the lock of one trial share it."""

    def __init__(self, n_processes):
        self._barrier, self._passed = multiprocessing.Barrier(n_processes), False

    def wait(self, seconds=PATIENCE):
        """Wait until all are here, the first time in this process."""
        if not self._passed:
            self._passed = True
            self._barrier.wait(seconds)


def make_slow_counter(start=0, gate=None):
    """Return a counter without a lock that dawdles between reading and writing; its first use waits at the gate."""
    return PausingCounter(multiprocessing.RawValue("q", start), gate, DAWDLE)


class CountedLock:
    """A lock that counts how often it was taken; who wants it first waits at the gate, if there is one."""

    def __init__(self, gate=None):
        self._lock, self._taken, self._gate = multiprocessing.Lock(), multiprocessing.RawValue("q", 0), gate

    @property
    def taken(self):
        """How often it was taken so far."""
        return self._taken.value

    def acquire(self, block=True, timeout=None):
        """Take the lock, as `multiprocessing.Lock.acquire`."""
        if self._gate is not None:
            self._gate.wait()
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
    """Counts the locks that are held; the first to hold one waits once for a second, `seconds` at most.

    ``mine`` counts those that this process holds; ``changed_alone()`` tells whether any process changed
    an account while it held fewer than two.
    """

    def __init__(self, seconds=MEETING):
        self._guard, self._seconds = multiprocessing.Lock(), seconds
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
        deadline = time.perf_counter() + self._seconds
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
    """Return (total, how often the lock was taken, problem, words on a lock that is not shared) of
    ``answer(counter, lock, work, items)`` in two processes."""
    gate = Gate(len(halves))
    counter, lock = make_slow_counter(gate=gate), CountedLock(gate)
    told = call_all(call_noting_locks, [(answer, counter, lock, work, items) for items in halves], seconds)
    return counter.counter.value, lock.taken, find_problem(told), say_own_lock(told)


def try_alone(answer, amount, seconds):
    """Return (balances, problem) of two transfers of half the `amount` from account 1 to 2, with nobody else about."""
    accounts = [Account(number, 100, Meeting(0.0)) for number in (1, 2)]
    problem = find_problem(call_all(transfer_twice, [(answer, *accounts, amount // 2)], seconds))
    return [account.balance for account in accounts], problem


def try_transfers(answer, n_transfers, seconds):
    """Return (balances, how often each lock was taken, was one changed without the other's lock, problem, words on a
    lock that is not shared).

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
        say_own_lock(told),
    )


def transfer_twice(answer, source, target, amount):
    """Call the learner's ``transfer(source, target, amount)`` two times; what it returns is dropped."""
    answer(source, target, amount)
    answer(source, target, amount)


def repeat_transfer(answer, source, target, amount, n_transfers, gate):
    """Call the learner's ``transfer(source, target, amount)`` so many times, once both processes are at the gate.

    Returns what `call_noting_locks` does.
    """
    gate.wait(10)
    return [call_noting_locks(answer, source, target, amount) for _ in range(n_transfers)][0]
