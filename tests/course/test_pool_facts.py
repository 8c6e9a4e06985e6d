"""Chapter 02: what it says of Python's own pools and executors, under every start method."""

import multiprocessing
import pickle
from collections import Counter
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from functools import partial

import pytest

from helpers.machine import start_methods
from helpers.tasks.faults import BAD_ITEM, AwkwardError, raise_awkward, return_process_id

METHODS = sorted(start_methods())


class Seven:
    """A 7 that counts in this process how often it is pickled."""

    sent = 0

    def __reduce__(self):
        self.sent += 1
        return int, (7,)


@pytest.mark.parametrize("method", METHODS)
def test_a_bound_argument_travels_with_every_chunk_and_an_initializers_once_a_worker(method):
    bound, prepared = Seven(), Seven()
    with multiprocessing.get_context(method).Pool(2, initializer=repr, initargs=(prepared,)) as pool:
        assert pool.map(partial(pow, bound), range(6), 1) == [7**n for n in range(6)]
        assert bound.sent == 6
        pool.map(partial(pow, bound), range(6), 3)
        assert bound.sent == 6 + 2
        pool.map(partial(pow, bound, mod=5), range(10_000))  # 10,000 / (2 × 4) = 1,250 a chunk
        assert bound.sent == 6 + 2 + 8
    assert prepared.sent == (0 if method == "fork" else 2)


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_is_replaced_after_so_many_chunks(method):
    context = multiprocessing.get_context(method)
    for n_chunks, chunksize, shares in ((2, 1, [2, 2, 2]), (1, 3, [3, 3])):
        with context.Pool(1, maxtasksperchild=n_chunks) as pool:
            ids = pool.map(return_process_id, range(6), chunksize)
        assert list(Counter(ids).values()) == shares


@pytest.mark.parametrize("method", METHODS)
def test_an_executor_sends_one_item_at_a_time_unless_told(method):
    bound = Seven()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
        assert list(executor.map(partial(pow, bound), range(6))) == [7**n for n in range(6)]
        assert bound.sent == 6
        list(executor.map(partial(pow, bound), range(6), chunksize=3))
    assert bound.sent == 6 + 2


@pytest.mark.parametrize("method", METHODS)
def test_an_executor_names_the_init_that_failed(method):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as executor:
        error = executor.submit(raise_awkward, BAD_ITEM).exception(timeout=30)
    assert isinstance(error, BrokenExecutor)
    assert "TypeError" in str(error.__cause__) and "__init__() missing" in str(error.__cause__)


def test_an_exception_travels_with_what_it_gave_to_exception():
    class Mended(Exception):
        pass

    packed = pickle.dumps(AwkwardError(7, "no luck"))
    with pytest.raises(TypeError, match="'text'"):
        pickle.loads(packed)
    assert AwkwardError(7, "no luck").args == ("7: no luck",)
    assert Mended(7, "no luck").__reduce__() == (Mended, (7, "no luck"))
