"""In which line of a TOML file a value stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

KeyPath = tuple[str | int, ...]
"""Keys of tables and places in lists, from the top."""


def line_by_path(text: str) -> dict[KeyPath, int]:
    """Every table, key and list entry of a TOML document to its line, from 1.

    The standard parser tells no lines. It is asked for one statement after the other instead: a
    statement ends with the first line at which it parses, because none is complete before its end.

    Args:
        text: A document that parses.
    """
    lines: dict[KeyPath, int] = {}
    section: KeyPath = ()
    pending: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        pending.append(line)
        try:
            tree = tomllib.loads("\n".join(pending))
        except tomllib.TOMLDecodeError:
            continue
        begun = number - len(pending) + 1
        if line.lstrip().startswith("[") and len(pending) == 1:
            section = _section(tree, lines)
            for depth in range(1, len(section)):
                lines.setdefault(section[:depth], begun)
            lines[section] = begun
        else:
            lines.update((section + path, begun) for path in _paths(tree))
        pending = []
    return lines


def nearest_line(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Line of a path, or of the closest table around it; 1 for the document."""
    while path not in lines and path:
        path = path[:-1]
    return lines.get(path, 1)


def _section(tree: dict[str, Any], lines: Mapping[KeyPath, int]) -> KeyPath:
    """KeyPath of a header, whose tree has one branch; of [[name]] the next free place."""
    path: KeyPath = ()
    branch: Any = tree
    while branch:
        if isinstance(branch, list):
            taken = sum(
                known[:-1] == path and isinstance(known[-1], int) for known in lines if known
            )
            return (*path, taken)
        key, branch = next(iter(branch.items()))
        path = (*path, key)
    return path


def _paths(tree: Any, path: KeyPath = ()) -> Iterator[KeyPath]:  # noqa: ANN401 - any TOML value
    if path:
        yield path
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _paths(value, (*path, key))
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield from _paths(value, (*path, place))
