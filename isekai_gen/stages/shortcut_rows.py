"""The queries of three kinds that a workspace's counterfactual samples allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.errors import InputError
from isekai_gen.evaluation.rows import Row
from isekai_gen.evaluation.shortcut import ModelShortcuts, Shortcuts
from isekai_gen.evaluation.shortcut_rows import KindRow, KindRows, QuerySample, rows_of_kinds
from isekai_gen.stages.counterfactual_pictures import require_pictures
from isekai_gen.stages.counterfactual_read import read_counterfactuals
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.workspace import Workspace


@dataclass(frozen=True, eq=False)
class WorkspaceKinds:
    """What is asked with counterfactual samples.

    Attributes:
        shots: Demonstrations, counted over all labels: the most that are asked.
        found: Rows of the manifest, and what was left out.
    """

    shots: int
    found: KindRows

    @property
    def rows(self) -> Sequence[KindRow]:
        """In the order of the manifest."""
        return self.found.rows

    def shortcuts(self, models: Sequence[ModelShortcuts]) -> Shortcuts:
        """The models' answers with what they were asked."""
        return Shortcuts(
            shots=self.shots,
            rows_without_samples=self.found.without_samples,
            samples_with_shown_fillers=self.found.with_shown_fillers,
            models=models,
        )


def read_kinds(workspace: Workspace, rows: Sequence[Row], shots: int) -> WorkspaceKinds:
    """Put the samples that curation kept in the place of queries.

    Random masks, the control of the masks themselves, are not asked: they leave parts of the object
    in both kinds.

    Args:
        workspace: The folder that the manifest's paths begin in.
        rows: Of the manifest.
        shots: The most that are asked.

    Raises:
        InputError: If there are no samples, or none of an image that the manifest asks for, or
            none without pixels of a demonstration.
        ChecksumError: If a sample's picture is not what was recorded.
    """
    samples = _samples_by_source(workspace)
    found = rows_of_kinds(rows, samples, shots)
    if found.rows:
        return WorkspaceKinds(shots, found)
    if found.with_shown_fillers:
        raise InputError(
            f"all {found.with_shown_fillers} counterfactual samples of these queries hold pixels "
            "of their demonstrations; give fewer --shots, or make samples with `isekai-gen "
            "counterfactuals --refill none`"
        )
    raise InputError(
        f"none of {len(rows)} queries has a counterfactual sample in {workspace.root}; write the "
        "manifest again, or run `isekai-gen counterfactuals`"
    )


def _samples_by_source(workspace: Workspace) -> Mapping[str, Sequence[QuerySample]]:
    """Path of a source image to its samples, in shard order."""
    kept = read_counterfactuals(workspace)
    require_pictures(workspace, [sample.record for sample in kept])
    path_of = {record.image_id: record.path for record in read_drawn(workspace)}
    by_source: dict[str, list[QuerySample]] = {}
    for sample in kept:
        recipe = sample.record.recipe
        if recipe.method == "random":
            continue
        source = path_of[recipe.source]
        by_source.setdefault(source, []).append(
            QuerySample(
                kind=recipe.kept,
                path=sample.record.path,
                source=source,
                concept=recipe.concept,
                fillers=tuple(path_of[filler] for filler in recipe.fillers),
            )
        )
    return by_source
