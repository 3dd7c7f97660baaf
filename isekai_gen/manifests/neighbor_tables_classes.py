"""Which classes of a dataset lie nearest to each of its classes, and a spread over all ranks.

The same two tables as `neighbor_tables` has of concepts, of the dataset's own classes: what
training pairs are drawn from. They are written as the rankings come: 21,841 classes with 36 rows
each are never held at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.manifests.neighbor_tables import NEAREST, NO_BIN, RANK_STRATIFIED, TableSize
from isekai_gen.manifests.neighbor_tables_files import open_table, table_files
from isekai_gen.neighbors.class_ranks import ClassRanking, stratified_ranks
from isekai_gen.neighbors.image_classes import ImageClass

_NEAREST_FILE, _STRATIFIED_FILE = f"classes-{NEAREST}", f"classes-{RANK_STRATIFIED}"
CLASS_TABLE_FILES = table_files(_NEAREST_FILE, _STRATIFIED_FILE)


@dataclass(frozen=True)
class ClassNeighborRow:
    """One class in another class's table.

    Attributes:
        table: "nearest" or "rank-stratified".
        class_key: Whose table it is; names may repeat, keys do not.
        class_name: Its display name.
        wnid: Its WordNet id, or "".
        ilsvrc_id: Its 1-based id of ILSVRC2012, or None where no class map told it.
        class_index: Its 0-based index of ImageNet-1k, torchvision's order, or None.
        rank: 1 for the most similar of all other classes.
        bin: 0-based bin the neighbor was drawn from; -1 in the nearest table.
        neighbor_key: The neighbor.
        neighbor_name: Its display name.
        neighbor_wnid: Its WordNet id, or "".
        neighbor_ilsvrc_id: As `ilsvrc_id`.
        neighbor_class_index: As `class_index`.
        similarity: What the rank goes by.
        similarity_kind: "lcl", "lcl-of-unit-means", "cosine-image" or "cosine-text".
    """

    table: str
    class_key: str
    class_name: str
    wnid: str
    ilsvrc_id: int | None
    class_index: int | None
    rank: int
    bin: int
    neighbor_key: str
    neighbor_name: str
    neighbor_wnid: str
    neighbor_ilsvrc_id: int | None
    neighbor_class_index: int | None
    similarity: float
    similarity_kind: str


def write_class_tables(
    folder: Path, rankings: Iterable[ClassRanking], similarity_kind: str, size: TableSize
) -> list[Path]:
    """Write both tables as Parquet, CSV and JSON lines; returns the paths, `CLASS_TABLE_FILES`.

    Args:
        folder: Where to.
        rankings: Of every class, as `ranked_classes` gives them.
        similarity_kind: What their similarities are.
        size: Of the tables.

    Raises:
        InputError: If a ranking has fewer classes than are asked for.
        StorageError: If the disk is full or read-only.
    """
    with (
        open_table(folder, _NEAREST_FILE, ClassNeighborRow) as nearest,
        open_table(folder, _STRATIFIED_FILE, ClassNeighborRow) as stratified,
    ):
        for ranking, own in _with_classes(rankings):
            count = len(ranking.order)
            size.check(count, own.key)
            rows = _Rows(own, ranking, similarity_kind)
            nearest.add(rows.row(NEAREST, rank, NO_BIN) for rank in range(size.nearest))
            drawn = stratified_ranks(own.key, count, size.bins, size.seed)
            stratified.add(rows.row(RANK_STRATIFIED, rank, number) for number, rank in drawn)
    return [folder / name for name in CLASS_TABLE_FILES]


def _with_classes(rankings: Iterable[ClassRanking]) -> Iterator[tuple[ClassRanking, ImageClass]]:
    by_key: dict[str, ImageClass] = {}
    for ranking in rankings:
        by_key = by_key or {entry.key: entry for entry in ranking.classes}
        yield ranking, by_key[ranking.key]


@dataclass(frozen=True)
class _Rows:
    """Makes the rows of one class."""

    own: ImageClass
    ranking: ClassRanking
    kind: str

    def row(self, table: str, rank: int, bin_number: int) -> ClassNeighborRow:
        own = self.own
        neighbor = self.ranking.classes[int(self.ranking.order[rank])]
        return ClassNeighborRow(
            table=table,
            class_key=own.key,
            class_name=own.name,
            wnid=own.wnid,
            ilsvrc_id=own.ilsvrc_id,
            class_index=own.class_index,
            rank=rank + 1,
            bin=bin_number,
            neighbor_key=neighbor.key,
            neighbor_name=neighbor.name,
            neighbor_wnid=neighbor.wnid,
            neighbor_ilsvrc_id=neighbor.ilsvrc_id,
            neighbor_class_index=neighbor.class_index,
            # The float32 as it would be written, not its tail of binary digits.
            similarity=round(float(self.ranking.similarities[rank]), 6),
            similarity_kind=self.kind,
        )
