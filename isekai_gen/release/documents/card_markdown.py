"""Texts of others inside a Markdown page whose structure is ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]+|$)")
# A line of dashes or equals signs under text makes that text a heading; alone, a rule.
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+|(?:[-*_][ \t]*){3,})[ \t]*$")
_LINK = re.compile(r"<(https?://[^\s<>]+|[^\s<>@]+@[^\s<>@]+)>")


def paragraphs(text: str) -> str:
    """An author's Markdown without what would break out of its section.

    Lists, emphasis, links and code stay. Headings become bold lines, HTML is shown as typed, and a
    block of code that is not closed is closed.
    """
    lines: list[str] = []
    fence = ""
    for line in text.strip().splitlines():
        mark = _FENCE.match(line)
        if fence:
            lines.append(line)
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        elif mark:
            fence = mark[1]
            lines.append(line)
        else:
            lines.append(_safe_line(line))
    if fence:
        lines.append(fence)
    return "\n".join(lines)


def _safe_line(line: str) -> str:
    heading = _HEADING.match(line)
    if heading:
        words = line[heading.end() :].strip().rstrip("#").strip()
        return f"**{without_html(words)}**" if words else ""
    if _UNDERLINE.match(line):
        return f"\\{line.strip()}"
    return without_html(line)


def without_html(text: str) -> str:
    """`text` whose "<" is no tag; addresses in angle brackets stay links."""
    parts: list[str] = []
    end = 0
    for link in _LINK.finditer(text):
        parts += [text[end : link.start()].replace("<", "&lt;"), link[0]]
        end = link.end()
    return "".join([*parts, text[end:].replace("<", "&lt;")])


def plain(text: str) -> str:
    """A name or label as it reads, on one line: nothing in it is markup."""
    shown = " ".join(text.split())
    for char in ("\\", "|", "`", "[", "]", "*", "_", "#", "!", "~"):
        shown = shown.replace(char, f"\\{char}")
    return shown.replace("<", "&lt;")


def code(text: str) -> str:
    """A name or path as code, on one line; also in a cell of a table."""
    shown = " ".join(text.split())
    if "`" in shown or "|" in shown:
        return plain(shown)
    return f"`{shown}`"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; a header that ends with ":" is to the right."""
    marks = ("--:" if name.endswith(":") else "---" for name in header)
    names = (name.removesuffix(":") for name in header)
    lines = [names, marks, *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def bullets(texts: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"* {text}" for text in texts)


def listed(texts: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def counted(number: int, singular: str, plural: str = "") -> str:
    """Such as "1 image" and "2,000 images"."""
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"


def size_in_words(size: int) -> str:
    """Bytes for people: "3.4 MB", in powers of 1,000."""
    if size < 1_000:
        return counted(size, "byte")
    for unit, scale in (("kB", 10**3), ("MB", 10**6), ("GB", 10**9)):
        if size < 1_000 * scale:
            return (
                f"{size / scale:.3g} {unit}" if size < 999.5 * scale else f"{size // scale} {unit}"
            )
    return f"{size / 10**12:,.3g} TB"
