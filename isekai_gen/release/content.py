"""What goes into a release: plain records that the caller has read from its workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.errors import ReleaseError
from isekai_gen.records import Concept, ImageRecord, Verdict
from isekai_gen.release.changes.diff_version import parse_version
from isekai_gen.release.counterfactual_samples import ReleasedSample
from isekai_gen.release.images import ImageMeasures, ReleasedImage, name_images
from isekai_gen.release.layout import Profile
from isekai_gen.workspace import is_slug

SplitBy = Literal["group", "image"]
_LICENSES = files("isekai_gen.release").joinpath("licenses")
_LICENSE_NAMES = {
    "cc0-1.0": "CC0 1.0 Universal (public domain dedication)",
    "cc-by-4.0": "Creative Commons Attribution 4.0 International",
}


@dataclass(frozen=True)
class ReleaseOptions:
    """What a release is called and how it may be used.

    Attributes:
        name: Slug, such as "isekai-demo".
        version: "MAJOR.MINOR.PATCH".
        title: For people.
        license_id: License of the images as the Hugging Face Hub writes it; its text is
            included here for "cc0-1.0" and "cc-by-4.0".
        license_text: Full text of any other license.
    """

    name: str
    version: str
    title: str
    license_id: str = "cc0-1.0"
    license_text: str = ""

    def __post_init__(self) -> None:
        if not is_slug(self.name):
            raise ReleaseError(
                f"release name {self.name!r} must be lower-case letters, digits and dashes"
            )
        parse_version(self.version)
        if not self.title.strip() or "\n" in self.title:
            raise ReleaseError("a release needs a title of one line; give one with --name")
        if not self.license_text.strip() and self.license_id not in _LICENSE_NAMES:
            raise ReleaseError(
                f"license {self.license_id!r}: its text is not included here; give a license "
                f"file, or use one of: {', '.join(_LICENSE_NAMES)}"
            )

    @property
    def license_name(self) -> str:
        """For people."""
        return _LICENSE_NAMES.get(self.license_id, self.license_id)

    def full_license(self) -> str:
        """Text of LICENSE."""
        if self.license_text.strip():
            return self.license_text
        return _LICENSES.joinpath(f"{self.license_id}.txt").read_text(encoding="utf-8")


@dataclass(frozen=True)
class ReleaseContent:
    """What is released, as plain records.

    Attributes:
        concepts: The whole catalog, in its order; slugs are distinct.
        planned: Concept slug to its number of planned images.
        records: Every image drawn so far, generated or failed.
        kept: Ids of the kept images (`records.select_kept`).
        dropped: Id of every other generated image to the verdict that counts, from
            `dropping_verdicts`. A witness must be a kept image.
        templates: Prompt templates as used, YAML.
        settings: Settings as used, JSON-ready.
        environment: Library versions, device, model and weights digests, JSON-ready.
        measures: Id of every kept image to what curation measured of it.
        splits: Id of every kept image to its split.
        split_by: "group" if a fictional concept and its real counterpart are in one split,
            "image" if images of a concept are spread over splits, near-duplicates together.
        reports: Path in the release (`layout`) to a report's JSON value.
        encoder: Label of the encoder that judged the images, or "".
        vectors: Embeddings of kept and dropped images by that encoder, to be released, or None.
        samples: Counterfactual samples to be released, of kept images.
    """

    concepts: Sequence[Concept]
    planned: Mapping[str, int]
    records: Sequence[ImageRecord]
    kept: Sequence[str]
    dropped: Mapping[str, Verdict]
    templates: str
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    measures: Mapping[str, ImageMeasures]
    splits: Mapping[str, str]
    split_by: SplitBy
    reports: Mapping[str, Any]
    encoder: str
    vectors: EmbeddingTable | None
    samples: Sequence[ReleasedSample] = ()

    def __post_init__(self) -> None:
        slugs = {concept.slug for concept in self.concepts}
        if len(slugs) != len(self.concepts):
            raise ValueError("concept slugs repeat")
        unknown = ({record.concept for record in self.records} | self.planned.keys()) - slugs
        if unknown:
            raise ReleaseError(
                f"the workspace has images of concepts that the catalog lacks: "
                f"{', '.join(sorted(unknown))}; put them back, or start a new workspace"
            )
        generated = [record.image_id for record in self.records if record.generated]
        if len({record.image_id for record in self.records}) != len(self.records):
            raise ValueError("image ids repeat")
        judged = [*self.kept, *self.dropped]
        if sorted(judged) != sorted(generated):
            raise ReleaseError(
                f"{len(generated)} images were generated, but {len(self.kept)} are kept and "
                f"{len(self.dropped)} dropped; run the curation stages again"
            )

    def kept_records(self) -> list[ImageRecord]:
        """Records of the kept images: by concept as in the catalog, then by index."""
        place = {concept.slug: number for number, concept in enumerate(self.concepts)}
        kept = set(self.kept)
        return sorted(
            (record for record in self.records if record.image_id in kept),
            key=lambda record: (place[record.concept], record.planned.index, record.image_id),
        )

    def released_images(self) -> list[ReleasedImage]:
        """The kept images with their names, in release order."""
        concept_by_slug = {concept.slug: concept for concept in self.concepts}
        label = {concept.slug: number for number, concept in enumerate(self.concepts)}
        kept: dict[str, list[ImageRecord]] = {}
        records = self.kept_records()
        for record in records:
            kept.setdefault(record.concept, []).append(record)
        paths = name_images(self.concepts, kept)
        return [
            ReleasedImage(
                record,
                concept_by_slug[record.concept],
                label[record.concept],
                paths[record.image_id],
                self.splits[record.image_id],
                self.measures[record.image_id],
            )
            for record in records
        ]


@dataclass(frozen=True)
class ReleaseSummary:
    """What was built.

    Attributes:
        folder: The release.
        profile: How images travel.
        counts: The conservation numbers (see `counts.count_images`).
        files: Number of files, with SHA256SUMS and release.json.
        size: Bytes of all files.
        card: README.md.
        contact_sheet: The picture to look at first.
        manifests: Manifest file name to its number of rows.
        archive: The release as one file beside it, or None.
    """

    folder: Path
    profile: Profile
    counts: Mapping[str, Any]
    files: int
    size: int
    card: Path
    contact_sheet: Path
    manifests: Mapping[str, int]
    archive: Path | None

    def to_json(self) -> dict[str, Any]:
        """For `release build --json`."""
        return {
            "folder": str(self.folder),
            "profile": self.profile,
            "counts": dict(self.counts),
            "files": self.files,
            "size": self.size,
            "card": str(self.card),
            "contact_sheet": str(self.contact_sheet),
            "manifests": dict(self.manifests),
            "archive": None if self.archive is None else str(self.archive),
        }


def dropping_verdicts(
    dropped_by: Mapping[str, str], verdicts: Mapping[str, Mapping[str, Verdict]]
) -> dict[str, Verdict]:
    """The verdict that counts for each dropped image.

    Args:
        dropped_by: Image id to the name of a filter or "person", from `records.select_kept`.
        verdicts: Filter name to image id to verdict.
    """
    return {
        image_id: verdicts[by][image_id]
        if by in verdicts
        else Verdict(image_id=image_id, by=by, keep=False, reason="dropped_by_person")
        for image_id, by in dropped_by.items()
    }
