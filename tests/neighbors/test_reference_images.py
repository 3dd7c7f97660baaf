import hashlib
import json

import numpy as np
import pytest

from isekai_gen.embeddings import normalized
from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.neighbors.reference import load_reference, reference_digest, save_reference
from isekai_gen.neighbors.reference_classes import build_reference
from isekai_gen.neighbors.reference_images import open_images, write_images
from isekai_gen.neighbors.reference_set import ReferenceClass, ReferenceSet
from isekai_gen.neighbors.vectors import ArrayVectors

ROWS = normalized(np.random.default_rng(1).normal(size=(5, 4)))
KEYS = ["a/1.png", "a/2.png", "b/1.png", "b/2.png", "odd.png"]
COLUMNS = (KEYS, ["a", "a", "b", "b", ""], list("vwxyz"), list("VWXXZ"))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    files = write_images(folder, ArrayVectors(ROWS), COLUMNS, "0" * 64)
    save_reference(folder, ReferenceSet("photos", "tiny", (), None, None, {}, images=files))
    return folder


def opened(folder):
    return open_images(folder, load_reference(folder))


def edited(folder, **changes):
    """Rewrite reference.json as someone would who makes its digest fit."""
    path = folder / "reference.json"
    row = {**json.loads(path.read_text()), **changes}
    row.pop("digest")
    path.write_text(canonical_json({**row, "digest": digest_of(row)}) + "\n")


def test_images_without_classes_are_a_reference(folder):
    reference = load_reference(folder)
    assert (reference.classes, reference.text, reference.images.count) == ((), None, 5)
    images = opened(folder)
    assert np.array_equal(images.vectors.block(0, 5), ROWS)
    assert isinstance(images.vectors.array, np.memmap)
    assert images.column("key", np.array([2, 0])).to_pylist() == ["b/1.png", "a/1.png"]
    assert images.column("class", np.array([2, 4])).to_pylist() == ["b", ""]


def test_digests_find_the_first_row_that_has_them(folder):
    images = opened(folder)
    assert images.rows_with("pixel_sha256", ["X", "none", "Z"]).tolist() == [2, -1, 4]
    assert images.rows_with("file_sha256", ["y"]).tolist() == [3]


def test_the_vectors_are_a_plain_npy_file_with_the_digest_that_is_named(folder):
    path = folder / "images.npy"
    assert np.array_equal(np.load(path), ROWS)
    named = load_reference(folder).images.sha256["images.npy"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == named


def test_other_images_make_another_digest(folder, tmp_path):
    files = write_images(tmp_path / "other", ArrayVectors(ROWS[::-1].copy()), COLUMNS, "0" * 64)
    other = ReferenceSet("photos", "tiny", (), None, None, {}, images=files)
    assert reference_digest(other) != reference_digest(load_reference(folder))
    with pytest.raises(InputError, match="never changed"):
        save_reference(folder, other)


@pytest.mark.parametrize("name", ["images.npy", "images.parquet"])
def test_a_flipped_byte_or_a_lost_file_is_found_when_images_are_opened(folder, name):
    path = folder / name
    written = path.read_bytes()
    for place in range(0, len(written), 41):
        damaged = bytearray(written)
        damaged[place] ^= 1
        path.write_bytes(bytes(damaged))
        with pytest.raises(ChecksumError, match=f"damaged .{name} is not"):
            opened(folder)
    path.unlink()
    with pytest.raises(ChecksumError, match="is not what was written"):
        opened(folder)


def test_a_set_without_images_says_how_to_make_one(tmp_path):
    classes = [ReferenceClass("a", "a", "")]
    save_reference(tmp_path, build_reference("names", "tiny", classes, np.eye(1, 4), {}))
    with pytest.raises(InputError, match="reference add NAME --images"):
        opened(tmp_path)


def test_a_foreign_file_name_is_never_opened(folder):
    edited(folder, images={"count": 5, "source": "", "sha256": {"../../secret.npy": "0"}})
    with pytest.raises(ChecksumError, match="unknown files"):
        load_reference(folder)


def test_a_hostile_array_under_a_fitting_digest_is_refused(folder):
    written = json.loads((folder / "reference.json").read_text())["images"]
    for array in (
        np.array([{"a": 1}], dtype=object),
        np.full((5, 4), np.nan, dtype=np.float32),
        ROWS[:3],
        2 * ROWS,
        ROWS.astype(np.float64),
    ):
        np.save(folder / "images.npy", array, allow_pickle=True)
        digest = hashlib.sha256((folder / "images.npy").read_bytes()).hexdigest()
        edited(folder, images={**written, "sha256": {**written["sha256"], "images.npy": digest}})
        with pytest.raises(ChecksumError, match="is damaged"):
            opened(folder)


@pytest.mark.parametrize(
    "columns",
    [
        {"key": ["a"] * 5},
        {name: [1] * 5 for name in ("key", "class", "file_sha256", "pixel_sha256")},
        {name: ["a"] * 4 + [None] for name in ("key", "class", "file_sha256", "pixel_sha256")},
    ],
)
def test_a_hostile_table_under_a_fitting_digest_is_refused(folder, columns):
    import pyarrow
    import pyarrow.parquet

    written = json.loads((folder / "reference.json").read_text())["images"]
    path = folder / "images.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edited(folder, images={**written, "sha256": {**written["sha256"], "images.parquet": digest}})
    with pytest.raises(ChecksumError, match="is damaged"):
        opened(folder)


@pytest.mark.parametrize(
    "images", [[], 3, {"count": 5}, {"count": 5, "source": "", "sha256": {}, "more": 1}]
)
def test_a_hostile_description_is_refused(folder, images):
    edited(folder, images=images)
    with pytest.raises(ChecksumError, match="is damaged"):
        load_reference(folder)


def test_names_for_other_rows_are_a_fault_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="5 names for 4 embeddings"):
        write_images(tmp_path, ArrayVectors(ROWS[:4]), COLUMNS, "")
