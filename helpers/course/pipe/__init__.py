"""Chapter 04: how two processes talk, and how fast."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "trips": "COPIES COPY WAYS Deliveries Trip Trips",
        "measure": "measure_delivery measure_pipes",
        "plots": "plot_bandwidth plot_trip_times",
        "diagrams": "draw_copies",
        "lab": "PipeLab",
        "exercises": "pipe_1 pipe_2 pipe_3",
    },
)
