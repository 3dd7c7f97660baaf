"""Judge fictional images by their overlap with real classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.executors import Control, ShardResult, WorkOnShard, run_shards
from isekai_gen.filters.base import ImageFilter
from isekai_gen.models.spec import Device, Encoder, EncoderSpec, starter_folder
from isekai_gen.neighbors.imagenet import imagenet_classes, imagenet_prompts
from isekai_gen.neighbors.reference import (
    ReferenceClass,
    ReferenceSet,
    build_reference,
    load_reference,
    reference_digest,
    save_reference,
)
from isekai_gen.settings import STARTER, ClassOverlapSettings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import (
    dropped_before,
    gather_facts,
    make_filter,
    with_context,
)
from isekai_gen.stages.embed import EmbedReport, encoder_spec
from isekai_gen.stages.judging import VerdictReport, decide, judge_by_records
from isekai_gen.stages.workers import common_profile, for_engine
from isekai_gen.workspace import Workspace

FILTER = "class_overlap"
IMAGENET_TEXT = "imagenet-1k-text"


def overlap_filter(settings: ClassOverlapSettings) -> ImageFilter:
    """The class-overlap filter with its limits; InputError if one is out of range."""
    limits = {"max_margin": settings.max_margin, "own_quantile": settings.own_quantile}
    return make_filter(FILTER, limits)


def judge_overlap(context: StageContext) -> VerdictReport:
    """Verdicts of the class-overlap filter and of those by records; embeds first if needed.

    The caller holds the workspace's lock.

    Raises:
        InputError: If limits are out of range, or the reference set is of another encoder.
    """
    judging = overlap_filter(context.settings.class_overlap)
    facts = gather_facts(context)
    judge_by_records(context, facts)
    reference = open_reference(context, facts.embedded)
    facts = with_context(
        facts,
        reference=reference,
        already_dropped=dropped_before(facts, context.workspace, FILTER),
    )
    inputs = {"reference": reference_digest(reference), "encoder": facts.embedded.digest}
    report = decide(context, facts, judging, inputs)
    context.remember_settings("class_overlap")
    return report


def open_reference(context: StageContext, embedded: EmbedReport) -> ReferenceSet:
    """The reference set that settings name, or the encoder's default one.

    The default is the shipped set for the starter encoder, and the names of the ImageNet-1k
    classes for any other; these are embedded once, into references/.

    Raises:
        InputError: If there is no such set, or another encoder made it.
    """
    named = context.settings.class_overlap.reference
    if named is None and context.settings.embed.encoder == STARTER:
        folder = starter_folder("reference")
    else:
        folder = _folder(context.workspace, named, embedded)
        if named in (None, IMAGENET_TEXT) and not (folder / "reference.json").exists():
            _embed_imagenet(context, embedded, folder)
    reference = load_reference(folder)
    if reference.encoder != embedded.digest:
        raise InputError(
            f"reference set {folder} was made with another encoder ({reference.encoder[:12]}, "
            f"not {embedded.digest[:12]} of {embedded.encoder!r}); make it again with this one, "
            "or name another --reference"
        )
    return reference


def _folder(workspace: Workspace, named: str | None, embedded: EmbedReport) -> Path:
    if named is None or named == IMAGENET_TEXT:
        # One set for each encoder: the name of the folder carries the encoder's digest.
        return workspace.reference(f"{IMAGENET_TEXT}-{embedded.digest[:12]}")
    path = Path(named)
    if path.is_dir():
        return path
    folder = workspace.reference(named)
    if not folder.is_dir():
        raise InputError(f"no reference set {named!r}: neither {path} nor {folder} is a folder")
    return folder


@dataclass(frozen=True)
class _ClassNamesWorker:
    """Embeds ImageNet's class names in a worker process and saves the reference set."""

    folder: Path
    spec: EncoderSpec
    digest: str

    def setup(self, device_name: str) -> WorkOnShard:
        from isekai_gen.models.encoders import load_encoder

        encoder = load_encoder(self.spec, Device(device_name))

        def work_on(part: int, control: Control) -> ShardResult:
            classes = imagenet_classes()
            rows = []
            for entry in classes:
                control.check()
                rows.append(_class_vector(encoder, entry))
                control.advance(1)
            reference = build_reference(IMAGENET_TEXT, self.digest, classes, np.stack(rows), {})
            control.check()
            save_reference(self.folder, reference)
            return ShardResult(part, {"classes": len(classes)})

        return work_on


def _class_vector(encoder: Encoder, entry: ReferenceClass) -> np.ndarray:
    """Mean over the embeddings of a class's prompts, float64 [d], not normalized."""
    return np.asarray(
        encoder.encode_texts(imagenet_prompts(entry.name)).astype(np.float64).mean(axis=0)
    )


def _embed_imagenet(context: StageContext, embedded: EmbedReport, folder: Path) -> None:
    spec = encoder_spec(context.settings.embed.encoder)
    worker = _ClassNamesWorker(folder.resolve(), spec, embedded.digest)
    devices = context.device_names()[:1]
    careful = for_engine(worker, context, common_profile(devices, "float32", context.engine))
    classes: Sequence[ReferenceClass] = imagenet_classes()
    with context.reporter.task("Embedding ImageNet's class names", len(classes)) as advance:
        run_shards(careful, [0], devices, advance, context.engine)
