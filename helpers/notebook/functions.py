"""Functions as workers see them: can they be imported, from where, and what are they called."""

import importlib
import os
import sys
from functools import cache, partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from helpers.errors import InvalidArgumentError, NotImportableError

_CachedFunction = type(cache(len))  # what functools.cache and lru_cache make; pickled by name too
_MAIN = ("__main__", "__mp_main__")
WAYS_OUT = (
    "Three ways out: define it in a %%worker cell; or in a module file next to the notebook, and import it; "
    'or choose the engine "multiprocess", which sends the function itself.'
)
WAYS_OUT_OF_A_PROGRAM = (
    "Three ways out: define it in a module file of its own beside this program, and import it; "
    "in a notebook, in a %%worker cell; "
    'or choose the engine "multiprocess", which sends the function itself.'
)


def require_importable(func):
    """Return `func` itself, if a fresh process can import it and everything it carries.

    Looks at what would be sent to a worker: through partial objects and their arguments, bound
    methods, callable instances. Pickles what `func` carries (and throws it away); never calls
    `func`.

    Raises
    ------
    NotImportableError
        Names the culprit, and three ways out.
    InvalidArgumentError
        `func` cannot be called at all.
    """
    if not callable(func):
        raise InvalidArgumentError(
            f"{_short_repr(func)} is not a function: hand over something that can be called with one item."
        )
    try:
        _pickle_checked(func)
    except NotImportableError:
        raise
    except Exception as error:
        culprit = (
            f"`{function_name(func)}`, because what it carries cannot be pickled ({type(error).__name__}: {error})"
        )
        raise _not_importable(culprit) from error
    return func


def module_of(func):
    """Return the name of the module that a worker imports for `func`, None if there is none.

    Of a partial object its function's, of a bound method or callable instance its class's.
    """
    name = getattr(_definition(func), "__module__", None)
    return name if isinstance(name, str) and name not in _MAIN and _spec_of(name) else None


def source_stamp(func):
    """Return (module name, file, time of its last change in ns), None for what there is not.

    Two stamps differ if the file was edited in between.
    """
    module = module_of(func)
    file = getattr(sys.modules.get(module), "__file__", None)
    try:
        return module, file, os.stat(file).st_mtime_ns if file else None
    except OSError:
        return module, file, None


def function_name(func):
    """Return a short readable name: ``f``, ``Class.method``, ``f(3, …)`` for a partial object."""
    if isinstance(func, partial):
        given = [_short_repr(value) for value in func.args] + [
            f"{key}={_short_repr(value)}" for key, value in func.keywords.items()
        ]
        return f"{function_name(func.func)}({', '.join([*given, '…'])})"
    if isinstance(func, MethodType):
        return f"{_definition(func).__qualname__}.{func.__name__}"
    name = getattr(func, "__qualname__", None) or f"{type(func).__qualname__}(…)"
    name = name.rpartition("<locals>.")[2]
    return f"lambda (line {func.__code__.co_firstlineno})" if name.endswith("<lambda>") else name


def _short_repr(value):
    """Return at most some 20 characters; calls no code of the value's own class."""
    if callable(value) and not isinstance(value, type):
        return function_name(value)
    if not isinstance(value, (int, float, complex, str, bytes, bool, type(None))):
        return f"<{type(value).__name__}>"
    text = repr(value)
    return text if len(text) <= 20 else text[:18] + "…" + text[-1]


def _definition(func):
    """Return the function or class that a worker looks up by name for `func`."""
    while isinstance(func, partial):
        func = func.func
    if isinstance(func, MethodType) or (isinstance(func, BuiltinFunctionType) and func.__module__ is None):
        func = func.__self__ if isinstance(func.__self__, type) else type(func.__self__)
    elif not hasattr(func, "__qualname__"):
        func = getattr(func, "__objclass__", type(func))
    elif not isinstance(getattr(func, "__module__", None), str):
        func = getattr(func, "__objclass__", func)
    return func


def _pickle_checked(value):
    """Pickle `value` as multiprocessing would, checking each function and class on the way."""
    from multiprocessing.reduction import ForkingPickler

    class Checker(ForkingPickler):
        def reducer_override(self, part):
            if isinstance(part, (FunctionType, type, _CachedFunction)):
                _check_named(part)
            elif isinstance(part, MethodType):
                _check_method(part)
            return NotImplemented

    class Nowhere:
        def write(self, piece):
            return len(piece)

    Checker(Nowhere()).dump(value)


def _check_method(method):
    """Raise if a worker that looks the method up by its name would find something else."""
    found = getattr(method.__self__, "__dict__", {}).get(method.__name__)
    owner = method.__self__ if isinstance(method.__self__, type) else type(method.__self__)
    for base in owner.__mro__:
        found = found or vars(base).get(method.__name__)
    if found is None:
        raise _not_importable(f"`{method.__name__}`, a method that its class `{owner.__qualname__}` does not have")


def _check_named(named):
    """Raise if a fresh process would not find this function or class by module and name."""
    module_name, name = getattr(named, "__module__", None), named.__qualname__
    if module_name == "builtins":
        return
    short = name.rpartition(".")[2]
    if not isinstance(module_name, str):
        raise _not_importable(f"`{short}`, which belongs to no module")
    found = sys.modules.get(module_name)
    if module_name not in _MAIN and not isinstance(found, ModuleType) and _spec_of(module_name):
        found = importlib.import_module(module_name)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is named and module_name not in _MAIN:
        _check_module(module_name, short)
    else:
        raise _not_importable(_describe(named, module_name, name, short, found))


def _describe(named, module_name, name, short, found):
    """Return words for a function or class that cannot be found by name."""
    if short == "<lambda>":
        return f"the lambda on line {named.__code__.co_firstlineno}"
    if "<locals>" in name:
        return f"`{short}`, defined inside `{name.rpartition('.<locals>')[0].rpartition('.')[2]}`"
    if module_name in _MAIN:
        return (
            f"`{short}`, defined in "
            f"{'a plain notebook cell' if _in_notebook() else 'the program that was started (`__main__`)'}"
        )
    if found is None:
        return f"`{short}`, which module `{module_name}` does not have under that name"
    return f"`{short}`: in module `{module_name}` this name is now another object (decorated, or loaded anew since)"


def _check_module(module_name, short):
    """Raise if a fresh process finds no such module, or another file of that name."""
    spec, module = _spec_of(module_name), sys.modules[module_name]
    if spec is None:
        raise _not_importable(f"`{short}`: its module `{module_name}` has no file on sys.path")
    file = getattr(module, "__file__", None)
    if (
        file
        and spec.has_location
        and file.endswith(".py")
        and spec.origin.endswith(".py")
        and not _same_file(file, spec.origin)
    ):
        raise _not_importable(
            f"`{short}`: its module `{module_name}` is {file}, but a worker would import {spec.origin}"
        )


def _same_file(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:  # within an archive, or gone
        return os.path.abspath(one) == os.path.abspath(other)


def _spec_of(module_name):
    """Return where a fresh process would find the module, None if nowhere; imports nothing."""
    parent = module_name.rpartition(".")[0]
    path = None
    if parent:
        package = sys.modules.get(parent)
        path = getattr(package, "__path__", None)
        if path is None:
            known = getattr(sys.modules.get(module_name), "__spec__", None)  # as os.path, a name within a module
            return known if known and known.name != module_name and _spec_of(known.name) else None
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(module_name, path)
        except Exception:  # a broken finder of somebody else is no reason to fail
            continue
        if spec is not None:
            return spec
    return None


def _not_importable(culprit):
    ways_out = WAYS_OUT if _in_notebook() else WAYS_OUT_OF_A_PROGRAM
    return NotImportableError(f"A worker cannot import {culprit}. {ways_out}", culprit=culprit)


def _in_notebook():
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None
