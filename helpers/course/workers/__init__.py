"""Chapter 08: how many workers, and where each lost per cent goes."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "losses": "CAUSES LOSSES Losses find_losses measure_causes",
        "chunks": "ChunkCurve measure_chunks",
        "ceiling": "Choice Readings choose_workers measure_worker_memory read_machine",
        "winners": "TaskPoint WinnerMap measure_task measure_winners",
        "plots": "plot_chunks plot_losses",
        "winners_plot": "plot_winners",
        "beside_plot": "plot_beside",
    },
)
