"""Pictures are found wherever they lie; nothing is written, nothing outside is read."""

import io
import json
import os
import pickle
import tarfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import InputError
from isekai_gen.stages import picture_sources_places
from isekai_gen.stages.picture_sources import open_source
from tests.stages.picture_jobs import encoded, painted, save, snapshot, write_parquet, write_tar


def test_a_folder_gives_its_pictures_in_the_order_of_their_paths(tmp_path):
    for name in ("b/2.webp", "b/1.JPEG", "a.png", "c/d/3.jpg"):
        save(tmp_path / name, painted(1))
    source = open_source(tmp_path)
    assert source.keys == ("a.png", "b/1.JPEG", "b/2.webp", "c/d/3.jpg")
    assert [source.label_of(key) for key in source.keys] == ["", "b", "b", "d"]
    assert source.read("b/2.webp") == (tmp_path / "b/2.webp").read_bytes()


def test_other_files_and_hidden_ones_are_skipped_and_counted(tmp_path):
    save(tmp_path / "1.png", painted(1))
    save(tmp_path / "._1.png", painted(1))
    save(tmp_path / ".cache/2.png", painted(1))
    (tmp_path / "notes.TXT").write_text("x")
    (tmp_path / "README").write_text("x")
    source = open_source(tmp_path)
    assert source.keys == ("1.png",)
    assert source.skipped == {".txt": 1, "": 1, ".png": 1}


def test_looking_changes_nothing(tmp_path):
    save(tmp_path / "in/1.png", painted(1))
    before = snapshot(tmp_path / "in")
    source = open_source(tmp_path / "in")
    source.read("1.png")
    assert snapshot(tmp_path / "in") == before


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_read(tmp_path):
    outside = save(tmp_path / "secret.png", painted(1))
    inside = save(tmp_path / "in/1.png", painted(2))
    (tmp_path / "in/out.png").symlink_to(outside)
    (tmp_path / "in/same.png").symlink_to(inside)
    (tmp_path / "in/gone.png").symlink_to(tmp_path / "in/nothing.png")
    (tmp_path / "in/round.png").symlink_to(tmp_path / "in/round.png")
    source = open_source(tmp_path / "in")
    assert source.keys == ("1.png", "same.png")
    assert "out of the folder" in source.refused["out.png"]
    assert set(source.refused) == {"out.png", "gone.png", "round.png"}


def test_a_link_to_a_folder_is_refused_for_it_may_run_in_circles(tmp_path):
    save(tmp_path / "in/1.png", painted(1))
    (tmp_path / "in/again").symlink_to(tmp_path / "in")
    source = open_source(tmp_path / "in")
    assert source.keys == ("1.png",)
    assert "symbolic link to a folder" in source.refused["again"]


def test_what_is_no_regular_file_is_refused_without_waiting_for_it(tmp_path):
    save(tmp_path / "1.png", painted(1))
    os.mkfifo(tmp_path / "pipe.png")
    assert open_source(tmp_path).refused == {"pipe.png": "is no regular file"}


def test_a_name_that_is_no_text_is_refused_with_a_name_that_can_be_written(tmp_path):
    save(tmp_path / "1.png", painted(1))
    raw = os.fsencode(tmp_path) + b"/caf\xe9.png"
    with open(raw, "wb") as file:  # noqa: PTH123 - pathlib takes no bytes
        file.write(encoded(painted(1)))
    source = open_source(tmp_path)
    assert source.keys == ("1.png",)
    ((key, reason),) = source.refused.items()
    key.encode()
    assert "UTF-8" in reason


def test_a_huge_file_is_refused_unread(tmp_path, monkeypatch):
    save(tmp_path / "1.png", painted(1))
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(picture_sources_places.MAX_BYTES + 1)
    assert "bytes, over" in open_source(tmp_path).refused["huge.png"]


def test_a_folder_without_pictures_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="has no pictures"):
        open_source(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        open_source(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"no folder, \.tar or \.parquet"):
        open_source(tmp_path / "notes.txt")


def test_tar_shards_are_read_in_place_with_the_labels_of_their_sidecars(tmp_path):
    one, two, three = (encoded(painted(seed)) for seed in range(3))
    write_tar(
        tmp_path / "0.tar",
        {"000.png": one, "000.txt": b"a fox", "000.cls": b"7\n", "001.png": two, "001.txt": b"hen"},
    )
    write_tar(tmp_path / "1.tar", {"owl/002.seg.png": three, "owl/002.json": b"{}"})
    before = snapshot(tmp_path)
    source = open_source(tmp_path)
    assert source.keys == ("0.tar/000.png", "0.tar/001.png", "1.tar/owl/002.seg.png")
    assert [source.label_of(key) for key in source.keys] == ["7", "hen", "owl"]
    assert [source.read(key) for key in source.keys] == [one, two, three]
    assert source.skipped == {".cls": 1, ".txt": 2, ".json": 1}
    assert snapshot(tmp_path) == before
    assert open_source(tmp_path / "1.tar").keys == ("1.tar/owl/002.seg.png",)


def test_only_regular_members_of_an_archive_are_read(tmp_path):
    with tarfile.open(tmp_path / "0.tar", "w") as archive:
        for name, kind in (("link.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        folder = tarfile.TarInfo("folder.png")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        content = encoded(painted(1))
        for name in ("../up.png", "../up.png"):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    source = open_source(tmp_path / "0.tar")
    assert source.keys == ("0.tar/../up.png", "0.tar/../up.png#2")
    assert set(source.refused) == {"0.tar/link.png", "0.tar/hard.png"}


def test_of_a_cut_archive_what_is_whole_is_read(tmp_path):
    contents = {f"{n}.png": encoded(painted(n)) for n in range(4)}
    whole = write_tar(tmp_path / "0.tar", contents).read_bytes()
    cut = whole[: whole.rfind(b"ustar") + 100]  # within the last member's header
    (tmp_path / "0.tar").write_bytes(cut)
    source = open_source(tmp_path)
    assert source.keys == ("0.tar/0.png", "0.tar/1.png", "0.tar/2.png")
    assert "no whole uncompressed tar archive" in source.refused["0.tar"]
    assert source.read("0.tar/2.png") == contents["2.png"]


def test_a_member_whose_bytes_are_missing_says_so_when_it_is_read(tmp_path):
    path = write_tar(tmp_path / "0.tar", {"0.png": encoded(painted(0)), "1.png": bytes(5000)})
    source = open_source(path)
    path.write_bytes(path.read_bytes()[:2048])
    with pytest.raises(ValueError, match="the archive ends"):
        source.read("0.tar/1.png")


def test_a_compressed_archive_is_no_source(tmp_path):
    with tarfile.open(tmp_path / "0.tar", "w:gz") as archive:
        archive.add(save(tmp_path / "x/1.png", painted(1)), "1.png")
    with pytest.raises(InputError, match="no whole uncompressed tar"):
        open_source(tmp_path / "0.tar")


def test_parquet_files_of_hugging_face_are_read_row_by_row(tmp_path):
    contents = [encoded(painted(n)) for n in range(11)]
    features = {"label": {"names": ["fox", "hen"], "_type": "ClassLabel"}}
    write_parquet(
        tmp_path / "train.parquet",
        {
            "image": [{"bytes": content, "path": "x.png"} for content in contents],
            "label": [n % 2 for n in range(11)],
        },
        huggingface=json.dumps({"info": {"features": features}}),
    )
    before = snapshot(tmp_path)
    source = open_source(tmp_path)
    assert source.keys[:2] == ("train.parquet#000000000", "train.parquet#000000001")
    assert [source.read(key) for key in source.keys] == contents
    assert [source.label_of(key) for key in source.keys[:3]] == ["fox", "hen", "fox"]
    assert snapshot(tmp_path) == before


def test_a_plain_column_of_bytes_serves_and_a_row_without_bytes_says_so(tmp_path):
    write_parquet(tmp_path / "0.parquet", {"photo": [encoded(painted(1)), None], "n": [1, 2]})
    source = open_source(tmp_path / "0.parquet")
    assert source.read(source.keys[0]) == encoded(painted(1))
    assert source.label_of(source.keys[0]) == ""
    with pytest.raises(ValueError, match="holds no bytes"):
        source.read(source.keys[1])


@pytest.mark.parametrize(
    ("columns", "found"),
    [({"n": [1]}, "none"), ({"one": [b"x"], "two": [b"y"]}, r"several \(one, two\)")],
)
def test_it_must_be_clear_which_column_is_the_image(tmp_path, columns, found):
    write_parquet(tmp_path / "0.parquet", columns)
    with pytest.raises(InputError, match=f"0.parquet: needs one column .* has {found}"):
        open_source(tmp_path)


def test_a_broken_parquet_file_is_refused_and_the_others_are_read(tmp_path):
    write_parquet(tmp_path / "0.parquet", {"image": [encoded(painted(1))]})
    (tmp_path / "1.parquet").write_bytes(b"PAR1 nothing PAR1")
    source = open_source(tmp_path)
    assert len(source.keys) == 1
    assert "no readable Parquet file" in source.refused["1.parquet"]


def test_archives_of_two_kinds_in_one_folder_are_an_error(tmp_path):
    write_parquet(tmp_path / "0.parquet", {"image": [encoded(painted(1))]})
    write_tar(tmp_path / "0.tar", {"0.png": encoded(painted(0))})
    with pytest.raises(InputError, match=r"holds 1 \.tar and 1 \.parquet"):
        open_source(tmp_path)


def test_shards_never_split_a_row_group(tmp_path):
    write_parquet(tmp_path / "0.parquet", {"image": [b"x"] * 10}, group=4)
    write_parquet(tmp_path / "1.parquet", {"image": [b"x"] * 3}, group=4)
    assert open_source(tmp_path).shards(3) == [range(4), range(4, 8), range(8, 13)]


def test_shards_of_a_folder_have_the_size_asked_for(tmp_path):
    for number in range(5):
        save(tmp_path / f"{number}.png", painted(1))
    assert open_source(tmp_path).shards(2) == [range(2), range(2, 4), range(4, 5)]


def test_a_reader_travels_to_a_worker(tmp_path):
    contents = [encoded(painted(n)) for n in range(6)]
    write_parquet(tmp_path / "0.parquet", {"image": contents}, group=3)
    source = open_source(tmp_path)
    reader = pickle.loads(pickle.dumps(source.reader))  # noqa: S301 - our own
    read = [read() for _, read in reader.open_all(source.places[1:5])]
    assert read == contents[1:5]


def test_the_fingerprint_tells_a_changed_picture(tmp_path):
    path = save(tmp_path / "1.png", painted(1))
    before = open_source(tmp_path).fingerprint()
    assert open_source(tmp_path).fingerprint() == before
    save(path, painted(2))
    os.utime(path, ns=(1, 1))
    assert open_source(tmp_path).fingerprint() != before


def _damaged(content: bytes, changes: list[tuple[float, int]], share: float) -> bytes:
    """Some bytes changed, and the end cut off."""
    octets = bytearray(content)
    for place, value in changes:
        octets[int(place * (len(octets) - 1))] = value
    return bytes(octets[: int(share * len(octets))])


CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(["tar", "parquet"]), changes=CHANGES, share=st.floats(0, 1))
def test_damaged_archives_are_refused_or_read_as_far_as_they_go(
    tmp_path_factory, kind, changes, share
):
    folder = tmp_path_factory.mktemp("damaged")
    contents = {f"{n}.png": encoded(painted(n, 8)) for n in range(3)}
    path = folder / f"0.{kind}"
    if kind == "tar":
        write_tar(path, contents)
    else:
        images = [{"bytes": content, "path": ""} for content in contents.values()]
        write_parquet(path, {"image": images}, group=2)
    path.write_bytes(_damaged(path.read_bytes(), changes, share))
    with suppress(InputError):
        source = open_source(path)
        for key in source.keys:
            with suppress(OSError, ValueError):
                assert isinstance(source.read(key), bytes)
