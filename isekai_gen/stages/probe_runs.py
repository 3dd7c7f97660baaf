"""Runs of the probe: one for each way and seed; a finished one is a file and is not repeated.

OUT/runs/WAY-seed-N-DIGEST.json     what it came to; DIGEST names everything it depends on
SAVE/WAY-seed-N.safetensors         the tower and the head, if asked for
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import WorkspaceError
from isekai_gen.hashing import canonical_json
from isekai_gen.models.finetune import Anchors, Lesson, TuneSettings, fine_tune, zero_shot_head
from isekai_gen.models.finetune_tower import TunableTower
from isekai_gen.models.finetune_weights import are_weights_of, write_weights
from isekai_gen.stages.probe_numbers import ZERO_SHOT, RunResult, Way
from isekai_gen.stages.probe_pictures import PreparedPictures
from isekai_gen.stages.probe_sets import ProbePicture, ProbeSets
from isekai_gen.stages.reporting import Reporter
from isekai_gen.storage import write_atomically

_DIGITS = 16


@dataclass(frozen=True)
class RunPlan:
    """One run.

    Attributes:
        way: Of fine-tuning.
        seed: Of its batches.
        fingerprint: Digest of everything that its result depends on.
    """

    way: Way
    seed: int
    fingerprint: str


@dataclass(frozen=True)
class RunFiles:
    """Where runs leave something.

    Attributes:
        runs: Folder of results.
        save: Folder of weights, or None.
    """

    runs: Path
    save: Path | None

    def result(self, plan: RunPlan) -> Path:
        """The file of a finished run."""
        return self.runs / f"{plan.way}-seed-{plan.seed}-{plan.fingerprint[:_DIGITS]}.json"

    def weights(self, plan: RunPlan) -> Path | None:
        """The file of its weights."""
        if self.save is None:
            return None
        return self.save / f"{plan.way}-seed-{plan.seed}.safetensors"


class ProbeRuns:
    """Fine-tunes one tower again and again, each time from the weights that were loaded."""

    def __init__(
        self, tower: TunableTower, texts: FloatArray, sets: ProbeSets, settings: TuneSettings
    ) -> None:
        """Nothing is computed yet.

        Args:
            tower: With the weights to begin with.
            texts: float32 [concepts, d], unit rows: one for each label.
            sets: What runs see.
            settings: How long and how fast.
        """
        self._tower = tower
        self._head = zero_shot_head(tower, texts)
        self._settings = settings
        self._anchors_of = sets.anchors_of
        self._learned = PreparedPictures(sets.train, tower.prepare)
        self._learned_labels = _labels(sets.train)
        self._labels = {name: _labels(found) for name, found in sets.measured.items()}
        self._pictures = {
            name: PreparedPictures(found, tower.prepare) for name, found in sets.measured.items()
        }
        self._anchors = PreparedPictures(sets.anchors, tower.prepare)
        self._frozen: dict[Way, Anchors] = {}

    @property
    def images(self) -> dict[str, int]:
        """Column to the pictures measured on."""
        return {str(name): len(labels) for name, labels in self._labels.items()}

    def zero_shot(self) -> RunResult:
        """The tower as loaded."""
        return RunResult(ZERO_SHOT, 0, self._hits(self._head), 0.0)

    def run(self, plan: RunPlan, weights: Path | None, reporter: Reporter) -> RunResult:
        """Fine-tune in one way.

        Args:
            plan: Which, with which seed.
            weights: Where the trained weights are to lie; None for nowhere.
            reporter: Told of each step.

        Raises:
            ModelError: If the device runs out of memory or training diverges.
        """
        began = time.monotonic()
        lesson = Lesson(self._learned.rows, self._learned_labels, self._anchors_for(plan.way))
        steps = self._settings.steps(len(lesson.labels))
        try:
            with reporter.task(f"{plan.way}, seed {plan.seed}", steps) as advance:
                head = fine_tune(
                    self._tower,
                    self._head,
                    lesson,
                    self._settings,
                    seed=plan.seed,
                    advance=advance,
                )
            result = RunResult(plan.way, plan.seed, self._hits(head), time.monotonic() - began)
            if weights is not None:
                write_weights(weights, self._tower.weights(), head, plan.fingerprint)
        finally:
            self._tower.restore()
        return result

    def _anchors_for(self, way: Way) -> Anchors | None:
        """Of a way; what the frozen tower gives for them is computed once."""
        if way == "plain":
            return None
        if way not in self._frozen:
            clean = way == "distill-clean"
            source = self._learned if clean else self._anchors
            frozen = self._tower.embed(source.rows, len(source))
            of_picture = [(row,) for row in range(len(source))] if clean else self._anchors_of
            self._frozen[way] = Anchors(None if clean else source.rows, frozen, of_picture)
        return self._frozen[way]

    def _hits(self, head: FloatArray) -> dict[str, str]:
        """Column to whether the tower of the moment names each picture's concept."""
        found = {}
        for name, pictures in self._pictures.items():
            named = (self._tower.embed(pictures.rows, len(pictures)) @ head.T).argmax(axis=1)
            found[str(name)] = "".join("01"[hit] for hit in (named == self._labels[name]).tolist())
        return found


def finished_run(files: RunFiles, plan: RunPlan, images: Mapping[str, int]) -> RunResult | None:
    """What a run came to before; None if it did not end, or its weights are wanted and not there.

    Args:
        files: Where it left something.
        plan: Which run.
        images: Column to the pictures it measured on.

    Raises:
        WorkspaceError: If its file was damaged.
    """
    path, weights = files.result(plan), files.weights(plan)
    if not path.exists():
        return None
    if weights is not None and not are_weights_of(weights, plan.fingerprint):
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["fingerprint"] != plan.fingerprint:
            raise ValueError("of another run")
        hits = {str(name): str(each) for name, each in found["hits"].items()}
        marks = {name: (len(each), set(each) <= {"0", "1"}) for name, each in hits.items()}
        if marks != {name: (count, True) for name, count in images.items()}:
            raise ValueError("of other pictures")
        return RunResult(plan.way, plan.seed, hits, float(found["seconds"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WorkspaceError(f"{path}: damaged; delete it and run the probe again") from error


def write_run(files: RunFiles, plan: RunPlan, result: RunResult) -> None:
    """Note that a run is finished."""
    content = {**asdict(result), "fingerprint": plan.fingerprint}
    write_atomically(files.result(plan), f"{canonical_json(content)}\n".encode())


def _labels(pictures: Sequence[ProbePicture]) -> npt.NDArray[np.int64]:
    return np.array([picture.label for picture in pictures], dtype=np.int64)
