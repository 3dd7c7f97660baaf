"""Counterfactual samples of a release whose pictures say, signed, that a model drew them."""

import pytest
from PIL import Image

from isekai_gen.hashing import file_sha256
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.containers.parquet_read import iter_parquet_rows
from isekai_gen.release.signing.c2pa_check import check_c2pa
from isekai_gen.release.signing.c2pa_marks import C2paMarker
from isekai_gen.release.verification.verify import verify_release
from tests.release.mutations import edit_rows, relist
from tests.release.sampled import ROWS, TABLE, build_with_samples, loose_samples
from tests.release.signing_keys import write_pair


@pytest.fixture
def marker(tmp_path):
    pair = write_pair(tmp_path, "es256")
    return C2paMarker(pair.cert, pair.key)


def test_samples_are_marked_as_images_are(marker, tmp_path, profile):
    plan = BuildPlan(profile=profile, marker=marker)
    release = build_with_samples(tmp_path, plan)
    assert verify_release(release) == []
    if profile == "hub":
        contents = [row["image"]["bytes"] for row in iter_parquet_rows(release / TABLE)]
    else:
        contents = [path.read_bytes() for path in loose_samples(release)]
    assert len(contents) == 28
    assert [check_c2pa(each) for each in contents] == [[]] * 28


def test_a_sample_without_its_mark_is_found(marker, tmp_path):
    release = build_with_samples(tmp_path, BuildPlan(profile="files", marker=marker))
    path = loose_samples(release)[0]
    with Image.open(path) as picture:
        pixels = picture.convert("RGB")
    pixels.save(path)

    def tell(rows):
        row = next(row for row in rows if row["id"] == path.stem)
        row["sha256"] = file_sha256(path)

    edit_rows(release, ROWS, tell)
    relist(release)
    (found,) = verify_release(release)
    assert found.file == path.relative_to(release).as_posix()
    assert "C2PA" in found.message
