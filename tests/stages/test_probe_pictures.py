"""Pictures of the probe are those that were recorded, and only as many are kept as fit."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from isekai_gen.errors import WorkspaceError
from isekai_gen.hashing import pixel_sha256
from isekai_gen.pixels import rgb_pixels
from isekai_gen.stages.probe_pictures import PreparedPictures
from isekai_gen.stages.probe_sets import ProbePicture


@pytest.fixture
def pictures(tmp_path) -> list[ProbePicture]:
    made = []
    for number in range(4):
        pixels = np.full((6, 8, 3), 10 * number, dtype=np.uint8)
        path = tmp_path / f"{number}.png"
        Image.fromarray(pixels).save(path)
        made.append(ProbePicture(str(number), path, pixel_sha256(pixels), 0))
    return made


def test_rows_come_in_the_order_asked_for_again_and_again(pictures):
    prepared = PreparedPictures(pictures, rgb_pixels)
    for numbers in ([2, 0], [3, 3, 1], [0, 1, 2, 3]):
        assert prepared.rows(numbers)[:, 0, 0, 0].tolist() == [10 * each for each in numbers]


def test_what_does_not_fit_is_read_again(pictures):
    prepared = PreparedPictures(pictures, rgb_pixels, most_bytes=2 * 6 * 8 * 3)
    before = prepared.rows([0, 1, 2, 3])
    for picture in pictures[:2]:
        picture.path.unlink()
    assert np.array_equal(prepared.rows([0, 1, 2, 3]), before)
    pictures[2].path.unlink()
    with pytest.raises(WorkspaceError, match=r"2\.png"):
        prepared.rows([2])


def test_a_picture_that_was_changed_is_refused(pictures):
    Image.new("RGB", (8, 6), (1, 2, 3)).save(pictures[1].path)
    with pytest.raises(
        WorkspaceError, match=r"1\.png: has other pixels than its record says; delete"
    ):
        PreparedPictures(pictures, rgb_pixels).rows([0, 1])


def test_a_picture_that_is_cut_short_is_refused(pictures):
    content = pictures[3].path.read_bytes()
    pictures[3].path.write_bytes(content[: len(content) // 2])
    with pytest.raises(WorkspaceError, match="is no picture that can be opened"):
        PreparedPictures(pictures, rgb_pixels).rows([3])
