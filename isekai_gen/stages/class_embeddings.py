"""What stands for each class of a dataset: embeddings of its name and of its images' mean.

Everything is cached below neighbors/ of the workspace, by shards: a killed run goes on, and a shard
whose images, encoder or versions changed is done again. The dataset is only read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import InputError
from isekai_gen.models.encoder_kinds import encoder_kind, require_text_side
from isekai_gen.neighbors.class_features import ClassFeatures, Similarity
from isekai_gen.neighbors.image_classes import ImageClass
from isekai_gen.stages.class_embeddings_encoder import ClassEncoder, class_encoder
from isekai_gen.stages.class_embeddings_files import ClassImages, is_shard_done, text_file
from isekai_gen.stages.class_embeddings_means import embed_means
from isekai_gen.stages.class_embeddings_shard import ClassJob, NamesWorker
from isekai_gen.stages.class_folders import ClassFolder, drawn_images
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embedding_files import read_array
from isekai_gen.stages.fingerprints import forget_shard

IMAGES_PER_CLASS = 100
"""As many as Link-Context Learning takes the mean of."""
_SHARD_NAMES = 2048
_LEAST_CLASSES = 2
_TEXTS = "neighbors/class-texts"


def class_features(
    context: StageContext,
    classes: ClassFolder | Sequence[ImageClass],
    *,
    images_per_class: int = IMAGES_PER_CLASS,
    similarity: Similarity,
    seed: int = 0,
) -> ClassFeatures:
    """Embed classes; what is embedded already is not embedded again.

    The caller holds the workspace's lock. A class of whose images not one can be opened is left
    out, and said.

    Args:
        context: Whose encoder embeds.
        classes: A dataset, or classes for their names alone.
        images_per_class: Images of each class that its mean is over, at most.
        similarity: What the features are for. "lcl" takes means over embeddings as the encoder
            gives them, "cosine" over unit embeddings; for names alone it has to be "cosine".
        seed: Of the choice of images where a class has more.

    Raises:
        ModelError: If the encoder cannot be loaded, or reads no text where text is needed.
        InputError: If fewer than 2 classes are left, or "lcl" is asked of names alone.
        ChecksumError: If what was embedded before is damaged.
    """
    encoder = class_encoder(context)
    if not isinstance(classes, ClassFolder):
        if similarity == "lcl":
            raise InputError(
                "the similarity of Link-Context Learning needs images; "
                "use --similarity cosine for names alone"
            )
        text = embed_names(encoder, [entry.name for entry in classes])
        return ClassFeatures(tuple(classes), text, None, "text-only", encoder.identity)
    reads = encoder_kind(encoder.spec) == "open_clip"
    if similarity == "lcl":
        require_text_side(encoder.spec)
    chosen = [
        ClassImages(
            entry.key, drawn_images(classes.images[entry.key], entry.key, images_per_class, seed)
        )
        for entry in classes.classes
    ]
    rows, images = embed_means(encoder, classes.root, chosen, similarity)
    if len(rows) < _LEAST_CLASSES:
        raise InputError(
            f"{classes.root}: {len(rows)} class with images that can be used; {_LEAST_CLASSES} are "
            "needed"
        )
    left = tuple(classes.classes[row] for row in rows)
    names = [entry.name for entry in left]
    text_rows = embed_names(encoder, names) if reads else None
    return ClassFeatures(left, text_rows, images, similarity, encoder.identity)


def embed_names(encoder: ClassEncoder, names: Sequence[str]) -> FloatArray:
    """Embed bare names; what is embedded already is not embedded again.

    Returns:
        float32 [n, d], unit rows.

    Raises:
        ModelError: If the encoder reads no text.
    """
    require_text_side(encoder.spec)
    workspace = encoder.context.workspace
    stage = encoder.stage(_TEXTS, list(names))
    shards = {
        part: tuple(names[start : start + _SHARD_NAMES])
        for part, start in enumerate(range(0, len(names), _SHARD_NAMES))
    }
    files = {part: text_file(workspace, stage, part) for part in shards}
    prints = {part: encoder.fingerprint(list(shard)) for part, shard in shards.items()}
    todo = {
        part: shard
        for part, shard in shards.items()
        if not is_shard_done(workspace, stage, part, prints[part], [files[part]])
    }
    if todo:
        for part in todo:
            forget_shard(workspace, stage, part)
        job = ClassJob(workspace.root.resolve(), stage, encoder.spec, prints)
        sizes = {part: len(shard) for part, shard in todo.items()}
        encoder.run(NamesWorker(job, todo), "Embedding class names", sizes)
    return np.concatenate([read_array(files[part]) for part in shards])
