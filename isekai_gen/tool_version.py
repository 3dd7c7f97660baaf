"""The version of this program, for what it writes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def tool_version() -> str:
    """Such as "0.1.0"; it is said where the program runs from its folder, not installed."""
    try:
        return version("isekai-gen")
    except PackageNotFoundError:
        return "not installed as a package"
