"""Proposals as the text of a catalog, and a catalog's groups as proposals.

What a catalog says and a proposal has no field for (negative prompts, slots that the two concepts
do not share) is carried in the proposal's origin under `KEPT`, so that nothing is lost on the way.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from isekai_gen.prompts.catalog import Catalog, Group
from isekai_gen.prompts.faults import squeezed
from isekai_gen.prompts.fields import SCHEMA
from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.proposals.records import PARTS, Part, Proposal, ProposedConcept
from isekai_gen.records import Concept

CATALOG = "catalog"
"""The engine that origins of groups from a catalog name."""
KEPT = "kept"
_WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ()'/.-]*")


def catalog_text(
    name: str, proposals: Sequence[Proposal], about: Sequence[str], imagenet: ImageNetNames
) -> str:
    """A catalog that `load_catalog` reads as these proposals.

    Args:
        name: Of the catalog.
        proposals: At least one; their names make different slugs.
        about: Lines of the comment at its head, without "#".
        imagenet: Names the classes behind the wnids.

    Returns:
        YAML text, of at most 100 characters a line where words allow it.
    """
    comment = "".join(f"# {line}".rstrip() + "\n" for line in about)
    body = "".join(_group(proposal, imagenet) for proposal in proposals)
    return f"{comment}schema: {SCHEMA}\nname: {_scalar(name)}\ngroups:\n{body}"


def proposals_of(catalog: Catalog) -> tuple[Proposal, ...]:
    """The groups of a catalog as they would have been proposed, in their order."""
    return tuple(_proposal(group) for group in catalog.groups)


def _proposal(group: Group) -> Proposal:
    concepts: dict[Part, Concept] = {"fictional": group.fictional, "real": group.real}
    kept: dict[str, Any] = {}
    negatives = {part: each.negative_prompt for part, each in concepts.items()}
    if any(negatives.values()):
        kept["negative_prompts"] = negatives
    attributes = _attributes(group.fictional)
    if _attributes(group.real) != attributes:
        # As pairs, because JSON lines sort the keys of a mapping.
        kept["real_attributes"] = [
            [slot, list(values)] for slot, values in group.real.attributes.items()
        ]
    origin = {"engine": CATALOG, **({KEPT: kept} if kept else {})}
    return Proposal(
        _concept(group.fictional), _concept(group.real), attributes=attributes, origin=origin
    )


def _attributes(concept: Concept) -> dict[str, tuple[str, ...]]:
    return {slot: tuple(values) for slot, values in concept.attributes.items()}


def _concept(concept: Concept) -> ProposedConcept:
    return ProposedConcept(
        name=concept.name,
        short=concept.short,
        description=concept.description,
        parents=tuple(concept.parents),
        wnids=tuple(concept.wnids),
    )


def _group(proposal: Proposal, imagenet: ImageNetNames) -> str:
    lines = [line for part in PARTS for line in _part(proposal, part, imagenet)]
    return "  - " + "\n    ".join(lines) + "\n"


def _part(proposal: Proposal, part: Part, imagenet: ImageNetNames) -> Iterator[str]:
    concept = proposal.part(part)
    kept = proposal.origin.get(KEPT, {})
    attributes: Mapping[str, Sequence[str]] = proposal.attributes
    if part == "real" and "real_attributes" in kept:
        attributes = dict(kept["real_attributes"])
    negative = kept.get("negative_prompts", {}).get(part, "")
    yield f"{part}:"
    yield f"  name: {_scalar(concept.name)}"
    yield f"  short: {_scalar(concept.short)}"
    yield from _description(concept.description)
    if concept.parents:
        yield from _texts("  parents", concept.parents)
    if attributes:
        yield "  attributes:"
        for slot, values in attributes.items():
            yield from _texts(f"    {slot}", values)
    if negative:
        yield f"  negative_prompt: {_scalar(negative)}"
    if concept.wnids:
        yield "  wnids:"
        yield from (f"    - {wnid}{_meaning(wnid, imagenet)}" for wnid in concept.wnids)


def _description(text: str) -> Iterator[str]:
    # A folded block keeps words as they are written, but only if nothing in it is folded away.
    if not text.isprintable() or squeezed(text) != text:
        yield f"  description: {_scalar(text)}"
        return
    yield "  description: >-"
    for line in textwrap.wrap(
        text, _WIDTH - 8, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    ):
        yield f"    {line}"


def _texts(key: str, values: Sequence[str]) -> Iterator[str]:
    """A list on one line if it fits and none of its texts is quoted, else one text a line."""
    scalars = [_scalar(value) for value in values]
    line = f"{key}: [{', '.join(scalars)}]"
    if scalars == list(values) and len(line) + 4 <= _WIDTH:
        yield line
        return
    yield f"{key}:"
    indent = " " * (len(key) - len(key.lstrip()) + 2)
    yield from (f"{indent}- {scalar}" for scalar in scalars)


def _scalar(text: str) -> str:
    """The text as it is if YAML reads it so, else in double quotes."""
    if _PLAIN.fullmatch(text) and text == text.strip() and yaml.safe_load(text) == text:
        return text
    quoted = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=2**31)
    return str(quoted).removesuffix("\n")


def _meaning(wnid: str, imagenet: ImageNetNames) -> str:
    names = imagenet.lemmas.get(wnid)
    if names is None:
        return ""
    return f"  # {textwrap.shorten(', '.join(names), 60, placeholder=' ...')}"
