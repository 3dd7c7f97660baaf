"""The review server's application: its routes, behind its guard."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from isekai_gen.review.routes_changes import Versions
from isekai_gen.review.routes_errors import HANDLERS
from isekai_gen.review.routes_page import page
from isekai_gen.review.routes_pictures import picture, reference, thumb
from isekai_gen.review.routes_reading import changes, image, images, queue, summary
from isekai_gen.review.routes_saying import decisions, search, undo
from isekai_gen.review.routes_site import Folders, Site
from isekai_gen.review.security import Gate, Guard
from isekai_gen.review.source import ReviewSource
from isekai_gen.review.thumbnails import Thumbnails
from isekai_gen.workspace import Workspace

_ROUTES = [
    Route("/api/summary", summary),
    Route("/api/queue/{name}", queue),
    Route("/api/images", images),
    Route("/api/image/{image_id}", image),
    Route("/api/changes", changes),
    Route("/api/decisions", decisions, methods=["POST"]),
    Route("/api/undo", undo, methods=["POST"]),
    Route("/api/search", search, methods=["POST"]),
    Route("/picture/{image_id}", picture),
    Route("/thumb/{image_id}", thumb),
    Route("/reference/{key:path}", reference),
    Route("/", page),
    Route("/{name}", page),
]


def create_site(source: ReviewSource, folders: Folders) -> Site:
    """The parts of a server over a dataset; nothing is written yet."""
    workspace = Workspace(folders.workspace)
    return Site(
        source,
        folders,
        Thumbnails(workspace.root / ".review" / "thumbs"),
        Versions(source),
    )


def create_app(site: Site, gate: Gate) -> ASGIApp:
    """The application, to be served on the loopback address.

    Args:
        site: What it shows and changes.
        gate: Who may ask.
    """
    app = Starlette(routes=_ROUTES, exception_handlers=HANDLERS)
    # /api/summary/ is no other name of /api/summary.
    app.router.redirect_slashes = False
    app.state.site = site
    return Guard(app, gate)
