"""Everything that can be checked of a catalog before a picture is drawn: `concepts check --deep`.

The checks are those that proposals of engines go through (`proposals.checks`); here each finding
becomes a warning at its line. What the plain check (`concept_check`) tells of the same line under
the same code is told once, with the deep check's suggestion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.prompts.catalog import Catalog
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.proposals.catalog_text import proposals_of
from isekai_gen.proposals.checks import EntryChecks
from isekai_gen.proposals.checks_meaning import texts_to_embed
from isekai_gen.proposals.engine import EmbedTexts
from isekai_gen.settings import STARTER
from isekai_gen.stages.concept_check import CatalogWarning, check_catalog, warning_of
from isekai_gen.stages.embed import main_encoder_spec
from isekai_gen.stages.reporting import Reporter

_CHUNK = 64
# Measured on the 602 second names of ImageNet-1k's classes that share no word with the first: to
# the starter encoder, 7 % are nearest to their own class, and 0.2 % are above the limit.
_STARTER_NOTE = (
    "The starter encoder knows few words and finds no synonyms; to compare by meaning, pass "
    "--encoder ViT-B-32/laion2b_s34b_b79k"
)


@dataclass(frozen=True)
class DeepCheck:
    """What a deep check needs beside the catalog.

    Attributes:
        encoder: As `embed.encoder`: the starter, ARCH/TAG or a folder; it must read text.
        templates: Whose prompts must fit the text encoders; those shipped if None.
        reporter: Who is told of the progress.
    """

    encoder: str
    templates: TemplateSet | None
    reporter: Reporter


def check_catalog_deep(
    catalog: Catalog, path: Path, request: DeepCheck
) -> tuple[CatalogWarning, ...]:
    """All warnings, in the order of lines.

    A group is compared with those before it in the file: a pair is told once, at the later one.

    Args:
        catalog: As read from `path` by `load_catalog`.
        path: As the user named it.
        request: Encoder, templates, reporter.

    Raises:
        MissingDependencyError: If timm, which has ImageNet's names, is not installed.
        ModelError: If the encoder cannot be loaded, or reads no text.
    """
    imagenet = read_imagenet_names()
    proposals = proposals_of(catalog)
    embed = _embedded(request, texts_to_embed(imagenet, proposals))
    checks = EntryChecks(imagenet, embed, templates=request.templates)
    deep: list[CatalogWarning] = []
    with request.reporter.task("Checking groups", len(proposals)) as advance:
        for place, (group, proposal) in enumerate(zip(catalog.groups, proposals, strict=True)):
            findings = checks.findings(proposal, proposals[:place])
            deep += (warning_of(finding, group, catalog, str(path)) for finding in findings)
            advance(1)
    told = {(warning.line, warning.code) for warning in deep}
    plain = (one for one in check_catalog(catalog, path) if (one.line, one.code) not in told)
    return tuple(sorted([*plain, *deep], key=lambda warning: (warning.line, warning.code)))


def _embedded(request: DeepCheck, texts: Sequence[str]) -> EmbedTexts:
    """Embed texts once, with progress; what is returned finds them again."""
    from isekai_gen.models.encoders import load_text_encoder
    from isekai_gen.models.profile import available_devices

    if request.encoder == STARTER:
        request.reporter.note(_STARTER_NOTE)
    encoder = load_text_encoder(main_encoder_spec(request.encoder), available_devices()[0])
    row_of = {text: row for row, text in enumerate(texts)}
    vectors: list[FloatArray] = []
    with request.reporter.task("Embedding names and descriptions", len(texts)) as advance:
        for start in range(0, len(texts), _CHUNK):
            vectors.append(encoder.encode_texts(texts[start : start + _CHUNK]))
            advance(len(vectors[-1]))
    rows: FloatArray = np.concatenate(vectors)
    return lambda wanted: rows[[row_of[text] for text in wanted]]
