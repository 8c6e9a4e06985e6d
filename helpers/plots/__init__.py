"""Pictures of records: records in, matplotlib Axes out; no pyplot, no global state.

Every picture is a white card: the title says what is seen, a grey line under it how it was
measured, labels stand on the lines, and colour never stands alone (markers, hatches).
"""

from helpers.plots.drawing import COLOURS, MARKERS, figure_png
from helpers.plots.speedup import describe_speedup, draw_speedup_card, plot_speedup
from helpers.plots.timeline import plot_accounting, plot_timeline, round_shares

__all__ = [
    "COLOURS",
    "MARKERS",
    "describe_speedup",
    "draw_speedup_card",
    "figure_png",
    "plot_accounting",
    "plot_speedup",
    "plot_timeline",
    "round_shares",
]
