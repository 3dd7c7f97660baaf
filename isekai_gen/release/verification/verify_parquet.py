"""Check the form of a received Parquet file: its columns, and the limits of viewers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from isekai_gen.errors import ReleaseError
from isekai_gen.release.columns import Column
from isekai_gen.release.containers.parquet_read import parquet_facts
from isekai_gen.release.containers.parquet_schema import huggingface_schema

# The Hub's viewer reads whole row groups, and refuses those above some 286 MiB.
_MAX_GROUP_BYTES = 286 << 20


def check_parquet_form(path: Path, columns: Sequence[Column], labels: Sequence[str]) -> list[str]:
    """What is wrong with a Parquet file, beside its rows.

    Args:
        path: The file.
        columns: That it must have, in order.
        labels: Names of the numbers in columns of kind "label".

    Raises:
        ReleaseError: If it is no Parquet file.
    """
    import pyarrow
    import pyarrow.parquet

    groups = parquet_facts(path).groups
    faults = [
        f"row group {number} has {group.size} bytes; viewers read at most {_MAX_GROUP_BYTES}"
        for number, group in enumerate(groups)
        if group.size > _MAX_GROUP_BYTES
    ]
    try:
        schema = pyarrow.parquet.read_schema(path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise ReleaseError(f"{path.name}: not a whole Parquet file") from error
    expected = huggingface_schema(columns, labels)
    # Parquet calls a list's values "element", Arrow "item": types are equal all the same.
    if not schema.equals(expected) or schema.metadata != expected.metadata:
        faults.append("its columns, or the features for datasets in its footer, are not ours")
    return faults
