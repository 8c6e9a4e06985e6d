"""Labels on lines instead of a legend box: moved until none covers another or a line."""

from __future__ import annotations

from math import atan2, cos, degrees, sin

import numpy as np

from helpers.plots.drawing import FONT, GREY, SMALL_SIZE, TEXT_SIZE, axes_height, axes_width, darker, text_width

#: Where "ideal" may stand on its line, as shares of it, the best first.
IDEAL_PLACES = (0.62, 0.72, 0.5, 0.82, 0.38, 0.27)


class Labels:
    """Labels at the ends of lines, moved up or down until none covers another or a line.

    Those of the lines that end furthest right stand there one above the other, in the order of the lines.
    Works in points from the axes' lower left corner; needs the limits to be final at `place`.
    """

    def __init__(self, ax):
        self.ax, self.wanted, self.lines, self.shade, self.ideal = ax, [], [], None, None

    def add(self, text, x, y, colour, weight="normal", size=TEXT_SIZE, sides=1):
        """Ask for a label right of the point (x, y); on either side of it if `sides` is 2."""
        self.wanted.append((text, x, y, colour, weight, size, sides))

    def copy(self):
        """Return Labels that ask for the same so far, for one of many pictures in the same axes."""
        other = Labels(self.ax)
        other.wanted, other.lines, other.shade, other.ideal = [*self.wanted], [*self.lines], self.shade, self.ideal
        return other

    def add_ideal(self, end):
        """Ask for "ideal" along the line y = x, which is seen from 1 to `end`."""
        self.ideal = end
        self.avoid([1, end], [1, end])

    def add_shade(self, start, text):
        """Ask for the name of the shaded part, which starts at x = `start`."""
        self.shade = start, text

    def avoid(self, x, y):
        """Keep labels off this line."""
        self.lines.append((np.asarray(x, float), np.asarray(y, float)))

    def _points(self, x, y):
        (x0, x1), (y0, y1) = self.ax.get_xlim(), self.ax.get_ylim()
        return (np.asarray(x) - x0) / (x1 - x0) * axes_width(self.ax), (np.asarray(y) - y0) / (y1 - y0) * axes_height(
            self.ax
        )

    def place(self):
        """Draw all labels that were asked for."""
        lines, boxes = self._line_boxes(), np.empty((0, 4))
        if self.ideal:
            self._place_ideal()
        middle = self.ax.get_ylim()[1] / 2
        stack, others = self._find_stack()
        if stack:
            boxes = np.vstack([boxes, self._place_stack(stack)])
        # from the lower and the upper border inwards, so that those beside each other keep their order
        for label in sorted(others, key=lambda label: abs(label[2] - middle), reverse=True):
            boxes = np.vstack([boxes, self._place_label(*label, lines, boxes)])
        if self.shade:
            self._place_shade(lines, boxes)
        self._taken = lines, boxes

    def write_beside(self, text, x, y, colour):
        """Write one more label on either side of the point (x, y), once all others are placed; return its artist."""
        self._place_label(text, x, y, colour, "normal", TEXT_SIZE, 2, *self._taken)
        return self.ax.texts[-1]

    def _find_stack(self):
        """Return (labels of the lines that end furthest right, the other labels)."""
        ends = [x for _, x, *_, sides in self.wanted if sides == 1]
        stack = [label for label in self.wanted if label[-1] == 1 and label[1] == max(ends)]
        return stack, [label for label in self.wanted if label not in stack]

    def _place_stack(self, stack):
        """Write labels beside the ends of their lines, in the order of the ends; return their boxes.

        Where ends are too near to each other labels are moved apart, and a thin line leads each to its own.
        """
        ends = [tuple(float(v) for v in self._points(x, y)) for _, x, y, *_ in stack]
        half = 0.6 * max(label[5] for label in stack)
        places = spread([py for _, py in ends], 2 * half, half, max(half, axes_height(self.ax) - half))
        boxes = []
        for (text, x, y, colour, weight, size, _), (px, py), place in zip(stack, ends, places, strict=True):
            wide, high = text_width(text, size, weight), 1.2 * size
            left = min(px + 8, axes_width(self.ax) - wide)
            self._write(text, (x, y), (left - px, place - py), colour, weight, size, leads=abs(place - py) > 3)
            boxes.append((left, place - high / 2, left + wide, place + high / 2))
        return np.array(boxes)

    def _write(self, text, at, offset, colour, weight, size, leads):
        """Write a label at an offset in points from what it names; `leads` draws a thin line between the two."""
        look = {"arrowstyle": "-", "color": colour, "lw": 0.6, "alpha": 0.6, "shrinkA": 1, "shrinkB": 4}
        self.ax.annotate(
            text,
            at,
            offset,
            textcoords="offset points",
            va="center",
            color=colour,
            size=size,
            family=FONT,
            weight=weight,
            arrowprops={**look, "relpos": (float(offset[0] < 0), 0.5)} if leads else None,
            zorder=8,
            annotation_clip=False,
            gid="label",
        )

    def _place_label(self, text, x, y, colour, weight, size, sides, lines, boxes):
        """Write one label off the lines and the boxes; return its own box."""
        px, py = (float(v) for v in self._points(x, y))
        wide, high = text_width(text, size, weight), 1.2 * size
        bottom = py - high / 2
        lefts = [min(px + 8, axes_width(self.ax) - wide), px - 8 - wide][:sides]
        found = (self._free(left, bottom, wide, high, lines, boxes) for left in lefts)
        dy, left, _ = min(found, key=lambda found: found[2])
        self._write(text, (x, y), (left - px, dy), colour, weight, size, leads=abs(dy) > 9)
        return left, bottom + dy, left + wide, bottom + high + dy

    def _place_shade(self, lines, boxes):
        """Write the name of the shaded part at its lower left, above what is there."""
        start, text = self.shade
        wide = text_width(text, SMALL_SIZE)
        left = max(2, min(float(self._points(start, 0)[0]) + 5, axes_width(self.ax) - wide - 2))
        bottom = 4 + self._free(left, 4, wide, 9, lines, boxes)[0]
        self.ax.annotate(
            text,
            (0, 0),
            (left, min(bottom, axes_height(self.ax) - 10)),
            xycoords="axes fraction",
            textcoords="offset points",
            color=GREY,
            size=SMALL_SIZE,
            family=FONT,
            zorder=2,
            gid="label",
        )

    def _line_boxes(self, lines=None):
        """Return small boxes (left, bottom, right, top) along `lines`, by default every line to keep off."""
        boxes = [np.empty((0, 4))]
        for x, y in self.lines if lines is None else lines:
            x, y = self._points(x, y)
            steps = np.linspace(0, len(x) - 1, max(12 * len(x), 60))
            x, y = np.interp(steps, range(len(x)), x), np.interp(steps, range(len(y)), y)
            boxes.append(np.stack([x - 2.5, y - 2.5, x + 2.5, y + 2.5], axis=1))
        return np.concatenate(boxes)

    def _free(self, left, bottom, wide, high, lines, boxes):
        """Return the best shift up or down in points, `left`, and the cost: labels covered, lines covered, way gone."""
        shifts = np.arange(-150, 151) * 1.5
        shifts = shifts[(bottom + shifts >= 1) & (bottom + shifts + high <= axes_height(self.ax))]
        if not len(shifts) or left < 0:
            return 0.0, left, np.inf

        def hits(others):
            across = others[(others[:, 0] < left + wide) & (others[:, 2] > left)]
            return ((across[:, 1] < bottom + shifts[:, None] + high) & (across[:, 3] > bottom + shifts[:, None])).sum(
                axis=1
            )

        cost = 1000 * hits(boxes) + 8 * hits(lines) + abs(shifts)
        return float(shifts[np.argmin(cost)]), left, float(cost.min())

    def _free_share(self, angle):
        """Return where "ideal" stands on its line, as a share of it: the place of `IDEAL_PLACES` that no curve crosses.

        The first of those that the fewest cross, where none is free.
        """
        curves = [line for line in self.lines if not np.array_equal(*line)]  # all but the ideal itself
        boxes = self._line_boxes(curves)
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        half = text_width("ideal", SMALL_SIZE) / 2

        def crossings(share):
            px, py = self._points(*[1 + share * (self.ideal - 1)] * 2)
            along = (middles[:, 0] - px) * cos(angle) + (middles[:, 1] - py) * sin(angle)
            above = (middles[:, 1] - py) * cos(angle) - (middles[:, 0] - px) * sin(angle)
            return int(((abs(along) < half + 3) & (above > -1) & (above < 1.2 * SMALL_SIZE + 4)).sum())

        return min(IDEAL_PLACES, key=crossings)

    def _place_ideal(self):
        (x0, x1), (y0, y1) = self._points([0, self.ideal], [0, self.ideal])
        angle = degrees(atan2(y1 - y0, x1 - x0))
        at = 1 + self._free_share(atan2(y1 - y0, x1 - x0)) * (self.ideal - 1)
        self.ax.annotate(
            "ideal",
            (at, at),
            (0, 2),
            textcoords="offset points",
            rotation=angle,
            rotation_mode="anchor",
            ha="center",
            va="bottom",
            size=SMALL_SIZE,
            color=GREY,
            family=FONT,
            zorder=2,
            gid="ideal label",
        )


def spread(wanted, apart, low, high):
    """Return the places nearest to `wanted` that are at least `apart` from each other, between `low` and `high`.

    The order stays; all are lengths of one unit, such as points. What does not fit is pressed together.

    >>> spread([10, 11, 30], 4, 0, 40).tolist()
    [8.5, 12.5, 30.0]
    """
    order = np.argsort(wanted, kind="stable")
    places = np.clip(np.asarray(wanted, float)[order], low, high)
    for _ in range(200):  # neighbours push each other away, half of the missing room each
        gaps = apart - np.diff(places)
        push = np.where(gaps > 1e-6, gaps / 2, 0)
        if not push.any():
            break
        places[:-1] -= push
        places[1:] += push
        places = np.clip(places, low, high)
    found = np.empty(len(places))
    found[order] = places
    return found


def label_ends(ax, ends, size=TEXT_SIZE, weight="normal"):
    """Write the names right of the ends of lines, moved apart where they would overlap; return the artists.

    `ends` is [(x, y, text, colour)], in data of the axes, whose limits must be final; log axes do as well.
    A name far from its line gets a thin one that leads to it.
    """
    if not ends:
        return []
    to_points = ax.transData.transform
    corner = ax.transAxes.transform((0, 0))
    scale = 72 / ax.figure.dpi
    at = (to_points([(x, y) for x, y, _, _ in ends]) - corner) * scale
    half = 0.625 * size
    places = spread(at[:, 1], 2 * half, half, max(half, axes_height(ax) - half))
    artists = []
    for (x, y, text, colour), (_, want), place in zip(ends, at, places, strict=True):
        leads = abs(place - want) > 6
        arrow = {
            "arrowstyle": "-",
            "color": colour,
            "lw": 0.7,
            "alpha": 0.6,
            "shrinkA": 1,
            "shrinkB": 4,
            "relpos": (0, 0.5),
        }
        artists.append(
            ax.annotate(
                text,
                (x, y),
                (11, place - want),
                textcoords="offset points",
                va="center",
                color=darker(colour),
                size=size,
                family=FONT,
                weight=weight,
                arrowprops=arrow if leads else None,
                zorder=8,
                annotation_clip=False,
                gid="label",
            )
        )
    return artists
