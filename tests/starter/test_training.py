"""Training the starter with its command, on a CPU, killed after its first stage and run again."""

import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from safetensors import safe_open

from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import (
    Device,
    DrawRequest,
    DrawSettings,
    EncoderSpec,
    GeneratorSpec,
    starter_folder,
)
from isekai_gen.starter.training.settings import TrainingSettings
from tests.held_writes import HeldWrites

REPOSITORY = Path(__file__).resolve().parents[2]
STAGES = ["render", "autoencoder", "denoiser", "clip", "judge", "judge on fresh renders"]


@dataclass(frozen=True)
class ResumedTraining:
    """A run of the command that was killed after its first stage, and run again.

    Attributes:
        out: Exported models.
        work: Renders and checkpoints.
        rendered: File name to (bytes, time of change) of the renders when the first was killed.
        first_steps: Steps of the autoencoder when the first was killed.
        card: The training card of the second.
    """

    out: Path
    work: Path
    rendered: dict[str, tuple[bytes, int]]
    first_steps: int
    card: dict


def clock_of(checkpoint: Path) -> dict:
    with safe_open(checkpoint, framework="np") as file:
        return json.loads(file.metadata()["clock"])


def renders_in(work: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(work.glob("*.npy"))
    }


@pytest.fixture(scope="module")
def training(tmp_path_factory) -> ResumedTraining:
    folder = tmp_path_factory.mktemp("training")
    out, work = folder / "out", folder / "work"
    command = [sys.executable, "-m", "isekai_gen.starter.training", str(out), "--work", str(work)]
    command += ["--preset", "tiny"]
    held = HeldWrites(folder / "held")
    held.hold("*/denoiser.safetensors")  # the first run gets no further than its second stage
    environment = {
        **held.environment,
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",  # quicker than two that wait for each other on a busy machine
    }
    checkpoint = work / "autoencoder.safetensors"
    with (folder / "log").open("w+") as log:
        first = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        while not checkpoint.exists() and first.poll() is None:
            time.sleep(0.02)
        first.kill()
        first.wait()
        log.seek(0)
        assert checkpoint.exists(), log.read()
    held.release()
    rendered, first_steps = renders_in(work), clock_of(checkpoint)["step"]
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    card = json.loads((out / "training.json").read_text())
    return ResumedTraining(out, work, rendered, first_steps, card)


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_renders_and_checkpoints(training):
    assert training.rendered.keys() == {
        "train.npy",
        "train-tokens.npy",
        "judge.npy",
        "judge-tokens.npy",
    }
    assert renders_in(training.work) == training.rendered
    assert training.card["stages"]["autoencoder"]["steps"] == training.first_steps > 0
    assert clock_of(training.work / "autoencoder.safetensors")["step"] == training.first_steps


@pytest.mark.slow
def test_the_card_says_what_was_done(training):
    assert list(training.card["stages"])[: len(STAGES)] == STAGES
    tiny = json.loads(json.dumps(TrainingSettings.tiny().__dict__))
    assert training.card["settings"] == tiny
    assert training.card["hardware"] == "cpu"
    for stage in ("denoiser", "clip", "judge"):
        assert training.card["stages"][stage]["steps"] > 0
        assert training.card["stages"][stage]["seconds"] >= 0.5
    assert math.isfinite(training.card["stages"]["autoencoder"]["psnr_db"])
    assert training.card["wall_seconds"] > 1


@pytest.mark.slow
def test_trained_models_load_like_any_other(training):
    spec = GeneratorSpec(str(training.out / "image-generator"), "trained")
    drawn = load_generator(spec, Device("cpu")).draw(
        [DrawRequest(0, "a crab with a clock face", "", 3)], DrawSettings(128, 128, 2, 3.0, 1)
    )
    assert drawn[0].failure == ""
    assert drawn[0].pixels.shape == (128, 128, 3)
    encoder = load_encoder(EncoderSpec(str(training.out / "encoder"), "trained"), Device("cpu"))
    assert encoder.encode_images([Image.fromarray(drawn[0].pixels)]).shape == (1, encoder.dim)
    assert encoder.dim == TrainingSettings.tiny().clip_dim
    assert (training.out / "judge.safetensors").stat().st_size > 100_000


@pytest.mark.slow
def test_export_has_the_layout_of_the_shipped_models(training):
    """What training writes can be put in the place of what is shipped."""
    for name in ("image-generator", "encoder"):
        shipped, made = starter_folder(name), training.out / name
        files = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
        expected = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()}
        # Facts that are measured once an encoder is there.
        assert files == expected - {Path("isekai_gen.toml")}
