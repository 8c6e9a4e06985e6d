"""Chapter 01: what a process is, and what starting one costs."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "measure": "Lifeline Lifelines ProcessRun StartCosts measure_lifelines measure_starts",
        "plots": "plot_lifelines plot_start_costs",
        "diagrams": "draw_two_processes",
        "lab": "ProcessLab",
        "exercises": "process_1 process_2 process_3",
    },
)
