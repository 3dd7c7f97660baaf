"""Tar shards: what readers of WebDataset find, and the same bytes every time."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
import webdataset

from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers.sinks import MetadataLine
from isekai_gen.release.containers.tar_shards import TarShard, shards_index
from isekai_gen.release.index import ListedFile
from tests.release.contained import packed_images, write_tar


@pytest.fixture
def packed(small):
    return packed_images(small)


@pytest.fixture
def shard(packed, tmp_path):
    return write_tar(tmp_path / "isekai-test-000000.tar", packed)


# It leaves closing its files to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_every_image_with_its_row_and_label(packed, shard):
    samples = list(webdataset.WebDataset(str(shard), shardshuffle=False))
    assert len(samples) == len(packed)
    for sample, each in zip(samples, packed, strict=True):
        assert sample["__key__"] == PurePosixPath(each.image.path).stem
        assert sample["png"] == each.content
        assert json.loads(sample["json"]) == each.row
        assert int(sample["cls"]) == each.image.label


def test_members_of_a_sample_lie_together_sorted_and_tell_nothing_of_this_machine(packed, shard):
    with tarfile.open(shard, "r:") as tar:
        members = tar.getmembers()
    stems = [PurePosixPath(each.image.path).stem for each in packed]
    assert [member.name for member in members] == [
        f"{stem}.{extension}" for stem in stems for extension in ("cls", "json", "png")
    ]
    for member in members:
        told = (member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode)
        assert told == (0, 0, 0, "", "", 0o644)
        assert member.pax_headers == {}


def test_the_same_images_give_the_bytes_that_tarfile_would_write(packed, shard):
    expected = io.BytesIO()
    with (
        tarfile.open(shard, "r:") as tar,
        tarfile.open(fileobj=expected, mode="w", format=tarfile.USTAR_FORMAT) as copy,
    ):
        for member in tar:
            copy.addfile(member, tar.extractfile(member))
    assert shard.read_bytes() == expected.getvalue()
    assert write_tar(shard.with_name("again.tar"), packed).read_bytes() == expected.getvalue()


@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar here")
def test_tar_itself_takes_it(shard, packed, tmp_path):
    subprocess.run(["tar", "-xf", shard, "-C", tmp_path], check=True, capture_output=True)
    name = PurePosixPath(packed[0].image.path).name
    assert (tmp_path / name).read_bytes() == packed[0].content


def test_a_name_that_a_tar_cannot_hold_is_refused(packed):
    image = replace(packed[0].image, path=f"images/a/{'a' * 100}-0001.png")
    with pytest.raises(ReleaseError, match=r"name is too long.*shorter name"):
        TarShard(io.BytesIO()).add(image, MetadataLine.of(packed[0].row), b"")


def test_the_index_counts_and_digests_shards(shard, packed):
    content = shard.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    listed = ListedFile("shards/isekai-test-000000.tar", len(content), sha256, "image shard")
    assert shards_index("isekai-test", [listed], {listed.path: len(packed)}) == {
        "__kind__": "wids-shard-index-v1",
        "wids_version": 1,
        "name": "isekai-test",
        "shardlist": [
            {
                "url": "isekai-test-000000.tar",
                "nsamples": len(packed),
                "filesize": len(content),
                "sha256": sha256,
            }
        ],
    }
