"""Which engines there are, which of them can run here, and opening one."""

from __future__ import annotations

import pickle
import platform
import sys
from functools import cache

from helpers.arguments import check_choice, check_count, is_name
from helpers.engines.base import Team, max_workers
from helpers.engines.coroutines import AsyncioTeam, AwaitingTeam
from helpers.engines.interpreters import InterpretersTeam
from helpers.engines.local import SerialTeam, ThreadsTeam
from helpers.engines.pools import MultiprocessTeam, PoolTeam, ProcessesTeam
from helpers.errors import EngineUnavailableError, HelpersError, InvalidArgumentError
from helpers.machine import default_start_method, start_methods
from helpers.notebook import function_name, require_importable
from helpers.tasks.coroutines import is_coroutine_function
from helpers.words import shown

#: All engines by name, in the order in which they are shown.
ENGINES: dict[str, type[Team]] = {
    "serial": SerialTeam,
    "threads": ThreadsTeam,
    "asyncio": AsyncioTeam,
    "processes": ProcessesTeam,
    "pool": PoolTeam,
    "multiprocess": MultiprocessTeam,
    "interpreters": InterpretersTeam,
}
#: Engines whose workers import the function by name.
IMPORTING = ("processes", "pool", "interpreters")
#: Engines that start processes, and so have a start method.
STARTING = ("processes", "pool", "multiprocess")
#: Engines whose workers share the runner's process, and so its CPU seconds and its end.
SHARING = ("serial", "threads", "asyncio", "interpreters")


def start_methods_of(engine):
    """Return the start methods `engine` can use here: empty for engines without processes."""
    return start_methods() if engine in STARTING else ()


@cache
def problem_by_value():
    """Return why dill cannot send a function by value on this Python, or None if it can.

    Tried once in each process: a function with a global and a closure goes through dill and back. So a
    Python that changes what dill relies on greys the engine, and a newer dill brings it back.
    """
    import dill
    import multiprocess

    step = 2
    try:
        copy = dill.loads(dill.dumps(lambda number: step * number + len(IMPORTING), recurse=True))
        if copy(5) != step * 5 + len(IMPORTING):
            raise ValueError("what came back is another function")
    except Exception as error:
        return (
            f"dill {dill.__version__}, with which multiprocess {multiprocess.__version__} sends functions, fails on "
            f"Python {platform.python_version()}: {type(error).__name__}: {error}"
        )
    return None


def check_multiprocess():
    """Raise EngineUnavailableError if the package is missing, or its dill does not serve this Python."""
    try:
        problem = problem_by_value()
    except ImportError:
        raise EngineUnavailableError(
            "The engine multiprocess needs a package: python -m pip install multiprocess", engine="multiprocess"
        ) from None
    if problem is not None:
        raise EngineUnavailableError(
            f"The engine multiprocess cannot run here: {problem}. A newer dill will do: "
            "python -m pip install --upgrade dill multiprocess, then restart the kernel.",
            engine="multiprocess",
        )


def usual_engines(func):
    """Return the engines that are measured where nobody names any: those that can run such a function."""
    return ("serial", "asyncio") if is_coroutine_function(func) else ("serial", "threads", "processes")


def check_kind(engine, func):
    """Raise EngineUnavailableError if `engine` runs plain functions and `func` is a coroutine function, or vice versa.

    The serial loop runs both.
    """
    if engine == "serial" or is_coroutine_function(func) == (engine == "asyncio"):
        return
    name = function_name(func)
    if engine == "asyncio":
        raise EngineUnavailableError(
            f"The engine asyncio runs coroutine functions, and {name} is a plain one: an event loop goes on to other "
            "tasks only where one awaits. Make it async def, with an await wherever it waits; or have one call it by "
            f"await asyncio.to_thread({name}, item); or choose threads.",
            engine=engine,
        )
    raise EngineUnavailableError(
        f"{name} is a coroutine function, and the engine {engine} is for plain ones: it would call it and get a "
        "coroutine that nobody awaits. Choose the engine asyncio; or hand over a plain function that returns "
        f"asyncio.run({name}(item)).",
        engine=engine,
    )


def check_engine(engine, func=None):
    """Return the name `engine`; raise what stands in the way of running `func` by it, if anything does.

    Raises
    ------
    InvalidArgumentError
        No engine has this name.
    EngineUnavailableError
        It needs another Python, or another version of a package; the message has the install command. Or it
        runs functions of another kind than this one; the message has the ways out.
    NotImportableError
        Its workers import the function by name and could not.
    """
    engine = check_choice("engine", engine, ENGINES)
    if callable(func):
        check_kind(engine, func)
    if engine == "interpreters" and sys.version_info < (3, 14):
        raise EngineUnavailableError(
            f"The engine interpreters needs Python 3.14 or later; this is {sys.version_info[0]}.{sys.version_info[1]}.",
            engine=engine,
        )
    if engine == "multiprocess":
        check_multiprocess()
    if func is not None and engine in IMPORTING:
        require_importable(func)
    return engine


def engine_problem(engine, func=None):
    """Return why `engine` cannot run `func` here, or None if it can."""
    try:
        check_engine(engine, func)
    except HelpersError as error:
        return str(error)
    return None


def check_start_method(start_method):
    """Return `start_method`, or the default for None; raise InvalidArgumentError if there is none such."""
    if start_method is None:
        return default_start_method()
    for known in start_methods():
        if is_name(known, start_method):
            return known
    raise InvalidArgumentError(
        f"start_method must be one of {', '.join(start_methods())} on this platform, not {shown(start_method)}."
    )


def open_team(engine, func, n_workers=1, start_method=None, payload=None):
    """Return the Team of `n_workers` of `engine` for `func`: a context manager that starts and ends it.

    Starts workers from this very process: measuring code calls it in the runner. `payload` is
    the pickled function if it is not to be pickled here.
    """
    engine = check_engine(engine, func if payload is None else None)
    n_workers = check_count("n_workers", n_workers, 1, 1 if engine == "serial" else max_workers(engine))
    method = check_start_method(start_method) if engine in STARTING else None
    if payload is None and engine in (*STARTING, "interpreters"):
        payload = pickle.dumps(func)
    team = AwaitingTeam if engine == "serial" and is_coroutine_function(func) else ENGINES[engine]
    return team(func, payload, n_workers, method)
