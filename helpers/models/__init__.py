"""What the measured figures mean: scaling laws, their fit, and advice. Arithmetic on records.

::

    amdahl, gustafson, karp_flatt       the laws, as plain functions
    fit_usl, fit_amdahl(sweep)          ──► Fit
    advise(sweep)                       ──► Advice
"""

from helpers.models.advice import advise, quoted_pair
from helpers.models.laws import (
    MIN_POINTS,
    amdahl,
    cpu_share,
    fit_amdahl,
    fit_usl,
    gustafson,
    karp_flatt,
    parallel_pairs,
    starved_counts,
)

__all__ = [
    "MIN_POINTS",
    "advise",
    "amdahl",
    "cpu_share",
    "fit_amdahl",
    "fit_usl",
    "gustafson",
    "karp_flatt",
    "parallel_pairs",
    "quoted_pair",
    "starved_counts",
]
