"""Badges: what makes figures doubtful, in a few words each. What they are put together from, and which are noise."""

from __future__ import annotations

from statistics import median

from helpers.records.estimates import MIN_ROUNDS

#: Badges: the spread of the rounds, and workers that share CPUs (begins so).
UNSTEADY, MORE_WORKERS = "rounds differ by more than 10 %", "more workers than"
#: The badge of tasks that could not go on, since one of them had the event loop (begins so); and why.
LOOP_HELD = "the event loop was held"
LOOP_COMPUTED = f"{LOOP_HELD}: its thread computed for most of the time"
LOOP_BLOCKED = f"{LOOP_HELD}: a call that is not awaited blocked it for most of the time"
#: Spread of the rounds' middle half over their median from which on figures are in doubt.
UNSTEADY_SHARE = 0.1


def badges_of_rounds(values):
    """Return the badges of one figure by its values in several rounds: `UNSTEADY` or none, as a tuple.

    Rounds differ where their middle half spans more than a tenth of their median; below 3 rounds nobody can tell.

    >>> badges_of_rounds([1.0, 1.01, 1.02]), badges_of_rounds([1.0, 2.0, 3.0]), badges_of_rounds([1.0, 3.0])
    ((), ('rounds differ by more than 10 %',), ())
    """
    values = sorted(values)
    if len(values) < MIN_ROUNDS:
        return ()
    spread = values[-1 - len(values) // 4] - values[len(values) // 4]
    return (UNSTEADY,) if spread > UNSTEADY_SHARE * median(values) else ()


def unite_badges(*lists):
    """Return the badges of several runs or figures as one tuple, each once, in the order in which they came.

    >>> unite_badges(("a",), ("b", "a"))
    ('a', 'b')
    """
    return tuple(dict.fromkeys(badge for badges in lists for badge in badges))


def doubts_of(badges):
    """Return the badges that speak of noise, not of the number of workers or of what held an event loop.

    >>> doubts_of(("more workers than the 2 usable CPUs", "slowed by the CPU quota"))
    ('slowed by the CPU quota',)
    """
    return tuple(badge for badge in badges if not badge.startswith((MORE_WORKERS, LOOP_HELD)))
