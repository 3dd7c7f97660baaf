"""Reading the fields of a mapping, each with its type and limits; faults go to one list."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from isekai_gen.prompts.faults import Faults, did_you_mean, quoted, squeezed
from isekai_gen.prompts.marked_yaml import Node
from isekai_gen.prompts.origins import Origin, content_start

SCHEMA = 1
MAX_TEXT = 2000
MAX_ENTRIES = 10_000
# They reorder what is shown, so that a text reads otherwise than it is.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def origin_of(node: Node, text: str, path: Path) -> Origin:
    """Where the text that `text_of` read from a node stands."""
    return Origin(path, node.line, node.column, node.written, text, content_start(node.written))


class Fields:
    """One mapping of the file. Readers return None where they noted a fault.

    Attributes:
        line: 1-based line of the mapping.
    """

    def __init__(self, entries: dict[str, Node], lines: dict[str, int], line: int) -> None:
        self._entries = entries
        self._lines = lines
        self.line = line

    def line_of(self, key: str) -> int:
        """1-based line of a key, or of the mapping if it lacks the key."""
        return self._lines.get(key, self.line)

    def node(self, key: str) -> Node | None:
        """The value of a key, or None if the mapping lacks it."""
        return self._entries.get(key)

    def text(self, key: str, faults: Faults, max_length: int = MAX_TEXT) -> str | None:
        """The text of a key."""
        node = self.node(key)
        return None if node is None else text_of(node, repr(key), faults, max_length)

    def texts(self, key: str, faults: Faults) -> tuple[str, ...] | None:
        """The list of texts of a key: not empty, no repetition."""
        node = self.node(key)
        return None if node is None else texts_of(node, repr(key), faults)


def open_fields(
    node: Node, what: str, required: Sequence[str], optional: Sequence[str], faults: Faults
) -> Fields | None:
    """The fields of a mapping, with unknown and missing keys noted; None if it is no mapping."""
    if not isinstance(node.value, dict):
        faults.add(node.line, f"{what} must be a mapping, not {node.type_name}; write 'key: value'")
        return None
    known = {*required, *optional}
    for key in node.value:
        if key not in known:
            hint = did_you_mean(key, known)
            faults.add(node.key_lines[key], f"unknown key {quoted(key)} in {what}{hint}")
    for key in required:
        if key not in node.value:
            faults.add(node.line, f"{what} lacks the key {key!r}; add it")
    return Fields(node.value, node.key_lines, node.line)


def check_schema(fields: Fields, faults: Faults) -> None:
    """Note a fault unless `schema` is the version that this package reads."""
    node = fields.node("schema")
    if node is not None and (node.value != SCHEMA or isinstance(node.value, bool)):
        faults.add(node.line, f"schema must be {SCHEMA}; this version reads no other")


def entries_of(node: Node | None, what: str, faults: Faults) -> tuple[Node, ...]:
    """The nodes of a list that must not be empty; () after a fault or for None."""
    if node is None:
        return ()
    if not isinstance(node.value, tuple):
        faults.add(node.line, f"{what} must be a list, not {node.type_name}; write '- ' lines")
        return ()
    if not node.value:
        faults.add(
            node.line, f"{what} is an empty list; give it entries, or remove an optional one"
        )
    return node.value


def text_of(
    node: Node, what: str, faults: Faults, max_length: int = MAX_TEXT, may_be_empty: bool = False
) -> str | None:
    """Text on one line: whitespace squeezed, no control characters, bounded length."""
    if not isinstance(node.value, str):
        remedy = "write some text" if node.value is None else "put it in quotes if it is text"
        faults.add(node.line, f"{what} must be text, not {node.type_name}; {remedy}")
        return None
    text = squeezed(node.value)
    message = _text_fault(node.value, text, max_length)
    if message is None and not text and not may_be_empty:
        message = "is empty; write some text"
    if message is not None:
        faults.add(node.line, f"{what} {message}")
        return None
    return text


def _text_fault(written: str, text: str, max_length: int) -> str | None:
    # Nearly all text is printable, and that is found out a hundred times faster.
    if not written.isprintable():
        refused = next((char for char in written if _is_refused(char)), None)
        if refused is not None:
            return f"has the control character {refused!a}; remove it"
    if len(text) > max_length:
        return f"has {len(text)} characters; at most {max_length} are allowed"
    return None


def texts_of(node: Node, what: str, faults: Faults) -> tuple[str, ...] | None:
    """A list of different texts that is not empty; None after any fault."""
    entries = entries_of(node, what, faults)
    if len(entries) > MAX_ENTRIES:
        faults.add(
            node.line, f"{what} has {len(entries)} entries; at most {MAX_ENTRIES} are allowed"
        )
        return None
    # A dict keeps the order and finds repetitions fast in long lists.
    texts: dict[str, None] = {}
    for entry in entries:
        text = text_of(entry, f"an entry of {what}", faults)
        if text is None:
            continue
        if text in texts:
            faults.add(entry.line, f"{quoted(text)} is twice in {what}; keep one")
        texts[text] = None
    return tuple(texts) if entries and len(texts) == len(entries) else None


def _is_refused(char: str) -> bool:
    category = unicodedata.category(char)
    return (category == "Cc" and char not in "\t\n\r") or category == "Cs" or char in _BIDI_CONTROLS
