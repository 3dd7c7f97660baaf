"""The encoder that embeds classes, where it runs, and what its results depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.executors import Worker, run_shards
from isekai_gen.hashing import digest_of
from isekai_gen.models.encoder_batches import BATCH_ROWS
from isekai_gen.models.encoder_files import encoder_library, identify_encoder
from isekai_gen.models.spec import EncoderSpec
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.fingerprints import fingerprint_of
from isekai_gen.stages.workers import common_profile, for_engine
from isekai_gen.workspace import folder_name


@dataclass(frozen=True)
class ClassEncoder:
    """An encoder and where it runs.

    Attributes:
        context: Of the stage.
        spec: The encoder.
        identity: Its digest.
        devices: Where it runs.
        profile: Reproducibility profile of the machines.
    """

    context: StageContext
    spec: EncoderSpec
    identity: str
    devices: Sequence[str]
    profile: Mapping[str, str]

    def stage(self, folder: str, inputs: Any) -> str:  # noqa: ANN401 - any JSON value
        """A folder for each encoder, and within it one for each dataset or list of names."""
        encoder = f"{folder_name(self.spec.label)}-{self.identity[:8]}"
        return f"{folder}/{encoder}/{digest_of(inputs)[:12]}"

    def fingerprint(self, inputs: Any) -> str:  # noqa: ANN401 - any JSON value
        """Of a shard: encoder, versions and machine, and what goes in."""
        settings = {
            "encoder": self.identity,
            "profile": dict(self.profile),
            "batch_rows": BATCH_ROWS[self.profile["device"]],
            **encoder_library(self.spec),
        }
        return fingerprint_of(settings, inputs)

    def run(self, worker: Worker, title: str, sizes: Mapping[int, int]) -> None:
        """Have workers do shards; `sizes` has the steps of each."""
        context = self.context
        ready = for_engine(worker, context, self.profile)
        with context.reporter.task(title, sum(sizes.values())) as advance:
            run_shards(ready, list(sizes), self.devices, advance, context.engine)


def class_encoder(context: StageContext) -> ClassEncoder:
    """The encoder that the settings name.

    Raises:
        ModelError: If it cannot be found.
        StaleShardError: If the workers' machines differ.
    """
    spec = encoder_spec(context.settings.embed.encoder)
    devices = context.device_names()
    profile = common_profile(devices, "float32", context.engine)
    return ClassEncoder(context, spec, identify_encoder(spec), devices, profile)
