"""`Exercise`: check a learner's function by running it, give hints, show a solution."""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import dataclass, field

from helpers.errors import HelpersError, NotImportableError
from helpers.exercises.trial import (
    CHECK_DEADLINE,
    METHODS,
    NotAttempted,
    Trial,
    Wrong,
    current_notice,
    explain_nested,
    find_overlap_problem,
    last_error,
    leave_out_own_frames,
    require_overlap,
    say_method,
    spy_on,
    try_answer,
)
from helpers.machine import default_start_method
from helpers.notebook import Notice, borrowed_imports, shorten_paths, show_code

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
    "is_blank",
    "last_error",
    "leave_out_own_frames",
    "require_overlap",
    "say_method",
    "spy_on",
    "try_answer",
]

MARKS = {"right": "✔", "wrong": "✘", "not attempted": "…"}
#: Characters of a line of a verdict: it fits a page 900 pixels wide, so that no browser breaks a word.
LINE_WIDTH = 88
BLANK = "the function is still empty. Write it, run its cell, and check again."


@dataclass(frozen=True)
class Verdict:
    """What a check found: ``state`` is "right", "wrong" or "not attempted"; ``words`` say why."""

    state: str
    words: str

    def __bool__(self):
        return self.state == "right"

    def __repr__(self):
        lines = f"{MARKS[self.state]} {self.state}: {self.words}".splitlines()
        return "\n".join(line if line.startswith(" ") else _wrap(line) for line in lines)


def _wrap(line):
    return textwrap.fill(line, LINE_WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


@dataclass
class Exercise:
    """One exercise.

    `examine` runs the learner's answer and raises `Wrong` or `NotAttempted`; it returns a remark on one that is
    right, or nothing.
    """

    name: str
    task: str
    examine: object = field(repr=False)
    praise: str = field(repr=False)
    hints: tuple[str, ...] = field(repr=False)
    answer: str = field(repr=False)
    #: How many calls of the answer a check makes where it is right, for the line while it waits; 0 does not tell.
    steps: int = field(default=0, repr=False)

    def __post_init__(self):
        self._given = 0
        if default_start_method() == METHODS[0]:  # as on Windows: both are spawn
            self.praise = self.praise.replace("under two start methods", f"under {METHODS[0]}")

    def check(self, answer=None):
        """Return the Verdict on `answer`. Never raises and never hangs, whatever the answer does.

        Meanwhile a line says what is waited for, and for how long at most.
        """
        notice = Notice()
        token = current_notice.set((notice, self.name, itertools.count(1), self.steps))
        try:
            remark = self._examine(answer)
        except NotAttempted as reason:
            return Verdict("not attempted", str(reason))
        except Wrong as reason:
            return _explain(str(reason))
        except NotImportableError as error:
            words = f"a worker cannot import {error.culprit}. Begin its cell with %%worker, and run it again."
            return Verdict("wrong", words)
        except (HelpersError, TimeoutError) as error:
            return _explain(shorten_paths(str(error)))
        except KeyboardInterrupt:  # of who does not want to wait
            raise
        except BaseException as error:
            return _explain(f"it raises {type(error).__name__}: {shorten_paths(str(error))}")
        finally:
            current_notice.reset(token)
            notice.clear()
        return Verdict("right", f"{self.praise} {remark or ''}".strip())

    def _examine(self, answer):
        if answer is None or answer is Ellipsis:
            raise NotAttempted("hand your function to check().")
        if not callable(answer):
            shown = repr(answer) if type(answer) in (int, float, str) else f"a {type(answer).__name__}"
            raise Wrong(f"{shown} is no function: hand over the function itself, without calling it.")
        if is_blank(answer):
            raise NotAttempted(BLANK)
        require_own_imports(answer)
        return self.examine(answer)

    def hint(self):
        """Print the next hint; after the last one, the first again."""
        number = self._given % len(self.hints)
        self._given += 1
        more = "" if number + 1 < len(self.hints) else f" (No more hints: {self.name}.solution() shows a solution.)"
        print(_wrap(f"Hint {number + 1} of {len(self.hints)}: {self.hints[number]}{more}"))

    def solution(self):
        """Show one solution: as code in colours in a notebook, printed elsewhere."""
        show_code(self.answer.strip())


def _explain(words):
    """Return the Verdict "wrong" with these words, and what to do where Python's own do not say it."""
    return Verdict("wrong", "\n".join(filter(None, (words, explain_nested(words)))))


def require_own_imports(func):
    """Raise Wrong if the cell of `func` needs an import that only an earlier %%worker cell has.

    `%%worker` lets a cell use the names of earlier ones; a reader who copies the answer has the cell alone.
    """
    if lines := borrowed_imports(func):
        missing = "\n".join(f"  {line}" for line in lines)
        raise Wrong(
            "its cell uses what only an earlier %%worker cell imports: in a script of its own Python would say "
            f"NameError. Put at the top of the cell, below %%worker:\n{missing}"
        )


def is_blank(func):
    """Return whether a function does nothing at all: its body is ``...``, ``pass`` or a docstring.

    >>> def begun(): ...
    >>> is_blank(begun), is_blank(lambda: 5), is_blank(print)
    (True, False, False)
    """
    code = getattr(func, "__code__", None)
    if code is None or code.co_code not in _EMPTY_BODIES:
        return False
    return all(constant in (None, Ellipsis, func.__doc__) for constant in code.co_consts)


def _pass(): ...


def _only_documented():
    """Do nothing."""


_EMPTY_BODIES = {function.__code__.co_code for function in (_pass, _only_documented, lambda: None)}


def call_answer(func, *args, start_method=None, timeout=None):
    """Return what ``func(*args)`` gives in a process of its own; raise Wrong for everything amiss; see `Trial`.

    Everything that a learner's function does or returns goes through here or `try_answer`: it may hang, exit
    or crash, and so may what it returns when it is unpickled, compared or shown.
    """
    return try_answer(func, *args, start_method=start_method, timeout=timeout).require()
