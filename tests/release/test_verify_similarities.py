"""Similarities are computed again from the embeddings that a release ships."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.release.building.build import build_release
from isekai_gen.release.layout import DUPLICATES_FILE, REJECTED_FILE, VECTOR_IDS_FILE, VECTORS_FILE
from isekai_gen.release.verification.verify import verify_release
from tests.release.conftest import make_small
from tests.release.mutations import edit_json, edit_rows, relist

FLOOR = 0.2


def similarity(table, one, other):
    rows = [table.ids.index(each) for each in (one, other)]
    found = pair_similarities(table.vectors[rows[:1]], table.vectors[rows[1:]])
    return float(np.float32(found[0]))


def with_vectors(small):
    """Content whose measures are those of the embeddings that it ships."""
    content = small.content
    ids = tuple(sorted([*content.kept, *content.dropped]))
    vectors = normalized(np.random.default_rng(5).normal(size=(len(ids), 8)))
    table = EmbeddingTable(ids, vectors, "tiny")
    dropped = {
        key: replace(each, measured=similarity(table, key, each.witness), limit=-1.0)
        if each.witness
        else each
        for key, each in content.dropped.items()
    }
    measures = {}
    for key, each in content.measures.items():
        highest = max(similarity(table, key, other) for other in content.kept if other != key)
        measures[key] = replace(each, max_similarity=highest if highest >= FLOOR else None)
    listed = sum(
        similarity(table, one, other) >= FLOOR
        for place, one in enumerate(content.kept)
        for other in content.kept[:place]
    )
    known = [each.max_similarity for each in measures.values() if each.max_similarity is not None]
    report = {
        "schema": 1,
        "measured": True,
        "within": "all",
        "relative_quantile": None,
        "images": len(ids),
        "judged": len(ids),
        "kept": len(content.kept),
        "dropped": 1,
        "dropped_before": 0,
        "dropped_by_absolute": None,
        "dropped_by_components": 1,
        "groups": 1,
        "marked": 0,
        "memorized": 0,
        "review_pairs": 0,
        "tiers": {
            "semantic": {
                "complete": True,
                "dropped": 1,
                "encoder": "tiny",
                "encoder_digest": "e" * 64,
                "floor": FLOOR,
                "limit_source": "default",
                "max_similarity": 0.95,
                "method": "float32 blocks by numpy",
                "mode": "exact",
                "pairs_above_limit": {"generated": 0, "kept": 0},
                "recall": None,
                "review_pairs": 0,
                "review_similarity": 0.9,
                "why": "asked for",
                "edges": listed,
                "similarities": [{"from": max(known) - 1e-6, "generated": listed, "kept": listed}],
            }
        },
    }
    reports = {**content.reports, DUPLICATES_FILE: report}
    return {"vectors": table, "dropped": dropped, "measures": measures, "reports": reports}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    small = make_small(folder / "workspace")
    changes = with_vectors(small)
    return build_release(small.request(folder / "release", **changes)).folder


@pytest.fixture
def release(shipped, tmp_path):
    return Path(shutil.copytree(shipped, tmp_path / "release"))


def rules(folder):
    relist(folder)
    return {(each.file, each.rule) for each in verify_release(folder)}


def test_true_similarities_are_confirmed(release):
    assert rules(release) == set()


def test_a_witness_that_is_less_like_than_stated_is_found(release):
    def more(rows):
        for row in rows:
            if row["witness"]:
                row["measured"] = row["measured"] + 1e-6

    edit_rows(release, REJECTED_FILE, more)
    assert rules(release) == {(REJECTED_FILE, "similarity")}


@pytest.mark.parametrize("change", [-0.01, 0.01])
def test_kept_images_that_are_more_or_less_alike_than_stated_are_found(release, change):
    def edit(rows):
        row = next(each for each in rows if each["max_similarity"] is not None)
        row["max_similarity"] += change

    edit_rows(release, "metadata.jsonl", edit)
    assert ("metadata.jsonl", "similarity") in rules(release)


def test_similar_images_that_are_not_listed_are_found(release):
    def edit(rows):
        row = next(each for each in rows if each["max_similarity"] is not None)
        row["max_similarity"] = None

    edit_rows(release, "metadata.jsonl", edit)
    assert ("metadata.jsonl", "similarity") in rules(release)


def test_what_an_approximate_search_missed_is_no_fault(release):
    def lower(rows):
        next(each for each in rows if each["max_similarity"] is not None)["max_similarity"] -= 0.01

    edit_json(release, DUPLICATES_FILE, lambda r: r["tiers"]["semantic"].update(complete=False))
    edit_rows(release, "metadata.jsonl", lower)
    assert ("metadata.jsonl", "similarity") not in rules(release)


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((3, 8), np.float32),
        np.full((16, 8), np.nan, np.float32),
        np.ones((16, 8), np.float64),
        np.array([{}], object),
    ],
)
def test_a_matrix_that_is_none_is_found_and_never_unpickled(release, matrix):
    with (release / VECTORS_FILE).open("wb") as file:
        np.save(file, matrix, allow_pickle=True)
    assert (VECTORS_FILE, "embeddings") in rules(release)


def test_ids_of_other_images_are_found(release):
    edit_rows(release, VECTOR_IDS_FILE, lambda rows: rows[0].update(kept=not rows[0]["kept"]))
    assert (VECTOR_IDS_FILE, "embeddings") in rules(release)


def test_rows_of_ids_that_are_not_text_are_found(release):
    (release / VECTOR_IDS_FILE).write_text(json.dumps({"id": []}) + "\n")
    assert (VECTOR_IDS_FILE, "embeddings") in rules(release)
