"""Encoders of every kind as the tier extra of `dedupe`, in a workspace and over a folder."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.spec import Device, EncoderSpec
from isekai_gen.shards import read_lines
from isekai_gen.stages import calibrate_copies, embed, embed_pictures, generate, looks
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.workspace import Workspace
from tests.encoder_models import build_tiny_timm, build_tiny_torchscript
from tests.small_jobs import call, digests, make_context, run_serially, write_job
from tests.stages.painted import paint_scenes
from tests.stages.picture_jobs import painted, save

KINDS = ("open_clip", "timm", "torchscript")
TIERS = ("--tiers", "exact,extra")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    for stage in (calibrate_copies, embed, embed_pictures, generate, looks):
        monkeypatch.setattr(stage, "run_shards", run_serially)


@pytest.fixture(scope="module")
def detectors(tiny_encoder, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("detectors")
    return {
        "open_clip": Path(shutil.copytree(tiny_encoder, folder / "clip-detector")),
        "timm": build_tiny_timm(folder / "timm-detector"),
        "torchscript": build_tiny_torchscript(folder / "script-detector.pt"),
    }


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    """Twenty-four images in two shards, each of its own scene."""
    folder = tmp_path_factory.mktemp("drawn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "run_shards", run_serially)
        context = make_context(folder / "ws", tiny_generator, images_per_concept=6, shard_size=12)
        generate.generate(context, write_job(folder).request)
    paint_scenes(folder / "ws")
    return folder / "ws"


@pytest.fixture
def root(drawn, tmp_path):
    return Path(shutil.copytree(drawn, tmp_path / "ws"))


def limit_below_one_pair(detector: Path, pictures: list[Path]) -> float:
    """A similarity that one pair alone lies above, by the encoder itself."""
    encoder = load_encoder(EncoderSpec(str(detector), "x"), Device("cpu"))
    opened = [Image.open(io.BytesIO(path.read_bytes())) for path in pictures]
    vectors = encoder.encode_images(opened).astype(np.float64)
    alike = np.sort((vectors @ vectors.T)[np.triu_indices(len(pictures), 1)])
    return float(alike[-2:].mean())


@pytest.mark.parametrize("kind", KINDS)
def test_a_workspace_is_deduplicated_by_any_kind(root, tiny_encoder, detectors, kind):
    detector = detectors[kind]
    images = [Workspace(root).root / record.path for record in read_drawn(Workspace(root))]
    given = ("-w", root, "--encoder", tiny_encoder, "--extra-encoder", detector, *TIERS)
    limits = ("--extra-max-similarity", limit_below_one_pair(detector, images))
    told = json.loads(call("dedupe", *given, *limits, "--json", "--quiet").stdout)
    assert (told["tiers"]["extra"]["dropped"], told["tiers"]["exact"]["dropped"]) == (1, 0)
    embeddings = root / "embeddings" / detector.stem
    lines = read_lines(embeddings / "part-00000.ids.jsonl")
    assert {"alignment" in line for line in lines} == {kind == "open_clip"}
    assert (embeddings / "concepts.npy").exists() == (kind == "open_clip")
    before = digests(root, ["embeddings", "edges", "verdicts", "done"])
    call("dedupe", *given, *limits, "--quiet")
    assert digests(root, ["embeddings", "edges", "verdicts", "done"]) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_deduplicated_by_any_kind(tmp_path, detectors, kind):
    names = [tmp_path / "in" / f"{number}.png" for number in range(4)]
    for number, path in enumerate(names):
        save(path, painted(number))
    limit = limit_below_one_pair(detectors[kind], names)
    given = ("--images", tmp_path / "in", "--out", tmp_path / "out", *TIERS)
    extra = ("--extra-encoder", detectors[kind], "--extra-max-similarity", limit)
    told = json.loads(call("dedupe", *given, *extra, "--json", "--quiet").stdout)
    assert (told["found"], told["dropped"], told["failed"]) == (4, 1, 0)
    assert told["tiers"]["extra"]["dropped"] == 1


@pytest.mark.parametrize("kind", ["timm", "torchscript"])
def test_an_encoder_of_pictures_is_calibrated(root, tiny_encoder, detectors, kind):
    given = ("-w", root, "--encoder", tiny_encoder, "--extra-encoder", detectors[kind])
    call("dedupe", *given, "--tiers", "exact,extra", "--quiet")
    call("calibrate", "-w", root, "--quiet")
    written = json.loads((root / "reports/calibration.json").read_text())
    assert written["tiers"]["extra"]["label"] == detectors[kind].stem


@pytest.mark.parametrize("kind", ["timm", "torchscript"])
def test_an_encoder_of_pictures_is_refused_as_the_main_one(root, tmp_path, detectors, kind):
    save(tmp_path / "in/1.png", painted(1))
    detector = detectors[kind]
    for arguments in (
        ("embed", "-w", root),
        ("dedupe", "-w", root),
        ("overlap", "-w", root),
        ("dedupe", "--images", tmp_path / "in", "--out", tmp_path / "out"),
    ):
        done = call(*arguments, "--encoder", detector, expect=2)
        assert f"{detector}: a " in done.stderr
        assert "embeds no text, and --encoder must" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (root / "embeddings").exists()
