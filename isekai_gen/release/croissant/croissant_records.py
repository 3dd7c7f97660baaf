"""What a release's croissant.json says of its tables: record sets and their fields.

In the hub profile a row of Parquet holds everything. Elsewhere pictures are files, loose or in
shards, that are joined with metadata.jsonl by name. Each record set has one reference at most:
mlcroissant 1.1.1 merges rows by the first one only, and loads no single split if there are two.
"""

from __future__ import annotations

from typing import Any

from isekai_gen.release.columns import Column, Kind
from isekai_gen.release.croissant.croissant_files import file_set_id, folder_of, paths_of
from isekai_gen.release.facts import ReleaseFacts, TableConfig
from isekai_gen.release.layout import (
    CONCEPTS_FILE,
    COUNTERFACTUALS_FILE,
    COUNTERFACTUALS_FOLDER,
    METADATA_FILE,
)

Json = dict[str, Any]

_DATA_TYPES: dict[Kind, str | list[str]] = {
    "text": "sc:Text",
    "texts": "sc:Text",
    "whole": "sc:Integer",
    "real": "sc:Float",
    "flag": "sc:Boolean",
    "image": "sc:ImageObject",
    "images": "sc:ImageObject",
    "label": ["sc:Integer", "cr:Label"],
}
# Croissant 1.1 has arrays; readers of 1.0, mlcroissant's casts among them, know `repeated`.
_LIST = {"isArray": True, "arrayShape": "-1", "repeated": True}
_PICTURE = Column("image", "image", "The picture.")
_STEM = Column("stem", "text", "Name of the picture without folder and format.")
CONCEPT_COLUMNS = (
    Column("label", "whole", "Number of the concept: its row in the file, from 0."),
    Column("slug", "text", "Slug of the concept."),
    Column("name", "text", "Name of the concept, for people."),
    Column("lcl_label", "text", "Name of the concept as the LCL manifests write it."),
    Column("kind", "text", "Whether the concept is fictional or real."),
    Column("group", "text", "Slug that a fictional concept and its real counterpart share."),
    Column("short", "text", "How it looks, in a few words."),
    Column("description", "text", "How it looks, in a sentence."),
    Column("images", "whole", "Number of its images in this release."),
)


def record_sets(facts: ReleaseFacts) -> list[Json]:
    """Splits, concepts, and every table that a config of the card loads."""
    sets = [_splits(facts), _concepts()]
    for config in facts.configs:
        if config.name == COUNTERFACTUALS_FOLDER:
            continue
        if facts.profile == "hub":
            sets.append(_of_parquet(config))
        elif facts.profile == "files":
            sets.append(_of_files(config))
        else:
            sets += _of_shards(config)
    return sets if facts.samples is None else [*sets, _of_samples(facts.samples.config)]


def _of_samples(config: TableConfig) -> Json:
    if config.format == "parquet":
        return _of_parquet(config)
    # The folder may be missing: mlcroissant takes the pattern to the names in rows, too.
    below = rf"(?:{COUNTERFACTUALS_FOLDER}/)?(.+)"
    return _of_files(config, COUNTERFACTUALS_FILE, below)


def _splits(facts: ReleaseFacts) -> Json:
    columns = (
        Column("name", "text", "Name of the split."),
        Column("images", "whole", "Number of its images."),
    )
    return _record_set(
        "splits",
        "The splits and their numbers of images.",
        "name",
        [_field("splits", column) for column in columns],
    ) | {
        "dataType": "cr:Split",
        "data": [
            {"splits/name": name, "splits/images": images}
            for name, images in facts.splits().items()
        ],
    }


def _concepts() -> Json:
    source = {"fileObject": {"@id": CONCEPTS_FILE}}
    return _record_set(
        "concepts",
        "What the images show; a label is the number of one of these records.",
        "label",
        [_field("concepts", column, _column(source, column.name)) for column in CONCEPT_COLUMNS],
    ) | {"dataType": "sc:Enumeration"}


def _of_parquet(config: TableConfig) -> Json:
    paths = paths_of(config)
    # Readers check the digest of a file that is named, not of those that a pattern finds.
    alone = len(paths) == 1
    files = (
        {"fileObject": {"@id": paths[0]}}
        if alone
        else {"fileSet": {"@id": file_set_id(config.name)}}
    )
    fields = []
    for column in config.columns:
        field = _field(config.name, column, _column(files, column.name))
        if column.kind in ("image", "images"):
            field["source"]["transform"] = {"jsonPath": "bytes"}
        elif column.name == "split":
            if not alone:
                field["source"] = files | _split_in_name(config)
            field["references"] = {"field": {"@id": "splits/name"}}
        elif config.name == "neighbors" and column.name == "concept":
            field["references"] = {"field": {"@id": "concepts/slug"}}
        fields.append(field)
    return _record_set(config.name, config.description, _key(config), fields)


def _split_in_name(config: TableConfig) -> Json:
    """The split by a file's name, so that readers need not open the files of other splits."""
    # All is optional but for the split itself: readers match what they found once more.
    pattern = rf"(?:{folder_of(config)}/)?({'|'.join(config.files)})(?:-.*\.parquet)?$"
    return {"extract": {"fileProperty": "fullpath"}, "transform": {"regex": pattern}}


def _of_files(config: TableConfig, metadata: str = METADATA_FILE, paths: str = "(.+)") -> Json:
    """Loose pictures with their rows.

    Args:
        config: Their table.
        metadata: File with the rows.
        paths: Regular expression that takes, of a picture's path, what rows call `file_name`.
    """
    name = config.name
    pictures = {"fileSet": {"@id": file_set_id(name)}}
    rows = {"fileObject": {"@id": metadata}}
    fields = [_field(name, _PICTURE, pictures | {"extract": {"fileProperty": "content"}})]
    for column in config.columns:
        field = _field(name, column, _column(rows, column.name))
        if column.name == "file_name":
            # Also where it takes all: mlcroissant compares texts with texts only after one.
            field["source"] = pictures | {
                "extract": {"fileProperty": "fullpath"},
                "transform": {"regex": paths},
            }
            field["references"] = _column(rows, column.name)
        fields.append(field)
    return _record_set(name, config.description, _key(config), fields)


def _of_shards(config: TableConfig) -> list[Json]:
    """Pictures in shards, whose names lack folders, and rows of metadata.jsonl joined to them."""
    name = config.name
    pictures = {"fileSet": {"@id": file_set_id(name)}}
    file_name = {
        "extract": {"fileProperty": "filename"},
        "transform": {"regex": r"(.+?)(?:\.[a-z]+)?$"},
    }
    stem = _field(name, _STEM, pictures | file_name)
    stem["references"] = {"field": {"@id": "metadata/stem"}}
    fields = [
        stem,
        _field(name, _PICTURE, pictures | {"extract": {"fileProperty": "content"}}),
        *(
            _field(name, column, {"field": {"@id": f"metadata/{column.name}"}})
            for column in config.columns
        ),
    ]
    return [_metadata(config), _record_set(name, config.description, "id", fields)]


def _metadata(config: TableConfig) -> Json:
    rows = {"fileObject": {"@id": METADATA_FILE}}
    stem = _column(rows, "file_name") | {"transform": {"regex": r".*/(.+)\.[a-z]+$"}}
    fields = [
        *(_field("metadata", column, _column(rows, column.name)) for column in config.columns),
        _field("metadata", _STEM, stem),
    ]
    return _record_set("metadata", "What is known of every image.", "id", fields)


def _key(config: TableConfig) -> str | None:
    return "id" if any(column.name == "id" for column in config.columns) else None


def _record_set(name: str, description: str, key: str | None, fields: list[Json]) -> Json:
    keyed = {} if key is None else {"key": {"@id": f"{name}/{key}"}}
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        **keyed,
        "field": fields,
    }


def _field(record_set: str, column: Column, source: Json | None = None) -> Json:
    field: Json = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column.name}",
        "name": column.name,
        "description": column.description,
        "dataType": _DATA_TYPES[column.kind],
    }
    if column.kind in ("texts", "images"):
        field |= _LIST
    return field if source is None else field | {"source": source}


def _column(source: Json, name: str) -> Json:
    return source | {"extract": {"column": name}}
