"""Every number of the report, as one record: what the page shows and reports/report.json holds.

None is for what was not measured. Nothing is counted here that another command counts: the numbers
are those of `status`, `yields`, `dedupe`, `overlap`, `calibrate`, `audit`, `evaluate` and the
release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from isekai_gen.prompts.catalog import Catalog
from isekai_gen.records import SCHEMA
from isekai_gen.stages.calibration_files import Calibration
from isekai_gen.stages.report_pairs import TierPairs
from isekai_gen.stages.report_sources import DuplicateFindings, Released
from isekai_gen.stages.status import Counts, Status
from isekai_gen.stages.yields import YieldReport

_GROUPS_LISTED = 100


@dataclass(frozen=True)
class DecisionCounts:
    """What people decided.

    Attributes:
        recorded: Lines of decisions.jsonl.
        in_force: Choice to how many of the last ones on an image or a pair say so.
        by_person: Signature to how many of those in force are theirs.
        by_reason: Reason to how many of those in force give it; "" for none.
    """

    recorded: int
    in_force: Mapping[str, int]
    by_person: Mapping[str, int]
    by_reason: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class ReportNumbers:
    """The numbers, and where they were not measured None.

    Attributes:
        catalog: Of the dataset.
        tool: Version of isekai-gen that wrote the report.
        status: Counts.
        quota: Images to keep of each concept, if `topup` was asked to.
        released: The release.
        yields: By concept, template and word.
        duplicates: What `dedupe` wrote.
        pairs: Tier to its pairs; tiers without pairs on disk are missing.
        fictionality: What `overlap` wrote.
        calibration: What `calibrate` wrote.
        audit: What `audit --answers` wrote.
        shortcuts: What `evaluate --counterfactuals` wrote.
        decisions: What people decided.
        notes: What a reader must know: numbers that are out of date.
    """

    catalog: Catalog
    tool: str
    status: Status
    quota: int | None
    released: Released | None
    yields: YieldReport
    duplicates: DuplicateFindings | None
    pairs: Mapping[str, TierPairs]
    fictionality: Mapping[str, Any] | None
    calibration: Calibration | None
    audit: Mapping[str, Any] | None
    shortcuts: Mapping[str, Any] | None
    decisions: DecisionCounts
    notes: Sequence[str]

    @property
    def concepts(self) -> list[ConceptRow]:
        """One row for each concept that has planned images, in the order of the catalog."""
        of_release = None if self.released is None else self.released.by_concept
        rows = []
        for group in self.catalog.groups:
            for concept in (group.fictional, group.real):
                counts = self.status.by_concept.get(concept.slug)
                if counts is not None:
                    released = None if of_release is None else of_release.get(concept.slug, 0)
                    row = ConceptRow(
                        concept.slug, concept.name, concept.kind, group.slug, counts, released
                    )
                    rows.append(row)
        return rows

    @property
    def funnel(self) -> list[tuple[str, int]]:
        """Images at each step, from planned to released; the last only if there is a release."""
        total = self.status.total
        steps = [("planned", total.planned), ("generated", total.generated), ("kept", total.kept)]
        return steps + ([("released", self.released.images)] if self.released else [])

    def to_json(self) -> dict[str, Any]:
        """The tree of reports/report.json."""
        calibration = self.calibration
        return {
            "schema": SCHEMA,
            "title": self.catalog.name,
            "tool": self.tool,
            "notes": list(self.notes),
            "counts": self.status.total.to_json(),
            "unjudged": dict(self.status.unjudged),
            "funnel": [{"step": step, "images": images} for step, images in self.funnel],
            "quota": self.quota,
            "released": None if self.released is None else asdict(self.released),
            "concepts": [row.to_json() for row in self.concepts],
            "similarities": {tier: pairs.to_json() for tier, pairs in self.pairs.items()},
            "duplicates": _duplicates_json(self.duplicates),
            "fictionality": self.fictionality,
            "yields": self.yields.to_json(),
            "calibration": calibration and calibration.model_dump(mode="json", by_alias=True),
            "audit": self.audit,
            **({} if self.shortcuts is None else {"shortcuts": self.shortcuts}),
            "decisions": asdict(self.decisions),
        }


@dataclass(frozen=True)
class ConceptRow:
    """One concept.

    Attributes:
        slug: Of the concept.
        name: For people.
        kind: "fictional" or "real".
        group: Slug of its group.
        counts: Its images.
        released: Its images in the release; None without one.
    """

    slug: str
    name: str
    kind: str
    group: str
    counts: Counts
    released: int | None

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self.__dict__, "counts": self.counts.to_json()}


def _duplicates_json(found: DuplicateFindings | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "summary": found.summary,
        "largest_groups": found.groups[:_GROUPS_LISTED],
        "memorized": found.memorized[:_GROUPS_LISTED],
    }
