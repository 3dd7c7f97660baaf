"""Files of instructions: order, whole or not at all, any length; and files of episodes read."""

import json
import os
import weakref

import pytest

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.instruction_episodes import EpisodeFile, episode_samples
from isekai_gen.manifests.instruction_files import write_samples
from isekai_gen.manifests.instruction_formats import FORMATS
from isekai_gen.manifests.instruction_samples import image_samples
from isekai_gen.shards import encode_lines
from tests.manifests.instruction_cases import episode, picture, samples_of, templates, words

EVERY = [(name, content) for name, made in FORMATS.items() for content in made.row_of]


def no_faults(_episode):
    return []


def written(path, episodes):
    path.write_bytes(encode_lines(each.to_json() for each in episodes))
    return path


@pytest.mark.parametrize(("name", "content"), EVERY)
def test_a_file_holds_every_sample_once_and_its_counts_add_up(tmp_path, name, content):
    samples = samples_of(content)

    counts = write_samples(tmp_path, FORMATS[name], content, samples)

    path = tmp_path / FORMATS[name].file_name(content)
    text = path.read_bytes().decode("utf-8")
    rows = (
        json.loads(text)
        if path.suffix == ".json"
        else [json.loads(line) for line in text.splitlines()]
    )
    assert rows == [FORMATS[name].row_of[content](sample) for sample in samples]
    assert text.endswith("\n")
    assert "\r" not in text
    assert counts.rows == len(rows) == counts.by_concept.total() == counts.by_template.total()


def test_names_in_other_scripts_are_written_as_they_are(tmp_path):
    samples = episode_samples([episode()], words(demonstration_answer="仙人掌 {label}"))

    write_samples(tmp_path, FORMATS["qwen-vl"], "episodes", samples)

    assert "仙人掌" in (tmp_path / "episodes.jsonl").read_text("utf-8")


def test_samples_out_of_order_or_twice_are_refused_and_the_old_file_stays(tmp_path):
    first, second, *_ = samples_of("images")
    write_samples(tmp_path, FORMATS["llava"], "images", [first, second])
    before = (tmp_path / "images.json").read_bytes()

    for wrong in ([second, first], [first, first]):
        with pytest.raises(ManifestError, match="must differ and ascend"):
            write_samples(tmp_path, FORMATS["llava"], "images", wrong)

    assert (tmp_path / "images.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["images.json"]


def test_a_file_without_samples_is_refused(tmp_path):
    with pytest.raises(ManifestError, match="there are no images"):
        write_samples(tmp_path, FORMATS["triplets"], "images", [])

    assert list(tmp_path.iterdir()) == []


def test_a_path_that_a_trainer_could_not_use_is_refused(tmp_path):
    spoiled = episode()
    spoiled = type(spoiled)(
        "e1", spoiled.support, type(spoiled.query)("/x.png", "a", "a"), ("a", "b")
    )

    with pytest.raises(ManifestError, match=r"'e1' would break the format: path '/x\.png'"):
        write_samples(tmp_path, FORMATS["llava"], "episodes", episode_samples([spoiled], words()))


def test_samples_are_written_as_they_come_and_none_is_kept(tmp_path):
    alive: list[weakref.ref] = []

    def coming():
        using = templates()
        for number in range(100):
            for sample in image_samples(picture(number=number), using, 0):
                alive.append(weakref.ref(sample))
                yield sample
            assert sum(each() is not None for each in alive) <= 2
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 50_000

    assert write_samples(tmp_path, FORMATS["llava"], "images", coming()).rows == 500


def test_episodes_are_read_in_the_order_of_keys_however_they_lie(tmp_path):
    shown = [episode("e2", 2), episode("e1", 1, "b"), episode("e3", 0)]

    found = EpisodeFile.open(written(tmp_path / "e.jsonl", shown), no_faults)

    assert list(found) == [shown[1], shown[0], shown[2]]
    assert list(found) == list(found)
    assert found.shots == 2


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "no episode"),
        ("[]", "no episode (not a JSON object)"),
        ("\n", "no episode"),
        ('{"schema": 1}', "no episode"),
        ("[" * 100_000, "no episode"),
        ('{"row": {}, "schema": 1, "source": "x", "source_line": 4}', "another task"),
    ],
)
def test_a_line_that_is_no_episode_is_told_with_its_place(tmp_path, line, fault):
    path = written(tmp_path / "e.jsonl", [episode("e1")])
    path.write_text(path.read_text() + line + "\n")

    with pytest.raises(ManifestError) as told:
        EpisodeFile.open(path, no_faults)

    assert str(told.value).startswith(f"{path}:2: ")
    assert fault in str(told.value)


@pytest.mark.parametrize(
    ("key", "label", "fault"),
    [
        ("\ud800", "a", "no text that UTF-8 can hold"),
        ("e2", "\udfff", "no text that UTF-8 can hold"),
        ("", "a", "must not be blank"),
        ("e2", " ", "must not be blank"),
    ],
)
def test_an_episode_with_a_text_that_no_file_can_hold_is_told(tmp_path, key, label, fault):
    row = episode("e1").to_json()
    query = {**row["query"], "label": label}
    path = tmp_path / "e.jsonl"
    path.write_text(json.dumps({**row, "key": key, "query": query, "labels": [label, "b"]}) + "\n")

    with pytest.raises(ManifestError, match=rf"e\.jsonl:1: no episode \(.*{fault}"):
        EpisodeFile.open(path, no_faults)


def test_a_pipe_is_no_file_of_episodes(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ManifestError, match="no regular file"):
        EpisodeFile.open(tmp_path / "pipe", no_faults)


@pytest.mark.parametrize("later", [[], [episode("e9")], [episode("e2"), episode("e1")]])
def test_a_file_of_episodes_that_changes_while_it_is_read_is_told(tmp_path, later):
    path = written(tmp_path / "e.jsonl", [episode("e1"), episode("e2")])
    found = EpisodeFile.open(path, no_faults)
    written(path, later)

    with pytest.raises(ManifestError, match=r"e\.jsonl: was changed while it was read"):
        list(found)


def test_a_key_that_is_there_twice_is_told_with_both_lines(tmp_path):
    path = written(tmp_path / "e.jsonl", [episode("e1"), episode("e2"), episode("e1")])

    with pytest.raises(ManifestError, match=r"e\.jsonl:3: the key 'e1' is that of line 1"):
        EpisodeFile.open(path, no_faults)


def test_an_empty_file_of_episodes_and_one_that_is_not_there_are_told(tmp_path):
    (tmp_path / "e.jsonl").touch()

    with pytest.raises(ManifestError, match="has no episodes"):
        EpisodeFile.open(tmp_path / "e.jsonl", no_faults)
    with pytest.raises(ManifestError, match="cannot be read"):
        EpisodeFile.open(tmp_path / "none.jsonl", no_faults)


def test_a_label_that_cannot_be_said_is_told_with_its_episode():
    shown = episode("e7")
    named = type(shown.query)("images/a/9.png", "a", "<image>")

    with pytest.raises(ManifestError, match="episode e7: "):
        list(episode_samples([type(shown)("e7", (), named, ("<image>",))], words()))
