"""What filters and people say of images, and which images that leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from isekai_gen.records.base import Record
from isekai_gen.records.images import ImageRecord


@dataclass(frozen=True)
class Verdict(Record):
    """A filter's judgment of one image.

    Attributes:
        image_id: The image.
        by: Name of the filter.
        keep: Whether this filter keeps it.
        reason: Code such as "similar_to_kept" or "within_limit".
        measured: The number that was compared, or None.
        limit: What it was compared with, or None.
        witness: Id of the kept image on whose account this one is dropped, or "".
        reference: Class or image of a reference set that is the evidence, or "".
        tier: Which comparison found the witness ("exact", "perceptual", "semantic", "extra"),
            "person" for a pair that a person marked, or "".
    """

    image_id: str
    by: str
    keep: bool
    reason: str
    measured: float | None = None
    limit: float | None = None
    witness: str = ""
    reference: str = ""
    tier: str = ""


Choice = Literal["keep", "drop", "duplicate", "not_duplicate", "undecided"]


@dataclass(frozen=True)
class Decision(Record):
    """A person's decision about one image (keep, drop) or a pair (duplicate, not_duplicate).

    Attributes:
        images: One image id, or two in ascending order.
        choice: What the person decided; a later decision on the same images replaces this one,
            and "undecided" takes it back.
        by: Who, as the person signs.
        reason: Why, in a word or two, or "".
        note: Anything else that others should know, or "".
        at: When, as UTC in ISO form ("2026-11-22T14:03:07Z"), or "".
        tool: Version of isekai-gen that recorded it, or "".
    """

    images: tuple[str, ...]
    choice: Choice
    by: str
    reason: str = ""
    note: str = ""
    at: str = ""
    tool: str = ""

    _tuples: ClassVar[frozenset[str]] = frozenset({"images"})

    def __post_init__(self) -> None:
        wanted = {"keep": (1,), "drop": (1,), "undecided": (1, 2)}.get(self.choice, (2,))
        if len(self.images) not in wanted or list(self.images) != sorted(set(self.images)):
            raise ValueError(f"a {self.choice!r} decision names {wanted[0]} image(s) in order")

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The decision of a line; one written by hand may leave out all after `by`."""
        return super().from_json({"reason": "", "note": "", "at": "", "tool": "", **row})


def last_decisions(decisions: Iterable[Decision]) -> dict[tuple[str, ...], Decision]:
    """The decision in force for each image or pair: the last one said, if not taken back."""
    last = {decision.images: decision for decision in decisions}
    return {images: each for images, each in last.items() if each.choice != "undecided"}


def select_kept(
    records: Iterable[ImageRecord],
    verdicts: Mapping[str, Mapping[str, Verdict]],
    decisions: Iterable[Decision],
) -> tuple[list[str], dict[str, str]]:
    """Which generated images are kept, and what dropped the others.

    A person's decision about an image outranks every filter.

    Args:
        records: In any order.
        verdicts: Filter name to image id to verdict; the order of filters is their declared
            order: an image that several filters drop counts under the first.
        decisions: In the order they were made.

    Returns:
        Kept ids in the order of `records`, and a dict from dropped id to the name of what
        dropped it (a filter, or "person").
    """
    in_force = last_decisions(decisions)
    kept: list[str] = []
    dropped: dict[str, str] = {}
    for record in records:
        if not record.generated:
            continue
        decision = in_force.get((record.image_id,))
        if decision is not None:
            if decision.choice == "keep":
                kept.append(record.image_id)
            else:
                dropped[record.image_id] = "person"
            continue
        by = next(
            (
                name
                for name, judged in verdicts.items()
                if record.image_id in judged and not judged[record.image_id].keep
            ),
            None,
        )
        if by is None:
            kept.append(record.image_id)
        else:
            dropped[record.image_id] = by
    return kept, dropped
