"""Rows of a matrix that somebody already has: complete edges, kept witnesses, files that add up."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import InputError
from isekai_gen.hashing import canonical_json
from isekai_gen.neighbors.bands import BandFolder
from isekai_gen.neighbors.similarity import indexed_similarities
from isekai_gen.settings import Settings
from isekai_gen.stages import dedupe_embeddings as stage
from isekai_gen.stages import tile_search
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe_embeddings import EmbeddingsRequest, dedupe_embeddings
from isekai_gen.workspace import Workspace
from tests.small_jobs import Recorder


def context_for(out, **limits):
    chosen = Settings().with_overrides({"near_duplicate": limits})
    return StageContext(Workspace(out), chosen, Recorder(), devices=("cpu",))


def write_matrix(path, rows, dtype=np.float32):
    np.save(path, np.asarray(rows, dtype=dtype))
    return path


def at_degrees(*degrees):
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def dedupe_rows(folder, rows, other=None, **chosen):
    """Deduplicate a matrix; fields of the request and limits together."""
    asked = {name: chosen.pop(name) for name in ("ids", "floor", "require_unit") if name in chosen}
    against = None if other is None else write_matrix(folder / "y.npy", other)
    out = folder / "out"
    request = EmbeddingsRequest(write_matrix(folder / "x.npy", rows), out, against=against, **asked)
    return dedupe_embeddings(context_for(out, **chosen), request)


def read_table(path):
    import pyarrow.parquet as pq

    return pq.read_table(path)


def lines_of(folder, name):
    return [json.loads(line) for line in (folder / "out" / name).read_text().splitlines()]


def test_of_a_chain_every_dropped_row_has_a_kept_witness(tmp_path):
    # 15 degrees apart; rows more than 20 degrees apart are no duplicates.
    report = dedupe_rows(tmp_path, at_degrees(0, 15, 30, 45, 60), max_similarity=0.9397)
    verdicts = lines_of(tmp_path, "verdicts.jsonl")
    assert [line["keep"] for line in verdicts] == [True, False, True, False, True]
    assert [line["witness_row"] for line in verdicts] == [None, 0, None, 2, None]
    assert (report.found, report.kept, report.dropped) == (5, 3, 2)
    assert report.dropped_by_components == 4
    (group,) = lines_of(tmp_path, "groups.jsonl")
    assert group["member_rows"] == [0, 2, 4, 1, 3]
    assert group["diameter"] == pytest.approx(0.5, abs=1e-6)


def test_edges_hold_every_pair_at_or_above_the_floor(tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    dedupe_rows(tmp_path, rows, max_similarity=0.9, floor=0.5)
    table = read_table(tmp_path / "out/edges.parquet")
    one, two = np.triu_indices(60, 1)
    similarity = indexed_similarities(rows, one, rows, two).astype(np.float32)
    wanted = similarity.astype(np.float64) >= 0.5
    assert table.column_names == ["row_a", "row_b", "similarity"]
    assert table["row_a"].to_numpy().tolist() == one[wanted].tolist()
    assert table["row_b"].to_numpy().tolist() == two[wanted].tolist()
    assert table["similarity"].to_numpy().tobytes() == similarity[wanted].tobytes()
    footer = json.loads(table.schema.metadata[b"isekai_gen.edges"])["tiers"]["semantic"]
    assert footer["floor"] == 0.5
    assert footer["complete"]
    assert footer["recall"] is None


def test_the_first_of_equal_rows_is_kept(tmp_path):
    rows = np.array([[1, 0], [0, 1], [1, 0], [2, 0]], dtype=np.float16)
    np.save(tmp_path / "half.npy", rows)
    request = EmbeddingsRequest(tmp_path / "half.npy", tmp_path / "out")
    dedupe_embeddings(context_for(tmp_path / "out"), request)
    kept = [line["keep"] for line in lines_of(tmp_path, "verdicts.jsonl")]
    assert kept == [True, True, False, False]


def test_a_similarity_equal_to_the_limit_is_kept(tmp_path):
    rows = np.array([[1, 0], [0.8, 0.6]], dtype=np.float32)
    first, second = np.array([0]), np.array([1])
    limit = float(indexed_similarities(rows, first, rows, second).astype(np.float32)[0])
    assert dedupe_rows(tmp_path, rows, max_similarity=limit).dropped == 0
    assert dedupe_rows(tmp_path, rows, max_similarity=float(np.nextafter(limit, 0))).dropped == 1


def test_what_duplicates_the_other_set_is_dropped_first_and_the_other_set_never(tmp_path):
    # Row 1 would have been kept for row 2; it is gone, so row 2 stays.
    report = dedupe_rows(
        tmp_path, at_degrees(0, 90, 95), other=at_degrees(85, 200), max_similarity=0.995
    )
    verdicts = lines_of(tmp_path, "verdicts.jsonl")
    assert [line["keep"] for line in verdicts] == [True, False, True]
    assert verdicts[1]["against"]
    assert verdicts[1]["witness_row"] == 0
    assert verdicts[1]["similarity"] == pytest.approx(np.cos(np.radians(5)), abs=1e-6)
    assert (report.dropped, report.dropped_against) == (1, 1)
    assert read_table(tmp_path / "out/edges-against.parquet").num_rows == 1


def test_the_leak_that_a_nearest_kept_only_rule_misses_is_found(tmp_path):
    # Row 1 lies nearer to row 0 of its own set than to the other set, yet it leaks.
    report = dedupe_rows(tmp_path, at_degrees(0, 2), other=at_degrees(6), max_similarity=0.997)
    verdicts = lines_of(tmp_path, "verdicts.jsonl")
    assert [line["against"] for line in verdicts] == [False, True]
    assert report.dropped_against == 1


def test_ids_name_rows_and_witnesses(tmp_path):
    (tmp_path / "ids.txt").write_text('one\ntw"o\r\nthree\n')
    dedupe_rows(tmp_path, at_degrees(0, 1, 90), ids=tmp_path / "ids.txt")
    verdicts = lines_of(tmp_path, "verdicts.jsonl")
    assert [line["key"] for line in verdicts] == ["one", 'tw"o', "three"]
    assert [line["witness"] for line in verdicts] == [None, "one", None]
    (group,) = lines_of(tmp_path, "groups.jsonl")
    assert group["members"] == ["one", 'tw"o']


def test_every_line_is_canonical_json(tmp_path):
    (tmp_path / "ids.txt").write_text("ä\n\\b\n\x01\nd\n")
    dedupe_rows(
        tmp_path,
        at_degrees(0, 1, 30, 120),
        other=at_degrees(250),
        ids=tmp_path / "ids.txt",
        max_similarity=0.99,
        review_similarity=0.8,
    )
    for name in ("verdicts.jsonl", "groups.jsonl", "review.jsonl"):
        for line in (tmp_path / "out" / name).read_text().splitlines():
            assert line == canonical_json(json.loads(line))
    reasons = {line["reason"] for line in lines_of(tmp_path, "verdicts.jsonl")}
    assert reasons == {"within_limit", "in_review_band", "similar_to_kept"}


def test_pairs_in_the_review_band_are_listed_for_people(tmp_path):
    report = dedupe_rows(tmp_path, at_degrees(0, 30, 90), max_similarity=0.9, review_similarity=0.8)
    assert (report.dropped, report.review_pairs) == (0, 1)
    (line,) = lines_of(tmp_path, "review.jsonl")
    assert (line["row_a"], line["row_b"], line["limit"]) == (0, 1, 0.9)


def test_the_same_request_again_has_nothing_to_do(tmp_path, monkeypatch):
    first = dedupe_rows(tmp_path, at_degrees(0, 1), max_similarity=0.9)
    request = EmbeddingsRequest(tmp_path / "x.npy", tmp_path / "out")

    def searched(*args, **kwargs):
        raise AssertionError("searched again")

    with monkeypatch.context() as patch:
        patch.setattr(stage, "search_in_bands", searched)
        again = dedupe_embeddings(context_for(tmp_path / "out", max_similarity=0.9), request)
    assert again == first.repeated()
    other = dedupe_embeddings(context_for(tmp_path / "out", max_similarity=0.99999), request)
    assert other.worked
    assert other.dropped == 0


def test_what_a_long_search_kept_is_gone_when_the_results_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tile_search, "_LONG_ON_CPU", 0.0)
    saved, save = [], BandFolder.save
    monkeypatch.setattr(BandFolder, "save", lambda *args: saved.append(save(*args)))
    dedupe_rows(tmp_path, at_degrees(0, 1, 50), at_degrees(50), max_similarity=0.9)
    assert len(saved) == 2
    assert not (tmp_path / "out/unfinished").exists()
    kept = [line["keep"] for line in lines_of(tmp_path, "verdicts.jsonl")]
    assert kept == [True, False, False]


def test_damaged_results_are_made_again(tmp_path):
    dedupe_rows(tmp_path, at_degrees(0, 1), max_similarity=0.9)
    whole = (tmp_path / "out/verdicts.jsonl").read_bytes()
    (tmp_path / "out/verdicts.jsonl").write_bytes(whole[:-5])
    request = EmbeddingsRequest(tmp_path / "x.npy", tmp_path / "out")
    assert dedupe_embeddings(context_for(tmp_path / "out", max_similarity=0.9), request).worked
    assert (tmp_path / "out/verdicts.jsonl").read_bytes() == whole


def test_a_folder_with_other_things_is_never_written_to(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("x")
    with pytest.raises(InputError, match="is not empty and holds no results of dedupe"):
        dedupe_rows(tmp_path, at_degrees(0, 1))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_results_on_another_input_are_not_replaced(tmp_path):
    dedupe_rows(tmp_path, at_degrees(0, 1))
    other = write_matrix(tmp_path / "other.npy", at_degrees(0, 1))
    with pytest.raises(InputError, match="holds the results on"):
        dedupe_embeddings(context_for(tmp_path / "out"), EmbeddingsRequest(other, tmp_path / "out"))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ("a\nb\n", "ids.txt: has 2 lines for 3 rows"),
        ("a\nb\na\n", "ids.txt:3: 'a' is on line 1 too"),
        ("a\n\nc\n", "ids.txt:2: is empty"),
    ],
)
def test_ids_that_do_not_fit_are_refused_with_the_line(tmp_path, ids, message):
    (tmp_path / "ids.txt").write_text(ids)
    with pytest.raises(InputError, match=message):
        dedupe_rows(tmp_path, at_degrees(0, 40, 80), ids=tmp_path / "ids.txt")


def test_limits_that_contradict_each_other_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"--review-similarity 0\.95 is above"):
        dedupe_rows(tmp_path, at_degrees(0, 1), max_similarity=0.9, review_similarity=0.95)
    with pytest.raises(InputError, match=r"--floor 0\.95 is above 0\.9"):
        dedupe_rows(tmp_path, at_degrees(0, 1), max_similarity=0.9, floor=0.95)
    assert not (tmp_path / "out").exists()


def test_other_dimensions_and_lengths_are_refused(tmp_path):
    with pytest.raises(InputError, match="rows of 3 numbers"):
        dedupe_rows(tmp_path, at_degrees(0, 1), other=np.eye(3))
    with pytest.raises(InputError, match="row 1 has length 2"):
        dedupe_rows(tmp_path, [[1, 0], [0, 2]], other=at_degrees(0), require_unit=True)


@settings(max_examples=25, deadline=None)
@given(
    degrees=st.lists(st.integers(0, 40), min_size=1, max_size=25),
    others=st.lists(st.integers(0, 60), max_size=4),
    limit=st.sampled_from([0.9, 0.99, 0.999, 1.0]),
)
def test_kept_rows_are_apart_and_dropped_ones_have_a_kept_witness(
    tmp_path_factory, degrees, others, limit
):
    folder = tmp_path_factory.mktemp("rows")
    rows = at_degrees(*degrees).astype(np.float32)
    other = at_degrees(*others).astype(np.float32) if others else None
    report = dedupe_rows(folder, rows, other=other, max_similarity=limit)
    verdicts = lines_of(folder, "verdicts.jsonl")

    def alike(one, two):
        pair = np.array([0]), two[None], np.array([0])
        return float(indexed_similarities(one[None], *pair)[0].astype(np.float32))

    kept = [line["row"] for line in verdicts if line["keep"]]
    assert all(alike(rows[a], rows[b]) <= limit for a in kept for b in kept if a < b)
    if other is not None:
        assert all(alike(rows[a], row) <= limit for a in kept for row in other)
    for line in verdicts:
        if not line["keep"]:
            of = other if line["against"] else rows
            assert line["against"] or line["witness_row"] in kept
            assert line["similarity"] == alike(rows[line["row"]], of[line["witness_row"]]) > limit
    assert report.found == report.kept + report.dropped == len(degrees)
    assert sum(report.reasons.values()) == len(degrees)
