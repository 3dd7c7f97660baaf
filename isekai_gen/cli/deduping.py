"""dedupe: in a workspace, over any pictures, over embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import ConsoleReporter, print_json, tell_if_starter
from isekai_gen.cli.curation_options import encoder_option
from isekai_gen.cli.deduping_words import print_outside_report, print_workspace_report
from isekai_gen.cli.duplicate_options import check_options, duplicate_options, outside_options
from isekai_gen.cli.failures import PARTLY_DONE
from isekai_gen.cli.options import (
    common_options,
    device_names_from,
    engine_from,
    open_workspace,
    overrides_from,
)

if TYPE_CHECKING:
    from isekai_gen.stages.context import StageContext
    from isekai_gen.stages.dedupe_folder_report import OutsideReport

_STARTER_ON_OTHERS = (
    "The starter encoder knows only pictures like its own; for others pass "
    "--encoder ViT-B-32/laion2b_s34b_b79k, or --tiers exact,perceptual"
)


@click.command()
@outside_options
@duplicate_options
@encoder_option
@click.option("--dry-run", is_flag=True, help="Report what would be decided; write nothing of it.")
@common_options()
def dedupe(**options: Any) -> None:  # noqa: ANN401
    """Find duplicates and near-duplicates, and judge which to keep.

    In a workspace, among its generated images; with --images, among the pictures of any folder,
    .tar or .parquet file, which are only read; with --embeddings, among the rows of a matrix.

    Example: isekai-gen dedupe --max-similarity 0.93

    Example: isekai-gen dedupe --images photos --against others --out found

    Example: isekai-gen dedupe --embeddings x.npy --max-similarity 0.95 --out found
    """
    check_options(click.get_current_context(), options)
    if options["images"] is None and options["embeddings"] is None:
        _dedupe_workspace(options)
        return
    report = _dedupe_outside(options)
    if options["as_json"]:
        print_json(report.to_json())
    else:
        print_outside_report(report)
    if report.failed:
        raise click.exceptions.Exit(PARTLY_DONE)


def _dedupe_workspace(options: Mapping[str, Any]) -> None:
    from isekai_gen.stages.dedupe import dedupe as judge_duplicates

    with open_workspace(options) as context:
        tell_if_starter(context, embeds=True)
        report = judge_duplicates(context, dry_run=options["dry_run"])
    if options["as_json"]:
        print_json(report.to_json())
    else:
        print_workspace_report(report)


def _dedupe_outside(options: Mapping[str, Any]) -> OutsideReport:
    context = _context_outside(options)
    if options["embeddings"] is not None:
        from isekai_gen.stages.dedupe_embeddings import EmbeddingsRequest, dedupe_embeddings

        request = EmbeddingsRequest(
            embeddings=options["embeddings"],
            out=options["out"],
            ids=options["ids"],
            against=options["against"],
            floor=options["floor"],
            require_unit=options["require_unit"],
        )
        return dedupe_embeddings(context, request)
    from isekai_gen.settings import STARTER
    from isekai_gen.stages.dedupe_folder import FolderRequest, dedupe_folder

    settings = context.settings
    if settings.embed.encoder == STARTER and "semantic" in settings.near_duplicate.tiers:
        context.reporter.note(_STARTER_ON_OTHERS)
    return dedupe_folder(
        context,
        FolderRequest(options["images"], options["out"], options["against"], options["floor"]),
    )


def _context_outside(options: Mapping[str, Any]) -> StageContext:
    """Settings from options and environment alone: outside a workspace there is no isekai.toml."""
    from isekai_gen.settings import Settings
    from isekai_gen.stages.context import StageContext
    from isekai_gen.workspace import Workspace

    return StageContext(
        workspace=Workspace(options["out"]),
        settings=Settings().with_overrides(overrides_from(options)),
        reporter=ConsoleReporter(quiet=options["quiet"]),
        devices=device_names_from(options["devices"]),
        engine=engine_from(options),
    )
