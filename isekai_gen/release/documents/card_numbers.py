"""Measured numbers in words, for the card and the datasheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DROPPED_FOR = {
    "picture_check": "blank, too small, or covered with text",
    "safety_check": "flagged by the generator's safety checker",
    "name_overlap": "the concept bears the name of a real thing",
    "class_overlap": "more like a real class than like its own concept",
    "reference_copy": "a copy of a real image of a reference set",
    "alignment": "not enough like its own concept",
    "near_duplicate": "nearly the same as a kept image, its witness",
    "person": "a person's decision",
}


def dropped_for(by: str) -> str:
    """Why what is named `by` drops images, in a few words."""
    return _DROPPED_FOR.get(by, "see `reason` in `rejected.jsonl`")


def percent(share: float) -> str:
    """Such as "2.4 %"; "< 0.1 %" where rounding would say none."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def share_in_words(share: Mapping[str, Any]) -> str:
    """A counted share with its interval: "0 of 158 (0.0 %; 95 % interval 0.0 % to 2.4 %)"."""
    return (
        f"{share['images']:,} of {share['of']:,} ({percent(share['share'])}; 95 % interval "
        f"{percent(share['low'])} to {percent(share['high'])})"
    )


def interval_in_words(interval: Mapping[str, Any] | None) -> str:
    """A measured share: "98.3 % (95.1 % to 99.4 %)"; "not measured" for None."""
    if interval is None:
        return "not measured"
    low, high = percent(interval["low"]), percent(interval["high"])
    return f"{percent(interval['estimate'])} ({low} to {high})"


def limit_in_words(limit: float | None) -> str:
    """A similarity as it was compared; a dash for none."""
    return "-" if limit is None else f"{limit:.4g}"
