"""The one place where errors become a line and an exit code."""

from __future__ import annotations

import io
import logging
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import click

from isekai_gen.errors import InputError, IsekaiGenError
from isekai_gen.optional import as_missing_dependency

INTERRUPTED = 130
TERMINATED = 143
_DEBUG = "isekai_gen.debug"
# Letters shown around one that is no text.
_NEAR = 30


def set_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    """Callback of --debug."""
    if value:
        context.find_root().meta[_DEBUG] = True


@dataclass
class _Termination:
    """Answers SIGTERM like Ctrl-C, and knows that it came.

    The exception could not tell: Ray raises a KeyboardInterrupt of its own in its place.
    """

    came: bool = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True
        raise KeyboardInterrupt


class CommandLine(click.Group):
    """The root group; lists commands in the order they were given."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)

    # The override: click's overloads differ only in what they return.
    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,  # noqa: ANN401 - passed through
    ) -> Any:  # noqa: ANN401 - what click returns
        """Run, print errors as one line, and exit with the contract's code."""
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        logging.getLogger("isekai_gen").addHandler(logging.NullHandler())
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="surrogateescape")  # a file's name need not be text
        termination = _Termination()
        before = signal.signal(signal.SIGTERM, termination)
        try:
            code = super().main(args, prog_name, standalone_mode=False, **extra)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except click.Abort:
            click.echo("Interrupted; finished work is safe: run again to continue", err=True)
            code = TERMINATED if termination.came else INTERRUPTED
        finally:
            signal.signal(signal.SIGTERM, before)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever a command returns
        try:
            return super().invoke(ctx)
        except IsekaiGenError as error:
            raise _told(ctx, error) from error
        except ModuleNotFoundError as error:
            missing = as_missing_dependency(error)
            if missing is None:
                raise
            raise _told(ctx, missing) from error
        except UnicodeEncodeError as error:
            if error.encoding != "utf-8":
                raise
            text = error.object[max(0, error.start - _NEAR) : error.end + _NEAR]
            told = InputError(f"{text!a} is no UTF-8 text and cannot be recorded; rename it")
            raise _told(ctx, told) from error
        except OSError as error:
            if error.filename is None:
                raise  # a broken pipe, which click ends quietly, or a fault of ours
            if ctx.meta.get(_DEBUG):
                click.echo(traceback.format_exc(), err=True)
            click.echo(
                f"Error: {error.filename}: {error.strerror}; check what lies there and who may "
                "use it, then run again",
                err=True,
            )
            raise click.exceptions.Exit(InputError.exit_code) from error


def _told(ctx: click.Context, error: IsekaiGenError) -> click.exceptions.Exit:
    """Print an error as its line, and what ends the command with its exit code."""
    if ctx.meta.get(_DEBUG):
        click.echo(getattr(error, "details", "") or traceback.format_exc(), err=True)
    click.echo(f"Error: {error}", err=True)
    return click.exceptions.Exit(error.exit_code)
