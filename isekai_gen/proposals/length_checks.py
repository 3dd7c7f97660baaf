"""Whether the longest prompts that templates can make of a proposal fit a text encoder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from isekai_gen.prompts.articles import article_for, tidied
from isekai_gen.prompts.building import build_space
from isekai_gen.prompts.space import Alternative, Article, Choice, Joined
from isekai_gen.prompts.space import Part as SpacePart
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.proposals.commonness import count_of_tokens
from isekai_gen.proposals.records import PARTS, Finding, Part, Proposal
from isekai_gen.proposals.slate_checks import slug_or_none
from isekai_gen.records import Concept

if TYPE_CHECKING:
    from open_clip.tokenizer import SimpleTokenizer

_MARKS = 2  # CLIP's own marks at both ends of a text
_MENDED = re.compile("[&<]")
_REMEMBERED = 8192  # words; templates say the same ones of every group


@dataclass(frozen=True)
class TextWindow:
    """What a text encoder reads.

    Attributes:
        name: Of the encoder, for people.
        max_tokens: Tokens that it sees, with its marks.
        count: Tokens of a text, with its marks.
    """

    name: str
    max_tokens: int
    count: Callable[[str], int]


def clip_window(max_tokens: int) -> TextWindow:
    """The window of CLIP, which most image generators have."""
    return TextWindow("CLIP", max_tokens, _count_with_marks)


def _count_with_marks(text: str) -> int:
    """CLIP's expression never matches whitespace: a text has the tokens of its words."""
    return _MARKS + sum(map(_tokens_of_word, text.split()))


@lru_cache(maxsize=_REMEMBERED)
def _tokens_of_word(word: str) -> int:
    # CLIP's tokenizer, for which torch is imported, first mends what is not plain: accents apart,
    # HTML's "&amp;", and marks such as "<end_of_text>".
    if word.isascii() and word.isprintable() and not _MENDED.search(word):
        return count_of_tokens(word)
    return len(_tokenizer().encode(word))


@cache
def _tokenizer() -> SimpleTokenizer:
    """CLIP's own; its vocabulary lies in OpenCLIP's package: no network."""
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()


class PromptLengths:
    """Counts the tokens of the longest prompts."""

    def __init__(self, templates: TemplateSet, window: TextWindow) -> None:
        """Nothing is loaded yet.

        Args:
            templates: Whose longest frame counts.
            window: Of the encoder that reads the prompts.
        """
        self._templates = templates
        self._window = window

    def findings(self, proposal: Proposal) -> Iterator[Finding]:
        """About each of the two concepts whose longest prompt does not fit."""
        for part in PARTS:
            concept = _as_concept(proposal, part)
            if concept is None:
                continue
            template, prompt = self._longest(concept)
            most = self._window.max_tokens
            over = self._window.count(prompt) - most
            if over > 0:
                texts = {"description": concept.description, "short": concept.short}
                said = next((key for key, text in texts.items() if tidied(text) in prompt), "")
                yield Finding(
                    "prompt_too_long",
                    part,
                    said or "description",
                    f"the longest prompt of {concept.name!r} (template {template!r}) has "
                    f"{most + over} tokens, {over} more than the {most} that {self._window.name} "
                    f"reads; cut off: {self._cut_off(prompt)!r}",
                    f"shorten the {said or 'template'} by some {over} words",
                )

    def _longest(self, concept: Concept) -> tuple[str, str]:
        """Template and text of the longest prompt."""
        spaces = build_space(self._templates, concept, self._templates.templates)
        prompts = ((space.template.id, tidied(self._widest(space.text))) for space in spaces)
        return max(prompts, key=lambda prompt: self._window.count(prompt[1]))

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
        return max(texts, key=self._window.count)

    def _cut_off(self, prompt: str) -> str:
        """The words of a prompt too long that are not read as a whole."""
        words, most = prompt.split(), self._window.max_tokens
        seen = (self._window.count(" ".join(words[:end])) for end in range(1, len(words) + 1))
        return " ".join(words[next(place for place, used in enumerate(seen) if used > most) :])


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
