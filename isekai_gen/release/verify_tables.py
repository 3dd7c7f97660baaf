"""Check what a release's files say about each other: manifests, rejections, numbers, card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import yaml

from isekai_gen.manifests.check import check_manifest
from isekai_gen.release.counts import check_counts
from isekai_gen.release.index import INDEX_FILE
from isekai_gen.release.received import ReceivedTree
from isekai_gen.release.verify_images import METADATA_FILE

CALIBRATION_FILE = "reports/calibration.json"
"""What the limits of near-duplicates were measured to do; optional."""
_CALIBRATION_SCHEMA = 1
_CARD = "README.md"
_CARD_KEYS = ("pretty_name", "license", "configs")
# A broken manifest of a million rows says nothing more after this many lines.
_MAX_FAULTS = 100


def check_manifests(tree: ReceivedTree, image_paths: set[str]) -> None:
    """Report manifests that break a rule or name a file that is no image of this release."""
    for name in sorted(tree.files):
        if not (name.startswith("lcl/") and name.endswith(".json")):
            continue
        rows = tree.read_rows(name)
        faults = check_manifest(rows)
        named = {path for row in rows for path in _named_images(row)}
        faults += [f"names {path!a}, no image of this release" for path in named - image_paths]
        for fault in sorted(faults)[:_MAX_FAULTS]:
            tree.report(name, "manifest", fault)
        if len(faults) > _MAX_FAULTS:
            tree.report(name, "manifest", f"{len(faults) - _MAX_FAULTS} more faults")


def _named_images(row: Mapping[str, Any]) -> list[str]:
    values = [row.get("image_name")]
    for key in ("positive_list", "negative_list"):
        paths = row.get(key)
        values += paths if isinstance(paths, list) else []
    return [value for value in values if isinstance(value, str)]


def check_references(tree: ReceivedTree, metadata: list[dict[str, Any]]) -> None:
    """Report rejected images whose witness is not here, or that are here after all."""
    kept = {
        row.get("id"): row.get("file_name") for row in metadata if isinstance(row.get("id"), str)
    }
    rejected = "rejected.jsonl"
    for number, row in enumerate(tree.read_rows(rejected), start=1):
        witness, image_id = row.get("witness"), row.get("id")
        if not isinstance(witness, str) or not isinstance(image_id, str):
            tree.report(rejected, "rejected", f"line {number}: id and witness must be text")
        elif image_id in kept:
            tree.report(rejected, "rejected", f"line {number}: {image_id!a} is a released image")
        elif witness and witness not in kept:
            tree.report(
                rejected, "rejected", f"line {number}: witness {witness!a} is no released image"
            )
    prompts = "prompts/prompts.jsonl"
    for number, row in enumerate(tree.read_rows(prompts), start=1):
        image_id, name = row.get("image_id"), row.get("file_name")
        expected = kept.get(image_id, "") if isinstance(image_id, str) else None
        if name != expected:
            tree.report(prompts, "metadata", f"line {number}: file_name must be {expected!a}")


def check_numbers(
    tree: ReceivedTree, index: Mapping[str, Any], metadata: list[dict[str, Any]]
) -> None:
    """Report counts in release.json that do not add up or differ from the files."""
    counts = index.get("counts")
    faults = check_counts(counts)
    for fault in faults:
        tree.report(INDEX_FILE, "counts", fault)
    if "reports/stats.json" in tree.files and tree.read_json("reports/stats.json") != counts:
        tree.report("reports/stats.json", "counts", f"differs from the counts in {INDEX_FILE}")
    if faults or not isinstance(counts, Mapping):
        return
    by_concept = counts["by_concept"]
    _compare(tree, METADATA_FILE, _tally(metadata, "concept"), _numbers(by_concept, "kept"))
    rejected = tree.read_rows("rejected.jsonl")
    generated_less_kept = {
        slug: part["generated"] - part["kept"] for slug, part in by_concept.items()
    }
    _compare(tree, "rejected.jsonl", _tally(rejected, "concept"), generated_less_kept)
    _compare(tree, "rejected.jsonl", _tally(rejected, "by"), counts["dropped"])
    concepts = {
        row.get("slug"): row.get("images")
        for row in tree.read_rows("concepts.jsonl")
        if isinstance(row.get("slug"), str)
    }
    if concepts != _numbers(by_concept, "kept"):
        tree.report("concepts.jsonl", "counts", f"differs from the counts in {INDEX_FILE}")


def _numbers(by_concept: Mapping[str, Any], name: str) -> dict[str, int]:
    return {slug: part[name] for slug, part in by_concept.items()}


def _tally(rows: list[dict[str, Any]], key: str) -> Counter[str]:
    return Counter(value for row in rows if isinstance(value := row.get(key), str))


def _compare(tree: ReceivedTree, name: str, found: Counter[str], stated: Mapping[str, int]) -> None:
    for key in sorted(found.keys() | stated.keys()):
        if found[key] != stated.get(key, 0):
            tree.report(
                name,
                "counts",
                f"{found[key]} rows of {key!a}, but {stated.get(key, 0)} in {INDEX_FILE}",
            )


def check_calibration(tree: ReceivedTree) -> None:
    """Report a calibration that is none; a release need not have one."""
    if CALIBRATION_FILE not in tree.files:
        return
    content = tree.read_json(CALIBRATION_FILE)
    if content is None:
        return
    fields = content if isinstance(content, Mapping) else {}
    if fields.get("schema") != _CALIBRATION_SCHEMA or not isinstance(fields.get("tiers"), Mapping):
        message = f"must be an object of schema {_CALIBRATION_SCHEMA} with tiers"
        tree.report(CALIBRATION_FILE, "json", message)


def check_card(tree: ReceivedTree) -> None:
    """Report a README.md whose YAML header the Hub could not use."""
    content = tree.read_bytes(_CARD)
    if content is None:
        return
    try:
        start, header, _ = content.decode("utf-8").split("---\n", 2)
        fields = yaml.safe_load(header)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        brief = ascii(str(error).splitlines()[0] if str(error) else type(error).__name__)
        tree.report(_CARD, "card", f"its YAML header cannot be read: {brief}")
        return
    if start or not isinstance(fields, Mapping):
        tree.report(_CARD, "card", "must begin with a YAML header")
        return
    missing = [key for key in _CARD_KEYS if not fields.get(key)]
    if missing:
        tree.report(_CARD, "card", f"its YAML header lacks {', '.join(missing)}")
