"""lcl-test: rows of test classes, each with support images and the rest as queries.

Rows 2k and 2k + 1 are each other's negative. The order of images is a seeded shuffle, and stays as
written: upstream takes the first `shot` of `context_samples`, and the first `sample_per_class` of
`test_samples`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isekai_gen.manifests.lcl_labels import pair_classes
from isekai_gen.manifests.lcl_split import LclClass, LclNumbers
from isekai_gen.manifests.upstream_draws import draw


def build_test_rows(
    test: Sequence[LclClass], labels: Mapping[str, str], numbers: LclNumbers
) -> list[dict[str, Any]]:
    """Two rows for every pair of test classes.

    Args:
        test: The test classes, even in number.
        labels: Key to label, of all test classes (see `label_classes`).
        numbers: How many context images, and the seed.

    Raises:
        ManifestError: If the classes cannot be paired.
    """
    rows = []
    for pair in pair_classes(test, labels):
        for each in pair:
            shuffled = draw(numbers.seed, f"test {each.key}", each.images, len(each.images))
            rows.append(
                {
                    "class_id": each.class_id,
                    "class_name": labels[each.key],
                    "context_samples": shuffled[: numbers.context],
                    "test_samples": shuffled[numbers.context :],
                }
            )
    return rows
