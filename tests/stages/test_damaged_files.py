"""Damaged and deleted files: made again where they can be, else one clear line; never wrong."""

import hashlib
import json
import shutil

import pytest
from click.testing import CliRunner

from isekai_gen.cli import command_line
from isekai_gen.errors import ChecksumError
from isekai_gen.records import Decision, ImageRecord
from isekai_gen.shards import append_records, read_records
from isekai_gen.stages import embed, generate, looks
from isekai_gen.stages.status import read_status
from isekai_gen.workspace import Workspace
from tests.release_answers import answer_all
from tests.small_jobs import arguments, digests, read_plan, run_serially, write_job

COMMANDS = [["status"], ["generate"], ["embed"], ["dedupe"], ["manifest"]]
DERIVED = [
    "embeddings/{encoder}/part-00000.npy",
    "embeddings/{encoder}/part-00000.ids.jsonl",
    "embeddings/{encoder}/concepts.npy",
    "embeddings/{encoder}/concepts.ids.jsonl",
    "looks/part-00000.parquet",
    "edges/{encoder}/part-00000.parquet",
    "edges/{encoder}/part-00000.images.parquet",
    "edges/perceptual/part-00000.parquet",
    "verdicts/near_duplicate/part-00001.jsonl",
    "verdicts/picture_check/part-00001.jsonl",
    "reports/duplicates/summary.json",
]
MADE = ["looks", "embeddings", "edges", "verdicts", "reports", "done"]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    for stage in (generate, embed, looks):
        monkeypatch.setattr(stage, "run_shards", run_serially)


def call(runner, *args):
    result = runner.invoke(command_line, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def runner():
    return CliRunner()


@pytest.fixture(scope="module")
def made(tiny_generator, tiny_encoder, tmp_path_factory, runner):
    """A workspace of 16 images in 4 shards, embedded and judged."""
    folder = tmp_path_factory.mktemp("made")
    job = write_job(folder)
    with pytest.MonkeyPatch.context() as patch:
        for stage in (generate, embed, looks):
            patch.setattr(stage, "run_shards", run_serially)
        args = arguments(job, tiny_generator, folder / "ws")
        assert call(runner, *args, "--shard-size", 4).exit_code == 0
        dedupe = ["dedupe", "-w", folder / "ws", "--encoder", tiny_encoder]
        assert call(runner, *dedupe, "--max-similarity", 0.99).exit_code == 0
    return folder / "ws", tiny_encoder.name


@pytest.fixture
def root(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "ws")
    return tmp_path / "ws"


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [flip, lambda path: path.unlink()], ids=["flipped", "deleted"])
@pytest.mark.parametrize("name", DERIVED)
def test_a_damaged_derived_file_is_made_again_to_the_same_bytes(made, root, runner, name, damage):
    before = digests(root, MADE)
    damage(root / name.format(encoder=made[1]))
    assert call(runner, "dedupe", "-w", root).exit_code == 0
    assert digests(root, MADE) == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'{"a": 1}\n', b"{}\n{}\n", b"[1]\n"])
@pytest.mark.parametrize("stage", ["plan", "generate", "embed/{encoder}", "edges/{encoder}"])
def test_a_damaged_marker_is_one_line_with_a_remedy(made, root, runner, stage, content):
    marker = root / "done" / stage.format(encoder=made[1]) / "part-00000.json"
    before = digests(root)
    marker.write_bytes(content)
    results = [call(runner, *command, "-w", root) for command in COMMANDS]
    # So few images make no manifest, whatever the marker of the plan says.
    said = [
        result.stderr
        for result in results
        if result.exit_code and "can be written" not in result.stderr
    ]
    assert said
    for line in said:
        assert f"{marker}: a damaged done-marker; delete it" in line
    marker.unlink()
    assert call(runner, "generate", "-w", root).exit_code == 0
    assert call(runner, "dedupe", "-w", root).exit_code == 0
    assert digests(root) == before


def test_a_marker_of_another_shard_is_not_believed(root):
    done = root / "done/generate"
    shutil.copy(done / "part-00001.json", done / "part-00000.json")
    with pytest.raises(ChecksumError, match="damaged done-marker"):
        read_status(Workspace(root))


def test_lost_records_are_made_again_from_the_plan(root, runner):
    before = digests(root)
    (root / "records/part-00001.jsonl").unlink()
    assert read_status(Workspace(root)).total.pending == 4
    assert call(runner, "generate", "-w", root).exit_code == 0
    assert digests(root) == before


def test_changed_records_stop_every_command(root, runner):
    path = root / "records/part-00000.jsonl"
    path.write_bytes(path.read_bytes().replace(b"small", b"large", 1))
    for command in COMMANDS:
        result = call(runner, *command, "-w", root)
        assert result.exit_code == 2
        assert f"{path}: bytes differ from those committed" in result.stderr


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_lost_plan_part_is_said_and_planned_anew_on_demand(root, runner, number):
    images = digests(root, ["images"])
    planned = {image.image_id for image in read_plan(Workspace(root))}
    (root / f"plan/part-0000{number}.jsonl").unlink()
    for command in ("status", "generate"):
        result = call(runner, command, "-w", root)
        assert result.exit_code == 2
        assert "is missing; restore it, or run `isekai-gen generate --force-stage`" in result.stderr
    assert call(runner, "generate", "-w", root, "--force-stage").exit_code == 0
    assert {image.image_id for image in read_plan(Workspace(root))} == planned
    assert digests(root, ["images"]) == images
    assert call(runner, "dedupe", "-w", root).exit_code == 0


def test_a_plan_with_fewer_images_leaves_nothing_of_the_old_one_in_what_follows(root, runner):
    forced = call(runner, "generate", "-w", root, "-n", 2, "--force-stage")
    assert forced.exit_code == 0
    report = json.loads(call(runner, "embed", "-w", root, "--json").stdout)
    assert report["embedded"] == 8
    judged = json.loads(call(runner, "dedupe", "-w", root, "--json").stdout)
    assert judged["verdicts"]["judged"] == 8


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../../../etc/passwd"},
        {"path": "/etc/passwd"},
        {"path": "images/other/00000000000000000000.png"},
    ],
)
def test_a_record_cannot_name_a_path_of_its_own(root, change):
    record = read_records(root / "records/part-00000.jsonl", ImageRecord)[0]
    with pytest.raises(ValueError, match="path must be"):
        ImageRecord.from_json({**record.to_json(), **change})


@pytest.mark.parametrize("change", [{"concept": "../.."}, {"image_id": "../../etc/passwd"}])
def test_a_record_cannot_name_a_concept_or_id_that_leads_elsewhere(root, change):
    row = read_records(root / "records/part-00000.jsonl", ImageRecord)[0].to_json()
    with pytest.raises(ValueError, match="no concept slug and image id"):
        ImageRecord.from_json({**row, "planned": {**row["planned"], **change}})


def test_a_recorded_file_that_is_no_picture_fails_alone(root, runner):
    part = root / "records/part-00000.jsonl"
    (root / "done/generate/part-00000.json").unlink()  # as if the part were still being drawn
    rows = [json.loads(line) for line in part.read_bytes().splitlines()]
    huge = b"\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02"
    hostile = b"\x89PNG\r\n\x1a\n" + huge * 3
    (root / rows[0]["path"]).write_bytes(hostile)
    rows[0]["file_sha256"] = hashlib.sha256(hostile).hexdigest()
    part.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = call(runner, "embed", "-w", root, "--json")
    assert result.exit_code == 3
    report = json.loads(result.stdout)
    assert list(report["failures"]) == [rows[0]["planned"]["image_id"]]
    assert report["embedded"] == 15


def test_status_counts_by_whole_lines_while_a_decision_is_torn(root):
    ids = [image.image_id for image in read_plan(Workspace(root))]
    path = root / "decisions.jsonl"
    append_records(path, [Decision((ids[0],), "drop", "me")])
    path.write_bytes(path.read_bytes() + b'{"by": "m')
    before = path.read_bytes()
    assert read_status(Workspace(root)).total.dropped["person"] == 1
    assert path.read_bytes() == before


def test_a_refused_setting_is_not_remembered(root, runner, tmp_path):
    answer_all(root)
    out = tmp_path / "release"
    assert call(runner, "release", "build", "-w", root, "--out", out, "--name", "?").exit_code == 2
    assert "name" not in (root / "isekai.toml").read_text().split("[release]")[1]
    assert call(runner, "release", "build", "-w", root, "--out", out).exit_code == 0


def test_a_release_without_answers_is_refused_with_every_line_to_write(root, runner, tmp_path):
    out = tmp_path / "release"
    refused = call(runner, "release", "build", "-w", root, "--out", out)
    assert refused.exit_code == 2
    begun = (root / "release.toml").read_text()
    for number, line in enumerate(begun.splitlines(), start=1):
        if '"TODO:' in line:
            assert f"release.toml:{number}: placeholder" in refused.stderr
    again = call(runner, "release", "init", "-w", root)
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    assert (root / "release.toml").read_text() == begun
    assert not out.exists()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--name", "?"], "no ASCII letter or digit"),
        (["--release-version", "1"], "MAJOR.MINOR.PATCH"),
        (["--license", "mine"], "its text is not included"),
        (["--own-quantile", "0.3"], "own_quantile must be one of"),
        (["--max-similarity", "nan"], "finite number"),
        (["--guidance-scale", "inf"], "finite number"),
        (["--devices", ","], "empty name"),
    ],
)
def test_run_refuses_at_once_what_a_later_stage_cannot_use(root, runner, option, said):
    settings = (root / "isekai.toml").read_bytes()
    result = call(runner, "run", "-w", root, "-n", 5, *option)
    assert result.exit_code == 2
    assert said in result.stderr
    assert read_status(Workspace(root)).total.planned == 16
    assert (root / "isekai.toml").read_bytes() == settings


def test_an_encoder_whose_name_is_in_no_ascii_letters_works(root, runner, tiny_encoder, tmp_path):
    for name in ("кодер", "энкодер"):
        shutil.copytree(tiny_encoder, tmp_path / name)
        assert call(runner, "embed", "-w", root, "--encoder", tmp_path / name).exit_code == 0
    assert len(list((root / "embeddings").iterdir())) == 3


def test_files_in_the_way_are_one_line(root, runner, tmp_path):
    (tmp_path / "file").write_text("")
    (root / "isekai.toml").unlink()
    (root / "isekai.toml").mkdir()
    for args in (
        ["release", "build", "-w", root, "--out", tmp_path / "file/release"],
        ["generate", "-w", root],
        ["generate", "-w", tmp_path / "file/workspace"],
    ):
        result = call(runner, *args)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
