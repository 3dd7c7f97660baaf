"""Names under which a prompt says what was chosen for its variants and wildcards."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from isekai_gen.prompts.nodes import Variant, walk
from isekai_gen.prompts.template_set import Template


class BindingNames:
    """What the bindings of a template's prompts call its variants and wildcards."""

    def __init__(self, template: Template, slots: Iterable[str]) -> None:
        pieces = [*walk(template.text.pieces), *walk(template.negative.pieces)]
        variants = sum(isinstance(piece, Variant) for piece in pieces)
        self._variants = (f"v{number}" for number in itertools.count(1))
        self._taken = {*slots, *(f"v{number}" for number in range(1, variants + 1))}

    def of_variant(self) -> str:
        """The name of the next variant, in the order written."""
        return next(self._variants)

    def of_wildcard(self, name: str) -> str:
        """The name of the next place of a wildcard, or with #2, #3, ... if it is taken."""
        candidates = (name if n == 1 else f"{name}#{n}" for n in itertools.count(1))
        free = next(candidate for candidate in candidates if candidate not in self._taken)
        self._taken.add(free)
        return free
