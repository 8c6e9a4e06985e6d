"""What the checks of the Lock chapter's exercises run: the learner's function in two processes, under harsh conditions.

What may go wrong does go wrong here: a counter that dawdles between read and write, locks that
wait for the other process to hold one too. Standard library only.
"""

import multiprocessing
import time
from contextlib import contextmanager

from helpers.course.counting.tasks import PATIENCE, PausingCounter
from helpers.tasks.crew import call_all, find_problem
from helpers.tasks.watch import call_noting_locks, refuse_processes, say_own_lock

#: What is said where the learner's function starts processes.
IN_TWO = "the check runs this function in two processes already: it need not start any."
#: Seconds between reading and writing: long against everything around it.
DAWDLE = 0.01
#: Seconds a process that holds a lock waits, once, for the other one to hold one too, and seconds for which the
#: other one has to be seen asking for a lock until it is believed that it cannot get it.
MEETING, KEPT_OUT = 3.0, 0.15


class Gate:
    """Where every process waits once for the others; the counter and the lock of one trial share it."""

    def __init__(self, n_processes):
        self._barrier, self._passed = multiprocessing.Barrier(n_processes), False

    def wait(self, seconds=PATIENCE):
        """Wait until all are here, the first time in this process."""
        if not self._passed:
            self._passed = True
            self._barrier.wait(seconds)


class SlowCounter(PausingCounter):
    """A counter without a lock that dawdles between reading and writing, and says so where it is taken for more."""

    def get_lock(self):
        """Raise AttributeError: there is none."""
        raise AttributeError("this counter has no lock of its own: use the argument lock.")

    def __iadd__(self, number):
        raise TypeError("counter is the thing that is shared; the number in it is counter.value.")


def make_slow_counter(start=0, gate=None):
    """Return a SlowCounter; its first use waits at the gate, if there is one."""
    return SlowCounter(multiprocessing.RawValue("q", start), gate, DAWDLE)


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

    def __call__(self):
        """Raise TypeError: nobody calls a lock."""
        raise TypeError("a lock is not called: write `with lock:`, without brackets.")


class MeetingLock(CountedLock):
    """A lock that, once taken, waits until the other process holds one as well: `meeting` is shared by all such
    locks."""

    def __init__(self, meeting):
        super().__init__()
        self._meeting = meeting

    def acquire(self, block=True, timeout=None):
        """Take the lock, then wait a moment for company."""
        with self._meeting.asking():
            got = super().acquire(block, timeout)
        if got:
            self._meeting.enter()
        return got

    def release(self):
        """Give the lock back."""
        self._meeting.leave()
        super().release()


class Meeting:
    """Counts the locks that are held; the first to hold one waits once for a second one to be held.

    It waits `seconds` at most, and not for one who is kept out: who asks for a lock and does not get it. ``mine``
    counts those that this process holds; ``changed_alone()`` tells whether any process changed an account
    while it held fewer than two.
    """

    def __init__(self, seconds=MEETING):
        self._guard, self._seconds = multiprocessing.Lock(), seconds
        self._held, self._over = multiprocessing.RawValue("q", 0), multiprocessing.RawValue("b", 0)
        self._asking = multiprocessing.RawValue("q", 0)
        self._alone, self.mine = multiprocessing.RawValue("b", 0), 0

    def note_change(self):
        """Note that this process changes an account now."""
        if self.mine < 2:
            self._alone.value = 1

    def changed_alone(self):
        """Return whether an account was changed by a process that did not hold both locks."""
        return bool(self._alone.value)

    def _add(self, count, number):
        with self._guard:
            count.value += number

    @contextmanager
    def asking(self):
        """Note one more who asks for a lock, until it has got it or given up."""
        self._add(self._asking, 1)
        try:
            yield
        finally:
            self._add(self._asking, -1)

    def enter(self):
        """Note one more lock held; wait for company, the first time."""
        self.mine += 1
        self._add(self._held, 1)
        now = last_unasked = time.perf_counter()
        deadline = now + self._seconds
        while not self._over.value and self._held.value < 2 and now < min(deadline, last_unasked + KEPT_OUT):
            time.sleep(0.001)
            now = time.perf_counter()
            last_unasked = last_unasked if self._asking.value else now
        self._over.value = 1

    def leave(self):
        """Note one lock less."""
        self.mine -= 1
        self._add(self._held, -1)


class Account:
    """An account of the exercise: ``number``, ``lock``, ``balance``."""

    def __init__(self, number, balance, meeting):
        self.number, self.lock, self._counter = number, MeetingLock(meeting), make_slow_counter(balance)
        self._meeting = meeting

    def __lt__(self, other):
        raise TypeError("accounts cannot be compared: compare their numbers.")

    @property
    def balance(self):
        """What is in the account."""
        return self._counter.value

    @balance.setter
    def balance(self, amount):
        self._meeting.note_change()
        self._counter.value = amount


def call_in_one_of_two(answer, *args):
    """Call the learner's function, one of two that run side by side; return what `call_noting_locks` does."""
    refuse_processes(IN_TWO)
    return call_noting_locks(answer, *args)


def try_adding(answer, work, parts, seconds, start=0):
    """Return (total, how often the lock was taken, problem, words on a lock that is not shared) of
    ``answer(counter, lock, work, items)`` in a process for each of `parts`, on a counter that stands at `start`."""
    gate = Gate(len(parts))
    counter, lock = make_slow_counter(start, gate), CountedLock(gate)
    told = call_all(call_in_one_of_two, [(answer, counter, lock, work, items) for items in parts], seconds)
    return counter.counter.value, lock.taken, find_problem(told), say_own_lock(told)


def try_alone(answer, amount, back, seconds):
    """Return (balances, balances, problem) of two transfers of half the `amount` from account 1 to 2, then of `back`
    from 2 to 1, with nobody else about; balances are [] where there is a problem."""
    accounts = [Account(number, 100, Meeting(0.0)) for number in (1, 2)]
    told = call_all(transfer_there_and_back, [(answer, *accounts, amount // 2, back)], seconds)
    there, returned = told[0].value or ([], [])
    return there, returned, find_problem(told)


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


def transfer_there_and_back(answer, source, target, amount, back):
    """Call the learner's ``transfer(source, target, amount)`` two times, then ``transfer(target, source, back)``.

    Returns the balances after two and after all; what the function returns is dropped.
    """
    refuse_processes(IN_TWO)
    answer(source, target, amount)
    answer(source, target, amount)
    there = [source.balance, target.balance]
    answer(target, source, back)
    return there, [source.balance, target.balance]


def repeat_transfer(answer, source, target, amount, n_transfers, gate):
    """Call the learner's ``transfer(source, target, amount)`` so many times, once both processes are at the gate.

    Returns what `call_noting_locks` does.
    """
    gate.wait(PATIENCE)
    return [call_in_one_of_two(answer, source, target, amount) for _ in range(n_transfers)][0]
