"""`pack_plain`: what somebody's function returned, as plain data. None of its own code runs where it is looked at.

Standard library only.
"""

import io
import pickle
import reprlib
import sys
from types import FunctionType

#: Packages whose classes travel as they are.
KNOWN = {*sys.stdlib_module_names, "helpers", "numpy"}
#: What an object of a class of one's own is made into, if its class is made from one of these.
PLAIN = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
    (bytes, lambda value: bytes(memoryview(value))),
    (tuple, lambda value: list(tuple.__iter__(value))),
    (list, lambda value: list(list.__iter__(value))),
    (dict, lambda value: list(dict.items(value))),
    (set, lambda value: list(set.__iter__(value))),
    (frozenset, lambda value: list(frozenset.__iter__(value))),
)


class Foreign:
    """Stands for an object of a class of one's own: equal to nothing, and it looks as the object did."""

    def __init__(self, words):
        self.words = words

    def __repr__(self):
        return self.words


class PlainPickler(pickle.Pickler):
    """Pickles with everything that is defined outside `KNOWN` made plain, or replaced by a Foreign."""

    def reducer_override(self, value):
        """Return how `value` is pickled, NotImplemented for as usual."""
        named = value if isinstance(value, type | FunctionType) else type(value)
        if str(named.__module__).partition(".")[0] in KNOWN:
            return NotImplemented
        if named is not value:
            for kind, made_plain in PLAIN:
                if issubclass(named, kind):
                    return kind, (made_plain(value),)
        return Foreign, (show(value),)


def pack_tried(value):
    """Return `value` pickled, once it was unpickled here; raises what that raises, or ends this process."""
    packed = pickle.dumps(value)
    pickle.loads(packed)
    return packed


def pack_plain(value):
    """Return `value` pickled as plain data, once it was unpickled here as it is; see `pack_tried`.

    Who loads it imports nothing of one's own and calls nothing that was not called here.
    """
    pack_tried(value)
    buffer = io.BytesIO()
    PlainPickler(buffer).dump(value)
    packed = buffer.getvalue()
    pickle.loads(packed)
    return packed


def show(value):
    """Return a short ``repr`` of `value`, whatever that does."""
    try:
        return reprlib.repr(value)
    except BaseException:
        return f"<{type(value).__name__} whose repr fails>"
