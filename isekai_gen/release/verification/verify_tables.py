"""Check the JSON-lines files beside metadata.jsonl: concepts, prompts, rejected images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from isekai_gen.manifests.names import normalize_label
from isekai_gen.release.columns import REJECTED_COLUMNS
from isekai_gen.release.layout import CONCEPTS_FILE, METADATA_FILE, PROMPTS_FILE, REJECTED_FILE
from isekai_gen.release.verification.received_release import ReceivedRelease
from isekai_gen.release.verification.verify_columns import column_faults
from isekai_gen.release.verification.verify_metadata import drawn_from
from isekai_gen.workspace import is_slug

_KINDS = ("fictional", "real")


def check_concepts(release: ReceivedRelease) -> None:
    """Report concepts whose label, name or numbers of images are not as the images say."""
    found: dict[str, Counter[str]] = {}
    for image in release.images.values():
        found.setdefault(image.concept, Counter())[image.split] += 1
    slugs: set[str] = set()
    faults = []
    for number, row in enumerate(release.concepts):
        slug, where = row.get("slug"), f"line {number + 1}"
        if not isinstance(slug, str) or not is_slug(slug) or slug in slugs:
            faults.append(f"{where}: slug {slug!a} is none, or repeated")
            continue
        slugs.add(slug)
        if row.get("label") != number:
            faults.append(f"{where}: label must be {number}, its row from 0")
        name = row.get("name")
        if not isinstance(name, str) or row.get("lcl_label") != normalize_label(name):
            faults.append(f"{where}: lcl_label is not that of its name")
        if row.get("kind") not in _KINDS or not isinstance(row.get("group"), str):
            faults.append(f"{where}: kind must be one of {_KINDS}, group a text")
        by_split = found.get(slug, Counter())
        if row.get("images") != by_split.total() or row.get("images_by_split") != dict(by_split):
            faults.append(f"{where}: images of {slug!a} are not those of {METADATA_FILE}")
    release.tree.report_some(CONCEPTS_FILE, "concepts", faults)


def check_prompts(release: ReceivedRelease) -> None:
    """Report prompts that are not those of their images, and images without their prompt."""
    rejected = {
        row["id"] for _, row in release.tree.iter_rows(REJECTED_FILE) if _is_text(row.get("id"))
    }
    drawn: set[str] = set()
    faults = []
    differing = []
    for number, row in release.tree.iter_rows(PROMPTS_FILE):
        where, image_id = f"line {number}", row.get("image_id")
        if not isinstance(image_id, str) or image_id in drawn:
            faults.append(f"{where}: image_id {image_id!a} is no text, or repeated")
            continue
        drawn.add(image_id)
        image = release.image_by_id.get(image_id)
        if row.get("file_name") != (image.path if image else ""):
            shown = image.path if image else ""
            faults.append(f"{where}: file_name must be {shown!a}")
        if image is not None and image.drawn_from != drawn_from(row):
            differing.append(image.line)
        failed = row.get("failure") != ""
        if failed == (image is not None or image_id in rejected):
            faults.append(f"{where}: failed images, and no others, are neither here nor rejected")
    missing = [image.id for image in release.images.values() if image.id not in drawn]
    missing += [each for each in rejected if each not in drawn]
    faults += [f"has no line for image {each!a}" for each in sorted(missing)]
    release.tree.report_some(PROMPTS_FILE, "prompts", faults)
    release.tree.report_some(
        METADATA_FILE,
        "prompts",
        [f"line {n}: prompt, template, seed or row differ from {PROMPTS_FILE}" for n in differing],
    )


def check_rejected(release: ReceivedRelease) -> None:
    """Report rejected images that are here, or whose witness is not, or that tell no reason."""
    slugs = {concept["slug"] for concept in release.concepts if _is_text(concept.get("slug"))}
    seen: set[str] = set()
    faults = []
    for number, row in release.tree.iter_rows(REJECTED_FILE):
        found = column_faults(row, REJECTED_COLUMNS)
        if not found:
            found = _check_evidence(release, row)
            if row["id"] in seen:
                found.append("id is repeated")
            if row["concept"] not in slugs:
                found.append(f"concept {row['concept']!a} is not in {CONCEPTS_FILE}")
            seen.add(row["id"])
        faults += [f"line {number}: {each}" for each in found]
    release.tree.report_some(REJECTED_FILE, "rejected", faults)


def _check_evidence(release: ReceivedRelease, row: Mapping[str, Any]) -> list[str]:
    faults = []
    if row["id"] in release.image_by_id:
        faults.append(f"{row['id']!a} is a released image")
    if not row["by"] or not row["reason"]:
        faults.append("by and reason must not be empty")
    witness = release.image_by_id.get(row["witness"])
    if row["witness"] and witness is None:
        faults.append(f"witness {row['witness']!a} is no released image")
    elif row["witness_file_name"] != (witness.path if witness else ""):
        faults.append("witness_file_name is not that of the witness")
    above = row["witness"] and row["measured"] is not None and row["limit"] is not None
    if above and row["tier"] != "person" and row["measured"] <= row["limit"]:
        faults.append("its similarity to the witness does not exceed the limit")
    return faults


def _is_text(value: object) -> bool:
    return isinstance(value, str)
