"""The chapter about workers, measured: nothing here compares times."""

import threading

import pytest

from helpers.course.workers import (
    measure_causes,
    measure_chunks,
    measure_task,
    measure_winners,
    measure_worker_memory,
    read_machine,
)
from helpers.course.workers.losses import LOSSES
from helpers.course.workers.tasks import burn, count_ones, do_sent, fill_memory
from helpers.errors import InvalidArgumentError, TaskFailedError
from helpers.tasks.cpu import copy_block

MB = 10**6


def test_causes_come_with_shares_that_add_up():
    told = []
    found = measure_causes(["tiny tasks"], n_workers=2, repeats=1, on_cause=lambda *facts: told.append(facts))
    assert list(found) == ["tiny tasks"] and told == [("tiny tasks", found["tiny tasks"])]
    shares = found["tiny tasks"].shares
    assert list(shares) == ["useful", *LOSSES] and sum(shares.values()) == pytest.approx(1) and shares["startup"] == 0


def test_causes_that_are_stopped_give_those_that_were_through():
    assert measure_causes(repeats=1, should_stop=lambda: True) == {}


@pytest.mark.parametrize("odd", [{"names": "no"}, {"n_workers": 0}, {"repeats": 0}], ids=str)
def test_odd_causes_are_refused(odd):
    with pytest.raises(InvalidArgumentError):
        measure_causes(**{"names": "tiny tasks", **odd})


def test_chunks_of_each_size_are_measured_by_workers_that_are_up():
    curve = measure_chunks(burn, [100] * 12, (4, 1, 99), repeats=2)
    assert (curve.sizes, curve.rounds, curve.complete, curve.n_items, curve.n_workers) == ((1, 4), 2, True, 12, 2)
    for size in curve.sizes:
        assert sum(curve.account(size)) == pytest.approx(2 * curve.wall(size), rel=1e-6)


def test_a_curve_that_is_stopped_has_whole_rounds():
    stop = threading.Event()
    stop.set()
    curve = measure_chunks(burn, [100] * 12, (1, 2), should_stop=stop.is_set)
    assert not curve.complete and curve.rounds == 0


def test_a_task_that_fails_is_told():
    with pytest.raises(TaskFailedError):
        measure_chunks(burn, [1, "x"], (1,))


@pytest.mark.parametrize(
    "odd", [{"items": []}, {"sizes": (0,)}, {"n_workers": 0}, {"start_method": "no"}, {"repeats": 0}], ids=str
)
def test_odd_settings_are_refused(odd):
    with pytest.raises(InvalidArgumentError):
        measure_chunks(burn, **{"items": [1, 2], "sizes": (1,), **odd})


def test_the_memory_of_a_worker_is_what_it_keeps():
    small, large = (measure_worker_memory(fill_memory, size) for size in (1, 40 * MB))
    assert 30 * MB < large - small < 60 * MB


def test_readings_are_those_of_this_machine():
    readings = read_machine(0.05)
    assert 1 <= readings.usable_cpus and 0 <= readings.busy_cpus and readings.free_bytes > 0


def test_what_a_task_does_once_it_does_again():
    assert count_ones(b"\0\1\1") == 2 and copy_block(3, 10) == 30


@pytest.mark.parametrize("kind", ["computing", "waiting"])
def test_the_map_has_every_way_in_every_cell(kind):
    told = []
    record = measure_winners((0.1, 1.0), (10, 1000), n_tasks=2, kind=kind, repeats=2, on_cell=told.append)
    assert record.complete and [len(each.cells) for each in told] == [1, 2, 3, 4]
    for cell in record.cells.values():
        assert list(cell.walls) == ["serial", "threads", "processes", "shared memory"]
        assert all(len(walls) == 2 for walls in cell.walls.values())


def test_a_map_that_is_stopped_has_the_cells_so_far():
    seen = []
    record = measure_winners((0.1, 1.0), (10,), repeats=1, on_cell=seen.append, should_stop=lambda: len(seen) > 0)
    assert not record.complete and len(record.cells) <= 1


@pytest.mark.parametrize(
    "odd", [{"tasks_ms": (0,)}, {"payloads": (0,)}, {"n_tasks": 0}, {"kind": "no"}, {"repeats": 0}], ids=str
)
def test_odd_maps_are_refused(odd):
    with pytest.raises(InvalidArgumentError):
        measure_winners(**{"tasks_ms": (0.1,), "payloads": (10,), **odd})


def test_a_task_is_placed_by_its_time_and_its_argument():
    small, large = (measure_task(do_sent, ("computing", 10, bytes(length))) for length in (10, 100_000))
    assert small.name == "do_sent" and small.seconds > 0
    assert large.payload_bytes - small.payload_bytes >= 99_990
