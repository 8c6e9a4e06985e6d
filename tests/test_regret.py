"""The benchmark of the advice: its arithmetic from walls written by hand, and its workloads give right results."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from contextlib import suppress
from random import Random
from statistics import mean, median

import psutil
import pytest
from checkout import ROOT

from helpers import runner
from helpers.engines import engine_problem
from helpers.measure import run_once

#: A size at which nothing takes long.
SMALL = 0.01
BLOCK = bytes(range(256)) * 4096


@pytest.fixture
def bench(monkeypatch):
    """The module `benchmarks.regret`: the benchmarks are not installed, they lie in the checkout."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import regret

    return regret


def visits(*walls, startup=0.0):
    """Return visits with these walls, named tuples as the benchmark makes them."""
    from benchmarks.regret import Visit

    return [Visit(startup, wall) for wall in walls]


# ── arithmetic ────────────────────────────────────────────────────────────────────────────


def test_regret_is_the_share_of_the_best_throughput_that_is_lost(bench):
    # medians 2 and 2.5 s for the same items: throughputs as 1/2 and 1/2.5, so 1 − 2/2.5 = 20 %
    found = bench.regret([1.0, 2.0, 3.0], [2.0, 2.5, 4.0])
    assert found.median == pytest.approx(20)
    assert found.low <= 20 <= found.high and found.n_rounds == 3


def test_regret_of_the_best_is_zero_and_steady_rounds_have_a_narrow_interval(bench):
    assert bench.regret([2.0, 3.0, 2.5], [2.0, 3.0, 2.5]).median == 0
    found = bench.regret([1.0, 1.0, 1.0], [4.0, 4.0, 4.0])  # 1 − 1/4
    assert (found.low, found.median, found.high) == pytest.approx((75, 75, 75))


def test_the_best_of_a_round_is_chosen_by_the_other_rounds(bench):
    # round 1: the others' medians are a 3.1, b 2.25: b, at 2; round 2: a 2, b 2.25: a, at 3.2; round 3: a 2.1, b 2: b
    seconds = {"a": [1.0, 3.2, 3.0], "b": [2.0, 2.0, 2.5]}
    assert bench.best_of_rounds(seconds) == [2.0, 3.2, 2.5]
    assert bench.best_of_rounds({"a": [3.0], "b": [2.0]}) == [2.0]


def test_luck_is_no_regret(bench):
    # nine settings that are alike, rounds differ by a fifth: the one advised, the first, loses nothing on average,
    # although one of the others nearly always has a smaller median
    dice, lost, naive = Random(1), [], []
    for _ in range(300):
        seconds = {name: [dice.lognormvariate(0, 0.2) for _ in range(7)] for name in range(9)}
        lost.append(1 - median(bench.best_of_rounds(seconds)) / median(seconds[0]))
        naive.append(1 - min(map(median, seconds.values())) / median(seconds[0]))
    assert abs(mean(lost)) < 0.02 and mean(naive) > 0.08


def make_outcome(bench, name="work", **facts):
    """Return an Outcome: serial 4 s, advised processes × 2 at 2.5 s, threads × 2 at 2 s, a peer at 1.6 s.

    Processes take 1 s to start, threads nothing.
    """
    serial, advised = bench.Setting("serial", 1, 8), bench.Setting("processes", 2, 1)
    best = bench.Setting("threads", 2, 4)
    chosen = {bench.ADVISED: advised, "stay serial": serial, bench.JOBLIB: bench.JOBLIB}
    seen = {
        serial: visits(4, 4, 4),
        advised: visits(2.4, 2.5, 2.6, startup=1.0),
        best: visits(2, 2, 2),
        bench.JOBLIB: visits(1.6, 1.6, 1.6),
    }
    return bench.Outcome(name, chosen, seen, **{"measured": (serial, advised), **facts})


def test_the_best_is_a_setting_of_ours_and_a_peer_can_be_better(bench):
    outcome = make_outcome(bench)
    assert outcome.best() == bench.Setting("threads", 2, 4)
    assert outcome.regret(bench.ADVISED).median == pytest.approx(20)  # 1 − 2/2.5
    assert outcome.regret("stay serial").median == pytest.approx(50)  # 1 − 2/4
    assert outcome.regret(bench.JOBLIB).median == pytest.approx(-25)  # 1 − 2/1.6


def test_what_was_not_measured_no_advice_could_have_named(bench):
    outcome = make_outcome(bench)  # measured: serial 4 s, processes 2.5 s; the best, threads at 2 s, was not
    assert outcome.unseen().median == pytest.approx(20)
    outcome.measured = (*outcome.measured, outcome.best())
    assert outcome.unseen().median == 0


def test_start_up_counts_in_the_cold_figures_alone(bench):
    outcome = make_outcome(bench)
    assert outcome.regret(bench.ADVISED, cold=True).median == pytest.approx(100 * (1 - 2 / 3.5))
    slow = {chosen: visits(1, 1, 1, startup=9.0) for chosen in [bench.Setting("threads", 2, 4)]}
    outcome.visits |= slow
    # warm the threads are the best at 1 s; cold they take 10 s, and the processes are, at 3.5 s
    assert outcome.best() == bench.Setting("threads", 2, 4)
    assert outcome.best(cold=True) == bench.Setting("processes", 2, 1)


def test_what_fails_has_no_throughput_and_is_not_the_best(bench):
    outcome = make_outcome(bench)
    outcome.visits[bench.Setting("threads", 2, 4)] = []
    assert outcome.best() == bench.Setting("processes", 2, 1)
    outcome.visits[bench.Setting("serial", 1, 8)] = []
    assert outcome.regret("stay serial").median == 100


def test_settings_are_told_by_the_chunk_size_that_they_come_to(bench):
    # 100 items, four chunks for each of 2 workers: 100 / 8 = 12.5, so 13
    assert bench.setting("pool", 2, None, 100) == bench.setting("pool", 2, 13, 100) == ("pool", 2, 13)
    assert bench.setting("pool", 2, 500, 100).chunksize == 100
    assert bench.setting("serial", 1, None, 100) == ("serial", 1, 100)


def test_the_grid_has_every_engine_count_and_chunk_size(bench):
    # 1000 items, 2 workers: one chunk each is 500, four are 125, sixteen are 31.25, so 32
    assert bench.chunk_choices(1000, 2) == [1, 32, 125, 500]
    assert bench.chunk_choices(2, 2) == [1]
    grid = bench.make_grid(("threads", "pool"), (2, 4), 1000)
    assert grid[0] == ("serial", 1, 1000) and len(grid) == 1 + 2 * 2 * 4 == len(set(grid))
    assert ("pool", 4, 250) in grid and ("threads", 2, 500) in grid


def test_counts_of_the_grid_go_beyond_the_cpus_and_far_for_what_waits(bench):
    assert bench.count_choices(2, waits=False) == [2, 4]
    assert bench.count_choices(1, waits=False) == [2]
    assert bench.count_choices(6, waits=False) == [2, 4, 6, 8, 12]
    assert bench.count_choices(2, waits=True) == [2, 4, 8, 16, 32]


def test_rules_of_thumb(bench):
    found = bench.rules(usable=2, cpus=64, n_items=640)
    assert found["processes = usable CPUs"] == ("processes", 2, 80)
    assert found["processes = cpu_count()"] == ("processes", 64, 3)  # 640 / 256 = 2.5
    assert found["threads = 32"] == ("threads", 32, 5)
    assert found["stay serial"] == ("serial", 1, 640)


def test_only_what_can_be_the_best_is_looked_at_again(bench):
    # warm limit 1.5 × 1 = 1.5 s: a, b; cold limit 1.5 × 1.2 = 1.8 s: d with 1.2 + 0.5 = 1.7 s, but not c
    seen = {"a": visits(1.0, startup=0.2), "b": visits(1.4, startup=9.0), "c": visits(1.9), "d": visits(1.7), "e": []}
    assert bench.hopefuls(seen) == ["a", "b", "d"]
    # ranked by the fastest visit: warm a to e, then cold f (0.1 + 0 s) and g before all with 5 s of start-up
    seen = {name: visits(9.0, wall, startup=5.0) for wall, name in enumerate("abcdehi", 1)}
    seen |= {"f": visits(10.0), "g": visits(5.5)}
    assert bench.finalists(seen, ()) == ["a", "b", "c", "d", "e", "g"]
    # and of those measured the two fastest: h with 6 s and i with 7 s, not f with 10 s
    assert bench.finalists(seen, ("f", "i", "h")) == ["a", "b", "c", "d", "e", "g", "h", "i"]


def test_contenders_take_turns_and_one_that_fails_is_out(bench):
    order = []

    def visit(name):
        order.append(name)
        return None if name == "c" and order.count("c") == 2 else bench.Visit(0.0, float(len(order)))

    found = bench.take_turns(dict.fromkeys("abc", visit), 4)
    assert [len(found[name]) for name in "abc"] == [4, 4, 0]
    assert sorted(order[:3]) == sorted(order[3:6]) == ["a", "b", "c"] and order.count("c") == 2
    assert sorted(order[6:8]) == sorted(order[8:]) == ["a", "b"]
    firsts = bench.take_turns(dict.fromkeys("abc", visit), 8)
    assert len({min("ab", key=lambda name: firsts[name][number].wall) for number in range(8)}) == 2


def test_the_effort_is_a_budget_where_there_is_one(bench):
    assert bench.effort(lambda func, items, *, repeats=5: None) == {"repeats": 5}
    assert bench.effort(lambda func, items, *, repeats=None, budget=None: None) == {"budget": 5.0}


def test_advice_for_one_call_is_asked_for_where_it_can_be(bench):
    assert bench.advise_once(lambda sweep: "warm", None) is None
    assert bench.advise_once(lambda sweep, *, calls=None: f"for {calls}", None) == "for 1"
    assert bench.advise_once(lambda sweep, *, once=False: f"once: {once}", None) == "once: True"


def test_rows_begin_with_the_targets_and_the_worst_workload(bench):
    good = make_outcome(bench, "good", took=3.0)
    good.chosen[bench.ADVISED] = bench.Setting("threads", 2, 4)  # the best: no regret
    bad = make_outcome(bench, "bad", took=7.0, doubts=("noisy",), loads=(0.5, 1.5))
    bad.chosen[bench.ADVISED] = bench.Setting("serial", 1, 8)  # 50 %
    middle = make_outcome(bench, "middle", took=5.0)  # 20 %
    rows = {row.name: row for row in bench.rows_of([good, bad, middle])}
    names = list(rows)
    assert rows["regret of the advice, median"].figure == pytest.approx(20)
    assert rows["regret of the advice, worst"].figure == pytest.approx(50)
    assert rows["regret of the advice, worst"].note == "bad"
    assert rows["seconds that an advice took, longest"].figure == 7
    assert [rows[name].met for name in names[:3]] == [False, False, False]
    assert names.index("bad") < names.index("middle") < names.index("good")
    assert rows["regret that no advice could save"].figure == pytest.approx(20)
    assert rows["regret of stay serial"].figure == pytest.approx(50)
    assert rows["middle: joblib, automatic batches"].figure == pytest.approx(-25)
    assert "doubts: noisy" in rows["bad"].note and "load 0.5 to 1.5" in rows["bad"].note
    assert "best threads × 2, chunks of 4" in rows["bad"].note
    assert len(names) == len(bench.rows_of([good, bad, middle]))
    assert bench.rows_of([]) == []


# ── workloads ─────────────────────────────────────────────────────────────────────────────


def burnt(n_loops):
    """Return what `burn` gives, without its loop: whole turns of 0 to 255, and the rest of one."""
    whole, rest = divmod(n_loops, 256)
    return whole * 255 * 128 + rest * (rest - 1) // 2


def multiplied(item):
    """Return the sum of the product of a matrix with its transpose, that of the squares of its columns' sums."""
    number, size = item
    columns = zip(*[[(row * size + column + number) % 7 for column in range(size)] for row in range(size)], strict=True)
    return float(sum(sum(column) ** 2 for column in columns))


#: Right results, worked out in another way.
RIGHT = {
    "even": burnt,
    "skewed": burnt,
    "one giant": burnt,
    "tiny tasks": burnt,
    "short loop": burnt,
    "waiting": lambda item: item[1] ** 2,
    "waiting, 4 at once": lambda item: item[1] ** 2,
    "waiting and computing": lambda item: (item[1] ** 2, burnt(item[2])),
    "hashing": lambda n_blocks: hashlib.sha256(BLOCK * n_blocks).hexdigest(),
    "packing": lambda n_blocks: n_blocks * len(zlib.compress(BLOCK)),
    "memory": lambda item: float(item[0]),
    "threads of numpy": multiplied,
    "heavy arguments": lambda block: sum(byte > 251 for byte in block),
    "heavy results": lambda item: Random(item[0]).randbytes(item[1]),
    "30 % with a lock": lambda item: (burnt(item[1]), burnt(item[2])),
    "90 % with a lock": lambda item: (burnt(item[1]), burnt(item[2])),
    "slow import": burnt,
    "slow first call": lambda item: (4 * burnt(item[0]), burnt(item[1])),
}


def test_all_workloads_are_tested(bench):
    assert set(RIGHT) == set(bench.WORKLOADS)
    assert all(set(size["names"]) <= set(RIGHT) for size in bench.SIZES.values())


@pytest.mark.parametrize("name", RIGHT)
def test_a_workload_gives_the_right_results_in_every_engine(name, bench):
    workload = bench.WORKLOADS[name]
    if workload.needs:
        pytest.importorskip(workload.needs, reason=f"this system has no {workload.needs}")
    engines = [engine for engine in workload.engines if not engine_problem(engine, workload.func)]
    assert {"threads", "processes", "pool"} <= set(engines)
    with workload.make(SMALL) as items:
        right = [RIGHT[name](item) for item in items]
        for engine in ("serial", *engines):
            n_workers = 1 if engine == "serial" else 2
            batch = run_once(workload.func, items, engine=engine, n_workers=n_workers, timeout=60)
            assert batch.values() == right, engine
    runner.end_all()


def test_sizes_follow_the_scale(bench):
    from benchmarks import workloads

    assert workloads.count(48, 1.0) == 48 and workloads.count(48, 0.5) == 24 and workloads.count(48, 0.001) == 2
    with workloads.skewed(1.0) as items:
        assert len(items) == 48 and max(items) > 40 * min(items) and items != sorted(items)
    with workloads.one_giant(1.0) as items:
        assert items[0] == pytest.approx(sum(items[1:]), rel=0.01)


def test_the_cache_is_read_where_the_system_tells_it(bench, tmp_path):
    from benchmarks import workloads

    assert workloads.read_cache_bytes(tmp_path) == workloads.CACHE_BYTES
    for index, text in enumerate(("48K\n", "2M\n", "odd\n", "1024K\n")):
        (tmp_path / f"index{index}").mkdir()
        (tmp_path / f"index{index}" / "size").write_text(text)
    assert workloads.read_cache_bytes(tmp_path) == 2 * 1024**2


def test_one_lock_is_shared_by_all_who_open_the_file(bench, tmp_path):
    fcntl = pytest.importorskip("fcntl", reason="this system has no fcntl")
    from benchmarks.tasks import plain

    path = tmp_path / "lock"
    path.touch()
    worker = threading.Thread(target=plain.burn_locked, args=((str(path), 1, 1),))
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        worker.start()
        worker.join(0.3)
        assert worker.is_alive(), "it went on without the lock"
    worker.join(10)
    assert not worker.is_alive()


def is_served(port):
    """Return whether something answers at a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def test_the_server_ends_with_its_context(bench):
    from benchmarks.serving import serving
    from benchmarks.tasks import plain

    with serving(0.001, at_once=1) as port:
        assert plain.ask((port, 12)) == 144 and is_served(port)
    assert not is_served(port)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_the_server_ends_when_who_started_it_is_killed(bench):
    program = (
        "from benchmarks.serving import serving\nwith serving(0.0) as port:\n    print(port, flush=True)\n    input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    owner = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env={**os.environ}, **pipes)
    with owner:
        port = int(owner.stdout.readline())
        servers = psutil.Process(owner.pid).children()
        assert is_served(port) and len(servers) == 1
        owner.kill()
    until = time.monotonic() + 20
    while is_served(port) and time.monotonic() < until:
        time.sleep(0.05)
    try:
        assert not is_served(port)
    finally:  # one that outlives its owner is not to outlive this test
        for server in servers:
            with suppress(psutil.Error):
                server.kill()
