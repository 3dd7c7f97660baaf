"""release push."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import print_json, print_table
from isekai_gen.cli.options import json_option, request_option, voice_options

if TYPE_CHECKING:
    from isekai_gen.release.publishing.push import PushPlan, PushSummary


@click.command("push")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("repository")
@request_option("--branch", section="push", default="main", show_default=True, help="To commit to.")
@click.option("--private", is_flag=True, help="Make the repository private; refuse a public one.")
@request_option("--tag", section="push", help='Name of the tag. [default: "v" and the version]')
@request_option("--message", section="push", help="Of the commit. [default: name and version]")
@click.option("--dry-run", is_flag=True, help="List what would go, without the network.")
@json_option
@voice_options
def push(folder: Path, repository: str, **options: Any) -> None:  # noqa: ANN401 - as click has them
    """Publish a verified release on the Hugging Face Hub, check what arrived, and tag it.

    REPOSITORY is owner/name. Afterwards the branch holds the files of the release and no others.
    The token is that of `hf auth login`, or HF_TOKEN.

    Example: isekai-gen release push isekai-sharks-1.0.0 ada/isekai-sharks --dry-run
    """
    from isekai_gen.release.publishing.push import PushRequest, plan_push, push_release

    request = PushRequest(
        repository, options["branch"], options["private"], options["tag"], options["message"]
    )
    plan = plan_push(folder, request)
    if options["dry_run"]:
        _print_plan(plan, options)
    else:
        _print_summary(push_release(plan, show_progress=not options["quiet"]), options)


def _print_plan(plan: PushPlan, options: Mapping[str, Any]) -> None:
    if options["as_json"]:
        print_json({**asdict(plan), "folder": str(plan.folder), "size": plan.size})
        return
    print_table(("file", "bytes"), [(file.path, file.size) for file in plan.files])
    click.echo(f"{len(plan.files)} files, {plan.size} bytes would go to {plan.repository}")
    if not options["quiet"]:
        click.echo(
            f"branch {plan.branch}, tag {plan.tag}, message {plan.message!r}\n"
            f"Other files of that branch would be deleted. Nothing was sent."
        )


def _print_summary(summary: PushSummary, options: Mapping[str, Any]) -> None:
    if options["as_json"]:
        print_json(asdict(summary))
        return
    did = "pushed and checked" if summary.is_new else "there already, checked; nothing was sent"
    click.echo(f"{summary.files} files {did}")
    click.echo(f"{summary.url} (commit {summary.commit})")
