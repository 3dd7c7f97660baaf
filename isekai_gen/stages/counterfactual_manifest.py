"""The manifest of counterfactual samples: a JSON line each, with what is right to say of it now.

It lies beside the samples, and no other manifest names one: a sample with its object gone would
teach or test the wrong answer wherever a label is taken from the concept alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isekai_gen.counterfactuals.records import CounterfactualRecord
from isekai_gen.errors import ManifestError
from isekai_gen.manifests.isekai import KeptImage
from isekai_gen.manifests.names import normalize_label
from isekai_gen.records import Concept
from isekai_gen.records.base import SCHEMA
from isekai_gen.release.counterfactual_samples import right_answer
from isekai_gen.shards import encode_lines
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.counterfactual_files import samples_workspace
from isekai_gen.stages.counterfactual_pictures import require_pictures
from isekai_gen.stages.counterfactual_read import read_counterfactuals
from isekai_gen.stages.manifest_report import ManifestReport
from isekai_gen.stages.selection import select
from isekai_gen.storage import write_atomically

FORMAT = "counterfactual"
FILE = "manifest.jsonl"


def write_counterfactual_manifest(context: StageContext) -> ManifestReport:
    """Write counterfactuals/manifest.jsonl; the caller holds the workspace's lock.

    Verdicts on images are refreshed first: samples of those that are dropped now are left out.

    Raises:
        InputError: If no samples were made, or they were not judged.
        ManifestError: If none is kept.
        ChecksumError: If a picture is not what was recorded.
    """
    selection = select(context)
    samples = [sample.record for sample in read_counterfactuals(context.workspace)]
    kept = frozenset(selection.kept)
    rows = counterfactual_rows(
        samples,
        {concept.slug: concept for concept in selection.catalog.concepts},
        {
            image.image_id: KeptImage(image.image_id, image.concept, image.path)
            for image in selection.records
            if image.image_id in kept
        },
    )
    require_pictures(context.workspace, samples)
    path = samples_workspace(context.workspace).root / FILE
    write_atomically(path, encode_lines(rows))
    there = {sample.recipe.concept for sample in samples}
    skipped = {
        concept.slug: "no counterfactual sample of it is kept"
        for concept in selection.catalog.concepts
        if concept.slug not in there
    }
    return ManifestReport(FORMAT, path, len(rows), 0, skipped)


def counterfactual_rows(
    samples: Sequence[CounterfactualRecord],
    concepts: Mapping[str, Concept],
    images: Mapping[str, KeptImage],
) -> list[dict[str, Any]]:
    """A row for each sample, in the order given.

    `answer` is the concept's label where the object was kept, and "not LABEL" where it was not.

    Args:
        samples: Kept ones.
        concepts: By slug.
        images: Id to kept image, for sources and fillers.

    Raises:
        ManifestError: If there is no sample, or one is called like a kept image.
    """
    if not samples:
        raise ManifestError(
            "no counterfactual sample is kept; run `isekai-gen counterfactuals`, or see in "
            "`isekai-gen status` what dropped them"
        )
    paths = {image.path for image in images.values()}
    return [_row(sample, concepts[sample.recipe.concept], images, paths) for sample in samples]


def _row(
    sample: CounterfactualRecord,
    concept: Concept,
    images: Mapping[str, KeptImage],
    paths: set[str],
) -> dict[str, Any]:
    if sample.id in images or sample.path in paths:
        raise ManifestError(f"{sample.path} is an image of the dataset, and no sample can be one")
    recipe, label = sample.recipe, normalize_label(concept.name)
    return {
        "schema": SCHEMA,
        "id": sample.id,
        "image": sample.path,
        "source_image": images[recipe.source].path,
        "concept": concept.slug,
        "kind": concept.kind,
        "label": label,
        "kept": recipe.kept,
        "label_stands": sample.label_stands,
        "answer": right_answer(label, label_stands=sample.label_stands),
        "mask_rate": sample.mask_rate,
        "method": recipe.method,
        "area_from": recipe.area_from,
        "limit": recipe.limit,
        "refill": recipe.refill,
        "filler_source": recipe.filler_source,
        "fillers": [images[filler].path for filler in recipe.fillers],
    }
