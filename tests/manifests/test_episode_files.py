"""Files of episodes and of mixed lines: whole, counted, and the same when made again."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from isekai_gen.errors import ManifestError
from isekai_gen.manifests import episode_files
from isekai_gen.manifests.episode_files import (
    require_own_file,
    summary_path,
    write_episode_file,
    write_summary,
)
from isekai_gen.manifests.episode_mix import MixedLines, OtherLines
from isekai_gen.manifests.episode_plan import EpisodePlan
from isekai_gen.manifests.episodes import EpisodeSampler
from isekai_gen.records import Episode
from isekai_gen.shards import read_lines, read_records
from tests.manifests.episode_sources import ring


@pytest.fixture
def sampler():
    return EpisodeSampler(ring(4, 5), EpisodePlan("2-way-random", 1203, shots=4))


def nobody(lines: int) -> None:
    del lines


def test_a_file_holds_the_episodes_of_its_sampler_and_adds_up(tmp_path, sampler):
    told = []
    written = write_episode_file(tmp_path / "new" / "train.jsonl", sampler, told.append)
    assert read_records(written.path, Episode) == list(sampler)
    assert written.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()
    assert sum(told) == written.lines == written.episodes + written.others == 1203
    assert sum(written.shots.values()) == sum(written.query_ways.values()) == 1203
    assert set(written.shots) == {2, 3, 4}
    assert set(written.query_ways) == {0, 1}


def test_the_summary_lies_beside_and_makes_the_same_file_again(tmp_path, sampler):
    first = write_episode_file(tmp_path / "a.jsonl", sampler, nobody)
    path = write_summary(first, {"plan": sampler.plan.to_json()})
    assert path == summary_path(first.path) == tmp_path / "a.summary.json"
    summary = json.loads(path.read_text())
    again = EpisodeSampler(ring(4, 5), EpisodePlan(**summary["plan"]))
    assert write_episode_file(tmp_path / "b.jsonl", again, nobody).sha256 == summary["sha256"]
    assert summary["shots"] == {str(shots): count for shots, count in first.shots.items()}


def test_a_file_that_breaks_off_leaves_the_old_one_with_its_summary(tmp_path, sampler, monkeypatch):
    path = tmp_path / "a.jsonl"
    path.write_text("old")
    summary_path(path).write_text("of another")
    monkeypatch.setattr(episode_files, "_LINES_AT_ONCE", 10)

    def stop(lines):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_episode_file(path, sampler, stop)
    assert path.read_text() == "old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.jsonl", "a.summary.json"]


def test_a_new_file_has_no_summary_of_an_older_one(tmp_path, sampler):
    summary_path(tmp_path / "a.jsonl").write_text("of another")
    write_episode_file(tmp_path / "a.jsonl", sampler, nobody)
    assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"]


def test_episodes_may_be_written_again(tmp_path, sampler, others):
    for lines in (sampler, mixed(others, 1), mixed(others, 2, seed=3)):
        require_own_file(tmp_path / "a.jsonl", [])
        write_episode_file(tmp_path / "a.jsonl", lines, nobody)
    (tmp_path / "a.jsonl").write_bytes(b"")
    require_own_file(tmp_path / "a.jsonl", [])


def test_other_tasks_lines_are_known_as_a_file_of_ours(tmp_path, others):
    (tmp_path / "a.jsonl").write_bytes(others[0].encode())
    require_own_file(tmp_path / "a.jsonl", [])


@pytest.mark.parametrize(
    "content", [b'{"class_id": "1"}\n', b"[generate]\n", b"\x89PNG\r\n", b"[" * 100_000, b"[]\n"]
)
def test_what_is_no_file_of_episodes_is_not_replaced(tmp_path, content):
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(ManifestError, match="something else than episodes; remove it"):
        require_own_file(tmp_path / "a.jsonl", [])


def test_neither_what_is_read_nor_a_device_is_replaced(tmp_path, others):
    one = others.paths[0]
    with pytest.raises(ManifestError, match="is read, too"):
        require_own_file(one, [others.paths[1], one])
    with pytest.raises(ManifestError, match="no regular file"):
        require_own_file(Path("/dev/null"), [])


# --- mix


# Content that a JSON library would change: key order, escapes, numbers, repeated keys.
OTHERS = [
    b'{"z": 1, "a": "caf\\u00e9 <image>", "n": 1.0e2}',
    '{"id": 12345678901234567890, "x": "ü"}'.encode(),
    b'{ "twice": 1, "twice": 2 }',
    b'{"row": {"schema": 9}}',
    b"{}",
]


@pytest.fixture
def others(tmp_path):
    (tmp_path / "one.jsonl").write_bytes(b"\n".join(OTHERS[:3]) + b"\n")
    (tmp_path / "two.jsonl").write_bytes(b"\r\n".join(OTHERS[3:]))  # no newline at its end
    return OtherLines([tmp_path / "one.jsonl", tmp_path / "two.jsonl"])


def mixed(others, count, seed=0) -> MixedLines:
    plan = EpisodePlan("mix", -(-count // 2), seed=seed, shots=2)
    return MixedLines(EpisodeSampler(ring(4, 5), plan), others, count)


@pytest.mark.parametrize("count", [1, 2, 9, 40])
def test_half_the_lines_are_episodes_and_every_one_is_there_once(tmp_path, others, count):
    lines = mixed(others, count)
    written = write_episode_file(tmp_path / "mixed.jsonl", lines, nobody)
    assert (written.episodes, written.others) == (-(-count // 2), count // 2)
    keys = [line.key for n in range(count) if isinstance(line := lines[n], Episode)]
    assert keys == [f"episode-{n:08d}" for n in range(len(keys))]


def test_other_lines_pass_through_byte_for_byte_and_say_where_they_are_from(tmp_path, others):
    write_episode_file(tmp_path / "mixed.jsonl", mixed(others, 10), nobody)
    found = {}
    raw = (tmp_path / "mixed.jsonl").read_bytes().splitlines()
    for line, parsed in zip(raw, read_lines(tmp_path / "mixed.jsonl"), strict=True):
        if "source" in parsed:
            assert parsed.keys() == {"row", "schema", "source", "source_line"}
            found[parsed["source"], parsed["source_line"]] = line
    places = [(str(tmp_path / "one.jsonl"), n) for n in (1, 2, 3)]
    places += [(str(tmp_path / "two.jsonl"), n) for n in (1, 2)]
    assert sorted(found) == places
    for place, content in zip(places, OTHERS, strict=True):
        assert found[place].startswith(b'{"row": ' + content + b', "schema": 1, ')


def test_other_lines_are_all_drawn_before_one_is_drawn_again(others):
    lines = mixed(others, 30)
    drawn = [line.text for n in range(30) if not isinstance(line := lines[n], Episode)]
    turns = [drawn[start : start + 5] for start in (0, 5, 10)]
    assert all(sorted(turn) == sorted(OTHERS) for turn in turns)
    assert turns[0] != turns[1] or turns[1] != turns[2]


def test_the_seed_interleaves(others):
    def kinds(seed):
        lines = mixed(others, 200, seed)
        return [isinstance(lines[n], Episode) for n in range(200)]

    first = Counter(kinds(0)[0::2])
    assert 30 < first[True] < 70
    assert kinds(0) == kinds(0) != kinds(1)
    with pytest.raises(IndexError, match="no line 200"):
        mixed(others, 200)[200]


def test_a_mix_needs_as_many_episodes_as_half_its_lines(others):
    sampler = EpisodeSampler(ring(4, 5), EpisodePlan("mix", 3, shots=2))
    with pytest.raises(ValueError, match="half of them episodes, not 3"):
        MixedLines(sampler, others, 10)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no lines to mix with"),
        (b'{"a": 1}\n\n', r"other.jsonl:2: no JSON"),
        (b'[{"a": 1}]\n', r"other.jsonl:1: not a JSON object"),
        (b'{"a": 1}\n{"a":\n', r"other.jsonl:2: no JSON"),
        (b'{"a": NaN}\n', "NaN is no number"),
        (b'{"a": "\xff"}\n', r"other.jsonl:1: no JSON"),
        (b'{"a": ' * 100_000, r"other.jsonl:1: no JSON"),
        (b'{"a": 1,\r"b": 2}\n', r"other.jsonl:1: a carriage return"),
    ],
)
def test_files_that_are_no_json_lines_are_refused_with_file_and_line(tmp_path, content, said):
    (tmp_path / "other.jsonl").write_bytes(content)
    with pytest.raises(ManifestError, match=said):
        OtherLines([tmp_path / "other.jsonl"])
    with pytest.raises(ManifestError, match="cannot be read"):
        OtherLines([tmp_path / "missing.jsonl"])
    with pytest.raises(ManifestError, match="no regular file"):
        OtherLines([tmp_path])


def test_a_file_that_changed_since_it_was_looked_at_is_refused(tmp_path, others):
    (tmp_path / "one.jsonl").write_bytes(b"{}\n")
    with pytest.raises(ManifestError, match=r"one.jsonl:2: no JSON"):
        others[1]
