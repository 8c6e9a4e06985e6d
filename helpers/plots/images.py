"""Pictures as data: grey images side by side, as a task gets them and gives them back."""

from __future__ import annotations

import numpy as np

from helpers.errors import InvalidArgumentError
from helpers.plots.drawing import FONT, INK, TEXT_SIZE, new_figure

#: Side of one image, the gaps around it, and the room above it for its title, in inches.
SIDE, GAP, HEAD = 2.0, 0.12, 0.32


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
    width = GAP + len(images) * (SIDE + GAP)
    figure.set_figwidth(width)
    for place, (image, title) in enumerate(zip(images, titles, strict=True)):
        left = GAP + place * (SIDE + GAP)
        ax = figure.add_axes((left / width, 0, SIDE / width, SIDE / (SIDE + HEAD)))
        ax.imshow(np.array([list(row) for row in image]), cmap="gray", vmin=0, vmax=255, aspect="auto")
        ax.set_axis_off()
        ax.set_title(title, size=TEXT_SIZE + 1, color=INK, family=FONT, loc="left", pad=4)
    figure.set_label(f"{len(images)} grey images: {', '.join(titles)}")
    return figure
