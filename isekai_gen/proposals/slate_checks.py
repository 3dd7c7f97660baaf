"""Whether a proposed group is too much like another group, or its two halves like each other.

Findings depend on which other groups there are, never on their order.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from isekai_gen.errors import InputError
from isekai_gen.manifests.names import (
    check_label,
    check_label_pair,
    normalize_label,
    suggest_label,
)
from isekai_gen.prompts.imagenet_names import name_forms
from isekai_gen.proposals.name_checks import are_near
from isekai_gen.proposals.records import PARTS, Finding, Part, Proposal
from isekai_gen.workspace import slug_of

# Names; every group of a slate is compared with every other again and again.
_REMEMBERED = 8192
Likeness = Callable[[str, str], float]


@dataclass(frozen=True)
class AlikeLimits:
    """From which similarity of their letters on two descriptions are told; each in (0, 1].

    The most alike descriptions of the shipped catalog have 0.60 in a group, and 0.44 across groups.

    Attributes:
        in_group: Of a fictional concept and its counterpart, which should look much the same.
        across_groups: Of any other two.
    """

    in_group: float = 0.8
    across_groups: float = 0.6


def label_findings(proposal: Proposal) -> Iterator[Finding]:
    """About labels that the metric cannot judge, alone or as a pair."""
    labels = {part: normalize_label(proposal.part(part).name) for part in PARTS}
    faults = {part: check_label(label) for part, label in labels.items()}
    for part in PARTS:
        for fault in faults[part]:
            hint = suggest_label(proposal.part(part).name, [])
            suggestion = f"choose another name{f', such as {hint!r}' if hint else ''}"
            yield Finding("label_breaks_metric", part, "name", fault, suggestion)
    if not any(faults.values()):
        for fault in check_label_pair(labels["fictional"], labels["real"]):
            yield _label_pair(fault, "fictional")


def group_findings(
    proposal: Proposal, likeness: Likeness, limits: AlikeLimits
) -> Iterator[Finding]:
    """About the two descriptions of a group."""
    a, b = proposal.fictional, proposal.real
    similarity = likeness(a.description, b.description)
    if similarity >= limits.in_group:
        yield Finding(
            "alike_descriptions",
            "real",
            "description",
            f"the description of {b.name!r} is much like that of {a.name!r} "
            f"(similarity {similarity:.2f}, from {limits.in_group:g} on told)",
            "say what differs: what the invented thing has and the real one lacks",
        )


def slate_findings(
    proposal: Proposal, others: Sequence[Proposal], likeness: Likeness, limits: AlikeLimits
) -> Iterator[Finding]:
    """About a proposal and the groups that it would stand beside; in any order, the same."""
    rivals = sorted(others, key=lambda other: (other.fictional.name, other.real.name))
    for check in (same_slug, _near_names, _labels, _same_parents):
        found = (check(proposal, other) for other in rivals)
        yield from itertools.islice((finding for finding in found if finding), 1)
    yield from _alike_descriptions(proposal, rivals, likeness, limits)


@lru_cache(maxsize=_REMEMBERED)
def slug_or_none(name: str) -> str | None:
    """The folder name that a name makes; None if it makes none."""
    try:
        return slug_of(name)
    except InputError:
        return None


def same_slug(proposal: Proposal, other: Proposal) -> Finding | None:
    """About a concept that would have the folder of one of another group; at most one."""
    for part, theirs in itertools.product(PARTS, PARTS):
        name, taken = proposal.part(part).name, other.part(theirs).name
        slug = slug_or_none(name)
        if slug is not None and slug == slug_or_none(taken):
            suggestion = (
                "choose another name"
                if part == "fictional"
                else "choose another counterpart, or a narrower name for it"
            )
            return Finding(
                "name_taken",
                part,
                "name",
                f"{name!r} makes the slug {slug!r}, which {taken!r} of another group has",
                suggestion,
            )
    return None


def _near_names(proposal: Proposal, other: Proposal) -> Finding | None:
    name, taken = proposal.fictional.name, other.fictional.name
    if slug_or_none(name) == slug_or_none(taken) or not are_near(name, taken):
        return None
    return Finding(
        "names_too_near",
        "fictional",
        "name",
        f"{name!r} is nearly the name of another group, {taken!r}",
        "choose a name that nobody misreads for it",
    )


def _labels(proposal: Proposal, other: Proposal) -> Finding | None:
    labels = sorted(_label(group.fictional.name) for group in (proposal, other))
    if not all(labels):
        return None
    faults = check_label_pair(*labels)
    return _label_pair(faults[0], "fictional") if faults else None


@lru_cache(maxsize=_REMEMBERED)
def _label(name: str) -> str:
    """A name as a label; "" if it cannot be one, which `label_findings` tells."""
    label = normalize_label(name)
    return "" if check_label(label) else label


def _label_pair(fault: str, part: Part) -> Finding:
    """`check_label_pair` ends some of its faults with a suggestion of its own."""
    message, _, _ = fault.partition("; ")
    suggestion = "choose a name that contains no other name, nor lies in one"
    return Finding("labels_break_metric", part, "name", message, suggestion)


def _same_parents(proposal: Proposal, other: Proposal) -> Finding | None:
    parents, theirs = proposal.fictional.parents, other.fictional.parents
    if len(parents) < 2 or not (_are_among(parents, theirs) and _are_among(theirs, parents)):
        return None
    rules = proposal.origin.get("rule"), other.origin.get("rule")
    same_rule = rules[0] is not None and rules[0] == rules[1]
    how = " by the same rule" if same_rule else ""
    return Finding(
        "same_parents",
        "fictional",
        "parents",
        f"{proposal.fictional.name!r} and {other.fictional.name!r} are both made of "
        f"{' and '.join(proposal.fictional.parents)}{how}",
        "exchange a parent, or let their pictures show which is which",
        refuses=same_rule,
    )


def _are_among(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether each name is one of the others, in singular or plural."""
    return all(any(name_forms(name) & name_forms(other) for other in others) for name in names)


def _alike_descriptions(
    proposal: Proposal, rivals: Sequence[Proposal], likeness: Likeness, limits: AlikeLimits
) -> Iterator[Finding]:
    for part in PARTS:
        own = proposal.part(part)
        theirs = [other.part(kind) for other in rivals for kind in PARTS]
        alike = [(likeness(own.description, one.description), one.name) for one in theirs]
        told = sorted((-s, name) for s, name in alike if s >= limits.across_groups)
        if told:
            similarity, name = -told[0][0], told[0][1]
            more = f", and like {len(told) - 1} more" if len(told) > 1 else ""
            yield Finding(
                "alike_descriptions",
                part,
                "description",
                f"the description of {own.name!r} is much like that of {name!r} (similarity "
                f"{similarity:.2f}, from {limits.across_groups:g} on told){more}",
                "say what differs: shape, colors, parts",
            )
