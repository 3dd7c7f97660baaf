"""What keeps a proposal from becoming a group of a catalog that `load_catalog` reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ConceptError, InputError, TemplateError
from isekai_gen.prompts.catalog import parse_catalog
from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.prompts.templates import check_templates
from isekai_gen.proposals.catalog_text import catalog_text
from isekai_gen.proposals.records import Finding, Proposal
from isekai_gen.proposals.slate_checks import same_slug


@dataclass(frozen=True)
class CatalogRules:
    """What groups are added to.

    Attributes:
        imagenet: For the text of the catalog.
        templates: Prompt templates that shall speak of every group, and their file; None for no
            demand.
    """

    imagenet: ImageNetNames
    templates: tuple[TemplateSet, Path] | None = None

    def findings(self, proposal: Proposal, others: Sequence[Proposal]) -> tuple[Finding, ...]:
        """Faults of the catalog with this group added; all of them refuse.

        Args:
            proposal: A group.
            others: Groups that stand, which have none.
        """
        taken = next(filter(None, (same_slug(proposal, other) for other in others)), None)
        return (taken,) if taken else tuple(self._reading_findings(proposal))

    def _reading_findings(self, proposal: Proposal) -> Iterator[Finding]:
        """By the readers themselves, so that no rule of theirs can be forgotten here."""
        text = catalog_text("group", [proposal], (), self.imagenet)
        try:
            catalog = parse_catalog(text, Path("group"))
            if self.templates is not None:
                check_templates(self.templates[0], catalog, self.templates[1])
        except ConceptError as error:
            yield from _told("catalog_rule", "description", error)
        except TemplateError as error:
            yield from _told("template_rule", "attributes", error)


def _told(code: str, field: str, error: InputError) -> Iterator[Finding]:
    """One finding for each fault that a reader told."""
    for line in str(error).splitlines():
        # The text lies in no file: what stands before the message tells a reader nothing.
        message, _, remedy = line.partition(": ")[2].partition("; ")
        yield Finding(code, "fictional", field, message, remedy or "follow the catalog's rules")
