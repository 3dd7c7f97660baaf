"""An audit of a small workspace: what is asked, what the answers say, what is decided."""

import shutil

import pytest

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.records import Decision, select_kept
from isekai_gen.shards import append_records, encode_lines
from isekai_gen.stages.audit import apply_answers, draw_audit
from isekai_gen.stages.audit_population import gather_questions
from isekai_gen.stages.audit_sample import read_sample
from isekai_gen.stages.curate import gather_records, read_verdicts
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.workspace import Workspace
from tests.small_jobs import digests
from tests.stages.curated_jobs import curation_context, draw_workspace, in_this_process

LIMITS = {"max_similarity": 0.992, "review_similarity": 0.985, "tiers": ("exact", "semantic")}


@pytest.fixture(autouse=True)
def serial():
    with in_this_process():
        yield


@pytest.fixture(scope="module")
def judged(tiny_generator, tiny_encoder, tmp_path_factory):
    """A workspace with near-duplicates dropped and kept pairs in the review band."""
    root = draw_workspace(tmp_path_factory.mktemp("judged"), tiny_generator, 6)
    with in_this_process():
        report = dedupe(curation_context(root, tiny_generator, tiny_encoder, **LIMITS))
    assert report.dropped > 3
    assert report.review_pairs
    return root


@pytest.fixture
def root(judged, tmp_path):
    shutil.copytree(judged, tmp_path / "ws")
    return tmp_path / "ws"


@pytest.fixture
def context(root, tiny_generator, tiny_encoder):
    return curation_context(root, tiny_generator, tiny_encoder, **LIMITS)


def kept_and_dropped(root):
    workspace = Workspace(root)
    facts = gather_records(workspace)
    verdicts = read_verdicts(workspace)
    return select_kept(facts.all_images, verdicts, facts.context.decisions)


def answer(root, say):
    """A file with `say(question)` to every question; None leaves one out."""
    rows = [
        {"schema": 1, "id": question.id, "answer": said}
        for question in read_sample(Workspace(root))
        if (said := say(question)) is not None
    ]
    path = root / "answers.jsonl"
    path.write_bytes(encode_lines(rows))
    return path


def test_every_drop_and_every_kept_pair_near_the_limit_can_be_asked_about(root, context):
    kept, dropped = kept_and_dropped(root)
    questions = [each for members in gather_questions(context).values() for each in members]
    drops = [each for each in questions if each.verdict == "drop"]
    assert sorted(each.images[0] for each in drops) == sorted(dropped)
    assert all(each.images[1] in kept for each in drops)
    pairs = [each for each in questions if each.filter == "near_duplicate" and each not in drops]
    assert pairs
    for each in pairs:
        assert set(each.images) <= set(kept)
        assert 0.978 < each.measured <= each.limit == 0.992
        assert ("/review band" in each.stratum) == (each.measured > 0.985)
    assert len({each.id for each in questions}) == len(questions)


def test_stratum_sizes_count_all_verdicts_asked_or_not(root, context):
    strata = gather_questions(context)
    report = draw_audit(context, len(strata), seed=0)
    assert {name: size for name, (size, _) in report.strata.items()} == {
        name: len(members) for name, members in strata.items()
    }
    assert {asked for _, asked in report.strata.values()} == {1}
    for question in read_sample(Workspace(root)):
        assert question.stratum_size == len(strata[question.stratum])


def test_the_same_seed_asks_the_same_and_touches_only_its_folder(root, context):
    draw_audit(context, 12, seed=3)
    first = digests(root, ("reports/audit",))
    others = {name: sha for name, sha in digests(root, (".",)).items() if "audit" not in name}
    draw_audit(context, 12, seed=3)
    assert digests(root, ("reports/audit",)) == first
    draw_audit(context, 12, seed=4)
    assert digests(root, ("reports/audit",)) != first
    after = {name: sha for name, sha in digests(root, (".",)).items() if "audit" not in name}
    assert after == others


def test_the_page_asks_every_question_once(root, context):
    draw_audit(context, 12, seed=0)
    page = (root / "reports" / "audit" / "index.html").read_text()
    questions = read_sample(Workspace(root))
    assert len(questions) == 12
    assert all(page.count(f'data-id="{question.id}"') == 1 for question in questions)


def test_answers_that_agree_with_the_filters_give_full_precision_and_recall(root, context):
    draw_audit(context, 500, seed=0)
    path = answer(root, lambda q: q.answers[0] if q.verdict == "drop" else q.answers[1])
    result = apply_answers(context, path, None).result
    assert result.all.precision.estimate == 1.0
    assert result.all.recall.estimate == 1.0
    assert 0.3 < result.all.precision.low < 1.0
    assert (root / "reports" / "audit" / "result.json").is_file()
    assert not read_decisions(Workspace(root))


def test_answers_become_decisions_that_no_one_is_asked_about_again(root, context):
    draw_audit(context, 500, seed=0)
    path = answer(root, lambda q: q.answers[1] if q.filter == "near_duplicate" else None)
    decided = apply_answers(context, path, "ada").decisions
    assert {decision.choice for decision in decided} == {"not_duplicate"}
    assert {decision.by for decision in decided} == {"ada"}
    assert read_decisions(Workspace(root)) == list(decided)
    assert not apply_answers(context, path, "ada").decisions
    dedupe(context)
    asked = [each for members in gather_questions(context).values() for each in members]
    assert not {tuple(sorted(each.images)) for each in asked} & {one.images for one in decided}


def test_a_torn_decision_is_repaired_before_others_are_added(root, context):
    draw_audit(context, 500, seed=0)
    whole = Decision(("0" * 20,), "keep", "eve")
    append_records(root / "decisions.jsonl", [whole])
    with (root / "decisions.jsonl").open("ab") as file:
        file.write(b'{"by": "ada", "cho')
    path = answer(root, lambda q: q.answers[0])
    decided = apply_answers(context, path, "ada").decisions
    assert read_decisions(Workspace(root)) == [whole, *decided]


def test_what_a_person_dropped_is_not_asked(root, context):
    dropped = sorted(kept_and_dropped(root)[1])[0]
    append_records(root / "decisions.jsonl", [Decision((dropped,), "drop", "ada")])
    asked = [each for members in gather_questions(context).values() for each in members]
    assert dropped not in {each.images[0] for each in asked if each.verdict == "drop"}


def test_answers_to_another_sample_are_refused(root, context):
    draw_audit(context, 12, seed=0)
    path = answer(root, lambda q: "unsure")
    draw_audit(context, 8, seed=9)
    with pytest.raises(InputError, match="is no question of this sample"):
        apply_answers(context, path, None)


def test_a_damaged_image_is_named(root, context):
    for path in (root / "images").rglob("*.png"):
        path.write_bytes(b"no picture")
    with pytest.raises(ChecksumError, match="isekai-gen generate"):
        draw_audit(context, 12, seed=0)


def test_a_workspace_without_verdicts_has_nothing_to_audit(root, context):
    shutil.rmtree(root / "verdicts")
    with pytest.raises(InputError, match="no verdicts to audit yet"):
        draw_audit(context, 12, seed=0)
