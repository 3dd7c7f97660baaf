"""The file of a counterfactual sample, which says how it came to be; and whether it still does."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from PIL import Image

from isekai_gen.cores import usable_cores
from isekai_gen.counterfactuals.records import CounterfactualRecord
from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import canonical_json, pixel_sha256
from isekai_gen.pixels import RgbPixels, rgb_pixels
from isekai_gen.records import Provenance
from isekai_gen.stages.counterfactual_files import picture_file
from isekai_gen.stages.picture_origin import xmp_packet
from isekai_gen.stages.pictures import decode_picture, png_bytes
from isekai_gen.workspace import Workspace

# A reader of the file could take the answer from any of these.
_LABEL_FIELDS = frozenset({"concept", "inpainting"})


def sample_bytes(
    pixels: RgbPixels,
    record: CounterfactualRecord,
    provenance: Provenance,
    *,
    prompt_metadata: bool,
) -> bytes:
    """The PNG file of a sample; its bytes follow from the arguments alone.

    Args:
        pixels: uint8 [height, width, 3].
        record: How it was made.
        provenance: How its source was drawn.
        prompt_metadata: Whether the file tells the source's concept.
    """
    recipe = record.recipe.to_fields()
    if not prompt_metadata:
        recipe = {key: value for key, value in recipe.items() if key not in _LABEL_FIELDS}
    origin: dict[str, Any] = {
        "schema": record.to_json()["schema"],
        "counterfactual": recipe,
        "label_stands": record.label_stands,
        "mask_rate": record.mask_rate,
        "source_provenance": provenance.to_fields(),
    }
    return png_bytes(Image.fromarray(pixels), canonical_json(origin), xmp_packet(None, provenance))


def open_sample(
    workspace: Workspace, record: CounterfactualRecord
) -> tuple[Image.Image | None, str]:
    """The picture of a sample, if it has the recorded pixels; otherwise None and the reason."""
    path = picture_file(workspace, record.recipe)
    try:
        image = decode_picture(path.read_bytes(), path.suffix)
    except OSError as error:
        return None, f"cannot be read ({error.strerror})"
    except ValueError as error:
        return None, str(error)
    if pixel_sha256(rgb_pixels(image)) != record.pixel_sha256:
        return None, "its pixels are not those recorded"
    return image, ""


def require_pictures(workspace: Workspace, records: Sequence[CounterfactualRecord]) -> None:
    """Refuse samples whose pictures are no longer what was recorded; all of them are opened.

    Raises:
        ChecksumError: Names the first one that is missing or damaged, and how many there are.
    """
    with ThreadPoolExecutor(usable_cores()) as threads:
        reasons = list(threads.map(partial(_fault, workspace), records))
    damaged = [(each, why) for each, why in zip(records, reasons, strict=True) if why]
    if damaged:
        record, why = damaged[0]
        more = f" ({len(damaged)} samples are damaged)" if len(damaged) > 1 else ""
        raise ChecksumError(
            f"{picture_file(workspace, record.recipe)}: {why}{more}; delete what is "
            "left of it and run `isekai-gen counterfactuals` to make it again"
        )


def _fault(workspace: Workspace, record: CounterfactualRecord) -> str:
    """Why a sample's picture cannot be used; "" if it can."""
    return open_sample(workspace, record)[1]
