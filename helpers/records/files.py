"""Reading records from files: what is wrong with one is said, whatever it holds, and nothing odd becomes a record."""

from __future__ import annotations

import json
import math
import os
from dataclasses import fields
from pathlib import Path

from helpers.arguments import as_number, as_whole
from helpers.errors import InvalidArgumentError
from helpers.words import shown

#: Largest number in a file: what is measured is far below, and sums of such still are numbers.
LARGEST = 1e15
#: By the type that a record declares for a field: whether a value from a file can be one.
FITS = {
    "str": lambda value: isinstance(value, str),
    "str | None": lambda value: value is None or isinstance(value, str),
    "int | None": lambda value: value is None or FITS["int"](value),
    "bool": lambda value: isinstance(value, bool),
    "float | None": lambda value: value is None or FITS["float"](value),
    "dict": lambda value: isinstance(value, dict),
    "int": lambda value: as_whole(value) is not None and 0 <= value <= LARGEST,
    "float": lambda value: as_number(value) is not None and abs(value) <= LARGEST,
    "tuple[str, ...]": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
}


def read_record(path, make, what, advice):
    """Return what ``make(plain)`` makes of the JSON file at `path`; InvalidArgumentError if that cannot be.

    `what` and `advice` are of the message: "PATH is not WHAT (…): ADVICE."
    """
    name = str(path) if isinstance(path, str | os.PathLike) else shown(path)
    try:
        if not Path(path).is_file():
            raise InvalidArgumentError(f"There is no file {name}: give the path of {what}.")
        return make(json.loads(Path(path).read_text(encoding="utf-8")))
    except InvalidArgumentError:
        raise
    except Exception as error:  # a file may hold anything, and may lie where it cannot be read
        raise InvalidArgumentError(f"{name} is not {what} ({type(error).__name__}: {error}): {advice}.") from error


def require_fit(cls, plain, least=None):
    """Raise ValueError, or TypeError, if a value of the dict `plain` cannot be that of a field of the record `cls`.

    `least` has the smallest value of a field, where that is not the one of its type.
    """
    if not isinstance(plain, dict):
        raise TypeError(f"{cls.__name__} should be a table, and is {shown(plain)}")
    for field in fields(cls):
        value = plain.get(field.name)
        fits = field.name not in plain or field.type not in FITS or FITS[field.type](value)
        if not fits or (least and field.name in least and field.name in plain and value < least[field.name]):
            raise ValueError(f"{field.name} cannot be {shown(value)}")


def require_finite(columns):
    """Raise ValueError if columns of numbers are of different lengths, or hold what is no finite number."""
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError(f"the columns {', '.join(columns)} are of different lengths")
    for name, column in columns.items():
        if not all(map(math.isfinite, column)):
            raise ValueError(f"{name} holds what is no number")
