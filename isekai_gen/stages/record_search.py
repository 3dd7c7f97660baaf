"""Find the records of single images among a million others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.records import ImageRecord
from isekai_gen.shards import check_part, read_marker
from isekai_gen.stages.drawn import STAGE
from isekai_gen.workspace import Workspace

_PREFIX = re.compile(r"[0-9a-f]{6,20}")
_ID_LENGTH = 20
_SHOWN = 3


def find_records(workspace: Workspace, ids: Sequence[str]) -> list[ImageRecord]:
    """The records of images, also of those whose plan was replaced (archive/).

    Parts are searched as bytes; only lines that match are parsed.

    Args:
        workspace: Where to look.
        ids: Image ids, or their beginnings of at least 6 digits if no other image shares them.

    Returns:
        In the order of `ids`, each image once.

    Raises:
        InputError: If an id is malformed, unknown, or the beginning of several.
        ChecksumError: If a matching line is no record, or its part is not what was committed.
    """
    wanted = list(dict.fromkeys(text.lower() for text in ids))
    malformed = [text for text in wanted if not _PREFIX.fullmatch(text)]
    if malformed:
        raise InputError(
            f"{malformed[0]!r} is no image id: give its 20 hexadecimal digits (the name of the "
            "image's file), or at least the first 6"
        )
    found: dict[str, dict[str, ImageRecord]] = {prefix: {} for prefix in wanted}
    for path, part in _record_files(workspace):
        if _is_settled(found):
            break
        content = path.read_bytes()
        for prefix in wanted:
            # As `canonical_json` writes it.
            needle = b'"image_id": "' + prefix.encode()
            if needle not in content:
                continue
            _require_whole(workspace, path, part)
            for record in _matching(path, content, needle):
                found[prefix].setdefault(record.image_id, record)
    _require_one_each(workspace, found)
    records = (record for matches in found.values() for record in matches.values())
    return list({record.image_id: record for record in records}.values())


def _record_files(workspace: Workspace) -> Iterator[tuple[Path, int | None]]:
    """Every file of records with its part's number; None for archived ones."""
    for part in workspace.parts("records"):
        yield workspace.part("records", part), part
    for folder in sorted((workspace.root / "archive").glob("*/records")):
        for path in sorted(folder.glob("part-*.jsonl")):
            yield path, None


def _is_settled(found: dict[str, dict[str, ImageRecord]]) -> bool:
    """Whether every id is given in full and found; a beginning may always match once more."""
    return all(matches and len(prefix) == _ID_LENGTH for prefix, matches in found.items())


def _require_whole(workspace: Workspace, path: Path, part: int | None) -> None:
    """Compare a part with its done-marker, if it is finished."""
    marker = None if part is None else read_marker(workspace, STAGE, part)
    if marker is not None:
        check_part(path, marker)


def _matching(path: Path, content: bytes, needle: bytes) -> Iterator[ImageRecord]:
    """The records on the lines that hold `needle`."""
    place = content.find(needle)
    while place >= 0:
        start = content.rfind(b"\n", 0, place) + 1
        end = content.find(b"\n", place)
        if end < 0:
            return  # a torn last line: never committed, the next `generate` draws it again
        try:
            yield ImageRecord.from_json(json.loads(content[start:end]))
        except (ValueError, TypeError, KeyError) as error:
            line = content.count(b"\n", 0, start) + 1
            raise ChecksumError(f"{path}:{line}: {error}") from error
        place = content.find(needle, end)


def _require_one_each(workspace: Workspace, found: dict[str, dict[str, ImageRecord]]) -> None:
    unknown = [prefix for prefix, matches in found.items() if not matches]
    if unknown:
        raise InputError(
            f"no image drawn in {workspace.root} has the id {_listed(unknown)}; ids are the names "
            "of the files in images/"
        )
    for prefix, matches in found.items():
        if len(matches) > 1:
            raise InputError(
                f"{prefix!r} begins the ids of {len(matches)} images ({_listed(matches)}); "
                "give more digits"
            )


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    rest = ", ..." if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + rest
