"""Reports of the workspace that a release takes over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isekai_gen.errors import ChecksumError


def read_report(path: Path, command: str) -> dict[str, Any]:
    """The JSON object in a report.

    Args:
        path: Of the report.
        command: What writes it, for the remedy.

    Raises:
        ChecksumError: If it is missing or no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise TypeError("not a JSON object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ChecksumError(
            f"{path} cannot be read ({error}); delete it and run `{command}` again"
        ) from error
    return value
