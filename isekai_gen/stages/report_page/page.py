"""The page: one file that needs nothing else, runs no script and asks nobody for anything."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from isekai_gen.stages.report_numbers import ReportNumbers
from isekai_gen.stages.report_page.calibration import calibration_section
from isekai_gen.stages.report_page.contact import ContactPictures, contact_section
from isekai_gen.stages.report_page.counts import counts_section
from isekai_gen.stages.report_page.duplicates import GroupPictures, duplicates_section
from isekai_gen.stages.report_page.kept import kept_section
from isekai_gen.stages.report_page.markup import Html, joined, paragraph, text, with_code
from isekai_gen.stages.report_page.newness import newness_section
from isekai_gen.stages.report_page.people import audit_section, decisions_section
from isekai_gen.stages.report_page.shortcuts import shortcuts_section
from isekai_gen.stages.report_page.similarity import similarity_section
from isekai_gen.stages.report_page.style import STYLE
from isekai_gen.stages.report_page.yields import yields_section

_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
_CONTENTS = {
    "counts": "Counts",
    "kept": "Kept",
    "similarity": "Similarities",
    "duplicates": "Duplicates",
    "newness": "Newness",
    "yields": "Yields",
    "calibration": "Calibration",
    "audit": "Audit",
    "decisions": "Decisions",
    "shortcuts": "Shortcuts",
    "contact": "Contact sheets",
}


def report_page(numbers: ReportNumbers, groups: GroupPictures, contact: ContactPictures) -> str:
    """The whole report as HTML.

    Args:
        numbers: What it tells.
        groups: Pictures of duplicate groups.
        contact: Pictures of kept images.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
        ChecksumError: If an image is not what its record says.
    """
    title = text(numbers.catalog.name)
    main = joined(_sections(numbers, groups, contact))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Report on {title}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{title}</h1>
{paragraph(_subtitle(numbers), "facts")}
{_figures(numbers)}
{_notes(numbers)}
</header>
{_navigation(numbers)}
<main>
{main}
</main>
<footer>
{paragraph(f"Written by isekai-gen {numbers.tool}; the JSON file beside it has the same numbers.")}
</footer>
</body>
</html>
"""


def _sections(
    numbers: ReportNumbers, groups: GroupPictures, contact: ContactPictures
) -> Iterator[Html]:
    """In the order of `_CONTENTS`."""
    yield counts_section(numbers)
    yield kept_section(numbers)
    yield similarity_section(numbers)
    yield duplicates_section(numbers, groups)
    yield newness_section(numbers)
    yield yields_section(numbers)
    yield calibration_section(numbers)
    yield audit_section(numbers)
    yield decisions_section(numbers)
    yield from shortcuts_section(numbers.shortcuts)
    yield contact_section(numbers, contact)


def _subtitle(numbers: ReportNumbers) -> str:
    concepts = numbers.concepts
    fictional = sum(row.kind == "fictional" for row in concepts)
    return f"{len(concepts):,} concepts, {fictional:,} of them fictional; every image is generated."


def _figures(numbers: ReportNumbers) -> Html:
    steps = list(numbers.funnel)
    cells = [(step, f"{count:,}") for step, count in steps]
    if numbers.released is None:
        cells.append(("released", "not yet"))
    boxes = "".join(f"<div><dt>{text(name)}</dt><dd>{count}</dd></div>" for name, count in cells)
    return Html(f'<dl class="figures">{boxes}</dl>')


def _notes(numbers: ReportNumbers) -> Html:
    return joined(paragraph(with_code(note), "note") for note in numbers.notes)


def _navigation(numbers: ReportNumbers) -> Html:
    links = "".join(
        f'<li><a href="#{anchor}">{name}</a></li>'
        for anchor, name in _CONTENTS.items()
        if anchor != "shortcuts" or numbers.shortcuts is not None
    )
    return Html(f'<nav aria-label="Sections"><ul>{links}</ul></nav>')
