"""Which words a run uses, their copies in the workspace, and whether prompts fit the model."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.models.paths import local_path
from isekai_gen.models.spec import GeneratorSpec
from isekai_gen.prompts import shipped_templates_path
from isekai_gen.prompts.catalog import Catalog, load_catalog
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.prompts.templates import check_templates, load_templates
from isekai_gen.records import PlannedImage
from isekai_gen.settings import STARTER, GenerateSettings, read_settings
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

_SHOWN = 10
_CHUNK = 4096


@dataclass(frozen=True)
class Words:
    """A catalog and the templates that speak of it.

    Attributes:
        catalog: The concepts.
        templates: The prompt templates with the wildcards they use, checked against the catalog.
        catalog_path: Where the catalog was read.
        templates_path: Where the templates were read.
    """

    catalog: Catalog
    templates: TemplateSet
    catalog_path: Path
    templates_path: Path

    def copy_into(self, workspace: Workspace) -> None:
        """Keep the files that were used, byte for byte, in the workspace.

        Wildcard files keep their place below their folder; files that were copied before and are
        no longer used stay.
        """
        copies = {
            workspace.catalog_file: self.catalog_path,
            workspace.templates_file: self.templates_path,
        }
        wildcards = self.templates.wildcards
        if wildcards.folder is not None:
            for path in wildcards.files:
                copies[workspace.wildcards / path.relative_to(wildcards.folder)] = path
        for target, source in copies.items():
            content = source.read_bytes()
            if not target.exists() or target.read_bytes() != content:
                write_atomically(target, content)


def read_words(
    workspace: Workspace, settings: GenerateSettings, catalog: Path | None, templates: Path | None
) -> Words:
    """The files named, else the workspace's own, else (templates) those shipped for the model.

    Wildcards come from the folder that the settings name. If that is no longer there, or if none
    is named, they come from the workspace's copy of those it was planned with.

    Raises:
        InputError: If no catalog is named and the workspace has none, or a file is wrong.
    """
    catalog_path = catalog or workspace.catalog_file
    if catalog is None and not catalog_path.exists():
        raise InputError(
            f"{workspace.root} has no catalog yet: name one with --concepts FILE "
            "(`isekai-gen concepts list` shows the one that is shipped)"
        )
    templates_path = templates or _default_templates(workspace, settings)
    read_catalog = load_catalog(catalog_path)
    read_templates = load_templates(templates_path, _wildcards_folder(workspace, settings))
    check_templates(read_templates, read_catalog, templates_path)
    return Words(read_catalog, read_templates, catalog_path, templates_path)


def _default_templates(workspace: Workspace, settings: GenerateSettings) -> Path:
    """The workspace's copy if it was made for this model, else those shipped for the model."""
    if workspace.templates_file.exists() and workspace.settings_file.exists():
        before = read_settings(workspace.settings_file).generate
        if before.model == settings.model:
            return workspace.templates_file
    return shipped_templates_path("starter" if settings.model == STARTER else "photo")


def _wildcards_folder(workspace: Workspace, settings: GenerateSettings) -> Path | None:
    copy = workspace.wildcards
    if settings.wildcards is not None:
        folder = local_path(settings.wildcards)
        if folder.is_dir():
            return folder
        if not copy.is_dir():
            raise InputError(f"{folder} is no folder; name the wildcards folder with --wildcards")
    return copy if copy.is_dir() else None


def check_prompt_lengths(spec: GeneratorSpec, images: Iterable[PlannedImage]) -> None:
    """Refuse prompts that are longer than the model's text encoders read.

    Images are read once and let go; the tokenizers are loaded only if there is one.

    Raises:
        InputError: Lists the first prompts with the words that would be cut off.
    """
    from isekai_gen.models.tokens import TokenCounter

    source = iter(images)
    first = next(source, None)
    if first is None:
        return
    counter = TokenCounter(spec)
    texts = _distinct_texts(itertools.chain([first], source))
    number = 0
    shown: list[str] = []
    while chunk := list(itertools.islice(texts, _CHUNK)):
        for place, count in counter.too_long([text for text, _ in chunk]):
            number += 1
            if len(shown) < _SHOWN:
                shown.append(
                    f"{chunk[place][1]}: {count.used} tokens, the model reads {count.limit}; "
                    f"cut off: {count.cut_off!r}"
                )
    if number:
        lines = [f"{number} prompt(s) are too long for {spec.label}:", *shown]
        if number > _SHOWN:
            lines.append(f"... and {number - _SHOWN} more")
        lines.append("shorten the templates or descriptions, or pass --allow-truncation")
        raise InputError("\n".join(lines))


def _distinct_texts(images: Iterable[PlannedImage]) -> Iterator[tuple[str, str]]:
    """Prompts and negative prompts, each with where it is first used.

    A text is known again by its hash, which is a number: a million texts would fill the memory.
    """
    seen: set[int] = set()
    for image in images:
        for text, what in ((image.prompt, ""), (image.negative_prompt, ", negative prompt")):
            if text and hash(text) not in seen:
                seen.add(hash(text))
                where = f"{image.concept} #{image.index} (template {image.template!r}){what}"
                yield text, where
