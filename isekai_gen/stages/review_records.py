"""Lines of records as the review page needs them, found again by where they begin in their file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from isekai_gen.errors import ChecksumError, WorkspaceError
from isekai_gen.records import IMAGE_SUFFIXES, ImageRecord
from isekai_gen.workspace import Workspace, is_slug

_IMAGE_ID = re.compile(r"[0-9a-f]{20}")
_SEEDS = 2**63


class DrawnLine(NamedTuple):
    """What the index keeps of a record.

    Attributes:
        image_id: The image.
        start: Where its line begins in the part, in bytes.
        generated: Whether there is a picture.
        concept: Slug.
        number: Of the image within its concept, from 0.
        prompt: The text drawn.
        negative_prompt: The text not drawn, or "".
        seed: Of the noise.
        template: Its id.
        slots: Slot to value.
        width: Pixels.
        height: Pixels.
        suffix: Of the file, "" without one.
    """

    image_id: str
    start: int
    generated: bool
    concept: str
    number: int
    prompt: str
    negative_prompt: str
    seed: int
    template: str
    slots: Mapping[str, str]
    width: int
    height: int
    suffix: str


def read_drawn_lines(workspace: Workspace, part: int) -> list[DrawnLine]:
    """The records of a shard; a torn last line, which `generate` repairs, is left out.

    Raises:
        ChecksumError: If a whole line is no record; names it.
    """
    path = workspace.part("records", part)
    lines, start = [], 0
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        if line.endswith(b"\n"):
            try:
                lines.append(_drawn_line(json.loads(line), start))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ChecksumError(f"{path}:{number}: no record ({error}); restore it") from error
        start += len(line)
    return lines


def _drawn_line(row: Mapping[str, Any], start: int) -> DrawnLine:
    planned, provenance, path = row["planned"], row["provenance"], row["path"]
    suffix = path[path.rfind(".") :] if path else ""
    slots = dict[str, str](planned["slots"])
    _check_names(planned["concept"], planned["image_id"], suffix)
    if not 0 <= planned["seed"] < _SEEDS or not all(isinstance(v, str) for v in slots.values()):
        raise ValueError("its seed has more than 63 bits, or a slot's value is no text")
    return DrawnLine(
        image_id=planned["image_id"],
        start=start,
        generated=not row["failure"],
        concept=planned["concept"],
        number=planned["index"],
        prompt=planned["prompt"],
        negative_prompt=planned["negative_prompt"],
        seed=planned["seed"],
        template=planned["template"],
        slots=slots,
        width=provenance["width"],
        height=provenance["height"],
        suffix=suffix,
    )


def _check_names(concept: str, image_id: str, suffix: str) -> None:
    """Refuse what could not be the name of an image's file; a path is made of it."""
    if not is_slug(concept) or not _IMAGE_ID.fullmatch(image_id):
        raise ValueError(f"no concept slug and image id: {concept!r}, {image_id!r}")
    if suffix not in ("", *IMAGE_SUFFIXES):
        raise ValueError(f"not a suffix of an image file: {suffix!r}")


def read_record_at(workspace: Workspace, part: int, start: int, image_id: str) -> ImageRecord:
    """One record.

    Raises:
        WorkspaceError: If the file has changed since it was indexed.
        ChecksumError: If the line is no record.
    """
    path = workspace.part("records", part)
    try:
        with path.open("rb") as file:
            file.seek(start)
            record = ImageRecord.from_json(json.loads(file.readline()))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ChecksumError(f"{path}: record of {image_id} cannot be read ({error})") from error
    if record.image_id != image_id:
        raise WorkspaceError(f"{path}: was written anew while it was looked at; look again")
    return record
