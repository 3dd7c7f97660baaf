"""A dataset of images with a folder for each class, such as ImageNet, by its names alone.

DIR/train/<class>/...  as ImageNet has it; folders beside train/ are left out
DIR/<class>/...        any other

Nothing is opened or copied. Hidden files and folders are skipped. Symbolic links out of DIR and to
folders are refused, so that a folder from elsewhere cannot have other files read; and so are names
that manifests cannot hold.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from isekai_gen.errors import InputError
from isekai_gen.manifests.paths import check_relative_path
from isekai_gen.neighbors.image_classes import (
    ClassNames,
    ImageClass,
    class_indices,
    read_class_map,
)
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.stages.picture_sources_places import is_picture_name, is_text, printable
from isekai_gen.stages.reporting import Reporter, first_few

_TRAIN = "train"
_CLASS_MAP_PLACES = ("map_clsloc.txt", "devkit/data/map_clsloc.txt", "../map_clsloc.txt")
_LEAST_CLASSES = 2


@dataclass(frozen=True, eq=False)
class ClassFolder:
    """Classes and the files of their images.

    Attributes:
        root: The folder, without symbolic links in its own path.
        classes: Those with images, by ascending key.
        images: Class key to paths relative to `root`, with "/", ascending; where only so many per
            class were asked for, a seeded choice of them.
        empty: Keys of folders without a single image, ascending.
        refused: Relative path to why it is not used.
    """

    root: Path
    classes: tuple[ImageClass, ...]
    images: Mapping[str, tuple[str, ...]]
    empty: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


def open_class_folder(
    root: Path,
    class_map: Path | None = None,
    *,
    most_per_class: int | None = None,
    seed: int = 0,
) -> ClassFolder:
    """List a dataset with a folder for each class.

    Memory holds the names of one class's files at a time, and those that were chosen.

    Args:
        root: DIR, or one with train/ in it.
        class_map: A `map_clsloc.txt`, where ILSVRC2012's ids come from. None to look for it in
            DIR, DIR/devkit/data and beside DIR; without one those ids are unknown.
        most_per_class: Images chosen of each class, by a draw that does not depend on other
            classes; None for all.
        seed: Of that draw.

    Raises:
        InputError: If there are fewer than 2 classes with images, or the class map has faults.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; name one with a folder of images for each class")
    top = root.resolve()
    base = _class_root(top)
    names = imagenet_class_names(class_map or _find_class_map(top))
    refused: dict[str, str] = {}
    images: dict[str, tuple[str, ...]] = {}
    empty: list[str] = []
    for folder in _folders(base, top, refused):
        found = sorted(_pictures(folder, top, refused))
        if found:
            images[folder.name] = drawn_images(found, folder.name, most_per_class, seed)
        else:
            empty.append(folder.name)
    if len(images) < _LEAST_CLASSES:
        raise InputError(
            f"{root}: {len(images)} folder(s) with images in {base}; classes are folders there, at "
            f"least {_LEAST_CLASSES}, with PNG, JPEG or WebP files{_one_reason(refused)}"
        )
    if class_map is not None and not names.class_map.keys() & images.keys():
        raise InputError(f"{class_map}: names none of the {len(images)} classes in {base}")
    classes = tuple(names.name_class(key) for key in sorted(images))
    return ClassFolder(top, classes, MappingProxyType(images), tuple(empty), refused)


def drawn_images(images: Sequence[str], key: str, most: int | None, seed: int) -> tuple[str, ...]:
    """At most so many of a class's images, ascending, by a draw of this class alone.

    Args:
        images: Ascending.
        key: Of the class.
        most: None for all.
        seed: Of the draw.
    """
    if most is None or len(images) <= most:
        return tuple(images)
    digest = hashlib.sha256(f"{seed} {key}".encode()).digest()
    return tuple(sorted(random.Random(int.from_bytes(digest)).sample(images, most)))


def tell_unused(reporter: Reporter, folder: ClassFolder) -> None:
    """Say how many folders have no images and what is refused, with the first few of them."""
    for what, named in (
        ("folders have no images", folder.empty),
        ("files or folders are refused", [f"{k} {why}" for k, why in folder.refused.items()]),
    ):
        if named:
            reporter.note(f"{len(named)} {what}: {first_few(named, '; ')}")


def _find_class_map(root: Path) -> Path | None:
    """The class map of a dataset that lies where it usually does; None if there is none."""
    return next((path for name in _CLASS_MAP_PLACES if (path := root / name).is_file()), None)


def imagenet_class_names(class_map: Path | None = None) -> ClassNames:
    """What timm's tables, and a class map where there is one, know of ImageNet's classes.

    Raises:
        InputError: If the class map has faults.
    """
    known = read_imagenet_names()
    mapped = {} if class_map is None else read_class_map(class_map)
    return ClassNames(known.lemmas, class_indices(known.classes_1k), mapped)


def _class_root(top: Path) -> Path:
    """Where the folders of classes lie.

    A class may be called "train", too: then it has pictures itself, and no folders.
    """
    train = top / _TRAIN
    if train.is_symlink() or not train.is_dir():
        return top
    try:
        with os.scandir(train) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise _unlistable(train, error) from error
    return train if any(not name.startswith(".") for name in names) else top


def _folders(base: Path, top: Path, refused: dict[str, str]) -> Iterator[Path]:
    """The classes' folders, by ascending name."""
    for entry in _listed(base, top, refused):
        if not Path(entry.path).is_dir():  # not entry.is_dir(): it raises for links in a circle
            continue
        if entry.is_symlink():
            refused[_shown(entry, top)] = "is a symbolic link to a folder; copy the folder there"
        elif fault := _fault_of_name(entry, top):
            refused[_shown(entry, top)] = fault
        else:
            yield Path(entry.path)


def _pictures(folder: Path, top: Path, refused: dict[str, str]) -> Iterator[str]:
    """Pictures below a folder, relative to `top`, with "/"; they are not opened."""
    waiting = [folder]  # not by recursion: folders may lie deeper than Python calls
    while waiting:
        for entry in _listed(waiting.pop(), top, refused):
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif is_picture_name(entry.name) or Path(entry.path).is_dir():
                reason = _refusal(entry, top)
                if reason:
                    refused[_shown(entry, top)] = reason
                else:
                    yield _key(entry, top)


def _listed(folder: Path, top: Path, refused: dict[str, str]) -> list[os.DirEntry[str]]:
    """What is not hidden in a folder, by name; a folder that cannot be listed is refused."""
    try:
        with os.scandir(folder) as entries:
            listed = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        if folder == top:
            raise _unlistable(folder, error) from error
        key = folder.relative_to(top).as_posix()
        refused[key if key.isprintable() else ascii(key)] = (
            f"is a folder that cannot be listed ({error.strerror})"
        )
        return []
    return sorted(listed, key=lambda entry: entry.name)


def _unlistable(folder: Path, error: OSError) -> InputError:
    return InputError(f"{folder}: cannot be listed ({error.strerror}); allow it, or name another")


def _refusal(entry: os.DirEntry[str], top: Path) -> str:
    """Why an entry is not used, or ""."""
    if fault := _fault_of_name(entry, top):
        return fault
    if not entry.is_symlink():
        return "" if entry.is_file() else "is no regular file"
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return "is a symbolic link to nothing"
    if target.is_dir():
        return "is a symbolic link to a folder; copy the folder there"
    if not target.is_relative_to(top):
        return "is a symbolic link out of the folder; copy the file there"
    return "" if target.is_file() else "is no regular file"


def _fault_of_name(entry: os.DirEntry[str], top: Path) -> str:
    """Why manifests cannot name an entry, or ""."""
    if not is_text(entry.name):
        return "its name is not UTF-8; rename it"
    key = _key(entry, top)
    if key.isprintable() and "\\" not in key and ":" not in key:  # as nearly all: no second look
        return ""
    faults = check_relative_path(key)
    return f"its {faults[0].replace(ascii(key) + ' ', '')}; rename it" if faults else ""


def _shown(entry: os.DirEntry[str], top: Path) -> str:
    """An entry's key for people, on one line whatever it is called."""
    key = _key(entry, top)
    return key if key.isprintable() else ascii(key)


def _key(entry: os.DirEntry[str], top: Path) -> str:
    # Text, not Path: a dataset may have 14 million files.
    return printable(entry.path.removeprefix(f"{str(top).rstrip(os.sep)}{os.sep}"))


def _one_reason(refused: Mapping[str, str]) -> str:
    return next((f"; {key} {reason}" for key, reason in refused.items()), "")
