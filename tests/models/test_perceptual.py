"""Perceptual hashes: the library's, in eight orientations, and what is not worth comparing."""

import io

import imagehash
import numpy as np
import pytest
from PIL import Image

from isekai_gen.hashing import pixel_sha256
from isekai_gen.models.perceptual import (
    ORIENTATIONS,
    THUMBNAIL_SIDE,
    PictureHashes,
    hash_picture,
)
from isekai_gen.stages.pictures import decode_picture
from tests.scenes import scene

TURNS = [
    None,
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_180,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
]


def as_number(library_hash):
    return int(str(library_hash), 16)


@pytest.mark.parametrize("number", range(5))
def test_hashes_are_those_of_the_library(number):
    picture = scene(number)
    small = picture.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    found = hash_picture(small)
    for orientation, turn in enumerate(TURNS):
        gray = small.convert("L")
        turned = gray if turn is None else gray.transpose(turn)
        assert int(found.phash[orientation]) == as_number(imagehash.phash(turned))
        assert int(found.dhash[orientation]) == as_number(imagehash.dhash(turned))


@pytest.mark.parametrize("number", range(5))
def test_reducing_a_picture_once_costs_few_bits(number):
    picture = scene(number).resize((512, 512))
    ours = int(hash_picture(picture).phash[0])
    assert (ours ^ as_number(imagehash.phash(picture))).bit_count() <= 4


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_pictures_are_not_worth_comparing(level):
    assert not hash_picture(Image.new("RGB", (64, 48), (level,) * 3)).hashable


def test_nearly_blank_pictures_are_not_worth_comparing():
    levels = np.random.default_rng(0).integers(127, 129, (64, 64, 3), dtype=np.uint8)
    assert not hash_picture(Image.fromarray(levels)).hashable
    assert hash_picture(scene(1)).hashable


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK"])
def test_pictures_of_any_mode_have_hashes(mode):
    picture = scene(2).convert(mode)
    found = PictureHashes.of([hash_picture(picture), hash_picture(picture.convert("RGB"))])
    assert found.phash[0, 0] == found.phash[1, 0]


def test_gray_pictures_have_a_neutral_tint():
    assert (hash_picture(scene(3).convert("L")).tint == 128).all()


def test_rows_are_taken_and_joined_in_order():
    rows = [hash_picture(scene(number)) for number in range(4)]
    every = PictureHashes.of(rows)
    joined = PictureHashes.joined([every.take([2, 3]), PictureHashes.of([]), every.take([0])])
    assert len(joined) == 3
    assert joined.phash.shape == (3, ORIENTATIONS)
    for row, number in enumerate([2, 3, 0]):
        assert (joined.phash[row] == rows[number].phash).all()
        assert (joined.thumbnails[row] == rows[number].thumbnail).all()
        assert (joined.tints[row] == rows[number].tint).all()


def test_arrays_that_do_not_match_are_refused():
    two = PictureHashes.of([hash_picture(scene(number)) for number in range(2)])
    with pytest.raises(ValueError, match="dhash must be uint64"):
        PictureHashes(two.phash, two.dhash[:1], two.thumbnails, two.tints, two.hashable)


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def decoded_digest(content):
    return pixel_sha256(np.array(decode_picture(content, ".png"), dtype=np.uint8))


def test_black_pictures_of_other_shapes_have_other_pixel_digests():
    wide, high = (png(Image.new("RGB", size)) for size in ((200, 100), (100, 200)))
    assert decoded_digest(wide) != decoded_digest(high)


def test_palette_pictures_are_told_apart_by_their_colors_not_their_indices():
    indices = np.arange(64, dtype=np.uint8).reshape(8, 8) % 2
    files = []
    for palette in ([0, 0, 0, 255, 0, 0], [0, 0, 0, 0, 0, 255]):
        image = Image.fromarray(indices).convert("P")
        image.putpalette(palette)
        files.append(png(image))
    assert decoded_digest(files[0]) != decoded_digest(files[1])
    with Image.open(io.BytesIO(files[0])) as reopened:
        plain = png(reopened.convert("RGB"))
    assert decoded_digest(files[0]) == decoded_digest(plain)
