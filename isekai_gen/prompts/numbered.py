"""Prompts by number in the order written, and by chance; each found by its index alone."""

from __future__ import annotations

import bisect
import hashlib
import struct
from collections.abc import Sequence

from isekai_gen.prompts.building import TemplateSpace
from isekai_gen.prompts.permutation import Permutation
from isekai_gen.prompts.space import Alternative, Choice
from isekai_gen.prompts.weights import whole_weights
from isekai_gen.prompts.writing import PromptWriter
from isekai_gen.records import Prompt


class NumberedOrder:
    """All prompts of a concept in the order written: what is written last varies first."""

    def __init__(
        self, spaces: Sequence[TemplateSpace], concept: str, permuted_by: bytes | None = None
    ) -> None:
        """Set up the order.

        Args:
            spaces: The templates of the concept.
            concept: The concept's slug.
            permuted_by: Key of a permutation of the whole order; None for none.
        """
        templates = tuple(space.root for space in spaces)
        self._templates = Choice("", templates, (1,) * len(templates))
        self._writers = [PromptWriter(space, concept) for space in spaces]
        self._permutation = (
            None if permuted_by is None else Permutation(self._templates.size, permuted_by)
        )

    def prompt(self, index: int) -> Prompt:
        """The prompt at an index; from the number of prompts on, they start over."""
        number = index % self._templates.size
        if self._permutation is not None:
            number = self._permutation(number)
        template = bisect.bisect_right(self._templates.starts, number) - 1
        root = self._templates.alternatives[template]
        number -= self._templates.starts[template]
        path = []
        waiting, below = list(reversed(root.choices)), root.size
        while waiting:
            choice = waiting.pop()
            below //= choice.size
            inside, number = divmod(number, below)
            chosen = bisect.bisect_right(choice.starts, inside) - 1
            alternative = choice.alternatives[chosen]
            number += (inside - choice.starts[chosen]) * below
            below *= alternative.size
            waiting.extend(reversed(alternative.choices))
            path.append((choice, alternative))
        return self._writers[template].write(path)


class RandomOrder:
    """Prompts drawn with replacement: every choice by its weight, whatever came before."""

    def __init__(self, spaces: Sequence[TemplateSpace], concept: str, key: bytes) -> None:
        """Set up the draws.

        Args:
            spaces: The templates of the concept.
            concept: The concept's slug.
            key: Chooses the draws; at most 64 bytes.
        """
        weights = whole_weights([space.template.weight for space in spaces])
        self._templates = Choice("", tuple(space.root for space in spaces), weights)
        self._writers = [PromptWriter(space, concept) for space in spaces]
        self._key = key

    def prompt(self, index: int) -> Prompt:
        """The prompt at an index."""
        draws = _Draws(self._key, index)
        template = draws.draw(self._templates)
        root = self._templates.alternatives[template]
        path: list[tuple[Choice, Alternative]] = []
        waiting = list(reversed(root.choices))
        while waiting:
            choice = waiting.pop()
            alternative = choice.alternatives[draws.draw(choice)]
            waiting.extend(reversed(alternative.choices))
            path.append((choice, alternative))
        return self._writers[template].write(path)


class _Draws:
    """Random numbers of one index, the same on every machine and version."""

    def __init__(self, key: bytes, index: int) -> None:
        self._key = key
        self._index = index
        self._block = 0
        self._numbers: list[int] = []

    def draw(self, choice: Choice) -> int:
        """The number of an alternative, with a chance in proportion to its weight."""
        if not self._numbers:
            content = b"%d:%d" % (self._index, self._block)
            drawn = hashlib.blake2b(content, key=self._key).digest()
            self._numbers = list(struct.unpack(">8Q", drawn))
            self._block += 1
        # Rounds are short beside 2^64, so the remainder is as good as even.
        place = self._numbers.pop() % choice.weight_ends[-1]
        return bisect.bisect_right(choice.weight_ends, place)
