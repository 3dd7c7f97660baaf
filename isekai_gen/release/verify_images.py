"""Compare metadata.jsonl with the images: names, checksums, sizes, pixels.

The pixel digests of metadata.jsonl are those of the pixels as drawn. PNG and WebP must decode to
them; JPEG cannot, so there the checksum of the file stands for its pixels.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from isekai_gen.hashing import pixel_sha256
from isekai_gen.records import IMAGE_FORMATS, LOSSLESS_SUFFIXES
from isekai_gen.release.received import ReceivedTree

METADATA_FILE = "metadata.jsonl"
# 8192 x 8192; a small file can claim more pixels than there is memory.
_MAX_PIXELS = 1 << 26


def check_images(
    tree: ReceivedTree, rows: list[dict[str, Any]], measured: Mapping[str, str]
) -> None:
    """Report rows without their image, images without their row, and rows that say otherwise.

    Args:
        tree: The folder.
        rows: Of metadata.jsonl.
        measured: Path to the SHA-256 measured on disk.
    """
    ids: set[str] = set()
    names: set[str] = set()
    for number, row in enumerate(rows, start=1):
        where = f"line {number}"
        image_id, name = row.get("id"), row.get("file_name")
        if not isinstance(image_id, str) or not isinstance(name, str):
            tree.report(METADATA_FILE, "metadata", f"{where}: id and file_name must be text")
            continue
        if image_id in ids or name in names:
            tree.report(METADATA_FILE, "metadata", f"{where}: id or file_name is repeated")
        ids.add(image_id)
        names.add(name)
        if name not in tree.files or not name.startswith("images/"):
            tree.report(METADATA_FILE, "metadata", f"{where}: no such image: {name!a}")
            continue
        if row.get("sha256") != measured.get(name):
            tree.report(name, "metadata", f"{METADATA_FILE} has another sha256")
        for fault in _check_pixels(tree.files[name], row):
            tree.report(name, "metadata", fault)
    for name in sorted(tree.files.keys() - names):
        if name.startswith("images/"):
            tree.report(name, "metadata", f"{METADATA_FILE} has no row for it")


def _check_pixels(path: Path, row: Mapping[str, Any]) -> list[str]:
    kind = IMAGE_FORMATS.get(path.suffix)
    if kind is None:
        return [f"its name must end in {' or '.join(IMAGE_FORMATS)}"]
    try:
        with warnings.catch_warnings(), Image.open(path, formats=(kind,)) as image:
            # Pillow only warns of a decompression bomb up to twice its limit.
            warnings.simplefilter("error")
            if image.width * image.height > _MAX_PIXELS:
                return [f"{image.width} x {image.height} is over {_MAX_PIXELS} pixels"]
            if (image.width, image.height) != (row.get("width"), row.get("height")):
                return [f"{image.width} x {image.height} is not the size in {METADATA_FILE}"]
            pixels = np.asarray(image.convert("RGB"))
    # Pillow raises SyntaxError for a broken chunk.
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
        return [f"not a readable {kind}: {ascii(str(error).replace(str(path), 'it'))[1:-1][:200]}"]
    lossless = path.suffix in LOSSLESS_SUFFIXES
    if lossless and row.get("pixel_sha256") != pixel_sha256(pixels):
        return [f"{METADATA_FILE} has another pixel_sha256"]
    return []
