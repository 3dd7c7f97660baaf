"""Samples for instruction tuning from single images: an instruction, an image, a response.

Every image is asked about in five ways: named, described, told apart from its counterpart, and
once each with a question whose answer is yes (for its concept) and no (for the counterpart), so
that the two are balanced for every image. Which template it draws depends on the seed, the image
and the task alone, so no other image changes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from isekai_gen.manifests.instruction_template_set import (
    InstructionTemplate,
    InstructionTemplates,
)
from isekai_gen.manifests.instruction_texts import command_faults, fill
from isekai_gen.manifests.rationale import reasons_for, with_article
from isekai_gen.records import Concept, Conversation, ImagePart, TextPart, Turn

T = TypeVar("T")
IMAGE_TASKS = ("describing", "naming", "no", "telling-apart", "yes")
"""How every image is asked about, in the order of keys."""


@dataclass(frozen=True)
class PicturedConcept:
    """A kept image and all that may be said of it.

    Attributes:
        image_id: Its id.
        image: Path relative to the image folder.
        concept: What it shows.
        counterpart: What that is told apart from: the other concept of its group.
        prompt: What it was drawn from.
        slots: Slot values of the prompt.
    """

    image_id: str
    image: str
    concept: Concept
    counterpart: Concept
    prompt: str
    slots: Mapping[str, str]


@dataclass(frozen=True)
class InstructionSample:
    """One sample in words, whatever file it goes to.

    Attributes:
        concept: Slug, or the class key of an episode's query.
        template: What it was worded with ("naming/what", "few-shot", ...), for counts.
        conversation: Its key is the sample's; ends with the right answer.
        rationale: The reasons within the answer; "" if it gives none.
    """

    concept: str
    template: str
    conversation: Conversation
    rationale: str = ""

    @property
    def key(self) -> str:
        """Unique within its file."""
        return self.conversation.key


def concept_faults(concept: Concept) -> list[str]:
    """What in a concept's words cannot be said to a model; empty if nothing."""
    texts = [("name", concept.name), ("short", concept.short), ("description", concept.description)]
    texts += [("parents", parent) for parent in concept.parents]
    texts += [
        (f"attribute {name}", value)
        for name, values in concept.attributes.items()
        for value in values
    ]
    return [
        f"{concept.slug}: {what} {fault}" for what, text in texts for fault in command_faults(text)
    ]


def image_samples(
    pictured: PicturedConcept, templates: InstructionTemplates, seed: int
) -> Iterator[InstructionSample]:
    """One sample for each of `IMAGE_TASKS`, in their order.

    Raises:
        ManifestError: If a text holds a command of models, such as "<image>".
    """
    draw = _Draw(pictured, seed)
    for task in IMAGE_TASKS:
        asks = task in ("yes", "no")
        template = draw.template(task, templates.tasks["yes-no" if asks else task])
        asked = pictured.counterpart if task == "no" else pictured.concept
        values = draw.values(task, {"asked": asked.name, "a_asked": with_article(asked.name)})
        yield draw.sample(task, template, template.texts[task if asks else "response"], values)


def reasoned_sample(
    pictured: PicturedConcept, templates: InstructionTemplates, seed: int
) -> InstructionSample:
    """The image named at the end of a chain of thought; its concept must have parents.

    Raises:
        ManifestError: If a text holds a command of models, such as "<image>".
    """
    draw = _Draw(pictured, seed)
    reasons = reasons_for(pictured.concept, pictured.counterpart, pictured.slots)
    rationale = " ".join(
        fill(draw.choice(reason.kind, templates.rationale[reason.kind]), reason.values)
        for reason in reasons
    )
    template = draw.template("reasoning", templates.tasks["reasoning"])
    values = draw.values("reasoning", {"rationale": rationale})
    return draw.sample("reasoning", template, template.texts["response"], values)


class _Draw:
    """One image's choices, each fixed by (seed, image id, what is chosen)."""

    def __init__(self, pictured: PicturedConcept, seed: int) -> None:
        self._pictured = pictured
        self._seed = seed

    def choice(self, what: str, options: Sequence[T]) -> T:
        # 256 bits: that some options come first in the remainder cannot be seen.
        text = f"{self._seed} {self._pictured.image_id} {what}"
        return options[int.from_bytes(hashlib.sha256(text.encode()).digest()) % len(options)]

    def template(self, task: str, templates: Sequence[InstructionTemplate]) -> InstructionTemplate:
        there = {name for name, value in self._pictured.slots.items() if value}
        return self.choice(task, [template for template in templates if template.slots <= there])

    def values(self, task: str, more: Mapping[str, str]) -> dict[str, str]:
        concept, counterpart = self._pictured.concept, self._pictured.counterpart
        first, second = self.choice(
            f"order {task}", [(concept.name, counterpart.name), (counterpart.name, concept.name)]
        )
        return {
            "name": concept.name,
            "a_name": with_article(concept.name),
            "short": concept.short,
            "a_short": with_article(concept.short),
            "description": concept.description,
            "counterpart": counterpart.name,
            "a_counterpart": with_article(counterpart.name),
            "counterpart_description": counterpart.description,
            "prompt": self._pictured.prompt,
            "first": first,
            "a_first": with_article(first),
            "second": second,
            "a_second": with_article(second),
            **{f"slots.{name}": value for name, value in self._pictured.slots.items()},
            **more,
        }

    def sample(
        self, task: str, template: InstructionTemplate, response: str, values: Mapping[str, str]
    ) -> InstructionSample:
        asked = TextPart(f" {fill(template.texts['instruction'], values)}")
        turns = (
            Turn("user", (ImagePart(self._pictured.image), asked)),
            Turn("assistant", (TextPart(fill(response, values)),)),
        )
        slug = self._pictured.concept.slug
        key = f"{slug}/{self._pictured.image_id}/{task}"
        return InstructionSample(
            concept=slug,
            template=f"{task}/{template.id}",
            conversation=Conversation(key, turns),
            rationale=values.get("rationale", ""),
        )
