"""The workspace folder: one writer, safe paths."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import InputError, LockedError, WorkspaceError
from isekai_gen.workspace import Workspace, folder_name, is_slug, slug_of


def test_leftovers_of_killed_writes_are_removed_by_the_next_writer(tmp_path):
    workspace = Workspace(tmp_path)
    with workspace.lock():
        pass
    leftover = tmp_path / "images" / "cat" / ".tmp-1-x.png"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    with workspace.lock():
        assert not leftover.exists()


def test_a_staging_folder_is_gone_afterwards_whether_killed_or_not(tmp_path):
    workspace = Workspace(tmp_path)
    with workspace.staging("plan") as folder:
        (folder / "part").write_text("x")
    assert list(tmp_path.iterdir()) == []
    killed = tmp_path / ".tmp-1-plan"
    killed.mkdir()
    (killed / "part").write_text("x")
    with workspace.lock():
        assert not killed.exists()


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path):
    workspace = Workspace(tmp_path)
    second = Workspace(tmp_path).lock()
    with workspace.lock(), pytest.raises(LockedError, match=str(os.getpid())):
        second.__enter__()
    with workspace.lock():  # free again
        pass


def test_a_pipe_in_the_place_of_the_lock_is_refused(tmp_path):
    os.mkfifo(tmp_path / ".lock")
    with pytest.raises(WorkspaceError, match=r"\.lock is no regular file; remove it"):
        Workspace(tmp_path).lock().__enter__()


def test_the_lock_of_a_dead_process_is_free(tmp_path):
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from isekai_gen.workspace import Workspace\n"
        "with Workspace(Path(sys.argv[1])).lock():\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = str(Path(__file__).resolve().parent.parent)
    subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    with Workspace(tmp_path).lock():
        pass


def test_parts_are_listed_in_order_and_other_files_ignored(tmp_path):
    workspace = Workspace(tmp_path)
    for name in ("part-00010.jsonl", "part-00002.jsonl", "part-2.jsonl", "part-00003.json", "x"):
        path = tmp_path / "records" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert workspace.parts("records") == [2, 10]
    assert workspace.parts("records", ".json") == [3]
    assert workspace.parts("absent") == []


@pytest.mark.parametrize(
    ("concept", "image_id"),
    [("../evil", "0" * 20), ("cat", "../../etc/passwd"), ("Cat", "0" * 20), ("cat", "0" * 19)],
)
def test_image_paths_are_made_of_slugs_and_ids_only(tmp_path, concept, image_id):
    with pytest.raises(ValueError, match="not a concept slug"):
        Workspace(tmp_path).image(concept, image_id)


@given(st.text(max_size=60))
def test_a_slug_is_safe_and_stable(name):
    try:
        slug = slug_of(name)
    except InputError:
        assert not any(char.isascii() and char.isalnum() for char in name.lower())
        return
    assert is_slug(slug)
    assert slug_of(slug) == slug
    assert "/" not in slug
    assert "." not in slug


@given(st.text(max_size=60))
def test_folder_names_stay_in_their_folder(name):
    safe = folder_name(name)
    assert Path(safe).name == safe
    assert not safe.startswith(".")


def test_no_two_names_share_a_folder():
    names = ["enc", "enc ü", "enc ö", "кодер", "", "..", "enc.", "a/b"]
    assert len({folder_name(name) for name in names}) == len(names)
    assert folder_name("a/b") == "a--b"


def test_encoders_have_folders_of_their_own(tmp_path):
    workspace = Workspace(tmp_path)
    assert workspace.embeddings("ViT-B-32/laion2b") == "embeddings/ViT-B-32--laion2b"
