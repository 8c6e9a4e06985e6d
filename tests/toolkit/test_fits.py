"""Fits against published ones, against coefficients that are known, and where there is no law: by hand-made curves."""

import pickle

import numpy as np
import pytest
from handmade import make_sweep, rounds

from helpers.errors import InvalidArgumentError, NoLawError, NotEnoughPointsError
from helpers.models import fit_points, fit_usl, overhead, usl
from helpers.models.fits import BEYOND_IDEAL, BLURRED, DISPUTED
from helpers.models.least_squares import solve, spread, t_quantile

RAYTRACER = (1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64), (20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310)
#: counts, throughputs, and γ, σ, κ as printed: SPEC SDM 91 and the ray tracer with the R package usl, the rounded curve
#: in its tests, and the benchmark of B. Schwartz, "Practical Scalability Analysis", 2015, which usl4j tests too.
PUBLISHED = {
    "specsdm91": (
        (1, 18, 36, 72, 108, 144, 216),
        (64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2),
        ("89.9952", "0.0277285", "0.0001044"),
    ),
    "raytracer": (*RAYTRACER, ("21.849", "0.05777", "0")),
    "raytracer, first six": (RAYTRACER[0][:6], RAYTRACER[1][:6], ("20.856", "0.02444", "0.00163")),
    "synthetic": ((1, 2, 4, 6, 8, 10), (1, 1.8868, 3.0769, 3.5294, 3.5398, 3.3557), ("1", "0.02", "0.02")),
    "Cisco": (
        range(1, 33),
        (
            *(955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61, 8278.71, 8646.7),
            *(9047.84, 9426.55, 9645.37, 9897.24, 10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63, 11806),
            *(12089.37, 12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39),
        ),
        ("995.649", "0.026716", "0.000769"),
    ),
}


def fit_published(name, **how):
    n, y, _ = PUBLISHED[name]
    return fit_points(list(n), list(y), **how)


def coefficients(fit):
    return fit.scale.median, fit.serial_fraction.median, fit.coherency.median


def printed_as(value, text):
    """Whether `value` is `text` once it is rounded to as many places."""
    return f"{value:.{len(text.partition('.')[2])}f}" == text


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_fits_come_out_to_the_printed_digits(name):
    fit = fit_published(name)
    assert all(map(printed_as, coefficients(fit), PUBLISHED[name][2])), coefficients(fit)
    assert fit.largest_measured == max(PUBLISHED[name][0]) and fit.n_points == len(PUBLISHED[name][0])


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "synthetic"])
def test_a_fit_of_relative_errors_is_another_one(name):
    relative = fit_published(name, weights="relative")
    assert relative.weights == "relative" and relative.scale.median != pytest.approx(float(PUBLISHED[name][2][0]), 1e-3)


def test_published_standard_errors_peak_and_overhead():
    fit = fit_published("specsdm91")
    _, sigma, kappa = fit.standard_errors
    assert printed_as(sigma, "0.0091") and printed_as(1e5 * kappa, "2.0") and printed_as(fit.peak_workers, "96.52")
    # as R's overhead prints them, to three digits, at 1, 18, 36 and 216 users
    shares = overhead(np.array([1, 18, 36, 216]), fit.serial_fraction.median, fit.coherency.median)
    assert shares.ideal == pytest.approx([1, 0.05556, 0.02778, 0.00463], abs=5e-6)
    assert shares.contention == pytest.approx([0, 0.0262, 0.0270, 0.0276], abs=5e-5)
    assert shares.coherency == pytest.approx([0, 0.000887, 0.001826, 0.011219], abs=5e-7)


def test_overhead_and_the_other_half_of_the_coherency_are_the_time_by_the_law():
    # γ / S(n) = 1/n + σ·(n−1)/n + κ·(n−1)
    n = np.array([1, 2, 7, 30])
    shares = overhead(n, 0.03, 0.002)
    assert shares.ideal + shares.contention + 2 * shares.coherency == pytest.approx(1 / usl(n, 0.03, 0.002))


def test_published_intervals_are_the_standard_errors_times_the_quantile_of_r():
    # R's usl multiplies by the quantile of 95 % on one side, with n − 1 degrees of freedom: 2.015 for six measurements
    fit, t = fit_published("raytracer, first six"), t_quantile(0.95, 5)
    ends = [f(v, t * e) for v, e in zip(coefficients(fit), fit.standard_errors, strict=True) for f in (sub, add)]
    assert all(map(printed_as, ends, ("19.27", "22.44", "0.00754", "0.04135", "0.00110", "0.00215"))), ends


def sub(value, half):
    return value - half


def add(value, half):
    return value + half


def test_intervals_hold_95_per_cent_with_three_degrees_of_freedom_less_than_measurements():
    fit = fit_published("raytracer, first six")
    assert (fit.freedom, round(fit.t, 3)) == (3, 3.182)  # tables of Student's t, 0.975
    for estimate, error in zip((fit.scale, fit.serial_fraction, fit.coherency), fit.standard_errors, strict=True):
        assert estimate.high - estimate.median == pytest.approx(3.182446 * error)
        assert estimate.median - estimate.low == pytest.approx(3.182446 * error)
    # and they do: 400 curves with known coefficients and errors of one size
    random, n, truth = np.random.default_rng(1), np.array([1, 2, 4, 8, 12, 16.0]), (1, 0.05, 0.004)
    curves = usl(n, *truth[1:]) + 0.03 * random.standard_normal((400, 6))
    inside = np.zeros(3)
    for curve, found in zip(curves, solve(n, curves), strict=True):
        covariance, freedom, _ = spread(n, curve, found)
        inside += np.abs(found - truth) <= t_quantile(0.975, freedom) * np.diag(covariance) ** 0.5
    assert (inside > 366).all() and (inside < 394).all(), inside  # 380 ± 3 standard errors of 4.4


def test_student_quantiles_are_those_of_the_tables():
    table = {(0.975, 1): 12.706, (0.975, 2): 4.303, (0.95, 5): 2.015, (0.9, 8): 1.397, (0.975, 29): 2.045}
    table[0.995, 120] = 2.617
    assert {where: round(t_quantile(*where), 3) for where in table} == table


def random_laws(n_laws, seed=0):
    """Yield (counts, γ, σ, κ) of all sizes, a third of the losses exactly 0."""
    random = np.random.default_rng(seed)
    for _ in range(n_laws):
        most = random.choice([8, 40, 300])
        n = np.sort(random.choice(np.arange(2, most + 1), min(most - 1, random.integers(3, 12)), replace=False))
        sigma, kappa = (random.random(2) > 1 / 3) * 10.0 ** random.uniform((-4, -6), (0, -0.3))
        yield np.array([1.0, *n]), 10 ** random.uniform(-6, 6), sigma, kappa


def test_known_coefficients_are_found_again_from_thousands_of_curves():
    for n, gamma, sigma, kappa in random_laws(2000):
        found = solve(n, usl(n, sigma, kappa, gamma)[None])[0]
        assert found[0] == pytest.approx(gamma, rel=1e-7)
        # a loss that changes nothing within the counts cannot be found more exactly than the digits of the curve
        assert found[1] == pytest.approx(sigma, rel=1e-6, abs=1e-8) and (sigma or found[1] == 0)
        assert found[2] == pytest.approx(kappa, rel=1e-6, abs=1e-8) and (kappa or found[2] == 0)


@pytest.mark.parametrize("noise", [0.02, 0.3, 1.0])
def test_however_noisy_nothing_near_and_nothing_simpler_leaves_less(noise):
    random = np.random.default_rng(3)
    for n, gamma, sigma, kappa in random_laws(60, seed=4):
        y = usl(n, sigma, kappa, gamma) * np.exp(noise * random.standard_normal(len(n)))
        best = solve(n, y[None])[0]
        assert (best >= 0).all() and np.isfinite(best).all()

        def left(found, n=n, y=y):
            return ((y - found[0] * n / (1 + found[1] * (n - 1) + found[2] * n * (n - 1))) ** 2).sum()

        others = [best * np.exp(random.normal(0, size, 3)) for size in (1e-4, 1e-2, 1) for _ in range(20)]
        others += [best + [0, step, 0] for step in (1e-6, 1e-3)] + [best + [0, 0, step] for step in (1e-8, 1e-4)]
        others += [solve(n, y[None], free=free)[0] for free in ((0,), (0, 1), (0, 2))]
        assert left(best) <= min(map(left, others)) * (1 + 1e-9) + 1e-18 * (y @ y), (n, y)


def test_what_is_at_the_bound_is_exactly_0_and_would_be_below_without_it():
    n, y, _ = PUBLISHED["raytracer"]
    assert fit_published("raytracer").coherency.median == 0
    assert solve(np.array(n, float), np.array([y], float), bounded=False)[0][2] < -1e-4


def test_the_unit_of_the_throughput_only_scales_the_scale():
    n, y, _ = PUBLISHED["specsdm91"]
    plain = fit_points(n, y)
    for unit in (1e-9, 1e9):
        fit = fit_points(n, np.array(y) * unit)
        assert coefficients(fit) == pytest.approx((plain.scale.median * unit, *coefficients(plain)[1:]), rel=1e-9)
        assert fit.band(50.0) == pytest.approx([end * unit for end in plain.band(50.0)])


def test_measurements_may_come_in_any_order_and_several_for_a_count():
    n, y, _ = PUBLISHED["specsdm91"]
    assert coefficients(fit_points(n[::-1], y[::-1])) == coefficients(fit_points(n, y))
    twice = fit_points([*n, *n], [*y, *y])
    assert coefficients(twice) == pytest.approx(coefficients(fit_points(n, y)))
    assert (twice.n_points, twice.freedom) == (14, 11)


def test_amdahl_of_plain_figures_holds_coherency_at_0():
    n = np.array([1, 2, 4, 8.0])
    fit = fit_points(n, usl(n, 0.1, 0, 5.0), law="Amdahl")
    assert coefficients(fit) == pytest.approx((5, 0.1, 0)) and fit.coherency.median == 0 == fit.standard_errors[2]
    assert fit.freedom == 2


@pytest.mark.parametrize(
    "n, y",
    [((1, 2, 3, 4), (1, 2, 3)), ((1, 2, 3, 4), "1234"), ((1, 2, 3, 0), (1, 2, 3, 4)), (4, 4), ([[1, 2]], [[1, 2]])],
)
def test_what_are_no_figures_is_refused(n, y):
    with pytest.raises(InvalidArgumentError, match="must be"):
        fit_points(n, y)


def test_three_different_counts_are_not_enough():
    with pytest.raises(NotEnoughPointsError, match="needs 4 different counts, here are 3"):
        fit_points((1, 2, 3, 3, 1), (1, 2, 3, 3, 1))


# bands


def test_the_band_at_one_worker_is_the_interval_of_the_scale():
    # y(1) = γ, whatever the losses are
    fit = fit_published("specsdm91")
    assert fit.band(1) == pytest.approx((fit.scale.low, fit.scale.high))
    fit = fit_usl(noisy_sweep())
    assert fit.band(1) == pytest.approx((fit.scale.low, fit.scale.high))


def noisy_sweep():
    random = np.random.default_rng(2)
    return make_sweep(
        {
            ("serial", 1): rounds(*(4 + 0.1 * random.standard_normal(5))),
            **{("pool", n): rounds(*((4 + 0.1 * random.standard_normal(5)) / usl(n, 0.1, 0.01))) for n in range(1, 7)},
        }
    )


def test_the_band_lies_around_the_law_and_takes_arrays():
    for fit in (fit_published("Cisco"), fit_usl(noisy_sweep())):
        n = np.linspace(1, fit.largest_measured, 7)
        low, high = fit.band(n)
        assert (low <= fit.speedup(n)).all() and (fit.speedup(n) <= high).all() and low.shape == n.shape
        assert [float(end[3]) for end in (low, high)] == pytest.approx(fit.band(n[3]))


def test_the_asymptotic_band_is_the_spread_of_laws_drawn_with_the_covariance():
    fit = fit_published("Cisco")
    drawn = np.random.default_rng(0).multivariate_normal(coefficients(fit), fit.covariance, 40000)
    laws = drawn[:, :1] * 20 / (1 + drawn[:, 1:2] * 19 + drawn[:, 2:] * 380)
    low, high = fit.band(20.0)
    assert (high - low) / 2 == pytest.approx(fit.t * laws.std(), rel=0.03)


def test_there_is_no_band_without_draws_or_rounds():
    few = make_sweep({("serial", 1): rounds(4, 4), **{("pool", n): rounds(4 / n, 4 / n) for n in (1, 2, 3, 4)}})
    for fit in (fit_usl(few), fit_usl(noisy_sweep(), n_draws=0)):
        assert fit.band(2) is None is fit.standard_errors and fit.draws == ()


# where there is no law: on both sides of each threshold


def hand_made(speedups, n_rounds=3, serial=(8.0, 8.0, 8.0)):
    """A sweep by {n: speedup, or speedups of the rounds}; the serial loop takes 8 s unless it is said otherwise."""
    walls = {("serial", 1): rounds(*serial)}
    for n, speedup in speedups.items():
        each = speedup if isinstance(speedup, tuple) else (speedup,) * len(serial)
        walls["pool", n] = rounds(*(8.0 / s for s in each))
    return make_sweep(walls, usable_cpus=64)


def kind_of(make):
    """The kind of the error with which a fit is refused; None where there is a law."""
    try:
        make()
    except NoLawError as error:
        assert str(error).startswith("No law: ") and str(error).endswith(".") and len(str(error)) < 500
        assert pickle.loads(pickle.dumps(error)).kind == error.kind
        return error.kind
    return None


def test_superlinear_is_more_than_5_per_cent_above_ideal():
    assert BEYOND_IDEAL == 1.05
    for share, kind in ((1.06, "superlinear"), (1.04, None)):
        assert kind_of(lambda share=share: fit_usl(hand_made({1: 1.0, 2: 2.0, 4: 4.0, 8: 8 * share}))) == kind
    # beside the serial loop as well, where every count is as much above it
    for share, kind in ((1.06, "superlinear"), (1.04, None)):
        assert kind_of(lambda share=share: fit_usl(hand_made({n: n * share for n in (1, 2, 4, 8)}))) == kind


def test_superlinear_is_beyond_twice_the_lower_half_of_the_interval():
    # speedups of 8 workers over 8: median 1.1; with three rounds the interval begins at the lowest.
    # 1.1 − 2·(1.1 − 1.08) = 1.06 is above 1.05;  1.1 − 2·(1.1 − 1.07) = 1.04 is not
    for lowest, kind in ((1.08, "superlinear"), (1.07, None)):
        eight = (8 * lowest, 8 * 1.1, 8 * 1.12)
        assert kind_of(lambda eight=eight: fit_usl(hand_made({1: 1.0, 2: 2.0, 4: 4.0, 8: eight}))) == kind


def test_a_faster_single_worker_alone_is_not_superlinear():
    fit = fit_usl(hand_made({n: usl(n, 0.3, 0, 1.1) for n in (1, 2, 4, 8)}))
    assert fit.scale.median == pytest.approx(1.1)


def test_plain_figures_are_superlinear_where_the_law_without_bounds_rises_clearly():
    # 1/(1 − 7·0.0075) = 1.055 and 1/(1 − 7·0.0060) = 1.044
    for sigma, kind in ((0.0075, "superlinear"), (0.0060, None)):
        y = [n / (1 - sigma * (n - 1)) for n in (1, 2, 4, 8)]
        assert kind_of(lambda y=y: fit_points((1, 2, 4, 8), y)) == kind
    # the same rise within scattered figures says nothing
    scattered = [1.0, 2.1, 3.7, 8.4, 15.5, 17.1]
    assert kind_of(lambda: fit_points((1, 2, 4, 8, 14, 16), scattered)) is None


def test_plain_figures_are_superlinear_only_where_they_were_measured_so():
    # 5 % above ideal by the law that the last two make, none of them 5 % above the first as it was measured
    y = [1.06, 2.0, 4.0, 8.2, 16.9, 35.4]
    each = np.array(y) / (1, 2, 4, 8, 16, 32)
    assert each.max() / each[0] < BEYOND_IDEAL < each.max() / each[1]
    assert kind_of(lambda: fit_points((1, 2, 4, 8, 16, 32), y)) is None
    assert kind_of(lambda: fit_points((1, 2, 4, 8, 16, 32), [1.0, *y[1:]])) == "superlinear"


def test_waviness_that_stays_below_ideal_is_not_superlinear():
    assert kind_of(lambda: fit_published("raytracer")) is None  # κ would be negative there, each does less all the same


def test_too_noisy_is_an_interval_of_20_per_cent_to_either_side():
    assert BLURRED == 0.4
    # all speedups of a round follow its serial loop: the law as a whole moves by the same share, 0.19 or 0.21
    for share, kind in ((0.19, None), (0.21, "noisy")):
        serial = (8 * (1 - share), 8.0, 8 * (1 + share))
        speedups = {n: usl(n, 0.1, 0.01) for n in (1, 2, 4, 8)}
        assert kind_of(lambda serial=serial, s=speedups: fit_usl(hand_made(s, serial=serial))) == kind


def test_without_rounds_nobody_can_tell_whether_it_is_too_noisy():
    serial = (4.0, 8.0, 12.0)
    speedups = {n: usl(n, 0.1, 0.01) for n in (1, 2, 4, 8)}
    assert kind_of(lambda: fit_usl(hand_made(speedups, serial=serial))) == "noisy"
    assert kind_of(lambda: fit_usl(hand_made(speedups, serial=serial), n_draws=0)) is None


def test_too_noisy_is_a_peak_on_which_the_draws_disagree():
    # rising: σ = 0.3, κ = 0, no peak.  falling: σ = 0, κ = 1/12, peak at √12 = 3.5 of 4 workers
    def speedups(*kinds):
        laws = {"rising": (0.3, 0.0), "falling": (0.0, 1 / 12)}
        return {n: tuple(usl(n, *laws[kind]) for kind in kinds) for n in (1, 2, 3, 4)}

    # medians of three draws from two rising and a falling round: two falling or more in 7 of 27, 26 %
    assert DISPUTED == 0.1
    assert kind_of(lambda: fit_usl(hand_made(speedups("rising", "rising", "falling")))) == "noisy"
    # of five draws from four rising and a falling one: three falling or more in 5.8 %
    five = speedups("rising", "rising", "rising", "rising", "falling")
    assert kind_of(lambda: fit_usl(hand_made(five, serial=(8.0,) * 5))) is None
    assert kind_of(lambda: fit_usl(hand_made(speedups("falling", "falling", "falling")))) is None


def test_plain_figures_are_too_noisy_by_their_own_scatter():
    n = np.array([1, 2, 3, 4, 6, 8])
    wave = np.array([1, -1, 1, -1, 1, -1])
    for size, kind in ((0.05, None), (0.6, "noisy")):
        assert kind_of(lambda size=size: fit_points(n, usl(n, 0.05, 0.01) + size * wave)) == kind


def test_what_falls_faster_than_any_law_is_no_law():
    # n/(n − 1): the law with γ infinite
    assert kind_of(lambda: fit_points((2, 3, 4, 6), [n / (n - 1) for n in (2, 3, 4, 6)])) == "falling"


def test_ideal_and_ordinary_sweeps_keep_their_law():
    random = np.random.default_rng(5)
    refused = 0
    for sigma, kappa in 10 * ((0.0, 0.0), (0.05, 0.0), (0.05, 0.01)):
        speedups = {n: tuple(usl(n, sigma, kappa) * (1 + 0.02 * random.standard_normal(5))) for n in (1, 2, 3, 4, 6, 8)}
        refused += kind_of(lambda s=speedups: fit_usl(hand_made(s, serial=(8.0,) * 5))) is not None
    assert refused == 0


def test_the_squares_that_are_left_have_their_degrees_of_freedom():
    n, y = np.array([1, 2, 3, 4.0]), np.array([1, 2, 3, 4.2])
    _, freedom, squares = spread(n, y, np.array([1.0, 0, 0]))
    assert freedom == 1 and squares == pytest.approx(0.04)
