import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.filters.independent_set import Link, choose_kept, find_witnesses

IDS = "abcdefgh"
LINKS = st.lists(
    st.builds(
        lambda pair, similarity: Link(*sorted(pair), similarity),
        st.lists(st.sampled_from(IDS), min_size=2, max_size=2, unique=True),
        st.one_of(st.none(), st.sampled_from([0.5, 0.9, 1.0])),
    ),
    max_size=20,
)


def linked(a, b, links):
    return any({link.first, link.second} == {a, b} for link in links)


@given(st.permutations(IDS), LINKS)
def test_kept_ones_are_unlinked_and_every_other_is_linked_to_a_kept_one(ids, links):
    kept = choose_kept(ids, links)
    assert not any(linked(a, b, links) for a in kept for b in kept)
    assert all(any(linked(a, b, links) for b in kept) for a in ids if a not in kept)


@given(st.permutations(IDS), LINKS)
def test_an_image_loses_only_to_a_kept_one_of_higher_priority(ids, links):
    kept = choose_kept(ids, links)
    assert kept == [image_id for image_id in ids if image_id in kept]
    for place, image_id in enumerate(ids):
        better = [other for other in ids[:place] if other in kept]
        assert (image_id in kept) != any(linked(image_id, other, links) for other in better)


@given(st.permutations(IDS), LINKS, st.randoms())
def test_the_order_of_links_changes_nothing(ids, links, random):
    kept = choose_kept(ids, links)
    by_pair = {(link.first, link.second): link for link in links}
    unique = list(by_pair.values())
    shuffled = random.sample(unique, len(unique))
    assert choose_kept(ids, shuffled) == kept
    assert find_witnesses(kept, shuffled) == find_witnesses(kept, unique)


@given(st.permutations(IDS), LINKS)
def test_everything_dropped_has_a_kept_witness_and_nothing_kept_has_one(ids, links):
    kept = choose_kept(ids, links)
    witnesses = find_witnesses(kept, links)
    assert witnesses.keys() == set(ids) - set(kept)
    for image_id, (witness, link) in witnesses.items():
        assert witness in kept
        assert {link.first, link.second} == {image_id, witness}


def test_the_witness_is_the_most_similar_kept_image_and_ties_go_to_the_lower_id():
    links = [Link("a", "z", 0.91), Link("b", "z", 0.95), Link("c", "z", 0.95)]
    assert find_witnesses(["a", "b", "c"], links)["z"] == ("b", links[1])
    assert find_witnesses(["a", "b", "c"], links[::-1])["z"] == ("b", links[1])


def test_a_mark_of_unknown_similarity_ranks_as_one():
    links = [Link("a", "z", 0.99), Link("b", "z", None, marked=True)]
    assert find_witnesses(["a", "b"], links)["z"] == ("b", links[1])


def test_no_images_keep_none_and_repeated_ids_are_refused():
    assert choose_kept([], []) == []
    assert find_witnesses([], [Link("a", "b", 1.0)]) == {}
    with pytest.raises(ValueError, match="repeat"):
        choose_kept(["a", "a"], [])
