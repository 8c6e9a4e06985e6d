"""Chapter 03: workers that hand work to each other."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "measure": "QueueLane QueueRun measure_queue",
        "plots": "plot_depth plot_queue_lanes",
        "diagrams": "describe_queue_path draw_queue_path",
        "lab": "QueueLab",
        "exercises": "queue_1 queue_2 queue_3",
    },
)
