"""What a changelog says, and which versions it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from isekai_gen.errors import ReleaseError
from isekai_gen.hashing import file_sha256
from isekai_gen.release.changes.changelog import Changes, changelog_text, describe_changes
from isekai_gen.release.changes.diff_version import Bump
from isekai_gen.release.index import ListedFile
from tests.release.hand_made import HandMade, image_row, rejected_row

FIRST = Changes(images=4, concepts=1, diff=None)
FIRST_ENTRY = "No earlier release was named to compare with. Images: 4. Concepts: 1.\n"


@pytest.fixture
def previous(tmp_path) -> Path:
    made = HandMade()
    made.files["CHANGELOG.md"] = changelog_text(None, "1.0.0", "2026-01-02", FIRST)
    return made.write(tmp_path / "previous")


def changes_of(previous: Path, later: HandMade) -> Changes:
    """As a build has it: documents and the lists of files are not there yet."""
    later.files.pop("README.md")
    folder = later.write(previous.parent / "draft")
    (folder / "release.json").unlink()
    listed = [
        ListedFile(path.relative_to(folder).as_posix(), 0, file_sha256(path), "")
        for path in folder.rglob("*")
        if path.is_file()
    ]
    return describe_changes(previous, folder, later.name, later.version, listed)


def test_without_an_earlier_release_an_entry_does_not_claim_to_be_the_first():
    text = changelog_text(None, "1.0.0", "2026-01-02", FIRST)
    assert text == f"# Changelog\n\n## 1.0.0 (2026-01-02)\n\n{FIRST_ENTRY}"
    assert FIRST.required_bump is Bump.NONE
    assert FIRST.to_json() is None
    FIRST.refuse_low_version()


def test_without_a_date_the_heading_is_the_version():
    assert "## 1.0.0\n" in changelog_text(None, "1.0.0", None, FIRST)


def test_new_entries_stand_above_the_old_ones(previous):
    later = HandMade(version="1.1.0")
    later.images.append(image_row(5))
    changes = changes_of(previous, later)
    text = changelog_text(previous, "1.1.0", None, changes)
    assert text.startswith("# Changelog\n\n## 1.1.0\n\nChanges since 1.0.0, MINOR")
    assert text.endswith(f"\n\n## 1.0.0 (2026-01-02)\n\n{FIRST_ENTRY}")
    assert text.count("# Changelog") == 1


def test_a_third_version_carries_both_entries(previous, tmp_path):
    second = HandMade(version="1.1.0")
    second.images.append(image_row(5))
    text = changelog_text(previous, "1.1.0", None, changes_of(previous, second))
    second.files["CHANGELOG.md"] = text
    released = second.write(tmp_path / "second")
    third = HandMade(version="2.0.0", images=second.images[:3])
    text = changelog_text(released, "2.0.0", None, changes_of(released, third))
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Changelog",
        "## 2.0.0",
        "## 1.1.0",
        "## 1.0.0 (2026-01-02)",
    ]


def test_an_earlier_release_without_changelog_is_said(previous):
    (previous / "CHANGELOG.md").unlink()
    text = changelog_text(previous, "1.0.1", None, changes_of(previous, HandMade(version="1.0.1")))
    assert text.endswith("## 1.0.0\n\nThis version had no changelog.\n")


@pytest.mark.parametrize(
    ("version", "least"), [("1.0.0", "2.0.0"), ("1.9.9", "2.0.0"), ("0.9.0", "2.0.0")]
)
def test_removals_ask_for_a_major_version(previous, version, least):
    later = HandMade(version=version)
    later.images.pop()
    with pytest.raises(ReleaseError, match=rf"images removed: 1.*{least} or higher"):
        changes_of(previous, later).refuse_low_version()


def test_even_the_same_content_needs_a_version_of_its_own(previous):
    with pytest.raises(ReleaseError, match=r"1\.0\.1 or higher"):
        changes_of(previous, HandMade()).refuse_low_version()
    changes_of(previous, HandMade(version="1.0.1")).refuse_low_version()


def test_a_version_above_what_is_asked_is_fine(previous):
    later = HandMade(version="3.0.0")
    later.images.append(image_row(5))
    changes = changes_of(previous, later)
    assert changes.required_bump is Bump.MINOR
    changes.refuse_low_version()


def test_documents_that_are_not_written_yet_do_not_count_as_removed(previous):
    changes = changes_of(previous, HandMade(version="1.0.1"))
    assert changes.diff is not None
    assert changes.diff.files.number == 0
    assert changes.required_bump is Bump.PATCH


def test_removed_images_are_counted_by_reason_and_listed_for_machines(previous):
    later = HandMade(version="2.0.0")
    later.images = later.images[:1]
    later.rejected = [rejected_row(2), rejected_row(3, measured=0.96)]
    changes = changes_of(previous, later)
    assert "- near_duplicate: similar_to_kept: 2\n" in changes.markdown()
    assert "- no longer in the workspace: 1\n" in changes.markdown()
    listing = changes.to_json()
    assert listing is not None
    assert [image["sha256"] for image in listing["removed"]] == [
        image_row(number)["sha256"] for number in (2, 3, 4)
    ]
    assert listing["previous"] == "1.0.0"


def test_images_to_fetch_again_are_listed_but_not_those_only_measured_anew(previous):
    later = HandMade(version="2.0.0")
    later.images[0]["max_similarity"] = 0.75
    later.images[1]["sha256"] = "0" * 64
    later.images[2]["split"] = "train"
    listing = changes_of(previous, later).to_json()
    assert listing is not None
    assert [(image["what"], image["columns"]) for image in listing["changed"]] == [
        ("packaging", ["sha256"]),
        ("record", ["split"]),
    ]


def test_an_earlier_release_of_another_dataset_is_refused(previous):
    with pytest.raises(ReleaseError, match="release of isekai-test, not of other"):
        changes_of(previous, HandMade(name="other", version="2.0.0"))


@pytest.mark.parametrize("content", [b"\xff", b"# Changelog\n\nnothing\n"])
def test_a_changelog_that_cannot_be_carried_on_is_refused(previous, content):
    changes = changes_of(previous, HandMade(version="1.0.1"))
    (previous / "CHANGELOG.md").write_bytes(content)
    with pytest.raises(ReleaseError, match=r"CHANGELOG\.md"):
        changelog_text(previous, "1.0.1", None, changes)
