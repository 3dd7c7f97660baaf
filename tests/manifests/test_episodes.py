"""Episodes follow the paper's distributions, and never show what would give the answer away."""

import multiprocessing
import pickle
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.episode_plan import EpisodePlan
from isekai_gen.manifests.episode_source import ClassPool, EpisodeSource
from isekai_gen.manifests.episodes import EpisodeSampler, largest_shots
from tests.manifests.episode_sources import number_of, paths_of, rank_of_negative, ring

LEAST_P = 0.001


def sample(source, strategy="2-way", episodes=10, **plan) -> EpisodeSampler:
    return EpisodeSampler(source, EpisodePlan(strategy, episodes, **plan))


# --- the paper's distributions


def test_negatives_come_from_the_100_nearest_in_proportion_to_101_minus_rank():
    sampler = sample(ring(120, 2), episodes=8000, shots=1)
    ranks = Counter(rank_of_negative(episode, 120) for episode in sampler)
    assert max(ranks) <= 100
    by_tens = [sum(ranks[j] for j in range(low, low + 10)) for low in range(1, 101, 10)]
    expected = [
        8000 * sum(101 - j for j in range(low, low + 10)) / 5050 for low in range(1, 101, 10)
    ]
    assert chisquare(by_tens, expected).pvalue > LEAST_P
    assert chisquare(by_tens).pvalue < 1e-9  # the test would notice an even draw


def test_fewer_neighbors_are_weighted_from_their_own_number_down():
    sampler = sample(ring(9, 2, neighbors=4), episodes=4000, shots=1)
    ranks = Counter(rank_of_negative(episode, 9) for episode in sampler)
    assert chisquare([ranks[j] for j in (1, 2, 3, 4)], [1600, 1200, 800, 400]).pvalue > LEAST_P


def test_positive_classes_are_even():
    counts = Counter(
        number_of(episode, 0) for episode in sample(ring(6, 2), episodes=3000, shots=1)
    )
    assert chisquare([counts[n] for n in range(6)]).pvalue > LEAST_P


def test_queries_are_of_any_way_and_any_image():
    episodes = list(sample(ring(3, 4), episodes=4000, ways=3, shots=1))
    ways = Counter(episode.labels.index(episode.query.label) for episode in episodes)
    assert chisquare([ways[way] for way in range(3)]).pvalue > LEAST_P
    images = Counter(episode.query.image for episode in episodes)
    assert len(images) == 12
    assert chisquare(list(images.values())).pvalue > LEAST_P


def test_a_way_is_at_every_place_of_the_support_set_equally_often():
    places = Counter()
    for episode in sample(ring(4, 4), episodes=2000, shots=3):
        assert len(episode.support) == 6
        places.update(n for n, s in enumerate(episode.support) if s.label == episode.labels[0])
    assert chisquare([places[n] for n in range(6)]).pvalue > LEAST_P


def shots_of(episodes):
    return Counter(len(episode.support) // 2 for episode in episodes)


def test_2_way_has_the_same_shots_throughout():
    assert shots_of(sample(ring(3, 17))) == {16: 10}


def test_2_way_random_varies_shots_evenly_after_its_first_epochs():
    sampler = sample(ring(3, 7), "2-way-random", 3300, shots=6)  # epochs of 300
    assert shots_of(sampler[n] for n in range(300)) == {6: 300}
    later = shots_of(sampler[n] for n in range(300, 3300))
    assert chisquare([later[k] for k in range(2, 7)]).pvalue > LEAST_P


def test_2_way_weight_varies_shots_in_proportion_to_e_to_their_number():
    sampler = sample(ring(3, 6), "2-way-weight", 3000, shots=5, fixed_epochs=0)
    counts = shots_of(sampler)
    powers = [2.718281828459045**k for k in range(2, 6)]
    expected = [3000 * power / sum(powers) for power in powers]
    assert chisquare([counts[k] for k in range(2, 6)], expected).pvalue > LEAST_P


def test_further_negatives_are_others_and_drawn_by_the_same_weights():
    firsts, seconds = Counter(), Counter()
    for episode in sample(ring(5, 2, neighbors=3), episodes=4000, ways=3, shots=1):
        positive, first, second = (number_of(episode, way) for way in range(3))
        firsts[(first - positive) % 5] += 1
        seconds[(first - positive) % 5, (second - positive) % 5] += 1
    assert chisquare([firsts[j] for j in (1, 2, 3)], [2000, 4000 / 3, 2000 / 3]).pvalue > LEAST_P
    after_nearest = [seconds[1, 2], seconds[1, 3]]  # weights 2 and 1 are left
    total = sum(after_nearest)
    assert chisquare(after_nearest, [total * 2 / 3, total / 3]).pvalue > LEAST_P
    assert not any(one == other for one, other in seconds)


def test_n_ways_have_k_shots_each():
    for episode in sample(ring(9, 5), ways=7, shots=4):
        assert len(set(episode.labels)) == 7
        assert Counter(shown.label for shown in episode.support) == dict.fromkeys(episode.labels, 4)


def test_zero_shots_have_a_query_and_labels():
    for episode in sample(ring(3, 1), shots=0):
        assert episode.support == ()
        assert len(episode.labels) == 2


# --- the same everywhere


def test_an_episode_is_the_same_in_any_order_after_pickling_and_in_another_process():
    sampler = sample(ring(6, 9), "2-way-random", 60, shots=8)
    forwards = [sampler[n] for n in range(60)]
    assert [sampler[n] for n in reversed(range(60))] == forwards[::-1]
    assert [pickle.loads(pickle.dumps(sampler))[n] for n in range(60)] == forwards  # noqa: S301
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(sampler.__getitem__, range(0, 60, 7)) == forwards[::7]
    assert list(sampler) == forwards
    assert sampler[-1] == forwards[-1]
    with pytest.raises(IndexError, match="no episode 60"):
        sampler[60]


def test_fewer_episodes_are_the_beginning_of_more():
    few, many = sample(ring(6, 17), episodes=5), sample(ring(6, 17), episodes=50)
    assert list(few) == [many[n] for n in range(5)]
    assert list(few) != list(sample(ring(6, 17), episodes=5, seed=1))


# --- nothing gives the answer away


@settings(max_examples=40, deadline=None)
@given(
    groups=st.lists(
        st.frozensets(
            st.tuples(st.integers(0, 3), st.integers(0, 7)).map(lambda p: f"c{p[0]}/{p[1]}.png"),
            min_size=2,
            max_size=4,
        ),
        max_size=6,
    ),
    ways=st.integers(2, 4),
    shots=st.integers(0, 4),
    seed=st.integers(0, 1000),
)
def test_a_query_and_its_near_duplicates_are_never_in_its_support(groups, ways, shots, seed):
    source = ring(4, 8, groups=groups)
    try:
        sampler = sample(source, episodes=30, ways=ways, shots=shots, seed=seed)
    except ManifestError:
        assert sum(most >= shots for most in largest_shots(source).values()) < ways
        return
    for episode in sampler:
        shown = [each.image for each in episode.support]
        assert len(shown) == len(set(shown)) == ways * shots
        assert episode.query.image not in shown
        near = {image for group in groups if episode.query.image in group for image in group}
        assert not near & set(shown)
        for each in (*episode.support, episode.query):
            assert each.image.startswith(f"{each.concept}/")


def test_near_duplicates_in_another_class_count_too():
    groups = [frozenset({"c0/0.png", "c1/0.png", "c1/1.png"})]
    assert largest_shots(ring(2, 4, groups=groups)) == {"c0": 3, "c1": 2}
    for episode in sample(ring(2, 4, groups=groups), episodes=200, shots=2):
        if episode.query.image == "c0/0.png":
            assert not {"c1/0.png", "c1/1.png"} & {s.image for s in episode.support}


@pytest.mark.parametrize(
    ("one", "other"), [("Crane", "crane"), ("kit fox", "kit  fox"), ("\u00e9mile", "e\u0301mile")]
)
def test_classes_of_one_name_never_meet(one, other):
    source = ring(4, 2)
    same = {
        "c0": ClassPool("c0", one, paths_of(0, 2)),
        "c2": ClassPool("c2", other, paths_of(2, 2)),
    }
    source = EpisodeSource({**source.pools, **same}, source.ranked_neighbors)
    for episode in sample(source, episodes=300, ways=3, shots=1, relabel="none"):
        shown = {each.concept for each in episode.support}
        assert len(shown) == 3
        assert not {"c0", "c2"} <= shown


# --- labels and ablations


def test_the_positive_class_goes_by_a_random_word_of_1_to_10_letters():
    words = [episode.labels[0] for episode in sample(ring(4, 2), episodes=2000, shots=1)]
    assert all(word.isascii() and word.isalpha() and word.islower() for word in words)
    lengths = Counter(len(word) for word in words)
    assert chisquare([lengths[n] for n in range(1, 11)]).pvalue > LEAST_P
    assert set("".join(words)) == set("abcdefghijklmnopqrstuvwxyz")


def test_other_labels_are_replaced_too_or_none():
    kept = next(iter(sample(ring(4, 2), shots=1)))
    assert kept.labels[1] == f"kind {number_of(kept, 1)}"
    for episode in sample(ring(4, 2), shots=1, ways=3, relabel="none"):
        assert episode.labels == tuple(f"kind {number_of(episode, way)}" for way in range(3))
    for episode in sample(ring(4, 2), shots=1, ways=3, relabel="all"):
        assert not any(label.startswith("kind") for label in episode.labels)


def test_a_random_word_is_never_another_label():
    names = "abcdefghijklmnopqrstuvwxyz"
    pools = {f"c{n}": ClassPool(f"c{n}", a, paths_of(n, 2)) for n, a in enumerate(names)}
    source = EpisodeSource(pools, ring(26, 2).ranked_neighbors)
    for episode in sample(source, episodes=500, ways=20, shots=0):
        assert len(set(episode.labels)) == 20


def falsified(source, **ablation):
    """Pairs of the true episode and the one of the ablation."""
    plan = {"episodes": 50, "ways": 3, "shots": 4}
    return zip(sample(source, **plan), sample(source, **plan, **ablation), strict=True)


@pytest.mark.parametrize(("rate", "count"), [(0.0, 0), (0.25, 3), (0.375, 5), (1.0, 12)])
def test_exactly_that_share_of_labels_is_false_and_nothing_else_changes(rate, count):
    places = Counter()
    for true, false in falsified(ring(5, 6), false_labels=rate):
        changed = [
            n for n, (a, b) in enumerate(zip(true.support, false.support, strict=True)) if a != b
        ]
        assert len(changed) == count
        assert all(false.support[n].label in true.labels for n in changed)
        assert [s.image for s in true.support] == [s.image for s in false.support]
        assert (true.query, true.labels) == (false.query, false.labels)
        places.update(changed)
    assert len(places) == (12 if count else 0)


def test_false_labels_are_of_all_other_ways():
    steps = Counter()
    for true, false in falsified(ring(5, 6), false_labels=1.0):
        for one, other in zip(true.support, false.support, strict=True):
            steps[(true.labels.index(other.label) - true.labels.index(one.label)) % 3] += 1
    assert steps[0] == 0
    assert chisquare([steps[1], steps[2]]).pvalue > LEAST_P


def test_one_place_is_flipped():
    for true, false in falsified(ring(5, 6), flip_position=7):
        changed = [
            n for n, (a, b) in enumerate(zip(true.support, false.support, strict=True), 1) if a != b
        ]
        assert changed == [7]


def test_fewer_shots_show_images_that_more_shots_show_too():
    few, many = (sample(ring(5, 9), shots=shots) for shots in (3, 8))
    for one, other in zip(few, many, strict=True):
        assert one.query == other.query
        assert set(one.support) < set(other.support)


# --- sources that are too small


@pytest.mark.parametrize(
    ("source", "plan", "said"),
    [
        (ring(3, 4), {"shots": 4}, "--shots 3"),
        (ring(2, 4), {"ways": 3, "shots": 2}, "lower --ways"),
        (ring(4, 4, neighbors=1), {"ways": 3, "shots": 2}, "lower --ways"),
        (
            ring(3, 4, groups=[frozenset({"c0/0.png", "c0/1.png"})]),
            {"shots": 3, "ways": 3},
            "--shots 2",
        ),
        (EpisodeSource({}, {}), {"shots": 0}, "0 of 0 classes"),
    ],
)
def test_too_small_sources_are_refused_in_one_line(source, plan, said):
    with pytest.raises(ManifestError, match=said) as caught:
        sample(source, **plan)
    assert "\n" not in str(caught.value)


def test_classes_that_are_too_small_are_left_out_and_said():
    source = ring(4, 5)
    pools = {**source.pools, "c1": ClassPool("c1", "kind 1", ("c1/0.png", "c1/1.png"))}
    sampler = sample(EpisodeSource(pools, {**source.ranked_neighbors, "c3": ("c1",)}), shots=4)
    assert sampler.left_out == {
        "c1": "its images are enough for 1 shots, not for 4",
        "c3": "0 neighbors to use, 1 are needed",
    }
    assert sampler.positive_classes == ("c0", "c2")
    seen = {shown.concept for episode in sampler for shown in (*episode.support, episode.query)}
    assert "c1" not in seen
    assert "c3" in seen  # as a negative
