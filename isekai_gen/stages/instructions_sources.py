"""Where the samples of instruction data come from: kept images, and episodes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.manifests.episodes import EpisodePlan, EpisodeSampler, largest_shots
from isekai_gen.manifests.instruction_episodes import EpisodeFile, episode_samples
from isekai_gen.manifests.instruction_formats import Content
from isekai_gen.manifests.instruction_samples import (
    InstructionSample,
    PicturedConcept,
    concept_faults,
    image_samples,
    reasoned_sample,
)
from isekai_gen.manifests.instruction_template_set import InstructionTemplates
from isekai_gen.manifests.paths import check_relative_path
from isekai_gen.records import Concept, Episode, ImageRecord
from isekai_gen.stages.context import StageContext, require_plan
from isekai_gen.stages.episodes_source import kept_source
from isekai_gen.stages.manifest import UPSTREAM_SHOTS
from isekai_gen.stages.selection import Selection, select

_NO_PARENTS = "has no parents in the catalog to reason from"


@dataclass(frozen=True)
class Wording:
    """All that samples are worded with.

    Attributes:
        words: Of episodes.
        templates: Of single images.
        seed: Of the choice among templates.
    """

    words: EpisodeWords
    templates: InstructionTemplates
    seed: int


@dataclass(frozen=True)
class InstructionSources:
    """What samples are made of.

    Attributes:
        pictured: Kept images in the order of their samples' keys.
        episodes: Episodes in the order of their keys; may be gone through again.
        shots: Most support images for one name of an episode.
        missing: Content that cannot be made, to the reason.
        skipped: Content to the slugs of concepts that it has nothing about, each with the reason.
    """

    pictured: Sequence[PicturedConcept] = ()
    episodes: Iterable[Episode] = ()
    shots: int = 0
    missing: Mapping[Content, str] = field(default_factory=dict)
    skipped: Mapping[Content, Mapping[str, str]] = field(default_factory=dict)

    def samples(self, content: Content, wording: Wording) -> Iterator[InstructionSample]:
        """The samples of one content, in the order of their keys."""
        if content == "episodes":
            yield from episode_samples(self.episodes, wording.words)
            return
        for pictured in self.pictured:
            if content == "images":
                yield from image_samples(pictured, wording.templates, wording.seed)
            elif pictured.concept.parents:
                yield reasoned_sample(pictured, wording.templates, wording.seed)


def open_sources(
    context: StageContext, contents: Collection[Content], episodes: Path | None, images: Path
) -> InstructionSources:
    """The kept images of the workspace, and the episodes of a file or drawn from them.

    Args:
        context: The workspace; without a plan in it, a file of episodes is all there is.
        contents: What is wanted; episodes are not looked for without need.
        episodes: The file; None to draw episodes.
        images: Folder that the file's paths are relative to.

    Raises:
        InputError: If there is neither a plan nor a file.
        ManifestError: If an episode of the file is wrong, or words of the catalog cannot be said
            to a model.
    """
    if episodes is not None and not context.workspace.parts("plan"):
        found = EpisodeFile.open(episodes, _EpisodeImages(images, frozenset()).faults)
        no_plan = f"{context.workspace.root} has no images yet: run isekai-gen generate first"
        missing: dict[Content, str] = {"images": no_plan, "reasons": no_plan}
        return InstructionSources(episodes=found, shots=found.shots, missing=missing)
    require_plan(context.workspace)
    selection = select(context)
    _refuse_commands(selection)
    sources = _of_images(selection)
    if "episodes" not in contents:
        return sources
    if episodes is None:
        return _with_drawn_episodes(context, selection, sources)
    dropped = frozenset(_dropped_paths(context, selection, images))
    found = EpisodeFile.open(episodes, _EpisodeImages(images, dropped).faults)
    return replace(sources, episodes=found, shots=found.shots)


def _with_drawn_episodes(
    context: StageContext, selection: Selection, sources: InstructionSources
) -> InstructionSources:
    """As many two-way episodes as there are kept images, of concepts by their own names."""
    source = kept_source(context, selection)
    asked = context.settings.manifest.shots
    possible = [shots for shots in largest_shots(source).values() if shots > 0]
    plan = EpisodePlan(
        strategy="2-way",
        episodes=max(1, len(selection.kept)),
        seed=context.settings.manifest.seed,
        shots=asked or min([UPSTREAM_SHOTS, *possible]),
        relabel="none",
    )
    try:
        sampler = EpisodeSampler(source, plan)
    except ManifestError as error:
        if asked:
            raise
        return replace(sources, missing={**sources.missing, "episodes": str(error)})
    left_out = {**sources.skipped["images"], **sampler.left_out}
    return replace(
        sources,
        episodes=_Episodes(sampler),
        shots=plan.shots,
        skipped={**sources.skipped, "episodes": left_out},
    )


@dataclass(frozen=True)
class _Episodes:
    """All episodes of a sampler, whose keys ascend with their numbers."""

    sampler: EpisodeSampler

    def __iter__(self) -> Iterator[Episode]:
        return (self.sampler[number] for number in range(len(self.sampler)))


def _of_images(selection: Selection) -> InstructionSources:
    pictured = _pictured(selection)
    missing: dict[Content, str] = {}
    if not pictured:
        missing = {"images": "no image is kept", "reasons": "no image is kept"}
    elif not any(each.concept.parents for each in pictured):
        missing = {"reasons": "no concept with a kept image has parents in the catalog"}
    kept = {each.concept.slug for each in pictured}
    skipped = {
        concept.slug: "no image of it is kept"
        for concept in selection.catalog.concepts
        if concept.slug not in kept
    }
    unreasoned = {each.concept.slug: _NO_PARENTS for each in pictured if not each.concept.parents}
    return InstructionSources(
        pictured=pictured,
        missing=missing,
        skipped={"images": skipped, "reasons": {**skipped, **unreasoned}},
    )


class _EpisodeImages:
    """Whether images that episodes name may be used; remembers what it has looked at."""

    def __init__(self, folder: Path, dropped: frozenset[str]) -> None:
        self._folder = folder
        self._dropped = dropped
        self._faults: dict[str, str] = {}

    def faults(self, episode: Episode) -> list[str]:
        """What is wrong with an episode's images; empty if nothing is."""
        paths = [shown.image for shown in (*episode.support, episode.query)]
        for path in paths:
            if path not in self._faults:
                self._faults[path] = self._fault(path)
        return [self._faults[path] for path in paths if self._faults[path]]

    def _fault(self, path: str) -> str:
        unsafe = check_relative_path(path)
        if unsafe:
            return unsafe[0]
        if path in self._dropped:
            return f"image {path} is not kept any more; make the episodes anew"
        try:
            there = (self._folder / path).is_file()
        except OSError as error:
            return f"image {path[:80]} cannot be looked for in {self._folder} ({error.strerror})"
        if not there:
            return f"image {path} is not in {self._folder}; name its folder with --images"
        return ""


def _dropped_paths(context: StageContext, selection: Selection, images: Path) -> Iterator[str]:
    """Images of the workspace that were dropped, as seen from the folder `images`."""
    root, folder = context.workspace.root.resolve(), images.resolve()
    for record in selection.records:
        path = root / record.path
        if record.image_id in selection.dropped and path.is_relative_to(folder):
            yield path.relative_to(folder).as_posix()


def _pictured(selection: Selection) -> list[PicturedConcept]:
    """Kept images in the order of their samples' keys, "<concept>/<image_id>/<task>"."""
    other: dict[str, tuple[Concept, Concept]] = {}
    for fictional, real in selection.groups():
        other[fictional.slug] = (fictional, real)
        other[real.slug] = (real, fictional)
    kept = selection.kept_by_concept()
    return [
        _pictured_image(record, *other[slug])
        for slug in sorted(kept, key=lambda slug: f"{slug}/")
        for record in sorted(kept[slug], key=lambda record: record.image_id)
    ]


def _pictured_image(record: ImageRecord, concept: Concept, other: Concept) -> PicturedConcept:
    planned = record.planned
    return PicturedConcept(
        image_id=record.image_id,
        image=record.path,
        concept=concept,
        counterpart=other,
        prompt=planned.prompt,
        slots=planned.slots,
    )


def _refuse_commands(selection: Selection) -> None:
    faults = [fault for concept in selection.catalog.concepts for fault in concept_faults(concept)]
    if faults:
        raise ManifestError(
            f"words of the catalog cannot be said to a model; change them: {'; '.join(faults)}"
        )
