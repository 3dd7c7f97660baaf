"""Yields by concept, template and word: numbers that add up, surely low ones first."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.records import Decision, ImageRecord, PlannedImage, Provenance, Verdict
from isekai_gen.shards import append_records, write_records
from isekai_gen.stages.yield_files import csv_of, write_yields
from isekai_gen.stages.yields import Yield, read_yields
from isekai_gen.workspace import Workspace

PROVENANCE = Provenance(
    model="m",
    revision="",
    model_digest="",
    pipeline="",
    scheduler="",
    scheduler_config_digest="",
    num_inference_steps=1,
    guidance_scale=0.0,
    width=8,
    height=8,
    dtype="float32",
    micro_batch_size=1,
    profile="",
)


def record(number, concept="cactihog", template="plain", failure="", **slots):
    image_id = f"{number:020x}"
    planned = PlannedImage(image_id, concept, number, template, slots, "a prompt", "", 0, 0)
    path = "" if failure else f"images/{concept}/{image_id}.png"
    return ImageRecord(planned, PROVENANCE, failure, path, "", "", None)


def workspace_of(root, records, dropped=(), shard_size=100):
    """A workspace in which one filter judged these records and dropped some."""
    workspace = Workspace(root)
    for part, start in enumerate(range(0, len(records), shard_size)):
        shard = records[start : start + shard_size]
        write_records(workspace.part("plan", part), [one.planned for one in shard])
        write_records(workspace.part("records", part), shard)
        verdicts = [
            Verdict(one.image_id, "near_duplicate", one.image_id not in dropped, "a reason")
            for one in shard
            if one.generated
        ]
        write_records(workspace.part("verdicts/near_duplicate", part), verdicts)
    return workspace


def test_a_word_that_loses_images_comes_before_one_that_keeps_them(tmp_path):
    records = [record(n, place="at night" if n % 2 else "on a beach") for n in range(12)]
    report = read_yields(
        workspace_of(tmp_path, records, {one.image_id for one in records[1:8:2]}, shard_size=5)
    )
    night, beach = report.by_slot_value
    assert (night.label, night.generated, night.kept) == ("place = at night", 6, 2)
    assert night.dropped == {"near_duplicate": 4}
    assert (beach.value, beach.generated, beach.kept, dict(beach.dropped)) == (
        "on a beach",
        6,
        6,
        {},
    )
    assert report.worst_words[0] == night
    assert beach not in report.worst_words


def test_one_image_dropped_out_of_one_proves_less_than_many_out_of_many(tmp_path):
    records = [record(n, place="often" if n else "once") for n in range(21)]
    dropped = {one.image_id for one in records[:16]}
    report = read_yields(workspace_of(tmp_path, records, dropped))
    assert [entry.value for entry in report.by_slot_value] == ["often", "once"]


def test_what_a_concept_says_of_itself_is_no_word(tmp_path):
    own = {"name": "cactihog", "short": "a", "description": "b", "concept_negative": "c"}
    report = read_yields(workspace_of(tmp_path, [record(0, **own, light="")]))
    assert [entry.label for entry in report.by_slot_value] == ["light = (nothing)"]


def test_unnamed_variants_of_different_templates_are_different_words(tmp_path):
    records = [record(0, template="a", v1="red"), record(1, template="b", v1="red")]
    report = read_yields(workspace_of(tmp_path, records))
    assert [entry.name for entry in report.by_slot_value] == ["a/v1", "b/v1"]


def test_a_word_that_an_image_has_twice_counts_once(tmp_path):
    slots = {"creature": "cat", "creature#2": "cat", "creature#3": "dog"}
    report = read_yields(workspace_of(tmp_path, [record(0, **slots)]))
    assert {(y.name, y.value): y.generated for y in report.by_slot_value} == {
        ("creature", "cat"): 1,
        ("creature", "dog"): 1,
    }


def test_people_outrank_filters_here_too(tmp_path):
    records = [record(n) for n in range(3)]
    workspace = workspace_of(tmp_path, records, {records[0].image_id})
    append_records(
        workspace.decisions_file,
        [
            Decision((records[0].image_id,), "keep", "ada"),
            Decision((records[1].image_id,), "drop", "ada"),
        ],
    )
    assert read_yields(workspace).total.dropped == {"person": 1}


def test_filters_that_did_not_judge_are_not_listed(tmp_path):
    workspace = workspace_of(tmp_path, [record(n) for n in range(3)])
    assert read_yields(workspace).judged == {"near_duplicate": 3}


def test_failed_images_do_not_count_as_generated(tmp_path):
    report = read_yields(workspace_of(tmp_path, [record(0), record(1, failure="not finite")]))
    assert (report.total.generated, report.by_concept[0].generated) == (1, 1)


images = st.lists(
    st.tuples(
        st.sampled_from(["one", "two"]),
        st.sampled_from(["plain", "drawing"]),
        st.sampled_from(["red", "blue", ""]),
        st.sampled_from(["kept", "dropped", "failed"]),
    ),
    min_size=1,
    max_size=30,
)


@given(images)
def test_numbers_add_up_under_every_heading(tmp_path_factory, drawn):
    records = [
        record(n, concept, template, "not finite" if fate == "failed" else "", color=color)
        for n, (concept, template, color, fate) in enumerate(drawn)
    ]
    dropped = {
        one.image_id for one, (*_, fate) in zip(records, drawn, strict=True) if fate == "dropped"
    }
    root = tmp_path_factory.mktemp("yields")
    report = read_yields(workspace_of(root, records, dropped, shard_size=7))
    assert report.total.generated == sum(one.generated for one in records)
    assert report.total.kept == report.total.generated - len(dropped)
    for entries in (report.by_concept, report.by_template, report.by_slot_value):
        assert sum(entry.generated for entry in entries) == report.total.generated
        assert sum(entry.kept for entry in entries) == report.total.kept
        for entry in entries:
            assert entry.generated == entry.kept + sum(entry.dropped.values())
        assert list(entries) == sorted(entries, key=lambda entry: entry.interval[1])


def test_the_csv_has_a_row_for_everything_and_a_column_for_every_filter(tmp_path):
    records = [record(n, place='in "A", then B') for n in range(4)]
    report = read_yields(workspace_of(tmp_path, records, {records[2].image_id}))
    rows = list(csv.DictReader(io.StringIO(csv_of(report).decode())))
    assert [row["kind"] for row in rows] == ["total", "concept", "template", "slot"]
    assert rows[3]["value"] == 'in "A", then B'
    for row in rows:
        assert int(row["generated"]) == int(row["kept"]) + int(row["dropped_by_near_duplicate"])
        assert float(row["yield_low"]) < float(row["yield"]) == 0.75 < float(row["yield_high"])


def test_the_json_file_has_what_topup_reached_and_all_yields(tmp_path):
    report = read_yields(workspace_of(tmp_path, [record(0, place="x")]))
    write_yields(Workspace(tmp_path), report, {"kept": 1})
    found = json.loads((tmp_path / "reports/yield.json").read_text())
    assert found == {"schema": 1, "topup": {"kept": 1}, "yields": report.to_json()}


def test_labels_name_the_kind():
    assert Yield("template", "photo", "", 1, 1, {}).label == "template photo"
    assert Yield("total", "", "", 1, 1, {}).label == "total"
