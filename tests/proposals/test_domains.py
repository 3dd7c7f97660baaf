"""Domains: every one is stocked, and none is a word that a newcomer could not know."""

from collections import Counter

import pytest

from isekai_gen.proposals.domains import DOMAIN_OF_KIND, DOMAINS, domains_of, same_widest


def test_every_domain_has_ten_parents_at_least(real_parents):
    counts = Counter(domain for parent in real_parents for domain in domains_of(parent.domain))
    assert {domain: counts[domain] for domain in DOMAINS if counts[domain] < 10} == {}


def test_a_wider_domain_is_a_domain_and_has_none_above_it():
    for domain in DOMAINS.values():
        if domain.wider is not None:
            assert DOMAINS[domain.wider].wider is None


def test_kinds_lead_to_domains():
    assert set(DOMAIN_OF_KIND.values()) <= DOMAINS.keys()


def test_a_domain_and_its_wider_one():
    assert domains_of("birds") == ("birds", "animals")
    assert domains_of("toys") == ("toys",)
    with pytest.raises(KeyError):
        domains_of("dragons")


def test_parts_of_one_domain_are_told_from_parts_of_two():
    assert same_widest("birds", "fish")
    assert same_widest("kitchenware", "household-objects")
    assert not same_widest("birds", "toys")
