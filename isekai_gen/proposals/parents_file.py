"""Lists of parents: a YAML file read to frozen entries, with every fault at once.

The package's own list and the user's have the same form:

    - name: hedgehog
      domain: mammals               # may be left out if ImageNet knows the name
      wnids: [n01893825]            # may be left out: classes so called are looked up
      definition: a small mammal    # may be left out if there is a wnid
      kinds: [insect eater]         # what else it is or is called, for --from, --with and --avoid
      traits:                       # may be left out: those of its kind are taken
        surface: short brown and cream quills
        colors: [brown, cream]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.prompts.faults import Faults, did_you_mean, quoted
from isekai_gen.prompts.fields import Fields, entries_of, open_fields, text_of, texts_of
from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.prompts.marked_yaml import Node, read_yaml
from isekai_gen.proposals.domains import DOMAINS
from isekai_gen.proposals.genus import family_of
from isekai_gen.proposals.traits import TRAIT_NAMES, Traits, trait_fault
from isekai_gen.workspace import slug_of

_MAX_NAME = 80
_OPTIONAL = ("domain", "wnids", "definition", "kinds", "traits")
_WNID = re.compile(r"n[0-9]{8}")


@dataclass(frozen=True)
class WrittenParent:
    """One entry as its author wrote it.

    Attributes:
        line: 1-based line of the entry.
        name: Its name.
        domain: Its domain; None if not written.
        wnids: Its classes; () if not written.
        definition: "" if not written.
        kinds: What else it is; () if not written.
        traits: Empty where not written.
    """

    line: int
    name: str
    domain: str | None
    wnids: tuple[str, ...]
    definition: str
    kinds: tuple[str, ...]
    traits: Traits


def read_parents_file(path: Path, imagenet: ImageNetNames) -> tuple[WrittenParent, ...]:
    """Read and check a list of parents.

    Raises:
        InputError: With every fault of the file, one "file:line: what is wrong; what to do" each.
    """
    faults = Faults(path)
    root = read_yaml(path, faults)
    entries = entries_of(root, "the list of parents", faults)
    read = [_read_entry(node, imagenet, faults) for node in entries]
    parents = tuple(parent for parent in read if parent is not None)
    _note_repetitions(parents, faults)
    faults.raise_if_any(InputError)
    return parents


def read_traits(node: Node, faults: Faults) -> Traits:
    """The traits of one thing, each one text or a list of texts; faults are noted."""
    fields = open_fields(node, "'traits'", (), TRAIT_NAMES, faults)
    if fields is None:
        return Traits()
    if not isinstance(node.value, dict) or not node.value:
        faults.add(node.line, "'traits' is empty; give it some, or remove it")
    return Traits(**{name: _phrases(fields, name, faults) for name in TRAIT_NAMES})


def _phrases(fields: Fields, trait: str, faults: Faults) -> tuple[str, ...]:
    node = fields.node(trait)
    if node is None:
        return ()
    if isinstance(node.value, tuple):
        phrases = texts_of(node, repr(trait), faults) or ()
    else:
        text = text_of(node, repr(trait), faults)
        phrases = () if text is None else (text,)
    for phrase in phrases:
        fault = trait_fault(trait, phrase)
        if fault is not None:
            faults.add(fields.line_of(trait), f"{trait} {quoted(phrase)} {fault}")
    return phrases


def _read_entry(node: Node, imagenet: ImageNetNames, faults: Faults) -> WrittenParent | None:
    fields = open_fields(node, "a parent", ("name",), _OPTIONAL, faults)
    if fields is None:
        return None
    name = fields.text("name", faults, _MAX_NAME)
    _check_name(name or "", fields.line_of("name"), faults)
    traits = fields.node("traits")
    entry = WrittenParent(
        line=fields.line,
        name=name or "",
        domain=_read_domain(fields, faults),
        wnids=_read_wnids(fields, imagenet, faults),
        definition=fields.text("definition", faults) or "",
        kinds=fields.texts("kinds", faults) or (),
        traits=Traits() if traits is None else read_traits(traits, faults),
    )
    return None if name is None else entry


def _check_name(name: str, line: int, faults: Faults) -> None:
    if not name:
        return
    try:
        slug_of(name)
    except InputError as error:
        faults.add(line, f"{error}; choose a name with ASCII letters")


def _read_domain(fields: Fields, faults: Faults) -> str | None:
    domain = fields.text("domain", faults)
    if domain is not None and domain not in DOMAINS:
        hint = did_you_mean(domain, DOMAINS)
        faults.add(fields.line_of("domain"), f"unknown domain {quoted(domain)}{hint}")
        return None
    return domain


def _read_wnids(fields: Fields, imagenet: ImageNetNames, faults: Faults) -> tuple[str, ...]:
    wnids = fields.texts("wnids", faults) or ()
    line = fields.line_of("wnids")
    for wnid in wnids:
        if not _WNID.fullmatch(wnid):
            faults.add(line, f"{quoted(wnid)} is no wnid; write n and 8 digits, like n02119789")
        elif wnid not in imagenet.lemmas:
            faults.add(line, f"{wnid} is no class of ImageNet-21k; correct or remove it")
        elif family_of(wnid) == "person":
            faults.add(line, f"{imagenet.title(wnid)} is a person; people are never parents")
    return tuple(wnid for wnid in wnids if wnid in imagenet.lemmas)


def _note_repetitions(parents: tuple[WrittenParent, ...], faults: Faults) -> None:
    line_of: dict[str, int] = {}
    for parent in parents:
        plain = parent.name.casefold()
        if plain in line_of:
            faults.add(
                parent.line,
                f"{quoted(parent.name)} is already in line {line_of[plain]}; keep one",
            )
        line_of.setdefault(plain, parent.line)
