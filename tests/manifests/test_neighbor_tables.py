import csv

import numpy as np
import pytest

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.errors import InputError
from isekai_gen.manifests.class_similarity import ConceptEmbeddings, percentiles
from isekai_gen.manifests.neighbor_tables import (
    TABLE_FILES,
    NeighborTables,
    TableSize,
    build_neighbor_tables,
    write_neighbor_tables,
)
from isekai_gen.neighbors.class_features import features_of_reference
from isekai_gen.neighbors.reference import ReferenceClass, build_reference
from isekai_gen.records import Concept
from isekai_gen.shards import read_lines

ENCODER = "tiny"
CLASSES = [ReferenceClass(f"{n:02d}", f"class {n}", f"n{n:08d}") for n in range(10)]
FICTIONAL = Concept("cactihog", "cactihog", "fictional", "g", "s", "d")
REAL = Concept("hedgehog", "hedgehog", "real", "g", "s", "d", wnids=("n00000003",))


def vectors(count, seed):
    return normalized(np.random.default_rng(seed).normal(size=(count, 8)))


def table(ids, seed):
    return EmbeddingTable(tuple(ids), vectors(len(ids), seed), ENCODER)


TEXT = table(["cactihog", "hedgehog"], 1)
IMAGES = table(["cactihog", "hedgehog"], 2)


def reference(text=True, images=True):
    by_class = {each.key: vectors(3, 50 + n) for n, each in enumerate(CLASSES)}
    return build_reference(
        "tiny-ten", ENCODER, CLASSES, vectors(10, 3) if text else None, by_class if images else {}
    )


def tables_of(
    concepts, means, text, known, k=1, bins=1, seed=0, similarity="lcl"
) -> NeighborTables:
    return build_neighbor_tables(
        concepts,
        ConceptEmbeddings(text, means),
        features_of_reference(known),
        similarity,
        TableSize(k, bins, seed),
    )


def test_similarity_is_the_weighted_sum_of_both_heads():
    full = reference()
    tables = tables_of([FICTIONAL], IMAGES, TEXT, full, k=10, bins=1)
    own_text, own_image = TEXT.vectors[0].astype(float), IMAGES.vectors[0].astype(float)
    for row in tables.nearest:
        place = int(row.class_key)
        text, image = full.text.vectors[place], full.prototypes.vectors[place]
        expected = (
            0.5 * own_text @ text
            + 0.8 * (own_image @ text + own_text @ image)
            + 0.5 * own_image @ image
        )
        assert row.similarity == pytest.approx(expected, abs=3e-6)
        assert row.similarity_kind == "lcl-of-unit-means"
        assert row.image_similarity == pytest.approx(own_image @ image, abs=1e-6)


def test_nearest_rows_fall_in_similarity_and_number_k():
    rows = tables_of([FICTIONAL], IMAGES, TEXT, reference(), k=4, bins=2).nearest
    similarities = [row.similarity for row in rows]
    assert similarities == sorted(similarities, reverse=True)
    assert [(row.rank, row.bin) for row in rows] == [(1, -1), (2, -1), (3, -1), (4, -1)]


@pytest.mark.parametrize(("bins", "sizes"), [(3, [4, 4, 2]), (4, [3, 3, 3, 1]), (10, [1] * 10)])
def test_rank_stratified_draws_one_class_from_each_bin(bins, sizes):
    tables = tables_of([FICTIONAL], IMAGES, TEXT, reference(), k=10, bins=bins)
    ends = np.cumsum(sizes)
    assert [row.bin for row in tables.rank_stratified] == list(range(len(sizes)))
    rank_by_key = {row.class_key: row.rank for row in tables.nearest}
    for row, end, size in zip(tables.rank_stratified, ends, sizes, strict=True):
        assert end - size < row.rank <= end
        assert rank_by_key[row.class_key] == row.rank


def test_another_seed_draws_other_classes():
    draws = [
        tables_of([FICTIONAL], IMAGES, TEXT, reference(), bins=2, seed=seed) for seed in range(5)
    ]
    assert len({tuple(row.rank for row in draw.rank_stratified) for draw in draws}) > 1


def test_without_images_similarity_is_of_texts_and_says_so():
    for means, known in ((None, reference()), (IMAGES, reference(images=False))):
        row = tables_of([FICTIONAL], means, TEXT, known).nearest[0]
        assert row.similarity_kind == "cosine-text"
        assert row.similarity == row.text_similarity
        assert row.image_similarity is None


def test_a_concept_without_kept_images_is_compared_by_text_only():
    some = IMAGES.select(["hedgehog"])
    rows = tables_of([FICTIONAL, REAL], some, TEXT, reference()).nearest
    assert [row.similarity_kind for row in rows] == ["cosine-text", "lcl-of-unit-means"]


def test_a_reference_without_texts_is_compared_by_image_only():
    known = reference(text=False)
    row = tables_of([FICTIONAL], IMAGES, TEXT, known).nearest[0]
    assert row.similarity_kind == "cosine-image"
    with pytest.raises(InputError, match="neither texts nor images"):
        tables_of([FICTIONAL], None, TEXT, known)


def test_the_cosine_goes_by_images_and_still_tells_of_texts():
    rows = tables_of([FICTIONAL], IMAGES, TEXT, reference(), k=10, similarity="cosine").nearest
    assert [row.similarity for row in rows] == [row.image_similarity for row in rows]
    assert {row.similarity_kind for row in rows} == {"cosine-image"}
    assert None not in {row.text_similarity for row in rows}


def test_percentiles_say_how_many_classes_are_no_more_similar():
    rows = tables_of([FICTIONAL], IMAGES, TEXT, reference(), k=10).nearest
    assert [row.percentile for row in rows] == [n / 10 for n in range(10, 0, -1)]
    for similarity, share in (
        ("text_similarity", "text_percentile"),
        ("image_similarity", "image_percentile"),
    ):
        values = [getattr(row, similarity) for row in rows]
        expected = [sum(other <= value for other in values) / 10 for value in values]
        assert [getattr(row, share) for row in rows] == pytest.approx(expected)


def test_equal_similarities_have_equal_percentiles():
    assert percentiles(np.array([0.5, 0.1, 0.5, 0.2])).tolist() == [1.0, 0.25, 1.0, 0.5]


def test_a_real_concepts_own_class_is_no_neighbor():
    rows = tables_of([REAL], IMAGES, TEXT, reference(), k=9, bins=1).nearest
    assert "n00000003" not in {row.wnid for row in rows}


def test_asking_for_more_classes_than_there_are_is_an_error():
    with pytest.raises(InputError, match="ask for 1 to 10"):
        tables_of([FICTIONAL], IMAGES, TEXT, reference(), k=11, bins=1)


def test_embeddings_of_another_encoder_are_refused():
    other = EmbeddingTable(TEXT.ids, TEXT.vectors, "another")
    with pytest.raises(ValueError, match="different encoders"):
        tables_of([FICTIONAL], IMAGES, other, reference())


def test_the_three_forms_of_a_table_hold_the_same_rows(tmp_path):
    import pyarrow.parquet

    tables = tables_of([FICTIONAL, REAL], None, TEXT, reference(), k=3, bins=2)
    paths = write_neighbor_tables(tmp_path, tables)
    assert [path.name for path in paths] == list(TABLE_FILES)
    for name, rows in (("nearest", tables.nearest), ("rank-stratified", tables.rank_stratified)):
        lines = read_lines(tmp_path / f"{name}.jsonl")
        assert {line["table"] for line in lines} == {name}
        assert [line["class_key"] for line in lines] == [row.class_key for row in rows]
        assert pyarrow.parquet.read_table(tmp_path / f"{name}.parquet").to_pylist() == lines
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            read_back = list(csv.DictReader(file))
        assert [float(row["similarity"]) for row in read_back] == [row.similarity for row in rows]
