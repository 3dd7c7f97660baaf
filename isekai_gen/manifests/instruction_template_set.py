"""Template lists of instructions, from a YAML file with every fault at once.

docs/formats.md shows the file. A list that a file leaves out stays as it is shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from isekai_gen.errors import TemplateError
from isekai_gen.hashing import digest_of
from isekai_gen.manifests.instruction_rules import (
    RATIONALE_RULES,
    TASK_RULES,
    TextRule,
    slot_of,
)
from isekai_gen.manifests.instruction_texts import placeholders_of
from isekai_gen.prompts.faults import Faults, quoted
from isekai_gen.prompts.fields import Fields, check_schema, entries_of, open_fields, texts_of
from isekai_gen.prompts.marked_yaml import Node, read_yaml
from isekai_gen.workspace import is_slug

SHIPPED_TEMPLATES = Path(__file__).parent / "instruction_templates" / "instructions.yaml"


@dataclass(frozen=True)
class InstructionTemplate:
    """One way to put a task.

    Attributes:
        id: Slug, unique within its task.
        texts: "instruction" and "response" to their text; "yes" and "no" for a yes-no question.
        slots: Slots of the prompt that its texts need.
    """

    id: str
    texts: Mapping[str, str]
    slots: frozenset[str]


@dataclass(frozen=True)
class InstructionTemplates:
    """Everything that instructions about single images are worded with.

    Attributes:
        tasks: Task ("naming", ...) to its templates, at least one of them without slots.
        rationale: Kind of reason ("parents", ...) to its texts, at least one.
    """

    tasks: Mapping[str, tuple[InstructionTemplate, ...]]
    rationale: Mapping[str, tuple[str, ...]]

    @classmethod
    def shipped(cls) -> Self:
        """The templates that come with the package."""
        return cls(*_read(SHIPPED_TEMPLATES))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check a file of templates.

        Raises:
            TemplateError: With every fault, one "file:line: what is wrong; what to do" each.
        """
        shipped = cls.shipped()
        tasks, rationale = _read(path)
        return cls({**shipped.tasks, **tasks}, {**shipped.rationale, **rationale})

    def digest(self) -> str:
        """SHA-256 (hex) over all of their texts."""
        tasks = {
            task: [[template.id, template.texts] for template in templates]
            for task, templates in self.tasks.items()
        }
        return digest_of({"tasks": tasks, "rationale": self.rationale})


_Read = tuple[dict[str, tuple[InstructionTemplate, ...]], dict[str, tuple[str, ...]]]


def _read(path: Path) -> _Read:
    faults = Faults(path)
    tasks: dict[str, tuple[InstructionTemplate, ...]] = {}
    rationale: dict[str, tuple[str, ...]] = {}
    root = read_yaml(path, faults)
    top = None
    if root is not None:
        keys = (*TASK_RULES, "rationale")
        top = open_fields(root, "the template file", ("schema",), keys, faults)
    if top is not None:
        check_schema(top, faults)
        tasks = {task: _read_task(task, node, faults) for task, node in _given(top, TASK_RULES)}
        rationale = _read_rationale(top.node("rationale"), faults)
    faults.raise_if_any(TemplateError)
    return tasks, rationale


def _given(fields: Fields, keys: Mapping[str, object]) -> list[tuple[str, Node]]:
    nodes = ((key, fields.node(key)) for key in keys)
    return [(key, node) for key, node in nodes if node is not None]


def _read_task(task: str, node: Node, faults: Faults) -> tuple[InstructionTemplate, ...]:
    found: dict[str, InstructionTemplate] = {}
    entries = entries_of(node, repr(task), faults)
    for entry in entries:
        template = _read_template(task, entry, faults)
        if template is None:
            continue
        if template.id in found:
            faults.add(entry.line, f"the id {template.id!r} is twice in {task!r}; rename one")
        found[template.id] = template
    if found and all(template.slots for template in found.values()):
        faults.add(
            node.line,
            f"every template of {task!r} needs slots, which some images may lack; "
            "add one without {slots.X}",
        )
    return tuple(found.values())


def _read_template(task: str, node: Node, faults: Faults) -> InstructionTemplate | None:
    rules = TASK_RULES[task]
    fields = open_fields(node, f"a template of {task!r}", ("id", *rules), (), faults)
    if fields is None:
        return None
    name = fields.text("id", faults)
    if name is not None and not is_slug(name):
        faults.add(
            fields.line_of("id"),
            f"{quoted(name)} is no id; use lower-case letters, digits and dashes",
        )
    texts = {key: fields.text(key, faults) for key in rules}
    whole = {key: text for key, text in texts.items() if text is not None}
    for key, text in whole.items():
        _note(text, rules[key], repr(key), fields.line_of(key), faults)
    if name is None or len(whole) < len(texts):
        return None
    slots = {slot_of(each) for text in whole.values() for each in placeholders_of(text)}
    return InstructionTemplate(name, whole, frozenset(slots - {""}))


def _read_rationale(node: Node | None, faults: Faults) -> dict[str, tuple[str, ...]]:
    if node is None:
        return {}
    fields = open_fields(node, "'rationale'", (), tuple(RATIONALE_RULES), faults)
    if fields is None:
        return {}
    lists = {}
    for kind, entries in _given(fields, RATIONALE_RULES):
        texts = texts_of(entries, repr(kind), faults) or ()
        for text in texts:
            _note(text, RATIONALE_RULES[kind], quoted(text), entries.line, faults)
        lists[kind] = texts
    return lists


def _note(text: str, rule: TextRule, what: str, line: int, faults: Faults) -> None:
    for fault in rule.faults(text):
        faults.add(line, f"{what} {fault}")
