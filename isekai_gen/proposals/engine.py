"""The one interface of all engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from isekai_gen.embeddings import FloatArray
from isekai_gen.proposals.records import Proposal, Slate

EmbedTexts = Callable[[Sequence[str]], FloatArray]
"""Embeddings of any number of texts: float32 [n, dim], unit rows, in their order."""


class ProposalEngine(Protocol):
    """Proposes groups for the places of a slate that are still empty.

    What it proposes follows from its settings and the slate alone (a language model's answers are
    kept and found again): after a kill the same rounds are played again, with the same result.

    Attributes:
        name: "offline", or the address of a language model.
    """

    name: str

    def propose(self, slate: Slate) -> Sequence[Proposal]:
        """At most `slate.missing` further proposals, none of which the slate has; [] if none left.

        Raises:
            InputError: If its settings leave nothing to propose from.
            ModelError: If a server of the engine cannot be used.
        """
        ...
