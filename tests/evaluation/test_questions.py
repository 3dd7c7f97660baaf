import hashlib
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import InputError
from isekai_gen.evaluation.conditions import (
    NO_ABLATIONS,
    Ablations,
    Condition,
    parse_ablations,
    parse_shots,
    plan_conditions,
)
from isekai_gen.evaluation.image_files import ImageFiles
from isekai_gen.evaluation.questions import Asking, images_shown, sample_rows
from isekai_gen.evaluation.rows import read_evaluation_set
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.records import Episode, NamedImage
from tests.evaluation.small_sets import draw_images, isekai_rows, lcl_test_rows, write_lines


@pytest.fixture
def asked(tmp_path):
    return read_evaluation_set(write_lines(tmp_path / "ISEKAI-10.json", isekai_rows()))


@pytest.fixture
def asking(tmp_path):
    return Asking(EpisodeWords.shipped(), ImageFiles(draw_images(tmp_path / "in")), seed=0)


def trials(asking, asked, **condition):
    return list(asking.trials(asked.rows, Condition(**condition)))


@pytest.mark.parametrize(
    ("text", "shots"),
    [
        ("0,2,...,16", (0, 2, 4, 6, 8, 10, 12, 14, 16)),
        ("0,2,4,...,16", (0, 2, 4, 6, 8, 10, 12, 14, 16)),
        ("8, 2,2", (2, 8)),
        ("0", (0,)),
        ("4,8,...,16,32", (4, 8, 12, 16, 32)),
    ],
)
def test_shots_are_a_list_with_gaps_to_fill(text, shots):
    assert parse_shots(text) == shots


@pytest.mark.parametrize("text", ["", "a", "-2", "2,...,8", "2,4,...", "0,4,...,14", "4,2,...,8"])
def test_what_is_no_list_of_shots_is_refused(text):
    with pytest.raises(InputError, match="--shots"):
        parse_shots(text)


def test_ablations_are_named_with_shares_or_without():
    assert parse_ablations([]) == NO_ABLATIONS
    assert parse_ablations(["position"]) == Ablations(positions=True)
    assert parse_ablations(["false-labels=1,0,.5"]).false_shares == (0.0, 0.5, 1.0)
    assert parse_ablations(["false-labels"]).false_shares == (0.0, 0.25, 0.5, 0.75, 1.0)
    for wrong in ("labels", "position=1", "false-labels=2", "false-labels=", "false-labels=nan"):
        with pytest.raises(InputError, match="--ablation"):
            parse_ablations([wrong])


def test_without_shots_the_papers_columns_are_asked_as_far_as_the_manifest_goes(asked):
    assert [each.shots for each in plan_conditions(asked.rows, None, NO_ABLATIONS)] == [0, 2, 4]


def test_ablations_are_asked_at_the_largest_shot_count(asked):
    ablations = Ablations((0.5,), positions=True)
    assert plan_conditions(asked.rows, (2, 4), ablations)[2:] == [
        Condition(4, false_labels=0.5),
        *(Condition(4, false_position=place) for place in (1, 2, 3, 4)),
    ]
    with pytest.raises(InputError, match="0 shots have none"):
        plan_conditions(asked.rows, (0,), ablations)


@pytest.mark.parametrize(("shots", "said"), [((3,), "did you mean 6"), ((6,), "can give 4")])
def test_shots_that_cannot_be_given_are_refused(asked, shots, said):
    with pytest.raises(InputError, match=said):
        plan_conditions(asked.rows, shots, NO_ABLATIONS)


def test_half_of_the_shots_are_of_each_side_and_the_first_of_its_list(asking, asked):
    for trial in trials(asking, asked, shots=2):
        assert {shown.image for shown in trial.truth.support} == {"dax/3.png", "wug/3.png"}
    assert images_shown(asked.rows[:1], 2) == ["dax/0.png", *images_shown(asked.rows[:1], 2)[1:]]
    assert set(images_shown(asked.rows[:1], 2)) == {"dax/0.png", "dax/3.png", "wug/3.png"}


def test_the_order_follows_from_seed_row_and_shots(asking, asked):
    def orders(seed):
        same = Asking(asking.words, asking.images, seed)
        return [
            [shown.image for shown in trial.truth.support] for trial in trials(same, asked, shots=4)
        ]

    assert orders(0) == orders(0)
    assert orders(0) != orders(1)
    assert len({tuple(order) for order in orders(0)}) > 1


def test_a_question_does_not_tell_its_answer(asking, asked):
    for trial in trials(asking, asked, shots=2):
        question = trial.question
        assert question.episode.query.label == "dax"
        assert {shown.concept for shown in (*question.episode.support, question.episode.query)} == {
            ""
        }
        assert question.conversation.turns[-1].role == "user"
        assert set(question.images) == set(question.conversation.images)
        assert all(file.is_file() for file in question.images.values())


def test_the_key_follows_the_bytes_and_not_the_names(tmp_path, asking, asked):
    renamed = tmp_path / "renamed"
    shutil.copytree(tmp_path / "in/dax", renamed / "a")
    shutil.copytree(tmp_path / "in/wug", renamed / "b")
    rows = [
        {
            **row,
            "image_name": row["image_name"].replace("dax", "a").replace("wug", "b"),
            "positive_list": [path.replace("dax", "a") for path in row["positive_list"]],
            "negative_list": [path.replace("wug", "b") for path in row["negative_list"]],
        }
        for row in isekai_rows()
    ]
    other = read_evaluation_set(write_lines(tmp_path / "other.json", rows))
    here, there = asking, Asking(asking.words, ImageFiles(renamed), 0)

    def keys(asking, asked):
        return [trial.question.key for trial in trials(asking, asked, shots=4)]

    assert keys(here, asked) == keys(there, other)
    shutil.copyfile(renamed / "a/1.png", renamed / "a/0.png")
    changed = keys(Asking(asking.words, ImageFiles(renamed), 0), other)
    assert [a == b for a, b in zip(changed, keys(here, asked), strict=True)].count(False) == 1


SUPPORT = st.lists(st.sampled_from("abc"), min_size=1, max_size=9)


def episode_of(labels):
    support = tuple(NamedImage(f"{n}.png", "", label) for n, label in enumerate(labels))
    return Episode("e", support, NamedImage("q.png", "", "a"), ("a", "b", "c"))


def changed_places(before, after):
    pairs = zip(before.support, after.support, strict=True)
    return [place for place, (one, other) in enumerate(pairs, start=1) if one != other]


@given(SUPPORT, st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.integers(0, 9))
def test_exactly_the_share_of_labels_is_false(labels, share, seed):
    before = episode_of(labels)
    after = Condition(len(labels), false_labels=share).applied(before, seed)
    assert len(changed_places(before, after)) == int(share * len(labels) + 0.5)
    assert after.query == before.query
    assert [shown.image for shown in after.support] == [shown.image for shown in before.support]


@given(SUPPORT, st.integers(0, 9))
def test_a_larger_share_changes_what_a_smaller_one_does(labels, seed):
    before = episode_of(labels)
    found = [
        set(changed_places(before, Condition(9, false_labels=share).applied(before, seed)))
        for share in (0.25, 0.5, 1.0)
    ]
    assert found[0] <= found[1] <= found[2] == set(range(1, len(labels) + 1))


@given(SUPPORT, st.integers(0, 9), st.data())
def test_a_false_position_changes_the_label_there_alone(labels, seed, data):
    place = data.draw(st.integers(1, len(labels)))
    before = episode_of(labels)
    after = Condition(len(labels), false_position=place).applied(before, seed)
    assert changed_places(before, after) == [place]
    assert after.support[place - 1].label in {"a", "b", "c"}


@pytest.mark.parametrize("rows", [isekai_rows(), lcl_test_rows()])
@pytest.mark.parametrize("limit", [2, 4])
def test_a_sample_is_balanced_over_concepts_and_in_file_order(tmp_path, rows, limit):
    asked = read_evaluation_set(write_lines(tmp_path / "m.json", rows))
    sample = sample_rows(asked, limit, seed=3)
    assert set(Counter(row.query.concept for row in sample).values()) == {limit // 2}
    places = [asked.rows.index(row) for row in sample]
    assert places == sorted(places)
    assert sample == sample_rows(asked, limit, seed=3)


def test_a_larger_sample_holds_the_smaller_and_the_largest_is_all(asked):
    small, large = (set(sample_rows(asked, limit, 0)) for limit in (2, 4))
    assert small < large
    assert sample_rows(asked, None, 0) == sample_rows(asked, 99, 0) == list(asked.rows)
    drawn = {frozenset(row.key for row in sample_rows(asked, 2, seed)) for seed in range(20)}
    assert len(drawn) > 1


def test_keys_are_digests(asking, asked):
    keys = [trial.question.key for trial in trials(asking, asked, shots=0)]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == hashlib.sha256().digest_size * 2 for key in keys)


def test_other_words_are_other_questions(asking, asked):
    other = replace(asking, words=replace(asking.words, final_question="And {image}?"))
    (before, after) = (
        {trial.question.key for trial in trials(each, asked, shots=2)} for each in (asking, other)
    )
    assert not before & after
