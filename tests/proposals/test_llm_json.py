"""JSON cut out of answers that nobody trusts."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.proposals.llm_answers import ENTRIES, PLAN, read_answer
from isekai_gen.proposals.llm_json import MAX_ANSWER, UnreadableAnswerError, object_in
from tests.proposals.llm_inventor import entries_answer, planned, written

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    value=st.dictionaries(st.text(), VALUES, max_size=4),
    before=st.text(alphabet="abc \n.:"),
    after=st.text(alphabet="abc} \n.`"),
)
def test_an_object_is_found_between_words(value, before, after):
    text = json.dumps(value)
    assert object_in(f"{before}{text}{after}") == value
    assert object_in(f"{before}\n```json\n{text}\n```\n{after}") == value


@given(text=st.text())
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(UnreadableAnswerError):
        assert isinstance(object_in(text), dict)


def test_braces_in_prose_and_in_thoughts_are_passed_by():
    assert object_in('<think>{"a": 0}</think> In {braces}: {"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON object"),
        ("[1, 2]", "no JSON object"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": -Infinity}', "Infinity is no JSON"),
        ('{"a": "\x01"}', "control character"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "a number has 5000 digits"),
        ('{"a": "' + "x" * MAX_ANSWER + '"}', "are more than"),
        ('{"a": 1', "delimiter"),
    ],
)
def test_what_is_no_json_object_is_refused_with_its_reason(text, reason):
    with pytest.raises(UnreadableAnswerError, match=reason):
        object_in(text)


def test_each_element_stands_or_falls_by_itself():
    bad = {**planned(3), "part": "soul"}
    reading = read_answer(json.dumps({"slots": [planned(1), bad, planned(2)]}), PLAN)
    assert [slot.model_dump() for slot in reading.found] == [planned(1), planned(2)]
    (problem,) = reading.problems
    assert problem.startswith("slots 2: part: Input should be 'surface'")


def test_another_key_beside_the_list_is_refused():
    reading = read_answer('{"slots": [], "note": ""}', PLAN)
    assert reading.found == ()
    assert "it has keys: 'slots', 'note'" in reading.problems[0]


def test_many_problems_are_told_shortly():
    reading = read_answer(entries_answer(*[{}] * 30), ENTRIES)
    assert len(reading.problems) == 13
    assert reading.problems[-1] == "and 138 more of this kind"


def test_words_are_tidied_and_articles_left_out():
    entry = written(1, 5)
    entry["fictional"]["short"] = "  A  small\ncat "
    (found,) = read_answer(entries_answer(entry), ENTRIES).found
    assert found.fictional.short == "small cat"


def test_the_schema_for_servers_has_no_lengths_and_all_fields():
    words, field = (ENTRIES.schema(for_server=sent) for sent in (False, True))
    assert '"maxLength": 400' in json.dumps(words)
    assert "Length" not in json.dumps(field)
    entry = field["properties"]["entries"]["items"]
    assert entry["required"] == ["slot", "fictional", "real", "poses", "settings"]
    assert set(field["$defs"]) == {"WrittenFictional", "WrittenReal"}
