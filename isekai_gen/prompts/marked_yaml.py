"""YAML as plain values that know their line, and nothing else.

A user's file is read in full or refused with every reason: no tags (so no objects), no aliases (so
no expansion bombs), no duplicate keys, one document, a bounded size and depth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from isekai_gen.prompts.faults import Faults, quoted

MAX_BYTES = 5_000_000
_MAX_DEPTH = 20
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,14})")
_FLOAT = re.compile(r"[-+]?[0-9]{0,15}\.?[0-9]{1,15}([eE][-+]?[0-9]{1,2})?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
# libyaml, where PyYAML has it, reads a large file some ten times faster.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Node:
    """A value and where it stands.

    Attributes:
        line: 1-based line of the value.
        value: Text, number, bool or None; a tuple of nodes; or a dict from key to node.
        key_lines: For a dict, the 1-based line of every key.
        column: 1-based column of the value.
        written: For a scalar, what the file has there, with quotes and escapes.
    """

    line: int
    value: str | int | float | bool | tuple[Node, ...] | dict[str, Node] | None
    key_lines: dict[str, int]
    column: int = 1
    written: str = ""

    @property
    def type_name(self) -> str:
        """What a user would call the value's type."""
        names = {dict: "a mapping", tuple: "a list", str: "text", bool: "true/false"}
        return "nothing" if self.value is None else names.get(type(self.value), "a number")


def read_yaml(path: Path, faults: Faults) -> Node | None:
    """Read one YAML document; None if it cannot be used, with the reasons in `faults`."""
    text = read_text(path, faults)
    return None if text is None else parse_yaml(text, faults)


def parse_yaml(text: str, faults: Faults) -> Node | None:
    """The one YAML document of a text, which `read_text` read or this package wrote."""
    if not _is_plain(text, faults):
        return None
    root = yaml.compose(text, Loader=_Loader)
    if root is None:
        faults.add(1, "the file is empty; see docs/formats.md for its form")
        return None
    return _node_of(root, text, faults)


def read_text(path: Path, faults: Faults) -> str | None:
    """The text of a user's file of bounded size; None with the reason in `faults`."""
    try:
        # A device or a pipe may never end.
        if path.exists() and not path.is_file():
            faults.add(0, "this is not a regular file; name a text file")
            return None
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        faults.add(0, f"the file cannot be read ({reason}); check the path")
        return None
    if len(content) > MAX_BYTES:
        faults.add(0, f"the file has more than {MAX_BYTES // 10**6} MB; split it")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.add(line, "this is not UTF-8 text; save the file as UTF-8")
        return None
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        faults.add(line, f"control character {control.group()!r}; remove it")
        return None
    return text


def _is_plain(text: str, faults: Faults) -> bool:
    """Whether the syntax is right and uses none of the refused features."""
    depth, documents, plain = 0, 0, True
    try:
        for event in yaml.parse(text, Loader=_Loader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            documents += isinstance(event, yaml.DocumentStartEvent)
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                faults.add(line, f"nested deeper than {_MAX_DEPTH} levels; flatten it")
                return False
            refusal = _refusal(event, documents)
            if refusal is not None:
                faults.add(line, refusal)
                plain = False
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or "this is no YAML"
        faults.add(mark.line + 1 if mark else 1, f"YAML syntax: {problem}; correct it")
        return False
    return plain


def _refusal(event: yaml.Event, documents: int) -> str | None:
    """Why this part of the file is refused, or None."""
    if isinstance(event, yaml.DocumentStartEvent) and documents > 1:
        return "a second YAML document; keep one per file"
    if isinstance(event, yaml.AliasEvent):
        return f"YAML alias {quoted(event.anchor or '')}; write the value out"
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        return f"YAML tag {quoted(event.tag)}; write plain values only"
    return None


def _node_of(node: yaml.Node, text: str, faults: Faults) -> Node:
    start, end = node.start_mark, node.end_mark
    if isinstance(node, yaml.SequenceNode):
        return Node(
            start.line + 1, tuple(_node_of(entry, text, faults) for entry in node.value), {}
        )
    if isinstance(node, yaml.MappingNode):
        return _mapping_of(node, text, faults)
    written = text[start.index : end.index]
    return Node(start.line + 1, _scalar_of(node), {}, start.column + 1, written)


def _mapping_of(node: yaml.MappingNode, text: str, faults: Faults) -> Node:
    entries: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            faults.add(line, "a key must be a word, not a list or a mapping; write 'key: value'")
            continue
        key = str(key_node.value)
        if key in lines:
            faults.add(line, f"duplicate key {quoted(key)} (first in line {lines[key]}); keep one")
            continue
        lines[key] = line
        entries[key] = _node_of(value_node, text, faults)
    return Node(node.start_mark.line + 1, entries, lines)


def _scalar_of(node: yaml.Node) -> str | int | float | bool | None:
    """Numbers, true/false and nothing as YAML 1.1 reads them; the rest, dates too, is text."""
    text, kind = str(node.value), node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("yes", "true", "on")
    if kind in ("int", "float") and _INT.fullmatch(text):
        return int(text)
    if kind in ("int", "float") and _FLOAT.fullmatch(text):
        return float(text)
    return text
