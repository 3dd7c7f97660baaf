"""Tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, the first column to the left and the others to the right, and an empty one.

    Names may be the user's own: a bar or a line break in one does not break the table.
    """
    yield _line(header)
    yield _line(["---", *("---:" for _ in header[1:])])
    for row in rows:
        yield _line(row)
    yield ""


def _line(cells: Sequence[str]) -> str:
    shown = (" ".join(cell.replace("|", "\\|").split()) for cell in cells)
    return f"| {' | '.join(shown)} |"
