"""The same workspace gives the same bytes, wherever and in whatever order its files lie."""

import json
import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isekai_gen.hashing import file_sha256
from isekai_gen.models.spec import DrawnImage
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.containers.unpack import unpack_release
from isekai_gen.stages.image_writer import ImageWriter
from isekai_gen.stages.pictures import FileStyle
from tests.release.conftest import PROVENANCE, make_small

ROOT = Path(__file__).parents[2]
PROFILES = ("hub", "files", "webdataset")
BUILD = """
import sys
from pathlib import Path
from isekai_gen.release.building.build import build_release
from tests.release.test_release_reproducible import PROFILES, request_of
folder, seed = Path(sys.argv[1]), int(sys.argv[2])
for profile in PROFILES:
    build_release(request_of(folder, profile, seed))
"""


def request_of(folder, profile, seed):
    """A release of the small workspace, whose files and records lie in an order of `seed`."""
    order = random.Random(seed)
    made = make_small(folder / f"made-{profile}")
    place = folder / f"{'x' * seed}-{profile}"
    files = sorted(path for path in made.workspace.root.rglob("*") if path.is_file())
    for path in order.sample(files, len(files)):
        copy = place / path.relative_to(made.workspace.root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        os.utime(copy, (order.randrange(10**9), order.randrange(10**9)))
    shutil.rmtree(made.workspace.root)
    small = replace(made, workspace=type(made.workspace)(place))
    content = small.content
    splits = {} if profile == "files" else {"splits": small.divided()}
    return small.request(
        folder / profile / "release",
        BuildPlan(profile=profile, archive="tar"),
        records=order.sample(content.records, len(content.records)),
        kept=order.sample(content.kept, len(content.kept)),
        **splits,
    )


def built(folder, seed):
    """What a process of its own builds: the hash of texts, hence of sets, differs in each."""
    folder.mkdir()
    environment = os.environ | {
        "PYTHONHASHSEED": str(seed),
        "PYTHONPATH": str(ROOT),
        "SOURCE_DATE_EPOCH": "1767225600",
        "TZ": "Asia/Tokyo" if seed % 2 else "America/Lima",
    }
    subprocess.run(
        [sys.executable, "-c", BUILD, folder, str(seed)], cwd=folder, env=environment, check=True
    )
    return folder


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproducible")
    return built(folder / "one", 1), built(folder / "another-place", 2)


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_two_builds_give_equal_bytes_of_every_file(pair, profile):
    one, other = (digests(folder / profile / "release") for folder in pair)
    assert one == other
    assert {"README.md", "croissant.json", "release.json", "SHA256SUMS"} <= one.keys()


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_archives_are_equal_too(pair, profile):
    one, other = (folder / profile / "isekai-test-1.0.0.tar" for folder in pair)
    assert file_sha256(one) == file_sha256(other)


def told_by_exiftool(path):
    if shutil.which("exiftool") is None:
        pytest.skip("EXIFTOOL IS MISSING: install libimage-exiftool-perl to run this test")
    command = ["exiftool", "-json", "-G1", path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (told,) = json.loads(done.stdout)
    return told


def drawn_workspace(root, image_format):
    """The small workspace with pictures as the program itself writes them."""
    style = FileStyle(image_format)
    small = make_small(root, style.suffix)
    with ThreadPoolExecutor(1) as threads:
        writer = ImageWriter(small.workspace, PROVENANCE, style, threads)
        records = []
        for record in small.content.records:
            if record.generated:
                seed = int(record.image_id[:8], 16)
                pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
                record = writer.write(record.planned, DrawnImage(0, pixels, "", None))
            records.append(record)
    return replace(small, content=replace(small.content, records=records))


@pytest.mark.parametrize(
    ("image_format", "suffix"), [("png", "png"), ("webp", "webp"), ("jpeg", "jpg")]
)
def test_exiftool_reads_in_released_pictures_that_a_model_made_them(tmp_path, image_format, suffix):
    small = drawn_workspace(tmp_path / "workspace", image_format)
    release = build_release(small.request(tmp_path / "release")).folder
    (picture, *_) = sorted(release.glob(f"images/*/*.{suffix}"))
    shards = build_release(small.request(tmp_path / "tars", BuildPlan(profile="webdataset"))).folder
    unpack_release(shards, tmp_path / "unpacked")
    for path in (picture, tmp_path / "unpacked" / picture.relative_to(release)):
        told = told_by_exiftool(path)
        kind = told["XMP-iptcExt:DigitalSourceType"]
        assert kind.endswith("/digitalsourcetype/trainedAlgorithmicMedia")
        assert told["XMP-iptcExt:AISystemUsed"] == PROVENANCE.model
        assert told["XMP-iptcExt:AISystemVersionUsed"] == PROVENANCE.model_digest
        assert told["XMP-iptcExt:AIPromptInformation"] == "a thing"
        assert "ExifTool:Warning" not in told
