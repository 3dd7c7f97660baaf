"""A real judged workspace under review: details, search, pictures, and what judging again gives."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import ImageOps

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.review.source import ImageQuery, ReviewSource
from isekai_gen.stages import embed, generate, looks
from isekai_gen.stages.curate import verdicts_of
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.stages.review import open_review
from isekai_gen.stages.selection import select
from isekai_gen.stages.status import read_status
from isekai_gen.workspace import Workspace
from tests.small_jobs import digests, make_context, run_serially, write_job
from tests.stages.painted import ids_of, paint, paint_scenes, scene
from tests.stages.review_jobs import left, said


@pytest.fixture(scope="module", autouse=True)
def in_this_process():
    with pytest.MonkeyPatch.context() as patch:
        for stage in (embed, generate, looks):
            patch.setattr(stage, "run_shards", run_serially)
        yield


@pytest.fixture(scope="module")
def judged(tiny_generator, tiny_encoder, in_this_process, tmp_path_factory):
    """Sixteen images in two shards; the second is the first one mirrored."""
    folder = tmp_path_factory.mktemp("judged")
    context = make_context(folder / "ws", tiny_generator, images_per_concept=4, shard_size=8)
    generate.generate(context, write_job(folder).request)
    _, second, *_ = paint_scenes(folder / "ws")
    paint(folder / "ws", {second: ImageOps.mirror(scene(0))})
    dedupe(with_limits(context, tiny_encoder))
    return folder / "ws"


def with_limits(context, encoder, **near):
    """The tiny encoder finds all pictures alike: the semantic limit is 1 unless a test says so."""
    tables = {"embed": {"encoder": str(encoder)}, "near_duplicate": {"max_similarity": 1.0, **near}}
    return replace(context, settings=context.settings.with_overrides(tables))


@pytest.fixture
def root(judged, tmp_path):
    return Path(shutil.copytree(judged, tmp_path / "ws"))


@pytest.fixture
def make(root, tiny_generator, tiny_encoder):
    def make(**near):
        context = make_context(root, tiny_generator, images_per_concept=4, shard_size=8)
        return with_limits(context, tiny_encoder, **near)

    return make


@pytest.fixture
def review(make):
    source: ReviewSource = open_review(make(), "ada")
    return source


def verdict_of(root, image_id):
    return verdicts_of(Workspace(root), "near_duplicate")[image_id]


def mirrored(root):
    """The kept image, and the dropped one."""
    first, second, *_ = ids_of(root)
    return sorted((first, second), key=lambda image_id: not verdict_of(root, image_id).keep)


def test_choosing_another_representative_is_what_judging_again_gives(root, make, review):
    kept, dropped = mirrored(root)
    (entry,) = review.queue("groups", "", 5)["entries"]
    assert entry["representative"] == kept
    summary = review.say([said("keep", dropped)])
    assert summary["counts"] == read_status(Workspace(root)).total.to_json()
    dedupe(make())
    assert verdict_of(root, dropped).keep
    assert (verdict_of(root, kept).keep, verdict_of(root, kept).witness) == (False, dropped)
    again = open_review(make(), "ada")
    (entry,) = again.queue("groups", "", 5)["entries"]
    assert entry["representative"] == dropped
    assert again.summary()["counts"]["dropped"] == {"near_duplicate": 1}


def test_a_pair_called_no_duplicates_stays_so_under_another_limit(root, make, review):
    kept, dropped = mirrored(root)
    assert review.say([said("not_duplicate", kept, dropped)])["waiting"] == 1
    for radius in (10, 20):
        dedupe(make(radius=radius, review_radius=24))
        summary = open_review(make(), "ada").summary()
        assert summary["waiting"] == 0
        assert summary["counts"]["kept"] == read_status(Workspace(root)).total.kept == 16
    assert {kept, dropped} <= set(select(make()).kept)


def test_a_pair_called_duplicates_loses_one_whatever_its_similarity(root, make, review):
    third, fourth = ids_of(root)[2:4]
    summary = review.say([said("duplicate", third, fourth)])
    assert (summary["waiting"], summary["counts"]["kept"]) == (1, 15)
    dedupe(make())
    again = open_review(make(), "ada")
    assert (again.summary()["waiting"], again.summary()["counts"]["kept"]) == (0, 14)
    again.say([said("undecided", third, fourth)])
    time.sleep(1.1)  # decisions and markers are compared by the second
    dedupe(make())
    assert open_review(make(), "ada").summary()["waiting"] == 0


def test_what_another_command_judges_shows_without_starting_again(root, make, review):
    assert review.summary()["counts"]["kept"] == 15
    dedupe(make(max_similarity=-1.0, review_similarity=-1.0))
    expected = read_status(Workspace(root)).total.kept
    until = time.monotonic() + 60
    while review.summary()["counts"]["kept"] != expected and time.monotonic() < until:
        time.sleep(0.1)
    assert review.summary()["counts"]["kept"] == expected < 15


def test_an_image_tells_all_that_is_known_of_it(root, review):
    kept, dropped = mirrored(root)
    review.say([said("drop", dropped, reason="paws"), said("duplicate", dropped, kept)])
    known = review.image(dropped)
    assert known["image"]["decision"] | {"at": ""} == {
        "choice": "drop",
        "by": "ada",
        "at": "",
        "reason": "paws",
        "note": "",
    }
    assert [decision["choice"] for decision in known["decisions"]] == ["drop", "duplicate"]
    said_by = {verdict["by"]: verdict for verdict in known["verdicts"]}
    assert said_by["near_duplicate"]["witness"] == kept
    assert (known["similar"][0]["image"]["id"], known["similar"][0]["tier"]) == (kept, "perceptual")
    assert known["reproduce"] == f"isekai-gen reproduce {dropped} -w {root.resolve()}"
    assert known["provenance"]["num_inference_steps"] == 1
    assert known["file"]["bytes"] == review.picture(dropped).stat().st_size
    assert known["image"]["seed"].isdecimal()
    assert review.image("f" * 20) is None
    assert review.picture("../isekai.toml") is None


def test_images_are_found_by_concept_verdict_reason_template_and_slot(root, review):
    everything = review.images(ImageQuery(limit=500))
    assert everything["total"] == 16
    places = [(image["concept"], image["index"]) for image in everything["images"]]
    slugs = list(dict.fromkeys(slug for slug, _ in places))
    assert slugs == ["cactihog", "hedgehog", "mushroom-haven", "house"]
    assert places == [(slug, number) for slug in slugs for number in range(4)]
    kept, dropped = mirrored(root)
    listed = review.images(ImageQuery(verdicts=("dropped",)))
    assert [image["id"] for image in listed["images"]] == [dropped]
    listed = review.images(ImageQuery(reasons=("looks_the_same",), concepts=("cactihog", "house")))
    assert [image["id"] for image in listed["images"]] == [dropped]
    review.say([said("drop", kept)])
    listed = review.images(ImageQuery(reasons=("person",)))
    assert [image["id"] for image in listed["images"]] == [kept]
    slot, values = next(iter(review.summary()["facets"]["slots"].items()))
    by_value = [review.images(ImageQuery(slots={slot: value}))["total"] for value in values]
    assert (sum(by_value), min(by_value) > 0) == (16, True)
    assert review.images(ImageQuery(slots={"') OR 1=1 --": "x"}))["total"] == 0
    second = review.images(ImageQuery(kinds=("real",), offset=6, limit=5))
    assert (second["total"], len(second["images"])) == (8, 2)


def test_search_finds_a_picture_itself_first_and_reads_texts(root, review):
    image_id = ids_of(root)[5]
    found = review.search("", review.picture(image_id).read_bytes(), 3)["images"]
    assert found[0]["image"]["id"] == image_id
    assert found[0]["similarity"] == pytest.approx(1.0, abs=1e-4)
    by_text = review.search("a hedgehog", b"", 16)["images"]
    similarities = [entry["similarity"] for entry in by_text]
    assert similarities == sorted(similarities, reverse=True)
    assert len(by_text) == 16
    with pytest.raises(InputError, match="no picture that can be opened"):
        review.search("", b"GIF89a", 3)


def test_pairs_that_cannot_be_read_are_named(root, review):
    path = root / "edges" / "perceptual" / "part-00000.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(ChecksumError, match=r"part-00000\.parquet: .*`isekai-gen dedupe` again"):
        review.image(ids_of(root)[0])


def test_embeddings_that_name_no_image_are_named(root, make):
    (ids, *_) = sorted((root / "embeddings").rglob("part-*.ids.jsonl"))
    _, *others = ids.read_text().splitlines(keepends=True)
    ids.write_text('{"schema": 1}\n' + "".join(others))
    with pytest.raises(ChecksumError, match=r"part-00000\.ids\.jsonl: .*run embed again"):
        open_review(make(), "ada")
    ids.write_text("".join(others))
    with pytest.raises(ChecksumError, match="7 ids; run embed again"):
        open_review(make(), "ada")


def test_without_embeddings_search_says_what_to_do(root, make):
    shutil.rmtree(root / "embeddings")
    review = open_review(make(), "ada")
    assert review.summary()["search"]["why"].endswith("run `isekai-gen embed`")
    with pytest.raises(InputError, match="run `isekai-gen embed`"):
        review.search("a hedgehog", b"", 3)


def test_reference_pictures_are_found_within_their_folder_only(root, make, tmp_path):
    folder = tmp_path / "real"
    (folder / "cat").mkdir(parents=True)
    (folder / "cat" / "1.png").write_bytes(b"png")
    (tmp_path / "secret").write_text("no")
    (folder / "link.png").symlink_to(tmp_path / "secret")
    review = open_review(make(), "ada", {"real": folder})
    assert review.reference_picture("real/cat/1.png") == (folder / "cat" / "1.png").resolve()
    for key in (
        "real/../secret",
        "real/link.png",
        "real/cat",
        "real",
        "",
        "other/cat/1.png",
        "real/\0",
    ):
        assert review.reference_picture(key) is None


def test_reviewing_changes_nothing_but_decisions(root, make):
    before = digests(root, ["."])
    review = open_review(make(), "ada")
    kept, dropped = mirrored(root)
    review.say([said("not_duplicate", kept, dropped)])
    review.image(kept)
    after = {
        path: digest for path, digest in digests(root, ["."]).items() if ".review/" not in path
    }
    assert {path for path in after if before.get(path) != after[path]} == {
        "decisions.jsonl",
        ".decisions.lock",
    }
    assert before.keys() <= after.keys()
    assert len(read_decisions(Workspace(root))) == 1
    assert left(review.undo()["summary"], "groups") == (1, 0)
