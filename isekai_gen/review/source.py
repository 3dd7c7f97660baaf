"""What the review page shows and changes, behind one interface: the server knows no workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

QueueName = Literal["duplicates", "groups", "overlap", "consistency", "audit"]
QUEUES: tuple[QueueName, ...] = ("duplicates", "groups", "overlap", "consistency", "audit")


@dataclass(frozen=True)
class ImageQuery:
    """Which images to list, and in which order.

    Attributes:
        concepts: Slugs; empty for all. So are the other sequences.
        kinds: "fictional", "real".
        verdicts: "kept", "dropped".
        reasons: Reasons of the verdict that counts, or "person".
        templates: Template ids.
        slots: Slot to the value it must have.
        order: "concept" (then index) or "closest" (least distance to a limit first).
        offset: Rows to leave out.
        limit: Rows at most, 1 to 500.
    """

    concepts: Sequence[str] = ()
    kinds: Sequence[str] = ()
    verdicts: Sequence[str] = ()
    reasons: Sequence[str] = ()
    templates: Sequence[str] = ()
    slots: Mapping[str, str] | None = None
    order: Literal["concept", "closest"] = "concept"
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True)
class Saying:
    """What a person says on the page about one image or one pair, or to an audit's question.

    Attributes:
        images: One id, or two.
        choice: "keep", "drop", "duplicate", "not_duplicate" or "undecided".
        reason: In a word or two, or "".
        note: Or "".
        question: Id of the audit question that is answered, or "": then no decision is recorded,
            and `choice` may also be "unsure".
    """

    images: tuple[str, ...]
    choice: str
    reason: str = ""
    note: str = ""
    question: str = ""


@dataclass(frozen=True)
class Sender:
    """Who sends sayings, or takes them back.

    Attributes:
        tab: Of a browser: each takes back its own sayings only. Any text; "" for one without tabs.
        request: What the tab calls the request. Several of one name, sent one after another, are
            taken back as one. "" to take back the tab's newest, whatever its name.
    """

    tab: str = ""
    request: str = ""


class ReviewSource(Protocol):
    """A dataset under review. JSON shapes are those of docs/review-api.md."""

    def summary(self) -> dict[str, Any]:
        """Counters, concepts, queues, facets, and the version."""

    def version(self) -> str:
        """Another one whenever another answer may be given; cheap enough to ask twice a second."""

    def queue(self, name: QueueName, after: str, limit: int) -> dict[str, Any]:
        """The next entries of a queue behind the key `after` ("" for the first)."""

    def images(self, query: ImageQuery) -> dict[str, Any]:
        """A stretch of the images that match, and how many do."""

    def image(self, image_id: str) -> dict[str, Any] | None:
        """All that is known of one image; None if there is none of that id."""

    def picture(self, image_id: str) -> Path | None:
        """File of an image; None if there is none of that id."""

    def reference_picture(self, key: str) -> Path | None:
        """File of a reference image that `overlap` named by `key`, if its folder is at hand."""

    def say(self, sayings: Sequence[Saying], sender: Sender) -> dict[str, Any]:
        """Record decisions at once and durably.

        Returns:
            The new summary, the version `before`, and `recorded`: how many "decisions" and
            "answers" were not said already.

        Raises:
            ValueError: If a saying names an unknown image, or its choice does not fit.
        """

    def undo(self, sender: Sender) -> dict[str, Any]:
        """Take back everything that was said in one request, the newest of its tab.

        Returns:
            The sayings that are taken back; those that are not, and why; the new summary.

        Raises:
            ValueError: If the request is not the newest of its tab.
        """

    def search(self, text: str, picture: bytes, limit: int) -> dict[str, Any]:
        """Images most like a text or a picture, by the encoder.

        Raises:
            InputError: If there is no encoder that can.
        """
