"""The template language: what it means, what it refuses and where."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.prompts.nodes import Literal, Option, Slot, Variant, Wildcard, write_pieces
from isekai_gen.prompts.syntax import parse_text, parse_value
from tests.prompts.grammars import pieces_lists


def pieces(text: str):
    parsed = parse_text(text)
    assert parsed.faults == ()
    return parsed.pieces


def faults(text: str) -> list[tuple[int, str]]:
    """1-based column and first words of every fault."""
    return [(fault.offset + 1, fault.message) for fault in parse_text(text).faults]


def options(*texts: str, weights: tuple[str, ...] = ()) -> tuple[Option, ...]:
    weights = weights or ("1",) * len(texts)
    return tuple(
        Option(Fraction(weight), (Literal(text),) if text else ())
        for text, weight in zip(texts, weights, strict=True)
    )


def test_words_slots_variants_and_wildcards_are_told_apart():
    assert pieces("{a} {red|dark blue} cat, __animals/big__ {place}") == (
        Slot("a"),
        Literal(" "),
        Variant(options("red", "dark blue")),
        Literal(" cat, "),
        Wildcard("animals/big"),
        Literal(" "),
        Slot("place"),
    )


def test_options_have_weights_and_nothing_is_an_option_with_a_weight():
    (variant,) = pieces("{3::red|0.25::|blue}")
    assert variant == Variant(options("red", "", "blue", weights=("3", "0.25", "1")))


@pytest.mark.parametrize(
    ("text", "low", "high", "joiner"),
    [
        ("{2$$x|y|z}", 2, 2, ", "),
        ("{1-3$$x|y|z}", 1, 3, ", "),
        ("{0-1$$ and $$x|y|z}", 0, 1, " and "),
        ("{2$$$$x|y|z}", 2, 2, ""),
        (r"{2$$ \| $$x|y|z}", 2, 2, " | "),
    ],
)
def test_several_options_are_taken_with_a_joiner(text, low, high, joiner):
    assert pieces(text) == (Variant(options("x", "y", "z"), low, high, joiner),)


def test_everything_nests():
    (variant,) = pieces("{a {b|__c__}|{2::d|{e}}}")
    first, second = variant.options
    assert first.pieces[1].options[1].pieces == (Wildcard("c"),)
    assert second.pieces[0].options[1].pieces == (Slot("e"),)


def test_a_backslash_takes_the_meaning_from_punctuation():
    assert pieces(r"\{x\} \__y\__ \\ \# \(z\)") == (Literal(r"{x} __y__ \ # (z)"),)
    assert pieces(r"{a\|b|1\::c|\$$}") == (Variant(options("a|b", "1::c", "$$")),)


@pytest.mark.parametrize("text", ["16:9", "a | b", "3::cat", "$5", "cost $$", "a_b c_", "50 %"])
def test_what_means_nothing_is_words(text):
    assert pieces(text) == (Literal(text),)


def test_a_value_may_begin_with_its_weight():
    parsed = parse_value("2.5::{red|green} fox")
    assert (parsed.weight, len(parsed.pieces), parsed.faults) == (Fraction("2.5"), 2, ())
    assert parse_value(r"2\::1").pieces == (Literal("2::1"),)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a {b", 3, "unbalanced '{'"),
        ("b} a", 2, "unbalanced '}'"),
        ("{a {b}", 1, "unbalanced '{'"),
        ("x {}", 4, "empty variant"),
        ("{a||b}", 4, "empty variant"),
        ("{a|b|}", 6, "empty variant"),
        ("{ |a}", 2, "empty variant"),
        ("{B}", 1, "'{B}' is no slot"),
        ("x {b c}", 3, "'{b c}' is no slot"),
        ("{{cat}}", 1, "'{{cat}}' is no slot"),
        ("{v2}", 1, "slot {v2} has a name that variants get"),
        ("{0::a|b}", 2, "weight is 0"),
        ("{a|0.0::b}", 4, "weight is 0.0"),
        ("{-1::a|b}", 4, "'::' must follow a weight"),
        ("{x::a|b}", 3, "'::' must follow a weight"),
        ("{3$$a|b}", 1, "'{3$$a|b}' asks for 3 of 2"),
        ("{2-1$$a|b}", 1, "'{2-1$$a|b}' has an empty range"),
        ("{0$$a|b}", 1, "'{0$$a|b}' has an empty range"),
        ("{x$$a|b}", 3, "'$$' must follow a count"),
        ("{1$$a}", 1, "'{1$$a}' has one option only"),
        ("{a|b| a}", 1, "'{a|b| a}' has 'a' twice"),
        ("a __b", 3, "unbalanced '__'"),
        ("__../b__", 1, "'__../b__' does not name a file below"),
        ("__/etc/passwd__", 1, "'__/etc/passwd__' does not name"),
        ("a \\b", 3, r"'\' before 'b' escapes nothing"),
        ("a\\", 2, r"'\' before '' escapes nothing"),
        ("{1::a|999999::b}", 1, "the weights of '{1::a|999999::b}' make 1000000 parts"),
        ("{8$$" + "|".join(map(str, range(20))) + "}", 1, "has 125970 combinations"),
    ],
)
def test_a_fault_has_its_column(text, column, message):
    (found,) = faults(text)
    assert found[0] == column
    assert message in found[1]


def test_all_faults_of_a_text_are_told_in_their_order():
    assert [column for column, _ in faults("} {B} {a||b} __x {0::p|q} {")] == [1, 3, 10, 14, 19, 27]


def test_deep_nesting_is_one_fault_whatever_its_depth():
    (found,) = [message for _, message in faults("{x|" * 500) if "nested" in message]
    assert found.startswith("nested deeper than 20 levels")


@settings(max_examples=300)
@given(st.text("{}|:$_\\#a1. -*/", max_size=30))
def test_any_text_is_read_or_refused_inside_of_itself(text):
    parsed = parse_text(text)
    assert all(0 <= fault.offset <= len(text) for fault in parsed.faults)
    if not parsed.faults:
        assert parse_text(write_pieces(parsed.pieces)) == parsed


@settings(max_examples=200)
@given(pieces_lists())
def test_written_pieces_are_read_again(generated):
    assert parse_text(write_pieces(generated)).pieces == generated
    assert parse_text(write_pieces(generated)).faults == ()
