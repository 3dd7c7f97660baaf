"""Wildcard files: found by name below one folder, read only if a template uses them.

`__animals/creature__` names the lines of animals/creature.txt; without such a file, the list under
the keys `animals` and `creature` of a YAML file (keys go on from the folder that the file lies in,
and a file that is one list has its own name). A name that holds `*` or `?` stands for all that
match, folder by folder. Files that lie outside of the folder, through a link, are refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from isekai_gen.prompts.faults import Faults, did_you_mean
from isekai_gen.prompts.marked_yaml import Node, read_text, read_yaml
from isekai_gen.prompts.pattern import Pattern
from isekai_gen.prompts.template_set import WeightedText, Wildcards
from isekai_gen.prompts.values import read_value
from isekai_gen.prompts.weights import weights_fault

_SUFFIXES = (".txt", ".yaml", ".yml")
_COMMENT = "#"
_MAX_VALUES = 100_000


@dataclass(frozen=True)
class _Source:
    """What one wildcard name stands for.

    Attributes:
        path: The file.
        node: The list in a YAML file; None for a text file.
    """

    path: Path
    node: Node | None = None


def read_wildcards(folder: Path | None, patterns: Iterable[Pattern], faults: Faults) -> Wildcards:
    """Read the wildcards that patterns name, and those that their lines name in turn.

    Args:
        folder: The wildcards folder; None if there is none.
        patterns: Texts of templates and lists.
        faults: Receives every fault of the patterns and of the files.
    """
    waiting = list(patterns)
    if not any(pattern.wildcards for pattern in waiting):
        return Wildcards()
    reader = _Reader(folder, faults)
    values: dict[str, tuple[WeightedText, ...]] = {}
    for pattern in waiting:  # grows while it is read
        for wildcard in pattern.wildcards:
            if wildcard.name in values:
                continue
            found = reader.values_of(wildcard.name)
            if found is None:
                pattern.note(wildcard.offset, reader.unknown(wildcard.name), faults)
                continue
            values[wildcard.name] = found
            waiting.extend(value.pattern for value in found)
    return Wildcards(values, tuple(sorted(reader.used)), folder)


class _Reader:
    """The files of a folder, by the names of the wildcards in them.

    Attributes:
        used: Files that gave values.
    """

    def __init__(self, folder: Path | None, faults: Faults) -> None:
        self.used: set[Path] = set()
        self._folder = folder
        self._faults = faults
        self._values: dict[str, tuple[WeightedText, ...]] = {}
        self._sources: dict[str, _Source] = {}
        self._unread: dict[Path, str] = {}  # YAML file to its folder
        if folder is None:
            return
        for path in _files_below(folder):
            relative = path.relative_to(folder)
            if path.suffix == ".txt":
                self._sources[relative.with_suffix("").as_posix()] = _Source(path)
            else:
                self._unread[path] = relative.parent.as_posix()

    def values_of(self, name: str) -> tuple[WeightedText, ...] | None:
        """The values of a wildcard; None if there is none of that name.

        Values that come several times, in a file or in several, are one with all their weight.
        """
        if name not in self._sources:
            self._read_lists_for(name)
        names = [known for known in self._sources if _matches(known, name)]
        if not names:
            return None
        merged: dict[str, WeightedText] = {}
        for known in sorted(names):
            for value in self._read(known):
                before = merged.get(value.text)
                weight = value.weight if before is None else value.weight + before.weight
                merged[value.text] = replace(value, weight=weight)
        message = weights_fault([value.weight for value in merged.values()], f"__{name}__")
        if message is not None:
            self._note(self._sources[min(names)].path, message)
        return tuple(merged.values())

    def unknown(self, name: str) -> str:
        """What to say of a wildcard that no file gives."""
        if self._folder is None:
            return f"wildcard __{name}__ needs a folder of wildcard files; name it with --wildcards"
        if not self._sources:
            return f"wildcard __{name}__: {self._folder} has no .txt or .yaml file; add one"
        return f"unknown wildcard __{name}__{did_you_mean(name, self._sources)}"

    def _read_lists_for(self, name: str) -> None:
        """Learn the names in the YAML files whose folder may hold a wildcard of this name."""
        parts = name.split("/")
        for path, folder in list(self._unread.items()):
            above = [] if folder == "." else folder.split("/")
            if len(above) < len(parts) and all(map(fnmatchcase, above, parts)):
                del self._unread[path]
                self._read_yaml(path, "".join(f"{part}/" for part in above))

    def _read_yaml(self, path: Path, prefix: str) -> None:
        if not self._is_inside(path):
            return
        faults = Faults(path)
        root = read_yaml(path, faults)
        if root is not None:
            is_list = isinstance(root.value, tuple)
            named = [(prefix + path.stem, root)] if is_list else _lists_in(root, prefix, faults)
            for name, node in named:
                first = self._sources.setdefault(name, _Source(path, node))
                if first.node is not None and first.node is not node:
                    faults.add(
                        node.line, f"wildcard __{name}__ is also in {first.path}; rename one"
                    )
        self._faults.include(faults)

    def _read(self, name: str) -> tuple[WeightedText, ...]:
        if name not in self._values:
            source = self._sources[name]
            faults = Faults(source.path)
            nodes = _lines_of(source, faults) if self._is_inside(source.path) else ()
            what = f"wildcard __{name}__"
            if len(nodes) > _MAX_VALUES:
                faults.add(0, f"{what} has {len(nodes)} values; at most {_MAX_VALUES} are allowed")
                nodes = ()
            read = [read_value(node, what, faults) for node in nodes]
            self._values[name] = tuple(value for value in read if value is not None)
            self._faults.include(faults)
            self.used.add(source.path)
        return self._values[name]

    def _is_inside(self, path: Path) -> bool:
        folder = self._folder
        if folder is not None and path.resolve().is_relative_to(folder.resolve()):
            return True
        self._note(path, f"this leads out of {folder}; copy the file there instead of linking it")
        return False

    def _note(self, path: Path, message: str) -> None:
        faults = Faults(path)
        faults.add(0, message)
        self._faults.include(faults)


def _files_below(folder: Path) -> list[Path]:
    """Text and YAML files in the order of their paths; hidden ones and linked folders left out."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent, name)
            for name in names
            if not name.startswith(".") and Path(name).suffix in _SUFFIXES
        ]
    return sorted(found)


def _matches(known: str, name: str) -> bool:
    """Whether a wildcard's name as written stands for a known one, folder by folder."""
    parts, written = known.split("/"), name.split("/")
    return len(parts) == len(written) and all(map(fnmatchcase, parts, written))


def _lists_in(node: Node, prefix: str, faults: Faults) -> Iterator[tuple[str, Node]]:
    """Every list below a mapping, with the keys that lead to it."""
    if not isinstance(node.value, dict):
        faults.add(node.line, f"expected names and lists of values, not {node.type_name}")
        return
    for key, value in node.value.items():
        if isinstance(value.value, tuple):
            yield f"{prefix}{key}", value
        else:
            yield from _lists_in(value, f"{prefix}{key}/", faults)


def _lines_of(source: _Source, faults: Faults) -> tuple[Node, ...]:
    """The values of a file as nodes; comments and blank lines left out."""
    if source.node is not None:
        nodes = source.node.value
        lines = nodes if isinstance(nodes, tuple) else ()
        empty_line = source.node.line
    else:
        text = read_text(source.path, faults)
        if text is None:
            return ()
        lines = tuple(
            Node(number, line, {}, 1, line)
            for number, line in enumerate(text.split("\n"), start=1)
            if line.strip() and not line.lstrip().startswith(_COMMENT)
        )
        empty_line = 0
    if not lines:
        faults.add(empty_line, "there is no value; write one in each line")
    return lines
