"""Releases of WebP and JPEG images."""

import json

import pytest
from PIL import Image

from isekai_gen.manifests.files import read_manifest
from isekai_gen.records import IMAGE_FORMATS
from isekai_gen.release.building.build import build_release
from isekai_gen.release.verification.verify import verify_release
from isekai_gen.shards import read_lines
from tests.release.conftest import make_small

SUFFIXES = (".webp", ".jpg")


@pytest.fixture(params=SUFFIXES)
def suffix(request):
    return request.param


@pytest.fixture
def release(tmp_path, suffix):
    small = make_small(tmp_path / "workspace", suffix)
    return build_release(small.request(tmp_path / "out")).folder


def messages(release, name):
    return [finding.message for finding in verify_release(release) if finding.file == name]


def test_images_keep_their_format_and_every_list_names_them_so(release, suffix):
    assert verify_release(release) == []
    names = [row["file_name"] for row in read_lines(release / "metadata.jsonl")]
    assert len(names) == 14
    for name in names:
        assert name.endswith(suffix)
        with Image.open(release / name) as image:
            assert image.format == IMAGE_FORMATS[suffix]
    rows = read_manifest(release / "lcl/ISEKAI-10.json")
    assert {row["image_name"] for row in rows} <= set(names)


def test_a_changed_pixel_digest_is_found_where_files_are_lossless(release, suffix):
    path = release / "metadata.jsonl"
    rows = read_lines(path)
    rows[0]["pixel_sha256"] = "0" * 64
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    # JPEG does not decode to the drawn pixels, of which the digest is.
    found = messages(release, f"images/cactihog/cactihog-0001{suffix}")
    assert found == (["metadata.jsonl has another pixel_sha256"] if suffix == ".webp" else [])


def test_a_changed_file_is_found(release, suffix):
    path = release / f"images/cactihog/cactihog-0001{suffix}"
    name = path.relative_to(release).as_posix()
    path.write_bytes(path.read_bytes()[:-20])
    assert "metadata.jsonl has another sha256" in messages(release, name)
    Image.new("RGB", (16, 16)).save(path, "PNG")
    assert "metadata.jsonl has another sha256" in messages(release, name)


def test_an_image_with_the_suffix_of_no_image_is_found(release, suffix):
    path = release / f"images/cactihog/cactihog-0001{suffix}"
    path.rename(path.with_suffix(".gif"))
    metadata = release / "metadata.jsonl"
    metadata.write_text(metadata.read_text().replace(path.name, "cactihog-0001.gif"))
    found = messages(release, "images/cactihog/cactihog-0001.gif")
    assert "its name must end in .png or .webp or .jpg" in found
