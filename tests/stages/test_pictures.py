"""Image files: pixels as drawn, and an account of themselves that other programs can read."""

import io
import json
import shutil
import subprocess
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from isekai_gen.errors import InputError
from isekai_gen.records import PlannedImage, Provenance
from isekai_gen.stages.picture_origin import xmp_packet
from isekai_gen.stages.pictures import FileStyle, decode_picture, image_bytes, read_origin

FORMATS = ("png", "webp", "jpeg")
PLANNED = PlannedImage(
    image_id="97dcd1ebc2adae625d19",
    concept="cactihog",
    index=7,
    template="in-place",
    slots={"place": "at the Strand & café <für alle>"},
    prompt='a "cactihog" at the Strand & café <für alle> 猫',
    negative_prompt="blurry",
    seed=2**63 - 5,
    row=3,
)
PROVENANCE = Provenance(
    model="somebody/model",
    revision="a" * 40,
    model_digest="d" * 64,
    pipeline="StableDiffusionPipeline",
    scheduler="DDIMScheduler",
    scheduler_config_digest="c" * 64,
    num_inference_steps=4,
    guidance_scale=1.5,
    width=24,
    height=16,
    dtype="float32",
    micro_batch_size=4,
    profile="p" * 64,
    adapters=("style@0.8#0123456789ab",),
)
LABELS = {"prompt", "negative_prompt", "slots", "concept", "template", "index"}
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def written(folder, style, pixels=PIXELS, planned=PLANNED):
    path = folder / f"picture{style.suffix}"
    path.write_bytes(image_bytes(pixels, planned, PROVENANCE, style))
    return path


@pytest.mark.parametrize("image_format", ["png", "webp"])
@given(pixels=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_lossless_files_decode_to_exactly_the_drawn_pixels(image_format, pixels):
    style = FileStyle(image_format)
    content = image_bytes(pixels, PLANNED, PROVENANCE, style)
    np.testing.assert_array_equal(np.asarray(decode_picture(content, style.suffix)), pixels)


def test_jpeg_keeps_the_full_color_resolution():
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, ::2, 0] = 255  # red stripes of one pixel: half resolution would make them one color
    content = image_bytes(pixels, PLANNED, PROVENANCE, FileStyle("jpeg"))
    decoded = np.asarray(decode_picture(content, ".jpg")).astype(int)
    assert np.abs(decoded - pixels).max() < 20


@pytest.mark.parametrize("image_format", FORMATS)
def test_the_same_picture_gives_the_same_bytes_whatever_it_tells_the_same_pixels(image_format):
    style = FileStyle(image_format)
    content = image_bytes(PIXELS, PLANNED, PROVENANCE, style)
    assert image_bytes(PIXELS.copy(), replace(PLANNED), PROVENANCE, style) == content
    silent = image_bytes(PIXELS, PLANNED, PROVENANCE, replace(style, prompt_metadata=False))
    assert silent != content
    decoded = [np.asarray(decode_picture(each, style.suffix)) for each in (content, silent)]
    np.testing.assert_array_equal(*decoded)


@pytest.mark.parametrize("image_format", FORMATS)
def test_a_file_tells_its_whole_origin(tmp_path, image_format):
    origin = read_origin(written(tmp_path, FileStyle(image_format)))
    told = {name: origin[name] for name in PLANNED.to_json()}
    assert PlannedImage.from_json(told) == PLANNED
    rest = {name: origin[name] for name in origin.keys() - told.keys()}
    assert Provenance.from_json({"schema": 1, **rest}) == PROVENANCE


# Surrogates are no characters: no text that comes from a file can hold them.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("image_format", FORMATS)
@given(prompt=TEXTS)
def test_any_prompt_survives_in_the_file(image_format, tmp_path_factory, prompt):
    folder = tmp_path_factory.getbasetemp()
    path = written(folder, FileStyle(image_format), planned=replace(PLANNED, prompt=prompt))
    assert read_origin(path)["prompt"] == prompt


@given(prompt=TEXTS)
def test_xmp_is_xml_and_its_prompt_is_the_prompt(prompt):
    packet = ElementTree.fromstring(xmp_packet(prompt, PROVENANCE))  # noqa: S314 - our own text
    name = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}AIPromptInformation"
    (element,) = packet.iter(name)
    said = element.text or ""
    assert len(said) == len(prompt)
    pairs = [(one, other) for one, other in zip(prompt, said, strict=True) if one != other]
    assert all(other == "\ufffd" for _, other in pairs)
    assert not any(one.isprintable() for one, _ in pairs)


def told_by_exiftool(path):
    if shutil.which("exiftool") is None:
        pytest.skip("EXIFTOOL IS MISSING: install libimage-exiftool-perl to run this test")
    done = subprocess.run(
        ["exiftool", "-json", "-G1", path], capture_output=True, text=True, check=True
    )
    (told,) = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("image_format", FORMATS)
def test_exiftool_reads_the_iptc_fields_and_our_block(tmp_path, image_format):
    told = told_by_exiftool(written(tmp_path, FileStyle(image_format)))
    iptc = "XMP-iptcExt:"
    assert told[f"{iptc}DigitalSourceType"].endswith("/digitalsourcetype/trainedAlgorithmicMedia")
    assert told[f"{iptc}AISystemUsed"] == "somebody/model"
    assert told[f"{iptc}AISystemVersionUsed"] == "a" * 40
    assert told[f"{iptc}AIPromptInformation"] == PLANNED.prompt
    assert told[f"{iptc}AIPromptWriterName"] == "isekai-gen templates"
    key = "PNG:Isekai-gen" if image_format == "png" else "ExifIFD:UserComment"
    assert json.loads(told[key])["seed"] == PLANNED.seed
    assert "ExifTool:Warning" not in told


@pytest.mark.parametrize("image_format", FORMATS)
def test_files_without_prompt_metadata_leak_no_label(tmp_path, image_format):
    path = written(tmp_path, FileStyle(image_format, prompt_metadata=False))
    origin = read_origin(path)
    assert not LABELS & origin.keys()
    assert origin["image_id"] == PLANNED.image_id
    assert origin["seed"] == PLANNED.seed
    assert origin["model_digest"] == PROVENANCE.model_digest
    content = path.read_bytes()
    assert b"trainedAlgorithmicMedia" in content
    for leak in (b"cactihog", b"Strand", b"blurry", b"in-place", b"AIPromptInformation"):
        assert leak not in content


def test_a_prompt_too_long_for_jpeg_is_said_with_what_to_do():
    planned = replace(PLANNED, prompt="word " * 14_000)
    with pytest.raises(InputError, match=r"97dcd1ebc2adae625d19.*--image-format png or webp"):
        image_bytes(PIXELS, planned, PROVENANCE, FileStyle("jpeg"))
    image_bytes(PIXELS, planned, PROVENANCE, FileStyle("jpeg", prompt_metadata=False))
    image_bytes(PIXELS, planned, PROVENANCE, FileStyle("webp"))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_pictures_of_others_do_not_say_how_they_came_to_be(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(PIXELS).save(path)
    with pytest.raises(InputError, match="does not say how it came to be"):
        read_origin(path)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match="does not say how it came to be"):
        read_origin(path)


def test_a_file_must_have_the_format_of_its_suffix():
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG")
    with pytest.raises(ValueError, match="no picture that can be opened"):
        decode_picture(buffer.getvalue(), ".webp")


def test_why_bytes_are_no_picture_is_the_same_in_every_run():
    reasons = set()
    for _ in range(2):
        with pytest.raises(ValueError, match="no picture that can be opened") as caught:
            decode_picture(b"hello", ".png")
        reasons.add(str(caught.value))
    assert reasons == {"is no picture that can be opened (of no known format)"}
