"""Check a received croissant.json against its own release, without any library.

What is checked: required properties, the responsible-AI fields that NeurIPS wants, that the files
it lists are there with the same sizes and digests and no file is left out, and that record sets
read files and columns that exist. Never an exception, whatever the document. Croissant also
requires `url` and `datePublished`; they are checked only if there, since a release may be built
before it has an address or a date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from isekai_gen.release.croissant.croissant_check_records import check_record_sets
from isekai_gen.release.croissant.croissant_files import has_file_object
from isekai_gen.release.croissant.croissant_terms import CONFORMS_TO, CONTEXT, NEURIPS_FIELDS
from isekai_gen.release.verification.received_values import is_text, shown

_TEXTS = ("name", "description", "license", "version", "citeAs")
_OPTIONAL_TEXTS = ("url", "datePublished")
_OBJECT, _SET = "cr:FileObject", "cr:FileSet"
# Ours have fewer; each is held against every file.
_MAX_PATTERNS = 100


def check_croissant(
    value: Any,  # noqa: ANN401 - any JSON value
    sha256_by_path: Mapping[str, str],
    size_by_path: Mapping[str, int],
) -> list[str]:
    """What is wrong with croissant.json; empty if nothing is.

    Args:
        value: Of the document.
        sha256_by_path: Path of every file of the release to its digest.
        size_by_path: And to its bytes.
    """
    if not isinstance(value, Mapping):
        return ["must be a JSON object"]
    files = value.get("distribution")
    if not isinstance(files, list) or not all(isinstance(each, Mapping) for each in files):
        return [*_check_properties(value), "distribution must be a list of objects"]
    return [
        *_check_properties(value),
        *_check_responsible_ai(value),
        *_check_objects(files, sha256_by_path, size_by_path),
        *_check_sets(files, sha256_by_path),
        *check_record_sets(value.get("recordSet"), _ids(files)),
    ]


def _check_properties(value: Mapping[str, Any]) -> Iterator[str]:
    if value.get("@context") != CONTEXT:
        yield "@context is not Croissant 1.1's"
    if value.get("@type") != "sc:Dataset":
        yield '@type must be "sc:Dataset"'
    conforms = value.get("conformsTo")
    if not isinstance(conforms, list) or any(each not in conforms for each in CONFORMS_TO):
        yield f"conformsTo must name {' and '.join(CONFORMS_TO)}"
    for key in (*_TEXTS, *(key for key in _OPTIONAL_TEXTS if key in value)):
        if not is_text(value.get(key)):
            yield f"{key} must be a text"
    yield from _check_creators(value.get("creator"))


def _check_creators(creators: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if not isinstance(creators, list) or not creators:
        yield "creator must be a list of at least one"
    elif not all(isinstance(each, Mapping) and is_text(each.get("name")) for each in creators):
        yield "a creator has no name"


def _check_responsible_ai(value: Mapping[str, Any]) -> Iterator[str]:
    for key in NEURIPS_FIELDS:
        if key == "rai:hasSyntheticData":
            if value.get(key) is not True:
                yield f"{key} must be true"
        elif not _is_filled(value.get(key)):
            yield f"{key} is missing or empty"


def _check_objects(
    files: list[Mapping[str, Any]],
    sha256_by_path: Mapping[str, str],
    size_by_path: Mapping[str, int],
) -> Iterator[str]:
    seen = set()
    for file in files:
        if file.get("@type") != _OBJECT:
            continue
        path = file.get("contentUrl")
        if not isinstance(path, str) or path not in sha256_by_path:
            yield f"lists {shown(path)}, which is not there"
            continue
        seen.add(path)
        if file.get("sha256") != sha256_by_path[path]:
            yield f"has another SHA-256 for {path!a}"
        if file.get("contentSize") != f"{size_by_path[path]} B":
            yield f"has another size for {path!a}"
    for path in sorted(sha256_by_path):
        if has_file_object(path) and path not in seen:
            yield f"does not list {path!a}"


def _check_sets(files: list[Mapping[str, Any]], sha256_by_path: Mapping[str, str]) -> Iterator[str]:
    loose = [each.get("includes") for each in files if "containedIn" not in each]
    if sum(len(each) for each in loose if isinstance(each, list)) > _MAX_PATTERNS:
        yield f"file sets have more than {_MAX_PATTERNS} patterns"
        return
    for file in files:
        kind = file.get("@type")
        if kind == _SET:
            yield from _check_set(file, sha256_by_path)
        elif kind != _OBJECT:
            yield f"distribution has {shown(kind)}, neither {_OBJECT} nor {_SET}"


def _check_set(file: Mapping[str, Any], sha256_by_path: Mapping[str, str]) -> Iterator[str]:
    name = shown(file.get("@id"))
    patterns = file.get("includes")
    if not isinstance(patterns, list) or not patterns or not all(map(is_text, patterns)):
        yield f"file set {name}: includes must be a list of patterns"
    elif "containedIn" in file:
        # What lies in a shard is checked with the shard.
        within = file["containedIn"]
        for each in within if isinstance(within, list) else [within]:
            shard = each.get("@id") if isinstance(each, Mapping) else each
            if not isinstance(shard, str) or shard not in sha256_by_path:
                yield f"file set {name}: {shown(shard)} is not there"
    else:
        for pattern in patterns:
            if not any(fnmatchcase(path, pattern) for path in sha256_by_path):
                yield f"file set {name}: no file is like {pattern!a}"


def _ids(files: list[Mapping[str, Any]]) -> set[str]:
    return {each["@id"] for each in files if isinstance(each.get("@id"), str)}


def _is_filled(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return bool(value) and all(_is_filled(each) for each in value)
    return is_text(value) if isinstance(value, str) else isinstance(value, Mapping) and bool(value)
