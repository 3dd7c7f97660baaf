"""What the braces of a variant must hold, once they are read."""

from __future__ import annotations

import math
from fractions import Fraction

from isekai_gen.prompts.faults import quoted, squeezed
from isekai_gen.prompts.nodes import Variant, write_pieces
from isekai_gen.prompts.weights import combination_weights, weights_fault

# Combinations of a variant are laid out in memory.
_MAX_COMBINATIONS = 10_000


def variant_fault(variant: Variant, written: str, *, counted: bool) -> str | None:
    """Why these braces are no variant, or None."""
    number = len(variant.options)
    if number == 1 and not counted:
        return (
            f"{quoted(written)} is no slot and no variant; write a slot's name in lower-case "
            r"letters, digits and _, several options with |, or \{ and \} for braces"
        )
    if variant.high > number:
        return (
            f"{quoted(written)} asks for {variant.high} of {number} option(s); "
            "lower the count or add options"
        )
    if variant.low > variant.high or variant.high == 0:
        return f"{quoted(written)} has an empty range of counts; write such as 1-2$$"
    if number == 1:
        return f"{quoted(written)} has one option only; write it without braces"
    return _combinations_fault(variant, written)


def _combinations_fault(variant: Variant, written: str) -> str | None:
    seen = set()
    for option in variant.options:
        text = squeezed(write_pieces(option.pieces))
        if text in seen:
            return f"{quoted(written)} has {quoted(text)} twice; keep one and give it a weight"
        seen.add(text)
    number = len(variant.options)
    combinations = sum(math.comb(number, count) for count in range(variant.low, variant.high + 1))
    if combinations > _MAX_COMBINATIONS:
        return (
            f"{quoted(written)} has {combinations} combinations, more than {_MAX_COMBINATIONS}; "
            "use fewer options or a smaller count"
        )
    weights = tuple(option.weight for option in variant.options)
    for count in range(variant.low, variant.high + 1):
        parts = combination_weights(weights, count)
        message = weights_fault([Fraction(part) for part in parts], quoted(written))
        if message is not None:
            return message
    return None
