"""Pictures of anybody's, in every form that `open_source` reads."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def painted(seed: int, side: int = 48) -> Image.Image:
    """A picture of soft color fields; other seeds look nothing like it."""
    random = np.random.default_rng(seed)
    fields = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return fields.resize((side, side), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, suffix: str = ".png") -> bytes:
    """The bytes of a picture's file."""
    buffer = io.BytesIO()
    image.save(buffer, FORMATS[suffix.lower()])
    return buffer.getvalue()


def save(path: Path, image: Image.Image) -> Path:
    """A picture's file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(image, path.suffix))
    return path


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    """An uncompressed archive with these files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_parquet(path: Path, columns: dict[str, object], group: int = 4, **metadata: str) -> Path:
    """A Parquet file with these columns, in row groups of `group` rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    if metadata:
        table = table.replace_schema_metadata(metadata)
    pq.write_table(table, path, row_group_size=group)
    return path


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a folder: times and bytes."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mtime_ns,
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted([folder, *folder.rglob("*")])
    }
