"""Whether the images planned before still hold: which words they were planned with is no matter.

A planned image keeps its prompt, seed, row and id when catalog, templates or sampling change. What
it cannot outlive is another recipe, another seed of the dataset, or a concept that is gone or has
moved to another group: then it is no longer an image of this dataset.
"""

from __future__ import annotations

from collections import Counter

from isekai_gen.errors import StaleShardError
from isekai_gen.records import PlannedImage
from isekai_gen.shards import read_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.plan import PlanRequest, id_formula, own_recipe_of, row_of, seed_of
from isekai_gen.stages.plan_files import STAGE, count_planned, read_plan_part

_FINGERPRINT_SHOWN = 12


def require_lasting(context: StageContext, request: PlanRequest, fingerprint: str) -> None:
    """Refuse a request under which images on disk do not hold.

    Args:
        context: The workspace, and who is told of the progress.
        request: What is to be planned now.
        fingerprint: Of the plan that the request gives, for the message.

    Raises:
        StaleShardError: If there are such images; says how many and why, both fingerprints and
            the remedies.
        ChecksumError: If a part is not what was committed.
    """
    workspace = context.workspace
    check = _Check(request)
    parts = workspace.parts("plan")
    reasons: Counter[str] = Counter()
    total = sum(count_planned(workspace, part).total() for part in parts)
    with context.reporter.task("Checking the images planned before", total) as advance:
        for part in parts:
            images = read_plan_part(workspace, part)
            reasons.update(filter(None, map(check.reason, images)))
            advance(len(images))
    if not reasons:
        return
    marker = read_marker(workspace, STAGE, parts[-1])
    before = "(unfinished)" if marker is None else marker.fingerprint[:_FINGERPRINT_SHOWN]
    why = "; ".join(f"{reason}: {count}" for reason, count in reasons.items())
    raise StaleShardError(
        f"{reasons.total()} of the {total} images planned in {workspace.root} would no longer be "
        f"planned ({why}): the plan was made under fingerprint {before}, the settings now give "
        f"{fingerprint[:_FINGERPRINT_SHOWN]}; rerun with --force-stage to replace the plan (its "
        "records go to archive/, images stay), or choose a new --workspace"
    )


class _Check:
    """Compares planned images with what a request says of all images."""

    def __init__(self, request: PlanRequest) -> None:
        self._seed = request.seed
        self._rows = request.micro_batch_size
        self._id_of = id_formula(request.recipe)
        self._concepts = {concept.slug: concept for concept in request.catalog.concepts}

    def reason(self, image: PlannedImage) -> str:
        """Why an image does not hold; "" if it does."""
        concept = self._concepts.get(image.concept)
        if concept is None:
            return f"the catalog has no concept {image.concept!r} now"
        if self._id_of(own_recipe_of(image)) != image.image_id:
            return "another recipe"
        if seed_of(self._seed, image.concept, image.index, image.prompt) != image.seed:
            return "another --seed"
        if row_of(concept, image.index, self._rows) != image.row:
            return "concepts of another group or kind"
        return ""
