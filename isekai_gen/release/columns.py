"""What is told of every image: the columns of metadata.jsonl, of Parquet and of Croissant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "whole", "real", "flag", "texts", "image", "images", "label"]
"""Text, 64-bit integer, float64, boolean, list of text, picture, pictures, number of a concept."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: As in the file.
        kind: What its values are.
        description: One sentence for people.
        nullable: Whether a value may be missing (null), as where nothing was measured.
    """

    name: str
    kind: Kind
    description: str
    nullable: bool = False


METADATA_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "Identity of the image: the first 20 digits of SHA-256 of its recipe."),
    Column("file_name", "text", "Path of the image, relative to the release."),
    Column("split", "text", "Split that the image belongs to."),
    Column("label", "label", "Number of the concept: its row in concepts.jsonl, from 0."),
    Column("concept", "text", "Slug of the concept."),
    Column("name", "text", "Name of the concept, for people."),
    Column("lcl_label", "text", "Name of the concept as the LCL manifests write it."),
    Column("kind", "text", "Whether the concept is fictional or real."),
    Column("group", "text", "Slug of the fictional concept that the image belongs to or beside."),
    Column("prompt", "text", "What was to be drawn."),
    Column("negative_prompt", "text", "What was not to be drawn."),
    Column("template", "text", "Prompt template, as in prompts/templates.yaml."),
    Column("seed", "whole", "Seed of the noise."),
    Column("row", "whole", "Row in the micro-batch; pixels depend on it."),
    Column("model", "text", "Image generator."),
    Column("revision", "text", "Commit of a generator from a hub."),
    Column("model_digest", "text", "SHA-256 over the generator's files."),
    Column("pipeline", "text", "Class of the diffusers pipeline."),
    Column("scheduler", "text", "Class of the scheduler."),
    Column("scheduler_config_digest", "text", "SHA-256 over the scheduler's configuration."),
    Column("num_inference_steps", "whole", "Denoising steps."),
    Column("guidance_scale", "real", "Scale of classifier-free guidance."),
    Column("width", "whole", "Pixels."),
    Column("height", "whole", "Pixels."),
    Column("dtype", "text", "Number format of the networks."),
    Column("micro_batch_size", "whole", "Images drawn in one step."),
    Column("profile", "text", "Digest of versions and device, as in provenance/environment.json."),
    Column("adapters", "texts", "LoRAs and other VAEs, with weight and digest."),
    Column("reproducible", "flag", "Whether the same recipe was promised to give these pixels."),
    Column("bytes", "whole", "Size of the file."),
    Column("sha256", "text", "SHA-256 of the file."),
    Column("pixel_sha256", "text", "SHA-256 of mode, size and pixels as drawn."),
    Column("safety_flagged", "flag", "What the generator's safety checker said.", nullable=True),
    Column(
        "alignment",
        "real",
        "Similarity to its own concept's text, less that to the nearest other concept's.",
        nullable=True,
    ),
    Column("nearest_class", "text", "Real class it is most like, or empty if not measured."),
    Column(
        "class_margin",
        "real",
        "Similarity to that class, less that to its own concept's text.",
        nullable=True,
    ),
    Column("nearest_reference", "text", "Real image it is most like, or empty if not measured."),
    Column(
        "reference_similarity", "real", "Similarity to that image; 1 for equal ones.", nullable=True
    ),
    Column(
        "max_similarity",
        "real",
        "Similarity to the most similar other image of this release; null below what was listed.",
        nullable=True,
    ),
    Column(
        "duplicate_group", "text", "Least id of the images that near-duplicate links join it to."
    ),
    Column("digital_source_type", "text", "IPTC's term for how the picture came to be."),
)
"""In the order of the file. `label` is an integer there and a ClassLabel in Parquet."""

REJECTED_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "Identity of the image."),
    Column("concept", "text", "Slug of its concept."),
    Column("by", "text", 'Name of the filter that dropped it, or "person".'),
    Column("reason", "text", "Why, in one word."),
    Column("measured", "real", "What was measured.", nullable=True),
    Column("limit", "real", "What it was held against.", nullable=True),
    Column("witness", "text", "Kept image on whose account it was dropped, or empty."),
    Column("witness_file_name", "text", "Path of that image, or empty."),
    Column("reference", "text", "Real class or image that is the evidence, or empty."),
    Column("tier", "text", "Comparison that found the witness, or empty."),
)
"""Of rejected.jsonl."""
