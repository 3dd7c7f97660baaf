"""Template files: YAML read to a `TemplateSet`, and checked, with every fault and its line.

docs/formats.md shows the file; `template_set` says what fills a slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from isekai_gen.errors import TemplateError
from isekai_gen.prompts.catalog import Catalog
from isekai_gen.prompts.faults import Faults, quoted
from isekai_gen.prompts.fields import Fields, check_schema, entries_of, open_fields, text_of
from isekai_gen.prompts.marked_yaml import Node, read_yaml
from isekai_gen.prompts.pattern import OWN_SLOTS, SLOT_NAME, Pattern, parse_pattern
from isekai_gen.prompts.schedule import MAX_ROUND, whole_weights
from isekai_gen.prompts.template_check import note_template_faults
from isekai_gen.prompts.template_set import Template, TemplateSet, WeightedText

__all__ = ["Template", "TemplateSet", "WeightedText", "check_templates", "load_templates"]

_MAX_WEIGHT = 1_000_000


def load_templates(path: Path) -> TemplateSet:
    """Read and check a template file.

    Raises:
        TemplateError: With every fault of the file, one "file:line: what is wrong; what to do"
            each.
    """
    faults = Faults(path)
    templates = _read_template_set(path, faults)
    faults.raise_if_any(TemplateError)
    if templates is None:
        raise RuntimeError("a template file was refused without a fault")
    return templates


def check_templates(templates: TemplateSet, catalog: Catalog, templates_path: Path) -> None:
    """Check that every concept of the catalog can fill every slot and is named by every template.

    Args:
        templates: What `load_templates` read.
        catalog: The concepts to speak of.
        templates_path: The file of the templates, for the messages.

    Raises:
        TemplateError: With every unknown slot, every attribute slot that some concepts lack, every
            article that may stand alone and every text that names no concept.
    """
    faults = Faults(templates_path)
    for template in templates.templates:
        note_template_faults(template, templates, catalog.concepts, faults)
    faults.raise_if_any(TemplateError)


def _read_template_set(path: Path, faults: Faults) -> TemplateSet | None:
    root = read_yaml(path, faults)
    if root is None:
        return None
    what = "the template file"
    top = open_fields(root, what, ("schema", "templates"), ("lists",), faults)
    if top is None:
        return None
    check_schema(top, faults)
    lists = _read_lists(top.node("lists"), faults)
    templates: dict[str, Template] = {}
    id_by_texts: dict[tuple[Pattern, Pattern], str] = {}
    for node in entries_of(top.node("templates"), "'templates'", faults):
        template = _read_template(node, faults)
        if template is None:
            continue
        if template.id in templates:
            faults.add(node.line, f"template id {quoted(template.id)} is taken; choose another")
        same = id_by_texts.setdefault((template.text, template.negative), template.id)
        if same != template.id:
            faults.add(
                template.text_line,
                f"the texts of {quoted(same)} again; remove one and raise the other's weight",
            )
        templates[template.id] = template
    weights = [template.weight for template in templates.values()]
    _check_round(weights, top.line_of("templates"), "'templates'", faults)
    return TemplateSet(lists, tuple(templates.values()))


def _read_lists(node: Node | None, faults: Faults) -> dict[str, tuple[WeightedText, ...]]:
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        faults.add(node.line, f"'lists' must map names to lists of values, not {node.type_name}")
        return {}
    lists = {}
    for name, values in node.value.items():
        line = node.key_lines[name]
        if not SLOT_NAME.fullmatch(name):
            faults.add(
                line, f"{quoted(name)} is no list name; use lower-case letters, digits and _"
            )
        elif name in OWN_SLOTS:
            faults.add(line, f"{name!r} is a slot of every concept; name the list otherwise")
        lists[name] = _read_values(values, f"list {quoted(name)}", faults)
    return lists


def _read_values(node: Node, what: str, faults: Faults) -> tuple[WeightedText, ...]:
    values: dict[str, WeightedText] = {}
    for entry in entries_of(node, what, faults):
        value = _read_value(entry, what, faults)
        if value is None:
            continue
        if value.text in values:
            faults.add(
                entry.line,
                f"{quoted(value.text)} is twice in {what}; keep one and give it a weight",
            )
        values[value.text] = value
    _check_round([value.weight for value in values.values()], node.line, what, faults)
    return tuple(values.values())


def _read_value(node: Node, what: str, faults: Faults) -> WeightedText | None:
    weight: Fraction | None = Fraction(1)
    text_node: Node | None = node
    if isinstance(node.value, dict):
        fields = open_fields(node, f"a value of {what}", ("text",), ("weight",), faults)
        if fields is None:
            return None
        weight, text_node = _read_weight(fields, faults), fields.node("text")
    if text_node is None:
        return None
    text = text_of(text_node, f"a value of {what}", faults, may_be_empty=True)
    if text is not None and ("{" in text or "}" in text):
        faults.add(
            text_node.line,
            f"{quoted(text)} has braces, but slots in values are not filled; "
            "write the slot in the template",
        )
        return None
    return None if text is None or weight is None else WeightedText(text, weight)


def _read_weight(fields: Fields, faults: Faults) -> Fraction | None:
    node = fields.node("weight")
    if node is None:
        return Fraction(1)
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.add(node.line, f"weight must be a number, not {node.type_name}; write such as 2")
        return None
    if not 0 < value <= _MAX_WEIGHT:
        faults.add(node.line, f"weight is {value}; write a number above 0, up to {_MAX_WEIGHT}")
        return None
    return Fraction(str(value))


def _check_round(weights: Sequence[Fraction], line: int, what: str, faults: Faults) -> None:
    """Expansion lays out whole-number weights side by side, so their sum is bounded."""
    total = sum(whole_weights(weights)) if weights else 0
    if total > MAX_ROUND:
        faults.add(
            line,
            f"the weights of {what} make {total} parts, more than {MAX_ROUND}; "
            "use rounder weights or fewer values",
        )


def _read_template(node: Node, faults: Faults) -> Template | None:
    fields = open_fields(node, "a template", ("id", "text"), ("weight", "negative"), faults)
    if fields is None:
        return None
    template_id = fields.text("id", faults, max_length=80)
    weight = _read_weight(fields, faults)
    text = _read_pattern(fields, "text", faults)
    negative = Pattern(())
    if fields.node("negative") is not None:
        negative = _read_pattern(fields, "negative", faults) or negative
    if template_id is None or weight is None or text is None:
        return None
    return Template(
        id=template_id,
        weight=weight,
        text=text,
        negative=negative,
        text_line=fields.line_of("text"),
        negative_line=fields.line_of("negative"),
    )


def _read_pattern(fields: Fields, key: str, faults: Faults) -> Pattern | None:
    text = fields.text(key, faults)
    if text is None:
        return None
    try:
        return parse_pattern(text)
    except ValueError as error:
        faults.add(fields.line_of(key), f"{key!r}: {error}")
        return None
