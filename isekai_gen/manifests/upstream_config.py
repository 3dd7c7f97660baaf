"""Configs for the code of Link-Context Learning, to lay beside the files that they name.

Upstream's own configs name folders of its authors' machines, and its README names one that does not
exist. These are complete but for upstream's model and training defaults (`_base_`): copied into its
config/ folder, they find the files through the environment variables that the README beside them
sets. They were read against upstream's source; its model and code were not run.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

ISEKAI_CONFIG = "lcl_eval_isekai_gen.py"
TRAIN_CONFIG = "lcl_train_isekai_gen.py"
TEST_CONFIG = "lcl_eval_test_isekai_gen.py"
DATA_VARIABLE = "ISEKAI_GEN_FILES"
IMAGES_VARIABLE = "ISEKAI_GEN_IMAGES"
UPSTREAM_SAMPLES_PER_CLASS = 50
# Upstream fills in the folder of the config; its prompt templates lie below it.
_TEMPLATES = "{{fileDirname}}/_base_/dataset/template/ICL.json"
# mmengine fills in environment variables, "." where they are not set. With an import in it, it
# would take the file for one of its other kind of config, which has no `_base_`.
_ENVIRONMENT = f"""\
# Set by the command in the README beside this file.
FILES = r"{{{{${DATA_VARIABLE}:.}}}}"
IMAGES = r"{{{{${IMAGES_VARIABLE}:.}}}}"
"""
_GENERATION = """\
    collator_kwargs=dict(padding=True, max_length=1024),
    gen_kwargs=dict(max_new_tokens=1024, num_beams=1),
"""
_EVALUATION = """\
training_args = dict(
    output_dir="./exp/{{fileBasenameNoExtension}}",
    do_train=False,
    do_eval=False,
    do_predict=False,
    do_multi_predict=True,
    fp16=True,
    fp16_full_eval=True,
    bf16=False,
    bf16_full_eval=False,
    per_device_eval_batch_size=1,
)
"""


def isekai_config(names: Sequence[str]) -> str:
    """Config of an evaluation on ISEKAI manifests.

    Args:
        names: Of the manifests, such as "ISEKAI-10"; at least one.
    """
    tests = [
        _test_entry(name, "ISEKAIEval2Way", "ISEKAIMetrics", f"{name}.json", "") for name in names
    ]
    return _evaluation_config("ISEKAI manifests", tests)


def lcl_test_config(file_name: str, fewest_tests: int) -> str:
    """Config of an evaluation on test classes.

    Args:
        file_name: Of the rows, such as "test100_pairs.jsonl".
        fewest_tests: Test images of the class that has the fewest. Upstream asks 50 of each class;
            where a class has fewer, that many are asked, so that classes weigh the same.
    """
    per_class = min(UPSTREAM_SAMPLES_PER_CLASS, fewest_tests)
    extra = f"sample_per_class={per_class}, "
    entry = _test_entry(
        "test_classes", "ImageNetTest100Eval2Way", "ImageNetTest100Metrics", file_name, extra
    )
    return _evaluation_config("test classes", [entry])


def lcl_train_config(file_name: str) -> str:
    """Config of a training on the rows of `file_name`, such as "train900_pairs.jsonl"."""
    return (
        '"""Training of Link-Context Learning on other classes; see the README beside it."""\n\n'
        + _ENVIRONMENT
        + '\n_base_ = ["_base_/model/lcl_7b.py", "_base_/train/llava_fsdp.py"]\n\n'
        + "data_args = dict(\n    train=dict(\n"
        + '        type="ImageNet1kDatasetTrain",\n'
        + f'        filename=FILES + "/{file_name}",\n'
        + "        image_folder=IMAGES,\n"
        + f'        template_file=r"{_TEMPLATES}",\n'
        + '        policy="policy_2way_weight",\n    ),\n'
        + "    validation=None,\n    test=None,\n    compute_metric=None,\n"
        + "    use_icl=True,\n    shot=16,\n"
        + _GENERATION
        + ")\n\n"
        + 'training_args = dict(num_train_epochs=25, save_strategy="steps", save_steps=500)\n'
    )


def _evaluation_config(what: str, tests: Sequence[str]) -> str:
    return (
        f'"""Evaluation of Link-Context Learning on {what}; see the README beside it."""\n\n'
        + _ENVIRONMENT
        + '\n_base_ = ["_base_/model/lcl_7b.py", "_base_/train/eval.py"]\n\n'
        + _EVALUATION
        + "\nmodel_args = dict(model_name_or_path=None)\n\n"
        + "data_args = dict(\n    train=None,\n    validation=None,\n    test=None,\n"
        + "    multitest=dict(\n"
        + textwrap.indent("".join(tests), " " * 8)
        + "    ),\n    compute_metric=None,\n    use_icl=True,\n    shot=1,\n"
        + _GENERATION
        + ")\n"
    )


def _test_entry(name: str, kind: str, metric: str, file_name: str, extra: str) -> str:
    path = f'FILES + "/{file_name}"'
    return (
        f"{name.replace('-', '_')}=dict(\n"
        "    cfg=dict(\n"
        f'        type="{kind}",\n'
        f"        filename={path},\n"
        "        image_folder=IMAGES,\n"
        f'        template_file=r"{_TEMPLATES}",\n'
        f'        policy="policy_2way",\n'
        + (f"        {extra.strip()}\n" if extra else "")
        + "    ),\n"
        f'    compute_metric=dict(type="{metric}", filename={path}),\n'
        "),\n"
    )
