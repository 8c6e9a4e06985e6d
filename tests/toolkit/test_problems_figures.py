"""What is said of pairs that have a problem: table, files, picture, advice, lab. From records written by hand."""

import json
from dataclasses import replace

import pytest
from handmade import make_run, make_sweep, make_timeline, rounds

from helpers import plots
from helpers.errors import (
    HelpersError,
    InvalidArgumentError,
    NotPicklableError,
    ResultsDifferError,
    TaskFailedError,
    WorkerDiedError,
)
from helpers.labs import SpeedupLab
from helpers.measure import Progress
from helpers.measure.problems import allow_seconds, load_error, set_back, set_back_runner
from helpers.measure.sweeps import introduce
from helpers.models import advise, fit_usl, parallel_pairs
from helpers.records import Failure, Problem, Sweep, list_problems
from helpers.tasks import wait

FAILED = Problem("threads", 4, 2, "failed", "threads × 4 fails on item 1, which is 'b': ValueError: no.", 1, "'b'")
LATE = Problem("processes", 8, 0, "late", "processes × 8 took more than 90 s, 45 times the serial loop: it was ended.")
DIFFERS = Problem("pool", 2, 1, "differs", "pool × 2 gave 3 for item 0, which is 7; the serial loop gave 2.", 0, "7")

#: Serial loop 4 s. Threads 2 s and, with four, 1 s until they failed; processes 2.5 s.
WALLS = {
    ("serial", 1): rounds(4, 4, 4, warmup=4),
    ("threads", 2): rounds(2, 2, 2, warmup=2),
    ("threads", 4): rounds(1, warmup=1),
    ("processes", 2): rounds(2.5, 2.5, 2.5, warmup=2.5),
}


def sweep_with(*problems, walls=WALLS, **facts):
    return replace(make_sweep(walls, **facts), problems=problems)


def by_gid(ax, gid):
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


# ── the record ───────────────────────────────────────────────────────────────────────────────


def test_a_pair_with_a_problem_has_no_figures():
    sweep = sweep_with(FAILED)
    assert sweep.pairs() == [("serial", 1), ("threads", 2), ("processes", 2)]
    assert parallel_pairs(sweep) == (("threads", 2), ("processes", 2))
    for figure in (sweep.speedup, sweep.wall, sweep.last_run):
        with pytest.raises(InvalidArgumentError, match="no figures: threads × 4 fails on item 1, which is 'b'"):
            figure("threads", 4)
    assert sweep.badges("threads", 4) == sweep.doubts("threads", 4) == ("fails on item 1",)
    assert sweep.problem("threads", 4) is FAILED and sweep.problem("threads", 2) is None
    assert [run.round for run in sweep.runs_of("threads", 4, warmup=True)] == [0, 1], "what it ran is kept"
    assert len(sweep.to_frame()) == len(sweep.runs) == 14


def test_the_table_has_a_row_and_a_sentence_for_each_problem():
    lines = str(sweep_with(FAILED, LATE)).splitlines()
    assert [line.split("  ")[-1].strip() for line in lines if "no figures" in line] == [
        "no figures: fails on item 1",
        "no figures: took too long",
    ]
    assert [line.split("×")[0].strip() for line in lines[1:6]] == [
        "serial",
        "threads",
        "threads",
        "processes",
        "processes",
    ]
    assert [line.strip() for line in lines[-2:]] == [FAILED.reason, LATE.reason]


def test_files_keep_problems_and_older_files_have_none(tmp_path):
    sweep = sweep_with(FAILED, LATE)
    path = sweep.to_json(tmp_path / "sweep.json")
    again = Sweep.from_json(path)
    assert again.problems == (FAILED, LATE) and str(again) == str(sweep)
    plain = json.loads(path.read_text())
    assert plain["format"] == 1
    del plain["problems"]
    path.write_text(json.dumps(plain))
    assert Sweep.from_json(path).problems == () and len(Sweep.from_json(path).runs) == len(sweep.runs)


@pytest.mark.parametrize("problems", [[1], [{}], [{"engine": "pool"}], 3, [{"engines": "pool"}]])
def test_files_with_something_else_for_problems_are_refused(problems, tmp_path):
    path = tmp_path / "no.json"
    path.write_text(json.dumps({**sweep_with().to_dict(), "problems": problems}))
    with pytest.raises(InvalidArgumentError, match=r"no\.json"):
        Sweep.from_json(path)


def test_problems_in_a_few_words():
    four = replace(DIFFERS, n_workers=4)
    said = ["threads × 4 (fails on item 1)", "pool × 2 and 4 (other results: item 0)", "processes × 8 (took too long)"]
    assert list_problems([FAILED, four, DIFFERS, LATE]) == said
    assert Problem("pool", 1, 0, "of a newer version", "It did.").what == "could not be run"


# ── reasons ──────────────────────────────────────────────────────────────────────────────────


def failed(index, item, error_type, message):
    failures = {index: Failure(index, item, error_type, message, "")}
    return TaskFailedError("The function failed", failures=failures, index=index, item=item)


LONG = "word " * 100
REASONS = {
    "failed": (failed(1, "'b'", "ValueError", "no"), "fails on item 1, which is 'b': ValueError: no."),
    "failed in many lines": (
        failed(0, "'a'", "KeyError", "one\n  two!"),
        "fails on item 0, which is 'a': KeyError: one two!",
    ),
    "unsendable": (
        failed(1, "'b'", "NotPicklableError", "a lock"),
        "cannot send back the result of item 1, which is 'b': it cannot be pickled.",
    ),
    "unsendable item": (
        NotPicklableError("no", index=1, item="'b'"),
        "cannot be given item 1, which is 'b': it cannot be pickled.",
    ),
    "differs": (
        ResultsDifferError("they differ", index=0, serial="1", parallel="2"),
        "gave 2 for item 0, which is 'a'; the serial loop gave 1.",
    ),
    "died": (
        WorkerDiedError("it ended", exitcode=-9, last_task=1),
        "lost a worker process at item 1, which is 'b': killed by SIGKILL: the system does this when memory runs out.",
    ),
    "died anywhere": (WorkerDiedError("it ended", exitcode=3), "lost a worker process at an item: exit code 3."),
    "unable": (HelpersError("64 threads could not be started."), "could not be run: 64 threads could not be started."),
    "unable by a foreign error": (
        OSError(24, "too many files"),
        "could not be run: OSError: [Errno 24] too many files.",
    ),
    "unable by a mute exit": (SystemExit(3), "could not be run: SystemExit: 3."),
}


@pytest.mark.parametrize("name", REASONS)
def test_the_reason_is_one_sentence_with_pair_and_item(name):
    error, said = REASONS[name]
    problem, _ = setback = set_back(error, (2, "pool", 4), ["a", "b"])
    assert problem.reason == f"pool × 4 {said}" and problem.kind == name.split()[0]
    assert (problem.pair, problem.round) == (("pool", 4), 2)
    assert problem.item == {0: "'a'", 1: "'b'", None: None}[problem.index]
    if isinstance(error, Exception):
        assert type(load_error(setback)) is type(error) and str(load_error(setback)) == str(error)
    else:
        assert type(load_error(setback)) is HelpersError and str(load_error(setback)) == "SystemExit: 3"


def test_a_reason_has_no_paths_of_this_machine_and_an_end():
    inside = failed(0, "'a'", "OSError", f"{plots.__file__} {LONG}")
    reason = set_back(inside, (0, "threads", 2), ["a"]).problem.reason
    assert "OSError: helpers/plots/__init__.py word" in reason and reason.endswith(" …") and len(reason) < 230


def test_an_error_that_cannot_travel_leaves_its_words():
    error = TaskFailedError(
        "It failed on item 0.", results=[lambda: 1], failures={0: Failure(0, "1", "E", "m", "")}, index=0
    )
    problem, _ = setback = set_back(error, (0, "threads", 2), [1])
    assert problem.kind == "failed" and isinstance(load_error(setback), HelpersError)
    assert str(load_error(setback)) == "TaskFailedError: It failed on item 0."


def test_a_deadline_and_a_death_of_the_runner_are_told():
    late = set_back_runner(TimeoutError("late"), (1, "threads", 4), 30.0, 1.5).problem
    assert (
        late.reason == "threads × 4 took more than 30 s, 20 times the serial loop: it was ended."
        and late.kind == "late"
    )
    given = set_back_runner(TimeoutError("late"), (1, "threads", 4), 5).problem
    assert given.reason == "threads × 4 took more than 5 s, its deadline: it was ended."
    died = set_back_runner(WorkerDiedError("it ended", exitcode=3, last_task=1), (1, "threads", 4)).problem
    assert died.reason == "threads × 4 ended the process that it ran in: exit code 3." and died.index is None
    odd = set_back_runner(HelpersError("What came back cannot be read"), (1, "pool", 4)).problem
    assert (odd.kind, odd.reason) == ("unable", "pool × 4 could not be run: What came back cannot be read.")


@pytest.mark.parametrize(
    ("engine", "serial_wall", "n_items", "chunksize", "seconds"),
    [
        ("serial", 0.1, 10, None, 30),  # at least 30 s
        ("threads", 0.1, 10, None, 30),
        ("threads", 5, 10, None, 100),  # 20 × 5 s
        ("serial", 5, 1_000_000, None, 100),  # one chunk
        ("processes", 0.1, 10, None, 90),  # and 60 s to come up
        ("interpreters", 5, 10, None, 160),
        ("pool", 0.5, 1_000_000, 1, 2060),  # 1,000,000 chunks × 2 ms and 60 s
        ("pool", 0.5, 1_000_000, None, 90),  # 16 chunks
    ],
)
def test_the_deadline_that_nobody_gave(engine, serial_wall, n_items, chunksize, seconds):
    assert allow_seconds(engine, 4, serial_wall, n_items, chunksize) == seconds


def test_a_fresh_process_begins_with_visits_that_are_not_counted():
    # the pool's next visit is in round 1: its fork server is up before; that of the processes is a warm-up itself
    to_come = [
        (0, "processes", 4),
        (1, "threads", 2),
        (1, "pool", 4),
        (1, "serial", 1),
        (1, "processes", 2),
        (1, "pool", 2),
    ]
    assert introduce(to_come) == [(0, "serial", 1), (1, "pool", 4)]
    assert sorted(introduce(to_come[1:])) == [(0, "serial", 1), (1, "pool", 4), (1, "processes", 2)]
    assert introduce([(2, "threads", 2)]) == [(0, "serial", 1)]


# ── advice ───────────────────────────────────────────────────────────────────────────────────


def test_threads_are_not_advised_where_some_of_them_fail():
    # threads × 2 are best of all that has figures, 4 / 2 = 2, but what fails with four is not safe with two
    advice = advise(sweep_with(FAILED))
    assert (advice.engine, advice.n_workers) == ("processes", 2) and advice.evidence.median == 1.6
    said = "4 threads fail on item 1 ('b'): the function is not safe in threads; processes are."
    assert advice.reason.startswith("Use 2 processes: 1.60") and advice.reason.endswith(f" {said}")


def test_of_other_engines_the_pairs_without_a_problem_are_advised():
    # the pool is best with four, 4 / 1 = 4, but died there; with two it is 4 / 1.9 = 2.1
    walls = {**WALLS, ("pool", 4): rounds(1, 1, warmup=1), ("pool", 2): rounds(1.9, 1.9, 1.9)}
    died = Problem("pool", 4, 3, "died", "pool × 4 lost a worker process.", 3, "9")
    advice = advise(sweep_with(died, FAILED, walls=walls))
    assert (advice.engine, advice.n_workers) == ("pool", 2)
    assert "4 pool workers ended by themselves on item 3 (9): look for memory that runs out" in advice.reason
    assert "the function is not safe in threads; pool workers and processes are." in advice.reason


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (DIFFERS, "2 pool workers give other results on item 0 (7): a result depends on more than its item"),
        (LATE, "8 processes took too long and were ended: look for tasks that wait for each other"),
        (
            replace(DIFFERS, engine="threads"),
            "2 threads give other results on item 0 (7): the function is not safe in threads",
        ),
        (
            replace(FAILED, n_workers=1),
            "1 thread fails on item 1 ('b'): the function does not work outside the main thread.",
        ),
        (
            replace(FAILED, engine="pool"),
            "4 pool workers fail on item 1 ('b'): the function needs something that its own",
        ),
        (replace(LATE, engine="threads"), "8 threads took too long and were ended: look for"),
        (
            Problem("threads", 64, 0, "unable", "threads × 64 could not be run: no."),
            "threads × 64 could not be run: no.",
        ),
    ],
)
def test_advice_says_what_a_problem_means(problem, said):
    assert f" {said}" in advise(sweep_with(problem)).reason


def test_threads_that_could_not_be_started_spoil_no_other_threads():
    unable = Problem("threads", 64, 0, "unable", "threads × 64 could not be run: no.")
    advice = advise(sweep_with(unable, walls={**WALLS, ("threads", 4): rounds(1, 1, 1)}))
    assert (advice.engine, advice.n_workers) == ("threads", 4) and advice.reason.endswith(unable.reason)


def test_without_any_pair_that_has_no_problem_there_is_no_advice_but_the_reason():
    walls = {pair: WALLS[pair] for pair in [("serial", 1), ("threads", 4)]}
    advice = advise(sweep_with(FAILED, walls=walls))
    assert advice.engine == "serial" and advice.evidence is None
    assert advice.reason.startswith(
        "Stay serial for now: nothing with two or more workers was measured without a problem. 4"
    )


def test_a_pair_with_a_problem_is_in_no_fit():
    walls = {("serial", 1): rounds(8, 8, 8), **{("pool", n): rounds(*[8 / n] * 3) for n in (1, 2, 3, 4, 8)}}
    sweep = sweep_with(Problem("pool", 8, 3, "died", "It died."), walls=walls)
    assert fit_usl(sweep).largest_measured == 4


# ── pictures ─────────────────────────────────────────────────────────────────────────────────


def test_points_of_a_pair_with_a_problem_are_not_drawn_and_a_line_under_the_axes_names_it():
    ax = plots.plot_speedup(sweep_with(FAILED), n_workers=(1, 2, 4))
    assert by_gid(ax, "threads within")[0].get_xydata().tolist() == [[2, 2]]
    (note,) = by_gid(ax, "problems")
    assert note.get_text() == "left out: threads × 4 (fails on item 1)"
    note.figure.canvas.draw()
    assert note.get_window_extent().y1 < ax.xaxis.label.get_window_extent().y0 < ax.bbox.y0
    assert not by_gid(plots.plot_speedup(sweep_with()), "problems")


def test_a_pair_that_failed_in_the_warm_up_has_no_provisional_point():
    walls = {("serial", 1): {0: 4.0}, ("threads", 2): {0: 2.0}, ("threads", 4): {0: 1.0}}
    assert plots.provisional_points(sweep_with(FAILED, walls=walls)) == {"threads": [(2, 2.0)]}


@pytest.mark.parametrize(
    ("problems", "line"),
    [
        ((DIFFERS,), "left out: pool × 2 (other results: item 0)"),
        ((LATE, DIFFERS), "left out: processes × 8 (took too long), pool × 2"),
        ((LATE, FAILED, DIFFERS), "left out: processes × 8 (took too long), threads × 4, pool × 2"),
    ],
)
def test_the_line_under_the_axes_says_as_much_as_there_is_room_for(problems, line):
    ax = plots.draw_speedup_card(sweep_with(*problems), None).axes[0]
    (note,) = by_gid(ax, "problems")
    assert note.get_text() == line
    many = [replace(LATE, engine=f"engine number {k}") for k in range(30)]
    (note,) = by_gid(plots.draw_speedup_card(sweep_with(*many), None).axes[0], "problems")
    assert note.get_text().endswith(" more")
    note.figure.canvas.draw()
    assert note.get_window_extent().x1 <= note.axes.bbox.x1


def test_the_alt_text_names_what_is_left_out():
    said = plots.describe_speedup(sweep_with(FAILED, LATE))
    assert said.startswith("threads: 2.0 times") and said.endswith(
        "; left out: threads × 4 (fails on item 1), processes × 8 (took too long)."
    )
    only = {pair: {0: 4.0} for pair in [("serial", 1), ("threads", 4)]}
    assert plots.describe_speedup(sweep_with(FAILED, walls=only)) == (
        "Speedup over the serial loop: warming up, no round counts yet; left out: threads × 4 (fails on item 1)."
    )


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_the_timeline_of_a_problem_says_why_it_was_not_measured():
    ax = plots.plot_timeline(FAILED)
    assert "Not measured: 4 threads" in words(ax) and FAILED.reason in words(ax)
    narrow = plots.draw_speedup_card(sweep_with(replace(FAILED, reason=LONG)), None).axes[1]
    (note,) = by_gid(narrow, "note")
    narrow.figure.canvas.draw()
    box = note.get_window_extent()
    assert (
        narrow.bbox.x0 <= box.x0 and box.x1 <= narrow.bbox.x1 and narrow.bbox.y0 <= box.y0 and box.y1 <= narrow.bbox.y1
    )


def test_the_card_shows_the_problem_until_there_is_a_parallel_run():
    line = make_timeline([(0, 0.0, 1.0)])
    serial, pool = make_run(timeline=line), make_run("pool", 1, timeline=line)
    for run, title in [
        (None, "Not measured: 4 threads"),
        (serial, "Not measured: 4 threads"),
        (pool, "Who ran what: 1 pool worker, last run"),
    ]:
        assert title in words(plots.draw_speedup_card(sweep_with(FAILED), run).axes[1])
    assert "Who ran what: the serial loop, last run" in words(plots.draw_speedup_card(sweep_with(), serial).axes[1])


def test_the_bars_of_where_the_time_went_leave_out_pairs_with_a_problem():
    names = [label.get_text() for label in plots.plot_accounting(sweep_with(FAILED)).get_yticklabels()]
    assert names == ["serial loop", "2 threads", "2 processes"]


# ── the lab ──────────────────────────────────────────────────────────────────────────────────


def test_the_lab_shows_a_problem_at_once_and_its_pair_no_more():
    lab = SpeedupLab(wait.wait_ms, [1] * 4, n_workers=(1, 2))
    line = make_timeline([(0, 0.0, 1.0)])
    two, four = make_run("threads", 2, timeline=line), make_run("threads", 4, timeline=line)
    good = replace(make_sweep({("serial", 1): {0: 4.0}}), runs=(make_run(round=0, wall=4.0, timeline=line), two, four))
    bad = replace(good, problems=(FAILED,))
    lab._receive(Progress(0, 9, None, None, make_sweep({})))
    lab._is_news()
    lab._receive(Progress(3, 9, 6.0, four, good))
    lab._is_news()
    assert lab._last_run is four
    lab._receive(Progress(7, 9, 2.0, None, bad, FAILED))
    assert lab._is_news() and lab._last_run is two and "threads × 4 fails on item 1" in lab._message.value
    assert (lab._progress.value, lab._progress.max) == (7, 9)
    assert "left out: threads × 4" in lab._describe() and "4 threads fail on item 1" in lab._advice()
    lab._receive(Progress(7, 9, 2.0, None, replace(bad, problems=(FAILED, replace(FAILED, n_workers=2))), FAILED))
    assert lab._last_run.engine == "serial"
