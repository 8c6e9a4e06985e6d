"""`Exercise`: check a learner's function by running it, give hints, show a solution."""

from __future__ import annotations

from dataclasses import dataclass, field

from helpers.errors import HelpersError, NotImportableError
from helpers.exercises.trial import (
    CHECK_DEADLINE,
    METHODS,
    NotAttempted,
    Trial,
    Wrong,
    find_overlap_problem,
    require_overlap,
    say_method,
    spy_on,
    try_answer,
)
from helpers.notebook import shorten_paths

__all__ = [
    "CHECK_DEADLINE",
    "METHODS",
    "Exercise",
    "NotAttempted",
    "Trial",
    "Verdict",
    "Wrong",
    "call_answer",
    "find_overlap_problem",
    "require_overlap",
    "say_method",
    "spy_on",
    "try_answer",
]

MARKS = {"right": "✔", "wrong": "✘", "not attempted": "…"}


@dataclass(frozen=True)
class Verdict:
    """What a check found: ``state`` is "right", "wrong" or "not attempted"; ``words`` say why."""

    state: str
    words: str

    def __bool__(self):
        return self.state == "right"

    def __repr__(self):
        return f"{MARKS[self.state]} {self.state}: {self.words}"


@dataclass
class Exercise:
    """One exercise. `examine` runs the learner's answer and raises `Wrong` or `NotAttempted`."""

    name: str
    task: str
    examine: object = field(repr=False)
    praise: str = field(repr=False)
    hints: tuple[str, ...] = field(repr=False)
    answer: str = field(repr=False)

    def __post_init__(self):
        self._given = 0

    def check(self, answer=None):
        """Return the Verdict on `answer`. Never raises and never hangs, whatever the answer does."""
        try:
            if answer is None or answer is Ellipsis:
                raise NotAttempted("hand your function to check().")
            if not callable(answer):
                shown = repr(answer) if type(answer) in (int, float, str) else f"a {type(answer).__name__}"
                raise Wrong(f"{shown} is no function: hand over the function itself, without calling it.")
            self.examine(answer)
        except NotAttempted as reason:
            return Verdict("not attempted", str(reason))
        except Wrong as reason:
            return Verdict("wrong", str(reason))
        except NotImportableError as error:
            words = f"a worker cannot import {error.culprit}. Begin its cell with %%worker, and run it again."
            return Verdict("wrong", words)
        except (HelpersError, TimeoutError) as error:
            return Verdict("wrong", shorten_paths(str(error)))
        except KeyboardInterrupt:  # of who does not want to wait
            raise
        except BaseException as error:
            return Verdict("wrong", f"it raises {type(error).__name__}: {shorten_paths(str(error))}")
        return Verdict("right", self.praise)

    def hint(self):
        """Print the next hint; after the last one, the first again."""
        number = self._given % len(self.hints)
        self._given += 1
        print(f"Hint {number + 1} of {len(self.hints)}: {self.hints[number]}")

    def solution(self):
        """Print one solution."""
        print(self.answer)


def call_answer(func, *args, start_method=None, timeout=None):
    """Return what ``func(*args)`` gives in a process of its own; raise Wrong for everything amiss; see `Trial`.

    Everything that a learner's function does or returns goes through here or `try_answer`: it may hang, exit
    or crash, and so may what it returns when it is unpickled, compared or shown.
    """
    return try_answer(func, *args, start_method=start_method, timeout=timeout).require()
