"""Classes of a dataset of images, and the three ids that ImageNet's classes go by.

* wnid, "n02119789": the name of the class's folder, WordNet's id;
* ilsvrc_id, 1 to 1,000: the order of the ILSVRC2012 development kit, which the files of
  Link-Context Learning use; only a class map (`read_class_map`) knows it;
* class_index, 0 to 999: the position among the sorted wnids, torchvision's order.

They are three different orders of the same classes. Names are no ids: two classes are cranes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from isekai_gen.errors import InputError

ImageNetEdition = Literal["imagenet-1k", "imagenet-21k"]
_WNID = re.compile(r"n[0-9]{8}")
# timm calls the 21,841 classes of the release of fall 2011 imagenet-22k.
_TIMM_NAMES: dict[ImageNetEdition, str] = {
    "imagenet-1k": "imagenet-1k",
    "imagenet-21k": "imagenet-22k",
}
_COLUMNS = 3


@dataclass(frozen=True)
class ImageClass:
    """A class of images.

    Attributes:
        key: Unique within its dataset: the name of its folder.
        name: For people and for text encoders: "kit fox".
        wnid: WordNet id, or "".
        ilsvrc_id: 1-based id of ILSVRC2012; None where it is unknown.
        class_index: 0-based index among ImageNet-1k's sorted wnids; None for any other class.
    """

    key: str
    name: str
    wnid: str = ""
    ilsvrc_id: int | None = None
    class_index: int | None = None


@dataclass(frozen=True)
class MappedClass:
    """A line of a class map.

    Attributes:
        ilsvrc_id: 1-based.
        name: Underscores made spaces.
    """

    ilsvrc_id: int
    name: str


@dataclass(frozen=True)
class ClassNames:
    """What is known of ImageNet's classes.

    Attributes:
        lemmas: wnid to its names; the first is used.
        index_of: wnid of ImageNet-1k to its class_index.
        class_map: wnid to its line of a class map; empty without one.
    """

    lemmas: Mapping[str, Sequence[str]]
    index_of: Mapping[str, int]
    class_map: Mapping[str, MappedClass]

    def name_class(self, key: str) -> ImageClass:
        """The class in the folder `key`; where that is no wnid, its name is that of the folder."""
        plain = key.replace("_", " ").strip() or key
        if not is_wnid(key):
            return ImageClass(key, plain)
        mapped = self.class_map.get(key)
        name = mapped.name if mapped else next(iter(self.lemmas.get(key, ())), plain)
        number = mapped.ilsvrc_id if mapped else None
        return ImageClass(key, name, key, number, self.index_of.get(key))


def is_wnid(text: str) -> bool:
    """Whether it has the form of WordNet's id of a noun: n and eight digits."""
    return _WNID.fullmatch(text) is not None


def class_indices(wnids: Collection[str]) -> dict[str, int]:
    """Position of each wnid among them in sorted order, 0-based, torchvision's `class_index`."""
    return {wnid: index for index, wnid in enumerate(sorted(wnids))}


def imagenet_wnids(edition: ImageNetEdition) -> list[str]:
    """The wnids of an edition of ImageNet, sorted: 1,000 or 21,841."""
    from timm.data.imagenet_info import ImageNetInfo

    info: Any = ImageNetInfo(_TIMM_NAMES[edition])
    return sorted(info.label_names())


def read_class_map(path: Path) -> dict[str, MappedClass]:
    """Read a `map_clsloc.txt`, as the development kit of ILSVRC2012 has it.

    Every line is "n02119789 1 kit_fox": wnid, 1-based id, name with underscores.

    Returns:
        wnid to its line.

    Raises:
        InputError: With file:line, if a line has another form, a wnid or an id repeats, or the
            ids are not 1 to the number of lines.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no class map that can be read ({error})") from error
    found: dict[str, MappedClass] = {}
    line_of: dict[int, int] = {}
    for number, line in enumerate(lines, start=1):
        wnid, mapped = _parse_line(f"{path}:{number}", line)
        if wnid in found:
            raise InputError(f"{path}:{number}: {wnid} has a line already; remove one of them")
        if mapped.ilsvrc_id in line_of:
            raise InputError(
                f"{path}:{number}: id {mapped.ilsvrc_id} is that of line "
                f"{line_of[mapped.ilsvrc_id]}; correct one of them"
            )
        found[wnid], line_of[mapped.ilsvrc_id] = mapped, number
    _check_ids(path, line_of)
    return found


def _parse_line(place: str, line: str) -> tuple[str, MappedClass]:
    columns = line.split(" ")
    if len(columns) != _COLUMNS or not all(columns):
        raise InputError(
            f"{place}: {len(columns)} columns; a line is like 'n02119789 1 kit_fox', with single "
            "spaces"
        )
    wnid, number, name = columns
    if not is_wnid(wnid):
        raise InputError(f"{place}: {wnid!r} is no wnid; a line is like 'n02119789 1 kit_fox'")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", number):
        raise InputError(f"{place}: {number!r} is no id; ids are whole numbers from 1")
    return wnid, MappedClass(int(number), name.replace("_", " ").strip() or name)


def _check_ids(path: Path, line_of: Mapping[int, int]) -> None:
    if not line_of:
        raise InputError(f"{path}: is empty; a class map has a line for each class")
    highest = max(line_of)
    if highest != len(line_of):
        raise InputError(
            f"{path}:{line_of[highest]}: id {highest} in a map of {len(line_of)} lines; ids go "
            "from 1 to the number of lines"
        )
