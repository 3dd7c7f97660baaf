"""The JSON form that all records share."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, ClassVar, Self

SCHEMA = 1


class Record:
    """Base of the frozen records: plain fields plus the schema version, on one line of JSON."""

    _tuples: ClassVar[frozenset[str]] = frozenset()
    """Fields that are tuples here and lists in JSON."""

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict with every field and `schema`; records within have no `schema`."""
        return {"schema": SCHEMA, **self.to_fields()}

    def to_fields(self) -> dict[str, Any]:
        """Every field by name, JSON-ready.

        Values are shared with the record, not copied: `dataclasses.asdict` takes five times as
        long, which counts for a million records.
        """
        fields: dict[str, Any] = {}
        for name in _field_names(type(self)):  # type: ignore[arg-type] # classes have a hash
            value = getattr(self, name)
            fields[name] = value.to_fields() if isinstance(value, Record) else value
        return fields

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote.

        Raises:
            ValueError: If the row has another schema, lacks or adds fields, or has no list where
                one belongs.
        """
        if row.get("schema") != SCHEMA:
            raise ValueError(f"schema {row.get('schema')!r} is not {SCHEMA}")
        fields = {key: value for key, value in row.items() if key != "schema"}
        expected = _field_names(cls)  # type: ignore[arg-type]
        if fields.keys() != set(expected):
            raise ValueError(
                f"{cls.__name__} has fields {sorted(expected)}, the row has {sorted(fields)}"
            )
        for name in cls._tuples:
            if not isinstance(fields[name], list | tuple):
                raise ValueError(f"{name} must be a list, got {fields[name]!r}")
            fields[name] = tuple(fields[name])
        return cls(**fields)


@functools.cache
def _field_names(cls: type[Record]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]
