"""Chapter 06: how processes share memory."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "measure": "Count Counting measure_counting",
        "plots": "plot_counting plot_counting_rates",
        "lab": "ValueLab",
        "exercises": "value_1 value_2 value_3",
    },
)
