"""Encoders of pictures only: timm's folders and TorchScript files, loaded as they were saved."""

from __future__ import annotations

import json
import shutil
import warnings

import numpy as np
import pytest
import torch  # noqa: TID253 - the code under test is torch's
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision import transforms

from isekai_gen.embeddings import normalized
from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_files import encoder_library, identify_encoder
from isekai_gen.models.encoders import load_encoder, load_text_encoder
from isekai_gen.models.spec import EncoderSpec
from tests.encoder_models import build_tiny_timm, build_tiny_torchscript, save_program
from tests.models.conftest import CPU, one_line


@pytest.fixture(scope="module")
def timm_folder(tmp_path_factory):
    return build_tiny_timm(tmp_path_factory.mktemp("timm") / "vit")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build_tiny_torchscript(tmp_path_factory.mktemp("programs") / "detector.pt")


@pytest.fixture
def copy(timm_folder, tmp_path):
    return shutil.copytree(timm_folder, tmp_path / "copy")


def load(source):
    return load_encoder(EncoderSpec(str(source), "x"), CPU)


def identity(source) -> str:
    return identify_encoder(EncoderSpec(str(source), "x"))


def refusal(source) -> str:
    with pytest.raises(ModelError) as error:
        load(source)
    return one_line(error)


def pictures(count: int, side: tuple[int, int] = (40, 56)) -> list[Image.Image]:
    random = np.random.default_rng(1)
    return [
        Image.fromarray(random.integers(0, 256, (*side, 3), dtype=np.uint8)) for _ in range(count)
    ]


def by_hand(images, transform, network, rows: int = 32):
    """Vectors as the libraries' own pieces give them, in one padded batch."""
    stacked = torch.stack([transform(image) for image in images])
    padding = stacked[:1].expand(rows - len(images), -1, -1, -1)
    with torch.inference_mode():
        return normalized(network(torch.cat([stacked, padding])).numpy()[: len(images)])


def test_a_timm_folder_gives_what_timm_gives(timm_folder):
    import timm

    encoder = load(timm_folder)
    config = json.loads((timm_folder / "config.json").read_text())
    model = timm.create_model(
        config["architecture"], **{**config["model_args"], "num_classes": config["num_classes"]}
    )
    model.load_state_dict(load_file(timm_folder / "model.safetensors"))
    looks = timm.data.resolve_data_config({}, pretrained_cfg=config["pretrained_cfg"])
    transform = timm.data.create_transform(**looks, is_training=False)
    model.reset_classifier(0)
    expected = by_hand(pictures(3), transform, model.eval())
    assert encoder.dim == 32  # the features: no logits of 7 classes
    assert np.array_equal(encoder.encode_images(pictures(3)), expected)


def test_a_program_gives_what_torch_gives_with_the_documented_defaults(program):
    transform = transforms.Compose(
        [
            transforms.Resize((288, 288)),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = torch.jit.load(str(program))
    encoder = load(program)
    assert encoder.dim == 16
    assert np.allclose(
        encoder.encode_images(pictures(3)), by_hand(pictures(3), transform, loaded), atol=1e-6
    )


def test_a_program_gives_the_same_bits_on_every_call(program):
    encoder = load(program)
    images = pictures(40)
    first = encoder.encode_images(images)
    for _ in range(3):
        assert np.array_equal(encoder.encode_images(images), first)
    assert np.array_equal(encoder.encode_images(images[::-1])[::-1], first)
    assert np.array_equal(encoder.encode_images(images[:1]), first[:1])


def test_a_program_may_lie_in_a_folder_that_says_how_pictures_are_prepared(program, tmp_path):
    folder = tmp_path / "sscd"
    folder.mkdir()
    shutil.copy(program, folder / "any-name.torchscript")
    assert identity(folder) == identity(program)
    said = {"size": 64, "resize_mode": "shortest", "mean": [0, 0, 0], "std": [1, 1, 1]}
    (folder / "preprocess.json").write_text(json.dumps(said))
    assert identity(folder) != identity(program)
    encoder = load(folder)
    (tall,) = pictures(1, side=(128, 64))
    middle = tall.crop((0, 32, 64, 96))
    assert np.array_equal(encoder.prepare(tall), np.asarray(middle))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "not readable as JSON"),
        ('{"sizes": 3}', "sizes: Extra inputs are not permitted"),
        ('{"size": 0}', "size: "),
        ('{"std": [1, 0, 1]}', "std.1: "),
        ('{"mean": [0, 0]}', "mean.2: "),
        ('{"resize_mode": "longest"}', "resize_mode: "),
    ],
)
def test_a_wrong_preprocess_file_is_refused(program, tmp_path, text, expected):
    shutil.copy(program, tmp_path / "a.pt")
    (tmp_path / "preprocess.json").write_text(text)
    line = refusal(tmp_path)
    assert "preprocess.json" in line
    assert expected in line


def test_several_programs_in_a_folder_are_refused(program, tmp_path):
    for name in ("a.pt", "b.torchscript"):
        shutil.copy(program, tmp_path / name)
    assert "several TorchScript files (a.pt, b.torchscript)" in refusal(tmp_path)


def test_pickled_weights_are_never_taken_for_a_program(tmp_path):
    torch.save({"weight": torch.zeros(3)}, tmp_path / "weights.pt")
    assert "pickles can run code and are never loaded" in refusal(tmp_path / "weights.pt")


def test_a_damaged_program_is_refused(program, tmp_path):
    content = program.read_bytes()
    (tmp_path / "cut.pt").write_bytes(content[:-100])
    assert "not a TorchScript file, or cut short" in refusal(tmp_path / "cut.pt")
    middle = len(content) // 2
    flipped = bytes([content[middle] ^ 0xFF])
    (tmp_path / "flipped.pt").write_bytes(content[:middle] + flipped + content[middle + 1 :])
    assert "flipped.pt: " in refusal(tmp_path / "flipped.pt")
    assert "no such file" in refusal(tmp_path / "missing.pt")


class Shaped(torch.nn.Module):
    def __init__(self, keep: int) -> None:
        super().__init__()
        self.keep = keep

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (
            x if self.keep == 4 else x.mean(dim=(1, 2, 3)) if self.keep == 1 else x.flatten(1)[1:]
        )


class Pair(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


class Whole(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1).long()


class NotFinite(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3)) / 0.0


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (Shaped(4), "a tensor of shape [1, 3, 288, 288] for 1 inputs"),
        (Shaped(1), "a tensor of shape [1] for 1 inputs"),
        (Shaped(2), "a tensor of shape [0, 248832] for 1 inputs"),
        (Pair(), "gave a tuple and no tensor"),
        (Whole(), "numbers of type torch.int64"),
        (torch.nn.Sequential(torch.nn.Conv2d(4, 2, 1)), "cannot take 1 inputs"),
    ],
)
def test_a_program_that_gives_no_vector_for_each_picture_is_refused(tmp_path, module, expected):
    path = save_program(module, tmp_path / "odd.pt")
    line = refusal(path)
    assert line.startswith(f"{path}: ")
    assert expected in line


def test_vectors_that_are_not_finite_are_refused(tmp_path):
    encoder = load(save_program(NotFinite(), tmp_path / "infinite.pt"))
    with pytest.raises(ModelError, match="not finite"):
        encoder.encode_images(pictures(2))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_every_file_of_a_timm_folder_is_part_of_its_identity(timm_folder, copy, name):
    assert identity(copy) == identity(timm_folder)
    if name == "config.json":
        (copy / name).write_text((copy / name).read_text() + "\n")
    else:
        tensors = load_file(copy / name)
        tensors["norm.bias"] = tensors["norm.bias"] + 1
        save_file(tensors, copy / name)
    assert identity(copy) != identity(timm_folder)


def change_config(folder, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"architecture": "vit_tiny_patch16_22"}, "timm has no architecture 'vit_tiny_patch16_22'"),
        ({"architecture": "hf-hub:timm/vit"}, "timm has no architecture"),
        ({"architecture": 3}, "architecture must be a name"),
        ({"model_args": {"img_size": 64}}, "weights do not fit"),
        ({"model_args": "x"}, "model_args must be a JSON object"),
        ({"model_args": {"checkpoint_path": "/x.pth"}}, "model_args has checkpoint_path"),
        ({"num_classes": 9}, "head.bias and 1 more"),
    ],
)
def test_a_timm_folder_that_is_not_what_timm_saved_is_refused(copy, changes, expected):
    change_config(copy, **changes)
    line = refusal(copy)
    assert str(copy) in line
    assert expected in line


def test_timm_weights_are_never_random(copy):
    tensors = load_file(copy / "model.safetensors")
    del tensors["norm.bias"]
    save_file(tensors, copy / "model.safetensors")
    assert "norm.bias and 0 more are missing" in refusal(copy)
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    assert "never loaded" in refusal(copy)


def test_a_folder_of_neither_kind_says_what_is_missing(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    assert "no config.json that names an architecture of timm" in refusal(tmp_path)


def test_an_encoder_of_pictures_is_refused_where_text_is_read(timm_folder, program):
    for source, kind in ((timm_folder, "a timm model"), (program, "a TorchScript file")):
        with pytest.raises(ModelError) as error:
            load_text_encoder(EncoderSpec(str(source), "x"), CPU)
        assert f"{kind} embeds no text" in one_line(error)
        assert "--extra-encoder" in one_line(error)
        assert not hasattr(load(source), "encode_texts")


def test_embeddings_depend_on_the_library_that_makes_them(timm_folder, program, tmp_path):
    libraries = [encoder_library(EncoderSpec(str(p), "x")) for p in (timm_folder, program)]
    assert [list(found) for found in libraries] == [["timm"], []]
    assert list(encoder_library(EncoderSpec("ViT-B-32/openai", "x"))) == ["open_clip"]
