"""Draw groups into a scratch workspace and judge their images; what was drawn is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.records import Verdict
from isekai_gen.settings import Settings
from isekai_gen.stages.context import StageContext, locked_context
from isekai_gen.stages.curate import read_verdicts
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.embedding_files import read_embeddings
from isekai_gen.stages.generate import GenerateRequest, generate
from isekai_gen.stages.overlap import judge_overlap
from isekai_gen.stages.propose_look_measures import SeenConcept
from isekai_gen.stages.propose_request import LookRequest, ProposeRequest
from isekai_gen.stages.reporting import Reporter
from isekai_gen.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Drawn:
    """One scratch workspace.

    Attributes:
        concepts: Slug to its images; only those with at least two.
        verdicts: Filter to image id to verdict.
        concept_of: Image id to slug.
    """

    concepts: Mapping[str, SeenConcept]
    verdicts: Mapping[str, Mapping[str, Verdict]]
    concept_of: Mapping[str, str]


def draw_groups(
    request: ProposeRequest, look: LookRequest, root: Path, catalog: Path, reporter: Reporter
) -> None:
    """Generate, embed and judge the groups of a catalog in a workspace of their own.

    A workspace that a killed run left is finished, as any is.

    Raises:
        InputError: If not one image could be drawn.
        IsekaiGenError: As the stages.
    """
    template = StageContext(Workspace(root), Settings(), reporter, look.devices)
    with locked_context(root, _settings(request, look), template, must_exist=False) as context:
        drawn = generate(context, GenerateRequest(catalog=catalog, templates=request.templates))
        if not drawn.generated:
            raise InputError(
                f"not one of {drawn.failed} images could be drawn to look at; the reasons are in "
                f"{root}/records: choose another --model, or do without --look"
            )
        judge_overlap(replace(context, force=False))
        dedupe(replace(context, force=False))


def read_drawn(root: Path, encoder: str) -> Drawn:
    """What a scratch workspace holds.

    Raises:
        ChecksumError: If it is damaged.
    """
    workspace = Workspace(root)
    spec = encoder_spec(encoder)
    table = read_embeddings(workspace, spec.label, identify_encoder(spec)).table
    vector_of = dict(zip(table.ids, table.vectors, strict=True))
    records = [
        record
        for part in workspace.parts("records")
        for record in read_drawn_part(workspace, part)
        if record.generated
    ]
    ids_of: dict[str, list[str]] = {}
    for record in records:
        ids_of.setdefault(record.concept, []).append(record.image_id)
    return Drawn(
        concepts={
            slug: SeenConcept(slug, tuple(ids), np.stack([vector_of[key] for key in ids]))
            for slug, ids in ids_of.items()
            if len(ids) > 1
        },
        verdicts=read_verdicts(workspace),
        concept_of={record.image_id: record.concept for record in records},
    )


def _settings(request: ProposeRequest, look: LookRequest) -> dict[str, dict[str, Any]]:
    return {
        "generate": {
            "model": look.model,
            "images_per_concept": look.images_per_concept,
            "num_inference_steps": look.num_inference_steps,
            "seed": request.seed,
        },
        "embed": {"encoder": request.encoder},
    }
