"""Makes a large workspace out of a small finished one, for measuring the review page.

Every image of the small one comes back many times, under ids of its own: records, verdicts,
embeddings and pairs are written directly, pictures are hard links to the few hundred real ones.

    isekai-gen demo
    python benchmarks/review_workspace.py isekai-demo /tmp/large --images 100000
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from isekai_gen.hashing import file_sha256
from isekai_gen.shards import DoneMarker, encode_lines, read_lines, write_marker
from isekai_gen.workspace import Workspace

SHARD = 512
ENCODER = "starter"
REVIEW_PAIRS = 2_000
EDGES_PER_IMAGE = 2
_COPIED = ("concepts.yaml", "templates.yaml", "isekai.toml")


class Original(NamedTuple):
    """An image of the small workspace: its lines of each file, and its embedding."""

    plan: dict[str, Any]
    record: dict[str, Any]
    verdicts: dict[str, dict[str, Any]]
    embedding_line: dict[str, Any]
    embedding: np.ndarray


def enlarge(small: Path, large: Path, images: int) -> list[str]:
    """Write the large workspace; returns the ids of its images in the order of the plan."""
    source, target = Workspace(small), Workspace(large)
    originals = list(read_originals(source))
    per_concept = Counter(original.plan["concept"] for original in originals)
    large.mkdir(parents=True)
    for name in _COPIED:
        if (small / name).exists():
            shutil.copy(small / name, large / name)
    ids: list[str] = []
    for part, first in enumerate(range(0, images, SHARD)):
        numbers = range(first, min(first + SHARD, images))
        shard = [copied(originals, number, per_concept) for number in numbers]
        write_shard(target, part, shard)
        link_pictures(
            source, target, [originals[number % len(originals)] for number in numbers], shard
        )
        ids += [one.plan["image_id"] for one in shard]
    write_pairs(source, target, ids)
    return ids


def read_originals(workspace: Workspace) -> Iterator[Original]:
    """The images of the small workspace, in the order of its plan."""
    folder = workspace.embeddings(ENCODER)
    filters = sorted(path.name for path in (workspace.root / "verdicts").iterdir())
    for part in workspace.parts("plan"):
        verdicts = {
            name: {
                row["image_id"]: row for row in read_lines(workspace.part(f"verdicts/{name}", part))
            }
            for name in filters
        }
        vectors = np.load(workspace.part(folder, part, ".npy"))
        lines = read_lines(workspace.part(folder, part, ".ids.jsonl"))
        embedded = {line["image_id"]: row for row, line in enumerate(lines)}
        records = read_lines(workspace.part("records", part))
        for plan, record in zip(read_lines(workspace.part("plan", part)), records, strict=True):
            key = plan["image_id"]
            said = {name: rows[key] for name, rows in verdicts.items() if key in rows}
            row = embedded[key]
            yield Original(plan, record, said, lines[row], vectors[row])


def copied(originals: Sequence[Original], number: int, per_concept: Mapping[str, int]) -> Original:
    """Image `number` of the large workspace."""
    round_, place = divmod(number, len(originals))
    one = originals[place]
    key = new_id(one.plan["image_id"], round_)
    index = one.plan["index"] + round_ * per_concept[one.plan["concept"]]
    plan = one.plan | {"image_id": key, "index": index}
    planned = one.record["planned"] | {"image_id": key, "index": index}
    path = f"images/{plan['concept']}/{key}.png"
    verdicts = {
        name: row
        | {"image_id": key, "witness": new_id(row["witness"], round_) if row["witness"] else ""}
        for name, row in one.verdicts.items()
    }
    return Original(
        plan,
        one.record | {"planned": planned, "path": path},
        verdicts,
        one.embedding_line | {"image_id": key},
        one.embedding,
    )


def new_id(old: str, round_: int) -> str:
    """Id of a copy."""
    return hashlib.sha256(f"{old} {round_}".encode()).hexdigest()[:20]


def write_shard(workspace: Workspace, part: int, shard: Sequence[Original]) -> None:
    """Files and done-markers of one shard."""
    by_concept = Counter(one.plan["concept"] for one in shard)
    planned = {slug: {"planned": count} for slug, count in by_concept.items()}
    drawn = {
        slug: {"planned": count, "generated": count, "failed": 0}
        for slug, count in by_concept.items()
    }
    write_lines(workspace, ("plan", "plan"), part, [one.plan for one in shard], planned)
    write_lines(workspace, ("generate", "records"), part, [one.record for one in shard], drawn)
    for name in shard[0].verdicts:
        folder = f"verdicts/{name}"
        rows = [one.verdicts[name] for one in shard if name in one.verdicts]
        write_lines(workspace, (folder, folder), part, rows, {})
    folder = workspace.embeddings(ENCODER)
    lines = [one.embedding_line for one in shard]
    array = workspace.part(folder, part, ".npy")
    array.parent.mkdir(parents=True, exist_ok=True)
    np.save(array, np.stack([one.embedding for one in shard]))
    workspace.part(folder, part, ".ids.jsonl").write_bytes(encode_lines(lines))


def write_lines(
    workspace: Workspace,
    names: tuple[str, str],
    part: int,
    rows: Sequence[Mapping[str, Any]],
    by_concept: Mapping[str, Mapping[str, int]],
) -> None:
    """A part and its marker; `names` are those of stage and folder."""
    stage, folder = names
    path = workspace.part(folder, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_lines(rows))
    counts: Counter[str] = Counter()
    for numbers in by_concept.values():
        counts.update(numbers)
    digest = file_sha256(path)
    write_marker(workspace, DoneMarker(stage, part, "benchmark", dict(counts), digest, by_concept))


def link_pictures(
    source: Workspace, target: Workspace, originals: Sequence[Original], shard: Sequence[Original]
) -> None:
    """Hard links, or 100,000 pictures would fill the disk."""
    for original, one in zip(originals, shard, strict=True):
        place = target.root / one.record["path"]
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(source.root / original.record["path"], place)


def write_pairs(source: Workspace, target: Workspace, ids: Sequence[str]) -> None:
    """Edges and pairs in the review band, between neighbors in the plan; no groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(source.edges(ENCODER) / "part-00000.parquet")
    pairs = sorted(
        tuple(sorted((ids[row], ids[(row + step) % len(ids)])))
        for row in range(len(ids))
        for step in range(1, EDGES_PER_IMAGE + 1)
    )
    similarities = np.linspace(0.86, 0.95, len(pairs))
    first, second = zip(*pairs, strict=True)
    target.edges(ENCODER).mkdir(parents=True)
    columns = [pa.array(first), pa.array(second), pa.array(similarities)]
    arrays = [column.cast(kind.type) for column, kind in zip(columns, schema, strict=True)]
    edges = target.edges(ENCODER) / "part-00000.parquet"
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), edges)
    stage = f"edges/{ENCODER}"
    write_marker(target, DoneMarker(stage, 0, "benchmark", {}, file_sha256(edges)))
    reports = target.reports / "duplicates"
    reports.mkdir(parents=True)
    for name in ("groups.jsonl", "memorized.jsonl"):
        (reports / name).write_bytes(b"")
    shutil.copy(source.reports / "duplicates" / "summary.json", reports)
    rows = [
        {"schema": 1, "images": pair, "tier": "semantic", "similarity": similarity, "limit": 0.95}
        for pair, similarity in zip(pairs, similarities.tolist(), strict=True)
    ]
    (reports / "review.jsonl").write_bytes(encode_lines(rows[-REVIEW_PAIRS:]))


def main() -> None:
    """Make one from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("small", type=Path, help="finished workspace, such as of the demo")
    parser.add_argument("large", type=Path, help="folder to make, on the same disk")
    parser.add_argument("--images", type=int, default=100_000)
    asked = parser.parse_args()
    print(len(enlarge(asked.small, asked.large, asked.images)), "images")


if __name__ == "__main__":
    main()
