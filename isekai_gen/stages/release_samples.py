"""The counterfactual samples that are released with the images they were made from."""

from __future__ import annotations

from collections.abc import Mapping

from isekai_gen.errors import InputError
from isekai_gen.release.counterfactual_samples import ReleasedSample
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.counterfactual_read import KeptSample, read_counterfactuals
from isekai_gen.stages.counterfactual_status import has_samples


def released_samples(
    context: StageContext, splits: Mapping[str, str]
) -> tuple[ReleasedSample, ...]:
    """The kept samples, if there are any and the settings want them.

    One with pixels from several splits is left out, and said: it would leak from one to another.

    Args:
        context: With the workspace and its settings.
        splits: Id of every kept image to its split.

    Raises:
        InputError: If samples were planned and not made or judged yet.
        ChecksumError: If a file is not what was committed.
    """
    workspace = context.workspace
    if not has_samples(workspace) or not context.settings.release.counterfactuals:
        return ()
    try:
        kept = read_counterfactuals(workspace)
    except InputError as error:
        raise InputError(f"{error}, or release without: --no-counterfactuals") from error
    found = [each for each in kept if _is_of_one_split(each, splits)]
    context.reporter.note(f"Counterfactual samples, apart from the images: {len(found)}")
    if left_out := len(kept) - len(found):
        context.reporter.note(
            f"{left_out} counterfactual samples have pixels from more than one split, so they are "
            "not released"
        )
    return tuple(map(_released, found))


def _is_of_one_split(sample: KeptSample, splits: Mapping[str, str]) -> bool:
    recipe = sample.record.recipe
    return len({splits[each] for each in (recipe.source, *recipe.fillers)}) == 1


def _released(sample: KeptSample) -> ReleasedSample:
    record, recipe = sample.record, sample.record.recipe
    return ReleasedSample(
        id=record.id,
        source=recipe.source,
        label_stands=record.label_stands,
        kept=recipe.kept,
        method=recipe.method,
        area_from=recipe.area_from,
        limit=recipe.limit,
        mask_rate=record.mask_rate,
        refill=recipe.refill,
        filler_source=recipe.filler_source,
        fillers=recipe.fillers,
        seed=recipe.seed,
        pixel_sha256=record.pixel_sha256,
        picture=sample.picture,
    )
