"""Which catalog and templates a run uses, their copies in the workspace, and prompt lengths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.models.spec import GeneratorSpec
from isekai_gen.prompts import shipped_templates_path
from isekai_gen.prompts.catalog import Catalog, load_catalog
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.prompts.templates import check_templates, load_templates
from isekai_gen.records import PlannedImage
from isekai_gen.settings import STARTER, GenerateSettings, read_settings
from isekai_gen.workspace import Workspace, write_atomically

_SHOWN = 10


@dataclass(frozen=True)
class Words:
    """A catalog and the templates that speak of it.

    Attributes:
        catalog: The concepts.
        templates: The prompt templates, checked against the catalog.
        catalog_path: Where the catalog was read.
        templates_path: Where the templates were read.
    """

    catalog: Catalog
    templates: TemplateSet
    catalog_path: Path
    templates_path: Path

    def copy_into(self, workspace: Workspace) -> None:
        """Keep both files, byte for byte, in the workspace."""
        for source, target in (
            (self.catalog_path, workspace.catalog_file),
            (self.templates_path, workspace.templates_file),
        ):
            content = source.read_bytes()
            if not target.exists() or target.read_bytes() != content:
                write_atomically(target, content)


def read_words(
    workspace: Workspace, settings: GenerateSettings, catalog: Path | None, templates: Path | None
) -> Words:
    """The files named, else the workspace's own, else (templates) those shipped for the model.

    Raises:
        InputError: If no catalog is named and the workspace has none, or either file is wrong.
    """
    catalog_path = catalog or workspace.catalog_file
    if catalog is None and not catalog_path.exists():
        raise InputError(
            f"{workspace.root} has no catalog yet: name one with --concepts FILE "
            "(`isekai-gen concepts list` shows the one that is shipped)"
        )
    templates_path = templates or _default_templates(workspace, settings)
    read_catalog, read_templates = load_catalog(catalog_path), load_templates(templates_path)
    check_templates(read_templates, read_catalog, templates_path)
    return Words(read_catalog, read_templates, catalog_path, templates_path)


def _default_templates(workspace: Workspace, settings: GenerateSettings) -> Path:
    """The workspace's copy if it was made for this model, else those shipped for the model."""
    if workspace.templates_file.exists() and workspace.settings_file.exists():
        before = read_settings(workspace.settings_file).generate
        if before.model == settings.model:
            return workspace.templates_file
    return shipped_templates_path("starter" if settings.model == STARTER else "photo")


def check_prompt_lengths(spec: GeneratorSpec, images: Iterable[PlannedImage]) -> None:
    """Refuse prompts that are longer than the model's text encoders read.

    Raises:
        InputError: Lists the prompts with the words that would be cut off.
    """
    from isekai_gen.models.tokens import count_tokens

    first_with = _first_image_by_text(images)
    if not first_with:
        return
    faults = [
        f"{first_with[text]}: {count.used} tokens, the model reads {count.limit}; "
        f"cut off: {count.cut_off!r}"
        for text, count in zip(first_with, count_tokens(spec, list(first_with)), strict=True)
        if count.used > count.limit
    ]
    if faults:
        lines = [f"{len(faults)} prompt(s) are too long for {spec.label}:", *faults[:_SHOWN]]
        if len(faults) > _SHOWN:
            lines.append(f"... and {len(faults) - _SHOWN} more")
        lines.append("shorten the templates or descriptions, or pass --allow-truncation")
        raise InputError("\n".join(lines))


def _first_image_by_text(images: Iterable[PlannedImage]) -> Mapping[str, str]:
    """Every distinct prompt and negative prompt, to where it is first used."""
    first_with: dict[str, str] = {}
    for image in images:
        where = f"{image.concept} #{image.index} (template {image.template!r})"
        first_with.setdefault(image.prompt, where)
        if image.negative_prompt:
            first_with.setdefault(image.negative_prompt, f"{where}, negative prompt")
    return first_with
