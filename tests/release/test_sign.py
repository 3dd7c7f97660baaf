"""SHA256SUMS signed by OpenSSH, and no private key in any release."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isekai_gen.errors import MissingDependencyError, ReleaseError
from isekai_gen.release.signing.sign import SshSigner, can_check_signatures, check_signature
from tests.release.signing_keys import PairStyle, keys_in, write_pair, write_ssh_key

PASSPHRASE = "open sesame"  # noqa: S105 - of a key that lives as long as a test
SUMS = f"{'0' * 64}  README.md\n"


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    """A folder with the keys of Ada and Bob and with `allowed`, which names Ada alone."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ada", "bob"):
        write_ssh_key(folder / name)
    public = (folder / "ada.pub").read_text()
    options = 'namespaces="isekai-gen-release"'
    (folder / "allowed").write_text(f"ada@example.org {options} {public}")
    return folder


def signed_release(folder: Path, key: Path) -> Path:
    folder.mkdir()
    sums = folder / "SHA256SUMS"
    sums.write_text(SUMS)
    (folder / "SHA256SUMS.sig").write_bytes(SshSigner(key).sign(sums))
    return folder


@pytest.fixture
def release(tmp_path, keys) -> Path:
    """SHA256SUMS signed by Ada."""
    return signed_release(tmp_path / "release", keys / "ada")


def test_a_signature_is_good_for_its_signer(release, keys):
    assert check_signature(release, keys / "allowed") == []
    assert check_signature(release) == []


def test_openssh_itself_takes_the_signature(release, keys):
    verify = "ssh-keygen -Y verify -n isekai-gen-release -I ada@example.org"
    done = subprocess.run(
        [*verify.split(), "-f", keys / "allowed", "-s", release / "SHA256SUMS.sig"],
        input=SUMS.encode(),
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_signing_writes_nothing_beside_its_result(release):
    assert sorted(path.name for path in release.iterdir()) == ["SHA256SUMS", "SHA256SUMS.sig"]


def test_a_changed_list_is_found(release, keys):
    (release / "SHA256SUMS").write_text(SUMS.replace("0", "1"))

    for allowed in (None, keys / "allowed"):
        (fault,) = check_signature(release, allowed)
        assert "no valid signature" in fault


def test_another_signer_is_found(tmp_path, keys):
    release = signed_release(tmp_path / "release", keys / "bob")

    assert check_signature(release) == []
    (fault,) = check_signature(release, keys / "allowed")
    assert "does not name" in fault


def test_a_signer_of_several_names_is_found(release, keys, tmp_path):
    allowed = tmp_path / "several"
    allowed.write_text(f"ada@example.org,a@example.org {(keys / 'ada.pub').read_text()}")

    assert check_signature(release, allowed) == []


def test_a_signature_for_another_purpose_is_refused(release, keys):
    done = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", keys / "ada"],
        input=SUMS.encode(),
        capture_output=True,
        check=True,
    )
    (release / "SHA256SUMS.sig").write_bytes(done.stdout)

    for allowed in (None, keys / "allowed"):
        assert check_signature(release, allowed) != []


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0), bit=st.integers(0, 7))
@example(place=43, bit=4)  # version 0, which ssh-keygen takes
def test_any_changed_bit_of_the_signature_is_found(release, place, bit):
    file = release / "SHA256SUMS.sig"
    original = file.read_bytes()
    content = bytearray(original)
    content[place % len(content)] ^= 1 << bit
    file.write_bytes(content)
    try:
        assert check_signature(release) != []
    finally:
        file.write_bytes(original)


@pytest.mark.parametrize("name", ["SHA256SUMS", "SHA256SUMS.sig"])
def test_a_missing_or_linked_file_is_found(release, name):
    elsewhere = (release / name).rename(release.parent / name)
    assert check_signature(release) == [f"there is no file {name}"]
    (release / name).symlink_to(elsewhere)
    assert check_signature(release) == [f"there is no file {name}"]


def test_an_endless_signature_is_not_read(release):
    with (release / "SHA256SUMS.sig").open("ab") as file:
        file.truncate(1 << 40)
    (fault,) = check_signature(release)
    assert "is not as ssh-keygen writes it" in fault


def test_a_list_of_signers_that_is_not_there_is_named(release, tmp_path):
    with pytest.raises(ReleaseError, match="no list of allowed signers"):
        check_signature(release, tmp_path / "nowhere")


def test_a_key_with_a_passphrase_is_refused_without_a_question(tmp_path, monkeypatch):
    key = write_ssh_key(tmp_path / "locked", PASSPHRASE)
    asked = tmp_path / "asked"
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\ntouch {asked}\necho '{PASSPHRASE}'\n")
    ask.chmod(0o755)
    for name, setting in (
        ("DISPLAY", ":9"),
        ("SSH_ASKPASS", ask),
        ("SSH_ASKPASS_REQUIRE", "force"),
    ):
        monkeypatch.setenv(name, str(setting))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    with pytest.raises(ReleaseError, match="add it to ssh-agent"):
        SshSigner(key)
    assert not asked.exists()


def test_a_key_in_the_agent_signs_without_its_passphrase(tmp_path, monkeypatch):
    key = write_ssh_key(tmp_path / "locked", PASSPHRASE)
    shutil.copy(key, tmp_path / "open")
    unlock = ["ssh-keygen", "-q", "-p", "-P", PASSPHRASE, "-N", "", "-f", tmp_path / "open"]
    subprocess.run(unlock, check=True, capture_output=True)
    agent = subprocess.Popen(
        ["ssh-agent", "-D", "-a", tmp_path / "agent"], stdout=subprocess.DEVNULL
    )
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        add = ["ssh-add", "-q", tmp_path / "open"]
        while subprocess.run(add, capture_output=True).returncode == 2 and agent.poll() is None:
            pass
        release = signed_release(tmp_path / "release", key)
        public = signed_release(tmp_path / "public", key.with_suffix(".pub"))
    finally:
        agent.terminate()
        agent.wait()
    assert check_signature(release) == check_signature(public) == []


def test_keys_that_cannot_sign_are_named(tmp_path, keys):
    with pytest.raises(ReleaseError, match=r"there is no SSH key .*nowhere"):
        SshSigner(tmp_path / "nowhere")
    (tmp_path / "text").write_text("no key")
    (tmp_path / "text").chmod(0o600)
    with pytest.raises(ReleaseError, match=r"cannot sign with .*text"):
        SshSigner(tmp_path / "text")
    shutil.copy(keys / "ada", tmp_path / "shown")
    (tmp_path / "shown").chmod(0o644)
    with pytest.raises(ReleaseError, match="chmod 600"):
        SshSigner(tmp_path / "shown")


def test_without_openssh_its_name_is_given(release, keys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert not can_check_signatures()
    with pytest.raises(MissingDependencyError, match="ssh-keygen is not installed"):
        SshSigner(keys / "ada")
    with pytest.raises(MissingDependencyError, match="ssh-keygen is not installed"):
        check_signature(release)


def test_a_private_key_anywhere_in_a_release_is_found(tmp_path, keys):
    folder = tmp_path / "release"
    (folder / "images/icemic").mkdir(parents=True)
    pair = write_pair(tmp_path, "es256")
    locked = write_pair(tmp_path, "ed25519", PairStyle(passphrase=b"pass"))
    (folder / "c2pa.pem").write_bytes(pair.cert.read_bytes() + pair.key.read_bytes())
    (folder / "locked.txt").write_bytes(locked.key.read_bytes())
    (folder / "images/icemic/icemic-0001.png").write_bytes((keys / "ada").read_bytes())
    (folder / "cert.pem").write_bytes(pair.cert.read_bytes())
    (folder / "ada.pub").write_bytes((keys / "ada.pub").read_bytes())

    assert keys_in(folder) == ["c2pa.pem", "images/icemic/icemic-0001.png", "locked.txt"]


@pytest.mark.parametrize("before", [0, (1 << 20) - 5, (1 << 20) + 3, (1 << 21) - 1])
def test_a_key_across_two_reads_of_a_text_is_found(tmp_path, keys, before):
    text = tmp_path / "metadata.jsonl"
    text.write_bytes(b"x" * before + (keys / "ada").read_bytes())

    assert keys_in(tmp_path) == ["metadata.jsonl"]


def test_a_release_without_keys_passes(release):
    (release / "README.md").write_text("Never publish a PRIVATE KEY; -----BEGIN CERTIFICATE-----\n")

    assert keys_in(release) == []
