"""Everything that the documents of a release tell, measured once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.release.columns import Column
from isekai_gen.release.content import ReleaseContent, ReleaseOptions
from isekai_gen.release.counterfactual_samples import ReleasedSample
from isekai_gen.release.documents.answers import Answers
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.layout import Profile


@dataclass(frozen=True)
class TableConfig:
    """A table that `datasets.load_dataset(folder, name)` loads: a config of the card.

    Attributes:
        name: "images", "pairs", "neighbors" or "counterfactuals".
        description: One sentence for people.
        files: Split to its files, relative to the release, in order. A config without splits of
            its own (neighbors) has the one split "test".
        rows: Split to its number of rows.
        columns: Of the table.
        format: How the files are read: "parquet", "imagefolder" or "webdataset".
    """

    name: str
    description: str
    files: Mapping[str, Sequence[str]]
    rows: Mapping[str, int]
    columns: Sequence[Column]
    format: str


@dataclass(frozen=True)
class SampleFacts:
    """What documents tell of counterfactual samples.

    Attributes:
        config: Their table; pictures are loose where its format is "imagefolder".
        counts: What release.json says (see `counterfactual_samples.count_samples`).
        samples: All of them.
    """

    config: TableConfig
    counts: Mapping[str, Any]
    samples: Sequence[ReleasedSample]


@dataclass(frozen=True)
class ReleaseFacts:
    """What card, datasheet, citation, notices and Croissant are written from.

    Attributes:
        options: Name, version, license.
        answers: What the authors wrote in release.toml.
        content: Concepts, records, verdicts, reports.
        profile: How images travel.
        loose_images: Whether images/ is there.
        images: In release order.
        counts: The conservation numbers (see `counts.count_images`).
        configs: Tables to load; of one format.
        manifests: Path in the release of each LCL manifest to its number of rows.
        previews: Path of each preview picture to what it shows; the first shows all groups.
        neighbor_files: Paths of neighbor tables beside the config (CSV, JSON lines).
        total_bytes: Size of all image files together.
        signed_pictures: Whether pictures carry C2PA marks.
        date: ISO date of SOURCE_DATE_EPOCH, or None.
        changes: Entry of CHANGELOG.md for this version, Markdown without heading.
        samples: Counterfactual samples; their table is one of `configs` as well where `datasets`
            can load it from the card.
    """

    options: ReleaseOptions
    answers: Answers
    content: ReleaseContent
    profile: Profile
    loose_images: bool
    images: Sequence[ReleasedImage]
    counts: Mapping[str, Any]
    configs: Sequence[TableConfig]
    manifests: Mapping[str, int]
    previews: Mapping[str, str]
    neighbor_files: Sequence[str]
    total_bytes: int
    signed_pictures: bool
    date: str | None
    changes: str
    samples: SampleFacts | None = None

    def generators(self) -> list[str]:
        """Image generators that drew the released images, sorted."""
        return sorted({image.record.provenance.model for image in self.images})

    def splits(self) -> dict[str, int]:
        """Split to its number of images, in the order of first appearance."""
        found: dict[str, int] = {}
        for image in self.images:
            found[image.split] = found.get(image.split, 0) + 1
        return found
