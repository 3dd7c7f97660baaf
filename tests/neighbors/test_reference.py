import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.models.spec import starter_folder
from isekai_gen.neighbors import reference_classes
from isekai_gen.neighbors.reference import (
    ReferenceClass,
    ReferenceSet,
    build_reference,
    load_reference,
    reference_digest,
    save_reference,
)
from isekai_gen.neighbors.vectors import ArrayVectors

CLASSES = [ReferenceClass("n1", "crane", "n1"), ReferenceClass("n2", "crane", "n2")]


@pytest.fixture
def reference():
    rng = np.random.default_rng(4)
    images = {"n1": [1, 0, 0] + 0.1 * rng.normal(size=(9, 3)), "n2": rng.normal(size=(5, 3))}
    return build_reference("cranes", "tiny", CLASSES, [[1, 0, 0], [0, 2, 0]], images)


def test_prototypes_are_normalized_means_and_text_is_normalized(reference):
    assert reference.text is not None
    assert reference.text.vectors.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert reference.prototypes is not None
    assert reference.prototypes.ids == ("n1", "n2")
    assert reference.prototypes.vectors[0] == pytest.approx([1, 0, 0], abs=0.2)


def test_own_similarity_compares_each_image_with_the_others():
    angles = np.radians([0, 0, 60])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    made = build_reference("one", "tiny", CLASSES[:1], None, {"n1": rows})
    # The two equal images see a prototype at 30 degrees, the odd one sees one at 0.
    sorted_similarities = [np.cos(np.radians(60)), np.cos(np.radians(30)), np.cos(np.radians(30))]
    expected = np.quantile(sorted_similarities, [step / 20 for step in range(21)])
    assert made.own_similarity["n1"] == pytest.approx(tuple(expected))
    assert made.own_images == {"n1": 3}
    for quantile in (0.05, 0.25, 0.5):
        assert made.own_quantile("n1", quantile) == pytest.approx(
            np.quantile(sorted_similarities, quantile)
        )


def test_an_image_set_for_only_some_classes_or_of_one_image_is_refused():
    with pytest.raises(ValueError, match="n2 differ"):
        build_reference("x", "tiny", CLASSES, np.eye(2), {"n1": np.eye(2)})
    with pytest.raises(ValueError, match=r"class n1 has 1 image"):
        build_reference("x", "tiny", CLASSES[:1], None, {"n1": [[1.0, 0.0]]})


def test_what_is_loaded_is_what_was_saved(tmp_path, reference):
    save_reference(tmp_path / "cranes", reference)
    back = load_reference(tmp_path / "cranes")
    assert (back.name, back.encoder, back.classes) == ("cranes", "tiny", tuple(CLASSES))
    assert back.own_similarity == reference.own_similarity
    assert back.text is not None
    assert back.prototypes is not None
    assert np.array_equal(back.text.vectors, reference.text.vectors)
    assert np.array_equal(back.prototypes.vectors, reference.prototypes.vectors)
    assert reference_digest(back) == reference_digest(reference)


def test_names_alone_make_a_reference_without_prototypes(tmp_path):
    save_reference(tmp_path, build_reference("names", "tiny", CLASSES, np.eye(2), {}))
    back = load_reference(tmp_path)
    assert back.prototypes is None
    assert back.own_similarity == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reference.json", "text.npy"]


@pytest.mark.parametrize("file_name", ["reference.json", "text.npy", "prototypes.npy"])
def test_any_flipped_byte_is_found(tmp_path, reference, file_name):
    save_reference(tmp_path, reference)
    path = tmp_path / file_name
    written = path.read_bytes()
    for place in range(0, len(written) - 1, 7):
        damaged = bytearray(written)
        damaged[place] ^= 1
        path.write_bytes(bytes(damaged))
        with pytest.raises(ChecksumError, match="is damaged"):
            load_reference(tmp_path)


def test_a_lost_array_is_damage_and_an_empty_folder_is_no_reference(tmp_path, reference):
    with pytest.raises(InputError, match="no reference set"):
        load_reference(tmp_path)
    save_reference(tmp_path, reference)
    (tmp_path / "text.npy").unlink()
    with pytest.raises(ChecksumError, match=r"text\.npy"):
        load_reference(tmp_path)


def test_a_foreign_file_name_is_never_opened(tmp_path, reference):
    save_reference(tmp_path, reference)
    row = json.loads((tmp_path / "reference.json").read_text())
    row.pop("digest")
    row["files"]["../secret.npy"] = "0" * 64
    text = canonical_json({**row, "digest": digest_of(row)})
    (tmp_path / "reference.json").write_text(text + "\n")
    with pytest.raises(ChecksumError, match="unknown files"):
        load_reference(tmp_path)


def test_a_saved_reference_is_never_replaced_by_another(tmp_path, reference):
    save_reference(tmp_path, reference)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    save_reference(tmp_path, reference)
    with pytest.raises(InputError, match="never changed"):
        save_reference(tmp_path, build_reference("cranes", "tiny", CLASSES, np.eye(2), {}))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_tables_that_do_not_fit_the_classes_are_refused():
    text = EmbeddingTable(("n2", "n1"), normalized(np.eye(2)), "tiny")
    with pytest.raises(ValueError, match="ids of its classes"):
        ReferenceSet("x", "tiny", tuple(CLASSES), text, None, {})
    with pytest.raises(ValueError, match="neither text nor prototypes"):
        ReferenceSet("x", "tiny", tuple(CLASSES), None, None, {})
    with pytest.raises(ValueError, match="distinct keys"):
        ReferenceSet("x", "tiny", (CLASSES[0], CLASSES[0]), text, None, {})
    prototypes = text.select(["n1", "n2"])
    with pytest.raises(ValueError, match="neither classes nor images"):
        ReferenceSet("x", "tiny", (), None, None, {})
    for own in (
        {},
        {"n1": (0.1, 0.2, 0.3)},
        {"n1": (0.1, 0.2), "n2": (0.1, 0.2)},
        {"n1": (0.1, 0.2, 0.3), "n2": (0.3, 0.2, 0.1)},
        {"n1": (0.1, 0.2, float("nan")), "n2": (0.1, 0.2, 0.3)},
    ):
        with pytest.raises(ValueError, match="quantiles"):
            ReferenceSet("x", "tiny", tuple(CLASSES), None, prototypes, own)


def coarse():
    """A set as they were made before: three quantiles, no counts."""
    table = EmbeddingTable(("n1", "n2"), normalized(np.eye(2)), "tiny")
    own = {"n1": (0.2, 0.4, 0.6), "n2": (0.5, 0.5, 0.7)}
    return ReferenceSet("old", "tiny", tuple(CLASSES), table, table, own)


def test_a_set_of_before_keeps_its_form_and_its_digest(tmp_path):
    save_reference(tmp_path, coarse())
    row = json.loads((tmp_path / "reference.json").read_text())
    assert row["schema"] == 1
    assert set(row) == {"schema", "name", "encoder", "classes", "own_similarity", "files", "digest"}
    assert reference_digest(load_reference(tmp_path)) == row["digest"]


def test_the_shipped_set_loads_under_the_digest_it_was_shipped_with():
    folder = starter_folder("reference")
    shipped = load_reference(folder)
    written = json.loads((folder / "reference.json").read_text())["digest"]
    assert reference_digest(shipped) == written
    assert shipped.quantile_grid == (0.05, 0.25, 0.5)


@pytest.mark.parametrize(
    ("similarity", "percentile"),
    [(-1.0, 0.05), (0.2, 0.05), (0.3, 0.15), (0.4, 0.25), (0.5, 0.375), (0.6, 0.5), (1.0, 0.5)],
)
def test_percentiles_say_nothing_finer_than_known(similarity, percentile):
    assert coarse().percentile("n1", similarity) == pytest.approx(percentile)


def test_a_percentile_where_quantiles_are_equal_is_the_highest_of_them():
    assert coarse().percentile("n2", 0.5) == 0.25
    assert coarse().percentile("n2", 0.4999) == 0.05


@given(st.lists(st.integers(-90, 90), min_size=2, max_size=30), st.floats(-1, 1), st.floats(-1, 1))
def test_percentiles_rise_with_similarity_and_stay_shares(degrees, one, other):
    angles = np.radians(degrees)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # Opposite rows cancel out and are refused; a third direction keeps every sum apart from zero.
    made = build_reference("x", "tiny", CLASSES[:1], None, {"n1": [*rows, [1.0, 0.0], [1.0, 0.0]]})
    low, high = sorted([one, other])
    assert 0 <= made.percentile("n1", low) <= made.percentile("n1", high) <= 1
    assert made.percentile("n1", made.own_similarity["n1"][-1]) == 1


def test_prototypes_do_not_depend_on_how_rows_are_cut_into_blocks(monkeypatch):
    rng = np.random.default_rng(5)
    rows = normalized(rng.normal(size=(101, 8)))
    class_of = rng.integers(-1, 3, size=101)
    whole = reference_classes.summarize_classes(ArrayVectors(rows), class_of, 3)
    monkeypatch.setattr(reference_classes, "_BLOCK_ROWS", 7)
    cut = reference_classes.summarize_classes(ArrayVectors(rows), class_of, 3)
    assert np.array_equal(whole.prototypes, cut.prototypes)
    assert np.array_equal(whole.own_similarity, cut.own_similarity)
    assert cut.sizes.tolist() == [np.count_nonzero(class_of == number) for number in range(3)]
