"""The laws, their fit, and the advice: each against data whose answer is known."""

import pickle

import numpy as np
import pytest

from helpers.errors import InvalidArgumentError, NotEnoughPointsError
from helpers.models import advise, amdahl, fit_amdahl, fit_usl, gustafson, karp_flatt, parallel_pairs, starved_counts
from helpers.records import Accounting, Run, Sweep


def usl(scale, sigma, kappa):
    return lambda n: scale * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))


def make_run(engine, n, round, wall, *, startup=0.0, cpu_share=1.0, cpu=None, spent=None, warmup=False):
    spent = spent or {"working": n * wall}
    accounting = Accounting(startup=n * startup, **spent)
    cpu = accounting.working * cpu_share if cpu is None else cpu
    return Run(engine, n, None, 4, round, startup, wall, cpu, 16, accounting, warmup=warmup)


def make_sweep(laws, counts, *, rounds=5, serial=1.0, noise=0.0, seed=0, usable_cpus=64, **more):
    """A sweep in which engine `e` on n workers is laws[e](n) times as fast as the serial loop."""
    random = np.random.default_rng(seed)
    runs = []
    for number in range(rounds + 1):
        slow = 1 + noise * random.standard_normal()
        share = more.get("cpu_share", 1.0)
        runs.append(make_run("serial", 1, number, serial * slow, cpu_share=share, warmup=number == 0))
        for engine, law in laws.items():
            for n in counts:
                wall = serial * slow * (1 + noise * random.standard_normal()) / law(n)
                runs.append(make_run(engine, n, number, wall, warmup=number == 0, **more))
    return Sweep("work", 16, tuple(runs), {"usable_cpus": usable_cpus})


COUNTS = (1, 2, 3, 4, 6, 8)


def test_amdahl_stays_below_the_inverse_of_the_serial_fraction():
    assert amdahl(1, 0.3) == 1
    assert 9.99 < amdahl(1_000_000, 0.1) < 10
    assert np.allclose(amdahl(np.array([1, 2]), 0.5), [1, 4 / 3])


def test_gustafson_grows_without_bound():
    assert gustafson(101, 0.5) == 51


def test_karp_flatt_finds_the_fraction_amdahl_was_given():
    for n in (2, 5, 64):
        assert karp_flatt(amdahl(n, 0.07), n) == pytest.approx(0.07)


@pytest.mark.parametrize(
    "call",
    [
        lambda: amdahl(0, 0.1),
        lambda: amdahl(2, 1.1),
        lambda: gustafson(2, -0.1),
        lambda: karp_flatt(2, 1),
        lambda: karp_flatt(0, 2),
    ],
)
def test_laws_refuse_values_out_of_range(call):
    with pytest.raises(InvalidArgumentError, match="must be|needs"):
        call()


@pytest.mark.parametrize("truth", [(1, 0.05, 0.002), (0.9, 0.0, 0.01), (1.1, 0.3, 0.0), (0.7, 0, 0), (1, 1, 1)])
def test_usl_recovers_exact_coefficients(truth):
    fit = fit_usl(make_sweep({"processes": usl(*truth)}, COUNTS))
    found = [fit.scale.median, fit.serial_fraction.median, fit.coherency.median]
    assert found == pytest.approx(truth, abs=1e-9)
    assert fit.law == "USL" and fit.n_points == 6 and fit.largest_measured == 8
    assert fit.speedup(5) == pytest.approx(usl(*truth)(5))


def test_data_without_coherency_loss_gives_exactly_zero_and_no_peak():
    fit = fit_usl(make_sweep({"pool": usl(1, 0.1, 0)}, COUNTS))
    assert fit.coherency.median == 0 == fit.coherency.low
    assert fit.peak_workers is None
    for sigma in np.linspace(0.01, 0.9, 40):
        assert fit_usl(make_sweep({"pool": usl(1, sigma, 0)}, COUNTS), n_draws=0).coherency.median == 0


def test_peak_is_where_the_curve_is_highest():
    law = usl(1, 0.05, 0.01)
    fit = fit_usl(make_sweep({"processes": law}, COUNTS))
    assert fit.peak_workers == pytest.approx((0.95 / 0.01) ** 0.5)
    assert law(fit.peak_workers) > max(law(fit.peak_workers * 0.99), law(fit.peak_workers * 1.01))


def test_noisy_data_never_give_negative_coefficients():
    for seed in range(10):
        fit = fit_usl(make_sweep({"processes": usl(1, 0.02, 0)}, COUNTS, noise=0.05, seed=seed))
        assert min(fit.serial_fraction.low, fit.coherency.low, fit.scale.low) >= 0


@pytest.mark.parametrize("weights", ["absolute", "relative"])
def test_fit_is_the_least_of_all_allowed_coefficients(weights):
    sweep = make_sweep({"processes": usl(1, 0.08, 0.004)}, COUNTS, noise=0.05, seed=3)
    fit = fit_usl(sweep, weights=weights)
    n = np.array(COUNTS, float)
    measured = np.array([sweep.speedup("processes", k).median for k in COUNTS])

    def loss(*coefficients):
        law = usl(*coefficients)(n)
        return ((measured - law) ** 2).sum() if weights == "absolute" else ((1 - measured / law) ** 2).sum()

    best = np.array([fit.scale.median, fit.serial_fraction.median, fit.coherency.median])
    random = np.random.default_rng(0)
    assert all(loss(*best) <= loss(*np.maximum(best + random.normal(0, 0.01, 3), 0)) + 1e-12 for _ in range(300))


def test_intervals_contain_the_truth_for_most_noisy_sweeps():
    truth = np.array([0.98, 0.06, 0.004])
    inside = np.zeros(3)
    for seed in range(30):
        fit = fit_usl(make_sweep({"processes": usl(*truth)}, COUNTS, rounds=15, noise=0.03, seed=seed))
        estimates = (fit.scale, fit.serial_fraction, fit.coherency)
        inside += [e.low <= t <= e.high for e, t in zip(estimates, truth, strict=True)]
        assert all(e.low <= e.median <= e.high for e in estimates)
    assert (inside >= 24).all(), inside


def test_no_interval_below_three_rounds_or_without_draws():
    law = {"processes": usl(1, 0.1, 0)}
    few = fit_usl(make_sweep(law, COUNTS, rounds=2))
    assert few.serial_fraction.low is None and few.serial_fraction.n_rounds == 2
    assert fit_usl(make_sweep(law, COUNTS), n_draws=0).scale.high is None


def test_the_same_sweep_gives_the_same_interval():
    sweep = make_sweep({"processes": usl(1, 0.1, 0.01)}, COUNTS, noise=0.05)
    assert fit_usl(sweep) == fit_usl(sweep)


def test_amdahl_fit_recovers_the_serial_fraction_and_holds_coherency_at_zero():
    fit = fit_amdahl(make_sweep({"processes": usl(0.9, 0.2, 0)}, COUNTS))
    assert (fit.law, fit.coherency.median) == ("Amdahl", 0)
    assert fit.serial_fraction.median == pytest.approx(0.2) and fit.scale.median == pytest.approx(0.9)
    bent = fit_amdahl(make_sweep({"processes": usl(1, 0.1, 0.05)}, COUNTS))
    assert bent.coherency.median == 0 and bent.serial_fraction.median > 0.2


def test_three_worker_counts_are_not_enough():
    with pytest.raises(NotEnoughPointsError, match=r"needs 4 .* 3 worker counts \(1, 2, 4\).*n_workers=\("):
        fit_usl(make_sweep({"processes": usl(1, 0.1, 0)}, (1, 2, 4)))


def test_an_empty_sweep_has_no_points():
    with pytest.raises(NotEnoughPointsError, match="has 0 worker counts"):
        fit_usl(Sweep("work", 16, (), {}))


def test_an_engine_that_was_not_measured_is_named():
    sweep = make_sweep({"processes": usl(1, 0.1, 0)}, COUNTS)
    for engine in ("pool", "serial"):
        with pytest.raises(InvalidArgumentError, match=f"{engine}.*measured: processes"):
            fit_usl(sweep, engine)


def test_without_an_engine_the_best_is_fitted():
    sweep = make_sweep({"threads": usl(1, 1, 0), "pool": usl(1, 0.1, 0), "processes": usl(1, 0.2, 0)}, COUNTS)
    assert fit_usl(sweep).serial_fraction.median == pytest.approx(0.1)
    assert fit_usl(sweep, "threads").serial_fraction.median == pytest.approx(1)


def test_cpu_starved_points_do_not_enter_the_fit():
    law = usl(1, 0.05, 0)
    sweep = make_sweep({"processes": lambda n: law(min(n, 4))}, (1, 2, 3, 4, 6, 8), usable_cpus=4)
    assert starved_counts(sweep, "processes") == {6, 8}
    fit = fit_usl(sweep)
    assert (fit.n_points, fit.largest_measured) == (4, 4)
    assert fit.serial_fraction.median == pytest.approx(0.05) and fit.coherency.median == 0


def test_starved_runs_whose_own_cpu_share_is_halved_are_still_left_out():
    # eight computing workers on four CPUs: each task waits half its time for a CPU
    runs = []
    for number in range(4):
        runs.append(make_run("serial", 1, number, 8.0, warmup=number == 0))
        runs += [
            make_run("processes", n, number, 8.0 / min(n, 4), cpu=8.0, warmup=number == 0) for n in (1, 2, 3, 4, 8)
        ]
    assert starved_counts(Sweep("work", 16, tuple(runs), {"usable_cpus": 4}), "processes") == {8}


def test_waiting_work_keeps_its_points_beyond_the_cpus():
    sweep = make_sweep({"threads": usl(1, 0.01, 0)}, COUNTS, usable_cpus=2, cpu_share=0.02)
    assert fit_usl(sweep).n_points == 6


def test_too_few_points_within_the_cpus_are_explained():
    sweep = make_sweep({"processes": usl(1, 0, 0)}, (1, 2, 3, 4), usable_cpus=2)
    with pytest.raises(NotEnoughPointsError, match=r"2 worker counts \(1, 2\), after leaving out 3, 4.*2 usable CPUs"):
        fit_usl(sweep)


def test_only_counted_rounds_with_a_serial_loop_make_a_pair():
    runs = (
        make_run("serial", 1, 1, 1.0),
        make_run("pool", 2, 1, 1.0, warmup=True),
        make_run("pool", 3, 2, 1.0),
        make_run("pool", 4, 1, 1.0),
    )
    assert parallel_pairs(Sweep("work", 16, runs, {})) == (("pool", 4),)


# advise


def test_advice_is_the_fewest_workers_within_five_per_cent_and_quotes_its_figures():
    speeds = {1: 0.9, 2: 1.9, 4: 3.82, 6: 3.9, 8: 4.0}
    sweep = make_sweep({"processes": speeds.get}, (1, 2, 4, 6, 8), serial=2.0)
    advice = advise(sweep)
    assert (advice.engine, advice.n_workers, advice.chunksize) == ("processes", 4, 4)
    assert advice.evidence == sweep.speedup("processes", 4)
    assert "4 processes: 3.82 (3.82 to 3.82) times the serial loop, saving 1.48 s of 2 s" in advice.reason
    assert "Hardly better: 8 processes at 4.00 (4.00 to 4.00) and 1 more setting." in advice.reason
    pickle.loads(pickle.dumps(advice))


def test_of_two_engines_as_good_the_smaller_count_wins_then_the_simpler_engine():
    sweep = make_sweep({"pool": lambda n: 1.0 * n, "threads": lambda n: 0.98 * n}, (2,), serial=1.0)
    runs = tuple(Run(**{**vars(r), "startup": 0.3 if r.engine == "pool" else 0.0}) for r in sweep.runs)
    assert advise(Sweep("work", 16, runs, {})).engine == "threads"
    fewer = make_sweep({"pool": {2: 1.0, 3: 2.9}.get, "threads": {2: 2.85, 3: 2.0}.get}, (2, 3))
    assert (advise(fewer).engine, advise(fewer).n_workers) == ("threads", 2)


def test_start_up_that_eats_the_gain_is_told():
    advice = advise(make_sweep({"processes": usl(1, 0, 0)}, (1, 2), serial=0.1, startup=0.2))
    assert (advice.engine, advice.n_workers) == ("processes", 2)
    assert "only if the workers stay open" in advice.reason
    assert "0.40 (0.40 to 0.40) with their start-up of 200 ms" in advice.reason


def test_stay_serial_below_three_rounds():
    advice = advise(make_sweep({"processes": usl(1, 0, 0)}, (2,), rounds=2))
    assert (advice.engine, advice.n_workers, advice.chunksize) == ("serial", 1, None)
    assert "2 rounds" in advice.reason and "at least 3" in advice.reason
    assert advice.evidence.median == pytest.approx(2)


@pytest.mark.parametrize(
    "sweep", [Sweep("work", 16, (), {}), make_sweep({}, ()), make_sweep({"pool": usl(1, 0, 0)}, (1,))]
)
def test_stay_serial_where_nothing_parallel_was_measured(sweep):
    advice = advise(sweep)
    assert advice.engine == "serial" and advice.evidence is None
    assert "n_workers=2 or more" in advice.reason


def test_stay_serial_where_the_interval_includes_one():
    advice = advise(make_sweep({"processes": lambda n: 1.0}, (2, 4), noise=0.01))
    assert advice.engine == "serial"
    assert advice.evidence.low <= 1 <= advice.evidence.high
    assert "does not beat" in advice.reason and f"{advice.evidence.median:.2f}" in advice.reason


def test_noisy_figures_are_called_undecided_and_no_cause_is_made_up():
    sweep = make_sweep({"processes": lambda n: 1.01}, (2, 4), noise=0.2)
    advice = advise(sweep)
    assert (
        advice.engine == "serial"
        and "Undecided" in advice.reason
        and "in doubt" in advice.reason
        and "since" not in advice.reason
    )
    assert sweep.doubts("processes", 2) and "wide interval" in sweep.badges("processes", 2)


def test_a_speedup_beyond_the_workers_is_mistrusted():
    assert any("mistrust" in badge for badge in make_sweep({"threads": lambda n: 3.0}, (2,)).doubts("threads", 2))
    assert not make_sweep({"threads": lambda n: 2.0}, (2,)).doubts("threads", 2)


def why(engine="processes", n=2, usable_cpus=4, serial=1.0, environment=(), **run):
    """The reason for staying serial, of a pair that is half as fast as the serial loop."""
    runs = []
    for number in range(1, 4):
        runs += [make_run("serial", 1, number, serial), make_run(engine, n, number, 2 * serial, **run)]
    advice = advise(Sweep("work", 16, tuple(runs), {"usable_cpus": usable_cpus, **dict(environment)}))
    assert (
        advice.engine == "serial"
        and "is slower than the serial loop, at 0.50 (0.50 to 0.50) times its speed, since" in advice.reason
    )
    return advice.reason


def test_staying_serial_is_explained_by_the_largest_loss():
    assert "75 % of the workers' time goes into sending" in why(spent={"transfer": 3.0, "working": 1.0})
    assert "idle tail" in why(spent={"idle_tail": 2.0, "waiting": 1.0, "working": 1.0})
    assert "waiting for the next item" in why(spent={"idle_tail": 1.0, "waiting": 2.0, "working": 1.0})
    assert "the same tasks take 4.0 times as long" in why(spent={"working": 4.0})


def test_staying_serial_for_the_gil_the_cpus_and_tiny_work_is_explained():
    assert "used 1.0 CPUs, the GIL" in why("threads", cpu=2.0, spent={"working": 4.0})
    assert "this machine offers 1 usable CPU" in why(usable_cpus=1)
    assert "8 workers share 4 usable CPUs" in why(n=8)
    assert "the whole loop takes 500 µs" in why(serial=0.0005)


def test_a_python_without_a_gil_does_not_blame_it():
    said = why("threads", cpu=2.0, spent={"working": 4.0}, environment={"gil_enabled": False})
    assert "the same tasks take 4.0 times as long" in said and "GIL" not in said


def test_every_reason_is_one_sentence():
    for sweep in (
        make_sweep({"pool": usl(1, 0, 0)}, (2, 4)),
        make_sweep({"pool": usl(0.4, 0, 0)}, (2,)),
        make_sweep({}, ()),
    ):
        reason = str(advise(sweep))
        assert reason.endswith(".") and ". " not in reason
