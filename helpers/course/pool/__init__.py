"""Chapter 02: many calls spread over a few workers."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "runs": "FLAVOURS PoolProgress PoolRun",
        "measure": "measure_pool",
        "break_even": "BreakEven measure_break_even",
        "plots": "plot_pool",
        "break_even_plot": "plot_break_even",
        "lab": "PoolLab",
        "exercises": "pool_1 pool_2 pool_3",
    },
)
