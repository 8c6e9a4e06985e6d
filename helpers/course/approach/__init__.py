"""Chapter 07: one function for each kind of work, run by every approach that this Python has."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "runs": "APPROACHES ApproachMap TITLES",
        "measure": "measure_approaches usual_approaches",
        "claims": "CLAIMS Claim judge_claims",
        "decisions": "Decision decide",
        "plots": "plot_approaches",
        "bars": "plot_approach_bars",
        "lab": "ApproachLab",
    },
)
