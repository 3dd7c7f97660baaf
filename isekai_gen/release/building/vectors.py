"""embeddings/: what images were compared by, so that a reader can compare them again.

`images.npy` is a float32 matrix [n, d] of unit rows, row n being the image that line n of
`images.jsonl` names: every generated image, kept or dropped, by ascending id. The similarity of two
images is `neighbors.similarity.pair_similarities` of their rows, rounded to float32: exactly the
`measured` of a dropped image that has its witness from the tier "semantic".
"""

from __future__ import annotations

import numpy as np

from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.content import ReleaseContent
from isekai_gen.release.layout import VECTOR_IDS_FILE, VECTORS_FILE


def write_vectors(draft: ReleaseDraft, content: ReleaseContent) -> None:
    """Write both files, if embeddings are to be released.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    if content.vectors is None:
        return
    table = content.vectors.select(sorted(content.vectors.ids))
    with draft.stream(VECTORS_FILE) as file:
        np.lib.format.write_array(file, table.vectors, version=(1, 0), allow_pickle=False)
    kept = frozenset(content.kept)
    draft.write_lines(VECTOR_IDS_FILE, ({"id": each, "kept": each in kept} for each in table.ids))
