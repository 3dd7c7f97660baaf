"""The commands: option -> settings -> one call -> print; nothing else.

Nothing heavy is imported before a command runs, so that `--help` answers at once.
"""

from isekai_gen.cli.curating import dedupe, embed, neighbors, overlap
from isekai_gen.cli.drawing import concepts, demo, generate, prompts, run
from isekai_gen.cli.group import CommandLine
from isekai_gen.cli.looking import doctor, status
from isekai_gen.cli.packaging import manifest, release

__all__ = ["command_line", "main"]

command_line = CommandLine(
    name="isekai-gen",
    help="Build and curate datasets of images of things that do not exist.\n\n"
    "Example: isekai-gen demo",
    context_settings={"help_option_names": ["-h", "--help"]},
    commands=[
        demo,
        run,
        concepts,
        prompts,
        generate,
        embed,
        dedupe,
        overlap,
        neighbors,
        manifest,
        release,
        status,
        doctor,
    ],
)


def main() -> None:
    """Entry point of the `isekai-gen` command."""
    command_line.main(prog_name="isekai-gen")
