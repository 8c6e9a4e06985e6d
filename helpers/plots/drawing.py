"""How every picture of the course looks: colours, type, the head of a card.

Styles are given to each artist instead of through ``rcParams``, which other threads may be
using. Lengths are points (1/72 inch) where nothing else is said.
"""

from __future__ import annotations

import io
from functools import lru_cache

from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from helpers.records import GOOD_ROUNDS, MIN_ROUNDS
from helpers.words import median_of, plural

#: Okabe–Ito, one colour an engine for the whole course
COLOURS = {
    "serial": "#6B7280",
    "threads": "#E69F00",
    "asyncio": "#000000",
    "processes": "#0072B2",
    "pool": "#56B4E9",
    "multiprocess": "#CC79A7",
    "interpreters": "#009E73",
    "dask": "#D55E00",
}
MARKERS = {
    "serial": "x",
    "threads": "s",
    "asyncio": "h",
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
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 9.5, 8, 7.95
#: marks the notes that ask to press Run
INVITATION = "invitation"
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


def fold_head(ax, parts):
    """Return (text, size) of the grey line over the axes: the parts in one row, or two if they are too long."""
    parts = [part for part in parts if part]
    lines, size = [" · ".join(parts)], SMALL_SIZE
    if text_width(lines[0], size) > axes_width(ax) and len(parts) > 1:
        cuts = [(" · ".join(parts[:k]), " · ".join(parts[k:])) for k in range(1, len(parts))]
        lines = min(cuts, key=lambda cut: max(text_width(line, size) for line in cut))
    while size > 5 and max(text_width(line, size) for line in lines) > axes_width(ax):
        size -= 0.1  # in steps: the width of small type does not follow its size
    return "\n".join(lines), size


def write_head(ax, title, parts):
    """Write the title and, under it, the parts in one grey line, or two if they are too long."""
    write_how(ax, parts)
    write_title(ax, title)


#: How texts over the axes are placed.
_OVER = {"xycoords": "axes fraction", "textcoords": "offset points", "family": FONT, "annotation_clip": False}


def write_how(ax, parts):
    """Write the grey line of `write_head` alone."""
    text, size = fold_head(ax, parts)
    ax.annotate(
        text,
        (0, 1),
        (0, 6 + 2.6 * SMALL_SIZE),
        va="top",
        size=size,
        color=GREY,
        gid="how",
        linespacing=1.2,
        **_OVER,
    )


def write_title(ax, title):
    """Write the title of `write_head` alone."""
    ax.annotate(
        title,
        (0, 1),
        (0, 9.5 + 2.6 * SMALL_SIZE),
        va="bottom",
        size=TITLE_SIZE,
        color=INK,
        weight="bold",
        gid="title",
        **_OVER,
    )


def rounds_text(rounds, short=False, place="bars"):
    """Return how a picture's medians and intervals were measured, for these numbers of rounds (at least one number).

    The one place that says what intervals are. `short` leaves out what they are called; `place` is where they are
    seen.

    >>> rounds_text([3]), rounds_text([1])
    ('median of 3 rounds; bars: interval, rough with so few', '1 round, no interval below 3 rounds')
    >>> rounds_text([3, 5], short=True), rounds_text([5], short=True)
    ('median of 3 to 5 rounds, bars: rough interval', 'median of 5 rounds, bars: 95 % interval')
    """
    least, most = min(rounds), max(rounds)
    count = median_of(most) if least == most else f"median of {least} to {plural(most, 'round')}"
    if most < MIN_ROUNDS:
        return count if short else f"{count}, no interval below {MIN_ROUNDS} rounds"
    if least < GOOD_ROUNDS:
        return f"{count}, {place}: rough interval" if short else f"{count}; {place}: interval, rough with so few"
    return f"{count}, {place}: 95 % interval" if short else f"{count} with 95 % interval"


def write_note(ax, text, x=0.5, y=0.5, *, gid="note"):
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
        gid=gid,
    )


def write_invitation(ax, text):
    """Write into the axes of a lab what Run will show there; see `take_back_invitations`."""
    write_note(ax, text, gid=INVITATION)


def take_back_invitations(figure):
    """Have the invitations to press Run of a lab's figure say that it is starting: Run is pressed."""
    for ax in figure.axes:
        for text in ax.texts:
            if text.get_gid() == INVITATION:
                text.set_text("starting …")


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
