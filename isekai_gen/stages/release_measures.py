"""What curation measured of every kept image, as metadata.jsonl tells it."""

from __future__ import annotations

from collections.abc import Mapping

from isekai_gen.filters.alignment import AlignmentFilter
from isekai_gen.filters.class_overlap import ClassOverlapFilter
from isekai_gen.filters.reference_copy import ReferenceCopyFilter
from isekai_gen.records import ImageRecord, Verdict
from isekai_gen.release.images import ImageMeasures
from isekai_gen.stages.alignment import find_distractors
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import gather_facts, verdicts_of
from isekai_gen.stages.release_measures_links import (
    KnownDuplicates,
    joined_duplicates,
    max_similarities,
)
from isekai_gen.stages.selection import Selection

# This verdict measures something else: how near the image's own class is, among all classes.
_BY_CLASS = "unlike_its_class"


def measure_images(
    context: StageContext, selection: Selection, duplicates: KnownDuplicates | None
) -> dict[str, ImageMeasures]:
    """Id of every kept image to its measures; what no filter measured is None or "".

    Args:
        context: The workspace, locked, with verdicts that are up to date.
        selection: What is kept.
        duplicates: From `known_duplicates`.
    """
    workspace = context.workspace
    joined = joined_duplicates(workspace, selection, duplicates)
    highest = max_similarities(selection, duplicates)
    by_class = verdicts_of(workspace, ClassOverlapFilter.name)
    by_reference = verdicts_of(workspace, ReferenceCopyFilter.name)
    alignment = _alignment(context, selection)
    found = {}
    for image_id in selection.kept:
        to_class, to_image = by_class.get(image_id), by_reference.get(image_id)
        found[image_id] = ImageMeasures(
            duplicate_group=joined[image_id],
            alignment=alignment.get(image_id),
            nearest_class=to_class.reference if to_class else "",
            class_margin=to_class.measured if to_class else None,
            nearest_reference=to_image.reference if to_image else "",
            reference_similarity=to_image.measured if to_image else None,
            max_similarity=highest.get(image_id),
        )
    return found


def _alignment(context: StageContext, selection: Selection) -> dict[str, float | None]:
    """Id of every kept image that `alignment` judged to its margin over other concepts' texts."""
    verdicts = verdicts_of(context.workspace, AlignmentFilter.name)
    kept = frozenset(selection.kept)
    judged = {image_id: verdict for image_id, verdict in verdicts.items() if image_id in kept}
    again = [
        record
        for record in selection.records
        if record.image_id in judged and judged[record.image_id].reason == _BY_CLASS
    ]
    return {**_measured(judged), **_margins(context, again)}


def _measured(verdicts: Mapping[str, Verdict]) -> dict[str, float | None]:
    return {image_id: verdict.measured for image_id, verdict in verdicts.items()}


def _margins(context: StageContext, images: list[ImageRecord]) -> dict[str, float | None]:
    if not images:
        return {}
    known = gather_facts(context).context
    if known.embeddings is None or known.own_text is None:
        raise ValueError("facts without embeddings")
    found = find_distractors(images, known.embeddings, known.own_text)
    return {image_id: evidence.measured for image_id, evidence in found.items()}
