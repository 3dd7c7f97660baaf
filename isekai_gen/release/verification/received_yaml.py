"""Read YAML that somebody else wrote: values as they are spelled out, or one error."""

from __future__ import annotations

from typing import Any

import yaml

MAX_CHARACTERS = 1 << 20
"""A header or a citation of ours has some kilobytes, or a megabyte with 10,000 concepts."""
# Ours have 7. Beyond some thousands, libyaml's binding ends the whole program.
_MAX_DEPTH = 50
# A megabyte takes ten seconds without libyaml, which the wheels of PyYAML have.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Wrong tags, such as `!!timestamp x`, raise whatever their constructors happen to raise.
_WRONG_TAGS = (ArithmeticError, AttributeError, LookupError, TypeError)


def read_plain_yaml(text: str) -> Any:  # noqa: ANN401 - any YAML value
    """The value of a YAML document.

    Raises:
        ValueError: If it is none, has anchors, or is larger or deeper than any of ours.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"longer than {MAX_CHARACTERS} characters")
    try:
        _refuse_unfolding(text)
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    except _WRONG_TAGS as error:
        raise ValueError("has a value that its tag does not fit") from error


def _refuse_unfolding(text: str) -> None:
    """With anchors a small text unfolds into a value that no memory holds."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if getattr(event, "anchor", None) is not None:
            raise ValueError("has anchors")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"nested more than {_MAX_DEPTH} deep")
