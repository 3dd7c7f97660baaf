"""Training episodes as a file: from kept images, a dataset of classes, or upstream's own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from isekai_gen.errors import ManifestError
from isekai_gen.hashing import file_sha256
from isekai_gen.manifests.episode_files import (
    EpisodeLines,
    WrittenEpisodes,
    require_own_file,
    write_episode_file,
    write_summary,
)
from isekai_gen.manifests.episode_mix import MixedLines, OtherLines
from isekai_gen.manifests.episode_plan import EpisodePlan
from isekai_gen.manifests.episode_source import EpisodeSource
from isekai_gen.manifests.episode_source_file import read_episode_source
from isekai_gen.manifests.episodes import EpisodeSampler
from isekai_gen.neighbors.class_features import Similarity
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.episodes_source import class_folder_source, kept_source
from isekai_gen.stages.reporting import first_few
from isekai_gen.stages.selection import select


@dataclass(frozen=True)
class EpisodeRequest:
    """What a file of episodes is made of, beside the settings.

    Attributes:
        out: The file to write; its summary lies beside it.
        class_folder: A dataset with a folder per class, instead of kept images.
        class_map: Its map_clsloc.txt; None to look for one.
        similarity: How its classes are ranked; None for what [neighbors] says, or else "lcl".
        source_file: A train900-style file, instead of kept images.
        mix: JSON-lines files of other tasks, for the strategy "mix".
        fixed_epochs: As in `EpisodePlan`, and so are the following.
        varied_epochs: See there.
        false_labels: See there.
        flip_position: See there.
    """

    out: Path
    class_folder: Path | None = None
    class_map: Path | None = None
    similarity: Similarity | None = None
    source_file: Path | None = None
    mix: tuple[Path, ...] = ()
    fixed_epochs: int | None = None
    varied_epochs: int | None = None
    false_labels: float = 0.0
    flip_position: int | None = None

    def __post_init__(self) -> None:
        if self.class_folder is not None and self.source_file is not None:
            raise ManifestError("episodes are of one source: choose --imagenet or --from")
        if self.class_folder is None:
            for flag, value in (("--class-map", self.class_map), ("--similarity", self.similarity)):
                if value is not None:
                    raise ManifestError(f"{flag} is for --imagenet DIR; leave it out")

    @property
    def needs_images(self) -> bool:
        """Whether episodes are of the workspace's kept images."""
        return self.class_folder is None and self.source_file is None


@dataclass(frozen=True)
class EpisodeReport:
    """What was written.

    Attributes:
        written: The file and what is in it.
        summary: Path of its summary.
        strategy: How they were drawn.
        classes: Classes of the source.
        positive_classes: Those that can be the positive class.
        left_out: Key of any other to the reason.
    """

    written: WrittenEpisodes
    summary: Path
    strategy: str
    classes: int
    positive_classes: int
    left_out: Mapping[str, str]


def write_episodes(context: StageContext, request: EpisodeRequest) -> EpisodeReport:
    """Write episodes and their summary; the caller holds the workspace's lock.

    Raises:
        ManifestError: If strategy and options contradict each other, the source is too small, or
            `request.out` holds something else.
    """
    require_own_file(request.out, request.mix)
    plan = _plan(context, request)
    others = OtherLines(request.mix) if request.mix else None
    source = _source(context, request)
    sampler = EpisodeSampler(source, plan)
    _tell_left_out(context, sampler)
    count = context.settings.episodes.count
    lines: EpisodeLines = MixedLines(sampler, others, count) if others else sampler
    with context.reporter.task("Writing episodes", count) as advance:
        written = write_episode_file(request.out, lines, advance)
    classes = len(source.pools)
    summary = write_summary(
        written,
        {
            "labels_made_false": sum(
                episodes * plan.false_count(shots * plan.ways)
                for shots, episodes in written.shots.items()
            ),
            "shots_are": "images per label",
            "plan": plan.to_json(),
            "source": _source_facts(context, request, source),
            "mix": {str(path): file_sha256(path) for path in request.mix},
            "classes": classes,
            "positive_classes": len(sampler.positive_classes),
            "left_out": sampler.left_out,
        },
    )
    context.remember_settings("episodes")
    return EpisodeReport(
        written=written,
        summary=summary,
        strategy=context.settings.episodes.strategy,
        classes=classes,
        positive_classes=len(sampler.positive_classes),
        left_out=sampler.left_out,
    )


def _plan(context: StageContext, request: EpisodeRequest) -> EpisodePlan:
    """The plan of the episodes alone; of a mixed file they are one half."""
    settings = context.settings.episodes
    if (settings.strategy == "mix") != bool(request.mix):
        raise ManifestError(
            "--strategy mix and --mix FILE go together: the file has lines of other tasks"
        )
    plan = EpisodePlan(
        strategy=settings.strategy,
        episodes=settings.count,
        seed=settings.seed,
        ways=settings.ways,
        shots=settings.shots,
        relabel=settings.relabel,
        fixed_epochs=request.fixed_epochs,
        varied_epochs=request.varied_epochs,
        false_labels=request.false_labels,
        flip_position=request.flip_position,
    )
    return replace(plan, episodes=-(-plan.episodes // 2)) if request.mix else plan


def _source(context: StageContext, request: EpisodeRequest) -> EpisodeSource:
    if request.source_file is not None:
        return read_episode_source(request.source_file)
    if request.class_folder is not None:
        similarity = _similarity(context, request)
        return class_folder_source(context, request.class_folder, request.class_map, similarity)
    return kept_source(context, select(context))


def _similarity(context: StageContext, request: EpisodeRequest) -> Similarity:
    return request.similarity or context.settings.neighbors.similarity or "lcl"


def _source_facts(
    context: StageContext, request: EpisodeRequest, source: EpisodeSource
) -> dict[str, object]:
    """Where images come from, and the digest that tells whether they are still the same."""
    facts: dict[str, object] = {"digest": source.digest()}
    if request.source_file is not None:
        return {**facts, "kind": "file", "path": str(request.source_file)}
    if request.class_folder is not None:
        root, similarity = str(request.class_folder), _similarity(context, request)
        return {**facts, "kind": "class-folder", "path": root, "similarity": similarity}
    return {**facts, "kind": "workspace", "images_with_near_duplicates": len(source.barred)}


def _tell_left_out(context: StageContext, sampler: EpisodeSampler) -> None:
    left_out = sampler.left_out
    if left_out:
        told = first_few([f"{key}: {reason}" for key, reason in left_out.items()], "; ")
        context.reporter.note(f"{len(left_out)} class(es) are no positive class: {told}")
