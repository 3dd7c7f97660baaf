"""Embed the names of classes and concepts, all in the same phrases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.embeddings import FloatArray, normalized
from isekai_gen.executors import Control, ShardResult, WorkOnShard, run_shards
from isekai_gen.models.spec import Device, EncoderSpec, starter_folder
from isekai_gen.neighbors.imagenet import imagenet_prompts
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embedding_files import read_array, write_array
from isekai_gen.stages.workers import common_profile, for_engine
from isekai_gen.starter.prompts import starter_prompts


def name_prompts(name: str, spec: EncoderSpec) -> list[str]:
    """Phrases with a name; the mean of their embeddings stands for it.

    For the starter encoder, whose words are few: in every color, as its shipped reference set was
    made. For any other: open_clip's 80 prompts of ImageNet.
    """
    if spec.source == str(starter_folder("encoder")):
        return starter_prompts(name)
    return imagenet_prompts(name)


def embed_names(
    context: StageContext, spec: EncoderSpec, names: Sequence[str], out: Path
) -> FloatArray:
    """Embed names in a worker, into the file `out`.

    Returns:
        float32 [names, d], unit rows.
    """
    worker = _NamesWorker(out.resolve(), spec, tuple(names))
    devices = context.device_names()[:1]
    careful = for_engine(worker, context, common_profile(devices, "float32", context.engine))
    with context.reporter.task("Embedding class names", len(names)) as advance:
        run_shards(careful, [0], devices, advance, context.engine)
    return read_array(out)


@dataclass(frozen=True)
class _NamesWorker:
    """Embeds names in a worker process and writes them into a file."""

    out: Path
    spec: EncoderSpec
    names: tuple[str, ...]

    def setup(self, device_name: str) -> WorkOnShard:
        from isekai_gen.models.encoders import load_text_encoder

        encoder = load_text_encoder(self.spec, Device(device_name))

        def work_on(part: int, control: Control) -> ShardResult:
            rows = []
            for name in self.names:
                control.check()
                vectors = encoder.encode_texts(name_prompts(name, self.spec))
                rows.append(vectors.astype(np.float64).mean(axis=0))
                control.advance(1)
            write_array(self.out, normalized(np.stack(rows)))
            return ShardResult(part, {"names": len(rows)})

        return work_on
