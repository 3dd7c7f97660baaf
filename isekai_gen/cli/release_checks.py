"""release verify and release gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import ConsoleReporter, print_json
from isekai_gen.cli.options import json_option, voice_options

if TYPE_CHECKING:
    from isekai_gen.release.verification.received import Finding

CHECK_FAILED = 1


@click.command("verify")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--no-pixels",
    is_flag=True,
    help="Compare bytes only: do not decode pictures, nor check their C2PA marks.",
)
@click.option(
    "--allowed-signers",
    type=click.Path(path_type=Path),
    envvar="ISEKAI_GEN_ALLOWED_SIGNERS",
    show_envvar=True,
    help="File of those who may sign, as ssh-keygen(1) describes; the release must be signed by "
    "one of them.",
)
@json_option
@voice_options
def verify(
    folder: Path, no_pixels: bool, allowed_signers: Path | None, as_json: bool, quiet: bool
) -> None:
    """Check every file, number and rule of a release; exit 1 if anything is wrong.

    Example: isekai-gen release verify ./isekai-demo/release
    """
    from isekai_gen.release.verification.verify import unchecked

    reporter = ConsoleReporter(quiet=quiet)
    findings = _verified(folder, reporter, no_pixels, allowed_signers)
    notes = unchecked(folder, allowed_signers)
    for note in notes:
        reporter.note(f"Not checked: {note}")
    _tell(folder, findings, "verified", {"not_checked": notes} if as_json else None, quiet)


@click.command("gate")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--max-copy",
    metavar="N|P%",
    envvar="ISEKAI_GEN_GATE_MAX_COPY",
    show_envvar=True,
    help="Images of fictional concepts that may be copies of real images.",
)
@click.option(
    "--max-class-overlap",
    metavar="N|P%",
    envvar="ISEKAI_GEN_GATE_MAX_CLASS_OVERLAP",
    show_envvar=True,
    help="Images of fictional concepts that may look like a real class.",
)
@click.option(
    "--min-kept",
    type=click.IntRange(min=1),
    envvar="ISEKAI_GEN_GATE_MIN_KEPT",
    show_envvar=True,
    help="Images that every concept must have.",
)
@click.option(
    "--max-similarity",
    "gate_max_similarity",
    type=click.FloatRange(-1.0, 1.0),
    envvar="ISEKAI_GEN_GATE_MAX_SIMILARITY",
    show_envvar=True,
    help="Highest similarity of an image to another image of the release.",
)
@click.option(
    "--require-calibration",
    is_flag=True,
    help="The limits for near-duplicates must have been calibrated.",
)
@click.option(
    "--require-copies-measured",
    is_flag=True,
    help="Copies of real images must have been looked for, however many there are.",
)
@click.option("--no-verify", is_flag=True, help="Take the release at its word: do not verify it.")
@json_option
@voice_options
def gate(folder: Path, no_verify: bool, as_json: bool, quiet: bool, **asked: Any) -> None:  # noqa: ANN401
    """Verify a release and hold it against limits; exit 1 if it does not meet one.

    What was never measured meets no limit.

    Example: isekai-gen release gate ./isekai-demo/release --min-kept 4 --max-class-overlap 0.5%
    """
    from isekai_gen.release.verification.gate import GateLimits, check_gate, parse_allowance

    limits = GateLimits(
        max_copies=parse_allowance(asked["max_copy"]) if asked["max_copy"] else None,
        max_class_overlap=(
            parse_allowance(asked["max_class_overlap"]) if asked["max_class_overlap"] else None
        ),
        min_kept=asked["min_kept"],
        max_similarity=asked["gate_max_similarity"],
        calibrated=asked["require_calibration"],
        copies_measured=asked["require_copies_measured"],
    )
    if limits == GateLimits():
        raise click.UsageError("name at least one limit, such as --max-copy 0 or --min-kept 16")
    findings = [] if no_verify else _verified(folder, ConsoleReporter(quiet=quiet), False, None)
    findings = findings or check_gate(folder, limits)
    _tell(folder, findings, "meets all limits", {} if as_json else None, quiet)


def _verified(
    folder: Path, reporter: ConsoleReporter, no_pixels: bool, allowed_signers: Path | None
) -> list[Finding]:
    """What is wrong with a release, with progress on the way."""
    from isekai_gen.release.verification.verify import count_steps, verify_release

    with reporter.task("Verify", count_steps(folder)) as advance:
        return verify_release(
            folder, pixels=not no_pixels, advance=advance, allowed_signers=allowed_signers
        )


def _tell(
    folder: Path,
    findings: list[Finding],
    good: str,
    also: dict[str, Any] | None,
    quiet: bool,
) -> None:
    """Print findings, as JSON with what is `also` told if that is given; end with 1 if any."""
    if also is not None:
        rows = [finding.__dict__ for finding in findings]
        print_json({"folder": str(folder), "findings": rows, **also})
    else:
        for finding in findings:
            click.echo(f"{finding.file}: {finding.rule}: {finding.message}")
        if findings or not quiet:
            found = f"{len(findings)} finding(s)" if findings else good
            click.echo(f"{folder}: {found}")
    if findings:
        raise click.exceptions.Exit(CHECK_FAILED)
