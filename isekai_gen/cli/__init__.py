"""The commands: option -> settings -> one call -> print; nothing else.

Nothing heavy is imported before a command runs, so that `--help` answers at once.
"""

from isekai_gen.cli.calibrating import audit, calibrate
from isekai_gen.cli.cataloging import concepts
from isekai_gen.cli.counterfactuals import counterfactuals
from isekai_gen.cli.curating import embed, overlap
from isekai_gen.cli.deduping import dedupe
from isekai_gen.cli.drawing import generate
from isekai_gen.cli.episodes import episodes
from isekai_gen.cli.evaluating import evaluate
from isekai_gen.cli.group import CommandLine
from isekai_gen.cli.looking import doctor, status
from isekai_gen.cli.manifesting import manifest
from isekai_gen.cli.models import models
from isekai_gen.cli.neighboring import neighbors
from isekai_gen.cli.packaging import release
from isekai_gen.cli.probing import probe
from isekai_gen.cli.prompting import prompts
from isekai_gen.cli.proposing import propose
from isekai_gen.cli.referencing import reference
from isekai_gen.cli.reporting import report
from isekai_gen.cli.reproducing import reproduce
from isekai_gen.cli.reviewing import review
from isekai_gen.cli.running import demo, run
from isekai_gen.cli.topping_up import topup, yields

__all__ = ["command_line", "main"]

concepts.add_command(propose)
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
        models,
        generate,
        topup,
        reproduce,
        embed,
        dedupe,
        overlap,
        reference,
        calibrate,
        audit,
        review,
        neighbors,
        manifest,
        episodes,
        counterfactuals,
        evaluate,
        probe,
        release,
        report,
        yields,
        status,
        doctor,
    ],
)


def main() -> None:
    """Entry point of the `isekai-gen` command."""
    command_line.main(prog_name="isekai-gen")
