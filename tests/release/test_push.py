"""Publishing on a Hub that stands in on loopback; every byte and digest there is real."""

from __future__ import annotations

import sys
from pathlib import Path

import huggingface_hub
import pytest

from isekai_gen.errors import MissingDependencyError, ReleaseError
from isekai_gen.hashing import file_sha256
from isekai_gen.release.publishing.push import PushFile, PushPlan, PushRequest, push_release
from tests.release.hub_server import connected_hub
from tests.release.hub_stand_in import READ_TOKEN, WRITE_TOKEN, Hub

# huggingface_hub 2.4 uploads in a way that httpx2 is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

REPOSITORY = "ada/isekai-test"
FILES = {
    "README.md": b"---\nlicense: cc0-1.0\n---\n# Test\n",
    "metadata.jsonl": b'{"id": "a"}\n',
    "images/cat/cat-0001.png": b"\x89PNG one",
    "images/cat/cat-0002.png": b"\x89PNG two",
    "data/test-00000-of-00001.parquet": b"PAR1",
    "prompts/templates.yaml": b"templates: []\n",
}


@pytest.fixture
def hub(monkeypatch):
    with connected_hub(monkeypatch) as found:
        yield found


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_files(tmp_path / "release", FILES)


def plan_of(folder: Path, tag: str = "v1.0.0", **changes: object) -> PushPlan:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = tuple(PushFile(str(path.relative_to(folder)), path.stat().st_size) for path in paths)
    told = {"branch": "main", "private": False, "message": "test 1.0.0", **changes}
    return PushPlan(folder=folder, repository=REPOSITORY, tag=tag, files=files, **told)


def push(folder: Path, tag: str = "v1.0.0", **changes: object):
    return push_release(plan_of(folder, tag, **changes), show_progress=False)


def push_error(folder: Path, tag: str = "v1.0.0", **changes: object) -> str:
    with pytest.raises(ReleaseError) as caught:
        push(folder, tag, **changes)
    assert "\n" not in str(caught.value)
    assert WRITE_TOKEN not in str(caught.value)
    return str(caught.value)


def test_a_release_arrives_whole_and_is_tagged(hub: Hub, folder: Path):
    summary = push(folder)
    assert hub.files(REPOSITORY) == FILES
    assert hub.files(REPOSITORY, "v1.0.0") == FILES
    assert hub.repositories[REPOSITORY].tags == {"v1.0.0": summary.commit}
    assert hub.repositories[REPOSITORY].messages[-1] == "test 1.0.0"
    assert summary.is_new
    assert summary.files == len(FILES)


def test_pictures_travel_as_large_files_and_texts_in_the_commit(hub: Hub, folder: Path):
    push(folder)
    repository = hub.repositories[REPOSITORY]
    tree = repository.commits[repository.branches["main"]]
    assert {path for path, each in tree.items() if each.is_lfs} == {
        path for path in FILES if path.endswith((".png", ".parquet"))
    }


def test_the_next_version_replaces_files_and_removes_old_ones(hub: Hub, folder: Path, tmp_path):
    push(folder)
    later = {**FILES, "README.md": FILES["README.md"] + b"more\n"}
    del later["images/cat/cat-0002.png"]
    push(write_files(tmp_path / "later", later), "v2.0.0")
    assert hub.files(REPOSITORY) == later
    assert hub.files(REPOSITORY, "v1.0.0") == FILES
    assert (
        ".gitattributes"
        in hub.repositories[REPOSITORY].commits[hub.repositories[REPOSITORY].branches["main"]]
    )


def test_a_second_push_of_the_same_release_sends_nothing(hub: Hub, folder: Path):
    first = push(folder)
    hub.requests.clear()
    second = push(folder)
    assert not second.is_new
    assert second.commit == first.commit
    assert not [line for line in hub.requests if line.startswith("PUT") or "/commit/" in line]


def test_a_tag_of_other_files_is_not_moved_and_nothing_is_sent(hub: Hub, folder: Path):
    push(folder)
    (folder / "metadata.jsonl").write_bytes(b'{"id": "b"}\n')
    message = push_error(folder)
    assert "tag v1.0.0 already" in message
    assert "metadata.jsonl" in message
    assert hub.files(REPOSITORY) == FILES
    assert push(folder, "v1.0.1").is_new


def test_a_branch_is_made_where_it_is_missing(hub: Hub, folder: Path):
    hub.create(REPOSITORY)
    push(folder, branch="preview")
    assert hub.files(REPOSITORY, "preview") == FILES
    assert hub.files(REPOSITORY, "main") == {}
    (folder / "LICENSE").write_bytes(b"free\n")
    push(folder, "v1.0.1", branch="preview")
    assert hub.files(REPOSITORY, "preview") == {**FILES, "LICENSE": b"free\n"}


def test_a_private_release_is_never_sent_to_a_public_repository(hub: Hub, folder: Path):
    push(folder, private=True)
    assert hub.repositories[REPOSITORY].private
    hub.create(REPOSITORY, private=False)
    assert "public" in push_error(folder, "v1.0.1", private=True)
    assert hub.files(REPOSITORY) == {}


def test_an_interrupted_upload_goes_on_where_it_stopped(hub: Hub, folder: Path):
    png = sorted(path for path in FILES if path.endswith(".png"))[0]
    sha256 = file_sha256(folder / png)
    hub.fail("PUT", f"/storage/{sha256}", 500, times=99)
    message = push_error(folder)
    assert "the Hub failed (500)" in message
    assert "run the same command again" in message
    assert not hub.repositories[REPOSITORY].tags
    arrived = len(hub.objects)
    assert arrived < 3
    hub.faults.clear()
    hub.requests.clear()
    assert push(folder).is_new
    assert hub.uploads() == 3 - arrived
    assert hub.files(REPOSITORY) == FILES


def test_a_failure_that_passes_is_survived(hub: Hub, folder: Path):
    hub.fail("PUT", "/storage/", 503, times=1)
    assert push(folder).is_new
    assert hub.files(REPOSITORY) == FILES


@pytest.mark.parametrize("path", ["images/cat/cat-0001.png", "metadata.jsonl"])
def test_a_file_that_arrives_damaged_is_found_and_nothing_is_tagged(hub: Hub, folder: Path, path):
    hub.damaged.add(path)
    message = push_error(folder)
    assert path in message
    assert "was not set" in message
    assert not hub.repositories[REPOSITORY].tags


def test_a_change_that_comes_in_between_is_an_error(hub: Hub, folder: Path):
    hub.fail("POST", "/commit/", 409, times=1)
    assert "(409)" in push_error(folder)


def test_many_files_travel_in_several_commits_and_the_tag_names_the_last(
    hub: Hub, tmp_path: Path, monkeypatch
):
    # With hf_xet, huggingface_hub streams folders in batches; the stand-in takes each file as text.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", False)
    hub.lfs_suffixes, hub.page_size = (), 1000
    hub.create(REPOSITORY)
    files = {f"prompts/{number:03}.txt": b"%d" % number for number in range(450)}
    summary = push(write_files(tmp_path / "many", files))
    assert len(hub.repositories[REPOSITORY].messages) == 3
    assert hub.files(REPOSITORY, "v1.0.0") == files
    assert hub.repositories[REPOSITORY].branches["main"] == summary.commit


def test_a_tag_that_appears_meanwhile_is_an_error(hub: Hub, folder: Path):
    hub.fail("POST", "/tag/", 409, times=1)
    assert "(409)" in push_error(folder)


@pytest.mark.parametrize(
    ("token", "said"), [("hf_wrong", "does not accept the token (401)"), (READ_TOKEN, "(403)")]
)
def test_a_token_that_does_not_suffice_is_one_line(
    hub: Hub, folder: Path, monkeypatch, token, said
):
    monkeypatch.setenv("HF_TOKEN", token)
    message = push_error(folder)
    assert said in message
    assert token not in message
    assert REPOSITORY not in hub.repositories


def test_without_a_token_nothing_is_asked(hub: Hub, folder: Path, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    assert "no Hugging Face token" in push_error(folder)
    assert not hub.requests


def test_without_huggingface_hub_the_extra_is_named(folder: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'isekai-gen\[hub\]'"):
        push(folder)


def test_an_unreachable_hub_is_one_line(hub: Hub, folder: Path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "cannot reach http://127.0.0.1:9" in push_error(folder)


def test_offline_mode_is_respected_and_said(hub: Hub, folder: Path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in push_error(folder)
    assert not hub.requests


def test_a_card_that_the_hub_refuses_is_one_line(hub: Hub, folder: Path):
    (folder / "README.md").write_bytes(b"---\nlicense: [\n---\n")
    assert "Invalid metadata in README.md. - the header is no YAML" in push_error(folder)


@pytest.mark.parametrize("name", ["isekai", "a/b/c", "../x", "a/", "https://hf.co/a/b"])
def test_a_repository_is_owner_and_name(name):
    with pytest.raises(ReleaseError, match="owner/name"):
        PushRequest(name)


@pytest.mark.parametrize("changes", [{"tag": "v 1"}, {"branch": "-x"}, {"tag": ""}])
def test_names_that_git_would_not_take_are_refused(changes):
    with pytest.raises(ReleaseError, match="letters, digits"):
        PushRequest(REPOSITORY, **changes)
