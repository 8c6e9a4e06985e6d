"""What the topics measure can be stopped: it returns what it has, says so, and that can be drawn or told."""

import matplotlib.pyplot as plt
import pytest

from helpers.course.counting import measure_counting, plot_counting, plot_counting_rates
from helpers.course.lock import measure_locks, plot_lock_speedup
from helpers.course.pipe import measure_delivery, measure_pipes, plot_bandwidth, plot_trip_times
from helpers.course.pool import measure_break_even, measure_pool, plot_break_even, plot_pool
from helpers.course.process import measure_lifelines, measure_starts, plot_lifelines, plot_start_costs
from helpers.course.queue import measure_queue, plot_depth, plot_queue_lanes
from helpers.errors import HelpersError

MEASURED = {
    "measure_lifelines": (measure_lifelines, {}, (plot_lifelines,)),
    "measure_starts": (measure_starts, {}, (plot_start_costs, lambda costs: costs.median("spawn"))),
    "measure_pool": (measure_pool, {"sizes_ms": [1.0] * 4}, (plot_pool,)),
    "measure_break_even": (measure_break_even, {}, (plot_break_even,)),
    "measure_queue": (measure_queue, {}, (plot_depth, plot_queue_lanes)),
    "measure_pipes": (measure_pipes, {}, (plot_trip_times, plot_bandwidth)),
    "measure_delivery": (measure_delivery, {"size_bytes": 1000}, (lambda deliveries: deliveries.median("sent"),)),
    "measure_locks": (measure_locks, {}, (plot_lock_speedup,)),
    "measure_counting": (measure_counting, {}, (plot_counting, plot_counting_rates)),
}


@pytest.mark.parametrize("name", MEASURED)
def test_stopped_before_its_first_figure_it_returns_a_record_that_says_so_and_gives_no_raw_error(name):
    measure, settings, uses = MEASURED[name]
    record = measure(**settings, should_stop=lambda: True)
    assert record.complete is False
    for use in uses:
        try:
            use(record)
        except HelpersError as error:
            assert "measured" in str(error) or "stopped" in str(error)
        finally:
            plt.close("all")
