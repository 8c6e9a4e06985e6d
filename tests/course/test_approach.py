"""The chapter on approaches: kinds of work, the server, measuring, and that nothing is left behind."""

import asyncio
import multiprocessing
import socket
import threading
import time

import psutil
import pytest
from leftovers import no_leftovers

from helpers import runner
from helpers.course.approach import measure, playing
from helpers.course.approach.measure import approach_steps, check_sizes, measure_approaches, take, usual_approaches
from helpers.course.approach.playing import play_approaches, running_server, weigh_approach
from helpers.course.approach.runs import Trouble
from helpers.course.approach.server import answer
from helpers.course.approach.tasks import KINDS, Sizes, find_functions, make_items
from helpers.engines import check_engine, engine_problem
from helpers.errors import EngineUnavailableError, InvalidArgumentError
from helpers.machine import default_start_method

SMALL = Sizes(n_tasks=3, n_loops=200, n_blocks=2, wait_ms=2.0, n_tiny=20, data_bytes=1000)
METHOD = default_start_method()


@pytest.fixture
def port():
    with running_server(METHOD) as number:
        yield number


# ── tasks and server ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_plain_and_coroutine_function_give_the_same(kind, port):
    plain, coroutine = find_functions(kind)
    items = make_items(kind, SMALL, port)

    async def all_of_them():
        return await asyncio.gather(*map(coroutine, items))

    results = [plain(item) for item in items]
    assert asyncio.run(all_of_them()) == results and len(items) == (20 if kind == "tiny" else 3)
    assert len(set(results)) > 1 or kind in ("arithmetic", "hashing"), "items differ"


def test_the_server_answers_and_takes_its_time(port):
    fetch, _ = find_functions("waiting")
    began = time.perf_counter()
    assert [fetch((port, number, 30)) for number in (1, 7)] == [answer(1), answer(7)] == [3, 21]
    assert time.perf_counter() - began >= 0.06


def test_the_server_survives_a_client_that_hangs_up_or_talks_nonsense(port):
    for words in (b"", b"nonsense\n", b"1 2 3\n"):
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(words)
    assert find_functions("waiting")[0]((port, 2, 0)) == 6


@pytest.mark.parametrize("method", sorted(multiprocessing.get_all_start_methods()))
def test_the_server_ends_with_its_block_whatever_happens_in_it(method):
    with pytest.raises(ZeroDivisionError), running_server(method) as number:
        raise ZeroDivisionError
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", number), 1)
    no_leftovers()


# ── measuring ────────────────────────────────────────────────────────────────────────────────


def test_the_whole_map_is_measured_and_grows():
    seen = []
    record = measure_approaches(sizes=SMALL, repeats=1, n_waiting=3, on_progress=seen.append)
    no_leftovers()
    assert record.complete and record.troubles == () and record.approaches == usual_approaches()
    # every pair twice, the warm-up included
    assert len(record.runs) == record.n_expected == 6 * len(record.approaches) * 2
    assert [len(each.runs) + len(each.weights) for each in seen] == list(range(len(seen))), "one finding at a time"
    assert not seen[0].complete and seen[0].best("tiny") == ()
    for kind in record.kinds:
        for approach in record.approaches:
            assert record.speedup(kind, approach).median > 0 and len(record.of(kind, approach)) == 1
    assert record.of("waiting", "threads")[0].n_workers == 3 and record.of("tiny", "threads")[0].n_workers == 2
    assert {each.approach for each in record.weights} == set(record.approaches) - {"serial"}
    assert record.weight("processes").size_bytes > 2**20, record.weights


def test_only_what_was_asked_for_is_measured_and_the_loop_always():
    record = measure_approaches(kinds="tiny", approaches="threads", sizes=SMALL, repeats=1, weigh=False)
    assert (record.kinds, record.approaches, record.weights) == (("tiny",), ("serial", "threads"), ())
    assert len(record.runs) == 4 and record.complete


def test_stopping_keeps_what_was_measured_and_leaves_no_server():
    seen = []
    record = measure_approaches(sizes=SMALL, weigh=False, on_progress=seen.append, should_stop=lambda: len(seen) >= 3)
    no_leftovers()
    assert 2 <= len(record.runs) < record.n_expected and not record.complete


def test_the_server_ends_with_a_play_that_is_killed():
    plays = []
    steps = approach_steps(kinds="waiting", sizes=SMALL, repeats=50, weigh=False, on_start=plays.append)
    for record in steps:
        if record.runs:
            break
    below = psutil.Process(plays[0].pid).children(recursive=True)
    assert below, "the server is there"
    plays[0].kill()
    assert psutil.wait_procs(below, 10)[1] == []
    steps.close()


def test_a_pair_that_fails_or_differs_is_told_and_the_others_go_on(monkeypatch):
    monkeypatch.setitem(KINDS, "tiny", (KINDS["tiny"][0], KINDS["data"][1]))  # numbers have no translate
    monkeypatch.setitem(KINDS, "hashing", (KINDS["hashing"][0], KINDS["arithmetic"][1]))
    visits = [(n, kind, each) for n in (0, 1) for kind in ("tiny", "hashing") for each in ("serial", "asyncio")]
    found = list(play_approaches(visits, SMALL, (2, 3), METHOD, None, []))
    troubles = [each for each in found if isinstance(each, Trouble)]
    assert [(each.kind, each.approach) for each in troubles] == [("tiny", "asyncio"), ("hashing", "asyncio")]
    assert "failed on item 0" in troubles[0].reason and "other results" in troubles[1].reason
    runs = [each for each in found if not isinstance(each, Trouble)]
    assert [(kind, run.round, run.engine) for kind, run in runs] == [
        (kind, number, "serial") for number in (0, 1) for kind in ("tiny", "hashing")
    ]


def test_a_weight_that_cannot_be_read_says_why(monkeypatch):
    def refuse(pid=None):
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(playing, "read_uss", refuse)
    weight = weigh_approach("threads", 2, METHOD)
    assert not weight.told and "AccessDenied" in weight.problem


@pytest.mark.parametrize("approach", ["threads", "asyncio"])
def test_weighing_leaves_no_thread_behind(approach):
    before = threading.active_count()
    weight = weigh_approach(approach, 2, METHOD)
    assert len(weight.each) == 3 and weight.problem == "" and threading.active_count() == before


def test_interpreters_are_measured_where_this_python_has_them():
    if engine_problem("interpreters"):
        assert "interpreters" not in usual_approaches()
        with pytest.raises(EngineUnavailableError, match=r"3\.14"):
            measure_approaches(approaches=["interpreters"])
        return
    check_engine("interpreters")
    record = measure_approaches(kinds="waiting", approaches=["interpreters"], sizes=SMALL, repeats=1)
    assert record.complete and record.troubles == () and record.weight("interpreters").problem == ""


@pytest.mark.parametrize(
    "settings",
    [
        {"kinds": "sleeping"},
        {"approaches": "pool"},
        {"n_workers": 0},
        {"n_waiting": 0},
        {"repeats": 0},
        {"sizes": (1, 2)},
        {"sizes": Sizes(n_tasks=0)},
        {"sizes": Sizes(n_tasks=1000, data_bytes=200_000_000)},
        {"sizes": Sizes(wait_ms=-1)},
        {"chunksize": 0},
        {"weigh": "yes"},
        {"timeout": -1},
        {"start_method": "thread"},
        {"on_progress": 3},
    ],
)
def test_what_is_out_of_range_is_refused_before_anything_starts(settings):
    before = len(runner.idle_runners())
    with pytest.raises(InvalidArgumentError):
        measure_approaches(**settings)
    assert len(runner.idle_runners()) == before


def test_sizes_are_kept_as_they_are():
    assert check_sizes(SMALL) == SMALL and take is measure.take
