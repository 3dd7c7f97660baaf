"""What a release's croissant.json says of its files: FileObjects and FileSets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isekai_gen.release.croissant.croissant_terms import media_type
from isekai_gen.release.facts import ReleaseFacts, TableConfig
from isekai_gen.release.index import ListedFile
from isekai_gen.release.layout import (
    COUNTERFACTUAL_IMAGES,
    COUNTERFACTUALS_FILE,
    CROISSANT_FILE,
    INDEX_FILE,
    SIGNATURE_FILE,
    SUMS_FILE,
)

# croissant.json cannot list itself, nor what lists it.
_WRITTEN_LATER = frozenset({CROISSANT_FILE, INDEX_FILE, SUMS_FILE, SIGNATURE_FILE})
_IMAGES = "images/"


def distribution(facts: ReleaseFacts, listed: Sequence[ListedFile]) -> list[dict[str, Any]]:
    """A FileObject of every file that has one, sorted by path, then the FileSets."""
    objects = [_file_object(file) for file in listed if has_file_object(file.path)]
    return [
        *sorted(objects, key=lambda each: str(each["@id"])),
        *_file_sets(facts),
        *_sample_set(facts),
    ]


def has_file_object(path: str) -> bool:
    """Whether croissant.json lists a file on its own: all but loose images and what comes later."""
    return not path.startswith((_IMAGES, COUNTERFACTUAL_IMAGES)) and path not in _WRITTEN_LATER


def file_set_id(config: str) -> str:
    """What the FileSet is called that the record set of a table reads."""
    return f"{config}-files"


def paths_of(config: TableConfig) -> list[str]:
    """The files of a table, of all splits."""
    return [path for paths in config.files.values() for path in paths]


def folder_of(config: TableConfig) -> str:
    """Where the Parquet files of a table lie, such as "data"."""
    return paths_of(config)[0].partition("/")[0]


def _file_object(file: ListedFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "description": f"{file.role[0].upper()}{file.role[1:]}.",
        "contentUrl": file.path,
        "contentSize": f"{file.size} B",
        "encodingFormat": media_type(file.path),
        "sha256": file.sha256,
    }


def _file_sets(facts: ReleaseFacts) -> list[dict[str, Any]]:
    suffixes = sorted({image.record.suffix for image in facts.images})
    formats = [media_type(f"image{suffix}") for suffix in suffixes]
    loose = [f"{_IMAGES}*/*{suffix}" for suffix in suffixes]
    described = "The pictures; metadata.jsonl and SHA256SUMS have the SHA-256 of each."
    if facts.profile == "files":
        return [_file_set(file_set_id("images"), described, formats, loose)]
    if facts.profile == "webdataset":
        (config,) = facts.configs
        within = _file_set(
            file_set_id("images"),
            "The pictures in the shards; metadata.jsonl has the SHA-256 of each.",
            formats,
            [f"*{suffix}" for suffix in suffixes],
        )
        return [within | {"containedIn": [{"@id": path} for path in paths_of(config)]}]
    tables = [
        _file_set(
            file_set_id(config.name),
            config.description,
            [media_type("x.parquet")],
            [f"{folder_of(config)}/*.parquet"],
        )
        for config in facts.configs
        if len(paths_of(config)) > 1
    ]
    if not facts.loose_images:
        return tables
    return [*tables, _file_set("loose-images", described, formats, loose)]


def _sample_set(facts: ReleaseFacts) -> list[dict[str, Any]]:
    """The pictures of counterfactual samples, where they are loose."""
    if facts.samples is None or facts.samples.config.format != "imagefolder":
        return []
    described = f"Counterfactual samples; {COUNTERFACTUALS_FILE} has the SHA-256 of each."
    name = file_set_id(facts.samples.config.name)
    pattern = f"{COUNTERFACTUAL_IMAGES}*/*.png"
    return [_file_set(name, described, [media_type("x.png")], [pattern])]


def _file_set(
    name: str, description: str, formats: list[str], patterns: list[str]
) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "description": description,
        "encodingFormat": formats,
        "includes": patterns,
    }
