"""Thumbnails are made once; nothing outside of the workspace is opened."""

import io
import resource
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.review.thumbnails import Thumbnails, shrink
from tests.review.running import running

FIRST, SECOND = f"{0:020x}", f"{1:020x}"


def size_of(content):
    with Image.open(io.BytesIO(content), formats=["WEBP"]) as picture:
        return picture.size


def cached(source):
    return sorted((source.root / ".review" / "thumbs").rglob("*"))


def test_a_picture_is_shown_as_drawn(server):
    answer = server.get(f"/picture/{FIRST}")
    assert answer.body == server.source.pictures[FIRST].read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("size", "expected"), [(160, (160, 80)), (320, (320, 160)), (640, (400, 200))]
)
def test_a_thumbnail_has_its_size_and_a_small_picture_stays(server, size, expected):
    answer = server.get(f"/thumb/{FIRST}?size={size}")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/webp")
    assert size_of(answer.body) == expected


def test_a_thumbnail_is_made_once(server):
    first = server.get(f"/thumb/{FIRST}?size=160")
    made = {path: path.stat().st_ino for path in cached(server.source)}
    again = server.get(f"/thumb/{FIRST}?size=160")
    assert again.body == first.body
    assert {path: path.stat().st_ino for path in cached(server.source)} == made
    assert len([path for path in made if path.is_file()]) == 1


def test_a_browser_that_has_it_is_told_so(server):
    first = server.get(f"/thumb/{FIRST}")
    again = server.get(f"/thumb/{FIRST}", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert server.get(f"/thumb/{SECOND}").headers["etag"] != first.headers["etag"]


def test_another_picture_of_the_same_name_gets_another_thumbnail(server):
    first = server.get(f"/thumb/{FIRST}")
    Image.new("RGB", (300, 300), "white").save(server.source.pictures[FIRST])
    again = server.get(f"/thumb/{FIRST}", if_none_match=first.headers["etag"])
    assert size_of(again.body) == (160, 160)


def test_a_thumbnail_that_a_crash_cut_short_is_made_again(server):
    first = server.get(f"/thumb/{FIRST}")
    [file] = [path for path in cached(server.source) if path.is_file()]
    file.write_bytes(file.read_bytes()[:-5])
    assert server.get(f"/thumb/{FIRST}").body == first.body


def test_a_thumbnail_is_shown_though_there_is_no_room_to_keep_it(source, caplog):
    thumbnails = Thumbnails(source.root / ".review" / "thumbs")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        shown = thumbnails.of(source.pictures[FIRST], 160)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert size_of(shown.content) == (160, 80)
    assert "thumbnails are not kept" in caplog.text
    assert [path for path in cached(source) if path.is_file()] == []


def test_many_who_ask_at_once_get_the_same(source):
    thumbnails = Thumbnails(source.root / ".review" / "thumbs")
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(thumbnails.of, source.pictures[FIRST], 160) for _ in range(40)]
        contents = {one.result().content for one in asked}
    assert len(contents) == 1
    assert len([path for path in cached(source) if path.is_file()]) == 1


def test_what_is_clear_stays_clear(tmp_path):
    Image.new("RGBA", (64, 64), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    with Image.open(io.BytesIO(shrink(tmp_path / "clear.png", 160))) as small:
        assert small.convert("RGBA").getpixel((0, 0))[3] == 0


def test_a_damaged_picture_is_said(server):
    picture = server.source.pictures[FIRST]
    picture.write_bytes(picture.read_bytes()[:60])
    answer = server.get(f"/thumb/{FIRST}")
    assert answer.status == 409
    assert answer.json()["error"].startswith(f"{FIRST}.png: ")


def test_text_named_as_a_picture_is_none(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(ChecksumError, match="is no PNG, JPEG or WebP picture"):
        shrink(tmp_path / "a.png", 160)


@pytest.mark.parametrize("side", [7100, 9600, 14000])
def test_a_picture_of_very_many_pixels_is_not_opened(tmp_path, side):
    Image.new("1", (side, side)).save(tmp_path / "huge.png")
    with pytest.raises(InputError, match="has more than 50,000,000 pixels"):
        shrink(tmp_path / "huge.png", 160)


@pytest.mark.parametrize(
    "asked", ["size=0", "size=161", "size=x", "size=-160", "size=160&size=320", "x=1"]
)
def test_other_sizes_are_refused(server, asked):
    assert server.get(f"/thumb/{FIRST}?{asked}").status == 400
    assert cached(server.source) == []


@pytest.mark.parametrize("where", ["picture", "thumb"])
def test_a_link_out_of_the_workspace_is_not_followed(server, where, tmp_path):
    outside = tmp_path / "outside.png"
    server.source.pictures[FIRST].rename(outside)
    server.source.pictures[FIRST].symlink_to(outside)
    assert server.get(f"/{where}/{FIRST}").status == 404


@pytest.mark.parametrize("where", ["picture", "thumb"])
@pytest.mark.parametrize(
    "name", ["..%2F..%2Fetc%2Fpasswd", "a" * 20, "A" * 20, "0" * 21, "%00" * 20]
)
def test_only_ids_that_are_known_are_pictures(server, where, name):
    assert server.get(f"/{where}/{name}").status in (400, 404)


def test_a_picture_that_was_lost_is_said(server):
    server.source.pictures[FIRST].unlink()
    assert server.get(f"/picture/{FIRST}").json() == {"error": "the picture's file is not there"}


def test_reference_pictures_come_from_the_folder_that_was_named_only(source, tmp_path):
    folder, other = tmp_path / "sharks", tmp_path / "others"
    for place in (folder, other):
        place.mkdir()
        Image.new("RGB", (900, 900), "navy").save(place / "a.jpg")
    (folder / "link.jpg").symlink_to(other / "a.jpg")
    source.references = {
        "sharks/a": folder / "a.jpg",
        "link": folder / "link.jpg",
        "up": folder / ".." / "others" / "a.jpg",
        "other": other / "a.jpg",
    }
    (tmp_path / "none").mkdir()
    with running(source, {"first": tmp_path / "none", "sharks": folder}) as server:
        shown = server.get("/reference/sharks/a")
        assert size_of(shown.body) == (640, 640)
        # Another folder may be named another time.
        assert shown.headers["cache-control"] == "no-cache"
        for key in ("link", "up", "other", "unknown", "../others/a.jpg"):
            assert server.get(f"/reference/{key}").status == 404, key
    with running(source) as server:
        assert server.get("/reference/sharks/a").status == 404
