"""Pictures as data: grey images side by side, as a task gets them and gives them back."""

from __future__ import annotations

import numpy as np

from helpers.errors import InvalidArgumentError
from helpers.plots.drawing import FONT, TEXT_SIZE, new_figure

#: Side of one image, the gaps around it, the room above it for its title, and below it for its frame, in inches.
SIDE, GAP, HEAD, FOOT = 2.0, 0.12, 0.3, 0.02
#: Points of the frame around each image.
FRAME = 0.8
#: Titles and frames stand on the page's own ground: a grey that is seen on white and on black alike (4.3 to 1).
ON_THE_PAGE = "#747B86"


def draw_images(images, titles):
    """Return a Figure with framed grey images side by side under their titles; black is 0, white is 255.

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
    width, height = GAP + len(images) * (SIDE + GAP), FOOT + SIDE + HEAD
    figure = new_figure(height)
    figure.set_facecolor("none")  # photographs are shown as they are in a dark theme too, and no white around them
    figure.set_figwidth(width)
    for place, (image, title) in enumerate(zip(images, titles, strict=True)):
        left = GAP + place * (SIDE + GAP)
        ax = figure.add_axes((left / width, FOOT / height, SIDE / width, SIDE / height))
        ax.imshow(np.array([list(row) for row in image]), cmap="gray", vmin=0, vmax=255, aspect="auto")
        ax.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
        ax.spines[:].set(color=ON_THE_PAGE, linewidth=FRAME)  # so that white at an edge is seen on a white page
        ax.set_title(title, size=TEXT_SIZE + 1, color=ON_THE_PAGE, family=FONT, loc="left", pad=4)
    figure.set_label(f"{len(images)} grey images: {', '.join(titles)}")
    return figure
