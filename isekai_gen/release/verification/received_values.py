"""What checks ask of values that received documents hold, and how they show them."""

from __future__ import annotations

from typing import Any

_MAX_SHOWN = 80


def is_text(value: Any) -> bool:  # noqa: ANN401 - any JSON or YAML value
    """Whether it is a text of more than blanks."""
    return isinstance(value, str) and bool(value.strip())


def shown(value: Any) -> str:  # noqa: ANN401 - any JSON or YAML value
    """A value in a message: printable and short; of other things than texts their type."""
    # Not of numbers: one of a million digits may be in the document.
    text = ascii(value) if isinstance(value, str) else type(value).__name__
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."
