"""manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.class_folder_options import class_map_option, imagenet_option
from isekai_gen.cli.console import print_json, tell_if_starter
from isekai_gen.cli.curation_options import encoder_option, manifest_options
from isekai_gen.cli.instruction_options import instruction_options, instruction_request
from isekai_gen.cli.options import combined, common_options, open_workspace, setting, was_given
from isekai_gen.errors import ManifestError

if TYPE_CHECKING:
    from isekai_gen.stages.context import StageContext
    from isekai_gen.stages.manifest_report import ManifestReport

ISEKAI_CHOICES = ("isekai-10", "isekai-pair")
LCL_CHOICES = ("lcl-train", "lcl-test")
# As stages.instructions has them, which is too heavy to import for --help.
EPISODE_CHOICES = ("llava", "openai-chat", "sharegpt", "qwen-vl", "interleaved")
INSTRUCTION_CHOICES = (*EPISODE_CHOICES, "triplets", "chain-of-thought")
COUNTERFACTUAL_CHOICES = ("counterfactual",)
_SHOWN = 20
_SHOT_OPTIONS = ("manifest__shots",)
_STRICT_OPTIONS = ("strict",)
_ENCODER_OPTIONS = ("embed__encoder",)
_LCL_OPTIONS = (
    "imagenet",
    "class_map",
    "manifest__test_classes",
    "manifest__samples",
    "manifest__context",
)
_TRAIN_OPTIONS = ("manifest__neighbors",)
_INSTRUCTION_OPTIONS = ("episodes", "images", "words", "templates", "images_as")

lcl_options = combined(
    imagenet_option(", for lcl-*."),
    class_map_option,
    setting(
        "--test-classes",
        "manifest.test_classes",
        type=click.IntRange(min=2),
        help="For lcl-*: classes to test on, an even number. [default: 100; of fewer than 1,000 "
        "classes, one tenth]",
    ),
    setting(
        "--samples",
        "manifest.samples",
        type=click.IntRange(min=1),
        help="For lcl-*: images of each class to train on. [default: 36]",
    ),
    setting(
        "--neighbors",
        "manifest.neighbors",
        type=click.IntRange(min=1),
        help="For lcl-train: neighbor classes of each class. [default: 36]",
    ),
    setting(
        "--context",
        "manifest.context",
        type=click.IntRange(min=1),
        help="For lcl-*: support images of each class to test on. [default: 32]",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Refuse if a concept or class has too few images, instead of leaving it out.",
    ),
)


@click.command()
@click.option(
    "--format",
    "formats",
    type=click.Choice(
        [*ISEKAI_CHOICES, *LCL_CHOICES, *INSTRUCTION_CHOICES, *COUNTERFACTUAL_CHOICES]
    ),
    multiple=True,
    help="Which manifest; may be repeated. [default: isekai-10 and isekai-pair, where possible]",
)
@manifest_options
@lcl_options
@encoder_option
@instruction_options
@common_options()
def manifest(**options: Any) -> None:  # noqa: ANN401
    """Write the kept images for others' loaders: few-shot manifests and instruction data.

    isekai-* and lcl-* are read by the code of Link-Context Learning; lcl-* are made of ImageNet,
    or of any folder with a folder for each class, and need no images of ours.

    Example: isekai-gen manifest --format isekai-10 --shots 4
    """
    formats = tuple(dict.fromkeys(options["formats"]))
    _refuse_unused(formats, options["episodes"])
    isekai = not formats or bool(_among(formats, ISEKAI_CHOICES))
    from_kept = bool(_among(formats, COUNTERFACTUAL_CHOICES)) or (
        bool(_among(formats, INSTRUCTION_CHOICES)) and options["episodes"] is None
    )
    drawn = _draws_episodes(formats, options["episodes"])
    with open_workspace(options, must_exist=isekai or from_kept) as context:
        tell_if_starter(context, embeds=isekai or drawn or "lcl-train" in formats)
        reports = _write_isekai(context, formats, options) if isekai else []
        reports += _write_others(context, formats, options)
    if options["as_json"]:
        print_json([report.to_json() for report in reports])
    else:
        for report in reports:
            _print_report(report)


def _write_isekai(
    context: StageContext, formats: Sequence[str], options: Mapping[str, Any]
) -> list[ManifestReport]:
    from isekai_gen.stages.manifest import write_manifests

    names = _among(formats, ISEKAI_CHOICES)
    reports = write_manifests(context, names, strict=options["strict"])
    if not reports:
        raise ManifestError(
            "neither isekai-10 nor isekai-pair can be written; name one with --format to see why, "
            "lower --shots or keep more images"
        )
    return reports


def _write_others(
    context: StageContext, formats: Sequence[str], options: Mapping[str, Any]
) -> list[ManifestReport]:
    reports: list[ManifestReport] = []
    if lcl := _among(formats, LCL_CHOICES):
        from isekai_gen.stages.lcl_manifests import LclRequest, write_lcl_manifests

        request = LclRequest(options["imagenet"], options["class_map"], options["strict"])
        reports += write_lcl_manifests(context, lcl, request)
    if instructions := _among(formats, INSTRUCTION_CHOICES):
        from isekai_gen.stages.instructions import write_instructions

        reports += write_instructions(context, instructions, instruction_request(options))
    if _among(formats, COUNTERFACTUAL_CHOICES):
        from isekai_gen.stages.counterfactual_manifest import write_counterfactual_manifest

        reports.append(write_counterfactual_manifest(context))
    return reports


def _among(formats: Sequence[str], choices: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in formats if name in choices)


def _draws_episodes(formats: Sequence[str], episodes: Path | None) -> bool:
    return episodes is None and bool(_among(formats, EPISODE_CHOICES))


def _refuse_unused(formats: Sequence[str], episodes: Path | None) -> None:
    """Refuse options on the command line that no format of this call reads."""
    isekai = not formats or bool(_among(formats, ISEKAI_CHOICES))
    lcl = bool(_among(formats, LCL_CHOICES))
    allowed: Mapping[tuple[str, ...], tuple[bool, str]] = {
        _SHOT_OPTIONS: (
            isekai or _draws_episodes(formats, episodes),
            f"isekai-10, isekai-pair or, without --episodes, one of {', '.join(EPISODE_CHOICES)}",
        ),
        _LCL_OPTIONS: (lcl, "lcl-train or lcl-test"),
        _TRAIN_OPTIONS: ("lcl-train" in formats, "lcl-train"),
        _ENCODER_OPTIONS: (set(formats) != {"lcl-test"}, "lcl-train or one of kept images"),
        _STRICT_OPTIONS: (isekai or lcl, "an isekai or lcl format"),
        _INSTRUCTION_OPTIONS: (
            bool(_among(formats, INSTRUCTION_CHOICES)),
            f"one of {', '.join(INSTRUCTION_CHOICES)}",
        ),
    }
    context = click.get_current_context()
    flags = {each.name: each.opts[0] for each in context.command.params}
    for names, (used, needed) in allowed.items():
        for name in names:
            if not used and was_given(name):
                raise click.BadParameter(f"needs --format {needed}", param_hint=flags[name])
    if lcl and context.params["imagenet"] is None:
        raise click.BadParameter(
            "name the folder of images that lcl-* is made of", param_hint="--imagenet"
        )


def _print_report(report: ManifestReport) -> None:
    from isekai_gen.stages.reporting import first_few

    shots = f", {report.shots} shots per side" if report.shots else ""
    click.echo(f"{report.path}: {report.rows} rows{shots}")
    left_out: dict[str, list[str]] = {}
    for key, reason in report.skipped.items():
        left_out.setdefault(reason, []).append(key)
    lines = [f"  left out: {first_few(keys)}: {reason}" for reason, keys in left_out.items()]
    lines += [
        f"  {slug}: {supply.kept} kept images, at most {supply.most_shots} shots "
        f"({report.wanted_shots} need {report.wanted_shots + 1})"
        for slug, supply in report.few.items()
    ]
    for line in lines[:_SHOWN]:
        click.echo(line)
    if len(lines) > _SHOWN:
        click.echo(f"  and {len(lines) - _SHOWN} more; --json lists all")
