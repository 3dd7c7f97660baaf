"""The README beside files for the code of Link-Context Learning: what they are, how to run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isekai_gen.manifests.upstream_config import (
    DATA_VARIABLE,
    IMAGES_VARIABLE,
    ISEKAI_CONFIG,
    TEST_CONFIG,
    TRAIN_CONFIG,
)

_SOURCE = "https://github.com/isekai-portal/Link-Context-Learning"
_NOT_RUN = f"""\
The files keep the rules of upstream's loaders and metrics, read from its source
({_SOURCE}) and checked by a reader written anew.
Upstream's model and its code were not run with them.
"""
# For the commands on training and test classes.
_VARIABLES = """\
In a clone of that repository, with `HERE` set to this folder's path, `IMAGES` to that of the
images and `CHECKPOINT` to that of a model."""


def isekai_readme(shots_by_name: Mapping[str, int], relative_to: str = "workspace") -> str:
    """README beside ISEKAI manifests, whose folder lies in that of the images.

    Args:
        shots_by_name: Name of each manifest, such as "ISEKAI-10", to the images in its support
            lists; at least one.
        relative_to: What paths are relative to, for people.
    """
    files = " and ".join(f"`{name}.json`" for name in sorted(shots_by_name))
    fewest, most = min(shots_by_name.values()), max(shots_by_name.values())
    images = f"{most} images" if fewest == most else f"at least {fewest} images"
    return (
        "# Few-shot manifests\n\n"
        f"{files}: a query a line\n"
        f"(JSON lines, despite the name), each with frozen support lists of {images} of\n"
        "either label; of n shots, the first n of either list are shown.\n"
        'The paper counts both sides: its "4 shots" is `shot=2` here. Paths are relative to the\n'
        f"{relative_to}. Do not reorder the lines: the metric goes by their numbers.\n"
        "`labels.jsonl` has the display name of every label.\n\n"
        + _NOT_RUN
        + "\n## Evaluate with upstream's code\n\n"
        + "In a clone of that repository, with `HERE` set to this folder's path and `CHECKPOINT`\n"
        "to that of a model:\n\n" + _commands(ISEKAI_CONFIG, "$HERE/..", range(fewest + 1))
    )


def lcl_readme(train_file: str | None, test_file: str | None, shots: int) -> str:
    """README of manifests/lcl/.

    Args:
        train_file: Name of the training rows, if they are there.
        test_file: Name of the test rows, if they are there.
        shots: Support images of a test class.
    """
    lists = ["# Training and test classes for Link-Context Learning\n"]
    if train_file:
        lists.append(
            f"* `{train_file}`: training classes, each with samples and with neighbor classes,\n"
            "  nearest first (upstream draws them with falling weights); `train.jsonl` has all\n"
            "  their images, `cls_sort.csv` their order by similarity."
        )
    if test_file:
        lists.append(
            f"* `{test_file}`: test classes; lines 2k and 2k + 1 are each other's negative.\n"
            "  `test.jsonl` has all their images."
        )
    lists.append(
        "* `classes.jsonl`: id, key, display name and label of every class; `summary.json`: which\n"
        "  ids these are, and what everything was made with.\n\n"
        "Paths are relative to the folder of the images, which are not copied here.\n"
    )
    parts = ["\n".join(lists), _NOT_RUN]
    if train_file:
        parts.append(
            "## Train with upstream's code\n\n"
            f"{_VARIABLES} Training needs at least one\n"
            "shot: `shot=0` fails upstream.\n\n" + _commands(TRAIN_CONFIG, "$IMAGES", (16,))
        )
    if test_file:
        parts.append(
            "## Evaluate with upstream's code\n\n"
            f"{_VARIABLES} The paper's shots count\n"
            "both sides: its 4 shots are `shot=2`.\n\n"
            + _commands(TEST_CONFIG, "$IMAGES", range(min(shots, 16) + 1))
        )
    return "\n".join(parts)


def _commands(config: str, images: str, shots: Sequence[int]) -> str:
    """What to type in a clone of upstream's repository.

    Args:
        config: Name of the config.
        images: Folder that paths in the files are relative to, as the shell reads it.
        shots: Shot counts to run, one after the other.
    """
    lines = [
        f'{DATA_VARIABLE}="$HERE" {IMAGES_VARIABLE}="{images}" \\',
        "accelerate launch --num_processes 1 mllm/pipeline/finetune.py \\",
        f"  config/{config} \\",
        # One option with all: where it is given again, some versions of mmengine forget the first.
        "  --cfg-options data_args.use_icl=True data_args.shot=$shot \\",
        '  model_args.model_name_or_path="$CHECKPOINT" \\',
        f"  training_args.output_dir=./exp/{config.removesuffix('.py')}-$shot",
    ]
    loop = f"for shot in {' '.join(map(str, shots))}; do"
    body = "\n".join(f"  {line}" for line in lines)
    return f'```shell\ncp "$HERE/{config}" config/\n{loop}\n{body}\ndone\n```\n'
