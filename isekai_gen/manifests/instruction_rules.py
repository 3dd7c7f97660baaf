"""Which placeholders the texts of an instruction template must and may have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from isekai_gen.manifests.instruction_texts import placeholders_of, template_faults
from isekai_gen.prompts.pattern import SLOT_NAME

_SLOT = re.compile(rf"slots\.({SLOT_NAME.pattern})")
_NAMES = ("name", "a_name")
_CONCEPT = (
    *_NAMES,
    "short",
    "a_short",
    "description",
    "counterpart",
    "a_counterpart",
    "counterpart_description",
    "prompt",
)
_CHOICE = ("first", "a_first", "second", "a_second")
_ASKED = ("asked", "a_asked")


@dataclass(frozen=True)
class TextRule:
    """What one text of a template may say.

    Attributes:
        required: Placeholders that it must have exactly once.
        one_of: Groups of placeholders; it must have one of each group at least.
        optional: Further ones that it may have.
        slots: Whether it may have slots of the prompt, `{slots.X}`.
    """

    required: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    optional: tuple[str, ...] = ()
    slots: bool = True

    def faults(self, template: str) -> list[str]:
        """What is wrong with a text; empty if nothing is."""
        found = placeholders_of(template)
        allowed = {*self.optional, *(name for group in self.one_of for name in group)}
        if self.slots:
            allowed |= {name for name in found if slot_of(name)}
        return template_faults(template, self.required, allowed) + [
            f"must have {' or '.join(f'{{{name}}}' for name in group)}; add it"
            for group in self.one_of
            if not set(group) & set(found)
        ]


def slot_of(placeholder: str) -> str:
    """The slot of the prompt that a placeholder stands for, or "" if for something else."""
    found = _SLOT.fullmatch(placeholder)
    return found.group(1) if found else ""


# An instruction must not tell what its response is to find out.
TASK_RULES: dict[str, dict[str, TextRule]] = {
    "naming": {"instruction": TextRule(), "response": TextRule((), (_NAMES,), _CONCEPT)},
    "describing": {
        "instruction": TextRule(optional=_NAMES),
        "response": TextRule((), (("short", "a_short", "description", "prompt"),), _CONCEPT),
    },
    "telling-apart": {
        "instruction": TextRule((), (_CHOICE[:2], _CHOICE[2:])),
        "response": TextRule((), (_NAMES,), (*_CONCEPT, *_CHOICE)),
    },
    "yes-no": {
        "instruction": TextRule((), (_ASKED,)),
        "yes": TextRule(optional=(*_CONCEPT, *_ASKED)),
        "no": TextRule(optional=(*_CONCEPT, *_ASKED)),
    },
    "reasoning": {
        "instruction": TextRule(optional=_CHOICE),
        "response": TextRule(("rationale",), (_NAMES,), _CONCEPT),
    },
}
_COUNTERPART = ("counterpart", "a_counterpart")
RATIONALE_RULES: dict[str, TextRule] = {
    "parents": TextRule(("parents",), (), _COUNTERPART, slots=False),
    "appearance": TextRule((), (("short", "a_short", "description"),), slots=False),
    "attribute": TextRule(
        ("value", "counterpart_value"), (), ("attribute", *_COUNTERPART), slots=False
    ),
    "counterpart": TextRule(("counterpart_description",), (_COUNTERPART,), slots=False),
}
