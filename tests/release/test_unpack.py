"""A release whose images travel in tables or archives gets its folder images/ back."""

import json

import pytest

from isekai_gen.errors import ChecksumError, ReleaseError
from isekai_gen.manifests.files import read_manifest
from isekai_gen.release.containers.unpack import Unpacked, unpack_release
from isekai_gen.shards import encode_lines
from tests.release.contained import packed_images, write_parquet, write_tar

WRITERS = {"data/test-{}-of-00002.parquet": write_parquet, "shards/isekai-test-{}.tar": write_tar}


@pytest.fixture
def packed(small):
    return packed_images(small)


@pytest.fixture(params=WRITERS)
def make(request, tmp_path):
    """Makes a release in two containers."""

    def make(contained, listed):
        folder = tmp_path / "release"
        (folder / request.param).parent.mkdir(parents=True)
        (folder / "lcl").mkdir()
        (folder / "lcl/ISEKAI-10.json").write_text("{}\n")
        for number, part in enumerate((contained[:5], contained[5:])):
            WRITERS[request.param](folder / request.param.format(f"{number:05d}"), part)
        rows = [each.row for each in listed]
        (folder / "metadata.jsonl").write_bytes(encode_lines(rows))
        return folder

    return make


def nothing_left(out):
    return [path.name for path in out.parent.iterdir() if "release" not in path.name] == [
        "workspace"
    ]


def test_images_come_back_byte_for_byte_beside_what_names_them(make, packed, tmp_path):
    release, out = make(packed, packed), tmp_path / "out"
    assert unpack_release(release, out) == Unpacked(len(packed), None)
    for each in packed:
        assert (out / each.image.path).read_bytes() == each.content
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    beside = {"metadata.jsonl", "lcl/ISEKAI-10.json"}
    assert found == beside | {each.image.path for each in packed}
    for name in beside:
        assert (out / name).read_bytes() == (release / name).read_bytes()


def test_an_image_with_other_bytes_is_named_and_nothing_is_left(make, packed, tmp_path):
    damaged = [*packed]
    damaged[7].row["sha256"] = "0" * 64
    with pytest.raises(ChecksumError, match=packed[7].image.path):
        unpack_release(make(packed, damaged), tmp_path / "out")
    assert nothing_left(tmp_path / "out")


def test_a_missing_image_is_named(make, packed, tmp_path):
    with pytest.raises(ChecksumError, match=f"1 images .* such as {packed[3].image.path}"):
        unpack_release(make(packed[:3] + packed[4:], packed), tmp_path / "out")
    assert nothing_left(tmp_path / "out")


@pytest.mark.parametrize("more", [0, 9])
def test_an_image_that_is_not_listed_or_comes_twice_is_named(make, packed, tmp_path, more):
    listed = packed if more else packed[1:]
    contained = [*packed, packed[more]] if more else packed
    with pytest.raises(ChecksumError, match=rf"{packed[more].image.path}.* twice, or is not in"):
        unpack_release(make(contained, listed), tmp_path / "out")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "/etc/evil.png",
        "images/../../evil.png",
        "lcl/evil.png",
        "images/evil.png",
        "images/a/b/c.png",
        f"images/a/{'x' * 300}",
        3,
        None,
    ],
)
def test_no_path_leaves_the_folder(make, packed, tmp_path, name):
    release = make(packed, packed)
    row = json.dumps({"file_name": name, "sha256": "0" * 64})
    (release / "metadata.jsonl").write_text(f"{row}\n")
    with pytest.raises(ReleaseError, match=r"metadata.jsonl:1: "):
        unpack_release(release, tmp_path / "out")
    assert nothing_left(tmp_path / "out")


def test_links_in_the_release_are_not_followed(make, packed, tmp_path):
    release = make(packed, packed)
    secret = tmp_path / "release-secret"
    secret.write_text("mine")
    (release / "lcl/linked.json").symlink_to(secret)
    unpack_release(release, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out/lcl").iterdir()) == ["ISEKAI-10.json"]


def test_an_existing_folder_is_never_written_to(make, packed, tmp_path):
    release, out = make(packed, packed), tmp_path / "out"
    out.mkdir()
    with pytest.raises(ReleaseError, match="exists"):
        unpack_release(release, out)
    assert list(out.iterdir()) == []


def test_a_release_of_loose_images_alone_has_nothing_to_unpack(tmp_path):
    (tmp_path / "release").mkdir()
    (tmp_path / "release/metadata.jsonl").write_text("")
    with pytest.raises(ReleaseError, match="nothing to unpack"):
        unpack_release(tmp_path / "release", tmp_path / "out")
    with pytest.raises(ReleaseError, match=r"no metadata.jsonl"):
        unpack_release(tmp_path / "absent", tmp_path / "out")


@pytest.mark.parametrize("profile", ["built", "built_tars"])
def test_a_built_release_unpacks_to_the_images_of_the_hub_profile(
    request, built, tmp_path, profile
):
    out = tmp_path / "out"
    assert unpack_release(request.getfixturevalue(profile), out).images == 14
    for path in (built / "images").rglob("*.png"):
        assert (out / path.relative_to(built)).read_bytes() == path.read_bytes()
    for row in read_manifest(out / "lcl/ISEKAI-10.json"):
        assert (out / row["image_name"]).is_file()
