"""Which candidates are worth a place."""

import numpy as np
import pytest
from invented_parents import letter_embeddings, parent, some_choice, some_parents

from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.candidates import CandidateSpace
from isekai_gen.proposals.ranking import Embedded, Meetings, Ranking, knownness
from isekai_gen.proposals.ranking_choice import Pool, Spread, Weights, chosen_from


@pytest.fixture(scope="module")
def candidates():
    space = CandidateSpace(some_choice(), 0)
    return [one for place in range(1500) if (one := space.at(place)) is not None]


@pytest.fixture(scope="module")
def ranking():
    return Ranking(letter_embeddings, read_imagenet_names(), some_parents())


def flat_pool(candidates):
    rows = letter_embeddings([one.short for one in candidates])
    return Pool(candidates, np.zeros(len(candidates)), rows)


def test_texts_are_embedded_once():
    asked = []

    def embed(texts):
        asked.extend(texts)
        return letter_embeddings(texts)

    embedded = Embedded(embed)
    rows = embedded(["owl", "teapot", "owl"])
    assert np.array_equal(rows[0], rows[2])
    embedded(["owl"])
    assert asked == ["owl", "teapot"]


def test_domains_that_are_named_together_meet_less_rarely():
    meetings = Meetings(some_parents(), read_imagenet_names())
    assert meetings.rarity("mammals", "mammals") < meetings.rarity("mammals", "kitchenware")
    assert meetings.rarity("birds", "toys") == 1.0
    assert meetings.rarity("birds", "mammals") == meetings.rarity("mammals", "birds")


def test_novelty_lies_between_0_and_1(candidates, ranking):
    values = [ranking.novelty(one) for one in candidates[:50]]
    assert all(0 <= value <= 1 for value in values)
    assert len(set(values)) > 10


def test_the_less_known_parent_counts(candidates):
    assert knownness(candidates[0]) == pytest.approx(0.8)


def test_the_second_choice_is_far_from_the_first(candidates):
    pool = flat_pool(candidates)
    spread = Spread(100)
    choice = chosen_from(pool, spread, Weights(fresh=0))
    first = next(choice)
    spread.uses.update(["taken"])
    second = next(choice)
    others = [one for one in candidates if one.made.body != first.made.body]
    rows = letter_embeddings([first.short, second.short, *(one.short for one in others)])
    similarities = rows[2:] @ rows[0]
    assert rows[1] @ rows[0] <= np.quantile(similarities, 0.05)


def test_what_stands_already_pushes_its_like_away(candidates):
    pool = flat_pool(candidates)
    pool.meet(candidates[0].short, letter_embeddings([candidates[0].short])[0])
    assert pool.nearest[0] == pytest.approx(1)
    assert next(chosen_from(pool, Spread(100), Weights(fresh=0))) != candidates[0]


def test_a_parent_at_its_limit_and_a_used_counterpart_are_left_out(candidates):
    spread = Spread(1)
    spread.uses["owl"] = 1
    spread.bodies.add("teapot")
    chosen = list(chosen_from(flat_pool(candidates), spread, Weights()))
    assert chosen
    assert not any("owl" in one.pair or one.made.body.name == "teapot" for one in chosen)
    assert any(one.made.lender == parent("teapot") for one in chosen)


def test_a_fresh_rule_and_domain_come_first(candidates):
    spread = Spread(1000)
    spread.rules.update({candidates[0].made.rule.name: 10})
    spread.domains.update({candidates[0].made.body.domain: 10})
    pool = flat_pool(candidates)
    first = next(chosen_from(pool, spread, Weights(unlike_others=0)))
    assert first.made.rule != candidates[0].made.rule
    assert first.made.body.domain != candidates[0].made.body.domain
