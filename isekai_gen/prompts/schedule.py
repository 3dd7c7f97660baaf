"""Weighted turns of a fixed number of choices, each used up after its own number of uses.

A schedule answers "which choice has turn i, and how many turns of it came before" without walking
through the turns before. Turns come in rounds. In a round every choice has as many turns as its
whole-number weight, in an order shuffled by a key; turns of a choice that is used up are left out.
So

* every turn falls on a choice with a chance in proportion to its weight, among those not used up;
* until the first choice is used up, whole rounds hold every choice exactly by its weight;
* turns 0 .. total - 1 use every choice exactly as often as its capacity.

Within a round this is successive sampling without replacement, by shuffled lots. Short rounds are
shuffled whole; of long ones, single lots are found by a permutation of their places.
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence

from isekai_gen.prompts.permutation import Permutation
from isekai_gen.prompts.weights import MAX_ROUND

# Lots of a round: whole shuffles cost more than the single lots that deep levels ask for.
_MAX_SHUFFLED = 64

Lot = tuple[int, int]  # a choice, and the number of its own turns before in the round


class Schedule:
    """Turns 0 .. total - 1 among choices 0 .. n - 1.

    Attributes:
        total: Sum of the capacities.
    """

    def __init__(self, weights: Sequence[int], capacities: Sequence[int]) -> None:
        """Set up the rounds.

        Args:
            weights: Turns per round of each choice; > 0, at most `MAX_ROUND` together.
            capacities: Turns that each choice has in all; > 0.

        Raises:
            ValueError: If they differ in number, are none, are not positive, or weigh too much.
        """
        if len(weights) != len(capacities) or not weights:
            raise ValueError(f"{len(weights)} weights for {len(capacities)} capacities")
        if min(*weights, *capacities) <= 0:
            raise ValueError("weights and capacities must be positive")
        if sum(weights) > MAX_ROUND:
            raise ValueError(f"weights add up to {sum(weights)}, more than {MAX_ROUND}")
        self.total = sum(capacities)
        self._weights = tuple(weights)
        self._capacities = tuple(capacities)
        self._round = sum(weights)
        pairs = list(zip(capacities, weights, strict=True))
        self._full_rounds = min(capacity // weight for capacity, weight in pairs)
        self._rounds = max(-(-capacity // weight) for capacity, weight in pairs)
        self._even = all(weight == 1 for weight in weights)
        self._ends = tuple(itertools.accumulate(weights))
        if self._round <= _MAX_SHUFFLED:
            self._places = range(self._round)
            self._format = f">{self._round}Q"
            self._choices = [bisect.bisect_right(self._ends, place) for place in self._places]
        # The late round that was looked at last: number, first turn, turn after the last.
        self._late = (-1, 0, 0)

    def locate(self, turn: int, key: bytes) -> tuple[int, int]:
        """The choice that has a turn, and the number of its own turns before it.

        Args:
            turn: 0 <= turn < total.
            key: Shuffles the rounds; the same key gives the same turns.

        Returns:
            Choice, and rank with 0 <= rank < its capacity. Over all turns, every (choice, rank)
            comes exactly once.
        """
        ((choice, [(_, rank)]),) = self.locate_all([(0, turn)], key).items()
        return choice, rank

    def locate_all(
        self, turns: Iterable[tuple[int, int]], key: bytes
    ) -> dict[int, list[tuple[int, int]]]:
        """Several turns at once, which is fast if they ascend.

        Args:
            turns: (tag, turn) pairs; the tags are handed through.
            key: Shuffles the rounds.

        Returns:
            For each choice that comes, its (tag, rank) pairs in the order of `turns`.
        """
        found: dict[int, list[tuple[int, int]]] = {}
        round_turns, full_turns = self._round, self._full_rounds * self._round
        weights, current = self._weights, -1
        lots: Callable[[int], Lot] = _no_lot
        for tag, turn in turns:
            if not 0 <= turn < self.total:
                raise ValueError(f"turn must be in [0, {self.total}), got {turn}")
            if turn < full_turns:
                number, position = divmod(turn, round_turns)
            else:
                number, position = self._late_place(turn)
            if number != current:
                current = number
                lots = self._lots(key, number)
                if turn >= full_turns:
                    lots = self._late_lots(lots, number)
            choice, before = lots(position)
            rank = number * weights[choice] + before
            if choice in found:
                found[choice].append((tag, rank))
            else:
                found[choice] = [(tag, rank)]
        return found

    def _lots(self, key: bytes, number: int) -> Callable[[int], Lot]:
        """The lots of a round, by place."""
        if self._round > _MAX_SHUFFLED:
            permuted = Permutation(self._round, hashlib.sha256(key + b":%d" % number).digest())
            return lambda position: self._lot(permuted(position))
        # The order sorts numbers drawn from SHAKE-128: the same on every machine and version.
        drawn = hashlib.shake_128(key + b":%d" % number).digest(8 * self._round)
        order = sorted(self._places, key=struct.unpack(self._format, drawn).__getitem__)
        if self._even:
            return lambda position: (order[position], 0)
        choices = [self._choices[place] for place in order]

        def lot_at(position: int) -> Lot:
            choice = choices[position]
            return choice, choices[:position].count(choice)

        return lot_at

    def _lot(self, place: int) -> Lot:
        choice = bisect.bisect_right(self._ends, place)
        return choice, place - (self._ends[choice] - self._weights[choice])

    def _late_place(self, turn: int) -> tuple[int, int]:
        """Round and place of a turn after the full rounds, by bisection."""
        number, start, end = self._late
        if not start <= turn < end:
            low, high = self._full_rounds, self._rounds
            while high - low > 1:
                middle = (low + high) // 2
                if self._turns_before(middle) <= turn:
                    low = middle
                else:
                    high = middle
            number, start = low, self._turns_before(low)
            self._late = (number, start, self._turns_before(number + 1))
        return number, turn - start

    def _turns_before(self, number: int) -> int:
        if number <= self._full_rounds:
            return number * self._round
        if number >= self._rounds:
            return self.total
        pairs = zip(self._capacities, self._weights, strict=True)
        return sum(min(capacity, number * weight) for capacity, weight in pairs)

    def _late_lots(self, lots: Callable[[int], Lot], number: int) -> Callable[[int], Lot]:
        """The lots of a round, each choice only as often as it has turns left."""
        kept: list[Lot] = []
        rest = self._kept_lots(lots, number)

        def lot_at(position: int) -> Lot:
            while len(kept) <= position:
                kept.append(next(rest))
            return kept[position]

        return lot_at

    def _kept_lots(self, lots: Callable[[int], Lot], number: int) -> Iterator[Lot]:
        had: dict[int, int] = {}
        for position in range(self._round):
            choice = lots(position)[0]
            before = had.get(choice, 0)
            if number * self._weights[choice] + before < self._capacities[choice]:
                yield choice, before
                had[choice] = before + 1


def _no_lot(position: int) -> Lot:
    raise RuntimeError(f"no round is laid out for place {position}")
