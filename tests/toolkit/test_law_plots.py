"""Pictures of a fitted law: points, dashes, band and peak where the figures say, and the parts of the time."""

import numpy as np
import pytest
from handmade import make_sweep, rounds

from helpers import plots
from helpers.models import fit_points, fit_usl, overhead, usl

COUNTS = (1, 2, 4, 6, 8, 10)
WAVE = np.array([1, -1, 1, -1, 1, -1])


def by_gid(ax, gid):
    return [artist for artist in ax.findobj() if artist.get_gid() == gid]


def ends_of(band, n):
    """The least and the greatest y of a filled band at the corner nearest to n."""
    corners = band.get_paths()[0].vertices
    at = corners[np.abs(corners[:, 0] - n) == np.abs(corners[:, 0] - n).min(), 1]
    return at.min(), at.max()


def head(ax):
    return by_gid(ax, "how")[0].get_text()


@pytest.fixture(scope="module")
def fit():
    return fit_points(COUNTS, usl(np.array(COUNTS), 0.02, 0.02, 5.0) + 0.1 * WAVE)


def test_points_law_band_and_peak_stand_where_the_fit_says(fit):
    values = usl(np.array(COUNTS), 0.02, 0.02, 5.0) + 0.1 * WAVE
    ax = plots.plot_fit(fit, zip(COUNTS, values, strict=True), ylabel="items per second")
    assert by_gid(ax, "measured")[0].get_xydata().tolist() == [
        [n, pytest.approx(v)] for n, v in zip(COUNTS, values, strict=True)
    ]
    law = by_gid(ax, "law")[0]
    assert law.get_ydata() == pytest.approx(fit.speedup(law.get_xdata())) and law.get_xdata().max() == 10
    for n in (1, 10):
        assert ends_of(by_gid(ax, "band")[0], n) == pytest.approx(fit.band(n))
    assert by_gid(ax, "peak")[0].get_xdata()[0] == fit.peak_workers
    assert f"peak at {fit.peak_workers:.3g}" in [text.get_text() for text in ax.texts]
    assert ax.get_ylabel() == "items per second" and ax.get_xlabel() == "workers"
    assert "pale: its 95 % interval" in head(ax) and f"σ = {fit.serial_fraction.median:.3g}" in head(ax)


def test_a_peak_below_twice_the_largest_count_is_reached_and_one_beyond_is_not_drawn():
    for kappa, drawn in ((0.95 / 12**2, True), (0.95 / 21**2, False)):  # peaks at 12 and 21 of 10 workers
        values = usl(np.array(COUNTS), 0.05, kappa)
        ax = plots.plot_fit(fit_points(COUNTS, values), zip(COUNTS, values, strict=True))
        assert bool(by_gid(ax, "peak")) == drawn
        assert by_gid(ax, "law")[0].get_xdata().max() == pytest.approx(13.2 if drawn else 10)


def test_the_parts_of_the_time_lie_one_above_the_other(fit):
    ax = plots.plot_overhead(fit)
    parts = overhead(10, fit.serial_fraction.median, fit.coherency.median)
    low = 0.0
    for name in ("ideal", "contention", "coherency"):
        part, share = by_gid(ax, name)[0], getattr(parts, name)
        assert ends_of(part, 10) == pytest.approx((low, low + share), abs=1e-9)
        assert f"{name} {100 * share:.2g} %" in [text.get_text() for text in ax.texts]
        low += share
    assert len({by_gid(ax, name)[0].get_hatch() for name in parts._fields}) == 3


def test_a_part_that_is_nothing_is_not_drawn():
    ax = plots.plot_overhead(fit_points(COUNTS, usl(np.array(COUNTS), 0.1, 0.0)))
    assert by_gid(ax, "contention") and not by_gid(ax, "coherency")


# in the picture of a sweep


def sweep_of(speedups, serial=(8.0, 8.1, 7.9, 8.0, 8.05), usable_cpus=64):
    walls = {("serial", 1): rounds(*serial)}
    walls.update(
        {
            ("pool", n): rounds(*(s / speedup for s in (8.0, 8.1, 8.0, 7.9, 8.0)[: len(serial)]))
            for n, speedup in speedups.items()
        }
    )
    return make_sweep(walls, usable_cpus=usable_cpus)


def test_the_band_lies_around_the_law_of_a_sweep_and_ends_where_it_ends():
    sweep = sweep_of({n: usl(min(n, 4), 0.1, 0.01) for n in (1, 2, 3, 4, 16)}, usable_cpus=4)
    ax = plots.plot_speedup(sweep)
    band, law = by_gid(ax, "band")[0], by_gid(ax, "law")[0]
    assert band.get_paths()[0].vertices[:, 0].max() == law.get_xdata().max() == 8
    low, high = ends_of(band, 4)
    assert low < fit_usl(sweep).speedup(4.0) < high and high - low == pytest.approx(0.06, abs=0.04)
    assert "dashed: law fitted to pool up to 4 workers, pale: its interval" in head(ax)


def test_below_three_rounds_the_law_has_no_band():
    ax = plots.plot_speedup(sweep_of({n: usl(n, 0.1, 0.01) for n in (1, 2, 3, 4)}, serial=(8.0, 8.1)))
    assert by_gid(ax, "law") and not by_gid(ax, "band") and "pale" not in head(ax)


def test_where_there_is_no_law_the_grey_line_says_why():
    ax = plots.plot_speedup(sweep_of({n: n**1.2 for n in (1, 2, 3, 4)}))
    assert not by_gid(ax, "law") and not by_gid(ax, "band") and "no law fitted to pool: superlinear" in head(ax)
    ax = plots.plot_speedup(sweep_of({n: usl(n, 0.1, 0) for n in (1, 2, 3, 4)}, serial=(4.0, 8.0, 12.0)))
    assert not by_gid(ax, "law") and "no law fitted to pool: too noisy" in head(ax)
