"""How alike the names of fictional concepts and of real things are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.filters.base import Evidence
from isekai_gen.filters.name_overlap import SAME_NAME
from isekai_gen.neighbors.nearest import nearest_rows
from isekai_gen.neighbors.reference_set import ReferenceSet
from isekai_gen.prompts.imagenet_names import name_forms, read_imagenet_names
from isekai_gen.records import Concept

WORDNET = "imagenet-21k"


def name_evidence(
    concepts: Sequence[Concept], names: EmbeddingTable, references: Sequence[ReferenceSet]
) -> dict[str, Evidence]:
    """Slug of each fictional concept to the real class nearest by name; 1 if it has the name.

    A name counts as that of a class if they are equal in singular or plural, with or without spaces
    and dashes. Classes are those of the reference sets, and all of ImageNet-21k with all their
    WordNet names. Similarity is that of the text embeddings of the first reference set.

    Args:
        concepts: Of the catalog.
        names: Embeddings of the fictional concepts' names, by slug.
        references: Sets with classes; the first has text embeddings of their names.

    Raises:
        ValueError: If the first set has none, or they are of another encoder.
    """
    fictional = [concept for concept in concepts if concept.kind == "fictional"]
    if not fictional:
        return {}
    key_of_form = _keys_by_form(references)
    text = references[0].text
    if text is None:
        raise ValueError(f"reference {references[0].name!r} has no text embeddings")
    asked = names.select([concept.slug for concept in fictional])
    rows, similarities = nearest_rows(asked, text, 1)
    found = {}
    for place, concept in enumerate(fictional):
        same = _same_name(concept, key_of_form)
        # Different names may have equal embeddings where an encoder knows few words.
        nearest = min(float(similarities[place, 0]), math.nextafter(SAME_NAME, 0.0))
        found[concept.slug] = same or Evidence(
            nearest, f"{references[0].name}/{text.ids[rows[place, 0]]}"
        )
    return found


def _keys_by_form(references: Sequence[ReferenceSet]) -> dict[str, str]:
    """Form of a class's name to "reference/key"; the first set and class that has it."""
    found: dict[str, str] = {}
    for reference in references:
        for entry in reference.classes:
            for form in sorted(name_forms(entry.name)):
                found.setdefault(form, f"{reference.name}/{entry.key}")
    return found


def _same_name(concept: Concept, key_of_form: Mapping[str, str]) -> Evidence | None:
    """A class with the concept's name: of a reference set, else of ImageNet-21k."""
    for form in sorted(name_forms(concept.name)):
        if form in key_of_form:
            return Evidence(SAME_NAME, key_of_form[form])
    wnids = read_imagenet_names().wnids_of(concept.name)
    return Evidence(SAME_NAME, f"{WORDNET}/{wnids[0]}") if wnids else None
