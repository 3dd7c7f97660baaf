"""The part of the card that tells how the images were drawn."""

from __future__ import annotations

from collections import Counter

from isekai_gen.records import Provenance
from isekai_gen.release.documents.card_markdown import code, counted, plain, table
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import ENVIRONMENT_FILE, PROMPTS_FILE, TEMPLATES_FILE

_MAX_WAYS = 20


def making_section(facts: ReleaseFacts) -> str:
    """Generators and their settings, prompts, and whether pixels can be made again."""
    # Batch sizes and machines are left out here, so ways that differ in these alone count as one.
    ways = Counter(_way(image.record.provenance) for image in facts.images)
    rows = [(*way, f"{images:,}") for way, images in ways.most_common(_MAX_WAYS)]
    parts = [
        "## How it was made",
        "Every image was drawn by a text-to-image model from a prompt alone.",
        table(
            ("generator", "pipeline and scheduler", "steps:", "guidance:", "pixels", "images:"),
            rows,
        ),
    ]
    if len(ways) > _MAX_WAYS:
        parts.append(
            f"The {_MAX_WAYS} most frequent of {len(ways)} ways; `metadata.jsonl` has all."
        )
    parts += [*_adapters(facts), _prompts(facts), _reproducibility(facts)]
    return "\n\n".join(parts)


def _way(way: Provenance) -> tuple[str, ...]:
    revision = f" at {code(way.revision[:12])}" if way.revision else ""
    return (
        f"{code(way.model)}{revision}, weights {code(way.model_digest[:12])}, {code(way.dtype)}",
        f"{plain(way.pipeline)}, {plain(way.scheduler)}",
        str(way.num_inference_steps),
        f"{way.guidance_scale:g}",
        f"{way.width} x {way.height}",
    )


def _adapters(facts: ReleaseFacts) -> list[str]:
    used = sorted({name for each in facts.images for name in each.record.provenance.adapters})
    return [f"Adapters: {', '.join(map(code, used))}."] if used else []


def _prompts(facts: ReleaseFacts) -> str:
    text = (
        f"Prompts come from the templates in `{TEMPLATES_FILE}`; `{PROMPTS_FILE}` has every prompt "
        "that was drawn, also of images that failed or were dropped."
    )
    fictional = [image for image in facts.images if image.concept.kind == "fictional"]
    if not fictional:
        return text
    example = fictional[0]
    return f"{text} For example, {code(example.path)}:\n\n> {plain(example.record.planned.prompt)}"


def _reproducibility(facts: ReleaseFacts) -> str:
    promised = sum(image.record.provenance.reproducible for image in facts.images)
    whole = counted(len(facts.images), "image")
    which = f"all {whole}" if promised == len(facts.images) else f"{promised:,} of {whole}"
    return (
        f"For {which}, the same recipe (prompt, seed, row and settings in `metadata.jsonl`) is "
        "promised to give the same pixels on a machine with the versions of "
        f"`{ENVIRONMENT_FILE}`: `pixel_sha256` tells."
    )
