"""Odd values for every argument of every measurement: taken, or InvalidArgumentError before anything starts."""

import inspect
import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from handmade import make_sweep, rounds

from helpers import runner
from helpers.course.counting import measure_counting, run_gated
from helpers.course.counting.measure import counting_steps
from helpers.course.lock import LockLab, find_stacks, measure_locks
from helpers.course.lock.measure import lock_steps, run_together
from helpers.course.pipe import PipeLab, measure_delivery, measure_pipes
from helpers.course.pipe.measure import pipe_steps
from helpers.course.pool import PoolLab, measure_break_even, measure_pool
from helpers.course.pool.measure import pool_steps
from helpers.course.process import ProcessLab, measure_lifelines, measure_starts
from helpers.course.process.measure import lifeline_steps, start_steps
from helpers.course.queue import QueueLab, measure_queue
from helpers.course.queue.measure import plan_queue_run
from helpers.course.value import ValueLab
from helpers.errors import InvalidArgumentError
from helpers.labs import SpeedupLab
from helpers.measure import run_once, sweep
from helpers.measure.programs import run_program
from helpers.models import amdahl, fit_points, fit_usl, gustafson, overhead, usl
from helpers.tasks import cpu
from helpers.words import SHOWN, shown


def leave(*_arguments, **_options):
    raise SystemExit(3)


class Exits:
    """An object of which every question ends the program."""

    __index__ = __float__ = __int__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = leave
    __repr__ = __str__ = __iter__ = __len__ = __bool__ = __contains__ = __fspath__ = leave
    __hash__ = None


class Raises:
    """An object that has no attribute, and says so in an error of its own."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("no repr")


def endless_list():
    inside = [1]
    inside.append(inside)
    return inside


def broken():
    yield 1
    raise OSError("the disk is gone")


def leaving():
    yield 1
    raise SystemExit


#: Values by what they are; functions that make one, since iterators are used up.
ODD = {
    "0": lambda: 0,
    "-1": lambda: -1,
    "a million": lambda: 10**6,
    "10**400": lambda: 10**400,
    "10**5000": lambda: 10**5000,
    "2.5": lambda: 2.5,
    "text": lambda: "2",
    "bytes": lambda: b"2",
    "long text": lambda: "x" * 1_000_000,
    "surrogate": lambda: "\ud800",
    "True": lambda: True,
    "None": lambda: None,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "1j": lambda: 1j,
    "np.int64(2)": lambda: np.int64(2),
    "np.float32(0.5)": lambda: np.float32(0.5),
    "np.bool_(True)": lambda: np.bool_(True),
    "array of no dimension": lambda: np.array(2),
    "array": lambda: np.array([1, 2]),
    "array of floats": lambda: np.array([[0.5, math.nan]]),
    "empty": lambda: (),
    "lists in lists": lambda: [[1], [2]],
    "list that contains itself": endless_list,
    "dict": lambda: {"a": 1},
    "endless": lambda: itertools.repeat(1),
    "iterator that raises": broken,
    "iterator that exits": leaving,
    "object": object,
    "class": lambda: bool,
    "object that exits": Exits,
    "object that raises": Raises,
}

# ── what is taken of these, by kind of argument ──────────────────────────────────────────────

COUNT = {"np.int64(2)", "array of no dimension"}
LARGE = COUNT | {"a million"}
SEVERAL = COUNT | {"array"}
SHARE = {"0", "np.float32(0.5)"}
NUMBER = SHARE | {"2.5", "np.int64(2)"}
ABOVE_0 = NUMBER - {"0"}
TIMEOUT = ABOVE_0 | {"a million", "None"}
BUDGET = ABOVE_0 | {"None"}
CALLBACK = {"None", "class"}
OPTION, FLAG, NAME, NAMES = {"None"}, {"True"}, set(), set()
ITEMS = {
    "text",
    "bytes",
    "long text",
    "surrogate",
    "array",
    "array of floats",
    "lists in lists",
    "list that contains itself",
    "dict",
}
WATCH = {"timeout": TIMEOUT, "should_stop": CALLBACK, "on_start": CALLBACK}
PROGRESS = {"on_progress": CALLBACK}
METHOD = {"start_method": OPTION}
WORK = {"func": cpu.do_nothing, "items": [1]}
POOL = {"repeats": COUNT, "n_workers": COUNT, "flavour": NAME, "chunksize": LARGE | {"None"}, "kind": NAME, **METHOD}
QUEUE = {
    **{name: COUNT for name in ("n_producers", "n_consumers", "n_items", "repeats")},
    **{name: NUMBER for name in ("produce_ms", "consume_ms")},
    "maxsize": COUNT | {"0"},
    **METHOD,
}
SCALING = make_sweep({("serial", 1): rounds(4, 4, 4), **{("processes", n): rounds(*[4 / n] * 3) for n in (1, 2, 3, 4)}})
COUNTS = {"a million", "2.5", "np.int64(2)", "array of no dimension", "array", "empty", "lists in lists"}
LAW = {"n_workers": COUNTS, "serial_fraction": SHARE}
#: What messages call a parameter, where they have a better word for it.
SAID = {
    "func": "function",
    "engines": "engine",
    "work": "kind of work",
    "kind": "kind of work",
    "ways": "way of",
    "start_methods": "start method",
}

#: By name: what is called, the functions whose signatures it has, what it is given besides, and for each of its
#: parameters the odd values that it takes. All others are refused.
CALLS = {
    "sweep": (
        sweep,
        (sweep,),
        WORK,
        {"func": {"class"}, "items": ITEMS, "engines": {"empty", "None"}, "n_workers": SEVERAL, **METHOD}
        | {"chunksize": LARGE | {"None"}, "repeats": COUNT | {"None"}, "budget": BUDGET}
        | {"grow": FLAG, **WATCH, **PROGRESS},
    ),
    "run_once": (
        run_once,
        (run_once,),
        WORK,
        {"func": {"class"}, "items": ITEMS | {"empty"}, "engine": OPTION, "n_workers": COUNT, **METHOD}
        | {"chunksize": LARGE | {"None"}, **WATCH},
    ),
    "measure_counting": (
        measure_counting,
        (measure_counting, counting_steps),
        {},
        {"ways": NAMES, "n_workers": COUNT, "n_updates": LARGE, "batch": COUNT, "raw": FLAG, "repeats": COUNT}
        | {**METHOD, **WATCH, **PROGRESS},
    ),
    "measure_locks": (
        measure_locks,
        (measure_locks, lock_steps),
        {},
        {"n_workers": SEVERAL, "share": SHARE, "locked": FLAG, "work": NAME, "n_steps": COUNT | {"None"}}
        | {"repeats": COUNT, **METHOD, **WATCH, **PROGRESS},
    ),
    "measure_pipes": (
        measure_pipes,
        (measure_pipes, pipe_steps),
        {},
        {"ways": NAMES, "sizes": SEVERAL | {"a million"}, "repeats": COUNT, **METHOD, **WATCH, **PROGRESS},
    ),
    "measure_delivery": (
        measure_delivery,
        (measure_delivery,),
        {},
        {"size_bytes": LARGE, "repeats": COUNT, **METHOD, **WATCH},
    ),
    "measure_pool": (
        measure_pool,
        (measure_pool, pool_steps),
        {"sizes_ms": [1.0]},
        {"sizes_ms": {"array"}, "live": FLAG, **POOL, **WATCH, **PROGRESS},
    ),
    "measure_break_even": (
        measure_break_even,
        (measure_break_even,),
        {},
        {"n_tasks": COUNT, "sizes_ms": {"array"}, "n_workers": COUNT, "repeats": COUNT, **METHOD, **WATCH},
    ),
    "measure_lifelines": (
        measure_lifelines,
        (lifeline_steps,),
        {},
        {"n_processes": COUNT, "task_seconds": NUMBER, "lengths": NAME, **METHOD, **WATCH},
    ),
    "measure_starts": (
        measure_starts,
        (start_steps,),
        {},
        {"repeats": COUNT, "start_methods": {"None", "empty"}, **WATCH},
    ),
    "measure_queue": (measure_queue, (measure_queue, plan_queue_run), {}, {**QUEUE, **WATCH}),
    "SpeedupLab": (
        SpeedupLab,
        (SpeedupLab,),
        WORK,
        {"func": {"class"}, "items": ITEMS, "engines": OPTION, "n_workers": SEVERAL | {"None"}, **METHOD}
        | {"chunksize": LARGE | {"None"}, "repeats": COUNT | {"None"}, "budget": BUDGET}
        | {"timeout": TIMEOUT, "guess": NUMBER | {"None"}},
    ),
    "LockLab": (
        LockLab,
        (LockLab,),
        {},
        {"n_workers": SEVERAL, "share": SHARE, "locked": FLAG, "work": NAME, "repeats": COUNT, **METHOD},
    ),
    "PipeLab": (
        PipeLab,
        (PipeLab,),
        {},
        {"ways": NAMES, "smallest": {"a million"}, "largest": {"a million"}, "repeats": COUNT, **METHOD},
    ),
    "PoolLab": (
        PoolLab,
        (PoolLab,),
        {},
        {"n_tasks": COUNT, "task_ms": ABOVE_0, "skew": {"2.5", "np.int64(2)"}, "order": NAME, **POOL},
    ),
    "ProcessLab": (
        ProcessLab,
        (ProcessLab,),
        {},
        {"n_processes": COUNT, "task_seconds": ABOVE_0, "lengths": NAME, "repeats": COUNT, **METHOD},
    ),
    "QueueLab": (QueueLab, (QueueLab,), {}, {**QUEUE, "timeout": TIMEOUT}),
    "ValueLab": (
        ValueLab,
        (ValueLab,),
        {},
        {"n_workers": COUNT, "n_updates": LARGE, "ways": NAMES, "batch": COUNT, "guess": SHARE | {"None"}, **METHOD},
    ),
    "run_program": (
        run_program,
        (run_program,),
        {"source": ""},
        {"source": {"text", "long text"}, "in_file": FLAG, "timeout": ABOVE_0},
    ),
    "fit_usl": (
        fit_usl,
        (fit_usl,),
        {"sweep": SCALING},
        {"engine": OPTION, "n_draws": COUNT | {"0"}, "weights": NAME},
    ),
    "fit_points": (
        fit_points,
        (fit_points,),
        {"n_workers": [1, 2, 3, 4], "throughput": [1, 2, 3, 4]},
        {"n_workers": NAMES, "throughput": NAMES, "law": NAME, "weights": NAME},
    ),
    "usl": (
        usl,
        (usl,),
        {"n_workers": 2, "serial_fraction": 0.5, "coherency": 0.1},
        {**LAW, "serial_fraction": NUMBER | {"a million"}, "coherency": NUMBER | {"a million"}}
        | {"scale": NUMBER | {"a million"}},
    ),
    "overhead": (
        overhead,
        (overhead,),
        {"n_workers": 2, "serial_fraction": 0.5, "coherency": 0.1},
        {**LAW, "serial_fraction": NUMBER | {"a million"}, "coherency": NUMBER | {"a million"}},
    ),
    "amdahl": (amdahl, (amdahl,), {"n_workers": 2, "serial_fraction": 0.5}, LAW),
    "gustafson": (gustafson, (gustafson,), {"n_workers": 2, "serial_fraction": 0.5}, LAW),
}


@pytest.fixture
def plays(monkeypatch):
    """Have nothing played; return the list that grows with each play."""
    begun = []

    def play(*arguments, **options):
        begun.append(arguments)
        yield from ()

    monkeypatch.setattr(runner, "play", play)
    return begun


@pytest.fixture(autouse=True)
def no_painting(monkeypatch):
    """A lab that takes its arguments makes the figure of its first picture; painting it takes longer than all else."""
    monkeypatch.setattr("helpers.plots.figure_png", lambda *_: b"")
    monkeypatch.setattr("helpers.plots.live.LivePicture", lambda *_: SimpleNamespace(png=lambda: b""))


@pytest.mark.parametrize("name", CALLS)
def test_an_odd_argument_is_taken_or_refused_before_anything_starts(name, plays):
    call, signatures, given, taken = CALLS[name]
    parameters = [p for signed in signatures for p in inspect.signature(signed).parameters.values()]
    named = {p.name for p in parameters if p.kind != p.VAR_KEYWORD}
    assert named - {"sweep"} == set(taken), "a parameter without a row, or a row without a parameter"
    for parameter, allowed in taken.items():
        for odd, make in ODD.items():
            del plays[:]
            said = refusal(call, {**given, parameter: make()})
            assert (said is None) == (odd in allowed), f"{name}({parameter}={odd}) said {said}"
            if said is not None:
                assert SAID.get(parameter, parameter) in said and said.endswith((".", ".)")) and len(said) < 500, said
                assert not plays, f"{name}({parameter}={odd}) started something"


def refusal(call, settings):
    """Return the words of the InvalidArgumentError that a call raises, None for none; fail for any other error."""
    try:
        call(**settings)
        return None
    except InvalidArgumentError as error:
        return str(error)
    except (Exception, SystemExit) as error:  # without a traceback: pytest would ask the values for their repr
        kind = type(error).__name__
    pytest.fail(f"{call.__name__}({', '.join(settings)}): {kind}", pytrace=False)


def test_what_is_taken_becomes_a_plain_value(plays):
    """A numpy number in a record or a message would need numpy in every worker, and cannot become JSON."""
    measure_queue(n_items=np.int64(3), maxsize=np.int64(0), produce_ms=np.float32(0.5))
    measure_pool([1.0], n_workers=np.int64(2), flavour=np.str_("map"), start_method=np.str_("spawn"))
    run_once(cpu.do_nothing, [1], engine=np.str_("threads"), n_workers=np.array(2), timeout=np.float32(2))
    (_, queue, *_), (_, pool, *_), (_, _, _, engine, n_workers, *_) = plays
    values = [queue.n_items, queue.maxsize, queue.produce_ms, pool.n_workers, pool.flavour, pool.start_method]
    assert {type(value) for value in [*values, engine, n_workers]} == {int, float, str}


def test_an_iterator_is_read_no_further_than_needed():
    """Endless ones end, and do not fill the memory before."""
    read = []

    def names():
        while len(read) < 50_000:
            read.append(1)
            yield "serial"

    with pytest.raises(InvalidArgumentError, match="more than 10,000 elements, or never ends"):
        sweep(cpu.do_nothing, [1], engines=names())
    assert len(read) == 10_001


def test_run_together_refuses_what_is_no_number():
    for options in ({"n_workers": np.array([1, 2])}, {"n_workers": 0}, {"timeout": math.nan}, {"timeout": "2"}):
        with pytest.raises(InvalidArgumentError, match=next(iter(options))):
            run_together(None, cpu.do_nothing, 1, **options)
        with pytest.raises(InvalidArgumentError, match=next(iter(options))):
            run_gated(cpu.do_nothing, 1, **options)
    for late in (math.nan, 0, "2", 11, np.array([1.0, 2.0])):
        with pytest.raises(InvalidArgumentError, match="late"):
            find_stacks(cpu.do_nothing, {"one": (1,)}, late=late)


@pytest.mark.parametrize("odd", ODD)
def test_any_value_can_be_shown_in_one_short_line(odd):
    text = shown(ODD[odd]())
    assert 0 < len(text) <= 2 * SHOWN and "\n" not in text and text.encode()
