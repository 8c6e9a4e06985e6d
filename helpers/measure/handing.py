"""Checking what is to be measured, and packing it for the runner."""

from __future__ import annotations

import ctypes
import pickle
import threading

from helpers import arguments
from helpers.arguments import check_count, check_timeout, is_iterable, take_all
from helpers.engines import max_workers
from helpers.engines.registry import check_start_method
from helpers.errors import InvalidArgumentError, NotImportableError, NotPicklableError
from helpers.notebook import require_importable
from helpers.tasks.worker import safe_repr, say
from helpers.words import shown

#: Largest number of items taken; an endless generator ends here instead of filling the memory.
MAX_ITEMS = 5_000_000
#: Seconds for pickling the items, unless a deadline is given: a gigabyte takes a few.
PACK_SECONDS = 60.0


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
    most = min((max_workers(engine) for engine in engines if engine != "serial"), default=max_workers())
    counts = arguments.check_counts("n_workers", n_workers, 1, most)
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


def pack_items(items, timeout=None):
    """Return the list `items` pickled; objects of classes from a plain cell go by value with dill.

    `timeout` is in seconds, `PACK_SECONDS` by default: the items' own code runs here, in the caller's process.
    Raises NotPicklableError that names the first item at fault, TimeoutError.
    """
    seconds = PACK_SECONDS if timeout is None else timeout
    late = (
        f"The items could not be pickled within {seconds:g} s: what one of them does in __getstate__ or __reduce__ may "
        "never end. Send what it is made of (a path, numbers, text) and build it in the task."
    )
    return do_within(seconds, lambda: _pack_items(items), late)


def _pack_items(items):
    try:
        packed = pickle.dumps(items, protocol=5)
        if b"__main__" not in packed:
            return packed
    except _Ended:
        raise
    except BaseException:
        pass
    import dill

    try:
        return dill.dumps(items, recurse=True)
    except _Ended:
        raise
    except BaseException as whole:
        for index, item in enumerate(items):
            try:
                dill.dumps(item)
            except _Ended:
                raise
            except BaseException as error:
                raise NotPicklableError(
                    f"Item {index} ({safe_repr(item)}) cannot be pickled, so it cannot be sent to another process: "
                    f"{say(error)}. Send what it is made of (a path, numbers, text) and build it in the task.",
                    index=index,
                    item=safe_repr(item),
                ) from error
        raise NotPicklableError(f"The items cannot be pickled together: {say(whole)}") from whole


class _Ended(BaseException):
    """Raised in a thread from outside, to end it."""


def do_within(seconds, work, late):
    """Return ``work()``, done in a thread of its own; raise what it raises, TimeoutError(`late`) after `seconds`.

    A thread that is late, or whose caller was interrupted, is ended as soon as it runs Python code again.
    """
    told, done = [], threading.Event()

    def run():
        try:
            told.append((work(), None))
        except _Ended:
            pass
        except BaseException as error:
            told.append((None, error))
        finally:
            done.set()

    thread = threading.Thread(target=run, name="helpers-packing", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # as many threads as the system allows
        return work()
    try:
        done.wait(seconds)  # not join: interrupted, it takes a living thread for one that has ended (before 3.13)
    finally:
        if not done.is_set():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Ended))
    if not told:
        raise TimeoutError(late)
    value, error = told[0]
    if error is not None:
        raise error
    return value
