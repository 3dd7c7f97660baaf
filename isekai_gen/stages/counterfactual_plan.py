"""Which counterfactual samples are made of which kept images, and with whose pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from isekai_gen.counterfactuals.fillers import (
    FillerPool,
    FillerSource,
    choose_fillers,
    fill_seed,
)
from isekai_gen.counterfactuals.records import (
    CounterfactualRecipe,
    Kept,
    needs_fillers,
    random_control,
)
from isekai_gen.counterfactuals.refill import Refill
from isekai_gen.errors import InputError
from isekai_gen.prompts.catalog import Catalog
from isekai_gen.records import ImageRecord
from isekai_gen.settings import CounterfactualSettings
from isekai_gen.stages.counterfactual_files import PlannedSample
from isekai_gen.stages.counterfactual_making import Making

MULTI_FILLERS = 16
"""Most pictures that multi-fill takes patches from."""


@dataclass(frozen=True, eq=False)
class SamplePlan:
    """What samples are planned from.

    Attributes:
        settings: How many of which kind.
        making: What they have in common.
        records: Id to record, of all kept images.
        pool: Who may fill.
    """

    settings: CounterfactualSettings
    making: Making
    records: Mapping[str, ImageRecord]
    pool: FillerPool

    def samples_of(self, image: ImageRecord) -> list[PlannedSample]:
        """The samples of one kept image, each recipe once; controls follow their samples.

        Raises:
            InputError: If there are too few fillers.
        """
        recipes = {recipe.sample_id: recipe for recipe in self._recipes(image)}
        planned = []
        for recipe in recipes.values():
            pictures = [self.records[each] for each in (recipe.source, *recipe.fillers)]
            planned.append(
                PlannedSample(
                    recipe,
                    tuple(each.path for each in pictures),
                    tuple(each.file_sha256 for each in pictures),
                )
            )
        return planned

    def _recipes(self, image: ImageRecord) -> Iterator[CounterfactualRecipe]:
        for kept in self.settings.kept:
            for refill in self.settings.refills:
                sources: tuple[FillerSource | Literal[""], ...] = ("",)
                if needs_fillers(refill):
                    sources = self.settings.filler_sources
                for source in sources:
                    for copy in range(self.settings.per_image):
                        yield from self._with_control(image, kept, refill, source, copy)

    def _with_control(
        self,
        image: ImageRecord,
        kept: Kept,
        refill: Refill,
        source: FillerSource | Literal[""],
        copy: int,
    ) -> Iterator[CounterfactualRecipe]:
        making = self.making
        seed = fill_seed(self.settings.seed + copy, image.image_id)
        recipe = CounterfactualRecipe(
            source=image.image_id,
            concept=image.concept,
            kept=kept,
            method=making.method,
            area_from="",
            encoder=making.encoder,
            target=making.target,
            limit=making.limit,
            shape=making.shape,
            refill=refill,
            filler_source=source,
            fillers=self._fillers(image, refill, source, copy) if source else (),
            inpainting=dict(making.inpainting.described)
            if refill == "inpaint" and making.inpainting
            else {},
            # What draws nothing does not depend on a seed, nor should its id.
            seed=seed if refill in ("multi", "inpaint") else 0,
        )
        if self.settings.method != "random":
            yield recipe
        if self.settings.random_control or self.settings.method == "random":
            yield random_control(recipe, seed)

    def _fillers(
        self, image: ImageRecord, refill: Refill, source: FillerSource, copy: int
    ) -> tuple[str, ...]:
        """For single, copies take the first, the second ... of one order, and so never the same."""
        slug, seed = image.concept, self.settings.seed
        if refill == "single":
            wanted = self.settings.per_image
            chosen = choose_fillers(self.pool, image.image_id, slug, source, wanted, seed)
            return chosen[copy : copy + 1]
        count = min(MULTI_FILLERS, max(2, self._there(slug, source)))
        return choose_fillers(self.pool, image.image_id, slug, source, count, seed + copy)

    def _there(self, slug: str, source: FillerSource) -> int:
        """How many images may fill one of a concept."""
        count = {name: len(ids) for name, ids in self.pool.images_by_concept.items()}
        counterpart = count.get(self.pool.counterparts.get(slug, ""), 0)
        if source == "same":
            return count[slug] - 1
        if source == "counterpart":
            return counterpart
        return sum(count.values()) - count[slug] - counterpart


def plan_from(
    settings: CounterfactualSettings,
    making: Making,
    catalog: Catalog,
    kept: Mapping[str, list[ImageRecord]],
) -> SamplePlan:
    """The plan for the kept images of a catalog's concepts.

    Raises:
        InputError: If no image is kept.
    """
    records = {image.image_id: image for images in kept.values() for image in images}
    if not records:
        raise InputError(
            "no image is kept, so there is nothing to make samples of; draw some first"
        )
    pairs = [(group.fictional.slug, group.real.slug) for group in catalog.groups]
    counterparts = dict(pairs) | {real: fictional for fictional, real in pairs}
    by_concept = {slug: [image.image_id for image in images] for slug, images in kept.items()}
    return SamplePlan(settings, making, records, FillerPool(by_concept, counterparts))
