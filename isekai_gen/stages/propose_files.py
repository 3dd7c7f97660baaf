"""The folder FILE.proposals/ beside the catalog: who may write, what was asked, what came of it.

settings.json   what the result depends on; written first
rounds.jsonl    every round, as it was judged (`propose_log`)
accepted.jsonl  the groups of the catalog, each with what was refused in its place before
refused.jsonl   all that was refused, with reasons
calls.jsonl     what a language model was asked and answered
calls-sent.jsonl, unusable.jsonl  every request, and answers of no use (`proposals.llm_calls`)
look/           the workspaces that groups were drawn in
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from isekai_gen.errors import ChecksumError, InputError, LockedError, StaleShardError
from isekai_gen.hashing import canonical_json, file_sha256
from isekai_gen.proposals.llm_calls import CallRecord
from isekai_gen.proposals.records import Refusal
from isekai_gen.records import SCHEMA
from isekai_gen.shards import encode_lines
from isekai_gen.stages.propose_log import Event, RoundLog, judged_json
from isekai_gen.stages.propose_request import ProposeRequest
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace, lock_holder

_SETTINGS = "settings.json"


@contextmanager
def open_log(request: ProposeRequest) -> Iterator[RoundLog]:
    """The rounds so far, for one process at a time.

    Raises:
        InputError: If the catalog is there and is not what an earlier run wrote.
        StaleShardError: If an earlier run was asked otherwise; names what and the remedies.
        LockedError: If another process proposes there.
        ChecksumError: If the records are damaged.
    """
    folder = request.folder
    if request.file.exists() and not (folder / _SETTINGS).is_file():
        raise InputError(
            f"{request.file} exists and has no records in {folder}; choose another file, or pass "
            "it to --start to go on from it"
        )
    with ExitStack() as stack:
        try:
            stack.enter_context(Workspace(folder).lock())
        except LockedError as error:
            raise LockedError(
                f"{folder} is in use by process {lock_holder(folder) or '(unknown)'}; wait for it "
                "to end, or choose another file"
            ) from error
        log = RoundLog(folder / "rounds.jsonl", request.wanted)
        _check_settings(folder / _SETTINGS, request, begun=log.began)
        if request.file.exists() and file_sha256(request.file) not in log.written:
            raise InputError(
                f"{request.file} was changed since it was written; move it away and run again for "
                "the catalog as it was, or propose into another file with --start"
            )
        yield log


def write_catalog(request: ProposeRequest, log: RoundLog, text: str) -> bool:
    """Write the catalog and what became of all proposals; whether anything changed on disk.

    The catalog's digest is in the log before the catalog is on disk: a file that a person wrote
    or changed is never replaced.
    """
    content = text.encode()
    digest = hashlib.sha256(content).hexdigest()
    if not log.written or log.written[-1] != digest:
        log.append(Event("written", digest=digest))
    changed = write_records_of(request, log)
    return _write(request.file, content) or changed


def write_records_of(request: ProposeRequest, log: RoundLog) -> bool:
    """Write accepted.jsonl and refused.jsonl as the log has them; whether they changed."""
    accepted = [
        {
            "schema": SCHEMA,
            "place": judged.place,
            **judged_json(judged.proposal, judged.findings),
            "refused_before": [
                {
                    "fictional": refusal.proposal.fictional.name,
                    "codes": [finding.code for finding in refusal.findings if finding.refuses],
                }
                for refusal in log.refusals_at(judged.place)
            ],
            "round": log.round_of(judged.place),
        }
        for judged in log.standing
    ]
    refused = [
        {"schema": SCHEMA, "place": place, **_refusal_json(refusal)}
        for place, refusal in log.refused
    ]
    files = {"accepted.jsonl": accepted, "refused.jsonl": refused}
    written = [_write(request.folder / name, encode_lines(rows)) for name, rows in files.items()]
    return any(written)


def _refusal_json(refusal: Refusal) -> dict[str, Any]:
    findings = [asdict(finding) for finding in refusal.findings]
    return {**judged_json(refusal.proposal, ()), "findings": findings}


def _write(path: Path, content: bytes) -> bool:
    if path.exists() and path.read_bytes() == content:
        return False
    write_atomically(path, content)
    return True


def _check_settings(path: Path, request: ProposeRequest, *, begun: bool) -> None:
    asked = request.identity()
    # Before the first round, and the first answer that was paid for, nothing depends on them: a
    # command that was refused, or that asked a server that is none, may be corrected.
    if not path.exists() or not (begun or CallRecord(path.parent).answered):
        write_atomically(path, f"{canonical_json({'schema': SCHEMA, **asked})}\n".encode())
        return
    before = _read_settings(path)
    if before != asked:
        # What only one of them has belongs to --llm or --look, which then differs, too.
        shared = [key for key in asked if key in before and before[key] != asked[key]]
        other = shared or sorted(before.keys() ^ asked.keys())
        said = "; ".join(
            f"--{key} was {_given(before.get(key))}, now {_given(asked.get(key))}" for key in other
        )
        raise StaleShardError(
            f"{path.parent} was begun with other settings ({said}); repeat those, choose another "
            f"file, or delete {path.parent} to begin anew"
        )


def _given(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """The value of an option, for people."""
    if isinstance(value, bool):
        return "given" if value else "not given"
    return "not given" if value in (None, []) else repr(value)


def _read_settings(path: Path) -> Mapping[str, Any]:
    try:
        row = json.loads(path.read_bytes())
        if row.pop("schema") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ChecksumError(
            f"{path}: no settings of proposals ({error}); restore it, or delete its folder"
        ) from error
    found: Mapping[str, Any] = row
    return found
