"""Names for invented things: sayable, and the name of nothing that exists."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache

from isekai_gen.manifests.names import check_label, check_label_pair
from isekai_gen.prompts.imagenet_names import ImageNetNames, name_forms
from isekai_gen.proposals.blends import Blend, blends_of
from isekai_gen.proposals.commonness import web_words
from isekai_gen.proposals.name_checks import real_names
from isekai_gen.proposals.pronounceable import Pronounceability

# Less of a word does not remind of it: "hedgehog" is heard in "hedge-" and "-hog", not in "-og".
_MIN_KEPT = 0.35
_BEST_LETTERS = 8
_MAX_WORD_IN_PAIR = 10
_MIN_LETTERS = 3
_MAX_WHOLE = 10  # letters of a name of two words that can still be blended as one
# Kinds that tell nobody what a thing looks like.
_VAGUE = (
    "accessory animal appliance area article artifact being commodity consumer container covering"
    " creature device entity equipment facility fixture food furnishing implement instrument"
    " instrumentality invertebrate line material matter mechanism object organism person plant"
    " product structure substance system thing unit utensil vertebrate way ware whole work"
)
# Slurs, obscenities and unlucky words; where they stand inside of another word does not matter.
_UNSAFE = re.compile(
    r"anal|anus|arse|bastard|bitch|boob|chink|clit|cock|coolie|coon|crap|cum|cunt|dago|damn|dick"
    r"|drug|dung|dyke|fag|fart|fuc|fuk|gook|gyp|hitler|homo|jap|jew|kaff[ei]r|kike|kill"
    r"|kkk|mong(?!oos)|nazi|negr|nig|orgy|paki|pedo|penis|piss|poo[fpt]|porn|prick(?!l)|puss|puta|rape"
    r"|rapi|rectu|retard|scrot|semen|sex|shit|slag|slut|spic|spook|suck|tit|toss|turd|twat|vagin"
    r"|wank|whor|wog|^ass|ass$"
)


@cache
def read_name_book(imagenet: ImageNetNames) -> NameBook:
    """The one book of these names: seconds at the first call, nothing at others.

    Raises:
        MissingDependencyError: If open_clip, or its table of words, is not there.
    """
    return NameBook(imagenet)


class NameBook:
    """Words that are taken, and how names are made that are not.

    Taken are ImageNet-21k's lemmas, every word of its definitions, and the words of the web that
    open_clip's table completes (`commonness`), brands and people among them.
    """

    def __init__(self, imagenet: ImageNetNames) -> None:
        """Read the words.

        Raises:
            MissingDependencyError: If open_clip, or its table of words, is not there.
        """
        lemmas = {form for form in imagenet.wnids_by_form if form.isascii()}
        self._words = lemmas | _words_of(imagenet.definitions.values()) | web_words()
        single = {name.lower() for names in imagenet.lemmas.values() for name in names}
        self._pronounceable = Pronounceability(name for name in single if name.isalpha())
        self._real = real_names(imagenet)
        # Two words that stand side by side in a definition name something: "dog house".
        self._pairs = _pairs_of(imagenet.definitions.values())

    def names_for(self, body: str, lender: str, kinds: Collection[str] = ()) -> Iterator[str]:
        """Names for a thing of these two, the best first; each is the name of nothing real.

        Blends of the two first; then of the lender with what the body also is ("owl" cannot be in
        a name, "bird" can); then two words in the manner of ISEKAI ("octopus vacuum"). None
        contains the body's name or lies in it.

        Args:
            body: Name of the parent that dominates, which is the counterpart's name.
            lender: Name of the other parent.
            kinds: What the body also is, the nearest first.
        """
        vague = _VAGUE.split()
        others = [word for kind in kinds for word in _letters(kind)[:1] if word not in vague]
        blended = (blend.word for word in (body, *others) for blend in self._blends(word, lender))
        nouns = [*(_letters(body)[:1] if " " in body else []), *others]
        seen: set[str] = set()
        for name in itertools.chain(blended, _two_words(lender, nouns)):
            if name not in seen and name not in self._pairs and self._is_free(name, body):
                seen.add(name)
                yield name

    def is_taken(self, name: str) -> bool:
        """Whether a name is a word, or nearly a name that ImageNet has for something real."""
        return not name_forms(name).isdisjoint(self._words) or not self._real.is_free(name)

    def _blends(self, body: str, lender: str) -> list[Blend]:
        found = {
            blend.word: blend
            for ours in _letters(body)
            for theirs in _letters(lender)
            for blend in (*blends_of(theirs, ours), *blends_of(ours, theirs))
            if blend.kept >= _MIN_KEPT and self._pronounceable.is_sayable(blend.word)
        }
        return sorted(found.values(), key=lambda blend: (-self._goodness(blend, body), blend.word))

    def _goodness(self, blend: Blend, body: str) -> float:
        # Weights set by eye on 200 pairs: short and sayable before complete; as in English
        # compounds, the thing itself comes last ("a boathouse is a house").
        ends_in_body = 0.15 if blend.last in _letters(body) else 0.0
        length = -0.08 * abs(len(blend.word) - _BEST_LETTERS)
        ease = 0.25 * self._pronounceable.ease(blend.word)
        return blend.kept + ease + length + ends_in_body + 0.05 * blend.overlap

    def _is_free(self, name: str, counterpart: str) -> bool:
        joined = name.replace(" ", "")
        return not (
            _UNSAFE.search(joined)
            or check_label(name)
            or check_label_pair(name, counterpart)
            or self.is_taken(name)
        )


def _two_words(lender: str, lasts: Sequence[str]) -> Iterator[str]:
    for word, last in itertools.product(_letters(lender), lasts):
        if word != last and len(word) <= _MAX_WORD_IN_PAIR:
            yield f"{word} {last}"


@cache
def _letters(name: str) -> tuple[str, ...]:
    """The words that a name is known by: its last, and all in one if that is short enough."""
    words = re.findall(r"[a-z]+", name.lower())
    whole = "".join(words)
    last = [word for word in words[-1:] if len(word) >= _MIN_LETTERS]
    return tuple(dict.fromkeys([*last, *([whole] if len(whole) <= _MAX_WHOLE else [])]))


def _words_of(texts: Collection[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[a-z]{3,}", text.lower())}


def _pairs_of(texts: Collection[str]) -> frozenset[str]:
    pairs: set[str] = set()
    for text in texts:
        words = re.findall(r"[a-z]+", text.lower())
        pairs.update(f"{a} {b}" for a, b in itertools.pairwise(words))
    return frozenset(pairs)
