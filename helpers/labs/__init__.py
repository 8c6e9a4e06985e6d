"""Live labs: turn the knobs, press Run, watch it measured on this machine.

``from helpers.labs import SpeedupLab``, then ``SpeedupLab(func, items)`` as the last line of a cell.
"""

from helpers.labs.base import Lab
from helpers.labs.lock import LockLab
from helpers.labs.pipe import PipeLab
from helpers.labs.pool import PoolLab
from helpers.labs.process import ProcessLab
from helpers.labs.queue import QueueLab
from helpers.labs.speedup import SpeedupLab
from helpers.labs.value import ValueLab

__all__ = ["Lab", "LockLab", "PipeLab", "PoolLab", "ProcessLab", "QueueLab", "SpeedupLab", "ValueLab"]
