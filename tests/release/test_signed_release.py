"""Releases with marked pictures and a signature, built and verified as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isekai_gen.errors import ReleaseError
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.signing.c2pa_check import check_c2pa
from isekai_gen.release.signing.c2pa_marks import C2paMarker
from isekai_gen.release.signing.sign import SshSigner, check_signature
from isekai_gen.release.verification.verify import verify_release
from tests.release.conftest import make_small
from tests.release.signing_keys import PairFiles, keys_in, write_pair, write_ssh_key


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> PairFiles:
    return write_pair(tmp_path_factory.mktemp("pair"), "es256")


@pytest.fixture(scope="module")
def ssh_key(tmp_path_factory) -> Path:
    return write_ssh_key(tmp_path_factory.mktemp("ssh") / "ada")


@pytest.fixture(scope="module", params=[".png", ".webp", ".jpg"])
def signed(request, tmp_path_factory, pair, ssh_key) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    small = make_small(folder / "workspace", request.param)
    plan = BuildPlan(marker=C2paMarker(pair.cert, pair.key), signer=SshSigner(ssh_key))
    return build_release(small.request(folder / "release", plan)).folder


def test_every_picture_of_a_signed_release_has_a_whole_mark(signed):
    pictures = [path for path in signed.glob("images/*/*") if path.is_file()]

    assert len(pictures) == 14
    assert [check_c2pa(path.read_bytes()) for path in pictures] == [[]] * len(pictures)


def test_a_signed_release_verifies_and_names_its_signer(signed, ssh_key, tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text(f"ada@example.org {ssh_key.with_suffix('.pub').read_text()}")

    assert verify_release(signed) == []
    assert check_signature(signed, allowed) == []
    assert json.loads((signed / "release.json").read_text())["signed_pictures"] is True


def test_no_key_is_in_a_signed_release(signed, pair, ssh_key):
    assert keys_in(signed) == []
    secrets = [line for path in (pair.key, ssh_key) for line in path.read_bytes().splitlines()[1:3]]
    for path in signed.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path


def test_a_workspace_with_a_key_in_its_files_is_not_released(small, ssh_key, tmp_path):
    leaked = f"templates: []\n# {ssh_key.read_text()}"

    with pytest.raises(ReleaseError, match=r"prompts/templates\.yaml: has a private key"):
        build_release(small.request(tmp_path / "release", templates=leaked))

    assert not (tmp_path / "release").exists()
