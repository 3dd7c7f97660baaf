"""What filters judge by: images, embeddings, earlier verdicts and people's decisions.

`judging` runs the filters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.filters import FilterContext, all_filters
from isekai_gen.filters.base import ImageFilter
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.records import ImageRecord, Verdict, select_kept
from isekai_gen.shards import read_records
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.embed import EmbedReport, embed, load_embeddings
from isekai_gen.stages.embedding_files import read_concept_texts
from isekai_gen.workspace import Workspace


@dataclass(frozen=True, eq=False)
class RecordFacts:
    """What filters judge by when they need no more than records.

    Attributes:
        context: People's decisions; more where more is known.
        images: Shard number to its generated images.
    """

    context: FilterContext
    images: Mapping[int, Sequence[ImageRecord]]

    @property
    def all_images(self) -> list[ImageRecord]:
        """All generated images, in shard order."""
        return [image for part in sorted(self.images) for image in self.images[part]]


@dataclass(frozen=True, eq=False)
class Facts(RecordFacts):
    """Everything filters judge by that does not depend on the filter.

    Attributes:
        context: Embeddings, concepts, own texts, alignment, people's decisions.
        images: Shard number to its generated images.
        embedded: The encoder used.
    """

    embedded: EmbedReport


def gather_records(workspace: Workspace) -> RecordFacts:
    """The generated images and people's decisions; looks at no picture."""
    images = {
        part: [record for record in read_drawn_part(workspace, part) if record.generated]
        for part in workspace.parts("records")
    }
    return RecordFacts(FilterContext(decisions=read_decisions(workspace)), images)


def gather_facts(context: StageContext) -> Facts:
    """Embed what is not embedded yet, and read what filters need.

    Raises:
        InputError: If there are no images, or some could not be opened.
    """
    workspace = context.workspace
    embedded = embed(context)
    require_opened(embedded.failures)
    if not embedded.embedded:
        raise InputError(f"{workspace.root} has no generated images to judge; run generate first")
    embeddings = load_embeddings(context, embedded)
    recorded = gather_records(workspace)
    known = replace(
        recorded.context,
        embeddings=embeddings.table,
        concepts={c.slug: c for c in load_catalog(workspace.catalog_file).concepts},
        own_text=read_concept_texts(workspace, embedded.encoder, embedded.digest),
        alignment=embeddings.alignment,
    )
    return Facts(context=known, images=recorded.images, embedded=embedded)


def require_opened(failures: Mapping[str, str]) -> None:
    """Raise InputError if there are images that could not be opened, by id with the reason."""
    if failures:
        raise InputError(
            f"{len(failures)} image(s) could not be opened, such as {next(iter(failures))}; run "
            "`isekai-gen generate` to restore them"
        )


def read_verdicts(workspace: Workspace) -> dict[str, dict[str, Verdict]]:
    """Filter name to image id to verdict, filters in their declared order.

    Raises:
        ChecksumError: If a part is damaged; deciding again replaces it.
    """
    return {name: verdicts_of(workspace, name) for name in all_filters()}


def verdicts_of(workspace: Workspace, name: str) -> dict[str, Verdict]:
    """One filter's verdicts on the shards there are; a plan that was replaced had others."""
    folder = workspace.verdicts(name)
    return {
        verdict.image_id: verdict
        for part in workspace.parts("records")
        for verdict in read_records(workspace.part(folder, part), Verdict)
    }


def make_filter(name: str, limits: Mapping[str, Any]) -> ImageFilter:
    """The filter of that name with its limits.

    Raises:
        InputError: If a limit is out of range.
    """
    try:
        return all_filters()[name](**limits)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error


def dropped_before(
    facts: RecordFacts,
    workspace: Workspace,
    name: str,
    fresh: Mapping[str, Mapping[str, Verdict]] = MappingProxyType({}),
) -> frozenset[str]:
    """Images dropped by people, or by filters declared before `name`.

    Args:
        facts: The images and people's decisions.
        workspace: Where verdicts are.
        name: A filter.
        fresh: Filters whose verdicts were just decided, to these; other verdicts are read.
    """
    order = all_filters()[name].order
    earlier = {
        other: fresh[other] if other in fresh else verdicts_of(workspace, other)
        for other, judging in all_filters().items()
        if judging.order < order
    }
    _, dropped = select_kept(facts.all_images, earlier, facts.context.decisions)
    return frozenset(dropped)


def with_context(facts: Facts, **fields: Any) -> Facts:  # noqa: ANN401 - fields of FilterContext
    """The same facts with more in their context."""
    return replace(facts, context=replace(facts.context, **fields))
