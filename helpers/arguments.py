"""Checks of arguments that several layers share; each raises InvalidArgumentError with the range."""

from helpers.errors import InvalidArgumentError


def check_count(name, value, least, most):
    """Return `value` as an int between `least` and `most`, else raise InvalidArgumentError."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or not least <= value <= most:
        raise InvalidArgumentError(f"{name} must be a whole number from {least} to {most:,}, not {value!r}.")
    return value.__index__()
