"""Tables of isekai.toml on curation: what looks at the images, and the limits of every filter.

A limit that is None is the calibrated one where `isekai-gen calibrate` has set it, and otherwise
the default that the filter's stage documents.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isekai_gen.settings.section import STARTER, Positive, Section, Share, Similarity

Tier = Literal["exact", "perceptual", "semantic", "extra"]
TIERS: tuple[Tier, ...] = ("exact", "perceptual", "semantic", "extra")
SearchMode = Literal["exact", "approximate", "auto"]
Radius = Annotated[int, Field(ge=0, le=31)]


class EmbedSettings(Section):
    """[embed]: which encoder looks at the images.

    Attributes:
        encoder: "starter", ARCH/TAG of OpenCLIP, or a local folder.
    """

    encoder: str = STARTER


class PictureCheckSettings(Section):
    """[picture_check]: which pictures are no use, whatever they show.

    Attributes:
        min_short_side: Fewest pixels of the short side; None for no limit.
        min_contrast: Lowest standard deviation of the gray levels, of 255; below it a picture
            counts as blank.
        max_text: Highest share of the picture that may look like text or a watermark; None for
            no limit.
    """

    min_short_side: Positive | None = None
    min_contrast: Annotated[float, Field(ge=0, le=128)] = 4.0
    max_text: Share | None = None


class NameOverlapSettings(Section):
    """[name_overlap]: when a fictional concept has the name of a real class.

    Attributes:
        max_similarity: Highest text similarity to a class's name; above it people look.
    """

    max_similarity: Similarity = 0.9


class ReferenceCopySettings(Section):
    """[reference_copy]: when a fictional image is a copy of a real one.

    Attributes:
        references: Reference sets with images, in references/ or folders.
        max_similarity: Highest similarity to an image of them.
        review_similarity: From here up to the limit people look.
    """

    references: tuple[str, ...] = ()
    max_similarity: Similarity | None = None
    review_similarity: Similarity | None = None


class ClassOverlapSettings(Section):
    """[class_overlap]: when a fictional image shows a real class.

    Attributes:
        reference: Reference set in references/, or a folder; None for the encoder's default.
        max_margin: Highest excess of a class's similarity over the concept's own.
        own_quantile: Quantile of the class's own images that an overlapping image must reach.
    """

    reference: str | None = None
    max_margin: float = 0.0
    own_quantile: Share = 0.25


class AlignmentSettings(Section):
    """[alignment]: how much more like its own concept than like any other an image must be.

    Attributes:
        min_margin: Lowest excess of the similarity to the own concept's text over that to the
            most similar other concept's; None keeps all and only measures.
    """

    min_margin: Annotated[float, Field(ge=-2, le=2)] | None = None


class NearDuplicateSettings(Section):
    """[near_duplicate]: how alike two kept images may be.

    Attributes:
        tiers: Which comparisons are made; "extra" needs `extra_encoder`.
        within: Which pairs are compared.
        max_similarity: Semantic: kept images are pairwise at or below this cosine similarity.
        review_similarity: Semantic: pairs above it, up to the limit, are for people.
        relative_quantile: Semantic: a pair of one concept must also lie above this quantile of the
            concept's own pairs; None for the absolute limit alone.
        radius: Perceptual: pictures whose hashes differ in at most this many of 64 bits, and whose
            thumbnails confirm it once aligned, are duplicates.
        review_radius: Perceptual: confirmed pairs up to this many bits are for people.
        extra_encoder: A further encoder, such as a copy-detection model: a folder of OpenCLIP or
            timm, or a TorchScript file (a program: name only one you trust).
        extra_max_similarity: Extra: as `max_similarity`.
        extra_review_similarity: Extra: as `review_similarity`.
        mode: How pairs are searched; "auto" chooses by size, hardware and time.
        min_recall: Share of the pairs that an approximate search must find.
    """

    tiers: tuple[Tier, ...] = ("exact", "perceptual", "semantic")
    within: Literal["concept", "group", "all"] = "all"
    max_similarity: Similarity | None = None
    review_similarity: Similarity | None = None
    relative_quantile: Share | None = None
    radius: Radius | None = None
    review_radius: Radius | None = None
    extra_encoder: str | None = None
    extra_max_similarity: Similarity | None = None
    extra_review_similarity: Similarity | None = None
    mode: SearchMode = "exact"
    min_recall: Annotated[float, Field(gt=0, lt=1)] = 0.98
