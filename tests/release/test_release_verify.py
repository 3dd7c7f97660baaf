import json
import os
import shutil
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ReleaseError
from isekai_gen.hashing import file_sha256
from isekai_gen.release.index import sums_text
from isekai_gen.release.layout import INDEX_FILE, SUMS_FILE
from isekai_gen.release.verification import verify_picture_tables
from isekai_gen.release.verification.verify import count_steps, verify_release
from tests.release.mutations import edit_rows, edit_table, edit_tar, names, relist


@pytest.fixture
def release(built, tmp_path):
    """A release of one's own to break."""
    return Path(shutil.copytree(built, tmp_path / "release"))


def test_relisting_an_unchanged_release_keeps_it_valid(release):
    relist(release)
    assert verify_release(release) == []


@settings(max_examples=25, deadline=None)
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
    row = {"sha256": file_sha256(release / IMAGE), "bytes": (release / IMAGE).stat().st_size}
    set_row("metadata.jsonl", width=9000, height=9000, **row)(release)
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


def add_to_header(folder: Path, line: str) -> None:
    edit_card(folder, "---\n", f"---\n{line}\n")


def edit_card(folder: Path, old: str, new: str) -> None:
    text = (folder / "README.md").read_text()
    assert old in text
    (folder / "README.md").write_text(text.replace(old, new, 1))


def add_file_sets(folder: Path, count: int, patterns: int) -> None:
    path = folder / "croissant.json"
    document = json.loads(path.read_text())
    added = {"@type": "cr:FileSet", "includes": ["*x*y*.png"] * patterns}
    document["distribution"] += [{**added, "@id": f"set-{number}"} for number in range(count)]
    path.write_text(json.dumps(document))


def set_counts(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        for name in (INDEX_FILE, "reports/stats.json"):
            document = json.loads((folder / name).read_text())
            change(document.get("counts", document))
            (folder / name).write_text(json.dumps(document))

    return apply


TEN = "lcl/ISEKAI-10.json"
TABLE = "data/test-00000-of-00001.parquet"
HIDDEN = {
    "huge image": ("metadata", lambda folder: (folder / IMAGE).write_bytes(huge_png(60_000))),
    "absolute query": ("manifest", set_row(TEN, image_name="/etc/passwd")),
    "escaping query": ("manifest", set_row(TEN, image_name="../../etc/passwd")),
    "pretty JSON": ("json", lambda f: (f / TEN).write_text(json.dumps([1], indent=1) + "\n")),
    "not UTF-8": ("json", lambda f: (f / TEN).write_bytes(b"\xff\xfe\n")),
    "deep JSON": ("json", lambda f: (f / TEN).write_text("[" * 200_000 + "\n")),
    "NaN": ("json", lambda f: (f / TEN).write_text('{"a": NaN}\n')),
    "infinite number": ("json", lambda f: replace_text(f, "guidance_scale", 1.5, "1e999")),
    "row of a document": ("metadata", set_row("metadata.jsonl", file_name="LICENSE")),
    "no id": ("metadata", set_row("metadata.jsonl", id=None)),
    "witness a list": ("rejected", set_row("rejected.jsonl", witness=[])),
    "slug a list": ("concepts", set_row("concepts.jsonl", slug=[])),
    "image id a list": ("prompts", set_row("prompts/prompts.jsonl", image_id=[])),
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
    "card that unfolds": (
        "card",
        lambda f: (f / "README.md").write_text("---\na: &a [x, x]\nb: [*a, *a]\n---\n"),
    ),
    "card that unfolds without blanks": ("card", lambda f: add_to_header(f, "a: [&a [x,x],*a ]")),
    "card with a wrong tag": ("card", lambda f: add_to_header(f, "a: !!timestamp x")),
    "card with an empty tag": ("card", lambda f: add_to_header(f, "a: !!int ''")),
    "card with a tag of no word": ("card", lambda f: add_to_header(f, "a: !!bool x")),
    "card without license": ("card", lambda f: (f / "README.md").write_text("---\na: 1\n---\n")),
    "table that is none": ("container", lambda f: (f / TABLE).write_bytes(b"PAR1" * 9)),
    "a private key": (
        "private-key",
        lambda f: (f / "LICENSE").write_text("-----BEGIN " + "OPENSSH PRIVATE KEY-----\n"),
    ),
}  # fmt: skip


def replace_text(folder: Path, key: str, value: float, text: str) -> None:
    path = folder / "metadata.jsonl"
    assert f'"{key}": {value}' in path.read_text()
    path.write_text(path.read_text().replace(f'"{key}": {value}', f'"{key}": {text}', 1))


@pytest.mark.parametrize("name", HIDDEN)
def test_a_change_that_both_lists_were_made_to_hide_is_found(release, name):
    rule, change = HIDDEN[name]
    change(release)
    relist(release)
    assert rule in {each.rule for each in verify_release(release)}


def test_a_number_that_no_float_holds_in_a_tar_is_found(built_tars, tmp_path):
    release = Path(shutil.copytree(built_tars, tmp_path / "release"))
    (tar,) = (release / "shards").glob("*.tar")

    def change(members: list[tuple[str, bytes]]) -> None:
        name, row = members[1]
        members[1] = (
            name,
            row.replace(b'"guidance_scale": 1.5', b'"guidance_scale": 1' + b"0" * 999),
        )
        assert members[1] != (name, row)

    edit_tar(tar, change)
    assert any("its row is not that" in each.message for each in verify_release(release))


def test_a_file_of_faults_fills_neither_memory_nor_screen(release):
    (release / "metadata.jsonl").write_text("{}\n" * 20_000)
    found = [each for each in verify_release(release) if each.file == "metadata.jsonl"]
    assert Counter(each.rule for each in found)["metadata"] == 1_000


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("no file matches '**", lambda f: edit_card(f, "- data", f"- '{'**' * 30}Z'\n    - data")),
        (
            "more than 50 patterns",
            lambda f: edit_card(f, "    - data", "    - '**'\n" * 999 + "    - data"),
        ),
        ("more than 100 patterns", lambda f: add_file_sets(f, 100, 9999)),
    ],
)
def test_patterns_that_would_take_hours_are_refused(release, message, change):
    change(release)
    assert any(message in each.message for each in verify_release(release))


@pytest.mark.parametrize("table", ["pairs", "neighbors"])
def test_rows_beyond_those_of_the_source_are_not_read(release, table, monkeypatch):
    (path,) = (release / table).glob("*.parquet")
    edit_table(path, lambda rows: rows.extend(rows * 3))
    monkeypatch.setattr(verify_picture_tables, "iter_parquet_rows", None)
    monkeypatch.setattr(verify_picture_tables, "iter_pair_images", None)
    other = "neighbors" if table == "pairs" else "pairs"
    for each in (release / other).glob("*.parquet"):
        each.unlink()
    assert any("rows, its source" in each.message for each in verify_release(release))


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


@pytest.mark.parametrize("document", [b"[]", b"null", b'"a"', b"1", b"{}", b'{"a": []}', b"{"])
def test_any_document_in_place_of_any_other_is_judged_without_a_crash(release, document):
    for name in names(release):
        if name.endswith((".json", ".jsonl", ".md", ".cff")):
            whole = (release / name).read_bytes()
            (release / name).write_bytes(document + b"\n")
            assert verify_release(release, pixels=False), name
            (release / name).write_bytes(whole)


@pytest.mark.parametrize("value", [None, [], {}, [[]], -1, 0.5, 10**299, 10**400, "\ud800"])
def test_any_value_in_any_row_is_judged_without_a_crash(release, value):
    for name in names(release):
        if name.endswith(".jsonl") or name == TEN:
            whole = (release / name).read_bytes()
            edit_rows(release, name, lambda rows: rows[0].update(dict.fromkeys(rows[0], value)))
            assert verify_release(release, pixels=False), name
            (release / name).write_bytes(whole)


def test_progress_ends_with_the_steps_that_were_announced(built):
    steps = []
    verify_release(built, advance=steps.append)
    assert sum(steps) == count_steps(built) == len(names(built)) + 1


def test_pixels_are_decoded_unless_asked_not_to(release):
    other = release / "images/icemic/icemic-0001.png"
    row = {"sha256": file_sha256(other), "bytes": other.stat().st_size}
    shutil.copy(other, release / IMAGE)
    set_row("metadata.jsonl", **row)(release)
    relist(release)
    wrong = f"{IMAGE}: metadata.jsonl has another pixel_sha256"
    for pixels in (True, False):
        told = {f"{each.file}: {each.message}" for each in verify_release(release, pixels=pixels)}
        assert (wrong in told) is pixels
