"""Whether a text encoder takes an invented name, or its description, for a real class.

Similarities of different encoders cannot be compared, so the limits are the encoder's own: of
1,000 real classes, which all differ, 99 % are less like the most alike other one. What is above is
more alike than different classes are to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.proposals.engine import EmbedTexts
from isekai_gen.proposals.records import Finding, Proposal


@dataclass(frozen=True)
class _Classes:
    """Embeddings of one text per class.

    Attributes:
        vectors: float32 [classes, dim], unit rows.
        limit: From which similarity on another text counts as that of a class.
    """

    vectors: FloatArray
    limit: float


class ClassMeanings:
    """Names and definitions of ImageNet-1k as an encoder reads them.

    The 21,844 classes of ImageNet-21k would take a small encoder half a minute; letters, stems and
    spelling (`name_checks`) are compared with all of them.
    """

    def __init__(self, imagenet: ImageNetNames, embed: EmbedTexts, quantile: float) -> None:
        """Embed 2,000 texts.

        Args:
            imagenet: Whose 1,000 classes.
            embed: The encoder.
            quantile: Share of classes that are less like any other class than the limit, in (0, 1).
        """
        self._imagenet = imagenet
        self._embed = embed
        self._wnids = sorted(imagenet.classes_1k)
        names, definitions = _class_texts(imagenet)
        self._names = _classes(embed(names), quantile)
        self._definitions = _classes(embed(definitions), quantile)

    def findings(self, proposal: Proposal) -> Iterator[Finding]:
        """About the name and the description of the invented concept."""
        fictional = proposal.fictional
        name, description = self._embed([fictional.name, fictional.description])
        for field, vector, classes, what in (
            ("name", name, self._names, "name"),
            ("description", description, self._definitions, "definition"),
        ):
            similarities = classes.vectors @ vector
            best = int(np.argmax(similarities))
            similarity = float(similarities[best])
            if similarity >= classes.limit:
                yield Finding(
                    f"{field}_means_class",
                    "fictional",
                    field,
                    f"to the encoder, the {field} of {fictional.name!r} is the {what} of "
                    f"{self._imagenet.title(self._wnids[best])} (similarity {similarity:.3f}, from "
                    f"{classes.limit:.3f} on told; ImageNet-1k only)",
                    "invent another name"
                    if field == "name"
                    else "say first what no such thing has",
                )


def texts_to_embed(imagenet: ImageNetNames, proposals: Sequence[Proposal]) -> list[str]:
    """All texts, each once, that `ClassMeanings` has embedded for these proposals."""
    names, definitions = _class_texts(imagenet)
    fictional = [proposal.fictional for proposal in proposals]
    own = [text for concept in fictional for text in (concept.name, concept.description)]
    return list(dict.fromkeys([*names, *definitions, *own]))


def _class_texts(imagenet: ImageNetNames) -> tuple[list[str], list[str]]:
    """First name and definition of each of the 1,000 classes, in the order of wnids."""
    wnids = sorted(imagenet.classes_1k)
    return (
        [imagenet.lemmas[wnid][0] for wnid in wnids],
        [imagenet.definitions[wnid] for wnid in wnids],
    )


def _classes(vectors: FloatArray, quantile: float) -> _Classes:
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -1.0)
    return _Classes(vectors, float(np.quantile(similarities.max(axis=1), quantile)))
