"""Whether the real counterpart is something real, a parent, and what its wnids say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence

from isekai_gen.prompts.imagenet_names import ImageNetNames, contains_words
from isekai_gen.proposals.records import Finding, Proposal, ProposedConcept

_SHOWN = 3


def parents_findings(proposal: Proposal, imagenet: ImageNetNames) -> Iterator[Finding]:
    """About a fictional concept that is not made of its counterpart."""
    fictional, real = proposal.fictional, proposal.real
    if not any(_alike(parent, real.name, imagenet) for parent in fictional.parents):
        yield Finding(
            "parents_without_counterpart",
            "fictional",
            "parents",
            f"no parent of {fictional.name!r} ({', '.join(fictional.parents)}) is like its "
            f"real counterpart {real.name!r}",
            "add it, or choose a counterpart that is a parent",
        )


def real_findings(
    proposal: Proposal, imagenet: ImageNetNames, vouched: Collection[str]
) -> Iterator[Finding]:
    """About a counterpart that ImageNet does not have.

    It refuses unless a definition of ImageNet's classes speaks of the thing, as of a cactus.

    Args:
        proposal: Of the counterpart.
        imagenet: The classes that exist.
        vouched: Names that are real whatever ImageNet has.
    """
    real = proposal.real
    if (
        real.name in vouched
        or imagenet.wnids_of(real.name)
        or any(wnid in imagenet.lemmas for wnid in real.wnids)
    ):
        return
    words = real.name.split()
    known = [" ".join(words[at:]) for at in range(1, len(words))]
    plainer = next((name for name in known if imagenet.wnids_of(name)), "")
    close = [plainer] if plainer else difflib.get_close_matches(real.name, _names(imagenet), n=1)
    such_as = f", such as {close[0]!r}," if close else ""
    yield Finding(
        "counterpart_unknown",
        "real",
        "name",
        f"{real.name!r} is no name of ImageNet-21k, and no wnid says what it is",
        f"choose a counterpart that ImageNet has{such_as} or name its class under 'wnids'",
        refuses=not _is_spoken_of(real.name, imagenet),
    )


def _is_spoken_of(name: str, imagenet: ImageNetNames) -> bool:
    said = re.compile(rf"\b{re.escape(name)}(e?s)?\b", re.IGNORECASE)
    return any(said.search(definition) for definition in imagenet.definitions.values())


def wnids_findings(concept: ProposedConcept, imagenet: ImageNetNames) -> Iterator[Finding]:
    """About what a real concept says of its place in ImageNet."""
    called_so = imagenet.wnids_of(concept.name)
    hint = f"; so called: {titles(called_so, imagenet)}" if called_so else ""
    for wnid in concept.wnids:
        if wnid not in imagenet.lemmas:
            message = f"{wnid} is no class of ImageNet-21k{hint}"
            yield Finding("unknown_wnid", "real", "wnids", message, "correct it")
    known = [wnid for wnid in concept.wnids if wnid in imagenet.lemmas]
    # Kinds of a thing seldom bear its name (a minivan is a car): one that does is enough.
    if known and not any(imagenet.speaks_of(wnid, concept.name) for wnid in known):
        yield Finding(
            "wnids_of_other_things",
            "real",
            "wnids",
            f"neither name nor definition of {titles(known, imagenet)} speaks of "
            f"{concept.name!r}{hint}",
            "check the wnids",
        )
    own = [wnid for wnid in called_so if wnid in imagenet.classes_1k]
    if own and not concept.wnids:
        yield Finding(
            "wnids_missing",
            "real",
            "name",
            f"{concept.name!r} is a class of ImageNet-1k: {titles(own, imagenet)}",
            "name it under 'wnids' if it is the same thing, or it counts as the concept's own "
            "neighbor",
            refuses=False,
        )


def titles(wnids: Sequence[str], imagenet: ImageNetNames) -> str:
    """Classes for people: the first three, and how many more there are."""
    shown = ", ".join(imagenet.title(wnid) for wnid in wnids[:_SHOWN])
    more = len(wnids) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _alike(parent: str, name: str, imagenet: ImageNetNames) -> bool:
    """Whether one contains the words of the other, or ImageNet has both names for one thing."""
    return (
        contains_words(parent, name)
        or contains_words(name, parent)
        or not set(imagenet.wnids_of(parent)).isdisjoint(imagenet.wnids_of(name))
    )


def _names(imagenet: ImageNetNames) -> list[str]:
    return sorted({name for wnid in imagenet.classes_1k for name in imagenet.lemmas[wnid]})
