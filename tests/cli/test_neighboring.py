"""`isekai-gen neighbors` on a small workspace, on a dataset alone, and on names alone."""

import json
import shutil

import numpy as np
import pytest

from isekai_gen.embeddings import normalized
from isekai_gen.manifests.neighbor_tables import TABLE_FILES
from isekai_gen.manifests.neighbor_tables_classes import CLASS_TABLE_FILES
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.neighbors.reference import ReferenceClass, build_reference, save_reference
from isekai_gen.records import Decision, ImageRecord
from isekai_gen.shards import append_records, read_lines, read_records
from isekai_gen.stages import embed
from isekai_gen.stages import neighbors as neighbors_stage
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.workspace import Workspace
from tests.release_answers import answer_all
from tests.small_jobs import call, run_serially
from tests.stages.class_jobs import CLASS_MAP, WNIDS, in_this_process, write_dataset
from tests.stages.curated_jobs import draw_workspace

SIZES = ("--nearest", 3, "--bins", 2)


@pytest.fixture(autouse=True)
def serially(monkeypatch):
    monkeypatch.setattr(embed, "run_shards", run_serially)
    with in_this_process():
        yield


@pytest.fixture(scope="module")
def drawn(tiny_generator, tiny_encoder, tmp_path_factory):
    """A workspace of four concepts with images, and a reference set of six classes."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_workspace(folder, tiny_generator, 2)
    digest = identify_encoder(encoder_spec(str(tiny_encoder)))
    classes = [ReferenceClass(wnid, f"class {wnid}", wnid) for wnid in (*WNIDS, "n02346627")]
    random = np.random.default_rng(0)
    images = {entry.key: random.normal(size=(3, 32)) for entry in classes}
    text = random.normal(size=(6, 32))
    reference = build_reference("six", digest, classes, text, images)
    save_reference(Workspace(folder / "ws").reference("six"), reference)
    return folder / "ws"


@pytest.fixture
def root(drawn, tmp_path):
    return shutil.copytree(drawn, tmp_path / "ws")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = write_dataset(tmp_path_factory.mktemp("set") / "tiny-imagenet")
    (root / "map_clsloc.txt").write_text(CLASS_MAP)
    return root


@pytest.fixture
def run(root, tiny_encoder):
    def neighbors(*arguments, workspace=root, expect=0):
        given = ("--encoder", tiny_encoder, *SIZES, *arguments)
        return call("neighbors", "-w", workspace, *given, expect=expect)

    return neighbors


def rows_of(root, name):
    return read_lines(root / "neighbors" / f"{name}.jsonl")


def test_a_dataset_alone_needs_no_images_of_ours(run, dataset, tmp_path):
    done = run("--imagenet", dataset, "--heat-map", workspace=tmp_path / "empty")
    found = {path.name for path in (tmp_path / "empty/neighbors").iterdir() if path.is_file()}
    which = ("text-text", "image-text", "image-image", "combined")
    assert found == {*CLASS_TABLE_FILES, *(f"heat-map-{name}.png" for name in which)}
    assert "5 classes of tiny-imagenet compared (lcl)" in done.stdout
    row = rows_of(tmp_path / "empty", "classes-nearest")[0]
    assert (row["wnid"], row["ilsvrc_id"], row["class_index"]) == (WNIDS[0], 5, 0)
    assert (row["class_name"], row["similarity_kind"]) == ("own 1", "lcl")


def test_concepts_are_compared_with_a_dataset_as_its_classes_are_with_each_other(
    run, root, dataset
):
    run("--imagenet", dataset, "--nearest", 4)
    rows = rows_of(root, "nearest")
    assert len(rows) == 4 * 4
    assert {row["similarity_kind"] for row in rows} == {"lcl"}
    for row in rows:
        assert row["class_key"] in WNIDS
        assert row["ilsvrc_id"] == 5 - WNIDS.index(row["wnid"])
        assert 0 < row["image_percentile"] <= 1
        assert 0 < row["text_percentile"] <= 1
    assert [row["percentile"] for row in rows[:4]] == [1.0, 0.8, 0.6, 0.4]
    assert len(rows_of(root, "classes-nearest")) == 5 * 4


def test_a_reference_set_is_what_concepts_are_compared_with_otherwise(run, root):
    shown = json.loads(run("--reference", "six", "--json").stdout)
    assert shown["reference"] == "six"
    assert [path.rsplit("/", 1)[1] for path in shown["files"]] == list(TABLE_FILES)
    assert {row["similarity_kind"] for row in shown["nearest"]} == {"lcl-of-unit-means"}
    assert shown["nearest"][0]["class_index"] is not None
    assert not (root / "neighbors/classes-nearest.csv").exists()


def test_classes_of_a_reference_set_are_compared_when_asked(run, root):
    run("--reference", "six", "--between-classes", "--similarity", "cosine")
    rows = rows_of(root, "classes-nearest")
    assert len(rows) == 6 * 3
    assert {row["similarity_kind"] for row in rows} == {"cosine-image"}
    assert {row["similarity_kind"] for row in rows_of(root, "nearest")} == {"cosine-image"}


def test_pictures_are_all_of_the_same_classes(run, root, dataset):
    run("--imagenet", dataset, "--heat-map")
    run("--text-only", "--imagenet", dataset, "--heat-map")
    drawn = [path.name for path in (root / "neighbors").glob("*.png")]
    assert drawn == ["heat-map-text-text.png"]


def test_names_alone_are_labeled_so(run, root, dataset):
    done = run("--imagenet", dataset, "--text-only")
    assert "5 classes of names of tiny-imagenet compared (cosine-text)" in done.stdout
    for name in ("nearest", "rank-stratified", "classes-nearest", "classes-rank-stratified"):
        assert {row["similarity_kind"] for row in rows_of(root, name)} == {"cosine-text"}
    assert {row["image_similarity"] for row in rows_of(root, "nearest")} == {None}


def test_the_thousand_names_of_imagenet_need_no_images(run, tmp_path, dataset):
    done = run(
        "--text-only", "--class-map", dataset / "map_clsloc.txt", workspace=tmp_path / "empty"
    )
    assert "1000 classes of names of imagenet-1k compared (cosine-text)" in done.stdout
    rows = rows_of(tmp_path / "empty", "classes-rank-stratified")
    assert len(rows) == 1000 * 2
    assert [row["class_index"] for row in rows[::2]] == list(range(1000))
    assert {row["ilsvrc_id"] for row in rows} == {1, 2, 3, 4, 5, None}
    assert {row["rank"] > 500 for row in rows[::2]} == {False}
    assert {row["rank"] > 500 for row in rows[1::2]} == {True}


def test_the_same_request_gives_the_same_bytes(run, root, dataset):
    def contents():
        folder = root / "neighbors"
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    run("--imagenet", dataset, "--heat-map")
    before = contents()
    shutil.rmtree(root / "neighbors")
    run("--imagenet", dataset, "--heat-map")
    assert contents() == before


def test_a_release_takes_the_tables_of_a_dataset_and_refuses_changed_ones(
    run, root, dataset, tmp_path
):
    run("--imagenet", dataset)
    answer_all(root)
    call("release", "build", "-w", root, "--out", tmp_path / "release")
    call("release", "verify", tmp_path / "release")
    released = sorted(path.name for path in (tmp_path / "release/neighbors").iterdir())
    beside = {name for name in TABLE_FILES if not name.endswith(".parquet")}
    assert released == sorted(beside | {"test-00000-of-00001.parquet"})
    table = root / "neighbors/nearest.jsonl"
    table.write_bytes(table.read_bytes() + b"\n")
    refused = call("release", "build", "-w", root, "--out", tmp_path / "again", expect=2)
    assert "run `isekai-gen neighbors` again" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--classes", "imagenet-1k"], "add --text-only"),
        (["--imagenet", "DATASET", "--text-only", "--classes", "imagenet-1k"], "leave out"),
        (["--imagenet", "DATASET", "--nearest", "5"], "4 classes for each class; ask for 1 to 4"),
        (["--text-only", "--similarity", "lcl"], "use --similarity cosine"),
        (["--imagenet", "EMPTY"], "0 folder(s) with images"),
        (["--imagenet", "DATASET", "--class-map", "BROKEN"], "broken.txt:1: 1 columns"),
        (["--text-only", "--class-map", "OTHER"], "names none of the 1000 classes"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_a_line(run, dataset, tmp_path, arguments, reason):
    (tmp_path / "nothing").mkdir()
    (tmp_path / "broken.txt").write_text("broken\n")
    (tmp_path / "other.txt").write_text("n99999999 1 nothing\n")
    places = {
        "DATASET": dataset,
        "EMPTY": tmp_path / "nothing",
        "BROKEN": tmp_path / "broken.txt",
        "OTHER": tmp_path / "other.txt",
    }
    given = [places.get(argument, argument) for argument in arguments]
    refused = run(*given, workspace=tmp_path / "new", expect=2)
    assert reason in refused.stderr
    assert refused.stderr.count("Error:") == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--class-map", "OTHER"], "names none of the 6 classes"),
        (["--between-classes", "--nearest", "6"], "5 classes for each class; ask for 1 to 5"),
    ],
)
def test_a_reference_set_is_looked_at_before_tables_are_replaced(
    run, root, tmp_path, arguments, reason
):
    (tmp_path / "other.txt").write_text("n99999999 1 nothing\n")
    given = [tmp_path / "other.txt" if each == "OTHER" else each for each in arguments]
    assert reason in run("--reference", "six", *given, expect=2).stderr
    assert not (root / "neighbors").exists()


def test_concepts_without_kept_images_are_said_and_ranked_by_their_names(run, root):
    images = read_records(root / "records/part-00000.jsonl", ImageRecord)
    dropped = [image.image_id for image in images if image.concept == "cactihog"]
    append_records(root / "decisions.jsonl", [Decision((key,), "drop", "me") for key in dropped])
    done = run("--reference", "six")
    assert "1 concept(s) have no kept image: their ranks go by names alone" in done.stderr
    kinds = {(row["concept"], row["similarity_kind"]) for row in rows_of(root, "nearest")}
    assert ("cactihog", "cosine-text") in kinds
    assert {kind for slug, kind in kinds if slug != "cactihog"} == {"lcl-of-unit-means"}


def test_a_reference_set_without_images_has_no_paper_similarity(run, root, tiny_encoder):
    digest = identify_encoder(encoder_spec(str(tiny_encoder)))
    classes = [ReferenceClass(wnid, wnid, wnid) for wnid in WNIDS]
    text = normalized(np.random.default_rng(1).normal(size=(5, 32)))
    reference = build_reference("names", digest, classes, text, {})
    save_reference(Workspace(root).reference("names"), reference)
    refused = run("--reference", "names", "--similarity", "lcl", expect=2)
    assert "needs texts and images of every class" in refused.stderr
    run("--reference", "names")
    assert {row["similarity_kind"] for row in rows_of(root, "nearest")} == {"cosine-text"}


def test_without_matplotlib_nothing_is_embedded_first(run, dataset, tmp_path, monkeypatch):
    from isekai_gen.errors import MissingDependencyError

    def missing():
        raise MissingDependencyError("matplotlib is not installed")

    monkeypatch.setattr(neighbors_stage, "require_plots", missing)
    refused = run("--imagenet", dataset, "--heat-map", workspace=tmp_path / "new", expect=2)
    assert "matplotlib is not installed" in refused.stderr
    assert not (tmp_path / "new/neighbors").exists()
