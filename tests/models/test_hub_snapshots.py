"""Hub models: from the cache without a network, else from a Hub; here a small real HTTP server."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.spec import GeneratorSpec
from tests import tiny_models

COMMIT = "0123456789abcdef0123456789abcdef01234567"
UNET = "unet/diffusion_pytorch_model.safetensors"


def fill_cache(cache: Path, repo: str, model: Path) -> Path:
    """Lay a model into a Hub cache as huggingface_hub does; returns the snapshot folder."""
    base = cache / ("models--" + repo.replace("/", "--"))
    (base / "refs").mkdir(parents=True)
    (base / "refs" / "main").write_text(COMMIT)
    return Path(shutil.copytree(model, base / "snapshots" / COMMIT))


def test_a_cached_model_needs_no_network(hub_cache, tiny_folder):
    fill_cache(hub_cache, "owner/tiny", tiny_folder("sd"))
    found = identify_generator(GeneratorSpec("owner/tiny", "owner/tiny"))
    local = identify_generator(GeneratorSpec(str(tiny_folder("sd")), "local"))
    assert found.revision == COMMIT
    assert found.digest == local.digest


def test_a_cached_commit_is_found_by_its_hash(hub_cache, tiny_folder):
    fill_cache(hub_cache, "owner/tiny", tiny_folder("sd"))
    spec = GeneratorSpec("owner/tiny", "owner/tiny", revision=COMMIT)
    assert identify_generator(spec).revision == COMMIT


def test_another_revision_than_the_cached_one_is_not_taken_for_it(hub_cache, tiny_folder):
    fill_cache(hub_cache, "owner/tiny", tiny_folder("sd"))
    with pytest.raises(ModelError, match=r"owner/tiny@v2: not in the local cache"):
        identify_generator(GeneratorSpec("owner/tiny", "owner/tiny", revision="v2"))


def test_a_half_cached_model_says_what_is_missing(hub_cache, tiny_folder):
    (fill_cache(hub_cache, "owner/tiny", tiny_folder("sd")) / UNET).unlink()
    with pytest.raises(ModelError, match=r"unet: weights .*only part of owner/tiny"):
        identify_generator(GeneratorSpec("owner/tiny", "owner/tiny"))


class HubHandler(BaseHTTPRequestHandler):
    """The few answers of the Hub that a download needs; one model, one commit."""

    def __init__(self, root: Path, requested: list[str], *args) -> None:
        self.root, self.requested = root, requested
        super().__init__(*args)

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        head, _, name = self.path.partition(f"/resolve/{COMMIT}/")
        names = [path.relative_to(self.root).as_posix() for path in self.root.rglob("*.*")]
        if name in names:
            self.requested.append(name)
            self.reply((self.root / name).read_bytes(), with_body=with_body)
        elif head.startswith("/api/models/owner/tiny/tree/"):
            sizes = {name: (self.root / name).stat().st_size for name in names}
            tree = [
                {"type": "file", "path": name, "size": size, "oid": "0" * 40}
                for name, size in sizes.items()
            ]
            self.reply(json.dumps(tree).encode(), with_body=with_body)
        elif head.startswith("/api/models/owner/tiny"):
            listing = [{"rfilename": name} for name in names]
            body = json.dumps({"id": "owner/tiny", "sha": COMMIT, "siblings": listing})
            self.reply(body.encode(), with_body=with_body)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def reply(self, body: bytes, *, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *args) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def hub(tmp_path):
    """A Hub with one model, in both plain and fp16 weights; yields its address and its log."""
    root = tiny_models.build_tiny_sd(tmp_path / "hub")
    tiny_models.build_tiny_sd(root, variant="fp16")
    (root / "README.md").write_text("not needed")
    (root / "huge.safetensors").write_bytes(b"a single-file twin that nobody asked for")
    requested: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(HubHandler, root, requested))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", requested
    server.shutdown()
    thread.join()
    server.server_close()


def identify_online(endpoint: str, cache: Path, spec: str) -> subprocess.CompletedProcess[str]:
    """Identify in a process of its own: huggingface_hub reads its address when imported."""
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_CACHE": str(cache)}
    environment.pop("HF_HUB_OFFLINE")
    code = (
        "from isekai_gen.models.identity import identify_generator\n"
        "from isekai_gen.models.spec import GeneratorSpec\n"
        "from isekai_gen.errors import ModelError\n"
        f"try: print(identify_generator(GeneratorSpec({spec})).revision)\n"
        "except ModelError as error: print(error)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )


def test_a_download_fetches_only_what_loading_reads(hub, tmp_path):
    endpoint, requested = hub
    done = identify_online(endpoint, tmp_path / "cache", "'owner/tiny', 'tiny'")
    assert done.stdout.strip() == COMMIT
    assert UNET in requested
    assert "README.md" not in requested
    assert "huge.safetensors" not in requested
    assert not [name for name in requested if "fp16" in name]
    requested.clear()
    again = identify_online(endpoint, tmp_path / "cache", f"'owner/tiny', 'tiny', {COMMIT!r}")
    assert again.stdout.strip() == COMMIT
    assert requested == []


def test_a_model_that_the_hub_does_not_have(hub, tmp_path):
    done = identify_online(hub[0], tmp_path / "cache", "'owner/other', 'other'")
    assert "not found on the Hub" in done.stdout


def test_an_unreachable_hub_is_said(tmp_path):
    done = identify_online("http://127.0.0.1:9", tmp_path / "cache", "'owner/tiny', 'tiny'")
    assert "downloading from the Hub failed" in done.stdout
    assert "pass a local path" in done.stdout
    assert len(done.stdout.splitlines()) == 1
