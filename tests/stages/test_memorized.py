"""Prompts that give nearly one picture whatever the seed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.neighbors.pairs import joined_pairs
from isekai_gen.records import ImageRecord, PlannedImage, Provenance
from isekai_gen.stages.memorized import memorized_prompts

PROVENANCE = Provenance("m", "", "0", "P", "S", "0", 1, 1.0, 8, 8, "float32", 1, "0")


def image(number, prompt="a cat", concept="cat", seed=None):
    image_id = f"{number:020x}"
    seed = number if seed is None else seed
    planned = PlannedImage(image_id, concept, number, "t", {}, prompt, "", seed, 0)
    return ImageRecord(planned, PROVENANCE, "", f"images/{concept}/{image_id}.png", "f", "p", None)


def edges_of(images, pairs):
    rows = sorted((min(a, b), max(a, b), s) for a, b, s in pairs)
    columns = [np.array([row[place] for row in rows]) for place in range(3)]
    found = joined_pairs(
        [(columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2].astype(np.float32))]
    )
    return EdgeList(tuple(one.image_id for one in images), found, 0.5, "e")


def numbers(prompt):
    return [int(image_id, 16) for image_id in prompt.images]


def all_alike(members, similarity=0.97):
    return [(a, b, similarity) for a in members for b in members if a < b]


def test_three_seeds_with_one_picture_are_listed_with_their_seeds():
    images = [image(n) for n in range(5)]
    (found,) = memorized_prompts(images, edges_of(images, all_alike([0, 2, 4])), 0.95)
    assert (numbers(found), found.seeds, found.drawn) == ([0, 2, 4], (0, 2, 4), 5)
    assert found.to_json()["prompt"] == "a cat"


def test_two_seeds_a_chain_a_pair_at_the_limit_and_equal_seeds_are_not():
    images = [image(n) for n in range(4)]
    assert memorized_prompts(images, edges_of(images, all_alike([0, 1])), 0.95) == []
    chain = [(0, 1, 0.97), (1, 2, 0.97), (2, 3, 0.97)]
    assert memorized_prompts(images, edges_of(images, chain), 0.95) == []
    limit = float(np.float32(0.97))
    assert memorized_prompts(images, edges_of(images, all_alike([0, 1, 2])), limit) == []
    same = [image(n, seed=n // 2) for n in range(4)]
    assert memorized_prompts(same, edges_of(same, all_alike(range(4))), 0.95) == []


def test_other_prompts_and_other_concepts_do_not_count():
    images = [image(0), image(1), image(2, "a dog"), image(3, concept="lynx")]
    assert memorized_prompts(images, edges_of(images, all_alike(range(4))), 0.95) == []


def test_images_that_were_not_compared_or_are_unknown_are_left_out():
    images = [image(n) for n in range(4)]
    edges = edges_of(images, all_alike(range(4)))
    (found,) = memorized_prompts(images[:3], edges, 0.95)
    assert (numbers(found), found.drawn) == ([0, 1, 2], 3)


@given(st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda p: p[0] < p[1])))
def test_what_is_listed_is_alike_pair_by_pair(pairs):
    images = [image(n) for n in range(9)]
    for found in memorized_prompts(images, edges_of(images, [(*p, 0.99) for p in pairs]), 0.95):
        members = numbers(found)
        assert len(members) >= 3
        assert all((a, b) in pairs for a in members for b in members if a < b)
