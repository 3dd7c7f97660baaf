"""Whether the prompts of a proposal fit the text encoders that most image generators have.

Counted with CLIP's own tokenizer, which comes with OpenCLIP, for the longest prompt that the
templates can make of a concept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from isekai_gen.prompts.articles import article_for, tidied
from isekai_gen.prompts.building import build_space
from isekai_gen.prompts.space import Alternative, Article, Choice, Joined
from isekai_gen.prompts.space import Part as SpacePart
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.proposals.records import Finding, Part, Proposal
from isekai_gen.proposals.slate_checks import slug_or_none
from isekai_gen.records import Concept

if TYPE_CHECKING:
    from open_clip.tokenizer import SimpleTokenizer

_MARKS = 2  # CLIP's own marks at both ends of a text
_PARTS: tuple[Part, Part] = ("fictional", "real")


class PromptLengths:
    """Counts the tokens of the longest prompts."""

    def __init__(self, templates: TemplateSet, max_tokens: int) -> None:
        """Nothing is loaded yet.

        Args:
            templates: Whose longest frame counts.
            max_tokens: Tokens that the encoder sees, with its marks.
        """
        self._templates = templates
        self._max_tokens = max_tokens
        self._tokens_of_word: dict[str, int] = {}

    def findings(self, proposal: Proposal) -> Iterator[Finding]:
        """About each of the two concepts whose longest prompt does not fit."""
        for part in _PARTS:
            concept = _as_concept(proposal, part)
            if concept is None:
                continue
            template, prompt = self._longest(concept)
            used = self._count(prompt) + _MARKS
            if used > self._max_tokens:
                yield Finding(
                    "prompt_too_long",
                    part,
                    "description",
                    f"the longest prompt of {concept.name!r} (template {template!r}) has {used} "
                    f"tokens, {used - self._max_tokens} more than the {self._max_tokens} that CLIP "
                    f"reads; cut off: {self._cut_off(prompt)!r}",
                    f"shorten the description by some {used - self._max_tokens} words",
                )

    def _longest(self, concept: Concept) -> tuple[str, str]:
        """Template and text of the longest prompt."""
        spaces = build_space(self._templates, concept, self._templates.templates)
        prompts = ((space.template.id, tidied(self._widest(space.text))) for space in spaces)
        return max(prompts, key=lambda prompt: self._count(prompt[1]))

    def _widest(self, parts: Sequence[SpacePart]) -> str:
        """The parts in words, each choice with its longest alternative."""
        text = ""
        for part in reversed(parts):
            match part:
                case str():
                    text = part + text
                case Article():
                    text = article_for(text) + text
                case Joined():
                    options = [self._widest(option) for option in part.options]
                    text = part.joiner.join(filter(str.strip, options)) + text
                case Choice():
                    text = self._widest_of(part.alternatives) + text
        return text

    def _widest_of(self, alternatives: Sequence[Alternative]) -> str:
        texts = (self._widest(alternative.parts) for alternative in alternatives)
        return max(texts, key=self._count)

    def _count(self, text: str) -> int:
        """CLIP's expression never matches whitespace: a text has the tokens of its words."""
        known = self._tokens_of_word
        words = text.split()
        for word in words:
            if word not in known:
                known[word] = len(self._tokenizer.encode(word))
        return sum(known[word] for word in words)

    def _cut_off(self, prompt: str) -> str:
        words, seen = prompt.split(), 0
        for place, word in enumerate(words):
            seen += self._tokens_of_word[word]
            if seen > self._max_tokens - _MARKS:
                return " ".join(words[place:])
        return ""

    @cached_property
    def _tokenizer(self) -> SimpleTokenizer:
        """Its vocabulary lies in OpenCLIP's package: no network."""
        from open_clip.tokenizer import SimpleTokenizer

        return SimpleTokenizer()


def _as_concept(proposal: Proposal, part: Part) -> Concept | None:
    """What templates speak of; None if the name makes no slug (`checks_fields` tells that)."""
    concept = proposal.part(part)
    slug = slug_or_none(concept.name)
    if slug is None:
        return None
    return Concept(
        slug=slug,
        name=concept.name,
        kind=part,
        group=slug,
        short=concept.short,
        description=concept.description,
        parents=concept.parents,
        attributes=proposal.attributes,
        wnids=concept.wnids,
    )
