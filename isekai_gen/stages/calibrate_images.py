"""The images that limits are calibrated with: those that near-duplicates are looked for among."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isekai_gen.filters.near_duplicate import NearDuplicateFilter
from isekai_gen.filters.picture_check import PictureCheckFilter
from isekai_gen.records import ImageRecord
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import (
    Facts,
    dropped_before,
    gather_facts,
    make_filter,
    require_opened,
    with_context,
)
from isekai_gen.stages.judging import judge_by_records
from isekai_gen.stages.looks import look_at_pictures
from isekai_gen.stages.looks_files import Looks


@dataclass(frozen=True, eq=False)
class CalibrationImages:
    """The images and what is known of them.

    Attributes:
        images: Generated and not dropped by people or by filters before near-duplicates.
        facts: Their embeddings and people's decisions.
        looks: Their perceptual hashes.
    """

    images: Sequence[ImageRecord]
    facts: Facts
    looks: Looks


def gather_images(context: StageContext) -> CalibrationImages:
    """Look at and embed what is new, and leave out what other filters drop.

    Images that near-duplicate verdicts dropped before belong to it: limits that follow from what
    earlier limits left would only ever fall.

    Raises:
        InputError: If there are no images, or some cannot be opened.
    """
    looks = look_at_pictures(context)
    require_opened(looks.failures)
    facts = with_context(gather_facts(context), looks=looks.looks)
    check = make_filter(PictureCheckFilter.name, context.settings.picture_check.model_dump())
    fresh = {name: judged.verdicts for name, judged in judge_by_records(context, facts).items()}
    fresh[check.name] = {
        verdict.image_id: verdict for verdict in check.judge(facts.all_images, facts.context)
    }
    dropped = dropped_before(facts, context.workspace, NearDuplicateFilter.name, fresh)
    images = [image for image in facts.all_images if image.image_id not in dropped]
    return CalibrationImages(images, facts, looks)
