"""What came of calling an answer: its outcome, its processes and locks, what is seen meanwhile, and the verdict."""

import io
import os
import threading
from multiprocessing.shared_memory import SharedMemory

import pytest
from leftovers import no_leftovers

from helpers.errors import WorkerDiedError
from helpers.exercises import Exercise
from helpers.exercises.base import LINE_WIDTH, Verdict, Wrong, call_answer, is_blank, require_overlap, spy_on
from helpers.exercises.trial import (
    METHODS,
    OUTCOMES,
    Trial,
    explain_nested,
    find_overlap_problem,
    last_error,
    try_answer,
)
from helpers.measure import answers as answering
from helpers.measure.answers import SHARED_MEMORY, UNPICKLABLE, name_leftovers, run_answer, shared_blocks
from helpers.notebook import Notice, show_code
from helpers.notebook.notices import ERASE
from helpers.tasks import cpu, faults
from helpers.tasks.crew import Told
from helpers.tasks.plain import Foreign
from helpers.tasks.spy import count_overlapping
from helpers.tasks.watch import OWN_LOCKS, call_noting_locks, say_own_lock

# --- trials -----------------------------------------------------------------------------------

SOURCES = {
    "returned": "def answer():\n    return 5\n",
    "nothing": "def answer():\n    ...\n",
    "raised": "def answer():\n    1 / 0\n",
    "unpicklable": "def answer():\n    return lambda: 0\n",
    "late": "def answer():\n    while True: pass\n",
    "died": "import os\ndef answer():\n    os._exit(3)\n",
    "refused": "from multiprocessing import Pool\ndef answer():\n    return Pool(1)\n",
    "left": """
import multiprocessing, time
def answer():
    multiprocessing.Process(target=time.sleep, args=(60,)).start()
    return 1
""",
}
LEFT = {
    "not unlinked": """
from multiprocessing.shared_memory import SharedMemory
def answer():
    SharedMemory(create=True, size=10).close()
    return 1
""",
    "thread": """
import threading, time
def answer():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return 1
""",
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_trial_has_the_outcome_of_its_call(outcome, answers):
    refused = {"pool": "no pool here"}
    trial = try_answer(answers(SOURCES[outcome]).answer, timeout=1.5 if outcome == "late" else 20, refused=refused)
    assert trial.outcome == outcome and set(SOURCES) == set(OUTCOMES)
    if outcome == "returned":
        assert trial.require() == 5
    else:
        with pytest.raises(Wrong):
            trial.require()
    told = {
        "raised": "ZeroDivisionError",
        "died": "exit code 3",
        "left": "still running",
        "refused": "no pool here",
    }
    assert told.get(outcome, "") in trial.details
    assert trial.error_type == {"raised": "ZeroDivisionError", "unpicklable": "result not picklable"}.get(outcome)
    no_leftovers()


@pytest.mark.parametrize("words", LEFT)
def test_what_is_left_behind_is_named(words, answers):
    trial = try_answer(answers(LEFT[words]).answer)
    assert trial.outcome == "left" and words in trial.details


@pytest.mark.skipif(not os.path.isdir(SHARED_MEMORY), reason="blocks of shared memory can be listed there alone")
def test_what_others_leave_is_not_laid_on_an_answer(monkeypatch):
    """Another kernel's block bears its runner's mark; one that comes and goes was not there at each look."""
    name = "psm_0a1b2c3d-1-" + os.urandom(4).hex()
    before = shared_blocks()
    own = SharedMemory(f"psm_{os.urandom(4).hex()}", create=True, size=16)
    others = SharedMemory(name, create=True, size=16)
    try:
        said = "; ".join(name_leftovers(before, threading.active_count(), patience=0))
        assert own.name in said and name not in said
    finally:
        for block in (own, others):
            block.close()
            block.unlink()
    looks = iter([{"psm_one"}, {"psm_two"}, {"psm_three"}])
    monkeypatch.setattr(answering, "shared_blocks", lambda: next(looks))
    assert name_leftovers(set(), threading.active_count(), patience=0) == []


OWN = """
import collections, enum, sys, types
import numpy

class Pair(collections.namedtuple("Pair", "engine workers")):
    __eq__ = __ne__ = __repr__ = lambda *_: sys.exit("run by who looks")

class Level(enum.IntEnum):
    HIGH = 3

class Table(dict):
    __eq__ = __ne__ = __repr__ = __len__ = lambda *_: sys.exit("run by who looks")

class Thing:
    __eq__ = __ne__ = __hash__ = lambda *_: sys.exit("run by who looks")
    def __repr__(self):
        return "a thing"

class Silent:
    def __repr__(self):
        sys.exit("run by who looks")

def kinds():
    table = Table()
    dict.__setitem__(table, "level", Level.HIGH)
    mixed = {"error": ValueError("mine"), "set": {1, 2}}
    return [Pair("pool", 4), Level.HIGH, table, mixed, numpy.arange(3), numpy.int64(7)]

def things():
    return [Thing(), Silent(), Thing, kinds, {"in": [Thing()]}, types.SimpleNamespace(inner=Thing())]

class Late:
    def __reduce__(self):
        return sys.exit, ("when unpickled",)

def late():
    return Late()
"""


def test_what_is_judged_is_plain_data(answers):
    """A namedtuple is a tuple, a Table a dict, also inside others; errors and arrays stay what they are."""
    pair, level, table, mixed, array, number = try_answer(answers(OWN).kinds).require()
    assert [type(value) for value in (pair, level, table)] == [tuple, int, dict]
    assert (pair, level, table) == (("pool", 4), 3, {"level": 3}) and type(table["level"]) is int
    assert isinstance(mixed["error"], ValueError) and mixed["set"] == {1, 2}
    assert array.tolist() == [0, 1, 2] and number == 7


def test_what_has_no_plain_form_equals_nothing_and_looks_as_it_did(answers):
    thing, silent, kind, function, inner, space = try_answer(answers(OWN).things).require()
    assert {type(value) for value in (thing, silent, kind, function, inner["in"][0], space.inner)} == {Foreign}
    assert repr(thing) == "a thing" and repr(silent) == "<Silent whose repr fails>" and thing != inner["in"][0]
    assert repr(kind).startswith("<class") and repr(function).startswith("<function")


FATAL = """
import os

class Fatal:
    def __reduce__(self):
        return os._exit, (3,)
"""


def test_a_result_is_unpickled_apart_first(answers):
    assert try_answer(answers(OWN).late).outcome == "unpicklable"
    assert run_answer(answers(OWN).late).error_type == UNPICKLABLE
    with pytest.raises(WorkerDiedError, match="exit code 3"):
        run_answer(answers(f"{FATAL}\ndef fatal():\n    return Fatal()\n").fatal)


def test_a_module_that_cannot_be_imported_apart_is_told(answers):
    exiting = "import sys\nif 'pytest' not in sys.modules:\n    sys.exit('mine')\ndef answer():\n    return 5\n"
    trial = try_answer(answers(exiting).answer)
    assert (trial.outcome, trial.error_type) == ("raised", "SystemExit") and "mine" in trial.details


def test_no_call_takes_longer_than_the_deadline_of_a_check(monkeypatch):
    given = []
    monkeypatch.setattr("helpers.exercises.trial.CHECK_DEADLINE", 3.0)
    monkeypatch.setattr("helpers.exercises.trial.run_answer", lambda *_, timeout, **__: given.append(timeout) or 1 / 0)
    for timeout in (None, 2.0, 60.0):
        with pytest.raises(ZeroDivisionError):
            try_answer(cpu.sum_squares, timeout=timeout)
    assert given == [3.0, 2.0, 3.0]


def test_processes_are_at_work_where_they_use_a_cpu_in_the_last_two_seconds(monkeypatch):
    def feel(used):
        """Look at 0, 1, … 9.9 s of a deadline of 10 s; `used` gives the CPU seconds at a time."""
        pulse = answering.Pulse(10)
        for tenth in range(100):
            monkeypatch.setattr("helpers.runner.cpu_seconds", lambda pid, now=tenth / 10: used(now))
            assert pulse.feel(1, now=tenth / 10) is False
        return pulse

    busy = feel(lambda now: 0.1 * now)  # a tenth of a CPU, as one of many gets
    assert busy.readings[0][0] == 8.0 and 4 <= len(busy.readings) <= 5 and busy.at_work
    assert not feel(lambda now: 0.9).at_work and not feel(lambda now: min(now, 5.0)).at_work, "it waits by then"
    assert not feel(lambda now: 0.01 * now).at_work, "a hundredth: looking whether something has come"
    assert not answering.Pulse(10).at_work


WAITING = "import threading\ndef answer():\n    threading.Event().wait()\n"
CHILD_AT_WORK = """
from multiprocessing import Process
def compute():
    while True: pass
def answer():
    process = Process(target=compute)
    process.start()
    process.join()
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (SOURCES["late"], "it was still at work, in a loop that never ends, or slowly"),
        (CHILD_AT_WORK, "it was still at work, in a loop that never ends, or slowly"),
        (WAITING, "something waits for ever"),
    ],
)
def test_a_late_answer_is_told_whether_it_waits_or_works(source, words, answers):
    trial = try_answer(answers(source).answer, timeout=4.0)
    assert trial.outcome == "late" and words in trial.ended and trial.at_work is ("work" in words)


@pytest.mark.parametrize(
    ("message", "words"),
    [  # as Python 3.11, 3.12 and 3.14 say it
        ("AttributeError: Can't pickle local object 'run_all.<locals>.work'", "`work` is defined inside `run_all`"),
        ("AttributeError: Can't get local object 'run_all.<locals>.work'", "`work` is defined inside `run_all`"),
        (
            "_pickle.PicklingError: Can't pickle local object <function run_all.<locals>.<lambda> at 0x7f>",
            "a lambda is written inside `run_all`, where no other process finds it: make it a function at the top",
        ),
        ("AttributeError: 'int' object has no attribute 'work'", ""),
    ],
)
def test_a_function_inside_another_one_is_told_where_to_move_it(message, words):
    assert explain_nested(message).startswith(words) and bool(explain_nested(message)) is bool(words)


def test_a_check_says_what_to_do_about_a_worker_function_inside_another(answers):
    source = (
        "from multiprocessing import Process\ndef answer():\n    def work(): ...\n    Process(target=work).start()\n"
    )

    def examine(func):
        try_answer(func, start_method="spawn").require()

    verdict = Exercise("x_1", "task", examine, "good", ("hint",), "").check(answers(source).answer)
    assert verdict.state == "wrong" and "move it to the top of the %%worker cell" in verdict.words, verdict


def test_words_are_added_or_put_instead_by_outcome():
    late = Trial("late", seconds=2.0, start_method="spawn")
    with pytest.raises(Wrong, match=r"within 2 s under spawn: something waits for ever\. Is it a lock\?"):
        late.require(also={"late": "Is it a lock?", "raised": "no"})
    with pytest.raises(Wrong, match=r"^too slow$"):
        late.require(instead={"late": "too slow"})
    with pytest.raises(Wrong, match="Is the `return` missing"):
        Trial("nothing").require()


def test_an_answer_that_ends_its_process_is_reported():
    examine = lambda func: call_answer(func, faults.BAD_ITEM)  # noqa: E731
    verdict = Exercise("x", "", examine, "", ("",), "").check(faults.exit_on_bad)
    assert verdict.state == "wrong" and "exit code 3" in verdict.words


# --- the processes of an answer ---------------------------------------------------------------

#: What an answer may do with the two processes that it starts: a worker that fails, one that nobody joins.
STARTS = """
from multiprocessing import Pipe, Process
import sys
def answer(code, join):
    Pipe()
    workers = [Process(target=sys.exit, args=(number,)) for number in (0, code)]
    for worker in workers:
        worker.start()
    for worker in workers[: 2 if join else 1]:
        worker.join()
    return "value"
"""


@pytest.mark.parametrize("method", METHODS)
def test_the_processes_of_an_answer_are_seen_with_their_ends(answers, method):
    trial = try_answer(answers(STARTS).answer, 3, True, start_method=method)
    assert trial.require() == "value"
    seen = {**trial.seen, "pid": None}
    counts = {"unasked": 0, "working": 0, "n_pipes": 1, "n_open": 0}
    assert seen == {"pid": None, "exitcodes": [0, 3], **counts, "refused": None}


#: Ways to use a pool or an executor, and how many of them are never closed.
POOLS = {
    "with Pool(1) as pool: pool.map(abs, [1])": 0,
    "pool = Pool(1); pool.map(abs, [1]); pool.close(); pool.join()": 0,
    "pool = Pool(1); pool.map(abs, [1]); pool.terminate()": 0,
    "pool = Pool(1); pool.map(abs, [1])": 1,
    "pools = Pool(1), ThreadPool(1), Pool(1); pools[2].close(); pools[2].join()": 2,
    "with ProcessPoolExecutor(1) as executor: list(executor.map(abs, [1]))": 0,
    "executor = ProcessPoolExecutor(1); list(executor.map(abs, [1]))": 1,
}


@pytest.mark.parametrize("body", POOLS)
def test_a_pool_that_nobody_closes_is_seen_and_remarked(answers, body):
    head = "from concurrent.futures import ProcessPoolExecutor\nfrom multiprocessing.pool import Pool, ThreadPool\n"
    trial = try_answer(answers(f"{head}def answer():\n    {body}\n    return 1\n").answer)
    assert trial.seen["n_open"] == POOLS[body]
    assert {0: "", 1: "never close the pool. Workers", 2: "never close the 2 pools. Workers"}[
        POOLS[body]
    ] in trial.judge_pools()
    assert bool(trial.judge_pools()) == bool(POOLS[body])


def seen_by(*codes, n_unasked=0, printed=""):
    """Return the Trial of an answer whose processes ended so."""
    return Trial("returned", 1, seen={"exitcodes": list(codes), "unasked": n_unasked}, printed=printed)


def test_a_worker_that_died_is_wrong_and_one_that_nobody_joined_a_remark():
    assert seen_by(0, 0).judge_processes() == "" and seen_by(0, -15, None).judge_processes() == ""
    with pytest.raises(
        Wrong, match=r"2 of the 3 processes that it started ended with exit code 1, by KeyError: 2\. Go"
    ):
        seen_by(0, 1, 1, printed="KeyError: 1\n  raise\nKeyError: 2\nend").judge_processes("Go on.")
    assert "you never join the process. It may" in seen_by(0, n_unasked=1).judge_processes()
    assert "you never join both processes. They may" in seen_by(0, 0, n_unasked=2).judge_processes()
    assert "you never join 1 of the 2 processes. It may" in seen_by(0, 0, n_unasked=1).judge_processes()


def test_a_remark_stands_behind_the_praise():
    exercise = Exercise("x", "", lambda _: "Remark: mind it.", "well done.", ("",), "")
    assert exercise.check(len) and exercise.check(len).words == "well done. Remark: mind it."


@pytest.mark.parametrize("where", ["function", "module", "threading", ""])
def test_a_lock_of_one_process_alone_is_recognised(answers, where):
    head, body = {
        "function": ("from multiprocessing import Lock", "lock = Lock()"),
        "module": ("from multiprocessing import RLock\nlock = RLock()", "lock.acquire()"),
        "threading": ("import threading", "lock = threading.Lock()"),
        "": ("from multiprocessing import Lock\nimport threading", "lock = mine"),
    }[where]
    module = answers(f"{head}\ndef answer(mine):\n    {body}\n")
    assert call_noting_locks(module.answer, None) == where
    vars(module).pop("lock", None)  # where fork is not the default, its semaphore has a name as long as it lives
    assert say_own_lock([Told("returned", where), Told("late")]) == OWN_LOCKS[where]


# --- what is seen while a check waits ---------------------------------------------------------


def test_a_check_says_what_it_waits_for_and_for_how_long_and_then_no_more(answers, monkeypatch):
    said = []
    monkeypatch.setattr("helpers.exercises.base.Notice.show", lambda _, text, seconds: said.append((text, seconds)))
    monkeypatch.setattr("helpers.exercises.base.Notice.clear", lambda _: said.append("gone"))
    examine = lambda func: call_answer(func, start_method="spawn", timeout=3)  # noqa: E731
    exercise = Exercise("x_1", "", examine, "", ("",), "")
    assert exercise.check(answers(SOURCES["returned"]).answer)
    assert said == [("checking x_1 under spawn: 3 s at most …", 3), "gone"]
    assert not exercise.check(None) and said[2:] == ["gone"]
    call_answer(answers(SOURCES["returned"]).answer)
    assert said[3:] == [], "outside of a check there is no such line"


def test_the_line_of_a_check_of_several_steps_tells_which_one_it_is(answers, monkeypatch):
    said = []
    monkeypatch.setattr("helpers.exercises.base.Notice.show", lambda _, text, seconds: said.append(text))

    def examine(func):
        for _ in range(3):
            call_answer(func, start_method="spawn", timeout=3)

    assert Exercise("x_1", "", examine, "", ("",), "", steps=2).check(answers(SOURCES["returned"]).answer)
    assert said == [
        "checking x_1, step 1 of 2, under spawn: 3 s at most …",
        "checking x_1, step 2 of 2, under spawn: 3 s at most …",
        "checking x_1 once more, to find the reason, under spawn: 3 s at most …",
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_notice_is_erased_in_a_terminal_and_silent_elsewhere(monkeypatch):
    for stream, printed in ((Terminal(), f"{ERASE}wait{ERASE}"), (io.StringIO(), "")):
        monkeypatch.setattr("sys.stderr", stream)
        notice = Notice()
        notice.show("wait", 5)
        notice.clear()
        notice.clear()
        assert stream.getvalue() == printed


def test_a_notice_in_a_notebook_is_one_display_that_is_empty_at_the_end(monkeypatch):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(data)

    display = lambda data, raw, display_id=None: shown.append(data) or Handle()  # noqa: E731
    monkeypatch.setattr("helpers.notebook.notices._find_display", lambda: display)
    notice = Notice()
    for text, seconds in (("1 < 2", 5), ("next", 7)):
        notice.show(text, seconds)
    notice.clear()
    assert [data["text/plain"] for data in shown] == ["1 < 2", "next", ""] and shown[-1]["text/html"] == ""
    assert "1 &lt; 2" in shown[0]["text/html"] and "notice 7s linear" in shown[1]["text/html"]
    show_code("x = 1")
    assert shown[-1] == {"text/plain": "x = 1", "text/markdown": "```python\nx = 1\n```"}


def test_a_verdict_never_breaks_a_word_or_the_lines_of_a_traceback():
    code = "    " + "x" * 120
    lines = repr(Verdict("wrong", "many words " * 30 + f"\n{code}\nKeyError: 1")).splitlines()
    assert lines[0].startswith("✘ wrong: many words") and lines[-2:] == [code, "KeyError: 1"]
    assert all(len(line) <= LINE_WIDTH and line.endswith(("many", "words")) for line in lines[:-2])


def nothing(x): ...
def passing(x):
    pass  # noqa: E302, E704


def documented(x):
    "It does nothing."  # noqa: E302, E704


def both(x):  # noqa: E302
    """It does nothing."""
    ...


def five(x):
    return 5  # noqa: E302, E704


def text(x):
    return "text"  # noqa: E302, E704


def same(x):
    return x  # noqa: E302, E704


def prints(x):
    print(x)  # noqa: E302, E704


def documented_five(x):  # noqa: E302
    """It gives 5."""
    return 5


def test_a_blank_is_told_by_its_code():
    assert [is_blank(func) for func in (nothing, passing, documented, both)] == [True] * 4
    assert [is_blank(func) for func in (five, text, same, prints, documented_five, len, Trial)] == [False] * 7


# --- real parallelism -------------------------------------------------------------------------

PARALLEL = """
from multiprocessing import Pool

def answer(func, items):
    with Pool(2) as pool:
        return pool.map(func, items, 1)
"""
SERIAL = "def answer(func, items):\n    return [func(item) for item in items]\n"
THREADS = PARALLEL.replace("from multiprocessing import Pool", "from multiprocessing.pool import ThreadPool as Pool")


@pytest.mark.parametrize("method", METHODS)
def test_overlap_is_seen_in_a_pool_and_not_in_a_loop_or_threads(answers, method):
    for source, parallel in ((PARALLEL, True), (SERIAL, False), (THREADS, False)):
        func = answers(source).answer
        call = lambda spy, func=func: call_answer(func, spy, [1, 2, 3, 4], start_method=method)  # noqa: E731
        value, spans = spy_on(cpu.sum_squares, call, patience=1.5 if parallel else 0.3)
        assert value == [0, 1, 5, 14] and len(spans) == 4
        assert (count_overlapping(spans) >= 2) is parallel
        if not parallel:
            with pytest.raises(Wrong, match=r"serial work\. Look again\."):
                require_overlap(spans, also="Look again.")


def test_overlap_is_a_matter_of_processes_and_moments():
    # two processes side by side from 1 to 2; one after the other; two threads of one process side by side
    together = [(1, 1, 0.0, 2.0, "a"), (2, 1, 1.0, 3.0, "b")]
    assert find_overlap_problem(together) == "" and "never by 3" in find_overlap_problem(together, 3)
    assert "by 2 processes" in find_overlap_problem([(1, 1, 0.0, 1.0, "a"), (2, 1, 1.0, 2.0, "b")])
    assert "by 1 process," in find_overlap_problem([(1, 1, 0.0, 2.0, "a"), (1, 2, 1.0, 3.0, "b")])
    assert "never called" in find_overlap_problem([])


@pytest.mark.parametrize("head", ["in: <function SharedMemory.__del__ at 0x7f>", "while calling deallocator <…>:"])
def test_an_exception_that_was_ignored_ended_no_process(head):
    ignored = f"Exception ignored {head}\nTraceback (most recent call last):\n  File …\n    ~~~^^\nBufferError: late\n"
    raised = "Process Process-1:\nTraceback (most recent call last):\n  File …\nNameError: name 'nope' is not defined\n"
    assert last_error(raised + ignored) == last_error(ignored + raised) == "NameError: name 'nope' is not defined"
    assert last_error(ignored) == ""
    both = raised.replace("NameError", "BufferErrorNameError")  # another process wrote at the same time
    assert last_error(both) == "NameError: name 'nope' is not defined"
    assert last_error("MyError: no") == "MyError: no" and last_error("a.B.SomeError: no") == "a.B.SomeError: no"
