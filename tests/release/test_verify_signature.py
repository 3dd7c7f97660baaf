"""A signed release says by whom; a signature that does not fit is found."""

import shutil
import subprocess
from pathlib import Path

import pytest

from isekai_gen.errors import ReleaseError
from isekai_gen.release.layout import SIGNATURE_FILE
from isekai_gen.release.signing.sign import SshSigner
from isekai_gen.release.verification.verify import unchecked, verify_release
from tests.release.mutations import edit_json, relist

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")


@pytest.fixture
def signed(built, tmp_path):
    """A release, signed, and a list of who may sign."""
    folder = Path(shutil.copytree(built, tmp_path / "release"))
    key = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", str(key)]
    subprocess.run(command, check=True)
    (folder / SIGNATURE_FILE).write_bytes(SshSigner(key).sign(folder / "SHA256SUMS"))
    signers = tmp_path / "signers"
    signers.write_text(f"ada {key.with_suffix('.pub').read_text()}")
    return folder, signers


def test_a_signature_by_one_who_may_sign_is_accepted(signed):
    folder, signers = signed
    assert verify_release(folder) == []
    assert verify_release(folder, allowed_signers=signers) == []


def test_a_signature_that_nobody_vouches_for_is_said(signed):
    folder, signers = signed
    assert "--allowed-signers" in unchecked(folder, None)[0]
    assert unchecked(folder, signers) == []


def test_a_signature_of_a_stranger_is_found(signed):
    folder, signers = signed
    other = signers.with_name("other")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    signers.write_text(f"bob {other.with_suffix('.pub').read_text()}")
    found = verify_release(folder, allowed_signers=signers)
    assert [(each.file, each.rule) for each in found] == [(SIGNATURE_FILE, "signature")]


def test_a_broken_signature_is_found_without_knowing_who_may_sign(signed):
    folder, _ = signed
    content = bytearray((folder / SIGNATURE_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / SIGNATURE_FILE).write_bytes(content)
    assert (SIGNATURE_FILE, "signature") in {(e.file, e.rule) for e in verify_release(folder)}


def test_a_release_that_must_be_signed_and_is_not_is_found(signed):
    folder, signers = signed
    (folder / SIGNATURE_FILE).unlink()
    found = verify_release(folder, allowed_signers=signers)
    assert [(each.file, each.rule) for each in found] == [(SIGNATURE_FILE, "missing")]


def test_a_list_of_signers_that_is_not_there_is_an_error(signed, tmp_path):
    with pytest.raises(ReleaseError, match="no list of allowed signers"):
        verify_release(signed[0], allowed_signers=tmp_path / "none")


def test_pictures_without_the_marks_that_release_json_promises_are_found(signed):
    folder, _ = signed
    (folder / SIGNATURE_FILE).unlink()
    edit_json(folder, "release.json", lambda index: index.update(signed_pictures=True))
    relist(folder)
    found = verify_release(folder)
    assert len(found) == 14
    assert all("C2PA" in each.message for each in found)
    assert verify_release(folder, pixels=False) == []


def test_a_list_of_signers_that_is_not_there_is_said_first_also_of_an_unsigned_release(built):
    with pytest.raises(ReleaseError, match="no list of allowed signers"):
        verify_release(built, allowed_signers=built / "nowhere")
