"""Prompts in an order that balances every choice, each found by its index alone.

The tree of choices is followed from the template on. At every node a `Schedule` says which branch
has turn i and what number the turn has inside that branch; following it down costs a few hashes,
however large the space. Turns of one node are followed together, so that its rounds are laid out
once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from isekai_gen.prompts.building import TemplateSpace
from isekai_gen.prompts.schedule import Schedule
from isekai_gen.prompts.space import Choice
from isekai_gen.prompts.weights import whole_weights
from isekai_gen.prompts.writing import Path, PromptWriter
from isekai_gen.records import Prompt


class _Step:
    """A choice, with those that come after it whatever is chosen.

    Attributes:
        choice: What is chosen.
        rest: The next step; None if there is none.
        labels: Labels of constants on the way here; they enter the key.
        schedule: Turns among the alternatives.
    """

    def __init__(self, choice: Choice, rest: _Step | None) -> None:
        self.choice = choice
        self.rest = rest
        self.labels: tuple[str, ...] = ()
        below = 1 if rest is None else rest.schedule.total
        capacities = [alternative.size * below for alternative in choice.alternatives]
        self.schedule: Schedule = Schedule(choice.weights, capacities)
        self._after: dict[int, _Step | None] = {}

    def after(self, number: int) -> _Step | None:
        """The step after an alternative was chosen: its own choices first."""
        if number not in self._after:
            choices = self.choice.alternatives[number].choices
            self._after[number] = _first_step(choices, self.rest)
        return self._after[number]


def _first_step(choices: Sequence[Choice], rest: _Step | None) -> _Step | None:
    for choice in reversed(choices):
        if not choice.is_constant:
            rest = _Step(choice, rest)
        elif rest is not None:
            rest.labels = (choice.alternatives[0].label, *rest.labels)
    return rest


class StratifiedOrder:
    """All prompts of a concept in a balanced order."""

    def __init__(self, spaces: Sequence[TemplateSpace], concept: str, key: bytes) -> None:
        """Set up the order.

        Args:
            spaces: The templates of the concept.
            concept: The concept's slug.
            key: Chooses among the balanced orders.
        """
        self._key = key
        self._steps = [_first_step(space.balanced, None) for space in spaces]
        self._writers = [PromptWriter(space, concept) for space in spaces]
        weights = whole_weights([space.template.weight for space in spaces])
        self._schedule = Schedule(weights, [space.root.size for space in spaces])
        self._labels = [space.template.id for space in spaces]

    def prompts(self, indices: Iterable[int]) -> list[Prompt]:
        """One prompt per index; from the number of prompts on, they start over."""
        total = self._schedule.total
        turns = sorted(
            ((place, index % total) for place, index in enumerate(indices)),
            key=lambda turn: turn[1],
        )
        found: dict[int, Prompt] = {}
        for number, ranked in self._schedule.locate_all(turns, self._key).items():
            self._expand(number, ranked, found)
        return [found[place] for place in range(len(turns))]

    def _expand(self, number: int, turns: list[tuple[int, int]], found: dict[int, Prompt]) -> None:
        """Follow turns of one template down to their prompts."""
        write = self._writers[number].write
        # Keyed by words, not by positions: reordering or adding elsewhere leaves a path as it was.
        key = _child_key(self._key, self._labels[number])
        waiting: list[tuple[_Step | None, list[tuple[int, int]], bytes, Path]] = [
            (self._steps[number], turns, key, ())
        ]
        while waiting:
            step, turns, key, path = waiting.pop()
            if step is None:
                prompt = write(path)
                for place, _ in turns:
                    found[place] = prompt
                continue
            for label in step.labels:
                key = _child_key(key, label)
            alternatives = step.choice.alternatives
            for chosen, ranked in step.schedule.locate_all(turns, key).items():
                alternative = alternatives[chosen]
                longer = (*path, (step.choice, alternative))
                after = step.after(chosen)
                below = key if after is None else _child_key(key, alternative.label)
                waiting.append((after, ranked, below, longer))


def _child_key(key: bytes, word: str) -> bytes:
    return hashlib.sha256(key + word.encode()).digest()
