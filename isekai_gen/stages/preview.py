"""What would be generated: prompts with their bindings and tokens, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from isekai_gen.models.tokens import TokenCount, TokenCounter
from isekai_gen.prompts.expansion import count_prompts_by_template, expand_prompts
from isekai_gen.records import Concept, Prompt
from isekai_gen.settings import GenerateSettings
from isekai_gen.stages.recipe import generator_spec
from isekai_gen.stages.words import Words


@dataclass(frozen=True)
class PromptPreview:
    """One prompt that would be drawn.

    Attributes:
        prompt: Text, negative text and bindings.
        tokens: How the text fits; None if tokens are not counted.
        negative_tokens: How the negative text fits; None if there is none.
    """

    prompt: Prompt
    tokens: TokenCount | None = None
    negative_tokens: TokenCount | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict; token counts only where there are some."""
        counts = {"tokens": self.tokens, "negative_tokens": self.negative_tokens}
        return {
            **asdict(self.prompt),
            **{key: asdict(count) for key, count in counts.items() if count is not None},
        }


@dataclass(frozen=True)
class ConceptPreview:
    """What would be drawn of one concept.

    Attributes:
        concept: Slug.
        count_by_template: Template id to the number of its different prompts.
        prompts: The first prompts.
    """

    concept: str
    count_by_template: Mapping[str, int]
    prompts: tuple[PromptPreview, ...]

    @property
    def count(self) -> int:
        """Different prompts in all."""
        return sum(self.count_by_template.values())

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "count": self.count,
            "count_by_template": dict(self.count_by_template),
            "prompts": [prompt.to_json() for prompt in self.prompts],
        }


def preview_prompts(
    words: Words, settings: GenerateSettings, limit: int, *, count_tokens: bool
) -> list[ConceptPreview]:
    """The first prompts of every concept, in the order of the catalog.

    Args:
        words: Catalog and templates.
        settings: Seed, sampling and model.
        limit: Prompts per concept; no more than there are are shown, but for random sampling,
            which never runs out.
        count_tokens: Whether to load the model's tokenizers and count.

    Raises:
        ModelError: If tokens are to be counted and the model is not found.
    """
    previews = [_preview(words, settings, concept, limit) for concept in words.catalog.concepts]
    return _with_tokens(previews, settings) if count_tokens else previews


def _preview(
    words: Words, settings: GenerateSettings, concept: Concept, limit: int
) -> ConceptPreview:
    counts = count_prompts_by_template(words.templates, concept)
    shown = limit if settings.sampling == "random" else min(limit, sum(counts.values()))
    prompts = expand_prompts(
        words.templates, concept, range(shown), settings.seed, settings.sampling
    )
    return ConceptPreview(concept.slug, counts, tuple(map(PromptPreview, prompts)))


def _with_tokens(
    previews: list[ConceptPreview], settings: GenerateSettings
) -> list[ConceptPreview]:
    counter = TokenCounter(generator_spec(settings))

    def use_of(text: str) -> TokenCount | None:
        if not text:
            return None
        (count,) = counter.count([text])
        return count

    return [
        ConceptPreview(
            preview.concept,
            preview.count_by_template,
            tuple(
                PromptPreview(
                    shown.prompt, use_of(shown.prompt.text), use_of(shown.prompt.negative)
                )
                for shown in preview.prompts
            ),
        )
        for preview in previews
    ]
