import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.documents.contact_sheet import ROWS_PER_PAGE
from isekai_gen.release.documents.previews import encode_jpeg, evenly_spaced, write_previews
from isekai_gen.release.layout import SHEET_FILE


@pytest.fixture
def draft(tmp_path):
    (tmp_path / "release").mkdir()
    return ReleaseDraft(tmp_path / "release")


def picture_of(color, size=(40, 30)):
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def grown(images, groups):
    """The images of a group, as those of many groups."""
    first = [image for image in images if image.concept.group == images[0].concept.group]
    return [
        replace(image, concept=replace(image.concept, group=f"group-{number}"))
        for number in range(groups)
        for image in first
    ]


def test_every_group_has_a_strip_and_the_first_sheet_shows_all(small, draft):
    images = small.content.released_images()
    previews = write_previews(draft, images, lambda _image: picture_of("red"))
    assert list(previews) == [SHEET_FILE, "preview/prickly.jpg", "preview/sweet.jpg"]
    assert previews[SHEET_FILE].startswith("2 groups; every image is generated")
    assert previews["preview/prickly.jpg"] == "cactihog beside hedgehog"
    for path in previews:
        with Image.open(draft.folder / path) as picture:
            assert picture.format == "JPEG"


def test_a_strip_has_fictional_pictures_left_and_real_ones_right(small, draft):
    def read(image):
        return picture_of("red" if image.concept.kind == "fictional" else "blue")

    write_previews(draft, small.content.released_images(), read)
    with Image.open(draft.folder / "preview/prickly.jpg") as strip:
        red, _, blue = strip.getpixel((64, 64))
        assert red > 240 > 20 > blue
        red, _, blue = strip.getpixel((strip.width - 64, 64))
        assert blue > 240 > 20 > red


def test_hundreds_of_groups_are_paged_and_each_page_says_which(small, draft):
    images = grown(small.content.released_images(), 2 * ROWS_PER_PAGE + 1)
    previews = write_previews(draft, images, lambda _image: picture_of("green"))
    sheets = [path for path in previews if "contact_sheet" in path]
    assert sheets == [SHEET_FILE, *(f"preview/contact_sheet_{n}.jpg" for n in (2, 3))]
    assert previews[sheets[1]].startswith(f"groups {ROWS_PER_PAGE + 1} to {2 * ROWS_PER_PAGE} of ")
    assert previews[sheets[2]].startswith(f"groups {2 * ROWS_PER_PAGE + 1} to ")


def test_pages_and_strips_of_the_worst_pictures_keep_their_limits(small, draft):
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (128, 128, 3), np.uint8)).save(buffer, "PNG")
    images = grown(small.content.released_images(), ROWS_PER_PAGE)
    write_previews(draft, images, lambda _image: buffer.getvalue())
    assert (draft.folder / SHEET_FILE).stat().st_size <= 1_000_000
    strips = list((draft.folder / "preview").glob("group-*.jpg"))
    assert len(strips) == ROWS_PER_PAGE
    assert max(strip.stat().st_size for strip in strips) <= 100_000


def test_the_same_images_give_the_same_bytes(small, tmp_path):
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        draft = ReleaseDraft(tmp_path / name)
        write_previews(draft, small.content.released_images(), lambda _image: picture_of("red"))
        made.append([(file.path, file.sha256) for file in draft.listed()])
    assert made[0] == made[1]


def test_a_group_whose_fictional_images_are_all_dropped_says_so(small, draft):
    real = [image for image in small.content.released_images() if image.concept.kind == "real"]
    previews = write_previews(draft, real, lambda _image: picture_of("red"))
    assert previews["preview/sweet.jpg"] == "(no image kept) beside teapot"


@pytest.mark.parametrize(
    ("there", "shown"), [(0, []), (1, [0]), (4, [0, 1, 2, 3]), (9, [0, 2, 4, 6])]
)
def test_shown_images_are_evenly_spaced(there, shown):
    assert evenly_spaced(range(there), 4) == shown


def test_a_picture_that_fits_at_no_quality_is_refused():
    with pytest.raises(ValueError, match="fits in 100 bytes"):
        encode_jpeg(Image.new("RGB", (64, 64)), 100)
