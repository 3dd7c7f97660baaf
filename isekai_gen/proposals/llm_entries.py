"""Entries of a model as proposals, and why some cannot be taken at all.

What is wrong with a proposal is for the checks to find, and goes into the slate. Here are only the
faults that no check sees: places that were not asked for, and what the user wants to avoid; and
names that are taken, since an engine proposes nothing that the slate has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isekai_gen.prompts.imagenet_names import ImageNetNames, contains_words, name_forms
from isekai_gen.proposals.genus import kinds_of
from isekai_gen.proposals.llm_answers import PlannedSlot, WrittenEntry
from isekai_gen.proposals.records import Proposal, ProposedConcept, Slate
from isekai_gen.proposals.slate_checks import slug_or_none
from isekai_gen.workspace import slug_of

_WORD = re.compile(r"[a-z]{4,}")


@dataclass
class SlateNames:
    """Names that a further entry must not have.

    Attributes:
        owner_by_form: Form of a name, or its slug, to the name that stands.
        refused_names: Forms of invented names that were refused as names.
    """

    owner_by_form: dict[str, str] = field(default_factory=dict)
    refused_names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, slate: Slate) -> SlateNames:
        """All names that the slate's proposals took, and those it refused."""
        refused = [
            refusal.proposal.fictional.name
            for refusal in slate.refused
            if any(
                each.refuses and (each.part, each.field) == ("fictional", "name")
                for each in refusal.findings
            )
        ]
        taken = cls(refused_names=frozenset(form for name in refused for form in name_forms(name)))
        for proposal in slate.accepted:
            taken.add(proposal)
        return taken

    def add(self, proposal: Proposal) -> None:
        """Take the names of a proposal."""
        for name in (proposal.fictional.name, proposal.real.name):
            for form in (*name_forms(name), slug_of(name)):
                self.owner_by_form.setdefault(form, name)

    def owner(self, name: str) -> str:
        """Which name that stands is the same, or ""."""
        forms = sorted({*name_forms(name), slug_of(name)})
        return next((self.owner_by_form[form] for form in forms if form in self.owner_by_form), "")


@dataclass(frozen=True)
class EntryRules:
    """What entries are held to before they are proposed.

    Attributes:
        imagenet: Knows what kind of thing a parent is.
        avoid: What no entry may have to do with, as the user says it.
        open_slots: Numbers of the places that are empty, to their plan.
        taken: Names that are no longer free.
        refused: Proposals that were refused; none comes back as it was.
    """

    imagenet: ImageNetNames
    avoid: tuple[str, ...]
    open_slots: Mapping[int, PlannedSlot]
    taken: SlateNames
    refused: Sequence[Proposal]

    def reasons(self, entry: WrittenEntry) -> Iterator[str]:
        """Why an entry cannot be taken; nothing if it can."""
        if entry.slot not in self.open_slots:
            places = ", ".join(str(number) for number in self.open_slots)
            yield f"slot {entry.slot} is not one of the places asked for and empty ({places})"
        names = (entry.fictional.name, entry.real.name)
        nameless = [name for name in names if slug_or_none(name) is None]
        for name in nameless:
            yield f"{name!r} has no ASCII letter; write it with a to z"
        if nameless:
            return
        yield from self._name_reasons(*names)
        for word in self.avoid:
            if any(contains_words(said, word) for said in self._words_of(entry)):
                yield f"it has to do with {word!r}, which is to be avoided"

    def _words_of(self, entry: WrittenEntry) -> Iterator[str]:
        """What an entry says of itself, and what kinds of things its parts are."""
        fictional, real = entry.fictional, entry.real
        yield from (fictional.name, real.name, *fictional.parents, fictional.description)
        for name in (real.name, *fictional.parents):
            for wnid in classes_of(self.imagenet, name, fictional.description):
                for kind in kinds_of(wnid, self.imagenet):
                    yield from self.imagenet.lemmas[kind]

    def _name_reasons(self, fictional: str, real: str) -> Iterator[str]:
        for name in (fictional, real):
            owner = self.taken.owner(name)
            if owner:
                yield f"the name {name!r} is taken ({owner!r} stands on the slate); choose another"
        if not name_forms(fictional).isdisjoint(self.taken.refused_names):
            yield f"the name {fictional!r} was refused before; invent another"
        if not name_forms(fictional).isdisjoint(name_forms(real)):
            yield f"the invented thing and the real one are both called {real!r}"

    def is_refused(self, proposal: Proposal) -> bool:
        """Whether this very entry was refused before."""
        return any(
            (each.fictional, each.real) == (proposal.fictional, proposal.real)
            for each in self.refused
        )


def to_proposal(
    entry: WrittenEntry, slot: PlannedSlot, imagenet: ImageNetNames, origin: Mapping[str, Any]
) -> Proposal:
    """An entry as a proposal.

    Args:
        entry: As read.
        slot: Its place in the plan.
        imagenet: Tells which classes the real thing is; what a model says of wnids is no evidence.
        origin: How the entry came to be.
    """
    fictional, real = entry.fictional, entry.real
    return Proposal(
        fictional=ProposedConcept(
            name=fictional.name,
            short=fictional.short,
            description=fictional.description,
            parents=tuple(dict.fromkeys(fictional.parents)),
        ),
        real=ProposedConcept(
            name=real.name,
            short=real.short,
            description=real.description,
            wnids=classes_of(imagenet, real.name, f"{slot.domain} {real.description}"),
        ),
        attributes={
            "pose": tuple(dict.fromkeys(entry.poses)),
            "setting": tuple(dict.fromkeys(entry.settings)),
        },
        origin={**origin, "domain": slot.domain, "slot": slot.model_dump()},
    )


def classes_of(imagenet: ImageNetNames, name: str, about: str) -> tuple[str, ...]:
    """The class that a real thing is, by name; of several so called, the one most spoken of.

    A crane may be a bird or a machine: the class whose definition shares the most words with
    `about` is meant, the first if none shares more. Classes of ImageNet-1k go before all others,
    as reference sets show them.

    Returns:
        One wnid, or none if no class is called so.
    """
    wnids = imagenet.wnids_of(name)
    known = [wnid for wnid in wnids if wnid in imagenet.classes_1k] or wnids
    words = _words(about)

    def shared(wnid: str) -> int:
        said = " ".join([*imagenet.lemmas[wnid], imagenet.definitions[wnid]])
        return len(words & _words(said))

    return (max(known, key=shared),) if known else ()


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
