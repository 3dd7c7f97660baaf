"""Read a received folder without trusting it: findings, never a crash, a write or an escape.

The tree is walked once, without following links. Everything afterwards looks names up in that
walk, so that no path written inside the folder is ever opened.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from isekai_gen.manifests.paths import check_relative_path

# A document larger than this is no release of ours; without a limit it could fill the memory.
_MAX_DOCUMENT_BYTES = 1 << 28
_MAX_LINE_BYTES = 1 << 24
_MAX_DIGITS = 300
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# A broken file of a million rows says nothing more after this many lines.
_MAX_FAULTS = 100
_MAX_FINDINGS = 1000
# A value that is repeated in each of them may be as long as a line.
_MAX_MESSAGE = 1000
MORE_FAULTS = "more faults of this kind"
"""How the message ends that stands for those left out."""

RULES = (
    "card",
    "checksum",
    "citation",
    "concepts",
    "container",
    "counts",
    "croissant",
    "embeddings",
    "extra",
    "index",
    "json",
    "limits",
    "manifest",
    "metadata",
    "missing",
    "neighbors",
    "pairs",
    "placeholder",
    "private-key",
    "prompts",
    "rejected",
    "report",
    "signature",
    "similarity",
    "splits",
    "symlink",
    "unreadable",
    "unsafe-path",
)


@dataclass(frozen=True)
class Finding:
    """Something wrong with a release.

    Attributes:
        file: Path within the release; printable, whatever is on disk.
        rule: Which of `RULES` is broken.
        message: What is wrong; printable, too, and never long.
    """

    file: str
    rule: str
    message: str


@dataclass
class ReceivedTree:
    """What lies in the folder, and what was found wrong so far.

    Attributes:
        folder: The release.
        files: Path with forward slashes to the file on disk; regular files with safe names only.
        findings: Grows while the release is read; of one file and rule the first 1,000.
    """

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    _reported: Counter[tuple[str, str]] = field(default_factory=Counter)

    def report(self, file: str, rule: str, message: str) -> None:
        """Add a finding; `file` and `message` may be any text, `rule` is one of `RULES`."""
        if rule not in RULES:
            raise ValueError(f"no such rule: {rule!r}")
        printable = file if file.isprintable() else ascii(file)
        self._reported[printable, rule] += 1
        if self._reported[printable, rule] == _MAX_FINDINGS:
            message = f"and {MORE_FAULTS}"
        if self._reported[printable, rule] <= _MAX_FINDINGS:
            shown = message[:_MAX_MESSAGE]
            shown = shown if shown.isprintable() else ascii(shown)[1:-1]
            self.findings.append(Finding(printable, rule, shown))

    def read_json(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """The value of a JSON document, or None with a finding."""
        content = self.read_bytes(name)
        if content is None:
            return None
        try:
            return _parse(content)
        except (ValueError, RecursionError) as error:
            self.report(name, "json", f"not a JSON document: {brief(error)}")
            return None

    def iter_rows(self, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Line number, from 1, and row of a JSON-lines file, read as they are asked for.

        A line that is no JSON object is a finding, and left out.
        """
        for number, line in enumerate(self._lines(name), start=1):
            try:
                row = _parse(line)
                if not isinstance(row, dict):
                    raise ValueError("not an object")
            except (ValueError, RecursionError) as error:
                self.report(name, "json", f"line {number} is not a JSON object: {brief(error)}")
                continue
            yield number, row

    def read_rows(self, name: str) -> list[dict[str, Any]]:
        """All rows of a small JSON-lines file; see `iter_rows`."""
        return [row for _, row in self.iter_rows(name)]

    def read_bytes(self, name: str) -> bytes | None:
        """Content of a document, or None with a finding if it is unreadable or too large.

        A missing file is None without a finding: that is for the check of the lists to say.
        """
        path = self.files.get(name)
        if path is None:
            return None
        try:
            if path.stat().st_size > _MAX_DOCUMENT_BYTES:
                self.report(name, "unreadable", f"larger than {_MAX_DOCUMENT_BYTES} bytes")
                return None
            return path.read_bytes()
        except OSError as error:
            self.report(name, "unreadable", brief(error))
            return None

    def report_some(self, file: str, rule: str, messages: Sequence[str]) -> None:
        """Add findings on one file, the first 100 one by one."""
        for message in messages[:_MAX_FAULTS]:
            self.report(file, rule, message)
        if len(messages) > _MAX_FAULTS:
            self.report(file, rule, f"{len(messages) - _MAX_FAULTS} {MORE_FAULTS}")

    def _lines(self, name: str) -> Iterator[bytes]:
        path = self.files.get(name)
        if path is None:
            return
        number = 0
        try:
            with path.open("rb") as file:
                while line := file.readline(_MAX_LINE_BYTES):
                    number += 1
                    if not line.endswith(b"\n"):
                        self.report(name, "json", f"line {number} is cut off or too long")
                        return
                    yield line
        except OSError as error:
            self.report(name, "unreadable", brief(error))


def walk_release(folder: Path) -> ReceivedTree:
    """Every regular file below `folder`; links, devices and unsafe names become findings."""
    tree = ReceivedTree(folder)
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            entries = sorted(os.scandir(folder / prefix), key=lambda entry: entry.name)
        except OSError as error:
            tree.report(prefix or ".", "unreadable", brief(error))
            continue
        if prefix and not entries:
            tree.report(prefix, "extra", "an empty folder")
        for entry in entries:
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            if _is_folder(tree, entry, name):
                pending.append(name)
    return tree


def _is_folder(tree: ReceivedTree, entry: os.DirEntry[str], name: str) -> bool:
    """Note one entry; whether it is a folder to walk."""
    if entry.is_symlink():
        tree.report(name, "symlink", "a release has no symbolic links; it was not followed")
    elif check_relative_path(name):
        tree.report(name, "unsafe-path", check_relative_path(name)[0])
    elif entry.is_dir(follow_symlinks=False):
        return True
    elif entry.is_file(follow_symlinks=False):
        tree.files[name] = Path(entry.path)
    else:
        tree.report(name, "extra", "neither a file nor a folder; it was not opened")
    return False


def _parse(content: bytes) -> Any:  # noqa: ANN401 - any JSON value
    value = _DECODER.decode(content.decode("utf-8"))
    if _SURROGATE.search(content):
        # Half of a pair is a text that JSON can spell and no file can hold: a ValueError.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number of ours")


def _finite_number(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _whole_number(text: str) -> int:
    # Longer ones are no float64, where checks would trip over them.
    return int(text) if len(text) <= _MAX_DIGITS else _refuse_number(text)


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_number, parse_float=_finite_number, parse_int=_whole_number
)


def brief(error: BaseException) -> str:
    """What an error says: one printable line, without the path on this machine."""
    text = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
    return ascii(text)[1:-1][:200]
