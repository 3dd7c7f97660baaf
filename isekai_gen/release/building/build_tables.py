"""The tables of a release that `datasets` loads by name: images, pairs, neighbors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from isekai_gen.manifests.files import read_manifest
from isekai_gen.release.building.build_images import PackedImages
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.building.neighbor_files import neighbor_rows
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.columns import METADATA_COLUMNS
from isekai_gen.release.containers.parquet_images import IMAGES_COLUMNS
from isekai_gen.release.containers.parquet_neighbors import NEIGHBORS_COLUMNS, write_neighbors_table
from isekai_gen.release.containers.parquet_pairs import (
    PAIRS_COLUMNS,
    PairPictures,
    default_shots,
    plan_pairs,
    rows_of_shard,
    write_pairs,
)
from isekai_gen.release.containers.tar_shards import shards_index
from isekai_gen.release.facts import TableConfig
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.layout import METADATA_FILE, PAIRS_SOURCE, SHARDS_FILE, parquet_name
from isekai_gen.workspace import Workspace

_NEIGHBORS_SPLIT = "test"
_NEIGHBORS_FILE = parquet_name("neighbors", _NEIGHBORS_SPLIT, 0, 1)


def images_config(
    plan: BuildPlan, images: Sequence[ReleasedImage], packed: PackedImages
) -> TableConfig:
    """How the images themselves are loaded."""
    rows = Counter(image.split for image in images)
    if plan.profile == "files":
        # One pattern for each format, since a folder of pictures may hold several.
        suffixes = sorted({PurePosixPath(image.path).suffix for image in images})
        patterns = [f"images/*/*{suffix}" for suffix in suffixes]
        files: Mapping[str, Sequence[str]] = {split: [METADATA_FILE, *patterns] for split in rows}
        return TableConfig(
            "images", "Every image with what is known of it.", files, rows, METADATA_COLUMNS,
            "imagefolder",
        )  # fmt: skip
    return TableConfig(
        name="images",
        description="Every image with what is known of it.",
        files=packed.containers,
        rows=rows,
        columns=IMAGES_COLUMNS if plan.profile == "hub" else METADATA_COLUMNS,
        format="parquet" if plan.profile == "hub" else "webdataset",
    )


def write_shards_index(draft: ReleaseDraft, name: str, packed: PackedImages) -> None:
    """Write the list of tar shards that readers of WebDataset take."""
    paths = [path for files in packed.containers.values() for path in files]
    counts = dict(zip(paths, (len(shard.images) for shard in packed.shards), strict=True))
    listed = [draft.measured(path) for path in paths]
    draft.write_json(SHARDS_FILE, shards_index(name, listed, counts))


class PictureTables:
    """Writes the Parquet tables beside that of the images, which only the hub profile has.

    Args:
        draft: Takes the files; the LCL manifests and neighbor tables are there already.
        images: In release order.
        packed: Their sizes.
        read: Gives the released bytes of an image.
    """

    def __init__(
        self,
        draft: ReleaseDraft,
        images: Sequence[ReleasedImage],
        packed: PackedImages,
        read: Callable[[ReleasedImage], bytes],
    ) -> None:
        self._draft = draft
        self._image_by_path = {image.path: image for image in images}
        self._packed = packed
        self._read = read

    def write_pairs(self, plan: BuildPlan) -> TableConfig | None:
        """Config `pairs`, or None if there is no ISEKAI-10 manifest."""
        source = self._draft.folder / PAIRS_SOURCE
        if not source.is_file():
            return None
        rows = read_manifest(source)
        sizes = self._packed.size_by_path
        pictures = PairPictures(
            {path: image.split for path, image in self._image_by_path.items()},
            sizes,
            lambda path: self._read(self._image_by_path[path]),
            default_shots(rows, sizes) if plan.pair_shots is None else plan.pair_shots,
        )
        files: dict[str, list[str]] = {}
        counts: Counter[str] = Counter()
        for shard in plan_pairs(rows, pictures, plan.max_shard_bytes):
            with self._draft.stream(shard.path) as file:
                counts[shard.split] += write_pairs(
                    file, rows_of_shard(rows, shard, pictures), pictures
                )
            files.setdefault(shard.split, []).append(shard.path)
        return TableConfig(
            name="pairs",
            description="Two-way few-shot tests: a query and support images of both answers.",
            files=files,
            rows=counts,
            columns=PAIRS_COLUMNS,
            format="parquet",
        )

    def write_neighbors(self, workspace: Workspace) -> TableConfig | None:
        """Config `neighbors`, or None if the workspace has no neighbor tables."""
        rows = list(neighbor_rows(workspace))
        if not rows:
            return None
        with self._draft.stream(_NEIGHBORS_FILE) as file:
            count = write_neighbors_table(file, rows)
        return TableConfig(
            name="neighbors",
            description="Real classes that each concept is most like, and a spread over all ranks.",
            files={_NEIGHBORS_SPLIT: [_NEIGHBORS_FILE]},
            rows={_NEIGHBORS_SPLIT: count},
            columns=NEIGHBORS_COLUMNS,
            format="parquet",
        )
