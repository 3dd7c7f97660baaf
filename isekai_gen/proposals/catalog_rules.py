"""What keeps a proposal from becoming a group of a catalog that `load_catalog` reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ConceptError, InputError, TemplateError
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.prompts.templates import check_templates
from isekai_gen.proposals.catalog_text import catalog_text
from isekai_gen.proposals.records import PARTS, Finding, Proposal
from isekai_gen.workspace import slug_of


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
        found = tuple(_slug_findings(proposal, others))
        return found or tuple(self._reading_findings(proposal))

    def _reading_findings(self, proposal: Proposal) -> Iterator[Finding]:
        """By the readers themselves, so that no rule of theirs can be forgotten here."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "group.yaml"
            path.write_text(catalog_text("group", [proposal], (), self.imagenet), encoding="utf-8")
            try:
                catalog = load_catalog(path)
                if self.templates is not None:
                    check_templates(self.templates[0], catalog, self.templates[1])
            except ConceptError as error:
                yield from _told("catalog_rule", "description", error)
            except TemplateError as error:
                yield from _told("template_rule", "attributes", error)


def _slug_findings(proposal: Proposal, others: Sequence[Proposal]) -> Iterator[Finding]:
    name_by_slug = {
        slug_of(other.part(part).name): other.part(part).name for other in others for part in PARTS
    }
    for part in PARTS:
        name = proposal.part(part).name
        try:
            slug = slug_of(name)
        except InputError as error:
            yield Finding(
                "name_without_slug", part, "name", str(error), "choose a name with ASCII letters"
            )
            continue
        if slug in name_by_slug:
            yield Finding(
                "name_taken",
                part,
                "name",
                f"{name!r} makes the slug {slug!r}, which {name_by_slug[slug]!r} of this catalog "
                "has",
                "choose another name" if part == "fictional" else "choose another counterpart",
            )
        name_by_slug[slug] = name


def _told(code: str, field: str, error: InputError) -> Iterator[Finding]:
    """One finding for each fault that a reader told."""
    for line in str(error).splitlines():
        # The group lay in a file of ours, whose name tells a reader nothing.
        message, _, remedy = line.partition(": ")[2].partition("; ")
        yield Finding(code, "fictional", field, message, remedy or "follow the catalog's rules")
