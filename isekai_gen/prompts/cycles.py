"""Lists and wildcards that would have to be expanded without end."""

from __future__ import annotations

from collections.abc import Iterator

from isekai_gen.prompts.faults import Faults
from isekai_gen.prompts.nodes import Slot, Wildcard, walk
from isekai_gen.prompts.pattern import Pattern
from isekai_gen.prompts.template_set import TemplateSet, WeightedText


def note_cycles(templates: TemplateSet, faults: Faults) -> None:
    """Note every slot and wildcard of a value through which the value would come to itself."""
    values_of: dict[Slot | Wildcard, tuple[WeightedText, ...]] = {
        **{Slot(name): values for name, values in templates.lists.items()},
        **{Wildcard(name): values for name, values in templates.wildcards.values.items()},
    }
    leads_to = {
        name: {piece for value in values for piece in _references(value.pattern)} & values_of.keys()
        for name, values in values_of.items()
    }
    for name, values in values_of.items():
        for value in values:
            for piece in _references(value.pattern):
                if name == piece or name in _reached_from(piece, leads_to):
                    value.pattern.note(
                        piece.offset,
                        f"{_written(piece)} leads back to {_written(name)}, without end; "
                        "break the circle",
                        faults,
                    )


def _references(pattern: Pattern) -> Iterator[Slot | Wildcard]:
    return (piece for piece in walk(pattern.pieces) if isinstance(piece, Slot | Wildcard))


def _reached_from(
    start: Slot | Wildcard, leads_to: dict[Slot | Wildcard, set[Slot | Wildcard]]
) -> set[Slot | Wildcard]:
    reached: set[Slot | Wildcard] = set()
    waiting = [start]
    while waiting:
        new = leads_to.get(waiting.pop(), set()) - reached
        reached |= new
        waiting.extend(new)
    return reached


def _written(piece: Slot | Wildcard) -> str:
    return f"{{{piece.name}}}" if isinstance(piece, Slot) else f"__{piece.name}__"
