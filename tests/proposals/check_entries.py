"""A group that no check finds fault with, and encoders and helpers for the tests of checks."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from isekai_gen.embeddings import FloatArray, normalized
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.checks import EntryChecks
from isekai_gen.proposals.records import Finding, Proposal, ProposedConcept


def _group(made: ProposedConcept, named: ProposedConcept, *settings: str) -> Proposal:
    attributes = {"setting": settings} if settings else {}
    return Proposal(made, named, attributes=attributes, origin={"engine": "test"})


def _real(name: str, description: str, wnid: str) -> ProposedConcept:
    return ProposedConcept(name, name, description, wnids=(wnid,))


GOOD = _group(
    ProposedConcept(
        name="cactihog",
        short="hedgehog with cactus spines",
        description="a small round animal whose back is a ribbed green cactus with white spines",
        parents=("hedgehog", "cactus"),
    ),
    _real(
        "hedgehog", "a small animal with a pointed snout and a coat of brown quills", "n02346627"
    ),
    "on short green grass",
    "on a mossy log",
)
OTHER = _group(
    ProposedConcept(
        name="snailpot",
        short="teapot with a snail shell",
        description="a striped spiral shell with a spout, a lid on top and a curved handle",
        parents=("teapot", "snail"),
    ),
    _real("teapot", "glazed white pottery for hot drinks", "n04398044"),
)


@cache
def plain_checks() -> EntryChecks:
    """Checks without an encoder; the tables of names are made once for all tests."""
    return EntryChecks(read_imagenet_names())


def fictional(group: Proposal = GOOD, **changes: object) -> Proposal:
    """A group whose invented concept says something else."""
    return replace(group, fictional=replace(group.fictional, **changes))


def real(group: Proposal = GOOD, **changes: object) -> Proposal:
    """A group whose counterpart says something else."""
    return replace(group, real=replace(group.real, **changes))


def only(checks: EntryChecks, proposal: Proposal, others: Sequence[Proposal] = ()) -> Finding:
    """The one finding."""
    (finding,) = checks.findings(proposal, others)
    return finding


def embed_words(texts: Sequence[str]) -> FloatArray:
    """An encoder that reads words, whatever their order: a text is the sum of its words.

    Each word has a direction of its own, found by hashing; "striped jungle feline" is read
    as "tiger", so that there is one synonym.
    """
    known = (text.lower().replace("striped jungle feline", "tiger") for text in texts)
    return normalized(np.stack([sum(map(_direction, text.split())) for text in known]))


def _direction(word: str) -> FloatArray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    vector: FloatArray = np.random.default_rng(seed).standard_normal(64).astype(np.float32)
    return vector
