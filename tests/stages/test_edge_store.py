"""Pairs on disk grow by what is new, and are the same as those of one search over all."""

import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from isekai_gen.embeddings import normalized
from isekai_gen.intervals import Interval
from isekai_gen.models.perceptual import PictureHashes, hash_picture
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.neighbors.search import SearchOptions
from isekai_gen.settings import Settings
from isekai_gen.stages import edge_store
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe_comparisons import HashComparison, VectorComparison
from isekai_gen.stages.edge_store import current_edges, edge_part_files
from isekai_gen.workspace import Workspace
from tests.small_jobs import Recorder, digests

FLOOR = 0.3


def make_context(root):
    return StageContext(Workspace(root), Settings(), Recorder())


def vectors_of(numbers, seed=0):
    """Row i depends on number i alone, so that subsets of images have the same vectors."""
    rows = [np.random.default_rng([seed, number]).normal(size=6) for number in numbers]
    return normalized(np.array(rows).reshape(-1, 6)) if rows else np.zeros((0, 6), np.float32)


def compare(numbers, vectors=None, floor=FLOOR, **changes):
    numbers = sorted(numbers)
    plain = VectorComparison(
        label="tiny/clip",
        identity="e" * 64,
        ids=tuple(f"{number:020x}" for number in numbers),
        vectors=vectors_of(numbers) if vectors is None else vectors,
        max_similarity=floor + 0.1,
        highest_floor=floor,
        options=SearchOptions(floor=0.0),
    )
    return replace(plain, **changes)


def listed(edges: EdgeList):
    rows = zip(edges.pairs.row_a, edges.pairs.row_b, edges.pairs.similarity, strict=True)
    return {(edges.ids[a], edges.ids[b]): similarity.tobytes() for a, b, similarity in rows}


def from_scratch(tmp_path_factory, comparison):
    return listed(current_edges(make_context(tmp_path_factory.mktemp("scratch")), comparison).edges)


def test_more_images_cost_only_themselves_and_the_pairs_are_those_of_one_search(
    tmp_path, tmp_path_factory
):
    context = make_context(tmp_path)
    assert current_edges(context, compare(range(20))).searched == 20
    grown = current_edges(context, compare(range(26)))
    assert grown.searched == 6
    assert listed(grown.edges) == from_scratch(tmp_path_factory, compare(range(26)))
    assert len(grown.edges) > 0
    assert context.workspace.parts("edges/tiny--clip", ".parquet") == [0, 1]


def test_nothing_new_searches_nothing_and_changes_no_file(tmp_path):
    context = make_context(tmp_path)
    first = current_edges(context, compare(range(12)))
    before = digests(tmp_path, ("edges", "done"))
    again = current_edges(context, compare(range(12)))
    assert again.searched == 0
    assert (again.digest, listed(again.edges)) == (first.digest, listed(first.edges))
    assert digests(tmp_path, ("edges", "done")) == before


def test_a_higher_limit_reuses_the_pairs_and_a_lower_floor_searches_again(tmp_path):
    context = make_context(tmp_path)
    low = current_edges(context, compare(range(12)))
    higher = compare(range(12), floor=0.6)
    assert current_edges(context, higher).searched == 0
    lower = current_edges(context, compare(range(12), floor=0.1))
    assert lower.searched == 12
    assert lower.edges.floor < low.edges.floor
    assert context.workspace.parts("edges/tiny--clip", ".parquet") == [0]


def test_another_encoder_under_the_same_label_searches_again(tmp_path):
    context = make_context(tmp_path)
    current_edges(context, compare(range(12)))
    other = current_edges(context, compare(range(12), identity="f" * 64))
    assert (other.searched, other.edges.encoder) == (12, "f" * 64)


def test_an_image_that_was_away_while_others_came_meets_them_when_it_is_back(
    tmp_path, tmp_path_factory
):
    context = make_context(tmp_path)
    current_edges(context, compare(range(10)))
    current_edges(context, compare([*range(1, 10), *range(10, 14)]))  # without the first
    back = current_edges(context, compare(range(14)))
    assert back.searched == 1
    assert listed(back.edges) == from_scratch(tmp_path_factory, compare(range(14)))


def test_a_changed_vector_leaves_no_pair_of_the_old_one(tmp_path, tmp_path_factory):
    context = make_context(tmp_path)
    current_edges(context, compare(range(15)))
    vectors = vectors_of(range(15))
    vectors[4] = vectors_of([4], seed=9)[0]
    changed = compare(range(15), vectors)
    found = current_edges(context, changed)
    assert found.searched == 1
    assert listed(found.edges) == from_scratch(tmp_path_factory, changed)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.sets(st.integers(0, 11), max_size=12), min_size=1, max_size=5), st.data())
def test_however_images_come_go_and_change_the_pairs_are_those_of_one_search(
    tmp_path_factory, rounds, data
):
    context = make_context(tmp_path_factory.mktemp("grown"))
    for numbers in rounds:
        ordered = sorted(numbers)
        seeds = [data.draw(st.integers(0, 1)) for _ in ordered]
        rows = [vectors_of([n], seed) for n, seed in zip(ordered, seeds, strict=True)]
        vectors = np.concatenate([vectors_of([]), *rows])
        comparison = compare(ordered, vectors)
        grown = current_edges(context, comparison)
        assert listed(grown.edges) == from_scratch(tmp_path_factory, comparison)
        assert grown.edges.complete


def picture_of(number):
    """Smooth random fields; an odd number is the even one before it, mirrored and brighter."""
    noise = np.random.default_rng(number // 2).integers(0, 200, (6, 6, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((64, 64), Image.Resampling.BICUBIC)
    if number % 2:
        picture = ImageOps.mirror(picture).point(lambda level: min(255, level + 20))
    return picture


def test_perceptual_pairs_grow_like_those_of_one_search(tmp_path, tmp_path_factory):
    def comparison(numbers):
        numbered = sorted((f"{number * 7919 % 97:020x}", number) for number in numbers)
        hashes = PictureHashes.of([hash_picture(picture_of(number)) for _, number in numbered])
        return HashComparison(tuple(image_id for image_id, _ in numbered), hashes, 16)

    context = make_context(tmp_path)
    current_edges(context, comparison(range(0, 30, 2)))
    grown = current_edges(context, comparison(range(30)))
    assert grown.searched == 15
    assert listed(grown.edges) == from_scratch(tmp_path_factory, comparison(range(30)))
    assert len(grown.edges) >= 15
    assert context.workspace.parts("edges/perceptual", ".parquet") == [0, 1]


@dataclass(frozen=True, eq=False)
class _HalfFound(VectorComparison):
    """Searches as an approximate method would that missed half of the pairs."""

    def search(self, new, old, floor, advance):
        pairs, report = super().search(new, old, floor, advance)
        measured = Interval(0.5, 0.4, 0.6)
        return pairs, replace(
            report, mode="approximate", method="half", recall=measured, min_recall=0.9
        )


def approximate(numbers, **changes):
    given = {**compare(numbers).__dict__, **changes}
    given.pop("digests", None)
    options = SearchOptions(0.0, mode="approximate", min_recall=0.9)
    return _HalfFound(**{**given, "options": options})


def test_approximate_pairs_carry_their_recall_and_serve_no_exact_request(tmp_path):
    context = make_context(tmp_path)
    found = current_edges(context, approximate(range(12)))
    assert found.edges.recall == Interval(0.5, 0.4, 0.6)
    assert (found.report.mode, found.report.method) == ("approximate", "half")
    again = current_edges(context, approximate(range(12)))
    assert (again.searched, again.edges.recall) == (0, Interval(0.5, 0.4, 0.6))
    wanted = SearchOptions(0.0, mode="approximate", min_recall=0.95)
    assert not replace(compare(range(12)), options=wanted).accepts(found.report)
    exact = current_edges(context, compare(range(12)))
    assert (exact.searched, exact.edges.complete) == (12, True)
    assert current_edges(context, approximate(range(12))).searched == 0  # exact pairs serve all


def test_a_complete_part_and_an_approximate_one_are_not_complete_together(tmp_path):
    context = make_context(tmp_path)
    current_edges(context, compare(range(10)))
    both = current_edges(context, approximate(range(14)))
    assert both.searched == 4
    assert (both.edges.recall.low, both.edges.recall.high) == (0.4, 1.0)
    assert both.report.mode == "approximate"


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("part", [0, 1])
def test_a_damaged_part_is_said_and_searched_again(tmp_path, tmp_path_factory, part, which):
    context = make_context(tmp_path)
    current_edges(context, compare(range(10)))
    current_edges(context, compare(range(14)))
    path = edge_part_files(context.workspace, "tiny/clip", part)[which]
    path.write_bytes(path.read_bytes()[:-9])
    found = current_edges(context, compare(range(14)))
    assert any("missing or damaged" in note for note in context.reporter.notes)
    assert found.searched == (14 if part == 0 else 4)
    assert listed(found.edges) == from_scratch(tmp_path_factory, compare(range(14)))


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("step", ["write_edges", "write_covered", "write_marker"])
@pytest.mark.parametrize("begun", [False, True])
def test_killed_before_any_write_the_files_end_up_as_if_nothing_had_happened(
    tmp_path, monkeypatch, step, begun
):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    for root in (undisturbed, killed):
        if begun:
            current_edges(make_context(root), compare(range(8)))

    def die(*_):
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr(edge_store, step, die)
        with pytest.raises(_Killed):
            current_edges(make_context(killed), compare(range(13)))
    for root in (undisturbed, killed):
        current_edges(make_context(root), compare(range(13)))
    assert digests(killed, ("edges", "done")) == digests(undisturbed, ("edges", "done"))


def test_killed_while_starting_over_no_old_pair_survives(tmp_path, monkeypatch):
    context = make_context(tmp_path)
    current_edges(context, compare(range(8)))
    current_edges(context, compare(range(12)))
    lower = compare(range(12), floor=0.0)
    with monkeypatch.context() as patch:
        patch.setattr(edge_store, "write_edges", lambda *_: (_ for _ in ()).throw(_Killed))
        with pytest.raises(_Killed):
            current_edges(context, lower)
    assert not context.workspace.parts("done/edges/tiny--clip", ".json")
    again = current_edges(context, lower)
    shutil.rmtree(tmp_path)
    assert listed(again.edges) == listed(current_edges(make_context(tmp_path), lower).edges)


def test_no_image_at_all_is_a_part_without_pairs(tmp_path):
    nothing = current_edges(make_context(tmp_path), compare([]))
    assert (len(nothing.edges), nothing.searched) == (0, 0)
