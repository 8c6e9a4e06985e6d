"""How every picture of the course looks: colours, type, the head of a card, labels on lines.

Styles are given to each artist instead of through ``rcParams``, which other threads may be
using. Lengths are points (1/72 inch) where nothing else is said.
"""

from __future__ import annotations

import io
from functools import lru_cache
from math import atan2, degrees

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from helpers.records import GOOD_ROUNDS, MIN_ROUNDS

#: Okabe–Ito, one colour an engine for the whole course
COLOURS = {
    "serial": "#6B7280",
    "threads": "#E69F00",
    "processes": "#0072B2",
    "pool": "#56B4E9",
    "multiprocess": "#CC79A7",
    "interpreters": "#009E73",
    "dask": "#D55E00",
}
MARKERS = {
    "serial": "x",
    "threads": "s",
    "processes": "o",
    "pool": "^",
    "multiprocess": "D",
    "interpreters": "v",
    "dask": "P",
}
OTHER = "#1F2933"  # an engine that has no colour of its own

INK, GREY, GRID, SHADE = "#1F2933", "#6B7280", "#E5E7EB", "#F3F5F9"
SERIAL_LINE, STARTUP, HATCH = "#B9C0CA", "#D5DBE3", "#B4BBC8"
FONT = "DejaVu Sans"
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 9.5, 8, 7.2
#: a card: inches, and pixels at scale 1 of 100 per inch
CARD_SIZE, DPI = (9.0, 3.5), 100
#: width in points kept free at the right of a speedup plot for the labels on the lines
LABEL_ROOM = 74


def new_figure(height=CARD_SIZE[1]):
    """Return an empty white card; `height` in inches."""
    figure = Figure(figsize=(CARD_SIZE[0], height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def style_axes(ax, xlabel, grid=None):
    """Give the axes the looks of the course; `grid` is None, "x" or "both"."""
    ax.set_facecolor("white")
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(color=GREY, linewidth=0.8)
    ax.tick_params(colors=GREY, labelsize=TEXT_SIZE, labelfontfamily=FONT, length=3, width=0.8, pad=2.5)
    ax.grid(False)
    if grid:
        ax.grid(True, axis=grid, color=GRID, linewidth=0.8)
    ax.set_xlabel(xlabel, size=TEXT_SIZE, color=INK, family=FONT, labelpad=2)


def write_head(ax, title, parts):
    """Write the title and, under it, the parts in one grey line, or two if they are too long."""
    parts = [part for part in parts if part]
    lines, size = [" · ".join(parts)], SMALL_SIZE
    if text_width(lines[0], size) > axes_width(ax) and len(parts) > 1:
        cuts = [(" · ".join(parts[:k]), " · ".join(parts[k:])) for k in range(1, len(parts))]
        lines = min(cuts, key=lambda cut: max(text_width(line, size) for line in cut))
    size *= min(1, axes_width(ax) / max(1, max(text_width(line, size) for line in lines)))
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "family": FONT, "annotation_clip": False}
    ax.annotate(
        "\n".join(lines),
        (0, 1),
        (0, 6 + 2.6 * SMALL_SIZE),
        va="top",
        size=size,
        color=GREY,
        gid="how",
        linespacing=1.2,
        **place,
    )
    ax.annotate(
        title,
        (0, 1),
        (0, 9.5 + 2.6 * SMALL_SIZE),
        va="bottom",
        size=TITLE_SIZE,
        color=INK,
        weight="bold",
        gid="title",
        **place,
    )


def rounds_text(rounds):
    """Return how a picture's medians and bars were measured, for these numbers of rounds (at least one number)."""
    least, most = min(rounds), max(rounds)
    count = f"{least} round{'s' * (least > 1)}" if least == most else f"{least} to {most} rounds"
    if most < MIN_ROUNDS:
        return f"median of {count}, no interval below {MIN_ROUNDS} rounds"
    if least < GOOD_ROUNDS:
        return f"median of {count}; bars: bootstrap interval, rough with so few"
    return f"median of {count} with 95 % interval"


def write_note(ax, text, x=0.5, y=0.5):
    """Write what there is instead of data into the axes, at a place given in axes fractions."""
    ax.text(
        x,
        y,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        size=TEXT_SIZE + 1,
        color=GREY,
        family=FONT,
        zorder=6,
        gid="note",
    )


def axes_width(ax):
    """Return the width of the axes in points."""
    return ax.bbox.width * 72 / ax.figure.dpi


def axes_height(ax):
    """Return the height of the axes in points."""
    return ax.bbox.height * 72 / ax.figure.dpi


@lru_cache(maxsize=512)
def text_width(text, size, weight="normal"):
    """Return the width of a text in points, with 5 % to spare: it differs with the resolution."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    return 1.05 * _ruler().get_text_width_height_descent(text, font, False)[0] * 72 / DPI


@lru_cache(maxsize=1)
def _ruler():
    return RendererAgg(1, 1, DPI)


def paler(colour, white):
    """Return the colour mixed with white; `white` from 0 to 1."""
    return tuple((1 - white) * c + white for c in to_rgb(colour))


def darker(colour):
    """Return the colour dark enough to be read as text on white."""
    return tuple(0.72 * c for c in to_rgb(colour))


def readable_on(colour):
    """Return black or white, whichever reads better on `colour` (relative luminance, WCAG)."""
    red, green, blue = to_rgb(colour)
    return "white" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 < 0.3 else INK


def draw_boxes(ax, spans, lanes, thickness=0.62, **style):
    """Draw all spans (start, end), each in its lane, as one collection."""
    low, high = lanes - thickness / 2, lanes + thickness / 2
    corners = np.empty((len(spans), 4, 2))
    corners[:, :, 0] = spans[:, [0, 1, 1, 0]]
    corners[:, :, 1] = np.stack([low, low, high, high], axis=1)
    ax.add_collection(PolyCollection(corners, zorder=3, **style), autolim=False)


class Labels:
    """Labels at the ends of lines, moved up or down until none covers another or a line.

    Works in points from the axes' lower left corner; needs the limits to be final at `place`.
    """

    def __init__(self, ax):
        self.ax, self.wanted, self.lines, self.shade, self.ideal = ax, [], [], None, None

    def add(self, text, x, y, colour, weight="normal", size=TEXT_SIZE, sides=1):
        """Ask for a label right of the point (x, y); on either side of it if `sides` is 2."""
        self.wanted.append((text, x, y, colour, weight, size, sides))

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
        width, height = axes_width(self.ax), axes_height(self.ax)
        lines, boxes = self._line_boxes(), np.empty((0, 4))
        if self.ideal:
            self._place_ideal()
        middle = self.ax.get_ylim()[1] / 2
        # from the lower and the upper border inwards, so that stacks keep their order
        for text, x, y, colour, weight, size, sides in sorted(
            self.wanted, key=lambda label: abs(label[2] - middle), reverse=True
        ):
            px, py = (float(v) for v in self._points(x, y))
            wide, high = text_width(text, size, weight), 1.2 * size
            lefts = [min(px + 8, width - wide), px - 8 - wide][:sides]
            dy, left, _ = min(
                (self._free(left, py - high / 2, wide, high, lines, boxes) for left in lefts),
                key=lambda found: found[2],
            )
            boxes = np.vstack([boxes, (left, py - high / 2 + dy, left + wide, py + high / 2 + dy)])
            arrow = {
                "arrowstyle": "-",
                "color": colour,
                "lw": 0.6,
                "alpha": 0.6,
                "shrinkA": 1,
                "shrinkB": 4,
                "relpos": (float(left < px), 0.5),
            }
            self.ax.annotate(
                text,
                (x, y),
                (left - px, dy),
                textcoords="offset points",
                va="center",
                color=colour,
                size=size,
                family=FONT,
                weight=weight,
                arrowprops=arrow if abs(dy) > 9 else None,
                zorder=8,
                annotation_clip=False,
                gid="label",
            )
        if self.shade:
            start, text = self.shade
            wide = text_width(text, SMALL_SIZE)
            left = max(2, min(float(self._points(start, 0)[0]) + 5, width - wide - 2))
            bottom = 4 + self._free(left, 4, wide, 9, lines, boxes)[0]
            self.ax.annotate(
                text,
                (0, 0),
                (left, min(bottom, height - 10)),
                xycoords="axes fraction",
                textcoords="offset points",
                color=GREY,
                size=SMALL_SIZE,
                family=FONT,
                zorder=2,
                gid="label",
            )

    def _line_boxes(self):
        """Return small boxes (left, bottom, right, top) along every line to keep off."""
        boxes = [np.empty((0, 4))]
        for x, y in self.lines:
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

    def _place_ideal(self):
        (x0, x1), (y0, y1) = self._points([0, self.ideal], [0, self.ideal])
        angle = degrees(atan2(y1 - y0, x1 - x0))
        at = 1 + 0.62 * (self.ideal - 1)
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


def figure_png(figure, scale=2.0):
    """Return the figure as PNG bytes, always of the same pixel size: inches × 100 × `scale`.

    Holds for figures of this module at any rcParams; 2 is sharp on dense screens.
    """
    buffer, before = io.BytesIO(), figure.dpi
    try:
        figure.set_dpi(DPI * scale)
        FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"compress_level": 3})
    finally:
        figure.set_dpi(before)
    return buffer.getvalue()


class LivePicture:
    """A picture of which only some artists move: everything else is drawn once.

    Drawing text costs most of a frame; a moving picture draws its moving artists alone.

    Parameters
    ----------
    figure : Figure
        Complete, with axes limits set: they must not change while the picture lives.
    moving : list of Artist
        What changes between frames (`set_verts`, `set_data`, `set_text`, …).
    scale : float
        Pixels a CSS pixel.
    """

    def __init__(self, figure, moving, scale=1.0):
        self.figure, self.moving = figure, list(moving)
        figure.set_dpi(DPI * scale)
        self.canvas = FigureCanvasAgg(figure)
        for artist in self.moving:
            artist.set_animated(True)
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(figure.bbox)

    def png(self):
        """Return the picture as it is now, as PNG bytes: always the same number of pixels."""
        from PIL import Image  # comes with matplotlib

        self.canvas.restore_region(self.background)
        for artist in self.moving:
            self.figure.draw_artist(artist)
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(self.canvas.buffer_rgba())[..., :3]).save(buffer, "png", compress_level=1)
        return buffer.getvalue()
