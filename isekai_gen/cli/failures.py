"""What commands that draw do about images that failed."""

from __future__ import annotations

import click

PARTLY_DONE = 3
retry_option = click.option("--retry-failed", is_flag=True, help="Draw images that failed again.")


def exit_if_failed(failed: int) -> None:
    """End with exit code 3 if images failed, and say where the reasons are."""
    if failed:
        click.echo(
            f"{failed} image(s) failed; their reasons are in records/; "
            "--retry-failed of generate draws them again",
            err=True,
        )
        raise click.exceptions.Exit(PARTLY_DONE)
