"""What the checks of the Lock chapter's exercises run: the learner's function in two processes, under harsh conditions.

What may go wrong does go wrong here: a counter that dawdles between read and write, locks that
wait for the other process to hold one too. Standard library only.
"""

import multiprocessing
import queue
import time

from helpers.tasks.worker import describe

#: Seconds between reading and writing: long against everything around it.
DAWDLE = 0.003
#: Seconds a process that holds a lock waits, once, for the other one to hold one too.
MEETING = 0.3


class SlowCounter:
    """A number in shared memory; after each reading some time passes, so that races are seen."""

    def __init__(self, start=0):
        self._number = multiprocessing.RawValue("q", start)

    @property
    def value(self):
        """The number; reading it takes a moment."""
        seen = self._number.value
        time.sleep(DAWDLE)
        return seen

    @value.setter
    def value(self, number):
        self._number.value = number


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
        self.number, self.lock, self._counter = number, MeetingLock(meeting), SlowCounter(balance)
        self._meeting = meeting

    @property
    def balance(self):
        """What is in the account."""
        return self._counter.value

    @balance.setter
    def balance(self, amount):
        self._meeting.note_change()
        self._counter.value = amount


def run_pair(target, arguments, seconds):
    """Run ``target(*args)`` in a process for each of `arguments`; return (values, problem).

    `problem` is "stuck" if they are not done in `seconds` (they are ended), "ended" if one ended itself,
    the traceback of the first failure, or None.
    """
    replies = multiprocessing.Queue()
    pair = [multiprocessing.Process(target=_report, args=(replies, target, args), daemon=True) for args in arguments]
    values, problem = [], None
    try:
        for process in pair:
            process.start()
        deadline = time.monotonic() + seconds
        for _ in pair:
            value, failure = _next_reply(replies, pair, deadline)
            values.append(value)
            if failure is not None:
                problem = failure
                break
    except queue.Empty:
        problem = "ended" if any(process.exitcode for process in pair) else "stuck"
    for process in pair:
        process.join(0 if problem else 2)
        if process.is_alive():
            process.kill()
            process.join(5)
    replies.close()
    return values, problem


def _next_reply(replies, pair, deadline):
    """Return the next reply; raise queue.Empty at the deadline, or soon after a process failed to reply."""
    while True:
        failed = any(process.exitcode for process in pair)  # looked at first: its reply would be there by now
        try:
            return replies.get(timeout=max(0.01, min(0.1, deadline - time.monotonic())))
        except queue.Empty:
            if failed or time.monotonic() > deadline:
                raise


def _report(replies, target, args):
    try:
        reply = target(*args), None
    except BaseException as error:
        reply = None, describe(error, args)[3]
    replies.put(reply)


def try_adding(answer, work, halves, seconds):
    """Return (total, how often the lock was taken, problem) of `answer(counter, lock, work, items)` in two
    processes."""
    counter, lock = SlowCounter(), CountedLock()
    _, problem = run_pair(answer_nothing_back, [(answer, counter, lock, work, items) for items in halves], seconds)
    return counter.value, lock.taken, problem


def try_transfers(answer, n_transfers, seconds):
    """Return (balances, how often each lock was taken, was one changed without the other's lock, problem).

    Of transfers in both directions at once.
    """
    meeting, gate = Meeting(), multiprocessing.Barrier(2)
    accounts = [Account(number, 100, meeting) for number in (1, 2)]
    arguments = [(answer, *accounts, 1, n_transfers, gate), (answer, *accounts[::-1], 2, n_transfers, gate)]
    _, problem = run_pair(repeat_transfer, arguments, seconds)
    return (
        [account.balance for account in accounts],
        [account.lock.taken for account in accounts],
        meeting.changed_alone(),
        problem,
    )


def answer_nothing_back(answer, *args):
    """Call the learner's function; what it returns need not be picklable."""
    answer(*args)


def repeat_transfer(answer, source, target, amount, n_transfers, gate):
    """Call the learner's ``transfer(source, target, amount)`` so many times, once both processes are at the gate."""
    gate.wait(10)
    for _ in range(n_transfers):
        answer(source, target, amount)
