"""Texts with placeholders, `{name}`: which they may have, and how they are filled.

A model's chat template reads some words as commands ("<image>" stands for an image). A text that
holds one is refused: escaped or not, some reader of the formats would take it for the command.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from isekai_gen.errors import ManifestError

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
_COMMAND = re.compile(
    r"</?(?:image|img|video|audio)[^<>]*>|<\|[^|<>]*\|>|</?s>|\[/?INST\]|<(?:start|end)_of_[a-z]+>",
    re.IGNORECASE,
)


def placeholders_of(template: str) -> list[str]:
    """Names of the placeholders, in the order they come, repetitions included."""
    return _PLACEHOLDER.findall(template)


def template_faults(
    template: str, required: Collection[str], optional: Collection[str]
) -> list[str]:
    """What is wrong with a template; empty if nothing is.

    Args:
        template: Text with placeholders.
        required: Placeholders that it must have exactly once.
        optional: Further ones that it may have.
    """
    found = placeholders_of(template)
    known = {*required, *optional}
    allowed = ", ".join(f"{{{name}}}" for name in sorted(known)) or "none"
    faults = [
        f"unknown placeholder {{{name}}}; allowed here: {allowed}"
        for name in dict.fromkeys(found)
        if name not in known
    ]
    faults += [
        f"must have {{{name}}} exactly once, has it {found.count(name)} times; correct it"
        for name in sorted(required)
        if found.count(name) != 1
    ]
    if set(_PLACEHOLDER.sub("", template)) & set("{}"):
        faults.append("has a brace that belongs to no placeholder; remove it")
    return faults + command_faults(template)


def command_faults(text: str) -> list[str]:
    """What in `text` a chat template would take for a command; empty if nothing."""
    found = _COMMAND.search(text)
    return [] if found is None else [f"has {found.group()!r}, a command of models; remove it"]


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with its placeholders filled; braces within values stay as they are.

    Raises:
        ManifestError: If a value holds a command of models.
    """
    used = {name: values[name] for name in placeholders_of(template)}
    for value in used.values():
        refuse_commands(value)
    return _PLACEHOLDER.sub(lambda match: used[match.group(1)], template)


def refuse_commands(text: str) -> None:
    """Raise ManifestError if `text` cannot be said to a model."""
    faults = command_faults(text)
    if faults:
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise ManifestError(f"the text {shown!r} {faults[0]}")
