"""The whole road with WebP and JPEG images: drawn, curated, released, restored, drawn again."""

import pytest

from isekai_gen.manifests.files import read_manifest
from isekai_gen.release.verification.verify import verify_release
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.pictures import read_origin
from isekai_gen.workspace import Workspace
from tests.release_answers import answer_all
from tests.small_jobs import arguments, call, digests
from tests.stages.curated_jobs import in_this_process


@pytest.fixture(autouse=True)
def _in_this_process():
    with in_this_process():
        yield


@pytest.mark.slow
@pytest.mark.parametrize(("image_format", "suffix"), [("webp", ".webp"), ("jpeg", ".jpg")])
def test_runs_through(job, tiny_generator, tiny_encoder, tmp_path, image_format, suffix):
    root, out = tmp_path / "ws", tmp_path / "release"
    call(*arguments(job, tiny_generator, root, images=3), "--image-format", image_format)
    records = read_drawn(Workspace(root))
    for record in records:
        assert read_origin(root / record.path)["prompt"] == record.planned.prompt
    call("dedupe", "-w", root, "--encoder", tiny_encoder, "--max-similarity", 1)
    call("manifest", "-w", root)
    for row in read_manifest(root / "manifests/ISEKAI-10.json"):
        assert (root / row["image_name"]).suffix == suffix
    answer_all(root)
    call("release", "build", "-w", root, "--out", out)
    assert verify_release(out) == []
    released = [path for path in (out / "images").rglob("*") if path.is_file()]
    assert len(released) == 12
    assert {path.suffix for path in released} == {suffix}

    lost, *_, asked = records
    before = digests(root, ["images", "records"])
    (root / lost.path).unlink()
    assert "restored, pixels as recorded" in call("generate", "-w", root).stderr
    assert digests(root, ["images", "records"]) == before

    redrawn = tmp_path / "out" / f"{asked.image_id}{suffix}"
    done = call("reproduce", asked.image_id, "-w", root, "--out", redrawn.parent)
    assert "identical" in done.stdout
    assert redrawn.read_bytes() == (root / asked.path).read_bytes()
