"""Checks of arguments that several layers share; each raises InvalidArgumentError that says what is allowed.

A value may be anything: an array, an object whose methods raise or exit, an iterator without end. What a
check returns is a plain value: an int, a float, one of the names it was given.
"""

from __future__ import annotations

import math
import operator
from itertools import islice
from numbers import Real

from helpers.errors import InvalidArgumentError
from helpers.words import listing, shown

#: Most names or numbers taken from one argument, and the longest deadline in seconds: what an operating
#: system can wait for at once.
MANY, LONGEST_TIMEOUT = 10_000, 1_000_000


def check_count(name, value, least, most):
    """Return `value` as an int between `least` and `most`, else raise InvalidArgumentError."""
    whole = as_whole(value)
    if whole is None or not least <= whole <= most:
        raise InvalidArgumentError(f"{name} must be a whole number from {least} to {most:,}, not {shown(value)}.")
    return whole


def check_number(name, value, least, most, unit="", above=False):
    """Return `value` as a float between `least` and `most`, else raise InvalidArgumentError.

    Parameters
    ----------
    name, unit : str
        What the message calls it: "task_seconds must be a number of seconds from 0.1 to 3, not …".
    above : bool
        Whether `least` itself is not allowed.
    """
    number = as_number(value)
    if number is None or not least <= number <= most or (above and number == least):
        of = f" of {unit}" if unit else ""
        low = f"above {least:g} and at most" if above else f"from {least:g} to"
        raise InvalidArgumentError(f"{name} must be a number{of} {low} {most:,g}, not {shown(value)}.")
    return number


def check_flag(name, value):
    """Return `value` if it is True or False, else raise InvalidArgumentError."""
    if value is not True and value is not False:
        raise InvalidArgumentError(f"{name} must be True or False, not {shown(value)}.")
    return value


def check_choice(name, value, choices):
    """Return `value` if it is one of `choices`, else raise InvalidArgumentError: "There is no engine 'x'. …"."""
    for choice in choices:
        if is_name(choice, value):
            return choice
    raise InvalidArgumentError(f"There is no {name} {shown(value)}. There are: {', '.join(map(str, choices))}.")


def check_choices(name, values, choices, least=1):
    """Return the chosen ones of `choices` as a tuple in the order of `choices`; one name may stand alone.

    Raises InvalidArgumentError for an unknown one, and for fewer than `least`.
    """
    alone = is_text(values) or not is_iterable(values)
    values = (values,) if alone else take_all(f"The list that names every {name}", values, MANY)
    chosen = {check_choice(name, value, choices) for value in values}
    if len(chosen) < least:
        raise InvalidArgumentError(f"Choose at least {least} {name}: {listing(map(str, choices), 'or')}.")
    return tuple(choice for choice in choices if choice in chosen)


def check_counts(name, values, least, most, each=None):
    """Return whole numbers as a sorted tuple of distinct ints, empty for none; one may stand alone.

    `each` is what the message calls one of them, by default `name` too.
    """
    if as_whole(values) is not None:
        values = (values,)
    if is_text(values) or not is_iterable(values):
        raise InvalidArgumentError(f"{name} must be a whole number or several, such as (1, 2, 4), not {shown(values)}.")
    return tuple(sorted({check_count(each or name, value, least, most) for value in take_all(name, values, MANY)}))


def check_timeout(timeout, default=None, name="timeout"):
    """Return a deadline in seconds, at most `LONGEST_TIMEOUT`; `default` for None; else raise InvalidArgumentError."""
    if timeout is None:
        return default
    number = as_number(timeout)
    if number is None or not 0 < number <= LONGEST_TIMEOUT:
        allowed = f"a number of seconds above 0 and at most {LONGEST_TIMEOUT:,}, or None"
        raise InvalidArgumentError(f"{name} must be {allowed}, not {shown(timeout)}.")
    return number


def check_callback(name, callback):
    """Return `callback`, a function or None, else raise InvalidArgumentError."""
    if callback is not None and not callable(callback):
        raise InvalidArgumentError(f"{name} must be a function, or None, not {shown(callback)}.")
    return callback


def check_watch(timeout, should_stop, on_start, default=None):
    """Return the three arguments of `helpers.runner.play` by which a play is watched, checked, by name."""
    return {
        "timeout": check_timeout(timeout, default),
        "should_stop": check_callback("should_stop", should_stop),
        "on_start": check_callback("on_start", on_start),
    }


def take_all(name, values, most):
    """Return the elements of an iterable as a list; raise InvalidArgumentError for more than `most`, or if it fails."""
    try:
        taken = list(islice(values, most + 1))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an iterator may raise anything, SystemExit too
        raise InvalidArgumentError(
            f"{name} cannot be read to its end ({shown(error)}): give a list of what it should hold."
        ) from error
    if len(taken) > most:
        raise InvalidArgumentError(
            f"{name} has more than {most:,} elements, or never ends: take a part, or group several into one item."
        )
    return taken


def is_iterable(value):
    """Return whether `value` says that it can be read element by element; it may still fail."""
    return hasattr(type(value), "__iter__")


def is_text(value):
    """Return whether `value` is text or bytes, which are read as one value, not letter by letter."""
    return issubclass(type(value), (str, bytes, bytearray))


def is_name(choice, value):
    """Return whether `value` is the text or number `choice`; text may be of a subclass, as numpy's is."""
    if isinstance(choice, str) and isinstance(value, str):
        return str.__eq__(choice, value)
    return type(choice) is type(value) and choice == value


def as_whole(value):
    """Return a whole number of whatever type as an int; None for anything else, True and False too."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # the value's own methods may raise anything, SystemExit too
        return None


def as_number(value):
    """Return a real number of whatever type as a float; None for anything else, NaN, infinity, True and False too."""
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except KeyboardInterrupt:
        raise
    except BaseException:  # too large for a float, or an object whose methods raise
        return None
    return number if math.isfinite(number) else None
