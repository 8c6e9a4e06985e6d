"""What labs and the plots of a sweep say, from records written by hand. Nothing is measured here."""

import threading
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from handmade import make_run, make_sweep, make_timeline, rounds
from matplotlib.colors import to_rgb

from helpers import plots
from helpers.errors import HelpersError, InvalidArgumentError, TaskFailedError
from helpers.labs import Lab, SpeedupLab, base
from helpers.labs.base import LIVE_SCALE, REST_SCALE
from helpers.labs.controls import chunk_control, read_chunk
from helpers.labs.speedup import say_count, say_progress, say_warm_up, weight_of, worker_choices
from helpers.measure import Progress
from helpers.models import advise
from helpers.plots.drawing import new_figure, paler
from helpers.plots.live import MovingPicture
from helpers.records import Accounting
from helpers.tasks import wait


def by_gid(ax, gid):
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


def points(ax, gid):
    (line,) = by_gid(ax, gid)
    return [(n, pytest.approx(speedup)) for n, speedup in line.get_xydata().tolist()]


def head(ax):
    return by_gid(ax, "how")[0].get_text()


def words(ax):
    return [text.get_text() for text in ax.texts]


# ── the warm-up round ────────────────────────────────────────────────────────────────────────

#: Serial loop 4 s, threads 5 s and 2 s: no round counts yet.
WARM = {("serial", 1): {0: 4.0}, ("threads", 1): {0: 5.0}, ("threads", 2): {0: (0.5, 2.0)}}


def test_provisional_points_are_the_ratios_of_the_warm_up():
    # 4 / 5 = 0.8 and 4 / 2 = 2; the start-up of 0.5 s does not belong to it
    assert plots.provisional_points(make_sweep(WARM)) == {"threads": [(1, 0.8), (2, 2.0)]}


def test_a_point_is_provisional_until_a_round_of_both_counts():
    # in round 1 threads x 2 came before the serial loop: nothing is counted yet
    early = make_sweep({**WARM, ("threads", 2): {0: 2.0, 1: 1.0}})
    assert plots.provisional_points(early) == {"threads": [(1, 0.8), (2, 2.0)]}
    # then the serial loop came: threads x 2 has a counted round, threads x 1 has none
    counted = make_sweep({**WARM, ("serial", 1): rounds(3, warmup=4), ("threads", 2): rounds(1, warmup=2)})
    assert plots.provisional_points(counted) == {"threads": [(1, 0.8)]}


@pytest.mark.parametrize("sweep", [None, make_sweep({}), make_sweep({("serial", 1): {0: 4.0}})])
def test_without_a_serial_loop_and_one_more_run_there_is_no_point(sweep):
    assert plots.provisional_points(sweep) == {}
    assert not by_gid(plots.plot_speedup(sweep), "threads warm-up")


def test_provisional_points_are_hollow_pale_and_say_so():
    ax = plots.plot_speedup(make_sweep(WARM))
    assert points(ax, "threads warm-up") == [(1, 0.8), (2, 2.0)] and not by_gid(ax, "threads within")
    (pale,) = by_gid(ax, "threads warm-up")
    assert pale.get_markerfacecolor() == "white" and pale.get_linestyle() == "None"
    assert pale.get_markeredgecolor() == pytest.approx(paler(plots.COLOURS["threads"], 0.45))
    assert pale.get_markeredgecolor() != pytest.approx(to_rgb(plots.COLOURS["threads"]))
    assert "threads" in words(ax) and "hollow and pale: warm-up, not counted" in head(ax)
    assert "warm-up, not counted" not in words(ax), "such a label is too wide for its room: a point crosses it"


def test_counted_points_take_the_place_of_provisional_ones():
    # serial 3 s, threads x 2 in 1 s: 3 / 1 = 3, whatever the warm-up was
    ax = plots.plot_speedup(make_sweep({("serial", 1): rounds(3, warmup=4), ("threads", 2): rounds(1, warmup=2)}))
    assert points(ax, "threads within") == [(2, 3.0)] and not by_gid(ax, "threads warm-up")
    assert "warm-up" not in head(ax)


def test_the_warm_up_is_in_no_advice_and_no_alt_text():
    sweep = make_sweep(WARM)
    assert advise(sweep).engine == "serial" and "no speedup" in advise(sweep).reason
    assert plots.describe_speedup(sweep) == "Speedup over the serial loop: warming up, no round counts yet."
    assert "pale" in say_warm_up(sweep)
    counted = make_sweep({**WARM, ("serial", 1): rounds(3, warmup=4), ("threads", 2): rounds(1, warmup=2)})
    assert say_warm_up(counted) == "" and plots.describe_speedup(counted).startswith("threads: 3.0 times")


def test_stopped_within_the_first_rounds_the_lab_speaks_of_its_own_controls():
    lab = SpeedupLab(wait.wait_ms, (1,) * 4, n_workers=2)
    lab.result = make_sweep(WARM)
    assert lab._advice().endswith("choose at least one count of two or more, and let it run 3 rounds.")
    # serial 3 and 3 s, 2 threads 1 and 1 s: two rounds
    lab.result = make_sweep({("serial", 1): rounds(3, 3), ("threads", 2): rounds(1, 1)})
    assert "too few for an interval: let it run 3 rounds or more." in lab._advice()
    lab.result = make_sweep({("serial", 1): rounds(12, 12, 12), ("pool", 8): rounds(4, 4, 4)}, usable_cpus=4)
    assert "share 4 usable CPUs: choose 4 workers, and run again." in lab._advice()
    lab.close()


def test_the_message_tells_the_doubts_of_pairs_that_it_does_not_advise_as_its_picture_does():
    # threads x 2 is advised, steady; the rounds of processes x 2, of 6, 9 and 7 s, differ
    lab = SpeedupLab(wait.wait_ms, (1,) * 4, n_workers=2)
    walls = {("serial", 1): rounds(12, 12, 12), ("threads", 2): rounds(6, 6, 6), ("processes", 2): rounds(6, 9, 7)}
    lab.result = make_sweep(walls)
    told = plots.doubts_of_pairs(lab.result, [("threads", 2), ("processes", 2)])
    assert told and "doubt" not in advise(lab.result).reason
    assert lab._advice().endswith(f" In doubt of other settings: {'; '.join(told)}.")
    lab.close()


# ── counted points ───────────────────────────────────────────────────────────────────────────


def test_points_are_the_ratios_of_medians_with_and_without_start_up():
    # serial 4, 6, 5 s: median 5. pool: 2, 3, 2.5 s, median 2.5; with 0.5 s of start-up 3. 5 / 2.5 = 2, 5 / 3 = 1.667
    pool = rounds((0.5, 2.0), (0.5, 3.0), (0.5, 2.5), warmup=(9.0, 90.0))
    sweep = make_sweep({("serial", 1): rounds(4, 6, 5, warmup=100), ("pool", 2): pool})
    ax = plots.plot_speedup(sweep)
    assert points(ax, "pool within") == [(2, 2.0)] and points(ax, "pool cold") == [(2, 5 / 3)]
    assert plots.describe_speedup(sweep) == "pool: 2.0 times the serial loop at 2 workers."


def test_more_workers_than_cpus_are_hollow_but_not_pale():
    # 6 s over 6, 3 and 2 s: 1, 2, 3; with 2 CPUs the third is beyond
    walls = {("serial", 1): rounds(6), ("pool", 1): rounds(6), ("pool", 2): rounds(3), ("pool", 3): rounds(2)}
    ax = plots.plot_speedup(make_sweep(walls, usable_cpus=2))
    assert points(ax, "pool within") == [(1, 1.0), (2, 2.0)] and points(ax, "pool beyond") == [(3, 3.0)]
    (beyond,) = by_gid(ax, "pool beyond")
    assert (beyond.get_markerfacecolor(), beyond.get_markeredgecolor()) == ("white", plots.COLOURS["pool"])


def doubts_told(ax):
    return "".join(text.get_text() for text in ax.texts if text.get_gid() == "doubts")


def test_all_doubts_are_shown_the_one_that_most_pairs_share_first():
    walls = {("serial", 1): rounds(4, 4, 4), ("pool", 1): rounds(4, 4, 4), ("pool", 2): rounds(2, 2, 2)}
    assert not doubts_told(plots.plot_speedup(make_sweep(walls)))
    sweep = make_sweep(walls, badges=("busy",))
    assert doubts_told(plots.plot_speedup(sweep)) == "⚠ in doubt: busy"
    last = replace(sweep.runs[-1], badges=("slow", "busy"))  # slow in one pair, busy in both
    sweep = replace(sweep, runs=(*sweep.runs[:-1], last))
    assert doubts_told(plots.plot_speedup(sweep)) == "⚠ in doubt: busy; slow"
    many = make_sweep(walls, badges=("more workers than CPUs",))  # which is no doubt about the figures
    assert not doubts_told(plots.plot_speedup(many))


def test_what_makes_the_times_of_a_run_doubtful_stands_under_its_timeline():
    crowded = "more workers than the 2 usable CPUs"  # which is no doubt about the times
    assert not doubts_told(plots.plot_timeline(replace(RUN, badges=(crowded,))))
    assert doubts_told(plots.plot_timeline(replace(RUN, badges=("busy", crowded)))) == "⚠ in doubt: busy"


def test_a_doubt_takes_nothing_away_from_the_legend():
    walls = {("serial", 1): rounds(*[12] * 5)} | {("pool", n): rounds(*[12 / n] * 5) for n in (1, 2, 3, 4)}
    ax = plots.plot_speedup(make_sweep(walls, badges=("busy",)))
    assert "dashed: law fitted to pool" in head(ax) and "busy" in doubts_told(ax)


def test_the_alt_text_names_the_best_count_of_each_engine_best_engine_first():
    # 8 s over 8 and 4 s: threads 1, 2 at 2 workers; over 4 and 2 s: pool 2, 4 at 2; over 80 s: processes 0.1 at 1
    walls = {("serial", 1): rounds(8), ("threads", 1): rounds(8), ("threads", 2): rounds(4)}
    walls |= {("pool", 1): rounds(4), ("pool", 2): rounds(2), ("processes", 1): rounds(80)}
    said = plots.describe_speedup(make_sweep(walls))
    assert said == "pool: 4.0 times the serial loop at 2 workers; threads: 2.0; processes: 0.1 at 1."


# ── who ran what ─────────────────────────────────────────────────────────────────────────────


def boxes(ax, gid):
    """Return lanes, starts and ends of the boxes, sorted by them."""
    (collection,) = by_gid(ax, gid)
    corners = [path.vertices for path in collection.get_paths()]
    return np.array(sorted((round(float(c[[0, 2], 1].mean())), c[0, 0], c[2, 0]) for c in corners)).T


def spans(ax, gid):
    """Return [(lane, start, end)] of the boxes; between tasks there is a thin gap."""
    near = {"abs": 0.05}
    return [(lane, pytest.approx(start, **near), pytest.approx(end, **near)) for lane, start, end in boxes(ax, gid).T]


#: Start-up until 1 s; worker 1 works from 1 to 4 and from 4 to 9, worker 2 from 2 to 6; all is over at 10.
TASKS = [(0, 1.0, 4.0), (1, 2.0, 6.0), (0, 4.0, 9.0)]
#: 20 worker-seconds: 2 of start-up, 12 working, 2 waiting (worker 2 from 1 to 2, and 1 more), 4 of idle tail.
ACCOUNT = Accounting(startup=2.0, transfer=0.0, waiting=2.0, working=12.0, idle_tail=4.0)
RUN = make_run("pool", 2, wall=9.0, startup=1.0, accounting=ACCOUNT, timeline=make_timeline(TASKS))


def test_the_timeline_shows_start_up_tasks_and_idle_tails_where_they_were():
    ax = plots.plot_timeline(RUN)
    assert [(0, 1.0, 4.0), (0, 4.0, 9.0), (1, 2.0, 6.0)] == spans(ax, "tasks")
    assert [(0, 0.0, 1.0), (1, 0.0, 1.0)] == spans(ax, "startup")
    assert [(0, 9.0, 10.0), (1, 6.0, 10.0)] == spans(ax, "idle tail")
    assert {"start-up", "idle tail", "Who ran what: 2 pool workers, last run"} <= set(words(ax))


def test_the_shares_of_the_timeline_add_up_to_100():
    # of 20: 2, 0, 2, 12, 4, that is 10 %, 0, 10 %, 60 %, 20 %; what is 0 is not named
    said = "working 60 % · start-up 10 % · waiting 10 % · idle tail 20 %"
    assert said in head(plots.plot_timeline(RUN)).replace("\n", " · ")
    assert "of 2 workers × 10 s" in head(plots.plot_timeline(RUN))
    thirds = make_run("pool", 1, accounting=Accounting(working=1.0, waiting=1.0, idle_tail=1.0))
    assert sorted(plots.round_shares(thirds).values()) == [0, 0, 33, 33, 34]


def test_a_worker_without_a_task_idles_from_its_start_on():
    run = make_run("pool", 2, wall=3.0, startup=1.0, timeline=make_timeline([(0, 1.0, 4.0)]))
    assert [(1, 1.0, 4.0)] == spans(plots.plot_timeline(run), "idle tail")


def test_very_many_tasks_become_stripes_that_keep_a_gap_that_is_seen():
    # 500 tasks back to back from 0 to 5 s, a gap of a second, 500 more from 6 to 11 s
    tasks = [(0, 0.01 * k, 0.01 * k + 0.01) for k in range(500)]
    tasks += [(0, 6 + 0.01 * k, 6 + 0.01 * k + 0.01) for k in range(500)]
    ax = plots.plot_timeline(make_run("pool", 1, wall=11.0, n_items=1000, timeline=make_timeline(tasks)))
    _, starts, ends = boxes(ax, "tasks")
    assert len(starts) < 200 and "each stripe is many tasks" in head(ax)
    # the stripes cover 5 s + 5 s, and nothing between 5 and 6
    assert (ends - starts).sum() == pytest.approx(10) and not ((starts < 5.99) & (ends > 5.01)).any()


def test_bars_of_the_accounting_are_the_whole_shares():
    # 10 % start-up, 60 % working, 10 % waiting, 20 % idle tail, in the order working, start-up, transfer, waiting, tail
    ax = plots.plot_accounting([RUN])
    assert [(0, 0.0, 60.0)] == spans(ax, "working") and [(0, 60.0, 70.0)] == spans(ax, "startup")
    assert [(0, 70.0, 80.0)] == spans(ax, "waiting") and [(0, 80.0, 100.0)] == spans(ax, "idle_tail")
    assert "working 60 %" in words(ax) and "2 pool workers" in [label.get_text() for label in ax.get_yticklabels()]


# ── SpeedupLab ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("done", "total", "left", "said"),
    [
        (12, 35, 6.2, "12 of 35 runs, 6 s left"),
        (0, 35, None, "0 of 35 runs"),
        (35, 35, 0.0, "35 of 35 runs"),
        (1, 35, 0.2, "1 of 35 runs, 0 s left"),
    ],
)
def test_progress_says_runs_and_seconds_left(done, total, left, said):
    assert say_progress(done, total, left) == said


def test_worker_choices_reach_twice_the_usable_cpus():
    assert worker_choices(1) == [1, 2] and worker_choices(2) == [1, 2, 3, 4] and worker_choices(4) == [1, 2, 3, 4, 6, 8]
    assert worker_choices(16)[-1] == 32 and 16 in worker_choices(16)


def test_tooltips_of_counts_tell_those_beyond_the_cpus():
    assert say_count(1, 2) == "Measure with 1 worker" and say_count(2, 2) == "Measure with 2 workers"
    assert say_count(3, 2) == "Measure with 3 workers, more than the usable CPUs"


def test_processes_are_worth_more_to_see_than_threads_and_those_more_than_the_loop():
    runs = [make_run("serial"), make_run("threads", 8), make_run("pool", 2), make_run("processes", 4)]
    assert sorted(runs[::-1], key=weight_of) == runs


@pytest.fixture
def lab():
    lab = SpeedupLab(len, ["a"], engines=("threads", "processes"), n_workers=(1, 2))
    yield lab
    lab.close()


def progress(walls, run=None, done=1, total=10):
    return Progress(done, total, 6.0, run, make_sweep(walls))


def test_the_first_point_is_news_and_so_is_each_first_counted_point(lab):
    serial, both = {("serial", 1): {0: 4.0}}, {("serial", 1): {0: 4.0}, ("threads", 1): {0: 5.0}}
    news = []
    for walls in (
        {},
        serial,  # nothing to show yet
        both,  # the first point, after the serial loop and one other run
        WARM,  # a second point by the warm-up: it has time
        {**WARM, ("serial", 1): rounds(4, warmup=4)},  # no pair is counted
        {**WARM, ("serial", 1): rounds(4, warmup=4), ("threads", 1): rounds(4, warmup=5)},  # the first counted point
        {**WARM, ("serial", 1): rounds(4, 4, warmup=4), ("threads", 1): rounds(4, 4, warmup=5)},  # more of it
    ):
        lab._receive(progress(walls, make_run() if walls else None))
        news.append(lab._is_news())
    assert news == [False, False, True, False, False, True, False]


def test_a_new_sweep_shows_nothing_of_the_last_one(lab):
    lab._receive(progress({}))
    lab._receive(progress(WARM, make_run("processes", 2)))
    assert lab._last_run.engine == "processes"
    lab._receive(progress({}))
    assert lab._last_run is None and lab.result.runs == () and lab._message.value == ""
    lab._receive(progress({("serial", 1): {0: 4.0}}, make_run("serial")))
    assert lab._last_run.engine == "serial"


def test_progress_and_the_warm_up_are_told_while_it_runs(lab):
    lab._receive(progress({}))
    lab._receive(progress(WARM, make_run("threads", 2), done=3, total=10))
    assert lab._progress_label.value == "3 of 10 runs, 6 s left" and (lab._progress.value, lab._progress.max) == (3, 10)
    assert "not counted" in lab._message.value


def test_what_is_chosen_while_it_runs_waits_for_the_next_run(lab, monkeypatch):
    lab._measured = lab._settings()
    lab._counts[3].value = True
    assert lab._draw().axes[0].get_xticks().tolist() == [1, 2, 3]
    monkeypatch.setattr(SpeedupLab, "running", True)
    assert lab._draw().axes[0].get_xticks().tolist() == [1, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"engines": ("procs",)},
        {"n_workers": 0},
        {"n_workers": 10_000},
        {"repeats": 0},
        {"repeats": 101},
        {"chunksize": 0},
        {"start_method": "teleport"},
        {"timeout": -1},
        {"guess": "many"},
        {"guess": -1},
    ],
)
def test_bad_arguments_are_refused_at_once(options):
    with pytest.raises(InvalidArgumentError):
        SpeedupLab(len, ["a"], **options)


# ── what all labs share, with a lab that measures nothing ────────────────────────────────────


class Counter(Lab):
    """Counts to three; `fail_at` raises there."""

    fail_at, failure = None, TaskFailedError("it broke")
    news_share = 1.0  # however fast it counts, each number is drawn

    def _rows(self):
        return []

    def _settings(self):
        return 3

    def _measure(self, settings, on_start):
        self.result = None
        for number in range(1, settings + 1):
            if number == self.fail_at:
                raise self.failure
            yield number

    def _receive(self, record):
        self.result = record
        self._show_progress(record, 3, f"{record} of 3")

    def _draw(self):
        return new_figure()

    def _describe(self):
        return f"counted to {self.result}"

    def _is_news(self):
        return True

    def _advice(self):
        return "" if self.result is None else f"{self.result} is enough."


class SlowCard:
    """A card each of whose pictures takes ten seconds by a clock of its own."""

    def __init__(self):
        self.now, self.begun, self.drawn = 0.0, False, []

    def monotonic(self):
        return self.now

    def png(self, record, scale):
        self.now, self.begun = self.now + 10, True
        self.drawn.append(record)
        return plots.figure_png(new_figure(), scale)


def test_the_picture_that_builds_the_card_comes_at_once_and_keeps_none_waiting_nor_does_any_for_long(monkeypatch):
    lab = Counter()
    lab.card = clock = SlowCard()
    lab._is_news = lambda: False
    monkeypatch.setattr(base, "time", clock)
    monkeypatch.setattr(base, "_running", {lab})
    lab._drawn_at = clock.now  # the empty picture was shown just now
    for lab.result, waited in enumerate((0.0, 0.3, 1.9, 0.2, 0.3)):
        clock.now += waited
        lab._show_if_due(lab._turn)
    assert clock.drawn == [0, 1, 3], "the second after 0.2 s, the next one after 2 s: not five times what one takes"


def test_news_that_follow_fast_upon_each_other_leave_two_thirds_of_the_time_to_measuring(monkeypatch):
    lab = Counter()
    lab.card, lab.news_share = (clock := SlowCard()), Lab.news_share
    news = dict(enumerate([False, False, True, True, False, False, True]))
    lab._is_news = lambda: news[lab.result]
    monkeypatch.setattr(base, "time", clock)
    monkeypatch.setattr(base, "_running", {lab})
    lab.result = 0
    lab._show_if_due(lab._turn, first=True)  # builds, until 10 s
    for lab.result, waited in enumerate((0.3, 0.1, 0.1, 1.5, 0.3, 19.9), 1):
        clock.now += waited
        lab._show_if_due(lab._turn)
    # 1 after 0.3 s, at rest. 2 is the first news: at once, until 30.4 s. 3 is news 0.1 s later and waits; 4 after
    # 1.6 s too; 5 comes after 1.9 s. 10 s of drawing, then 2 x 10 s: at 50.4 s; 6 comes after 21.8 s
    assert clock.drawn == [0, 1, 2, 6]
    clock.now += 19.9
    lab._show_if_due(lab._turn)
    assert clock.drawn == [0, 1, 2, 6]
    clock.now += 0.2
    lab._show_if_due(lab._turn)
    assert clock.drawn == [0, 1, 2, 6, 6]


def test_a_run_to_the_end_is_green_and_advises():
    lab = Counter()
    assert lab.run(block=True) == 3 and lab._progress.bar_style == "success"
    assert lab._progress_label.value == "3 of 3" and lab._message.value == "<div>3 is enough.</div>"


@pytest.mark.parametrize("failure", [TaskFailedError("it broke"), TimeoutError("too long"), KeyError("a defect")])
def test_a_run_that_failed_is_not_green_and_says_why(failure):
    lab = Counter()
    lab.fail_at, lab.failure = 2, failure
    lab.run()
    assert lab.wait(5) and lab.error is failure and not lab.running and lab.result == 1
    assert lab._progress.bar_style == "warning" and lab._progress_label.value == "1 of 3 – failed"
    assert type(failure).__name__ in lab._message.value and "enough" not in lab._message.value
    with pytest.raises(type(failure)):
        lab.run(block=True)
    lab.fail_at = None
    assert lab.run(block=True) == 3 and lab.error is None and lab._progress.bar_style == "success"


def test_a_run_that_was_stopped_or_interrupted_is_not_green():
    lab = Counter()
    receive = lab._receive
    lab._receive = lambda record: (receive(record), lab.stop())
    assert lab.run(block=True) == 1 and lab._progress.bar_style == "warning"
    assert lab._progress_label.value == "1 of 3 – stopped" and lab.error is None
    lab = Counter()
    lab.fail_at, lab.failure = 2, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        lab.run(block=True)
    assert lab._progress.bar_style == "warning" and not lab.running and not lab._run_button.disabled


def test_pictures_are_plain_while_it_runs_and_sharp_at_rest():
    lab, scales = Counter(), []
    show = lab._show_picture
    lab._show_picture = lambda scale: (show(scale), scales.append((scale, lab._picture.alt)))
    lab.run(block=True)
    said = [(LIVE_SCALE, f"counted to {n}") for n in (None, 1, 2, 3)]  # it begins with an empty picture
    assert scales == [*said, (REST_SCALE, "counted to 3")]


class Playing:
    """A runner's handle that only knows whether it was stopped."""

    printed, stopped = "", False

    def stop(self):
        self.stopped = True

    kill = stop


def test_a_stop_before_the_runner_exists_reaches_it():
    lab, early, late = Counter(), Playing(), Playing()
    lab.stop()
    lab._hold(early)
    assert early.stopped
    lab.run(block=True)  # which forgets that stop
    lab._hold(late)
    assert not late.stopped
    lab.stop()
    assert late.stopped


@pytest.mark.parametrize("method", ["_rows", "_settings", "_measure", "_receive", "_draw", "_describe"])
def test_a_lab_that_forgets_a_method_says_which(method):
    Forgetful = type("Forgetful", (Counter,), {method: getattr(Lab, method)})
    with pytest.raises(NotImplementedError, match="Forgetful must .{3,}"):
        Forgetful().run(block=True)


def test_text_from_elsewhere_is_not_taken_for_html():
    lab = Counter()
    lab.fail_at, lab.failure = 1, TaskFailedError("<script>1</script>\n<b>more</b>")
    lab.run()
    assert lab.wait(5) and "&lt;script&gt;" in lab._message.value and "<b>more" not in lab._message.value


# ── chunk sizes as they are typed ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "typed", ["²", "４", "١٢", "0x10", "-3", "0", "1e3", "4.0", "1_000", "+4", "4 4", "9" * 12, "1001"]
)
def test_what_is_no_chunk_size_is_told(typed):
    control = chunk_control(None)
    control.value = typed
    with pytest.raises(InvalidArgumentError, match=r"^Chunk size must be auto or a whole number from 1 to 1,000, not "):
        read_chunk(control, 1000)


@pytest.mark.parametrize(("typed", "chunksize"), [("", None), (" Auto ", None), (" 4 ", 4), ("007", 7), ("1000", 1000)])
def test_what_is_a_chunk_size_is_taken(typed, chunksize):
    control = chunk_control(None)
    control.value = typed
    assert read_chunk(control, 1000) == chunksize


# ── defects of a lab itself ──────────────────────────────────────────────────────────────────

#: What can break, and how far it had measured when it did: drawing is no reason to stop measuring.
DEFECTS = {"_advice": 3, "_draw": 3, "_describe": 3, "_is_news": 3, "_receive": None}


@pytest.mark.parametrize("raised", [KeyError("mine"), HelpersError("mine"), SystemExit("mine"), GeneratorExit("mine")])
@pytest.mark.parametrize("method", DEFECTS)
def test_a_defect_is_told_never_green_and_loses_no_result(method, raised):
    def fail(*_):
        raise raised

    lab = Counter()
    setattr(lab, method, fail)
    lab.run()
    assert lab.wait(5) and not lab.running and lab.result == DEFECTS[method]
    named = not isinstance(raised, HelpersError)  # an error of this package is told by its sentence alone
    assert "mine" in lab._message.value and (type(raised).__name__ in lab._message.value) is named
    assert lab._progress.bar_style == "warning" and lab._progress_label.value.endswith(" – failed")
    assert (lab._run_button.disabled, lab._stop_button.disabled) == (False, True)
    with pytest.raises(type(raised) if isinstance(raised, Exception) else HelpersError, match="mine"):
        lab.run(block=True)
    delattr(lab, method)
    assert lab.run(block=True) == 3 and lab._progress.bar_style == "success" and lab.error is None


def test_settings_that_cannot_be_read_are_told_and_nothing_starts():
    lab = Counter()
    lab._settings = lambda: int("²")
    lab.run()
    assert "ValueError" in lab._message.value and not lab.running and not lab._run_button.disabled
    with pytest.raises(ValueError, match="²"):
        lab.run(block=True)


def test_a_last_picture_that_cannot_be_drawn_is_told_too():
    lab = Counter()
    show = lab._show_picture
    lab._show_picture = lambda scale: 1 / 0 if scale == REST_SCALE else show(scale)
    with pytest.raises(ZeroDivisionError):
        lab.run(block=True)
    assert lab.result == 3 and lab._progress.bar_style == "warning" and "ZeroDivisionError" in lab._message.value
    assert lab._progress_label.value == "3 of 3 – failed"


def test_a_picture_that_a_control_asks_for_and_that_cannot_be_drawn_is_told():
    lab = Counter()
    lab._draw = lambda: 1 / 0
    lab._redraw()
    assert "ZeroDivisionError" in lab._message.value


def test_where_no_thread_can_be_had_nothing_seems_to_run(monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    lab = Counter()
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="new thread"):
        patch.setattr(threading.Thread, "start", refuse)
        lab.run()
    assert not lab.running and not lab._run_button.disabled and "RuntimeError" in lab._message.value
    assert lab.run(block=True) == 3


# ── a picture that takes longer than Stop waits ──────────────────────────────────────────────


class Slow(Counter):
    """Its first picture that `takes_longer` waits until it is `let_go`."""

    def __init__(self):
        self.takes_longer = lambda: False
        self.drawing, self.let_go = threading.Event(), threading.Event()
        super().__init__()

    def _draw(self):
        if self.takes_longer():
            self.takes_longer = lambda: False
            self.drawing.set()
            assert self.let_go.wait(20)
        return super()._draw()


@contextmanager
def picture_that_takes_longer(monkeypatch, when):
    """Give a Slow lab that was stopped in a picture, the first for which ``when(lab)``; then let it go on."""
    for module in ("base", "turns"):
        monkeypatch.setattr(f"helpers.labs.{module}.STOP_DEADLINE", 0.2)
    lab = Slow()
    lab.takes_longer = lambda: when(lab)
    lab.run()
    assert lab.drawing.wait(10)
    turn = lab._turn
    try:
        yield lab
    finally:
        lab.let_go.set()
        assert turn.wait(10)


def seen_of(lab):
    controls = lab._progress, lab._progress_label, lab._message, lab._extra
    values = [control.value for control in controls]
    pressable = lab._run_button.disabled, lab._stop_button.disabled
    return *values, lab._progress.bar_style, pressable, lab._picture, lab.result, lab.error, lab.running


@pytest.mark.parametrize("when", ["running", "over"])
def test_the_end_of_an_old_run_changes_nothing_of_a_new_one(monkeypatch, when):
    moments = {"running": lambda lab: lab.result == 1, "over": lambda lab: lab.result == 3 and not lab.running}
    with picture_that_takes_longer(monkeypatch, moments[when]) as lab:
        old = lab._turn
        lab._receive = lambda record: (Counter._receive(lab, record), setattr(lab, "result", 10 * record))
        assert lab.run(block=True) == 30
        lab._say("of the new run")
        before = seen_of(lab)
        lab.let_go.set()
        assert old.wait(10) and seen_of(lab) == before and old.result in (None, 3)


def test_the_end_of_an_old_run_leaves_a_new_one_running(monkeypatch):
    with picture_that_takes_longer(monkeypatch, lambda lab: lab.result == 1) as lab:
        old, go_on = lab._turn, threading.Event()
        lab._measure = lambda *_: (number for number in (1, 2) if number == 1 or go_on.wait(10))
        lab.run()
        lab.let_go.set()
        assert old.wait(10) and lab.running and (lab._run_button.disabled, lab._stop_button.disabled) == (True, False)
        go_on.set()
        assert lab.wait(10) and lab.result == 2 and lab._progress.bar_style == "success"


def test_after_stop_run_can_be_pressed_though_a_picture_takes_longer(monkeypatch):
    with picture_that_takes_longer(monkeypatch, lambda lab: lab.result == 1) as lab:
        lab._stop_button.click()
        assert not lab.running and (lab._run_button.disabled, lab._stop_button.disabled) == (False, True)
        assert lab._progress.bar_style == "warning" and lab._progress_label.value == "1 of 3 – stopped"
        lab.let_go.set()
        assert lab.wait(10) and lab.result == 1 and lab._picture.alt == "counted to 1"
        assert pixels_of(lab._picture) == lab.width * REST_SCALE, "no other run began: the last picture is drawn"


def pixels_of(picture):
    return int.from_bytes(picture.data[16:20])


def test_an_error_of_an_old_run_is_not_told_of_the_new_one(monkeypatch):
    with picture_that_takes_longer(monkeypatch, lambda lab: lab.result == 1) as lab:
        old, draw = lab._turn, lab._draw
        lab._describe = lambda: 1 / 0 if threading.current_thread() is old.thread else "fine"
        assert lab.run(block=True) == 3
        lab.let_go.set()
        assert old.wait(10) and isinstance(old.error, ZeroDivisionError)
        assert lab.error is None and lab._progress.bar_style == "success" and "Error" not in lab._message.value
        assert lab._draw == draw


def test_bad_values_are_told_though_a_picture_of_the_last_run_takes_longer(monkeypatch):
    with picture_that_takes_longer(monkeypatch, lambda lab: lab.result == 3 and not lab.running) as lab:
        old = lab._turn
        lab._settings = lambda: read_chunk(type("typed", (), {"value": "²"}), 10)
        lab.run()
        lab.let_go.set()
        assert old.wait(10) and "Chunk size must be" in lab._message.value and not lab.running


def test_a_picture_begun_anew_shares_nothing_that_is_drawn():
    class Line(MovingPicture):
        guess = 3

        def frame(self, record):
            return 0

        def build(self, figure, record):
            self.line = self.keep(figure.add_axes((0, 0, 1, 1)).plot([0, 1], [0, 1])[0])

        def move(self, record):
            return [self.line]

    old = Line()
    old.guess = 5
    old.png(0)
    new = old.anew()
    new.png(0)
    assert new.guess == 5 and new.line is not old.line and new._live is not old._live and old._kept == [old.line]
