"""Check the record sets of a received croissant.json: what they read is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isekai_gen.release.columns import METADATA_COLUMNS, Column
from isekai_gen.release.containers.parquet_neighbors import NEIGHBORS_COLUMNS
from isekai_gen.release.containers.parquet_pairs import PAIRS_COLUMNS
from isekai_gen.release.counterfactual_columns import COUNTERFACTUAL_COLUMNS
from isekai_gen.release.croissant.croissant_records import CONCEPT_COLUMNS
from isekai_gen.release.layout import COUNTERFACTUALS_FOLDER

_NEEDED = ("splits", "concepts", "images")
_COLUMNS: Mapping[str, Sequence[Column]] = {
    "concepts": CONCEPT_COLUMNS,
    "images": METADATA_COLUMNS,
    "metadata": METADATA_COLUMNS,
    "neighbors": NEIGHBORS_COLUMNS,
    "pairs": PAIRS_COLUMNS,
    COUNTERFACTUALS_FOLDER: COUNTERFACTUAL_COLUMNS,
}


def check_record_sets(
    record_sets: Any,  # noqa: ANN401 - any JSON value
    file_ids: set[str],
) -> list[str]:
    """What is wrong with the record sets; empty if nothing is.

    Args:
        record_sets: The value of `recordSet`.
        file_ids: Ids of the FileObjects and FileSets.
    """
    if not isinstance(record_sets, list) or not all(
        isinstance(each, Mapping) for each in record_sets
    ):
        return ["recordSet must be a list of objects"]
    field_ids = {
        identifier
        for record_set in record_sets
        for field in _fields(record_set)
        if isinstance(identifier := field.get("@id"), str)
    }
    names = [record_set.get("@id") for record_set in record_sets]
    faults = [f"record set {name} is missing" for name in _NEEDED if name not in names]
    for record_set in record_sets:
        name = record_set.get("@id")
        if not isinstance(name, str):
            faults.append("a record set has no @id")
            continue
        faults += _check_columns(name, record_set)
        faults += _check_key(name, record_set, field_ids)
        for field in _fields(record_set):
            faults += _check_sources(name, field, file_ids, field_ids)
    return faults


def _check_columns(name: str, record_set: Mapping[str, Any]) -> Iterator[str]:
    field_by_id = {
        identifier: field
        for field in _fields(record_set)
        if isinstance(identifier := field.get("@id"), str)
    }
    for column in _COLUMNS.get(name, ()):
        field = field_by_id.get(f"{name}/{column.name}")
        if field is None:
            yield f"record set {name} lacks the field {column.name}"
        elif _read_column(field) not in (None, column.name):
            yield f"record set {name}: the field {column.name} reads another column"


def _read_column(field: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """What column the field is extracted from; None for one that is not from a column."""
    source = field.get("source")
    extract = source.get("extract") if isinstance(source, Mapping) else None
    return extract.get("column") if isinstance(extract, Mapping) else None


def _check_key(name: str, record_set: Mapping[str, Any], field_ids: set[str]) -> Iterator[str]:
    key = record_set.get("key")
    if key is not None and _reference(key) not in field_ids:
        yield f"record set {name!a}: its key is no field"


def _check_sources(
    name: str, field: Mapping[str, Any], file_ids: set[str], field_ids: set[str]
) -> Iterator[str]:
    for key in ("source", "references"):
        source = field.get(key)
        if source is None:
            continue
        if not isinstance(source, Mapping):
            yield f"record set {name!a}: {key} of a field must be an object"
        elif "field" in source:
            if _reference(source["field"]) not in field_ids:
                yield f"record set {name!a}: a field's {key} is a field that does not exist"
        elif _reference(source.get("fileObject", source.get("fileSet"))) not in file_ids:
            yield f"record set {name!a}: a field's {key} is a file that is not listed"


def _reference(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    identifier = value.get("@id") if isinstance(value, Mapping) else None
    return identifier if isinstance(identifier, str) else None


def _fields(record_set: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    fields = record_set.get("field")
    if not isinstance(fields, list):
        return []
    return [field for field in fields if isinstance(field, Mapping)]
