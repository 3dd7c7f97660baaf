"""N-way K-shot episodes: a support set of named images, and a query whose name must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from isekai_gen.records.base import SCHEMA


@dataclass(frozen=True)
class NamedImage:
    """An image of an episode and what it is called there.

    Attributes:
        image: Path relative to the image folder, with forward slashes.
        concept: Key of what it shows: a concept's slug, or a class key.
        label: What it is called in this episode: its name, a false one, or a random string.
    """

    image: str
    concept: str
    label: str


@dataclass(frozen=True)
class Episode:
    """One question about one image, after demonstrations.

    Attributes:
        key: Unique within its file.
        support: The demonstrations, in the order they are shown; empty for zero shots.
        query: The image asked for; its label is the right answer.
        labels: The names to tell apart, the first that of the positive side.
    """

    key: str
    support: tuple[NamedImage, ...]
    query: NamedImage
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.query.label not in self.labels:
            raise ValueError(f"episode {self.key}: {self.query.label!r} is none of its labels")

    def to_json(self) -> dict[str, Any]:
        """One line of an episodes file."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The episode that `to_json` wrote.

        Raises:
            ValueError: If the row has another schema, or other fields or types.
        """
        if row.get("schema") != SCHEMA:
            raise ValueError(f"schema {row.get('schema')!r} is not {SCHEMA}")
        if row.keys() != {"schema", "key", "support", "query", "labels"}:
            raise ValueError(f"an episode has not the fields {sorted(row)}")
        if not isinstance(row["support"], list) or not isinstance(row["key"], str):
            raise ValueError("an episode's key must be text and its support a list")
        return cls(
            key=row["key"],
            support=tuple(_named_image(each) for each in row["support"]),
            query=_named_image(row["query"]),
            labels=_texts(row["labels"]),
        )


def _named_image(row: Any) -> NamedImage:  # noqa: ANN401 - any JSON value
    if not isinstance(row, Mapping) or row.keys() != {"image", "concept", "label"}:
        raise ValueError(f"no image with concept and label: {row!r}")
    return NamedImage(*_texts([row["image"], row["concept"], row["label"]]))


def _texts(values: Any) -> tuple[str, ...]:  # noqa: ANN401 - any JSON value
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"no list of texts: {values!r}")
    return tuple(values)
