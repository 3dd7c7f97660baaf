"""All checks of one proposed group: against ImageNet, against the other groups, and in itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

from isekai_gen.prompts import shipped_templates_path
from isekai_gen.prompts.imagenet_names import ImageNetNames, contains_words
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.prompts.templates import load_templates
from isekai_gen.proposals.checks_counterpart import (
    parents_findings,
    real_findings,
    wnids_findings,
)
from isekai_gen.proposals.checks_fields import field_findings
from isekai_gen.proposals.checks_meaning import ClassMeanings
from isekai_gen.proposals.engine import EmbedTexts
from isekai_gen.proposals.length_checks import PromptLengths, clip_window
from isekai_gen.proposals.name_checks import RealNames, real_name_findings, real_names
from isekai_gen.proposals.names import NameBook, read_name_book
from isekai_gen.proposals.records import Finding, Proposal
from isekai_gen.proposals.slate_checks import (
    AlikeLimits,
    group_findings,
    label_findings,
    slate_findings,
)
from isekai_gen.proposals.text_checks import Likeness, LikeTexts
from isekai_gen.proposals.unsafe_names import unsafe_findings


@dataclass(frozen=True)
class CheckLimits:
    """From where on something is told.

    Attributes:
        alike: Similarity of the letters of two descriptions.
        min_alike_definition: The same for a description and a class's definition, in (0, 1].
        class_quantile: Of the similarities of real classes to the most alike other one; from this
            quantile on, a text counts as that of a class to the encoder. In (0, 1).
        max_tokens: Tokens of a prompt that an image generator's text encoder reads.
    """

    alike: AlikeLimits = field(default_factory=AlikeLimits)
    min_alike_definition: float = 0.5
    class_quantile: float = 0.99
    max_tokens: int = 77


class EntryChecks:
    """Finds what is wrong with a proposed group; the same for the same groups in any order.

    Tables of ImageNet's names are made once, at the first check that needs them.
    """

    def __init__(
        self,
        imagenet: ImageNetNames,
        embed: EmbedTexts | None = None,
        limits: CheckLimits | None = None,
        templates: TemplateSet | None = None,
        vouched: Collection[str] = (),
    ) -> None:
        """Nothing is computed yet.

        Args:
            imagenet: The classes that exist.
            embed: A text encoder, or None: then nothing is compared by meaning.
            limits: From where on something is told; the defaults if None.
            templates: Whose prompts must fit; those shipped for strong models if None.
            vouched: Names of real things that ImageNet need not have, such as the user's own
                parents.
        """
        self.imagenet = imagenet
        self.limits = limits or CheckLimits()
        self._embed = embed
        self._templates = templates
        self._vouched = frozenset(vouched)
        self._likeness = Likeness()

    def findings(self, proposal: Proposal, others: Sequence[Proposal] = ()) -> tuple[Finding, ...]:
        """What is wrong with a group, of itself and beside other groups.

        Args:
            proposal: Any texts, also empty ones.
            others: The groups that it would stand beside, without itself; their order is no matter.
        """
        found = [*self._alone(proposal)]
        if all(_is_whole(group) for group in (proposal, *others)):
            found += slate_findings(proposal, others, self._likeness, self.limits.alike)
        return tuple(dict.fromkeys(found))

    def _alone(self, proposal: Proposal) -> Iterator[Finding]:
        yield from field_findings(proposal)
        if not _is_whole(proposal):
            return
        yield from unsafe_findings(proposal, self.imagenet)
        near = [*real_name_findings(proposal, self._names, self._free_names)]
        yield from near
        yield from label_findings(proposal)
        yield from parents_findings(proposal, self.imagenet)
        yield from real_findings(proposal, self.imagenet, self._vouched)
        yield from wnids_findings(proposal.real, self.imagenet)
        yield from group_findings(proposal, self._likeness, self.limits.alike)
        yield from self._definition(proposal)
        if self._meanings is not None:
            meant = self._meanings.findings(proposal)
            # A name that is told for its letters need not be told for its meaning.
            yield from (one for one in meant if not (near and one.field == "name"))
        yield from self._lengths.findings(proposal)

    def _free_names(self, proposal: Proposal) -> Iterator[str]:
        real, parents = proposal.real.name, proposal.fictional.parents
        for parent in parents:
            if not contains_words(parent, real) and not contains_words(real, parent):
                yield from self._book.names_for(real, parent)

    def _definition(self, proposal: Proposal) -> Iterator[Finding]:
        fictional = proposal.fictional
        wnid, similarity = self._definitions.nearest(fictional.description)
        limit = self.limits.min_alike_definition
        if similarity >= limit:
            yield Finding(
                "description_of_class",
                "fictional",
                "description",
                f"the description of {fictional.name!r} is much like the definition of "
                f"{self.imagenet.title(wnid)}: {self.imagenet.definitions[wnid]!r} (similarity "
                f"{similarity:.2f}, from {limit:g} on told)",
                "describe what no such thing has",
            )

    @cached_property
    def _names(self) -> RealNames:
        return real_names(self.imagenet)

    @cached_property
    def _book(self) -> NameBook:
        return read_name_book(self.imagenet)

    @cached_property
    def _definitions(self) -> LikeTexts:
        return _index_definitions(self.imagenet)

    @cached_property
    def _meanings(self) -> ClassMeanings | None:
        if self._embed is None:
            return None
        return ClassMeanings(self.imagenet, self._embed, self.limits.class_quantile)

    @cached_property
    def _lengths(self) -> PromptLengths:
        templates = self._templates or load_templates(shipped_templates_path("photo"))
        return PromptLengths(templates, clip_window(self.limits.max_tokens))


@cache
def _index_definitions(imagenet: ImageNetNames) -> LikeTexts:
    return LikeTexts(imagenet.definitions)


def _is_whole(proposal: Proposal) -> bool:
    """Whether every text that checks compare is there."""
    concepts = (proposal.fictional, proposal.real)
    return all(text.strip() for one in concepts for text in (one.name, one.short, one.description))
