"""Equal results are found equal, wherever they lie in memory and however they travelled; real differences are found."""

import math
import pickle
import threading
from array import array
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest

from helpers.errors import ResultsDifferError
from helpers.measure import is_same, require_same, sameness, sweep

NAN = math.nan


@dataclass
class Point:
    name: str
    where: object = None


@dataclass(frozen=True)
class Frozen:
    where: object = None


@dataclass(slots=True)
class Slotted:
    where: object = None


@dataclass(eq=False)
class Unequal:
    where: object = None
    more: dict = field(default_factory=dict)


class Plain:
    def __init__(self, **facts):
        vars(self).update(facts)


class WithSlots:
    __slots__ = ("left", "right")

    def __init__(self, left=None, right=None):
        self.left, self.right = left, right


class Words(list):
    """A list with a fact of its own."""


Pair = namedtuple("Pair", "one other")


def hostile(name, action):
    """Return a class whose ``==`` raises or exits, and which is a module's: pickle finds it."""

    def compare(self, other):
        return action()

    made = type(name, (Plain,), {"__eq__": compare, "__ne__": compare, "__hash__": None, "__module__": __name__})
    globals()[name] = made
    return made


def leave():
    raise SystemExit(3)


def fail():
    raise RuntimeError("do not compare me")


Leaving, Failing, Arrays = hostile("Leaving", leave), hostile("Failing", fail), hostile("Arrays", lambda: np.ones(2))


def grid():
    return np.arange(12.0).reshape(3, 4)


def frame():
    return pd.DataFrame({"a": [1, 2, 3], "b": [0.5, NAN, 2.5], "c": ["x", "y", "z"]})


def tree(depth=4):
    return Plain(value=depth, below=[tree(depth - 1), tree(depth - 1)] if depth else [])


def chain(length=50):
    first = None
    for number in range(length):
        first = WithSlots(number, first)
    return first


def circle():
    inside = [1, NAN]
    inside.append(inside)
    return inside


def circle_of_dicts():
    outer = {"name": "outer", "array": grid()[:, 1]}
    outer["inner"] = {"outer": outer}
    return outer


def circle_of_objects():
    one, other = Plain(name="one", where=grid()[:, 0]), Plain(name="other")
    one.next, other.next = other, one
    return one


def object_array():
    made = np.empty(2, dtype=object)
    made[:] = [grid()[:, 1], {"a": NAN}]
    return made


def masked():
    return np.ma.masked_greater(grid(), 7)


def structured():
    return np.array([(1, 2.5), (3, NAN)], dtype=[("count", "i4"), ("share", "f8")])


def read_only():
    made = np.arange(5)
    made.flags.writeable = False
    return made


#: Kinds of results by name; each function makes one, as a task does.
SAME = {
    "int": lambda: 3,
    "large int": lambda: 10**400,
    "float": lambda: 0.1,
    "NaN": lambda: float("nan"),
    "complex": lambda: 1 + 2j,
    "complex NaN": lambda: complex(float("nan"), 1),
    "None": lambda: None,
    "text": lambda: "x" * 10,
    "bytes": lambda: b"x" * 10,
    "Decimal": lambda: Decimal("1.10"),
    "Decimal NaN": lambda: Decimal("NaN"),
    "Decimal that signals": lambda: Decimal("sNaN"),
    "Fraction": lambda: Fraction(1, 3),
    "date": lambda: date(2026, 11, 3),
    "path": lambda: PurePosixPath("a/b"),
    "range": lambda: range(3),
    "array.array": lambda: array("d", [1, NAN]),
    "bytearray": lambda: bytearray(b"abc"),
    "partial": lambda: partial(max, 3),
    "list with NaN": lambda: [1, (2.0, float("nan"))],
    "long list with NaN": lambda: [*range(100_000), float("nan")],
    "dict": lambda: {"b": 1, "a": [float("nan")]},
    "dict with NaN as key": lambda: {float("nan"): 1, "a": 2},
    "dict with tuples as keys": lambda: {(1, float("nan")): "a"},
    "dict with objects as keys": lambda: {Unequal(1): "a", Unequal(2): "b"},
    "defaultdict": lambda: defaultdict(list, {"a": [float("nan")]}),
    "OrderedDict": lambda: OrderedDict(a=grid()[:, 1]),
    "Counter": lambda: Counter("abba"),
    "deque": lambda: deque([1, float("nan")], 5),
    "named tuple": lambda: Pair(grid()[:, 1], float("nan")),
    "list subclass": lambda: Words([grid()[:, 1]]),
    "set of texts": lambda: {f"word {n}" for n in range(50)},
    "set with NaN": lambda: {float("nan"), 1},
    "set of frozensets": lambda: {frozenset("abc"), frozenset("de")},
    "set of objects": lambda: {Unequal(n) for n in range(20)},
    "set of objects with sets": lambda: {Unequal(frozenset(f"{n} {m}" for m in range(20))) for n in range(5)},
    "object with a set": lambda: Plain(words={f"word {n}" for n in range(50)}, of=NAN),
    "dataclass": lambda: Point("a", [1, 2]),
    "dataclass with NaN": lambda: Point("a", float("nan")),
    "dataclass with a column": lambda: Point("a", grid()[:, 1]),
    "dataclass with a column and a set": lambda: Point("a", (grid()[:, 1], set("abcdefgh"))),
    "frozen dataclass": lambda: Frozen((grid()[:, 1], 2)),
    "dataclass with slots": lambda: Slotted(grid()[:, 1]),
    "dataclass without ==": lambda: Unequal({"a": grid()[:, 1]}),
    "plain object": lambda: Plain(name="name", where=1),
    "plain object with a column": lambda: Plain(name="a", where=grid()[:, 1]),
    "object with slots": lambda: WithSlots("left", grid()[:, 1]),
    "tree of objects": tree,
    "chain of objects": chain,
    "list that contains itself": circle,
    "dict that contains itself": circle_of_dicts,
    "objects in a circle": circle_of_objects,
    "object whose == exits": lambda: Leaving(where=grid()[:, 1]),
    "object whose == raises": lambda: Failing(name="a"),
    "object whose == gives arrays": lambda: Arrays(name="a"),
    "exits within a list": lambda: [1, Leaving(name="a")],
    "numpy float": lambda: np.float64(0.1),
    "numpy float32 NaN": lambda: np.float32("nan"),
    "numpy complex NaN": lambda: np.complex64(complex(1, NAN)),
    "numpy bool": lambda: np.bool_(True),
    "numpy date": lambda: np.datetime64("NaT"),
    "array": grid,
    "array with NaN": lambda: np.array([1, NAN]),
    "array of one": lambda: np.array([1.5]),
    "array of no dimension": lambda: np.array(1.5),
    "empty array": lambda: np.zeros((0, 3)),
    "transposed": lambda: grid().T,
    "column": lambda: grid()[:, 1],
    "every other": lambda: grid()[::2, ::2],
    "backwards": lambda: np.arange(5)[::-1],
    "diagonal": lambda: grid().diagonal(),
    "real part": lambda: (grid() + 1j).real,
    "broadcast": lambda: np.broadcast_to(np.arange(3), (4, 3)),
    "in Fortran's order": lambda: np.asfortranarray(grid()),
    "axes swapped": lambda: np.arange(24).reshape(2, 3, 4).swapaxes(0, 2),
    "read only": read_only,
    "masked": masked,
    "masked column": lambda: masked()[:, 3],
    "structured": structured,
    "field of structured": lambda: structured()["share"],
    "record array": lambda: structured().view(np.recarray),
    "array of texts": lambda: np.array(["a", "bcd"]),
    "array of objects": object_array,
    "tuple of columns": lambda: (grid()[:, 1], grid()[:, 2]),
    "dict of columns": lambda: {"a": grid()[:, 1], "b": {"c": [grid().T]}},
    "frame": frame,
    "row of a frame": lambda: frame().iloc[1],
    "column of a frame": lambda: frame()["b"],
    "part of a frame": lambda: frame().iloc[::2, 1:],
    "frame with an index": lambda: frame().set_index("c"),
    "grouped": lambda: frame().groupby("c")["a"].sum(),
    "categories": lambda: pd.Series(["a", "b", "a"], dtype="category"),
    "timestamps": lambda: pd.Series(pd.date_range("2026-01-01", periods=3)),
    "dict of frame rows": lambda: {"row": frame().iloc[1], "of": Point("a", frame())},
}


def travel(value):
    return pickle.loads(pickle.dumps(value, protocol=5))


@pytest.mark.parametrize("kind", SAME)
def test_equal_results_are_the_same_however_they_came(kind):
    serial, threads, alone = SAME[kind](), SAME[kind](), travel(SAME[kind]())
    in_chunk = travel([SAME[kind](), SAME[kind]()])[1]
    for one, other in ((serial, threads), (serial, alone), (serial, in_chunk), (alone, in_chunk)):
        assert is_same(one, other) and is_same(other, one)


def test_there_are_enough_kinds():
    assert len(SAME) >= 51 and len(DIFFERENT) >= 25


def with_bit(made):
    """Return the array with its last bit turned."""
    made.view(np.uint8)[..., -1] ^= 1
    return made


def changed(made, **facts):
    vars(made).update(facts)
    return made


def longer_circle():
    inside = [1, NAN]
    inside.append([1, NAN, inside, 0])
    return inside


DIFFERENT = {
    "int and float": (1, 1.0),
    "int and True": (1, True),
    "1.0 and True": (1.0, True),
    "float": (0.1, 0.1 + 2**-56),
    "text and bytes": ("a", b"a"),
    "NaN and None": (NAN, None),
    "NaN and a number": ([NAN], [1.0]),
    "complex": (complex(NAN, 1), complex(NAN, 2)),
    "Decimal": (Decimal("1"), Decimal("1.1")),
    "list and tuple": ([1], (1,)),
    "order of a list": ([1, 2], [2, 1]),
    "length of a list": ([1, NAN], [1]),
    "1 and True in a list": ([1, NAN], [True, NAN]),
    "value in a dict": ({"a": 1}, {"a": 2}),
    "key of a dict": ({"a": 1}, {"b": 1}),
    "type of a key": ({1: "a"}, {True: "a"}),
    "value of NaN as key": ({float("nan"): 1}, {float("nan"): 2}),
    "member of a set": ({"a", "b"}, {"a", "c"}),
    "one more in a set": ({1, 2}, {1}),
    "type in a set": ({1}, {1.0}),
    "object in a set": ({Unequal(1)}, {Unequal(2)}),
    "NaN in a set": ({float("nan")}, {0.5}),
    "set and frozenset": ({1}, frozenset({1})),
    "list subclass": (Words([1]), changed(Words([1]), fact=1)),
    "named tuple": (Pair(1, grid()[:, 1]), Pair(2, grid()[:, 1])),
    "deque": (deque([1]), deque([2])),
    "partial": (partial(max, 3), partial(max, 4)),
    "dataclass": (Point("a", 1), Point("a", 2)),
    "dataclass with a column": (Point("a", grid()[:, 1]), Point("a", grid()[:, 2])),
    "types of dataclass": (Frozen(1), Slotted(1)),
    "plain object": (Plain(a=1), Plain(a=2)),
    "one more fact": (Plain(a=1), Plain(a=1, b=2)),
    "object with a set": (Plain(words={"a"}), Plain(words={"b"})),
    "object with slots": (WithSlots(1, 2), WithSlots(1, 3)),
    "leaf of a tree": (tree(), changed(tree(), below=[tree(3), tree(2)])),
    "end of a chain": (chain(), chain(51)),
    "lists that contain themselves": (circle(), longer_circle()),
    "object whose == exits": (Leaving(a=1), Leaving(a=2)),
    "object whose == gives arrays": (Arrays(a=1), Arrays(a=2)),
    "generators": ((n for n in ()), (n for n in ())),
    "locks": (threading.Lock(), threading.Lock()),
    "functions": (lambda: 1, lambda: 2),
    "classes": (Plain, Point),
    "one bit of an array": (grid(), with_bit(grid())),
    "one bit of a column": (grid()[:, 3], with_bit(grid())[:, 3]),
    "dtype": (np.array([1, 2]), np.array([1, 2], dtype=np.int32)),
    "dtype of one": (np.array([1]), np.array([1.0])),
    "dtype of no dimension": (np.array(1), np.array(1.0)),
    "shape": (np.zeros((2, 3)), np.zeros((3, 2))),
    "array and list": (np.array([1]), [1]),
    "numpy number and number": (np.float64(1), 1.0),
    "backwards": (np.arange(5), np.arange(5)[::-1]),
    "mask": (masked(), np.ma.masked_greater(grid(), 8)),
    "structured": (structured(), structured()[::-1]),
    "object in an array": (object_array(), np.array([1, 2], dtype=object)),
    "row of a frame": (frame().iloc[0], frame().iloc[1]),
    "cell of a frame": (frame(), frame().assign(a=[1, 2, 4])),
    "index of a frame": (frame(), frame().set_index("c")),
    "name of a column": (frame()["a"], frame()["a"].rename("d")),
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_real_differences_are_found(kind):
    one, other = DIFFERENT[kind]
    assert not is_same(one, other) and not is_same(other, one)
    assert not is_same([one], [other]) and not is_same({"a": (one, 1)}, {"a": (other, 1)})


def test_0_and_minus_0_are_equal_numbers_but_not_equal_in_an_array():
    assert is_same(0.0, -0.0) and is_same([NAN, 0.0], [NAN, -0.0]) and is_same(np.float32(0), np.float32(-0.0))
    assert not is_same(np.array([0.0, 1.0]), np.array([-0.0, 1.0]))


def test_sets_within_objects_may_be_in_another_order():
    """0 and 8 fall into one place of a small set, where the first to come stands first: other workers, other orders."""
    assert list({0, 8}) != list({8, 0})
    assert is_same(Plain(a={0, 8}), Plain(a={8, 0})) and not is_same(Plain(a={0, 8}), Plain(a={8, 16}))
    assert is_same(Point("a", ({0, 8}, grid())), Point("a", ({8, 0}, grid())))


def test_many_objects_in_a_set_are_found_by_their_form(monkeypatch):
    one, other = {Unequal(n) for n in range(2_000)}, {Unequal(n) for n in range(2_000)}
    monkeypatch.setattr(sameness, "is_same", lambda *_: pytest.fail("each was compared with all"))
    assert is_same(one, other)


def test_objects_that_no_pickle_can_name_are_compared_by_their_parts():
    """As those of a class from a plain cell, which threads return."""

    class Local:
        def __init__(self, where):
            self.where = where

    assert is_same(Local(grid()[:, 1]), Local(grid()[:, 1])) and not is_same(Local({1}), Local({2}))


def test_objects_may_lie_deeper_in_each_other_than_a_pickle_can_go():
    assert is_same(chain(2_000), chain(2_000)) and not is_same(chain(2_000), chain(2_001))


def test_an_object_that_is_made_of_ever_new_objects_does_not_recurse_for_ever(monkeypatch):
    class Endless:
        def __reduce_ex__(self, protocol):
            return Endless, (Endless(),)

    monkeypatch.setattr(sameness, "DEEPEST", 100)
    assert not is_same(Endless(), Endless())


def test_lists_of_equal_results_are_not_looked_at_one_by_one(monkeypatch):
    monkeypatch.delattr(sameness, "is_same")
    require_same(list(range(1_000_000)), list(range(1_000_000)), range(1_000_000))


def test_a_keyboard_interrupt_is_not_swallowed():
    def interrupt():
        raise KeyboardInterrupt

    made = hostile("Interrupting", interrupt)
    with pytest.raises(KeyboardInterrupt):
        is_same(made(), made())


def test_the_error_says_where_the_other_result_came_from():
    words = r"Item 1 \('b'\) gave 2 in the serial loop and 3 in parallel\."
    with pytest.raises(ResultsDifferError, match=words) as error:
        require_same([1, 2], [1, 3], ["a", "b"])
    assert (error.value.index, error.value.serial, error.value.parallel) == (1, "2", "3")
    with pytest.raises(ResultsDifferError, match=r"gave <.*Leaving object .* in another round of it\."):
        require_same([Leaving(a=1)], [Leaving(a=2)], [Leaving()], "in another round of it")


SOURCE = """
import itertools
from dataclasses import dataclass
import numpy as np

@dataclass
class Part:
    where: object
    words: frozenset

def take_part(number):
    grid = np.arange(12.0).reshape(3, 4) + number
    return Part({"column": grid[:, 1], "back": grid[::-1]}, frozenset(map(str, range(40)))), {float("nan"): grid.T}

class Leaves:
    def __eq__(self, other):
        raise SystemExit(3)

def make_odd(number):
    inside = [number, np.arange(3)[::-1]]
    inside.append(inside)
    return [inside, Leaves(), {Leaves: {1, 2}}]

count = itertools.count()

def count_calls(item):
    return next(count)
"""


def test_a_sweep_finds_equal_results_equal_by_every_engine(answers):
    module = answers(SOURCE)
    engines = ("threads", "processes", "pool")
    for task in (module.take_part, module.make_odd):
        assert sweep(task, [1, 2, 3], engines=engines, n_workers=2, repeats=1, timeout=60).complete


def test_two_serial_rounds_that_differ_are_not_said_to_be_parallel(answers):
    with pytest.raises(ResultsDifferError, match="in another round of it") as error:
        sweep(answers(SOURCE).count_calls, [1], engines=(), repeats=1, timeout=60)
    assert "parallel" not in str(error.value)
