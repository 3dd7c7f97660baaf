"""evaluate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.chat_options import prices_from
from isekai_gen.cli.console import ConsoleReporter, print_json, print_table
from isekai_gen.cli.evaluation_options import (
    check_model_options,
    limits_from,
    metrics_from,
    model_options,
    question_options,
    result_options,
    transformers_from,
)
from isekai_gen.cli.failures import PARTLY_DONE
from isekai_gen.cli.options import (
    device_names_from,
    json_option,
    open_workspace,
    voice_options,
    was_given,
    workspace_option,
)

if TYPE_CHECKING:
    from isekai_gen.stages.context import StageContext
    from isekai_gen.stages.evaluate import EvaluateRequest
    from isekai_gen.stages.evaluate_files import EvaluateReport


@click.command()
@question_options
@result_options
@model_options
@workspace_option()
@json_option
@voice_options
def evaluate(**options: Any) -> None:  # noqa: ANN401
    """Measure how well models tell the concepts apart, over the number of examples they see.

    Answers are kept: the same command asks nothing twice, and goes on where it was stopped. Keys
    of servers are read from the environment.

    Example: isekai-gen evaluate --manifest manifests/ISEKAI-10.json --model clip:starter

    Example: isekai-gen evaluate --manifest manifests/ISEKAI-pair.json --model clip:starter --shots
    8 --counterfactuals

    Example: isekai-gen evaluate --manifest release/lcl/ISEKAI-10.json --images release --out
    results --model openai:http://127.0.0.1:8000/v1#my-model --shots 2,4,8
    """
    from isekai_gen.stages.evaluate import evaluate as evaluate_models

    check_model_options(options)
    _check_counterfactuals(options)
    with _open_folder(options) as context:
        report = evaluate_models(context, _request(options, context.workspace.root))
    if options["as_json"]:
        print_json(report.to_json())
    else:
        _print(report)
    if report.partly_failed:
        raise click.exceptions.Exit(PARTLY_DONE)


def _request(options: Mapping[str, Any], root: Path) -> EvaluateRequest:
    """What the options ask for; `root` is the workspace, or the folder of --out."""
    from isekai_gen.evaluation.conditions import parse_ablations, parse_shots
    from isekai_gen.stages.evaluate import EvaluateRequest

    return EvaluateRequest(
        manifest=options["manifest"],
        images=options["images"] or root,
        out=options["out"] or root / "evaluations",
        models=options["models"],
        name=options["name"],
        shots=None if options["shots"] is None else parse_shots(options["shots"]),
        ablations=parse_ablations(options["ablations"]),
        metrics=metrics_from(options),
        seed=options["seed"],
        limit=options["limit"],
        words=options["words"],
        limits=limits_from(options),
        prices=prices_from(options),
        transformers=transformers_from(options),
        plot=options["plot"],
        counterfactuals=options["counterfactuals"],
    )


@contextmanager
def _open_folder(options: Mapping[str, Any]) -> Iterator[StageContext]:
    """The workspace, locked, or with --out that folder alone; answers have a lock of their own."""
    from isekai_gen.settings import Settings
    from isekai_gen.stages.context import StageContext
    from isekai_gen.workspace import Workspace

    if options["out"] is None:
        if not Workspace(options["workspace"]).parts("plan"):
            raise click.UsageError(
                f"{options['workspace']} is no workspace with images; name one with --workspace, "
                "or do without: --images DIR for the images, --out DIR for the results"
            )
        with open_workspace(options) as context:
            yield context
        return
    if was_given("workspace"):
        raise click.UsageError("--out is outside a workspace: give it or --workspace, not both")
    if options["images"] is None:
        raise click.UsageError("--out is outside a workspace: name the image folder with --images")
    _refuse_release(options["images"], options["out"])
    yield StageContext(
        workspace=Workspace(options["out"]),
        settings=Settings(),
        reporter=ConsoleReporter(quiet=options["quiet"]),
        devices=device_names_from(options["devices"]),
    )


def _check_counterfactuals(options: Mapping[str, Any]) -> None:
    """Samples lie in a workspace, and so must the images that they were made from."""
    given = [f"--{name}" for name in ("images", "out") if options[name] is not None]
    if options["counterfactuals"] and given:
        raise click.UsageError(
            f"--counterfactuals asks for samples of the workspace; leave out {' and '.join(given)}"
        )


def _refuse_release(images: Path, out: Path) -> None:
    """See that results do not go into a release, which would no longer verify."""
    from isekai_gen.release.layout import INDEX_FILE

    if (images / INDEX_FILE).is_file() and out.resolve().is_relative_to(images.resolve()):
        raise click.UsageError(
            f"{out} lies in the release {images}, which would then fail `release verify`; choose "
            "an --out elsewhere"
        )


def _print(report: EvaluateReport) -> None:
    for header, rows in (*report.accuracy(), report.ablations(), *report.shortcuts()):
        if rows:
            print_table(header, rows)
    chance = report.evaluation.chance
    click.echo(f"chance: {chance.guess:.2f}")
    for count in report.counts:
        failed = f"; {count.failed} failed" if count.failed else ""
        later = f", {count.may_pass} of them are asked again next time" if count.may_pass else ""
        click.echo(
            f"{count.name}: {count.questions} questions = {count.cached} known + "
            f"{count.asked} asked{failed}{later}"
        )
    for path in report.files:
        click.echo(path)
