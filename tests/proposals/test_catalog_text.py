"""Proposals become the text of a catalog, and come back from it as they were."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.catalog_text import catalog_text, proposals_of
from isekai_gen.proposals.records import Proposal, ProposedConcept

# All that a catalog may hold: YAML's own signs, quotes, other scripts, what looks like numbers.
_LETTERS = st.characters(
    blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf"), max_codepoint=0x1FFFF
)
_WORDS = st.one_of(
    st.text(_LETTERS, min_size=1, max_size=8),
    st.sampled_from(["yes", "null", "~", "1.5", "- x", "# y", "a: b", "[z", "'", '"', "!t", "&a"]),
)


def texts(max_words):
    # "TODO" and articles are refused by rules of their own.
    return st.lists(_WORDS, min_size=1, max_size=max_words).map(
        lambda words: " ".join(" ".join(["x", *words]).split())
    )


LISTS = st.lists(texts(3), min_size=1, max_size=3, unique=True).map(tuple)
NAMES = st.lists(
    st.text(string.ascii_letters, min_size=3, max_size=8), min_size=6, max_size=6,
    unique_by=str.lower,
)  # fmt: skip


@st.composite
def proposals(draw):
    names = draw(NAMES)
    slots = st.dictionaries(st.sampled_from(["pose", "setting", "view"]), LISTS, max_size=3)
    return [
        Proposal(
            ProposedConcept(fictional, draw(texts(4)), draw(texts(30)), parents=draw(LISTS)),
            ProposedConcept(real, draw(texts(4)), draw(texts(30)), wnids=wnids),
            attributes=draw(slots),
            origin={"engine": "catalog"},
        )
        for fictional, real, wnids in zip(
            names[::2], names[1::2], [(), ("n02346627",), ("n02346627", "n99999999")], strict=True
        )
    ]


@given(proposals())
@settings(max_examples=30, deadline=None)
def test_proposals_come_back_from_the_text_as_they_were(tmp_path, proposed):
    path = tmp_path / "catalog.yaml"
    path.write_text(catalog_text("x: y", proposed, ["how"], read_imagenet_names()))
    catalog = load_catalog(path)
    assert catalog.name == "x: y"
    again = proposals_of(catalog)
    assert list(again) == proposed
    # Slots keep their order, which the prompts' order depends on.
    assert [list(each.attributes) for each in again] == [list(p.attributes) for p in proposed]


def test_a_catalog_loses_nothing_on_its_way_through_proposals(tmp_path):
    shipped = load_catalog(shipped_catalog_path())
    path = tmp_path / "again.yaml"
    groups = proposals_of(shipped)
    path.write_text(catalog_text(shipped.name, groups, (), read_imagenet_names()))
    assert load_catalog(path) == shipped


def test_slots_that_the_two_concepts_do_not_share_are_kept(tmp_path):
    text = catalog_text("one", [_group()], (), read_imagenet_names())
    text = text.replace("pose: [walking]", "pose: [sitting]", 1)
    path = tmp_path / "catalog.yaml"
    path.write_text(text)
    path.write_text(
        catalog_text("one", proposals_of(load_catalog(path)), (), read_imagenet_names())
    )
    (group,) = load_catalog(path).groups
    assert group.fictional.attributes["pose"] == ("sitting",)
    assert group.real.attributes["pose"] == ("walking",)


def test_the_text_reads_like_a_catalog_written_by_hand():
    assert catalog_text("one", [_group()], ["How it was made."], read_imagenet_names()) == (
        "# How it was made.\n"
        "schema: 1\n"
        "name: one\n"
        "groups:\n"
        "  - fictional:\n"
        "      name: cactihog\n"
        "      short: hedgehog with cactus spines\n"
        "      description: >-\n"
        "        a small round hedgehog\n"
        "      parents: [hedgehog, cactus]\n"
        "      attributes:\n"
        "        pose: [walking]\n"
        "    real:\n"
        "      name: hedgehog\n"
        "      short: hedgehog\n"
        "      description: >-\n"
        "        a small hedgehog\n"
        "      attributes:\n"
        "        pose: [walking]\n"
        "      wnids:\n"
        "        - n02346627  # porcupine, hedgehog\n"
    )


@pytest.mark.parametrize("width", [20, 200])
def test_lines_are_readable_however_long_the_texts_are(width):
    group = _group(description=" ".join(["word"] * width), pose=("a pose " * 3 + "x",) * 1)
    text = catalog_text("one", [group], (), read_imagenet_names())
    assert max(map(len, text.splitlines())) <= 100


def _group(description="a small round hedgehog", pose=("walking",)):
    return Proposal(
        ProposedConcept(
            "cactihog", "hedgehog with cactus spines", description, ("hedgehog", "cactus")
        ),
        ProposedConcept("hedgehog", "hedgehog", "a small hedgehog", wnids=("n02346627",)),
        attributes={"pose": pose},
        origin={"engine": "test"},
    )
