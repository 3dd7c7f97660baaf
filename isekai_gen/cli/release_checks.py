"""release verify and release gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import CHECK_FAILED, ConsoleReporter, print_json
from isekai_gen.cli.option_types import FiniteRange
from isekai_gen.cli.options import json_option, request_option, voice_options

if TYPE_CHECKING:
    from isekai_gen.release.verification.received import Finding

_SHOWN = 3
_all_option = click.option(
    "--all",
    "show_all",
    is_flag=True,
    help=f"Show every finding, not the first {_SHOWN} of a file and rule.",
)


@click.command("verify")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--no-pixels",
    is_flag=True,
    help="Compare bytes only: do not decode pictures, nor check their C2PA marks.",
)
@request_option(
    "--allowed-signers",
    type=click.Path(path_type=Path),
    help="File of those who may sign, as ssh-keygen(1) describes; the release must be signed by "
    "one of them.",
)
@_all_option
@json_option
@voice_options
def verify(folder: Path, no_pixels: bool, allowed_signers: Path | None, **shown: bool) -> None:
    """Check every file, number and rule of a release; exit 1 if anything is wrong.

    Example: isekai-gen release verify ./isekai-demo/release
    """
    from isekai_gen.release.verification.verify import unchecked

    reporter = ConsoleReporter(quiet=shown["quiet"])
    findings = _verified(folder, reporter, no_pixels, allowed_signers)
    notes = unchecked(folder, allowed_signers)
    for note in notes:
        reporter.note(f"Not checked: {note}")
    if shown["as_json"]:
        _print_findings_json(folder, findings, {"not_checked": notes})
    else:
        _print_findings(folder, findings, "verified", shown)
    _end(findings)


@click.command("gate")
@click.argument("folder", type=click.Path(path_type=Path))
@request_option(
    "--max-copy",
    metavar="N|P%",
    section="gate",
    help="Images of fictional concepts that may be copies of real images.",
)
@request_option(
    "--max-class-overlap",
    metavar="N|P%",
    section="gate",
    help="Images of fictional concepts that may look like a real class.",
)
@request_option(
    "--min-kept",
    type=click.IntRange(min=1),
    section="gate",
    help="Images that every concept must have.",
)
@request_option(
    "--max-similarity",
    "gate_max_similarity",
    type=FiniteRange(-1.0, 1.0),
    section="gate",
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
@_all_option
@json_option
@voice_options
def gate(folder: Path, no_verify: bool, **asked: Any) -> None:  # noqa: ANN401
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
    reporter = ConsoleReporter(quiet=asked["quiet"])
    findings = [] if no_verify else _verified(folder, reporter, False, None)
    findings = findings or check_gate(folder, limits)
    if asked["as_json"]:
        _print_findings_json(folder, findings, {})
    else:
        _print_findings(folder, findings, "meets all limits", asked)
    _end(findings)


def _verified(
    folder: Path, reporter: ConsoleReporter, no_pixels: bool, allowed_signers: Path | None
) -> list[Finding]:
    """What is wrong with a release, with progress on the way."""
    from isekai_gen.release.verification.verify import count_steps, verify_release

    with reporter.task("Verify", count_steps(folder)) as advance:
        return verify_release(
            folder, pixels=not no_pixels, advance=advance, allowed_signers=allowed_signers
        )


def _print_findings_json(folder: Path, findings: list[Finding], also: Mapping[str, Any]) -> None:
    rows = [asdict(finding) for finding in findings]
    print_json({"folder": str(folder), "findings": rows, **also})


def _print_findings(
    folder: Path, findings: list[Finding], good: str, shown: Mapping[str, bool]
) -> None:
    """For people: some findings of each kind, then how many there are, or what is `good`."""
    from isekai_gen.release.verification.findings import few_of_each

    most = len(findings) if shown["show_all"] else _SHOWN
    for finding, left in few_of_each(findings, most):
        click.echo(f"{finding.file}: {finding.rule}: {finding.message}")
        if left:
            click.echo(f"{finding.file}: {finding.rule}: ... and {left} more (--all shows them)")
    if findings or not shown["quiet"]:
        click.echo(f"{folder}: {f'{len(findings)} finding(s)' if findings else good}")


def _end(findings: list[Finding]) -> None:
    """With exit code 1 if there are findings."""
    if findings:
        raise click.exceptions.Exit(CHECK_FAILED)
