"""The files that a dedupe outside a workspace writes, as bytes.

edges.parquet, edges-against.parquet   pairs at or above the floor, sorted
groups.jsonl                           what pairs connect: representative, members, diameter
verdicts.jsonl                         one line a row, in their order
review.jsonl                           pairs of kept rows for people to look at
failures.jsonl                         pictures that could not be used, and why
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

import numpy as np

from isekai_gen.hashing import canonical_json
from isekai_gen.neighbors.groups import DuplicateGroup
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.records import SCHEMA
from isekai_gen.shards import encode_lines
from isekai_gen.stages.dedupe_folder_found import TierFound
from isekai_gen.stages.dedupe_folder_verdicts import RowVerdicts

_FOOTER_KEY = b"isekai_gen.edges"
_NUMBERS = ("row_a", "row_b", "similarity")
Keys = Sequence[str] | None
"""Keys of the rows, or None where rows have numbers only."""


@dataclass(frozen=True, eq=False)
class Review:
    """Pairs of one comparison for people to look at.

    Attributes:
        tier: Its name.
        pairs: Of kept rows; row_b of the other set if `of_other`.
        limit: What their similarity did not exceed.
        of_other: Whether row_b is of the other set.
    """

    tier: str
    pairs: PairList
    limit: float
    of_other: bool


def encode_edges(found: Sequence[TierFound], keys: Keys, other_keys: Keys) -> bytes:
    """A Parquet file of pairs, sorted by rows, then in the order of the tiers.

    Columns: row_a, row_b (int64), similarity (float32) and, where rows have keys, key_a, key_b and
    tier. The footer's key "isekai_gen.edges" holds JSON: what is known of each tier's pairs.

    Args:
        found: One entry per tier.
        keys: Of row_a.
        other_keys: Of row_b.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    row_a = np.concatenate([one.pairs.row_a for one in found])
    row_b = np.concatenate([one.pairs.row_b for one in found])
    similarity = np.concatenate([one.pairs.similarity for one in found])
    tier = np.repeat(np.arange(len(found)), [len(one.pairs) for one in found])
    if len(found) > 1:  # the pairs of one tier are sorted
        order = np.lexsort((tier, row_b, row_a))
        row_a, row_b, tier = row_a[order], row_b[order], tier[order]
        similarity = similarity[order]
    arrays = {"row_a": row_a, "row_b": row_b, "similarity": similarity}
    columns = {name: pa.array(array) for name, array in arrays.items()}
    if keys is not None and other_keys is not None:
        columns["key_a"] = pa.array(keys, pa.string()).take(columns["row_a"])
        columns["key_b"] = pa.array(other_keys, pa.string()).take(columns["row_b"])
        names = pa.array([one.limits.tier for one in found], pa.string())
        columns["tier"] = names.take(pa.array(tier))
    footer = {"schema": SCHEMA, "tiers": {one.limits.tier: one.footer() for one in found}}
    table = pa.table(columns).replace_schema_metadata(
        {_FOOTER_KEY: canonical_json(footer).encode()}
    )
    buffer = io.BytesIO()
    # Row numbers and similarities hardly repeat; keys and tiers do.
    repeated = [name for name in table.column_names if name not in _NUMBERS]
    pq.write_table(table, buffer, compression="zstd", use_dictionary=repeated)
    return buffer.getvalue()


def encode_verdicts(verdicts: RowVerdicts, keys: Keys, other_keys: Keys) -> bytes:
    """One line a row; a million of them take seconds, since most say nothing but "kept".

    Args:
        verdicts: Of all rows.
        keys: Of the rows.
        other_keys: Of the other set.
    """
    plain = verdicts.kept & np.isnan(verdicts.similarity)
    ends = {reason: _plain_line(reason, keys) for reason in set(verdicts.reason[plain].tolist())}
    lines = [""] * len(plain)
    for row, reason in zip(np.flatnonzero(plain).tolist(), verdicts.reason[plain], strict=True):
        start, middle, end = ends[reason]
        key = "" if keys is None else f'"key": {encode_basestring(keys[row])}, '
        lines[row] = f"{start}{key}{middle}{row}{end}"
    told = np.flatnonzero(~plain)
    for row, line in zip(told.tolist(), _told_lines(verdicts, told, keys, other_keys), strict=True):
        lines[row] = line
    return "".join(lines).encode()


def _plain_line(reason: str, keys: Keys) -> tuple[str, str, str]:
    """What stands before the key, before the row and after it, of rows kept without evidence."""
    witness = "" if keys is None else '"witness": null, '
    return (
        '{"against": false, "keep": true, ',
        f'"limit": null, "reason": "{reason}", "row": ',
        f', "schema": {SCHEMA}, "similarity": null, "tier": "", {witness}"witness_row": null}}\n',
    )


def _told_lines(
    verdicts: RowVerdicts, rows: IndexArray, keys: Keys, other_keys: Keys
) -> Iterator[str]:
    """The lines of rows with evidence, in the form of `canonical_json`."""
    chosen = verdicts.take(rows)
    similarity = chosen.similarity.astype(np.float64)
    columns = (chosen.kept, chosen.limit, chosen.of_other, chosen.reason, similarity)
    lists = [rows.tolist(), *(column.tolist() for column in columns)]
    evidence = zip(*lists, chosen.tier.tolist(), chosen.witness.tolist(), strict=True)
    for row, kept, limit, of_other, reason, alike, tier, witness in evidence:
        key = "" if keys is None else f'"key": {encode_basestring(keys[row])}, '
        by = other_keys if of_other else keys
        shown = encode_basestring(by[witness]) if by is not None and witness >= 0 else "null"
        named = "" if keys is None else f'"witness": {shown}, '
        yield (
            f'{{"against": {_flag(of_other)}, "keep": {_flag(kept)}, {key}'
            f'"limit": {_number(limit)}, "reason": "{reason}", "row": {row}, "schema": {SCHEMA}, '
            f'"similarity": {_number(alike)}, "tier": "{tier}", {named}'
            f'"witness_row": {witness if witness >= 0 else "null"}}}\n'
        )


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _number(value: float) -> str:
    return "null" if math.isnan(value) else repr(value)


def encode_groups(groups: Sequence[DuplicateGroup], keys: Keys) -> bytes:
    """One line a group; members begin with the representative."""
    lines = []
    for group in groups:
        members = group.members.tolist()
        row: dict[str, Any] = {
            "schema": SCHEMA,
            "representative_row": members[0],
            "member_rows": members,
            "diameter": group.diameter,
            "diameter_is_exact": group.is_exact,
        }
        if keys is not None:
            row["representative"] = keys[members[0]]
            row["members"] = [keys[member] for member in members]
        lines.append(row)
    return encode_lines(lines)


def encode_review(review: Sequence[Review], keys: Keys, other_keys: Keys) -> bytes:
    """One line a pair."""
    return encode_lines(line for one in review for line in _review_lines(one, keys, other_keys))


def _review_lines(review: Review, keys: Keys, other_keys: Keys) -> Iterator[dict[str, Any]]:
    by = other_keys if review.of_other else keys
    pairs = review.pairs
    rows = zip(pairs.row_a.tolist(), pairs.row_b.tolist(), pairs.similarity.tolist(), strict=True)
    for row_a, row_b, similarity in rows:
        line: dict[str, Any] = {
            "schema": SCHEMA,
            "row_a": row_a,
            "row_b": row_b,
            "against": review.of_other,
            "tier": review.tier,
            "similarity": similarity,
            "limit": review.limit,
        }
        if keys is not None and by is not None:
            line["key_a"], line["key_b"] = keys[row_a], by[row_b]
        yield line


def encode_failures(failures: Mapping[str, str]) -> bytes:
    """One line a picture, by key."""
    return encode_lines(
        {"schema": SCHEMA, "key": key, "reason": reason} for key, reason in sorted(failures.items())
    )
