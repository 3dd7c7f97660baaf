"""Records and the rule that selects kept images."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.records import (
    IMAGE_SUFFIXES,
    Concept,
    Decision,
    ImageRecord,
    PlannedImage,
    Provenance,
    Verdict,
    last_decisions,
    select_kept,
)

PROVENANCE = Provenance("m", "", "d", "p", "s", "c", 1, 2.0, 8, 8, "float32", 4, "f")


def record(image_id, failure=""):
    planned = PlannedImage(image_id, "cat", 0, "t", {"a": "b"}, "a cat", "", 1, 0)
    return ImageRecord(planned, PROVENANCE, failure, "", "", "", None)


def recorded(image_id, failure=""):
    path = "" if failure else f"images/cat/{image_id}.png"
    return dataclasses.replace(record(image_id, failure), path=path)


def dropped(image_id, by):
    return Verdict(image_id, by, keep=False, reason="r")


@pytest.mark.parametrize(
    "value",
    [
        recorded("0123456789abcdef0123"),
        recorded("0123456789abcdef0123", "not finite"),
        dataclasses.replace(
            PROVENANCE,
            adapters=("style@0.8#0123456789ab", "vae@vae#ba9876543210"),
            reproducible=False,
        ),
        Concept("cat", "Cat", "real", "g", "cat", "a cat", (), {"pose": ["up"]}, "", ("n1",)),
        Verdict("a", "f", False, "r", 0.5, 0.4, "b", "ref/c"),
        Decision(("a", "b"), "not_duplicate", "me"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_records_survive_json(value):
    import json

    assert type(value).from_json(json.loads(json.dumps(value.to_json()))) == value


def test_rows_of_another_shape_are_refused():
    row = recorded("0123456789abcdef0123").to_json()
    with pytest.raises(ValueError, match="schema"):
        ImageRecord.from_json({**row, "schema": 2})
    with pytest.raises(ValueError, match="fields"):
        ImageRecord.from_json({**row, "extra": 1})
    older = {key: value for key, value in row["provenance"].items() if key != "adapters"}
    with pytest.raises(ValueError, match="fields"):
        ImageRecord.from_json({**row, "provenance": older})
    with pytest.raises(ValueError, match="adapters must be a list"):
        ImageRecord.from_json({**row, "provenance": {**older, "adapters": "style"}})


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_an_image_file_may_have_any_of_the_suffixes(suffix):
    value = recorded("0123456789abcdef0123")
    value = dataclasses.replace(value, path=value.path.replace(".png", suffix))
    assert ImageRecord.from_json(value.to_json()) == value
    assert value.suffix == suffix


@pytest.mark.parametrize("path", ["images/cat/0123456789abcdef0123.gif", "../cat.png", ""])
def test_a_record_with_the_path_of_another_file_is_refused(path):
    row = {**recorded("0123456789abcdef0123").to_json(), "path": path}
    with pytest.raises(ValueError, match="path must be one of"):
        ImageRecord.from_json(row)


@pytest.mark.parametrize("slots", [{"scene": 3}, {"scene": None}, ["a field"], "a field"])
def test_a_record_with_slots_that_are_not_texts_is_refused(slots):
    row = recorded("0123456789abcdef0123").to_json()
    with pytest.raises(ValueError, match="slots must map names to texts"):
        ImageRecord.from_json({**row, "planned": {**row["planned"], "slots": slots}})


def test_the_json_of_a_record_is_that_of_its_fields():
    value = recorded("0123456789abcdef0123")
    assert value.to_json() == {"schema": 1, **dataclasses.asdict(value)}


@pytest.mark.parametrize(
    ("images", "choice"),
    [
        (("b", "a"), "duplicate"),
        (("a", "a"), "duplicate"),
        (("a",), "duplicate"),
        (("a", "b"), "keep"),
    ],
)
def test_a_decision_names_the_right_images_in_order(images, choice):
    with pytest.raises(ValueError, match="names"):
        Decision(images, choice, "me")


def test_the_first_filter_that_drops_an_image_is_counted():
    verdicts = {"one": {"a": Verdict("a", "one", True, "ok")}, "two": {"a": dropped("a", "two")}}
    verdicts["three"] = {"a": dropped("a", "three")}
    assert select_kept([record("a"), record("b")], verdicts, []) == (["b"], {"a": "two"})


def test_people_outrank_filters_and_the_last_word_counts():
    verdicts = {"one": {"a": dropped("a", "one")}}
    said = [
        Decision(("a",), "drop", "x"),
        Decision(("a",), "keep", "y"),
        Decision(("b",), "drop", "x"),
    ]
    assert select_kept([record("a"), record("b")], verdicts, said) == (["a"], {"b": "person"})
    assert last_decisions(said)[("a",)].by == "y"


IDS = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(IDS, IDS, IDS, IDS)
def test_generated_is_kept_plus_dropped(generated, failed, drops, decided):
    records = [record(i) for i in generated] + [record(i + "x", "bad") for i in failed]
    verdicts = {"one": {i: dropped(i, "one") for i in drops}}
    decisions = [Decision((i,), "keep" if i < "d" else "drop", "me") for i in decided]
    kept, gone = select_kept(records, verdicts, decisions)
    assert sorted([*kept, *gone]) == sorted(generated)
    assert not set(kept) & set(gone)
