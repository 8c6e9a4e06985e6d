"""The image filter of the chapters, and how its pictures are shown; the means were worked out on paper."""

import io

import numpy as np
import pytest

from helpers.errors import InvalidArgumentError
from helpers.notebook.pictures import draw_png
from helpers.plots import draw_images
from helpers.tasks.cpu import blur_image, make_image

pytestmark = pytest.mark.quick

#: Three rows of three pixels.
NINE = [bytes([0, 10, 20]), bytes([30, 40, 50]), bytes([60, 70, 80])]


def test_a_pixel_becomes_the_mean_of_those_around_it_and_a_corner_of_the_four_that_there_are():
    # corner: (0 + 10 + 30 + 40) / 4 = 20; upper edge: (0 + 10 + 20 + 30 + 40 + 50) / 6 = 25; middle: 360 / 9 = 40
    assert [list(row) for row in blur_image(NINE, radius=1)] == [[20, 25, 30], [35, 40, 45], [50, 55, 60]]


def test_a_wide_blur_makes_all_pixels_equal_and_none_leaves_them():
    assert blur_image(NINE, radius=2) == [bytes([40] * 3)] * 3
    assert blur_image(NINE, radius=0) == NINE
    assert blur_image([]) == []


def test_an_image_depends_on_its_seed_alone():
    image = make_image(1)
    assert image == make_image(1) != make_image(2)
    assert len(image) == 64 and {len(row) for row in image} == {64} and {type(row) for row in image} == {bytes}


def test_blurring_takes_the_grain_out():
    def grain(image):
        return sum(abs(left - right) for row in image for left, right in zip(row, row[1:], strict=False))

    assert grain(blur_image(make_image(1))) < grain(make_image(1)) / 3


def test_images_are_drawn_side_by_side_as_they_are():
    figure = draw_images([NINE, blur_image(NINE)], ["as it was", "blurred"])
    assert [ax.images[0].get_array().tolist() for ax in figure.axes] == [[list(r) for r in NINE], [[40] * 3] * 3]
    left, right = (ax.get_position() for ax in figure.axes)
    assert 0 < left.x0 < left.x1 < right.x0 < right.x1 < 1
    assert draw_png(figure)[1]["alt"] == "2 grey images: as it was, blurred"
    assert {ax.images[0].get_clim() for ax in figure.axes} == {(0, 255)}, "the same grey means the same in both"


def test_a_white_image_is_seen_on_the_white_card():
    figure = draw_images([[bytes([255] * 3)] * 3], ["white"])
    figure.savefig(buffer := io.BytesIO(), format="rgba")
    rows = np.frombuffer(buffer.getvalue(), np.uint8).reshape(-1, round(figure.get_figwidth() * figure.dpi), 4)
    dark = (rows[..., :3] < 200).all(axis=2)
    full = [index for index in range(len(dark)) if dark[index].mean() > 0.8]  # rows from the frame's left to its right
    assert len(full) >= 2 and full[-1] - full[0] > 150, "a line above and one below"


@pytest.mark.parametrize("facts", [([], []), ([NINE], []), ([NINE], ["one", "two"])])
def test_images_need_their_titles(facts):
    with pytest.raises(InvalidArgumentError, match="needs a title"):
        draw_images(*facts)
