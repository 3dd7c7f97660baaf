"""`concepts propose`: an engine proposes, checks refuse, a look refuses; a catalog comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.prompts.faults import squeezed
from isekai_gen.prompts.imagenet_names import ImageNetNames, read_imagenet_names
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.prompts.templates import load_templates
from isekai_gen.proposals.catalog_rules import CatalogRules
from isekai_gen.proposals.catalog_text import catalog_text, proposals_of
from isekai_gen.proposals.checks_fields import MAX_LETTERS
from isekai_gen.proposals.engine import ProposalEngine
from isekai_gen.proposals.records import Proposal
from isekai_gen.stages.propose_engines import (
    OpenedLater,
    Sources,
    open_checks,
    open_engine,
    read_sources,
    spent_by,
    stopped_by,
    templates_path,
)
from isekai_gen.stages.propose_files import open_log, write_catalog, write_records_of
from isekai_gen.stages.propose_log import RoundLog
from isekai_gen.stages.propose_look import Look
from isekai_gen.stages.propose_loop import Check, Judge, fill_places
from isekai_gen.stages.propose_request import ProposeOutcome, ProposeRequest
from isekai_gen.stages.reporting import Reporter, SilentReporter


@dataclass(frozen=True)
class Makers:
    """Who proposes and who judges; other tools may bring their own.

    Attributes:
        sources: Reads what proposals are made of, before anything is written.
        engine: Opens the engine, under the lock of its folder.
        check: Makes the checks.
    """

    sources: Callable[[ProposeRequest, ImageNetNames], Sources] = read_sources
    engine: Callable[[ProposeRequest, Sources], ProposalEngine] = open_engine
    check: Callable[[ProposeRequest, Sources], Check] = open_checks


def propose_catalog(
    request: ProposeRequest, reporter: Reporter | None = None, makers: Makers | None = None
) -> ProposeOutcome:
    """Find groups until there are as many as wanted, and write them as a catalog.

    Run again with the same request, it goes on where it stopped; what was found stays.

    Args:
        request: What is wanted.
        reporter: Shows progress; None for nobody.
        makers: Engine and checks; None for those that the request names.

    Raises:
        InputError: For wrong options or files, before anything is written.
        StaleShardError: If the records are of another request.
        LockedError: If another process writes there.
        ModelError: If a server or model cannot be used; rounds that came to an end are kept.
    """
    reporter = reporter or SilentReporter()
    makers = makers or Makers()
    _check_names(request)
    sources = makers.sources(request, read_imagenet_names())
    start = _start(request)
    rules = CatalogRules(sources.imagenet, _templates(request))
    with open_log(request) as log:
        began = log.lines
        judge = Judge(makers.check(request, sources), rules)
        if start and not log.began:
            log.append(judge.judge("start", start, log))
        engine = OpenedLater(lambda: makers.engine(request, sources))
        look = request.look and Look(request, request.look, sources.imagenet, reporter)
        stopped = _run(engine, judge, log, look or None, reporter)
        changed = _write(request, log, sources.imagenet)
        return ProposeOutcome(
            file=request.file if log.standing else None,
            folder=request.folder,
            wanted=request.wanted,
            accepted=[judged.proposal for judged in log.standing],
            refused=[refusal for _, refusal in log.refused],
            rounds=log.rounds,
            looks=log.looks,
            stopped=stopped_by(engine.opened, stopped),
            spent=spent_by(engine.opened),
            worked=changed or log.lines > began,
        )


def _write(request: ProposeRequest, log: RoundLog, imagenet: ImageNetNames) -> bool:
    """Write the catalog, if there is a group for it, and the records; whether a file changed."""
    groups = [judged.proposal for judged in log.standing]
    if not groups:
        return write_records_of(request, log)
    text = catalog_text(request.catalog_name, groups, _about(request), imagenet)
    return write_catalog(request, log, text)


def _run(
    engine: ProposalEngine, judge: Judge, log: RoundLog, look: Look | None, reporter: Reporter
) -> str:
    """Fill the places, and look at what fills them, until all stay; returns why some do not."""
    while True:
        if look is not None and log.looks >= look.look.rounds and not look.unseen(log):
            # Nothing is put in these places any more that nobody would look at.
            if not log.slate.missing:
                return ""
            return (
                f"{log.looks} look(s) refused groups, and no look is left; allow more with "
                "--look-rounds and run this again"
            )
        stopped = fill_places(engine, judge, log, reporter)
        if look is None or not look.unseen(log):
            return stopped
        log.append(look.look_at(log))


def _check_names(request: ProposeRequest) -> None:
    name, most = request.catalog_name, MAX_LETTERS["name"]
    if not name or not name.isprintable() or squeezed(name) != name or len(name) > most:
        raise InputError(
            f"{name!a} cannot be a catalog's name; give one of at most {most} letters in one "
            "line with --name"
        )
    if not request.file.name.isprintable():
        raise InputError(f"{request.file.name!a} is no name for a catalog; use plain letters")
    if request.folder == request.file:
        raise InputError(f"{request.file} is the name of its own records; call it .yaml")


def _templates(request: ProposeRequest) -> tuple[TemplateSet, Path] | None:
    """The templates that must be able to speak of every group, and where they lie."""
    path = templates_path(request)
    return None if path is None else (load_templates(path), path)


def _start(request: ProposeRequest) -> tuple[Proposal, ...]:
    """The groups that stand already."""
    if request.start is None:
        return ()
    catalog = load_catalog(request.start)
    if len(catalog.groups) > request.wanted:
        raise InputError(
            f"{request.start} has {len(catalog.groups)} groups, more than the --n {request.wanted} "
            "that the catalog shall have with them; raise --n"
        )
    return proposals_of(catalog)


def _about(request: ProposeRequest) -> list[str]:
    """The comment at a catalog's head: how it came about, without paths of a machine."""
    options = [f"--n {request.wanted}", f"--seed {request.seed}"]
    for flag, words in (
        ("--from", request.from_),
        ("--with", request.with_),
        ("--avoid", request.avoid),
    ):
        options += [f"{flag} {word!r}" for word in words]
    for flag, path in (("--parents", request.parents), ("--start", request.start)):
        options += [f"{flag} {path.name!r}"] if path is not None else []
    engine = "the offline engine" if request.llm is None else request.llm.address
    options += ["--look"] if request.look is not None else []
    return [
        f"Proposed by {engine}: isekai-gen concepts propose",
        f"  {' '.join(options)}",
        f"How each group came about, and what was refused: {request.folder.name}/",
    ]
