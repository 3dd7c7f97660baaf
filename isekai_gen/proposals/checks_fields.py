"""Whether the texts of a proposal are whole: what would stop its catalog from loading, or its use.

The limits of lengths are those of `prompts.catalog`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from isekai_gen.prompts.placeholders import PLACEHOLDER
from isekai_gen.proposals.records import PARTS, Finding, Part, Proposal, ProposedConcept
from isekai_gen.proposals.slate_checks import slug_or_none

MAX_LETTERS = {"name": 80, "short": 200}
# Of any script; with what stands in English names, such as "jack-o'-lantern" or "St. Bernard".
_NAME = re.compile(r"[^\W_](?:[^\W_]|[ .'\u2019&-])*")
_ARTICLE = re.compile(r"(a|an|the)\s", re.IGNORECASE)
# A slot, a tag, an instruction in brackets, or a word that stands for a text still to come.
_LEFT_OVER = re.compile(
    rf"[{{}}]|<[^<>]*>|\[[^\[\]]*\]|\b{PLACEHOLDER}\b|\b(?:FIXME|TBD|XXX)\b|\blorem ipsum\b|\.\.\."
)


def field_findings(proposal: Proposal) -> Iterator[Finding]:
    """About empty and overlong texts, articles, and placeholders that were left."""
    for part in PARTS:
        concept = proposal.part(part)
        for field in ("name", "short", "description"):
            yield from _text(concept, part, field)
        if slug_or_none(concept.name) is None:
            yield Finding(
                "name_unusable",
                part,
                "name",
                f"{concept.name!r} has no ASCII letter or digit for the name of a folder",
                "choose a name with ASCII letters",
            )
        elif not (_NAME.fullmatch(concept.name) or _LEFT_OVER.search(concept.name)):
            yield Finding(
                "name_unusable",
                part,
                "name",
                f"{concept.name!r} has signs that no word has",
                "write letters, digits, spaces and hyphens only",
            )
    if len(proposal.fictional.parents) < 2:
        yield Finding(
            "one_parent",
            "fictional",
            "parents",
            f"{proposal.fictional.name!r} has {len(proposal.fictional.parents)} parent(s): nothing "
            "is combined",
            "name two real things at least, the counterpart among them",
            refuses=not proposal.fictional.parents,
        )
    yield from _attributes(proposal)


def _text(concept: ProposedConcept, part: Part, field: str) -> Iterator[Finding]:
    text = str(getattr(concept, field))
    if not text.strip():
        yield Finding("text_missing", part, field, f"{field} is empty", f"write the {field}")
        return
    limit = MAX_LETTERS.get(field)
    if limit is not None and len(text) > limit:
        yield Finding(
            "text_too_long",
            part,
            field,
            f"the {field} of {concept.name[:limit]!r} has {len(text)} characters, at most {limit} "
            "are read",
            "write less",
        )
    if field != "description" and _ARTICLE.match(text):
        yield Finding(
            "article",
            part,
            field,
            f"{field} begins with an article: {text!r}",
            f"write {_ARTICLE.sub('', text, count=1)!r}",
        )
    left = _LEFT_OVER.search(text)
    if left:
        yield _left_over(concept.name, part, field, left.group())


def _attributes(proposal: Proposal) -> Iterator[Finding]:
    for name, values in sorted(proposal.attributes.items()):
        for value in values:
            left = _LEFT_OVER.search(value)
            if left or not value.strip():
                what = left.group() if left else "nothing"
                yield _left_over(proposal.fictional.name, "fictional", "attributes", what, name)


def _left_over(concept: str, part: Part, field: str, what: str, name: str = "") -> Finding:
    where = f"{field} {name!r}" if name else f"the {field}"
    return Finding(
        "placeholder",
        part,
        field,
        f"{where} of {concept!r} still holds {what!r}",
        "write your own text in its place",
    )
