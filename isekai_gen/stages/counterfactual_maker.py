"""Make counterfactual samples: find the object in a picture, replace it or what is around it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from isekai_gen.counterfactuals.masks import (
    Mask,
    PictureGrid,
    context_mask,
    mask_rate,
    object_mask,
    patch_numbers,
    random_mask,
)
from isekai_gen.counterfactuals.records import CounterfactualRecord, label_stands
from isekai_gen.counterfactuals.refill import paste_masked, refill
from isekai_gen.embeddings import FloatArray
from isekai_gen.hashing import pixel_sha256
from isekai_gen.models.activation import ActivationMapper, ConceptTexts
from isekai_gen.models.inpainting import Inpainter, NotFiniteError
from isekai_gen.pixels import RgbPixels, rgb_pixels
from isekai_gen.records import Provenance
from isekai_gen.stages.counterfactual_files import (
    Outcome,
    PlannedSample,
    SampleFailure,
    picture_file,
    sample_path,
)
from isekai_gen.stages.counterfactual_making import Making
from isekai_gen.stages.counterfactual_pictures import sample_bytes
from isekai_gen.stages.embed_words import ConceptWords, concept_rows
from isekai_gen.stages.pictures import decode_picture
from isekai_gen.storage import replace_file
from isekai_gen.workspace import Workspace

NO_ACTIVATION = "nothing in the picture speaks for its concept"
NO_OBJECT = "the mask covers nothing of the picture"
NO_CONTEXT = "the mask covers the whole picture"
# Fillers are drawn from everywhere, so few of them come again within a shard.
_PICTURES_HELD = 64


@dataclass(frozen=True, eq=False)
class _Found:
    """A picture, its mask and the grid that the mask was made on."""

    pixels: RgbPixels
    mask: Mask
    grid: PictureGrid


class SampleMaker:
    """Makes samples of one workspace on one device."""

    def __init__(
        self,
        workspace: Workspace,
        making: Making,
        mapper: ActivationMapper,
        load_inpainter: Callable[[], Inpainter],
    ) -> None:
        """Around loaded models.

        Args:
            workspace: The main one.
            making: What samples have in common.
            mapper: Finds objects.
            load_inpainter: Called for each drawn refill; to be cached.
        """
        self._workspace = workspace
        self._making = making
        self._mapper = mapper
        self._inpainter = load_inpainter
        self._slugs = list(making.texts)
        self._vectors = _text_vectors(making, mapper)
        self._picture = functools.lru_cache(_PICTURES_HELD)(self._open)
        self._view = functools.cache(mapper.view)

    def make(
        self, sources: Sequence[Sequence[PlannedSample]], provenance: Mapping[str, Provenance]
    ) -> list[Outcome]:
        """Make and write the samples of some pictures; their folders are yet to be made durable.

        Args:
            sources: The samples of each picture, at least one.
            provenance: Id of each source to how it was drawn.

        Returns:
            One outcome a sample, in order.
        """
        opened: dict[int, Image.Image] = {}
        failed: dict[int, str] = {}
        for number, samples in enumerate(sources):
            pixels, why = self._picture(samples[0].paths[0], samples[0].digests[0])
            if pixels is None:
                failed[number] = why
            else:
                opened[number] = Image.fromarray(pixels)
        found = self._find(opened, sources)
        outcomes: list[Outcome] = []
        for number, samples in enumerate(sources):
            for sample in samples:
                if number in failed:
                    outcomes.append(_failure(sample, failed[number], skipped=False))
                else:
                    origin = provenance[sample.recipe.source]
                    outcomes.append(self._make_one(sample, found[number], origin))
        return outcomes

    def _find(
        self, opened: dict[int, Image.Image], sources: Sequence[Sequence[PlannedSample]]
    ) -> dict[int, _Found | None]:
        """Number of each opened picture to its object; None where there is no activation."""
        if not opened:
            return {}
        rows = [self._slugs.index(sources[number][0].recipe.concept) for number in opened]
        texts = ConceptTexts(self._vectors, np.array(rows, dtype=np.int64), self._making.target)
        maps = self._mapper.maps(list(opened.values()), texts, self._making.method)
        return {
            number: self._masked(picture, activation) if there else None
            for (number, picture), activation, there in zip(
                opened.items(), maps.values, maps.found, strict=True
            )
        }

    def _masked(self, picture: Image.Image, activation: FloatArray) -> _Found:
        width, height = picture.size
        rows, columns = activation.shape
        grid = PictureGrid(width, height, rows, columns, self._view(width, height))
        mask = object_mask(activation, grid, self._making.limit, self._making.shape)
        return _Found(rgb_pixels(picture), mask, grid)

    def _make_one(
        self, sample: PlannedSample, found: _Found | None, provenance: Provenance
    ) -> Outcome:
        if found is None:
            return _failure(sample, NO_ACTIVATION, skipped=True)
        recipe, mask = sample.recipe, found.mask
        if not mask.any() or mask.all():
            return _failure(sample, NO_CONTEXT if mask.any() else NO_OBJECT, skipped=True)
        if recipe.method == "random":
            mask = random_mask(mask, found.grid, recipe.shape, recipe.seed)
        masked = context_mask(mask) if recipe.kept == "object" else mask
        fillers: list[RgbPixels] = []
        for path, digest in zip(sample.paths[1:], sample.digests[1:], strict=True):
            pixels, why = self._picture(path, digest)
            if pixels is None:
                return _failure(sample, why, skipped=False)
            fillers.append(pixels)
        try:
            pixels = self._refilled(sample, found, masked, fillers)
        except NotFiniteError as error:
            return _failure(sample, str(error), skipped=False)
        record = _record_of(sample, pixels, masked)
        told = self._making.prompt_metadata
        content = sample_bytes(pixels, record, provenance, prompt_metadata=told)
        replace_file(picture_file(self._workspace, record.recipe), content)
        return record

    def _refilled(
        self, sample: PlannedSample, found: _Found, masked: Mask, fillers: list[RgbPixels]
    ) -> RgbPixels:
        inpainting = self._making.inpainting
        if sample.recipe.refill != "inpaint" or inpainting is None:
            patches = patch_numbers(found.grid)
            return refill(found.pixels, masked, fillers, patches, sample.recipe.seed)
        request = replace(inpainting.request, seed=sample.recipe.seed)
        drawn = self._inpainter().inpaint(found.pixels, masked, request)
        return paste_masked(found.pixels, masked, drawn)

    def _open(self, path: str, digest: str) -> tuple[RgbPixels | None, str]:
        """A picture's pixels; None and the reason if it is not what was recorded."""
        file = self._workspace.root / path
        try:
            content = file.read_bytes()
        except OSError as error:
            return None, f"{path}: cannot be read ({error.strerror})"
        if hashlib.sha256(content).hexdigest() != digest:
            return None, f"{path}: other bytes than recorded; run generate to restore it"
        try:
            return rgb_pixels(decode_picture(content, file.suffix)), ""
        except ValueError as error:
            return None, f"{path}: {error}"


def _failure(sample: PlannedSample, why: str, *, skipped: bool) -> SampleFailure:
    return SampleFailure(sample.sample_id, sample.recipe, skipped, why)


def _record_of(sample: PlannedSample, pixels: RgbPixels, masked: Mask) -> CounterfactualRecord:
    recipe = sample.recipe
    return CounterfactualRecord(
        id=recipe.sample_id,
        recipe=recipe,
        label_stands=label_stands(recipe.kept),
        mask_rate=mask_rate(masked),
        path=sample_path(recipe),
        pixel_sha256=pixel_sha256(pixels),
    )


def _text_vectors(making: Making, mapper: ActivationMapper) -> FloatArray:
    """One unit row for each concept, float32 [concepts, d]."""
    _, vectors = concept_rows(ConceptWords(making.texts, {}), making.spec, mapper.encoder)
    return vectors
