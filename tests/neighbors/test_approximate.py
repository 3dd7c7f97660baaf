import functools
import sys
from dataclasses import replace

import numpy as np
import pytest

from isekai_gen.embeddings import normalized
from isekai_gen.errors import InputError, MissingDependencyError
from isekai_gen.neighbors import approximate, approximate_cells
from isekai_gen.neighbors.approximate import approximate_pairs
from isekai_gen.neighbors.approximate_faiss import ListSetting
from isekai_gen.neighbors.approximate_faiss_lists import RowLists
from isekai_gen.neighbors.approximate_method import Trial
from isekai_gen.neighbors.approximate_tuning import Choice, Goal, choose_level
from isekai_gen.neighbors.recall_truth import TruePairs
from isekai_gen.neighbors.search import SearchOptions, search_pairs
from isekai_gen.neighbors.vectors import ArrayVectors, open_vectors
from tests.neighbors.approximate_rows import FLOOR, exact, keys, rows

METHODS = ["cells", "binary-ivf", "ivf-flat", "ivf-pq"]
OPTIONS = SearchOptions(floor=FLOOR, mode="approximate", min_recall=0.9)
COUNT = 3000
clustered_and_broad = pytest.mark.parametrize("theme_rows", [60, 600])


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def share_found(pairs, true, width):
    return np.isin(keys(true, width), keys(pairs, width)).mean()


def holds(interval, share):
    return interval.low - 1e-12 <= share <= interval.high + 1e-12


@functools.cache
def searched(method, theme_rows):
    return approximate_pairs(ArrayVectors(rows(COUNT, theme_rows)), OPTIONS, method=method)


@clustered_and_broad
def test_lists_true_pairs_only_with_the_bits_of_an_exact_search(method, theme_rows):
    true = exact(COUNT, theme_rows)
    pairs, _ = searched(method, theme_rows)
    places = np.searchsorted(keys(true, COUNT), keys(pairs, COUNT))
    assert np.array_equal(keys(true, COUNT)[places], keys(pairs, COUNT))
    assert np.array_equal(true.similarity[places], pairs.similarity)


@clustered_and_broad
def test_reaches_the_recall_asked_for_and_says_so(method, theme_rows):
    pairs, report = searched(method, theme_rows)
    share = share_found(pairs, exact(COUNT, theme_rows), COUNT)
    assert share >= 0.9
    assert report.recall.low >= 0.9
    assert holds(report.recall, share)
    assert report.min_recall == 0.9
    assert report.why == "a recall of 0.9 was asked for"
    assert not report.complete


def test_between_two_matrices(method):
    left, right = ArrayVectors(rows(COUNT, 60)[:1700]), ArrayVectors(rows(COUNT, 60)[1700:])
    true, _ = search_pairs(left, SearchOptions(floor=FLOOR), against=right)
    pairs, report = approximate_pairs(left, OPTIONS, right, method=method)
    assert np.isin(keys(pairs, 1300), keys(true, 1300)).all()
    assert holds(report.recall, share_found(pairs, true, 1300))
    assert share_found(pairs, true, 1300) >= 0.9


def test_the_same_request_gives_the_same_pairs(method):
    again = approximate_pairs(ArrayVectors(rows(COUNT, 60)), OPTIONS, method=method)
    assert np.array_equal(keys(searched(method, 60)[0], COUNT), keys(again[0], COUNT))
    assert searched(method, 60)[1].recall == again[1].recall


def test_more_recall_is_more_effort(monkeypatch):
    monkeypatch.setattr(approximate, "_SPARE", 0.0)
    vectors = ArrayVectors(rows(COUNT, 60))
    little, much = (
        approximate_pairs(vectors, replace(OPTIONS, min_recall=least), method="cells")[1]
        for least in (0.5, 0.97)
    )
    assert little.candidates < much.candidates
    assert much.recall.low >= 0.97


def test_tells_of_every_row_once(method):
    told = []
    approximate_pairs(ArrayVectors(rows(COUNT, 60)), OPTIONS, advance=told.append, method=method)
    assert sum(told) == COUNT


def test_says_so_where_the_recall_could_not_be_shown(monkeypatch):
    monkeypatch.setattr(approximate_cells, "_REACHES", (0.0,))
    vectors = ArrayVectors(rows(COUNT, 600))
    _, report = approximate_pairs(vectors, replace(OPTIONS, min_recall=0.999), method="cells")
    assert report.recall.low < 0.999
    assert report.why.startswith("a recall of 0.999 could not be shown; measured 0.")


def test_raises_the_level_when_the_measured_recall_falls_short(monkeypatch):
    choices = [Choice(0, seconds=1.0)]

    def choose(*request):
        choices.append(choices[0] if len(choices) == 1 else choose_level(*request))
        return choices[-1]

    monkeypatch.setattr(approximate, "choose_level", choose)
    options = replace(OPTIONS, min_recall=0.97)
    _, report = approximate_pairs(ArrayVectors(rows(COUNT, 600)), options, method="cells")
    assert len(choices) > 2
    assert choices[-1].level > 0
    assert report.recall.low >= 0.97


class Levels:
    """A method whose levels find more and more of four pairs, and take longer and longer."""

    counts_work = True

    def trials(self, pairs, first):
        for found, seconds in [(1, 1), (3, 2), (3, 3), (4, 9)][first:]:
            yield Trial(np.arange(len(pairs.row)) < found, float(seconds))


@pytest.mark.parametrize(
    ("max_missed", "spare_seconds", "level"),
    [(0.3, 0, 1), (0.3, 1, 2), (0.3, 7, 3), (0.1, 0, 3), (0.9, 0, 0)],
)
def test_a_level_that_hardly_takes_longer_than_one_that_does_is_taken(
    max_missed, spare_seconds, level
):
    rows = np.arange(4)
    pairs, goal = TruePairs(rows, rows, rows + 4), Goal(max_missed, spare_seconds)
    assert choose_level(Levels(), pairs, np.ones(4), goal, 0).level == level


def test_without_pairs_a_level_takes_at_most_twice_as_long_as_the_first():
    nothing = np.zeros(0, dtype=np.int64)
    pairs = TruePairs(np.arange(3), nothing, nothing)
    assert choose_level(Levels(), pairs, np.ones(0), Goal(0.1, 99.0), 0).level == 1


def test_a_search_that_costs_no_more_exactly_is_exact():
    vectors = ArrayVectors(rows(COUNT, 60))
    pairs, report = approximate_pairs(vectors, OPTIONS)
    assert report.complete
    assert report.recall is None
    assert report.why == "to measure a recall would cost as much as an exact search"
    assert np.array_equal(keys(pairs, COUNT), keys(exact(COUNT, 60), COUNT))


def test_rows_that_are_all_alike_are_searched_exactly(monkeypatch):
    monkeypatch.setattr(approximate, "_USUALLY_MEASURED", 100)
    noise = np.random.default_rng(0).normal(size=(1500, 64))
    alike = ArrayVectors(normalized(1.0 + 0.05 * noise))
    monkeypatch.setattr(approximate_cells, "_CELLS_PER_ROOT", 0.01)
    pairs, report = approximate_pairs(alike, OPTIONS)
    assert report.complete
    assert report.why == "a recall of 0.9 would cost as much as an exact search"
    assert len(pairs) == 1500 * 1499 // 2


def test_cells_serve_where_measuring_is_worth_it(monkeypatch):
    monkeypatch.setattr(approximate, "_USUALLY_MEASURED", 100)
    monkeypatch.setattr(approximate, "matrix_rate", lambda device: 1e6)
    monkeypatch.setattr(approximate, "exact_rate", lambda floor, device: 1e6)
    _, report = approximate_pairs(ArrayVectors(rows(COUNT, 60)), OPTIONS)
    assert "cells" in report.method
    assert not report.complete


def test_more_pairs_than_allowed_are_refused(method):
    options = replace(OPTIONS, max_pairs=1000)
    with pytest.raises(InputError, match="over 1,000 pairs of 3,000 rows reach"):
        approximate_pairs(ArrayVectors(rows(COUNT, 60)), options, method=method)


def test_matrices_of_other_dimensions_are_refused():
    with pytest.raises(InputError, match="64 and of 32 dimensions cannot be compared"):
        approximate_pairs(
            ArrayVectors(rows(COUNT, 60)), OPTIONS, ArrayVectors(rows(COUNT, 60)[:, :32])
        )


@pytest.mark.parametrize("kind", METHODS[1:])
def test_without_faiss_both_ways_to_install_it_are_named(monkeypatch, kind):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependencyError, match=r"isekai-gen\[cpu\].*isekai-gen\[gpu\]"):
        approximate_pairs(ArrayVectors(rows(COUNT, 60)), OPTIONS, method=kind)


def test_cells_need_no_faiss(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    _, report = approximate_pairs(ArrayVectors(rows(COUNT, 60)), OPTIONS, method="cells")
    assert report.recall.low > 0.5


def test_rows_of_a_file_and_of_any_length_will_do(method, tmp_path):
    scaled = rows(COUNT, 60) * np.random.default_rng(0).uniform(0.5, 2.0, (COUNT, 1))
    np.save(tmp_path / "rows.npy", scaled.astype(np.float16))
    vectors = open_vectors(tmp_path / "rows.npy")
    true, _ = search_pairs(vectors, SearchOptions(floor=FLOOR))
    pairs, _ = approximate_pairs(vectors, OPTIONS, method=method)
    assert np.isin(keys(pairs, COUNT), keys(true, COUNT)).all()
    assert share_found(pairs, true, COUNT) >= 0.9


@pytest.mark.parametrize("dimensions", [3, 20])
def test_dimensions_that_no_byte_divides_will_do(method, dimensions):
    vectors = ArrayVectors(normalized(rows(COUNT, 60)[:1000, :dimensions]))
    options = replace(OPTIONS, floor=0.999)
    true, _ = search_pairs(vectors, SearchOptions(floor=0.999))
    pairs, report = approximate_pairs(vectors, options, method=method)
    assert np.isin(keys(pairs, 1000), keys(true, 1000)).all()
    assert holds(report.recall, share_found(pairs, true, 1000))


def test_a_gpu_index_is_asked_for_more_until_the_last_answer_is_too_far():
    import faiss

    units = rows(COUNT, 60)
    index = faiss.index_factory(64, "IVF4,Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(units)
    index.add(units)
    lists = RowLists(index, 0.6, on_gpu=True, name="flat", settings=())
    setting = ListSetting(4, 0.0)
    place, found = lists.hits(units[:50], setting)
    near = np.argwhere(units[:50] @ units.T >= 0.6)
    assert np.bincount(near[:, 0]).max() > 32
    assert np.isin(near[:, 0] * COUNT + near[:, 1], place * COUNT + found).all()
    assert len(np.unique(place * COUNT + found)) == len(place)
