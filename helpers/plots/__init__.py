"""Pictures of records: records in, matplotlib Axes out; no pyplot, no global state.

Every picture is a white card: the title says what is seen, a grey line under it how it was
measured, labels stand on the lines, and colour never stands alone (markers, hatches).

A face: matplotlib is loaded with the first name that needs it.
"""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "doubts": "show_doubts",
        "drawing": "COLOURS MARKERS figure_png",
        "images": "draw_images",
        "laws": "plot_fit plot_overhead",
        "speedup": "describe_speedup doubts_of_pairs plot_speedup provisional_points",
        "speedup_card": "LiveSpeedupCard SpeedupCard draw_speedup_card",
        "timeline": "plot_accounting plot_timeline round_shares",
    },
)
