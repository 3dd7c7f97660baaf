"""The 1,000 ImageNet classes and their prompts, as timm and open_clip ship them; nothing copied."""

from __future__ import annotations

from typing import Any

from isekai_gen.neighbors.reference_set import ReferenceClass

_CLASS_COUNT = 1000


def imagenet_classes() -> list[ReferenceClass]:
    """The ImageNet-1k classes in order of class_index (torchvision order).

    Names are open_clip's curated ones; they are not all distinct, so a class's key is its wnid.

    Raises:
        ValueError: If the installed open_clip and timm disagree about the number of classes.
    """
    from open_clip import IMAGENET_CLASSNAMES
    from timm.data.imagenet_info import ImageNetInfo

    info: Any = ImageNetInfo("imagenet-1k")
    wnids: list[str] = info.label_names()
    if len(wnids) != _CLASS_COUNT or len(IMAGENET_CLASSNAMES) != _CLASS_COUNT:
        raise ValueError(
            f"timm has {len(wnids)} wnids and open_clip {len(IMAGENET_CLASSNAMES)} names; "
            f"{_CLASS_COUNT} of each are needed"
        )
    return [
        ReferenceClass(key=wnid, name=name, wnid=wnid)
        for wnid, name in zip(wnids, IMAGENET_CLASSNAMES, strict=True)
    ]


def imagenet_prompts(name: str) -> list[str]:
    """open_clip's 80 prompts for a class name; the mean of their embeddings is the class's.

    Prompt ensembling: Radford et al., "Learning Transferable Visual Models From Natural Language
    Supervision", 2021, section 3.1.4.
    """
    from open_clip import OPENAI_IMAGENET_TEMPLATES

    return [template(name) for template in OPENAI_IMAGENET_TEMPLATES]
