"""The text of a new catalog: every field explained, and placeholders where its author must write.

A placeholder is a fault when the catalog is read (`placeholders`), so that none is ever drawn.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence

from isekai_gen.errors import InputError
from isekai_gen.prompts.faults import squeezed
from isekai_gen.prompts.fields import SCHEMA
from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.prompts.placeholders import PLACEHOLDER
from isekai_gen.workspace import slug_of

MAX_GROUPS = 1000
_HEADER = f"""\
# A catalog of groups: a thing that does not exist beside the real thing it is told apart from.
#
# Write your own text for every {PLACEHOLDER}. Until then `isekai-gen concepts check` lists them as
# faults; after that it warns of names that exist, of descriptions that are alike, and of labels
# that evaluation cannot tell apart.
#
# name             label and folder name; invent a word that contains no other name of this file,
#                  nor lies in one
# short            appearance in a few words for small models, without "a" or "the":
#                  "hedgehog with cactus spines"
# description      appearance in one sentence for strong models: shape, colors, materials; short
#                  enough for a text encoder (some 40 words)
# parents          the real things that a fictional one combines; its real counterpart is one
# attributes       optional; values that templates may use as {{pose}}, {{setting}}, ... The two
#                  concepts of a group should share them, or a background tells which is which
# negative_prompt  optional; what must not be in the picture
# wnids            optional, real concepts only; the ImageNet classes that show the same thing
"""
_OPTIONAL = """\
      # attributes:
      #   setting: [on short green grass, on a wooden table]
      # negative_prompt: text, watermark
"""


def scaffold_catalog(
    name: str, pairs: Sequence[tuple[str, str]], groups: int, imagenet: ImageNetNames
) -> str:
    """A catalog that is complete but for its placeholders.

    Args:
        name: Of the catalog.
        pairs: (fictional name, real name) of the first groups.
        groups: How many groups in all, 1 to `MAX_GROUPS`; at least as many as pairs.
        imagenet: Fills in the wnids of real names that are classes of ImageNet-1k.

    Returns:
        YAML text.

    Raises:
        InputError: If a name is empty, cannot be shown, or makes the same slug as another, or
            `groups` is out of range.
    """
    if not max(1, len(pairs)) <= groups <= MAX_GROUPS:
        raise InputError(
            f"{groups} groups for {len(pairs)} named pair(s); "
            f"ask for {max(1, len(pairs))} to {MAX_GROUPS}"
        )
    title = _readable(name)
    named = [(_readable(fictional), _readable(real)) for fictional, real in pairs]
    _check_slugs([concept for pair in named for concept in pair])
    unnamed = [
        (f"{PLACEHOLDER}: invented name {number}", f"{PLACEHOLDER}: name of a real thing {number}")
        for number in range(len(named) + 1, groups + 1)
    ]
    body = "".join(_group(fictional, real, imagenet) for fictional, real in [*named, *unnamed])
    return f"{_HEADER}schema: {SCHEMA}\nname: {_quoted(title)}\ngroups:\n{body}"


def _group(fictional: str, real: str, imagenet: ImageNetNames) -> str:
    known = not real.startswith(PLACEHOLDER)
    parent = real if known else f"{PLACEHOLDER}: the real counterpart"
    short = real if known else f"{PLACEHOLDER}: the real thing in a few words"
    return (
        "  - fictional:\n"
        f"      name: {_quoted(fictional)}\n"
        f"      short: {_placeholder('appearance in a few words')}\n"
        f"      description: {_placeholder('appearance in one sentence')}\n"
        "      parents:\n"
        f"        - {_quoted(parent)}\n"
        f"        - {_placeholder('what it is combined with')}\n"
        f"{_OPTIONAL}"
        "    real:\n"
        f"      name: {_quoted(real)}\n"
        f"      short: {_quoted(short)}\n"
        f"      description: {_placeholder('appearance in one sentence')}\n"
        f"{_OPTIONAL}"
        f"{_wnids(real, imagenet)}"
    )


def _wnids(real: str, imagenet: ImageNetNames) -> str:
    """The 1,000 classes that are called so; an example as a comment if there are none."""
    found = [wnid for wnid in imagenet.wnids_of(real) if wnid in imagenet.classes_1k]
    if not found:
        return "      # wnids: [n02119789]\n"
    lines = [f"        - {wnid}  # {_meaning(wnid, imagenet)}\n" for wnid in found]
    return "".join(["      wnids:  # keep those that are the same thing\n", *lines])


def _meaning(wnid: str, imagenet: ImageNetNames) -> str:
    """Names and the start of the definition, for one line."""
    whole = f"{', '.join(imagenet.lemmas[wnid])}: {imagenet.definitions[wnid]}"
    return textwrap.shorten(whole, 70, placeholder=" ...")


def _readable(name: str) -> str:
    text = squeezed(name)
    if not text or not text.isprintable():
        raise InputError(f"{name!a} is no name; write letters that can be shown")
    return text


def _check_slugs(names: Sequence[str]) -> None:
    name_by_slug: dict[str, str] = {}
    for name in names:
        slug = slug_of(name)
        if slug in name_by_slug:
            raise InputError(
                f"{name!r} and {name_by_slug[slug]!r} make the same slug {slug!r}; rename one"
            )
        name_by_slug[slug] = name


def _placeholder(what: str) -> str:
    return _quoted(f"{PLACEHOLDER}: {what}")


def _quoted(text: str) -> str:
    """Double-quoted YAML, of which JSON's strings are a part."""
    return json.dumps(text, ensure_ascii=False)
