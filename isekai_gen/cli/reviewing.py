"""review."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import ConsoleReporter
from isekai_gen.cli.options import request_option, voice_options, workspace_option

if TYPE_CHECKING:
    from isekai_gen.review.routes_site import Tally
    from isekai_gen.stages.context import StageContext

_INSTALL = "pip install 'isekai-gen[review]'"


@click.command()
@workspace_option()
@request_option(
    "--port",
    section="review",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Where to listen; 0 for any free port.",
)
@click.option(
    "--open", "open_browser", is_flag=True, help="Open the page in the browser of this machine."
)
@request_option(
    "--by", section="review", help="Who decides, for the records. [default: the login name]"
)
@request_option(
    "--reference-images",
    section="review",
    multiple=True,
    metavar="NAME=DIR",
    help="Folder with the pictures of a reference set, to show them; may be repeated.",
)
@voice_options
def review(**options: Any) -> None:  # noqa: ANN401
    """Open a local page on which you decide the borderline; Ctrl-C ends it.

    Only this machine can reach it, and only by the address that is printed. Each decision is kept
    at once in decisions.jsonl.

    Example: isekai-gen review -w ./isekai-demo --open
    """
    from isekai_gen.optional import require

    require("starlette", _INSTALL)
    require("uvicorn", _INSTALL)
    from isekai_gen.review.routes_site import Folders
    from isekai_gen.review.serving import ServeRequest, serve
    from isekai_gen.stages.review import open_review

    context = _unlocked_context(options)
    references = _reference_folders(options["reference_images"])
    source = open_review(context, options["by"] or _login_name(), references)
    folders = Folders(context.workspace.root, references)
    request = ServeRequest(folders, options["port"], options["open_browser"])
    tally = serve(source, request, click.echo)
    click.echo(_ending(tally, context.workspace.decisions_file))


def _unlocked_context(options: dict[str, Any]) -> StageContext:
    """Reviewing needs no lock: other commands may run meanwhile."""
    from isekai_gen.settings import read_settings
    from isekai_gen.stages.context import StageContext, require_plan
    from isekai_gen.workspace import Workspace

    workspace = Workspace(options["workspace"])
    require_plan(workspace)
    reporter = ConsoleReporter(quiet=options["quiet"])
    return StageContext(workspace, read_settings(workspace.settings_file), reporter)


def _reference_folders(given: tuple[str, ...]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for one in given:
        name, _, folder = one.partition("=")
        if not name or not folder or not Path(folder).is_dir():
            raise click.BadParameter(
                f"{one!r}: write the name of a reference set, =, and a folder that is there",
                param_hint="--reference-images",
            )
        folders[name] = Path(folder).resolve()
    return folders


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise click.UsageError("this login has no name; say who decides with --by") from error


def _ending(tally: Tally, decisions_file: Path) -> str:
    answers = f" and {tally.answers} audit answer(s)" if tally.answers else ""
    return f"{tally.decisions} decision(s){answers} made; decisions are in {decisions_file}"
