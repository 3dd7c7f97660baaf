"""The part of the card that lists files, tables and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from isekai_gen.release.columns import METADATA_COLUMNS, Column
from isekai_gen.release.documents.card_markdown import bullets, code, table
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import COUNTERFACTUALS_FILE, CROISSANT_FILE, VECTORS_FILE

_KINDS = {
    "text": "text",
    "whole": "whole number",
    "real": "number",
    "flag": "true or false",
    "texts": "list of text",
    "image": "picture",
    "images": "list of pictures",
    "label": "number of a class",
}

_TABLE_FORMS = {"parquet": "Parquet", "webdataset": "tar"}


def tables_section(facts: ReleaseFacts) -> str:
    """What lies where, then the columns of every table, folded away."""
    parts = [
        "## Files and columns",
        bullets(_files(facts)),
        _folded("Columns of `metadata.jsonl` and of config `images`", METADATA_COLUMNS),
    ]
    for config in facts.configs:
        if config.name != "images":
            parts.append(_folded(f"Columns of config `{config.name}`", config.columns))
    if facts.samples is not None and facts.samples.config not in facts.configs:
        title = f"Columns of `{COUNTERFACTUALS_FILE}`"
        parts.append(_folded(title, facts.samples.config.columns))
    return "\n\n".join(parts)


def _files(facts: ReleaseFacts) -> Iterator[str]:
    if facts.loose_images:
        yield "`images/`: the pictures, a folder for each concept"
    yield from (f"`{folder}/`: {what}" for folder, what in _tables(facts))
    if facts.samples is not None and facts.samples.config.format not in _TABLE_FORMS:
        yield "`counterfactuals/`: counterfactual samples, and a row for each in `metadata.jsonl`"
    yield "`metadata.jsonl`: a row for each image, whatever carries its bytes"
    yield "`concepts.jsonl`: the catalog; row n, from 0, has label n"
    yield "`prompts/`, `rejected.jsonl`: what was asked for, and what was dropped and why"
    if facts.manifests:
        yield "`lcl/`: few-shot tests for the code of Link-Context Learning, with its config"
    yield "`reports/`: all numbers of this page and many more, as JSON"
    if facts.content.vectors is not None:
        yield f"`{VECTORS_FILE}`: embeddings of kept and dropped images, to check similarities by"
    yield f"`{CROISSANT_FILE}`: the same for [Croissant](https://mlcommons.org/croissant/) readers"
    yield "`provenance/`, `release.json`, `SHA256SUMS`: settings, versions, every file's checksum"


def _tables(facts: ReleaseFacts) -> Iterator[tuple[str, str]]:
    """Folders with tables to what they hold."""
    for config in facts.configs:
        if config.format in _TABLE_FORMS:
            folder = next(path for paths in config.files.values() for path in paths)
            beside = "; also as CSV and JSON lines" if config.name == "neighbors" else ""
            held = f"config `{config.name}` as {_TABLE_FORMS[config.format]}{beside}"
            yield folder.partition("/")[0], held
    if facts.neighbor_files and all(config.name != "neighbors" for config in facts.configs):
        yield "neighbors", "the real classes nearest to each concept, as CSV and JSON lines"


def _folded(title: str, columns: Sequence[Column]) -> str:
    rows = (
        (
            code(column.name),
            _KINDS[column.kind] + (", may be missing" if column.nullable else ""),
            column.description,
        )
        for column in columns
    )
    # A browser shows Markdown inside only after an empty line.
    heading = title.replace("`", "")
    body = table(("column", "holds", "meaning"), rows)
    return f"<details>\n<summary>{heading}</summary>\n\n{body}\n\n</details>"
