"""concepts: look at catalogs and check them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import ConsoleReporter, print_json, print_table
from isekai_gen.cli.curation_options import encoder_option
from isekai_gen.cli.model_options import concepts_option, templates_option, wildcards_option
from isekai_gen.cli.option_types import InputFile
from isekai_gen.cli.options import (
    debug_option,
    json_option,
    request_option,
    voice_options,
    was_given,
)

if TYPE_CHECKING:
    from isekai_gen.prompts.catalog import Catalog
    from isekai_gen.prompts.template_set import TemplateSet
    from isekai_gen.stages.concept_check import CatalogWarning

BAD_INPUT = 2


@click.group()
def concepts() -> None:
    """Look at catalogs of concepts, check them, begin new ones.

    Example: isekai-gen concepts check concepts.yaml
    """


@concepts.command("check")
@click.argument("file", type=InputFile())
@templates_option
@wildcards_option
@click.option("--strict", is_flag=True, help="Refuse a catalog with warnings (exit code 2).")
@request_option(
    "--deep",
    section="check",
    is_flag=True,
    help="Also check names by stem, spelling and meaning, descriptions, and lengths of prompts.",
)
@encoder_option
@json_option
@voice_options
def check_concepts(file: Path, **options: Any) -> None:  # noqa: ANN401
    """Validate a catalog, and templates against it; says every fault with its line.

    Warns of names that ImageNet has for real things, of descriptions that are alike, of labels
    that the metric cannot tell apart, and of parents and wnids that do not fit. With --deep also
    of names that are nearly those of ImageNet or of each other, of descriptions of real classes, of
    words not to publish, and of prompts that are longer than text encoders read.

    Example: isekai-gen concepts check concepts.yaml --deep
    """
    from isekai_gen.prompts.catalog import load_catalog
    from isekai_gen.prompts.templates import check_templates, load_templates

    catalog = load_catalog(file)
    path, wildcards = options["templates"], options["generate__wildcards"]
    templates = None
    if path is None and was_given("generate__wildcards"):
        raise click.BadParameter("needs --templates", param_hint="--wildcards")
    if path is not None:
        templates = load_templates(path, None if wildcards is None else Path(wildcards))
        check_templates(templates, catalog, path)
    warnings = _warnings(catalog, file, templates, options)
    if options["as_json"]:
        print_json(
            {
                "name": catalog.name,
                "groups": len(catalog.groups),
                "faults": [],
                "warnings": [warning.to_json() for warning in warnings],
            }
        )
    else:
        _print_check(file, catalog, warnings, options)
    if options["strict"] and warnings:
        raise click.exceptions.Exit(BAD_INPUT)


def _warnings(
    catalog: Catalog, file: Path, templates: TemplateSet | None, options: Mapping[str, Any]
) -> tuple[CatalogWarning, ...]:
    from isekai_gen.settings import STARTER

    encoder = options["embed__encoder"]
    if options["deep"]:
        from isekai_gen.stages.concept_check_deep import DeepCheck, check_catalog_deep

        reporter = ConsoleReporter(quiet=options["quiet"])
        return check_catalog_deep(catalog, file, DeepCheck(encoder or STARTER, templates, reporter))
    from isekai_gen.stages.concept_check import check_catalog

    if was_given("embed__encoder"):
        raise click.BadParameter("needs --deep", param_hint="--encoder")
    return check_catalog(catalog, file)


def _print_check(
    file: Path, catalog: Catalog, warnings: Sequence[CatalogWarning], options: Mapping[str, Any]
) -> None:
    # --quiet must not hide why --strict refuses.
    if options["strict"] or not options["quiet"]:
        for warning in warnings:
            click.echo(f"Warning: {warning}", err=True)
    if not options["quiet"]:
        said = f"{len(warnings)} warning(s)" if warnings else "no warning"
        click.echo(
            f"{file}: {len(catalog.groups)} groups, {len(catalog.concepts)} concepts, "
            f"no fault, {said}"
        )


@concepts.command("new")
@click.argument("file", type=click.Path(path_type=Path))
@request_option(
    "--name",
    section="catalog",
    help="Name of the catalog. [default: the file's name]",
)
@request_option(
    "--groups",
    type=int,
    help="How many groups to prepare. [default: as many as --concept, at least 1]",
)
@request_option(
    "--concept",
    "pairs",
    multiple=True,
    metavar="NAME=REAL",
    help="A fictional concept and its real counterpart, such as cactihog=hedgehog; repeatable.",
)
@voice_options
def new_catalog(
    file: Path, name: str | None, groups: int | None, pairs: tuple[str, ...], quiet: bool
) -> None:
    """Begin a catalog: a commented file with placeholders to fill in.

    Example: isekai-gen concepts new animals.yaml --concept cactihog=hedgehog
    """
    from isekai_gen.stages.new_catalog import begin_catalog

    count = begin_catalog(file, name, [_split_pair(pair) for pair in pairs], groups)
    if not quiet:
        click.echo(
            f"{file}: {count} group(s); fill in each TODO, then run "
            f"`isekai-gen concepts check {file}`"
        )


def _split_pair(pair: str) -> tuple[str, str]:
    fictional, equals, real = pair.partition("=")
    if not equals or not fictional.strip() or not real.strip():
        raise click.BadParameter(
            f"{pair!r} is no NAME=REAL, such as cactihog=hedgehog", param_hint="--concept"
        )
    return fictional, real


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
    click.echo(
        f"\n{path}: {len(catalog.groups)} groups; to start a catalog of your own, copy it or run "
        "`isekai-gen concepts new FILE`"
    )
