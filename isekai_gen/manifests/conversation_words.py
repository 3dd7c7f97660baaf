"""The words of an episode: how demonstrations and question are put, from a YAML file.

docs/formats.md shows the file. A key that a file leaves out keeps its shipped words.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, cast, get_args

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.instruction_texts import template_faults
from isekai_gen.prompts.faults import Faults
from isekai_gen.prompts.fields import Fields, check_schema, open_fields, text_of
from isekai_gen.prompts.marked_yaml import read_yaml

Layout = Literal["turns", "one-turn"]
SHIPPED_WORDS = Path(__file__).parent / "instruction_templates" / "episode-words.yaml"
_PLACEHOLDERS: dict[str, tuple[str, ...]] = {
    "system": (),
    "demonstration_question": ("image",),
    "demonstration_answer": ("label",),
    "final_question": ("image",),
    "zero_shot_question": ("image", "labels"),
}


@dataclass(frozen=True)
class EpisodeWords:
    """How an episode is put in words; `{image}` is where the image stands.

    Attributes:
        system: Said before all else; "" for no system turn.
        demonstration_question: Asked about each demonstration; has `{image}`.
        demonstration_answer: The answer, also the right one at the end; has `{label}`.
        final_question: Asked about the query after demonstrations; has `{image}`.
        zero_shot_question: Asked about the query without any; has `{image}` and `{labels}`, the
            names to choose from, which nothing else would tell the model.
        layout: "turns": each demonstration a user's and an assistant's turn. "one-turn": all in
            the one user turn that ends with the question.
    """

    system: str
    demonstration_question: str
    demonstration_answer: str
    final_question: str
    zero_shot_question: str
    layout: Layout

    @classmethod
    def shipped(cls) -> Self:
        """The words that come with the package; they put the task of the paper in our words.

        (Tai et al., Link-Context Learning, CVPR 2024.)
        """
        return cls.load(SHIPPED_WORDS)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check a file of words.

        Raises:
            ManifestError: With every fault, one "file:line: what is wrong; what to do" each.
        """
        texts: dict[str, str] = {}
        if path != SHIPPED_WORDS:
            texts = _read(SHIPPED_WORDS)
        texts |= _read(path)
        layout = cast(Layout, texts.pop("layout"))
        return cls(**texts, layout=layout)


def _read(path: Path) -> dict[str, str]:
    faults = Faults(path)
    texts = {}
    root = read_yaml(path, faults)
    if root is not None:
        keys = (*_PLACEHOLDERS, "layout")
        fields = open_fields(root, "the words of an episode", ("schema",), keys, faults)
        if fields is not None:
            check_schema(fields, faults)
            texts = _read_texts(fields, faults)
    faults.raise_if_any(ManifestError)
    return texts


def _read_texts(fields: Fields, faults: Faults) -> dict[str, str]:
    texts = {}
    for key, required in _PLACEHOLDERS.items():
        node = fields.node(key)
        if node is None:
            continue
        text = text_of(node, repr(key), faults, may_be_empty=key == "system")
        if text is not None:
            texts[key] = text
            for fault in template_faults(text, required, ()):
                faults.add(node.line, f"{key!r} {fault}")
    node = fields.node("layout")
    if node is not None:
        if node.value not in get_args(Layout):
            faults.add(node.line, f"'layout' must be one of {', '.join(get_args(Layout))}")
        else:
            texts["layout"] = str(node.value)
    return texts
