"""Episodes of a workspace's kept images, of a folder of classes, and of upstream's file."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from isekai_gen.errors import InputError, ManifestError
from isekai_gen.manifests.episode_plan import EpisodePlan
from isekai_gen.manifests.episodes import EpisodeSampler
from isekai_gen.records import Decision, Episode
from isekai_gen.shards import append_records, read_records
from isekai_gen.stages import class_embeddings_encoder
from isekai_gen.stages.curate import gather_facts
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.stages.episodes import EpisodeRequest, write_episodes
from isekai_gen.stages.episodes_source import class_folder_source, kept_source
from isekai_gen.stages.selection import select
from tests.small_jobs import run_serially
from tests.stages.curated_jobs import curation_context, draw_workspace, in_this_process
from tests.stages.picture_jobs import painted, save


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    return draw_workspace(tmp_path_factory.mktemp("drawn"), tiny_generator, 5)


@pytest.fixture
def context(drawn, tiny_generator, tiny_encoder, tmp_path, monkeypatch):
    shutil.copytree(drawn, tmp_path / "ws")
    monkeypatch.setattr(class_embeddings_encoder, "run_shards", run_serially)
    with in_this_process():
        yield curation_context(tmp_path / "ws", tiny_generator, tiny_encoder)


def with_episodes(context, **settings):
    return replace(context, settings=context.settings.with_overrides({"episodes": settings}))


def test_kept_images_are_grouped_by_concept_and_concepts_ranked_by_likeness(context):
    source = kept_source(context, select(context))
    assert sorted(source.pools) == ["cactihog", "hedgehog", "house", "mushroom-haven"]
    assert source.pools["mushroom-haven"].name == "mushroom haven"
    assert all(
        (context.workspace.root / i).is_file() for p in source.pools.values() for i in p.images
    )
    assert sum(len(pool.images) for pool in source.pools.values()) == 20
    table = gather_facts(context).context.embeddings
    means = {
        slug: table.select([i.rpartition("/")[2][:20] for i in pool.images]).vectors.mean(axis=0)
        for slug, pool in source.pools.items()
    }
    unit = {slug: mean / np.linalg.norm(mean) for slug, mean in means.items()}
    for slug, ranked in source.ranked_neighbors.items():
        likeness = [float(unit[slug] @ unit[other]) for other in ranked]
        assert likeness == pytest.approx(sorted(likeness, reverse=True), abs=2e-6)
        assert {slug, *ranked} == set(source.pools)


def test_dropped_images_are_not_shown(context):
    dropped = select(context).records[0]
    decision = Decision((dropped.image_id,), "drop", "me")
    append_records(context.workspace.decisions_file, [decision])
    source = kept_source(context, select(context))
    assert dropped.path not in source.pools[dropped.concept].images


def test_near_duplicates_that_a_person_keeps_bar_each_other(context):
    strict = replace(
        context,
        settings=context.settings.with_overrides({"near_duplicate": {"max_similarity": 0.5}}),
    )
    for record in select(context).records:
        decision = Decision((record.image_id,), "keep", "me")
        append_records(context.workspace.decisions_file, [decision])
    dedupe(strict)
    source = kept_source(strict, select(strict))
    assert sum(len(pool.images) for pool in source.pools.values()) == 20
    assert source.barred
    shown = {image for pool in source.pools.values() for image in pool.images}
    assert set(source.barred) <= shown


def test_a_file_is_written_with_all_that_made_it(context):
    out = context.workspace.root / "episodes" / "train.jsonl"
    context = with_episodes(context, count=30, shots=3, seed=4)
    report = write_episodes(context, EpisodeRequest(out, flip_position=2))
    summary = json.loads(report.summary.read_text())
    assert report.written.episodes == summary["episodes"] == summary["labels_made_false"] == 30
    assert summary["source"]["kind"] == "workspace"
    assert (report.classes, report.positive_classes, report.left_out) == (4, 4, {})
    source = kept_source(context, select(context))
    assert summary["source"]["digest"] == source.digest()
    again = EpisodeSampler(source, EpisodePlan(**summary["plan"]))
    assert read_records(out, Episode) == list(again)


def test_too_few_kept_images_are_refused_and_nothing_is_written(context):
    out = context.workspace.root / "train.jsonl"
    with pytest.raises(ManifestError, match="--shots 4"):
        write_episodes(with_episodes(context, shots=5), EpisodeRequest(out))
    assert not out.exists()
    assert "shots = 5" not in (context.workspace.settings_file).read_text()


@pytest.fixture
def classes(tmp_path):
    """Three classes of painted pictures; 'a' and 'b' look alike."""
    for number, name in enumerate(["a_first", "b_second", "c_third"]):
        for image in range(4):
            picture = painted(100 + image if number < 2 else 200 + image)
            save(tmp_path / "data" / name / f"{image}.png", picture)
    return tmp_path / "data"


def test_a_folder_per_class_is_a_source_ranked_by_class_similarity(context, classes):
    source = class_folder_source(context, classes, None, "cosine")
    assert source.pools["a_first"].name == "a first"
    assert source.pools["a_first"].images == tuple(f"a_first/{n}.png" for n in range(4))
    assert source.ranked_neighbors["a_first"] == ("b_second", "c_third")
    assert source.ranked_neighbors["b_second"] == ("a_first", "c_third")
    assert not source.barred


def test_episodes_of_a_folder_say_where_they_come_from(context, classes, tmp_path):
    context = with_episodes(context, count=8, shots=2, strategy="2-way-weight")
    request = EpisodeRequest(tmp_path / "e.jsonl", class_folder=classes, similarity="cosine")
    report = write_episodes(context, request)
    source = json.loads(report.summary.read_text())["source"]
    assert (source["kind"], source["similarity"]) == ("class-folder", "cosine")
    for episode in read_records(tmp_path / "e.jsonl", Episode):
        assert all((classes / shown.image).is_file() for shown in (*episode.support, episode.query))


def test_a_folder_that_is_none_is_refused(context, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        write_episodes(context, EpisodeRequest(tmp_path / "e", class_folder=tmp_path / "empty"))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"class_folder": "a", "source_file": "b"}, "choose --imagenet or --from"),
        ({"similarity": "lcl"}, "--similarity is for --imagenet"),
        ({"class_map": "m", "source_file": "b"}, "--class-map is for --imagenet"),
    ],
)
def test_sources_that_contradict_each_other_are_refused(tmp_path, fields, said):
    with pytest.raises(ManifestError, match=said):
        EpisodeRequest(tmp_path / "e", **fields)


def test_mix_and_its_files_go_together(context, tmp_path):
    (tmp_path / "other.jsonl").write_text('{"a": 1}\n')
    for strategy, mix in (("mix", ()), ("2-way", (tmp_path / "other.jsonl",))):
        with pytest.raises(ManifestError, match="go together"):
            write_episodes(
                with_episodes(context, strategy=strategy), EpisodeRequest(tmp_path / "e", mix=mix)
            )


def test_classes_left_out_are_noted(context, classes, tmp_path):
    for image in ("0.png", "1.png"):
        (classes / "c_third" / image).unlink()
    context = with_episodes(context, count=4, shots=3)
    request = EpisodeRequest(tmp_path / "e.jsonl", class_folder=classes, similarity="cosine")
    report = write_episodes(context, request)
    assert list(report.left_out) == ["c_third"]
    assert any("1 class(es) are no positive class: c_third" in n for n in context.reporter.notes)
