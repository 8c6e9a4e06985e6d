"""Whether two results are the same, although one of them travelled between processes and the other did not.

::

    numbers and text    equal, or both NaN
    lists, tuples       part by part
    dicts, sets         by content, in whatever order
    all else            equal by ``==``, or equal pickles, or made of the same parts

A pickle tells how an object lies in memory, not only what it holds: a column of an array has another
one than its copy. So each value has two, as it is and after a journey through pickle, and values that
have one in common are the same. Standard library only: numpy's and pandas' values tell of themselves.
"""

from __future__ import annotations

import pickle
from collections import defaultdict
from copyreg import dispatch_table
from numbers import Complex, Number, Real

from helpers.errors import ResultsDifferError
from helpers.words import shown

#: Types that have no parts.
PLAIN = frozenset((int, float, str, bytes, bool, type(None)))
#: How to read the parts of a container, whatever its subclass makes of reading.
READERS = {kind: kind.__iter__ for kind in (list, tuple, set, frozenset)} | {dict: dict.items}
#: Parts within parts from which on no two values are the same: nothing real is as deep.
DEEPEST = 100_000


def require_same(expected, results, items, where="in parallel"):
    """Raise ResultsDifferError if two lists of results differ; NaN equals NaN.

    `expected` is of the first serial loop, `results` of a run that took place `where`, in words.
    """
    if is_equal(expected, results):
        return
    for index, (one, other) in enumerate(zip(expected, results, strict=True)):
        if not is_same(one, other):
            raise ResultsDifferError(
                f"Item {index} ({shown(items[index])}) gave {shown(one)} in the serial loop and {shown(other)} "
                f"{where}. A task must depend on its item alone: look for random numbers (seed them from the item), "
                "the time, a process id, or a variable that other tasks change.",
                index=index,
                serial=shown(one),
                parallel=shown(other),
            )


def is_same(one, other, search=True):
    """Return whether two results are of one type and content, NaN included, wherever they lie in memory.

    Values may contain themselves, and their methods may raise or exit. What can neither be compared nor
    pickled nor taken apart, a lock or a generator, is the same as itself alone. Without `search`, members
    of sets and keys of dicts are the same only if they are equal or have the same pickle.
    """
    left, taken_apart = [(one, other, 0)], {}
    while left:
        one, other, depth = left.pop()
        if one is other or (id(one), id(other)) in taken_apart:
            continue
        pairs = guarded(compare, one, other, search)
        if pairs is None or depth > DEEPEST:
            return False
        if pairs:
            taken_apart[id(one), id(other)] = pairs  # which keeps them alive: no other object gets their ids
            left += [(*pair, depth + 1) for pair in pairs]
    return True


def guarded(question, *values):
    """Return what ``question(*values)`` returns; None where the values' own methods raise anything, SystemExit too."""
    try:
        return question(*values)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return None


def is_equal(one, other):
    """Return whether ``==`` says True and nothing else: no array of truths, no error."""
    return guarded(lambda: one == other) is True


def compare(one, other, search):
    """Return the pairs of parts on which it depends whether two values are the same, [] if they are; None if not."""
    if type(one) is not type(other):
        return None
    if type(one) in PLAIN:
        return [] if is_plainly_same(one, other) else None
    kind = next((kind for kind in READERS if isinstance(one, kind)), None)
    if kind is not None:
        pairs = guarded(pair_contents, kind, one, other, search)
        if pairs is not None or type(one) is kind:
            return pairs
    elif isinstance(one, Complex) and not isinstance(one, Real):
        return pair_up([one.real, one.imag], [other.real, other.imag])
    elif is_equal(one, other) or isinstance(one, Number) and guarded(is_plainly_same, one, other):
        return []
    return [] if guarded(share_a_pickle, one, other) else pair_up(take_apart(one), take_apart(other))


def is_plainly_same(one, other):
    """Return whether two numbers or texts of one type are equal, or both NaN."""
    return bool(one == other or (one != one and other != other))


def pair_up(ones, others):
    """Return the pairs of two rows, without those of plain values that are the same; None if one row is longer."""
    if len(ones) != len(others):
        return None
    return [
        (one, other)
        for one, other in zip(ones, others, strict=True)
        if not (type(one) in PLAIN and type(other) is type(one) and is_plainly_same(one, other))
    ]


def pair_contents(kind, one, other, search):
    """Return the pairs of what two containers of one type hold, and of what a subclass adds; None if they differ."""
    mine, theirs = list(READERS[kind](one)), list(READERS[kind](other))
    if kind in (list, tuple):
        pairs = pair_up(mine, theirs)
    elif kind is dict:
        pairs = pair_members([key for key, _ in mine], [key for key, _ in theirs], search)
        pairs = pairs and pairs + [(dict.__getitem__(one, key), dict.__getitem__(other, twin)) for key, twin in pairs]
    else:
        pairs = pair_members(mine, theirs, search)
    if pairs is None or type(one) is kind:
        return pairs
    return pairs + [(take_apart(one)[2], take_apart(other)[2])]


def pair_members(ones, others, search):
    """Return the pairs of the members of two sets: those that are equal, then those with one form; None if one is left.

    What has no equal, such as NaN and objects without a ``==`` of their own, is found by its form: its pickle after
    a journey.
    """
    twins, pairs, alone = {member: member for member in others}, [], []
    for member in ones:
        if member in twins:
            pairs.append((member, twins.pop(member)))
        else:
            alone.append(member)
    if len(alone) != len(twins):
        return None
    by_form = defaultdict(list)
    for twin in twins.values():
        by_form[form_of(twin)].append(twin)
    for member in alone:
        row = by_form.get(form_of(member)) or []
        place = 0 if row else None
        if place is None and search:
            places = ((row, at) for row in by_form.values() for at in range(len(row)))
            row, place = next(((row, at) for row, at in places if is_same(member, row[at], search=False)), (row, None))
        if place is None:
            return None
        pairs.append((member, row.pop(place)))
    return pairs


def form_of(value):
    """Return the pickle of a value after one journey; something that nothing else equals where it has none."""
    return guarded(lambda: pickled_again(pickle.dumps(value, protocol=5))) or object()


def pickled_again(data):
    """Return the pickle of what the pickle `data` holds: of the value after one journey."""
    return pickle.dumps(pickle.loads(data), protocol=5)


def share_a_pickle(one, other):
    """Return whether the pickles of two values, as they are and after one journey, have one in common."""
    mine, theirs = pickle.dumps(one, protocol=5), pickle.dumps(other, protocol=5)
    if mine == theirs:
        return True
    mine_again, theirs_again = pickled_again(mine), pickled_again(theirs)
    return mine_again == theirs or theirs_again in (mine, mine_again)


def take_apart(value):
    """Return what pickle would make a value of: maker, arguments, state, members, entries; TypeError for nothing."""
    if isinstance(value, type):
        raise TypeError("a class has no parts")
    reduce = dispatch_table.get(type(value))
    reduced = reduce(value) if reduce else value.__reduce_ex__(4)
    if isinstance(reduced, str):
        return [reduced, value.__module__, None]
    maker, arguments, state, members, entries = (*reduced, None, None, None)[:5]
    return [maker, arguments, state, list(members or ()), list(entries or ())]
