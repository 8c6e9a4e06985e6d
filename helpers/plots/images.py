"""Pictures as data: grey images side by side, as a task gets them and gives them back."""

from __future__ import annotations

import numpy as np

from helpers.errors import InvalidArgumentError
from helpers.plots.drawing import FONT, TEXT_SIZE, new_figure

#: Side of one image, the gaps around it, and the room above it for its title, in inches.
SIDE, GAP, HEAD = 2.0, 0.12, 0.32
#: Titles stand on the page's own ground: a grey that is read on white and on black alike (4.3 to 1).
TITLE_INK = "#747B86"


def draw_images(images, titles):
    """Return a Figure with grey images side by side under their titles; black is 0, white is 255.

    Parameters
    ----------
    images : list
        Each a list of rows, all of the same length: bytes, or numbers from 0 to 255, as `helpers.tasks.cpu.make_image`
        gives them.
    titles : list of str
        One for each image; together they are the alt text.

    Raises InvalidArgumentError for images and titles that do not match.
    """
    images, titles = list(images), list(titles)
    if not images or len(images) != len(titles):
        raise InvalidArgumentError(f"Every image needs a title: got {len(images)} images and {len(titles)} titles.")
    figure = new_figure(SIDE + HEAD)
    figure.set_facecolor("none")  # photographs are shown as they are in a dark theme too, and no white around them
    width = GAP + len(images) * (SIDE + GAP)
    figure.set_figwidth(width)
    for place, (image, title) in enumerate(zip(images, titles, strict=True)):
        left = GAP + place * (SIDE + GAP)
        ax = figure.add_axes((left / width, 0, SIDE / width, SIDE / (SIDE + HEAD)))
        ax.imshow(np.array([list(row) for row in image]), cmap="gray", vmin=0, vmax=255, aspect="auto")
        ax.set_axis_off()
        ax.set_title(title, size=TEXT_SIZE + 1, color=TITLE_INK, family=FONT, loc="left", pad=4)
    figure.set_label(f"{len(images)} grey images: {', '.join(titles)}")
    return figure
