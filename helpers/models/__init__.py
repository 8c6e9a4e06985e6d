"""What the measured figures mean: scaling laws, their fit, and advice. Arithmetic on records.

::

    amdahl, gustafson, usl              the laws, as plain functions
    karp_flatt, overhead                what a speedup, or a law, says of the losses
    fit_usl, fit_amdahl(sweep)          ──► Fit
    fit_points(n_workers, throughput)   ──► Fit, of figures from elsewhere
    advise(sweep)                       ──► Advice
"""

from helpers.models.advice import advise, quoted_pair
from helpers.models.fits import MIN_POINTS, fit_amdahl, fit_points, fit_usl
from helpers.models.laws import Overhead, amdahl, gustafson, karp_flatt, overhead, usl
from helpers.models.points import cpu_share, parallel_pairs, starved_counts

__all__ = [
    "MIN_POINTS",
    "Overhead",
    "advise",
    "amdahl",
    "cpu_share",
    "fit_amdahl",
    "fit_points",
    "fit_usl",
    "gustafson",
    "karp_flatt",
    "overhead",
    "parallel_pairs",
    "quoted_pair",
    "starved_counts",
    "usl",
]
