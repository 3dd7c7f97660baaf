"""The report: its numbers are those of the other commands, and its file needs nothing else."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.shards import read_lines
from isekai_gen.stages import embed, looks
from isekai_gen.stages.audit import apply_answers, draw_audit
from isekai_gen.stages.audit_sample import read_sample
from isekai_gen.stages.decisions import append_decisions, decide
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.stages.report import write_report
from isekai_gen.stages.status import read_status
from isekai_gen.stages.topup_rounds import Aim, RoundLog
from isekai_gen.stages.yields import read_yields
from isekai_gen.workspace import Workspace
from tests.small_jobs import make_context, run_serially
from tests.stages.curated_jobs import draw_workspace
from tests.stages.painted import ids_of, paint, paint_scenes, scene


class Page(HTMLParser):
    """What a page has, as its reader's browser sees it."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def context_of(root, generator, encoder):
    made = make_context(root, generator)
    tables = {
        "embed": {"encoder": str(encoder)},
        "near_duplicate": {"max_similarity": 1.0, "tiers": ("exact", "perceptual", "semantic")},
    }
    return replace(made, settings=made.settings.with_overrides(tables))


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    for stage in (embed, looks):
        monkeypatch.setattr(stage, "run_shards", run_serially)


@pytest.fixture(scope="module")
def judged(tiny_generator, tiny_encoder, tmp_path_factory):
    """Sixteen images in two shards, three of them one picture, judged by dedupe."""
    root = draw_workspace(tmp_path_factory.mktemp("judged"), tiny_generator, 4)
    ids = paint_scenes(root)
    paint(root, {image_id: scene(99) for image_id in (ids[0], ids[3], ids[9])})
    with pytest.MonkeyPatch.context() as patch:
        for stage in (embed, looks):
            patch.setattr(stage, "run_shards", run_serially)
        dedupe(context_of(root, tiny_generator, tiny_encoder))
    return root


@pytest.fixture
def root(judged, tmp_path):
    shutil.copytree(judged, tmp_path / "ws")
    return tmp_path / "ws"


@pytest.fixture
def context(root, tiny_generator, tiny_encoder):
    return context_of(root, tiny_generator, tiny_encoder)


def report_of(context, **choices):
    """The numbers as read from their file, and the page as a browser reads it."""
    written = write_report(context, **choices)
    return json.loads(written.numbers.read_text()), Page(written.page.read_text())


@pytest.fixture(scope="module")
def reported(judged, tiny_generator, tiny_encoder, tmp_path_factory):
    """The report on these images: its numbers and its page."""
    out = tmp_path_factory.mktemp("reported") / "report.html"
    return report_of(context_of(judged, tiny_generator, tiny_encoder), out=out)


def test_numbers_are_those_of_status_and_add_up(judged, reported):
    status = read_status(Workspace(judged))
    tree, page = reported
    assert tree["counts"] == status.total.to_json()
    assert status.total.dropped == {"near_duplicate": 2}
    assert {row["slug"]: row["counts"] for row in tree["concepts"]} == {
        slug: counts.to_json() for slug, counts in status.by_concept.items()
    }
    assert [(step["step"], step["images"]) for step in tree["funnel"]] == [
        ("planned", 16),
        ("generated", 16),
        ("kept", 14),
    ]
    assert "generated 16 = kept 14 + dropped 2" in page.text


def test_yields_are_those_of_the_command(judged, reported):
    yields = read_yields(Workspace(judged)).to_json()
    assert reported[0]["yields"] == json.loads(json.dumps(yields))


def test_the_same_workspace_gives_the_same_bytes(context, tmp_path):
    one = write_report(context, tmp_path / "one.html")
    other = write_report(context, tmp_path / "other.html")
    assert one.page.read_bytes() == other.page.read_bytes()
    assert one.numbers.read_bytes() == other.numbers.read_bytes()


def test_the_page_asks_nobody_for_anything(reported):
    _, page = reported
    assert not [tag for tag, _ in page.tags if tag in {"script", "link", "iframe", "object"}]
    policies = [a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none';")
    addresses = [a[key] for _, a in page.tags for key in ("src", "href", "xlink:href") if key in a]
    assert addresses
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in addresses)


def test_no_two_elements_share_an_id_and_links_lead_somewhere(reported):
    _, page = reported
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    links = {a["href"].removeprefix("#") for tag, a in page.tags if tag == "a"}
    assert links
    assert links <= set(ids)


def test_pictures_and_plots_say_what_they_show(reported):
    _, page = reported
    pictures = [a for tag, a in page.tags if tag == "img"]
    plots = [a for tag, a in page.tags if tag == "svg"]
    assert len(pictures) > 10
    assert len(plots) >= 4
    assert all(a["alt"] for a in pictures)
    assert all(a["role"] == "img" and a["aria-label"] for a in plots)
    labels = [a["aria-label"] for _, a in page.tags if a.get("role") == "region"]
    assert len(labels) == len(set(labels))


def test_what_was_not_measured_names_its_command(tiny_generator, tiny_encoder, tmp_path):
    root = draw_workspace(tmp_path, tiny_generator, 2)
    tree, page = report_of(context_of(root, tiny_generator, tiny_encoder))
    for section in ("duplicates", "fictionality", "calibration", "audit", "released", "quota"):
        assert tree[section] is None
    for command in ("dedupe", "overlap", "calibrate", "audit", "release build", "review"):
        assert f"isekai-gen {command}" in page.text
    assert "No filter has judged these images yet" in page.text


def test_every_listed_pair_is_counted_once(reported):
    tree, _ = reported
    tiers = tree["duplicates"]["summary"]["tiers"]
    assert tiers["perceptual"]["edges"] >= 3
    for tier, found in tree["similarities"].items():
        listed = found["listed"]
        assert sum(listed["within"]) + sum(listed["across"]) == tiers[tier]["edges"]
    # The first and fourth image are of one concept, the tenth is of another.
    perceptual = tree["similarities"]["perceptual"]["listed"]
    assert (perceptual["within"][-1], perceptual["across"][-1]) == (1, 2)


def test_the_sample_has_every_pair_of_its_images(reported):
    found = reported[0]["similarities"]["semantic"]
    assert found["sampled_images"] == 16
    assert sum(found["sample"]["within"]) == 4 * 6
    assert sum(found["sample"]["across"]) == 16 * 15 // 2 - 4 * 6


def test_pairs_of_a_picture_that_changed_are_counted_no_longer(context, root):
    ids = ids_of(root)
    paint(root, {ids[3]: scene(98), ids[5]: scene(99)})
    dedupe(context)
    assert len(list((root / "edges" / "perceptual").glob("part-?????.parquet"))) == 2
    tree, _ = report_of(context)
    assert tree["notes"] == []
    # Of the first, sixth and tenth image the first alone is of the first concept.
    perceptual = tree["similarities"]["perceptual"]["listed"]
    assert (perceptual["within"][-1], perceptual["across"][-1]) == (0, 3)


def test_pairs_that_dedupe_did_not_judge_by_are_noted(context):
    path = context.workspace.reports / "duplicates" / "summary.json"
    summary = json.loads(path.read_text())
    summary["tiers"]["perceptual"]["edges"] += 1
    path.write_text(json.dumps(summary))
    tree, page = report_of(context)
    assert len(tree["notes"]) == 1
    assert "Tier perceptual: dedupe judged by" in page.text


def test_the_largest_duplicate_groups_are_shown(reported):
    tree, page = reported
    (group,) = tree["duplicates"]["largest_groups"]
    assert len(group["members"]) == 3
    members = {a["title"] for tag, a in page.tags if tag == "img" and "member" in a["alt"]}
    assert members == set(group["members"]) - {group["representative"]}


def test_only_kept_images_are_on_the_contact_sheets(context, root):
    dropped = ids_of(root)[1]
    append_decisions(context.workspace, [decide([dropped], "drop", "ada")])
    _, page = report_of(context)
    shown = {a["title"] for tag, a in page.tags if tag == "img"}
    duplicates = set(read_lines(root / "reports/duplicates/groups.jsonl")[0]["members"])
    assert shown == set(ids_of(root)) - {dropped} | duplicates


def test_decisions_in_force_are_counted(context, root):
    first, second = ids_of(root)[:2]
    made = [
        decide([first], "drop", "ada", reason="blurred"),
        decide([first], "undecided", "ada"),
        decide([second], "drop", "ben", reason="two heads"),
    ]
    append_decisions(context.workspace, made)
    tree, page = report_of(context)
    assert tree["decisions"] == {
        "recorded": 3,
        "in_force": {"drop": 1},
        "by_person": {"ben": 1},
        "by_reason": {"two heads": 1},
    }
    assert "3 recorded, 1 in force" in page.text


def test_words_of_a_dataset_stay_words(context, root):
    hostile = '<img src="https://example.com/x.png"><script>alert(1)</script>'
    append_decisions(context.workspace, [decide([ids_of(root)[1]], "keep", "ada", reason=hostile)])
    _, page = report_of(context)
    assert "https://example.com" in page.text
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [a for t, a in page.tags if t == "img" and a["src"].startswith("https")]


def test_the_quota_is_the_one_of_the_last_topup(context):
    RoundLog(context.workspace, new_plan=False).open_round(Aim(4, 4, 8), {"cactihog": 8})
    tree, page = report_of(context)
    assert tree["quota"] == 4
    reached = sum(row["counts"]["kept"] >= 4 for row in tree["concepts"])
    assert f"{reached} of 4 concepts have reached it" in page.text
    missing = [4 - row["counts"]["kept"] for row in tree["concepts"]]
    assert sum(missing) == 2
    assert all(f"{number} short" in page.text for number in missing if number)


def test_a_release_of_other_images_is_noted(context, tmp_path):
    index = {
        "title": "small",
        "version": "1.0.0",
        "counts": {"kept": 13, "by_concept": {"cactihog": {"kept": 3}}},
    }
    (tmp_path / "released").mkdir()
    (tmp_path / "released" / "release.json").write_text(json.dumps(index))
    tree, page = report_of(context, release=tmp_path / "released")
    assert tree["funnel"][-1] == {"step": "released", "images": 13}
    assert next(row for row in tree["concepts"] if row["slug"] == "cactihog")["released"] == 3
    assert "The release holds 13 images and 14 are kept now" in page.text


def test_precision_and_recall_are_those_of_the_audit(context, tmp_path):
    draw_audit(context, 20, 0)
    answers = tmp_path / "answers.jsonl"
    questions = read_sample(context.workspace)
    lines = [{"schema": 1, "id": each.id, "answer": each.answers[0]} for each in questions]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = apply_answers(context, answers, None).result
    tree, page = report_of(context)
    assert tree["audit"]["all"]["precision"]["estimate"] == result.all.precision.estimate == 1.0
    low, high = result.all.precision.low * 100, result.all.precision.high * 100
    assert f"100.0% ({low:.1f}–{high:.1f})" in page.text  # noqa: RUF001 - a range


def test_a_picture_that_is_not_the_recorded_one_is_refused(context, root):
    lost = read_lines(root / "reports" / "duplicates" / "groups.jsonl")[0]["representative"]
    next((root / "images").rglob(f"{lost}.png")).write_bytes(b"no picture")
    with pytest.raises(ChecksumError, match=f"{lost}.png: .*isekai-gen generate"):
        write_report(context)


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("duplicates/summary.json", "{}", "dedupe"),
        (
            "duplicates/groups.jsonl",
            '{"members": 5, "representative": "a", "diameter": 1, '
            '"diameter_is_exact": true}\n{"members": ["a"], "representative": "a", "diameter": 1, '
            '"diameter_is_exact": true}\n',
            "dedupe",
        ),
        ("fictionality.json", "[]", "overlap"),
        ("fictionality.json", "[" * 100_000, "overlap"),
        ("fictionality.json", "{", "overlap"),
        ("audit/result.json", '{"questions": 1}', "audit"),
    ],
)
def test_a_damaged_report_of_another_command_is_named(context, name, content, remedy):
    path = context.workspace.reports / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    with pytest.raises(ChecksumError, match=f"{re.escape(str(path))}: .*isekai-gen {remedy}"):
        write_report(context)


def test_a_file_of_another_kind_and_a_folder_without_release_are_refused(context, tmp_path):
    with pytest.raises(InputError, match=r"must end in \.html"):
        write_report(context, tmp_path / "report.json")
    with pytest.raises(InputError, match=r"holds no release\.json"):
        write_report(context, release=tmp_path)
    assert not (tmp_path / "report.json").exists()


def test_without_a_plan_there_is_no_report(context, tmp_path):
    with pytest.raises(InputError, match="no workspace with images yet"):
        write_report(replace(context, workspace=Workspace(tmp_path / "nothing")))
