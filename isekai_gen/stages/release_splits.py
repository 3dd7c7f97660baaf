"""Divide the kept images of a workspace into the splits that its settings ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from isekai_gen.release.building.lcl_files import count_rows
from isekai_gen.release.content import ReleaseContent
from isekai_gen.release.images import ImageMeasures
from isekai_gen.release.splits import Divisible, assign_splits, parse_splits
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.selection import Selection


def divide_images(
    context: StageContext, selection: Selection, measures: Mapping[str, ImageMeasures]
) -> dict[str, str]:
    """Id of every kept image to its split.

    Args:
        context: With the settings on splits.
        selection: What is kept.
        measures: Of every kept image, with its near-duplicates.

    Raises:
        ReleaseError: If the splits are not written as they should be, or one would be empty.
    """
    settings = context.settings.release
    group_of = {concept.slug: concept.group for concept in selection.catalog.concepts}
    images = [
        Divisible(
            record.image_id,
            record.concept,
            group_of[record.concept],
            measures[record.image_id].duplicate_group,
        )
        for record in selection.records
        if record.image_id in measures
    ]
    splits = parse_splits(settings.splits)
    assigned = assign_splits(images, splits, settings.split_by, settings.split_seed)
    if len(splits) > 1:
        counts = Counter(assigned.values())
        held = ", ".join(f"{split.name} {counts[split.name]} images" for split in splits)
        context.reporter.note(f"Splits, near-duplicates together: {held}")
    return assigned


def tell_straddling_rows(context: StageContext, content: ReleaseContent) -> None:
    """Say which rows of few-shot manifests are not released since they mix splits.

    Raises:
        ReleaseError: If a manifest names an image that is not kept.
    """
    for name, counts in count_rows(context.workspace, content.released_images()).items():
        if counts.left_out:
            rest = f"{counts.rows} are" if counts.rows else "so it is not"
            context.reporter.note(
                f"{name}: {counts.left_out} rows have images of more than one split; "
                f"{rest} released"
            )
