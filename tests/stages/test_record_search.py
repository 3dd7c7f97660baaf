"""Records found by id: by their beginnings, in parts and archives, past what is torn."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.hashing import file_sha256
from isekai_gen.records import ImageRecord, PlannedImage, Provenance
from isekai_gen.shards import DoneMarker, write_marker, write_records
from isekai_gen.stages.record_search import find_records
from isekai_gen.workspace import Workspace

PROVENANCE = Provenance("m", "", "abcdef" * 10, "p", "s", "c", 1, 2.0, 8, 8, "float32", 4, "f")
IDS = ["abcdef00000000000001", "abcdef00000000000002", "abcde100000000000003"]


def record(image_id, prompt="a cat"):
    planned = PlannedImage(image_id, "cat", 0, "t", {}, prompt, "", 1, 0)
    path = f"images/cat/{image_id}.png"
    return ImageRecord(planned, PROVENANCE, "", path, "0" * 64, "0" * 64, None)


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path)
    write_records(workspace.part("records", 0), [record(IDS[0])])
    write_records(workspace.part("records", 1), [record(IDS[1]), record(IDS[2])])
    return workspace


def ids_of(records):
    return [found.image_id for found in records]


def test_records_come_in_the_order_asked_for_and_once(workspace):
    asked = [IDS[2], IDS[0], IDS[2], "ABCDE1"]
    assert ids_of(find_records(workspace, asked)) == [IDS[2], IDS[0]]


def test_a_beginning_is_enough_if_it_is_only_ones_own(workspace):
    assert ids_of(find_records(workspace, ["abcde1"])) == [IDS[2]]
    with pytest.raises(InputError, match=r"begins the ids of 2 images.*give more digits"):
        find_records(workspace, ["abcdef"])


@pytest.mark.parametrize("text", ["abcde", "abcdeg", "images/cat", "a" * 21, ""])
def test_what_is_no_id_is_said(workspace, text):
    with pytest.raises(InputError, match="is no image id"):
        find_records(workspace, [text])


def test_every_unknown_id_is_named(workspace):
    with pytest.raises(InputError, match="123456, 654321"):
        find_records(workspace, ["123456", IDS[0], "654321"])


def test_a_torn_last_line_is_no_record_yet(workspace):
    path = workspace.part("records", 1)
    path.write_bytes(path.read_bytes()[:-10])
    assert ids_of(find_records(workspace, [IDS[1]])) == [IDS[1]]
    with pytest.raises(InputError, match="no image drawn"):
        find_records(workspace, [IDS[2]])


def test_a_damaged_line_is_named_if_it_is_the_one_asked_for(workspace):
    path = workspace.part("records", 1)
    path.write_bytes(path.read_bytes().replace(b'"row": 0', b'"raw": 0', 1))
    assert ids_of(find_records(workspace, [IDS[2]])) == [IDS[2]]
    with pytest.raises(ChecksumError, match=r"part-00001.jsonl:1: "):
        find_records(workspace, [IDS[1]])


def test_a_part_that_is_not_what_was_committed_is_not_believed(workspace):
    path = workspace.part("records", 0)
    write_marker(workspace, DoneMarker("generate", 0, "f", {}, file_sha256(path)))
    assert ids_of(find_records(workspace, [IDS[0]])) == [IDS[0]]
    path.write_bytes(path.read_bytes().replace(b"a cat", b"a dog"))
    with pytest.raises(ChecksumError, match="bytes differ"):
        find_records(workspace, [IDS[0]])


def test_images_of_a_replaced_plan_are_found_and_current_records_go_first(workspace, tmp_path):
    archived = "123456789abcdef01234"
    old = [record(archived), record(IDS[0], "an old cat")]
    write_records(tmp_path / "archive/0001/records/part-00000.jsonl", old)
    found = find_records(workspace, [archived[:6], IDS[0][:20]])
    assert [each.planned.prompt for each in found] == ["a cat", "a cat"]
    assert ids_of(found) == [archived, IDS[0]]


HEX_IDS = st.lists(
    st.text("ab", min_size=4, max_size=4).map(lambda tail: f"00000{tail}00000000000"),
    unique=True,
    min_size=1,
)


@given(ids=HEX_IDS, length=st.integers(6, 20), choice=st.integers(0, 99))
def test_a_beginning_finds_exactly_what_a_plain_search_finds(tmp_path, ids, length, choice):
    workspace = Workspace(tmp_path)
    half = len(ids) // 2
    for part, some in enumerate((ids[:half], ids[half:])):
        write_records(workspace.part("records", part), [record(image_id) for image_id in some])
    prefix = ids[choice % len(ids)][:length]
    matching = [image_id for image_id in ids if image_id.startswith(prefix)]
    if len(matching) == 1:
        assert find_records(workspace, [prefix]) == [record(matching[0])]
    else:
        with pytest.raises(InputError, match=f"begins the ids of {len(matching)} images"):
            find_records(workspace, [prefix])


def test_a_prompt_that_looks_like_an_id_is_not_one(workspace):
    tricky = replace(record(IDS[0]).planned, prompt=f'"image_id": "{IDS[1]}"')
    write_records(workspace.part("records", 0), [replace(record(IDS[0]), planned=tricky)])
    assert ids_of(find_records(workspace, [IDS[1]])) == [IDS[1]]
