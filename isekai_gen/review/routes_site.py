"""What all routes of one server share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request

from isekai_gen.review.routes_changes import Versions
from isekai_gen.review.source import ReviewSource
from isekai_gen.review.thumbnails import Thumbnails


@dataclass(frozen=True)
class Folders:
    """What the server may open.

    Attributes:
        workspace: Root of the workspace.
        references: Name of a reference set to the user's folder of its pictures.
    """

    workspace: Path
    references: Mapping[str, Path] = field(default_factory=dict)


@dataclass
class Tally:
    """What was said on the page while this server ran.

    Attributes:
        decisions: Recorded, less those taken back.
        answers: To questions of an audit, less those taken back.
    """

    decisions: int = 0
    answers: int = 0


@dataclass(frozen=True)
class Site:
    """One server's parts.

    Attributes:
        source: The dataset under review.
        folders: What may be opened.
        thumbnails: The cache.
        versions: Who waits for changes.
        tally: What was said.
    """

    source: ReviewSource
    folders: Folders
    thumbnails: Thumbnails
    versions: Versions
    tally: Tally = field(default_factory=Tally)


def site_of(request: Request) -> Site:
    """The site that a request came to."""
    site: Site = request.app.state.site
    return site


def confined(path: Path | None, folder: Path) -> Path:
    """Where a file really lies, if that is within a folder.

    Args:
        path: What the source says; None if it knows none.
        folder: The only place to open files of.

    Raises:
        HTTPException: 404, if there is no such file there.
    """
    if path is None:
        raise HTTPException(404, "there is no such picture")
    try:
        real = path.resolve(strict=True)
    except (OSError, ValueError) as error:
        raise HTTPException(404, "the picture's file is not there") from error
    if not real.is_relative_to(folder.resolve()) or not real.is_file():
        raise HTTPException(404, "the picture lies outside of the folder; it is not opened")
    return real
