"""A workspace with a concept that is always drawn in one place, and a model that goes by places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from isekai_gen.evaluation.metrics import ANSWER
from isekai_gen.stages import counterfactuals
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.counterfactual_read import read_counterfactuals
from isekai_gen.stages.counterfactuals import make_counterfactuals
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.evaluate import EvaluateRequest, evaluate
from isekai_gen.stages.evaluate_files import EvaluateReport
from isekai_gen.stages.generate import GenerateRequest, generate
from isekai_gen.stages.manifest import write_manifests
from isekai_gen.stages.topup import TopupRequest, topup
from isekai_gen.stages.topup_diversify import open_diversifications
from isekai_gen.stages.words import read_words
from isekai_gen.workspace import Workspace
from tests.evaluation.small_sets import RuleAnswerer, register
from tests.small_jobs import GROUPS, Job, make_context, run_serially, write_job
from tests.stages.curated_jobs import in_this_process

PLANTED = "cactihog"
PLACE = "in a box"
"""Where it is always drawn, and nothing else ever."""
IMAGES = 8
SHOTS = 4
_AT = f"      short: hedgehog with cactus spines\n      attributes: {{place: [{PLACE}]}}\n"


@dataclass(frozen=True)
class PlantedJob:
    """A workspace of noise pictures whose words are all that tells concepts apart.

    Attributes:
        root: Of the workspace.
        job: Its words.
        generator: Folder of the tiny image generator.
        encoder: Folder of the tiny encoder.
    """

    root: Path
    job: Job
    generator: Path
    encoder: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)

    def context(self) -> StageContext:
        made = make_context(self.root, self.generator, images_per_concept=IMAGES)
        kept_all = {
            "embed": {"encoder": str(self.encoder)},
            "near_duplicate": {"max_similarity": 1.0},
            "class_overlap": {"max_margin": 2.0},
            # ISEKAI-pair shows no real concepts, so no filler is ever a demonstration.
            "counterfactuals": {"filler_sources": ("counterpart",), "limit": 0.5},
            "manifest": {"shots": SHOTS},
        }
        return replace(made, settings=made.settings.with_overrides(kept_all))

    def draw(
        self, counts: Mapping[str, int] | None = None, *, force: bool = False, **settings
    ) -> None:
        """Plan and draw with settings of [generate], and judge nothing."""
        request = GenerateRequest(self.job.catalog, self.job.templates, counts=counts or {})
        context = self.context()
        changed = context.settings.with_overrides({"generate": settings})
        with workers_here():
            generate(replace(context, settings=changed, force=force), request)

    def diversify(self) -> list[str]:
        """Write down what new images take; returns what was said. Nothing is drawn yet."""
        context = self.context()
        words = read_words(
            self.workspace, context.settings.generate, self.job.catalog, self.job.templates
        )
        planned = dict.fromkeys((concept.slug for concept in words.catalog.concepts), IMAGES)
        open_diversifications(context, words, planned, 0.5)
        return context.reporter.notes

    def top_up(self, **changes) -> list[str]:
        """Draw and judge; returns what was said."""
        context = self.context()
        request = TopupRequest(IMAGES, 4 * IMAGES, self.job.catalog, self.job.templates, **changes)
        with workers_here():
            topup(context, request)
        return context.reporter.notes

    def measure(self, monkeypatch, **changes) -> tuple[EvaluateReport, list[str]]:
        """New samples and a new manifest, put to the model that goes by places."""
        context = self.context()
        with workers_here():
            make_counterfactuals(replace(context, force=True))
        write_manifests(context, ["isekai-pair"])
        request = EvaluateRequest(
            manifest=self.workspace.manifests / "ISEKAI-pair.json",
            images=self.root,
            out=self.root / "evaluations",
            models=register(monkeypatch, RuleAnswerer(by_place(self.workspace))),
            shots=(2 * SHOTS,),
            counterfactuals=True,
            **{"plot": False, **changes},
        )
        return evaluate(context, request), context.reporter.notes


def planted_job(folder: Path, generator: Path, encoder: Path) -> PlantedJob:
    """Words where one concept has one place of its own; nothing is drawn yet."""
    # With two fictional concepts alone, every other place would give the other one away.
    job = write_job(folder, [*GROUPS, ("red fish", "red fish", "fish", "cup")])
    text = job.catalog.read_text()
    first = "      short: hedgehog with cactus spines\n"
    assert first in text
    job.catalog.write_text(text.replace(first, _AT, 1))
    return PlantedJob(folder / "ws", job, generator, encoder)


@contextmanager
def workers_here():
    """Workers run in this process."""
    with in_this_process(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(counterfactuals, "run_shards", run_serially)
        yield


def by_place(workspace: Workspace):
    """Names the label whose demonstrations are drawn most often where the query is.

    An object without its context is nowhere; a context without its object still is somewhere.
    """
    places = {record.image_id: record.planned.slots["place"] for record in read_drawn(workspace)}
    for sample in read_counterfactuals(workspace):
        recipe = sample.record.recipe
        places[sample.record.id] = places[recipe.source] if recipe.kept == "context" else "nowhere"

    def place_of(question, path):
        return places[question.images[path].stem]

    def rule(question):
        episode = question.episode
        here = place_of(question, episode.query.image)
        shown = Counter(
            each.label for each in episode.support if place_of(question, each.image) == here
        )
        # Of labels that fit alike, whichever the question's digest says: a coin that stays thrown.
        order = sorted(episode.labels, reverse=int(question.key[0], 16) % 2 == 1)
        return ANSWER.format(max(order, key=lambda label: shown[label]))

    return rule
