"""Exercises of chapter 05."""

from __future__ import annotations

from helpers.course.lock.trials import try_adding, try_alone, try_transfers
from helpers.exercises.base import (
    METHODS,
    Exercise,
    Wrong,
    call_answer,
    leave_out_own_frames,
    require_overlap,
    say_method,
    spy_on,
    try_answer,
)
from helpers.notebook import require_importable, shorten_paths
from helpers.tasks.cpu import sum_squares
from helpers.words import plural

HALVES = ([3, 4, 5, 6], [7, 8, 9, 10])
TOTAL = sum(sum_squares(item) for half in HALVES for item in half)
#: Where the counter stands before one process adds to it alone.
START = 1000
N_TRANSFERS = 4
#: Seconds, once both processes are up, after which they are said to wait for ever.
STUCK_AFTER = 6.0
STUCK = "under {method} the two processes were not done in time and had to be ended: they wait for ever. {hint}"


USE_LOCK = " Use the argument lock, which both processes share."


def _require_done(problem, method, hint):
    """Raise Wrong if one of the two processes got stuck or failed; `problem` is a Told or None."""
    if problem is None:
        return
    if problem.outcome == "ended":
        raise Wrong(f"under {say_method(method)} a process ended in the middle of your function.")
    if problem.outcome == "late":
        raise Wrong(STUCK.format(method=say_method(method), hint=hint))
    raise Wrong(f"it raises in a process:\n{leave_out_own_frames(shorten_paths(problem.text))}")


def judge_sum(total, n_calls, items=HALVES[0]):
    """Return what is wrong if one process alone, on `items`, took the counter from `START` to `total`, else ""."""
    gain = sum(map(sum_squares, items))
    if n_calls != len(items):
        still = f", and the counter still says {START} as before" if total == START else ""
        often = f"{plural(n_calls, 'time')} for {plural(len(items), 'item')}"
        return f"work was {f'called {often}' if n_calls else 'never called'}{still}: call it once for each item."
    if total == START:
        return f"work was called, and the counter still says {START} as before: add what work returns to counter.value."
    if total == gain:
        return f"the counter stood at {START}, and afterwards at {total}: what was there is overwritten. Add to it."
    if total != START + gain:
        return (
            f"with nobody else about, the counter goes from {START} to {total} for the items {items}, not to "
            f"{START + gain}: add each result of work once. No lock is at fault."
        )
    return ""


def _examine_alone(func):
    """Raise Wrong where the function is wrong already in one process alone: no lock is at fault then."""
    require_importable(func)
    method = METHODS[0]
    (total, _, problem, _), spans = spy_on(
        sum_squares,
        lambda spy: call_answer(try_adding, func, spy, HALVES[:1], STUCK_AFTER, START, start_method=method),
        company=1,
    )
    if problem is not None and problem.outcome == "late":
        raise Wrong(
            "with nobody else about, it waits for ever: a taken lock must be given back (`with lock:` does that), and "
            "its holder cannot take it again."
        )
    _require_done(problem, method, "")
    if words := judge_sum(total, len(spans)):
        raise Wrong(words)


def _add(func, method):
    """Return how often the lock was taken, after all that both exercises ask for was seen."""
    (total, taken, problem, own_lock), spans = spy_on(
        sum_squares,
        lambda spy: call_answer(try_adding, func, spy, HALVES, STUCK_AFTER, start_method=method),
    )
    _require_done(problem, method, "Take the lock, change the counter, give the lock back: `with lock:` does that.")
    if total != TOTAL:
        kind = "updates were lost" if total < TOTAL else "something was added twice"
        raise Wrong(
            f"in one process alone it is right; in two at once {kind}: under {say_method(method)} the counter ends at "
            f"{total}, expected {TOTAL}. {own_lock or 'Read, add and write inside the lock.'}"
            f"{USE_LOCK if own_lock else ''}"
        )
    require_overlap(spans, also="Call work before you take the lock, and take it for the update alone.")
    return taken


def _examine_add(func):
    _examine_alone(func)
    for method in METHODS:
        _add(func, method)


def _examine_merge(func):
    _examine_alone(func)
    for method in METHODS:
        taken = _add(func, method)
        if taken != 2:
            raise Wrong(
                f"the total is right, but the two processes took the lock {plural(taken, 'time')}: once each is "
                "enough. Add up in a variable of your own first."
            )


lock_1 = Exercise(
    "lock_1",
    "Write add_all(counter, lock, work, items): add work(item) of every item to counter.value. Two processes run it at "
    "the same time.",
    _examine_add,
    "nothing was lost under two start methods, and the work itself ran in both processes at the same time.",
    (
        (
            "counter.value += work(item) reads the counter, works, and writes: everything that another process writes "
            "between is lost."
        ),
        "Compute first, outside the lock; then `with lock:` around the update alone.",
    ),
    """%%worker
def add_all(counter, lock, work, items):
    for item in items:
        result = work(item)
        with lock:
            counter.value += result""",
)

lock_2 = Exercise(
    "lock_2",
    "Write add_merged(counter, lock, work, items): as before, but take the lock only once in each process.",
    _examine_merge,
    "nothing was lost, the work overlapped, and each process took the lock once.",
    (
        "A variable of the function belongs to one process alone: it needs no lock.",
        "Add up in such a variable, and add the sum to the counter at the end, inside the lock.",
    ),
    """%%worker
def add_merged(counter, lock, work, items):
    total = 0
    for item in items:
        total += work(item)
    with lock:
        counter.value += total""",
)


#: What two transfers alone move from account 1 to 2, and what one moves back.
AMOUNT, BACK = 6, 2
#: Why two transfers wait for each other.
SAME_ORDER = (
    "One transfer holds account 1 and wants account 2, the other one holds 2 and wants 1: both are to take them in the "
    "same order."
)


def judge_alone(there, returned):
    """Return what is wrong with the balances of two accounts of 100 after two transfers from 1 to 2, and after one
    back, else ""."""
    expected = [100 - AMOUNT, 100 + AMOUNT]
    if there == [100, 100]:
        return f"the function moves nothing: after two transfers of {AMOUNT // 2} both accounts are still at 100."
    if there != expected:
        made = f"two transfers of {AMOUNT // 2} from account 1 to account 2, with nobody else about, take them from "
        made += f"100 to {there[0]} and {there[1]}, not to {expected[0]} and {expected[1]}: "
        if there == expected[::-1]:
            return made + "the signs are swapped. source loses the amount and target gains it; no lock is at fault."
        return made + "source loses the amount once and target gains it once; no lock is at fault."
    if returned != [expected[0] + BACK, expected[1] - BACK]:
        return (
            f"a transfer of {BACK} back, from account 2 to account 1, takes them from {expected[0]} and {expected[1]} "
            f"to {returned[0]} and {returned[1]}, not to {expected[0] + BACK} and {expected[1] - BACK}: the order of "
            "the locks must not decide who loses the amount. It is always source."
        )
    return ""


def _examine_transfer(func):
    require_importable(func)
    method = METHODS[0]
    there, returned, problem = call_answer(try_alone, func, AMOUNT, BACK, STUCK_AFTER, start_method=method)
    if problem is not None and problem.outcome == "late":
        raise Wrong(
            "transfers after each other, with nobody else about, do not return: a lock that is held is wanted a "
            "second time, or it is never given back. (`with account.lock:` gives it back.)"
        )
    _require_done(problem, method, "")
    if words := judge_alone(there, returned):
        raise Wrong(words)
    for method in METHODS:
        trial = try_answer(try_transfers, func, N_TRANSFERS, STUCK_AFTER, start_method=method)
        judge_transfers(trial.require(also={"late": SAME_ORDER}), method)


def judge_transfers(found, method=None):
    """Raise Wrong unless what `try_transfers` found says that both locks were held, in an order that cannot hang."""
    balances, taken, alone, problem, own_lock = found
    _require_done(problem, method, SAME_ORDER)
    use = f" {own_lock} Use account.lock." if own_lock else ""
    # account 1 sends 1 and gets 2 each time; account 2 the other way round
    expected = [100 + N_TRANSFERS, 100 - N_TRANSFERS]
    if balances != expected:
        raise Wrong(
            "a transfer alone is right, but two in opposite directions at once lose updates: under "
            f"{say_method(method)} the accounts end at {balances[0]} and {balances[1]}, expected {expected[0]} and "
            f"{expected[1]}. Hold the locks of both accounts while you change them.{use}"
        )
    if min(taken) < 2 * N_TRANSFERS:
        raise Wrong(
            f"the balances are right this time, but in {2 * N_TRANSFERS} transfers the lock of account 1 was taken "
            f"{plural(taken[0], 'time')} and that of account 2 {plural(taken[1], 'time')}, not once for each: a "
            f"transfer with a third account would not be kept out.{use}"
        )
    if alone:
        raise Wrong(
            "the balances are right, but an account was changed while the lock of the other one was not held: in "
            "between, the amount is in both accounts or in neither, and anybody may look. Hold both locks while "
            "you change both."
        )


lock_3 = Exercise(
    "lock_3",
    "Write transfer(source, target, amount): move the amount between two accounts, holding both locks; each has number,"
    " lock, balance.",
    _examine_transfer,
    "transfers in opposite directions lost nothing and never waited for each other for ever.",
    (
        (
            "Whoever changes an account holds its lock, so a transfer holds two. Taken in the order source, target, two"
            " transfers in opposite directions can each hold what the other one wants."
        ),
        "Take the locks in an order that does not depend on the direction: the account with the smaller number first.",
    ),
    """%%worker
def transfer(source, target, amount):
    first, second = sorted((source, target), key=lambda account: account.number)
    with first.lock, second.lock:
        source.balance -= amount
        target.balance += amount""",
)
