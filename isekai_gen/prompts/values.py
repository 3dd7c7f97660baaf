"""Values of lists and wildcards: read from nodes to weighted texts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from isekai_gen.prompts.faults import Faults, quoted
from isekai_gen.prompts.fields import Fields, entries_of, open_fields, origin_of, text_of
from isekai_gen.prompts.marked_yaml import Node
from isekai_gen.prompts.pattern import OWN_SLOTS, SLOT_NAME, read_weighted
from isekai_gen.prompts.template_set import WeightedText
from isekai_gen.prompts.weights import MAX_WEIGHT, weights_fault


def read_lists(node: Node | None, faults: Faults) -> dict[str, tuple[WeightedText, ...]]:
    """The key `lists` of a template file."""
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        faults.add(node.line, f"'lists' must map names to lists of values, not {node.type_name}")
        return {}
    lists = {}
    for name, values in node.value.items():
        line = node.key_lines[name]
        if not SLOT_NAME.fullmatch(name):
            faults.add(
                line, f"{quoted(name)} is no list name; use lower-case letters, digits and _"
            )
        elif name in OWN_SLOTS:
            faults.add(line, f"{name!r} is a slot of every concept; name the list otherwise")
        lists[name] = _read_values(values, f"list {quoted(name)}", faults)
    return lists


def _read_values(node: Node, what: str, faults: Faults) -> tuple[WeightedText, ...]:
    values: dict[str, WeightedText] = {}
    for entry in entries_of(node, what, faults):
        value = _read_value(entry, what, faults)
        if value is None:
            continue
        if value.text in values:
            faults.add(
                entry.line,
                f"{quoted(value.text)} is twice in {what}; keep one and give it a weight",
            )
        values[value.text] = value
    check_round([value.weight for value in values.values()], node.line, what, faults)
    return tuple(values.values())


def _read_value(node: Node, what: str, faults: Faults) -> WeightedText | None:
    """A text, which may begin with "3::", or a mapping of text and weight."""
    if not isinstance(node.value, dict):
        return read_value(node, what, faults)
    fields = open_fields(node, f"a value of {what}", ("text",), ("weight",), faults)
    text_node = None if fields is None else fields.node("text")
    if fields is None or text_node is None:
        return None
    weight = read_weight(fields, faults)
    text = text_of(text_node, f"a value of {what}", faults, may_be_empty=True)
    if text is None or weight is None:
        return None
    read = read_weighted(origin_of(text_node, text, faults.path), faults)
    if read is None:
        return None
    pattern, before = read
    if before is not None:
        faults.add(
            text_node.line, f"{quoted(text)} begins with a weight; write it as 'weight' only"
        )
    return WeightedText(pattern, weight)


def read_value(node: Node, what: str, faults: Faults) -> WeightedText | None:
    """A value that is one text, with its weight before "::" or 1; None after a fault."""
    text = text_of(node, f"a value of {what}", faults, may_be_empty=True)
    if text is None:
        return None
    read = read_weighted(origin_of(node, text, faults.path), faults)
    if read is None:
        return None
    pattern, weight = read
    return WeightedText(pattern, Fraction(1) if weight is None else weight)


def read_weight(fields: Fields, faults: Faults) -> Fraction | None:
    """The key `weight`, 1 if there is none; None after a fault."""
    node = fields.node("weight")
    if node is None:
        return Fraction(1)
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.add(node.line, f"weight must be a number, not {node.type_name}; write such as 2")
        return None
    if not 0 < value <= MAX_WEIGHT:
        faults.add(node.line, f"weight is {value}; write a number above 0, up to {MAX_WEIGHT}")
        return None
    return Fraction(str(value))


def check_round(weights: Sequence[Fraction], line: int, what: str, faults: Faults) -> None:
    """Note a fault if the weights make too long a round of turns."""
    message = weights_fault(weights, what)
    if message is not None:
        faults.add(line, message)
