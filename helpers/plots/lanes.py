"""Lanes and boxes: who did what, when. One box a span of time, one lane a worker, many boxes in one artist."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.collections import PolyCollection

from helpers.plots.drawing import TEXT_SIZE, axes_height

#: The height of a box, of a lane's 1.
THICKNESS = 0.62


def box_corners(spans, lanes, thickness=THICKNESS):
    """Return the corners of one box a span, an array of n × 4 × 2.

    `spans` holds n pairs (start, end), `lanes` the n places on the y axis.
    """
    spans, lanes = np.asarray(spans, float).reshape(-1, 2), np.asarray(lanes, float)
    low, high = lanes - thickness / 2, lanes + thickness / 2
    corners = np.empty((len(spans), 4, 2))
    corners[:, :, 0] = spans[:, [0, 1, 1, 0]]
    corners[:, :, 1] = np.stack([low, low, high, high], axis=1)
    return corners


def add_boxes(ax, spans=(), lanes=(), thickness=THICKNESS, **style):
    """Add all spans (start, end), each in its lane, as one collection, and return it; none is fine too."""
    boxes = PolyCollection(box_corners(spans, lanes, thickness), **{"zorder": 3, **style})
    ax.add_collection(boxes, autolim=False)
    return boxes


def move_boxes(boxes, spans, lanes, thickness=THICKNESS, colours=None):
    """Give a collection of `add_boxes` other spans, and other colours if there are any."""
    boxes.set_verts(box_corners(spans, lanes, thickness))
    if colours is not None:
        boxes.set_facecolor(colours)


def name_lanes(ax, names, places=None, smallest=None):
    """Write the names of the lanes, as many as there is room for; the y limits must be final.

    `smallest`, in points: rather than leave names out, write them that small.
    """
    places = range(len(names)) if places is None else places
    low, high = sorted(ax.get_ylim())
    height = axes_height(ax) / (high - low)  # points a lane
    step = 1 if smallest else max(1, ceil(9.5 / height))
    ax.set_yticks(list(places)[::step], list(names)[::step])
    ax.tick_params(axis="y", labelsize=max(smallest, min(TEXT_SIZE, 0.85 * height)) if smallest else TEXT_SIZE)
