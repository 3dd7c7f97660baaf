"""Queries of three kinds, and the gap that is measured from their answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.evaluation.metrics import ANSWER
from isekai_gen.evaluation.protocols import Answer
from isekai_gen.evaluation.rows import SupportRow
from isekai_gen.evaluation.scores import Scored
from isekai_gen.evaluation.shortcut import (
    MARGIN,
    KindScored,
    ModelShortcuts,
    Shortcuts,
    measure,
)
from isekai_gen.evaluation.shortcut_plot import shortcut_plot
from isekai_gen.evaluation.shortcut_rows import QuerySample, rows_of_kinds
from isekai_gen.evaluation.shortcut_tables import shortcut_section
from isekai_gen.records import Episode, NamedImage

LABELS = ("dax", "wug")


def row(number=0, label="dax"):
    support = tuple(
        tuple(NamedImage(f"{name}/{place}.png", name, name) for place in (8, 9)) for name in LABELS
    )
    query = NamedImage(f"{label}/{number}.png", label, label)
    return SupportRow(f"{label} {number}", query, support)


def sample(kind, number=0, label="dax", fillers=()):
    path = f"made/{label}/{kind}-{number}-{len(fillers)}.png"
    return QuerySample(kind, path, f"{label}/{number}.png", label, fillers)


def answered(kind, source, named, concept="dax", failure=""):
    """One question; `named` is what the model said."""
    truth = Episode(source, (), NamedImage(source, concept, concept), LABELS)
    text = "" if failure else ANSWER.format(named)
    return KindScored(kind, source, concept, Scored(truth, Answer("k", text, failure)))


def told_by_context(count=20, concept="dax"):
    """A model that goes by the background alone."""
    return [
        answered(kind, f"{concept}/{number}", named, concept)
        for number in range(count)
        for kind, named in (("untouched", concept), ("object", "wug"), ("context", concept))
    ]


def test_samples_take_the_place_of_the_query_and_nothing_else_changes():
    rows = [row(0), row(1)]
    samples = {"dax/0.png": [sample("object"), sample("context")]}
    found = rows_of_kinds(rows, samples, 4)
    assert [each.kind for each in found.rows] == ["untouched", "object", "context"]
    untouched, kept, gone = (each.row for each in found.rows)
    assert untouched is rows[0]
    assert kept.query.image == "made/dax/object-0-0.png"
    assert gone.query.image == "made/dax/context-0-0.png"
    assert kept.episode(4, 7).support == gone.episode(4, 7).support == rows[0].episode(4, 7).support
    assert kept.query.label == gone.query.label == "dax"
    assert {each.source for each in found.rows} == {"dax/0.png"}
    assert found.without_samples == 1


def test_samples_with_pixels_of_a_demonstration_are_left_out():
    samples = {"dax/0.png": [sample("object", fillers=("wug/9.png",)), sample("context")]}
    assert [each.kind for each in rows_of_kinds([row()], samples, 4).rows] == [
        "untouched",
        "context",
    ]
    assert rows_of_kinds([row()], samples, 4).with_shown_fillers == 1
    # With one demonstration of each side, that image is not shown.
    assert len(rows_of_kinds([row()], samples, 2).rows) == 3


def test_episodes_of_other_shot_counts_are_passed_over():
    shown = tuple(NamedImage(f"{name}/9.png", name, name) for name in LABELS)
    episode = Episode("e", shown, NamedImage("dax/0.png", "dax", "dax"), LABELS)
    samples = {"dax/0.png": [sample("context")]}
    assert len(rows_of_kinds([episode], samples, 2).rows) == 2
    assert rows_of_kinds([episode], samples, 4).rows == []


def test_a_model_that_goes_by_the_background_has_the_largest_gap():
    found = measure(told_by_context(), "strict")
    assert found.untouched.estimate == found.named_without_object.estimate == 1
    assert found.object_kept.estimate == 0
    assert found.chance == 0.5
    assert found.shortcut_gap.estimate == 0.5
    assert found.shortcut_gap.low > MARGIN
    assert found.flagged
    assert found.surviving_share == 1
    assert (found.context_loss.estimate, found.object_loss.estimate) == (1, 0)


def test_a_model_that_goes_by_the_object_has_none():
    found = measure(
        [
            answered(kind, f"dax/{number}", named)
            for number in range(20)
            for kind, named in (("untouched", "dax"), ("object", "dax"), ("context", "wug"))
        ],
        "strict",
    )
    assert found.shortcut_gap.estimate == -0.5
    assert not found.flagged
    assert found.context_loss.estimate == 0
    assert found.object_loss.estimate == 1


def test_few_images_are_no_proof():
    assert not measure(told_by_context(3), "strict").flagged


def test_many_questions_of_one_image_count_once():
    once = measure(told_by_context(6), "strict")
    often = measure(told_by_context(6) * 5, "strict")
    assert often.shortcut_gap == once.shortcut_gap
    assert often.counts["context"].questions == 5 * once.counts["context"].questions
    assert often.counts["context"].source_images == 6


def test_what_was_not_asked_has_no_number():
    found = measure([answered("untouched", "a", "dax"), answered("object", "a", "dax")], "strict")
    assert found.named_without_object is None
    assert found.shortcut_gap is None
    assert found.surviving_share is None
    assert not found.flagged


def test_a_failure_names_nothing_and_is_counted():
    found = measure([answered("context", "a", "", failure="refused")], "strict")
    assert found.named_without_object.estimate == 0
    assert found.counts["context"].failed == 1


def test_concepts_are_told_apart():
    model = ModelShortcuts("rule", [*told_by_context(), *told_by_context(5, "wug")])
    by_concept = model.by_concept("strict")
    assert list(by_concept) == ["dax", "wug"]
    assert by_concept["dax"].flagged
    assert model.total("strict").counts["context"].source_images == 25


def shortcuts():
    model = ModelShortcuts("rule|x", [*told_by_context(), *told_by_context(5, "wug")])
    return Shortcuts(4, 1, 2, [model])


def test_the_table_says_what_is_good_and_who_is_flagged():
    text = "\n".join(shortcut_section(shortcuts(), ["lcl", "strict"]))
    assert "still named (low is good)" in text
    assert "| dax (flagged) | 20 | 1.00 [0.84, 1.00] | 0.00 [0.00, 0.16] | 1.00 [0.84" in text
    assert "naming it is wrong" in text
    assert "1 rows whose query has no sample, and 2 samples" in text


def test_the_plot_is_the_same_for_the_same_numbers():
    pytest.importorskip("matplotlib")
    first = shortcut_plot(shortcuts(), ["lcl", "strict"])
    assert first.startswith(b"\x89PNG")
    assert shortcut_plot(shortcuts(), ["lcl", "strict"]) == first


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(LABELS)), min_size=1))
def test_gap_and_chance_add_up_to_the_share_still_named(answers):
    found = measure([answered("context", source, said) for source, said in answers], "strict")
    gap, named = found.shortcut_gap, found.named_without_object
    assert gap.estimate + found.chance == pytest.approx(named.estimate)
    assert gap.low <= gap.estimate <= gap.high
    assert found.chance == 0.5
