"""The settings of one dataset: isekai.toml as a frozen, typed tree."""

from isekai_gen.settings.counterfactuals import CounterfactualSettings
from isekai_gen.settings.curation import (
    TIERS,
    AlignmentSettings,
    ClassOverlapSettings,
    EmbedSettings,
    NameOverlapSettings,
    NearDuplicateSettings,
    PictureCheckSettings,
    ReferenceCopySettings,
    SearchMode,
    Tier,
)
from isekai_gen.settings.generation import GenerateSettings
from isekai_gen.settings.packaging import ManifestSettings, NeighborSettings, ReleaseSettings
from isekai_gen.settings.section import STARTER
from isekai_gen.settings.tree import DEFAULT, Settings, read_settings

__all__ = [
    "DEFAULT",
    "STARTER",
    "TIERS",
    "AlignmentSettings",
    "ClassOverlapSettings",
    "CounterfactualSettings",
    "EmbedSettings",
    "GenerateSettings",
    "ManifestSettings",
    "NameOverlapSettings",
    "NearDuplicateSettings",
    "NeighborSettings",
    "PictureCheckSettings",
    "ReferenceCopySettings",
    "ReleaseSettings",
    "SearchMode",
    "Settings",
    "Tier",
    "read_settings",
]
