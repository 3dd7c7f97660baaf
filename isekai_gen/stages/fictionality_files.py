"""The fictionality report as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from isekai_gen.neighbors.reference_set import OWN_QUANTILES
from isekai_gen.stages.fictionality_numbers import ConceptFictionality, Share

_LEVELS = [f"{level:g}" for level in OWN_QUANTILES]


def as_json(header: Mapping[str, Any], rows: Sequence[ConceptFictionality]) -> bytes:
    """The whole report.

    Args:
        header: What it was made with.
        rows: Of every fictional concept.
    """
    totals = {
        key: sum(getattr(row, key) for row in rows) for key in ("images", "judged", "left_out")
    }
    tree = {**header, "totals": totals, "concepts": [row.to_json() for row in rows]}
    text = json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def as_csv(rows: Sequence[ConceptFictionality]) -> bytes:
    """One line for each concept; empty where nothing was measured."""
    buffer = io.StringIO(newline="")
    lines = [_flat(row) for row in rows]
    writer = csv.DictWriter(buffer, list(lines[0]) if lines else ["concept"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue().encode()


def _flat(row: ConceptFictionality) -> dict[str, Any]:
    line: dict[str, Any] = {
        "concept": row.concept,
        "name": row.name,
        "images": row.images,
        "judged": row.judged,
        "left_out": row.left_out,
    }
    for level in _LEVELS:
        line.update(_flat_share(f"over_{level}", row.over_quantile.get(level)))
    for place in (1, 2, 3, 4, 5):
        near = row.nearest[place - 1] if place <= len(row.nearest) else None
        line[f"nearest_{place}"] = near.key if near else ""
        line[f"nearest_{place}_similarity"] = near.similarity if near else ""
        line[f"nearest_{place}_percentile"] = near.percentile if near else ""
    line["copies"], line["near_copies"] = row.copies, row.near_copies
    for key in ("reason", "similarity", "reference"):
        line[f"name_{key}"] = row.same_name.get(key, "")
    for what, confusion in (("by_text", row.by_text), ("by_images", row.by_images)):
        line.update(_flat_share(f"confused_{what}", confusion.nearer))
        line[f"confused_{what}_with"] = confusion.concept
    line["mean_margin"] = row.mean_margin
    return line


def _flat_share(name: str, share: Share | None) -> dict[str, Any]:
    known = share is not None and share.of > 0
    return {
        name: share.share if share and known else "",
        f"{name}_low": share.low if share and known else "",
        f"{name}_high": share.high if share and known else "",
    }


def as_markdown(header: Mapping[str, Any], rows: Sequence[ConceptFictionality]) -> bytes:
    """For people: one table, and how to read it."""
    reference = header["reference"]
    compared = ", ".join(f"{one['name']} ({one['images']} images)" for one in header["compared"])
    lines = [
        "# Fictionality",
        "",
        f"How new the fictional concepts look to encoder {_cell(header['encoder'])}, beside the "
        f"{reference['classes']} classes of reference set {_cell(reference['name'])}. "
        f"Copies were searched in: {_cell(compared) or 'no set of real images'}.",
        "",
        "* **like class**: images at least as similar to their nearest class's prototype as the "
        "lowest 25 % of that class's own images, with a 95 % Wilson interval;",
        "* **nearest classes**: by mean similarity; in brackets where that lies among the class's "
        "own images;",
        "* **copies**: images above the limit to a real image, and those left to people;",
        "* **confused**: images nearer to another fictional concept's text, and to its images;",
        "* **margin**: mean similarity to the own text minus that to the best other concept's.",
        "",
        "| concept | judged | like class | nearest classes | copies | name | confused | margin |",
        "|---|--:|---|---|---|---|---|--:|",
        *(_line(row, header["percentiles_known"]) for row in rows),
    ]
    return ("\n".join(lines) + "\n").encode()


def _line(row: ConceptFictionality, known: Sequence[float] | None) -> str:
    near = ", ".join(
        f"{near.name} {near.similarity:.2f}{_percentile(near.percentile, known)}"
        for near in row.nearest[:3]
    )
    copies = "-" if row.copies is None else f"{row.copies} (+{row.near_copies})"
    left_out = f" of {row.images}" if row.left_out else ""
    margin = "-" if row.mean_margin is None else f"{row.mean_margin:+.3f}"
    name = str(row.same_name.get("reason", "-"))
    if name not in ("-", "within_limit"):
        name = f"{name}: {row.same_name['reference']}"
    cells = [
        row.name,
        f"{row.judged}{left_out}",
        _percent(row.over_quantile.get("0.25")),
        near or "-",
        copies,
        name,
        f"{_confused(row.by_text.nearer, row.by_text.concept)}; "
        f"{_confused(row.by_images.nearer, row.by_images.concept)}",
        margin,
    ]
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _percent(share: Share | None) -> str:
    if share is None or not share.of:
        return "-"
    return f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%})"


def _confused(share: Share, concept: str) -> str:
    if not share.of:
        return "-"
    return f"{share.share:.1%}{f' {concept}' if concept else ''}"


def _percentile(value: float | None, known: Sequence[float] | None) -> str:
    """In words that say no more than is known at the ends."""
    if value is None or known is None:
        return ""
    sign = "<= " if value <= known[0] else ">= " if value >= known[1] else ""
    return f" [{sign}{value:.0%}]"


def _cell(text: str) -> str:
    """A text that cannot break out of its cell."""
    plain = " ".join(str(text).split())
    for char in ("\\", "|", "`", "<", "[", "]", "*", "_"):
        plain = plain.replace(char, f"\\{char}")
    return plain
