"""Embed the generated images, and the text of each concept's own appearance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.executors import Worker, run_shards
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.models.encoder_batches import BATCH_ROWS
from isekai_gen.models.encoder_files import encoder_library, identify_encoder
from isekai_gen.models.encoder_kinds import encoder_kind, require_text_side
from isekai_gen.models.paths import local_path
from isekai_gen.models.spec import EncoderSpec, starter_folder
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.prompts.pattern import article_for
from isekai_gen.records import Concept
from isekai_gen.settings import STARTER
from isekai_gen.shards import read_marker
from isekai_gen.stages.context import StageContext, require_plan
from isekai_gen.stages.decoding_ahead import decode_threads
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.embed_shard import CONCEPT_TEXTS, EmbedWorker
from isekai_gen.stages.embed_words import ConceptWords
from isekai_gen.stages.embedding_files import (
    ImageEmbeddings,
    are_whole,
    concept_files,
    concepts_stage,
    embed_stage,
    read_embeddings,
    shard_files,
)
from isekai_gen.stages.fingerprints import fingerprint_of, forget_stage, is_current
from isekai_gen.stages.workers import common_profile, for_engine
from isekai_gen.starter.prompts import starter_prompts
from isekai_gen.workspace import Workspace

_FRAMES = ("{}", "a photo of {}", "a picture of {}", "a drawing of {}")


@dataclass(frozen=True)
class EmbedReport:
    """What there is after embedding.

    Attributes:
        encoder: The encoder's label.
        digest: Its identity.
        embedded: Images with an embedding.
        failures: Image id to why it has none.
        worked: Whether anything was left to do.
    """

    encoder: str
    digest: str
    embedded: int
    failures: Mapping[str, str]
    worked: bool


def encoder_spec(encoder: str) -> EncoderSpec:
    """Which encoder a name means: the starter, a local folder or file, or ARCH/TAG."""
    if encoder == STARTER:
        return EncoderSpec(str(starter_folder("encoder")), STARTER)
    path = local_path(encoder)
    if path.is_dir():
        return EncoderSpec(str(path.resolve()), path.resolve().name)
    if path.is_file():
        return EncoderSpec(str(path.resolve()), path.resolve().stem)
    return EncoderSpec(encoder, encoder)


def main_encoder_spec(encoder: str) -> EncoderSpec:
    """As `encoder_spec`, for the main encoder, which has to read text, too.

    Raises:
        ModelError: If it reads none, or is a path where no encoder lies.
    """
    spec = encoder_spec(encoder)
    require_text_side(spec)
    return spec


def own_prompts(concept: Concept, *, for_starter: bool) -> list[str]:
    """Prompts that describe a concept's own appearance; their mean stands for the concept.

    For the starter encoder, whose words are few: its short form, and that in every color. For any
    other: its short form in a few frames, and its description.
    """
    phrase = f"{article_for(concept.short)} {concept.short}"
    if for_starter:
        return starter_prompts(concept.short)
    return [*(frame.format(phrase) for frame in _FRAMES), concept.description]


def embed(context: StageContext, encoder: str | None = None) -> EmbedReport:
    """Embed what has no embedding yet, or whose records changed since.

    The caller holds the workspace's lock.

    Args:
        context: The workspace.
        encoder: Another encoder than that of the settings, which do not remember it as theirs.

    Raises:
        ModelError: If the encoder cannot be found or loaded.
        StaleShardError: If images were embedded by another encoder of this name, or under
            another profile, and `context.force` is not set.
    """
    workspace = context.workspace
    require_plan(workspace)
    main = encoder is None
    name = context.settings.embed.encoder if encoder is None else encoder
    spec = main_encoder_spec(name) if main else encoder_spec(name)
    digest = identify_encoder(spec)
    devices = context.device_names()
    words = _words(workspace, name) if encoder_kind(spec) == "open_clip" else None
    profile = common_profile(devices, "float32", context.engine)
    inputs = _Inputs(spec, digest, profile, words)
    fingerprints = _fingerprints(workspace, inputs)
    if context.force:
        _forget_other_settings(workspace, spec.label, fingerprints)
    todo = [part for part in fingerprints if not _is_done(context, spec.label, part, fingerprints)]
    if main:
        context.remember_settings("embed")
    if todo:
        threads = decode_threads(context, devices, len(todo))
        worker = EmbedWorker(workspace.root.resolve(), spec, fingerprints, words, threads)
        _run(context, for_engine(worker, context, profile), todo, devices)
    embeddings = read_embeddings(workspace, spec.label, digest)
    return EmbedReport(
        spec.label, digest, len(embeddings.table), embeddings.failures, worked=bool(todo)
    )


@dataclass(frozen=True)
class _Inputs:
    """What embeddings depend on, beside the records.

    Attributes:
        spec: The encoder.
        digest: Its identity.
        profile: Of the machines that embed.
        words: What is embedded of the concepts, if the encoder reads text.
    """

    spec: EncoderSpec
    digest: str
    profile: Mapping[str, str]
    words: ConceptWords | None


def _words(workspace: Workspace, encoder: str) -> ConceptWords:
    concepts = load_catalog(workspace.catalog_file).concepts
    return ConceptWords(
        {each.slug: own_prompts(each, for_starter=encoder == STARTER) for each in concepts},
        {each.slug: each.name for each in concepts if each.kind == "fictional"},
    )


def load_embeddings(context: StageContext, report: EmbedReport) -> ImageEmbeddings:
    """The embeddings that a report speaks of."""
    return read_embeddings(context.workspace, report.encoder, report.digest)


def _run(
    context: StageContext, worker: Worker, parts: Sequence[int], devices: Sequence[str]
) -> None:
    total = sum(
        sum(record.generated for record in read_drawn_part(context.workspace, part))
        for part in parts
        if part != CONCEPT_TEXTS
    )
    with context.reporter.task("Embedding images", total) as advance:
        results = run_shards(worker, parts, devices, advance, context.engine)
    for message in (message for result in results for message in result.messages):
        context.reporter.note(message)


def _fingerprints(workspace: Workspace, inputs: _Inputs) -> dict[int, str]:
    """Part to what its embeddings depend on: encoder and profile, and the shard's records."""
    settings = {
        "encoder": inputs.digest,
        **encoder_library(inputs.spec),
        "profile": inputs.profile,
        "batch_rows": BATCH_ROWS[inputs.profile["device"]],
    }
    parts: dict[int, str] = {}
    if inputs.words is not None:
        parts[CONCEPT_TEXTS] = digest_of([inputs.words.own_prompts, inputs.words.names])
    for part in workspace.parts("records"):
        parts[part] = file_sha256(workspace.part("records", part))
    return {part: fingerprint_of(settings, value) for part, value in parts.items()}


def _is_done(context: StageContext, label: str, part: int, fingerprints: Mapping[int, str]) -> bool:
    workspace = context.workspace
    of_texts = part == CONCEPT_TEXTS
    stage = concepts_stage(label) if of_texts else embed_stage(label)
    if not is_current(workspace, stage, max(part, 0), fingerprints[part]):
        return False
    files = concept_files(workspace, label) if of_texts else shard_files(workspace, label, part)
    marker = read_marker(workspace, stage, max(part, 0))
    if marker is None or not are_whole(files, marker):
        context.reporter.note(f"{files[0]} or its ids are missing or damaged: embedded again")
        return False
    return of_texts or not _has_failures(workspace, label, part)


def _has_failures(workspace: Workspace, label: str, part: int) -> bool:
    """Whether images of a shard could not be opened; they may have been restored since."""
    return workspace.part(workspace.embeddings(label), part, ".failed.jsonl").exists()


def _forget_other_settings(
    workspace: Workspace, label: str, fingerprints: Mapping[int, str]
) -> None:
    """With --force-stage: what another encoder or profile made is made again."""
    for stage in (embed_stage(label), concepts_stage(label)):
        for part in workspace.parts(f"done/{stage}", ".json"):
            key = CONCEPT_TEXTS if stage == concepts_stage(label) else part
            marker = read_marker(workspace, stage, part)
            if marker is not None and marker.fingerprint != fingerprints.get(key):
                forget_stage(workspace, stage)
                break
