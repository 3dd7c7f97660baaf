"""How alike two descriptions are, letter by letter."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from isekai_gen.prompts.faults import squeezed

_GRAM = 3


def alike_texts(texts: Sequence[str], min_similarity: float) -> Iterator[tuple[int, int, float]]:
    """All pairs of texts whose sets of 3 successive characters overlap strongly.

    The similarity is the Jaccard index (shared / all) of the sets, case and runs of whitespace
    ignored: in [0, 1], 1 for equal texts. (Broder, "On the resemblance and containment of
    documents", 1997, with characters in place of words, so that inflected words count as alike.)

    Args:
        texts: Not empty.
        min_similarity: Lowest similarity of the pairs wanted, in (0, 1].

    Yields:
        Place of the first text, of the second (higher), and their similarity; in order of places.
    """
    number_of: dict[str, int] = {}
    # As bits of one integer, two sets are compared in a microsecond: 1,000 texts in a second.
    grams = [as_bits(grams_of(text), number_of) for text in texts]
    for (first, a), (second, b) in itertools.combinations(enumerate(grams), 2):
        shared = (a & b).bit_count()
        similarity = shared / (a | b).bit_count()
        if similarity >= min_similarity:
            yield first, second, similarity


def grams_of(text: str) -> frozenset[str]:
    """The set of 3 successive characters of a text that is not blank."""
    plain = f" {squeezed(text.casefold())} "
    return frozenset(plain[start : start + _GRAM] for start in range(len(plain) - _GRAM + 1))


def as_bits(grams: Iterable[str], number_of: dict[str, int]) -> int:
    """A set as the bits of one integer; `number_of` has the place of each gram, and grows."""
    bits = 0
    for gram in grams:
        bits |= 1 << number_of.setdefault(gram, len(number_of))
    return bits
