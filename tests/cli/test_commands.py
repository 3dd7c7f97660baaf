"""The commands in order on one small workspace, with tiny real models, in this process."""

import json
import shutil
from collections import Counter

import numpy as np
import pytest
from click.testing import CliRunner

from isekai_gen.cli import command_line
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.neighbors.reference import ReferenceClass, build_reference, save_reference
from isekai_gen.records import Decision, Verdict
from isekai_gen.shards import append_records, read_records
from isekai_gen.stages import embed, generate, looks
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.workspace import Workspace
from tests.release_answers import answer_all
from tests.small_jobs import arguments, call, digests, run_serially, write_job


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    for stage in (generate, embed, looks):
        monkeypatch.setattr(stage, "run_shards", run_serially)


@pytest.fixture(scope="module")
def drawn(tiny_generator, tiny_encoder, tmp_path_factory):
    """A workspace with 24 images, embedded, and a small reference set of the tiny encoder."""
    folder = tmp_path_factory.mktemp("drawn")
    job = write_job(folder)
    with pytest.MonkeyPatch.context() as patch:
        for stage in (generate, embed, looks):
            patch.setattr(stage, "run_shards", run_serially)
        call(*arguments(job, tiny_generator, folder / "ws", images=6), "--shard-size", 10)
        call("embed", "-w", folder / "ws", "--encoder", tiny_encoder)
    digest = identify_encoder(encoder_spec(str(tiny_encoder)))
    random = np.random.default_rng(0)
    classes = [ReferenceClass(f"n{n:08d}", f"class {n}", f"n{n:08d}") for n in range(12)]
    reference = build_reference("few", digest, classes, random.normal(size=(12, 32)), {})
    save_reference(Workspace(folder / "ws").reference("few"), reference)
    return folder


@pytest.fixture
def root(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "copy")
    return tmp_path / "copy" / "ws"


def status_of(root):
    return json.loads(call("status", "-w", root, "--json").stdout)


def assert_adds_up(counts):
    assert counts["planned"] == counts["generated"] + counts["failed"] + counts["pending"]
    assert counts["generated"] == counts["kept"] + sum(counts["dropped"].values())


def curate(root, *extra):
    call("overlap", "-w", root, "--reference", "few", "--max-margin", "0.335")
    call("dedupe", "-w", root, "--max-similarity", "0.992", *extra)


def test_the_numbers_add_up_in_total_and_by_concept(root):
    curate(root)
    status = status_of(root)
    assert status["planned"] == 24
    assert sum(status["dropped"].values()) > 0
    assert_adds_up(status)
    for counts in status["by_concept"].values():
        assert_adds_up(counts)
    for key in ("planned", "generated", "failed", "pending", "kept"):
        assert status[key] == sum(counts[key] for counts in status["by_concept"].values())
    summed = Counter()
    for counts in status["by_concept"].values():
        summed.update(counts["dropped"])
    assert dict(summed) == status["dropped"]
    shown = call("status", "-w", root).stdout
    assert f"generated 24 = {status['kept']} kept" in shown


def test_a_half_drawn_workspace_is_counted_as_it_is(root):
    part = root / "records/part-00002.jsonl"
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[:2]) + lines[2][:50])  # as a kill leaves it
    (root / "done/generate/part-00002.json").unlink()
    before = part.read_bytes()
    status = status_of(root)
    pending = len(lines) - 2
    assert (status["generated"], status["pending"]) == (status["planned"] - pending, pending)
    assert pending > 0
    assert_adds_up(status)
    assert part.read_bytes() == before  # looking changes nothing


def test_what_is_done_is_not_done_again(root):
    curate(root)
    before = digests(root, ["embeddings", "edges", "verdicts", "done"])
    for stage in ("embed", "overlap", "dedupe"):
        assert "Nothing to do" in call(stage, "-w", root).stdout
    assert digests(root, ["embeddings", "edges", "verdicts", "done"]) == before


def verdicts_of(root, name):
    workspace = Workspace(root)
    folder = workspace.verdicts(name)
    return {
        verdict.image_id: verdict
        for part in workspace.parts(folder)
        for verdict in read_records(workspace.part(folder, part), Verdict)
    }


def test_another_limit_uses_the_same_edges_and_decides_again(root):
    curate(root)
    edges = digests(root, ["edges"])
    report = json.loads(call("dedupe", "-w", root, "--max-similarity", 0.99, "--json").stdout)
    assert digests(root, ["edges"]) == edges
    assert report["tiers"]["semantic"]["max_similarity"] == 0.99
    verdicts = verdicts_of(root, "near_duplicate").values()
    assert {v.limit for v in verdicts if v.tier == "semantic"} == {0.99}
    assert "max_similarity = 0.99" in (root / "isekai.toml").read_text()


def test_every_near_duplicate_names_a_kept_witness(root):
    curate(root)
    verdicts = verdicts_of(root, "near_duplicate")
    dropped = [verdict for verdict in verdicts.values() if not verdict.keep]
    assert dropped
    overlapping = {i for i, v in verdicts_of(root, "class_overlap").items() if not v.keep}
    for verdict in dropped:
        assert verdicts[verdict.witness].keep
        assert verdict.witness not in overlapping


def test_duplicates_are_judged_again_when_overlap_changes_its_mind(root):
    curate(root)
    before = verdicts_of(root, "near_duplicate")
    call("overlap", "-w", root, "--max-margin", "2")
    after = verdicts_of(root, "near_duplicate")
    assert not any(verdict.reason == "dropped_before" for verdict in after.values())
    assert any(verdict.reason == "dropped_before" for verdict in before.values())


def test_a_persons_decision_changes_verdicts_of_others(root):
    curate(root)
    dropped = next(v for v in verdicts_of(root, "near_duplicate").values() if not v.keep)
    decision = Decision((dropped.witness,), "drop", "me")
    append_records(root / "decisions.jsonl", [decision])
    call("neighbors", "-w", root)
    status = status_of(root)
    assert status["dropped"]["person"] == 1
    assert_adds_up(status)
    for verdict in verdicts_of(root, "near_duplicate").values():
        assert verdict.witness != dropped.witness


def test_a_release_is_built_verified_and_found_out_when_changed(root, tmp_path):
    call("overlap", "-w", root, "--reference", "few", "--max-margin", "2")
    call("dedupe", "-w", root, "--max-similarity", "1")
    call("neighbors", "-w", root, "--nearest", "5", "--bins", "4")
    manifests = json.loads(call("manifest", "-w", root, "--json").stdout)
    assert [(m["name"], m["shots"]) for m in manifests] == [("ISEKAI-10", 5), ("ISEKAI-pair", 5)]
    answer_all(root)
    out = tmp_path / "release"
    built = json.loads(call("release", "build", "-w", root, "--out", out, "--json").stdout)
    assert built["counts"]["kept"] == 24
    call("release", "verify", out)
    settings = (out / "provenance/settings.json").read_text()
    assert json.loads(settings)["generate"]["model"] == "tiny-sd"  # no folder of this machine
    path = next(out.rglob("*.png"))
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    path.write_bytes(content)
    found = call("release", "verify", out, "--json", expect=1)
    findings = json.loads(found.stdout)["findings"]
    assert any(finding["file"].endswith(path.name) for finding in findings)
    call("release", "build", "-w", root, "--out", out, expect=2)


def test_neighbor_tables_of_other_kept_images_are_not_released(root, tmp_path):
    curate(root)
    call("neighbors", "-w", root, "--nearest", "5", "--bins", "4")
    answer_all(root)
    out = tmp_path / "release"
    call("dedupe", "-w", root, "--max-similarity", "1")
    refused = call("release", "build", "-w", root, "--out", out, expect=2)
    assert "run `isekai-gen neighbors` again" in refused.stderr
    call("neighbors", "-w", root)
    table = root / "neighbors/nearest.csv"
    whole = table.read_bytes()
    table.write_bytes(whole.replace(b"1", b"2", 1))
    call("release", "build", "-w", root, "--out", out, expect=2)
    table.write_bytes(whole)
    call("release", "build", "-w", root, "--out", out)


def test_manifests_that_are_impossible_are_said(root):
    curate(root, "--max-similarity", "0.9")
    done = call("manifest", "-w", root, expect=2)
    assert "No isekai-10 manifest: no group keeps two images" in done.stderr
    assert "neither isekai-10 nor isekai-pair can be written" in done.stderr
    assert not list((root / "manifests").glob("*.json"))
    call("manifest", "-w", root, "--format", "isekai-10", expect=2)


def test_a_reference_of_another_encoder_is_refused(root):
    folder = root / "references/other"
    classes = [ReferenceClass("a", "a", ""), ReferenceClass("b", "b", "")]
    save_reference(folder, build_reference("other", "x" * 64, classes, np.eye(2, 32), {}))
    done = call("overlap", "-w", root, "--reference", "other", expect=2)
    assert "made with another encoder" in done.stderr


def test_a_missing_picture_is_said_and_what_to_do(root):
    next((root / "images").rglob("*.png")).unlink()
    for marker in (root / "done/embed").rglob("part-*.json"):
        marker.unlink()
    done = call("embed", "-w", root, expect=3)
    assert "not embedded: cannot be read" in done.stderr
    assert "run `isekai-gen generate`" in call("dedupe", "-w", root, expect=2).stderr
    call("generate", "-w", root)
    assert "24 images embedded" in call("embed", "-w", root).stdout


def test_prompts_are_shown_with_the_size_of_their_space(job):
    shown = json.loads(
        call("prompts", "--concepts", job.catalog, "--templates", job.templates, "--json").stdout
    )
    assert shown["cactihog"]["count"] == 16
    assert len(shown["cactihog"]["prompts"]) == 3
    texts = call(
        "prompts", "--concepts", job.catalog, "--templates", job.templates, "--limit", 1
    ).stdout
    assert "house: 16 different prompts" in texts


def test_a_faulty_catalog_says_every_fault_with_its_line(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("schema: 1\nname: bad\ngroups:\n  - fictonal: {name: x}\n    real: {nme: y}\n")
    done = call("concepts", "check", path, expect=2)
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("bad.yaml:") >= 2
    assert "did you mean" in done.stderr


def test_a_good_catalog_passes_and_the_shipped_one_is_listed(job):
    assert "no fault" in call("concepts", "check", job.catalog).stdout
    listed = json.loads(call("concepts", "list", "--json").stdout)
    assert len(listed) == 40
    assert "cactihog" in call("concepts", "list").stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["status"], "is no workspace with images yet"),
        (["embed"], "is no workspace with images yet"),
        (["generate"], "name one with --concepts"),
        (["release", "verify", "absent"], "is no folder"),
    ],
)
def test_a_command_in_the_wrong_place_says_what_to_do(tmp_path, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    done = call(*args, expect=2)
    assert said in done.stderr
    assert not (tmp_path / "plan").exists()


def test_settings_with_a_typo_are_refused_with_file_and_line(root):
    (root / "isekai.toml").write_text("[near_duplicate]\nmax_similarty = 0.9\n")
    done = call("dedupe", "-w", root, expect=2)
    assert "isekai.toml:2" in done.stderr
    assert "did you mean 'max_similarity'" in done.stderr


def test_the_environment_stands_in_for_options(root, monkeypatch):
    curate(root)
    monkeypatch.setenv("ISEKAI_GEN_WORKSPACE", str(root))
    monkeypatch.setenv("ISEKAI_GEN_MAX_SIMILARITY", "0.98")
    assert semantic_limit(call("dedupe", "--json")) == 0.98
    assert semantic_limit(call("dedupe", "--json", "--max-similarity", 0.97)) == 0.97


def semantic_limit(result):
    return json.loads(result.stdout)["tiers"]["semantic"]["max_similarity"]


def test_doctor_reports_each_check(tmp_path):
    result = CliRunner().invoke(command_line, ["doctor", "-w", str(tmp_path), "--json"])
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert checks["torch"]["ok"]
    assert checks["disk"]["ok"]
    assert result.exit_code == (0 if all(check["ok"] for check in checks.values()) else 1)
