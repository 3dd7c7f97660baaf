"""What an encoder makes of words: the concepts' own texts and names, and images' prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import FloatArray, normalized
from isekai_gen.models.encoder_protocols import TextEncoder
from isekai_gen.models.spec import EncoderSpec
from isekai_gen.neighbors.similarity import ScoreArray, pair_similarities
from isekai_gen.stages.embedding_files import name_row
from isekai_gen.stages.reference_names import name_prompts


@dataclass(frozen=True)
class ConceptWords:
    """What stands for the concepts in words.

    Attributes:
        own_prompts: Concept slug to the prompts that describe its own appearance.
        names: Fictional concept slug to its name.
    """

    own_prompts: Mapping[str, Sequence[str]]
    names: Mapping[str, str]


def concept_rows(
    words: ConceptWords, spec: EncoderSpec, encoder: TextEncoder
) -> tuple[list[str], FloatArray]:
    """Each concept's own text, and its name: the normalized mean of its prompts' embeddings.

    Returns:
        What the rows are called, and the rows, float32 [n, d].
    """
    prompts = {
        **words.own_prompts,
        **{name_row(slug): name_prompts(name, spec) for slug, name in words.names.items()},
    }
    means = [
        encoder.encode_texts(list(texts)).astype(np.float64).mean(axis=0)
        for texts in prompts.values()
    ]
    return list(prompts), normalized(np.stack(means))


def prompt_similarities(
    vectors: FloatArray, prompts: Sequence[str], encoder: TextEncoder
) -> ScoreArray:
    """Similarity of each image to its own prompt; a prompt of many images is embedded once.

    Args:
        vectors: float32 [n, d], of the images.
        prompts: Of the images.
        encoder: Of both.

    Returns:
        float64 [n].
    """
    row_of = {prompt: row for row, prompt in enumerate(dict.fromkeys(prompts))}
    rows = np.array([row_of[prompt] for prompt in prompts], dtype=np.int64)
    return pair_similarities(vectors, encoder.encode_texts(list(row_of))[rows])
