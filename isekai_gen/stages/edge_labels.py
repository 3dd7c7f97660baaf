"""Which folder of edges/ holds the pairs of a tier."""

from __future__ import annotations

from isekai_gen.settings import Settings, Tier
from isekai_gen.stages.embed import encoder_spec


def edge_labels(settings: Settings) -> dict[Tier, str]:
    """Tier to the label that its pairs lie under; of the tiers that list pairs."""
    labels: dict[Tier, str] = {
        "perceptual": "perceptual",
        "semantic": encoder_spec(settings.embed.encoder).label,
    }
    if settings.near_duplicate.extra_encoder is not None:
        labels["extra"] = encoder_spec(settings.near_duplicate.extra_encoder).label
    return labels
