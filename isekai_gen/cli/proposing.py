"""concepts propose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import ConsoleReporter, print_json, print_table
from isekai_gen.cli.failures import PARTLY_DONE
from isekai_gen.cli.option_types import OutputFile
from isekai_gen.cli.options import json_option, voice_options
from isekai_gen.cli.proposing_options import (
    llm_from,
    llm_options,
    look_from,
    look_options,
    wish_options,
)

if TYPE_CHECKING:
    from isekai_gen.stages.propose_request import ProposeOutcome

_SHOWN = 12


@click.command()
@click.argument("file", type=OutputFile())
@wish_options
@llm_options
@look_options
@json_option
@voice_options
def propose(file: Path, **options: Any) -> None:  # noqa: ANN401
    """Invent groups: things that do not exist, each with its real look-alike, as a checked catalog.

    What was proposed, and why much of it was refused, is kept beside FILE in a folder that ends in
    .proposals; the same command goes on where it was stopped.

    Example: isekai-gen concepts propose creatures.yaml --n 20 --from animals --with plants

    Example: isekai-gen concepts propose creatures.yaml --start creatures-1.yaml --n 40 --look
    """
    from isekai_gen.stages.propose import propose_catalog
    from isekai_gen.stages.propose_request import ProposeRequest

    request = ProposeRequest(
        file=file,
        wanted=options["wanted"],
        from_=options["from_"],
        with_=options["with_"],
        avoid=options["avoid"],
        parents=options["parents"],
        seed=options["seed"],
        encoder=options["encoder"],
        name=options["name"],
        start=options["start"],
        templates=options["templates"],
        llm=llm_from(options),
        look=look_from(options),
    )
    outcome = propose_catalog(request, ConsoleReporter(quiet=options["quiet"]))
    if options["as_json"]:
        print_json(outcome.to_json())
    else:
        _print(outcome)
    if outcome.missing:
        click.echo(_missing(outcome), err=True)
        raise click.exceptions.Exit(PARTLY_DONE)


def _print(outcome: ProposeOutcome) -> None:
    if not outcome.worked:
        click.echo("Nothing to do: all groups were found before")
    rows = [
        (each.fictional.name, each.real.name, each.fictional.short)
        for each in outcome.accepted[:_SHOWN]
    ]
    if rows:
        print_table(("concept", "counterpart", "appearance"), rows)
    if len(outcome.accepted) > _SHOWN:
        click.echo(f"... and {len(outcome.accepted) - _SHOWN} more")
    click.echo(
        f"\nproposed {len(outcome.accepted) + len(outcome.refused)} = {len(outcome.accepted)} "
        f"accepted + {len(outcome.refused)} refused{_reasons(outcome)}"
    )
    if outcome.spent:
        spent = outcome.spent
        click.echo(f"{spent['sent']} calls of {spent['max_calls']}")
    if outcome.file is not None:
        click.echo(
            f"{outcome.file}: {len(outcome.accepted)} groups; records: {outcome.folder}\n"
            f"Next: isekai-gen concepts check {outcome.file}, and read it with your own eyes"
        )


def _missing(outcome: ProposeOutcome) -> str:
    return (
        f"{outcome.missing} of {outcome.wanted} groups were not found{_reasons(outcome)}: "
        f"{outcome.stopped}"
    )


def _reasons(outcome: ProposeOutcome) -> str:
    reasons = ", ".join(f"{number} {code}" for code, number in outcome.reasons.items())
    return f" ({reasons})" if reasons else ""
