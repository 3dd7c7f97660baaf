"""The order in which findings are told: causes before what follows from them, a few of each kind.

One wrong value can be a hundred findings: its file differs from the lists, its row from the
catalog, and every table that repeats it from its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from isekai_gen.release.verification.received import MORE_FAULTS, Finding

# Rules on the files as such, then on the tables that all others repeat; every other rule comes
# after them.
_CAUSES = (
    frozenset(
        {
            "checksum",
            "extra",
            "index",
            "limits",
            "missing",
            "private-key",
            "signature",
            "symlink",
            "unreadable",
            "unsafe-path",
        }
    ),
    frozenset({"concepts", "json", "metadata"}),
)
_NUMBER = re.compile(r"([0-9]+)")
_IN_BRIEF = 3


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once: causes first, then by file and rule, with line 9 before line 10."""

    def key(finding: Finding) -> tuple[object, ...]:
        depth = next((n for n, rules in enumerate(_CAUSES) if finding.rule in rules), len(_CAUSES))
        is_rest = finding.message.endswith(MORE_FAULTS)
        return depth, _natural(finding.file), finding.rule, is_rest, _natural(finding.message)

    return sorted(set(findings), key=key)


def few_of_each(findings: Sequence[Finding], shown: int) -> Iterator[tuple[Finding, int]]:
    """The first findings of each file and rule.

    Args:
        findings: From `in_order`.
        shown: Of one file and rule, at most.

    Yields:
        A finding, and how many of its kind are left out after it: 0 for all but the last of a kind.
    """
    for _, same in groupby(findings, lambda each: (each.file, each.rule)):
        kind = list(same)
        for place, finding in enumerate(kind[:shown], start=1):
            yield finding, len(kind) - shown if place == shown else 0


def findings_in_brief(findings: Sequence[Finding]) -> str:
    """The first findings on one line, such as "(12 findings): LICENSE: missing; ..."."""
    told = "; ".join(f"{each.file}: {each.message}" for each in findings[:_IN_BRIEF])
    return f"({len(findings)} findings): {told}"


def _natural(text: str) -> list[str | tuple[int, str]]:
    """Sorts texts by the numbers in them; these may have too many digits for an `int`."""
    parts: list[str | tuple[int, str]] = list(_NUMBER.split(text))
    for place in range(1, len(parts), 2):
        digits = str(parts[place]).lstrip("0")
        parts[place] = (len(digits), digits)
    return parts
