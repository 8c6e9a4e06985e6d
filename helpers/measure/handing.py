"""Checking what is to be measured, and packing it for the runner."""

from __future__ import annotations

import pickle

from helpers import arguments
from helpers.arguments import check_count, check_timeout, is_iterable, take_all
from helpers.engines import max_workers
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError, NotImportableError, NotPicklableError
from helpers.notebook import require_importable
from helpers.tasks.worker import safe_repr
from helpers.words import shown

#: Largest number of items taken; an endless generator ends here instead of filling the memory.
MAX_ITEMS = 5_000_000


def check_items(items, least=0):
    """Return `items` as a list; raise InvalidArgumentError if it is not iterable, endless, or shorter than `least`."""
    if not is_iterable(items):
        raise InvalidArgumentError(f"items must be a list or another iterable, not {shown(items)}.")
    taken = take_all("items", items, MAX_ITEMS)
    if len(taken) < least:
        raise InvalidArgumentError(
            "items is empty: there is nothing to measure. (A generator can be read only once: make a list of it.)"
        )
    return taken


def check_counts(n_workers, engines):
    """Return the worker counts as a sorted tuple of distinct ints; raise InvalidArgumentError out of range."""
    counts = arguments.check_counts("n_workers", n_workers, 1, max_workers())
    if not counts and set(engines) != {"serial"}:
        raise InvalidArgumentError("n_workers is empty: give at least one worker count, such as (1, 2).")
    return counts


def check_settings(start_method, chunksize, timeout):
    """Return (start method or None, chunksize or None, timeout or None), all checked."""
    method = None if start_method is None else check_start_method(start_method)
    if chunksize is not None:
        chunksize = check_count("chunksize", chunksize, 1, MAX_ITEMS)
    return method, chunksize, check_timeout(timeout)


def pack_function(func):
    """Return `func` pickled: by name where a fresh process can import it, else by value with dill.

    Raises NotImportableError where neither works.
    """
    if not callable(func):
        raise InvalidArgumentError(f"func must be a function, not {shown(func)}.")
    try:
        return pickle.dumps(require_importable(func))
    except NotImportableError as error:
        try:
            import dill

            return dill.dumps(func, recurse=True)
        except Exception as by_value:
            raise NotImportableError(
                f"{error}\nSending the function itself fails too: {type(by_value).__name__}: {by_value}",
                culprit=error.culprit,
            ) from by_value


def pack_items(items):
    """Return the list `items` pickled; objects of classes from a plain cell go by value with dill."""
    try:
        packed = pickle.dumps(items, protocol=5)
        if b"__main__" not in packed:
            return packed
    except Exception:
        pass
    try:
        import dill

        return dill.dumps(items, recurse=True)
    except Exception:
        for index, item in enumerate(items):
            try:
                dill.dumps(item)
            except Exception as error:
                raise NotPicklableError(
                    f"Item {index} ({safe_repr(item)}) cannot be pickled, so it cannot be sent to another process: "
                    f"{error}. Send what it is made of (a path, numbers, text) and build it in the task.",
                    index=index,
                    item=safe_repr(item),
                ) from error
        raise
