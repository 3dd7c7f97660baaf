"""Compare what lies on disk with release.json and SHA256SUMS (see `index`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from isekai_gen.hashing import file_sha256
from isekai_gen.release.index import INDEX_FILE, INDEX_SCHEMA, SUMS_FILE, sums_text
from isekai_gen.release.received import ReceivedTree

_REQUIRED = (
    "LICENSE",
    "README.md",
    "concepts.jsonl",
    "metadata.jsonl",
    "prompts/prompts.jsonl",
    "rejected.jsonl",
    "reports/stats.json",
)
_SUMS_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def check_lists(tree: ReceivedTree, index: Mapping[str, Any]) -> dict[str, str]:
    """Report missing, extra and changed files.

    Args:
        tree: The folder.
        index: release.json, or {} if it could not be read.

    Returns:
        Path of every readable file to its SHA-256, measured now.
    """
    measured: dict[str, str] = {}
    for name, path in tree.files.items():
        try:
            measured[name] = file_sha256(path)
        except OSError as error:
            tree.report(name, "unreadable", str(error.strerror))
    for name in (*_REQUIRED, INDEX_FILE, SUMS_FILE):
        if name not in tree.files:
            tree.report(name, "missing", "every release has this file")
    if INDEX_FILE in tree.files:
        changed = _check_index(tree, index, measured)
        _check_sums(tree, measured, changed)
    return measured


def _check_index(
    tree: ReceivedTree, index: Mapping[str, Any], measured: Mapping[str, str]
) -> set[str]:
    """Compare with release.json; returns the paths that are reported."""
    if index.get("schema") != INDEX_SCHEMA:
        tree.report(INDEX_FILE, "json", f"schema must be {INDEX_SCHEMA}")
    entries = index.get("files")
    reported: set[str] = set()
    listed: set[str] = set()
    for number, entry in enumerate(entries if isinstance(entries, list) else [], start=1):
        fields = entry if isinstance(entry, Mapping) else {}
        name = fields.get("path")
        if not isinstance(name, str) or name in listed:
            tree.report(INDEX_FILE, "json", f"entry {number} of files has no path of its own")
            continue
        listed.add(name)
        if name not in tree.files:
            tree.report(name, "missing", f"{INDEX_FILE} lists it")
        elif name in measured:
            size = tree.files[name].stat().st_size
            if fields.get("sha256") != measured[name] or fields.get("size") != size:
                tree.report(name, "checksum", f"its bytes are not those {INDEX_FILE} lists")
                reported.add(name)
    for name in sorted(tree.files.keys() - listed - {INDEX_FILE, SUMS_FILE}):
        tree.report(name, "extra", f"{INDEX_FILE} does not list it")
        reported.add(name)
    return reported


def _check_sums(tree: ReceivedTree, measured: Mapping[str, str], reported: set[str]) -> None:
    """Compare SHA256SUMS, byte for byte, with what the files on disk say it must be."""
    content = tree.read_bytes(SUMS_FILE)
    expected = {name: digest for name, digest in measured.items() if name != SUMS_FILE}
    if content is None or content == sums_text(expected).encode():
        return
    lines = content.decode("utf-8", errors="replace").split("\n")
    matches = [match for line in lines if (match := _SUMS_LINE.fullmatch(line))]
    summed = {match.group(2): match.group(1) for match in matches}
    differing = {
        name for name in summed.keys() | expected.keys() if summed.get(name) != expected.get(name)
    }
    for name in sorted(differing - reported):
        tree.report(name, "checksum", f"{SUMS_FILE} and the file on disk do not agree")
    if not differing:
        tree.report(SUMS_FILE, "checksum", "not in its one form: sorted, one line a file")
