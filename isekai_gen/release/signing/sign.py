"""Signatures over SHA256SUMS by OpenSSH's `ssh-keygen`: who released these files.

SHA256SUMS names every other file by its digest, so one signature covers the whole release. Nothing
is asked for and nothing is fetched: a key with a passphrase must be in ssh-agent. Keys and the list
of allowed signers stay outside the release.
"""

from __future__ import annotations

import base64
import binascii
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from isekai_gen.errors import MissingDependencyError, ReleaseError
from isekai_gen.release.layout import SIGNATURE_FILE, SUMS_FILE

SIGNATURE_NAMESPACE = "isekai-gen-release"
_TOOL = "ssh-keygen"
_MAGIC_AND_VERSION = b"SSHSIG\x00\x00\x00\x01"
_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
_COLUMNS = 70
_MAX_SIGNATURE_BYTES = 64 * 1024
# A security key waits for a touch, an agent may wait for a click.
_PATIENCE_S = 60.0


class SshSigner:
    """Signs with an SSH key; a `SumsSigner`."""

    def __init__(self, key: Path) -> None:
        """Try the key.

        Args:
            key: Private key, or the public half of one that ssh-agent holds.

        Raises:
            ReleaseError: If the key cannot sign without a question.
            MissingDependencyError: If OpenSSH is not installed.
        """
        self._key = key
        if not key.is_file():
            raise ReleaseError(f"there is no SSH key {key}; name a file")
        # A build may take hours: a key that cannot sign is found before it.
        self._sign(b"")

    def sign(self, sums: Path) -> bytes:
        """The detached signature of a file, armored as ssh-keygen writes it.

        Raises:
            ReleaseError: If the key cannot sign.
        """
        return self._sign(sums.read_bytes())

    def _sign(self, content: bytes) -> bytes:
        done = _run(["-Y", "sign", "-n", SIGNATURE_NAMESPACE, "-f", str(self._key)], content)
        if done.returncode != 0:
            raise ReleaseError(f"cannot sign with {self._key}: {_why_not(done.stderr)}")
        return done.stdout


def can_check_signatures() -> bool:
    """Whether OpenSSH is installed."""
    return shutil.which(_TOOL) is not None


def check_signature(folder: Path, allowed_signers: Path | None = None) -> list[str]:
    """What is wrong with the signature of a release, empty if nothing is.

    Args:
        folder: The release.
        allowed_signers: Who may sign, as ssh-keygen(1) describes under "ALLOWED SIGNERS"; None
            asks only whether the signature, by whomever, is one of this SHA256SUMS.

    Raises:
        ReleaseError: If `allowed_signers` is not there.
        MissingDependencyError: If OpenSSH is not installed.
    """
    require_signers(allowed_signers)
    sums, signature = folder / SUMS_FILE, folder / SIGNATURE_FILE
    for path in (sums, signature):
        if path.is_symlink() or not path.is_file():
            return [f"there is no file {path.name}"]
    if not _is_plain_signature(signature):
        return [f"{SIGNATURE_FILE} is not as {_TOOL} writes it"]
    asked = ["-n", SIGNATURE_NAMESPACE, "-s", str(signature)]
    if allowed_signers is None:
        asked = ["-Y", "check-novalidate", *asked]
    else:
        signer = _signer_of(signature, allowed_signers)
        if not signer:
            return [f"signed with a key that {allowed_signers} does not name"]
        asked = ["-Y", "verify", *asked, "-f", str(allowed_signers), "-I", signer]
    done = _run(asked, sums.read_bytes())
    return [] if done.returncode == 0 else [f"is no valid signature: {_last_line(done.stderr)}"]


def require_signers(allowed_signers: Path | None) -> None:
    """Raise ReleaseError if a list of those who may sign is named and is not there."""
    if allowed_signers is not None and not allowed_signers.is_file():
        raise ReleaseError(f"there is no list of allowed signers {allowed_signers}; name a file")


def _signer_of(signature: Path, allowed_signers: Path) -> str:
    asked = ["-Y", "find-principals", "-s", str(signature), "-f", str(allowed_signers)]
    # A signer may have several names, one a line; each of them stands for all.
    return _run(asked, b"").stdout.decode(errors="replace").partition("\n")[0]


def _is_plain_signature(path: Path) -> bool:
    # ssh-keygen passes over some bytes of the armor; a release has only one form of every file.
    if path.stat().st_size > _MAX_SIGNATURE_BYTES:
        return False
    content = path.read_bytes()
    try:
        blob = base64.b64decode(content.removeprefix(_BEGIN).removesuffix(_END))
    except binascii.Error:
        return False
    text = base64.b64encode(blob)
    lines = [text[start : start + _COLUMNS] + b"\n" for start in range(0, len(text), _COLUMNS)]
    # It also takes a version 0, which nothing writes (PROTOCOL.sshsig: version 1).
    return blob.startswith(_MAGIC_AND_VERSION) and content == _BEGIN + b"".join(lines) + _END


def _run(arguments: Sequence[str], content: bytes) -> subprocess.CompletedProcess[bytes]:
    tool = shutil.which(_TOOL)
    if tool is None:
        raise MissingDependencyError(f"{_TOOL} is not installed; install OpenSSH (8.2 or newer)")
    # Without a terminal and a display there is nobody whom it could ask for a passphrase.
    asking = {"DISPLAY", "WAYLAND_DISPLAY", "SSH_ASKPASS"}
    environment = {name: value for name, value in os.environ.items() if name not in asking}
    try:
        return subprocess.run(
            [tool, *arguments],
            input=content,
            capture_output=True,
            check=False,
            env={**environment, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"},
            start_new_session=True,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ReleaseError(
            f"{_TOOL} gave no answer within {_PATIENCE_S:.0f} s; is a security key or an agent "
            "waiting to be confirmed?"
        ) from error


def _why_not(stderr: bytes) -> str:
    text = stderr.decode(errors="replace")
    if "passphrase" in text:
        return "it has a passphrase; add it to ssh-agent (ssh-add) and run again"
    if "too open" in text:
        return "others may read it; chmod 600 it and run again"
    return _last_line(stderr)


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else f"{_TOOL} gave no reason"
