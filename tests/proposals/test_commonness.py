"""Commonness: everyday words above rare ones, read without importing a model library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import MissingDependencyError
from isekai_gen.proposals import commonness
from isekai_gen.proposals.commonness import commonness_of, count_of_tokens


def test_everyday_words_come_before_rare_ones():
    names = ["dog", "hedgehog", "axolotl", "gyromitra"]
    values = [commonness_of(name) for name in names]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.98
    assert values[-1] < 0.4


def test_a_name_is_as_common_as_its_rarest_word():
    assert commonness_of("sea lion") == min(commonness_of("sea"), commonness_of("lion"))
    assert commonness_of("Dog") == commonness_of("dog")
    assert commonness_of("dog's") == commonness_of("dog")


def test_a_name_without_words_has_none():
    assert commonness_of("42!") == 0


def test_pieces_are_those_of_another_implementation_of_byte_pair_encoding():
    tokenizers = pytest.importorskip("tokenizers")
    pairs = commonness._read_merges().place_of_pair
    tokens = [token for pair in pairs for token in (*pair, "".join(pair))]
    theirs = tokenizers.models.BPE(
        vocab={token: number for number, token in enumerate(dict.fromkeys(tokens))},
        merges=list(pairs),
        end_of_word_suffix="</w>",
    )
    for word in ["hedgehog", "peacock", "axolotl", "skyscraper", "toaster", "gyromitra", "a"]:
        told = [token.value for token in theirs.tokenize(word)]
        assert commonness._pieces(word, pairs) == told


def test_tokens_are_counted_as_clips_own_tokenizer_does():
    tokenizer = pytest.importorskip("open_clip.tokenizer").SimpleTokenizer()
    for text in [
        "an owl's three-quarter view, 50mm lens",
        "a gyromitra with eight x-shaped legs, at home in s-curves. It has don'ts",
        "",
    ]:
        assert count_of_tokens(text) == len(tokenizer.encode(text)), text


@given(st.text(max_size=30))
def test_is_always_between_0_and_1(name):
    assert 0 <= commonness_of(name) <= 1


def test_a_missing_open_clip_is_said_with_its_remedy(monkeypatch):
    monkeypatch.setattr(commonness, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        commonness._read_table()
