import io

import pytest
from PIL import Image

from isekai_gen.data_urls import HEAD_BYTES, MEDIA_TYPES, data_url, media_type_of


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_picture_is_known_by_its_first_bytes(media_type):
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, media_type.removeprefix("image/"))
    assert media_type_of(file.getvalue()[:HEAD_BYTES]) == media_type


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"RIFF\x00\x00\x00\x00WAVE", b"<svg/>"])
def test_other_files_are_none(content):
    assert media_type_of(content) is None


def test_a_url_holds_the_file():
    assert data_url(b"abc", "image/png") == "data:image/png;base64,YWJj"
