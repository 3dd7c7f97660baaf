"""The offline engine, from parents to proposals."""

import json
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_parents import letter_embeddings, some_choice, some_parents

from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.offline import MAX_PARENT_SHARE, OfflineEngine, parent_limit
from isekai_gen.proposals.parent_records import ParentChoice
from isekai_gen.proposals.records import Finding, Refusal, Slate

MANY = 300


def engine(seed=0, choice=None):
    return OfflineEngine(choice or some_choice(), seed, letter_embeddings, read_imagenet_names())


@pytest.fixture(scope="module")
def few():
    return engine()


@pytest.fixture(scope="module")
def twelve(few):
    return few.propose(Slate(12))


@pytest.fixture(scope="module")
def many(real_parents):
    return engine(choice=ParentChoice(real_parents, real_parents)).propose(Slate(MANY))


def refused(proposal, field, code="any", part="fictional"):
    return Refusal(proposal, (Finding(code, part, field, "wrong", "mend it"),))


def pairs(proposals):
    return [frozenset(one.fictional.parents) for one in proposals]


def test_a_slate_is_filled_with_groups_that_differ(twelve):
    assert len(twelve) == 12
    assert len(set(pairs(twelve))) == 12
    assert len({one.fictional.name for one in twelve}) == 12
    assert len({one.real.name for one in twelve}) == 12


def test_the_body_is_the_counterpart(twelve):
    by_name = {parent.name: parent for parent in some_parents()}
    for one in twelve:
        assert one.fictional.parents[0] == one.real.name
        assert one.real.wnids == by_name[one.real.name].wnids


def test_the_origin_says_how_it_came_to_be(twelve):
    for one in twelve:
        assert set(one.origin) == {
            "engine", "seed", "rule", "index", "parents", "novelty", "parent_limit",
        }  # fmt: skip
        assert json.loads(json.dumps(dict(one.origin))) == one.origin


def test_the_same_slate_is_answered_alike(few, twelve):
    assert few.propose(Slate(12)) == twelve


def test_another_seed_proposes_others(twelve):
    assert set(pairs(engine(1).propose(Slate(12)))) != set(pairs(twelve))


@pytest.mark.slow
def test_hash_order_changes_nothing():
    code = (
        "from test_offline import engine, Slate; from dataclasses import asdict; import json;"
        "print(json.dumps([asdict(one) for one in engine(5).propose(Slate(9))]))"
    )
    root = Path(__file__).parents[2]
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": f"{root}{os.pathsep}{Path(__file__).parent}",
            },
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    ours = json.dumps([asdict(one) for one in engine(5).propose(Slate(9))])
    assert runs[0].decode().strip() == ours


def test_what_stands_is_gone_on_from(few, twelve):
    more = few.propose(Slate(16, accepted=tuple(twelve)))
    assert len(more) == 4
    assert not set(pairs(more)) & set(pairs(twelve))
    assert not {one.real.name for one in more} & {one.real.name for one in twelve}


def test_a_full_slate_wants_nothing(few, twelve):
    assert few.propose(Slate(12, accepted=tuple(twelve))) == []


def test_a_refused_name_is_replaced_for_the_same_pair(few, twelve):
    first, *others = twelve
    slate = Slate(12, tuple(others), (refused(first, "name", "name_near_class"),))
    (again,) = few.propose(slate)
    assert again.fictional.parents == first.fictional.parents
    assert again.fictional.description == first.fictional.description
    assert again.fictional.name != first.fictional.name


@pytest.mark.parametrize(
    ("field", "part"), [("description", "fictional"), ("parents", "fictional"), ("name", "real")]
)
def test_a_pair_refused_for_what_it_is_never_comes_again(few, twelve, field, part):
    first, *others = twelve
    slate = Slate(12, tuple(others), (refused(first, field, "look_overlap", part),))
    (instead,) = few.propose(slate)
    assert set(instead.fictional.parents) != set(first.fictional.parents)


def test_groups_of_others_count_as_standing(few, twelve):
    foreign = [replace(one, origin={"engine": "start"}) for one in twelve]
    more = few.propose(Slate(14, accepted=tuple(foreign)))
    assert not set(pairs(more)) & set(pairs(twelve))


def test_parents_that_give_no_more_end_it():
    pair = ParentChoice(some_parents()[:1], some_parents()[14:16])
    of_two = engine(choice=pair)
    found = of_two.propose(Slate(5))
    assert len(found) == 1
    assert of_two.propose(Slate(5, accepted=tuple(found))) == []


@settings(max_examples=8, deadline=None)
@given(wanted=st.integers(1, 25), refusals=st.sets(st.integers(0, 11)), names=st.booleans())
def test_nothing_that_stands_or_was_refused_is_proposed_again(few, twelve, wanted, refusals, names):
    field = "name" if names else "short"
    gone = tuple(refused(twelve[at], field) for at in sorted(refusals))
    kept = tuple(one for at, one in enumerate(twelve) if at not in refusals)[:wanted]
    slate = Slate(wanted, kept, gone)
    found = few.propose(slate)
    assert len(found) <= slate.missing
    assert found == few.propose(slate)
    assert not {one.fictional.name for one in found} & (
        {one.fictional.name for one in kept} | {r.proposal.fictional.name for r in gone}
    )
    used = Counter(name for one in (*kept, *found) for name in one.fictional.parents)
    assert max(used.values(), default=0) <= parent_limit(some_choice(), wanted) + 1


def test_the_limit_of_a_parent_is_three_percent_where_there_are_enough():
    parents = tuple(replace(some_parents()[0], key=str(n)) for n in range(600))
    assert parent_limit(ParentChoice(parents, parents), 500) == 30
    assert parent_limit(ParentChoice(parents, parents), 20) == 1
    assert parent_limit(ParentChoice(parents, parents[:10]), 200) == 20


@pytest.mark.slow
def test_many_groups_are_spread_over_the_parents(many):
    assert len(many) == MANY
    uses = Counter(name for one in many for name in one.fictional.parents)
    assert max(uses.values()) <= MAX_PARENT_SHARE * uses.total()
    rules = Counter(one.origin["rule"] for one in many)
    assert len(rules) == 9
    assert max(rules.values()) < MANY / 3


def letters_of(name):
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def edits_between(a, b):
    """Levenshtein's table, row by row."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


@pytest.mark.slow
def test_no_name_of_many_collides_by_an_independent_check(many):
    lemmas = {letters_of(n) for names in read_imagenet_names().lemmas.values() for n in names}
    words = {word for text in read_imagenet_names().definitions.values() for word in text.split()}
    names = [one.fictional.name for one in many]
    for name in names:
        plain = letters_of(name)
        assert plain not in lemmas | words
        assert plain.removesuffix("s") not in lemmas
        alike = [x for x in lemmas if abs(len(x) - len(plain)) < 2 and x[:2] == plain[:2]]
        assert not [x for x in alike if len(plain) > 5 and edits_between(x, plain) < 2]
    for at, name in enumerate(names):
        assert not any(name in other or other in name for other in names[at + 1 :])
    for one in many:
        assert one.real.name not in one.fictional.name
        assert one.fictional.name not in one.real.name
        assert one.fictional.name not in one.fictional.description
