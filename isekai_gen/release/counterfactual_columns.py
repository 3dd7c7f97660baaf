"""What is told of every counterfactual sample: the columns of its metadata.jsonl and of Parquet."""

from __future__ import annotations

from isekai_gen.release.columns import Column
from isekai_gen.release.containers.parquet_images import IMAGE_COLUMN

COUNTERFACTUAL_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "Identity of the sample: the first 20 digits of SHA-256 of its recipe."),
    Column("file_name", "text", "Path of the sample, relative to counterfactuals/."),
    Column("split", "text", "Split of its source, and of its fillers."),
    Column("source", "text", "Id of the released image that it was made from."),
    Column("label", "label", "Number of the source's concept: its row in concepts.jsonl, from 0."),
    Column("concept", "text", "Slug of the source's concept."),
    Column("lcl_label", "text", "Name of that concept as the LCL manifests write it."),
    Column("answer", "text", 'The right answer now: lcl_label, or "not " and lcl_label.'),
    Column("label_stands", "flag", "Whether the concept is still the right answer."),
    Column("kept", "text", "What is left of the source: object or context."),
    Column("method", "text", "How the object was found; random for a control of equal area."),
    Column("area_from", "text", "Method whose mask a control has the area of, or empty."),
    Column("limit", "real", "Activation above which a place belongs to the object."),
    Column("mask_rate", "real", "Share of the picture that was replaced."),
    Column("refill", "text", "What stands there: none (gray), single, multi or inpaint."),
    Column("filler_source", "text", "Whom fillers were chosen from: same, other, counterpart."),
    Column("fillers", "texts", "Ids of the released images whose pixels stand there."),
    Column("seed", "whole", "Seed of a random mask and of the refill; 0 where none is drawn."),
    Column("width", "whole", "Pixels."),
    Column("height", "whole", "Pixels."),
    Column("sha256", "text", "SHA-256 of the file."),
    Column("pixel_sha256", "text", "SHA-256 of mode, size and pixels."),
)
"""In the order of the file."""
COUNTERFACTUALS_TABLE_COLUMNS: tuple[Column, ...] = (IMAGE_COLUMN, *COUNTERFACTUAL_COLUMNS)
"""Of the Parquet files below counterfactuals/."""
