"""release init, build, unpack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import counts_line, print_json, tell_if_starter
from isekai_gen.cli.curation_options import release_options
from isekai_gen.cli.option_types import InputFile
from isekai_gen.cli.options import (
    combined,
    common_options,
    json_option,
    open_workspace,
    request_option,
    voice_options,
    workspace_option,
)
from isekai_gen.cli.releasing_sizes import FileSize

if TYPE_CHECKING:
    from isekai_gen.release.content import ReleaseSummary
    from isekai_gen.stages.release import Packing

_file = InputFile()
_folder = click.Path(file_okay=False, path_type=Path)
_packing_options = combined(
    request_option(
        "--hard-link",
        is_flag=True,
        help="Link images to those of the workspace instead of copying them.",
    ),
    request_option(
        "--max-shard-size",
        type=FileSize(),
        metavar="SIZE",
        help="Images in one Parquet or tar file, such as 400MB. [default: 400MB]",
    ),
    request_option(
        "--archive",
        type=click.Choice(["zip", "tar"]),
        help="Pack the release into one file beside the folder, too.",
    ),
    request_option(
        "--previous",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder of the release before: the changes are told, the version is checked.",
    ),
    request_option("--c2pa-cert", type=_file, help="Certificate chain, to sign every picture."),
    request_option("--c2pa-key", type=_file, help="Its private key; it stays where it is."),
    request_option("--sign-key", type=_file, help="SSH key that signs SHA256SUMS."),
)


@click.command()
@workspace_option()
@json_option
@voice_options
def init(**options: Any) -> None:  # noqa: ANN401
    """Begin release.toml, where the authors answer what nobody else can.

    Example: isekai-gen release init -w ./sharks
    """
    from isekai_gen.stages.release import begin_answers

    with open_workspace(options) as context:
        path, left = begin_answers(context)
    if options["as_json"]:
        print_json({"answers": str(path), "left": left})
        return
    click.echo(f"{path}: {left} answers are left to you")
    click.echo(f"Next: isekai-gen release build -w {options['workspace']} --out DIR")


@click.command()
@click.option("--out", type=_folder, required=True, help="Folder to make; must not exist.")
@release_options
@_packing_options
@common_options()
def build(**options: Any) -> None:  # noqa: ANN401
    """Package the kept images with metadata, manifests, documents and checksums.

    A build that was interrupted goes on where it was when it is run again.

    Example: isekai-gen release build --out ../isekai-sharks-1.0.0
    """
    from isekai_gen.stages.release import write_release

    packing = _packing_from(options)
    with open_workspace(options) as context:
        tell_if_starter(context, embeds=True, to="run")
        summary = write_release(context, options["out"], packing)
    _print_summary(summary, as_json=options["as_json"])


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=_folder, required=True, help="Folder to make; must not exist.")
@json_option
@voice_options
def unpack(folder: Path, out: Path, as_json: bool, quiet: bool) -> None:
    """Give images in Parquet or tar files back as files, each checked.

    Counterfactual samples stay in the release: they are no images of the dataset.

    Example: isekai-gen release unpack ./sharks-1.0.0 --out ./sharks-images
    """
    from isekai_gen.release.containers.unpack import unpack_release

    found = unpack_release(folder, out)
    left_out = found.samples_left_out
    if as_json:
        samples = None if left_out is None else str(left_out)
        print_json({"folder": str(out), "images": found.images, "samples_left_out": samples})
    elif not quiet:
        click.echo(f"{out}: {found.images} images, each as its checksum says")
        if left_out is not None:
            click.echo(f"Left out: the counterfactual samples, which are in {left_out}")


def _packing_from(options: Mapping[str, Any]) -> Packing:
    from isekai_gen.stages.release import Packing

    cert, key = options["c2pa_cert"], options["c2pa_key"]
    if (cert is None) != (key is None):
        raise click.UsageError("--c2pa-cert and --c2pa-key belong together; give both or neither")
    marker = signer = None
    if cert is not None:
        from isekai_gen.release.signing.c2pa_marks import C2paMarker

        marker = C2paMarker(cert, key)
    if options["sign_key"] is not None:
        from isekai_gen.release.signing.sign import SshSigner

        signer = SshSigner(options["sign_key"])
    return Packing(
        hard_link=options["hard_link"],
        previous=options["previous"],
        marker=marker,
        signer=signer,
        archive=options["archive"],
        max_shard_bytes=options["max_shard_size"] or Packing.max_shard_bytes,
    )


def _print_summary(summary: ReleaseSummary, *, as_json: bool) -> None:
    if as_json:
        print_json(summary.to_json())
        return
    click.echo(counts_line(summary.counts))
    click.echo(
        f"Release (verified): {summary.folder}: profile {summary.profile}, "
        f"{summary.files} files, {summary.size} bytes"
    )
    if summary.archive is not None:
        click.echo(f"Archive: {summary.archive}")
    click.echo(f"Contact sheet: {summary.contact_sheet}")
    click.echo(f"Card: {summary.card}")
