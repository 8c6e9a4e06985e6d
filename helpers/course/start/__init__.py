"""Chapter 00: what this machine can do, and a first speedup. Its lab is `helpers.labs.SpeedupLab`."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "exercises": "start_1 start_2",
    },
)
