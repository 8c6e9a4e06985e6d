"""Counting together: the ways themselves, and measuring them."""

import multiprocessing

import pytest
from leftovers import no_leftovers

from helpers import runner
from helpers.course.counting import measure as counting_measure
from helpers.course.counting import tasks
from helpers.course.counting.measure import SHARED_WAYS, WAYS, counting_steps, measure_counting
from helpers.course.counting.plots import CountingCard
from helpers.errors import InvalidArgumentError
from helpers.machine import default_start_method, start_methods
from helpers.tasks.crew import run_all

METHODS = sorted(start_methods())


@pytest.mark.parametrize("method", METHODS)
def test_a_race_is_seen_on_the_pausing_counter_and_the_lock_mends_it(method):
    context = multiprocessing.get_context(method)
    for target, exact in ((tasks.add_unlocked, False), (tasks.add_locked, True)):
        counter = context.Value("q", 0)
        slow = tasks.PausingCounter(counter, context.Barrier(2))
        assert run_all(target, [(slow, 6)] * 2, context) == [0, 0]
        assert (counter.value == 12) is exact and 0 < counter.value <= 12


def test_each_way_adds_what_it_should():
    context = multiprocessing.get_context(default_start_method())
    counter, raw, lock = context.Value("q", 0), context.RawValue("q", 0), context.Lock()
    tasks.add_in_batches(counter, 25, batch=10)
    tasks.add_and_merge(counter, 7)
    tasks.add_locked(counter, 3)
    assert counter.value == 35
    tasks.add_in_batches(raw, 25, lock, 10)
    tasks.add_and_merge(raw, 7, lock)
    tasks.add_locked(raw, 3, lock)
    assert raw.value == 35
    assert tasks.count_alone(raw, lock, 2500, float("inf")) == 2500 and raw.value == 2535


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_every_way_but_the_bare_one_is_exact(method, raw):
    ways = SHARED_WAYS if raw else WAYS
    counting = measure_counting(ways, n_workers=2, n_updates=300, batch=7, repeats=3, start_method=method, raw=raw)
    assert counting.complete and counting.start_method == method and counting.ways() == list(ways)
    for way in ways[1:]:
        assert counting[way].counted == counting[way].made == 600 and counting[way].rate.n_rounds == 3
    assert 0 < counting["no lock"].counted <= counting["no lock"].made == 600
    assert "300 updates each" in repr(counting) and counting.raw is raw


def test_a_slow_way_is_ended_in_time_and_says_so(monkeypatch):
    monkeypatch.setattr(counting_measure, "WAY_SECONDS", 0.05)
    monkeypatch.setattr(counting_measure, "WARM_UP_SECONDS", 0.01)
    plan = counting_measure.plan_counting("manager", 1, 1_000_000, 10)
    last = list(counting_measure.play_counting(plan, 2))[-1]["manager"]
    assert last.ended and last.out_of_time and 0 < last.made < 1_000_000 and last.lost == 0
    assert multiprocessing.active_children() == []


def test_stopped_it_gives_what_was_counted():
    stop = iter([False] * 2 + [True] * 99).__next__
    counting = measure_counting("lock per update", n_updates=5_000_000, should_stop=stop)
    assert not counting.complete and counting["lock per update"].way == "lock per update"
    steps = counting_steps(n_updates=1_000_000)
    next(steps), next(steps)
    steps.close()
    no_leftovers(1)


@pytest.mark.parametrize(
    "options",
    [
        {"ways": "none"},
        {"ways": ()},
        {"n_workers": 0},
        {"n_updates": 0},
        {"n_updates": 1.5},
        {"batch": 0},
        {"repeats": 0},
        {"start_method": "magic"},
    ],
)
def test_bad_settings_are_refused(options):
    with pytest.raises(InvalidArgumentError):
        measure_counting(**options)


def test_measuring_does_not_happen_in_this_process():
    before, records = multiprocessing.active_children(), []
    for record in counting_steps("lock per update", n_workers=1, n_updates=50):
        assert multiprocessing.active_children() == before
        records.append(record)
    assert len(records) > 2 and records[-1].complete and len(runner.idle_runners()) == 1


def test_the_live_picture_moves_and_keeps_its_size():
    card, seen = CountingCard(), []
    measure_counting(n_updates=2_000, repeats=2, on_progress=lambda counting: seen.append(card.png(counting)))
    assert seen[0] != seen[-1] and {png[16:24] for png in seen} == {seen[0][16:24]}
