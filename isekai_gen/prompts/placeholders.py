"""What a new catalog holds until its author fills it in."""

from __future__ import annotations

import re

from isekai_gen.prompts.faults import Faults, quoted
from isekai_gen.prompts.marked_yaml import Node

PLACEHOLDER = "TODO"
_UNFILLED = re.compile(rf"\s*{PLACEHOLDER}\b")


def note_placeholders(node: Node, faults: Faults) -> None:
    """Note every text that still begins with the word `PLACEHOLDER`, at its line."""
    if isinstance(node.value, str) and _UNFILLED.match(node.value):
        faults.add(node.line, f"placeholder {quoted(node.value)}; write your own text in its place")
    elif isinstance(node.value, dict):
        for entry in node.value.values():
            note_placeholders(entry, faults)
    elif isinstance(node.value, tuple):
        for entry in node.value:
            note_placeholders(entry, faults)
