"""The embeddings that go into a release, if its settings ask for them."""

from __future__ import annotations

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import require_opened
from isekai_gen.stages.embed import embed, load_embeddings
from isekai_gen.stages.selection import Selection


def released_vectors(context: StageContext, selection: Selection) -> EmbeddingTable | None:
    """Embeddings of all kept and dropped images; embeds if needed. None if not asked for.

    Raises:
        InputError: If an image could not be opened.
    """
    if not context.settings.release.embeddings:
        return None
    report = embed(context)
    require_opened(report.failures)
    table = load_embeddings(context, report).table
    return table.select(sorted([*selection.kept, *selection.dropped]))
