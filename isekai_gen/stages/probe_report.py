"""What the probe found: as JSON, as a Markdown file, and as tables of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.hashing import canonical_json
from isekai_gen.stages.probe_claim import CLAIM, SOURCE, ClaimRow, compare_with_claim
from isekai_gen.stages.probe_numbers import WAYS, ZERO_SHOT, Measured
from isekai_gen.stages.probe_sets import COLUMNS
from isekai_gen.storage import write_atomically

RESULTS, TABLE = "results.json", "results.md"
_TITLES = {
    "held_out": "held-out",
    "foreign_context": "foreign context",
    "other_style": "other style",
    "context_only": "context only (low is good)",
}
LEGEND = (
    "Accuracy, mean over seeds. ± is half of the 95 % t-interval over seeds (how far training "
    "varies); brackets are the 95 % Wilson interval over images, of the mean count (how far the "
    "choice of pictures varies).",
    "zero-shot: the tower as loaded. plain: cross-entropy on clean images. distill-clean: and the "
    "squared difference to the frozen tower's features on the same images. "
    "distill-counterfactual: and the same on counterfactual samples of these images, the paper's "
    "way. All ways see the same batches in the same number of steps.",
    "held-out: images never trained on, no near-duplicate of which was. foreign context: the "
    "object kept, the rest replaced. other style: images of a style that was held out whole. "
    "context only: the object replaced; how often its concept is named all the same.",
)


@dataclass(frozen=True, eq=False)
class ProbeReport:
    """Everything that was measured.

    Attributes:
        folder: Where files lie.
        setting: What it was measured with, JSON-ready.
        measured: Way by way, column by column.
        missing: Column to why it is not there.
        seconds: That the runs took, those of earlier calls included.
        repeated: Runs that were found finished.
    """

    folder: Path
    setting: Mapping[str, Any]
    measured: Sequence[Measured]
    missing: Mapping[str, str]
    seconds: float
    repeated: int

    @property
    def claims(self) -> list[ClaimRow]:
        """What the paper claims, beside what was found."""
        return compare_with_claim(self.measured)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of accuracies."""
        there = [column for column in COLUMNS if column not in self.missing]
        cells = {(each.way, each.column): each for each in self.measured}
        images = [cells[ZERO_SHOT, column].images for column in there]
        header = ["way"]
        header += [f"{_TITLES[name]}, n={count}" for name, count in zip(there, images, strict=True)]
        rows = [
            [way, *(_cell(cells[way, column]) for column in there)] for way in (ZERO_SHOT, *WAYS)
        ]
        return header, rows

    def claim_table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of the paper's claim beside what was found."""
        header = [
            "distill-counterfactual less",
            "on",
            "difference",
            "over seeds",
            "over images",
            "claimed",
            "found",
        ]
        rows = [
            [
                row.difference.than,
                _TITLES[row.difference.column].partition(" (")[0],
                f"{row.difference.mean:+.3f}",
                _ends(row.difference.over_seeds),
                _ends(row.difference.over_images),
                row.claimed,
                row.outcome,
            ]
            for row in self.claims
        ]
        return header, rows

    def missing_lines(self) -> list[str]:
        """One line for each column that is not there."""
        return [
            f"No column {_TITLES[name].partition(' (')[0]!r}: {why}."
            for name, why in self.missing.items()
        ]

    def to_json(self) -> dict[str, Any]:
        """All numbers; the same for the same inputs on one machine."""
        return {
            "schema": 1,
            "setting": dict(self.setting),
            "measured": [each.to_json() for each in self.measured],
            "missing": dict(self.missing),
            "claim": {
                "source": SOURCE,
                "claim": CLAIM,
                "comparisons": [row.to_json() for row in self.claims],
            },
        }


def write_report(report: ProbeReport) -> list[Path]:
    """Write results.json and results.md, in place of earlier ones."""
    content = {RESULTS: f"{canonical_json(report.to_json())}\n", TABLE: _markdown(report)}
    for name, text in content.items():
        write_atomically(report.folder / name, text.encode())
    return [report.folder / name for name in content]


def _markdown(report: ProbeReport) -> str:
    setting = [f"| {name} | {value} |" for name, value in report.setting.items()]
    parts = [
        "# Robustness probe",
        _markdown_table(*report.table()),
        *report.missing_lines(),
        *LEGEND,
        "## Beside the paper",
        f"{SOURCE}: {CLAIM}. Differences of accuracies, with 95 % t-intervals paired "
        'by seed and by image; "higher" and "lower" are said only where both agree.',
        _markdown_table(*report.claim_table()),
        "## Measured with",
        "\n".join(["| | |", "|---|---|", *setting]),
    ]
    return "\n\n".join(parts) + "\n"


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(measured: Measured) -> str:
    half, images = measured.half_over_seeds(), measured.over_images()
    spread = "" if half is None else f" ± {half:.3f}"
    return f"{measured.accuracy:.3f}{spread} [{images.low:.2f}, {images.high:.2f}]"


def _ends(interval: tuple[float, float] | None) -> str:
    return "-" if interval is None else f"[{interval[0]:+.3f}, {interval[1]:+.3f}]"
