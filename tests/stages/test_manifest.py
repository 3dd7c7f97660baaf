"""isekai-10 and isekai-pair of a small drawn workspace: their shots, and what lies beside them."""

import json
import shutil
from dataclasses import replace

import pytest

from isekai_gen.errors import ChecksumError, ManifestError
from isekai_gen.records import Decision
from isekai_gen.shards import append_records, read_lines
from isekai_gen.stages.manifest import write_manifests
from isekai_gen.stages.manifest_report import KeptSupply
from tests.small_jobs import digests
from tests.stages.curated_jobs import curation_context, draw_workspace
from tests.upstream_reader import measure_isekai

IMAGES = 5


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    return draw_workspace(tmp_path_factory.mktemp("drawn"), tiny_generator, IMAGES)


@pytest.fixture
def make(drawn, tmp_path, tiny_generator, tiny_encoder):
    """A context of a copy of the workspace, with settings of [manifest]."""
    root = tmp_path / "ws"
    shutil.copytree(drawn, root)

    def make_context(**manifest):
        made = curation_context(root, tiny_generator, tiny_encoder)
        return replace(made, settings=made.settings.with_overrides({"manifest": manifest}))

    return make_context


def drop(root, concept, count):
    """Have a person drop images of a concept."""
    ids = sorted(path.stem for path in (root / "images" / concept).iterdir())
    drops = [Decision((image_id,), "drop", "ada") for image_id in ids[:count]]
    append_records(root / "decisions.jsonl", drops)


def test_by_default_every_group_gives_what_all_can_and_it_is_said_who_has_few(make):
    context = make()
    drop(context.workspace.root, "house", 2)
    reports = {report.name: report for report in write_manifests(context, ())}
    assert {report.shots for report in reports.values()} == {2}
    assert reports["ISEKAI-10"].few == {
        "cactihog": KeptSupply(5, 4),
        "hedgehog": KeptSupply(5, 4),
        "mushroom-haven": KeptSupply(5, 4),
        "house": KeptSupply(3, 2),
    }
    assert list(reports["ISEKAI-pair"].few) == ["cactihog", "mushroom-haven"]
    assert {report.wanted_shots for report in reports.values()} == {16}
    for report in reports.values():
        measure_isekai(report.path, context.workspace.root, most=2)


def test_a_group_that_cannot_give_the_shots_asked_for_is_left_out_and_said(make):
    context = make(shots=4)
    drop(context.workspace.root, "house", 2)
    (report,) = write_manifests(context, ["isekai-10"])
    assert report.shots == 4
    assert "house has 3 kept images" in report.skipped["mushroom-haven"]
    assert (report.wanted_shots, report.few) == (4, {"house": KeptSupply(3, 2)})


def test_a_number_of_shots_that_is_refused_is_not_remembered(make):
    context = make(shots=9)
    with pytest.raises(ManifestError, match="enough for 4 shots, not for 9"):
        write_manifests(context, ["isekai-10"])
    assert write_manifests(context, ()) == []
    assert len(write_manifests(make(shots=4), ())) == 2
    before = digests(context.workspace.root, ["manifests"])
    assert write_manifests(context, ()) == []  # what is there is right all the same, and stays
    assert digests(context.workspace.root, ["manifests"]) == before
    settings = context.workspace.settings_file
    assert not settings.exists() or "shots = 9" not in settings.read_text()


def test_strict_refuses_and_names_every_concept_with_too_few(make):
    context = make()
    with pytest.raises(ManifestError, match="--strict: 16 shots need 17") as refused:
        write_manifests(context, (), strict=True)
    assert all(f"{slug} (5 kept" in str(refused.value) for slug in ("cactihog", "house"))
    assert not list(context.workspace.manifests.glob("*"))
    drop(context.workspace.root, "house", 2)
    with pytest.raises(ManifestError, match=r"of house \(3 kept images, at most 2 shots\);"):
        write_manifests(make(shots=4), (), strict=True)
    assert len(write_manifests(make(shots=2), (), strict=True)) == 2


def test_labels_config_and_readme_lie_beside_the_manifests_that_are_there(make):
    context = make()
    folder = context.workspace.manifests
    write_manifests(context, ["isekai-10"])
    config = folder / "lcl_eval_isekai_gen.py"
    assert "ISEKAI-10.json" in config.read_text()
    assert "ISEKAI-pair" not in config.read_text()
    write_manifests(context, ["isekai-pair"])
    assert "ISEKAI-10.json" in config.read_text()
    assert "ISEKAI-pair.json" in config.read_text()
    assert "support lists of 4 images" in (folder / "README.md").read_text()
    assert "for shot in 0 1 2 3 4; do" in (folder / "README.md").read_text()
    rows = read_lines(folder / "labels.jsonl")
    assert rows[0] == {
        "label": "cactihog",
        "name": "cactihog",
        "slug": "cactihog",
        "kind": "fictional",
    }
    assert [row["slug"] for row in rows] == ["cactihog", "hedgehog", "mushroom-haven", "house"]


def test_a_manifest_that_was_changed_by_hand_is_not_described(make):
    context = make()
    (path,) = (report.path for report in write_manifests(context, ["isekai-10"]))
    row = json.loads(path.read_text().splitlines()[0])
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(ManifestError, match=r"ISEKAI-10\.json was changed: .*even number"):
        write_manifests(context, ["isekai-pair"])


def test_a_manifest_that_is_no_json_is_told_and_can_be_written_anew(make):
    context = make()
    (path,) = (report.path for report in write_manifests(context, ["isekai-10"]))
    whole = path.read_bytes()
    for text in ("x", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(ChecksumError, match=r"ISEKAI-10\.json"):
            write_manifests(context, ["isekai-pair"])
    write_manifests(context, ["isekai-10"])
    assert path.read_bytes() == whole


def test_a_manifest_of_an_image_that_was_dropped_since_is_told(make):
    context = make()
    write_manifests(context, ["isekai-10"])
    write_manifests(context, ["isekai-pair"])
    assert not any("not kept any more" in note for note in context.reporter.notes)
    drop(context.workspace.root, "house", 1)
    write_manifests(context, ["isekai-pair"])
    (note,) = (note for note in context.reporter.notes if "not kept any more" in note)
    assert "ISEKAI-10.json" in note
    assert "--format isekai-10" in note


def test_where_one_format_is_refused_the_other_is_not_written(make):
    context = make()
    drop(context.workspace.root, "mushroom-haven", 4)
    with pytest.raises(ManifestError, match="ISEKAI-pair has no rows"):
        write_manifests(context, ["isekai-10", "isekai-pair"])
    assert not list(context.workspace.manifests.glob("*"))


def test_without_manifests_nothing_lies_there(make):
    context = make()
    write_manifests(context, ())
    for slug in ("cactihog", "mushroom-haven"):
        drop(context.workspace.root, slug, 4)
    assert write_manifests(context, ()) == []
    assert not list(context.workspace.manifests.iterdir())
