"""Recorded images drawn again: identical where it is promised, measured where it is not."""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from isekai_gen.errors import ChecksumError, InputError, ModelError
from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.settings import read_settings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.reproduce import ReproduceRequest, reproduce
from isekai_gen.stages.reproduction import difference_between
from isekai_gen.workspace import Workspace
from tests.edited_workspaces import change_recorded_pixels, rewrite_records
from tests.small_jobs import arguments, call, digests, write_job
from tests.stages.curated_jobs import in_this_process


def generate(folder, model, expect=0):
    """A workspace of 8 images."""
    with in_this_process():
        call(*arguments(write_job(folder), model, folder / "ws", images=2), expect=expect)
    return folder / "ws"


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    return generate(tmp_path_factory.mktemp("drawn"), tiny_generator)


@pytest.fixture
def root(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "ws")
    return tmp_path / "ws"


def records_of(root):
    return [record for record in read_drawn(Workspace(root)) if record.generated]


def draw_again(root, records, out=None, **changed):
    settings = read_settings(root / "isekai.toml").with_overrides({"generate": changed})
    context = StageContext(Workspace(root), settings, devices=("cpu",))
    return reproduce(context, ReproduceRequest(tuple(r.image_id for r in records), out))


def with_provenance(record, **changed):
    return replace(record, provenance=replace(record.provenance, **changed))


def test_every_image_is_identical_alone_or_among_others(root):
    records = records_of(root)
    together = draw_again(root, records[::-1])
    assert [result.image_id for result in together] == [r.image_id for r in records[::-1]]
    for result in [*together, *draw_again(root, records[5:6])]:
        assert result.identical
        assert result.passed
        assert (result.psnr_db, result.max_difference) == (math.inf, 0)
        assert (result.file, result.profile_changes) == ("intact", ())


def test_the_workspace_is_left_alone_and_its_lock_to_others(root, tmp_path):
    before = digests(root, [""])
    with Workspace(root).lock():
        draw_again(root, records_of(root)[:1], tmp_path / "out")
    after = digests(root, [""])
    for found in (before, after):
        found.pop(".lock", None)  # names the last writer's process
    assert after == before


def test_pictures_drawn_now_are_the_files_of_the_workspace(root, tmp_path):
    records = records_of(root)[:2]
    draw_again(root, records, tmp_path / "out")
    for record in records:
        again = tmp_path / "out" / f"{record.image_id}.png"
        assert again.read_bytes() == (root / record.path).read_bytes()


def test_pictures_are_not_put_into_the_workspace(root):
    with pytest.raises(InputError, match="lies in the workspace"):
        draw_again(root, records_of(root)[:1], root / "images/cactihog")


def test_the_image_files_are_not_needed(root):
    shutil.rmtree(root / "images")
    (result,) = draw_again(root, records_of(root)[:1])
    assert (result.identical, result.file, result.passed) == (True, "missing", True)


def test_a_damaged_file_is_found_out(root):
    one, other, third = records_of(root)[:3]
    with Image.open(root / one.path) as image:
        image.putpixel((3, 3), (1, 2, 3))
        image.save(root / one.path)
    (root / other.path).write_bytes(b"no picture")
    with Image.open(root / third.path) as image:
        image.save(root / third.path)  # the same pixels, without their metadata
    results = draw_again(root, [one, other, third])
    assert [result.file for result in results] == ["damaged", "damaged", "intact"]
    assert [result.passed for result in results] == [False, False, True]
    assert all(result.identical for result in results)


def test_other_pixels_within_one_profile_break_the_promise_and_are_measured(root):
    change_recorded_pixels(root, by=16)
    (result,) = draw_again(root, records_of(root)[:1])
    assert (result.identical, result.passed, result.file) == (False, False, "intact")
    assert result.psnr_db == pytest.approx(20 * math.log10(255 / 16))
    assert result.max_difference == 16
    shutil.rmtree(root / "images")
    (result,) = draw_again(root, records_of(root)[:1])
    assert (result.identical, result.psnr_db, result.max_difference) == (False, None, None)


def use_profile(root, **changed):
    """Have the records name a profile with other values."""
    path = next((root / "reports").glob("profile-*.json"))
    profile = {**json.loads(path.read_text()), **changed}
    digest = digest_of(profile)
    path.with_name(f"profile-{digest[:12]}.json").write_text(canonical_json(profile))
    rewrite_records(root, lambda record: with_provenance(record, profile=digest))


def test_under_another_profile_the_difference_is_told_and_no_promise_broken(root):
    use_profile(root, torch="1.0", device="cuda", gpu="Some GPU", file_format="webp")
    (result,) = draw_again(root, records_of(root)[:1])
    assert result.identical  # it is only said to be another profile
    assert result.profile_changes[:2] == ("device cuda -> cpu", "gpu Some GPU -> none")
    assert result.profile_changes[2].startswith("torch 1.0 -> ")
    assert len(result.profile_changes) == 3  # how files are written changes no pixel
    change_recorded_pixels(root)
    (result,) = draw_again(root, records_of(root)[:1])
    assert (result.identical, result.is_promised, result.passed) == (False, False, True)


def test_an_image_recorded_as_not_reproducible_promises_nothing(root):
    change_recorded_pixels(root)
    rewrite_records(root, lambda record: with_provenance(record, reproducible=False))
    (result,) = draw_again(root, records_of(root)[:1])
    assert not result.identical
    assert not result.reproducible
    assert result.passed


def test_records_know_better_than_the_settings_how_to_draw(root):
    (result,) = draw_again(
        root,
        records_of(root)[:1],
        num_inference_steps=3,
        guidance_scale=9.0,
        width=64,
        height=16,
        micro_batch_size=2,
        dtype="bfloat16",
    )
    assert result.identical


def test_another_model_is_refused_with_what_differs(root, tiny_generator, tmp_path):
    other = tmp_path / "other-model"
    shutil.copytree(tiny_generator, other)
    path = other / "unet/diffusion_pytorch_model.safetensors"
    save_file({name: 2 * array for name, array in load_file(path).items()}, path)
    records = records_of(root)[:1]
    with pytest.raises(ModelError, match=r"other-model: model_digest \w{12} -> \w{12}\).*--model"):
        draw_again(root, records, model=str(other))
    moved = tmp_path / "moved-model"
    shutil.copytree(tiny_generator, moved)
    assert draw_again(root, records, model=str(moved))[0].identical


def test_a_record_whose_id_is_not_that_of_its_recipe_is_refused(root):
    rewrite_records(root, lambda each: replace(each, planned=replace(each.planned, seed=1)))
    record = records_of(root)[0]
    with pytest.raises(ModelError, match=f"{record.image_id}: its id is not that of its recipe"):
        draw_again(root, [record])


def test_a_lost_or_changed_profile_is_said(root):
    path = next((root / "reports").glob("profile-*.json"))
    whole = path.read_text()
    path.write_text(whole.replace('"cpu"', '"gpu"'))
    with pytest.raises(ChecksumError, match="its digest is not the recorded one"):
        draw_again(root, records_of(root)[:1])
    path.unlink()
    with pytest.raises(ChecksumError, match=r"No such file.*restore it"):
        draw_again(root, records_of(root)[:1])


@pytest.mark.slow
def test_an_image_that_failed_fails_again(tiny_generator, tmp_path):
    model = tmp_path / "gray-model"
    shutil.copytree(tiny_generator, model)
    path = model / "vae/diffusion_pytorch_model.safetensors"
    arrays = load_file(path)
    for name in ("decoder.conv_out.weight", "decoder.conv_out.bias"):
        arrays[name] = np.zeros_like(arrays[name])  # every picture is one gray
    save_file(arrays, path)
    root = generate(tmp_path, model, expect=3)
    failed = read_drawn(Workspace(root))[:1]
    (result,) = draw_again(root, failed)
    assert (result.identical, result.failure) == (True, "constant picture")
    assert (result.file, result.passed) == ("none recorded", True)
    rewrite_records(root, lambda record: replace(record, failure="not finite"))
    assert not draw_again(root, failed)[0].passed


def test_difference_is_the_textbook_measure():
    black = np.zeros((2, 2, 3), np.uint8)
    white = np.full_like(black, 255)
    assert difference_between(black, black) == (math.inf, 0)
    assert difference_between(black, white) == (0.0, 255)
    one_off = black.copy()
    one_off[0, 0, 0] = 12
    psnr, most = difference_between(one_off, black)
    assert psnr == pytest.approx(10 * math.log10(255**2 / (144 / 12)))
    assert most == 12
