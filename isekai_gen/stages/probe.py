"""Fine-tune an encoder's image tower in three ways, and measure what each does to robustness.

The first way is cross-entropy on clean images; the others add feature distillation from the frozen
tower, on the same images or on counterfactual samples of them (arXiv 2303.03052). All have the same
images, batches, steps and seeds.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from isekai_gen.embeddings import FloatArray, normalized
from isekai_gen.errors import InputError
from isekai_gen.hashing import digest_of
from isekai_gen.models.finetune import TuneSettings
from isekai_gen.models.finetune_tower import TunableTower, load_tunable_tower
from isekai_gen.models.profile import reproducibility_profile
from isekai_gen.models.spec import Device
from isekai_gen.records import Concept
from isekai_gen.settings import STARTER
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.counterfactual_read import read_counterfactuals
from isekai_gen.stages.embed import encoder_spec, own_prompts
from isekai_gen.stages.probe_numbers import WAYS, RunResult, measured_of
from isekai_gen.stages.probe_report import ProbeReport, write_report
from isekai_gen.stages.probe_request import ProbeRequest
from isekai_gen.stages.probe_runs import ProbeRuns, RunFiles, RunPlan, finished_run, write_run
from isekai_gen.stages.probe_sets import (
    KeptImages,
    ProbePicture,
    ProbeSets,
    divide_for_probe,
    probe_splits,
)
from isekai_gen.stages.probe_style import choose_style
from isekai_gen.stages.release_measures_links import joined_duplicates, known_duplicates
from isekai_gen.stages.reporting import first_few
from isekai_gen.stages.selection import Selection, select
from isekai_gen.storage import storage_errors

_VERSION = 1


def probe(context: StageContext, request: ProbeRequest) -> ProbeReport:
    """Run what is not finished yet, and write the results.

    The caller holds the workspace's lock.

    Raises:
        InputError: If there are no counterfactual samples, or too few images to divide.
        ModelError: If the encoder cannot be loaded or trained.
        WorkspaceError: If a picture is no longer what was recorded, or a run's file is damaged.
        StorageError: If results cannot be written.
    """
    device = _device(context)
    selection = select(context)
    samples = read_counterfactuals(context.workspace)
    images = _kept_images(context, selection)
    other = choose_style(request.hold_out, images.records)
    release = context.settings.release
    splits = probe_splits(release, request.test_share)
    sets = divide_for_probe(images, samples, other, splits, release.split_seed)
    _tell(context, sets, list(images.label_of))
    encoder = request.encoder or context.settings.embed.encoder
    tower = load_tunable_tower(encoder_spec(encoder), device, request.dtype_on(device))
    texts = _concept_texts(tower, selection.catalog.concepts, for_starter=encoder == STARTER)
    settings = request.tune_settings(encoder)
    setting = {**_setting(tower, encoder, sets, settings), "other style": str(other)}
    profile = reproducibility_profile(device, tower.dtype)
    plans = _plans(request.seeds, digest_of([setting, _identity(sets, texts), profile]))
    done, repeated = _run_all(context, request, ProbeRuns(tower, texts, sets, settings), plans)
    report = ProbeReport(
        folder=request.out,
        setting={**setting, "seeds": list(request.seeds)},
        measured=measured_of(done),
        missing={str(column): why for column, why in sets.missing.items()},
        seconds=sum(run.seconds for run in done),
        repeated=repeated,
    )
    write_report(report)
    return report


def _device(context: StageContext) -> Device:
    names = context.device_names()
    if len(names) > 1 and context.devices:
        raise InputError(
            "--devices names more than one device, and a tower is trained on one; name it, as in "
            "--devices cuda:0"
        )
    return Device(names[0])


def _kept_images(context: StageContext, selection: Selection) -> KeptImages:
    kept = frozenset(selection.kept)
    records = [each for each in selection.records if each.image_id in kept]
    slugs = [concept.slug for concept in selection.catalog.concepts]
    if len({each.concept for each in records}) < 2:
        raise InputError(
            f"{context.workspace.root}: fewer than two concepts have kept images, so there is "
            "nothing to tell apart; run `isekai-gen topup` for more"
        )
    joined = joined_duplicates(context.workspace, selection, known_duplicates(context))
    label_of = {slug: number for number, slug in enumerate(slugs)}
    return KeptImages(context.workspace.root, records, joined, label_of)


def _tell(context: StageContext, sets: ProbeSets, slugs: Sequence[str]) -> None:
    """Say what is learned from, what is left out, and what cannot be measured."""
    anchored = sum(bool(each) for each in sets.anchors_of)
    context.reporter.note(
        f"{len(sets.train)} images to learn from; {anchored} of them have the {len(sets.anchors)} "
        "counterfactual samples to distill on"
    )
    for why, count in sets.left_out.items():
        if count:
            context.reporter.note(f"Not used: {count} {why}")
    learned = {picture.label for picture in sets.train}
    unseen = [slug for number, slug in enumerate(slugs) if number not in learned]
    if unseen:
        context.reporter.note(f"Concepts without an image to learn from: {first_few(unseen)}")


def _concept_texts(
    tower: TunableTower, concepts: Sequence[Concept], *, for_starter: bool
) -> FloatArray:
    """Each concept's own text: the normalized mean of its prompts, float32 [concepts, d]."""
    means = [
        tower.encoder.encode_texts(own_prompts(concept, for_starter=for_starter))
        .astype(np.float64)
        .mean(axis=0)
        for concept in concepts
    ]
    return normalized(np.stack(means))


def _setting(
    tower: TunableTower, encoder: str, sets: ProbeSets, settings: TuneSettings
) -> dict[str, Any]:
    """What numbers were measured with, for people and for the fingerprint of runs."""
    return {
        "encoder": encoder_spec(encoder).label,
        "encoder digest": tower.digest,
        "head": "zero-shot texts, then trained with the tower",
        "training images": len(sets.train),
        "counterfactual samples": len(sets.anchors),
        **{name.replace("_", " "): value for name, value in asdict(settings).items()},
        "steps": settings.steps(len(sets.train)),
        "device": tower.device.type,
        "arithmetic": tower.dtype,
        **{name: importlib.metadata.version(name) for name in ("torch", "open_clip_torch")},
    }


def _identity(sets: ProbeSets, texts: FloatArray) -> dict[str, Any]:
    """What tells the pictures and texts of one probe from those of another."""

    def named(pictures: Sequence[ProbePicture]) -> list[list[Any]]:
        return [[each.id, each.pixel_sha256, each.label] for each in pictures]

    return {
        "version": _VERSION,
        "train": named(sets.train),
        "anchors": named(sets.anchors),
        "measured": {name: named(found) for name, found in sets.measured.items()},
        "texts": hashlib.sha256(texts.tobytes()).hexdigest(),
    }


def _plans(seeds: Sequence[int], base: str) -> list[RunPlan]:
    """Seed by seed, so that a probe that is stopped has all ways of its first seeds."""
    return [RunPlan(way, seed, digest_of([base, way, seed])) for seed in seeds for way in WAYS]


def _run_all(
    context: StageContext, request: ProbeRequest, runs: ProbeRuns, plans: Sequence[RunPlan]
) -> tuple[list[RunResult], int]:
    """Results of the tower as loaded and of all runs, and how many were finished before."""
    files = RunFiles(request.out / "runs", request.save)
    for folder in filter(None, (files.runs, files.save)):  # before any run is spent
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    done, repeated = [runs.zero_shot()], 0
    for plan in plans:
        found = finished_run(files, plan, runs.images)
        if found is None:
            found = runs.run(plan, files.weights(plan), context.reporter)
            write_run(files, plan, found)
        else:
            repeated += 1
        done.append(found)
    return done, repeated
