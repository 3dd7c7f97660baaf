"""Version numbers: how far one is above another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from isekai_gen.errors import ReleaseError

_VERSION = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})", re.ASCII)


class Bump(IntEnum):
    """What a version is raised by."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    @property
    def word(self) -> str:
        """For JSON: "none", "patch", "minor" or "major"."""
        return self.name.lower()


@dataclass(frozen=True)
class Demand:
    """A kind of change that asks for a new version.

    Attributes:
        bump: What the version must be raised by, at least.
        number: How often it was found.
        what: In words, plural.
    """

    bump: Bump
    number: int
    what: str

    def words(self) -> str:
        """Such as "images removed: 3"."""
        return f"{self.what}: {self.number}"

    def to_json(self) -> dict[str, Any]:
        """As `release diff --json` lists it."""
        return {"bump": self.bump.word, "number": self.number, "what": self.what}


def allowed_bump(old: str, new: str) -> Bump:
    """The greatest change that raising `old` to `new` allows; NONE if it is not raised.

    Raises:
        ReleaseError: If either is not MAJOR.MINOR.PATCH.
    """
    before, after = parse_version(old), parse_version(new)
    if after <= before:
        return Bump.NONE
    first = next(place for place in range(3) if before[place] != after[place])
    return (Bump.MAJOR, Bump.MINOR, Bump.PATCH)[first]


def least_version(old: str, bump: Bump) -> str:
    """The lowest version that is `bump` above `old`.

    Raises:
        ReleaseError: If `old` is not MAJOR.MINOR.PATCH.
    """
    major, minor, patch = parse_version(old)
    raised = {
        Bump.NONE: (major, minor, patch),
        Bump.PATCH: (major, minor, patch + 1),
        Bump.MINOR: (major, minor + 1, 0),
        Bump.MAJOR: (major + 1, 0, 0),
    }
    return ".".join(map(str, raised[bump]))


def parse_version(text: str) -> tuple[int, int, int]:
    """The three numbers of a version.

    Raises:
        ReleaseError: If it is not MAJOR.MINOR.PATCH.
    """
    match = _VERSION.fullmatch(text)
    if not match:
        raise ReleaseError(f"version {text!a} is not MAJOR.MINOR.PATCH, such as 1.0.0")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch
