"""The errors of this package: one small tree, each saying what happened and what to do.

::

    HelpersError
    ├── InvalidArgumentError    a value out of range             (also a ValueError)
    ├── NotEnoughPointsError    too few measurements to fit      (also a ValueError)
    ├── NoLawError              no scalability law describes what was measured  (also a ValueError)
    ├── NotImportableError      no worker could import the function  (also a TypeError)
    ├── NotPicklableError       an item cannot travel to a worker    (also a TypeError)
    ├── EngineUnavailableError  an engine cannot run here, or not this function
    ├── TaskFailedError         the function raised, or its result cannot travel back
    ├── WorkerDiedError         a process ended in the middle of the work
    └── ResultsDifferError      the results of two runs are not the same

A deadline that passes raises the built-in `TimeoutError`.

Every error keeps its facts as attributes and survives pickling, since most are raised in
another process.
"""

from copy import copy


class HelpersError(Exception):
    """Base of all errors of this package; keyword facts become attributes.

    Whatever was measured before a sweep failed is kept in ``error.sweep`` (else ``None``).
    """

    #: facts every instance of the class has, with their defaults: each instance gets a copy of its own
    FACTS = {}

    def __init__(self, message="", **facts):
        super().__init__(message)
        self.sweep = None
        defaults = {name: copy(value) for name, value in self.FACTS.items()}
        for name, value in {**defaults, **facts}.items():
            setattr(self, name, value)

    def __reduce__(self):
        facts = {name: value for name, value in vars(self).items() if not name.startswith("__")}
        return _rebuild, (type(self), str(self), facts)


def _rebuild(cls, message, facts):
    return cls(message, **facts)


class InvalidArgumentError(HelpersError, ValueError):
    """An argument is out of range; the message names it and the range."""


class NotEnoughPointsError(HelpersError, ValueError):
    """Too little was measured for what is asked for: too few worker counts for a model, or nothing at all."""


class NoLawError(HelpersError, ValueError):
    """No scalability law describes what was measured; the message says why, and what to do.

    ``kind`` is "superlinear" (n workers do more than n times the work of one), "noisy" (what was measured would allow
    for almost any law), or "falling" (it falls faster with the count than any law, with no small count measured).
    """

    FACTS = {"kind": None}


class NotImportableError(HelpersError, TypeError):
    """No worker could import the function; ``culprit`` names the part at fault."""

    FACTS = {"culprit": None}


class NotPicklableError(HelpersError, TypeError):
    """An item cannot be pickled; ``index`` and ``item`` (its repr) say which."""

    FACTS = {"index": None, "item": None}


class EngineUnavailableError(HelpersError, RuntimeError):
    """An engine cannot run on this Python or platform, or not this function; the message says what would help."""

    FACTS = {"engine": None}


class TaskFailedError(HelpersError, RuntimeError):
    """The function raised for at least one item, or a result could not be sent back.

    Attributes
    ----------
    failures : dict of int to helpers.records.Failure
        By item index.
    results : list
        Results of all other items; ``None`` in the failed places.
    index, item, remote_traceback
        Of the first failure: item index, ``repr`` of the item, the worker's traceback.
    """

    FACTS = {"failures": {}, "results": [], "index": None, "item": None, "remote_traceback": ""}


class WorkerDiedError(HelpersError, RuntimeError):
    """A process ended in the middle of the work.

    Attributes
    ----------
    exitcode : int or None
        As in ``Process.exitcode``: negative is the number of the signal.
    last_task : int or None
        Index of the item it was working on.
    results : dict of int to object
        Results that had come back before, by item index.
    """

    FACTS = {"exitcode": None, "last_task": None, "item": None, "results": {}}


class ResultsDifferError(HelpersError, RuntimeError):
    """A run returned something else than the first serial loop; ``index`` says where.

    ``serial`` and ``parallel`` are the two results as text: that of the first serial loop, and the other one.
    ``edited`` names the reader's modules that were edited meanwhile: then they are the reason.
    """

    FACTS = {"index": None, "serial": None, "parallel": None, "edited": []}
