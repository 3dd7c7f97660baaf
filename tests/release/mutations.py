"""Ways to damage a release, and to hide the damage from its lists of files."""

from __future__ import annotations

import io
import json
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.hashing import file_sha256
from isekai_gen.release.index import sums_text
from isekai_gen.release.layout import CROISSANT_FILE, INDEX_FILE, SUMS_FILE, role_of

Row = dict[str, Any]


@dataclass(frozen=True)
class Mutation:
    """A change, and the files one of which verification must name."""

    title: str
    named: frozenset[str]
    apply: Callable[[Path], None]


def names(folder: Path) -> list[str]:
    """Paths of all files, sorted."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def relist(folder: Path) -> None:
    """Make all lists agree with the disk, Croissant's too, as someone does who hides a change."""
    _relist_croissant(folder)
    index = json.loads((folder / INDEX_FILE).read_text())
    index["files"] = [
        {
            "path": name,
            "role": role_of(name),
            "sha256": file_sha256(folder / name),
            "size": (folder / name).stat().st_size,
        }
        for name in names(folder)
        if name not in (INDEX_FILE, SUMS_FILE)
    ]
    (folder / INDEX_FILE).write_text(json.dumps(index))
    sums = {name: file_sha256(folder / name) for name in names(folder) if name != SUMS_FILE}
    (folder / SUMS_FILE).write_text(sums_text(sums))


def _relist_croissant(folder: Path) -> None:
    document = json.loads((folder / CROISSANT_FILE).read_text())
    for file in document["distribution"]:
        path = folder / file.get("contentUrl", "")
        if path.is_file():
            file["sha256"] = file_sha256(path)
            file["contentSize"] = f"{path.stat().st_size} B"
    (folder / CROISSANT_FILE).write_text(json.dumps(document))


def edit_rows(folder: Path, name: str, change: Callable[[list[Row]], object]) -> None:
    """Change the rows of a JSON-lines file."""
    path = folder / name
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(rows)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def edit_json(folder: Path, name: str, change: Callable[[Row], object]) -> None:
    """Change a JSON document."""
    value = json.loads((folder / name).read_text())
    change(value)
    (folder / name).write_text(json.dumps(value))


def edit_table(path: Path, change: Callable[[list[Row]], object]) -> None:
    """Change the rows of a Parquet file, its schema and features kept."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    rows = table.to_pylist()
    change(rows)
    plain = [name for name in _leaves(path) if name.endswith(".bytes")]
    pyarrow.parquet.write_table(
        pyarrow.Table.from_pylist(rows, schema=table.schema),
        path,
        compression={name: "NONE" if name in plain else "SNAPPY" for name in _leaves(path)},
        use_dictionary=[name for name in _leaves(path) if name not in plain],
    )


def _leaves(path: Path) -> list[str]:
    import pyarrow.parquet

    schema = pyarrow.parquet.ParquetFile(path).schema
    return [schema.column(number).path for number in range(len(schema.names))]


def edit_tar(path: Path, change: Callable[[list[tuple[str, bytes]]], object]) -> None:
    """Change the members of a tar shard."""
    with tarfile.open(path) as archive:
        members = [(each.name, archive.extractfile(each).read()) for each in archive]  # type: ignore[union-attr]
    change(members)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def byte_mutations(folder: Path, count: int, seed: int) -> Iterator[Mutation]:
    """Seeded changes of bytes and names that leave both lists as they are."""
    rng = random.Random(seed)
    files = names(folder)
    kinds = (_flip, _truncate, _add, _remove, _rename, _swap)
    for number in range(count):
        yield kinds[number % len(kinds)](rng, folder, files)


def _flip(rng: random.Random, folder: Path, files: list[str]) -> Mutation:
    name = rng.choice(files)
    place, bit = rng.randrange((folder / name).stat().st_size), 1 << rng.randrange(8)

    def apply(copy: Path) -> None:
        content = bytearray((copy / name).read_bytes())
        content[place] ^= bit
        (copy / name).write_bytes(content)

    return Mutation(f"flip {name}[{place}]", frozenset({name}), apply)


def _truncate(rng: random.Random, folder: Path, files: list[str]) -> Mutation:
    name = rng.choice(files)
    whole = (folder / name).stat().st_size
    size = rng.choice((0, whole - 1, rng.randrange(whole)))

    def apply(copy: Path) -> None:
        (copy / name).write_bytes((copy / name).read_bytes()[:size])

    return Mutation(f"truncate {name} to {size}", frozenset({name}), apply)


def _add(rng: random.Random, _: Path, files: list[str]) -> Mutation:
    beside = rng.choice(files)
    name = f"{beside}.{rng.choice(('bak', 'txt', 'png', 'jsonl'))}"
    return Mutation(
        f"add {name}", frozenset({name}), lambda copy: shutil.copy(copy / beside, copy / name)
    )


def _remove(rng: random.Random, _: Path, files: list[str]) -> Mutation:
    name = rng.choice(files)
    return Mutation(f"remove {name}", frozenset({name}), lambda copy: (copy / name).unlink())


def _rename(rng: random.Random, _: Path, files: list[str]) -> Mutation:
    name = rng.choice(files)
    new = f"{name}-{rng.randrange(1000)}"
    return Mutation(
        f"rename {name}", frozenset({name}), lambda copy: (copy / name).rename(copy / new)
    )


def _swap(rng: random.Random, folder: Path, files: list[str]) -> Mutation:
    one = rng.choice(files)
    content = (folder / one).read_bytes()
    other = rng.choice([name for name in files if (folder / name).read_bytes() != content])

    def apply(copy: Path) -> None:
        first = (copy / one).read_bytes()
        (copy / one).write_bytes((copy / other).read_bytes())
        (copy / other).write_bytes(first)

    return Mutation(f"swap {one} and {other}", frozenset({one, other}), apply)
