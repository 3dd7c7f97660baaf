"""Queues of the review page: what is open, what is decided, and that nobody is asked twice."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from isekai_gen.records import Verdict
from isekai_gen.shards import encode_lines, write_records
from isekai_gen.stages import review_sayings
from isekai_gen.stages.audit_answers import read_answers
from isekai_gen.stages.audit_sample import read_sample, sample_file, write_sample
from isekai_gen.stages.decisions import append_decisions, decide, read_decisions
from isekai_gen.stages.embedding_files import ShardEmbeddings, write_shard
from isekai_gen.storage import write_atomically
from tests.small_jobs import read_plan
from tests.stages.review_jobs import left, open_at, question, said, write_workspace


@pytest.fixture
def workspace(tmp_path):
    return write_workspace(tmp_path / "ws", {"ant": 8, "bat": 4})


@pytest.fixture
def ids(workspace):
    return sorted(image.image_id for image in read_plan(workspace))


def write_pairs(workspace, pairs):
    """reports/duplicates/review.jsonl of (a, b, similarity)."""
    rows = [
        {"schema": 1, "images": [a, b], "tier": "semantic", "similarity": s, "limit": 0.95}
        for a, b, s in pairs
    ]
    folder = workspace.reports / "duplicates"
    write_atomically(folder / "review.jsonl", encode_lines(rows))
    summary = {"tiers": {"semantic": {"review_similarity": 0.92}}}
    write_atomically(folder / "summary.json", json.dumps(summary).encode())


def choices(undo) -> list[str]:
    """What an undo took back."""
    return [one["choice"] for one in undo["undone"]]


def keys(review, name, after="", limit=500):
    return [entry["key"] for entry in review.queue(name, after, limit)["entries"]]


def walk(review, name, limit):
    """Every key of a queue, page after page."""
    found, after = [], ""
    while True:
        page = review.queue(name, after, limit)
        found += [entry["key"] for entry in page["entries"]]
        after = page["next"]
        if not after:
            return found


def test_pairs_come_closest_to_the_limit_first(workspace, ids):
    write_pairs(workspace, [(ids[0], ids[1], 0.93), (ids[2], ids[3], 0.949)])
    review = open_at(workspace.root)
    first = review.queue("duplicates", "", 1)["entries"][0]
    assert first["key"] == f"{ids[2]}-{ids[3]}"
    assert [image["id"] for image in first["images"]] == [ids[2], ids[3]]
    assert (first["similarity"], first["limit"], first["review_limit"]) == (0.949, 0.95, 0.92)


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_paging_shows_each_pair_once_the_decided_ones_last(workspace, ids, limit):
    write_pairs(workspace, [(ids[n], ids[n + 1], 0.949 - n / 1000) for n in range(6)])
    review = open_at(workspace.root)
    review.say([said("duplicate", ids[0], ids[1]), said("not_duplicate", ids[4], ids[3])])
    review.say([said("duplicate", ids[8], ids[9])])  # in no review band
    found = walk(review, "duplicates", limit)
    open_, decided = [1, 2, 4, 5], [0, 3]
    expected = [f"{ids[n]}-{ids[n + 1]}" for n in (*open_, *decided)]
    assert found == [*expected, f"{ids[8]}-{ids[9]}"]
    assert left(review.summary(), "duplicates") == (4, 3)


def test_paging_goes_on_behind_a_decided_pair_of_no_review_band(workspace, ids):
    write_pairs(workspace, [(ids[0], ids[1], 0.94)])
    review = open_at(workspace.root)
    outside = [(ids[n], ids[n + 1]) for n in (4, 6, 8)]
    review.say([said("duplicate", *pair) for pair in outside])
    first, second, third = sorted("-".join(pair) for pair in outside)
    assert keys(review, "duplicates", first) == [second, third]
    assert keys(review, "duplicates", third) == []


def test_paging_goes_on_behind_a_pair_that_was_decided_meanwhile(workspace, ids):
    write_pairs(workspace, [(ids[n], ids[n + 1], 0.949 - n / 1000) for n in range(4)])
    review = open_at(workspace.root)
    after = review.queue("duplicates", "", 2)["next"]
    review.say([said("duplicate", ids[1], ids[2])])
    assert after == f"{ids[1]}-{ids[2]}"
    assert keys(review, "duplicates", after)[:2] == [f"{ids[n]}-{ids[n + 1]}" for n in (2, 3)]


def test_dropping_an_image_settles_its_pairs_and_undo_opens_them_again(workspace, ids):
    write_pairs(workspace, [(ids[0], ids[1], 0.94), (ids[1], ids[2], 0.93)])
    review = open_at(workspace.root)
    assert left(review.say([said("drop", ids[1])]), "duplicates") == (0, 2)
    assert left(review.undo()["summary"], "duplicates") == (2, 0)
    assert left(review.say([said("keep", ids[1])]), "duplicates") == (2, 0)


def test_a_pair_waits_until_images_are_judged_again(workspace, ids):
    write_pairs(workspace, [(ids[0], ids[1], 0.94)])
    review = open_at(workspace.root)
    assert review.say([said("not_duplicate", ids[0], ids[1])])["waiting"] == 1
    assert review.undo()["summary"]["waiting"] == 0
    assert review.say([said("duplicate", ids[0], ids[1])])["waiting"] == 1
    # Who keeps both has them both, whatever the pair is called.
    assert review.say([said("keep", ids[0]), said("keep", ids[1])])["waiting"] == 0
    assert review.undo()["summary"]["waiting"] == 1


def test_another_representative_is_shown_and_decides_the_group(workspace, ids):
    row = {"representative": ids[2], "members": [ids[2], ids[0], ids[1]], "schema": 1}
    row |= {"diameter": 0.9, "diameter_is_exact": True}
    write_atomically(workspace.reports / "duplicates" / "groups.jsonl", encode_lines([row]))
    review = open_at(workspace.root)
    (entry,) = review.queue("groups", "", 5)["entries"]
    assert (entry["key"], entry["representative"]) == (ids[0], ids[2])
    assert left(review.say([said("keep", ids[1])]), "groups") == (0, 1)
    (entry,) = review.queue("groups", "", 5)["entries"]
    assert (entry["key"], entry["representative"]) == (ids[0], ids[1])


def test_a_group_is_decided_when_its_pairs_are_taken_apart(workspace, ids):
    row = {"representative": ids[0], "members": ids[:3], "schema": 1}
    row |= {"diameter": 0.9, "diameter_is_exact": True}
    write_atomically(workspace.reports / "duplicates" / "groups.jsonl", encode_lines([row]))
    review = open_at(workspace.root)
    assert left(review.say([said("not_duplicate", ids[0], ids[1])]), "groups") == (1, 0)
    assert left(review.say([said("not_duplicate", ids[0], ids[2])]), "groups") == (0, 1)
    assert review.queue("groups", "", 5)["entries"][0]["decided"]
    assert left(review.undo()["summary"], "groups") == (1, 0)


def write_overlap(workspace, verdicts_by_part):
    for part, verdicts in verdicts_by_part.items():
        for name in {verdict.by for verdict in verdicts}:
            rows = [verdict for verdict in verdicts if verdict.by == name]
            write_records(workspace.part(workspace.verdicts(name), part), rows)


def test_overlap_shows_kept_images_of_fictional_concepts_near_a_limit(workspace, ids):
    ants = [image.image_id for image in read_plan(workspace) if image.concept == "ant"]
    bats = [image.image_id for image in read_plan(workspace) if image.concept == "bat"]
    margins = [-0.4, -0.39, -0.38, -0.05, 0.1, 0.2, -0.37, -0.36]
    reasons = (
        ["within_limit"] * 4 + ["looks_like_class", "unlike_class_images"] + 2 * ["within_limit"]
    )
    ruled = zip(ants, margins, reasons, strict=True)
    verdicts = [
        Verdict(i, "class_overlap", r != "looks_like_class", r, m, 0.0, "", "real/cat")
        for i, m, r in ruled
    ]
    verdicts += [Verdict(bats[0], "class_overlap", keep=True, reason="real_concept")]
    parts = {part: [] for part in workspace.parts("plan")}
    for part in parts:
        own = workspace.part("plan", part).read_text()
        parts[part] = [verdict for verdict in verdicts if verdict.image_id in own]
    write_overlap(workspace, parts)
    review = open_at(workspace.root)
    entries = review.queue("overlap", "", 10)["entries"]
    assert [(e["key"], e["reason"]) for e in entries] == [
        (ants[3], "within_limit"),
        (ants[5], "unlike_class_images"),
    ]
    assert entries[0]["reference"] == "real/cat"
    assert left(review.say([said("drop", ants[3])]), "overlap") == (1, 1)
    assert keys(review, "overlap") == [ants[5], ants[3]]


def test_an_alike_name_is_asked_about_once_for_its_concept(workspace):
    for part in workspace.parts("plan"):
        ants = [
            i
            for i in read_plan(workspace)
            if i.image_id in workspace.part("plan", part).read_text()
        ]
        rows = [
            Verdict(i.image_id, "name_overlap", True, "name_near_class", 0.92, 0.9)
            for i in ants
            if i.concept == "ant"
        ]
        write_records(workspace.part(workspace.verdicts("name_overlap"), part), rows)
    (entry,) = open_at(workspace.root).queue("overlap", "", 10)["entries"]
    assert (entry["reason"], entry["image"]["index"]) == ("name_near_class", 0)


def test_a_concept_shows_its_outliers_first_and_is_done_when_all_is_decided(workspace):
    outlier = None
    for part in workspace.parts("records"):
        own = [
            i
            for i in read_plan(workspace)
            if i.image_id in workspace.part("plan", part).read_text()
        ]
        vectors = np.tile(np.array([1.0, 0.0], dtype=np.float32), (len(own), 1))
        if part == 0:
            outlier, vectors[2] = own[2].image_id, [0.6, 0.8]
        write_shard(
            workspace,
            "starter",
            part,
            ShardEmbeddings(tuple(i.image_id for i in own), vectors, None, {}),
        )
    review = open_at(workspace.root)
    ant, bat = review.queue("consistency", "", 10)["entries"]
    assert (ant["key"], bat["key"]) == ("ant", "bat")
    assert ant["images"][0]["id"] == outlier
    assert ant["images"][0]["typical"] == pytest.approx(0.6)
    assert ant["images"][1]["typical"] == pytest.approx((6 * 1 + 0.6) / 7)
    assert left(review.say([said("drop", outlier)]), "consistency") == (2, 0)
    rest = [said("keep", image["id"]) for image in ant["images"][1:]]
    assert left(review.say(rest), "consistency") == (1, 1)
    assert keys(review, "consistency") == ["bat", "ant"]


def test_without_embeddings_a_concept_comes_in_the_order_of_its_images(workspace):
    ant = open_at(workspace.root).queue("consistency", "", 1)["entries"][0]
    assert [image["index"] for image in ant["images"]] == list(range(8))
    assert ant["images"][0]["typical"] is None


def test_answers_to_an_audit_are_those_that_audit_reads(workspace, ids):
    pair, one = (
        question("a" * 16, "duplicate", (ids[0], ids[1])),
        question("b" * 16, "drop", (ids[2],)),
    )
    write_sample(workspace, [pair, one])
    review = open_at(workspace.root)
    entry = review.queue("audit", "", 1)["entries"][0]
    assert (entry["ask"], entry["answer"], len(entry["images"])) == ("duplicate", "", 2)
    assert not {"verdict", "reason", "measured", "by"} & entry["images"][0].keys()
    review.say([said("unsure", question=pair.id), said("drop", ids[2], question=one.id)])
    summary = review.say([said("not_duplicate", question=pair.id)])
    answers = sample_file(workspace).with_name("answers.jsonl")
    read = read_answers(answers, read_sample(workspace))
    assert read == {pair.id: "not_duplicate", one.id: "drop"}
    assert left(summary, "audit") == (0, 2)
    assert read_decisions(workspace) == []
    assert choices(review.undo()) == ["not_duplicate"]
    assert read_answers(answers, read_sample(workspace))[pair.id] == "unsure"
    assert left(review.undo()["summary"], "audit") == (2, 0)


def test_answers_to_another_sample_are_put_aside(workspace, ids):
    first, second = question("a" * 16, "drop", (ids[0],)), question("b" * 16, "drop", (ids[1],))
    write_sample(workspace, [first])
    review = open_at(workspace.root)
    review.say([said("drop", question=first.id)])
    write_sample(workspace, [second])
    review.say([said("keep", question=second.id)])
    folder = sample_file(workspace).parent
    assert read_answers(folder / "answers.jsonl", [second]) == {second.id: "keep"}
    assert read_answers(folder / "answers-earlier.jsonl", [first]) == {first.id: "drop"}


@pytest.mark.parametrize(
    ("saying", "message"),
    [
        (said("keep", "f" * 20), "no image of this workspace"),
        (said("maybe", "first"), "no choice"),
        (said("duplicate", "first"), "names 2 image"),
        (said("keep", "first", "second"), "names 1 image"),
        (said("duplicate", "first", "first"), "names 2 image"),
        (said("keep", question="zz"), "no question"),
    ],
)
def test_a_wrong_saying_records_nothing_not_even_the_right_ones(workspace, ids, saying, message):
    named = {"first": ids[0], "second": ids[1]}
    wrong = said(saying.choice, *(named.get(i, i) for i in saying.images), question=saying.question)
    review = open_at(workspace.root)
    with pytest.raises(ValueError, match=message):
        review.say([said("drop", ids[3]), wrong])
    assert read_decisions(workspace) == []
    assert choices(review.undo()) == []


def test_undo_brings_back_what_was_in_force_and_leaves_what_others_said_since(workspace, ids):
    append_decisions(workspace, [decide([ids[0]], "keep", "bo", reason="sharp")])
    review = open_at(workspace.root)
    review.say([said("drop", ids[0])])
    review.undo()
    last = read_decisions(workspace)[-1]
    assert (last.choice, last.by, last.reason) == ("keep", "bo", "sharp")
    review.say([said("drop", ids[0])])
    append_decisions(workspace, [decide([ids[0]], "keep", "bo", note="no")])
    answer = review.undo()
    assert answer["undone"] == []
    assert [(one["choice"], one["why"]) for one in answer["left"]] == [
        ("drop", "something else was said since")
    ]
    assert read_decisions(workspace)[-1].note == "no"


def test_what_is_said_twice_is_written_once_and_undone_once(workspace, ids):
    review = open_at(workspace.root)
    review.say([said("drop", ids[0])])
    review.say([said("drop", ids[0])])
    assert len(read_decisions(workspace)) == 1
    second, first = review.undo(), review.undo()
    assert (second["undone"], second["left"][0]["why"]) == ([], "it stood before")
    assert second["summary"]["counts"]["dropped"] == {"person": 1}
    assert (choices(first), first["summary"]["counts"]["dropped"]) == (["drop"], {})


def test_undo_goes_back_step_by_step_however_long_ago_they_were(workspace, ids, monkeypatch):
    clock = iter(range(60))

    def at_another_second(*args, **more):
        return replace(decide(*args, **more), at=f"2026-11-22T14:03:{next(clock):02d}Z")

    monkeypatch.setattr(review_sayings, "decide", at_another_second)
    review = open_at(workspace.root)
    review.say([said("drop", ids[0])])
    review.say([said("keep", ids[0], note="eyes"), said("keep", ids[0], reason="sharp")])
    undone = [review.undo() for _ in range(3)]
    assert [choices(each) for each in undone] == [["keep", "keep"], ["drop"], []]
    dropped = [each["summary"]["counts"]["dropped"] for each in undone]
    assert dropped == [{"person": 1}, {}, {}]
    written = [decision.choice for decision in read_decisions(workspace)]
    assert written == ["drop", "keep", "keep", "keep", "drop", "undecided"]
