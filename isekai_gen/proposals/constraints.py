"""Which parents the user's words choose."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from types import MappingProxyType

from isekai_gen.errors import InputError
from isekai_gen.prompts.faults import quoted
from isekai_gen.prompts.imagenet_names import name_forms
from isekai_gen.proposals.domains import domains_of, same_widest
from isekai_gen.proposals.parent_records import Parent, ParentChoice

_MAX_COMPARED = 80  # difflib's time grows with the square of the length
_IRREGULAR = MappingProxyType(
    {
        "cacti": "cactus",
        "fungus": "fungi",
        "geese": "goose",
        "mice": "mouse",
        "octopi": "octopus",
        "oxen": "ox",
    }
)


def choose_parents(
    parents: Sequence[Parent],
    from_: Sequence[str] = (),
    with_: Sequence[str] = (),
    avoid: Sequence[str] = (),
) -> ParentChoice:
    """Parents by role.

    A word chooses the parents of a domain ("animals"), of a kind ("spiders", "dog"), or one by its
    name or another name of it; in singular or plural, with or without dashes.

    Args:
        parents: All there are.
        from_: What the bodies are chosen from; all parents if empty.
        with_: What the lenders are chosen from; all parents if empty.
        avoid: What neither may be.

    Raises:
        InputError: If a word matches no parent, or nothing is left for a role.
    """
    forms = {parent.key: _forms(parent) for parent in parents}
    known = _Known(parents, forms)
    avoided = known.keys_of(avoid, "--avoid")
    return ParentChoice(
        bodies=_left(known, from_, "--from", avoided),
        lenders=_left(known, with_, "--with", avoided),
    )


class _Known:
    """Parents and all forms of what each may be called."""

    def __init__(self, parents: Sequence[Parent], forms: dict[str, frozenset[str]]) -> None:
        self.parents = parents
        self._forms = forms

    def keys_of(self, words: Sequence[str], option: str) -> set[str]:
        """Keys of the parents that one of the words chooses.

        Raises:
            InputError: If a word chooses none.
        """
        return {key for word in words for key in self._keys_of_word(word, option)}

    def _keys_of_word(self, word: str, option: str) -> list[str]:
        wanted = name_forms(_IRREGULAR.get(word.casefold(), word))
        called = [parent for parent in self.parents if wanted & name_forms(parent.name)]
        # Whoever says "mouse" means the animal, not a device that is also called so.
        found = [
            parent.key
            for parent in self.parents
            if wanted & self._forms[parent.key]
            and (not called or any(same_widest(parent.domain, one.domain) for one in called))
        ]
        if not found:
            domains = {domain for parent in self.parents for domain in domains_of(parent.domain)}
            raise InputError(
                f"{option} {quoted(word)} matches no domain, kind or name of a parent"
                f"{self._closest(word)}; domains: {', '.join(sorted(domains))}"
            )
        return found

    def _closest(self, word: str) -> str:
        names = {name.casefold(): name for parent in self.parents for name in _names(parent)}
        close = difflib.get_close_matches(word.casefold()[:_MAX_COMPARED], sorted(names))
        return f"; closest: {', '.join(names[name] for name in close)}" if close else ""


def _left(
    known: _Known, words: Sequence[str], option: str, avoided: set[str]
) -> tuple[Parent, ...]:
    wanted = known.keys_of(words, option)
    left = tuple(
        parent
        for parent in known.parents
        if parent.key not in avoided and (not words or parent.key in wanted)
    )
    if not left:
        chosen = f"{option} {', '.join(words)}" if words else "the list of parents"
        raise InputError(f"--avoid leaves nothing of {chosen}; avoid less, or name further domains")
    return left


def _names(parent: Parent) -> tuple[str, ...]:
    return (parent.name, *parent.kinds, *domains_of(parent.domain))


def _forms(parent: Parent) -> frozenset[str]:
    return frozenset().union(*(name_forms(name) for name in _names(parent)))
