"""Which labels the ISEKAI metric can tell apart, and how a display name becomes such a label.

The metric looks for the label in the model's answer by plain substring search. It strips quotes
and full stops and lower-cases on the target's side only, so some names score 0 with a perfect
model, and others score right whatever the model says. (Read from the Link-Context-Learning
evaluation, `extract_target` and `calculate_metric`.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_STRIPPED_BY_METRIC = "\"'."
_ANSWER = 'there is "{}" in the image'
# What a suggested name may end with; none is a part of the answer sentence.
_NOUNS = ("thing", "creature", "object", "kind")
# Words that the prompt builder or the answer parser gives a meaning of their own.
_CONTROL_TOKENS = (
    "<image>",
    "<label>",
    "</s>",
    "<s>",
    "[begin example]",
    "[end example]",
    "[final question]",
    "assistant:",
    "user:",
    "the answer is",
    "there is",
    "in the image",
)


def normalize_label(name: str) -> str:
    """`name` as a label: lower-case, without the characters the metric strips, single spaces.

    The result may still break a rule (it may be empty, or an English word of the answer
    sentence): `check_label` says so.
    """
    kept = "".join(character for character in name if character not in _STRIPPED_BY_METRIC)
    return " ".join(kept.lower().split())


def check_label(name: str) -> list[str]:
    """What makes `name` unusable as a label; empty if nothing does."""
    if not name.strip():
        return ["a label must not be empty"]
    shown = repr(name)
    faults = []
    if name != name.lower():
        faults.append(f"label {shown} must be lower-case: the metric lower-cases only the target")
    if any(character in name for character in _STRIPPED_BY_METRIC):
        faults.append(
            f"label {shown} must not contain a quote, apostrophe or full stop: "
            "the metric strips them from the target only"
        )
    if name != name.strip() or re.search(r"\s\s|[^\S ]", name):
        faults.append(f"label {shown} must have single spaces, only between words")
    if any(not character.isprintable() for character in name):
        faults.append(f"label {shown} must not contain control characters")
    faults += [
        f"label {shown} must not contain {token!r}: the evaluation reads it as a command"
        for token in control_tokens_in(name)
    ]
    if name.lower() in _ANSWER.format("").lower():
        faults.append(
            f"label {shown} is a part of the answer sentence {_ANSWER.format('')!r}: "
            "every answer would name it"
        )
    return faults


def control_tokens_in(name: str) -> list[str]:
    """Parts of `name` that upstream's prompt builder or answer parser gives a meaning."""
    return [token for token in _CONTROL_TOKENS if token in name.lower()]


def check_label_pair(a: str, b: str) -> list[str]:
    """What makes two labels (each fine by `check_label`) unusable as a pair."""
    low_a, low_b = a.lower(), b.lower()
    if low_a == low_b:
        return [f"labels {a!r} and {b!r} must differ, ignoring case"]
    # The whole sentence, not only the other label: "fox in" occurs in the answer for "red fox".
    faults = []
    for label, other in ((low_a, low_b), (low_b, low_a)):
        sentence = _ANSWER.format(other)
        if label in sentence or label in sentence.replace('"', ""):
            faults.append(
                f"label {label!r} occurs in the answer for {other!r}: "
                "the metric could not tell them apart; rename one"
            )
    return faults


def suggest_label(name: str, others: Iterable[str]) -> str:
    """A label close to `name` that breaks no rule, alone or with any of `others`; "" if none.

    Args:
        name: A display name that cannot be used.
        others: Labels that it would be paired with, each fine by `check_label`.
    """
    words = normalize_label(name)
    for token in _CONTROL_TOKENS:
        words = normalize_label(words.replace(token, " "))
    rivals = list(others)
    candidates = (f"{words} {noun}" for noun in _NOUNS) if words else iter(_NOUNS)
    return next(
        (
            label
            for label in candidates
            if not check_label(label)
            and not any(fault for rival in rivals for fault in check_label_pair(label, rival))
        ),
        "",
    )
