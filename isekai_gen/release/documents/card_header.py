"""The YAML header of README.md, which the Hugging Face Hub and `datasets` read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import yaml

from isekai_gen.release.columns import Column
from isekai_gen.release.containers.parquet_schema import DTYPES
from isekai_gen.release.documents.citation_licenses import spdx_id
from isekai_gen.release.facts import ReleaseFacts, TableConfig

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def card_header(facts: ReleaseFacts) -> str:
    """The header with its two lines of dashes."""
    header: dict[str, Any] = {
        "pretty_name": facts.options.title,
        **_license_fields(facts),
        "language": ["en"],
        "size_categories": [size_category(len(facts.images))],
        "task_categories": ["image-classification", "zero-shot-image-classification"],
        "annotations_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "tags": _tags(facts),
        "configs": [_config(config) for config in facts.configs],
        "dataset_info": [_info(config, facts) for config in facts.configs],
    }
    text = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{text}---\n"


def size_category(images: int) -> str:
    """The Hub's word for a number of rows."""
    return next((name for limit, name in _SIZES if images < limit), "n>10M")


def _license_fields(facts: ReleaseFacts) -> dict[str, str]:
    license_id = facts.options.license_id
    if spdx_id(license_id):
        return {"license": license_id.lower()}
    return {"license": "other", "license_name": license_id, "license_link": "LICENSE"}


def _tags(facts: ReleaseFacts) -> list[str]:
    tags = ["image", "synthetic", "ai-generated", "in-context-learning", "few-shot", "croissant"]
    if facts.profile == "webdataset":
        tags.append("webdataset")
    return [*tags, "arxiv:2308.07891"]


def _config(config: TableConfig) -> dict[str, Any]:
    fields: dict[str, Any] = {"config_name": config.name}
    if config.name == "images":
        fields["default"] = True
    fields["data_files"] = [
        {"split": split, "path": list(paths)} for split, paths in config.files.items()
    ]
    return fields


def _info(config: TableConfig, facts: ReleaseFacts) -> dict[str, Any]:
    fields: dict[str, Any] = {"config_name": config.name}
    names = [concept.slug for concept in facts.content.concepts]
    # A wrong word here stops loading; of folders of pictures, `datasets` infers them well itself.
    if config.format == "parquet":
        fields["features"] = [_feature(column, names) for column in config.columns]
    elif config.format == "webdataset":
        fields["features"] = _sample_features(config, facts, names)
    # `datasets` ignores splits without num_bytes, the size of its own cache, which nobody knows
    # before; null is taken as unknown, while num_examples is held against the files.
    fields["splits"] = [
        {"name": split, "num_bytes": None, "num_examples": config.rows[split]}
        for split in config.files
    ]
    return fields


def _sample_features(
    config: TableConfig, facts: ReleaseFacts, names: list[str]
) -> list[dict[str, Any]]:
    """What a sample of a tar shard has.

    Without this, `datasets` takes the types of the first five rows: a value that is missing in
    these alone would stop it later, and labels would be bare numbers.
    """
    suffixes = sorted({PurePosixPath(image.path).suffix[1:] for image in facts.images})
    rows = [
        replace(column, kind="whole") if column.kind == "label" else column
        for column in config.columns
    ]
    return [
        _feature(Column("cls", "label", "Number of the concept."), names),
        {"name": "json", "struct": [_feature(column, names) for column in rows]},
        *({"name": suffix, "dtype": "image"} for suffix in suffixes),
        {"name": "__key__", "dtype": "string"},
        {"name": "__url__", "dtype": "string"},
    ]


def _feature(column: Column, names: list[str]) -> dict[str, Any]:
    """A column in the form that `datasets` writes into cards."""
    if column.kind == "label":
        by_number = {str(number): name for number, name in enumerate(names)}
        return {"name": column.name, "dtype": {"class_label": {"names": by_number}}}
    if column.kind in ("texts", "images"):
        return {"name": column.name, "list": "string" if column.kind == "texts" else "image"}
    return {
        "name": column.name,
        "dtype": "image" if column.kind == "image" else DTYPES[column.kind],
    }
