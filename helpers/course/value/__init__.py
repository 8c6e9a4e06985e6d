"""Chapter 06: how processes share memory. Counting together is in `helpers.course.counting`."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "diagrams": "describe_sharing draw_sharing",
        "lab": "ValueLab",
        "exercises": "value_1 value_2 value_3",
    },
)
