"""The pictures, asked for what they show: artists, labels and boxes instead of pixels."""

import io
import subprocess
import sys
from array import array
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from helpers import plots
from helpers.models import fit_usl
from helpers.plots import timeline
from helpers.plots.drawing import new_figure
from helpers.plots.labels import Labels
from helpers.records import Accounting, Problem, Run, Sweep, Timeline

pytestmark = pytest.mark.any_python


def make_timeline(n_workers, n_tasks, startup, wall, seed=0):
    """Tasks of uneven length, back to back in each worker, rows in mixed order."""
    random = np.random.default_rng(seed)
    worker = np.arange(n_tasks) % n_workers
    start, stop = np.empty(n_tasks), np.empty(n_tasks)
    for lane in range(min(n_workers, n_tasks)):
        took = random.uniform(0.5, 1.5, (worker == lane).sum())
        ends = startup + np.cumsum(took) / took.sum() * wall * (0.9 if lane % 2 else 1.0)
        start[worker == lane], stop[worker == lane] = np.concatenate([[startup], ends[:-1]]), ends
    order = random.permutation(n_tasks)
    columns = [("H", worker), ("d", start), ("d", start), ("d", stop), ("f", stop - start)]
    return Timeline(*(array(code, column[order].astype(code).tobytes()) for code, column in columns))


def make_run(engine, n, round=1, wall=1.0, startup=0.1, *, n_tasks=None, warmup=False, cpu_share=1.0):
    accounting = Accounting(n * startup, 0.031 * n * wall, 0.013 * n * wall, 0.88 * n * wall, 0.076 * n * wall)
    timeline = make_timeline(n, n_tasks, startup, wall) if n_tasks else None
    return Run(
        engine,
        n,
        None,
        1,
        round,
        startup,
        wall,
        accounting.working * cpu_share,
        n_tasks or 16,
        accounting,
        warmup=warmup,
        timeline=timeline,
    )


def make_sweep(laws, counts, *, rounds=5, serial=2.0, startup=0.05, noise=0.02, usable_cpus=4, cpu_share=1.0):
    random = np.random.default_rng(1)
    runs = []
    for number in range(rounds + 1):
        runs.append(make_run("serial", 1, number, serial, 0.0, warmup=number == 0, cpu_share=cpu_share))
        for engine, law in laws.items():
            for n in counts:
                wall = serial * (1 + noise * random.standard_normal()) / law(n)
                runs.append(make_run(engine, n, number, wall, startup, warmup=number == 0, cpu_share=cpu_share))
    return Sweep("work", 16, tuple(runs), {"usable_cpus": usable_cpus})


def part_of(sweep, n_runs):
    """The sweep as it was when only its first runs were done."""
    return Sweep(sweep.function, sweep.n_items, sweep.runs[:n_runs], sweep.environment, complete=False)


def usl(sigma, kappa=0.0, scale=1.0):
    return lambda n: scale * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))


FOUR = {
    "threads": lambda n: 1.0,
    "processes": usl(0.05, 0.002),
    "pool": usl(0.06, 0.003),
    "multiprocess": usl(0.1, 0.003, 0.95),
}
COUNTS = (1, 2, 3, 4, 6, 8)
CASES = {
    "four engines": lambda: (make_sweep(FOUR, COUNTS), make_run("processes", 4, n_tasks=64), {"guess": (6, 5)}),
    "two cpus": lambda: (
        make_sweep({"threads": lambda n: 1.0, "processes": lambda n: min(n, 2)}, (1, 2, 3, 4), usable_cpus=2),
        make_run("processes", 4, n_tasks=16),
        {"guess": (4, 3.5)},
    ),
    "one point": lambda: (
        make_sweep({"pool": usl(0.1)}, (2,), rounds=1),
        make_run("pool", 2, n_tasks=8),
        {"n_workers": (1, 2, 4, 8)},
    ),
    "one count": lambda: (make_sweep({"pool": usl(0.1)}, (2,)), None, {}),
    "warm-up only": lambda: (
        make_sweep({"pool": usl(0.1)}, (2,), rounds=0),
        make_run("pool", 2, n_tasks=8, warmup=True),
        {},
    ),
    "warm-up of four": lambda: (make_sweep(FOUR, COUNTS, rounds=0), None, {"n_workers": COUNTS, "guess": (6, 5)}),
    "warm-up and counted": lambda: (
        part_of(make_sweep(FOUR, COUNTS, rounds=1), 35),
        make_run("processes", 4, n_tasks=64),
        {"n_workers": COUNTS},
    ),
    "nothing": lambda: (None, None, {"n_workers": (1, 2, 3, 4), "cpus": 2, "guess": (2, 1.5)}),
    "empty sweep": lambda: (Sweep("work", 0, (), {}), None, {}),
    "64 workers": lambda: (
        make_sweep({"processes": usl(0.05)}, (1, 2, 4, 8, 16, 32, 64), usable_cpus=64),
        make_run("processes", 64, n_tasks=640),
        {},
    ),
    "slower": lambda: (
        make_sweep(
            {"threads": lambda n: 0.1, "processes": lambda n: 0.09, "pool": lambda n: 0.08}, (1, 2, 4), usable_cpus=2
        ),
        make_run("pool", 2, n_tasks=9),
        {},
    ),
    "waiting": lambda: (
        make_sweep({"threads": usl(0.01), "processes": usl(0.02)}, (1, 2, 4, 8, 16), usable_cpus=2, cpu_share=0.01),
        make_run("threads", 16, n_tasks=64),
        {"guess": (16, 4)},
    ),
    "serial run": lambda: (
        make_sweep({"threads": usl(0.01)}, (1, 2)),
        make_run("serial", 1, startup=0.0, n_tasks=5),
        {},
    ),
    "problems": lambda: (
        replace(make_sweep(FOUR, (1, 2)), problems=tuple(Problem(e, 4, 0, "failed", "It fails.", 1) for e in FOUR)),
        None,
        {"n_workers": COUNTS},
    ),
    "in doubt": lambda: (
        make_sweep(FOUR, (1, 2), rounds=3, noise=0.5),
        make_run("processes", 2, n_tasks=16),
        {"n_workers": COUNTS},
    ),
    "problems and doubts": lambda: (
        replace(
            make_sweep(FOUR, (1, 2), rounds=3, noise=0.5),
            problems=tuple(Problem(e, 4, 0, "failed", "It fails.", 1) for e in FOUR),
        ),
        None,
        {"n_workers": COUNTS},
    ),
    "half a cpu": lambda: (make_sweep({"threads": lambda n: 1.0}, (1, 2), usable_cpus=0.5), None, {}),
}


def by_gid(ax, gid):
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


def texts(ax):
    return [text.get_text() for text in ax.texts] + [ax.get_xlabel(), ax.get_ylabel()]


def boxes(artists, figure):
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [artist.get_window_extent(renderer) for artist in artists]


def shown_texts(ax):
    """All texts that are drawn; ticks outside the limits are not."""
    ticks = [
        label
        for axis in (ax.xaxis, ax.yaxis)
        for place, label in zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
        if min(axis.get_view_interval()) <= place <= max(axis.get_view_interval())
    ]
    return [text for text in [*ax.texts, ax.xaxis.label, ax.yaxis.label, *ticks] if text.get_text()]


@pytest.fixture(params=CASES)
def card(request):
    sweep, run, options = CASES[request.param]()
    figure = plots.draw_speedup_card(sweep, run, **options)
    figure.canvas.draw()
    return figure


def test_every_text_lies_within_the_card(card):
    page = card.bbox
    for ax in card.axes:
        for text in shown_texts(ax):
            box = text.get_window_extent(card.canvas.get_renderer())
            assert box.x0 >= 0 and box.x1 <= page.x1 and box.y0 >= 0 and box.y1 <= page.y1, text.get_text()


def test_titles_and_grey_lines_fit_the_width_of_their_axes(card):
    for ax in card.axes:
        for text in by_gid(ax, "title") + by_gid(ax, "how"):
            assert text.get_window_extent(card.canvas.get_renderer()).x1 <= ax.bbox.x1 + 1, text.get_text()


def test_no_two_texts_overlap(card):
    renderer = card.canvas.get_renderer()
    found = []
    for text in [text for ax in card.axes for text in shown_texts(ax)]:
        # of the text alone: an annotation's own extent holds its leader line as well
        found.append((text.get_text(), Text.get_window_extent(text, renderer)))
    for k, (name, box) in enumerate(found):
        for other_name, other in found[k + 1 :]:
            width = min(box.x1, other.x1) - max(box.x0, other.x0)
            height = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert width <= 1 or height <= 1.5, (name, other_name, width, height)


def test_data_and_labels_lie_within_the_axes(card):
    left = card.axes[0]
    (x0, x1), (y0, y1) = left.get_xlim(), left.get_ylim()
    for line in left.lines:
        if line.get_gid() == "law" or not len(line.get_xdata()):
            continue
        x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
        assert ((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)).all(), line.get_gid()
    for text in by_gid(left, "label"):
        box = text.get_window_extent(card.canvas.get_renderer())
        assert box.x0 >= left.bbox.x0 - 1 and box.x1 <= left.bbox.x1 + 1, text.get_text()
    assert y0 == 0


def test_the_speedup_plot_says_what_is_seen_how_and_in_which_units():
    ax = plots.plot_speedup(make_sweep({"processes": usl(0.05, 0.002)}, COUNTS, usable_cpus=8))
    assert {"Speedup over the serial loop", "workers", "times the serial loop", "ideal", "processes"} <= set(texts(ax))
    how = by_gid(ax, "how")[0].get_text()
    assert "median of 5 rounds with 95 % interval" in how and "dashed: law fitted to processes" in how
    assert list(ax.get_xticks()) == list(COUNTS)
    assert ax.get_legend() is None


def test_below_three_rounds_the_grey_line_says_that_there_is_no_interval():
    ax = plots.plot_speedup(make_sweep({"processes": usl(0.05)}, (1, 2), rounds=2))
    assert "median of 2 rounds, no interval below 3 rounds" in by_gid(ax, "how")[0].get_text()
    assert not by_gid(ax, "processes intervals")


def test_error_bars_are_the_interval_of_the_estimate():
    sweep = make_sweep({"processes": usl(0.05)}, (1, 2))
    segments = by_gid(plots.plot_speedup(sweep), "processes intervals")[0].get_segments()
    estimate = sweep.speedup("processes", 2)
    assert segments[1].tolist() == [[2, pytest.approx(estimate.low)], [2, pytest.approx(estimate.high)]]


def test_points_beyond_the_cpus_are_hollow_and_the_area_is_named():
    ax = plots.plot_speedup(make_sweep({"processes": usl(0.05)}, COUNTS), cpus=4)
    within, beyond = by_gid(ax, "processes within")[0], by_gid(ax, "processes beyond")[0]
    assert list(within.get_xdata()) == [1, 2, 3, 4] and list(beyond.get_xdata()) == [6, 8]
    assert beyond.get_markerfacecolor() == "white" != within.get_markerfacecolor()
    assert "more workers than CPUs (4)" in texts(ax)
    assert by_gid(ax, "beyond")[0].get_extents().x0 == pytest.approx(ax.transData.transform((4.5, 0))[0])


def test_within_the_cpus_nothing_is_hollow_or_shaded():
    ax = plots.plot_speedup(make_sweep({"processes": usl(0.05)}, COUNTS, usable_cpus=8))
    assert not by_gid(ax, "processes beyond") and not by_gid(ax, "beyond")


def test_every_engine_has_its_own_colour_and_marker():
    assert set(plots.COLOURS) == set(plots.MARKERS)
    assert len(set(plots.COLOURS.values())) == len(plots.COLOURS) == len(set(plots.MARKERS.values()))
    ax = plots.plot_speedup(make_sweep(FOUR, COUNTS))
    drawn = {engine: by_gid(ax, f"{engine} within")[0] for engine in FOUR}
    assert {engine: (line.get_color(), line.get_marker()) for engine, line in drawn.items()} == {
        engine: (plots.COLOURS[engine], plots.MARKERS[engine]) for engine in FOUR
    }


def test_an_engine_without_a_colour_of_its_own_is_drawn_too():
    assert "quantum" in texts(plots.plot_speedup(make_sweep({"quantum": usl(0)}, (1, 2))))


def test_start_up_is_labelled_only_where_it_shows():
    assert "with start-up" in texts(plots.plot_speedup(make_sweep({"pool": usl(0.1)}, (1, 2, 4), startup=0.5)))
    ax = plots.plot_speedup(make_sweep({"pool": usl(0.1)}, (1, 2, 4), startup=0.0001))
    assert "with start-up" not in texts(ax) and by_gid(ax, "pool cold")


CROWDED = {"threads": lambda n: 1.0, "processes": usl(0.3), "pool": usl(0.32), "multiprocess": usl(0.34)}


@pytest.mark.parametrize("startup", [0.02, 0.2, 1.0])
@pytest.mark.parametrize("width", [0.422, 0.91])
def test_labels_at_the_right_stand_beside_their_own_line(startup, width):
    ax = new_figure().add_axes((0.05, 0.185, width, 0.64))
    plots.plot_speedup(make_sweep(CROWDED, (1, 2, 3, 4), startup=startup), ax)
    ax.figure.canvas.draw()
    labels = [label for label in by_gid(ax, "label") if label.get_text() in CROWDED or "start-up" in label.get_text()]
    assert len(labels) >= 4 + (3 if startup > 0.1 else 0)
    # in the order of the ends of their lines: then no thin line that leads to one crosses another
    found = sorted((Text.get_window_extent(label).y0, label.xy[1], label) for label in labels)
    ends = [end for _, end, _ in found]
    assert ends == sorted(ends)
    assert len({label.xy[0] for label in labels}) == 1
    for (*_, label), (above, *_) in zip(found, found[1:], strict=False):
        assert Text.get_window_extent(label).y1 <= above + 1.5, label.get_text()  # none covers the next
    for y0, end, label in found:  # moved away from its line, a thin one leads there
        middle = (y0 + Text.get_window_extent(label).y1) / 2
        moved = abs(middle - ax.transData.transform((0, end))[1]) * 72 / 100
        assert moved <= 5 or label.arrow_patch is not None, label.get_text()


def test_a_label_that_has_room_stands_at_its_line():
    ax = plots.plot_speedup(make_sweep({"threads": lambda n: 1.0, "pool": usl(0.0)}, (1, 2, 3, 4), startup=0.0))
    ax.figure.canvas.draw()
    for label in by_gid(ax, "label"):
        box, end = Text.get_window_extent(label), ax.transData.transform(label.xy)[1]
        assert abs((box.y0 + box.y1) / 2 - end) < 4 and label.arrow_patch is None, label.get_text()


@pytest.mark.parametrize("crossing", [0.62, 0.72, None])
def test_no_curve_crosses_the_name_of_the_ideal(crossing):
    ax = new_figure().add_axes((0.1, 0.1, 0.8, 0.8))
    ax.set_xlim(0, 10)
    ax.set_ylim(0, 10)
    labels = Labels(ax)
    labels.add_ideal(9)
    if crossing is not None:  # a curve straight up through the ideal, at that share of it
        labels.avoid([1 + 8 * crossing] * 2, [0, 10])
    labels.place()
    (name,) = by_gid(ax, "ideal label")
    place = (name.xy[0] - 1) / 8
    assert place == pytest.approx({0.62: 0.72, 0.72: 0.62, None: 0.62}[crossing]), "on the line, where it is free"
    assert name.xy[0] == name.xy[1]


def test_the_grey_line_names_every_kind_of_line_that_is_drawn():
    sweep = make_sweep(FOUR, (1, 2, 3, 4), startup=0.2)
    ax = plots.plot_speedup(sweep)
    how = by_gid(ax, "how")[0].get_text()
    assert "thin: with start-up" in how and "dashed: law fitted to processes" in how
    assert "ideal" in texts(ax) and set(FOUR) <= set(texts(ax))
    ax = plots.plot_speedup(make_sweep(FOUR, (1, 2), startup=0.0))
    how = by_gid(ax, "how")[0].get_text()
    assert "thin" not in how and "dashed" not in how and not by_gid(ax, "law")


def test_the_guess_is_an_open_diamond_with_its_name():
    ax = plots.plot_speedup(None, guess=(3, 2.5))
    diamond = by_gid(ax, "guess")[0]
    assert (diamond.get_marker(), diamond.get_markerfacecolor()) == ("D", "white")
    assert diamond.get_xydata().tolist() == [[3, 2.5]] and "your guess" in texts(ax)


def test_a_guess_that_moves_is_drawn_alone_and_the_picture_is_the_same_as_one_drawn_anew(monkeypatch):
    sweep, card = make_sweep(FOUR, (1, 2, 3, 4)), plots.SpeedupCard()
    built, build = [], plots.SpeedupCard.build
    monkeypatch.setattr(plots.SpeedupCard, "build", lambda *args: built.append(1) or build(*args))
    pictures = [card.png((sweep, None, guess, (1, 2, 3, 4), 4)) for guess in (None, (4, 1.0), (4, 2.5), None)]
    assert len(built) == 1 and len(set(pictures)) == 3 and pictures[0] == pictures[3]
    assert pictures[2] == plots.SpeedupCard().png((sweep, None, (4, 2.5), (1, 2, 3, 4), 4))
    built.clear()
    for tenths in range(10, 81):  # from the axes' height to about twice that: 4.1, 6.2, 9.3
        card.png((sweep, None, (4, tenths / 10), (1, 2, 3, 4), 4))
    assert len(built) == 2 and card.ax.get_ylim()[1] > 8


def what_is_shown(figure):
    """All that the texts, lines and boxes of a card say, whatever the limits are."""
    shown = []
    for ax in figure.axes:
        said = {(text.get_gid(), text.get_text()) for text in ax.texts}
        lines = {(line.get_gid(), line.get_zorder(), line.get_xydata().tobytes()) for line in ax.lines}
        kinds = sorted(boxes.get_gid() for boxes in ax.collections)
        shown.append((said, {line for line in lines if line[0] != "ideal"}, kinds, ax.get_xlabel(), ax.get_ylabel()))
    return shown


@pytest.mark.parametrize("name", CASES)
def test_the_live_card_shows_what_the_card_at_rest_shows(name):
    sweep, run, options = CASES[name]()
    counts = options.get("n_workers") or sorted({run.n_workers for run in sweep.runs}) or (1, 2)
    record = sweep, run, options.get("guess"), counts, options.get("cpus")
    live = plots.LiveSpeedupCard()
    live.png((None, None, None, (1, 2), 4))  # it showed something else before
    assert what_is_shown(live.still(record)) == what_is_shown(plots.SpeedupCard().still(record))


def test_while_a_sweep_grows_the_axes_of_its_live_card_are_drawn_once(monkeypatch):
    full, card = make_sweep(FOUR, (1, 2, 3, 4)), plots.LiveSpeedupCard()
    built, build = [], plots.LiveSpeedupCard.build
    monkeypatch.setattr(plots.LiveSpeedupCard, "build", lambda *args: built.append(1) or build(*args))
    walls = [1.0, 1.2, 0.7, 1.05]  # the lanes end at 1.25 x (0.1 + 1.0) s
    pictures = []
    for k, wall in enumerate(walls):
        run = make_run("processes", 4, wall=wall, n_tasks=16)
        pictures.append(card.png((part_of(full, 20 + 20 * k), run, (4, 3.5), (1, 2, 3, 4), 4)))
    assert len(built) == 1 and len(set(pictures)) == 4
    assert card.axes[1].get_xlim()[1] == pytest.approx(1.02 * 1.375)
    anew = plots.LiveSpeedupCard()
    anew.png((full, make_run("processes", 4, n_tasks=16), None, (1, 2, 3, 4), 4))
    assert anew.png((part_of(full, 80), run, (4, 3.5), (1, 2, 3, 4), 4)) == pictures[-1], "no frame leaves a trace"
    for run, ends in [
        (make_run("processes", 4, wall=1.3, n_tasks=16), 1.02 * 1.75),  # 1.4 s do not fit into 1.375 s
        (make_run("processes", 4, wall=0.7, n_tasks=16), 1.02 * 1.0),  # 0.8 s are less than half of 1.75 s
        (make_run("processes", 2, wall=0.7, n_tasks=16), 1.02 * 1.0),  # other lanes
    ]:
        card.png((full, run, None, (1, 2, 3, 4), 4))
        assert card.axes[1].get_xlim()[1] == pytest.approx(ends)
    assert len(built) == 5, "one of them that of the card begun anew"
    card.png((full, None, (4, 5), (1, 2, 3, 4), 4))
    assert len(built) == 6 and card.axes[0].get_ylim()[1] > 5.4


def test_the_law_is_never_drawn_beyond_twice_the_largest_count_it_was_fitted_to():
    counts = (1, 2, 3, 4, 16)
    sweep = make_sweep({"processes": lambda n: usl(0.05)(min(n, 4))}, counts, usable_cpus=4)
    assert fit_usl(sweep).largest_measured == 4
    ax = plots.plot_speedup(sweep)
    assert by_gid(ax, "law")[0].get_xdata().max() == 8
    assert "up to 4 workers" in by_gid(ax, "how")[0].get_text()


def test_without_enough_points_no_law_is_drawn_and_the_reason_given():
    ax = plots.plot_speedup(make_sweep({"processes": usl(0.05)}, (1, 2, 3, 4), usable_cpus=2))
    assert (
        not by_gid(ax, "law")
        and "no law fitted: that takes 4 worker counts within the CPUs" in by_gid(ax, "how")[0].get_text()
    )
    ax = plots.plot_speedup(make_sweep({"processes": usl(0.05)}, COUNTS), fit=False)
    assert not by_gid(ax, "law") and "law" not in by_gid(ax, "how")[0].get_text()


def test_axes_stay_where_they_are_while_points_come_in():
    full = make_sweep({"processes": lambda n: 0.9 * min(n, 4)}, COUNTS)
    limits = set()
    for k in range(0, len(full.runs) + 1, 5):
        ax = plots.plot_speedup(part_of(full, k), n_workers=COUNTS, cpus=4)
        limits.add((ax.get_xlim(), ax.get_ylim(), tuple(ax.get_xticks())))
    assert len(limits) == 1


@pytest.mark.parametrize("sweep", [None, Sweep("work", 0, (), {})])
def test_without_a_measurement_the_axes_and_the_ideal_are_there(sweep):
    ax = plots.plot_speedup(sweep, n_workers=(1, 2, 4))
    assert "no measurement yet" in texts(ax) and by_gid(ax, "ideal") and list(ax.get_xticks()) == [1, 2, 4]


# timeline


def spans_of(ax, gid):
    return np.array(
        [
            (path.vertices[:, 0].min(), path.vertices[:, 0].max(), path.vertices[:, 1].mean())
            for path in by_gid(ax, gid)[0].get_paths()
        ]
    )


def test_the_timeline_shows_each_task_in_the_lane_of_its_worker():
    run = make_run("processes", 4, n_tasks=40)
    ax = plots.plot_timeline(run)
    spans, line = spans_of(ax, "tasks"), run.timeline
    assert len(spans) == 40
    expected = sorted((w, s, e) for w, s, e in zip(line.worker, line.started, line.finished, strict=True))
    found = sorted(
        (round(float(np.mean(path.vertices[[0, 2], 1]))), path.vertices[0, 0], path.vertices[2, 0])
        for path in by_gid(ax, "tasks")[0].get_paths()
    )
    assert np.allclose(found, expected, atol=0.003)
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "worker 1 is on top"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["worker 1", "worker 2", "worker 3", "worker 4"]


def test_neighbouring_tasks_differ_in_shade():
    run = make_run("processes", 1, n_tasks=6)
    colours = by_gid(plots.plot_timeline(run), "tasks")[0].get_facecolor()
    assert (colours[:-1] != colours[1:]).any(axis=1).all()


def test_start_up_is_grey_and_the_idle_tail_hatched_to_the_end_of_the_run():
    run = make_run("processes", 4, n_tasks=40)
    ax = plots.plot_timeline(run)
    assert spans_of(ax, "startup")[:, :2].tolist() == [[0, 0.1]] * 4
    tails = by_gid(ax, "idle tail")[0]
    assert tails.get_hatch() and len(tails.get_paths()) == 2  # every other lane ends early
    assert np.allclose(spans_of(ax, "idle tail")[:, 1], run.cold_wall)


def test_a_worker_without_a_task_is_idle_from_start_up_to_end():
    ax = plots.plot_timeline(make_run("pool", 3, n_tasks=2))
    tail = spans_of(ax, "idle tail")[-1]
    assert tail[:2].tolist() == pytest.approx([0.1, 1.1]) and round(tail[2]) == 2


def test_the_timeline_says_who_and_where_the_time_went():
    ax = plots.plot_timeline(make_run("processes", 4, n_tasks=40))
    said = texts(ax)
    assert "Who ran what: 4 processes, last run" in said and "seconds since the workers were asked for" in said
    how = by_gid(ax, "how")[0].get_text()
    assert "working 80 %" in how and "of 4 workers × 1.1 s" in how
    assert sum(int(part.split()[-2]) for part in how.replace("\n", " · ").split(" · ") if part.endswith("%")) == 100


@pytest.mark.parametrize(
    "engine, n, title",
    [
        ("serial", 1, "the serial loop"),
        ("threads", 1, "1 thread"),
        ("pool", 2, "2 pool workers"),
        ("interpreters", 3, "3 interpreters"),
        ("dask", 2, "2 dask workers"),
    ],
)
def test_titles_in_good_words(engine, n, title):
    assert f"Who ran what: {title}, warm-up run" in texts(
        plots.plot_timeline(make_run(engine, n, n_tasks=4, warmup=True))
    )


def test_shares_are_rounded_to_one_hundred():
    for working, transfer in ((1.0, 2.0), (1, 1), (5, 0.004), (0.335, 0.33)):
        run = Run("pool", 1, None, 1, 1, 0, 1, 1, 1, Accounting(transfer, transfer, 0.0, working, 0.33))
        assert sum(plots.round_shares(run).values()) == 100
    assert sum(plots.round_shares(Run("pool", 1, None, 1, 1, 0, 1, 1, 1, Accounting())).values()) == 0


def test_a_million_tasks_are_merged_into_few_stripes():
    run = make_run("pool", 4, n_tasks=1_000_000)
    ax = plots.plot_timeline(run)
    drawn = by_gid(ax, "tasks")[0]
    assert 100 < len(drawn.get_paths()) <= timeline.MAX_STRIPES
    assert len(ax.get_children()) < 60
    assert "each stripe is many tasks" in by_gid(ax, "how")[0].get_text()
    spans = spans_of(ax, "tasks")
    covered = (spans[:, 1] - spans[:, 0]).sum()
    assert covered == pytest.approx(3.8, rel=0.01), "back-to-back tasks stay covered"
    assert (drawn.get_facecolor()[:-1] != drawn.get_facecolor()[1:]).any(axis=1).mean() > 0.95


def test_merging_keeps_a_gap_that_can_be_seen():
    started = np.concatenate([np.linspace(0.1, 0.4, 3011, endpoint=False), np.linspace(0.7, 1.0, 2989, endpoint=False)])
    columns = [np.zeros(6000), started, started, started + 0.0001, started]
    timeline = Timeline(*(array(code, c.astype(code).tobytes()) for code, c in zip("Hdddf", columns, strict=True)))
    run = Run("pool", 1, None, 1, 1, 0.1, 0.9, 1, 6000, Accounting(0.1, 0.3, 0, 0.6, 0), timeline=timeline)
    spans = spans_of(plots.plot_timeline(run), "tasks")
    assert not ((spans[:, 0] < 0.55) & (spans[:, 1] > 0.55)).any()


def test_few_tasks_are_never_merged():
    ax = plots.plot_timeline(make_run("pool", 2, n_tasks=600))
    assert len(by_gid(ax, "tasks")[0].get_paths()) == 600 and "stripe" not in by_gid(ax, "how")[0].get_text()


def test_many_lanes_keep_apart_and_their_tick_labels_are_thinned():
    figure = plots.draw_speedup_card(None, make_run("processes", 64, n_tasks=6400))
    figure.canvas.draw()
    ax = figure.axes[1]
    assert len(by_gid(ax, "tasks")[0].get_paths()) <= timeline.MAX_STRIPES + 64
    labels = boxes([t for t in ax.get_yticklabels() if t.get_text()], figure)
    assert 8 < len(labels) < 30
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in zip(labels, labels[1:], strict=False))


def test_tasks_that_never_ran_are_left_out():
    never = float("nan")
    timeline = Timeline(
        array("H", [0, 0]), array("d", [0, 0]), array("d", [0.1, never]), array("d", [0.5, never]), array("f", [0, 0])
    )
    ax = plots.plot_timeline(
        Run("pool", 1, None, 1, 1, 0.1, 0.9, 1, 2, Accounting(0.1, 0, 0, 0.4, 0.5), timeline=timeline)
    )
    assert len(by_gid(ax, "tasks")[0].get_paths()) == 1


def test_no_run_and_no_timeline_give_a_card_that_says_so():
    assert "no run yet" in texts(plots.plot_timeline(None))
    assert "the timeline of this run was not kept" in texts(plots.plot_timeline(make_run("pool", 2)))


# accounting, card, png, alt text


def test_accounting_bars_fill_one_hundred_per_cent_and_are_labelled():
    sweep = make_sweep({"processes": usl(0.05)}, (1, 2), startup=0.5)
    ax = plots.plot_accounting(sweep)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["serial loop", "1 process", "2 processes"]
    total = sum((spans_of(ax, name)[:, 1] - spans_of(ax, name)[:, 0]).sum() for name in timeline.SHARES)
    assert total == pytest.approx(300)
    said = texts(ax)
    assert any(text.startswith("working ") for text in said) and any(text.startswith("start-up ") for text in said)
    hatches = {by_gid(ax, name)[0].get_hatch() for name in ("transfer", "waiting", "idle_tail")}
    assert len(hatches) == 3 and None not in hatches


def test_accounting_takes_single_runs_and_none():
    ax = plots.plot_accounting([make_run("pool", 2), make_run("threads", 4)])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["2 pool workers", "4 threads"]
    assert "no run yet" in texts(plots.plot_accounting([]))


def test_accounting_of_many_pairs_grows_instead_of_crowding():
    figure = plots.plot_accounting(make_sweep(FOUR, COUNTS)).figure
    figure.canvas.draw()
    labels = boxes(figure.axes[0].get_yticklabels(), figure)
    assert figure.get_size_inches()[1] > 6
    assert len(labels) == 25 and all(upper.y0 >= lower.y1 for upper, lower in zip(labels, labels[1:], strict=False))


def test_the_png_has_always_the_same_size():
    sizes = {
        imread(io.BytesIO(plots.figure_png(plots.draw_speedup_card(sweep, run, **options)))).shape[:2]
        for sweep, run, options in (CASES[name]() for name in ("four engines", "nothing", "64 workers"))
    }
    assert sizes == {(700, 1800)}
    figure = plots.draw_speedup_card(None, None)
    assert imread(io.BytesIO(plots.figure_png(figure, scale=1))).shape[:2] == (350, 900)
    assert figure.dpi == 100


def test_the_card_is_white_at_any_rcparams():
    import matplotlib

    with matplotlib.rc_context(
        {
            "figure.facecolor": "black",
            "axes.facecolor": "black",
            "savefig.facecolor": "black",
            "savefig.bbox": "tight",
            "axes.grid": True,
            "text.color": "white",
            "font.family": "serif",
            "xtick.color": "white",
        }
    ):
        pixels = imread(io.BytesIO(plots.figure_png(plots.draw_speedup_card(*CASES["two cpus"]()[:2]), scale=1)))
    reference = imread(io.BytesIO(plots.figure_png(plots.draw_speedup_card(*CASES["two cpus"]()[:2]), scale=1)))
    assert pixels.shape == reference.shape and np.abs(pixels - reference).max() < 0.01


def test_pictures_can_be_drawn_into_axes_of_the_readers_own():
    figure = Figure()
    ax = figure.subplots()
    assert plots.plot_speedup(make_sweep(FOUR, COUNTS), ax) is ax
    assert plots.plot_timeline(make_run("pool", 2, n_tasks=4), figure.subplots()) in figure.axes
    assert any(isinstance(child, PolyCollection) for child in figure.axes[-1].get_children())


def test_alt_text_is_the_message_in_one_sentence():
    sweep = make_sweep({"threads": lambda n: 1.0, "processes": lambda n: 0.8 * n}, (1, 2, 4), noise=0)
    assert plots.describe_speedup(sweep) == "processes: 3.2 times the serial loop at 4 workers; threads: 1.0 at 1."
    assert (
        plots.describe_speedup(make_sweep({"pool": lambda n: 0.123}, (2,), noise=0))
        == "pool: 0.12 times the serial loop at 2 workers."
    )
    assert plots.describe_speedup(None) == "Speedup over the serial loop: no measurement yet."
    assert "warming up" in plots.describe_speedup(make_sweep({"pool": usl(0)}, (2,), rounds=0))


def test_drawing_imports_neither_pyplot_nor_widgets():
    code = (
        "import sys; from helpers import plots; plots.figure_png(plots.draw_speedup_card(None, None));"
        "print([m for m in ('matplotlib.pyplot', 'pandas', 'ipywidgets', 'IPython') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
