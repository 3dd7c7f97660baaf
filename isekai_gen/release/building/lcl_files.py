"""lcl/: few-shot manifests with the paths of the release, and what is needed to run them.

Also the rows of `manifest --format lcl-train` and `lcl-test`, byte for byte: they name images of
the dataset that they were made from, not of the release. Files for instruction tuning and episodes
are not released: they can be made again from the manifests and metadata.jsonl.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import ChecksumError, ReleaseError
from isekai_gen.manifests.files import MANIFEST_NAMES
from isekai_gen.manifests.isekai_labels import LABELS_FILE, label_rows
from isekai_gen.manifests.lcl_files import (
    CLASSES_FILE,
    FILE_PATTERNS,
    README_FILE,
    SUMMARY_FILE,
    read_summary,
)
from isekai_gen.manifests.upstream_config import ISEKAI_CONFIG, isekai_config
from isekai_gen.manifests.upstream_readme import isekai_readme
from isekai_gen.records import Concept
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.layout import CLASSES_FOLDER
from isekai_gen.shards import iter_lines
from isekai_gen.workspace import Workspace

_LISTS = ("positive_list", "negative_list")


@dataclass(frozen=True)
class RowCounts:
    """What of a manifest of the workspace can be released.

    Attributes:
        rows: That can.
        left_out: Those that name images of more than one split, or are asked together with such a
            row.
    """

    rows: int
    left_out: int


def write_lcl(
    draft: ReleaseDraft, workspace: Workspace, images: Sequence[ReleasedImage]
) -> dict[str, int]:
    """Write lcl/; returns the path of each ISEKAI manifest to its number of rows.

    Rows that name images of several splits are left out two by two (see `count_rows`); the README
    says how many. A manifest without rows is not written. Memory holds two rows.

    Args:
        draft: The release.
        workspace: Where the manifests are; one without any has no lcl/.
        images: The kept images.

    Raises:
        ReleaseError: If a manifest names an image that is not kept, or training and test classes
            are not complete.
        ChecksumError: If a manifest is no JSON lines.
    """
    written: dict[str, int] = {}
    shots: dict[str, int] = {}
    left_out: dict[str, int] = {}
    for name, released in _manifests(workspace, images).items():
        rows = iter(released)
        first = next(rows, None)
        if first is not None:
            path = f"lcl/{name}.json"
            written[path] = draft.write_lines(path, itertools.chain([first], rows))
            shots[name] = len(first[_LISTS[0]])
        left_out[name] = released.left_out
    if shots:
        draft.write_lines(f"lcl/{LABELS_FILE}", label_rows([_concepts(images)]))
        draft.write(f"lcl/{ISEKAI_CONFIG}", isekai_config(sorted(shots)).encode())
        draft.write(f"lcl/{README_FILE}", _readme(shots, left_out).encode())
    _copy_classes(draft, workspace)
    return written


def count_rows(workspace: Workspace, images: Sequence[ReleasedImage]) -> dict[str, RowCounts]:
    """Name of each manifest of the workspace to how much of it can be released.

    A few-shot question shows some images and asks for another: with several splits, all have to be
    of one. Rows 2k and 2k + 1 ask for both sides of one pair, so they stay or go together.

    Raises:
        ReleaseError: If a manifest names an image that is not kept.
        ChecksumError: If a manifest is no JSON lines.
    """
    counts = {}
    for name, released in _manifests(workspace, images).items():
        kept = sum(1 for _ in released)
        counts[name] = RowCounts(kept, released.left_out)
    return counts


def _manifests(workspace: Workspace, images: Sequence[ReleasedImage]) -> dict[str, _ReleasedRows]:
    """Name of each manifest of the workspace to what of it can be released."""
    image_by_path = {image.record.path: image for image in images}
    sources = {name: workspace.manifests / f"{name}.json" for name in MANIFEST_NAMES}
    return {
        name: _ReleasedRows(source, image_by_path)
        for name, source in sources.items()
        if source.is_file()
    }


class _ReleasedRows:
    """Rows of a manifest with the paths of the release, as they are read.

    Attributes:
        left_out: Rows left out so far.
    """

    def __init__(self, source: Path, image_by_path: Mapping[str, ReleasedImage]) -> None:
        self._source = source
        self._image_by_path = image_by_path
        self.left_out = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.left_out = 0
        rows = iter_lines(self._source)
        while pair := list(itertools.islice(rows, 2)):
            splits = {image.split for row in pair for image in self._images(row)}
            if len(splits) == 1:
                yield from map(self._renamed, pair)
            else:
                self.left_out += len(pair)

    def _images(self, row: Mapping[str, Any]) -> list[ReleasedImage]:
        try:
            paths = [row["image_name"], *(path for key in _LISTS for path in row[key])]
        except (KeyError, TypeError) as error:
            raise ChecksumError(
                f"{self._source}: a row lacks its paths ({error}); run isekai-gen manifest again"
            ) from error
        unknown = [path for path in paths if path not in self._image_by_path]
        if unknown:
            raise ReleaseError(
                f"{self._source} names {unknown[0]!r}, which is not a kept image; "
                "run isekai-gen manifest again"
            )
        return [self._image_by_path[path] for path in paths]

    def _renamed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        paths = {key: [self._image_by_path[path].path for path in row[key]] for key in _LISTS}
        return {**row, "image_name": self._image_by_path[row["image_name"]].path, **paths}


def _concepts(images: Sequence[ReleasedImage]) -> list[Concept]:
    """Every concept with kept images, in catalog order."""
    return list({image.concept.slug: image.concept for image in images}.values())


def _readme(shots: Mapping[str, int], left_out: Mapping[str, int]) -> str:
    lines = [
        isekai_readme(shots, relative_to="root of the release"),
        "## Where the images are\n",
        "The commands read the images from `images/` beside this folder. If the release has no",
        "such folder, `isekai-gen release unpack RELEASE --out OUT` restores it from the tables or",
        "archives; then set `HERE` to `OUT/lcl`.",
    ]
    told = [
        f"* `{name}.json`: {count} rows whose images are of more than one split."
        for name, count in left_out.items()
        if count
    ]
    if told:
        lines += ["", "## Rows that are not here\n", *told]
    return "\n".join(lines) + "\n"


def _copy_classes(draft: ReleaseDraft, workspace: Workspace) -> None:
    folder = workspace.manifests / "lcl"
    parts = read_summary(folder).keys() & FILE_PATTERNS.keys()
    patterns = [pattern for part in sorted(parts) for pattern in FILE_PATTERNS[part]]
    if not patterns:
        return
    for pattern in (*patterns, CLASSES_FILE, README_FILE, SUMMARY_FILE):
        sources = sorted(folder.glob(pattern))
        if not sources:
            raise ReleaseError(
                f"{folder} has no {pattern}; write lcl-train and lcl-test again, or delete it"
            )
        for source in sources:
            draft.copy(source, f"{CLASSES_FOLDER}/{source.name}")
