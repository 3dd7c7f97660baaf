"""prompts: show what would be generated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import print_json
from isekai_gen.cli.model_options import (
    concepts_option,
    model_option,
    sampling_option,
    seed_option,
    templates_option,
    wildcards_option,
)
from isekai_gen.cli.options import debug_option, json_option, overrides_from, workspace_option

if TYPE_CHECKING:
    from isekai_gen.models.tokens import TokenCount
    from isekai_gen.stages.preview import PromptPreview


@click.command()
@concepts_option
@templates_option
@wildcards_option
@model_option
@seed_option
@sampling_option
@click.option(
    "--limit", type=click.IntRange(min=0), default=3, show_default=True, help="Prompts per concept."
)
@click.option("--bindings", is_flag=True, help="Show template, slots, wildcards and variants.")
@click.option("--templates-detail", is_flag=True, help="Show how many prompts each template has.")
@click.option(
    "--tokens", is_flag=True, help="Count tokens as the model does; show what it would not read."
)
@workspace_option()
@json_option
@debug_option
def prompts(**options: Any) -> None:  # noqa: ANN401
    """Show what would be generated, and how many different prompts there are.

    Example: isekai-gen prompts --concepts concepts.yaml --limit 5 --bindings
    """
    from isekai_gen.settings import read_settings
    from isekai_gen.stages.preview import preview_prompts
    from isekai_gen.stages.words import read_words
    from isekai_gen.workspace import Workspace

    workspace = Workspace(options["workspace"])
    settings = read_settings(workspace.settings_file).with_overrides(overrides_from(options))
    words = read_words(workspace, settings.generate, options["concepts"], options["templates"])
    previews = preview_prompts(
        words, settings.generate, options["limit"], count_tokens=options["tokens"]
    )
    if options["as_json"]:
        print_json({preview.concept: preview.to_json() for preview in previews})
        return
    for preview in previews:
        click.echo(f"{preview.concept}: {preview.count} different prompts")
        if options["templates_detail"]:
            for template, count in preview.count_by_template.items():
                click.echo(f"  {template}: {count}")
        for shown in preview.prompts:
            click.echo(f"  {shown.prompt.text}")
            for line in _details(shown, bindings=options["bindings"]):
                click.echo(f"      {line}")


def _details(shown: PromptPreview, *, bindings: bool) -> Iterator[str]:
    if bindings:
        yield f"template = {shown.prompt.template}"
        yield from (f"{name} = {value}" for name, value in shown.prompt.slots.items())
        if shown.prompt.negative:
            yield f"negative: {shown.prompt.negative}"
    for what, tokens in (("tokens", shown.tokens), ("negative tokens", shown.negative_tokens)):
        if tokens is not None:
            yield f"{what}: {_described(tokens)}"


def _described(tokens: TokenCount) -> str:
    cut_off = f"; cut off: {tokens.cut_off!r}" if tokens.cut_off else ""
    return f"{tokens.used} of {tokens.limit}{cut_off}"
