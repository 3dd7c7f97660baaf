"""Options of encoders, filters, tables and releases, declared once each."""

from __future__ import annotations

import click

from isekai_gen.cli.options import combined, setting

encoder_option = setting(
    "--encoder",
    "embed.encoder",
    metavar="starter|ARCH/TAG|DIR",
    help="OpenCLIP encoder. [default: starter]",
)
overlap_options = combined(
    setting(
        "--reference",
        "class_overlap.reference",
        metavar="NAME|DIR",
        help="Reference set. [default: the starter's own; else ImageNet-1k class names]",
    ),
    setting(
        "--max-margin",
        "class_overlap.max_margin",
        type=click.FloatRange(-2, 2),
        help="How much more like a class than like its own concept an image may be. [default: 0]",
    ),
    setting(
        "--own-quantile",
        "class_overlap.own_quantile",
        type=float,
        help="0.05, 0.25 or 0.5: which of the class's own images it must reach. [default: 0.25]",
    ),
)
duplicate_options = combined(
    setting(
        "--max-similarity",
        "near_duplicate.max_similarity",
        type=click.FloatRange(-1, 1),
        help="Kept images are pairwise at or below this cosine similarity. [default: 0.95]",
    ),
    setting(
        "--within",
        "near_duplicate.within",
        type=click.Choice(["concept", "group", "all"]),
        help="Which pairs count. [default: all]",
    ),
    setting(
        "--search",
        "near_duplicate.search",
        type=click.Choice(["blocks", "faiss"]),
        help="How candidates are found; both find the same pairs. [default: blocks]",
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
        type=click.IntRange(min=1),
        help="Support images per side. [default: what every group can give, up to 8]",
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
        type=click.Path(exists=True, dir_okay=False),
        help="Full text of a license that is not shipped.",
    ),
)
