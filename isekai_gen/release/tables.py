"""The rows of a release's JSON-lines files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.manifests.names import normalize_label
from isekai_gen.release.content import ReleaseContent
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.layout import OVERLAP_FILE

# IPTC's term for pictures made by a trained model.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def metadata_row(image: ReleasedImage, size: int, sha256: str) -> dict[str, Any]:
    """One row of metadata.jsonl: exactly `columns.METADATA_COLUMNS`.

    Args:
        image: The image.
        size: Bytes of the file that is released.
        sha256: Of these bytes, 64 hex digits.
    """
    record, concept, measures = image.record, image.concept, image.measures
    planned = record.planned
    return {
        "id": record.image_id,
        "file_name": image.path,
        "split": image.split,
        "label": image.label,
        "concept": concept.slug,
        "name": concept.name,
        "lcl_label": normalize_label(concept.name),
        "kind": concept.kind,
        "group": concept.group,
        "prompt": planned.prompt,
        "negative_prompt": planned.negative_prompt,
        "template": planned.template,
        "seed": planned.seed,
        "row": planned.row,
        **record.provenance.to_fields(),
        "bytes": size,
        "sha256": sha256,
        "pixel_sha256": record.pixel_sha256,
        "safety_flagged": record.safety_flagged,
        "alignment": measures.alignment,
        "nearest_class": measures.nearest_class,
        "class_margin": measures.class_margin,
        "nearest_reference": measures.nearest_reference,
        "reference_similarity": measures.reference_similarity,
        "max_similarity": measures.max_similarity,
        "duplicate_group": measures.duplicate_group,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
    }


def concept_rows(content: ReleaseContent, counts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of concepts.jsonl, in the order of the catalog: row n has label n.

    Each is the catalog's entry with its label, its label in the LCL manifests, its kept images in
    all and by split, and the real classes nearest to it, the nearest first (none if nothing was
    compared).

    Args:
        content: What is released.
        counts: Of `counts.count_images`.
    """
    kept_in: dict[str, dict[str, int]] = {concept.slug: {} for concept in content.concepts}
    for record in content.kept_records():
        split = content.splits[record.image_id]
        kept_in[record.concept][split] = kept_in[record.concept].get(split, 0) + 1
    nearest = content.reports.get(OVERLAP_FILE, {}).get("nearest_classes", {})
    for label, concept in enumerate(content.concepts):
        yield {
            **concept.to_json(),
            "label": label,
            "lcl_label": normalize_label(concept.name),
            "images": counts["by_concept"][concept.slug]["kept"],
            "images_by_split": kept_in[concept.slug],
            "nearest_classes": nearest.get(concept.slug, []),
        }


def prompt_rows(
    content: ReleaseContent, images: Sequence[ReleasedImage]
) -> Iterator[dict[str, Any]]:
    """The rows of prompts.jsonl: every image drawn, also those that failed or were dropped.

    Args:
        content: What is released.
        images: The kept images; `file_name` is "" for the others.
    """
    path_by_id = {image.record.image_id: image.path for image in images}
    for record in sorted(content.records, key=lambda each: (each.concept, each.planned.index)):
        yield {
            **record.planned.to_json(),
            "failure": record.failure,
            "file_name": path_by_id.get(record.image_id, ""),
        }


def rejected_rows(
    content: ReleaseContent, images: Sequence[ReleasedImage]
) -> Iterator[dict[str, Any]]:
    """The rows of rejected.jsonl, by id: why each generated image that is not here was dropped.

    Args:
        content: What is released.
        images: The kept images.

    Raises:
        ReleaseError: If an image was dropped on account of one that is not kept.
    """
    concept_by_id = {record.image_id: record.concept for record in content.records}
    path_by_id = {image.record.image_id: image.path for image in images}
    for image_id, verdict in sorted(content.dropped.items()):
        if verdict.witness and verdict.witness not in path_by_id:
            raise ReleaseError(
                f"image {image_id} was dropped for being like {verdict.witness}, which is not "
                "kept; run `isekai-gen dedupe` again"
            )
        yield {
            "id": image_id,
            "concept": concept_by_id[image_id],
            "by": verdict.by,
            "reason": verdict.reason,
            "measured": verdict.measured,
            "limit": verdict.limit,
            "witness": verdict.witness,
            "witness_file_name": path_by_id.get(verdict.witness, ""),
            "reference": verdict.reference,
            "tier": verdict.tier,
        }
