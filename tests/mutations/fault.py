"""A deliberate fault: one text of the package replaced by another, and the test that must notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """``old`` stands exactly once in ``file``; with ``new`` in its place, one of the tests in ``caught_by`` fails.

    ``caught_by`` is a pytest node id, or several, apart by blanks.
    """

    name: str
    file: str
    old: str
    new: str
    caught_by: str
