import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.filters.base import FilterContext
from isekai_gen.filters.duplicates_groups import dropped_by_components
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.records import Decision, select_kept
from tests.filters.duplicate_filters import COS_20, edges_of, kept_of, near_duplicate


@pytest.fixture
def judge(make_image):
    def run(ids, limit=COS_20, concepts_of=None, edges=None, limits=(), **context):
        images = [make_image(i, (concepts_of or {}).get(i, "cactihog")) for i in ids]
        context = FilterContext(edges={"semantic": edges}, **context)
        verdicts = near_duplicate(limit, **dict(limits)).judge(images, context)
        return {verdict.image_id: verdict for verdict in verdicts}

    return run


def pair(a, b, choice):
    return Decision((a, b), choice, "ada")


def test_the_chain_of_fifteen_degrees_keeps_three_of_five_where_components_keep_one(
    judge, make_fan, make_image
):
    table, edges = make_fan([0, 15, 30, 45, 60])
    verdicts = judge(table.ids, edges=edges)
    assert kept_of(verdicts) == ["a", "c", "e"]
    assert verdicts["b"].witness in ("a", "c")
    assert verdicts["b"].measured == pytest.approx(math.cos(math.radians(15)))
    assert (verdicts["b"].reason, verdicts["b"].limit) == ("similar_to_kept", COS_20)
    assert verdicts["b"].tier == "semantic"
    context = FilterContext(edges={"semantic": edges})
    decided = near_duplicate().decide([make_image(i) for i in table.ids], context)
    assert dropped_by_components(decided.request) == 4


def test_a_pair_exactly_at_the_limit_is_kept_and_just_above_is_dropped(judge, make_fan):
    table, edges = make_fan([0, 15])
    limit = float(edges.pairs.similarity[0])
    assert kept_of(judge(table.ids, limit, edges=edges)) == ["a", "b"]
    assert kept_of(judge(table.ids, math.nextafter(limit, 0), edges=edges)) == ["a"]


def test_the_better_aligned_image_is_kept_and_the_unaligned_one_comes_last(judge, make_fan):
    table, edges = make_fan([0, 5, 10])
    verdicts = judge(table.ids, edges=edges, alignment={"c": 0.3, "b": 0.2})
    assert kept_of(verdicts) == ["c"]
    assert verdicts["a"].witness == "c"
    with pytest.raises(ValueError, match="alignment of image b"):
        judge(table.ids, edges=edges, alignment={"b": math.nan})


def test_a_person_s_keep_outranks_alignment_and_earlier_filters(judge, make_fan):
    table, edges = make_fan([0, 5, 50])
    verdicts = judge(
        table.ids,
        edges=edges,
        alignment={"a": 0.9},
        already_dropped=frozenset({"b"}),
        decisions=[Decision(("b",), "keep", "ada")],
    )
    assert kept_of(verdicts) == ["b", "c"]
    assert verdicts["b"].reason == "kept_by_person"
    assert verdicts["a"].witness == "b"


def test_two_images_that_a_person_keeps_both_stay(judge, make_fan):
    table, edges = make_fan([0, 5, 10])
    decisions = [Decision((i,), "keep", "ada") for i in "ab"] + [pair("a", "b", "duplicate")]
    verdicts = judge(table.ids, edges=edges, decisions=decisions)
    assert kept_of(verdicts) == ["a", "b"]
    assert verdicts["c"].witness == "b"


def test_what_was_dropped_before_is_nobody_s_witness(judge, make_fan):
    table, edges = make_fan([0, 5, 10])
    verdicts = judge(
        table.ids,
        edges=edges,
        already_dropped=frozenset({"a"}),
        decisions=[Decision(("b",), "drop", "ada")],
    )
    assert [verdict.reason for verdict in verdicts.values()] == [
        "dropped_before",
        "dropped_before",
        "within_limit",
    ]


def test_a_pair_marked_not_a_duplicate_stays_so_at_any_limit(judge, make_fan):
    table, edges = make_fan([0, 5])
    for limit in (0.99, COS_20, 0.0, -1.0):
        verdicts = judge(table.ids, limit, edges=edges, decisions=[pair("a", "b", "not_duplicate")])
        assert kept_of(verdicts) == ["a", "b"]


def test_a_pair_marked_not_a_duplicate_spares_no_other_pair(judge, make_fan):
    table, edges = make_fan([0, 5, 10])
    decisions = [pair("a", "b", "not_duplicate")]
    verdicts = judge(table.ids, edges=edges, decisions=decisions)
    assert kept_of(verdicts) == ["a", "b"]
    assert verdicts["c"].witness == "b"


def test_a_pair_marked_a_duplicate_is_one_below_the_limit_and_below_the_floor(judge, make_fan):
    table, edges = make_fan([0, 40, 80], floor=0.5)
    decisions = [pair("a", "b", "duplicate"), pair("a", "c", "duplicate")]
    verdicts = judge(table.ids, edges=edges, decisions=decisions)
    assert kept_of(verdicts) == ["a"]
    assert {verdict.reason for verdict in verdicts.values()} == {"within_limit", "marked_duplicate"}
    assert verdicts["b"].measured == pytest.approx(math.cos(math.radians(40)))
    assert verdicts["c"].measured is None
    assert verdicts["b"].witness == verdicts["c"].witness == "a"


def test_the_last_word_about_a_pair_counts(judge, make_fan):
    table, edges = make_fan([0, 5])
    decisions = [pair("a", "b", "not_duplicate"), pair("a", "b", "duplicate")]
    assert kept_of(judge(table.ids, edges=edges, decisions=decisions)) == ["a"]
    assert kept_of(judge(table.ids, edges=edges, decisions=decisions[::-1])) == ["a", "b"]


def test_scope_decides_which_pairs_count(judge, make_fan, make_concept):
    table, edges = make_fan([0, 1, 2, 3])
    concepts_of = {"a": "cactihog", "b": "cactihog", "c": "hedgehog", "d": "icemic"}
    concepts = {
        "cactihog": make_concept("cactihog", group="hog"),
        "hedgehog": make_concept("hedgehog", kind="real", group="hog"),
        "icemic": make_concept("icemic", group="mic"),
    }
    kept = {
        scope: kept_of(
            judge(
                table.ids,
                0.9,
                concepts_of,
                edges,
                limits={"within": scope},
                concepts=concepts,
            )
        )
        for scope in ("concept", "group", "all")
    }
    assert kept == {"concept": ["a", "c", "d"], "group": ["a", "d"], "all": ["a"]}
    with pytest.raises(ValueError, match="no 'cactihog'"):
        judge(table.ids, 0.9, concepts_of, edges, limits={"within": "group"})


def test_edges_that_do_not_reach_the_limit_are_refused(judge, make_fan):
    table, edges = make_fan([0, 15], floor=0.95)
    with pytest.raises(ValueError, match=r"down to 0\.95 only"):
        judge(table.ids, 0.9, edges=edges)
    with pytest.raises(ValueError, match=r"not to 0\.94;"):
        judge(table.ids, 0.96, edges=edges, limits={"review_similarity": 0.94})


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_similarity": math.nan}, "max_similarity nan"),
        ({"max_similarity": 1.2}, r"max_similarity 1\.2"),
        ({"review_similarity": 0.97}, r"review_similarity 0\.97 and max_similarity 0\.95"),
        ({"extra_review_similarity": -2.0}, r"extra_review_similarity -2\.0"),
        ({"radius": 11}, "radius 11 and review_radius 10"),
        ({"review_radius": 64}, "review_radius 64"),
        ({"within": "class"}, "within"),
        ({"tiers": ()}, "tiers"),
        ({"tiers": ("exact", "exact")}, "tiers"),
        ({"tiers": ("exact", "vague")}, "tiers"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        near_duplicate(0.95, **limits)


@pytest.mark.parametrize("count", [0, 1])
def test_no_image_and_one_image_are_kept(judge, make_fan, count):
    table, edges = make_fan([0] * count)
    assert kept_of(judge(table.ids, edges=edges)) == list(table.ids)


@st.composite
def problems(draw):
    """A table with many ties, a limit, alignments, earlier drops and people's decisions."""
    row = st.lists(st.integers(-2, 2), min_size=3, max_size=3).filter(any)
    rows = draw(st.lists(row, min_size=1, max_size=10))
    ids = "abcdefghij"[: len(rows)]
    table = EmbeddingTable(tuple(ids), normalized(rows), "tiny")
    limit = draw(st.sampled_from([-0.5, 0.0, 0.5, 0.8, 0.95]))
    pairs = st.lists(st.sampled_from(ids), min_size=2, max_size=2, unique=True).map(sorted)
    about_pair = st.builds(
        lambda images, choice: Decision(tuple(images), choice, "ada"),
        pairs,
        st.sampled_from(["duplicate", "not_duplicate"]),
    )
    about_image = st.builds(
        lambda image, choice: Decision((image,), choice, "ada"),
        st.sampled_from(ids),
        st.sampled_from(["keep", "drop"]),
    )
    anything = about_image if len(ids) == 1 else st.one_of(about_image, about_pair)
    return (
        table,
        limit,
        FilterContext(
            edges={"semantic": edges_of(table, draw(st.sampled_from([-1.0, limit])))},
            alignment=draw(st.dictionaries(st.sampled_from(ids), st.sampled_from([0.1, 0.2]))),
            already_dropped=draw(st.frozensets(st.sampled_from(ids), max_size=3)),
            decisions=draw(st.lists(anything, max_size=6)),
        ),
    )


def similarity_of(table, a, b):
    two = table.select([a, b]).vectors
    return float(pair_similarities(two[:1], two[1:]).astype(np.float32)[0])


@given(problem=problems())
def test_kept_images_are_pairwise_within_the_limit_unless_people_say_otherwise(make_image, problem):
    table, limit, context = problem
    images = [make_image(i) for i in table.ids]
    verdicts = {v.image_id: v for v in near_duplicate(limit).judge(images, context)}
    by_image, by_pair = context.image_choices(), context.pair_choices()
    kept = [i for i, v in verdicts.items() if v.keep and v.reason != "dropped_before"]
    for a in kept:
        for b in kept:
            if a >= b or (by_image.get(a) == by_image.get(b) == "keep"):
                continue
            above = similarity_of(table, a, b) > limit
            assert by_pair.get((a, b)) != "duplicate"
            assert not above or by_pair.get((a, b)) == "not_duplicate"


@given(problem=problems())
def test_every_dropped_image_names_a_kept_witness_with_its_true_similarity(make_image, problem):
    table, limit, context = problem
    images = [make_image(i) for i in table.ids]
    verdicts = {v.image_id: v for v in near_duplicate(limit).judge(images, context)}
    by_image, by_pair = context.image_choices(), context.pair_choices()
    kept, _ = select_kept(images, {"near_duplicate": verdicts}, context.decisions)
    for verdict in (v for v in verdicts.values() if not v.keep):
        pair_ids = tuple(sorted((verdict.image_id, verdict.witness)))
        assert by_image.get(verdict.image_id) is None
        assert verdict.witness in kept
        assert verdict.witness not in context.already_dropped or by_image[verdict.witness] == "keep"
        assert by_pair.get(pair_ids) != "not_duplicate"
        if verdict.measured is not None:
            assert verdict.measured == similarity_of(table, *pair_ids)
        if by_pair.get(pair_ids) != "duplicate":
            assert verdict.measured > verdict.limit == limit


@given(problem=problems(), random=st.randoms())
def test_the_order_of_images_changes_no_verdict(make_image, problem, random):
    table, limit, context = problem
    images = [make_image(i) for i in table.ids]
    judge_all = near_duplicate(limit).judge
    expected = {v.image_id: v for v in judge_all(images, context)}
    random.shuffle(images)
    assert {v.image_id: v for v in judge_all(images, context)} == expected


def test_three_hundred_copies_leave_one(judge):
    ids = [f"{n:04d}" for n in range(300)]
    table = EmbeddingTable(tuple(ids), normalized(np.ones((300, 4))), "tiny")
    verdicts = judge(ids, 0.97, edges=edges_of(table, 0.9))
    assert kept_of(verdicts) == ["0000"]
    assert {v.witness for v in verdicts.values() if not v.keep} == {"0000"}
