"""Tables of isekai.toml on what is written from the kept images."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isekai_gen.settings.section import Positive, Section


class NeighborSettings(Section):
    """[neighbors]: neighbor tables.

    Attributes:
        nearest: Classes in the nearest table, per concept.
        bins: Ranks in the rank-stratified table, per concept.
        similarity: What ranks go by: "lcl", the class similarity of Link-Context Learning, or
            "cosine"; None for the first where there are texts and images, else the second.
        images_per_class: Images that the mean of a class of --imagenet is over, at most.
    """

    nearest: Positive = 10
    bins: Positive = 10
    similarity: Literal["lcl", "cosine"] | None = None
    images_per_class: Positive = 100


class ManifestSettings(Section):
    """[manifest]: few-shot manifests.

    Attributes:
        shots: Support images per side; None for the most that every group can give, up to 16.
        seed: Seed of the support sets, and of the split and the draws of lcl-train and lcl-test.
        samples: Training images per class in lcl-train.
        neighbors: Neighbor classes per class in lcl-train, one from each stretch of ranks.
        context: Support images per class in lcl-test.
        test_classes: Classes in lcl-test, an even number; None for 100, or of fewer than 1,000
            classes for one tenth.
    """

    shots: Positive | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    samples: Positive = 36
    neighbors: Positive = 36
    context: Positive = 32
    test_classes: Positive | None = None


class EpisodeSettings(Section):
    """[episodes]: training episodes. Ablations belong to one file, so they are options only.

    Attributes:
        strategy: How shots are drawn, as in Link-Context Learning; "mix" adds other tasks' lines.
        count: Lines of the file.
        seed: Of all draws.
        ways: Classes in an episode.
        shots: Support images per label; the most where a strategy varies them.
        relabel: Whose names are replaced by random words.
    """

    strategy: Literal["2-way", "2-way-random", "2-way-weight", "mix"] = "2-way"
    count: Positive = 1000
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    ways: Annotated[int, Field(ge=2)] = 2
    shots: Annotated[int, Field(ge=0)] = 16
    relabel: Literal["positive", "all", "none"] = "positive"


class ReleaseSettings(Section):
    """[release]: how the package is called.

    Attributes:
        name: Name of the dataset; None for that of the catalog.
        version: Version of the dataset.
        license: Identifier of the dataset's license, as the Hugging Face Hub writes it.
        license_file: Full text of a license that is not shipped here.
        profile: How images travel: Parquet and loose files, loose files, or tar shards.
        loose_images: Whether the hub profile has images/ beside Parquet.
        splits: "NAME=SHARE", shares adding up to 1; evaluation images are "test" by default.
        split_by: What is never divided between splits: a group of concepts, or only sets of
            near-duplicates.
        split_seed: Of the division.
        pair_shots: Support images embedded on each side of a row of the pairs table; None for 2,
            or 0 where that would take more than a gigabyte.
        embeddings: Whether the embeddings of kept and dropped images are released, so that
            similarities can be checked.
        counterfactuals: Whether counterfactual samples are released, apart from the images, if
            there are any.
    """

    name: str | None = None
    version: str = "1.0.0"
    license: str = "cc0-1.0"
    license_file: str | None = None
    profile: Literal["hub", "files", "webdataset"] = "hub"
    loose_images: bool = True
    splits: tuple[str, ...] = ("test=1",)
    split_by: Literal["group", "image"] = "group"
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    pair_shots: Annotated[int, Field(ge=0)] | None = None
    embeddings: bool = False
    counterfactuals: bool = True
