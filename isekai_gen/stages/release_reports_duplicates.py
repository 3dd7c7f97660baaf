"""reports/duplicates.json: how near-duplicates were found, and how alike what is left is."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.similarity import ScoreArray
from isekai_gen.release.layout import REPORT_SCHEMA
from isekai_gen.settings import Tier
from isekai_gen.stages.duplicate_reports import NAMES, report_files
from isekai_gen.stages.release_measures_links import KnownDuplicates, count_equal_pairs
from isekai_gen.stages.report_sources import read_json
from isekai_gen.stages.selection import Selection
from isekai_gen.workspace import Workspace

_HASH_BITS = 64
_BINS_IN_ONE = 100


def duplicates_report(
    workspace: Workspace, selection: Selection, duplicates: KnownDuplicates | None
) -> dict[str, Any]:
    """What dedupe decided (reports/duplicates/summary.json), and by which pairs.

    Adds to each tier how many pairs lie above its limit, and to those that list pairs what measured
    them and a histogram of similarities: among all images that were compared, and among kept ones.

    Args:
        workspace: With the reports that dedupe wrote last.
        selection: What is kept.
        duplicates: From `known_duplicates`.

    Raises:
        ChecksumError: If the summary is damaged.
    """
    if duplicates is None:
        return {"schema": REPORT_SCHEMA, "measured": False}
    summary_file = dict(zip(NAMES, report_files(workspace), strict=True))["summary.json"]
    report = read_json(summary_file, "run `isekai-gen dedupe` again")
    tiers: dict[Tier, dict[str, Any]] = {
        tier: {**report["tiers"][tier], **_pairs_of(tier, selection.kept, duplicates)}
        for tier in duplicates.facts.stored
    }
    if "exact" in report["tiers"]:
        tiers["exact"] = {**report["tiers"]["exact"], "pairs_above_limit": _equal_pairs(selection)}
    return {
        "schema": REPORT_SCHEMA,
        "measured": True,
        **report,
        "within": duplicates.limits.within,
        "relative_quantile": duplicates.limits.relative_quantile,
        "tiers": {**report["tiers"], **tiers},
    }


def _equal_pairs(selection: Selection) -> dict[str, int]:
    generated = [*selection.kept, *selection.dropped]
    return {
        "generated": count_equal_pairs(selection, generated),
        "kept": count_equal_pairs(selection, selection.kept),
    }


def _pairs_of(tier: Tier, kept: Collection[str], duplicates: KnownDuplicates) -> dict[str, Any]:
    facts = duplicates.facts
    edges = facts.stored[tier].edges
    encoded = facts.encoded.get(tier)
    limit, _ = duplicates.limits.similarity_limits(tier)
    between = {
        "generated": edges.pairs.similarity,
        "kept": edges.select(kept).pairs.similarity,
    }
    starts = _bin_starts(edges.floor, _HASH_BITS if tier == "perceptual" else _BINS_IN_ONE)
    counts = {name: _counts(similarity, starts) for name, similarity in between.items()}
    return {
        "encoder": tier if encoded is None else encoded.label,
        "encoder_digest": edges.encoder,
        "pairs_above_limit": {
            name: int(np.count_nonzero(similarity.astype(np.float64) > limit))
            for name, similarity in between.items()
        },
        "similarities": [
            {"from": start, **{name: counts[name][number] for name in between}}
            for number, start in enumerate(starts.tolist())
        ],
    }


def _bin_starts(floor: float, bins_in_one: int) -> ScoreArray:
    """Where bins begin, from the one that holds `floor` to the one that holds 1, float64 [n]."""
    first = np.floor(floor * bins_in_one)
    # Similarities of hashes are whole 64ths: equal ones have a bin of their own.
    last = bins_in_one if bins_in_one == _HASH_BITS else bins_in_one - 1
    return np.round(np.arange(first, last + 1) / bins_in_one, 6)


def _counts(similarity: FloatArray, starts: ScoreArray) -> list[int]:
    place = np.searchsorted(starts, similarity.astype(np.float64), side="right") - 1
    return [int(count) for count in np.bincount(place, minlength=len(starts))]
