"""New words made of the beginning of one word and the end of another."""

from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.proposals.blends import MAX_LETTERS, MIN_LETTERS, blends_of, syllable_starts

words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=12)


def words_of(first, last):
    return {blend.word for blend in blends_of(first, last)}


def test_splinters_meet_at_syllables():
    assert "snailpot" in words_of("snail", "teapot")
    assert "cactushog" in words_of("cactus", "hedgehog")


def test_a_vowel_joins_consonants_that_would_clash():
    assert "cactihog" in words_of("cactus", "hedgehog")


def test_shared_letters_are_written_once():
    blends = {blend.word: blend for blend in blends_of("umbrella", "jellyfish")}
    assert blends["umbrellyfish"].overlap == 3


def test_syllables_begin_at_the_consonants_said_together():
    assert syllable_starts("umbrella") == (2, 6)
    assert syllable_starts("hedgehog") == (3, 5)


@given(words, words)
def test_a_blend_is_a_beginning_and_an_end_of_the_right_length(first, last):
    for blend in blends_of(first, last):
        assert MIN_LETTERS <= len(blend.word) <= MAX_LETTERS
        assert blend.word not in (first, last)
        assert 0 < blend.kept <= 1
        assert blend.word[0] == first[0]
        assert blend.word[-1] == last[-1]


@given(words, words)
def test_each_word_is_made_once(first, last):
    made = [blend.word for blend in blends_of(first, last)]
    assert len(made) == len(set(made))
