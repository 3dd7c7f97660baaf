"""Options of duplicate search and of the limits of its tiers, declared once each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from isekai_gen.cli.option_types import FiniteRange, InputFile
from isekai_gen.cli.options import combined, request_option, setting, was_given

_SIMILARITY = FiniteRange(-1, 1)
_RADIUS = click.IntRange(0, 31)


def _tiers(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    """The names given with --tiers, in their declared order."""
    from isekai_gen.settings import TIERS

    if text is None:
        return None
    named = {name.strip() for name in text.split(",")}
    unknown = sorted(named - set(TIERS))
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(TIERS)}")
    return tuple(tier for tier in TIERS if tier in named)


def _limit(flag: str, name: str, **attributes: Any) -> Any:  # noqa: ANN401 - a decorator
    return setting(flag, f"near_duplicate.{name}", **attributes)


search_options = combined(
    _limit(
        "--mode",
        "mode",
        type=click.Choice(["exact", "approximate", "auto"]),
        help="How pairs are searched; auto chooses by size, hardware and time. [default: exact]",
    ),
    _limit(
        "--min-recall",
        "min_recall",
        type=FiniteRange(0, 1, min_open=True, max_open=True),
        help="Share of the pairs that an approximate search must find. [default: 0.98]",
    ),
)
duplicate_options = combined(
    _limit(
        "--max-similarity",
        "max_similarity",
        type=_SIMILARITY,
        help="Kept images are pairwise at or below this cosine similarity. "
        "[default: calibrated, else 0.95]",
    ),
    _limit(
        "--review-similarity",
        "review_similarity",
        type=_SIMILARITY,
        help="Pairs above this, up to the limit, are for people. [default: calibrated, else 0.92]",
    ),
    _limit(
        "--relative-quantile",
        "relative_quantile",
        type=FiniteRange(0, 1),
        help="A pair of one concept must also lie above this quantile of the concept's own pairs. "
        "[default: none]",
    ),
    _limit(
        "--radius",
        "radius",
        type=_RADIUS,
        help="Perceptual: bits of 64 in which hashes of duplicates may differ. "
        "[default: calibrated, else built in]",
    ),
    _limit(
        "--review-radius",
        "review_radius",
        type=_RADIUS,
        help="Perceptual: pairs up to this many bits are for people. "
        "[default: calibrated, else built in]",
    ),
    _limit(
        "--tiers",
        "tiers",
        metavar="TIER[,TIER...]",
        callback=_tiers,
        help="Comparisons made: exact, perceptual, semantic, extra. "
        "[default: exact,perceptual,semantic]",
    ),
    _limit(
        "--extra-encoder",
        "extra_encoder",
        metavar="PATH",
        help="A further encoder, such as a copy-detection model, for the tier extra: a folder of "
        "OpenCLIP or timm, or a TorchScript file. TorchScript is a program: name only files you "
        "trust; none is ever loaded unless named here.",
    ),
    _limit(
        "--extra-max-similarity",
        "extra_max_similarity",
        type=_SIMILARITY,
        help="Extra: as --max-similarity. [default: calibrated, else 0.90]",
    ),
    _limit(
        "--extra-review-similarity",
        "extra_review_similarity",
        type=_SIMILARITY,
        help="Extra: as --review-similarity. [default: calibrated, else 0.75]",
    ),
    _limit(
        "--within",
        "within",
        type=click.Choice(["concept", "group", "all"]),
        help="Which pairs count. [default: all]",
    ),
    search_options,
)
_FILE = InputFile()
_PLACE = click.Path(exists=True, path_type=Path)

outside_options = combined(
    request_option(
        "--images",
        type=_PLACE,
        help="Folder, .tar or .parquet file of pictures, in place of a workspace.",
    ),
    request_option(
        "--embeddings",
        type=_FILE,
        help="Matrix of embeddings (.npy, float16 or float32), in place of a workspace.",
    ),
    request_option(
        "--against",
        type=_PLACE,
        help="The same of another set, which is never judged: what duplicates it is dropped.",
    ),
    request_option("--ids", type=_FILE, help="Text file with one id a line, as many as rows."),
    request_option(
        "--floor",
        type=_SIMILARITY,
        help="Lowest similarity of embeddings listed in edges.parquet. [default: the lowest limit]",
    ),
    click.option(
        "--require-unit", is_flag=True, help="Refuse embeddings that are not of unit length."
    ),
    click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the results, outside a workspace.",
    ),
)

# What a way of deduplicating cannot honor is refused, never ignored.
_OUTSIDE_ONLY = ("against", "ids", "floor", "require_unit", "out")
_NOT_OUTSIDE = (
    "dry_run",
    "workspace",
    "force_stage",
    "near_duplicate__within",
    "near_duplicate__relative_quantile",
)
_NOT_OF_PICTURES = (*_NOT_OUTSIDE, "ids", "require_unit")
_NOT_OF_EMBEDDINGS = (
    *_NOT_OUTSIDE,
    "embed__encoder",
    "near_duplicate__tiers",
    "near_duplicate__radius",
    "near_duplicate__review_radius",
    "near_duplicate__extra_encoder",
    "near_duplicate__extra_max_similarity",
    "near_duplicate__extra_review_similarity",
)

_OF_TIERS = (
    (("semantic",), ("near_duplicate__max_similarity", "near_duplicate__review_similarity")),
    (("perceptual",), ("near_duplicate__radius", "near_duplicate__review_radius")),
    (("semantic", "extra"), ("near_duplicate__mode", "near_duplicate__min_recall")),
)


def check_options(context: click.Context, options: Mapping[str, Any]) -> None:
    """Refuse options that make no sense together.

    Args:
        context: Of the command; options from the environment are left to those who use them.
        options: All options of the command.

    Raises:
        click.UsageError: If some were given on the command line that another one rules out.
    """
    if options["images"] is not None and options["embeddings"] is not None:
        raise click.UsageError("--images and --embeddings are two ways; give one of them")
    outside = "--images" if options["images"] is not None else "--embeddings"
    if options["images"] is None and options["embeddings"] is None:
        _refuse(context, _OUTSIDE_ONLY, "needs --images or --embeddings")
    elif options["images"] is not None:
        _refuse(context, _NOT_OF_PICTURES, "means nothing with --images")
    else:
        _refuse(context, _NOT_OF_EMBEDDINGS, "means nothing with --embeddings")
        if options["against"] is not None and options["against"].is_dir():
            raise click.UsageError("--against names a folder; with --embeddings it is a .npy file")
    if (options["images"] or options["embeddings"]) and options["out"] is None:
        raise click.UsageError(f"{outside} needs --out, a folder for the results")
    _check_search(context, options)


def _check_search(context: click.Context, options: Mapping[str, Any]) -> None:
    """Refuse options of comparisons that are not made."""
    mode = options["near_duplicate__mode"]
    if mode == "exact" or (mode is None and (options["images"] or options["embeddings"])):
        _refuse(context, ("near_duplicate__min_recall",), "means nothing in --mode exact")
    tiers = options["near_duplicate__tiers"]
    if tiers:
        without = f"means nothing with --tiers {','.join(tiers)}"
        for needed, names in _OF_TIERS:
            if not set(needed) & set(tiers):
                _refuse(context, names, without)
        if options["images"] is not None and "semantic" not in tiers:
            _refuse(context, ("embed__encoder",), without)


def _refuse(context: click.Context, names: tuple[str, ...], why: str) -> None:
    for parameter in context.command.params:
        if parameter.name in names and was_given(parameter.name):
            raise click.UsageError(f"{parameter.opts[-1]} {why}")
