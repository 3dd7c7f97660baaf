"""From the alternatives that were chosen to a prompt with its bindings."""

from __future__ import annotations

from collections.abc import Sequence

from isekai_gen.prompts.building import TemplateSpace
from isekai_gen.prompts.space import Alternative, Choice, text_of_parts, value_of
from isekai_gen.records import Prompt

Path = Sequence[tuple[Choice, Alternative]]


class PromptWriter:
    """Writes the prompts of one template for one concept."""

    def __init__(self, space: TemplateSpace, concept: str) -> None:
        self._concept = concept
        self._template = space.template.id
        self._constants = space.root.constants
        self._text = space.text
        self._negative = space.negative
        is_fixed = all(isinstance(part, str) for part in space.negative)
        self._fixed_negative = text_of_parts(space.negative, {}) if is_fixed else None

    def write(self, path: Path) -> Prompt:
        """The prompt after choosing along a path, which has every choice that is met."""
        chosen = dict(path)
        slots = dict(self._constants)
        for choice, alternative in path:
            if choice.name:
                value = alternative.value
                slots[choice.name] = value_of(alternative, chosen) if value is None else value
            if alternative.constants:
                slots.update(alternative.constants)
        negative = self._fixed_negative
        if negative is None:
            negative = text_of_parts(self._negative, chosen)
        return Prompt(
            concept=self._concept,
            template=self._template,
            slots=slots,
            text=text_of_parts(self._text, chosen),
            negative=negative,
        )
