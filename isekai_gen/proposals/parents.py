"""Real things that concepts are made of, and how a user chooses among them.

The list is the package's own, with traits written by hand, grown by further animals of ImageNet-1k
that people know; or the user's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.prompts.faults import Faults, quoted
from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.prompts.marked_yaml import read_yaml
from isekai_gen.proposals.constraints import choose_parents
from isekai_gen.proposals.domains import DOMAINS, domains_of
from isekai_gen.proposals.genus import family_of
from isekai_gen.proposals.parent_records import Parent, ParentChoice
from isekai_gen.proposals.parents_file import WrittenParent, read_parents_file, read_traits
from isekai_gen.proposals.parents_rules import reason_to_leave_out
from isekai_gen.proposals.parents_traits import KnownKinds, complete_parent, find_domain
from isekai_gen.proposals.traits import Traits

__all__ = ["Parent", "ParentChoice", "Traits", "choose_parents", "read_parents"]

_SHIPPED = Path(__file__).parent / "shipped"
_TRAITS, _DOMAINS = _SHIPPED / "traits.yaml", _SHIPPED / "domains.yaml"
# Of classes without written traits, those with a rarer name are left out: "spoonbill" (0.62) is in,
# "dhole" (0.5) is out.
_MIN_COMMONNESS = 0.6
_FAMILY_OF_DOMAIN = {
    "animals": "animal",
    "plants": "plant",
    "fungi": "plant",
    "food": "food",
    "natural-things": "nature",
}


def read_parents(file: Path | None, imagenet: ImageNetNames) -> tuple[Parent, ...]:
    """All parents; what has no traits of its own has those of its nearest kind or its domain.

    Args:
        file: The user's list; None for the package's.
        imagenet: ImageNet's names and definitions.

    Returns:
        In the order of the file, then of wnids; their keys differ.

    Raises:
        InputError: With every fault in the form of the user's list, or else in what it names, each
            with file:line.
        MissingDependencyError: If open_clip, which tells common names from rare, is not installed.
    """
    shipped = _read_shipped(imagenet)
    if file is None:
        return shipped.parents
    entries = read_parents_file(file, imagenet)
    faults = Faults(file)
    line_of: dict[str, int] = {}
    parents = []
    for entry in entries:
        parent = _own_parent(entry, shipped.known, imagenet, faults)
        if parent is None:
            continue
        if parent.key in line_of:
            other = line_of[parent.key]
            faults.add(entry.line, f"{quoted(parent.name)} is what line {other} has; keep one")
        line_of.setdefault(parent.key, entry.line)
        parents.append(parent)
    faults.raise_if_any(InputError)
    return tuple(parents)


@dataclass(frozen=True)
class _Shipped:
    parents: tuple[Parent, ...]
    known: KnownKinds


@cache
def _read_shipped(imagenet: ImageNetNames) -> _Shipped:
    bare = KnownKinds({}, _read_domain_traits())
    written = [
        complete_parent(entry, entry.domain or "", bare, imagenet)
        for entry in read_parents_file(_TRAITS, imagenet)
    ]
    known = replace(bare, by_wnid={parent.key: parent for parent in written})
    return _Shipped((*written, *_grown_parents(written, known, imagenet)), known)


def _read_domain_traits() -> dict[str, Traits]:
    faults = Faults(_DOMAINS)
    root = read_yaml(_DOMAINS, faults)
    nodes = root.value if root is not None and isinstance(root.value, dict) else {}
    traits = {domain: read_traits(node, faults) for domain, node in nodes.items()}
    faults.raise_if_any(InputError)
    return traits


def _grown_parents(
    written: Sequence[Parent], known: KnownKinds, imagenet: ImageNetNames
) -> list[Parent]:
    """Animals of ImageNet-1k that people know and no written parent stands for."""
    stood_for = {wnid for parent in written for wnid in parent.wnids}
    names = {parent.name for parent in written}
    names |= {name for wnid in stood_for for name in imagenet.lemmas[wnid]}
    parents = []
    for wnid in sorted(imagenet.classes_1k - stood_for):
        name = imagenet.lemmas[wnid][0]
        # A "brown bear" is a bear to most people: the common kind stands in for it. So it does for
        # breeds, whose definitions lead to no kind at all or to the animal that was bred.
        if family_of(wnid) != "animal" or names & {name, name.split()[-1]}:
            continue
        domain = _domain_of_grown(wnid, known, imagenet)
        if domain is not None and reason_to_leave_out(wnid, imagenet) is None:
            entry = WrittenParent(0, name, domain, (wnid,), "", (), Traits())
            parent = complete_parent(entry, domain, known, imagenet)
            if parent.commonness >= _MIN_COMMONNESS:
                parents.append(parent)
                names.add(name)
    return parents


def _domain_of_grown(wnid: str, known: KnownKinds, imagenet: ImageNetNames) -> str | None:
    """A domain of animals; None where only the family tells, as for most breeds of dogs."""
    domain = find_domain([wnid], known, imagenet)
    return domain if domain is not None and domains_of(domain) == (domain, "animals") else None


def _own_parent(
    entry: WrittenParent, known: KnownKinds, imagenet: ImageNetNames, faults: Faults
) -> Parent | None:
    """A parent of the user's list, looked up by name where it has no wnids."""
    wnids = entry.wnids or imagenet.wnids_of(entry.name)
    things = [wnid for wnid in wnids if family_of(wnid) != "person"]
    if wnids and not things:
        faults.add(
            entry.line,
            f"{quoted(entry.name)} is a person: {imagenet.title(wnids[0])}; people are never "
            "parents",
        )
        return None
    if not entry.wnids:
        things = _fitting(things, entry.domain)[:1]
    domain = entry.domain or find_domain(things, known, imagenet)
    if domain is None:
        faults.add(
            entry.line,
            f"the domain of {quoted(entry.name)} is not known; write 'domain: ...', one of "
            f"{', '.join(DOMAINS)}",
        )
        return None
    whole = replace(entry, wnids=tuple(things))
    return complete_parent(whole, domain, known, imagenet)


def _fitting(wnids: Sequence[str], domain: str | None) -> list[str]:
    """Of classes with one name, those that can belong to the domain ("bass" the fish, not food)."""
    wanted = None if domain is None else _FAMILY_OF_DOMAIN.get(domains_of(domain)[-1], "artifact")
    return [wnid for wnid in wnids if wanted in (None, family_of(wnid))]
