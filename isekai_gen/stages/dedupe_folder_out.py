"""The folder that a dedupe outside a workspace writes: claimed before, finished last.

OUT/request.json   what was asked, written first: by this file a later run knows the folder
OUT/summary.json   written last, with the digests of the other files
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError, LockedError
from isekai_gen.hashing import canonical_json, file_sha256
from isekai_gen.records import SCHEMA
from isekai_gen.storage import storage_errors, sync_folder, write_atomically
from isekai_gen.workspace import Workspace, lock_holder

_REQUEST, _SUMMARY = "request.json", "summary.json"
_COMMAND = "isekai-gen dedupe"
_OWN_KEYS = ("schema", "fingerprint", "digests")


@dataclass(frozen=True)
class OutFolder:
    """A folder of results that this process has locked.

    Attributes:
        root: The folder.
    """

    root: Path

    def finished(self, fingerprint: str) -> dict[str, Any] | None:
        """The report, if it is of this request and every file is as it was written."""
        summary = _read_object(self.root / _SUMMARY)
        if summary is None or summary.get("fingerprint") != fingerprint:
            return None
        for name, digest in summary["digests"].items():
            path = self.root / name
            if not path.is_file() or file_sha256(path) != digest:
                return None
        return {key: value for key, value in summary.items() if key not in _OWN_KEYS}

    def write_files(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Replace all results; the summary goes first, so that it never speaks of other files.

        Args:
            files: Name to content.

        Returns:
            Name to SHA-256, for the summary.

        Raises:
            StorageError: If the disk is full.
        """
        with storage_errors(self.root):
            (self.root / _SUMMARY).unlink(missing_ok=True)
            sync_folder(self.root)
        for name, content in files.items():
            write_atomically(self.root / name, content)
        return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}

    def finish(
        self, fingerprint: str, digests: Mapping[str, str], report: Mapping[str, Any]
    ) -> None:
        """Write the summary, which makes the results valid."""
        own = {"schema": SCHEMA, "fingerprint": fingerprint, "digests": dict(digests)}
        content = canonical_json({**report, **own}) + "\n"
        write_atomically(self.root / _SUMMARY, content.encode())


@contextmanager
def claimed_folder(
    out: Path, inputs: Mapping[str, str], sources: Sequence[Path]
) -> Iterator[OutFolder]:
    """Make `out` ours, or go on with what an earlier run left there.

    Args:
        out: Where results go; it must be new, empty or from an earlier run on the same inputs.
        inputs: Name to absolute path of what is compared.
        sources: Folders that are only read; nothing is written into them.

    Raises:
        InputError: If the folder holds something else.
        LockedError: If another process writes there.
    """
    for source in sources:
        if out.resolve().is_relative_to(source.resolve()):
            raise InputError(
                f"{out}: lies in {source}, which is only read; choose an --out elsewhere"
            )
    _check_ours(out, inputs)
    with ExitStack() as stack:
        try:
            stack.enter_context(Workspace(out).lock())
        except LockedError as error:
            raise LockedError(
                f"{out} is in use by process {lock_holder(out) or '(unknown)'}; wait for it to "
                "end, or choose another --out"
            ) from error
        _check_ours(out, inputs)  # another process may have been faster
        request = {"schema": SCHEMA, "command": _COMMAND, "inputs": dict(inputs)}
        write_atomically(out / _REQUEST, (canonical_json(request) + "\n").encode())
        yield OutFolder(out)


def _check_ours(out: Path, inputs: Mapping[str, str]) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out}: is no folder; choose another --out")
    # What a run leaves that was killed before its request was written.
    if all(path.name.startswith((".lock", ".tmp-")) for path in out.iterdir()):
        return
    request = _read_object(out / _REQUEST)
    if request is None or request.get("command") != _COMMAND:
        raise InputError(
            f"{out}: is not empty and holds no results of dedupe; choose another --out"
        )
    if request.get("inputs") != dict(inputs):
        raise InputError(
            f"{out}: holds the results on {canonical_json(request.get('inputs'))}; choose another "
            "--out, or delete it"
        )


def _read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None if there is none."""
    try:
        row = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return row if isinstance(row, dict) else None
