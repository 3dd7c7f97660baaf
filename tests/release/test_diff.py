"""What two releases differ in, and which version that asks for."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ReleaseError
from isekai_gen.release.changes.diff import ReleaseDiff, diff_releases
from isekai_gen.release.changes.diff_version import Bump, allowed_bump, least_version
from isekai_gen.release.changes.diff_words import lines_of_diff
from tests.release.hand_made import HandMade, image_row, rejected_row

VERSIONS = st.tuples(*[st.integers(0, 12)] * 3)


@pytest.fixture
def earlier() -> HandMade:
    return HandMade()


@pytest.fixture
def later() -> HandMade:
    return HandMade(version="1.0.0")


def diff_of(tmp_path: Path, earlier: HandMade, later: HandMade) -> ReleaseDiff:
    return diff_releases(earlier.write(tmp_path / "earlier"), later.write(tmp_path / "later"))


def test_a_release_does_not_differ_from_itself(tmp_path, earlier, later):
    diff = diff_of(tmp_path, earlier, later)
    assert diff.demands() == []
    assert diff.required_bump is Bump.NONE
    assert diff.is_version_enough
    assert diff.images.same == 4


def test_a_removed_image_comes_with_the_reason_of_its_rejection(tmp_path, earlier, later):
    del later.images[1]
    later.rejected = [rejected_row(2)]
    (removed,) = diff_of(tmp_path, earlier, later).images.removed
    assert removed.id == f"{2:020x}"
    assert removed.file_name == "images/cat/cat-0002.png"
    assert removed.sha256 == image_row(2)["sha256"]
    assert removed.reason == (
        f"near_duplicate: similar_to_kept (0.9731, limit 0.95), witness {1:020x}"
    )


def test_a_removed_image_that_nobody_rejected_is_no_longer_there(tmp_path, earlier, later):
    later.images.pop()
    (removed,) = diff_of(tmp_path, earlier, later).images.removed
    assert removed.reason == "no longer in the workspace"


def test_an_added_image_is_new_or_was_rejected_before(tmp_path, earlier, later):
    earlier.rejected = [rejected_row(5, by="class_overlap", reason="too_real", witness="")]
    later.images += [image_row(5), image_row(6)]
    diff = diff_of(tmp_path, earlier, later)
    assert [image.was_rejected for image in diff.images.added] == [
        "class_overlap: too_real (0.9731, limit 0.95)",
        "",
    ]
    assert diff.required_bump is Bump.MINOR


@pytest.mark.parametrize(
    ("values", "what", "bump"),
    [
        ({"pixel_sha256": "0" * 64, "sha256": "1" * 64}, "record", Bump.MAJOR),
        ({"split": "train"}, "record", Bump.MAJOR),
        ({"file_name": "images/cat/cat-0009.png"}, "record", Bump.MAJOR),
        ({"prompt": "another"}, "record", Bump.MAJOR),
        ({"sha256": "1" * 64, "max_similarity": 0.6}, "measures", Bump.MINOR),
        ({"nearest_class": "three/1", "class_margin": 0.1}, "measures", Bump.MINOR),
        ({"sha256": "1" * 64, "bytes": 7}, "packaging", Bump.PATCH),
    ],
)
def test_what_differs_in_an_image_decides_the_version(tmp_path, earlier, later, values, what, bump):
    later.images[2] |= values
    diff = diff_of(tmp_path, earlier, later)
    (changed,) = diff.images.changed
    assert changed.what == what
    assert set(changed.columns) == set(values)
    assert diff.required_bump is bump


def test_a_moved_image_says_from_where_to_where(tmp_path, earlier, later):
    later.images[0]["split"] = "train"
    lines = list(lines_of_diff(diff_of(tmp_path, earlier, later), 10))
    assert any("moved from test to train" in line for line in lines)


@pytest.mark.parametrize(
    ("change", "bump"),
    [
        (lambda later: later.concepts.append({"slug": "dog"}), Bump.MINOR),
        (lambda later: later.concepts.clear(), Bump.MAJOR),
        (lambda later: later.concepts[0].update(name="feline"), Bump.MAJOR),
        (lambda later: later.concepts[0].update(images=5), Bump.PATCH),
        (lambda later: later.manifest.append({"image_name": "3"}), Bump.MINOR),
        (lambda later: later.manifest.pop(), Bump.MAJOR),
        (lambda later: later.manifest.reverse(), Bump.PATCH),
        (lambda later: later.settings["near_duplicate"].update(max_similarity=0.9), Bump.PATCH),
        (lambda later: later.files.update({"README.md": "# other\n"}), Bump.PATCH),
        (lambda later: later.files.update({"data/test-0.parquet": "PAR1"}), Bump.PATCH),
        (lambda later: later.files.update({"images/cat/cat-0001.png": "PNG"}), Bump.PATCH),
        (lambda later: later.files.update({"neighbors/nearest.csv": "cat,2\n"}), Bump.MINOR),
        (lambda later: later.files.pop("neighbors/nearest.csv"), Bump.MAJOR),
        (lambda later: later.files.update({"neighbors/test-0.parquet": "PAR1"}), Bump.PATCH),
        (lambda later: later.settings.update(release={"version": "9.9.9"}), Bump.NONE),
        (lambda later: later.files.update({"reports/changes.json": "{}"}), Bump.NONE),
    ],
)
def test_what_differs_beside_images_decides_the_version(tmp_path, earlier, later, change, bump):
    change(later)
    assert diff_of(tmp_path, earlier, later).required_bump is bump


def test_a_new_column_is_an_addition_and_a_lost_one_is_not(tmp_path, earlier, later):
    for row in later.images:
        row["caption"] = "a cat"
    assert diff_of(tmp_path, earlier, later).required_bump is Bump.MINOR
    back = diff_of(tmp_path / "back", later, earlier)
    assert back.images.old_columns == ("caption",)
    assert back.required_bump is Bump.MAJOR


def test_the_order_of_rows_says_nothing(tmp_path, earlier, later):
    later.images.reverse()
    diff = diff_of(tmp_path, earlier, later)
    assert diff.images.same == 4
    assert diff.images.changed == ()


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(1, 12)), st.sets(st.integers(1, 12)), st.randoms(use_true_random=False))
def test_every_image_is_counted_once(tmp_path_factory, first, second, chance: random.Random):
    first, second = first | {1}, second | {1}
    changes = ({}, {"split": "train"}, {"max_similarity": 0.75}, {"bytes": 3})
    earlier = HandMade(images=[image_row(number) for number in first])
    later = HandMade(images=[image_row(number, **chance.choice(changes)) for number in second])
    diff = diff_of(tmp_path_factory.mktemp("pair"), earlier, later)
    images = diff.images
    kinds = [images.records_changed(), images.measured_anew(), images.repacked()]
    kept = images.same + sum(map(len, kinds))
    assert images.before == len(first) == kept + len(images.removed)
    assert images.after == len(second) == kept + len(images.added)
    assert {image.id for kind in kinds for image in kind} == {image.id for image in images.changed}


def test_long_lists_are_cut_unless_all_is_asked(tmp_path, earlier, later):
    later.images = later.images[:1]
    diff = diff_of(tmp_path, earlier, later)
    assert "removed: 1 more (--all shows them)" in lines_of_diff(diff, 2)
    assert sum(line.startswith("removed: ") for line in lines_of_diff(diff, None)) == 3


@given(VERSIONS, VERSIONS)
def test_a_version_allows_what_its_first_raised_number_says(old, new):
    before, after = (".".join(map(str, version)) for version in (old, new))
    allowed = allowed_bump(before, after)
    assert (allowed is Bump.NONE) == (new <= old)
    assert allowed_bump(before, least_version(before, allowed)) is allowed
    if new > old:
        raised = [Bump.MAJOR, Bump.MINOR, Bump.PATCH].index(allowed)
        assert new[:raised] == old[:raised]


@pytest.mark.parametrize(
    "version", ["1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "\u0661.0.0", "1.0.0\n"]
)
def test_other_versions_are_refused(tmp_path, earlier, later, version):
    later.version = version
    with pytest.raises(ReleaseError):
        diff_of(tmp_path, earlier, later).is_version_enough  # noqa: B018 - a property


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("metadata.jsonl", b"{", "cut off"),
        ("metadata.jsonl", b"[1]\n", "line 1 is not a JSON object"),
        ("metadata.jsonl", b'{"id": 3}\n', "line 1"),
        ("metadata.jsonl", b"[" * 100_000 + b"\n", "line 1"),
        ("rejected.jsonl", b'{"id": "\\u001b[31m"}\n', "printable"),
        ("concepts.jsonl", b"\xff\n", "concepts.jsonl"),
        ("provenance/settings.json", b'{"a": NaN}', "settings.json"),
        ("provenance/settings.json", b'{"a": ["\\ud800"]}', "surrogates not allowed"),
        ("provenance/settings.json", b'{"\\u001b": 1}', "printable"),
        ("release.json", b"[]", "lacks name"),
        ("release.json", b'{"name": "a", "version": 1, "files": []}', "printable"),
        ("release.json", b'{"name": "a", "version": "1.0.0", "files": [3]}', "lacks name"),
    ],
)
def test_a_release_that_cannot_be_read_is_one_line(tmp_path, earlier, later, name, content, said):
    diff_of(tmp_path, earlier, later)
    (tmp_path / "later" / name).write_bytes(content)
    with pytest.raises(ReleaseError, match=said) as caught:
        diff_releases(tmp_path / "earlier", tmp_path / "later")
    assert str(caught.value).isprintable()


def test_settings_may_have_several_lines(tmp_path, earlier, later):
    later.settings["generate"] = {"prefix": "one\ntwo"}
    assert "setting: generate.prefix: none -> 'one\\ntwo'" in lines_of_diff(
        diff_of(tmp_path, earlier, later), None
    )


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("lcl/ISEKAI-10.json", 100_000),
        ("provenance/settings.json", 1_500),
        ("provenance/settings.json", 100_000),
    ],
)
def test_deep_values_end_in_one_line(tmp_path, earlier, later, name, depth):
    diff_of(tmp_path, earlier, later)
    deep = b'{"a":' * depth + b"1" + b"}" * depth + b"\n"
    (tmp_path / "later" / name).write_bytes(deep)
    with pytest.raises(ReleaseError, match=r"nested too deeply|not a JSON"):
        diff_releases(tmp_path / "earlier", tmp_path / "later")


def test_links_are_not_followed(tmp_path, earlier, later):
    diff_of(tmp_path, earlier, later)
    metadata = tmp_path / "later" / "metadata.jsonl"
    metadata.unlink()
    metadata.symlink_to(tmp_path / "earlier" / "metadata.jsonl")
    with pytest.raises(ReleaseError, match=r"metadata\.jsonl: missing"):
        diff_releases(tmp_path / "earlier", tmp_path / "later")


def test_a_repeated_id_and_uneven_columns_are_refused(tmp_path, earlier, later):
    later.images.append(image_row(1))
    with pytest.raises(ReleaseError, match="repeats the id"):
        diff_of(tmp_path, earlier, later)
    later.images[-1] = {**image_row(9), "more": 1}
    with pytest.raises(ReleaseError, match="other columns"):
        diff_of(tmp_path, earlier, later)


def test_a_folder_that_is_no_release_is_refused(tmp_path, earlier):
    folder = earlier.write(tmp_path / "earlier")
    (tmp_path / "empty").mkdir()
    for other in ("nowhere", "empty"):
        with pytest.raises(ReleaseError, match=r"another folder|no folder"):
            diff_releases(folder, tmp_path / other)


def test_the_json_tells_all_that_the_lines_tell(tmp_path, earlier, later):
    later.images.pop()
    later.images[0]["split"] = "train"
    later.settings = {}
    told = json.loads(json.dumps(diff_of(tmp_path, earlier, later).to_json()))
    assert told["required_bump"] == "major"
    assert told["least_version"] == "2.0.0"
    assert told["version_is_enough"] is False
    assert told["images"]["before"] == 4
    assert told["images"]["same"] == 2
    assert [image["columns"] for image in told["images"]["changed"]] == [["split"]]
    assert told["settings"] == [{"name": "near_duplicate.max_similarity", "old": 0.95, "new": None}]
