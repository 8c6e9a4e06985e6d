"""What is known of coroutine functions without an event loop, and without importing asyncio. Standard library only."""

import functools
import inspect
import sys
from typing import NamedTuple


def is_coroutine_function(func):
    """Return whether calling `func` gives a coroutine: ``async def``, or made of one.

    Looks through partial objects and bound methods, at callable instances whose ``__call__`` is one, and at what is
    marked by `inspect.markcoroutinefunction`. What a plain function returns nobody can know beforehand.

    >>> async def fetch(item, host): ...
    >>> is_coroutine_function(functools.partial(fetch, host="localhost")), is_coroutine_function(len)
    (True, False)
    """
    is_one = inspect.iscoroutinefunction
    if sys.version_info < (3, 12) and "asyncio" in sys.modules:  # there asyncio alone knows the marks that others set
        is_one = sys.modules["asyncio"].iscoroutinefunction
    try:
        while isinstance(func, functools.partial):
            func = func.func
        return is_one(func) or is_one(type(func).__call__)
    except KeyboardInterrupt:
        raise
    except BaseException:  # an object may answer to any name in any way, by SystemExit too
        return False


class LoopUse(NamedTuple):
    """How one event loop spent a run.

    ``span`` is the seconds from the first item's start to the last one's end, ``held`` those of them in which the
    loop did not wait for anything but was inside tasks and callbacks (NaN where nobody counts), ``cpu`` the CPU
    seconds of its thread, ``process_cpu`` those of the whole process, threads that tasks sent work to included.
    ``left`` is how many tasks the function had started and not awaited: they were ended.
    """

    span: float
    held: float
    cpu: float
    process_cpu: float
    left: int = 0
