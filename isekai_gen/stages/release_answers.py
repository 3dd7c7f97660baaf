"""release.toml of a workspace: begun by the program, finished by the authors."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from isekai_gen.errors import ReleaseError
from isekai_gen.prompts.catalog import Catalog, load_catalog
from isekai_gen.records import ImageRecord
from isekai_gen.release.documents.answers import Answers
from isekai_gen.release.documents.answers_file import (
    KnownFacts,
    count_placeholders,
    read_answers,
    scaffold,
)
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.recipe import generator_spec
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

_DEMO = files("isekai_gen.release").joinpath("words", "demo_release.toml")


def answers_file(workspace: Workspace) -> Path:
    """Where the authors' answers lie."""
    return workspace.root / "release.toml"


def known_facts(context: StageContext, catalog: Catalog | None = None) -> KnownFacts:
    """What a new release.toml can say by itself.

    Args:
        context: The workspace, drawn or not.
        catalog: The catalog; None for the workspace's own.
    """
    workspace, settings = context.workspace, context.settings
    known = load_catalog(workspace.catalog_file) if catalog is None else catalog
    records = read_drawn(workspace)
    drawn = [record for record in records if record.generated]
    return KnownFacts(
        title=settings.release.name or known.name,
        fictional=len(known.groups),
        real=len(known.concepts) - len(known.groups),
        images=len(drawn),
        generators=generators_of(drawn) or [generator_spec(settings.generate).label],
    )


def generators_of(records: Iterable[ImageRecord]) -> list[str]:
    """The image generators that drew images, sorted."""
    return sorted({record.provenance.model for record in records if record.generated})


def ensure_answers_file(context: StageContext, catalog: Catalog | None = None) -> int:
    """Begin release.toml if there is none; returns the number of answers left to the authors.

    The caller holds the workspace's lock.

    Raises:
        ReleaseError: If the file there is no TOML.
    """
    path = answers_file(context.workspace)
    if not path.exists():
        write_atomically(path, scaffold(known_facts(context, catalog)).encode())
    return count_placeholders(path)


def write_demo_answers(workspace: Workspace) -> None:
    """Put the demo's own release.toml there, if there is none."""
    path = answers_file(workspace)
    if not path.exists():
        write_atomically(path, _DEMO.read_bytes())


def load_answers(workspace: Workspace, records: Iterable[ImageRecord]) -> Answers:
    """The authors' answers, complete and with the terms of every image generator.

    Raises:
        ReleaseError: With every fault, one a line; or if there is no file.
    """
    path = answers_file(workspace)
    if not path.exists():
        raise ReleaseError(f"{path} is not there; begin it with `isekai-gen release init`")
    return read_answers(path, generators_of(records))
