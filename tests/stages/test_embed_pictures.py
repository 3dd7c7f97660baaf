"""Any source's pictures: digests, hashes and embeddings, by shards that survive a kill."""

import hashlib
import io
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from isekai_gen.errors import InputError
from isekai_gen.hashing import pixel_sha256
from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.perceptual import PictureHashes, hash_picture
from isekai_gen.models.spec import Device, EncoderSpec
from isekai_gen.settings import Settings
from isekai_gen.stages import embed_pictures as stage
from isekai_gen.stages import embed_pictures_vectors as joining
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed_pictures import embed_pictures
from isekai_gen.stages.embed_pictures_decode import UnreadablePictureError, decode
from isekai_gen.stages.picture_sources import open_source
from isekai_gen.workspace import Workspace
from tests.held_writes import HeldWrites
from tests.small_jobs import Recorder, call, command, digests, run_serially
from tests.stages.picture_jobs import encoded, painted, save, snapshot, write_parquet, write_tar


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(stage, "run_shards", run_serially)


@pytest.fixture
def spec(tiny_encoder):
    return EncoderSpec(str(tiny_encoder), "tiny")


def look(path, out, spec=None, hashes=True):
    context = StageContext(Workspace(out), Settings(), Recorder(), devices=("cpu",))
    with context.workspace.lock():
        return embed_pictures(context, open_source(path), spec, out, hashes=hashes)


def test_each_picture_has_its_digests_size_hash_and_embedding(tmp_path, spec):
    pictures = {"b/1.png": painted(1), "a/0.webp": painted(0, 40), "c.jpg": painted(2)}
    for name, picture in pictures.items():
        save(tmp_path / "in" / name, picture)
    seen = look(tmp_path / "in", tmp_path / "out", spec)
    contents = [(tmp_path / "in" / key).read_bytes() for key in seen.keys]
    decoded = [Image.open(io.BytesIO(content)).convert("RGB") for content in contents]
    encoder = load_encoder(spec, Device("cpu"))
    hashes = PictureHashes.of([hash_picture(picture) for picture in decoded])
    assert seen.keys == ("a/0.webp", "b/1.png", "c.jpg")
    assert seen.labels == ("a", "b", "")
    assert seen.byte_sha256 == tuple(hashlib.sha256(c).hexdigest() for c in contents)
    assert seen.pixel_sha256 == tuple(pixel_sha256(np.asarray(p)) for p in decoded)
    assert seen.sizes.tolist() == [
        [*picture.size, len(content)] for picture, content in zip(decoded, contents, strict=True)
    ]
    assert np.array_equal(seen.vectors, encoder.encode_images(decoded))
    assert np.array_equal(seen.hashes.phash, hashes.phash)
    assert seen.encoder == encoder.digest
    assert not seen.failures


def test_a_tar_and_a_parquet_file_give_the_same_as_a_folder(tmp_path, spec):
    contents = {f"{n}.png": encoded(painted(n)) for n in range(5)}
    for name, content in contents.items():
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    write_tar(tmp_path / "0.tar", contents)
    images = [{"bytes": content, "path": name} for name, content in contents.items()]
    write_parquet(tmp_path / "0.parquet", {"image": images}, group=2)
    folder, tar, parquet = (
        look(tmp_path / name, tmp_path / f"out-{name}", spec)
        for name in ("in", "0.tar", "0.parquet")
    )
    for other in (tar, parquet):
        assert other.byte_sha256 == folder.byte_sha256
        assert np.array_equal(other.vectors, folder.vectors)
        assert np.array_equal(other.hashes.dhash, folder.hashes.dhash)


def test_broken_pictures_fail_with_a_reason_and_the_rest_goes_on(tmp_path, monkeypatch):
    whole = encoded(painted(1), ".png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    files = {
        "a-cut.png": whole[:-200],
        "b-empty.jpg": b"",
        "c-text.webp": b"this is no picture",
        "d-wide.png": encoded(painted(1, 120)),
        "e-whole.jpg": whole,  # what counts is what it holds, not its name
        "f-gif.png": _gif(),
        "g-cut.jpg": encoded(painted(1), ".jpg")[:-300],
    }
    for name, content in files.items():
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    before = snapshot(tmp_path / "in")
    seen = look(tmp_path / "in", tmp_path / "out")
    assert seen.keys == ("e-whole.jpg",)
    assert set(seen.failures) == set(files) - {"e-whole.jpg"}
    assert "is empty" in seen.failures["b-empty.jpg"]
    assert "pixels" in seen.failures["d-wide.png"]
    assert snapshot(tmp_path / "in") == before


def _gif():
    buffer = io.BytesIO()
    painted(1).save(buffer, "GIF")
    return buffer.getvalue()


def test_a_source_without_one_usable_picture_is_an_error(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/1.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"none of 1 pictures can be used; 1\.png is no picture"):
        look(tmp_path / "in", tmp_path / "out")


def test_pictures_are_turned_as_their_exif_orientation_asks():
    picture = painted(1).resize((40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", exif=exif)
    turned = decode(buffer.getvalue()).image
    assert turned.size == (20, 40)
    assert np.array_equal(np.asarray(turned), np.rot90(np.asarray(picture), -1))


def test_pixels_of_other_shapes_and_palettes_are_told_apart():
    black = [Image.new("RGB", size) for size in ((100, 200), (200, 100))]
    palettes = []
    for color in ((255, 0, 0), (0, 255, 0)):
        image = Image.new("P", (10, 10))
        image.putpalette([*color, *[0] * 765])
        palettes.append(image)
    digest = [decode(encoded(image)).pixel_sha256 for image in (*black, *palettes)]
    assert len(set(digest)) == 4
    same = decode(encoded(palettes[0].convert("RGB"))).pixel_sha256
    assert same == digest[2]


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UnreadablePictureError, match="pixels"):
        decode(encoded(Image.new("RGB", (11, 10))))


def test_a_strip_that_an_encoder_would_blow_up_is_refused():
    with pytest.raises(UnreadablePictureError, match="1 x 201 pixels, over 200 times"):
        decode(encoded(Image.new("RGB", (1, 201))))
    assert decode(encoded(Image.new("RGB", (200, 1)))).image.size == (200, 1)


@settings(max_examples=80, deadline=None)
@given(
    suffix=st.sampled_from([".png", ".jpg", ".webp"]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    share=st.floats(0.2, 1),
)
def test_damaged_pictures_are_read_or_refused(suffix, changes, share):
    octets = bytearray(encoded(painted(1, 24), suffix))
    for place, value in changes:
        octets[int(place * (len(octets) - 1))] = value
    with suppress(UnreadablePictureError):
        assert decode(bytes(octets[: int(share * len(octets))])).image.mode == "RGB"


def test_what_was_looked_at_is_not_looked_at_again(tmp_path, spec, monkeypatch):
    monkeypatch.setattr(stage, "SHARD_SIZE", 2)
    for number in range(5):
        save(tmp_path / f"in/{number}.png", painted(number))
    first = look(tmp_path / "in", tmp_path / "out", spec)
    before = digests(tmp_path / "out", ["work"])
    done: list[int] = []

    def counting(worker, parts, *args):
        done.extend(parts)
        return run_serially(worker, parts, *args)

    monkeypatch.setattr(stage, "run_shards", counting)
    again = look(tmp_path / "in", tmp_path / "out", spec)
    assert (again.rows, done) == (first.rows, [])
    assert np.array_equal(again.vectors, first.vectors)
    assert digests(tmp_path / "out", ["work"]) == before
    save(tmp_path / "in/3.png", painted(33))
    os.utime(tmp_path / "in/3.png", ns=(1, 1))
    changed = look(tmp_path / "in", tmp_path / "out", spec)
    assert done == [1]
    assert changed.rows[2] == first.rows[2]
    assert not np.array_equal(changed.vectors[3], first.vectors[3])
    (tmp_path / "out/work" / stage.stage_of("tiny", first.encoder) / "part-00002.npy").unlink()
    look(tmp_path / "in", tmp_path / "out", spec)
    assert done == [1, 2]


def test_a_picture_that_could_not_be_read_is_tried_again(tmp_path, monkeypatch):
    for number in range(2):
        save(tmp_path / f"in/{number}.png", painted(number))
    source_read = Path.read_bytes

    def refusing(path):
        if path.name == "1.png":
            raise PermissionError(13, "Permission denied", str(path))
        return source_read(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refusing)
        seen = look(tmp_path / "in", tmp_path / "out")
    assert seen.failures == {"1.png": "cannot be read (Permission denied)"}
    assert seen.unread == 1
    assert look(tmp_path / "in", tmp_path / "out").keys == ("0.png", "1.png")


def test_killed_while_it_joins_embeddings_it_joins_them_again(tmp_path, spec, monkeypatch):
    for number in range(3):
        save(tmp_path / f"in/{number}.png", painted(number))
    whole = look(tmp_path / "in", tmp_path / "calm", spec)
    join = joining.open_memmap

    def torn(path, **options):
        join(path, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(joining, "open_memmap", torn)
        with pytest.raises(KeyboardInterrupt):
            look(tmp_path / "in", tmp_path / "out", spec)
    again = look(tmp_path / "in", tmp_path / "out", spec)
    assert np.array_equal(again.vectors, whole.vectors)
    calm, killed = (digests(tmp_path / name, ["work"]) for name in ("calm", "out"))
    assert killed == calm


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_while_it_looks_it_ends_like_an_undisturbed_run(tmp_path):
    """kill -9 in the middle of the shards, run again: equal files, and only the rest was done."""
    write_tar(tmp_path / "0.tar", {f"{n:05}.png": encoded(painted(n, 32)) for n in range(2300)})
    args = ["dedupe", "--images", tmp_path / "0.tar", "--tiers", "exact,perceptual", "--quiet"]
    call(*args, "--out", tmp_path / "calm")
    done = tmp_path / "killed/work/done"
    held = HeldWrites(tmp_path / "held")
    held.hold(f"{done}/*/part-*.json", most=1)
    process = subprocess.Popen(
        command([*args, "--out", tmp_path / "killed"]),
        env=held.environment,
        stdout=subprocess.DEVNULL,
    )
    held.wait(process)
    process.kill()
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in done.rglob("part-*.json")}
    assert len(finished) == 1
    call(*args, "--out", tmp_path / "killed")
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in finished.items())
    calm, killed = (digests(tmp_path / name, ["work"]) for name in ("calm", "killed"))
    assert killed == calm
    for name in ("edges.parquet", "verdicts.jsonl", "groups.jsonl"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
