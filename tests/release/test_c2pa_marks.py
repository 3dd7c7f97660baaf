"""Pictures that say, signed, that a model drew them."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import c2pa
import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import load_pem_x509_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from isekai_gen.errors import MissingDependencyError, ReleaseError
from isekai_gen.records import Concept, ImageRecord, PlannedImage, Provenance
from isekai_gen.release.images import ImageMeasures, ReleasedImage
from isekai_gen.release.signing.c2pa_check import check_c2pa
from isekai_gen.release.signing.c2pa_marks import C2paMarker
from isekai_gen.stages.pictures import FileStyle, image_bytes
from tests.release.signing_keys import PairFiles, PairStyle, write_pair

FORMATS = ("png", "webp", "jpeg")
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
CACTIHOG = Concept("cactihog", "cactihog", "fictional", "prickly", "a cactihog", "A cactihog.")
PLANNED = PlannedImage("a" * 20, "cactihog", 0, "plain", {"scene": "bee"}, "a secret", "", 0, 0)
PROVENANCE = Provenance(
    model="tiny",
    revision="c0ffee",
    model_digest="d" * 64,
    pipeline="StableDiffusionPipeline",
    scheduler="DDIMScheduler",
    scheduler_config_digest="c" * 64,
    num_inference_steps=4,
    guidance_scale=1.5,
    width=24,
    height=24,
    dtype="float32",
    micro_batch_size=4,
    profile="p" * 64,
)


def picture(image_format: str) -> bytes:
    return image_bytes(PIXELS, PLANNED, PROVENANCE, FileStyle(image_format))


def released(image_format: str) -> ReleasedImage:
    suffix = FileStyle(image_format).suffix
    path = f"images/cactihog/{PLANNED.image_id}{suffix}"
    record = ImageRecord(PLANNED, PROVENANCE, "", path, "0" * 64, "1" * 64, False)
    place = f"images/cactihog/cactihog-0001{suffix}"
    return ReleasedImage(record, CACTIHOG, 0, place, "test", ImageMeasures(PLANNED.image_id))


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> PairFiles:
    return write_pair(tmp_path_factory.mktemp("pair"), "es256")


@pytest.fixture(scope="module")
def marker(pair) -> C2paMarker:
    return C2paMarker(pair.cert, pair.key)


@pytest.fixture(scope="module")
def marked(marker) -> dict[str, bytes]:
    """A marked picture by format."""
    return {each: marker.mark(picture(each), released(each)) for each in FORMATS}


def statement(content: bytes, media_type: str) -> dict:
    with c2pa.Reader(media_type, io.BytesIO(content)) as reader:
        assert reader.is_embedded()
        return reader.get_active_manifest()


@pytest.mark.parametrize("image_format", FORMATS)
def test_a_marked_picture_is_whole_and_keeps_pixels_and_metadata(marked, image_format):
    before = Image.open(io.BytesIO(picture(image_format)))
    after = Image.open(io.BytesIO(marked[image_format]))

    assert check_c2pa(marked[image_format]) == []
    assert np.array_equal(np.asarray(before), np.asarray(after))
    kept = ("xmp", "exif", "isekai-gen", "XML:com.adobe.xmp")
    assert {key: before.info.get(key) for key in kept} == {key: after.info.get(key) for key in kept}
    assert len(marked[image_format]) - len(picture(image_format)) < 5000


@pytest.mark.parametrize("image_format", FORMATS)
def test_the_mark_says_that_a_model_drew_the_picture(marked, image_format):
    (actions,) = statement(marked[image_format], f"image/{image_format}")["assertions"]
    (created,) = actions["data"]["actions"]

    assert actions["label"] == "c2pa.actions.v2"
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert created["softwareAgent"]["name"] == "isekai-gen"
    assert sorted(created["parameters"].values()) == ["c0ffee", "d" * 64, "tiny"]


def test_the_mark_tells_no_prompt_and_no_concept(marker):
    bare = image_bytes(PIXELS, PLANNED, PROVENANCE, FileStyle("png", prompt_metadata=False))

    content = marker.mark(bare, released("png"))

    assert b"secret" not in content
    assert b"cactihog" not in content


@pytest.mark.parametrize("kind", ["es256", "es384", "ps256", "ed25519"])
def test_every_kind_of_key_that_the_help_names_signs(tmp_path, kind):
    pair = write_pair(tmp_path, kind)

    content = C2paMarker(pair.cert, pair.key).mark(picture("png"), released("png"))

    assert check_c2pa(content) == []


def test_several_threads_mark_with_one_marker(marker):
    images = [each for each in FORMATS for _ in range(8)]
    with ThreadPoolExecutor(4) as threads:
        contents = list(
            threads.map(lambda each: marker.mark(picture(each), released(each)), images)
        )

    assert [check_c2pa(content) for content in contents] == [[]] * len(images)
    assert len(set(contents)) == len(contents)


@pytest.mark.parametrize("image_format", FORMATS)
def test_any_changed_bit_outside_the_mark_is_found(marked, image_format):
    content = marked[image_format]
    begin, end = _place_of_mark(content, len(picture(image_format)))

    outside = [*range(begin), *range(end, len(content))]

    # Within, only what is signed is covered: not names of boxes, not padding.
    @settings(max_examples=60, deadline=None)
    @given(place=st.sampled_from(outside), bit=st.integers(0, 7))
    def flip(place: int, bit: int) -> None:
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        assert check_c2pa(bytes(changed)) != []

    flip()


def _place_of_mark(content: bytes, size_before: int) -> tuple[int, int]:
    """Where the mark's own bytes are: a chunk of PNG or WebP, or a segment of JPEG."""
    begin = next(
        content.index(name) - before
        for name, before in ((b"caBX", 4), (b"C2PA", 0), (b"\xff\xeb", 0))
        if name in content
    )
    return begin, begin + len(content) - size_before


def test_a_changed_claim_is_found(marked):
    assert marked["png"].count(b"trainedAlgorithmicMedia") == 2
    place = marked["png"].index(b"trainedAlgorithmicMedia")

    changed = bytearray(marked["png"])
    changed[place] ^= 1

    assert check_c2pa(bytes(changed)) != []


@pytest.mark.parametrize("image_format", FORMATS)
def test_bytes_at_the_end_are_found(marked, image_format):
    assert check_c2pa(marked[image_format] + b"more") != []


@pytest.mark.parametrize("image_format", FORMATS)
def test_a_picture_without_a_mark_is_found(image_format):
    (fault,) = check_c2pa(picture(image_format))
    assert "no readable C2PA mark" in fault


def test_a_mark_moved_to_another_picture_is_found(marked):
    other = io.BytesIO()
    Image.fromarray(PIXELS[::-1]).save(other, "PNG")
    chunk = _chunk(marked["png"], b"caBX")

    moved = other.getvalue()[:33] + chunk + other.getvalue()[33:]

    assert check_c2pa(moved) == ["the C2PA mark is broken: assertion.dataHash.mismatch"]


def _chunk(png: bytes, kind: bytes) -> bytes:
    start = png.index(kind) - 4
    return png[start : start + 12 + int.from_bytes(png[start : start + 4])]


def test_a_mark_outlives_its_certificate(tmp_path):
    for seconds in (5, 20, 80):  # as many as this machine needs to sign
        style = PairStyle(timedelta(seconds=-2), timedelta(seconds=seconds))
        pair = write_pair(tmp_path, "es256", style)
        try:
            content = C2paMarker(pair.cert, pair.key).mark(picture("png"), released("png"))
            break
        except ReleaseError:
            if seconds == 80:
                raise
    ends = load_pem_x509_certificate(pair.cert.read_bytes()).not_valid_after_utc
    time.sleep((ends - datetime.now(UTC)).total_seconds() + 0.2)

    with pytest.raises(ReleaseError, match="not now"):
        C2paMarker(pair.cert, pair.key)
    assert check_c2pa(content) == []


def test_a_picture_that_cannot_be_signed_is_named(marker):
    with pytest.raises(ReleaseError, match=r"cannot sign images/cactihog/a{20}\.png"):
        marker.mark(b"no picture", released("png"))


@pytest.mark.parametrize(
    ("kind", "style", "message"),
    [
        ("es256", PairStyle(passphrase=b"pass"), "is encrypted"),
        ("es256", PairStyle(timedelta(days=-9), timedelta(days=8)), "is valid from .* not now"),
        ("es256", PairStyle(timedelta(days=1)), "is valid from .* not now"),
        ("es256", PairStyle(usage=ExtendedKeyUsageOID.SERVER_AUTH), "C2PA cannot sign with"),
        ("p224", PairStyle(), "no key of the kind"),
        ("dsa", PairStyle(), "no key of the kind"),
    ],
)
def test_a_pair_that_cannot_sign_is_refused_at_once(tmp_path, kind, style, message):
    pair = write_pair(tmp_path, kind, style)

    with pytest.raises(ReleaseError, match=message) as refused:
        C2paMarker(pair.cert, pair.key)

    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)


def test_only_another_certificate_is_another_identity(tmp_path, pair, marker):
    other = write_pair(tmp_path, "es256")

    assert C2paMarker(pair.cert, pair.key).identity == marker.identity
    assert C2paMarker(other.cert, other.key).identity != marker.identity


def test_the_key_of_another_certificate_is_refused(tmp_path, pair):
    other = write_pair(tmp_path, "es256")

    with pytest.raises(ReleaseError, match="not the certificate of the key"):
        C2paMarker(pair.cert, other.key)


def test_missing_and_mixed_up_files_are_named(pair, tmp_path):
    with pytest.raises(ReleaseError, match=r"cannot read the certificate .*nowhere\.pem"):
        C2paMarker(tmp_path / "nowhere.pem", pair.key)
    with pytest.raises(ReleaseError, match=r"cannot read the private key .*nowhere\.pem"):
        C2paMarker(pair.cert, tmp_path / "nowhere.pem")
    with pytest.raises(ReleaseError, match=r"key\.pem is no PEM certificate"):
        C2paMarker(pair.key, pair.key)
    with pytest.raises(ReleaseError, match=r"cert\.pem is no PEM private key"):
        C2paMarker(pair.cert, pair.cert)


def test_no_error_quotes_the_key(tmp_path, pair):
    secret = pair.key.read_text().splitlines()
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("\n".join([secret[0], secret[1][:-4], *secret[2:]]))

    with pytest.raises(ReleaseError) as refused:
        C2paMarker(pair.cert, damaged)

    whole = "".join(_texts(refused.value))
    assert not any(line[:12] in whole for line in secret[1:-1])


def _texts(error: BaseException | None) -> list[str]:
    shown = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [str(error), *(_texts(shown) if shown else [])]


def test_a_key_in_another_encoding_signs(tmp_path, pair):
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    openssl = tmp_path / "openssl.pem"
    openssl.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )

    assert C2paMarker(pair.cert, openssl).mark(picture("png"), released("png"))


def test_without_the_extra_the_install_line_is_given(pair, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)

    with pytest.raises(MissingDependencyError, match=r"pip install 'isekai-gen\[c2pa\]'"):
        C2paMarker(pair.cert, pair.key)
