"""Template files: YAML read to a `TemplateSet`, and checked, with every fault and its place.

docs/formats.md shows the file and the template language; `template_set` says what fills a slot.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from isekai_gen.errors import TemplateError
from isekai_gen.prompts.catalog import Catalog
from isekai_gen.prompts.cycles import note_cycles
from isekai_gen.prompts.faults import Faults, quoted
from isekai_gen.prompts.fields import (
    Fields,
    check_schema,
    entries_of,
    open_fields,
    origin_of,
)
from isekai_gen.prompts.marked_yaml import Node, read_yaml
from isekai_gen.prompts.pattern import NO_PATTERN, Pattern, read_pattern
from isekai_gen.prompts.template_check import note_template_faults
from isekai_gen.prompts.template_set import Template, TemplateSet, WeightedText
from isekai_gen.prompts.values import check_round, read_lists, read_weight
from isekai_gen.prompts.wildcards import read_wildcards

__all__ = ["Template", "TemplateSet", "WeightedText", "check_templates", "load_templates"]


def load_templates(path: Path, wildcards: Path | None = None) -> TemplateSet:
    """Read and check a template file and the wildcard files that it uses.

    Args:
        path: The template file.
        wildcards: Folder of wildcard files; None if there is none.

    Raises:
        TemplateError: With every fault of the files, one "file:line:column: what is wrong; what
            to do" each.
    """
    faults = Faults(path)
    read = _read_template_set(path, faults)
    if read is not None:
        # What could be read is checked further, so that all faults are told at once.
        read = replace(read, wildcards=read_wildcards(wildcards, read.patterns(), faults))
        note_cycles(read, faults)
    faults.raise_if_any(TemplateError)
    if read is None:
        raise RuntimeError("a template file was refused without a fault")
    return read


def check_templates(templates: TemplateSet, catalog: Catalog, templates_path: Path) -> None:
    """Check that every concept of the catalog can fill every slot and is named by every template.

    Args:
        templates: What `load_templates` read.
        catalog: The concepts to speak of.
        templates_path: The file of the templates, for the messages.

    Raises:
        TemplateError: With every unknown slot, every attribute slot that some concepts lack, every
            article that may stand alone, every text that may name no concept and every slot whose
            value two variants would have to share.
    """
    faults = Faults(templates_path)
    note_template_faults(templates, catalog.concepts, faults)
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
    lists = read_lists(top.node("lists"), faults)
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
            template.text.note(
                0,
                f"the texts of {quoted(same)} again; remove one and raise the other's weight",
                faults,
            )
        templates[template.id] = template
    weights = [template.weight for template in templates.values()]
    check_round(weights, top.line_of("templates"), "'templates'", faults)
    return TemplateSet(lists, tuple(templates.values()))


def _read_template(node: Node, faults: Faults) -> Template | None:
    fields = open_fields(node, "a template", ("id", "text"), ("weight", "negative"), faults)
    if fields is None:
        return None
    template_id = fields.text("id", faults, max_length=80)
    weight = read_weight(fields, faults)
    text = _read_pattern(fields, "text", faults)
    negative = _read_pattern(fields, "negative", faults) or NO_PATTERN
    if template_id is None or weight is None or text is None:
        return None
    return Template(id=template_id, weight=weight, text=text, negative=negative)


def _read_pattern(fields: Fields, key: str, faults: Faults) -> Pattern | None:
    node, text = fields.node(key), fields.text(key, faults)
    if node is None or text is None:
        return None
    return read_pattern(origin_of(node, text, faults.path), faults)
