"""Check who vouches for a release: the signature of SHA256SUMS, and stray keys."""

from __future__ import annotations

from pathlib import Path

from isekai_gen.release.layout import INDEX_FILE, SIGNATURE_FILE, SUMS_FILE
from isekai_gen.release.signing.c2pa_check import can_check_c2pa
from isekai_gen.release.signing.c2pa_keys import INSTALL_C2PA
from isekai_gen.release.signing.sign import can_check_signatures, check_signature
from isekai_gen.release.signing.sign_keys import files_with_keys
from isekai_gen.release.verification.received import brief
from isekai_gen.release.verification.received_release import ReceivedRelease


def check_signatures(release: ReceivedRelease, allowed_signers: Path | None) -> None:
    """Report a signature that does not fit, and a private key that was released.

    Args:
        release: As read.
        allowed_signers: Who may have signed (see `sign.check_signature`); with it, a release must
            be signed.

    Raises:
        ReleaseError: If `allowed_signers` is not there.
        MissingDependencyError: If it is given, and OpenSSH is not installed.
    """
    tree = release.tree
    if SIGNATURE_FILE not in tree.files:
        if allowed_signers is not None:
            tree.report(SIGNATURE_FILE, "missing", f"{SUMS_FILE} is not signed")
    elif allowed_signers is not None or can_check_signatures():
        tree.report_some(
            SIGNATURE_FILE, "signature", check_signature(release.folder, allowed_signers)
        )
    # A picture that is the one listed is none to open again: it was read, or decoded, already.
    listed = {
        name for name, row in release.images.items() if release.measured.get(name) == row.sha256
    }
    try:
        others = {name: path for name, path in tree.files.items() if name not in listed}
        for name in files_with_keys(others):
            tree.report(name, "private-key", "has a private key in it; whoever has it can sign")
    except OSError as error:
        tree.report(INDEX_FILE, "unreadable", f"a file was not searched for keys: {brief(error)}")


def not_checked(release: ReceivedRelease, allowed_signers: Path | None) -> list[str]:
    """What a release has that could not be checked here, each with what would check it."""
    notes = []
    if SIGNATURE_FILE in release.tree.files and allowed_signers is None:
        notes.append(
            f"{SIGNATURE_FILE} is there; name who may sign with --allowed-signers to check by whom"
            if can_check_signatures()
            else f"{SIGNATURE_FILE} is there, but OpenSSH, which checks it, is not"
        )
    if release.index.get("signed_pictures") is True and not can_check_c2pa():
        notes.append(f"pictures have C2PA marks; to check them: {INSTALL_C2PA}")
    return notes
