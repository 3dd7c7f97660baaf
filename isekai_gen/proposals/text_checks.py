"""How alike texts are, letter by letter, against many others at once.

The similarity is that of `prompts.likeness`: the Jaccard index of the sets of 3 successive
characters. Here the sets of the texts compared against are kept, as postings: for every gram, the
texts that have it. One text is then compared with 22,000 definitions in a millisecond.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from isekai_gen.prompts.likeness import as_bits, grams_of


class LikeTexts:
    """Texts by key, of which the most alike is found."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Index texts; none may be empty."""
        self._keys = tuple(texts)
        places: dict[str, list[int]] = defaultdict(list)
        sizes = []
        for place, text in enumerate(texts.values()):
            grams = grams_of(text)
            sizes.append(len(grams))
            for gram in grams:
                places[gram].append(place)
        self._sizes: npt.NDArray[np.int64] = np.array(sizes, dtype=np.int64)
        self._places = {
            gram: np.array(found, dtype=np.int32) for gram, found in sorted(places.items())
        }

    def nearest(self, text: str) -> tuple[str, float]:
        """The key of the most alike text, the first of equals, and its similarity in [0, 1]."""
        grams = grams_of(text)
        shared = np.zeros(len(self._keys), dtype=np.int64)
        for gram in grams & self._places.keys():
            shared[self._places[gram]] += 1
        similarities = shared / (self._sizes + len(grams) - shared)
        best = int(np.argmax(similarities))
        return self._keys[best], float(similarities[best])


class Likeness:
    """The similarity of any two texts; the grams of each are found once."""

    def __init__(self) -> None:
        self._number_of: dict[str, int] = {}
        self._bits: dict[str, int] = {}

    def __call__(self, a: str, b: str) -> float:
        """In [0, 1]; 1 for texts that differ in case and whitespace at most."""
        one, other = self._grams(a), self._grams(b)
        return (one & other).bit_count() / (one | other).bit_count()

    def _grams(self, text: str) -> int:
        bits = self._bits.get(text)
        if bits is None:
            bits = as_bits(grams_of(text), self._number_of)
            self._bits[text] = bits
        return bits
