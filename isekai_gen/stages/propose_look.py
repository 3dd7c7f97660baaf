"""Look at groups as they are drawn: what curation would drop is refused here, with its evidence.

look/round-00001/ is a workspace with the groups of the first look, and so on: what was drawn once
is not drawn again. A fictional concept is refused if most of its images are dropped for showing
something real or another concept, or if they cannot be told from those of a real concept or of a
fictional one that was taken before (`propose_look_measures`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.proposals.catalog_text import catalog_text
from isekai_gen.proposals.records import Finding, Proposal
from isekai_gen.records import Verdict
from isekai_gen.stages.propose_log import Event, Judged, RoundLog
from isekai_gen.stages.propose_look_drawing import Drawn, draw_groups, read_drawn
from isekai_gen.stages.propose_look_measures import (
    MAX_CHANCE,
    Likeness,
    SeenConcept,
    likeness,
    nearest_others,
)
from isekai_gen.stages.propose_request import MIN_IMAGES, LookRequest, ProposeRequest
from isekai_gen.stages.reporting import Reporter
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import slug_of

OVERLAP = "look_overlap"
COLLAPSE = "look_collapse"
UNSEEN = "look_too_few_images"
_OVERLAP_FILTERS = ("name_overlap", "reference_copy", "class_overlap")
_SHOWN = 2
_SUGGESTION = "make what sets it apart visible: a larger part, another material, another color"


@dataclass(frozen=True)
class Look:
    """Draws and judges the groups that were not looked at yet.

    Attributes:
        request: For encoder, seed and templates.
        look: How groups are drawn.
        imagenet: For the text of catalogs.
        reporter: Shows progress.
    """

    request: ProposeRequest
    look: LookRequest
    imagenet: ImageNetNames
    reporter: Reporter

    def unseen(self, log: RoundLog) -> list[Judged]:
        """Groups that stand and were not looked at."""
        return [judged for judged in log.standing if judged.place not in log.looked_at]

    def look_at(self, log: RoundLog) -> Event:
        """Draw the groups that were not looked at, and judge them in the order they were taken.

        Raises:
            IsekaiGenError: As the stages that draw and judge.
        """
        number = log.looks + 1
        unseen = self.unseen(log)
        self.reporter.note(f"Look {number}: drawing {len(unseen)} group(s)")
        root, catalog = self._root(number), self._catalog(number, unseen)
        draw_groups(self.request, self.look, root, catalog, self.reporter)
        newest = read_drawn(root, self.request.encoder)
        seen = self._all_seen(newest, number)
        return Event("looked", tuple(self._judged(log, unseen, newest, seen)))

    def _root(self, number: int) -> Path:
        return self.request.folder / "look" / f"round-{number:05d}"

    def _catalog(self, number: int, groups: Sequence[Judged]) -> Path:
        path = self.request.folder / "look" / f"round-{number:05d}.yaml"
        proposals = [judged.proposal for judged in groups]
        about = [f"Groups drawn in look {number} of `isekai-gen concepts propose`."]
        text = catalog_text(f"look-{number}", proposals, about, self.imagenet)
        write_atomically(path, text.encode())
        return path

    def _all_seen(self, newest: Drawn, number: int) -> dict[str, SeenConcept]:
        """Slug to the newest images of it."""
        seen: dict[str, SeenConcept] = {}
        for earlier in range(1, number):
            seen.update(read_drawn(self._root(earlier), self.request.encoder).concepts)
        return {**seen, **newest.concepts}

    def _judged(
        self,
        log: RoundLog,
        unseen: Sequence[Judged],
        newest: Drawn,
        seen: Mapping[str, SeenConcept],
    ) -> Iterator[Judged]:
        place_of = {judged.proposal.fictional: judged.place for judged in unseen}
        # Those that were looked at before stay; the others come in the order they were taken.
        stands = [j.proposal for j in log.standing if j.place in log.looked_at]
        taken = [p for p in log.slate.accepted if p.fictional in place_of]
        for proposal in taken:
            reals = [p.real.name for p in (*stands, *taken)]
            fictional = [p.fictional.name for p in stands]
            findings = tuple(_findings(proposal, newest, seen, (reals, fictional)))
            judged = Judged(place_of[proposal.fictional], proposal, findings)
            if judged.accepted:
                stands.append(proposal)
            yield judged


def _findings(
    proposal: Proposal,
    drawn: Drawn,
    seen: Mapping[str, SeenConcept],
    others: tuple[Sequence[str], Sequence[str]],
) -> Iterator[Finding]:
    """What the images of a fictional concept show; `others` are names, real and fictional."""
    slug = slug_of(proposal.fictional.name)
    images = seen.get(slug)
    if images is None or len(images.image_ids) < MIN_IMAGES:
        have = 0 if images is None else len(images.image_ids)
        message = f"only {have} image(s) could be drawn of {proposal.fictional.name!r}"
        yield _finding(UNSEEN, message, "run it again later, or look at it yourself", refuses=False)
        return
    yield from _by_verdicts(proposal, images, drawn)
    for names, code in zip(others, (OVERLAP, COLLAPSE), strict=True):
        slugs = [key for key in dict.fromkeys(map(slug_of, names)) if key in seen and key != slug]
        for other in nearest_others(images, seen, slugs):
            found = likeness(images, other)
            if not found.told_apart:
                yield _finding(code, _told(proposal, images, found), _SUGGESTION)
                break


def _by_verdicts(proposal: Proposal, images: SeenConcept, drawn: Drawn) -> Iterator[Finding]:
    """Findings where a filter drops more than half of the images."""
    name = proposal.fictional.name
    for by in _OVERLAP_FILTERS:
        dropped = _dropped(drawn.verdicts[by], images)
        if 2 * len(dropped) > len(images.image_ids):
            real = Counter(verdict.reference for verdict in dropped).most_common(1)[0][0]
            message = (
                f"{len(dropped)} of {len(images.image_ids)} images of {name!r} are dropped by "
                f"{by}: they show {real} ({_ids([v.image_id for v in dropped])})"
            )
            yield _finding(OVERLAP, message, _SUGGESTION)
    copies = [
        verdict
        for verdict in _dropped(drawn.verdicts["near_duplicate"], images)
        if verdict.witness and drawn.concept_of[verdict.witness] != images.slug
    ]
    if 2 * len(copies) > len(images.image_ids):
        message = (
            f"{len(copies)} of {len(images.image_ids)} images of {name!r} are near-duplicates of "
            f"images of other concepts ({_ids([v.image_id for v in copies])})"
        )
        yield _finding(COLLAPSE, message, _SUGGESTION)


def _dropped(verdicts: Mapping[str, Verdict], images: SeenConcept) -> list[Verdict]:
    found = [verdicts[key] for key in images.image_ids if key in verdicts]
    return [verdict for verdict in found if not verdict.keep]


def _told(proposal: Proposal, images: SeenConcept, found: Likeness) -> str:
    return (
        f"images of {proposal.fictional.name!r} cannot be told from those of {found.other!r}: mean "
        f"similarity {found.across:.3f} across the two and {found.within:.3f} within each, a "
        f"difference that chance explains ({found.chance:.2f}, at most {MAX_CHANCE:g} is wanted; "
        f"{_ids(images.image_ids)})"
    )


def _ids(image_ids: Sequence[str]) -> str:
    more = ", ..." if len(image_ids) > _SHOWN else ""
    return f"images {', '.join(image_ids[:_SHOWN])}{more}"


def _finding(code: str, message: str, suggestion: str, *, refuses: bool = True) -> Finding:
    return Finding(code, "fictional", "description", message, suggestion, refuses)
