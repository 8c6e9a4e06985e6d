"""Files that are read: whatever they hold, it is a sweep that can be used, or an error that says what to do."""

import itertools
import json
import math

import pytest
from handmade import make_run, make_sweep, make_timeline, rounds

from helpers.errors import HelpersError, InvalidArgumentError
from helpers.models import advise, fit_usl
from helpers.records import Sweep, Timeline, recorded

#: What may stand in the place of any value: walls of 0 or None, text, …
ODD = [
    0,
    None,
    "x",
    "",
    -1,
    0.5,
    2**70,
    10**400,
    math.nan,
    math.inf,
    -1e300,
    1e-320,
    True,
    [],
    [1],
    {},
    {"a": 1},
    [[[]]],
]


@pytest.fixture(scope="module")
def plain():
    line = make_timeline([(0, 0.0, 1.0), (1, 0.0, 1.0), (0, 1.0, 2.0), (1, 1.0, 2.0)])
    walls = {("serial", 1): rounds(4, 5, 4.5, warmup=5), ("threads", 2): rounds(2, 2.5, 2.2)}
    sweep = make_sweep(walls, badges=("a doubt",), start_method="spawn")
    last = make_run("threads", 2, 4, 2.0, timeline=line)
    return Sweep("work", 4, (*sweep.runs, last), sweep.environment).to_dict()


def read(plain, tmp_path):
    path = tmp_path / "sweep.json"
    path.write_text(plain if isinstance(plain, str) else json.dumps(plain), encoding="utf-8", errors="surrogatepass")
    return Sweep.from_json(path)


def places_of(plain, path=()):
    """Yield the path to every value within plain lists and dicts; of a list its first and last element."""
    yield path
    if isinstance(plain, dict):
        for key, value in plain.items():
            yield from places_of(value, (*path, key))
    elif isinstance(plain, list) and plain:
        for place in {0, len(plain) - 1}:
            yield from places_of(plain[place], (*path, place))


def with_value(plain, path, value):
    """Return a copy of plain lists and dicts in which `value` stands at `path`."""
    if not path:
        return value
    copy = plain.copy()
    copy[path[0]] = with_value(plain[path[0]], path[1:], value)
    return copy


def use(sweep):
    """Do what is done with a sweep: every error is one of ours."""
    for question in (str, repr, advise, fit_usl, Sweep.to_frame, Sweep.to_dict):
        try:
            question(sweep)
        except HelpersError:
            pass
    for pair in sweep.pairs():
        try:
            assert math.isfinite(sweep.speedup(*pair).median) and math.isfinite(sweep.wall(*pair, cold=True).median)
        except HelpersError:
            pass


def test_a_sweep_that_was_saved_is_read_as_it_was(plain, tmp_path):
    again = read(plain, tmp_path)
    assert again.to_dict() == plain and isinstance(again.runs[-1].timeline, Timeline)
    assert recorded("count_primes").complete


def test_an_odd_value_in_any_place_is_refused_or_gives_a_sweep_that_can_be_used(plain, tmp_path):
    tried = refused = 0
    for path, odd in itertools.product(places_of(plain), ODD):
        tried += 1
        try:
            use(read(with_value(plain, path, odd), tmp_path))
        except InvalidArgumentError as error:
            refused += 1
            said = str(error)
            assert "is not a sweep saved by to_json" in said and said.endswith("measure again."), (path, odd)
            assert len(said) < 500 + len(str(tmp_path)), (path, odd)
    assert tried > 500 and refused > 0.6 * tried


@pytest.mark.parametrize("value", [0, None, "1", -1, math.nan, math.inf, True, [1]])
@pytest.mark.parametrize("name", ["wall", "startup", "cpu", "n_workers", "round"])
def test_walls_and_counts_that_are_none_are_refused(name, value, plain, tmp_path):
    odd = with_value(plain, ("runs", 1, name), value)
    if (name, value) in (("startup", 0), ("cpu", 0), ("round", 0)) and value is not True:
        assert read(odd, tmp_path)
    else:
        with pytest.raises(InvalidArgumentError, match=f"{name} cannot be"):
            read(odd, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.pop("cpu"),
        lambda line: line["started"].pop(),
        lambda line: line["worker"].__setitem__(0, 70_000),
        lambda line: line["worker"].__setitem__(0, 2),
        lambda line: [column.pop() for column in line.values()],
        lambda line: line["finished"].__setitem__(0, math.nan),
        lambda line: line.update(more=[1, 2, 3, 4]),
    ],
)
def test_a_timeline_that_is_not_of_its_run_is_refused(change, plain, tmp_path):
    odd = json.loads(json.dumps(plain))
    change(odd["runs"][-1]["timeline"])
    with pytest.raises(InvalidArgumentError, match="is not a sweep"):
        read(odd, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "null",
        "0",
        '"text"',
        "[1]",
        "{}",
        '{"format": 99}',
        "\0",
        "\ud800",
        "{",
        "NaN",
        "1" * 5000,
        "[" * 100_000,
    ]
    + ['{"format":' * 50_000, '{"cells": [], "nbformat": 4}', "a,b\n1,2\n", "\ufeff{}"],
    ids=lambda text: repr(text[:20]),
)
def test_a_file_of_another_kind_is_refused(text, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"sweep.json is not a sweep saved by to_json .*: give the file"):
        read(text, tmp_path)


def test_every_beginning_of_a_sweep_is_refused(plain, tmp_path):
    text = json.dumps(plain)
    for length in range(0, len(text), 37):
        with pytest.raises(InvalidArgumentError, match="is not a sweep"):
            read(text[:length], tmp_path)


def test_another_format_is_named(plain, tmp_path):
    with pytest.raises(InvalidArgumentError, match="its format is 7, and this version reads 1"):
        read({**plain, "format": 7}, tmp_path)


@pytest.mark.parametrize("path", ["missing.json", "", ".", "\0", "\ud800", None, 3, [], b"x", object()], ids=type)
def test_what_is_no_file_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InvalidArgumentError, match="There is no file .*: give the path of|is not a sweep saved by to_json"
    ):
        Sweep.from_json(path)


@pytest.mark.parametrize("name", ["no", "../sweeps", None, 3, ["count_primes"]], ids=type)
def test_a_recording_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(InvalidArgumentError, match="There is no recording .*There are: count_primes"):
        recorded(name)
