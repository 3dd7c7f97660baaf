"""Everything that a release says, gathered from a workspace as plain records."""

from __future__ import annotations

from collections import Counter

from isekai_gen.errors import ChecksumError
from isekai_gen.release.content import ReleaseContent
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.plan_files import check_complete, count_planned
from isekai_gen.stages.release_content_provenance import (
    known_encoder,
    public_settings,
    release_environment,
)
from isekai_gen.stages.release_measures import measure_images
from isekai_gen.stages.release_measures_links import known_duplicates
from isekai_gen.stages.release_reports import gather_reports
from isekai_gen.stages.release_samples import released_samples
from isekai_gen.stages.release_splits import divide_images, tell_straddling_rows
from isekai_gen.stages.release_vectors import released_vectors
from isekai_gen.stages.selection import Selection
from isekai_gen.workspace import Workspace


def gather_content(context: StageContext, selection: Selection) -> ReleaseContent:
    """What is released of the images selected; the caller holds the workspace's lock.

    Refreshes the report on real-world overlap (reports/fictionality.*) if it is out of date, and
    embeds if embeddings are to be released and are not there.

    Raises:
        ReleaseError: If images cannot be divided into the splits asked for, or manifests name
            images that are not kept.
        InputError: If counterfactual samples are to be released and were not judged yet.
        ChecksumError: If a file of the workspace is damaged.
    """
    workspace = context.workspace
    check_complete(workspace)
    planned: Counter[str] = Counter()
    for part in workspace.parts("plan"):
        planned.update(count_planned(workspace, part))
    duplicates = known_duplicates(context)
    encoder = known_encoder(context)
    measures = measure_images(context, selection, duplicates)
    splits = divide_images(context, selection, measures)
    samples = released_samples(context, splits)
    content = ReleaseContent(
        concepts=selection.catalog.concepts,
        planned=dict(planned),
        records=selection.records,
        kept=selection.kept,
        dropped=selection.dropped,
        templates=_templates(workspace),
        settings=public_settings(context.settings, samples=bool(samples)),
        environment=release_environment(context, selection, encoder),
        measures=measures,
        splits=splits,
        split_by=context.settings.release.split_by,
        reports=gather_reports(context, selection, duplicates),
        encoder=encoder.label if encoder is not None else "",
        vectors=released_vectors(context, selection),
        samples=samples,
    )
    tell_straddling_rows(context, content)
    return content


def _templates(workspace: Workspace) -> str:
    path = workspace.templates_file
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ChecksumError(
            f"{path} cannot be read ({error}); put back the templates with "
            "`isekai-gen generate --templates FILE`"
        ) from error
