"""Whether an answer is right: upstream's metric, and a strict one.

**lcl** is the metric of the Link-Context Learning evaluation, told anew from its behavior, so that
numbers can be compared with those of the paper. An answer is right if it contains the right label
and not the other one, as plain substrings. Its quirks are kept:

* It compares with the answer as it is, in upper and lower case: "A Fox." does not name "fox".
* The label is read from the right answer's sentence: "The answer is", "there is", "in the image",
  quotes, apostrophes and full stops are cut out, ends stripped, the rest lower-cased. The answer
  keeps them, so that a label with an apostrophe or with capitals is never found.
* A label counts inside a longer word: "foxglove" names "fox".
* Names of the pair are lower-cased and nothing else. If both differ from the label as it was read
  (of "potter's wheel" that is "potters wheel"), the last one is "the other", even the right one.

Upstream is two-way. With more labels, here none of the others may occur.

**strict**: the right label is named as whole words, ignoring case and punctuation, and no other
label of the episode is. Where a label contains another ("red fox", "fox"), the longer one is read
first and does not also name the shorter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence

ANSWER = 'there is "{}" in the image.'
"""What a right answer says of a label, upstream and here."""
METRICS_VERSION = 1
"""Changes when a metric counts an answer otherwise than before."""
_CUT_FROM_LABEL = ("The answer is", "there is", "in the image", '"', "'", ".")


def is_right_lcl(text: str, label: str, labels: Sequence[str]) -> bool:
    """Upstream's metric; see the module.

    Args:
        text: The answer.
        label: The right label.
        labels: All labels of the episode, `label` among them, that of the positive side first.
    """
    target = ANSWER.format(label)
    for part in _CUT_FROM_LABEL:
        target = target.replace(part, "")
    target = target.strip().lower()
    others = [name.lower() for name in labels if name.lower() != target]
    if len(labels) == 2:
        others = others[-1:]
    return target in text and not any(other in text for other in others)


def is_right_strict(text: str, label: str, labels: Sequence[str]) -> bool:
    """Whether the right label, and no other, is named; see the module."""
    return named_labels(text, labels) == (label,)


METRICS: Mapping[str, Callable[[str, str, Sequence[str]], bool]] = {
    "lcl": is_right_lcl,
    "strict": is_right_strict,
}


def named_labels(text: str, labels: Sequence[str]) -> tuple[str, ...]:
    """The labels that an answer names as whole words, in the order of `labels`."""
    rest = f" {spoken(text)} "
    named = set()
    for label in sorted(labels, key=lambda label: -len(spoken(label))):
        words = f" {spoken(label)} "
        if words in rest:
            named.add(label)
            # Two separators: words on both sides of what was read never become neighbors.
            rest = rest.replace(words, "  ")
    return tuple(label for label in labels if label in named)


def spoken(text: str) -> str:
    """`text` as one would say it: letters and digits in lower case, words one space apart."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Marks belong to their letters where a script has no composed form.
    kept = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in folded)
    return " ".join("".join(kept).split())
