"""`MovingPicture`: what stays is drawn once, what moves in each frame, what is over settles."""

import io

import numpy as np
import pytest
from PIL import Image

from helpers.plots.lanes import add_boxes, move_boxes
from helpers.plots.live import MovingPicture


class Boxes(MovingPicture):
    """A record is (seconds over, seconds now): the first box is over, the second one moves."""

    built = 0
    limit = 10

    def frame(self, record):
        return self.limit

    def build(self, figure, record):
        self.built, self.drawn = self.built + 1, set()
        self.ax = figure.add_axes((0, 0, 1, 1))
        self.ax.set(xlim=(0, self.limit), ylim=(-0.5, 1.5))
        self.moving = self.keep(add_boxes(self.ax, facecolors="blue"))

    def move(self, record):
        over, now = record
        if over not in self.drawn:
            self.drawn.add(over)
            self.settle([add_boxes(self.ax, [(0, over)], [0], facecolors="red")])
        move_boxes(self.moving, [(0, now)], [1])
        return [self.moving]


def widths(png):
    """Return how many tenths of the width are red and blue."""
    pixels = np.asarray(Image.open(io.BytesIO(png)), int)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    shades = (red > blue + 100) & (green < 100), (blue > red + 100) & (green < 100)
    return tuple(round(10 * shade.any(axis=0).mean()) for shade in shades)


def test_what_settled_stays_and_what_moves_leaves_no_trace():
    card = Boxes()
    assert widths(card.png((3, 8))) == (3, 8)
    assert widths(card.png((5, 2))) == (5, 2), "the box of 8 has gone, the box of 5 has come"
    assert card.built == 1 and len(card.ax.collections) == 1, "settled artists are taken away"


def test_another_frame_or_scale_begins_anew_and_the_size_stays():
    card = Boxes()
    sizes = [Image.open(io.BytesIO(card.png((5, 2)))).size]
    card.limit = 20
    pictures = [card.png((3, 2)), card.png((3, 2), 2.0)]
    sizes += [Image.open(io.BytesIO(png)).size for png in pictures]
    assert sizes == [(900, 350), (900, 350), (1800, 700)] and card.built == 3
    assert [widths(png) for png in pictures] == [(2, 1), (2, 1)], "of 20, and without the settled box of 5"


def test_at_rest_nothing_of_a_live_picture_is_used():
    card = Boxes()
    card.png((9, 9))
    figure = card.still((4, 6))
    boxes = [collection.get_paths()[0].get_extents().x1 for collection in figure.axes[0].collections]
    assert sorted(boxes) == [4, 6], "the settled box stays in the figure, beside the one that moves"
    assert widths(card.png((1, 1))) == (1, 1), "and live again it begins anew"


def test_a_picture_that_could_not_be_begun_is_begun_again():
    class Failing(Boxes):
        def build(self, figure, record):
            super().build(figure, record)
            if self.built == 2:
                raise ValueError("no room")

    card = Failing()
    card.png((1, 1))
    card.limit = 20
    with pytest.raises(ValueError, match="no room"):
        card.png((1, 1))
    card.limit = 10
    assert widths(card.png((3, 4))) == (3, 4) and card.built == 3


def test_a_picture_says_what_it_must_define():
    for method, arguments in (("frame", (None,)), ("build", (None, None)), ("move", (None,))):
        with pytest.raises(NotImplementedError, match="MovingPicture must"):
            getattr(MovingPicture(), method)(*arguments)
