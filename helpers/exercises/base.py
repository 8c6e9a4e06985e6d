"""`Exercise`: check a learner's function by running it, give hints, show a solution."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field

from helpers.errors import HelpersError, NotImportableError
from helpers.measure.answers import run_answer
from helpers.notebook import require_importable, shorten_paths
from helpers.tasks.spy import Spy, count_overlapping, read_spans

#: Seconds a learner's function may take in one run of a check.
CHECK_DEADLINE = 20.0
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


class Wrong(Exception):
    """Raised by the examination of an exercise: the answer is wrong, and why."""


class NotAttempted(Exception):
    """Raised by the examination of an exercise: there is no answer yet."""


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
                raise Wrong(f"{answer!r} is no function: hand over the function itself, without calling it.")
            self.examine(answer)
        except NotAttempted as reason:
            return Verdict("not attempted", str(reason))
        except Wrong as reason:
            return Verdict("wrong", str(reason))
        except NotImportableError as error:
            return Verdict(
                "wrong", f"a worker cannot import {error.culprit}. Begin its cell with %%worker, and run it again."
            )
        except (HelpersError, TimeoutError) as error:
            return Verdict("wrong", shorten_paths(str(error)))
        except Exception as error:
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


#: Start methods under which answers are checked: the two that are everywhere, or nearly.
METHODS = ("spawn", None)


def call_answer(func, *args, start_method=None, timeout=CHECK_DEADLINE):
    """Return what ``func(*args)`` gives in a process of its own; raise Wrong for everything amiss.

    That is: it cannot be imported, raises, does not return in `timeout` seconds, or leaves a
    process, a thread or shared memory behind.
    """
    require_importable(func)
    try:
        answer = run_answer(func, *args, start_method=start_method, timeout=timeout)
    except TimeoutError as error:
        method = start_method or "the default start method"
        why = "".join(f"\n{shorten_paths(note)}" for note in getattr(error, "__notes__", ()))
        raise Wrong(f"it did not return within {timeout:g} s under {method}: something waits for ever.{why}") from None
    if answer.error is not None:
        raise Wrong(f"it raises:\n{shorten_paths(answer.error)}")
    if answer.left:
        raise Wrong(f"it leaves something behind: {'; '.join(answer.left)}.")
    if answer.value is None or answer.value is Ellipsis:
        raise NotAttempted("the function returns nothing yet.")
    return answer.value


def spy_on(func, call, company=2, patience=1.5):
    """Return (value, spans) of ``call(spy)``, where `spy` does what `func` does and notes who ran it.

    `call` gets a picklable callable to hand to the learner's function; see `helpers.tasks.spy`.
    """
    with tempfile.TemporaryDirectory(prefix="multiprocessing-live-check-") as folder:
        value = call(Spy(folder, func, company, patience))
        return value, read_spans(folder)


def require_overlap(spans, n_processes=2):
    """Raise Wrong unless `n_processes` different processes were at work at the same moment."""
    if not spans:
        raise Wrong("the function it was given was never called.")
    most = count_overlapping(spans)
    if most < n_processes:
        n_pids = len({pid for pid, *_ in spans})
        raise Wrong(
            f"the result is right, but the work was done by {n_pids} process{'es' * (n_pids > 1)}, "
            f"never by {n_processes} at the same time: "
            "it is still serial work."
        )
