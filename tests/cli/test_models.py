"""The table of presets, and how a preset meets the other settings of a workspace."""

from __future__ import annotations

import json

from isekai_gen.models.presets import PRESETS
from isekai_gen.settings import read_settings
from tests.models.lora_files import write_lora
from tests.small_jobs import call, write_job


def test_the_table_names_every_preset_with_its_model():
    lines = call("models").output.splitlines()
    for preset in PRESETS.values():
        assert any(preset.name in line and preset.model in line for line in lines)


def test_json_has_the_keys_of_isekai_toml():
    told = json.loads(call("models", "--json").output)
    assert told.keys() == PRESETS.keys()
    assert told["sdxl"]["width"] == 1024


def test_an_unknown_preset_leaves_no_workspace(tmp_path):
    job = write_job(tmp_path)
    result = call(
        "generate", "-w", tmp_path / "ws", "--preset", "sdx", "--concepts", job.catalog, expect=2
    )
    assert "did you mean 'sdxl'?" in result.output
    assert not (tmp_path / "ws" / "isekai.toml").exists()


def test_a_preset_is_weaker_than_options_and_stronger_than_isekai_toml(tmp_path):
    job = write_job(tmp_path)
    root = tmp_path / "ws"
    root.mkdir()
    (root / "isekai.toml").write_text(
        '[generate]\nmodel = "owner/other"\nscheduler = "flow-euler"\nnum_inference_steps = 3\n'
        "seed = 5\n"
    )
    call(
        *("generate", "-w", root, "--concepts", job.catalog, "--templates", job.templates),
        *("--images-per-concept", 1, "--preset", "starter", "--devices", "cpu"),
        ISEKAI_GEN_WIDTH="64",
        ISEKAI_GEN_HEIGHT="64",
    )
    kept = read_settings(root / "isekai.toml").generate
    assert (kept.model, kept.scheduler, kept.num_inference_steps) == ("starter", None, 8)
    assert (kept.width, kept.height, kept.seed) == (64, 64, 5)


def test_paths_of_adapters_are_kept_absolute(tmp_path, monkeypatch):
    job = write_job(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "style.safetensors").write_bytes(b"\x07" * 64)
    result = call(
        *("generate", "-w", tmp_path / "ws", "--concepts", job.catalog),
        *("--lora", "style.safetensors:0.5"),
        expect=2,
    )
    assert f"{tmp_path / 'style.safetensors'}: weights cannot be read" in result.output


def test_all_that_changes_a_model_reaches_the_records(tmp_path, tiny_generator):
    job = write_job(tmp_path)
    lora = write_lora(tmp_path / "lora", tiny_generator)
    root = tmp_path / "ws"
    call(
        *("generate", "-w", root, "--concepts", job.catalog, "--templates", job.templates),
        *("--model", tiny_generator, "--images-per-concept", 1, "--devices", "cpu"),
        *("--width", 32, "--height", 32, "--num-inference-steps", 2),
        *("--dtype", "float32,vae=bfloat16", "--scheduler", "dpm++:use_karras_sigmas=true"),
        *("--lora", f"{lora}:0.5", "--vae", tiny_generator / "vae", "--no-safety-checker"),
    )
    part = (root / "records" / "part-00000.jsonl").read_text().splitlines()
    for line in part:
        told = json.loads(line)["provenance"]
        assert told["dtype"] == "float32,vae=bfloat16"
        assert told["scheduler"] == "DPMSolverMultistepScheduler"
        style, vae = told["adapters"]
        assert style.startswith("style.safetensors@0.5#")
        assert vae.startswith("vae@vae#")
