"""episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.class_folder_options import class_map_option, imagenet_option
from isekai_gen.cli.console import print_json, tell_if_starter
from isekai_gen.cli.curation_options import encoder_option
from isekai_gen.cli.option_types import FiniteRange, InputFile, OutputFile
from isekai_gen.cli.options import combined, common_options, open_workspace, request_option, setting
from isekai_gen.manifests.episode_plan import RELABELS, STRATEGIES

if TYPE_CHECKING:
    from isekai_gen.stages.episodes import EpisodeReport

_FILE = InputFile()
_source_options = combined(
    imagenet_option(", instead of the kept images."),
    class_map_option,
    request_option(
        "--similarity",
        type=click.Choice(["lcl", "cosine"]),
        section="episodes",
        help="How classes of --imagenet are ranked. [default: as in neighbors; else lcl]",
    ),
    request_option(
        "--from",
        "source_file",
        type=_FILE,
        section="episodes",
        help="File in the style of train900_pairs.jsonl, instead of the kept images.",
    ),
    request_option(
        "--mix",
        type=_FILE,
        multiple=True,
        help="JSON-lines file of other tasks, for --strategy mix; may be repeated.",
    ),
)
_plan_options = combined(
    setting(
        "--strategy",
        "episodes.strategy",
        type=click.Choice(STRATEGIES),
        help="2-way: always --shots. 2-way-random, 2-way-weight: in later epochs 2 to --shots, "
        "evenly or by e^k. mix: half of the lines are from --mix. [default: 2-way]",
    ),
    setting(
        "--n",
        "episodes.count",
        type=click.IntRange(min=1),
        envvar="ISEKAI_GEN_EPISODES_COUNT",
        help="Lines to write. [default: 1000]",
    ),
    setting(
        "--seed",
        "episodes.seed",
        type=click.IntRange(min=0),
        envvar="ISEKAI_GEN_EPISODES_SEED",
        help="Seed of the episodes. [default: 0]",
    ),
    setting(
        "--ways",
        "episodes.ways",
        type=click.IntRange(min=2),
        help="Classes in an episode. [default: 2]",
    ),
    setting(
        "--shots",
        "episodes.shots",
        type=click.IntRange(min=0),
        envvar="ISEKAI_GEN_EPISODES_SHOTS",
        help="Support images per label (the paper counts those of all labels). [default: 16]",
    ),
    setting(
        "--relabel",
        "episodes.relabel",
        type=click.Choice(RELABELS),
        help="Whose names become random words. [default: positive]",
    ),
)
_epoch_options = combined(
    request_option(
        "--fixed-epochs",
        type=click.IntRange(min=0),
        help="First epochs, at --shots, of 2-way-random and 2-way-weight. [default: 1]",
    ),
    request_option(
        "--varied-epochs",
        type=click.IntRange(min=0),
        help="Their later epochs, at 2 to --shots; all epochs together are --n. [default: 10]",
    ),
    request_option(
        "--false-labels",
        type=FiniteRange(0, 1),
        default=0.0,
        help="Share of an episode's support images with another way's label. [default: 0]",
    ),
    request_option(
        "--flip-position",
        type=click.IntRange(min=1),
        help="Place in the support set whose image has another way's label. [default: none]",
    ),
)


@click.command()
@_plan_options
@_source_options
@_epoch_options
@click.option(
    "--out",
    type=OutputFile(),
    required=True,
    help="File to write, such as episodes/train.jsonl; a summary lies beside it.",
)
@encoder_option
@common_options()
def episodes(**options: Any) -> None:  # noqa: ANN401
    """Write N-way K-shot training episodes by the strategies of Link-Context Learning.

    Negatives are drawn from the classes most like the positive one. Episodes are of the kept
    images, of a dataset with a folder per class, or of a train900-style file.

    Example: isekai-gen episodes --strategy 2-way-random --n 10000 --out episodes/train.jsonl
    """
    from isekai_gen.stages.episodes import EpisodeRequest, write_episodes

    request = EpisodeRequest(
        out=options["out"],
        class_folder=options["imagenet"],
        class_map=options["class_map"],
        similarity=options["similarity"],
        source_file=options["source_file"],
        mix=options["mix"],
        fixed_epochs=options["fixed_epochs"],
        varied_epochs=options["varied_epochs"],
        false_labels=options["false_labels"],
        flip_position=options["flip_position"],
    )
    with open_workspace(options, must_exist=request.needs_images) as context:
        tell_if_starter(context, embeds=request.source_file is None)
        report = write_episodes(context, request)
    if options["as_json"]:
        print_json(_as_json(report))
        return
    _print(report)


def _as_json(report: EpisodeReport) -> dict[str, Any]:
    return {
        **report.written.__dict__,
        "path": str(report.written.path),
        "summary": str(report.summary),
        "strategy": report.strategy,
        "classes": report.classes,
        "positive_classes": report.positive_classes,
        "left_out": dict(report.left_out),
    }


def _print(report: EpisodeReport) -> None:
    written = report.written
    click.echo(
        f"{written.path}: {written.lines} lines = {written.episodes} episodes ({report.strategy}) "
        f"+ {written.others} lines of other tasks"
    )
    shots = ", ".join(f"{count} with {shots}" for shots, count in written.shots.items())
    click.echo(f"  shots per label: {shots}")
    click.echo(f"  {report.positive_classes} of {report.classes} classes as the positive one")
    click.echo(report.summary)
