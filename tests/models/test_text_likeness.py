"""Lines of text are told from pictures without; the measure is rough, and says so."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from isekai_gen.models.text_likeness import text_share
from tests.scenes import scene

LIMIT = 0.01


def written(picture, share, lines=1):
    """The picture with lines of text of so much of its height."""
    pen = ImageDraw.Draw(picture)
    size = picture.height * share
    for line in range(lines):
        place = (picture.width * 0.05, picture.height * 0.3 + line * size * 1.2)
        pen.text(place, "nothing here is real at all", fill="white", font_size=size)
    return picture


def share_of(picture):
    return text_share(picture.convert("L"))


@pytest.fixture(scope="module")
def pictures():
    return [scene(number).resize((512, 512)) for number in range(20)]


def test_pictures_without_text_have_none(pictures):
    assert max(share_of(picture) for picture in pictures) <= LIMIT


@pytest.mark.parametrize(("share", "lines", "at_least"), [(0.08, 1, 0.8), (0.05, 3, 0.8)])
def test_most_overlaid_text_is_found(pictures, share, lines, at_least):
    found = [share_of(written(picture.copy(), share, lines)) > LIMIT for picture in pictures]
    assert np.mean(found) >= at_least


def test_more_text_is_a_greater_share():
    page = Image.new("RGB", (512, 512), "navy")
    shares = [share_of(written(page.copy(), 0.06, lines)) for lines in (0, 1, 3, 8)]
    assert shares[0] == 0.0
    assert shares == sorted(shares)
    assert 0.05 < shares[-1] <= 1.0


def test_grain_is_not_text():
    noise = np.random.default_rng(0).normal(128, 10, (512, 512)).clip(0, 255).astype(np.uint8)
    assert text_share(Image.fromarray(noise)) == 0.0


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7), (39, 39)])
def test_pictures_too_small_for_a_line_of_text_have_none(size):
    assert text_share(Image.new("L", size)) == 0.0
