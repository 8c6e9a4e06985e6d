"""Every figure of the measuring core, from hand-written stamps; the answers were worked out on paper."""

import pickle
from array import array
from contextlib import nullcontext

import pytest
from handmade import make_run, make_sweep, make_timeline, rounds

from helpers.engines import base
from helpers.engines.base import Team, read_replies
from helpers.engines.pools import blame
from helpers.errors import WorkerDiedError
from helpers.measure import plan_visits, playing
from helpers.measure.badges import Load, cpus_of_others, find_badges
from helpers.measure.notes import forget_timeline, seconds_left
from helpers.measure.playing import make_run as make_run_of_batch
from helpers.measure.sweeps import explain
from helpers.models import advise
from helpers.records import Accounting, account_chunks, account_tasks, estimate_ratio
from helpers.tasks.worker import Reply, trace_items

# --- accounts ---------------------------------------------------------------------------------

#: Three workers, start-up 2 s, handed over at the clock's 100 s, last result 10 s later: 3 × 12 = 36 worker-seconds.
#: Worker 0: chunks 101–104 and 105–108.  Worker 1: one chunk 103–110.  Worker 2: none.
#: Inside the function: 11 of the 3 + 3 + 7 = 13 s in chunks.
CHUNKS = [(0, 101.0, 104.0), (1, 103.0, 110.0), (0, 105.0, 108.0)]
#: start-up 3 × 2 = 6; transfer 13 − 11 = 2; idle tail (110 − 108) + 0 + 10 = 12; waiting (1 + 1) + 3 = 5; working 11
ACCOUNT = Accounting(startup=6.0, transfer=2.0, waiting=5.0, working=11.0, idle_tail=12.0)


def test_account_of_chunks():
    account = account_chunks(CHUNKS, 3, startup=2.0, began=100.0, wall=10.0, working=11.0)
    assert account == ACCOUNT
    assert account.total == 36.0
    assert account.shares() == pytest.approx(
        {"startup": 6 / 36, "transfer": 2 / 36, "waiting": 5 / 36, "working": 11 / 36, "idle_tail": 12 / 36}
    )


def test_account_of_a_run_in_which_nobody_waits():
    # one worker, one chunk from the first to the last moment, all of it in the function: 4 + 1 of start-up
    assert account_chunks([(0, 10.0, 14.0)], 1, 1.0, 10.0, 4.0, 4.0) == Accounting(startup=1.0, working=4.0)
    assert Accounting().shares() == dict.fromkeys(("startup", "transfer", "waiting", "working", "idle_tail"), 0.0)


def test_account_of_tasks():
    # Two workers, start-up 1 s, wall 9 s, chunks of two tasks: tasks 0+1, 2+3, 4.  2 × 10 = 20 worker-seconds.
    # Worker 0: 0 at 1.5–3.5, 1 at 4–5 (same chunk: 0.5 transfer), 4 at 7–8 (2 waiting).
    # Worker 1: 2 at 2–6, 3 at 6.25–9.
    tasks = [(0, 1.5, 3.5), (0, 4.0, 5.0), (1, 2.0, 6.0), (1, 6.25, 9.0), (0, 7.0, 8.0)]
    account = account_tasks(make_timeline(tasks), 2, chunksize=2, startup=1.0, wall=9.0)
    # working 2 + 1 + 4 + 2.75 + 1 = 10.75; transfer 0.5 + 0.25; waiting 0.5 + 2 + 1; tails (10 − 8) + (10 − 9) = 3
    assert account == Accounting(startup=2.0, transfer=0.75, waiting=3.5, working=10.75, idle_tail=3.0)
    assert account.total == 20.0


def test_a_worker_without_a_task_is_idle_from_its_start_on():
    account = account_tasks(make_timeline([(0, 1.0, 5.0)]), 2, 1, startup=1.0, wall=4.0)
    assert account == Accounting(startup=2.0, working=4.0, idle_tail=4.0)


# --- replies, walls, start-up -----------------------------------------------------------------


def reply(slot, received, done, tasks, cpu=0.5, failures=None):
    starts, ends = zip(*tasks, strict=True)
    return Reply(slot, received, done, cpu, array("d", [*starts, *ends]).tobytes(), b"", failures or {})


@pytest.mark.parametrize("many", [4, 10**6], ids=["in Python", "by numpy"])
def test_replies_become_a_timeline_an_account_and_cpu_seconds(many, monkeypatch):
    monkeypatch.setattr(base, "MANY_TASKS", 5)
    # two workers, up after 2 s, handed over at the clock's 50: a run's time is 50 − 2 = 48 at its zero
    handed = [
        (0, 50.0, reply(0, 50.5, 54.0, [(51.0, 52.0), (52.0, 53.5)], cpu=2.0)),
        (2, 50.25, reply(1, 51.0, 53.0, [(51.5, 52.5)], cpu=0.75, failures={2: ("'x'", "ValueError", "no", "trace")})),
    ]
    line, failures, account, cpu = read_replies(handed, many, 2, startup=2.0, began=50.0, wall=6.0)
    assert list(line.worker) == [0, 0, 1]
    assert list(line.started) == [3.0, 4.0, 3.5] and list(line.finished) == [4.0, 5.5, 4.5]
    assert list(line.queued) == [2.0, 2.0, 2.25]
    assert list(line.cpu) == pytest.approx([0.8, 1.2, 0.75])  # 2 s over 1 s and 1.5 s; 0.75 s
    assert failures[2].error_type == "ValueError" and failures[2].index == 2
    assert cpu == 2.75
    # working 1 + 1.5 + 1 = 3.5; in chunks 3.5 + 2 = 5.5, so transfer 2; tails (56 − 54) + (56 − 53); 12 − 5.5 − 5 = 1.5
    assert account == Accounting(startup=4.0, transfer=2.0, waiting=1.5, working=3.5, idle_tail=5.0)


class Clock:
    """A clock that a test moves: each reading gives the next of the times."""

    def __init__(self, *times):
        self.times = list(times)

    def __call__(self):
        return self.times.pop(0)


class HandTeam(Team):
    """A team whose workers need 3 s to come up and whose two chunks come back as written."""

    def _open(self):
        base.perf_counter()  # one reading on the way up

    def _run_chunks(self, items, chunksize):
        # handed over at 20, the first worker through at 24, the second at 27; its result is read at 28
        first = reply(0, 21.0, 24.0, [(21.0, 24.0)])._replace(results=pickle.dumps(["a"]))
        second = reply(1, 21.0, 27.0, [(22.0, 27.0)])._replace(results=pickle.dumps(["b"]))
        return [(0, 20.0, first), (1, 20.0, second)], 7

    def _close(self, broken):
        pass


def test_start_up_counts_from_asking_and_the_wall_to_the_last_result(monkeypatch):
    # asked at 10, something at 12, ready at 13: start-up 3.  Handed over at 20, last result at 28: wall 8.
    monkeypatch.setattr(base, "perf_counter", Clock(10.0, 12.0, 13.0, 20.0, 28.0))
    with HandTeam(None, None, 2, None) as team:
        batch = team.run([1, 2], 1)
    assert (batch.startup, batch.wall) == (3.0, 8.0)
    assert batch.values() == ["a", "b"] and batch.sent_bytes == 7
    # 2 × (3 + 8) = 22: working 3 + 5 = 8; in chunks 3 + 6, transfer 1; tails 4 + 1; waiting 16 − 9 − 5 = 2
    assert batch.accounting == Accounting(startup=6.0, transfer=1.0, waiting=2.0, working=8.0, idle_tail=5.0)
    run = make_run_of_batch(batch, 0, "pool", 2, "spawn", ["a badge"])
    assert (run.startup, run.wall, run.cold_wall) == (3.0, 8.0, 11.0)
    assert run.warmup and run.badges == ("a badge",)
    assert not make_run_of_batch(batch, 1, "pool", 2, "spawn", []).warmup


def test_each_task_is_stamped_before_and_after(monkeypatch):
    monkeypatch.setattr("helpers.tasks.worker.perf_counter", Clock(1.0, 2.5, 3.0, 7.0))
    board = [0, 0]
    times, results, failures = trace_items(lambda item: (board[1], item), ["a", "b"], 4, board, 1)
    assert (list(array("d", times)), failures) == ([1.0, 3.0, 2.5, 7.0], {})  # all starts and then all ends
    assert results == [(5, "a"), (6, "b")] and board == [0, 0]  # while at item 4 the board says 5, afterwards 0


def test_tasks_of_all_blocks_are_stamped_and_numbered(monkeypatch):
    # blocks of two: items 4 and 5, then 6; the item "c" fails, at 6
    monkeypatch.setattr("helpers.tasks.worker.BLOCK", 2)
    monkeypatch.setattr("helpers.tasks.worker.perf_counter", Clock(1.0, 2.0, 3.0, 4.0, 5.0, 7.0))
    board = [0]
    times, results, failures = trace_items({"a": "A", "b": "B"}.__getitem__, ["a", "b", "c"], 4, board, 0)
    assert list(array("d", times)) == [1.0, 3.0, 5.0, 2.0, 4.0, 7.0]
    assert results == ["A", "B", None] and board == [0]
    assert list(failures) == [6] and failures[6][:2] == ("'c'", "KeyError")


# --- estimates and speedups -------------------------------------------------------------------


def test_speedup_is_the_ratio_of_medians_over_common_rounds():
    sweep = make_sweep(
        {
            ("serial", 1): rounds(8.0, 10.0, 12.0, 99.0, warmup=1.0),
            ("pool", 2): rounds((1.0, 4.0), (3.0, 5.0), (2.0, 6.0), warmup=(0.0, 50.0)),
        }
    )
    # rounds 1 to 3 have both: median(8, 10, 12) / median(4, 5, 6) = 2; with start-up median(5, 8, 8) = 8: 1.25
    assert sweep.speedup("pool", 2).median == 2.0
    assert sweep.speedup("pool", 2, cold=True).median == 1.25
    assert sweep.wall("pool", 2).median == 5.0 and sweep.wall("pool", 2, cold=True).median == 8.0
    assert sweep.speedup("pool", 2).n_rounds == 3
    assert sweep.speedup("serial", 1).median == 1.0
    assert len(sweep.runs_of("pool", 2)) == 3 and len(sweep.runs_of("pool", 2, warmup=True)) == 4


def test_rounds_are_compared_in_pairs():
    # each round was slow for both: in every round the ratio is 2, so the interval has no width
    estimate = estimate_ratio([2.0, 8.0, 20.0, 6.0], [1.0, 4.0, 10.0, 3.0])
    assert (estimate.median, estimate.low, estimate.high, estimate.n_rounds) == (2.0, 2.0, 2.0, 4)


def test_interval_holds_the_middle_95_per_cent():
    # of 3 rounds: logarithms 0, ln 2 and ln 4, mean ln 2, deviation ln 2, t 4.303: 2 × 2^(±4.303 / √3), 0.357 to 11.2
    estimate = estimate_ratio([1.0, 2.0, 4.0], rough=False)
    assert (estimate.median, estimate.low, estimate.high) == (
        2.0,
        pytest.approx(0.357, 0.01),
        pytest.approx(11.2, 0.01),
    )
    rough = estimate_ratio([1.0, 2.0, 4.0])  # from the smallest to the largest
    assert (rough.median, rough.low, rough.high) == (2.0, 1.0, 4.0)
    # of 7 rounds the median lies between the extreme values with 1 - 2 / 128 = 98.4 %, between the next with 87.5 %:
    # I = (98.4 - 95) / (98.4 - 87.5) = 0.314, share = 6 × 0.314 / (1 + 5 × 0.314) = 0.733 of the way (Hettmansperger)
    estimate = estimate_ratio([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    assert (estimate.median, estimate.low) == (4.0, pytest.approx(1.733, 0.001)) and estimate.low + estimate.high == 8
    assert estimate_ratio([1.0, 2.0]).low is None


# --- badges -----------------------------------------------------------------------------------

BEFORE = Load(busy=100.0, own=10.0, throttled=5)


def badges(wall=1.0, n_workers=1, cpus=2, *, busy=1.0, own=1.0, workers_cpu=0.0, throttled=5):
    after = Load(100.0 + busy, 10.0 + own, throttled)
    return find_badges(wall, n_workers, cpus, cpus, BEFORE, after, workers_cpu)


def test_a_quiet_run_has_no_badge():
    assert badges() == []


def test_badge_of_a_run_too_short_to_time():
    assert badges(wall=0.00101, busy=0.0, own=0.0) == []
    assert badges(wall=0.00099, busy=0.0, own=0.0) == ["under 1 ms: too short to time"]


def test_badge_of_throttling():
    assert badges(throttled=5) == badges(throttled=None) == []
    assert badges(throttled=6) == ["slowed by the CPU quota"]
    assert find_badges(1.0, 1, 2, 2, Load(0, 0, None), Load(1, 1, 3)) == []


def test_badge_of_a_busy_machine():
    # over 1 s the machine used 2.5 CPUs, we 1 here and 1 in workers: 0.5 were others', and 2 + 0.5 are more than 2.2
    assert cpus_of_others(1.0, BEFORE, Load(102.5, 11.0), workers_cpu=1.0) == 0.5
    told = ["other programs were using the CPUs"]
    assert badges(n_workers=2, busy=2.5, own=1.0, workers_cpu=1.0) == told
    # one worker on two CPUs leaves one to others: 1 + 0.5 is no more than 2.2
    assert badges(n_workers=1, busy=1.5, own=1.0) == []
    # others used 0.25 CPUs: under the limit of 0.3 whatever the workers do; 0.35 are over it
    assert badges(n_workers=2, busy=2.25, own=2.0) == []
    assert badges(n_workers=2, busy=2.35, own=2.0) == told
    # in 0.09 s the counters tell nothing yet
    assert badges(wall=0.09, n_workers=2, busy=2.0, own=0.0) == []


@pytest.mark.parametrize(
    ("engine", "own", "marked"),
    [
        ("processes", 0.0, False),  # 1.5 s of the machine's, all of them the workers'
        ("processes", 1.0, False),  # as much again by the runner: 1.0 + 1.5 of 1.5, nobody else
        ("threads", 1.5, False),  # the threads' 1.5 s are in the runner's own
        ("threads", 0.0, True),  # the runner used none: 1.5 s are somebody else's
        ("serial", 0.0, True),
    ],
)
def test_cpu_of_worker_processes_is_not_taken_for_a_busy_machine(monkeypatch, engine, own, marked):
    loads = iter([Load(0.0, 0.0), Load(1.5, own)])
    batch = base.Batch([1], {}, make_timeline([(0, 0.0, 1.0)]), Accounting(), 0.0, 1.0, 1.5, 1)
    team = type("Team", (), {"run": lambda self, items, size: batch})()
    monkeypatch.setattr(playing, "open_team", lambda *given: nullcontext(team))
    monkeypatch.setattr(playing, "read_load", lambda: next(loads))
    badges = playing.measure_batch(engine, None, b"", [1], 1, None, 1, 2, 2)[1]
    assert badges == ["other programs were using the CPUs"] * marked


def test_badge_of_more_workers_than_cpus():
    assert badges(n_workers=2, own=1.0) == []
    assert badges(n_workers=3, own=1.0) == ["more workers than the 2 usable CPUs"]


def steady(*pool, serial=(10.0, 10.0, 10.0, 10.0)):
    return make_sweep({("serial", 1): rounds(*serial), ("pool", 8): rounds(*pool)})


def test_badge_of_unsteady_rounds():
    # the middle half of 4 rounds lies between the second and the third: 9.0 apart of 100 is steady, 11 is not
    assert make_sweep({("serial", 1): rounds(90.0, 95.5, 104.5, 110.0)}).badges("serial", 1) == ()
    told = "rounds differ by more than 10 %"
    assert make_sweep({("serial", 1): rounds(90.0, 94.5, 105.5, 110.0)}).badges("serial", 1) == (told,)
    assert make_sweep({("serial", 1): rounds(50.0, 150.0)}).badges("serial", 1) == ()  # two rounds tell nothing


def test_doubts_of_the_serial_loop_are_those_of_every_speedup():
    sweep = steady(5.0, 5.0, 5.0, 5.0, serial=(80.0, 94.0, 106.0, 120.0))
    assert "serial loop: rounds differ by more than 10 %" in sweep.badges("pool", 8)


def test_badge_of_a_wide_interval_and_of_a_speedup_that_cannot_be():
    # walls 4 to 6 of 10: speedups from 1.67 to 2.5 around 2, wider than a quarter of it
    assert "wide interval" in steady(4.0, 5.0, 5.0, 6.0).badges("pool", 8)
    assert steady(4.9, 5.0, 5.0, 5.1).badges("pool", 8) == ()
    told = "faster than its workers can be: mistrust it"
    assert told not in steady(*[10.0 / 9.1] * 4).badges("pool", 8)  # 9.1 is under 1.15 × 8 = 9.2
    assert told in steady(*[10.0 / 9.3] * 4).badges("pool", 8)


def test_more_workers_than_cpus_is_no_doubt_of_the_figures():
    run = make_run("pool", 4, badges=("more workers than the 2 usable CPUs", "slowed by the CPU quota"))
    sweep = make_sweep({("serial", 1): rounds(1.0)})
    sweep = type(sweep)("work", 4, (*sweep.runs, run), {})
    assert sweep.doubts("pool", 4) == ("slowed by the CPU quota",)


# --- a sweep on its way -----------------------------------------------------------------------


def test_plan_has_the_serial_loop_in_every_round_and_first_of_all():
    visits = plan_visits(("threads", "serial", "pool"), (1, 2), 3, seed=1)
    assert visits[0] == (0, "serial", 1) and len(visits) == 4 * 5
    for number in range(4):
        pairs = [pair for at, *pair in visits if at == number]
        assert sorted(pairs) == [["pool", 1], ["pool", 2], ["serial", 1], ["threads", 1], ["threads", 2]]


def test_time_left_is_what_the_pairs_took_last():
    left = [(1, "serial", 1), (1, "pool", 2), (2, "pool", 2), (2, "threads", 2)]
    runs = [
        make_run("serial", 1, 0, wall=4.0),
        make_run("pool", 2, 0, wall=9.0, startup=9.0),
        make_run("pool", 2, 0, wall=2.0, startup=0.5),
    ]
    # serial 4; pool twice 2.5, start-up included, of the newer run; threads never ran: as the serial loop, 4
    assert seconds_left(runs, left) == 4.0 + 2.5 + 2.5 + 4.0
    assert seconds_left(runs, []) == 0
    assert seconds_left([], left) is None


def test_only_the_newest_timeline_of_a_pair_is_kept():
    line = make_timeline([(0, 0.0, 1.0)])
    runs = [make_run("pool", 2, 1, timeline=line), make_run("pool", 1, 1, timeline=line)]
    forget_timeline(runs, ("pool", 2))
    assert [run.timeline for run in runs] == [None, line]


def test_a_death_is_blamed_on_the_worker_that_ended_by_itself():
    # slot 0 is process 12 at item 6, slot 1 process 11 between chunks, slot 2 process 10 at item 2
    slots, board = {0: 12, 1: 11, 2: 10}, [7, 0, 3]
    assert blame({11: -15, 10: -9, 12: -15}, slots, board) == (-9, [2])
    assert blame({11: -15, 10: -15, 12: -15}, slots, board) == (-15, [2, 6])  # which one was it?
    assert blame({11: -15, 12: -15}, slots, board) == (-15, [6])
    assert blame({11: 3}, slots, board) == (3, []) and blame({99: 3}, slots, board) == (3, [])
    assert blame({}, slots, board) == (None, [])


def test_a_death_is_explained_by_the_item_the_loop_was_at():
    died = WorkerDiedError("it ended", exitcode=3, last_task=1)
    explained = explain(died, (0, "serial", 1), ["first", "second"], None)
    assert explained.item == "'second'" and explained.last_task == 1 and "item 1 ('second')" in str(explained)
    assert explain(died, (0, "threads", 2), ["first", "second"], None).item is None  # who of the two was it?
    assert "In pool × 2" in str(explain(TimeoutError("late"), (0, "pool", 2), [], "so far"))


# --- advice -----------------------------------------------------------------------------------


def advise_walls(pairs, serial=10.0, **facts):
    """Return the Advice on a machine where every round of a pair takes the same: {(engine, n): seconds}."""
    walls = {("serial", 1): rounds(*[serial] * 5)}
    walls |= {pair: rounds(*[seconds] * 5) for pair, seconds in pairs.items()}
    return advise(make_sweep(walls, **facts))


def test_fewer_workers_within_5_per_cent_of_the_best_are_as_good():
    # speedups 5 at 8 workers; at 4 workers 4.8 (4 % less) is as good, 4.7 (6 % less) is not
    assert advise_walls({("pool", 8): 2.0, ("pool", 4): 10 / 4.8}).n_workers == 4
    assert advise_walls({("pool", 8): 2.0, ("pool", 4): 10 / 4.7}).n_workers == 8


def test_advice_is_serial_while_the_interval_includes_1():
    def advice(*pool):
        return advise(make_sweep({("serial", 1): rounds(*[10.0] * 5), ("pool", 2): rounds(*pool)}))

    # the slowest draws of the median decide: 10.1 s makes the lower end 0.99, 9.9 s makes it 1.01
    assert advice(9.0, 9.0, 9.0, 10.1, 10.1).engine == "serial"
    assert advice(9.0, 9.0, 9.0, 9.9, 9.9).engine == "pool"


def test_advice_needs_3_rounds_and_2_workers():
    two = advise(make_sweep({("serial", 1): rounds(10.0, 10.0), ("pool", 2): rounds(2.0, 2.0)}))
    assert two.engine == "serial" and "2 rounds, too few" in two.reason
    assert advise_walls({("pool", 1): 2.0}).engine == "serial"


def test_advice_tells_what_start_up_leaves_of_the_gain():
    # 10 s against 5 s on workers that are up; 6 s of start-up make it 11 s, 0.91 times
    advice = advise_walls({("pool", 2): (6.0, 5.0)})
    assert advice.engine == "pool" and "only if the workers stay open" in advice.reason and "0.91" in advice.reason
    assert "only if" not in advise_walls({("pool", 2): (1.0, 5.0)}).reason


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        # 2 workers, wall 10 s: 20 worker-seconds; the largest loss is named with its share of them
        ({"transfer": 8.0, "waiting": 1.0, "idle_tail": 1.0}, "40 % of the workers' time goes into sending"),
        ({"transfer": 1.0, "waiting": 6.0, "idle_tail": 1.0}, "30 % of the workers' time passes waiting"),
        ({"transfer": 1.0, "waiting": 1.0, "idle_tail": 5.0}, "25 % of the workers' time is idle tail"),
    ],
)
def test_advice_names_the_largest_loss(lost, words):
    serial = [make_run("serial", 1, number, 10.0) for number in (1, 2, 3)]
    pool = [
        make_run("pool", 2, number, 10.0, accounting=Accounting(working=20 - sum(lost.values()), **lost))
        for number in (1, 2, 3)
    ]
    sweep = type(make_sweep({}))("work", 4, (*serial, *pool), {"usable_cpus": 8})
    advice = advise(sweep)
    assert advice.engine == "serial" and words in advice.reason
