"""Catalogs of concepts: a YAML file read to frozen records, with every fault at once.

A group is a fictional concept with its real counterpart; its slug is the fictional concept's.
docs/formats.md shows the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from isekai_gen.errors import ConceptError, InputError
from isekai_gen.prompts.faults import Faults, quoted
from isekai_gen.prompts.fields import Fields, check_schema, entries_of, open_fields, texts_of
from isekai_gen.prompts.marked_yaml import Node, parse_yaml, read_yaml
from isekai_gen.prompts.pattern import OWN_SLOTS, SLOT_NAME
from isekai_gen.prompts.placeholders import note_placeholders
from isekai_gen.records import Concept, Kind
from isekai_gen.workspace import slug_of

# Slugs are folder names; file systems stop at 255 bytes and releases add prefixes.
_MAX_NAME = 80
_MAX_SHORT = 200
_REQUIRED: dict[Kind, tuple[str, ...]] = {
    "fictional": ("name", "short", "description", "parents"),
    "real": ("name", "short", "description"),
}
_OPTIONAL: dict[Kind, tuple[str, ...]] = {
    "fictional": ("attributes", "negative_prompt"),
    "real": ("attributes", "negative_prompt", "wnids"),
}
_WNID = re.compile(r"n[0-9]{8}")
_ARTICLE = re.compile(r"(a|an|the)\s", re.IGNORECASE)
_Lines = dict[str, Mapping[str, int]]


@dataclass(frozen=True)
class Group:
    """A fictional concept and its real counterpart.

    Attributes:
        slug: The fictional concept's slug.
        fictional: The thing that does not exist.
        real: The thing it is told apart from.
    """

    slug: str
    fictional: Concept
    real: Concept


@dataclass(frozen=True)
class Catalog:
    """Groups in the order of the file; all slugs differ.

    Attributes:
        name: The catalog's name.
        groups: At least one group.
        lines: Slug to field ("name", "wnids", ...) to its 1-based line in the file.
    """

    name: str
    groups: tuple[Group, ...]
    # Where a catalog was written is no part of what it says.
    lines: Mapping[str, Mapping[str, int]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def concepts(self) -> tuple[Concept, ...]:
        """The fictional, then the real concept of each group, in the order of the file."""
        return tuple(concept for group in self.groups for concept in (group.fictional, group.real))

    def concept(self, slug: str) -> Concept:
        """The concept with this slug.

        Raises:
            KeyError: If no concept has it.
        """
        for concept in self.concepts:
            if concept.slug == slug:
                return concept
        raise KeyError(slug)

    def line_of(self, slug: str, key: str) -> int:
        """1-based line of a concept's field; its name's line if it lacks the field.

        Raises:
            KeyError: If the catalog has no such concept, or was not read from a file.
        """
        lines = self.lines[slug]
        return lines.get(key, lines["name"])


def load_catalog(path: Path) -> Catalog:
    """Read and check a catalog.

    Raises:
        ConceptError: With every fault of the file, one "file:line: what is wrong; what to do" each.
    """
    faults = Faults(path)
    return _checked(read_yaml(path, faults), faults)


def parse_catalog(text: str, path: Path) -> Catalog:
    """Check a catalog that this package wrote.

    Args:
        text: YAML, without control characters.
        path: What messages call the file.

    Raises:
        ConceptError: As `load_catalog`.
    """
    faults = Faults(path)
    return _checked(parse_yaml(text, faults), faults)


def _checked(root: Node | None, faults: Faults) -> Catalog:
    catalog = None if root is None else _read_catalog(root, faults)
    faults.raise_if_any(ConceptError)
    if catalog is None:
        raise RuntimeError("a catalog was refused without a fault")
    return catalog


def _read_catalog(root: Node, faults: Faults) -> Catalog | None:
    top = open_fields(root, "the catalog", ("schema", "name", "groups"), (), faults)
    if top is None:
        return None
    check_schema(top, faults)
    note_placeholders(root, faults)
    name = top.text("name", faults, _MAX_NAME)
    lines: _Lines = {}
    groups = [
        _read_group(node, lines, faults)
        for node in entries_of(top.node("groups"), "'groups'", faults)
    ]
    whole = tuple(group for group in groups if group is not None)
    return Catalog(name, whole, lines) if name is not None else None


def _read_group(node: Node, lines: _Lines, faults: Faults) -> Group | None:
    fields = open_fields(node, "a group", ("fictional", "real"), (), faults)
    if fields is None:
        return None
    fictional = _read_concept(fields, "fictional", lines, faults)
    real = _read_concept(fields, "real", lines, faults)
    if fictional is None or real is None:
        return None
    slug = fictional.slug
    return Group(slug, replace(fictional, group=slug), replace(real, group=slug))


def _read_concept(group: Fields, kind: Kind, lines: _Lines, faults: Faults) -> Concept | None:
    node = group.node(kind)
    if node is None:
        return None
    fields = open_fields(node, f"a {kind} concept", _REQUIRED[kind], _OPTIONAL[kind], faults)
    if fields is None:
        return None
    name = fields.text("name", faults, _MAX_NAME)
    slug = _read_slug(name, node.key_lines, lines, faults)
    short = _read_short(fields, faults)
    description = fields.text("description", faults)
    parents = fields.texts("parents", faults) if kind == "fictional" else ()
    attributes = _read_attributes(fields, faults)
    negative = fields.text("negative_prompt", faults) if fields.node("negative_prompt") else ""
    wnids = _read_wnids(fields, faults) if kind == "real" else ()
    if name is None or slug is None or short is None or description is None:
        return None
    return Concept(
        slug=slug,
        name=name,
        kind=kind,
        group="",  # known when both concepts of the group are read
        short=short,
        description=description,
        parents=parents or (),
        attributes=attributes,
        negative_prompt=negative or "",
        wnids=wnids,
    )


def _read_slug(
    name: str | None, key_lines: Mapping[str, int], lines: _Lines, faults: Faults
) -> str | None:
    if name is None:
        return None
    line = key_lines["name"]
    try:
        slug = slug_of(name)
    except InputError as error:
        faults.add(line, f"{error}; choose a name with ASCII letters")
        return None
    if slug in lines:
        faults.add(
            line,
            f"{quoted(name)} makes the slug {slug!r}, taken in line {lines[slug]['name']}; "
            "choose another name",
        )
        return None
    lines[slug] = key_lines
    return slug


def _read_short(fields: Fields, faults: Faults) -> str | None:
    short = fields.text("short", faults, _MAX_SHORT)
    if short is not None and _ARTICLE.match(short):
        faults.add(
            fields.line_of("short"), f"'short' begins with an article: {quoted(short)}; remove it"
        )
    return short


def _read_attributes(fields: Fields, faults: Faults) -> dict[str, tuple[str, ...]]:
    node = fields.node("attributes")
    if node is None:
        return {}
    if not isinstance(node.value, dict) or not node.value:
        faults.add(
            node.line, "'attributes' must map names to lists of values; write them or remove it"
        )
        return {}
    attributes = {}
    for name, values in node.value.items():
        if not SLOT_NAME.fullmatch(name):
            faults.add(
                node.key_lines[name],
                f"{quoted(name)} is no attribute name; use lower-case letters, digits and _",
            )
        elif name in OWN_SLOTS:
            faults.add(
                node.key_lines[name], f"{name!r} is a slot of every concept; name it otherwise"
            )
        attributes[name] = texts_of(values, f"attribute {quoted(name)}", faults) or ()
    return attributes


def _read_wnids(fields: Fields, faults: Faults) -> tuple[str, ...]:
    wnids = fields.texts("wnids", faults) or ()
    for wnid in wnids:
        if not _WNID.fullmatch(wnid):
            faults.add(
                fields.line_of("wnids"),
                f"{quoted(wnid)} is no wnid; write n and 8 digits, such as n02119789",
            )
    return wnids
