import json
import os
import random
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ReleaseError
from isekai_gen.hashing import file_sha256
from isekai_gen.release.index import INDEX_FILE, SUMS_FILE, sums_text
from isekai_gen.release.verify import verify_release


@pytest.fixture
def release(built, tmp_path):
    """A release of one's own to break."""
    return Path(shutil.copytree(built, tmp_path / "release"))


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def relist(folder):
    """Make both lists agree with the disk, as someone does who hides a change."""
    index = json.loads((folder / INDEX_FILE).read_text())
    role = {entry["path"]: entry["role"] for entry in index["files"]}
    sums = {name: file_sha256(folder / name) for name in names(folder)}
    index["files"] = [
        {"path": name, "role": role.get(name, "?"), "sha256": sums[name],
         "size": (folder / name).stat().st_size}
        for name in sums if name not in (INDEX_FILE, SUMS_FILE)
    ]  # fmt: skip
    (folder / INDEX_FILE).write_text(json.dumps(index))
    sums[INDEX_FILE] = file_sha256(folder / INDEX_FILE)
    del sums[SUMS_FILE]
    (folder / SUMS_FILE).write_text(sums_text(sums))


def edit_rows(folder, name, change):
    rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    change(rows)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_relisting_an_unchanged_release_keeps_it_valid(release):
    relist(release)
    assert verify_release(release) == []


def test_a_flipped_byte_is_found_in_every_file(release):
    rng = random.Random(0)
    for name in names(release):
        path = release / name
        whole = path.read_bytes()
        broken = bytearray(whole)
        broken[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(broken)
        assert verify_release(release), name
        path.write_bytes(whole)
    assert verify_release(release) == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 2**31), bit=st.integers(0, 7), which=st.sampled_from((0, 1, 2)))
def test_any_flipped_bit_of_the_lists_and_the_metadata_is_found(release, place, bit, which):
    path = release / (INDEX_FILE, SUMS_FILE, "metadata.jsonl")[which]
    whole = path.read_bytes()
    broken = bytearray(whole)
    broken[place % len(whole)] ^= 1 << bit
    path.write_bytes(broken)
    found = verify_release(release)
    path.write_bytes(whole)
    assert found


@pytest.mark.parametrize("hidden_in", [INDEX_FILE, SUMS_FILE])
def test_one_list_alone_finds_a_change_that_the_other_hides(release, hidden_in):
    (release / "LICENSE").write_text("Do what you like.\n")
    honest = INDEX_FILE if hidden_in == SUMS_FILE else SUMS_FILE
    before = (release / honest).read_bytes()
    relist(release)
    (release / honest).write_bytes(before)
    if hidden_in == SUMS_FILE:  # its line for release.json holds, too
        sums = {n: file_sha256(release / n) for n in names(release) if n != SUMS_FILE}
        (release / SUMS_FILE).write_text(sums_text(sums))
    found = verify_release(release)
    assert ("LICENSE", "checksum") in {(each.file, each.rule) for each in found}


def test_an_image_that_claims_too_many_pixels_is_not_decoded(release):
    (release / IMAGE).write_bytes(huge_png(9000))
    set_row("metadata.jsonl", width=9000, height=9000)(release)
    relist(release)
    assert any("is over 67108864 pixels" in each.message for each in verify_release(release))


def test_a_missing_file_is_found_whichever_it_is(release):
    for name in names(release):
        path = release / name
        whole = path.read_bytes()
        path.unlink()
        found = verify_release(release)
        assert any(each.file == name for each in found), name
        path.write_bytes(whole)


def test_an_extra_file_is_found_in_every_folder(release):
    for folder in [release, *(path for path in release.rglob("*") if path.is_dir())]:
        extra = folder / "extra.txt"
        extra.write_text("hello")
        assert any(each.rule == "extra" for each in verify_release(release))
        extra.unlink()
    (release / "images" / "empty").mkdir()
    assert [each.rule for each in verify_release(release)] == ["extra"]


def test_a_truncated_and_an_emptied_file_are_found(release):
    for name in names(release):
        path = release / name
        whole = path.read_bytes()
        for shorter in (b"", whole[:-1]):
            path.write_bytes(shorter)
            assert verify_release(release), name
        path.write_bytes(whole)


def huge_png(side: int) -> bytes:
    """A PNG of a few bytes that claims `side` x `side` pixels."""
    header = b"IHDR" + side.to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])
    chunk = (13).to_bytes(4) + header + zlib.crc32(header).to_bytes(4)
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    more = (len(data) - 4).to_bytes(4) + data + zlib.crc32(data).to_bytes(4)
    return b"\x89PNG\r\n\x1a\n" + chunk + more


IMAGE = "images/cactihog/cactihog-0001.png"


def set_row(name: str, **fields: object) -> Callable[[Path], None]:
    return lambda folder: edit_rows(folder, name, lambda rows: rows[0].update(fields))


def set_counts(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        for name in (INDEX_FILE, "reports/stats.json"):
            document = json.loads((folder / name).read_text())
            change(document.get("counts", document))
            (folder / name).write_text(json.dumps(document))

    return apply


def swap_images(folder: Path) -> None:
    one, other = folder / IMAGE, folder / "images/icemic/icemic-0001.png"
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)


TEN = "lcl/ISEKAI-10.json"
HIDDEN = {
    "swapped images": ("metadata", swap_images),
    "not an image": ("metadata", lambda folder: (folder / IMAGE).write_bytes(b"GIF89a")),
    "huge image": ("metadata", lambda folder: (folder / IMAGE).write_bytes(huge_png(60_000))),
    "absolute query": ("manifest", set_row(TEN, image_name="/etc/passwd")),
    "escaping query": ("manifest", set_row(TEN, image_name="../../etc/passwd")),
    "unknown image": ("manifest", set_row(TEN, image_name="images/cactihog/none.png")),
    "document as image": ("manifest", set_row(TEN, image_name="README.md")),
    "odd manifest": ("manifest", lambda f: edit_rows(f, TEN, lambda rows: rows.pop())),
    "foreign label": ("manifest", set_row(TEN, label_name="teapot")),
    "pretty JSON": ("json", lambda f: (f / TEN).write_text(json.dumps([1], indent=1) + "\n")),
    "not UTF-8": ("json", lambda f: (f / TEN).write_bytes(b"\xff\xfe\n")),
    "deep JSON": ("json", lambda f: (f / TEN).write_text("[" * 200_000 + "\n")),
    "NaN": ("json", lambda f: (f / TEN).write_text('{"a": NaN}\n')),
    "row without image": ("metadata", set_row("metadata.jsonl", file_name="images/none.png")),
    "escaping row": ("metadata", set_row("metadata.jsonl", file_name="../workspace")),
    "row of a document": ("metadata", set_row("metadata.jsonl", file_name="LICENSE")),
    "other size": ("metadata", set_row("metadata.jsonl", width=17)),
    "other pixels": ("metadata", set_row("metadata.jsonl", pixel_sha256="0" * 64)),
    "no id": ("metadata", set_row("metadata.jsonl", id=None)),
    "row lost": ("metadata", lambda f: edit_rows(f, "metadata.jsonl", lambda rows: rows.pop())),
    "row twice": (
        "metadata",
        lambda f: edit_rows(f, "metadata.jsonl", lambda rows: rows.append(rows[0])),
    ),
    "witness not here": ("rejected", set_row("rejected.jsonl", witness="0" * 20)),
    "witness a list": ("rejected", set_row("rejected.jsonl", witness=[])),
    "rejection lost": ("counts", lambda f: edit_rows(f, "rejected.jsonl", lambda r: r.pop())),
    "rejected by another": ("counts", set_row("rejected.jsonl", by="person")),
    "prompt of another": ("metadata", set_row("prompts/prompts.jsonl", file_name=IMAGE)),
    "concept count": ("counts", set_row("concepts.jsonl", images=99)),
    "numbers": ("counts", set_counts(lambda counts: counts.update(generated=17))),
    "negative": ("counts", set_counts(lambda counts: counts.update(pending=-1))),
    "no numbers": ("counts", set_counts(lambda counts: counts.clear())),
    "more kept": (
        "counts",
        set_counts(lambda counts: counts["by_concept"]["teapot"].update(kept=5, generated=5)),
    ),
    "card without header": ("card", lambda f: (f / "README.md").write_text("# Hello\n")),
    "broken card": ("card", lambda f: (f / "README.md").write_text("---\na: [\n---\n")),
    "card with an object": (
        "card",
        lambda f: (f / "README.md").write_text("---\n!!python/object:os.system x\n---\n"),
    ),
    "card without license": ("card", lambda f: (f / "README.md").write_text("---\na: 1\n---\n")),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_change_that_both_lists_were_made_to_hide_is_found(release, name):
    rule, change = HIDDEN[name]
    change(release)
    relist(release)
    assert rule in {each.rule for each in verify_release(release)}


def test_links_and_devices_are_neither_followed_nor_opened(release):
    secret = release.parent / "secret"
    secret.mkdir()
    (secret / "key").write_text("s3cret")
    (release / "images" / "out").symlink_to(secret)
    (release / IMAGE).unlink()
    (release / IMAGE).symlink_to(secret / "key")
    os.mkfifo(release / "pipe")
    found = verify_release(release)
    assert {"symlink", "extra", "missing"} <= {each.rule for each in found}
    assert not any("key" in each.file or "s3cret" in each.message for each in found)


def test_a_name_with_a_line_break_or_bytes_is_a_printable_finding(release):
    (release / "a\nb.txt").write_text("x")
    Path(os.fsdecode(os.fsencode(release) + b"/\xff.txt")).write_text("x")
    found = verify_release(release)
    assert [each.rule for each in found] == ["unsafe-path", "unsafe-path"]
    assert all(each.file.isprintable() and each.message.isprintable() for each in found)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"files": {"a": 1}}', b'{"files": [1, {}]}']
)
def test_any_index_is_judged_without_a_crash(release, content):
    (release / INDEX_FILE).write_bytes(content)
    assert verify_release(release)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ReleaseError, match="no folder"):
        verify_release(tmp_path / "none")


def test_an_empty_folder_lacks_everything(tmp_path):
    assert {each.rule for each in verify_release(tmp_path)} >= {"missing"}


def test_verification_imports_no_model_library(built):
    script = (
        "import sys; from pathlib import Path\n"
        "from isekai_gen.release.verify import verify_release\n"
        "assert verify_release(Path(sys.argv[1])) == []\n"
        "print(sorted({'torch', 'diffusers', 'transformers', 'open_clip', 'pyarrow', 'pandas'}"
        " & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(built)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
