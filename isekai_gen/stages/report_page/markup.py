"""Pieces of HTML. Whatever comes from a dataset is text until `text` has escaped it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

MAX_ROWS = 500
"""Of a table: the JSON file has them all."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        caption: What it shows.
        header: Names of its columns.
        rows: Cells, as many a row as columns; `Html` is taken as it is.
        numeric: Columns of numbers, which are aligned to the right.
        more: Rows that there are beyond `rows`.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    more: int = 0


def text(words: str) -> Html:
    """Words, escaped; `Html` stays as it is."""
    return words if isinstance(words, Html) else Html(escape(words))


def joined(pieces: Iterable[str]) -> Html:
    """Pieces below each other; texts are escaped."""
    return Html("\n".join(text(piece) for piece in pieces))


def paragraph(words: str, kind: str = "") -> Html:
    """A paragraph; `kind` is its class in the style sheet."""
    attribute = f' class="{escape(kind)}"' if kind else ""
    return Html(f"<p{attribute}>{text(words)}</p>")


def code(words: str) -> Html:
    """A command, or a name that is typed."""
    return Html(f"<code>{escape(words)}</code>")


def with_code(words: str) -> Html:
    """Words in which what stands between back-quotes is typed."""
    pieces = words.split("`")
    return Html("".join(code(each) if odd % 2 else text(each) for odd, each in enumerate(pieces)))


def not_measured(command: str) -> Html:
    """What stands where there is no number, with the command that measures it."""
    return paragraph(with_code(f"Not measured. `{command}` measures it."), "missing")


def table(shown: Table) -> Html:
    """A table with its caption; what is left out is said."""
    cells = shown.rows[:MAX_ROWS]
    left_out = len(shown.rows) - len(cells) + shown.more
    head = "".join(
        f'<th scope="col"{_kind(column, shown)}>{text(name)}</th>'
        for column, name in enumerate(shown.header)
    )
    body = "\n".join(_row(row, shown) for row in cells)
    more = f"\n{paragraph(f'and {left_out:,} more in the JSON file', 'facts')}" if left_out else ""
    # A region that scrolls must be reachable by keyboard and have a name.
    return Html(
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(shown.caption)}">\n'
        f"<table>\n<caption>{text(shown.caption)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>{more}"
    )


def folded(summary: str, content: str) -> Html:
    """Content that is shown on demand; print has what is unfolded."""
    return Html(f"<details>\n<summary>{text(summary)}</summary>\n{text(content)}\n</details>")


def section(anchor: str, title: str, *content: str) -> Html:
    """A section with its heading."""
    return Html(
        f'<section id="{escape(anchor)}" aria-labelledby="{escape(anchor)}-title">\n'
        f'<h2 id="{escape(anchor)}-title">{text(title)}</h2>\n{joined(content)}\n</section>'
    )


def picture(url: str, words: str, image_id: str) -> Html:
    """A picture with what it shows, for those who do not see it, and its id on demand."""
    return Html(f'<img src="{escape(url)}" alt="{escape(words)}" title="{escape(image_id)}">')


def figure(image: str, caption: str) -> Html:
    """A plot with its caption."""
    return Html(f"<figure>\n{text(image)}\n<figcaption>{text(caption)}</figcaption>\n</figure>")


def number(value: float | None, digits: int = 0) -> str:
    """A number for people; "-" for None."""
    return "-" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """A share for people; "-" for None."""
    return "-" if value is None else f"{value:.1%}"


def between(estimate: float, low: float, high: float) -> str:
    """A share with its interval: "97.5 % (95.0-98.8)"."""
    return f"{estimate:.1%} ({low * 100:.1f}–{high * 100:.1f})"  # noqa: RUF001 - a range


def _row(row: Sequence[str], shown: Table) -> str:
    first, *others = row
    cells = "".join(
        f"<td{_kind(column, shown)}>{text(cell)}</td>" for column, cell in enumerate(others, 1)
    )
    return f'<tr><th scope="row">{text(first)}</th>{cells}</tr>'


def _kind(column: int, shown: Table) -> str:
    return ' class="n"' if column in shown.numeric else ""
