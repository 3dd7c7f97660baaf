"""probe."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import print_json, print_table
from isekai_gen.cli.option_types import FiniteRange
from isekai_gen.cli.options import (
    combined,
    json_option,
    open_workspace,
    request_option,
    voice_options,
    workspace_option,
)

if TYPE_CHECKING:
    from isekai_gen.stages.probe_report import ProbeReport
    from isekai_gen.stages.probe_request import ProbeRequest

_option = partial(request_option, section="probe")
_FOLDER = click.Path(file_okay=False, path_type=Path)


class _Seeds(click.ParamType[tuple[int, ...]]):
    """Whole numbers with commas between them."""

    name = "N,N,..."

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[int, ...]:
        """The numbers of a text such as "0,1,2"."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(each) for each in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not numbers with commas between them, as in 0,1,2", param, ctx)


_training_options = combined(
    _option("--seeds", type=_Seeds(), default="0,1,2", show_default=True, help="Of the batches."),
    _option(
        "--epochs",
        type=click.IntRange(min=1),
        default=6,
        show_default=True,
        help="Times that every training image is shown.",
    ),
    _option(
        "--batch", type=click.IntRange(min=1), default=32, show_default=True, help="Images a step."
    ),
    _option(
        "--learning-rate",
        type=FiniteRange(min=0, min_open=True, max=1),
        help="The highest. [default: 0.0001 for the starter encoder, else 0.00001]",
    ),
    _option(
        "--distill-weight",
        type=FiniteRange(min=0, max=1e6),
        default=1.0,
        show_default=True,
        help="Of the squared difference to the frozen tower's features, beside the cross-entropy.",
    ),
    _option(
        "--dtype",
        type=click.Choice(["float32", "bfloat16"]),
        help="Of the arithmetic; weights are float32. [default: float32 on the CPU, bfloat16 on a "
        "GPU that has it]",
    ),
)
_measuring_options = combined(
    _option(
        "--encoder",
        help="Whose image tower: starter, ARCH/TAG of OpenCLIP, or a folder. [default: the "
        "workspace's]",
    ),
    _option(
        "--hold-out",
        default="auto",
        show_default=True,
        help="Style to measure and never train on: template=ID, SLOT=VALUE, auto or none.",
    ),
    _option(
        "--test-share",
        type=FiniteRange(min=0.01, max=0.9),
        default=0.25,
        show_default=True,
        help="Images held out, unless releases are split by image into train and test.",
    ),
    request_option(
        "--devices",
        help="One device: cpu, or such as cuda:0. [default: the first GPU, else the CPU]",
    ),
    _option(
        "--out", type=_FOLDER, help="Folder of results. [default: reports/probe of the workspace]"
    ),
    _option("--save", type=_FOLDER, help="Folder for trained weights. [default: none are kept]"),
)


@click.command()
@_measuring_options
@_training_options
@workspace_option()
@json_option
@voice_options
def probe(**options: Any) -> None:  # noqa: ANN401
    """Measure what fine-tuning does to robustness, with and without counterfactual samples.

    Fine-tunes an image tower on the kept images in three ways with the same batches: plainly, with
    feature distillation on the same images, and on their counterfactual samples. A run that is
    finished is not repeated.

    Example: isekai-gen probe --encoder starter --seeds 0,1,2
    """
    from isekai_gen.stages.probe import probe as probe_tower

    with open_workspace(options) as context:
        report = probe_tower(context, _request(options, context.workspace.root))
    if options["as_json"]:
        print_json({**report.to_json(), "seconds": round(report.seconds, 1)})
        return
    _print(report)


def _request(options: dict[str, Any], root: Path) -> ProbeRequest:
    from isekai_gen.stages.probe_request import ProbeRequest

    return ProbeRequest(
        out=options["out"] or root / "reports" / "probe",
        **{
            name: options[name]
            for name in (
                "encoder",
                "seeds",
                "epochs",
                "batch",
                "learning_rate",
                "distill_weight",
                "dtype",
                "hold_out",
                "test_share",
                "save",
            )
        },
    )


def _print(report: ProbeReport) -> None:
    from isekai_gen.stages.probe_claim import CLAIM, SOURCE
    from isekai_gen.stages.probe_report import LEGEND

    print_table(*report.table())
    for line in (*report.missing_lines(), *LEGEND):
        click.echo(line)
    click.echo(f"\nThe paper, {SOURCE}: {CLAIM}.")
    print_table(*report.claim_table())
    before = f", {report.repeated} runs of them done before" if report.repeated else ""
    click.echo(f"{report.seconds:.0f} s of training and measuring{before}; {report.folder}")
