"""Check the YAML header of README.md: what the Hub and `datasets` load a release by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.release.columns import Column
from isekai_gen.release.containers.parquet_images import IMAGES_COLUMNS
from isekai_gen.release.containers.parquet_neighbors import NEIGHBORS_COLUMNS
from isekai_gen.release.containers.parquet_pairs import PAIRS_COLUMNS
from isekai_gen.release.containers.parquet_read import parquet_facts
from isekai_gen.release.counterfactual_columns import COUNTERFACTUALS_TABLE_COLUMNS
from isekai_gen.release.layout import CARD_FILE, COUNTERFACTUALS_FOLDER, INDEX_FILE
from isekai_gen.release.verification.received import brief
from isekai_gen.release.verification.received_release import ReceivedRelease
from isekai_gen.release.verification.received_values import is_text
from isekai_gen.release.verification.received_yaml import read_plain_yaml

_TEXTS = ("pretty_name", "license")
_LISTS = ("language", "size_categories", "task_categories", "tags", "configs", "dataset_info")
_FORMAT_BY_SUFFIX = {"parquet": "parquet", "tar": "webdataset"}
_COLUMNS_BY_CONFIG: Mapping[str, Sequence[Column]] = {
    "images": IMAGES_COLUMNS,
    "pairs": PAIRS_COLUMNS,
    "neighbors": NEIGHBORS_COLUMNS,
    COUNTERFACTUALS_FOLDER: COUNTERFACTUALS_TABLE_COLUMNS,
}
# Ours have fewer; each such pattern is held against every file, and every star multiplies the work.
_MAX_STARRED = 50
_MAX_STARS = 2


def check_card(release: ReceivedRelease) -> None:
    """Report a README.md whose header says what is not so, or that the Hub could not use."""
    content = release.tree.read_bytes(CARD_FILE)
    if content is None:
        return
    try:
        start, header, _ = content.decode("utf-8").split("---\n", 2)
        fields = read_plain_yaml(header)
    except ValueError as error:
        first = brief(error).split("\\n")[0]
        release.tree.report(CARD_FILE, "card", f"its YAML header cannot be read: {first}")
        return
    if start or not isinstance(fields, Mapping):
        release.tree.report(CARD_FILE, "card", "must begin with a YAML header")
        return
    faults = [f"its header lacks {key}" for key in _TEXTS if not is_text(fields.get(key))]
    faults += [f"its header lacks {key}" for key in _LISTS if not _is_list(fields.get(key))]
    if not faults:
        faults = _check_header(release, fields)
    release.tree.report_some(CARD_FILE, "card", faults)


def _check_header(release: ReceivedRelease, fields: Mapping[str, Any]) -> list[str]:
    faults = []
    if fields["pretty_name"] != release.index.get("title"):
        faults.append(f"pretty_name is not the title in {INDEX_FILE}")
    license_id = fields.get("license_name", fields["license"])
    if str(license_id).lower() != str(release.index.get("license")).lower():
        faults.append(f"license is not that of {INDEX_FILE}")
    if "synthetic" not in fields["tags"]:
        faults.append("tags must have 'synthetic'")
    infos = {str(each.get("config_name")): each for each in _mappings(fields["dataset_info"])}
    if str(fields["configs"]).count("*") > _MAX_STARS * _MAX_STARRED:
        return [*faults, f"configs have more than {_MAX_STARRED} patterns; name the files"]
    formats: set[str] = set()
    named: set[str] = set()
    for config in _mappings(fields["configs"]):
        name = str(config.get("config_name"))
        files, found = _files_by_split(release, config)
        faults += [f"config {name!a}: {fault}" for fault in found]
        matched = [path for paths in files.values() for path in paths]
        named.update(matched)
        formats |= {
            _FORMAT_BY_SUFFIX.get(path.rpartition(".")[2], "imagefolder") for path in matched
        }
        rows = _rows_by_split(release, name, files)
        found = _check_info(release, name, infos.get(name, {}), rows)
        faults += [f"config {name!a}: {fault}" for fault in found]
    if len(formats) != 1:
        faults.append(f"configs must be of one format, not {', '.join(sorted(formats)) or 'none'}")
    tables = {path for path in release.tree.files if path.endswith((".parquet", ".tar"))}
    return faults + [f"no config has {path!a}" for path in sorted(tables - named)]


def _files_by_split(
    release: ReceivedRelease, config: Mapping[str, Any]
) -> tuple[dict[str, list[str]], list[str]]:
    """Split to the files that its patterns name, and what is wrong with them."""
    found: dict[str, list[str]] = {}
    faults = []
    for entry in _mappings(config.get("data_files")):
        split, paths = entry.get("split"), entry.get("path")
        patterns = [paths] if isinstance(paths, str) else paths
        if not isinstance(split, str) or not isinstance(patterns, list) or not patterns:
            faults.append("data_files must have split and path")
            continue
        for pattern in patterns:
            matched = _matching(release, str(pattern))
            found.setdefault(split, []).extend(matched)
            if not matched:
                faults.append(f"no file matches {pattern!a}")
    return found, faults if found else [*faults, "has no data_files"]


def _matching(release: ReceivedRelease, pattern: str) -> list[str]:
    """Paths that a pattern of `datasets` names: * is within a folder, ** is not."""
    if pattern in release.tree.files:
        return [pattern]
    if pattern.count("*") > _MAX_STARS:
        return []
    parts = re.split(r"(\*\*|\*)", pattern)
    words = {"**": ".*", "*": "[^/]*"}
    expression = re.compile("".join(words.get(part) or re.escape(part) for part in parts))
    return [name for name in release.tree.files if expression.fullmatch(name)]


def _rows_by_split(
    release: ReceivedRelease, config: str, files: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    shown = release.samples.rows if config == COUNTERFACTUALS_FOLDER else release.images
    images = Counter(image.split for image in shown.values())
    return {split: _rows_in(release, paths, images[split]) for split, paths in files.items()}


def _rows_in(release: ReceivedRelease, paths: Sequence[str], images: int) -> int:
    """Rows of Parquet files; of pictures and tar shards, the images (or samples) of the split."""
    tables = [path for path in paths if path.endswith(".parquet")]
    if not tables:
        return images
    try:
        return sum(parquet_facts(release.tree.files[path]).rows for path in tables)
    except ReleaseError:  # said where the table is read
        return -1


def _check_info(
    release: ReceivedRelease, name: str, info: Mapping[str, Any], rows: Mapping[str, int]
) -> list[str]:
    splits = _mappings(info.get("splits"))
    stated = {str(each.get("name")): each.get("num_examples") for each in splits}
    faults = []
    if stated != dict(rows):
        faults.append(f"dataset_info has num_examples {stated}, but files have {dict(rows)}")
    if release.profile != "hub":
        return faults
    features = _mappings(info.get("features"))
    expected = [column.name for column in _COLUMNS_BY_CONFIG.get(name, ())]
    if [each.get("name") for each in features] != expected:
        faults.append("dataset_info has other features than the files have columns")
    slugs = {str(number): each.get("slug") for number, each in enumerate(release.concepts)}
    for feature in features:
        kind = feature.get("dtype")
        if isinstance(kind, Mapping) and kind != {"class_label": {"names": slugs}}:
            faults.append(f"dataset_info names the numbers of {feature.get('name')!a} otherwise")
    return faults


def _mappings(value: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 - any YAML value
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _is_list(value: Any) -> bool:  # noqa: ANN401 - any YAML value
    return isinstance(value, list) and bool(value)
