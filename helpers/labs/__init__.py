"""Live labs: turn the knobs, press Run, watch it measured on this machine.

``from helpers.labs import SpeedupLab``, then ``SpeedupLab(func, items)`` as the last line of a cell.
"""

from helpers.labs.base import Lab
from helpers.labs.speedup import SpeedupLab

__all__ = ["Lab", "SpeedupLab"]
