"""Sweeps that go on: items changed in place, pairs that fail, deadlines taken from the serial loop."""

import pickle
import time

import numpy as np
import pytest

from helpers.measure import pack_function, pack_items, sweep
from helpers.measure.badges import CHANGES_ITEMS
from helpers.measure.playing import BLOCK, MANY, play_visits, were_changed

# ── items changed in place ───────────────────────────────────────────────────────────────────


class Counted:
    """A number that counts how often it is compared: the work of sorting."""

    compared = 0

    def __init__(self, number):
        self.number = number

    def __lt__(self, other):
        Counted.compared += 1
        return self.number < other.number

    def __eq__(self, other):
        return isinstance(other, Counted) and self.number == other.number

    __hash__ = None


def sort_in_place(item):
    item.sort()
    return [counted.number for counted in item]


def play_here(func, items, visits):
    """Yield the runs of visits that share this process."""
    return play_visits(pack_function(func), pack_items(items), visits, None, None, None, None)


def test_a_task_that_changes_its_items_has_the_same_work_in_every_visit():
    items = [[Counted(number * 7 % 11) for number in range(11)], [Counted(number) for number in (3, 1, 2)]]
    work, before = [], Counted.compared
    for run in play_here(sort_in_place, items, [(0, "serial", 1), (1, "threads", 2), (1, "serial", 1)]):
        work.append(Counted.compared - before)
        before = Counted.compared
        assert run.badges[-1] == CHANGES_ITEMS
    # sorting 11 numbers in disorder takes more than the 10 comparisons that numbers in order take
    assert work[0] > 10 + 2 and work == [work[0]] * 3


def test_a_function_that_changes_its_items_is_told_in_table_badges_and_doubts():
    result = sweep(sort_numbers, [[3, 1, 2]] * 4, engines="threads", n_workers=2, repeats=3, timeout=30)
    assert all(CHANGES_ITEMS in run.badges for run in result.runs)
    assert CHANGES_ITEMS in result.doubts("threads", 2) and CHANGES_ITEMS in str(result)


def sort_numbers(numbers):
    numbers.sort()
    return numbers


class Blank:
    """An item that equals nothing, itself included, and whose pickle is never twice the same."""

    made = 0

    def __getstate__(self):
        Blank.made += 1
        return {"made": Blank.made}

    def __setstate__(self, state):
        pass

    def __eq__(self, other):
        return False

    __hash__ = None


class Refusing:
    """An item that cannot be compared at all."""

    def __eq__(self, other):
        raise SystemExit("no comparison")

    __hash__ = None


class Plain:
    """An object without a comparison of its own: equal to itself alone."""

    def __init__(self, value):
        self.value = value


UNTOUCHED = {
    "numbers": lambda: list(range(2 * BLOCK + 1)),
    "NaN": lambda: [float("nan"), 1.0],
    "arrays": lambda: [np.arange(4)[::-1], np.eye(3)[:, 1]],
    "plain objects": lambda: [Plain(1), Plain([2])],
    "what equals nothing": lambda: [Blank(), Blank()],
    "what cannot be compared": lambda: [Refusing()],
    "nothing": list,
}


@pytest.mark.parametrize("kind", UNTOUCHED)
def test_items_that_nobody_changed_are_not_called_changed(kind):
    packed = pickle.dumps(UNTOUCHED[kind](), protocol=5)
    assert were_changed(pickle.loads(packed), packed) is False


def append_to(items):
    items[-1].append(9)


def overwrite(items):
    items[-1][0] = 9


def give_value(items):
    items[-1].value = 9


CHANGED = {
    "a list": (lambda: [[1], [2]], append_to),
    "an array": (lambda: [np.arange(3), np.arange(3)], overwrite),
    "a plain object": (lambda: [Plain(1)], give_value),
    "beside what equals nothing": (lambda: [Blank(), [2]], append_to),
    "in the last block": (lambda: [*range(3 * BLOCK), [2]], append_to),
}


@pytest.mark.parametrize("kind", CHANGED)
def test_a_change_of_one_item_is_seen(kind):
    make, change = CHANGED[kind]
    packed = pickle.dumps(make(), protocol=5)
    items = pickle.loads(packed)
    change(items)
    assert were_changed(items, packed) is True


def test_looking_for_changes_looks_at_few_items_one_by_one():
    Blank.made = 0
    packed = pickle.dumps([Blank() for _ in range((MANY + 5) * BLOCK)], protocol=5)
    items = pickle.loads(packed)
    Blank.made = 0
    assert were_changed(items, packed) is False
    # blocks: used and fresh once each, all of 10; one by one: two copies, each pickled a few times at most
    assert Blank.made <= (2 + 8) * MANY * BLOCK


def test_looking_for_changes_of_a_million_numbers_is_over_soon():
    packed = pickle.dumps(list(range(1_000_000)), protocol=5)
    items, began = pickle.loads(packed), time.monotonic()
    assert were_changed(items, packed) is False
    assert time.monotonic() - began < 20, "a generous deadline: it takes a twentieth of a second"
