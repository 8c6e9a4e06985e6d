"""Live labs: turn the knobs, press Run, watch it measured on this machine.

>>> from helpers.labs import SpeedupLab     # doctest: +SKIP
>>> SpeedupLab(func, items)                 # doctest: +SKIP
"""

from helpers.labs.base import Lab
from helpers.labs.speedup import SpeedupLab

__all__ = ["Lab", "SpeedupLab"]
