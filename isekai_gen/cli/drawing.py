"""demo, run, concepts, prompts, generate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import counts_line, print_json, print_table
from isekai_gen.cli.model_options import (
    concepts_option,
    drawing_options,
    duplicate_options,
    encoder_option,
    images_option,
    manifest_options,
    model_option,
    neighbor_options,
    overlap_options,
    release_options,
    seed_option,
    templates_option,
)
from isekai_gen.cli.options import (
    common_options,
    debug_option,
    json_option,
    open_workspace,
    overrides_from,
    tell_if_starter,
    voice_options,
    workspace_option,
)

if TYPE_CHECKING:
    from isekai_gen.stages.run import RunReport

PARTLY_DONE = 3
_RETRY = click.option("--retry-failed", is_flag=True, help="Draw images that failed again.")


@click.command()
@images_option
@seed_option
@common_options(default_workspace="isekai-demo")
def demo(**options: Any) -> None:  # noqa: ANN401
    """Run the whole main job on the shipped catalog with the starter models.

    Ends with a contact sheet and a verified release. Run it again to continue.

    Example: isekai-gen demo -w ./isekai-demo
    """
    from isekai_gen.stages.demo import DEMO_SETTINGS, run_demo

    with open_workspace(options, must_exist=False, presets=DEMO_SETTINGS) as context:
        tell_if_starter(context, draws=True, embeds=True)
        report = run_demo(context)
    _print_run(report, as_json=options["as_json"])
    if not options["as_json"]:
        click.echo(f"Next: isekai-gen status -w {options['workspace']}")
    _exit_if_failed(report.status.total.failed)


@click.command()
@drawing_options
@_RETRY
@encoder_option
@overlap_options
@duplicate_options
@neighbor_options
@manifest_options
@release_options
@common_options()
def run(**options: Any) -> None:  # noqa: ANN401
    """Run all stages in order; run it again to continue or to grow the dataset.

    Example: isekai-gen run -w ./sharks --concepts concepts.yaml --images-per-concept 32
    """
    from isekai_gen.stages.generate import GenerateRequest
    from isekai_gen.stages.run import run_all

    request = GenerateRequest(options["concepts"], options["templates"], options["retry_failed"])
    with open_workspace(options, must_exist=False) as context:
        tell_if_starter(context, draws=True, embeds=True)
        report = run_all(context, request)
    _print_run(report, as_json=options["as_json"])
    _exit_if_failed(report.status.total.failed)


@click.command()
@drawing_options
@_RETRY
@common_options()
def generate(**options: Any) -> None:  # noqa: ANN401
    """Plan and draw images; run it again to continue.

    Example: isekai-gen generate --concepts concepts.yaml --model stabilityai/sdxl-turbo -n 32
    """
    from isekai_gen.stages.generate import GenerateRequest
    from isekai_gen.stages.generate import generate as generate_images

    request = GenerateRequest(options["concepts"], options["templates"], options["retry_failed"])
    with open_workspace(options, must_exist=False) as context:
        tell_if_starter(context, draws=True)
        report = generate_images(context, request)
    if options["as_json"]:
        print_json(report.__dict__)
    else:
        if not report.drawn:
            click.echo("Nothing to do: all images are drawn and intact")
        click.echo(
            f"planned {report.planned} = {report.generated} generated + {report.failed} failed"
        )
    _exit_if_failed(report.failed)


@click.group()
def concepts() -> None:
    """Look at catalogs of concepts.

    Example: isekai-gen concepts check concepts.yaml
    """


@concepts.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@templates_option
@json_option
@voice_options
def check_concepts(file: Path, templates: Path | None, as_json: bool, quiet: bool) -> None:
    """Validate a catalog, and templates against it; says every fault with its line.

    Example: isekai-gen concepts check concepts.yaml
    """
    from isekai_gen.prompts.catalog import load_catalog
    from isekai_gen.prompts.templates import check_templates, load_templates

    catalog = load_catalog(file)
    if templates is not None:
        check_templates(load_templates(templates), catalog, templates)
    if as_json:
        print_json({"name": catalog.name, "groups": len(catalog.groups), "faults": []})
    elif not quiet:
        click.echo(
            f"{file}: {len(catalog.groups)} groups, {len(catalog.concepts)} concepts, no fault"
        )


@concepts.command("list")
@concepts_option
@json_option
@debug_option
def list_concepts(concepts: Path | None, as_json: bool) -> None:
    """Show a catalog; without --concepts the one that is shipped.

    Example: isekai-gen concepts list
    """
    from isekai_gen.prompts import shipped_catalog_path
    from isekai_gen.prompts.catalog import load_catalog

    path = concepts or shipped_catalog_path()
    catalog = load_catalog(path)
    if as_json:
        print_json([concept.to_json() for concept in catalog.concepts])
        return
    rows = [(c.slug, c.kind, c.group, c.short) for c in catalog.concepts]
    print_table(("concept", "kind", "group", "appearance"), rows)
    click.echo(f"\n{path}: {len(catalog.groups)} groups; copy it to start a catalog of your own")


@click.command()
@concepts_option
@templates_option
@model_option
@seed_option
@click.option(
    "--limit", type=click.IntRange(min=0), default=3, show_default=True, help="Prompts per concept."
)
@workspace_option()
@json_option
@debug_option
def prompts(**options: Any) -> None:  # noqa: ANN401
    """Show what would be generated, and how many different prompts there are.

    Example: isekai-gen prompts --concepts concepts.yaml --limit 5
    """
    from isekai_gen.prompts.expansion import count_prompts, expand_prompts
    from isekai_gen.settings import read_settings
    from isekai_gen.stages.words import read_words
    from isekai_gen.workspace import Workspace

    workspace = Workspace(options["workspace"])
    settings = read_settings(workspace.settings_file).with_overrides(overrides_from(options))
    words = read_words(workspace, settings.generate, options["concepts"], options["templates"])
    counts = {c.slug: count_prompts(words.templates, c) for c in words.catalog.concepts}
    texts = {
        concept.slug: [
            prompt.text
            for prompt in expand_prompts(
                words.templates, concept, range(options["limit"]), settings.generate.seed
            )
        ]
        for concept in words.catalog.concepts
    }
    if options["as_json"]:
        print_json({slug: {"count": counts[slug], "prompts": texts[slug]} for slug in texts})
        return
    for slug, shown in texts.items():
        click.echo(f"{slug}: {counts[slug]} different prompts")
        for text in shown:
            click.echo(f"  {text}")


def _print_run(report: RunReport, *, as_json: bool) -> None:
    status = report.status.to_json()
    manifests = {manifest.name: manifest.rows for manifest in report.manifests}
    if as_json:
        print_json(
            {
                **status,
                "manifests": manifests,
                "release": str(report.release),
                "contact_sheet": str(report.contact_sheet),
                "worked": report.worked,
            }
        )
        return
    if not report.worked:
        click.echo("Nothing to do: everything is made and up to date")
    rows = [
        (slug, c["planned"], c["generated"], c["kept"], sum(c["dropped"].values()), c["failed"])
        for slug, c in status["by_concept"].items()
    ]
    print_table(("concept", "planned", "generated", "kept", "dropped", "failed"), rows)
    click.echo(f"\n{counts_line(status)}")
    for name, number in manifests.items():
        click.echo(f"Manifest {name}: {number} queries")
    click.echo(f"Release (verified): {report.release}")
    click.echo(f"Contact sheet: {report.contact_sheet}")


def _exit_if_failed(failed: int) -> None:
    if failed:
        click.echo(
            f"{failed} image(s) failed; their reasons are in records/; "
            "--retry-failed of generate draws them again",
            err=True,
        )
        raise click.exceptions.Exit(PARTLY_DONE)
