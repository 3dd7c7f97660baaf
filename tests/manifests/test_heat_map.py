"""Pictures of similarity matrices."""

import builtins
import sys

import numpy as np
import pytest
from PIL import Image

from isekai_gen.embeddings import normalized
from isekai_gen.errors import MissingDependencyError
from isekai_gen.manifests import heat_map
from isekai_gen.manifests.heat_map import similarity_maps, write_heat_map
from isekai_gen.neighbors.class_features import ClassFeatures
from isekai_gen.neighbors.class_ranks import ranked_classes
from isekai_gen.neighbors.image_classes import ImageClass


def features_of(count, kind="lcl", names=None):
    draw = np.random.default_rng(2).normal(size=(2, count, 6))
    text, images = normalized(draw[0]), normalized(draw[1])
    named = names or [f"class {n}" for n in range(count)]
    classes = tuple(ImageClass(f"{n:05d}", name) for n, name in enumerate(named))
    return ClassFeatures(classes, text, None if kind == "text-only" else images, kind, "tiny")


def maps_of(features, similarity):
    return {each.name: each for each in similarity_maps(features, similarity)}


def test_the_matrices_are_those_that_ranks_go_by():
    features = features_of(7)
    found = maps_of(features, "lcl")
    assert list(found) == ["text-text", "image-text", "image-image", "combined"]
    text, images = features.text.astype(float), features.images.astype(float)
    assert found["image-text"].cells == pytest.approx(images @ text.T)
    for row, ranking in enumerate(ranked_classes(features, "lcl")):
        cells = found["combined"].cells[row]
        assert cells[ranking.order] == pytest.approx(ranking.similarities, abs=1e-6)


def test_without_images_there_is_one_matrix():
    assert list(maps_of(features_of(4, "text-only"), "cosine")) == ["text-text"]
    assert list(maps_of(features_of(4, "cosine"), "cosine")) == [
        "text-text",
        "image-text",
        "image-image",
    ]


def test_of_many_classes_each_cell_is_the_mean_of_a_block(monkeypatch):
    monkeypatch.setattr(heat_map, "MOST_CELLS", 4)
    features = features_of(11)
    found = maps_of(features, "lcl")["image-text"]
    assert (found.block, found.cells.shape) == (3, (4, 4))
    whole = features.images.astype(float) @ features.text.astype(float).T
    for row in range(4):
        for column in range(4):
            block = whole[3 * row : 3 * row + 3, 3 * column : 3 * column + 3]
            assert found.cells[row, column] == pytest.approx(block.mean(), abs=1e-6)


def test_few_classes_are_named_and_many_are_not():
    assert maps_of(features_of(3), "lcl")["combined"].labels == ("class 0", "class 1", "class 2")
    assert maps_of(features_of(61), "lcl")["combined"].labels == ()


def test_a_picture_is_drawn_the_same_every_time(tmp_path):
    names = ["$x_$ of a name that is much longer than there is room for", "猫", "tench"]
    drawn = maps_of(features_of(3, names=names), "lcl")["combined"]
    write_heat_map(tmp_path / "a.png", drawn)
    write_heat_map(tmp_path / "b.png", drawn)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as picture:
        assert min(picture.size) >= 600
        assert not {"Software", "Creation Time"} & set(picture.text)
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 50


def test_a_large_matrix_has_a_dot_for_each_cell(tmp_path):
    write_heat_map(
        tmp_path / "a.png", maps_of(features_of(900, "text-only"), "cosine")["text-text"]
    )
    with Image.open(tmp_path / "a.png") as picture:
        assert min(picture.size) >= 900


def test_nothing_global_of_matplotlib_is_touched(tmp_path):
    write_heat_map(tmp_path / "a.png", maps_of(features_of(3), "lcl")["combined"])
    assert "matplotlib.pyplot" not in sys.modules


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return real(name, *args, **options)

    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("importlib.import_module", without)
    with pytest.raises(MissingDependencyError, match=r"isekai-gen\[plots\]"):
        write_heat_map(tmp_path / "a.png", maps_of(features_of(3), "lcl")["combined"])
