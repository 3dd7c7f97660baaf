"""Options of encoders, filters, tables and releases, declared once each."""

from __future__ import annotations

from pathlib import Path

import click

from isekai_gen.cli.option_types import FiniteRange, InputFile, RealOrDefault, WholeOrDefault
from isekai_gen.cli.options import combined, setting


def _with_whole_paths(
    _context: click.Context, _option: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Names as given, and paths of sets absolute, so that a later command finds them too."""
    return tuple(
        str(Path(name).resolve()) if (Path(name) / "reference.json").is_file() else name
        for name in names
    )


encoder_option = setting(
    "--encoder",
    "embed.encoder",
    metavar="starter|ARCH/TAG|DIR",
    help="OpenCLIP encoder. [default: starter]",
)
class_options = combined(
    setting(
        "--reference",
        "class_overlap.reference",
        metavar="NAME|DIR",
        help="Reference set of classes. [default: the starter's own; else ImageNet-1k class names]",
    ),
    setting(
        "--max-margin",
        "class_overlap.max_margin",
        type=FiniteRange(-2, 2),
        help="How much more like a class than like its own concept an image may be. [default: 0]",
    ),
    setting(
        "--own-quantile",
        "class_overlap.own_quantile",
        type=float,
        help="0.05, 0.25 or 0.5: which of the class's own images it must reach. [default: 0.25]",
    ),
)
overlap_options = combined(
    class_options,
    setting(
        "--reference-images",
        "reference_copy.references",
        multiple=True,
        metavar="NAME|DIR",
        callback=_with_whole_paths,
        help="Reference set with images, to find copies of them; may be repeated. [default: none]",
    ),
    setting(
        "--max-copy-similarity",
        "reference_copy.max_similarity",
        type=RealOrDefault(-1, 1, max_open=True),
        help="Highest similarity to a reference image. [default: calibrated; else 0.95]",
    ),
    setting(
        "--review-copy-similarity",
        "reference_copy.review_similarity",
        type=RealOrDefault(-1, 1),
        help="Above it people look at a kept image. [default: calibrated; else 0.9]",
    ),
    setting(
        "--max-name-similarity",
        "name_overlap.max_similarity",
        type=FiniteRange(-1, 1),
        help="How alike a name and that of a class may read before people look. [default: 0.9]",
    ),
    setting(
        "--min-margin",
        "alignment.min_margin",
        type=RealOrDefault(-2, 2),
        help="How much more like its own concept's text than like any other's an image must be. "
        "[default: no limit]",
    ),
)
neighbor_options = combined(
    setting(
        "--nearest",
        "neighbors.nearest",
        type=click.IntRange(min=1),
        help="Classes in the nearest table, per concept. [default: 10]",
    ),
    setting(
        "--bins",
        "neighbors.bins",
        type=click.IntRange(min=1),
        help="Ranks in the rank-stratified table, per concept. [default: 10]",
    ),
)
manifest_options = combined(
    setting(
        "--shots",
        "manifest.shots",
        type=WholeOrDefault(min=1),
        help="Support images per side. [default: what every group can give, up to 16]",
    ),
    setting(
        "--manifest-seed",
        "manifest.seed",
        type=click.IntRange(min=0),
        help="Seed of the support sets. [default: 0]",
    ),
)
release_options = combined(
    setting(
        "--name",
        "release.name",
        envvar="ISEKAI_GEN_RELEASE_NAME",
        help="Title. [default: the catalog's name]",
    ),
    setting(
        "--release-version",
        "release.version",
        help="MAJOR.MINOR.PATCH. [default: 1.0.0]",
    ),
    setting("--license", "release.license", help="License of the images. [default: cc0-1.0]"),
    setting(
        "--license-file",
        "release.license_file",
        type=InputFile(),
        help="Full text of a license that is not shipped.",
    ),
    setting(
        "--profile",
        "release.profile",
        type=click.Choice(["hub", "files", "webdataset"]),
        help="How images travel: Parquet and loose files, loose files, tar shards. [default: hub]",
    ),
    setting(
        "--loose-images/--no-loose-images",
        "release.loose_images",
        help="Whether the profile hub has images/ beside Parquet. [default: yes]",
    ),
    setting(
        "--split",
        "release.splits",
        multiple=True,
        metavar="NAME=SHARE",
        help="A split and its share of the images; may be repeated, shares add up to 1. "
        "[default: test=1]",
    ),
    setting(
        "--split-by",
        "release.split_by",
        type=click.Choice(["group", "image"]),
        help="What is never divided: groups of concepts, or near-duplicates. [default: group]",
    ),
    setting(
        "--split-seed",
        "release.split_seed",
        type=click.IntRange(min=0),
        help="Seed of the division. [default: 0]",
    ),
    setting(
        "--pair-shots",
        "release.pair_shots",
        type=WholeOrDefault(min=0),
        help="Support images embedded on each side of a row of the table pairs. "
        "[default: 2; 0 where that would take over a gigabyte]",
    ),
    setting(
        "--with-embeddings/--without-embeddings",
        "release.embeddings",
        help="Whether embeddings are released, so that similarities can be checked. [default: no]",
    ),
    setting(
        "--counterfactuals/--no-counterfactuals",
        "release.counterfactuals",
        help="Whether counterfactual samples are released, as a config of their own, if there are "
        "any. [default: yes]",
    ),
)
