"""`Trial`: what came of calling a learner's function once, by its outcome, never by the words of a message."""

from __future__ import annotations

import builtins
import re
import tempfile
from contextvars import ContextVar
from dataclasses import dataclass, field

from helpers.errors import WorkerDiedError
from helpers.measure.answers import UNPICKLABLE, run_answer
from helpers.notebook import require_importable, shorten_paths
from helpers.tasks.spy import Spy, count_overlapping, read_spans
from helpers.tasks.watch import call_watched
from helpers.words import noun, plural

#: Seconds a learner's function may take in one call, at most.
CHECK_DEADLINE = 15.0
#: Seconds for which work waits to be seen beside other work: processes come up slowly on a busy machine.
PATIENCE = 3.0
#: Start methods under which answers are tried: one that is everywhere, and the default of this course.
METHODS = ("spawn", None)
#: How a call can end. Only the first is one that gives something to judge.
OUTCOMES = ("returned", "nothing", "raised", "unpicklable", "late", "left", "died", "refused")
#: What is said of an answer that is late, by whether a CPU was used shortly before the deadline.
WAITS = "something waits for ever"
STILL_AT_WORK = "it was still at work, in a loop that never ends, or slowly because this machine is busy"
#: What pickle says of a function that is defined inside another one; its words differ between versions of Python.
NESTED = re.compile(r"Can't (?:pickle|get) [^\n]*?(\w+)\.<locals>\.(<lambda>|\w+)")
#: (the Notice in which the check that runs says what it waits for, the exercise's name, numbers for the calls of the
#: answer, how many there are where it is right), or None.
current_notice = ContextVar("current_notice", default=None)


class Wrong(Exception):
    """Raised by the examination of an exercise: the answer is wrong, and why."""


class NotAttempted(Exception):
    """Raised by the examination of an exercise: there is no answer yet."""


@dataclass(frozen=True)
class Trial:
    """One call of a learner's function, in a process of its own.

    Attributes
    ----------
    outcome : str
        "returned" a value; "nothing": None or ``...``; "raised"; "unpicklable": its result cannot be sent
        back; "late": not back at the deadline, and ended; "left": a process, a thread or shared memory
        was left behind; "died": it ended the process that it ran in; "refused": it made what the exercise is
        not about.
    value : object
        What it returned.
    error_type : str or None
        The name of the exception's type, if it raised.
    details : str
        The traceback, what was left, how it died, or what was printed by a process that others waited for.
    start_method : str or None
        As asked for; None is the default.
    seconds : float
        The deadline it had.
    at_work : bool
        Of one that is late: its processes still used a CPU shortly before the deadline.
    seen : dict
        What `helpers.tasks.watch.call_watched` saw of its processes, where it returned.
    printed : str
        The last of what it and its processes printed.
    """

    outcome: str
    value: object = None
    error_type: str | None = None
    details: str = ""
    start_method: str | None = None
    seconds: float = CHECK_DEADLINE
    seen: dict = field(default_factory=dict)
    printed: str = ""
    at_work: bool = False

    @property
    def ended(self):
        """What is to be said of an outcome that gives no value."""
        return {
            "nothing": "it returns None. Is the `return` missing? (`print` does not return anything.)",
            "raised": f"it raises:\n{self.details}",
            "unpicklable": "its result cannot be pickled: return plain data, not an iterator, a coroutine, a pool or a "
            "lock.",
            "late": f"it did not return within {self.seconds:g} s under {say_method(self.start_method)}: "
            f"{STILL_AT_WORK if self.at_work else WAITS}.{self.details}",
            "left": f"it leaves something behind: {self.details}.",
            "died": f"it ended the process it ran in: {self.details}",
            "refused": f"{self.details}.",
        }[self.outcome]

    def require(self, *, also=None, instead=None):
        """Return the value; raise Wrong where there is none.

        Parameters
        ----------
        also, instead : dict of str to str, optional
            By outcome: what to say behind the usual words, or instead of them.
        """
        if self.outcome == "returned":
            return self.value
        said = (instead or {}).get(self.outcome, self.ended)
        more = (also or {}).get(self.outcome, "")
        raise Wrong(f"{said} {more}".strip().replace("\n \n", "\n"))

    def judge_processes(self, also=""):
        """Return a remark on processes that nobody joined, "" where there is none.

        Raises Wrong where a process that was started ended with an error, whatever the result: `also` is said then.
        """
        codes = self.seen.get("exitcodes", ())
        if failed := [code for code in codes if code is not None and code > 0]:
            which, error = say_part(len(failed), len(codes)), last_error(self.printed)
            by = f", by {error}" if error else ""
            words = f"the result is right, but {which} that it started ended with exit code {failed[0]}{by}. {also}"
            raise Wrong(words.strip())
        return self.judge_joined()

    def judge_joined(self, words=""):
        """Return a remark on processes that nobody joined or asked for their end, "" where there is none.

        `words` are said instead of the usual ones.
        """
        n_unasked = self.seen.get("unasked", 0)
        if not n_unasked:
            return ""
        if words:
            return f"Remark: {words}"
        which = say_part(n_unasked, len(self.seen["exitcodes"]))
        return (
            f"Remark: you never join {which}. {noun(n_unasked, 'It', 'They')} may still be ending when your function "
            "returns, and nobody looks at the exit code."
        )

    def judge_pools(self):
        """Return a remark on pools and executors that nobody closed, "" where there is none."""
        n_open = self.seen.get("n_open", 0)
        if not n_open:
            return ""
        which = "the pool" if n_open == 1 else f"the {n_open} pools"
        return (
            f"Remark: you never close {which}. Workers then stay until Python happens to clear up; a with block ends "
            "them for certain."
        )


def say_part(n, n_all):
    """Return `n` of all processes in words.

    >>> say_part(1, 1), say_part(2, 2), say_part(3, 3), say_part(2, 3)
    ('the process', 'both processes', 'all 3 processes', '2 of the 3 processes')
    """
    if n < n_all:
        return f"{n} of the {n_all} processes"
    return {1: "the process", 2: "both processes"}.get(n_all, f"all {n_all} processes")


def say_method(start_method):
    """Return a start method as a message names it."""
    return start_method or "the default start method"


def say_step(number, steps):
    """Return which call of an answer this is, of `steps` where it is right; "" where that is not known.

    >>> say_step(2, 3), say_step(4, 3), say_step(1, 0)
    (', step 2 of 3,', ' once more, to find the reason,', '')
    """
    if not steps:
        return ""
    return f", step {number} of {steps}," if number <= steps else " once more, to find the reason,"


#: An exception in what was printed; one that Python ignored, such as in a ``__del__`` after another error.
ERROR = r"^[\w.]*(?:Error|Exception)\b.*"
IGNORED = rf"^Exception ignored.*\n(?:Traceback .*\n(?:[ \t].*\n)*)?{ERROR}"


def last_error(printed):
    """Return type and message of the last exception in what was printed that Python did not ignore, "" for none."""
    found = re.findall(ERROR, re.sub(IGNORED, "", printed, flags=re.MULTILINE), re.MULTILINE)
    return shorten_paths(_part_names(found[-1].strip())) if found else ""


def _part_names(line):
    """Return a line without the name of an error before that of another: two processes have written at a time.

    >>> _part_names("BufferErrorNameError: name 'nope' is not defined")
    "NameError: name 'nope' is not defined"
    """
    name = line.partition(":")[0]
    ends = [k for k in range(1, len(name)) if hasattr(builtins, name[:k]) and hasattr(builtins, name[k:])]
    return line[ends[0] :] if ends else line


def explain_nested(text):
    """Return what to do about a function inside another one that `text` says cannot be pickled; "" for none.

    >>> explain_nested("AttributeError: Can't pickle local object 'run_all.<locals>.work'").partition(":")[0]
    '`work` is defined inside `run_all`, where no other process finds it'
    >>> explain_nested("KeyError: 3")
    ''
    """
    found = NESTED.search(text)
    if found is None:
        return ""
    outer, inner = found.groups()
    who = f"a lambda is written inside `{outer}`" if inner == "<lambda>" else f"`{inner}` is defined inside `{outer}`"
    what = "make it a function at" if inner == "<lambda>" else "move it to"
    return (
        f"{who}, where no other process finds it: {what} the top of the %%worker cell, and hand over what it needs "
        "as arguments."
    )


def try_answer(func, *args, start_method=None, timeout=None, by_value=False, refused=None):
    """Return the Trial of ``func(*args)`` in a process of its own, where `start_method` is the default.

    `timeout` is in seconds, `CHECK_DEADLINE` by default and at most. Raises NotImportableError where no
    process could import it; with `by_value` the function itself is sent where that can be done, and its
    processes are not seen. `refused` says what it may not make, and why; see `helpers.tasks.watch`.
    """
    timeout = CHECK_DEADLINE if timeout is None else min(timeout, CHECK_DEADLINE)
    known = {"start_method": start_method, "seconds": timeout}
    if not by_value:
        func, args = call_watched, (require_importable(func), args, refused)
    if (current := current_notice.get()) is not None:
        notice, name, numbers, steps = current
        step = say_step(next(numbers), steps)
        notice.show(f"checking {name}{step} under {say_method(start_method)}: {timeout:g} s at most …", timeout)
    try:
        answer = run_answer(func, *args, start_method=start_method, timeout=timeout, plain=True)
    except TimeoutError as error:
        notes = "".join(f"\n{shorten_paths(note)}" for note in getattr(error, "__notes__", ()))
        return Trial("late", details=notes, at_work=getattr(error, "at_work", False), **known)
    except WorkerDiedError as error:
        return Trial("died", details=shorten_paths(str(error)), **known)
    known["printed"] = answer.printed
    if answer.error_type == UNPICKLABLE:
        return Trial("unpicklable", error_type=UNPICKLABLE, details=shorten_paths(answer.error), **known)
    if answer.error is not None:
        details = leave_out_own_frames(shorten_paths(answer.error))
        return Trial("raised", error_type=answer.error_type, details=details, **known)
    value, known["seen"] = (answer.value, {}) if by_value else answer.value
    if known["seen"].get("refused"):
        return Trial("refused", details=known["seen"]["refused"], **known)
    if answer.left:
        return Trial("left", value, details="; ".join(answer.left), **known)
    if value is None or value is Ellipsis:
        return Trial("nothing", **known)
    return Trial("returned", value, **known)


#: A frame of a traceback whose paths are shortened: of this package's, or of those that start processes for others.
_OURS = re.compile(r'  File "(?:helpers|multiprocessing|concurrent)/[^\n]*\n(?:    [^\n]*\n)*')


def leave_out_own_frames(text):
    """Return a traceback, its paths shortened, without the frames that are not the learner's, where others remain.

    >>> head, own = "Traceback (most recent call last):", '  File "worker_1.py", line 2, in d\\n    e()'
    >>> ours = '  File "helpers/a.py", line 1, in b\\n    c()'
    >>> leave_out_own_frames("\\n".join([head, ours, own, ours, "KeyError"])) == "\\n".join([head, own, "KeyError"])
    True
    >>> leave_out_own_frames("\\n".join([head, ours, "KeyError"])) == "\\n".join([head, ours, "KeyError"])
    True
    """
    shorter = _OURS.sub("", text)
    return shorter if '  File "' in shorter else text


def spy_on(func, call, company=2, patience=PATIENCE):
    """Return (value, spans) of ``call(spy)``, where `spy` does what `func` does and notes who ran it.

    `call` gets a picklable callable to hand to the learner's function; see `helpers.tasks.spy`. Where `call`
    returns a Trial, there are spans for one that is late or raises, too.
    """
    with tempfile.TemporaryDirectory(prefix="multiprocessing-live-check-") as folder:
        value = call(Spy(folder, func, company, patience))
        return value, read_spans(folder)


def find_overlap_problem(spans, n_processes=2):
    """Return what is wrong if never `n_processes` different processes were at work at one moment, else ""."""
    if not spans:
        return "the function it was given was never called."
    if count_overlapping(spans) >= n_processes:
        return ""
    done_by = plural(len({pid for pid, *_ in spans}), "process")
    return (
        f"the result is right, but the work was done by {done_by}, never by {n_processes} at the same time: "
        "it is still serial work."
    )


def require_overlap(spans, n_processes=2, also=""):
    """Raise Wrong unless `n_processes` different processes were at work at the same moment; `also` is said then."""
    if problem := find_overlap_problem(spans, n_processes):
        raise Wrong(f"{problem} {also}".strip())
