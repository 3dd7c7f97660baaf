"""The rows of a release's JSON-lines files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isekai_gen.manifests.names import normalize_label
from isekai_gen.records import Concept, ImageRecord
from isekai_gen.release.content import ReleaseContent

# IPTC's term for pictures made by a trained model.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_MIN_DIGITS = 4


@dataclass(frozen=True)
class ReleasedImage:
    """A kept image and its place in the release.

    Attributes:
        record: As in the workspace.
        path: "images/<concept>/<concept>-0001.png" (or .webp, .jpg), relative to the release.
        size: Bytes of the file.
    """

    record: ImageRecord
    path: str
    size: int


def name_images(content: ReleaseContent) -> dict[str, str]:
    """Id of every kept image to its path in the release, in release order."""
    by_concept: dict[str, list[ImageRecord]] = {}
    for record in content.kept_records():
        by_concept.setdefault(record.concept, []).append(record)
    digits = max(_MIN_DIGITS, len(str(max(map(len, by_concept.values()), default=0))))
    return {
        record.image_id: f"images/{slug}/{slug}-{number:0{digits}d}{record.suffix}"
        for slug, records in by_concept.items()
        for number, record in enumerate(records, start=1)
    }


def metadata_row(image: ReleasedImage, concept: Concept) -> dict[str, Any]:
    """One row of metadata.jsonl, flat so that `datasets` makes a column of each key."""
    planned, provenance = image.record.planned, image.record.provenance.to_fields()
    return {
        "id": image.record.image_id,
        "file_name": image.path,
        "concept": concept.slug,
        "name": concept.name,
        "label": normalize_label(concept.name),
        "kind": concept.kind,
        "group": concept.group,
        "prompt": planned.prompt,
        "negative_prompt": planned.negative_prompt,
        "template": planned.template,
        "seed": planned.seed,
        "row": planned.row,
        **provenance,
        "bytes": image.size,
        "sha256": image.record.file_sha256,
        "pixel_sha256": image.record.pixel_sha256,
        "safety_flagged": image.record.safety_flagged,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
    }


def concept_row(concept: Concept, kept: int) -> dict[str, Any]:
    """One row of concepts.jsonl: the catalog's entry, its label and how many images it has."""
    return {**concept.to_json(), "label": normalize_label(concept.name), "images": kept}


def prompt_row(record: ImageRecord, paths: Mapping[str, str]) -> dict[str, Any]:
    """One row of prompts.jsonl: every image drawn, also those that failed or were dropped.

    Args:
        record: The image.
        paths: Id of every kept image to its path in the release.
    """
    return {
        **record.planned.to_json(),
        "failure": record.failure,
        "file_name": paths.get(record.image_id, ""),
    }


def rejected_rows(content: ReleaseContent) -> list[dict[str, Any]]:
    """The rows of rejected.jsonl: why each generated image that is not here was dropped."""
    concept_by_id = {record.image_id: record.concept for record in content.records}
    return [
        {
            "id": image_id,
            "concept": concept_by_id[image_id],
            "by": verdict.by,
            "reason": verdict.reason,
            "measured": verdict.measured,
            "limit": verdict.limit,
            "witness": verdict.witness,
            "reference": verdict.reference,
            "tier": verdict.tier,
        }
        for image_id, verdict in sorted(content.dropped.items())
    ]
