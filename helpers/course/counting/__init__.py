"""Counting together, which chapters 05 and 06 share: several processes add to one counter, in several ways."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "measure": "WAYS Count Counting Slice measure_counting",
        "together": "run_gated",
        "plots": "draw_counting_card plot_counting plot_counting_rates",
    },
)
