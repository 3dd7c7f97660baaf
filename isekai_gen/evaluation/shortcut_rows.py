"""Queries of three kinds over the same support sets: untouched, object kept, context kept.

A row of the manifest is asked as it is, and again with each counterfactual sample of its query in
the query's place; the demonstrations and their order stay. What an untouched query shows is known;
an object in foreign context still is that concept; a context without its object is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from isekai_gen.evaluation.rows import Row, SupportRow
from isekai_gen.records import NamedImage

QueryKind = Literal["untouched", "object", "context"]
QUERY_KINDS: tuple[QueryKind, ...] = ("untouched", "object", "context")


@dataclass(frozen=True)
class QuerySample:
    """A counterfactual sample that may take the place of a query.

    Attributes:
        kind: "object" or "context": which factor was kept.
        path: Of its picture, in the folder that the manifest's paths begin in.
        source: Path of the image it was made from.
        concept: That image's concept, a slug.
        fillers: Paths of the images whose pixels it holds, too.
    """

    kind: QueryKind
    path: str
    source: str
    concept: str
    fillers: tuple[str, ...]


@dataclass(frozen=True)
class KindRow:
    """A row to ask, and what it is asked for.

    Attributes:
        kind: Of its query.
        source: Path of the untouched query: the unit of all intervals.
        concept: Slug of the query's concept.
        row: With the query of this kind.
    """

    kind: QueryKind
    source: str
    concept: str
    row: Row


@dataclass(frozen=True)
class KindRows:
    """What is asked of three kinds.

    Attributes:
        rows: In the order of the manifest; each untouched one is followed by its samples.
        without_samples: Rows left out because their query has no sample.
        with_shown_fillers: Samples left out because a support image lent them pixels.
    """

    rows: Sequence[KindRow]
    without_samples: int
    with_shown_fillers: int


def rows_of_kinds(
    rows: Sequence[Row], samples: Mapping[str, Sequence[QuerySample]], shots: int
) -> KindRows:
    """Put samples in the place of queries.

    A sample with pixels of an image that is shown as a demonstration is left out: support and
    query would not be disjoint, and the model could match those pixels.

    Args:
        rows: Of the manifest; episodes with another number of shots are passed over.
        samples: Path of a source image to the samples made from it.
        shots: Demonstrations, counted over all labels, that will be shown.
    """
    found: list[KindRow] = []
    without = shown_fillers = 0
    for row in rows:
        if not isinstance(row, SupportRow) and len(row.support) != shots:
            continue
        own = samples.get(row.query.image, ())
        shown = _shown(row, shots)
        usable = [sample for sample in own if shown.isdisjoint(sample.fillers)]
        shown_fillers += len(own) - len(usable)
        if not usable:
            without += not own
            continue
        found.append(KindRow("untouched", row.query.image, usable[0].concept, row))
        found += [
            KindRow(sample.kind, sample.source, sample.concept, _asked_with(row, sample.path))
            for sample in usable
        ]
    return KindRows(found, without, shown_fillers)


def _shown(row: Row, shots: int) -> set[str]:
    support = row.episode(shots, 0).support if isinstance(row, SupportRow) else row.support
    return {shown.image for shown in support}


def _asked_with(row: Row, path: str) -> Row:
    # The key stays: it draws the order of the demonstrations.
    return replace(row, query=NamedImage(path, row.query.concept, row.query.label))
