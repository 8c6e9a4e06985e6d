"""Checks of arguments that several layers share; each raises InvalidArgumentError that says what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable

from helpers.errors import InvalidArgumentError
from helpers.words import listing


def check_count(name, value, least, most):
    """Return `value` as an int between `least` and `most`, else raise InvalidArgumentError."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or not least <= value <= most:
        raise InvalidArgumentError(f"{name} must be a whole number from {least} to {most:,}, not {value!r}.")
    return value.__index__()


def check_number(name, value, least, most, unit="", above=False):
    """Return `value` as a float between `least` and `most`, else raise InvalidArgumentError.

    Parameters
    ----------
    name, unit : str
        What the message calls it: "task_seconds must be a number of seconds from 0.1 to 3, not …".
    above : bool
        Whether `least` itself is not allowed.
    """
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not least <= value <= most or (above and value == least):
        of = f" of {unit}" if unit else ""
        low = f"above {least:g} and at most" if above else f"from {least:g} to"
        raise InvalidArgumentError(f"{name} must be a number{of} {low} {most:,g}, not {value!r}.")
    return float(value)


def check_choice(name, value, choices):
    """Return `value` if it is one of `choices`, else raise InvalidArgumentError: "There is no engine 'x'. …"."""
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return choice
    raise InvalidArgumentError(f"There is no {name} {value!r}. There are: {', '.join(map(str, choices))}.")


def check_choices(name, values, choices, least=1):
    """Return the chosen ones of `choices` as a tuple in the order of `choices`; one name may stand alone.

    Raises InvalidArgumentError for an unknown one, and for fewer than `least`.
    """
    values = (values,) if isinstance(values, str) or not isinstance(values, Iterable) else tuple(values)
    chosen = [check_choice(name, value, choices) for value in values]
    if len(set(chosen)) < least:
        raise InvalidArgumentError(f"Choose at least {least} {name}: {listing(map(str, choices), 'or')}.")
    return tuple(choice for choice in choices if choice in chosen)
